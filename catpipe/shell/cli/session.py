"""A session: a run is trained to its end or until a signal comes, and saved while it goes on."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import numpy as np
from toolz import compose_left, identity

from catpipe.data.examples import DataSet
from catpipe.experiments.fitting import Watch, result_at
from catpipe.experiments.result import Result
from catpipe.experiments.setup import Setup
from catpipe.shell.cli.hints import print_hint
from catpipe.shell.cli.progress import with_progress
from catpipe.shell.cli.report import changes_of, print_report, report_of
from catpipe.shell.cli.signals import Interrupted, StopSignal, saved
from catpipe.shell.runs.environment import Environment, changes, environment
from catpipe.shell.runs.provenance import Source
from catpipe.shell.runs.run_file import Run, save_run
from catpipe.shell.storage.atomic import DataError
from catpipe.training.stopping import Checkpoint


class Session(NamedTuple):
    """The data, where and how often to save, how to report, and what else a run file holds."""

    folder: Path
    data: DataSet
    notes: tuple[str, ...]  # how the files of the data were taken
    out: Path | None
    save_every: int | None
    as_json: bool
    source: Source | None
    since: float  # by the clock of `perf_counter`
    environments: tuple[tuple[int, Environment], ...] = ()
    resumed: Result | None = None
    header: tuple[str, ...] = ()  # lines to print before it trains


def train_and_save(session: Session, train: Callable[[Setup, Watch], Result], setup: Setup) -> None:
    """Train the setup to its end with this function; then save the run and report it.

    The environment in which it is called is recorded. Raises `Interrupted` after a signal that
    stops it, with the run saved as far as it is. So it is too where nobody reads the output any
    more, and the error goes on.
    """
    session = _from_now_on(session, environment(compiled=setup.experiment.compiled))
    patience, end = setup.experiment.early_stopping, setup.plan.iterations
    stop = StopSignal(lambda checkpoint: checkpoint.is_finished(end, patience))
    saving: Watch = identity
    if session.save_every is not None:
        save = partial(_save_on_the_way, session, setup)
        saving = partial(saved, save=save, every=session.save_every)
    progress = partial(with_progress, total=end, header=session.header, silent=session.as_json)
    with stop.listening():
        try:
            result = train(setup, compose_left(progress, stop.watch, saving))
        except (OSError, KeyboardInterrupt) as error:
            if stop.checkpoint is None:
                raise
            stop.ignores_signals = True
            sentence = _save_interrupted(session, result_at(setup, stop.checkpoint))
            if stop.signal is None:
                raise
            raise Interrupted(sentence, stop.signal) from error
        if stop.signal and not result.is_finished:
            raise Interrupted(_save_interrupted(session, result), stop.signal)
        save_and_report(session, result)


@contextmanager
def about(path: Path) -> Iterator[None]:
    """Give a context whose refusals name the file."""
    try:
        yield
    except DataError:
        raise
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error


def save_and_report(session: Session, result: Result) -> None:
    """Save the run and report it; where it cannot be saved, report it before saying so."""
    refusal = _save(session, result)
    where = f"saved to {session.out}" if session.out else "not saved (--out FILE)"
    print_result(session, result, "not saved" if refusal else where)
    if refusal:
        raise refusal


def print_result(session: Session, result: Result, where: str) -> None:
    """Print how a run went, and where its parameters are."""
    seconds = perf_counter() - session.since
    report = report_of(session.folder, result, session.data, seconds, session.notes)
    if session.as_json:
        print(json.dumps(report, allow_nan=False))
    else:
        print_report(result, report, session.data)
        print(f"parameters: {where}")
    print_hint(result, session.data.train, report["final_cost"])


def status(result: Result) -> str:
    """Return in words how far a run is."""
    if result.stopped_early:
        return "stopped early"
    return "finished" if result.is_finished else "not finished"


def _from_now_on(session: Session, now: Environment) -> Session:
    """Return the session with the environment of now from here on, and said in its header.

    An environment in which no step was made is left out.
    """
    before, resumed = session.environments, session.resumed
    if resumed is None:
        return session._replace(environments=((0, now),))
    at = resumed.iterations_done
    where = f"resumed: {session.out} at iteration {at} of {resumed.planned_iterations}"
    changed = (f"changed: {words}" for words in changes_of(resumed))
    session = session._replace(header=(*session.header, where, *changed))
    if before[-1][1] == now:
        return session
    others = f"from here on: {'; '.join(changes(before[-1][1], now))} (last bits may differ)"
    earlier = tuple(each for each in before if each[0] < at)
    return session._replace(environments=(*earlier, (at, now)), header=(*session.header, others))


def _save_on_the_way(session: Session, setup: Setup, checkpoint: Checkpoint) -> None:
    """Save the run so far; a finished one is saved with its report."""
    result = result_at(setup, checkpoint)
    if result.is_finished or not _is_finite(result):  # which is refused when its cost is sampled
        return
    if refusal := _save(session, result):  # the run is worth more than this state of it
        with suppress(OSError):
            at = result.iterations_done
            print(f"catpipe: iteration {at} was not saved: {refusal}", file=sys.stderr)


def _is_finite(result: Result) -> bool:
    return all(np.isfinite(W).all() for W in result.parameters.values())


def _save_interrupted(session: Session, result: Result) -> str:
    """Save a run that was interrupted; return what to say of it."""
    where = f"interrupted at iteration {result.iterations_done} of {result.planned_iterations}"
    if session.out is None:
        return f"{where}; nothing was saved (--out FILE)"
    if refusal := _save(session, result):
        return f"{where}; not saved: {refusal}"
    return f"{where}; saved to {session.out}: carry on with `catpipe resume {session.out}`"


def _save(session: Session, result: Result) -> DataError | None:
    """Save the run where it is to be saved; return why it could not be."""
    saved_run = Run(result, session.data.classes, session.source, session.environments)
    try:
        if session.out:
            save_run(session.out, saved_run)
    except DataError as error:
        return error
    return None
