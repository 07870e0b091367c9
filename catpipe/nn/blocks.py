"""Formulas of many numbers, computed a block at a time.

A formula that treats each number by itself makes an array for each of its operations. Of a million
numbers these go to memory and back, which takes longer than the arithmetic. A block of them stays
in the processor's cache. So what a formula does is noted once, by operands that compute nothing,
and then done to each block in places that are used again. What it returns is the same, to the bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial, reduce
from itertools import product, takewhile
from math import prod
from typing import Any, ClassVar, NamedTuple, TypeAlias

import numpy as np
from numpy import ndarray
from numpy.lib.mixins import NDArrayOperatorsMixin
from toolz import keyfilter, merge

from catpipe.nn.arrays import Array

Formula: TypeAlias = Callable[..., tuple[Array, ...]]

MUCH = 6e6  # bytes that all operations make, from which on blocks are worth their calls
MOST_OPERATIONS = 12  # of a formula, Adam's: of fewer bytes nobody asks what it does
BLOCK = 2**17  # bytes: the blocks of a formula's arrays are in a core's cache together


@lru_cache(maxsize=64)
def in_blocks(formula: Formula) -> Formula:
    """Return the formula, computed block by block.

    It takes arrays of equal shapes and then rates, numbers or columns, and treats each number by
    itself; it computes with operators and NumPy's functions, and returns new arrays in a tuple. It
    is a pure function: what it does is noted once. One that does anything else, or is given
    anything else, is computed as it is.

    >>> in_blocks(lambda W, dW, rate: (W - rate * dW,))(np.array([1.0]), np.array([2.0]), 0.5)
    (array([0.]),)
    """
    program_of = lru_cache(maxsize=8)(partial(_noted, formula))

    def computed(*given: Any) -> tuple[Array, ...]:
        size = getattr(given[0], "nbytes", 0)
        arrays = _alike(given) if size * MOST_OPERATIONS >= MUCH else 0
        program = program_of(arrays, len(given) - arrays) if arrays else None
        if program is None or size * len(program.operations) < MUCH:
            return formula(*given)
        return program.of(given[:arrays], given[arrays:])

    return computed


def _alike(given: Sequence[Any]) -> int:
    """Return how many arrays of floats of one shape and type come before rates; or none."""
    first = given[0]
    if type(first) is not ndarray or first.dtype.kind != "f" or not first.ndim:
        return 0
    shape, dtype = first.shape, first.dtype
    arrays = [*takewhile(lambda each: type(each) is ndarray and each.shape == shape, given)]
    of_one_type = all(each.dtype == dtype for each in arrays)
    are_rates = all(_is_number(rate) or _is_column(rate, first) for rate in given[len(arrays) :])
    return len(arrays) if of_one_type and are_rates else 0


def _is_number(rate: Any) -> bool:
    """Return whether this is Python's own number, which takes the type of what it meets."""
    return type(rate) is float or type(rate) is int


def _is_column(rate: Any, first: Array) -> bool:
    shape, dtype = getattr(rate, "shape", None), getattr(rate, "dtype", None)
    return first.ndim == 2 and shape == (len(first), 1) and dtype == first.dtype


@dataclass(frozen=True, eq=False)
class _Noted(NDArrayOperatorsMixin):
    """A number of the arrays, as a formula's operand: what is done with it is noted."""

    function: np.ufunc | None = None
    operands: tuple[Any, ...] = ()
    is_rate: bool = False

    dtype: ClassVar[np.dtype[Any]] = np.dtype(float)

    def __array_ufunc__(
        self, function: np.ufunc, method: str, *operands: Any, **options: Any
    ) -> _Noted:
        known = all(isinstance(each, _Noted) or _is_number(each) for each in operands)
        of_arrays = any(isinstance(each, _Noted) and not each.is_rate for each in operands)
        if method != "__call__" or options or not (known and of_arrays and _keeps_type(function)):
            return NotImplemented
        return _Noted(function, operands)

    def __array_namespace__(self) -> Any:
        return np

    def __pow__(self, exponent: float) -> _Noted:
        """Return the square, as NumPy computes it; no other power."""
        return np.square(self) if exponent == 2 else NotImplemented  # type: ignore[return-value]

    def __bool__(self) -> bool:
        raise TypeError("a number that is not known yet")

    def __array__(self, *_: Any, **__: Any) -> Array:
        raise TypeError("numbers that are not known yet")


@lru_cache(maxsize=64)
def _keeps_type(function: np.ufunc) -> bool:
    """Return whether it makes one number of one or two, of their type."""
    floats = {"d->d", "dd->d"} & {*function.types}
    return function.signature is None and bool(floats)


