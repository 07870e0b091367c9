"""The commands of many experiments: train a grid of them into a folder, and list what is there."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from signal import SIGINT
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from toolz import groupby

from catpipe.data.examples import DataSet
from catpipe.experiments.ensembles import Map
from catpipe.experiments.experiment import Experiment, is_regression
from catpipe.experiments.fitting import Watch
from catpipe.experiments.result import cost_on, seeds_of
from catpipe.experiments.sweeps import Trial, grid, paired, trials_of, varied
from catpipe.metrics.intervals import wilson_interval
from catpipe.shell.cli.arguments import on_one_line
from catpipe.shell.cli.config import TABLES, completed
from catpipe.shell.cli.maps import map_for
from catpipe.shell.cli.progress import progress_bar
from catpipe.shell.cli.report import data_line, score_for, value_words
from catpipe.shell.cli.session import about
from catpipe.shell.cli.signals import Interrupted
from catpipe.shell.cli.train import experiment_for, validation_for
from catpipe.shell.runs.locate import data_to_evaluate
from catpipe.shell.runs.provenance import default_folder, record_source
from catpipe.shell.runs.run_file import Run
from catpipe.shell.runs.sweep_folder import (
    Failed,
    SweepFolder,
    folder_for,
    runs_in,
    saved_trials,
    train_trials,
)
from catpipe.shell.runs.typed_json import to_plain
from catpipe.shell.storage.atomic import DataError
from catpipe.shell.storage.datasets import load_with_notes
from catpipe.shell.storage.hdf5 import TOTAL
from catpipe.shell.threads import call_on_one_thread

Group = Sequence[tuple[Path, Run]]
"""The runs that differ in their seeds alone."""


class Row(NamedTuple):
    """What differs of an experiment, its seeds, and how good its networks are, on the average."""

    fields: Mapping[str, Any]
    seeds: tuple[int, ...]
    final_cost: float
    score: float | None  # on the test examples, where there are some
    interval: tuple[float, float] | None  # that 95 % of such test sets would give, of an accuracy
    files: tuple[str, ...]


def sweep(options: Namespace) -> bool:
    """Train the experiments of a grid that are not in the folder yet, and list all of them.

    Return whether all are trained; those that failed are named on the standard error.
    """
    since, flags = perf_counter(), {n: of for n, of in vars(options).items() if of}
    where = flags.pop("workers", None), flags.pop("scheduler", None)
    asked = completed(Namespace(**flags), TABLES)
    if asked.out is None:
        raise DataError("--out is missing; expected the folder to save runs to: name one")
    if asked.save_every is not None:
        raise DataError(
            f"{options.config}: save-every is {asked.save_every}; expected none, because a sweep "
            "saves each run when it ends: remove it"
        )
    folder = asked.data or default_folder()
    regression = is_regression(Experiment(seed=1, loss=asked.loss))
    data, notes = load_with_notes(folder, asked.memory or TOTAL, regression=regression)
    trials = trials_of(experiments := _experiments(options.config, asked, folder, data))
    source = record_source(asked.data, folder, asked.validation)
    place = folder_for(asked.out, data, validation_for(asked, data), source)
    missing = [trial for trial, run in saved_trials(place, trials) if run is None]
    with _interruptible(place, trials), map_for(*where) as workers:
        place.make()  # now that there is somebody to train
        if not asked.json:
            print(data_line(folder, data, notes))
            print(_plan_line(experiments, trials, missing, asked.out))
        ended = _ended_line(varied(experiments))
        failed = _train(place, missing, workers, ended, silent=asked.json)
    runs = {place.path(trial): run for trial, run in saved_trials(place, trials) if run}
    _print_rows(call_on_one_thread(rows_of, runs, data), data, as_json=asked.json, failed=failed)
    if not asked.json:
        print(f"time: {perf_counter() - since:.2f} s", flush=True)
    for one in failed:
        print(f"catpipe: {on_one_line(str(one))}", file=sys.stderr)
    return not failed


def table(options: Namespace) -> None:
    """Print the runs of a sweep's folder, the best first."""
    runs = runs_in(options.folder)
    options.run, run = next(iter(runs.items()))
    for path, other in runs.items():
        if other.result.fingerprint != run.result.fingerprint:
            raise DataError(
                f"{path}: was trained on other examples than {options.run}; expected the runs of "
                "one data set: put the others into another folder"
            )
    _, (data, _) = data_to_evaluate(run, options)
    _print_rows(call_on_one_thread(rows_of, runs, data), data, as_json=options.json)


