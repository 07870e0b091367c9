"""Named arrays that nobody can change, which lie in one vector, and two ways to compute with them.

`map_parameters` is a map over names, `map_numbers` one over all the numbers of all the names.
"""

from __future__ import annotations

from collections.abc import (
    Callable,
    ItemsView,
    Iterable,
    Iterator,
    KeysView,
    Mapping,
    Sequence,
    ValuesView,
)
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate, pairwise, starmap
from math import prod
from numbers import Real
from operator import attrgetter
from reprlib import repr as brief
from typing import Any, TypeAlias

import numpy as np
from numpy import ndarray
from toolz import merge

from catpipe.nn.arrays import Array, is_foreign

Shapes: TypeAlias = tuple[tuple[str, tuple[int, ...]], ...]


MANY = 2**16  # numbers, from which on one pass fewer over them is worth a call for each name
_SHAPE = attrgetter("shape")


@dataclass(frozen=True)
class Layout:
    """Where each name's array lies in a vector of them all: one after another.

    `layout_of` hands out the same one again, mostly, so that they compare fast.

    >>> layout = layout_of((("W1", (1, 2)), ("b1", (1, 1))))
    >>> layout.views(np.array([1.0, 2.0, 0.0]))
    {'W1': array([[1., 2.]]), 'b1': array([[0.]])}
    """

    shapes: Shapes

    @cached_property
    def places(self) -> tuple[tuple[str, slice, tuple[int, ...]], ...]:
        """Return the name, the place in the vector and the shape of each array."""
        ends = pairwise(accumulate((prod(shape) for _, shape in self.shapes), initial=0))
        of_each = zip(self.shapes, starmap(slice, ends), strict=True)
        return tuple((name, place, shape) for (name, shape), place in of_each)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Return the names, in their order."""
        return tuple(name for name, _ in self.shapes)

    def views(self, vector: Array) -> dict[str, Array]:
        """Return each name's part of the vector, or of each network's row in a matrix of them."""
        if vector.ndim == 1:
            return {name: vector[place].reshape(shape) for name, place, shape in self.places}
        leading = vector.shape[:-1]
        return {
            name: vector[..., place].reshape(leading + shape) for name, place, shape in self.places
        }

    def vector(self, arrays: Mapping[str, Array], xp: Any = np) -> Array:
        """Return the vector of arrays of these shapes, or a stack's matrix: the inverse of `views`.

        `xp` is the module of functions for the arrays. Raises `KeyError` for other names, and
        `ValueError` for other shapes.
        """
        return self._joined(self._in_order(arrays), xp)

    def scaled(self, arrays: Mapping[str, Array], scale: float | Array) -> Array:
        """Return their vector times a scale, one number or (networks, 1, 1) of them.

        Raises as `vector` does.
        """
        each, numbers = self._in_order(arrays), self.places[-1][1].stop
        if numbers <= MANY or [*map(_SHAPE, each)] != self.sizes:
            return self._joined(each, np) * in_rows(scale)
        made = np.empty(numbers, np.result_type(*each))
        for view, array in zip(self.views(made).values(), each, strict=True):
            np.multiply(array, scale, view)
        return made

    def _in_order(self, arrays: Mapping[str, Array]) -> list[Array]:
        try:
            each = [*map(arrays.__getitem__, self.names)]
        except KeyError:
            each = []
        if len(each) != len(arrays):
            raise KeyError(_difference(dict.fromkeys(self.names), arrays))
        return each

    @cached_property
    def sizes(self) -> list[tuple[int, ...]]:
        """Return the shapes, in the order of names."""
        return [shape for _, shape in self.shapes]

    def _joined(self, each: list[Array], xp: Any) -> Array:
        if [*map(_SHAPE, each)] == self.sizes:
            return xp.concatenate(each, None)
        return xp.concatenate(self._rows(each, xp), -1)

    def _rows(self, arrays: list[Array], xp: Any) -> list[Array]:
        """Return the arrays of a stack with a row of numbers for each of its networks."""
        for name, array, shape in zip(self.names, arrays, self.sizes, strict=True):
            if array.shape[-2:] != shape:
                raise ValueError(f"array {name} has shape {array.shape}; expected {shape}")
        leading = np.broadcast_shapes(*(array.shape[:-2] for array in arrays))
        return [
            xp.broadcast_to(array, leading + shape).reshape(*leading, prod(shape))
            for array, shape in zip(arrays, self.sizes, strict=True)
        ]


layout_of: Callable[[Shapes], Layout] = lru_cache(maxsize=256)(Layout)


class Parameters(Mapping[str, Array]):
    """An immutable mapping of names to read-only arrays.

    Arrays are copied on the way in, so a later write to the caller's own cannot reach them. Arrays
    of one type lie in one vector, a stack's in one matrix (networks, numbers), so that an optimizer
    takes a few operations for all of them. What that costs: an array keeps all of them in memory,
    and those of a stack are contiguous in each network only. Arrays of several types, or of stacks
    of several depths, are apart. Raises `TypeError` for an array of anything but numbers.

    >>> Parameters(W1=[[1.0, 2.0]], b1=[[0.0]])
    Parameters(W1 (1, 2) float64, b1 (1, 1) float64; 3 numbers)
    """

    __slots__ = ("_arrays", "_layout", "_vector")
    _layout: Layout | None  # none where the arrays are apart
    _vector: Array
    _arrays: dict[str, Array] | None  # none of those in a vector until somebody asks for one
    __hash__ = None  # type: ignore[assignment]  # equal by value, and values may be -0.0 and 0.0

    def __init__(
        self, arrays: Mapping[str, Any] | Iterable[tuple[str, Any]] = (), /, **named: Any
    ) -> None:
        given = {name: _numbers(name, array) for name, array in _named(arrays, named).items()}
        if not _are_of_one_kind(given.values()):
            apart = {name: _frozen(np.array(array)) for name, array in given.items()}
            _finish(self, None, None, apart)
        else:
            layout = layout_of(tuple((name, array.shape[-2:]) for name, array in given.items()))
            _finish(self, layout, _frozen(layout.vector(given)), None)

    @classmethod
    def of_vector(cls, vector: Array, layout: Layout) -> Parameters:
        """Return the parameters in a vector made on the spot, (..., numbers): it becomes read-only.

        >>> layout = layout_of((("W1", (1, 2)), ("b1", (1, 1))))
        >>> Parameters.of_vector(np.array([1.0, 2.0, 0.0]), layout)["W1"]
        array([[1., 2.]])
        """
        self = cls.__new__(cls)
        _finish(self, layout, _frozen(vector), None)
        return self

    @classmethod
    def holding(cls, arrays: dict[str, Any]) -> Parameters:
        """Return the parameters that hold these as they are, such as another library's arrays.

        NumPy's own become read-only.
        """
        self = cls.__new__(cls)
        held = {n: _frozen(a) if type(a) is ndarray else a for n, a in arrays.items()}
        _finish(self, None, None, held)
        return self

    @property
    def layout(self) -> Layout | None:
        """Return where each array lies in the vector, or none where the arrays are apart."""
        return self._layout

    @property
    def vector(self) -> Array:
        """Return all the numbers, (..., numbers), in the order of names, where they lie in one."""
        return self._vector

    def _named(self) -> dict[str, Array]:
        """Return the arrays by name, views that are made when first asked for."""
        if self._arrays is None:
            assert self._layout is not None  # or there were arrays
            views = self._layout.views(self._vector)
            _finish(self, self._layout, self._vector, views)
            return views
        return self._arrays

    def __getitem__(self, name: str) -> Array:
        return (self._arrays or self._named())[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._named())

    def __len__(self) -> int:
        return len(self._named())

    def keys(self) -> KeysView[str]:
        """Return a view of the names: a dict's own, which compares fast."""
        return self._named().keys()

    def values(self) -> ValuesView[Array]:
        """Return a view of the arrays."""
        return self._named().values()

    def items(self) -> ItemsView[str, Array]:
        """Return a view of the names with their arrays."""
        return self._named().items()

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
        return Parameters, (dict(self._named()),)

    def __repr__(self) -> str:
        arrays = ", ".join(f"{name} {a.shape} {a.dtype}" for name, a in self.items())
        return f"Parameters({arrays}; {sum(a.size for a in self.values()):,} numbers)"


