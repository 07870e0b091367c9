"""Sweeps: a grid is a list of experiments, and training it is a map.

What differs in its seed alone is trained as one stack, in parts; so the parts depend on the list
alone, and any map, on one machine or many, gives the same bits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from reprlib import repr as brief
from typing import Any, NamedTuple

from toolz import groupby, identity, partition_all

from catpipe.checks import check_map
from catpipe.data.conversion import ExamplesLike
from catpipe.experiments.ensembles import PART, Map, run_seeds, seeds_need_own_runs
from catpipe.experiments.experiment import Experiment, checked
from catpipe.experiments.fitting import Watch, run
from catpipe.experiments.result import Result
from catpipe.experiments.setup import prepare


class Trial(NamedTuple):
    """A part of a sweep, trained at once: an experiment or, of several seeds, a stack."""

    experiment: Experiment
    seeds: tuple[int, ...] = ()


def grid(experiment: Experiment, **values: Iterable[Any]) -> tuple[Experiment, ...]:
    """Return the experiment with each combination of these values of its fields.

    Raises `TypeError` for no field and for no list, and `ValueError` for a value that it cannot
    have.

    >>> [e.l2 for e in grid(Experiment(seed=1), l2=[0, 0.1])]
    [0, 0.1]
    >>> len(grid(Experiment(seed=1), seed=range(5), hidden=[(), (3,)]))
    10
    """
    lists = _lists(values)
    return _with_each(experiment, lists, product(*lists.values()))


def paired(experiment: Experiment, **values: Iterable[Any]) -> tuple[Experiment, ...]:
    """Return the experiment with the first value of each of these fields, the second, and so on.

    Raises as `grid` does, and `ValueError` for fields of unequal numbers of values.

    >>> [(e.l2, e.dropout) for e in paired(Experiment(seed=1), l2=[0, 0.1], dropout=[0.5, 0.2])]
    [(0, 0.5), (0.1, 0.2)]
    """
    lists = _lists(values)
    if len({len(of) for of in lists.values()}) > 1:
        counts = ", ".join(f"{len(of)} of {name}" for name, of in lists.items())
        raise ValueError(f"values side by side, {counts}; expected as many of each")
    return _with_each(experiment, lists, zip(*lists.values(), strict=True))


def trials_of(experiments: Iterable[Experiment]) -> tuple[Trial, ...]:
    """Return what is trained at once, in the order in which it first appears; equals only once.

    Raises `TypeError` for a single experiment, which is a tuple too.

    >>> [trial.seeds for trial in trials_of(grid(Experiment(seed=1), seed=range(5)))]
    [(0, 1, 2), (3, 4)]
    """
    if isinstance(experiments, Experiment):
        raise TypeError("one experiment; expected several: give grid(experiment, seed=range(5))")
    by_all_but_seed = groupby(lambda e: e._replace(seed=0), dict.fromkeys(experiments))
    return tuple(trial for group in by_all_but_seed.values() for trial in _trials(group))


def sweep(
    experiments: Iterable[Experiment],
    examples: ExamplesLike,
    map_: Map = map,
    validation: ExamplesLike | None = None,
) -> Iterator[Result]:
    """Give the result of each trial of these experiments, as `map_` does.

    Law: any map gives the same bits. Raises as `trials_of` and `fit` do.

    >>> [result.seeds for result in sweep(grid(Experiment(seed=1), seed=range(2)), pictures)]
    [(0, 1)]
    """
    check_map(map_)
    return map_(partial(run_trial, examples, validation), trials_of(experiments))


def run_trial(
    examples: ExamplesLike,
    validation: ExamplesLike | None,
    trial: Trial,
    watch: Watch = identity,
) -> Result:
    """Return the result of a trial, whose checkpoints pass through `watch`.

    >>> run_trial(pictures, None, Trial(Experiment(seed=1), seeds=(1, 2))).seeds
    (1, 2)
    """
    setup = prepare(trial.experiment, examples, validation)
    return run_seeds(setup, trial.seeds, watch=watch) if trial.seeds else run(setup, watch)


def varied(experiments: Iterable[Experiment]) -> tuple[str, ...]:
    """Return the fields that differ among the experiments.

    >>> varied(grid(Experiment(seed=1), seed=range(2), l2=[0.1]))
    ('seed',)
    """
    columns = zip(Experiment._fields, zip(*experiments, strict=True), strict=False)
    return tuple(name for name, values in columns if any(one != values[0] for one in values))


def _lists(values: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the values of each field; a text is one value, and not its letters."""
    for name, of in values.items():
        if isinstance(of, str) or not isinstance(of, Iterable):
            raise TypeError(f"{name} is {brief(of)}; expected the values to try: give [{of!r:.40}]")
    return {name: [*of] for name, of in values.items()}


def _with_each(
    experiment: Experiment, names: Collection[str], combined: Iterable[tuple[Any, ...]]
) -> tuple[Experiment, ...]:
    given = checked(experiment)
    if unknown := [name for name in names if name not in Experiment._fields]:
        raise TypeError(
            f"{unknown[0]} is no field of an experiment; expected some of "
            f"{', '.join(Experiment._fields)}"
        )
    return tuple(
        checked(given._replace(**dict(zip(names, each, strict=True)))) for each in combined
    )


def _trials(group: Sequence[Experiment]) -> Iterator[Trial]:
    first = group[0]
    if len(group) == 1 or seeds_need_own_runs(first) or first.transforms:
        return map(Trial, group)
    parts = partition_all(PART, (experiment.seed for experiment in group))
    return (Trial(first._replace(seed=seeds[0]), seeds) for seeds in parts)
