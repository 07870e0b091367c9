"""BLAS threads: one, where what is trained is small."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

from toolz import peek

from catpipe.training.stopping import Checkpoint


def one_blas_thread() -> AbstractContextManager[Any]:
    """Return a context in which BLAS has one thread, where threadpoolctl is installed."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        return nullcontext()
    return cast("AbstractContextManager[Any]", threadpool_limits(1, "blas"))


def on_one_thread(keeps: Iterable[Checkpoint]) -> Iterator[Checkpoint]:
    """Hand on the states; where they are small, BLAS has one thread while they are made.

    Two are no faster on a quiet machine, and ten times slower on a busy one. It takes
    threadpoolctl; without it, threads are as they were.
    """
    first, keeps = peek(keeps)
    with blas_threads_for(sum(array.size for array in first.state.parameters.values())):
        yield from keeps


def blas_threads_for(numbers: int) -> AbstractContextManager[Any]:
    """Return a context in which BLAS has one thread, where so few parameters are trained."""
    return one_blas_thread() if numbers < SMALL else nullcontext()


SMALL = 2**17  # numbers, of which a product is too short to share
