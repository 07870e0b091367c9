"""A run file: the whole run. What was asked, on which data, with which libraries, and what came.

It is an HDF5 file: the parameters under their own names, the sampled costs, the state to carry on
from as it is in the space where training is done, and the record. All of it has checksums.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple

import h5py
import numpy as np
from toolz import valmap

from catpipe.experiments.result import Reached, Result, reached_of
from catpipe.experiments.setup import network_for
from catpipe.nn.network import layer_sizes
from catpipe.nn.parameters import Array, Parameters
from catpipe.shell.runs.environment import Environment, environment
from catpipe.shell.runs.layouts import (
    BEST,
    MOMENT,
    STATE,
    arrays_and_costs,
    costs_in,
    parameters_in,
    shapes_in,
)
from catpipe.shell.runs.provenance import Source
from catpipe.shell.runs.record import FORMAT, Record, format_version, from_json, to_json
from catpipe.shell.storage.atomic import DataError, StrPath
from catpipe.shell.storage.hdf5 import datasets, opened, write
from catpipe.shell.storage.hdf5_checks import check_budget
from catpipe.training.loop import SAMPLE_EVERY, Costs, State
from catpipe.training.stopping import Checkpoint

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
    if run.result.reached is None:
        raise DataError(
            f"{path}: holds one run; expected no networks that were not trained as one: save each"
        )
    arrays = arrays_and_costs(run.result)
    text = to_json(record_of(run, arrays))
    costs_in(path, from_json(path, text), arrays["costs"])  # what could not be loaded is not saved
    check_budget(path, {"record": len(text)}, LONGEST, LONGEST)
    write(path, {"record": np.array([text]), **arrays}, checksums=True)


def load_run(path: StrPath) -> Run:
    """Return the run in this file, as it was saved; raises `DataError` for anything else.

    >>> load_run("nowhere.h5")
    Traceback (most recent call last):
    catpipe.DataError: nowhere.h5: is not a file; expected an HDF5 file: check the name
    """
    with opened(path) as file:
        record = from_json(path, _text(path, file))
        groups = shapes_in(path, record)
        names = [prefix + name for prefix, shapes in groups.items() for name in shapes]
        arrays = datasets(path, file, ["costs", *names])
    read = {
        prefix: parameters_in(path, record, prefix, shapes, arrays)
        for prefix, shapes in groups.items()
    }
    costs = costs_in(path, record, arrays["costs"])
    _check_digests(path, record, arrays)
    kept = _kept(record, read, costs)
    result = Result(
        record.experiment,
        network_for(record.experiment, record.features),
        read[""],
        costs,
        record.space_name,
        record.iteration,
        Reached(kept, record.space, record.end, record.examples, record.own, record.pictures),
        record.seeds,
    )
    return Run(result, record.classes, record.source, record.environments)


def is_run(path: StrPath) -> bool:
    """Return whether the file says of itself that it is a run, of whatever format."""
    try:
        with opened(path) as file:
            format_version(path, _text(path, file))
    except DataError:
        return False
    return True


def _text(path: StrPath, file: h5py.File) -> bytes:
    text = datasets(path, file, ["record"], each=LONGEST)["record"]
    if text.size != 1 or text.dtype.kind != "S":
        raise DataError(
            f"{path}: record has shape {text.shape} and type {text.dtype}; expected one text: "
            "name a file that `catpipe train --out` wrote"
        )
    return bytes(text.item())


def _check_digests(path: StrPath, record: Record, arrays: Mapping[str, Array]) -> None:
    for name, array in arrays.items():
        if record.digests.get(name) != _sha256(array):
            raise DataError(
                f"{path}: {name} is not what was saved, by its SHA-256; expected a whole file: "
                "restore it"
            )


def _sha256(array: Array) -> str:
    return sha256(array.tobytes()).hexdigest()


def record_of(run: Run, arrays: Mapping[str, Array]) -> Record:
    """Return the record of a run, all that it is but for its arrays: of these it has the digests.

    Raises `ValueError` for networks that were not trained as one.
    """
    result, reached = run.result, reached_of(run.result)
    kept = reached.kept
    return Record(
        FORMAT,
        result.experiment,
        features=layer_sizes(result.network)[0],
        classes=run.classes,
        seeds=result.seeds,
        space=reached.space,
        space_name=result.space,
        examples=reached.examples,
        own=reached.own,
        pictures=reached.pictures,
        end=reached.end,
        at=kept.state.iteration,
        best=kept.best.iteration,
        iteration=result.iteration,
        validation_cost=kept.cost,
        waited=kept.waited,
        source=run.source,
        environments=run.environments or ((0, environment()),),
        digests=valmap(_sha256, arrays),
    )


def _kept(record: Record, read: Mapping[str, Parameters], costs: Costs) -> Checkpoint:
    state = read.get(STATE, read[""])
    best = read.get(BEST, state)
    moments = tuple(of for prefix, of in read.items() if prefix.startswith(MOMENT))
    sampled = tuple((i, cost) for i, cost in costs if i % SAMPLE_EVERY == 0)
    return Checkpoint(
        State(record.at, state, moments, sampled),
        State(record.best, best, ()),
        record.validation_cost,
        record.waited,
    )