def rows_of(runs: Mapping[Path, Run], data: DataSet) -> list[Row]:
    """Return a row for the runs that differ in their seeds alone; the best on the test set first.

    Raises `DataError` where some are of other classes or examples of another shape.
    """
    groups = groupby(lambda of: of[1].result.experiment._replace(seed=0), runs.items()).values()
    names = [name for name in varied(run.result.experiment for run in runs.values())
             if name != "seed"]  # fmt: skip
    rows = [_row(group, names, data) for group in groups]
    return sorted(rows, key=lambda row: (-(row.score or 0), row.final_cost))


def _experiments(
    config: Path, asked: Namespace, folder: Path, data: DataSet
) -> tuple[Experiment, ...]:
    """Return the experiments of the file: those side by side, in each combination of the grid."""
    first = experiment_for(asked, folder, data)
    seeds = {"seed": asked.seeds} if asked.seeds else {}
    _check_said_once(config, asked.zip, asked.grid, seeds)
    with about(config):
        side_by_side = paired(first, **asked.zip) if asked.zip else (first,)
        return tuple(one for each in side_by_side for one in grid(each, **asked.grid, **seeds))


def _check_said_once(config: Path, *lists: Mapping[str, Any]) -> None:
    names = [name for of in lists for name in of]
    for name in names:
        if names.count(name) > 1:
            raise DataError(
                f"{config}: lists values of {name} in two places; expected one of seeds, [grid] "
                "and [zip]: remove the others"
            )


def _train(
    place: SweepFolder,
    trials: Sequence[Trial],
    workers: tuple[Map, Watch],
    ended: Callable[[Run], str],
    *,
    silent: bool,
) -> list[Failed]:
    """Train and save these; say which have ended, and return those that failed."""

    def said(run: Run | Failed) -> Run | Failed:
        if isinstance(run, Run) and not silent:
            print(ended(run), flush=True)
        advance()
        return run

    with progress_bar(len(trials)) as advance:
        all_ended = map(said, train_trials(place, trials, *workers))
        return [run for run in all_ended if isinstance(run, Failed)]


@contextmanager
def _interruptible(place: SweepFolder, trials: Sequence[Trial]) -> Iterator[None]:
    """Give a context in which Ctrl-C says how much is saved, and how to go on."""
    try:
        yield
    except KeyboardInterrupt as stopped:
        there = sum(place.path(trial).is_file() for trial in trials)
        raise Interrupted(
            f"interrupted with {there} of {len(trials)} runs saved in {place.folder}: carry on "
            "with the same command, which trains the others",
            SIGINT,
        ) from stopped


def _plan_line(
    experiments: Sequence[Experiment], trials: Sequence[Trial], missing: Sequence[Trial], out: Path
) -> str:
    there = len(trials) - len(missing)
    names = ", ".join(map(_words, varied(experiments)))
    return (
        f"sweep: {_counted(len(experiments), 'experiment')} in {_counted(len(trials), 'run')}"
        f"{names and f' that differ in {names}'}; {there} already in {out}"
    )


def _counted(count: int, what: str) -> str:
    """Return so many of what.

    >>> _counted(1, "run"), _counted(2, "run")
    ('1 run', '2 runs')
    """
    return f"{count} {what}{'s' * (count != 1)}"


