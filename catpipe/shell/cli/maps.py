"""Maps for commands that train many networks: on threads, on processes, or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from threading import Event
from typing import Any

import numpy as np
from toolz import identity

from catpipe.adapters.dask import local_workers, workers_of
from catpipe.experiments.ensembles import Map
from catpipe.experiments.fitting import Watch
from catpipe.shell.threads import on_one_thread
from catpipe.training.stopping import Checkpoint


@contextmanager
def map_for(processes: int | None, scheduler: str | None) -> Iterator[tuple[Map, Watch]]:
    """Give a map: on so many processes, on a cluster, or on threads on all processors.

    The watch ends what threads run when the context ends.
    """
    if processes is None and scheduler is None:
        with workers() as (map_, watch):
            yield on_one_thread(map_), watch
        return
    with local_workers(processes) if processes else workers_of(str(scheduler)) as map_:
        yield map_, identity


def side_by_side(function: Callable[[Any], Any], parts: Iterable[Any]) -> Iterator[Any]:
    """Map over the parts as `map` does, on all processors.

    >>> list(side_by_side(abs, [-1, -2]))
    [1, 2]
    """
    with workers() as (map_, _):
        yield from map_(function, parts)


@contextmanager
def workers() -> Iterator[tuple[Map, Watch]]:
    """Give a map on all processors, and a watch that ends what runs there when the context ends."""
    ended = Event()

    def watch(checkpoints: Iterator[Checkpoint]) -> Iterator[Checkpoint]:
        for checkpoint in checkpoints:
            if ended.is_set():
                raise CancelledError
            yield checkpoint

    # How NumPy takes what is not finite is a setting of each thread: the caller's is not theirs.
    pool = ThreadPoolExecutor(initializer=partial(np.seterr, **np.geterr()))
    try:
        yield pool.map, watch
    finally:
        ended.set()
        pool.shutdown(cancel_futures=True)
