"""The commands that train: one begins a run, the other carries it on."""

from __future__ import annotations

from argparse import Namespace
from functools import partial
from pathlib import Path
from time import perf_counter

from catpipe.data.examples import DataSet, Examples
from catpipe.experiments.contexts import prepared_and_trained
from catpipe.experiments.ensembles import seeds_need_own_runs
from catpipe.experiments.experiment import Experiment, is_regression
from catpipe.experiments.fitting import run
from catpipe.experiments.resuming import (
    CHANGEABLE,
    carry_on,
    check_same,
    prepare_again,
    with_changes,
)
from catpipe.experiments.setup import prepare
from catpipe.shell.cli.check import check_line
from catpipe.shell.cli.options import FLAGS, experiment_of
from catpipe.shell.cli.report import data_line, experiment_line
from catpipe.shell.cli.seeds import train_seeds
from catpipe.shell.cli.session import (
    Session,
    about,
    print_result,
    save_and_report,
    status,
    train_and_save,
)
from catpipe.shell.runs.locate import LocatedData, load_single_run, training_data
from catpipe.shell.runs.provenance import changed_files, default_folder, record_source
from catpipe.shell.runs.run_file import Run, check_replaceable, load_run
from catpipe.shell.storage.atomic import DataError, check_writable
from catpipe.shell.storage.datasets import load_pictures, load_with_notes
from catpipe.shell.storage.hdf5 import TOTAL
from catpipe.shell.threads import with_threads


def train(options: Namespace) -> None:
    """Train a network, report how it went, and save the run."""
    folder = options.data or default_folder()
    regression = is_regression(Experiment(seed=1, loss=options.loss))
    data, notes = load_with_notes(folder, options.memory or TOTAL, regression=regression)
    experiment = experiment_for(options, folder, data)
    validation = validation_for(options, data)
    _check_out(options)
    _check_is_one_run(options, experiment)
    if not options.json:
        print(data_line(folder, data, notes))
        if problems := check_line(folder, data):
            print(problems)
        print(experiment_line(experiment, data.train, options.seeds))
    if options.seeds:
        train_seeds(options, experiment, folder, data, notes, validation)
        return
    session = Session(
        folder=folder,
        data=data,
        notes=notes,
        out=options.out,
        save_every=options.save_every,
        as_json=options.json,
        source=record_source(options.data, folder, options.validation),
        since=perf_counter(),
    )
    prepared_and_trained(
        with_threads,
        partial(prepare, experiment, data.train, validation),
        partial(train_and_save, session, run),
    )


def resume(options: Namespace) -> None:
    """Carry on a run from where its file is, in the same file."""
    _check_every(options.save_every)
    path, stored = options.run, load_single_run(options.run)
    found = training_data(stored, options)
    _check_files(stored, found, path)
    changes = {name: getattr(options, name) for name in CHANGEABLE}
    with about(path):
        longer = with_changes(stored.result, changes, named=FLAGS.__getitem__)
    check_writable(path)
    header = (
        data_line(found.folder, found.data, found.notes),
        experiment_line(longer.experiment, found.data.train, None),
    )
    session = Session(
        folder=found.folder,
        data=found.data,
        notes=found.notes,
        out=path,
        save_every=options.save_every,
        as_json=options.json,
        source=stored.source,
        since=perf_counter(),
        environments=stored.environments,
        resumed=longer,
        header=header,
    )
    train_on = partial(train_and_save, session, partial(carry_on, longer))
    with about(path):
        prepared_and_trained(
            with_threads,
            partial(prepare_again, longer, found.data.train, found.validation),
            partial(check_same, longer) if longer.is_finished else train_on,
        )
    if longer.is_finished and not options.json:
        print(*header, sep="\n")
    if longer is stored.result and longer.is_finished:
        print_result(session, longer, f"as they were in {path}, which is {status(longer)}")
    elif longer.is_finished:
        save_and_report(session, longer)


def experiment_for(options: Namespace, folder: Path, data: DataSet) -> Experiment:
    """Return the experiment that the options describe on these data; refuse what cannot be."""
    if not data.classes and options.loss == Experiment(seed=1).loss:
        raise DataError(
            f"{folder}: has targets that are numbers and no classes; expected --loss "
            "mean_squared_error with them: add it"
        )
    return experiment_of(options, len(data.classes) or Experiment(seed=1).classes)


def validation_for(options: Namespace, data: DataSet) -> Examples | None:
    """Return the examples to validate on, where a file of them is named."""
    if options.validation is None:
        return None
    if not options.early_stopping:
        raise DataError(
            f"--validation is {options.validation} without --early-stopping; expected both: add it"
        )
    return load_pictures(options.validation, data, options.memory or TOTAL)


def _check_is_one_run(options: Namespace, experiment: Experiment) -> None:
    if options.out and options.seeds and seeds_need_own_runs(experiment):
        raise DataError(
            f"{options.out}: is of one run, and each seed is one with mini-batches, dropout, "
            "augmentation or early stopping; expected one seed: save many with `catpipe sweep`"
        )


def _check_out(options: Namespace) -> None:
    out: Path | None = options.out
    _check_every(options.save_every)
    if out is None:
        if options.save_every is not None:
            raise DataError("--save-every is without --out; expected the file to save to: add it")
        return
    if options.seeds and options.save_every is not None:
        raise DataError("--save-every is with --seeds; expected one of them: leave out the other")
    check_writable(out)
    if out.is_file():
        _check_replaceable(out, force=options.force)


def _check_replaceable(out: Path, *, force: bool) -> None:
    """Refuse to begin a run in the place of what is none and, without force, of another run."""
    check_replaceable(out)
    if force or not out.stat().st_size:
        return
    try:
        result = load_run(out).result
    except DataError as error:  # of another catpipe, say
        raise DataError(
            f"{out}: is a run that cannot be loaded; expected a new name: or --force to replace it"
        ) from error
    at, end = result.iterations_done, result.planned_iterations
    todo = "" if result.is_finished else f"carry it on with `catpipe resume {out}`, "
    raise DataError(
        f"{out}: is a run at iteration {at} of {end}, {status(result)}; expected a new name: "
        f"{todo}give another name, or --force to replace it"
    )


def _check_every(every: int | None) -> None:
    if every is not None and every < 1:
        raise DataError(f"--save-every is {every}; expected an integer of at least 1")


def _check_files(run: Run, found: LocatedData, path: Path) -> None:
    """Refuse to carry on with other files than a run began with."""
    for change in changed_files(run.source, found.source) if run.source else ():
        raise DataError(
            f"{found.folder}: holds other data than {path} was trained on ({change}); expected "
            "the same: give their folder with --data, or their file with --validation"
        )
