"""The commands that train: a run is begun, or carried on, and kept in its file while it goes on."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

from toolz import compose

from catpipe.experiments import Experiment
from catpipe.fitting import result_at, solve
from catpipe.parameters import Parameters
from catpipe.problems import Problem, iterations_of, problem, start
from catpipe.results import Result, is_over
from catpipe.resuming import check_place, extended, reached_of, reposed
from catpipe.rules import checked
from catpipe.shell.data import load_data, load_pictures
from catpipe.shell.environments import Environment, environment
from catpipe.shell.files import DataError, check_writable
from catpipe.shell.keeping import Interrupted, Interruption, saved
from catpipe.shell.progress import one_blas_thread, watched
from catpipe.shell.reports import data_line, experiment_line, print_report, report_of
from catpipe.shell.runs import Run, is_run, load_run, save_run
from catpipe.shell.seeds import train_seeds
from catpipe.shell.sources import Source, default_folder, folder_of, other_data, source_of
from catpipe.stopping import Kept
from catpipe.transforms import DataSet, Pictures

SMALL = 2**17  # numbers, of which a product is too short to share among threads


class Place(NamedTuple):
    """Where a run is kept, how often, and what stands in its file besides the result."""

    out: Path | None
    every: int | None
    classes: tuple[str, ...]
    source: Source
    environments: tuple[tuple[int, Environment], ...]


def train(options: Namespace) -> None:
    """Train a network, say how it went, and keep what came of it."""
    folder = options.data or default_folder()
    data = load_data(folder)
    experiment = _experiment(options, data)
    validation = _validation(options, data)
    _check_place_to_save(options)
    if not options.json:
        print(data_line(folder, data))
        print(experiment_line(experiment, data.train, options.seeds))
    if options.seeds:
        train_seeds(options, experiment, folder, data, validation)
        return
    with one_blas_thread():
        posed = problem(experiment, data.train, validation)
    source = source_of(options.data, folder, options.validation)
    begun = start(posed, experiment.seed)
    made_with = ((0, environment_for(posed, begun)),)
    place = Place(options.out, options.save_every, data.classes, source, made_with)
    _carry_out(options, posed, begun, place, (folder, data))


def resume(options: Namespace) -> None:
    """Carry on a run from where its file is, in the same file."""
    path, run = options.run, load_run(options.run)
    if run.result.seeds:
        raise DataError(f"{path}: holds many networks; expected one: carry them on in Python")
    folder, data, validation = data_of(run, options)
    source = _same_source(run, folder, options)
    _check_every(options.save_every)
    try:
        longer, reached = extended(run.result, options.iterations)
        posed, begun = posed_again(longer, data.train, validation)
        check_place(longer, posed, begun)
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error
    check_writable(path)
    at, now = reached.kept.state.iteration, environment_for(posed, begun)
    last = run.environments[-1][1] if run.environments else None
    environments = run.environments if last == now else (*run.environments, (at, now))
    place = Place(path, options.save_every, run.classes, source, environments)
    if not options.json:
        print(data_line(folder, data))
        print(experiment_line(longer.experiment, data.train, None))
        print(f"resumed: {path} at iteration {at} of {reached.end}")
    if is_over(longer.experiment, reached):
        _finish(options, longer, place, (folder, data), 0.0)
    else:
        _carry_out(options, posed, begun, place, (folder, data), reached.kept)


def data_of(run: Run, options: Namespace) -> tuple[Path, DataSet, Pictures | None]:
    """Return the folder of a run's data, the data, and those to validate on."""
    folder = folder_of(run.source, options.data)
    data = load_data(folder)
    path = validation_of(run, options)
    if data.classes != run.classes:
        raise DataError(
            f"{folder}: has the classes {', '.join(data.classes)}; expected "
            f"{', '.join(run.classes)}, which {options.run} was trained on: name other data"
        )
    return folder, data, load_pictures(path, data) if path else None


def validation_of(run: Run, options: Namespace) -> Path | None:
    """Return the file that a run validates on, as named now or then, where there is one."""
    own = run.source.validation if run.source else None
    return options.validation or (Path(own.path) if own else None)


def _experiment(options: Namespace, data: DataSet) -> Experiment:
    asked = {name: getattr(options, name) for name in Experiment._fields if name != "classes"}
    return checked(Experiment(**asked, classes=len(data.classes)))


def _validation(options: Namespace, data: DataSet) -> Pictures | None:
    if options.validation is None:
        return None
    if not options.early_stopping:
        raise DataError(
            f"{options.validation}: is to validate on; expected --early-stopping with it: add it"
        )
    return load_pictures(options.validation, data)


