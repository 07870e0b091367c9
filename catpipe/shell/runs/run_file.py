"""A run file: the whole run. What was asked, on which data, with which libraries, and what came.

It is an HDF5 file: the parameters under their own names, the sampled costs, the state to carry on
from as it is in the space where training is done, and the record, which has the SHA-256 of each
array; its own stands beside it. So no flipped bit passes, in the layout that every HDF5 reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple

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
from catpipe.shell.runs.record import FORMAT, Record, format_of, record_in, text_of
from catpipe.shell.storage.atomic import DataError, StrPath
from catpipe.shell.storage.hdf5 import Opened, check_budget, opened, write
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
    text = text_of(record_of(run, arrays))
    costs_in(path, record_in(path, text), arrays["costs"])  # what could not be loaded is not saved
    check_budget(path, {"record": len(text)}, LONGEST, LONGEST)
    digest = np.array([sha256(text).hexdigest().encode()])
    write(path, {"record": np.array([text]), "record_sha256": digest, **arrays})


def load_run(path: StrPath) -> Run:
    """Return the run in this file, as it was saved; raises `DataError` for anything else.

    >>> load_run("nowhere.h5")
    Traceback (most recent call last):
    catpipe.DataError: nowhere.h5: is not a file; expected an HDF5 file: check the name
    """
    with opened(path) as file:
        text = _text(path, file)
        record = record_in(path, text)
        _check_digest(path, "record", text, _text(path, file, "record_sha256").decode("latin1"))
        groups = shapes_in(path, record)
        names = [prefix + name for prefix, shapes in groups.items() for name in shapes]
        arrays = file.datasets(["costs", *names])
    read = {
        prefix: parameters_in(path, record, prefix, shapes, arrays)
        for prefix, shapes in groups.items()
    }
    costs = costs_in(path, record, arrays["costs"])
    for name, array in arrays.items():
        _check_digest(path, name, array.tobytes(), record.digests.get(name))
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
            format_of(path, _text(path, file))
    except DataError:
        return False
    return True


def _text(path: StrPath, file: Opened, name: str = "record") -> bytes:
    text = file.datasets([name], each=LONGEST)[name]
    if text.size != 1 or text.dtype.kind != "S":
        raise DataError(
            f"{path}: {name} has shape {text.shape} and type {text.dtype}; expected one text: "
            "name a file that `catpipe train --out` wrote"
        )
    return bytes(text.item())


def _check_digest(path: StrPath, name: str, content: bytes, expected: str | None) -> None:
    if sha256(content).hexdigest() != expected:
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
