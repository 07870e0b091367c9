"""Many networks in one fold: their parameters share arrays with a leading axis.

A stack is trained in parts that stay in the processor's cache; a `map_` runs them:
`map`, or an executor's, with which they run side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any, TypeAlias

import numpy as np
from toolz import identity, partition_all

from catpipe.data.examples import Pictures
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import Watch, solve
from catpipe.experiments.result import Reached, Result
from catpipe.experiments.setup import Problem, problem, start
from catpipe.nn.parameters import Array, Parameters, map_parameters
from catpipe.training.loop import Costs, State
from catpipe.training.stopping import Checkpoint

Map: TypeAlias = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]

PART = 10  # networks: of the published one, a part's activations take a third of a megabyte


def stacked(parameters: Sequence[Parameters]) -> Parameters:
    """Return one stack of several networks' parameters: arrays (networks, ...).

    >>> stacked([Parameters(b1=[[1.0]]), Parameters(b1=[[2.0]])])
    Parameters(b1 (2, 1, 1) float64; 2 numbers)
    """
    return map_parameters(lambda *arrays: np.stack(arrays), *parameters)


def fit_seeds(
    experiment: Experiment,
    seeds: Sequence[int],
    pictures: Pictures,
    map_: Map = map,
    watch: Watch = identity,
    validation: Pictures | None = None,
) -> Result:
    """Return what the experiment learns from each of the seeds: one result, of a stack.

    Law: network i of it is `fit` with seed i, up to rounding. Where the seed decides more than the
    start (mini-batches, dropout, early stopping), each is trained by itself; one that stops early
    keeps its last cost. `watch` hands on the states of each part. Raises as `fit` does, and
    `ValueError` for no seeds.

    >>> fit_seeds(Experiment(seed=1, hidden=()), (1, 2, 3), pictures).parameters["W1"].shape
    (3, 1, 1)
    """
    if len(seeds) == 0:
        raise ValueError("no seeds; expected one or more")
    return solve_seeds(problem(experiment, pictures, validation), seeds, map_, watch)


def solve_seeds(
    problem: Problem,
    seeds: Sequence[int],
    map_: Map = map,
    watch: Watch = identity,
    kept: Checkpoint | None = None,
) -> Result:
    """Return what training on the problem makes of the start that each of the seeds draws.

    To carry on a stack, hand over what it kept. Raises as `fit` does.

    >>> posed = problem(Experiment(seed=1, hidden=()), pictures)
    >>> solve_seeds(posed, (1, 2)).seeds
    (1, 2)
    """
    size = 1 if seeds_need_own_runs(problem.experiment) else PART
    parts = partition_all(size, seeds)
    keeps = (kept and _part(kept, begin, begin + size) for begin in range(0, len(seeds), size))
    results = map_(partial(_of_seeds, problem, watch), zip(parts, keeps, strict=True))
    return _joined(list(results))


def seeds_need_own_runs(experiment: Experiment) -> bool:
    """Return whether a seed decides more than the start: then each is trained by itself.

    >>> seeds_need_own_runs(Experiment(seed=1, dropout=0.5))
    True
    """
    asked = experiment
    return bool(asked.batch_size or asked.dropout or asked.early_stopping)


def starts(problem: Problem, seeds: Sequence[int]) -> Parameters:
    """Return the stack of the parameters that the seeds draw for the problem's network.

    >>> posed = problem(Experiment(seed=1, hidden=()), pictures)
    >>> starts(posed, (1, 2))["W1"].shape
    (2, 1, 1)
    """
    return stacked([start(problem, seed) for seed in seeds])


def _of_seeds(
    problem: Problem, watch: Watch, part: tuple[Sequence[int], Checkpoint | None]
) -> Result:
    seeds, kept = part
    seeded = problem._replace(experiment=problem.experiment._replace(seed=seeds[0]))
    result = solve(seeded, starts(problem, seeds), watch, kept)
    return result._replace(experiment=problem.experiment, seeds=tuple(seeds))


def _joined(results: Sequence[Result]) -> Result:
    alone = seeds_need_own_runs(results[0].experiment)
    return results[0]._replace(
        parameters=_joined_parameters([result.parameters for result in results]),
        costs=_joined_costs([result.costs for result in results]),
        iteration=max(result.iteration for result in results),
        reached=None if alone else _joined_reached([result.reached for result in results]),
        seeds=tuple(chain.from_iterable(result.seeds for result in results)),
    )


def _joined_parameters(parameters: Sequence[Parameters]) -> Parameters:
    return map_parameters(_end_to_end, *parameters)


def _joined_costs(costs: Sequence[Costs]) -> Costs:
    """Return the costs of all the networks, from the first iteration on that all of them have."""
    by_part = [dict(of) for of in costs]
    begun = max((min(of, default=np.inf) for of in by_part), default=np.inf)
    return tuple(
        (i, _end_to_end(*(_cost_at(i, of) for of in by_part)).tolist())
        for i in sorted(set().union(*by_part))
        if i >= begun
    )


def _joined_reached(reached: Sequence[Reached | None]) -> Reached | None:
    """Return where the stack is, as one; nothing where a watch ended its parts here and there."""
    parts = [part for part in reached if part]
    first, states = parts[0], [part.kept.state for part in parts]
    if len({state.iteration for state in states}) > 1:
        return None
    state = first.kept.state._replace(
        parameters=_joined_parameters([state.parameters for state in states]),
        moments=tuple(map(_joined_parameters, zip(*(s.moments for s in states), strict=True))),
        costs=_joined_costs([state.costs for state in states]),
    )
    best = State(state.iteration, state.parameters, ())
    return first._replace(kept=Checkpoint(state, best, 0.0, 0))


def _part(kept: Checkpoint, begin: int, end: int) -> Checkpoint:
    """Return what is kept of some of a stack's networks."""

    def some(parameters: Parameters) -> Parameters:
        return map_parameters(lambda W: W[begin:end].copy(), parameters)

    state = kept.state._replace(
        parameters=some(kept.state.parameters),
        moments=tuple(map(some, kept.state.moments)),
        costs=tuple((i, np.asarray(costs)[begin:end].tolist()) for i, costs in kept.state.costs),
    )
    return Checkpoint(state, state, kept.cost, kept.waited)


def _end_to_end(*arrays: Any) -> Array:
    return np.concatenate(arrays)


def _cost_at(iteration: int, costs: dict[int, Any]) -> Any:
    """Return the last of the costs up to this iteration."""
    return costs[max(i for i in costs if i <= iteration)]
