"""Transforms: they make examples, as they are read, into the columns that a network takes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from catpipe.nn.parameters import Array


def pixels(images: NDArray[Any], dtype: DTypeLike = np.float64) -> Array:
    """Return one column for each picture: integers divided by 255, floats as they are.

    images: (examples, height, width, channels) -> (height * width * channels, examples).

    >>> pixels(np.full((2, 1, 1, 3), 255, np.uint8)).shape
    (3, 2)
    >>> pixels(np.array([[0.5]]))
    array([[0.5]])
    """
    columns = images.reshape(len(images), -1).T
    if images.dtype.kind == "f":
        return columns.astype(dtype)
    return np.divide(columns, 255, dtype=dtype)
