"""What transforms share where inputs come in: their checks, and work in parts that fit a cache."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from catpipe.data.transforms.columns import as_rows
from catpipe.nn.arrays import Array

_NUMBERS_IN_A_PART = 2**18  # 2 MiB of float64: a processor's cache holds them


def as_pictures(name: str, inputs: Array) -> Array:
    """Return inputs as (examples, height, width, channels); three axes are one channel.

    Raises `ValueError` for inputs of any other shape; `name` is the transform that takes them.

    >>> as_pictures("grey", np.ones((2, 4, 4))).shape
    (2, 4, 4, 1)
    >>> as_pictures("grey", np.ones((2, 48)))
    Traceback (most recent call last):
    ValueError: inputs of shape (2, 48) to grey; expected pictures (examples, height, width, \
channels): place it before what makes features of pictures
    """
    pictures = inputs[..., np.newaxis] if inputs.ndim == 3 else inputs
    if pictures.ndim != 4 or 0 in pictures.shape[1:]:
        raise ValueError(
            f"inputs of shape {inputs.shape} to {name}; expected pictures (examples, height, "
            "width, channels): place it before what makes features of pictures"
        )
    return pictures


def check_features(name: str, inputs: Array, shape: tuple[int, ...]) -> None:
    """Raise `ValueError` unless inputs are (examples, *shape), as those that were fitted.

    >>> check_features("grey", np.ones((2, 4)), (3,))
    Traceback (most recent call last):
    ValueError: inputs of shape (2, 4) to grey; expected (examples, 3), as it was fitted to: \
give inputs of the same kind
    """
    if inputs.shape[1:] != shape:
        expected = ", ".join(map(str, ("examples", *shape)))
        raise ValueError(
            f"inputs of shape {inputs.shape} to {name}; expected ({expected}), as it was fitted "
            "to: give inputs of the same kind"
        )


def in_parts(function: Callable[[Array], Array], inputs: Array, numbers: int) -> Array:
    """Return `function` of all inputs, computed for a part of the examples at a time.

    `numbers` is how many the function makes of one example on its way.

    >>> in_parts(np.sqrt, np.array([[4.0], [9.0]]), numbers=10**9)
    array([[2.],
           [3.]])
    """
    size = max(1, _NUMBERS_IN_A_PART // max(1, numbers))
    starts = range(0, max(1, len(inputs)), size)
    return np.concatenate([function(inputs[start : start + size]) for start in starts])


def features_of(inputs: Array) -> int:
    """Return how many features an example has.

    >>> features_of(np.ones((2, 4, 4, 3)))
    48
    """
    return as_rows(inputs).shape[1]