def _check_place_to_save(options: Namespace) -> None:
    out, every = options.out, options.save_every
    _check_every(every)
    if out is None:
        if every is not None:
            raise DataError("--save-every is without --out; expected the file to save to: name it")
        return
    if options.seeds:
        raise DataError(f"{out}: holds one network, and --seeds trains many: leave out one of them")
    check_writable(out)
    if out.is_file() and not is_run(out):
        raise DataError(f"{out}: is a file but no run; expected a new name, or a run to replace")


def _check_every(every: int | None) -> None:
    if every is not None and every < 1:
        raise DataError(f"--save-every is {every}; expected at least 1 iteration: choose a number")


def _same_source(run: Run, folder: Path, options: Namespace) -> Source:
    """Return the source of a run; refuse to carry on with other files than it began with."""
    then = run.source
    now = source_of(options.data, folder, validation_of(run, options))
    for change in other_data(then, now) if then else ():
        raise DataError(
            f"{folder}: holds other data than {options.run} was trained on ({change}); expected "
            "the same: name them with --data or --validation"
        )
    return then or now


def posed_again(
    result: Result, pictures: Pictures, validation: Pictures | None
) -> tuple[Problem, Parameters]:
    """Return the problem and the start of a run, made on one BLAS thread as `train` makes them."""
    with one_blas_thread():
        return reposed(result, pictures, validation)


def threads_for(posed: Problem, begun: Parameters) -> AbstractContextManager[Any]:
    """Return the context to train in: one BLAS thread, but for large networks in the full space.

    Two are no faster for what is small, ten times slower on a busy machine, and round otherwise.
    """
    large = posed.space.kind == "full" and sum(W.size for W in begun.values()) >= SMALL
    return nullcontext() if large else one_blas_thread()


def environment_for(posed: Problem, begun: Parameters) -> Environment:
    """Return with what the problem is trained from these parameters: its threads among all else."""
    with threads_for(posed, begun):
        return environment()


def _carry_out(
    options: Namespace,
    posed: Problem,
    begun: Parameters,
    place: Place,
    told: tuple[Path, DataSet],
    kept: Kept | None = None,
) -> None:
    """Train to the end, or until a signal comes; save on the way and then."""
    interruption, since = Interruption(), perf_counter()
    watch = compose(
        interruption.watch,
        partial(saved, save=partial(_save_on_the_way, posed, begun, place), every=place.every)
        if place.every
        else iter,
        partial(watched, total=iterations_of(posed), silent=options.json),
    )
    with threads_for(posed, begun):
        result = solve(posed, begun, watch, kept)
    reached = reached_of(result)
    if interruption.signal and not is_over(result.experiment, reached):
        raise Interrupted(_left(result, place), interruption.signal)
    _finish(options, result, place, told, perf_counter() - since)


def _left(result: Result, place: Place) -> str:
    """Save a run that was interrupted; return what to say of it."""
    at, end = reached_of(result).kept.state.iteration, reached_of(result).end
    where = f"interrupted at iteration {at} of {end}"
    if place.out is None:
        return f"{where}; nothing was saved (--out FILE)"
    save_run(place.out, _run(result, place))
    return f"{where}; saved to {place.out}: carry on with `catpipe resume {place.out}`"


def _save_on_the_way(posed: Problem, begun: Parameters, place: Place, kept: Kept) -> None:
    """Save the state, but for the last one: that is saved with what is said of it."""
    result = result_at(posed, begun, kept)
    if place.out is None or is_over(result.experiment, reached_of(result)):
        return
    try:
        save_run(place.out, _run(result, place))
    except DataError as error:  # the run is worth more than this state of it
        print(f"catpipe: iteration {kept.state.iteration} was not saved: {error}", file=sys.stderr)


def _run(result: Result, place: Place) -> Run:
    return Run(result, place.classes, place.source, place.environments)


def _finish(
    options: Namespace, result: Result, place: Place, told: tuple[Path, DataSet], seconds: float
) -> None:
    """Save the run, and say how it went: also where it could not be saved."""
    folder, data = told
    report = report_of(folder, result, data, seconds)
    as_json = json.dumps(report, allow_nan=False) if options.json else ""  # or refused, unsaved
    unsaved = None
    try:
        if place.out:
            save_run(place.out, _run(result, place))
    except DataError as error:
        unsaved = error
    if options.json:
        print(as_json)
    else:
        print_report(result, report, data)
        where = f"saved to {place.out}" if place.out and not unsaved else "not saved (--out FILE)"
        print(f"parameters: {where}")
    if unsaved:
        raise unsaved
