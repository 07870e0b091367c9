"""Transforms: from the examples as they are read to the columns that a network takes."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike, NDArray

from catpipe.nn.parameters import Array


def pixels(images: NDArray[np.uint8], dtype: DTypeLike = np.float64) -> Array:
    """Return one column a picture, (height * width * channels, examples), each number in [0, 1].

    >>> pixels(np.full((2, 1, 1, 3), 255, np.uint8)).shape
    (3, 2)
    """
    return np.divide(images.reshape(len(images), -1).T, 255, dtype=dtype)
