"""Formulas of many numbers, computed a block at a time.

A formula that treats each number by itself makes an array for each of its operations. Of a million
numbers these go to memory and back, which takes longer than the arithmetic. A block of them stays
in the processor's cache. So a formula is traced once: operands that compute nothing tell what it
does. Then its operations are done to each block, in slots that are used again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial, reduce
from itertools import product, takewhile
from math import prod
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy import ndarray
from numpy.lib.mixins import NDArrayOperatorsMixin

from catpipe.nn.arrays import Array

Formula: TypeAlias = Callable[..., tuple[Array, ...]]

LARGE = 2**19  # bytes of an array, below which no formula is worth a trace
MUCH = 1e7  # bytes that all of its operations make, from which on blocks are worth their calls
BLOCK = 2**17  # bytes: those of all arrays are in a core's cache together


@lru_cache(maxsize=64)
def in_blocks(formula: Formula) -> Formula:
    """Return the formula, computed block by block where its arrays are large.

    It takes arrays of one shape and then rates, numbers or columns, and returns new arrays in a
    tuple. It does nothing but what treats each number by itself: operators, squares and NumPy's
    functions, of its arguments and of Python's numbers. What it returns is the same, to the bit but
    for the signs of NaN; warnings come from each block.

    >>> W, dW = np.ones((2, 10**6))
    >>> (updated,) = in_blocks(lambda W, dW, rate: (W - rate * dW,))(W, dW, 0.5)
    >>> updated.shape, updated.min(), updated.max()
    ((1000000,), np.float64(0.5), np.float64(0.5))
    """
    program_of = lru_cache(maxsize=8)(partial(_traced, formula))

    def computed(*given: Any) -> tuple[Array, ...]:
        arrays = _alike(given)
        if not arrays:
            return formula(*given)
        program = program_of(given[0].dtype, len(arrays), len(given) - len(arrays))
        if given[0].nbytes * len(program.operations) < MUCH:
            return formula(*given)
        return program.run(arrays, given[len(arrays) :])

    return computed


def _alike(given: Sequence[Any]) -> Sequence[Array]:
    """Return the arrays before the rates where they are large and alike, or none."""
    first = given[0]
    if type(first) is not ndarray or first.nbytes < LARGE or first.dtype.kind != "f":
        return ()
    shape, dtype = first.shape, first.dtype
    arrays = [*takewhile(lambda each: type(each) is ndarray and each.shape == shape, given)]
    are_alike = all(each.dtype == dtype and each.flags.c_contiguous for each in arrays)
    rates = given[len(arrays) :]
    are_rates = all(_is_number(rate) or _is_column(rate, first) for rate in rates)
    return arrays if are_alike and are_rates and dtype.isnative else ()


def _is_number(rate: Any) -> bool:
    """Return whether this is Python's own number, which takes the type of what it meets."""
    return type(rate) is float or type(rate) is int


def _is_column(rate: Any, matrix: Array) -> bool:
    """Return whether this has a number for each row of the matrix, in its type."""
    is_column = type(rate) is ndarray and rate.dtype == matrix.dtype
    return is_column and matrix.ndim == 2 and rate.shape == (len(matrix), 1)


@dataclass(frozen=True, eq=False, repr=False)
class _Traced(NDArrayOperatorsMixin):
    """An argument of a formula or, with the function that makes it of operands, what follows."""

    dtype: np.dtype[Any]
    is_rate: bool = False
    function: np.ufunc | None = None
    operands: tuple[Any, ...] = ()

    def __array_ufunc__(
        self, function: np.ufunc, method: str, *operands: Any, **options: Any
    ) -> _Traced:
        are_known = all(isinstance(each, _Traced) or _is_number(each) for each in operands)
        of_arrays = any(isinstance(each, _Traced) and not each.is_rate for each in operands)
        is_plain = method == "__call__" and not options and function.signature is None
        keeps_type = f"{self.dtype.char * function.nin}->{self.dtype.char}" in function.types
        if not (is_plain and keeps_type and are_known and of_arrays):
            return NotImplemented
        return _Traced(self.dtype, function=function, operands=operands)

    def __array_namespace__(self) -> Any:
        return np

    def __pow__(self, exponent: float) -> _Traced:
        """Return the square, as NumPy computes it; no other power."""
        if not _is_number(exponent) or exponent != 2:
            return NotImplemented
        return self.__array_ufunc__(np.square, "__call__", self)


class _Operation(NamedTuple):
    """A function, the slots of its operands and the slot of what it makes."""

    function: np.ufunc
    operands: tuple[int, ...]
    slot: int


