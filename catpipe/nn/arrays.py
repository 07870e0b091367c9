"""Arrays of numbers: in which type they are computed with, and whose functions compute with them.

NumPy's functions take NumPy's arrays. JAX's name the module of the same functions for them, by the
`__array_namespace__` of the Python array API standard. So the formulas of a network are written
once, with `xp` for the module, and JAX compiles and differentiates them and runs them on a device.
Its sums and maxima are NumPy's `add.reduce` and `maximum.reduce`, and its gradients of a layer an
`einsum`, which JAX has and the standard has not. Where two branches of a smooth formula meet, they
are written so that JAX finds the slope there too.
"""

from __future__ import annotations

from reprlib import repr as brief
from typing import Any, TypeAlias, cast

import numpy as np
from numpy import ndarray
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]

_OF_NUMPY = ndarray, np.generic


def is_foreign(array: Any) -> bool:
    """Return whether this is an array of another library, which names functions of its own.

    >>> is_foreign(np.ones(1)), is_foreign([1.0])
    (False, False)
    """
    return not isinstance(array, _OF_NUMPY) and hasattr(array, "__array_namespace__")


def namespaced(numbers: Array) -> tuple[Any, Array]:
    """Return the module of functions for these numbers, NumPy mostly, and the numbers as floats.

    Raises `TypeError` for what is not real numbers.

    >>> xp, Z = namespaced(np.array([4]))
    >>> xp.sqrt(Z)
    array([2.])
    """
    if type(numbers) is ndarray and numbers.dtype.kind == "f":
        return np, numbers
    floats = floating(numbers)
    return (np if type(floats) is ndarray else floats.__array_namespace__()), floats


def floating(numbers: Array) -> Array:
    """Return an array of floats as it is, and any other numbers as float64.

    Raises `TypeError` for what is not real numbers.

    >>> floating(np.array([1, 255], np.uint8))
    array([  1., 255.])
    """
    if type(numbers) is ndarray and numbers.dtype.kind == "f":
        return numbers
    try:
        array = numbers if is_foreign(numbers) else np.asarray(numbers)
    except ValueError:
        array = np.array(None)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{brief(numbers)} has type {array.dtype}; expected an array of numbers")
    return array if array.dtype.kind == "f" else array.astype(float)


def like(floats: Array, numbers: Array) -> Array:
    """Return the numbers in the type of the floats; raise `TypeError` for what is not real numbers.

    >>> like(np.ones(1, np.float32), np.array([1, 255], np.uint8))
    array([  1., 255.], dtype=float32)
    """
    if type(numbers) is ndarray and numbers.dtype is floats.dtype:
        return numbers
    if type(floats) is ndarray and is_foreign(numbers):
        numbers = as_numpy(numbers)
    return floating(numbers).astype(floats.dtype, copy=False)


def as_numpy(numbers: Array) -> Array:
    """Return the numbers as NumPy's, where they are known; others, as JAX traces, as they are.

    >>> as_numpy(np.ones(1))
    array([1.])
    """
    try:
        return np.asarray(numbers)
    except TypeError:  # so says what is traced
        return numbers


def in_order(array: Array) -> Array:
    """Return the array, of NumPy's or JAX's, laid out in memory in the order of its axes.

    Products with it may be faster than with a transposed view. On a CPU, XLA would make such a view
    of it again, but for a barrier; on other devices, whose products take views, it stays one.

    >>> in_order(np.ones((2, 3)).T).flags.c_contiguous
    True
    """
    if not is_foreign(array):
        return np.ascontiguousarray(array)
    if array.__array_namespace__().__name__ != "jax.numpy":
        return array
    import jax  # noqa: PLC0415  # whose array it is

    if jax.default_backend() != "cpu":
        return array
    return cast("Array", jax.lax.optimization_barrier(array))  # type: ignore[no-untyped-call]
