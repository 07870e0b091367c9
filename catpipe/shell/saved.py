"""A saved run with the data that it was trained on, found again and checked to fit."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from catpipe.network import sizes
from catpipe.shell.data import load_data
from catpipe.shell.files import DataError
from catpipe.shell.runs import Run, load_run
from catpipe.shell.sources import folder_of
from catpipe.transforms import DataSet


def one_run(path: Path) -> Run:
    """Return the run in this file; raise `DataError` for a stack of many networks."""
    run = load_run(path)
    if run.result.seeds:
        raise DataError(
            f"{path}: holds {len(run.result.seeds)} networks; expected one: take them in Python, "
            "with `load_run`"
        )
    return run


def data_of(run: Run, options: Namespace) -> tuple[Path, DataSet]:
    """Return a run's data and their folder, as named now or then; raise `DataError` for unlike."""
    folder = folder_of(run.source, options.data)
    data = load_data(folder)
    if data.classes != run.classes:
        raise DataError(
            f"{folder}: has the classes {', '.join(data.classes)}; expected "
            f"{', '.join(run.classes)}, which {options.run} was trained on: name other data"
        )
    features, expected = data.test.images[0].size, sizes(run.result.network)[0]
    if features != expected:
        raise DataError(
            f"{folder}: has pictures of {features} numbers; expected {expected}, which "
            f"{options.run} was trained on: resize them"
        )
    return folder, data


def validation_of(run: Run, options: Namespace) -> Path | None:
    """Return the file that a run validates on, as named now or then, where there is one."""
    then = run.source.validation if run.source else None
    return options.validation or (Path(then.path) if then else None)
