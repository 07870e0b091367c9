"""Many networks in one fold: their parameters share arrays with a leading axis.

A stack is trained in parts that stay in the processor's cache; `map_` runs them: `map`, or an
executor's, with which they run side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from reprlib import repr as brief
from typing import Any, TypeAlias

import numpy as np
from toolz import identity, partition_all

from catpipe.checks import check_map
from catpipe.data.conversion import ExamplesLike
from catpipe.experiments.contexts import Context, no_context, prepared_and_trained
from catpipe.experiments.experiment import SEED, Experiment
from catpipe.experiments.fitting import Watch, run
from catpipe.experiments.result import Result
from catpipe.experiments.setup import (
    Setup,
    initial_parameters_for,
    learns,
    prepare,
    with_seed,
)
from catpipe.nn.arrays import Array
from catpipe.nn.parameters import Parameters, map_parameters
from catpipe.training.cost_history import Costs
from catpipe.training.stopping import Checkpoint

Map: TypeAlias = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]

PART = 3  # networks: no slower than 10 anywhere, and faster where memory is trimmed at each step


def stacked(parameters: Sequence[Parameters]) -> Parameters:
    """Return one stack of several networks' parameters: arrays (networks, ...).

    >>> stacked([Parameters(b1=[[1.0]]), Parameters(b1=[[2.0]])])
    Parameters(b1 (2, 1, 1) float64; 2 numbers)
    """
    return map_parameters(lambda *arrays: np.stack(arrays), *parameters)


def fit_seeds(
    experiment: Experiment,
    seeds: Sequence[int],
    examples: ExamplesLike,
    map_: Map = map,
    watch: Watch = identity,
    validation: ExamplesLike | None = None,
    *,
    context: Context = no_context,
) -> Result:
    """Return what the experiment learns from each of the seeds: one result, of a stack.

    Law: network i of it is `fit` with seed i, up to rounding; but all share the features that the
    experiment's own seed draws. Where the seed decides more than the initial parameters
    (mini-batches, dropout, early stopping), each is trained by itself; one that stops early keeps
    its last cost. `watch` takes the checkpoints of each part. Raises as `fit`
    does, and `ValueError` for no seeds.

    >>> fit_seeds(Experiment(seed=1, hidden=()), (1, 2, 3), pictures).parameters["W1"].shape
    (3, 1, 1)
    """
    return prepared_and_trained(
        context,
        lambda: prepare(experiment, examples, validation),
        lambda setup: run_seeds(setup, seeds, map_, watch),
    )


def run_seeds(
    setup: Setup,
    seeds: Sequence[int],
    map_: Map = map,
    watch: Watch = identity,
    checkpoint: Checkpoint | None = None,
) -> Result:
    """Return the result of training from the initial parameters that each of the seeds draws.

    To carry on, pass the stack's checkpoint. Raises as `fit_seeds` does.

    >>> setup = prepare(Experiment(seed=1, hidden=()), pictures)
    >>> run_seeds(setup, (1, 2)).seeds
    (1, 2)
    """
    check_map(map_)
    seeds = _checked_seeds(seeds)
    _check_shares_features(setup)
    size = 1 if seeds_need_own_runs(setup.experiment) else PART
    starts = range(0, len(seeds), size)
    checkpoints = (part_of(checkpoint, at, at + size) if checkpoint else None for at in starts)
    parts = zip(partition_all(size, seeds), checkpoints, strict=True)
    return _joined(list(map_(partial(_run_part, setup, watch), parts)))


def seeds_need_own_runs(experiment: Experiment) -> bool:
    """Return whether a seed decides more than the initial parameters: then each is one run.

    >>> seeds_need_own_runs(Experiment(seed=1, dropout=0.5))
    True
    """
    draws = experiment.batch_size or experiment.dropout or experiment.augmentation
    return bool(draws or experiment.early_stopping)


def with_seeds(setup: Setup, seeds: Sequence[int]) -> Setup:
    """Return the setup of a stack: one network for each seed, which share all but their start.

    >>> setup = prepare(Experiment(seed=1, hidden=()), pictures)
    >>> with_seeds(setup, (1, 2)).initial_parameters["W1"].shape
    (2, 1, 1)
    """
    first = with_seed(setup, seeds[0]) if seeds_need_own_runs(setup.experiment) else setup
    stack = stacked([initial_parameters_for(setup, seed) for seed in seeds])
    return first._replace(experiment=setup.experiment, initial_parameters=stack, seeds=tuple(seeds))


def part_of(checkpoint: Checkpoint, begin: int, end: int) -> Checkpoint:
    """Return the checkpoint of some of a stack's networks.

    >>> state = State(7, Parameters(b1=[[[1.0]], [[2.0]]]), (), ((0, [0.5, 0.25]),))
    >>> part_of(Checkpoint(state), 1, 2).state.costs
    ((0, [0.25]),)
    """

    def some(parameters: Parameters) -> Parameters:
        return map_parameters(lambda W: W[begin:end].copy(), parameters)

    state = checkpoint.state
    return checkpoint._replace(
        state=state._replace(
            parameters=some(state.parameters),
            moments=tuple(map(some, state.moments)),
            costs=tuple((i, np.asarray(costs)[begin:end].tolist()) for i, costs in state.costs),
        )
    )


def _check_shares_features(setup: Setup) -> None:
    """Refuse networks that learn their features of other examples: one result has one of each."""
    holds_out = setup.experiment.early_stopping and not setup.validation_examples
    if learns(setup) and holds_out:
        raise ValueError(
            "transforms that learn, and early stopping, which holds out other examples for each "
            "seed; expected networks of the same features: give a validation set, or train each by "
            "itself"
        )


def _checked_seeds(seeds: Any) -> tuple[int, ...]:
    is_several = isinstance(seeds, Iterable) and getattr(seeds, "ndim", 1) == 1
    given = (*seeds,) if is_several else ()
    if not given or not all(map(SEED.allowed, given)):
        raise ValueError(
            f"seeds are {brief(seeds)}; expected one or more, each {SEED.expected}: give "
            "range(1, 6), say"
        )
    return tuple(map(int, given))


def _run_part(setup: Setup, watch: Watch, part: tuple[Sequence[int], Checkpoint | None]) -> Result:
    seeds, checkpoint = part
    return run(with_seeds(setup, seeds), watch, checkpoint)


def _joined(results: Sequence[Result]) -> Result:
    alone = seeds_need_own_runs(results[0].experiment)
    checkpoints = [result.checkpoint for result in results if result.checkpoint]
    return results[0]._replace(
        parameters=_joined_parameters([result.parameters for result in results]),
        costs=_joined_costs([result.costs for result in results]),
        iteration=max(result.iteration for result in results),
        checkpoint=None if alone else _joined_checkpoints(checkpoints),
        seeds=tuple(chain.from_iterable(result.seeds for result in results)),
    )


def _joined_parameters(parameters: Sequence[Parameters]) -> Parameters:
    return map_parameters(lambda *arrays: np.concatenate(arrays), *parameters)


def _joined_costs(costs: Sequence[Costs]) -> Costs:
    """Return the costs of all the networks, from the first iteration on that all of them have."""
    by_part = [dict(of) for of in costs]
    first = max((min(of, default=np.inf) for of in by_part), default=np.inf)
    return tuple(
        (i, np.concatenate([_cost_at(i, of) for of in by_part]).tolist())
        for i in sorted(set().union(*by_part))
        if i >= first
    )


def _joined_checkpoints(checkpoints: Sequence[Checkpoint]) -> Checkpoint | None:
    """Return the stack's checkpoint; none where a watch ended its parts at several iterations."""
    states = [checkpoint.state for checkpoint in checkpoints]
    if len({state.iteration for state in states}) > 1:
        return None
    moments = zip(*(state.moments for state in states), strict=True)
    return Checkpoint(
        states[0]._replace(
            parameters=_joined_parameters([state.parameters for state in states]),
            moments=tuple(map(_joined_parameters, moments)),
            costs=_joined_costs([state.costs for state in states]),
        )
    )


def _cost_at(iteration: int, costs: dict[int, Any]) -> Array:
    """Return the last of the costs up to this iteration."""
    return np.asarray(costs[max(i for i in costs if i <= iteration)])
