"""A sitting: a run is trained to its end or until a signal comes, and kept while it goes on."""

from __future__ import annotations

import json
import sys
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from toolz import compose_left, identity

from catpipe.fitting import Watch, result_at, solve
from catpipe.parameters import Parameters
from catpipe.problems import Problem, iterations_of
from catpipe.results import Result, is_over
from catpipe.resuming import reached_of, reposed
from catpipe.shell.environments import Environment, environment
from catpipe.shell.files import DataError
from catpipe.shell.keeping import Interrupted, Interruption, saved
from catpipe.shell.progress import one_blas_thread, watched
from catpipe.shell.reports import print_report, report_of
from catpipe.shell.runs import Run, save_run
from catpipe.shell.sources import Source
from catpipe.stopping import Kept
from catpipe.transforms import DataSet, Pictures

SMALL = 2**17  # numbers, of which a product is too short to share among threads


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
    sitting: Sitting, posed: Problem, begun: Parameters, kept: Kept | None = None
) -> None:
    """Train to the end, from what is kept or from the start; then save the run, and tell of it.

    Raises `Interrupted` after a signal that stops it, with the state saved. So it is where nobody
    reads what is printed any more, and the error goes on.
    """
    interruption = Interruption()
    watch = compose_left(
        partial(watched, total=iterations_of(posed), silent=sitting.as_json),
        _saving(sitting, posed, begun),
        interruption.watch,
    )
    with interruption.listening():
        try:
            with threads_for(posed, begun):
                result = solve(posed, begun, watch, kept)
        except (OSError, KeyboardInterrupt) as error:
            if interruption.kept is None:
                raise
            interruption.is_saving = True
            reached = result_at(posed, begun, interruption.kept)
            told = _left(sitting, reached, kept)
            if interruption.signal is None:
                raise
            raise Interrupted(told, interruption.signal) from error
        interruption.is_saving = True
        if interruption.signal and not is_at_end(result):
            raise Interrupted(_left(sitting, result, kept), interruption.signal)
        conclude(sitting, result)


def conclude(sitting: Sitting, result: Result) -> None:
    """Save the run, and tell of it: also where it could not be saved, before saying so."""
    refusal = _refusal(sitting, result)
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
    return is_over(result.experiment, reached.kept, reached.end)


def threads_for(posed: Problem, begun: Parameters) -> AbstractContextManager[Any]:
    """Return the context to train in: one BLAS thread, but for large networks in the full space.

    Two are no faster for what is small, and ten times slower on a busy machine.
    """
    is_large = posed.space.kind == "full" and sum(W.size for W in begun.values()) >= SMALL
    return nullcontext() if is_large else one_blas_thread()


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


def _saving(sitting: Sitting, posed: Problem, begun: Parameters) -> Watch:
    if sitting.every is None:
        return identity
    return partial(
        saved, save=partial(_save_on_the_way, sitting, posed, begun), every=sitting.every
    )


def _save_on_the_way(sitting: Sitting, posed: Problem, begun: Parameters, kept: Kept) -> None:
    """Save the state, but for the last one: that is saved with what is told of it."""
    result = result_at(posed, begun, kept)
    if is_at_end(result) or not _is_finite(result):  # which is refused when its cost is sampled
        return
    if refusal := _refusal(sitting, result):  # the run is worth more than this state of it
        with suppress(OSError):
            at = kept.state.iteration
            print(f"catpipe: iteration {at} was not saved: {refusal}", file=sys.stderr)


def _is_finite(result: Result) -> bool:
    return all(np.isfinite(W).all() for W in result.parameters.values())


def _left(sitting: Sitting, result: Result, resumed: Kept | None) -> str:
    """Save a run that was interrupted, unless it was so saved before; return what to say of it."""
    at, end = reached_of(result).kept.state.iteration, reached_of(result).end
    where = f"interrupted at iteration {at} of {end}"
    if sitting.out is None:
        return f"{where}; nothing was saved (--out FILE)"
    is_there = resumed is not None and resumed.state.iteration == at
    if not is_there and (refusal := _refusal(sitting, result)):
        return f"{where}; not saved: {refusal}"
    return f"{where}; saved to {sitting.out}: carry on with `catpipe resume {sitting.out}`"


def _refusal(sitting: Sitting, result: Result) -> DataError | None:
    """Save the run where it is to be saved; return why it could not be."""
    run = Run(result, sitting.data.classes, sitting.source, sitting.environments)
    try:
        if sitting.out:
            save_run(sitting.out, run)
    except DataError as error:
        return error
    return None
