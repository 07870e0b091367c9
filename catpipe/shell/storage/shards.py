"""Shards of training examples that stay in several files: each is read where it is used.

Each batch takes the next examples of every file, in the order of `stream_batches`. A process keeps
the streams that it reads from open between batches; another can take one over at any batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from catpipe.checks import check_whole
from catpipe.data.batches import Batch, batches_in_epoch
from catpipe.random import check_seed
from catpipe.shell.storage.streaming import StoredPictures, stream_batches

MOST_OPEN = 16  # streams of a process


class Stream(NamedTuple):
    """What `stream_batches` takes."""

    stored: StoredPictures
    size: int
    seed: int
    epochs: int
    dtype: str


@dataclass(frozen=True)
class StoredShard:
    """The examples of one file that belong to a batch; each weighs `weight`."""

    stream: Stream
    number: int
    weight: float

    def __call__(self) -> Batch:
        """Return the examples; raise `DataError` where the file cannot be read."""
        batch = _OPEN.next(self.stream, self.number)
        weights = np.full((1, batch.X.shape[1]), self.weight, batch.X.dtype)
        return batch._replace(weights=weights)


def sharded_batches(
    stored: Sequence[StoredPictures],
    size: int,
    seed: int,
    epochs: int = 1,
    start: int = 0,
    dtype: DTypeLike = np.float64,
) -> Iterator[tuple[StoredShard, ...]]:
    """Return batches of shards, one of each file with examples left in the epoch.

    A batch has about `size` examples, of each file its share, rounded up; an epoch visits each of
    them once; a start past the last one gives none. Raises `ValueError` for no files, for files
    whose examples or classes differ, and for a size, a seed, epochs or a start that cannot be.

    >>> from pathlib import Path
    >>> stored = StoredPictures(Path("x.h5"), "train", (5, 4, 4, 3), ("no", "yes"), 2**20)
    >>> [[shard.weight for shard in shards] for shards in sharded_batches([stored], 2, seed=1)]
    [[0.5], [0.5], [1.0]]
    """
    _check_alike(stored)
    check_seed(seed)
    size, epochs = check_whole("size", size), check_whole("epochs", epochs)
    start = check_whole("start", start, least=0)
    total = sum(one.shape[0] for one in stored)
    sizes = [ceil(size * one.shape[0] / total) for one in stored]
    streams = [
        Stream(one, each, seed, epochs, np.dtype(dtype).name)
        for one, each in zip(stored, sizes, strict=True)
    ]
    in_epoch = max(map(_in_epoch, streams))
    numbers = range(start, epochs * in_epoch)
    return (_shards(streams, *divmod(number, in_epoch)) for number in numbers)


def _shards(streams: Sequence[Stream], epoch: int, place: int) -> tuple[StoredShard, ...]:
    """Return the shards of a batch, by its place in the epoch."""
    counts = [_examples_in(of, place) for of in streams]
    numbers = [epoch * _in_epoch(of) + place for of in streams]
    weight = 1 / sum(counts)
    return tuple(
        StoredShard(of, number, weight)
        for of, number, examples in zip(streams, numbers, counts, strict=True)
        if examples
    )


def _in_epoch(stream: Stream) -> int:
    return batches_in_epoch(stream.stored.shape[0], stream.size)


def _examples_in(stream: Stream, place: int) -> int:
    """Return how many examples of the file a batch has, by its place in the epoch."""
    left = stream.stored.shape[0] - place * stream.size
    return max(min(left, stream.size), 0)


def _check_alike(stored: Sequence[StoredPictures]) -> None:
    kinds = {(one.shape[1:], one.classes) for one in stored}
    if len(kinds) != 1:
        raise ValueError(
            f"{len(stored)} files of {len(kinds)} kinds of examples; expected one or more, of the "
            "same shape and classes: give others"
        )


class _OpenStreams:
    """The streams that this process reads from, each with the number of its next batch."""

    def __init__(self) -> None:
        self._lock, self._open = Lock(), dict[Stream, tuple[int, Iterator[Batch]]]()

    def next(self, stream: Stream, number: int) -> Batch:
        """Return the batch of this number, from the stream that is open there or a new one."""
        with self._lock:
            at, batches = self._open.pop(stream, (-1, iter(())))
        if at != number:
            batches = stream_batches(*stream[:4], start=number, dtype=stream.dtype)
        batch = next(batches)
        with self._lock:
            self._open[stream] = number + 1, batches
            while len(self._open) > MOST_OPEN:
                self._open.pop(next(iter(self._open)))  # which closes its file
        return batch


_OPEN = _OpenStreams()