class _Program(NamedTuple):
    """The operations of a formula, in an order in which they can be done.

    Slots are numbered: those of arrays, rates, constants and results, and then some for scratch.
    """

    operations: tuple[_Operation, ...]
    constants: tuple[float, ...]
    results: int
    scratch: int

    def run(self, arrays: Sequence[Array], rates: Sequence[Any]) -> tuple[Array, ...]:
        """Return the results, new arrays that are written block by block."""
        first = arrays[0]
        results = [np.empty_like(first) for _ in range(self.results)]
        numbers = BLOCK // first.itemsize
        scratch = np.empty((self.scratch, numbers), first.dtype)
        for block in _blocks(first.shape, numbers):
            shape = first[block].shape
            slots = [
                *[array[block] for array in arrays],
                *[rate if _is_number(rate) else rate[block[0]] for rate in rates],
                *self.constants,
                *[array[block] for array in results],
                *[array[: prod(shape)].reshape(shape) for array in scratch],
            ]
            for function, operands, slot in self.operations:
                function(*[slots[operand] for operand in operands], out=slots[slot])
        return tuple(results)


def _blocks(shape: tuple[int, ...], numbers: int) -> Iterator[tuple[slice, ...]]:
    """Give where blocks of so many numbers are: parts of a vector, rows of a matrix, parts of rows.

    >>> [*_blocks((5,), numbers=3)]
    [(slice(0, 3, None),), (slice(3, 6, None),)]
    """
    sides = [max(numbers // prod(shape[axis + 1 :]), 1) for axis in range(len(shape))]
    parts = (
        [slice(begin, begin + side) for begin in range(0, length, side)]
        for length, side in zip(shape, sides, strict=True)
    )
    return product(*parts)


def _traced(formula: Callable[..., Any], dtype: np.dtype[Any], arrays: int, rates: int) -> _Program:
    """Return what the formula does to so many arrays of this type, and rates.

    Raises `TypeError` where that is anything that does not treat each number by itself.
    """
    given = [
        *[_Traced(dtype) for _ in range(arrays)],
        *[_Traced(dtype, is_rate=True) for _ in range(rates)],
    ]
    results = [*formula(*given)]
    made = {id(each) for each in results if isinstance(each, _Traced) and each.function}
    if len(made) < len(results):
        raise TypeError(f"{formula} returns what it did not make, or one array twice")
    return _program(given, results)


def _program(given: list[_Traced], results: list[_Traced]) -> _Program:
    """Return the program whose operations make the results."""
    operations = [*reduce(_after_operands, results, dict[int, _Traced]()).values()]
    used = [operand for operation in operations for operand in operation.operands]
    constants = {id(each): each for each in used if not isinstance(each, _Traced)}.values()
    fixed = {id(each): slot for slot, each in enumerate((*given, *constants, *results))}
    slots = _with_slots(operations, fixed)
    done = (
        _Operation(each.function, tuple(slots[id(of)] for of in each.operands), slots[id(each)])
        for each in operations
        if each.function
    )
    scratch = len({*slots.values()}) - len(fixed)
    return _Program(tuple(done), tuple(constants), len(results), scratch)


def _after_operands(done: dict[int, _Traced], each: Any) -> dict[int, _Traced]:
    """Return what is done, and then this operation after its operands."""
    if not isinstance(each, _Traced) or not each.function or id(each) in done:
        return done
    return {**reduce(_after_operands, each.operands, done), id(each): each}


_Slots: TypeAlias = tuple[dict[int, int], tuple[int, ...]]
"""The slots of what was seen, by identity, and those that are free."""


def _with_slots(operations: list[_Traced], fixed: dict[int, int]) -> dict[int, int]:
    """Return the fixed slots, and those of all other operations.

    Seen from the last operation on, a slot is free before what is in it was made. The operands that
    are not used later take free slots, the first of them that of the operation itself.
    """

    def with_operands(carry: _Slots, operation: _Traced) -> _Slots:
        slots, free = carry
        return reduce(with_operand, operation.operands, (slots, (slots[id(operation)], *free)))

    def with_operand(carry: _Slots, operand: Any) -> _Slots:
        slots, free = carry
        if not isinstance(operand, _Traced) or id(operand) in slots:
            return carry
        slot, *others = free or (len({*slots.values()}),)
        return {**slots, id(operand): slot}, tuple(others)

    begin: _Slots = fixed, ()
    return reduce(with_operands, reversed(operations), begin)[0]
