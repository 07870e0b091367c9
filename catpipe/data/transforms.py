"""Transforms: they make examples, as they are read, into the columns that a network takes."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike, NDArray

from catpipe.nn.parameters import Array


def pixels(images: NDArray[np.uint8], dtype: DTypeLike = np.float64) -> Array:
    """Return one column for each picture, each number divided by 255, so in [0, 1].

    images: (examples, height, width, channels) -> (height * width * channels, examples).

    >>> pixels(np.full((2, 1, 1, 3), 255, np.uint8)).shape
    (3, 2)
    """
    return np.divide(images.reshape(len(images), -1).T, 255, dtype=dtype)
