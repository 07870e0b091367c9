"""The command that writes a page about runs: it finds them and their data, and writes one file."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from toolz import memoize

from catpipe.nn.network import layer_sizes
from catpipe.shell.cli.curves import curves_of_run
from catpipe.shell.cli.report import changes_of, describe
from catpipe.shell.report.groups import groups_of, last_costs, scores_of
from catpipe.shell.report.page import MARK, run_page, runs_page
from catpipe.shell.report.subject import Subject, with_data
from catpipe.shell.runs.locate import data_to_evaluate, loaded_runs, names_of
from catpipe.shell.runs.provenance import sha256
from catpipe.shell.runs.run_file import Run
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
    folder = _folder_of(options.runs)
    runs = runs_in(folder) if folder else loaded_runs(options.runs)
    check_writable(options.out)
    found = call_on_one_thread(_subjects, runs, options)
    subjects = _best_first(found) if folder else found
    in_full = subjects[:1] if folder else subjects
    if options.curves:
        paths = dict(zip(names_of([*runs]), runs, strict=True))
        in_full = [_with_curves(of, paths[of.name], options) for of in in_full]
    text = call_on_one_thread(_text, folder, subjects, in_full)
    write_files({options.out: text.encode()})
    lacking = [of.name for of in found if of.data is None]
    if lacking:
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        print(f"{lacking[0]}{more}: without data, which were not found (give --data FOLDER)")
    print(f"report: {options.out}")


def _folder_of(paths: Sequence[Path]) -> Path | None:
    """Return the folder of a sweep, where it is one that is named."""
    folders = [path for path in paths if path.is_dir()]
    if folders and len(paths) > 1:
        raise DataError(
            f"{folders[0]}: is a folder beside other runs; expected one folder of a sweep, or "
            "files of runs: give it alone"
        )
    return next(iter(folders), None)


def _text(folder: Path | None, subjects: Sequence[Subject], in_full: Sequence[Subject]) -> str:
    if folder:
        title = f"Sweep {folder.resolve().name}: {len(subjects)} runs, the best first"
        return runs_page(title, subjects, in_full)
    if len(subjects) > 1:
        return runs_page(f"{len(subjects)} runs", subjects, in_full)
    return run_page(*in_full)


def _check_out(out: Path) -> None:
    if out.suffix.lower() not in ENDINGS:
        raise DataError(f"{out}: is no name of a page; expected one that ends with .html")
    check_is_ours(out, MARK.encode(), "report", "report")


def _best_first(subjects: Sequence[Subject]) -> list[Subject]:
    """Return the runs of the best experiment first, and of each experiment the best first."""
    groups = sorted(groups_of(subjects), key=_goodness, reverse=True)
    return [one for group in groups for one in sorted(group, key=_own_goodness, reverse=True)]


def _own_goodness(subject: Subject) -> tuple[float, float]:
    return _goodness([subject])


def _goodness(group: Sequence[Subject]) -> tuple[float, float]:
    """Return the mean score on the test examples, where there are some, and minus the last cost."""
    scores, costs = scores_of(group), last_costs(group)
    return float(np.mean(scores)) if len(scores) else 0.0, -float(costs.mean()) if len(costs) else 0


def _subjects(runs: Mapping[Path, Run], options: Namespace) -> list[Subject]:
    found = memoize(_data_or_none, key=lambda arguments, _: _kind_of_data(arguments[0]))
    return [
        _subject(name, run, found(run, path, options))
        for name, (path, run) in zip(names_of([*runs]), runs.items(), strict=True)
    ]


def _kind_of_data(run: Run) -> tuple[object, ...]:
    result = run.result
    return run.source, run.classes, result.input_shape, result.experiment.loss


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
    subject = Subject(name, run, words, (*changes_of(result),))
    if found is None:
        return subject
    folder, (data, notes) = found
    return with_data(subject, data, (*notes,), are_its_own=_are_its_own(run, folder))


def _with_curves(subject: Subject, path: Path, options: Namespace) -> Subject:
    return subject._replace(curves=curves_of_run(subject.run, path, options))


def _are_its_own(run: Run, folder: Path) -> bool | None:
    if run.source is None:
        return None
    return sha256(paths_of(folder)["train"]) == run.source.train.sha256
