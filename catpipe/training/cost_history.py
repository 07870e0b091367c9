"""The sampled costs of a run: they read as a tuple, and one more is added in constant time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias, overload

import numpy as np

from catpipe.nn.arrays import Array

Sample: TypeAlias = tuple[int, Array | float]
"""An iteration, and the cost of the parameters before its update."""

Costs: TypeAlias = Sequence[Sample]
"""Sampled costs, in the order of their iterations: a tuple, or what reads as one."""


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class CostHistory(Sequence[Sample]):
    """Costs and one more: it holds on to the costs before, and copies none.

    A tuple with one more is a copy of all that came before, so that the steps of a long run would
    take longer and longer. It compares, prints and pickles as the tuple of its samples.

    >>> after(((0, 0.5),), (1, 0.25))
    ((0, 0.5), (1, 0.25))
    """

    before: Costs
    sample: Sample
    length: int

    def __len__(self) -> int:
        return self.length

    def __reversed__(self) -> Iterator[Sample]:
        costs: Costs = self
        while isinstance(costs, CostHistory):
            yield costs.sample
            costs = costs.before
        yield from reversed(costs)

    def __iter__(self) -> Iterator[Sample]:
        return reversed(tuple(reversed(self)))

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Sample, ...]: ...
    def __getitem__(self, index: int | slice) -> Sample | tuple[Sample, ...]:
        """Return a sample, or some, as a tuple does: the later they are, the faster."""
        places = range(self.length)[index]
        if isinstance(places, int):
            return next(islice(reversed(self), self.length - 1 - places, None))
        earliest = min((*places[:1], *places[-1:]), default=self.length)
        last = tuple(islice(reversed(self), self.length - earliest))
        return tuple(last[self.length - 1 - place] for place in places)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, tuple | CostHistory):
            return NotImplemented
        return len(self) == len(other) and all(map(_is_same, self, other))

    __hash__ = None  # type: ignore[assignment]  # equal by value, as `Parameters` are

    def __add__(self, other: Costs) -> tuple[Sample, ...]:
        return (*self, *other)

    def __repr__(self) -> str:
        return repr(tuple(self))

    def __reduce__(self) -> tuple[type[tuple[Sample, ...]], tuple[tuple[Sample, ...]]]:
        return tuple, (tuple(self),)


def _is_same(one: Sample, other: Sample) -> bool:
    """Return whether the samples are equal; those of a stack are arrays."""
    return one[0] == other[0] and np.array_equal(one[1], other[1], equal_nan=True)


def after(costs: Costs, sample: Sample) -> CostHistory:
    """Return the costs and one more, in a time that does not depend on how many there are.

    >>> after(after((), (0, 0.5)), (100, 0.25))[-1]
    (100, 0.25)
    """
    return CostHistory(costs, sample, len(costs) + 1)
