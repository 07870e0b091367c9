"""How two runs of one experiment differ, bit by bit, and why."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from catpipe.experiments.result import Result, checkpoint_of
from catpipe.nn.arrays import Array
from catpipe.shell.runs.environment import changes, unknown
from catpipe.shell.runs.provenance import changed_files
from catpipe.shell.runs.run_file import Run, arrays_of


class ArrayDifference(NamedTuple):
    """How far an array is from another, over its largest number; `None` where shapes differ."""

    name: str
    fraction: float | None

    def __str__(self) -> str:
        if self.fraction is None:
            return f"{self.name}: of another shape or type, or in one run alone"
        return f"{self.name}: off by {self.fraction:.3g} of its largest number"


def differences(first: Result, second: Result) -> list[ArrayDifference]:
    """Return the arrays of two runs that are not identical to the bit, the farthest off first.

    >>> from catpipe.data.drawn.drawings import draw
    >>> pictures = draw(1, 2, 1).train
    >>> short = Experiment(1, hidden=(), iterations=1, full_space=True)
    >>> one, two = (fit(short._replace(seed=n), pictures) for n in (1, 2))
    >>> differences(one, one)
    []
    >>> sorted(difference.name for difference in differences(one, two))
    ['W1', 'b1', 'costs']
    """
    mine, others = (_numbers(result) for result in (first, second))
    pairs = ((name, mine.get(name), others.get(name)) for name in {**mine, **others})
    found = (ArrayDifference(name, _fraction(a, b)) for name, a, b in pairs if not _identical(a, b))
    return sorted(found, key=lambda of: -np.inf if of.fraction is None else -of.fraction)


def _numbers(result: Result) -> dict[str, Array]:
    """Return all numbers of a run: its arrays, and what early stopping has found."""
    checkpoint = checkpoint_of(result)
    stops = checkpoint.validation_cost is not None
    seen = {
        "validation cost": np.array([checkpoint.validation_cost]),
        "checks": np.array([checkpoint.checks]),
    }
    arrays = arrays_of(result)
    costs = {"costs": arrays["costs"][:, 1:], "iterations of the costs": arrays["costs"][:, 0]}
    return arrays | costs | (seen if stops else {})


def reasons(run: Run, again: Run) -> list[str]:
    """Return why a run may not come out again: other data, libraries, processor or threads.

    And what is not known of them.
    """
    *_, (_, now) = again.environments
    made_with = [environment for _, environment in run.environments]
    data = ["data, which were not recorded"]
    if run.source and again.source:
        data = [*changed_files(run.source, again.source)]
    computed = [change for was in made_with for change in changes(was, now)]
    not_known = {words for environment in (*made_with, now) for words in unknown(environment)}
    hidden = [f"{words}, not known (pip install 'catpipe[threads]')" for words in sorted(not_known)]
    return [*data, *dict.fromkeys(computed), *hidden]


def _identical(a: Array | None, b: Array | None) -> bool:
    return a is not None and b is not None and _bits(a) == _bits(b)


def _bits(array: Array) -> tuple[str, tuple[int, ...], bytes]:
    return array.dtype.str, array.shape, array.tobytes()


def _fraction(a: Array | None, b: Array | None) -> float | None:
    """Return the largest difference over the largest number; none of unlike arrays."""
    if a is None or b is None or (a.shape, a.dtype) != (b.shape, b.dtype):
        return None
    largest = np.abs(a).max(initial=0)
    return float(np.abs(a - b).max(initial=0) / (largest or 1))
