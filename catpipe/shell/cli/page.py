"""The command that writes a page about runs: it finds them and their data, and writes one file."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from toolz import memoize

from catpipe.nn.network import layer_sizes
from catpipe.shell.cli.report import changes_of, describe, score_for
from catpipe.shell.report.page import MARK, run_page, runs_page
from catpipe.shell.report.subject import Subject
from catpipe.shell.runs.locate import data_to_evaluate
from catpipe.shell.runs.provenance import sha256
from catpipe.shell.runs.run_file import Run, load_run
from catpipe.shell.runs.sweep_folder import runs_in
from catpipe.shell.storage.atomic import (
    DataError,
    check_is_ours,
    check_writable,
    write_files,
)
from catpipe.shell.storage.datasets import Loaded, paths_of
from catpipe.shell.threads import call_on_one_thread

ENDINGS = (".html", ".htm")


def report(options: Namespace) -> None:
    """Write a page about runs, or about those in the folder of a sweep."""
    _check_out(options.out)
    folders = [path for path in options.runs if path.is_dir()]
    if folders and len(options.runs) > 1:
        raise DataError(
            f"{folders[0]}: is a folder beside other runs; expected one folder of a sweep, or "
            "files of runs: give it alone"
        )
    runs = runs_in(folders[0]) if folders else {path: load_run(path) for path in options.runs}
    check_writable(options.out)
    subjects = call_on_one_thread(_subjects, runs, options)
    written = partial(_sweep_page, folders[0]) if folders else _page
    text = call_on_one_thread(written, subjects)
    write_files({options.out: text.encode()})
    for subject in subjects[:1]:
        if subject.data is None:
            print(f"{subject.name}: without its data, which were not found (give --data FOLDER)")
    print(f"report: {options.out}")


def _check_out(out: Path) -> None:
    if out.suffix.lower() not in ENDINGS:
        raise DataError(f"{out}: is no name of a page; expected one that ends with .html")
    check_is_ours(out, MARK.encode(), "report", "report")


def _page(subjects: Sequence[Subject]) -> str:
    if len(subjects) == 1:
        return run_page(subjects[0])
    return runs_page(f"{len(subjects)} runs", subjects, subjects)


def _sweep_page(folder: Path, subjects: Sequence[Subject]) -> str:
    ordered = sorted(subjects, key=_goodness, reverse=True)
    title = f"Sweep {folder.resolve().name}: {len(subjects)} runs, the best first"
    return runs_page(title, ordered, ordered[:1])


def _goodness(subject: Subject) -> tuple[float, float]:
    """Return the score on the test examples, where they are there, and the last cost, negative."""
    result = subject.run.result
    test = subject.parts.get("test")
    score = float(np.mean(score_for(result.experiment).of(result, test))) if test else 0.0
    return score, -float(np.mean(result.costs[-1][1])) if result.costs else 0.0


def _subjects(runs: Mapping[Path, Run], options: Namespace) -> list[Subject]:
    found = memoize(_data_or_none, key=lambda arguments, _: _kind_of_data(arguments[0]))
    return [
        _subject(name, run, found(run, path, options))
        for name, (path, run) in zip(_names([*runs]), runs.items(), strict=True)
    ]


def _kind_of_data(run: Run) -> tuple[object, ...]:
    result = run.result
    return run.source, run.classes, result.input_shape, result.experiment.loss


def _names(paths: Sequence[Path]) -> list[str]:
    """Return the names of the files, with their folders' where two have one name.

    >>> _names([Path("a/x.h5"), Path("b/x.h5"), Path("a/y.h5")])
    ['a/x.h5', 'b/x.h5', 'y.h5']
    """
    names = [path.name for path in paths]
    return [
        name if names.count(name) == 1 else f"{path.resolve().parent.name}/{name}"
        for path, name in zip(paths, names, strict=True)
    ]


def _data_or_none(run: Run, path: Path, options: Namespace) -> tuple[Path, Loaded] | None:
    """Return the folder and the data of a run; none where they are not there and were not named."""
    try:
        return data_to_evaluate(run, Namespace(**{**vars(options), "run": path}))
    except DataError:
        if options.data is not None:
            raise
        return None


def _subject(name: str, run: Run, found: tuple[Path, Loaded] | None) -> Subject:
    result = run.result
    words = describe(result.experiment, layer_sizes(result.network), len(result.seeds))
    by_number = run._replace(result=result._replace(class_names=()))
    subject = Subject(name, by_number, words, (*changes_of(result),))
    if found is None:
        return subject
    folder, (data, notes) = found
    return subject._replace(data=data, notes=(*notes,), are_its_own=_are_its_own(run, folder))


def _are_its_own(run: Run, folder: Path) -> bool | None:
    if run.source is None:
        return None
    return sha256(paths_of(folder)["train"]) == run.source.train.sha256
