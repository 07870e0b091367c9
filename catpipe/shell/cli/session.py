"""A sitting: a run is trained to its end or until a signal comes, and kept while it goes on."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from toolz import compose_left, identity

from catpipe.data.examples import DataSet, Pictures
from catpipe.experiments.fitting import Watch, result_at, solve
from catpipe.experiments.result import Result, is_last, reached_of, was_stopped
from catpipe.experiments.resuming import reposed
from catpipe.experiments.setup import Problem, iterations_of, network_of
from catpipe.nn.network import parameter_shapes
from catpipe.nn.parameters import Parameters
from catpipe.shell.cli.progress import watched
from catpipe.shell.cli.report import print_report, report_of
from catpipe.shell.cli.signals import Interrupted, Interruption, saved
from catpipe.shell.runs.environment import Environment, environment
from catpipe.shell.runs.provenance import Source
from catpipe.shell.runs.run_file import Run, save_run
from catpipe.shell.storage.atomic import DataError
from catpipe.shell.threads import blas_threads_for, one_blas_thread
from catpipe.training.spaces import network_inside
from catpipe.training.stopping import Checkpoint


class Sitting(NamedTuple):
    """The data, where and how often to save, in what form to tell, and what else a file says."""

    folder: Path
    data: DataSet
    out: Path | None
    every: int | None
    as_json: bool
    source: Source | None
    environments: tuple[tuple[int, Environment], ...]
    since: float  # by the clock of `perf_counter`


def carry_out(
    sitting: Sitting, posed: Problem, begun: Parameters, kept: Checkpoint | None = None
) -> None:
    """Train to the end, from what is kept or from the start; then save the run, and tell of it.

    Raises `Interrupted` after a signal that stops it, with the state saved. So it is where nobody
    reads what is printed any more, and the error goes on.
    """
    end = iterations_of(posed)
    ends = partial(is_last, posed.experiment, end)
    interruption = Interruption(ends)
    saving: Watch = identity
    if sitting.every is not None:
        save = partial(_save_on_the_way, sitting, posed, begun, ends)
        saving = partial(saved, save=save, every=sitting.every)
    watch = compose_left(
        partial(watched, total=end, silent=sitting.as_json),
        interruption.watch,
        saving,
    )
    with interruption.listening():
        try:
            with threads_for(posed, begun):
                result = solve(posed, begun, watch, kept)
        except (OSError, KeyboardInterrupt) as error:
            if interruption.kept is None:
                raise
            interruption.is_deaf = True
            told = _left(sitting, result_at(posed, begun, interruption.kept))
            if interruption.signal is None:
                raise
            raise Interrupted(told, interruption.signal) from error
        if interruption.signal and not is_at_end(result):
            raise Interrupted(_left(sitting, result), interruption.signal)
        conclude(sitting, result)


def conclude(sitting: Sitting, result: Result) -> None:
    """Save the run, and tell of it: also where it could not be saved, before saying so."""
    refusal = _saved(sitting, result)
    where = f"saved to {sitting.out}" if sitting.out else "not saved (--out FILE)"
    tell(sitting, result, "not saved" if refusal else where)
    if refusal:
        raise refusal


def tell(sitting: Sitting, result: Result, where: str) -> None:
    """Tell how a run went, and where its parameters are."""
    seconds = perf_counter() - sitting.since
    report = report_of(sitting.folder, result, sitting.data, seconds)
    if sitting.as_json:
        print(json.dumps(report, allow_nan=False))
    else:
        print_report(result, report, sitting.data)
        print(f"parameters: {where}")


def is_at_end(result: Result) -> bool:
    """Return whether a run is over."""
    reached = reached_of(result)
    return is_last(result.experiment, reached.end, reached.kept)


def stage_of(result: Result) -> str:
    """Return in words how far a run is."""
    if was_stopped(result.experiment, reached_of(result).kept.waited):
        return "stopped early"
    return "finished" if is_at_end(result) else "not finished"


def threads_for(posed: Problem, begun: Parameters) -> AbstractContextManager[Any]:
    """Return the context to train in: one BLAS thread, where what is trained is small."""
    kind, columns = posed.space.kind, len(posed.labels)
    shapes = parameter_shapes(network_inside(kind, network_of(posed), columns)).values()
    networks = max(array.shape[0] if array.ndim > 2 else 1 for array in begun.values())
    return blas_threads_for(networks * sum(rows * columns for rows, columns in shapes))


def environment_for(posed: Problem, begun: Parameters) -> Environment:
    """Return with what the problem is trained from these parameters, its threads among all else."""
    with threads_for(posed, begun):
        return environment()


def posed_again(
    result: Result, pictures: Pictures, validation: Pictures | None
) -> tuple[Problem, Parameters]:
    """Return the problem and the start of a run, made on one BLAS thread as they were at first."""
    with one_blas_thread():
        return reposed(result, pictures, validation)


def _save_on_the_way(
    sitting: Sitting,
    posed: Problem,
    begun: Parameters,
    ends: Callable[[Checkpoint], bool],
    kept: Checkpoint,
) -> None:
    """Save the state, but for the last one: that is saved with what is told of it."""
    if ends(kept):
        return
    result = result_at(posed, begun, kept)
    if not _is_finite(result):  # which is refused when its cost is sampled
        return
    if refusal := _saved(sitting, result):  # the run is worth more than this state of it
        at = kept.state.iteration
        with suppress(OSError):
            print(f"catpipe: iteration {at} was not saved: {refusal}", file=sys.stderr)


def _is_finite(result: Result) -> bool:
    return all(np.isfinite(W).all() for W in result.parameters.values())


def _left(sitting: Sitting, result: Result) -> str:
    """Save a run that was interrupted; return what to say of it."""
    at, end = reached_of(result).kept.state.iteration, reached_of(result).end
    where = f"interrupted at iteration {at} of {end}"
    if sitting.out is None:
        return f"{where}; nothing was saved (--out FILE)"
    if refusal := _saved(sitting, result):
        return f"{where}; not saved: {refusal}"
    return f"{where}; saved to {sitting.out}: carry on with `catpipe resume {sitting.out}`"


def _saved(sitting: Sitting, result: Result) -> DataError | None:
    """Save the run where it is to be saved; return why it could not be."""
    run = Run(result, sitting.data.classes, sitting.source, sitting.environments)
    try:
        if sitting.out:
            save_run(sitting.out, run)
    except DataError as error:
        return error
    return None
