"""The two ends of a pipeline of transforms: examples become floats, and at last columns."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from catpipe.nn.arrays import Array


def are_pixels(inputs: NDArray[Any]) -> bool:
    """Return whether inputs, (examples, ...), are pixels: `uint8`, or integers of three axes.

    >>> are_pixels(np.zeros((2, 784), np.uint8)), are_pixels(np.zeros((2, 30), int))
    (True, False)
    """
    return inputs.dtype == np.uint8 or (inputs.dtype.kind in "iu" and inputs.ndim >= 3)


def hold_pixels(inputs: NDArray[Any]) -> bool:
    """Return whether inputs, (examples, ...), are pixels by type and values.

    A picture of `uint8` is, whatever it holds; a table of zeros and ones holds yes and no.

    >>> hold_pixels(np.eye(2, dtype=np.uint8)), hold_pixels(np.full((2, 2), 7, np.uint8))
    (False, True)
    """
    is_picture = inputs.dtype == np.uint8 and inputs.ndim > 2
    return are_pixels(inputs) and (is_picture or bool(inputs.max(initial=0) > 1))


def as_floats(inputs: NDArray[Any], dtype: DTypeLike = np.float64) -> Array:
    """Return inputs, (examples, ...), as floats of the same shape: pixels divided by 255.

    >>> as_floats(np.full((1, 1, 1, 3), 255, np.uint8)).tolist()
    [[[[1.0, 1.0, 1.0]]]]
    """
    return np.divide(inputs, 255, dtype=dtype) if are_pixels(inputs) else inputs.astype(dtype)


def as_rows(inputs: Array) -> Array:
    """Return inputs, (examples, ...), with all features of an example in one row.

    >>> as_rows(np.ones((2, 4, 4, 3))).shape
    (2, 48)
    """
    return inputs.reshape(len(inputs), prod(inputs.shape[1:]))


def as_columns(inputs: Array) -> Array:
    """Return one column for each example, as a network takes them: the rows, transposed.

    inputs: (examples, ...) -> (features, examples).

    >>> as_columns(np.ones((2, 4, 4, 3))).shape
    (48, 2)
    """
    return as_rows(inputs).T


def pixels(images: NDArray[Any], dtype: DTypeLike = np.float64) -> Array:
    """Return one column for each input: pixels divided by 255, other numbers as they are.

    images: (examples, ...), such as (examples, height, width, channels) -> (numbers, examples).

    >>> pixels(np.full((2, 1, 1, 3), 255, np.uint8)).shape
    (3, 2)
    >>> pixels(np.array([[0.5]]))
    array([[0.5]])
    """
    return as_columns(as_floats(images, dtype))
