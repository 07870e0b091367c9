"""How two runs of one experiment differ, bit by bit, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import NamedTuple

import numpy as np

from catpipe.parameters import Array
from catpipe.results import Result
from catpipe.resuming import reached_of
from catpipe.shell.environments import changes
from catpipe.shell.layouts import arrays_of
from catpipe.shell.runs import Run
from catpipe.shell.sources import other_data


class Difference(NamedTuple):
    """How far an array is from another, as a share of its largest number."""

    name: str
    share: float


def differences(first: Result, second: Result) -> list[Difference]:
    """Return the arrays of two runs that are not identical to the bit, the farthest off first.

    Costs are compared where both were sampled.

    >>> from catpipe.drawings import draw
    >>> from catpipe.experiments import Experiment
    >>> from catpipe.fitting import fit
    >>> pictures = draw(1, 2, 1).train
    >>> one, two = (fit(Experiment(n, hidden=(), iterations=1), pictures) for n in (1, 2))
    >>> differences(one, one)
    []
    >>> sorted(difference.name for difference in differences(one, two))
    ['W1', 'b1', 'costs']
    """
    mine, others = (_all_arrays(result) for result in (first, second))
    common = {i for i, _ in first.costs} & {i for i, _ in second.costs}
    costs, again = (
        np.array([cost for i, cost in result.costs if i in common]) for result in (first, second)
    )
    pairs = chain(_pairs(mine, others), [("costs", costs, again)])
    found = (Difference(name, _share(a, b)) for name, a, b in pairs if not _identical(a, b))
    return sorted(found, key=lambda difference: -difference.share)


def reasons(first: Run, second: Run) -> list[str]:
    """Return why two runs may differ: other data, libraries, processor or threads."""
    data = other_data(first.source, second.source) if first.source and second.source else ()
    ((_, now),) = second.environments[-1:]
    computed = [changes(was, now) for _, was in first.environments]
    return [*data, *dict.fromkeys(change for each in computed for change in each)]


def _all_arrays(result: Result) -> dict[str, Array]:
    return arrays_of(result, reached_of(result))


def _pairs(
    mine: Mapping[str, Array], others: Mapping[str, Array]
) -> Iterator[tuple[str, Array, Array]]:
    nothing = np.zeros(0)
    for name in {**mine, **others}:
        yield name, mine.get(name, nothing), others.get(name, nothing)


def _identical(a: Array, b: Array) -> bool:
    return (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())


def _share(a: Array, b: Array) -> float:
    """Return the largest difference over the largest number, and infinity of other shapes."""
    if a.shape != b.shape:
        return np.inf
    largest = np.abs(a).max(initial=0)
    return float(np.abs(a - b).max() / largest) if largest else float(np.abs(b).max(initial=0))
