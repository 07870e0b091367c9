"""Transforms: they make examples, as they are read, into the columns that a network takes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from catpipe.nn.parameters import Array


def are_pixels(inputs: NDArray[Any]) -> bool:
    """Return whether inputs, (examples, ...), are pixels: `uint8`, or integers of three axes.

    >>> are_pixels(np.zeros((2, 784), np.uint8)), are_pixels(np.zeros((2, 30), int))
    (True, False)
    """
    return inputs.dtype == np.uint8 or (inputs.dtype.kind in "iu" and inputs.ndim >= 3)


def pixels(images: NDArray[Any], dtype: DTypeLike = np.float64) -> Array:
    """Return one column for each input: pixels divided by 255, other numbers as they are.

    images: (examples, ...), such as (examples, height, width, channels) -> (numbers, examples).

    >>> pixels(np.full((2, 1, 1, 3), 255, np.uint8)).shape
    (3, 2)
    >>> pixels(np.array([[0.5]]))
    array([[0.5]])
    """
    columns = images.reshape(len(images), -1).T
    return np.divide(columns, 255, dtype=dtype) if are_pixels(images) else columns.astype(dtype)
