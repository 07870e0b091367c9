"""A run file: the whole run. What was asked, on which data, with which libraries, and what came.

It is an HDF5 file: the parameters under their own names, the sampled costs, the state to carry on
from as it is in the space where training is done, and the record. All of it has checksums.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import h5py
import numpy as np
from toolz import merge

from catpipe.experiments import network_for, optimizer_for
from catpipe.layers import Shapes
from catpipe.network import parameter_shapes, sizes
from catpipe.parameters import Array, Parameters, is_weight
from catpipe.results import Reached, Result
from catpipe.resuming import reached_of
from catpipe.shell.environments import Environment, environment
from catpipe.shell.files import DataError, StrPath
from catpipe.shell.hdf5 import datasets, opened, write
from catpipe.shell.records import FORMAT, Record, format_of, record_in, text_of
from catpipe.shell.sources import Source
from catpipe.spaces import network_inside
from catpipe.stopping import Kept
from catpipe.training import SAMPLE_EVERY, Costs, State

LONGEST = 2**22  # bytes of a record


class Run(NamedTuple):
    """A result, the names of the classes that it tells apart, its data, and its environments.

    Each environment stands with the iteration from which on it was the one.
    """

    result: Result
    classes: tuple[str, ...]
    source: Source | None = None
    environments: tuple[tuple[int, Environment], ...] = ()


def save_run(path: StrPath, run: Run) -> None:
    """Write the run, `Run(result, classes)`; where it has no environment, this is the one.

    Equal runs make equal bytes. Raises `DataError`; an earlier file is then as it was.
    """
    result, reached = run.result, run.result.reached
    if reached is None:
        raise DataError(
            f"{path}: holds one run; expected no networks that were trained one by one: "
            "save each of them"
        )
    record = record_of(run)
    costs = _costs_array(result.costs, len(result.seeds))
    text = np.array([text_of(record)])
    arrays = arrays_of(result, reached)
    in_order = {name: arrays[name] for name in sorted(arrays)}  # whatever the parameters' is
    write(path, {"record": text, "costs": costs, **in_order}, checksums=True)


def arrays_of(result: Result, reached: Reached) -> dict[str, Array]:
    """Return the arrays of a run under the names that they have in its file, but for the costs.

    Those of the state and of the best so far, where they are apart from the parameters, and the
    moments.
    """
    kept = reached.kept
    at, best = kept.state.iteration, kept.best.iteration
    state_is_apart, best_is_apart = _apart(reached.space, result.iteration, at, best)
    groups = {
        "": result.parameters,
        "state.": kept.state.parameters if state_is_apart else {},
        "best.": kept.best.parameters if best_is_apart else {},
        **{f"moment{i}.": moment for i, moment in enumerate(kept.state.moments, start=1)},
    }
    return dict(merge(_under(prefix, arrays) for prefix, arrays in groups.items()))


def load_run(path: StrPath) -> Run:
    """Return the run in this file, as it was saved; raises `DataError` for anything else.

    >>> load_run("nowhere.h5")
    Traceback (most recent call last):
    catpipe.shell.files.DataError: nowhere.h5: is not a file; expected an HDF5 file: check the name
    """
    with opened(path) as file:
        record = record_in(path, _text(path, file))
        groups = _groups(path, record)
        names = [prefix + name for prefix, shapes in groups.items() for name in shapes]
        arrays = datasets(path, file, ["costs", *names])
    read = {
        prefix: _parameters(path, record, prefix, shapes, arrays)
        for prefix, shapes in groups.items()
    }
    costs = _costs(path, record, arrays["costs"])
    kept = _kept(record, read, costs)
    result = Result(
        record.experiment,
        network_for(record.experiment, record.features),
        read[""],
        costs,
        record.space_name,
        record.iteration,
        Reached(kept, record.space, record.end),
        record.seeds,
    )
    return Run(result, record.classes, record.source, record.environments)


def is_run(path: StrPath) -> bool:
    """Return whether the file says of itself that it is a run, of whatever format."""
    try:
        with opened(path) as file:
            return bool(format_of(path, _text(path, file)))
    except DataError:
        return False


def _text(path: StrPath, file: h5py.File) -> bytes:
    text = datasets(path, file, ["record"], each=LONGEST)["record"]
    if text.size != 1 or text.dtype.kind != "S":
        raise DataError(
            f"{path}: record has shape {text.shape} and type {text.dtype}; expected one text: "
            "name a file that `catpipe train --out` wrote"
        )
    return bytes(text.item())


def record_of(run: Run) -> Record:
    """Return the record of a run: all that it is but for its arrays."""
    result, (kept, space, end) = run.result, reached_of(run.result)
    first = next(W for name, W in kept.state.parameters.items() if is_weight(name))
    return Record(
        FORMAT,
        result.experiment,
        features=sizes(result.network)[0],
        classes=run.classes,
        seeds=result.seeds,
        space=space,
        space_name=result.space,
        rank=first.shape[-1] - (space == "spanned"),
        end=end,
        at=kept.state.iteration,
        best=kept.best.iteration,
        iteration=result.iteration,
        validation_cost=kept.cost,
        waited=kept.waited,
        source=run.source,
        environments=run.environments or ((0, environment()),),
    )


def _apart(space: str, iteration: int, at: int, best: int) -> tuple[bool, bool]:
    """Return whether the state has other arrays than the run, and the best than the state."""
    return space != "full" or iteration != at, best != at


def _under(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {prefix + name: array for name, array in arrays.items()}


def _groups(path: StrPath, record: Record) -> dict[str, Shapes]:
    """Return the shapes of the parameters, of those apart from them, and of the moments."""
    try:
        network = network_for(record.experiment, record.features)
        inside = network_inside(record.space, network, record.rank)
    except ValueError as error:
        raise DataError(
            f"{path}: describes no network ({error}); expected one: train again"
        ) from error
    moments = optimizer_for(record.experiment, record.end).init(Parameters())
    iterations = record.iteration, record.at, record.best
    state_is_apart, best_is_apart = _apart(record.space, *iterations)
    prefixes = [*["state."] * state_is_apart, *["best."] * best_is_apart]
    prefixes += [f"moment{i}." for i, _ in enumerate(moments, start=1)]
    return {"": parameter_shapes(network)} | dict.fromkeys(prefixes, parameter_shapes(inside))


def _kept(record: Record, read: Mapping[str, Parameters], costs: Costs) -> Kept:
    state = read.get("state.", read[""])
    best = read.get("best.", state)
    moments = tuple(of for prefix, of in read.items() if prefix.startswith("moment"))
    sampled = tuple((i, cost) for i, cost in costs if i % SAMPLE_EVERY == 0)
    return Kept(
        State(record.at, state, moments, sampled),
        State(record.best, best, ()),
        record.validation_cost,
        record.waited,
    )


def _parameters(
    path: StrPath, record: Record, prefix: str, shapes: Shapes, arrays: Mapping[str, Array]
) -> Parameters:
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


def _costs(path: StrPath, record: Record, rows: Array) -> Costs:
    _check(f"{path}: costs", rows, (*rows.shape[:1], 1 + max(len(record.seeds), 1)), "float64")
    iterations = rows[:, 0].astype(np.int64)
    if (iterations != rows[:, 0]).any() or (np.diff(iterations, prepend=-1) <= 0).any():
        raise DataError(f"{path}: costs are of no ascending iterations; train again")
    return tuple(
        (i, costs if record.seeds else costs[0])
        for i, costs in zip(iterations.tolist(), rows[:, 1:].tolist(), strict=True)
    )
