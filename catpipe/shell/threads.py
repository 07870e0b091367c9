"""BLAS threads: one, around preparing and around training what is small.

Two threads on small matrices are no faster on a quiet machine, and ten times slower on a busy one;
and how many there are decides the last bits of a product. BLAS threads are a setting of the whole
process, so these are the functions that `catpipe` hands on: those of `catpipe.experiments`, run so
that small networks give equal bits on any number of cores. It takes threadpoolctl; without it,
threads stay as they are.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from functools import lru_cache, partial, wraps
from inspect import signature
from threading import Event, Lock, Thread
from typing import Any, ParamSpec, TypeVar

from catpipe.checks import check_map
from catpipe.experiments import cross_validation, ensembles, fitting, resuming, validation
from catpipe.experiments.ensembles import Map
from catpipe.experiments.setup import Setup
from catpipe.nn.network import parameter_shapes
from catpipe.training.spaces import network_inside

SMALL = 2**17  # numbers, below which one thread is as fast

_P = ParamSpec("_P")
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


def call_on_one_thread(function: Callable[..., _T], *arguments: Any) -> _T:
    """Return what the function gives, computed on one BLAS thread.

    >>> call_on_one_thread(max, 1, 2)
    2
    """
    with one_blas_thread():
        return function(*arguments)


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


def with_threads(setup: Setup | None, function: Callable[[], Any]) -> Any:
    """Return what the function returns, called with one BLAS thread unless it trains what is large.

    It is a `Context`: without a setup the function prepares one, with a setup it trains it.

    >>> with_threads(None, lambda: 7)
    7
    """
    with one_blas_thread() if setup is None else _threads_for(setup):
        return function()


def _threads_for(setup: Setup) -> AbstractContextManager[None]:
    inside = network_inside(setup.space.kind, setup.network, setup.targets.shape[-1])
    numbers = sum(rows * columns for rows, columns in parameter_shapes(inside).values())
    return one_blas_thread() if numbers < SMALL else nullcontext()


def on_one_thread(map_: Map) -> Map:
    """Return the map with one BLAS thread around each call, in whatever thread or process it runs.

    Parts of a stack run side by side, so each has one thread, whatever its size. Raises `TypeError`
    for what is no function.

    >>> list(on_one_thread(map)(abs, [-1, -2]))
    [1, 2]
    """
    check_map(map_)
    return lambda function, parts: map_(partial(call_on_one_thread, function), parts)


def _limited(train: Callable[_P, _T]) -> Callable[_P, _T]:
    """Return the function with `with_threads` as its context, and one BLAS thread in its map."""
    parameters = signature(train)

    @wraps(train)
    def trained(*args: _P.args, **keywords: _P.kwargs) -> _T:
        given = parameters.bind(*args, **{"context": with_threads, **keywords})
        if "map_" in parameters.parameters:
            given.arguments["map_"] = on_one_thread(given.arguments.get("map_", map))
        return train(*given.args, **given.kwargs)

    trained.__module__ = __name__  # where a worker process finds it
    return trained


def _one_thread_here() -> AbstractContextManager[object]:
    try:
        limited: AbstractContextManager[object] = _controller(len(sys.modules)).limit(
            limits=1, user_api="blas"
        )
    except ImportError:
        return nullcontext()
    return limited


@lru_cache(maxsize=1)
def _controller(modules: int) -> Any:  # noqa: ARG001
    """Return what sets the threads of BLAS, as it is loaded while there are so many modules.

    To look for it takes long, and a module that is imported may bring another one.
    """
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


fit = _limited(fitting.fit)
fit_seeds = _limited(ensembles.fit_seeds)
cross_validate = _limited(cross_validation.cross_validate)
resume = _limited(resuming.resume)
replay = _limited(resuming.replay)
validate = _limited(validation.validate)
