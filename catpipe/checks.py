"""Checks of arguments where they come in: each raises one sentence, what was found and expected."""

from __future__ import annotations

from numbers import Integral, Rational, Real
from reprlib import repr as brief
from typing import Any

import numpy as np

LARGEST = float(np.finfo(float).max)


def is_number(value: object) -> bool:
    """Return whether this is one real number that a float can hold; a boolean is none.

    >>> is_number(0.5), is_number(np.float32(1)), is_number(True), is_number(10**400)
    (True, True, False, False)
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    return not isinstance(value, Rational) or bool(abs(value) <= LARGEST)  # type: ignore[operator]


def is_whole(value: object, least: int = 1) -> bool:
    """Return whether this is an integer of at least `least`; a boolean is none.

    >>> is_whole(3), is_whole(0), is_whole(True), is_whole(3.0)
    (True, False, False, False)
    """
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= least


def check_whole(name: str, number: int, least: int = 1) -> int:
    """Return the number; raise `ValueError` unless it is an integer of at least `least`.

    >>> check_whole("batch size", 2.5)
    Traceback (most recent call last):
    ValueError: batch size 2.5; expected an integer of at least 1
    """
    if not is_whole(number, least):
        raise ValueError(f"{name} {brief(number)}; expected an integer of at least {least}")
    return int(number)


def of_each_network(name: str, value: Any, expected: str) -> Any:
    """Return the number, or the array of one number for each network of a stack.

    Raises `ValueError` for anything else, in which `expected` says what would be right.

    >>> of_each_network("learning rate", np.array([0.1, 0.2]), "a positive finite number")
    Traceback (most recent call last):
    ValueError: learning rate of shape (2,); expected a positive finite number, or an array \
(networks, 1, 1) with one for each network of a stack
    """
    if is_number(value):
        return value
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiu":
        raise ValueError(f"{name} {brief(value)}; expected {expected}")
    if value.ndim and value.shape[-2:] != (1, 1):
        raise ValueError(
            f"{name} of shape {value.shape}; expected {expected}, or an array (networks, 1, 1) "
            "with one for each network of a stack"
        )
    return value


def check_type(name: str, value: object, kind: type, example: str) -> None:
    """Raise `TypeError` unless the value is of this type; `example` says how to make one.

    >>> check_type("state", (0, {}), int, "initial_state(optimizer, parameters)")
    Traceback (most recent call last):
    TypeError: state is a tuple; expected int: write initial_state(optimizer, parameters)
    """
    if not isinstance(value, kind):
        raise TypeError(
            f"{name} is a {type(value).__name__}; expected {kind.__name__}: write {example}"
        )


def check_map(map_: object) -> None:
    """Raise `TypeError` unless this can map over parts.

    >>> check_map(None)
    Traceback (most recent call last):
    TypeError: map_ is None; expected a function: give map, a pool's map, or dask_map(client)
    """
    if not callable(map_):
        raise TypeError(
            f"map_ is {brief(map_)}; expected a function: give map, a pool's map, or "
            "dask_map(client)"
        )
