"""A saved run with its data, found again and checked to fit."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from catpipe.data.examples import DataSet, Examples
from catpipe.experiments.experiment import is_regression
from catpipe.shell.runs.provenance import (
    Source,
    default_folder,
    locate_folder,
    record_source,
    sha256,
)
from catpipe.shell.runs.run_file import Run, load_run
from catpipe.shell.storage.atomic import DataError
from catpipe.shell.storage.datasets import Loaded, load_pictures, load_with_notes, paths_of
from catpipe.shell.storage.hdf5 import TOTAL


class LocatedData(NamedTuple):
    """The data that a run is trained on, as they are now."""

    folder: Path
    data: DataSet
    validation: Examples | None
    source: Source
    notes: tuple[str, ...]


def load_single_run(path: Path) -> Run:
    """Return the run in this file; raise `DataError` for a stack of many networks."""
    run = load_run(path)
    if run.result.seeds:
        raise DataError(
            f"{path}: holds {len(run.result.seeds)} networks; expected one: use `load_run` in "
            "Python"
        )
    return run


def loaded_runs(paths: Sequence[Path]) -> dict[Path, Run]:
    """Return the runs in these files; raise `DataError` for a file that is named twice."""
    twice = [path for path, count in Counter(map(_place, paths)).items() if count > 1]
    if twice:
        raise DataError(f"{twice[0]}: is named twice; expected each run once: leave one out")
    return {path: load_run(path) for path in paths}


def names_of(paths: Sequence[Path]) -> list[str]:
    """Return the names of different files, with as many of their folders as tell them apart.

    >>> names_of([Path("a/x.h5"), Path("b/x.h5"), Path("a/y.h5")])
    ['a/x.h5', 'b/x.h5', 'y.h5']
    """
    ends = [_ends(path) for path in paths]
    counts = Counter(end for of in ends for end in of)
    return [next(end for end in of if counts[end] == 1) for of in ends]


def _ends(path: Path) -> list[str]:
    """Return the end of a path that is its name, that with its folder, and so on, to the whole."""
    parts = _place(path).parts
    return ["/".join(parts[at:]) for at in reversed(range(len(parts)))]


def _place(path: Path) -> Path:
    """Return where a file is, by its own name: that of a link is not followed."""
    return path.parent.resolve() / path.name


def data_to_evaluate(run: Run, options: Namespace) -> tuple[Path, Loaded]:
    """Return data to evaluate a run on, and their folder: as named now or then, or ours.

    Raises `DataError` for other classes, for pictures of another size, and for others than then
    that were not named.
    """
    if options.data is None and run.source is None:
        return _checked(run, options, default_folder())
    folder = locate_folder(run.source, options.data, options.run)
    if options.data is None and run.source:
        test = paths_of(folder)["test"]
        if sha256(test) != run.source.test.sha256:
            raise DataError(
                f"{test}: holds other examples than when {options.run} was trained; expected the "
                "same: restore the file, or give a folder with --data"
            )
    return _checked(run, options, folder)


def training_data(run: Run, options: Namespace) -> LocatedData:
    """Return the data that a run is trained on: as named now or then.

    Raises `DataError` where they are not named, or are none for it.
    """
    folder, loaded = _checked(run, options, locate_folder(run.source, options.data, options.run))
    then = run.source.validation if run.source else None
    path = options.validation or (Path(then.path) if then else None)
    if path and not options.validation and not path.is_file():
        raise DataError(
            f"{options.run}: its validation examples are not in {path}; expected that file: give "
            "it with --validation"
        )
    if path and run.result.experiment.early_stopping is None:
        raise DataError(
            f"--validation is {path} for {options.run}, a run without early stopping; expected "
            "none: leave it out"
        )
    data = loaded.data
    validation = load_pictures(path, data, options.memory or TOTAL) if path else None
    source = record_source(options.data, folder, path)
    data = data._replace(classes=run.classes)
    return LocatedData(folder, data, validation, source, loaded.notes)


def _checked(run: Run, options: Namespace, folder: Path) -> tuple[Path, Loaded]:
    data, notes = load_with_notes(
        folder, options.memory or TOTAL, regression=is_regression(run.result.experiment)
    )
    if data.classes != run.classes:
        raise DataError(
            f"{folder}: has {_words(data.classes)}; expected {_words(run.classes)}, which "
            f"{options.run} was trained on: give other data"
        )
    shape, expected = data.test.inputs.shape[1:], run.result.input_shape
    if shape != expected:
        raise DataError(
            f"{folder}: has examples of {' x '.join(map(str, shape))}; expected "
            f"{' x '.join(map(str, expected))}, which {options.run} was trained on: resize them"
        )
    return folder, Loaded(data, notes)


def _words(classes: tuple[str, ...]) -> str:
    shown = [*classes[:8], *([f"... ({len(classes)} in all)"] if len(classes) > 8 else [])]
    return f"the classes {', '.join(shown)}" if classes else "no classes"
