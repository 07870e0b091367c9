"""`stream_batches` beside other ways to take batches from an HDF5 file, each as its users write it.

PyTorch's `DataLoader` reads a picture at a time in an order drawn over the whole file, which is the
usual way, or whole batches of such an order, or slices in the file's own order; so do plain h5py
slices. Each delivers `float32` columns, in a process of its own, and in turns.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import repeat
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import h5py
import numpy as np

from catpipe.data.batches import Batch
from catpipe.data.examples import targets
from catpipe.data.transforms.columns import as_columns, pixels
from catpipe.shell.storage.streaming import stored_pictures, stream_batches
from tests.benchmarks import THREADS
from tests.benchmarks.streaming import FEATURES, ROWS, problem

Deliver = Callable[[], Iterable[Batch]]


def whole(path: Path, size: int) -> Deliver:
    """Read windows of raw pictures, and no more; what is handed on is bytes."""

    def deliver() -> Iterator[Batch]:
        with h5py.File(path) as file:
            images, window = file["train_set_x"], np.empty((ROWS, 64, 64, 3), np.uint8)
            for begin in range(0, len(images), ROWS):
                rows = min(ROWS, len(images) - begin)
                images.read_direct(window, np.s_[begin : begin + rows], np.s_[:rows])
                yield Batch(as_columns(window[:rows]), np.empty((1, rows)))

    return deliver


def at_hand(path: Path, size: int) -> Deliver:
    """Hand on one batch in memory again and again."""
    random = np.random.default_rng(1)
    images = random.integers(0, 32, (size, 64, 64, 3), np.uint8)
    batch = Batch(pixels(images, np.float32), targets(np.arange(size) % 2, 2, np.float32))
    return lambda: repeat(batch)


def catpipe(path: Path, size: int) -> Deliver:
    """Stream."""
    return lambda: stream_batches(stored_pictures(path), size, seed=1, dtype=np.float32)


def slices(path: Path, size: int, *, shuffled: bool) -> Deliver:
    """Take slices in the file's order, or the pictures of each batch by their sorted numbers."""

    def deliver() -> Iterator[Batch]:
        with h5py.File(path) as file:
            images, labels = file["train_set_x"], file["train_set_y"][:]
            order = np.random.default_rng(1).permutation(len(labels))
            for begin in range(0, len(labels), size):
                chosen: Any = slice(begin, begin + size)
                chosen = np.sort(order[chosen]) if shuffled else chosen
                yield Batch(
                    pixels(images[chosen], np.float32), targets(labels[chosen], 2, np.float32)
                )

    return deliver


class Pictures:
    """A data set of PyTorch: what `DataLoader` asks for pictures by their numbers."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.images: Any = None
        with h5py.File(path) as file:
            self.labels = file["train_set_y"][:].astype(np.float32)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        import torch

        if self.images is None:  # in the worker, since HDF5's files do not outlive a fork
            self.images = h5py.File(self.path)["train_set_x"]
        index = np.sort(index) if isinstance(index, list) else index
        images = torch.from_numpy(self.images[index])
        return images.float().div_(255), torch.as_tensor(self.labels[index])


def torch_loader(path: Path, size: int, *, workers: int, by: str) -> Deliver:
    """Load by picture, by batch, or by slice."""
    import torch
    from torch.utils.data import BatchSampler, DataLoader, RandomSampler

    torch.set_num_threads(THREADS)
    torch.manual_seed(1)

    def deliver() -> Iterator[Batch]:
        pictures: Any = Pictures(path)
        if by == "picture":
            loader = DataLoader(pictures, size, shuffle=True, num_workers=workers)
        else:
            orders: Any = {
                "batch": BatchSampler(RandomSampler(pictures), size, drop_last=False),
                "slice": [slice(at, at + size) for at in range(0, len(pictures), size)],
            }
            loader = DataLoader(pictures, batch_size=None, sampler=orders[by], num_workers=workers)
        for X, Y in loader:
            yield Batch(as_columns(X.numpy()), Y.numpy()[np.newaxis])

    return deliver


BOUNDS = {"reading alone": whole, "one batch at hand": at_hand}
LOADERS: dict[str, Callable[[Path, int], Deliver]] = {
    "catpipe": catpipe,
    **{
        f"DataLoader, by {by}, {workers} workers": partial(torch_loader, workers=workers, by=by)
        for by in ("picture", "batch", "slice")
        for workers in (0, 2)
    },
    "h5py, shuffled": partial(slices, shuffled=True),
    "h5py, slices": partial(slices, shuffled=False),
}
EVERY = {**BOUNDS, **LOADERS}
ON_TWO = ", 2 BLAS threads"
USES = {
    "delivers": ["reading alone", *LOADERS],
    "trains": [
        *("one batch at hand", f"one batch at hand{ON_TWO}"),
        *("catpipe", f"catpipe{ON_TWO}", *[*LOADERS][1:]),
    ],
}


def speed(name: str, path: str, size: int, seconds: float, use: str) -> float:
    """Return how many MB a second are delivered, until the file's end or so many seconds."""
    deliver, (step, state) = EVERY[name.removesuffix(ON_TWO)](Path(path), size), problem()
    examples, begun = 0, perf_counter()
    for batch in deliver():
        state = step(state, batch) if use == "trains" else state
        examples += batch.X.shape[-1]
        if perf_counter() - begun > seconds:
            break
    return examples * FEATURES / 1e6 / (perf_counter() - begun)


def in_child(name: str, *given: Any) -> float:
    """Return the speed in a new process."""
    command = [sys.executable, "-m", __name__, json.dumps([name, *given])]
    threads = {"OMP_NUM_THREADS": "2"} if name.endswith(ON_TWO) else {}
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, **threads}
    )
    return float(done.stdout)


def compare(path: Path, size: int, rounds: int, seconds: float) -> None:
    """Print a table of the median speeds, and of the median ratio of catpipe's to each."""
    for use, names in USES.items():
        found: dict[str, Sequence[float]] = dict.fromkeys(names, ())
        for _ in range(rounds):
            for name in names:
                one = in_child(name, str(path), size, seconds, use)
                found[name] = (*found[name], one)
        print(f"  {use:32}    MB/s  catpipe / it    load {os.getloadavg()[0]:.1f}")
        for name, speeds in found.items():
            pairs = zip(found["catpipe"], speeds, strict=True)
            ratio = median(ours / its for ours, its in pairs)
            print(f"  {name:32}{median(speeds):8.0f}{ratio:14.2f}", flush=True)


if __name__ == "__main__":
    print(speed(*json.loads(sys.argv[1])))
