"""Data-parallel training from files that are larger than the memory of those who train.

    python -m tests.benchmarks.sharding [--gigabytes 8] [--folder DIR]

Makes a data set in four files: pictures of 64 x 64 random pixels, and in those of one class the
upper half is bright. Starts two Dask workers, each limited to 2 GB: Dask ends a worker whose
resident memory grows larger, and the system refuses it a larger address space. They train one epoch
of 12288-20-7-5-1 in float64, each on the files that it keeps open.

The first batches, of 1 GB, are then trained on in one process, each batch whole; by one worker; by
two; and by two of which one is killed on the way. Prints the memory and the bytes read of each
worker, the time of an iteration, and how far the parameters are from those of the one process. A
time is that of all iterations after the first, which opens the files, divided by their number.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer
from time import perf_counter
from typing import Any, NamedTuple

import h5py
import numpy as np
from toolz import last

from catpipe.adapters.dask import dask_map
from catpipe.data.batches import Batch
from catpipe.nn.initializers import initialize_parameters
from catpipe.nn.network import mlp
from catpipe.nn.parameters import Parameters
from catpipe.optim.optimizers import heavy_ball
from catpipe.shell.storage.shards import StoredShard, sharded_batches
from catpipe.shell.storage.streaming import StoredPictures, stored_pictures
from catpipe.training.loop import State, initial_state, make_step, trajectory
from catpipe.training.sharding import Map, make_sharded_step
from tests.benchmarks import THREADS
from tests.benchmarks.streaming import peak_mb

SHAPE = (64, 64, 3)
FEATURES = 64 * 64 * 3
ROWS = 2048  # pictures that are written at once
FILES = 4
LIMIT = 2 * 10**9  # bytes of a worker
TOLERANCE = 1e-12
NETWORK, OPTIMIZER = mlp(FEATURES, 20, 7, 5, 1), heavy_ball(0.01)

Shards = tuple[StoredShard, ...]


class Run(NamedTuple):
    """The state that a run ends in, and the seconds of each of its iterations."""

    state: State
    seconds: Sequence[float]

    @property
    def each(self) -> float:
        """Return the seconds of an iteration, without the first."""
        return sum(self.seconds[1:]) / len(self.seconds[1:])


class Used(NamedTuple):
    """What a process has used so far: its peak of memory in MB, and the bytes that it has read."""

    peak: float
    read: int


def make_file(path: Path, examples: int, seed: int) -> None:
    """Write so many pictures, a few at a time."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, examples)
    with h5py.File(path, "w") as file:
        images = file.create_dataset("train_set_x", (examples, *SHAPE), "u1")
        for begin in range(0, examples, ROWS):
            images[begin : begin + ROWS] = pictures(random, labels[begin : begin + ROWS])
        file["train_set_y"], file["list_classes"] = labels, np.array([b"dark", b"bright"])


def pictures(random: np.random.Generator, labels: np.ndarray) -> np.ndarray:
    """Return random pictures; the upper half is bright where the label is 1."""
    halves = np.frombuffer(random.bytes(len(labels) * FEATURES), np.uint8) & 127
    upper, lower = np.split(halves.reshape(len(labels), *SHAPE), 2, axis=1)
    return np.concatenate((upper + 128 * labels.astype(np.uint8)[:, None, None, None], lower), 1)


def make_files(folder: Path, gigabytes: float) -> list[StoredPictures]:
    """Return the files' pictures, which have so many bytes in all."""
    paths = [folder / f"train_{number}.h5" for number in range(FILES)]
    for seed, path in enumerate(paths):
        make_file(path, int(gigabytes * 1e9 / FILES / FEATURES), seed)
    return [stored_pictures(path) for path in paths]