class _Program(NamedTuple):
    """What is done to each block: a function, the places of its operands and that of its result.

    Places are numbered: first arrays and rates, then constants, results, and places in between.
    """

    operations: tuple[tuple[np.ufunc, tuple[int, ...], int], ...]
    constants: tuple[float, ...]
    results: int
    between: int

    def of(self, arrays: Sequence[Array], rates: Sequence[Any]) -> tuple[Array, ...]:
        """Return new arrays, written block by block."""
        first = arrays[0]
        results = [np.empty_like(first) for _ in range(self.results)]
        cuts = [*_blocks(first.shape, first.itemsize)]
        between = [np.empty_like(first[cuts[0]]) for _ in range(self.between)]
        for cut in cuts:
            inside = tuple([slice(part.stop - part.start) for part in cut])
            here = [
                *[array[cut] for array in arrays],
                *[rate if _is_number(rate) else rate[cut[0]] for rate in rates],
                *self.constants,
                *[array[cut] for array in results],
                *[array[inside] for array in between],
            ]
            for function, operands, place in self.operations:
                function(*[here[operand] for operand in operands], out=here[place])
        return tuple(results)


def _blocks(shape: tuple[int, ...], size: int) -> Iterator[tuple[slice, ...]]:
    """Give where blocks are: parts of a vector, or some rows of a matrix or parts of one row.

    >>> [*_blocks((2**15,), 8)]
    [(slice(0, 16384, None),), (slice(16384, 32768, None),)]
    """
    numbers = BLOCK // size
    sides = [max(numbers // prod(shape[axis + 1 :]), 1) for axis in range(len(shape))]
    cuts = (
        [slice(begin, min(begin + side, length)) for begin in range(0, length, side)]
        for length, side in zip(shape, sides, strict=True)
    )
    return product(*cuts)


def _noted(formula: Callable[..., Any], arrays: int, rates: int) -> _Program | None:
    """Return what the formula does, or nothing where it is none that can be computed in blocks."""
    given = [*(_Noted() for _ in range(arrays)), *(_Noted(is_rate=True) for _ in range(rates))]
    try:
        results: list[_Noted] = [*formula(*given)]
    except Exception:  # whatever it is, the formula raises it of true arrays, or it is none then
        return None
    if not results or not all(isinstance(each, _Noted) and each.function for each in results):
        return None
    if len({*map(id, results)}) < len(results):
        return None
    return _program(given, results)


def _program(given: list[_Noted], results: list[_Noted]) -> _Program:
    """Return the operations in an order in which they can be done, each with its places."""
    nothing: dict[int, _Noted] = {}
    operations = [of for of in reduce(_after_operands, results, nothing).values() if of.function]
    used = [each for of in operations for each in of.operands]
    constants = {id(each): each for each in used if not isinstance(each, _Noted)}.values()
    fixed = {id(each): place for place, each in enumerate((*given, *constants, *results))}
    between = _places_between(operations, fixed)
    place_of = merge(fixed, between)
    return _Program(
        tuple(
            (of.function, tuple(place_of[id(each)] for each in of.operands), place_of[id(of)])
            for of in operations
            if of.function
        ),
        tuple(constants),
        len(results),
        len({*between.values()} - {*fixed.values()}),
    )


def _after_operands(done: dict[int, _Noted], each: Any) -> dict[int, _Noted]:
    """Return what is done, and then this operation after its operands."""
    if not isinstance(each, _Noted) or id(each) in done:
        return done
    return {**reduce(_after_operands, each.operands, done), id(each): each}


_Placed: TypeAlias = tuple[dict[int, int], tuple[int, ...]]
"""The places of what was seen, and those that are free."""


def _places_between(operations: list[_Noted], fixed: dict[int, int]) -> dict[int, int]:
    """Return the places of what is no result.

    Seen from the end, a place is free before what is in it was computed: the operands that are not
    used again take such places, the first of them that of the operation itself.
    """

    def placed(carry: _Placed, operation: _Noted) -> _Placed:
        return reduce(with_place, operation.operands, _freed(carry, operation))

    def with_place(carry: _Placed, operand: Any) -> _Placed:
        places, free = carry
        if not isinstance(operand, _Noted) or id(operand) in places:
            return carry
        place, *others = free or (len({*places.values()}),)
        return {**places, id(operand): place}, tuple(others)

    begun: _Placed = fixed, ()
    places, _ = reduce(placed, reversed(operations), begun)
    return keyfilter(lambda each: each not in fixed, places)


def _freed(carry: _Placed, operation: _Noted) -> _Placed:
    places, free = carry
    return places, (places[id(operation)], *free)
