"""Dask: a map over the workers of a cluster, on this machine or on many (extra `dask`).

Data travel in the tasks, and nothing is scattered: what is scattered dies with its worker, whereas
a task whose worker is killed runs again elsewhere. Results are those of `map`, to the bit, where
workers have the libraries and the processor that are here.
"""

from __future__ import annotations

import signal
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from typing import Any

from toolz import keyfilter

from catpipe.experiments.ensembles import Map
from catpipe.shell.runs.environment import changes, environment
from catpipe.shell.threads import on_one_thread

LIBRARIES = ("catpipe", "numpy", "h5py", "hdf5", "blas")
RETRIES = 10  # of a task whose worker was lost; Dask counts a loss to each task that it ran
SECONDS = 10  # to find a scheduler


@dataclass(frozen=True)
class DaskMap:
    """The map of `dask_map`."""

    client: Any

    def __call__(self, function: Callable[[Any], Any], parts: Iterable[Any]) -> Iterator[Any]:
        """Give what the function returns for each of the parts, in their order."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sending large graph")  # the data, as intended
            futures = self.client.map(function, list(parts), pure=False, retries=RETRIES)
        return (future.result() for future in futures)


@dataclass(frozen=True)
class PlacedMap:
    """The map of `dask_map` that keeps places: a worker takes all its parts in one task."""

    client: Any

    def __call__(self, function: Callable[[Any], Any], parts: Iterable[Any]) -> Iterator[Any]:
        """Give what the function returns for each of the parts, in their order."""
        given, places = list(parts), self._places()
        futures = [
            self.client.submit(
                _map_all,
                function,
                given[number :: len(places)],
                pure=False,
                retries=RETRIES,
                workers=place,
                allow_other_workers=place is not None,  # should it die
            )
            for number, place in enumerate(places)
        ]
        found = [future.result() for future in futures]
        return (found[number % len(places)][number // len(places)] for number in range(len(given)))

    def _places(self) -> list[str | None]:
        """Return the workers' addresses, in the order of their names, which outlive a process.

        While no worker lives there is one place, anywhere: its task waits for the next worker.
        """
        workers = self.client.scheduler_info(n_workers=-1)["workers"]
        return sorted(workers, key=lambda address: str(workers[address]["name"])) or [None]


def dask_map(client: Any, *, keeps_places: bool = False) -> Map:
    """Return the map over the workers of a Dask client, with one BLAS thread a task.

    Where it keeps places, part i goes to worker i, if that lives: a shard finds its file open.

    Law: it is `map`, to the bit, on processors of one kind. Raises `ValueError` where workers have
    other versions of the libraries.

    >>> from dask.distributed import Client
    >>> with Client(n_workers=1, processes=False, dashboard_address=":0") as client:
    ...     list(dask_map(client)(abs, [-1, -2]))
    [1, 2]
    """
    check_workers(client)
    return on_one_thread(PlacedMap(client) if keeps_places else DaskMap(client))


def _map_all(function: Callable[[Any], Any], parts: list[Any]) -> list[Any]:
    return [*map(function, parts)]


def check_workers(client: Any) -> None:
    """Raise `ValueError` where a worker of the client's has other libraries than are here."""
    here = keyfilter(LIBRARIES.__contains__, environment())
    for address, there in client.run(environment, on_error="ignore").items():
        if found := "; ".join(changes(keyfilter(LIBRARIES.__contains__, there), here)):
            raise ValueError(
                f"the worker at {address} has {found}; expected the same libraries everywhere, "
                "which give the same bits: install the same versions there"
            )


@contextmanager
def local_workers(count: int) -> Iterator[Map]:
    """Give the map over so many processes of this machine, which end with the context.

    Raises `ImportError` without the extra.
    """
    distributed = _distributed()
    with ExitStack() as opened:
        with _interrupts_wait():
            cluster = opened.enter_context(
                distributed.LocalCluster(
                    n_workers=count,
                    threads_per_worker=1,
                    dashboard_address=":0",
                    silence_logs="CRITICAL",
                )
            )
        yield dask_map(opened.enter_context(distributed.Client(cluster)))


@contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Give a context whose end Ctrl-C waits for, and whose new processes never see one.

    A terminal sends it to all processes; this one ends the others.
    """
    if not hasattr(signal, "pthread_sigmask"):  # on Windows
        yield
        return
    resource_tracker.ensure_running()  # which unblocks the signal when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def workers_of(address: str) -> Iterator[Map]:
    """Give the map over the workers of a cluster that is there, by its scheduler's address.

    Raises `ValueError` where none answers, and `ImportError` without the extra.
    """
    distributed = _distributed()
    try:
        client = distributed.Client(address, timeout=SECONDS)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"no scheduler answers at {address} ({error}); expected a Dask scheduler's, as in "
            "tcp://HOST:8786: start one, or name another"
        ) from error
    with client:
        yield dask_map(client)


def _distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise ImportError(
            "distributed is not installed; expected the extra dask: pip install 'catpipe[dask]'"
        ) from error
    return distributed
