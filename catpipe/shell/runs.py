"""A run file: what was asked, what it cost, and the parameters that came of it."""

from __future__ import annotations

import json
from operator import index
from reprlib import repr as brief
from typing import Any, NamedTuple

import numpy as np
from toolz import valmap

from catpipe.experiments import Experiment, network_for
from catpipe.network import parameter_shapes, sizes
from catpipe.parameters import Array, Parameters
from catpipe.results import Result
from catpipe.rules import checked
from catpipe.shell.files import DataError, StrPath
from catpipe.shell.hdf5 import read, write

FORMAT = 2


class Run(NamedTuple):
    """A result, and the names of the classes that it tells apart."""

    result: Result
    classes: tuple[str, ...]


def save_run(path: StrPath, run: Run) -> None:
    """Write the run, `Run(result, classes)`: a dataset for each parameter, and its record as JSON.

    Equal runs make equal bytes. Raises `DataError`; an earlier file is then as it was.
    """
    record = {
        "format": FORMAT,
        "experiment": run.result.experiment._asdict(),
        "features": sizes(run.result.network)[0],
        "classes": run.classes,
        "costs": run.result.costs,
        "space": run.result.space,
        "iteration": run.result.iteration,
    }
    shapes = {name: array.shape for name, array in run.result.parameters.items()}
    if shapes != parameter_shapes(run.result.network):
        raise DataError(f"{path}: holds one network; expected no stack of many: choose one of them")
    text = json.dumps(record, default=lambda number: number.item())  # NumPy's
    write(path, {"record": np.bytes_(text.encode()), **run.result.parameters})


def load_run(path: StrPath) -> Run:
    """Return the run in this file; raises `DataError` for anything else.

    >>> load_run("nowhere.h5")
    Traceback (most recent call last):
    catpipe.shell.files.DataError: nowhere.h5: is not a file; expected an HDF5 file: check the name
    """
    record = _record(path)
    try:
        experiment = checked(_experiment(**record["experiment"]))
        network = network_for(experiment, record["features"])
        costs = tuple((int(iteration), float(cost)) for iteration, cost in record["costs"])
        space, iteration = str(record["space"]), index(record["iteration"])
        classes = _classes(experiment, *record["classes"])
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        why = f" ({error})" if isinstance(error, ValueError) else ""
        raise DataError(
            f"{path}: its record does not describe a run{why}; expected a file that "
            "`catpipe train --out` wrote: train again"
        ) from error
    parameters = _parameters(path, parameter_shapes(network), experiment.dtype)
    return Run(Result(experiment, network, parameters, costs, space, iteration), classes)


def is_run(path: StrPath) -> bool:
    """Return whether the file says of itself that it is a run."""
    try:
        return bool(_record(path))
    except DataError:
        return False


def _record(path: StrPath) -> dict[str, Any]:
    text = read(path, ["record"])["record"]
    try:
        record = json.loads(text.item())
        version = record["format"]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise DataError(
            f"{path}: its record is no JSON object with a format; expected a file that "
            "`catpipe train --out` wrote: name one"
        ) from error
    if version != FORMAT:
        todo = "train again" if version in range(FORMAT) else "update catpipe"
        raise DataError(
            f"{path}: is a run file of format {brief(version)}; expected {FORMAT}: {todo}"
        )
    return dict(record)


def _experiment(**fields: Any) -> Experiment:
    """Return the experiment of these fields, in which JSON made lists of tuples."""
    tuples: dict[str, Any] = valmap(lambda v: tuple(v) if isinstance(v, list) else v, fields)
    return Experiment(**tuples)


def _classes(experiment: Experiment, *names: str) -> tuple[str, ...]:
    printable = (isinstance(name, str) and name.isprintable() for name in names)
    if not len(names) == len(set(names)) == experiment.classes or not all(printable):
        raise ValueError(
            f"classes are {brief(names)}; expected {experiment.classes} printable names"
        )
    return names


def _parameters(path: StrPath, shapes: dict[str, tuple[int, int]], dtype: str) -> Parameters:
    arrays = read(path, shapes)
    for name, shape in shapes.items():
        _check(f"{path}: {name}", arrays[name], shape, dtype)
    return Parameters(arrays)


def _check(where: str, array: Array, shape: tuple[int, int], dtype: str) -> None:
    if (array.shape, array.dtype) != (shape, np.dtype(dtype)):
        raise DataError(
            f"{where} has shape {array.shape} and type {array.dtype}; expected {shape} and {dtype}"
            ", as its record says: train again"
        )