def _are_of_one_kind(arrays: Iterable[Array]) -> bool:
    """Return whether these are of one type and of one depth."""
    return len({(array.dtype, array.shape[:-2]) for array in arrays}) == 1


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


def _numbers(name: str, array: Any) -> Array:
    try:
        numbers = np.asarray(array)
    except ValueError:
        raise TypeError(
            f"{name} has rows of several lengths; expected an array of numbers"
        ) from None
    if numbers.dtype.kind not in "fiub":
        raise TypeError(f"{name} has type {numbers.dtype}; expected an array of numbers")
    return numbers


def _of_names(arrays: Iterable[tuple[str, Any]]) -> Parameters:
    """Return the parameters of arrays made on the spot, of another library's as they are."""
    made = dict(arrays)
    return Parameters.holding(made) if any(map(is_foreign, made.values())) else Parameters(made)


def map_parameters(
    function: Callable[..., Any], first: Parameters, *others: Mapping[str, Array]
) -> Parameters:
    """Return `function` of the arrays of each name, under that name.

    The function returns new arrays; they become read-only. Raises `KeyError` unless all have
    the same names.

    >>> map_parameters(np.subtract, Parameters(b=[3.0]), Parameters(b=[1.0]))["b"]
    array([2.])
    """
    _check_map(function, first, others)
    names = first.keys()
    columns = (map(other.__getitem__, names) for other in others)
    return _of_names(zip(names, map(function, first.values(), *columns), strict=True))


