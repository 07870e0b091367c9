"""Which arrays lie in a run file, under which names, and of which shapes.

The parameters have no prefix; the state and the best so far have one each where they are apart
from the parameters, and so has each of the optimizer's moments.
"""

from __future__ import annotations

from collections.abc import Mapping
from reprlib import repr as brief

import numpy as np
from toolz import merge

from catpipe.experiments.result import Reached, Result, is_over, reached_of
from catpipe.experiments.setup import network_for, optimizer_for
from catpipe.nn.layers import Shapes
from catpipe.nn.network import parameter_shapes
from catpipe.nn.parameters import Array, Parameters
from catpipe.shell.runs.record import Record
from catpipe.shell.storage.atomic import DataError, StrPath
from catpipe.training.loop import SAMPLE_EVERY, Costs
from catpipe.training.spaces import network_inside

STATE, BEST, MOMENT = "state.", "best.", "moment"


def arrays_and_costs(result: Result) -> dict[str, Array]:
    """Return the arrays of a run under the names that they have in its file, in their order.

    Raises `ValueError` for networks that were not trained as one.
    """
    arrays = _arrays(result, reached_of(result))
    costs = _costs_array(result.costs, len(result.seeds))
    return {"costs": costs, **{name: arrays[name] for name in sorted(arrays)}}


def _arrays(result: Result, reached: Reached) -> dict[str, Array]:
    kept = reached.kept
    at, best = kept.state.iteration, kept.best.iteration
    state_is_apart, best_is_apart = _apart(reached.space, result.iteration, at, best)
    groups = {
        "": result.parameters,
        STATE: kept.state.parameters if state_is_apart else {},
        BEST: kept.best.parameters if best_is_apart else {},
        **{f"{MOMENT}{i}.": moment for i, moment in enumerate(kept.state.moments, start=1)},
    }
    return dict(merge(_under(prefix, arrays) for prefix, arrays in groups.items()))


def shapes_in(path: StrPath, record: Record) -> dict[str, Shapes]:
    """Return the shapes of the arrays that a run of this record has, by prefix.

    Raises `DataError` for a record that describes no network.
    """
    try:
        network = network_for(record.experiment, record.features)
        inside = network_inside(record.space, network, record.examples + record.own)
    except ValueError as error:
        raise DataError(
            f"{path}: describes no network ({error}); expected one: train again"
        ) from error
    moments = optimizer_for(record.experiment, record.end).init(Parameters())
    iterations = record.iteration, record.at, record.best
    state_is_apart, best_is_apart = _apart(record.space, *iterations)
    prefixes = [*[STATE] * state_is_apart, *[BEST] * best_is_apart]
    prefixes += [f"{MOMENT}{i}." for i, _ in enumerate(moments, start=1)]
    return {"": parameter_shapes(network)} | dict.fromkeys(prefixes, parameter_shapes(inside))


def parameters_in(
    path: StrPath, record: Record, prefix: str, shapes: Shapes, arrays: Mapping[str, Array]
) -> Parameters:
    """Return the parameters of this prefix; raise `DataError` unless they have these shapes."""
    lead = (len(record.seeds),) if record.seeds else ()
    found = {name: arrays[prefix + name] for name in shapes}
    for name, shape in shapes.items():
        where = f"{path}: {prefix}{name}"
        _check(where, found[name], (*lead, *shape), record.experiment.dtype)
    return Parameters(found)


def _check(where: str, array: Array, shape: tuple[int, ...], dtype: str) -> None:
    if (array.shape, array.dtype) != (shape, np.dtype(dtype)):
        raise DataError(
            f"{where} has shape {array.shape} and type {array.dtype}; expected {shape} and {dtype}"
            ", as its record says: train again"
        )


def _costs_array(costs: Costs, networks: int) -> Array:
    """Return a row for each sampled cost: the iteration, and the cost of each network."""
    rows = [[iteration, *np.atleast_1d(cost)] for iteration, cost in costs]
    return np.array(rows, float).reshape(len(rows), 1 + max(networks, 1))


def costs_in(path: StrPath, record: Record, rows: Array) -> Costs:
    """Return the costs of these rows; raise `DataError` for what no run has."""
    _check(f"{path}: costs", rows, (*rows.shape[:1], 1 + max(len(record.seeds), 1)), "float64")
    sampled, last = range(0, record.at, SAMPLE_EVERY), record.at - 1
    over = is_over(record.experiment, record.at, record.waited, record.end)
    has_last = over and record.at > 0 and last % SAMPLE_EVERY > 0
    found = rows[:, 0].tolist()
    if len(found) != len(sampled) + has_last or found != [*sampled, *[last] * has_last]:
        raise DataError(
            f"{path}: costs are of {len(found)} iterations, {brief(found)}; expected those of a "
            f"run at iteration {record.at}, as its record says: train again"
        )
    return tuple(
        (i, costs if record.seeds else costs[0])
        for i, costs in zip(map(int, found), rows[:, 1:].tolist(), strict=True)
    )


def _apart(space: str, iteration: int, at: int, best: int) -> tuple[bool, bool]:
    """Return whether the state has other arrays than the run, and the best than the state."""
    return space != "full" or iteration != at, best != at


def _under(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {prefix + name: array for name, array in arrays.items()}
