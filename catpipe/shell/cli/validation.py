"""The command that validates experiments: the same folds for each, a table, and differences."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from catpipe.data.examples import DataSet, Examples, noun
from catpipe.data.folds import (
    Folds,
    groups_of_equal,
    hold_outs,
    joined_groups,
    leave_one_out,
    stratified_folds,
)
from catpipe.data.sampling import Indices
from catpipe.experiments.experiment import Experiment, is_regression, plain_fields
from catpipe.experiments.validation import ClassScores, Validation, compare
from catpipe.metrics.intervals import PairedDifference
from catpipe.shell import threads
from catpipe.shell.cli.config import completed
from catpipe.shell.cli.maps import map_for
from catpipe.shell.cli.progress import counted
from catpipe.shell.cli.readers import FoldsText
from catpipe.shell.cli.report import data_line
from catpipe.shell.cli.train import experiment_for
from catpipe.shell.runs.provenance import default_folder
from catpipe.shell.storage.atomic import DataError
from catpipe.shell.storage.datasets import load_with_notes
from catpipe.shell.storage.hdf5 import TOTAL

DEFAULT = FoldsText(folds=5, share=None, repeats=5)
FLAGS_ALONE = "these options"
CLASS_HEADER = ("accuracy", "95 % interval", "balanced", "AUC", "log loss")
REGRESSION_HEADER = ("R squared", "RMSE", "MAE")


class Asked(NamedTuple):
    """What is validated, by the name of its file, and how the examples are divided."""

    options: Mapping[str, Namespace]
    folds: FoldsText
    seed: int
    train_only: bool
    groups: Path | None
    workers: int | None
    scheduler: str | None


class Difference(NamedTuple):
    """How much better the first of two experiments is, by their names."""

    first: str
    other: str
    difference: PairedDifference


def validate(options: Namespace) -> None:
    """Train each experiment over the same folds; print how good they are, and how they differ."""
    since, asked = perf_counter(), _asked(options)
    first = next(iter(asked.options.values()))
    folder = first.data or default_folder()
    regression = is_regression(Experiment(seed=1, loss=first.loss))
    data, notes = load_with_notes(folder, first.memory or TOTAL, regression=regression)
    experiments = {name: experiment_for(of, folder, data) for name, of in asked.options.items()}
    examples = _examples(data, train_only=asked.train_only)
    copies = groups_of_equal(examples.inputs)
    groups = joined_groups(copies, _read_groups(asked.groups, copies)) if asked.groups else copies
    folds = _folds(asked, experiments, examples, groups)
    if not first.json:
        print(data_line(folder, data, notes))
        print(_folds_line(asked, examples, groups), flush=True)
    with map_for(asked.workers, asked.scheduler) as (map_, _):
        counting = counted(map_, "part")
        found = {
            name: threads.validate(
                experiment, examples, folds, counting, asked.options[name].seeds or ()
            )
            for name, experiment in experiments.items()
        }
    pairs = _differences(found)
    if first.json:
        report = _report(folder, asked, examples, found, pairs)
        print(json.dumps({**report, "seconds": perf_counter() - since}, allow_nan=False))
        return
    for line in _table(found):
        print(line)
    for pair in pairs:
        print(_words(pair, is_error=_of_numbers(found)))
    print(f"time: {perf_counter() - since:.2f} s")


def _asked(options: Namespace) -> Asked:
    flags = dict(vars(options))
    paths = [*flags.pop("configs", []), *flags.pop("recipes", [])]
    folds, seed = flags.pop("folds", DEFAULT), flags.pop("folds_seed", 1)
    train_only = flags.pop("train_only", False)
    groups = flags.pop("groups", None)
    where = flags.pop("workers", None), flags.pop("scheduler", None)
    named = {_name(path, paths): completed(Namespace(**flags, config=path)) for path in paths}
    if len(named) < len(paths):
        raise DataError(f"{paths[0]}: one file is named twice; expected each once: leave one out")
    asked = named or {FLAGS_ALONE: completed(Namespace(**flags))}
    for name, of in asked.items():
        _check_options(name, of)
    _check_alike(asked)
    return Asked(asked, folds, seed, train_only, groups, *where)


def _name(path: Path, paths: Sequence[Path]) -> str:
    """Return the file's name without its ending, where no other file has it too."""
    return path.stem if [other.stem for other in paths].count(path.stem) == 1 else str(path)


def _check_options(name: str, options: Namespace) -> None:
    if options.validation:
        raise DataError(f"{name}: has validation, which folds replace; expected none: remove it")


def _check_alike(asked: Mapping[str, Namespace]) -> None:
    if len({of.data for of in asked.values()}) > 1:
        raise DataError("the files name several data; expected one for all: name it with --data")
    if len({of.loss for of in asked.values()}) > 1:
        raise DataError(
            f"{' and '.join(asked)} have other losses; expected one for all: validate them apart"
        )


def _examples(data: DataSet, *, train_only: bool) -> Examples:
    """Return the training examples and, unless left out, those to test on behind them."""
    parts = [data.train] if train_only or not len(data.test.targets) else [data.train, data.test]
    return Examples(*(np.concatenate([part[axis] for part in parts]) for axis in (0, 1)))


