"""What streaming costs: an epoch of training from a file, against reading the file and no more.

    python -m tests.benchmarks.streaming [--gigabytes 4] [--gzip] [--folder DIR]
    python -m tests.benchmarks.streaming --beside [--gigabytes 1] [--seconds 4] [--folder DIR]

Makes a file of random pictures, 64 x 64 with levels from 0 to 31, which gzip packs as it does a
photograph; then, in a process each and in turns, reads it window by window with h5py, trains one
epoch in float32 through `stream_batches`, and trains as many steps on one batch that is at hand.
Prints the median speed of each, that per second of one core, which on a busy machine says more, the
highest peak of memory, and the median ratio of training to reading: at first with the file dropped
from this machine's page cache before each turn, then with it left there. A virtual machine's host
may still keep what its guest has dropped.

With `--beside`, catpipe and other ways to take batches from a file deliver them, or also train on
them, in turns, from a contiguous file and from one of gzip, which stay in the page cache.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from itertools import repeat
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import h5py
import numpy as np

from catpipe.data.batches import batches_in_epoch
from catpipe.nn.initializers import initialize_parameters
from catpipe.nn.network import mlp
from catpipe.optim.optimizers import gradient_descent
from catpipe.shell.storage.streaming import WINDOW, stored_pictures, stream_batches
from catpipe.training.loop import initial_state, make_step, train
from tests.benchmarks import THREADS

FEATURES = 64 * 64 * 3
TOGETHER = 64  # pictures in a chunk
ROWS = WINDOW // FEATURES // TOGETHER * TOGETHER


def make_file(path: Path, gigabytes: float, *, gzip: bool) -> None:
    """Write so many bytes of pictures, window by window."""
    examples, random = int(gigabytes * 1e9 / FEATURES), np.random.default_rng(1)
    storage = {"chunks": (TOGETHER, 64, 64, 3), "compression": "gzip", "compression_opts": 1}
    with h5py.File(path, "w") as file:
        shape = (examples, 64, 64, 3)
        images = file.create_dataset("train_set_x", shape, "u1", **(storage if gzip else {}))
        for begin in range(0, examples, ROWS):
            rows = min(ROWS, examples - begin)
            made = np.frombuffer(random.bytes(rows * FEATURES), np.uint8) & 31
            images[begin : begin + rows] = made.reshape(rows, 64, 64, 3)
        file["train_set_y"] = random.integers(0, 2, examples)
        file["list_classes"] = np.array([b"non-cat", b"cat"])
    with path.open("rb") as written:
        os.fsync(written.fileno())  # what is not on the disk cannot be dropped


def drop_from_cache(path: Path) -> None:
    """Ask the system to forget the file."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def reads(path: Path, size: int) -> None:
    """Read the pictures with h5py and do nothing with them."""
    with h5py.File(path) as file:
        images = file["train_set_x"]
        window = np.empty((ROWS, *images.shape[1:]), np.uint8)
        for begin in range(0, len(images), ROWS):
            rows = min(ROWS, len(images) - begin)
            images.read_direct(window, np.s_[begin : begin + rows], np.s_[:rows])


def trains(path: Path, size: int) -> None:
    """Train one epoch from the file."""
    step, start = problem()
    train(step, stream_batches(stored_pictures(path), size, 1, dtype=np.float32), start)


def steps(path: Path, size: int) -> None:
    """Train as many steps on one batch, which is at hand."""
    step, start = problem()
    stored = stored_pictures(path)
    batch = next(stream_batches(stored, size, 1, dtype=np.float32))
    train(step, repeat(batch, batches_in_epoch(stored.shape[0], size)), start)


def problem():
    """Return the step of the published network and the state to start from."""
    net, descent = mlp(FEATURES, 20, 7, 5, 1), gradient_descent(0.0075)
    parameters = initialize_parameters(net, seed=1, dtype=np.float32)
    return make_step(net, descent), initial_state(descent, parameters)


