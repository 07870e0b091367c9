"""BLAS threads: one, around preparing and around training what is small.

Two threads on small matrices are no faster on a quiet machine, and ten times slower on a busy one;
and how many there are decides the last bits of a product. BLAS threads are a setting of the whole
process, so these are the functions that `catpipe` hands on: those of `catpipe.experiments`, run so
that they give equal bits on any number of cores. It takes threadpoolctl; without it, threads stay
as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from functools import partial
from threading import Event, Lock, Thread
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from toolz import identity

from catpipe.data.conversion import ExamplesLike
from catpipe.experiments import cross_validation, ensembles, resuming
from catpipe.experiments.ensembles import Map
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import Watch, run
from catpipe.experiments.result import Result
from catpipe.experiments.setup import Setup, prepare
from catpipe.nn.network import Network, parameter_shapes
from catpipe.nn.parameters import Array
from catpipe.optim.optimizers import Optimizer
from catpipe.training.spaces import network_inside

SMALL = 2**17  # numbers, below which one thread is as fast

_T = TypeVar("_T")


class _Limit:
    """The limit of this process: set by the first who takes it, lifted by the last to leave.

    A thread of its own holds it, since threadpoolctl lets no other thread lift what one has set.
    """

    def __init__(self) -> None:
        self.lock = Lock()
        self.holders = 0
        self.lift = Event()
        self.holder = Thread()

    def take(self) -> None:
        with self.lock:
            if self.holders == 0:
                is_set, self.lift = Event(), Event()
                self.holder = Thread(target=_hold, args=(is_set, self.lift), daemon=True)
                self.holder.start()
                try:
                    is_set.wait()
                except BaseException:  # a second Ctrl-C, say: nobody would lift it
                    self.lift.set()
                    raise
            self.holders += 1

    def release(self) -> None:
        with self.lock:
            self.holders -= 1
            if self.holders == 0:
                self.lift.set()
                self.holder.join()


def _hold(is_set: Event, lift: Event) -> None:
    with ExitStack() as limit:
        with suppress(Exception):  # which meets the one who takes it, too
            limit.enter_context(_one_thread_here())
        is_set.set()
        lift.wait()


_LIMIT = _Limit()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Give a context in which BLAS has one thread, where threadpoolctl is installed.

    Threads of Python may be in it at once: the last to leave restores what was. A limit that the
    caller has set with threadpoolctl stays.
    """
    _LIMIT.take()
    try:
        with _one_thread_here():  # for a BLAS whose limit is each thread's own
            yield
    finally:
        _LIMIT.release()


def threads_for(setup: Setup) -> AbstractContextManager[None]:
    """Return the context to train in: one BLAS thread, where what is trained is small."""
    inside = network_inside(setup.space.kind, setup.network, len(setup.labels))
    numbers = sum(rows * columns for rows, columns in parameter_shapes(inside).values())
    return one_blas_thread() if numbers < SMALL else nullcontext()


def limited(prepared: Callable[[], Setup], trained: Callable[[Setup], _T]) -> _T:
    """Prepare on one BLAS thread, and train on it too where what is trained is small."""
    with one_blas_thread():
        setup = prepared()
    with threads_for(setup):
        return trained(setup)


def fit(
    experiment: Experiment,
    examples: ExamplesLike,
    watch: Watch = identity,
    validation: ExamplesLike | None = None,
    *,
    network: Network | None = None,
    optimizer: Optimizer | None = None,
) -> Result:
    """Return what `experiments.fit` does, on one BLAS thread where what is trained is small.

    >>> pictures = np.array([0, 255], np.uint8).reshape(2, 1, 1, 1), [0, 1]
    >>> fit(Experiment(seed=1, hidden=()), pictures).iteration
    2500
    """
    return limited(
        lambda: prepare(experiment, examples, validation, network=network, optimizer=optimizer),
        lambda setup: run(setup, watch),
    )


def fit_seeds(
    experiment: Experiment,
    seeds: Sequence[int],
    examples: ExamplesLike,
    map_: Map = map,
    watch: Watch = identity,
    validation: ExamplesLike | None = None,
) -> Result:
    """Return what `experiments.fit_seeds` does, with the threads of `fit`."""
    return limited(
        lambda: prepare(experiment, examples, validation),
        lambda setup: ensembles.run_seeds(setup, seeds, on_one_thread(map_), watch),
    )


def cross_validate(
    experiment: Experiment, examples: ExamplesLike, folds: NDArray[np.int64], map_: Map = map
) -> Array:
    """Return what `experiments.cross_validate` does, with the threads of `fit`."""
    return limited(
        lambda: prepare(experiment, examples),
        lambda setup: cross_validation.run_folds(setup, folds, on_one_thread(map_)),
    )


def resume(
    result: Result,
    examples: ExamplesLike,
    watch: Watch = identity,
    validation: ExamplesLike | None = None,
    iterations: int | None = None,
    map_: Map = map,
) -> Result:
    """Return what `experiments.resume` does, with the threads of `fit`."""
    longer = resuming.extended(result, iterations)
    if longer.is_finished:
        return longer
    return limited(
        lambda: resuming.prepare_again(longer, examples, validation),
        lambda setup: resuming.carry_on(longer, setup, watch, on_one_thread(map_)),
    )


def replay(
    result: Result,
    examples: ExamplesLike,
    watch: Watch = identity,
    validation: ExamplesLike | None = None,
    map_: Map = map,
) -> Result:
    """Return what `experiments.replay` does, with the threads of `fit`."""
    return limited(
        lambda: resuming.prepare_again(result, examples, validation),
        lambda setup: resuming.run_again(result, setup, watch, on_one_thread(map_)),
    )


def on_one_thread(map_: Map) -> Map:
    """Return the map with one BLAS thread around each call, in whatever thread or process it runs.

    Parts of a stack run side by side, so each has one thread, whatever its size.

    >>> list(on_one_thread(map)(abs, [-1, -2]))
    [1, 2]
    """
    return lambda function, parts: map_(partial(_call_on_one_thread, function), parts)


def _call_on_one_thread(function: Callable[[Any], _T], part: Any) -> _T:
    with one_blas_thread():
        return function(part)


def _one_thread_here() -> AbstractContextManager[object]:
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        return nullcontext()
    limits: AbstractContextManager[object] = threadpool_limits(1, "blas")
    return limits