def _ended_line(names: Sequence[str]) -> Callable[[Run], str]:
    return partial(_ended, [name for name in names if name != "seed"])


def _ended(names: Sequence[str], run: Run) -> str:
    """Return the line for a run that has ended.

    >>> run = Run(fit(Experiment(seed=1, hidden=(), iterations=1), pictures))
    >>> _ended(["l2"], run)
    'seed 1, l2 0.0: cost 0.4365'
    """
    result = run.result
    _, costs = result.costs[-1]
    fields = (
        f"{_words(name)} {value_words(name, getattr(result.experiment, name))}" for name in names
    )
    return f"{', '.join((_seeds_words(seeds_of(result)), *fields))}: cost {np.mean(costs):.6g}"


def _seeds_words(seeds: Sequence[int]) -> str:
    """Return the seeds in words.

    >>> _seeds_words((1, 2, 3)), _seeds_words((1, 5)), _seeds_words((7,))
    ('seeds 1..3', 'seeds 1, 5', 'seed 7')
    """
    if len(seeds) == 1:
        return f"seed {seeds[0]}"
    is_range = [*seeds] == [*range(seeds[0], seeds[-1] + 1)]
    return f"seeds {f'{seeds[0]}..{seeds[-1]}' if is_range else ', '.join(map(str, seeds))}"


def _row(unordered: Group, names: Sequence[str], data: DataSet) -> Row:
    group = sorted(unordered, key=lambda of: seeds_of(of[1].result))
    results = [run.result for _, run in group]
    experiment, test = results[0].experiment, data.test
    score = score_for(experiment)
    scores = [score.of(result, test) for result in results] if len(test.targets) else []
    mean = float(np.mean(np.hstack(scores))) if scores else None
    count = len(test.targets)
    return Row(
        fields={name: getattr(experiment, name) for name in names},
        seeds=tuple(seed for result in results for seed in seeds_of(result)),
        final_cost=float(np.mean(np.hstack([cost_on(result, data.train) for result in results]))),
        score=mean,
        interval=None
        if mean is None or is_regression(experiment)
        else wilson_interval(mean * count, count),
        files=tuple(path.name for path, _ in group),
    )


def _print_rows(
    rows: Sequence[Row], data: DataSet, *, as_json: bool, failed: Sequence[Failed] = ()
) -> None:
    if as_json:
        lists = {"runs": rows, "failed": failed} if failed else {"runs": rows}
        plain = {name: [*map(to_plain, each)] for name, each in lists.items()}
        print(json.dumps(plain, allow_nan=False))
        return
    if not rows:
        return
    names = [*rows[0].fields]
    header = [*map(_words, names), "seeds", "cost", "test", "95 % interval", "file"]
    cells = [[*(value_words(n, v) for n, v in row.fields.items()), *_numbers(row)] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    for line in (header, *cells):
        print("  ".join(map(str.ljust, line, widths)).rstrip())
    if len(rows) > 1 and rows[0].score is not None:
        print(f"the best of {len(rows)} on {len(data.test.targets)} test examples is better there "
              "than on others: choose by `catpipe validate`")  # fmt: skip


def _numbers(row: Row) -> list[str]:
    """Return the cells of a row that are of all tables."""
    score = (
        ""
        if row.score is None
        else f"{100 * row.score:.1f} %"
        if row.interval
        else f"{row.score:.4g}"
    )
    low, high = row.interval or (0, 0)
    interval = f"{100 * low:.1f} to {100 * high:.1f}" if row.interval else ""
    files = row.files[0] + (f" and {len(row.files) - 1} more" if len(row.files) > 1 else "")
    seeds = _seeds_words(row.seeds).split(maxsplit=1)[1]
    return [seeds, f"{row.final_cost:.6g}", score, interval, files]


def _words(name: str) -> str:
    return name.replace("_", " ")