def _folds(
    asked: Asked, experiments: Mapping[str, Experiment], examples: Examples, groups: Indices
) -> Folds:
    of_numbers = any(map(is_regression, experiments.values()))
    labels = np.zeros(len(groups), np.int64) if of_numbers else examples.targets
    number, share, repeats = asked.folds
    if number:
        return stratified_folds(labels, number, asked.seed, repeats, groups)
    if share:
        return hold_outs(labels, share, asked.seed, repeats, groups)
    return leave_one_out(groups)


def _read_groups(path: Path, examples: Indices) -> Indices:
    """Return the groups that a file names, a line for each of the examples."""
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: is no text; expected the name of a group in each line: save it as UTF-8"
        ) from error
    if len(lines) != len(examples):
        raise DataError(
            f"{path}: has {len(lines):,} lines for {len(examples):,} examples; expected the name "
            "of a group for each, first of those to train on, then of those to test on (unless "
            "--train-only leaves them out): look for a header or missing lines"
        )
    if "" in lines:
        raise DataError(
            f"{path}: line {lines.index('') + 1} is empty; expected the name of a group: give an "
            "example that is alone a group of its own"
        )
    return np.unique(lines, return_inverse=True)[1].astype(np.int64)


def _folds_line(asked: Asked, examples: Examples, groups: Indices) -> str:
    """Return in words how the examples are divided."""
    number, share, repeats = asked.folds
    count, kind = len(groups), noun(examples)
    ways = f"{number} folds" if number else f"{share:g} held out" if share else "leave one out"
    where = "to train on" if asked.train_only else "to train and to test on, together"
    times = "" if repeats == 1 else f", {repeats} times"
    copies = count - len(np.unique(groups))
    kept = f"; copies stay in one fold ({copies} found)" if copies else ""
    if asked.groups:
        of_file = f"the {len(np.unique(groups))} groups of {asked.groups}, and copies,"
        kept = f"; {of_file} stay in one fold each"
    return f"validation: {ways}{times}, of the {count} {kind}s {where}{kept}"


def _differences(found: Mapping[str, Validation]) -> list[Difference]:
    """Return the difference of the first from each other one; none of a single fold."""
    (name, first), *others = found.items()
    if len(first.fold_scores) < 2:
        return []
    return [Difference(name, other, compare(first, of)) for other, of in others]


def _of_numbers(found: Mapping[str, Validation]) -> bool:
    return any(is_regression(validation.experiment) for validation in found.values())


def _table(found: Mapping[str, Validation]) -> Iterator[str]:
    header = REGRESSION_HEADER if _of_numbers(found) else CLASS_HEADER
    rows = [("experiment", *header), *((name, *_cells(of)) for name, of in found.items())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(map(str.ljust, row, widths)).rstrip()


def _cells(validation: Validation) -> tuple[str, ...]:
    scores = validation.scores
    if not isinstance(scores, ClassScores):
        return tuple(f"{number:.6g}" for number in scores)
    low, high = scores.interval
    return (
        f"{100 * scores.accuracy:.1f} %",
        f"{100 * low:.1f} to {100 * high:.1f}",
        f"{100 * scores.balanced_accuracy:.1f} %",
        f"{scores.area_under_curve:.3f}",
        f"{scores.log_loss:.3f}",
    )


def _words(pair: Difference, *, is_error: bool) -> str:
    """Return in words which of two experiments is better, and how sure that is.

    >>> _words(Difference("a", "b", PairedDifference(-0.031, -0.058, -0.004)), is_error=False)
    'b is better than a by 3.1 points of accuracy, 95 % interval 0.4 to 5.8'
    >>> _words(Difference("a", "b", PairedDifference(0.5, -0.25, 1.25)), is_error=True)
    'a and b are not told apart: a is better by 0.5 of RMSE, 95 % interval -0.25 to 1.25'
    """
    first, other, (mean, low, high) = pair
    is_turned = mean < 0
    better, worse = (other, first) if is_turned else (first, other)
    bounds = (-mean, -high, -low) if is_turned else (mean, low, high)
    by, least, most = (f"{x:.6g}" if is_error else f"{100 * x:.1f}" for x in bounds)
    unit = "of RMSE" if is_error else "points of accuracy"
    if pair.difference.is_significant:
        return f"{better} is better than {worse} by {by} {unit}, 95 % interval {least} to {most}"
    return (
        f"{first} and {other} are not told apart: {better} is better by {by} {unit}, "
        f"95 % interval {least} to {most}"
    )


def _report(
    folder: Path,
    asked: Asked,
    examples: Examples,
    found: Mapping[str, Validation],
    pairs: Sequence[Difference],
) -> dict[str, Any]:
    """Return all that is reported, under the names that it has in JSON."""
    return {
        "data": str(folder),
        "examples": len(examples.targets),
        "train_only": asked.train_only,
        "folds": asked.folds._asdict(),
        "folds_seed": asked.seed,
        "experiments": {
            name: {"experiment": plain_fields(of.experiment), **of.scores._asdict(),
                   "fold_scores": of.fold_scores.tolist()}
            for name, of in found.items()
        },
        "differences": [
            {"first": pair.first, "other": pair.other, **pair.difference._asdict()}
            for pair in pairs
        ],
    }  # fmt: skip
