"""Named arrays that nobody can change, and the one way to compute with them: a strict map."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from reprlib import repr as brief
from typing import Any, TypeAlias

import numpy as np
from numpy import ndarray
from numpy.typing import NDArray
from toolz import merge

Array: TypeAlias = NDArray[Any]


class Parameters(Mapping[str, Array]):
    """An immutable mapping of names to read-only arrays.

    Arrays are copied on the way in, so a later write to the caller's own cannot reach them.
    Raises `TypeError` for an array of anything but numbers.

    >>> Parameters(W1=[[1.0, 2.0]], b1=[[0.0]])
    Parameters(W1 (1, 2) float64, b1 (1, 1) float64; 3 numbers)
    """

    __slots__ = ("_arrays",)
    _arrays: dict[str, Array]
    __hash__ = None  # type: ignore[assignment]  # equal by value, and values may be -0.0 and 0.0

    def __init__(
        self, arrays: Mapping[str, Any] | Iterable[tuple[str, Any]] = (), /, **named: Any
    ) -> None:
        copies = {name: _copied(name, array) for name, array in _named(arrays, named).items()}
        object.__setattr__(self, "_arrays", {name: _frozen(name, a) for name, a in copies.items()})

    @classmethod
    def adopt(cls, arrays: dict[str, Array]) -> Parameters:
        """Return the parameters that take over these arrays, uncopied where they own their memory.

        For arrays made on the spot: they become read-only.
        """
        self = cls.__new__(cls)
        object.__setattr__(self, "_arrays", {name: _frozen(name, a) for name, a in arrays.items()})
        return self

    @classmethod
    def holding(cls, arrays: dict[str, Any]) -> Parameters:
        """Return the parameters that hold these as they are, such as another library's arrays.

        NumPy's own become read-only.
        """
        self = cls.__new__(cls)
        held = {name: _frozen(name, a) if type(a) is ndarray else a for name, a in arrays.items()}
        object.__setattr__(self, "_arrays", held)
        return self

    def __getitem__(self, name: str) -> Array:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def keys(self) -> KeysView[str]:
        """Return a view of the names: a dict's own, which compares fast."""
        return self._arrays.keys()

    def values(self) -> ValuesView[Array]:
        """Return a view of the arrays."""
        return self._arrays.values()

    def items(self) -> ItemsView[str, Array]:
        """Return a view of the names with their arrays."""
        return self._arrays.items()

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"Parameters cannot be changed: {name} was not set; make new ones")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"Parameters cannot be changed: {name} was not deleted; make new ones")

    def __or__(self, other: Mapping[str, Any]) -> Parameters:
        return Parameters(merge(self, other)) if isinstance(other, Mapping) else NotImplemented

    def __ror__(self, other: Mapping[str, Any]) -> Parameters:
        return Parameters(merge(other, self)) if isinstance(other, Mapping) else NotImplemented

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Parameters):
            return NotImplemented
        return self.keys() == other.keys() and all(
            self[name].dtype == other[name].dtype
            and np.array_equal(self[name], other[name], equal_nan=True)
            for name in self
        )

    def __copy__(self) -> Parameters:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameters:
        return self

    def __reduce__(self) -> tuple[type[Parameters], tuple[dict[str, Array]]]:
        return Parameters, (self._arrays,)

    def __repr__(self) -> str:
        arrays = ", ".join(f"{name} {a.shape} {a.dtype}" for name, a in self.items())
        return f"Parameters({arrays}; {sum(a.size for a in self.values()):,} numbers)"


def _named(arrays: Any, named: dict[str, Any]) -> dict[str, Any]:
    try:
        found = dict(arrays, **named)
    except (TypeError, ValueError):
        found = {"": None}
    if not all(isinstance(name, str) and name for name in found):
        raise TypeError(
            f"parameters {brief(arrays)}; expected a name for each array: W1=..., b1=..."
        )
    return found


def _copied(name: str, array: Any) -> Array:
    try:
        copy = np.array(array)
    except ValueError:
        raise TypeError(
            f"{name} has rows of several lengths; expected an array of numbers"
        ) from None
    if copy.dtype.kind not in "fiub":
        raise TypeError(f"{name} has type {copy.dtype}; expected an array of numbers")
    return copy


def map_parameters(
    function: Callable[..., Any], first: Parameters, *others: Mapping[str, Array]
) -> Parameters:
    """Return `function` of the arrays of each name, under that name.

    The function returns new arrays; they become read-only. Raises `KeyError` unless all have
    the same names.

    >>> map_parameters(np.subtract, Parameters(b=[3.0]), Parameters(b=[1.0]))["b"]
    array([2.])
    """
    if not hasattr(first, "keys") or not callable(function):
        raise TypeError(
            f"map of {brief(function)} over {brief(first)}; expected (function, Parameters)"
        )
    for other in others:
        if other.keys() != first.keys():
            raise KeyError(_difference(first, other))
    names = first.keys()
    columns = (map(other.__getitem__, names) for other in others)
    return Parameters.adopt(dict(zip(names, map(function, first.values(), *columns), strict=True)))


def is_weight(name: str) -> bool:
    """Return whether parameters of this name are weights: those that begin with W, as W1 does.

    >>> is_weight("W1"), is_weight("b1")
    (True, False)
    """
    return name.startswith("W")


def floating(numbers: Array) -> Array:
    """Return an array of floats as it is, and any other numbers as float64.

    Raises `TypeError` for what is not real numbers.

    >>> floating(np.array([1, 255], np.uint8))
    array([  1., 255.])
    """
    if type(numbers) is ndarray and numbers.dtype.kind == "f":
        return numbers
    try:
        array = np.asarray(numbers)
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
    return floating(numbers).astype(floats.dtype, copy=False)


def _frozen(name: str, array: Array) -> Array:
    """Return the array read-only, a copy of it where others could still write to its memory."""
    if type(array) is not ndarray or array.base is not None:
        array = _copied(name, array)
    array.setflags(False)  # type: ignore[call-arg] # noqa: FBT003  # `write`: half as slow by place
    return array


def _difference(first: Mapping[str, Array], other: Mapping[str, Array]) -> str:
    missing, extra = sorted(first.keys() - other.keys()), sorted(other.keys() - first.keys())
    return f"parameters under other names: missing {missing}, unexpected {extra}; expected the same"