def map_numbers(
    function: Callable[..., tuple[Array, ...]],
    first: Mapping[str, Array],
    *others: Mapping[str, Array],
    rates: Sequence[float | Array] = (),
) -> tuple[Parameters, ...]:
    """Return `function` of all the numbers, of all names at once where they lie in one vector.

    The function takes an array of each, and then the rates, numbers or arrays (networks, 1, 1) with
    one for each network. It treats each number by itself, and returns new arrays in a tuple, which
    become read-only and of the type of the first. Raises `KeyError` unless all have the same names.

    >>> W, dW = Parameters(W1=[[1.0, 2.0]], b1=[[3.0]]), Parameters(W1=[[1.0, 1.0]], b1=[[1.0]])
    >>> (updated,) = map_numbers(lambda W, dW, rate: (W - rate * dW,), W, dW, rates=(0.5,))
    >>> updated["W1"], updated["b1"]
    (array([[0.5, 1.5]]), array([[2.5]]))
    """
    of = (first, *others)
    layout = getattr(first, "layout", None)
    layouts = [getattr(each, "layout", None) for each in others]
    if layout is None or layouts.count(layout) < len(layouts) or not callable(function):
        return _map_names(function, first, others, rates)
    vectors: list[Array] = [each.vector for each in of]  # type: ignore[attr-defined]
    dtype = vectors[0].dtype
    found = function(*vectors, *[in_rows(typed_rate(rate, dtype)) for rate in rates])
    return tuple([Parameters.of_vector(_typed(dtype, each), layout) for each in found])


def _map_names(
    function: Callable[..., tuple[Array, ...]],
    first: Mapping[str, Array],
    others: Sequence[Mapping[str, Array]],
    rates: Sequence[float | Array],
) -> tuple[Parameters, ...]:
    """Return what `map_numbers` does, name by name."""
    _check_map(function, first, others)

    def of_name(W: Array, *arrays: Array) -> tuple[Array, ...]:
        found = function(W, *arrays, *(typed_rate(rate, W.dtype) for rate in rates))
        return tuple(_typed(W.dtype, each) for each in found)

    if not first:
        none = (np.empty(0),) * (1 + len(others))
        return tuple(Parameters() for _ in of_name(*none))
    each = [of_name(W, *(of[name] for of in others)) for name, W in first.items()]
    return tuple(_of_names(zip(first, of, strict=True)) for of in zip(*each, strict=True))