TURNS = {"reads": reads, "trains": trains, "steps": steps}


def peak_mb() -> float:
    """Return this process's highest resident memory, which unlike ru_maxrss leaves out parents'."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6


def turn(name: str, path: Path, size: int) -> None:
    """Print the seconds, those of all cores, and the peak of a turn: what a child process does."""
    begun, begun_cores = perf_counter(), process_time()
    TURNS[name](path, size)
    print(json.dumps([perf_counter() - begun, process_time() - begun_cores, peak_mb()]))


def in_child(name: str, path: Path, size: int) -> tuple[float, float, float]:
    """Return what a turn in a new process prints."""
    command = [sys.executable, "-m", "tests.benchmarks.streaming", "--turn", name]
    command += ["--file", str(path), "--size", str(size)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, of_cores, peak = json.loads(done.stdout)
    return seconds, of_cores, peak


def compare(path: Path, size: int, rounds: int, *, cold: bool) -> None:
    """Print the rows of one state of the cache."""
    with h5py.File(path) as file:
        megabytes = file["train_set_x"].nbytes / 1e6
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in TURNS}
    for _ in range(rounds):
        for name in TURNS:
            if cold:
                drop_from_cache(path)
            found[name].append(in_child(name, path, size))
    print("dropped from the page cache" if cold else "left in the page cache")
    for name, turns in found.items():
        seconds, of_cores, peaks = zip(*turns, strict=True)
        speed, on_a_core = megabytes / median(seconds), megabytes / median(of_cores)
        print(f"  {name:8}{speed:8.0f} MB/s{on_a_core:8.0f} MB per core second", end="")
        print(f"{max(peaks):8.0f} MB at most")
    pairs = zip(found["reads"], found["trains"], strict=True)
    ratio = median(read[0] / trained[0] for read, trained in pairs)
    print(f"  trains / reads {ratio:.3f}; expected at least 0.5", flush=True)


def main() -> None:
    """Make the file, and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float, help="4, or 1 beside others")
    parser.add_argument("--beside", action="store_true", help="beside other libraries")
    parser.add_argument("--seconds", type=float, default=4, help="of a turn beside others, at most")
    parser.add_argument("--gzip", action="store_true")
    parser.add_argument("--folder", help="where the file is made, and deleted")
    parser.add_argument("--size", type=int, default=256, help="pictures in a batch")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--turn", choices=TURNS, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.turn:
        turn(asked.turn, asked.file, asked.size)
        return
    if asked.beside:
        from tests.benchmarks import loaders

        measure = partial(
            loaders.compare, size=asked.size, rounds=asked.rounds, seconds=asked.seconds
        )
        for gzip in (False, True):
            with_file(asked, asked.gigabytes or 1, measure, gzip=gzip)
    else:
        measure = partial(in_both_caches, size=asked.size, rounds=asked.rounds)
        with_file(asked, asked.gigabytes or 4, measure, gzip=asked.gzip)


def in_both_caches(path: Path, size: int, rounds: int) -> None:
    """Compare with the file dropped from the page cache, and left there."""
    for cold in (True, False):
        compare(path, size, rounds, cold=cold)


def with_file(
    asked: argparse.Namespace, gigabytes: float, measure: Callable[[Path], None], *, gzip: bool
) -> None:
    """Make the file, say what it is, and measure."""
    with TemporaryDirectory(dir=asked.folder) as folder:
        path = Path(folder, "train_random.h5")
        make_file(path, gigabytes, gzip=gzip)
        print(
            f"{gigabytes:g} GB, {'gzip' if gzip else 'contiguous'}, batches of "
            f"{asked.size}, {THREADS} BLAS thread(s), {os.cpu_count()} cores, load "
            f"{os.getloadavg()[0]:.1f}, {path.stat().st_size / 1e6:,.0f} MB on the disk",
            flush=True,
        )
        measure(path)


if __name__ == "__main__":
    main()