@contextmanager
def workers(count: int) -> Iterator[Any]:
    """Give the client of so many worker processes, each of which is limited to `LIMIT` bytes."""
    import distributed

    with (
        distributed.LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            memory_limit=LIMIT,
            dashboard_address=":0",
            silence_logs="CRITICAL",
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.run(limit_address_space)
        yield client


def limit_address_space() -> None:
    """Have the system refuse this process more than `LIMIT` bytes of addresses."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))


def used() -> Used:
    """Return what this process has used."""
    lines = Path("/proc/self/io").read_text().splitlines()
    [read] = [int(line.split()[1]) for line in lines if line.startswith("rchar")]
    return Used(peak_mb(), read)


def run(step: Any, batches: Iterable[Any]) -> Run:
    """Train on the batches, from the parameters that all runs begin with."""
    start = initial_state(OPTIMIZER, initialize_parameters(NETWORK, seed=1))
    times, states = [perf_counter()], trajectory(step, batches, start)
    state = last(_timed(islice(states, 1, None), times))
    return Run(state, np.diff(times).tolist())


def _timed(states: Iterable[State], times: list[float]) -> Iterator[State]:
    for state in states:
        times.append(perf_counter())
        yield state


def run_on(map_: Map, batches: Iterable[Shards]) -> Run:
    """Train data-parallel."""
    return run(make_sharded_step(NETWORK, OPTIMIZER, map_), batches)


def whole(shards: Shards) -> Batch:
    """Return the batch that these are the shards of."""
    parts = [shard() for shard in shards]
    X, Y = (np.concatenate(arrays, axis=1) for arrays in list(zip(*parts, strict=True))[:2])
    return Batch(X, Y)


def killing(client: Any, batches: Sequence[Shards], delay: float) -> Iterator[Shards]:
    """Hand on the batches; halfway, kill a worker so many seconds into an iteration."""
    [victim, *_] = client.run(os.getpid).values()
    yield from batches[: len(batches) // 2]
    Timer(delay, os.kill, (victim, signal.SIGKILL)).start()
    yield from batches[len(batches) // 2 :]
    if victim in client.run(os.getpid).values():
        raise RuntimeError(f"worker {victim} lives; expected it to be killed on the way")


def difference(found: Parameters, expected: Parameters) -> float:
    """Return the largest difference of an array, as a share of the array's largest number."""
    return max(
        float(np.abs(found[name] - array).max() / np.abs(array).max())
        for name, array in expected.items()
    )


def print_epoch(client: Any, stored: Sequence[StoredPictures], size: int, total: float) -> None:
    """Train one epoch on the workers, and print its time, their memory and what they read."""
    before = client.run(used)
    done = run_on(dask_map(client, keeps_places=True), sharded_batches(stored, size, seed=1))
    costs = [cost for _, cost in done.state.costs]
    print(f"one epoch: {len(done.seconds):,} iterations of {1000 * done.each:.1f} ms, "
          f"{sum(done.seconds):.0f} s; cost {costs[0]:.4f} at first, {costs[-1]:.4f} at last, "
          f"load {os.getloadavg()[0]:.1f}")  # fmt: skip
    after = client.run(used)
    for number, address in enumerate(after):
        print(f"  worker {number}: {after[address].peak:,.0f} MB at most of {LIMIT / 1e6:,.0f}, "
              f"{(after[address].read - before[address].read) / 1e9:.2f} GB read")  # fmt: skip
    read = sum(after[address].read - before[address].read for address in after)
    print(f"  all read {read / total:.3f} times the bytes of the files", flush=True)


def print_part(client: Any, batches: Sequence[Shards]) -> bool:
    """Print the times and the differences of runs on some batches; return whether all agree."""
    alone = run(make_step(NETWORK, OPTIMIZER), map(whole, batches))
    with workers(1) as one_client:
        one = run_on(dask_map(one_client, keeps_places=True), batches)
        [peak] = [each.peak for each in one_client.run(used).values()]
    two = run_on(dask_map(client, keeps_places=True), batches)
    killed = run_on(
        dask_map(client, keeps_places=True), killing(client, batches, delay=two.each / 2)
    )
    peaks = [each.peak for each in client.run(used).values()]
    runs = {"one process": alone, "one worker": one, "two workers": two, "one killed": killed}
    off = {
        name: difference(of.state.parameters, alone.state.parameters) for name, of in runs.items()
    }
    print(f"the first {len(batches)} iterations, load {os.getloadavg()[0]:.1f}")
    for name, of in runs.items():
        print(f"  {name:12} {1000 * of.each:7.1f} ms an iteration, parameters {off[name]:.1e} off")
    print(f"  two workers / one process {two.each / alone.each:.2f}; "
          f"one worker / two workers {one.each / two.each:.2f}")  # fmt: skip
    off_killed = difference(killed.state.parameters, two.state.parameters)
    print(f"  one killed, beside two workers: parameters {off_killed:.1e} off")
    print(f"  at most {peak:,.0f} MB in the one worker, {max(peaks):,.0f} MB in those after the "
          f"kill, {peak_mb():,.0f} MB in the one process", flush=True)  # fmt: skip
    return max(*off.values(), off_killed) <= TOLERANCE


def main() -> int:
    """Make the files, train, and return 1 where parameters differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--gigabytes", type=float, default=8, help="of all files (%(default)s)")
    parser.add_argument("--part", type=float, default=1, help="gigabytes compared (%(default)s)")
    parser.add_argument("--folder", help="where the files are made, and deleted")
    parser.add_argument("--size", type=int, default=1024, help="pictures in a batch (%(default)s)")
    asked = parser.parse_args()
    with TemporaryDirectory(dir=asked.folder) as folder:
        began = perf_counter()
        stored = make_files(Path(folder), asked.gigabytes)
        total = sum(path.stat().st_size for path in Path(folder).iterdir())
        print(
            f"{total / 1e9:.2f} GB in {FILES} files, made in {perf_counter() - began:.0f} s; "
            f"batches of {asked.size}, {THREADS} BLAS thread(s), {os.cpu_count()} cores, load "
            f"{os.getloadavg()[0]:.1f}",
            flush=True,
        )
        iterations = max(2, int(asked.part * 1e9 / FEATURES / asked.size))
        batches = [*islice(sharded_batches(stored, asked.size, seed=1), iterations)]
        with workers(2) as client:
            print_epoch(client, stored, asked.size, total)
            agrees = print_part(client, batches)
    print("all agree" if agrees else f"FAILED: parameters differ by more than {TOLERANCE:g}")
    return 0 if agrees else 1


if __name__ == "__main__":
    sys.exit(main())