def _check_map(function: Any, first: Any, others: Sequence[Any]) -> None:
    """Raise `TypeError` for what cannot be mapped, and `KeyError` for different names."""
    if not callable(function) or not all(hasattr(each, "keys") for each in (first, *others)):
        over = ", ".join(map(brief, (first, *others)))
        raise TypeError(f"map of {brief(function)} over {over}; expected (function, Parameters)")
    for other in others:
        if other.keys() != first.keys():
            raise KeyError(_difference(first, other))


def _typed(dtype: np.dtype[Any], numbers: Array) -> Array:
    """Return the numbers in this type, where it is a float's."""
    return numbers if numbers.dtype is dtype or dtype.kind != "f" else numbers.astype(dtype)


def typed_rate(rate: Any, dtype: np.dtype[Any]) -> Any:
    """Return a number as Python's own, which leaves float32 as it is, and an array in this type.

    >>> typed_rate(np.full((2, 1, 1), 0.5), np.float32).dtype
    dtype('float32')
    """
    if type(rate) is float:
        return rate
    is_one = isinstance(rate, Real) or (isinstance(rate, ndarray) and not rate.ndim)
    return float(rate) if is_one else rate.astype(dtype)


def in_rows(rate: Any) -> Any:
    """Return a number as it is, and an array, (networks, 1, 1), as a column: a row a network.

    >>> in_rows(0.5), in_rows(np.full((3, 1, 1), 0.5)).shape
    (0.5, (3, 1))
    """
    return rate if type(rate) is float else rate[..., 0]


def weights_among(parameters: Parameters) -> Parameters:
    """Return 1 for each number that is a weight's and 0 for each other, to be multiplied with them.

    >>> weights_among(Parameters(W1=[[5.0]], b1=[[7.0]]))["W1"]
    array([[1.]])
    """
    if parameters.layout is not None:
        return _weights(parameters.layout, parameters.vector.dtype)
    return Parameters({n: np.asarray(is_weight(n), W.dtype) for n, W in parameters.items()})


@lru_cache(maxsize=8)
def _weights(layout: Layout, dtype: np.dtype[Any]) -> Parameters:
    return Parameters({n: np.full(shape, is_weight(n), dtype) for n, shape in layout.shapes})


def is_weight(name: str) -> bool:
    """Return whether parameters of this name are weights: those that begin with W, as W1 does.

    >>> is_weight("W1"), is_weight("b1")
    (True, False)
    """
    return name.startswith("W")


def _frozen(array: Array) -> Array:
    """Return the array read-only, a copy of it where others could still write to its memory."""
    if type(array) is not ndarray or array.base is not None:
        array = np.array(array)
    array.setflags(False)  # type: ignore[call-arg] # noqa: FBT003  # `write`: half as slow by place
    return array


_set_layout = Parameters.__dict__["_layout"].__set__
_set_vector = Parameters.__dict__["_vector"].__set__
_set_arrays = Parameters.__dict__["_arrays"].__set__


def _finish(
    parameters: Parameters, layout: Layout | None, vector: Array | None, arrays: Any
) -> None:
    """Give the parameters what they are made of: it cannot be set otherwise."""
    _set_layout(parameters, layout)
    _set_vector(parameters, vector)
    _set_arrays(parameters, arrays)


def _difference(first: Mapping[str, Any], other: Mapping[str, Array]) -> str:
    missing, extra = sorted(first.keys() - other.keys()), sorted(other.keys() - first.keys())
    return f"parameters under other names: missing {missing}, unexpected {extra}; expected the same"
