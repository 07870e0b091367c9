"""Training batches streamed from an HDF5 file that is larger than memory.

Each epoch visits every picture once: windows, which are runs of whole chunks, in an order drawn
anew, and the pictures of each in an order drawn anew. What is drawn depends on the seed, the epoch
and the window alone, so a stream can begin at any batch.

Another process looks at the file first, once for each version of it: what crashes or hangs HDF5
there is one sentence. Then HDF5 reads it in this process, since the pictures would take longer from
one process to the other than a step takes. So do not stream a file that others can change
meanwhile.

While a batch is used, threads make the next two and read the next window, whose chunks are unpacked
on all cores: NumPy, zlib and HDF5 let others run meanwhile. What a thread makes has its place, so
that no batch depends on which is first.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import lru_cache, partial
from itertools import chain, groupby, islice, tee
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import h5py
import numpy as np
from numpy.typing import DTypeLike, NDArray

from catpipe.data.batches import Batch, batches_in_epoch
from catpipe.data.examples import targets
from catpipe.data.sampling import Indices
from catpipe.data.transforms.columns import pixels
from catpipe.random import ORDER, generator
from catpipe.shell.storage._hdf5_reader import (
    LZF,
    SZIP,
    Refusal,
    check_length,
    check_written,
    checked,
    filters_of,
    rows,
    sentence,
)
from catpipe.shell.storage.atomic import DataError, StrPath
from catpipe.shell.storage.datasets import check_axes, names_in
from catpipe.shell.storage.forms import (
    Form,
    class_numbers_of,
    classes_named,
    classes_numbered,
    form_of,
    inputs_from_rows,
    targets_in_rows,
)
from catpipe.shell.storage.hdf5 import Declared, Opened, opened_on_disk
from catpipe.shell.storage.names import PARTS, Names

WINDOW = 2**25  # bytes
AT_ONCE = 2  # batches that are made, each in a thread

_S = TypeVar("_S")
_T = TypeVar("_T")
_Map = Callable[..., Iterable[None]]


class StoredPictures(NamedTuple):
    """Examples that stay in a file: the shape of their inputs is (examples, ...).

    The classes are those of this file; a regression has none.
    """

    path: Path
    part: str
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    window: int


class _Stored(NamedTuple):
    """What another process finds in a file: what inputs declare, their form, targets, classes."""

    path: Path
    name: str
    declared: Declared
    form: Form
    targets: NDArray[Any]
    classes: tuple[str, ...]

    @property
    def where(self) -> str:
        """Return what errors about the inputs begin with."""
        return f"{self.path}: {self.name}"


class _Visit(NamedTuple):
    """A window from this picture to that, and the batch that each of its pictures goes to."""

    begin: int
    end: int
    order: Indices
    batches: Indices


class _Piece(NamedTuple):
    """Pictures chosen of a window that is being read, which go to one batch, and their targets."""

    batch: int
    window: Future[NDArray[Any]]
    chosen: Indices
    targets: NDArray[Any]


def stored_pictures(path: StrPath, part: str = "train", window: int = WINDOW) -> StoredPictures:
    """Return what there is to stream from a file of a data set: of this part, train or test.

    Inputs and targets are taken as `load_data` takes them; all inputs of `uint8` are pixels here,
    also a table of zeros and ones. A window takes at most so many bytes.
    Raises `DataError` for what `load_data` would refuse, but for the inputs' bytes, for examples in
    columns, and for a window that does not hold a chunk's examples.

    >>> stored_pictures("nowhere.h5")
    Traceback (most recent call last):
    catpipe.DataError: nowhere.h5: is not a file; expected an HDF5 file: check the name
    """
    if part not in PARTS:
        raise ValueError(f"part is {part!r}; expected one of {', '.join(PARTS)}")
    with _opened(Path(path), part) as (stored, _):
        _pictures_in(window, stored.where, stored.declared)
        return StoredPictures(Path(path), part, stored.form.shape, stored.classes, window)


def stream_batches(
    stored: StoredPictures,
    size: int,
    seed: int,
    epochs: int = 1,
    start: int = 0,
    dtype: DTypeLike = np.float64,
) -> Iterator[Batch]:
    """Return batches of so many pictures, from iteration `start` on, read while they are used.

    Batches run on from window to window; the last of an epoch is short where the size does not
    divide the pictures. In memory are at most the windows of three batches and two more (three in
    all where a window holds three batches), four batches and four more as `uint8`, four chunks a
    core, and 16 bytes a picture. The file is open until the stream ends or is closed.
    Raises `DataError`, also on the way, and `ValueError` for a size, start or seed that cannot be.

    Train on them `with one_blas_thread():` where cores are few. The threads of the stream take
    cores too, and a product in several threads waits for the last of them: on two cores training
    takes longer with two (measured in tests/benchmarks).

    >>> from catpipe.shell.storage.hdf5 import write
    >>> from tempfile import TemporaryDirectory
    >>> black = {"train_set_x": np.zeros((5, 4, 4, 3), np.uint8), "train_set_y": [0, 1, 0, 1, 0]}
    >>> with TemporaryDirectory() as folder:
    ...     write(f"{folder}/x.h5", black | {"list_classes": [b"non-cat", b"cat"]})
    ...     batches = stream_batches(stored_pictures(f"{folder}/x.h5"), size=2, seed=1)
    ...     [batch.X.shape for batch in batches]
    [(48, 2), (48, 2), (48, 1)]
    """
    if start < 0 or seed < 0 or epochs < 1:
        raise ValueError(
            f"start {start}, seed {seed}, epochs {epochs}; expected at least 0, 0 and 1"
        )
    wanted = range(start, epochs * batches_in_epoch(stored.shape[0], size))
    return _batches(stored, size, seed, wanted, dtype)


@contextmanager
def _opened(path: Path, part: str) -> Iterator[tuple[_Stored, h5py.Dataset]]:
    """Give what another process finds in a file, and its inputs, open in this process."""
    found = _looked_at(path, part, _version(path))
    with ExitStack() as stack:
        with _damage_refused(path):
            dataset = checked(stack.enter_context(h5py.File(path)), found.name)
            check_written(dataset)
            if {LZF, SZIP} & {*filters_of(dataset)}:
                raise Refusal(
                    f"{found.name} is stored through the HDF5 filters {filters_of(dataset)}, "
                    "whose chunks cannot be checked on the way; expected gzip or none: write it "
                    "again so"
                )
        yield found, dataset


def _version(path: Path) -> tuple[int, ...]:
    """Return what changes when somebody writes to the file, and one zero where there is none."""
    with suppress(OSError):
        of = path.stat()
        return of.st_dev, of.st_ino, of.st_size, of.st_mtime_ns, of.st_ctime_ns
    return (0,)


@lru_cache(maxsize=2)
def _looked_at(path: Path, part: str, version: tuple[int, ...]) -> _Stored:  # noqa: ARG001
    """Return what another process finds; that of two files is kept, for train and test."""
    with opened_on_disk(path) as file:
        names = names_in(file, part)
        found = _examples_in(file, names)
        file.check(names.inputs)
    return found


def _examples_in(file: Opened, names: Names) -> _Stored:
    """Return the examples of these names."""
    where, named = f"{file.path}: {names.inputs}", f"{file.path}: {names.targets}"
    declared = file.look([names.inputs])[names.inputs]
    check_axes(file, names, declared.shape)
    arrays = file.datasets(names.all[1:])
    form = form_of(where, declared.dtype, declared.shape, arrays[names.targets].shape)
    if form.are_columns:
        raise DataError(
            f"{where} has shape {declared.shape}, whose examples are columns; expected rows, which "
            "can be streamed: write x.T"
        )
    rows, _ = targets_in_rows(named, arrays[names.targets], form.shape[0])
    if names.classes:
        listed = f"{file.path}: {names.classes}"
        classes = classes_named(listed, arrays[names.classes], [rows])
    else:
        classes = classes_numbered(named, [rows])
    numbers = class_numbers_of(named, rows, classes)
    return _Stored(Path(file.path), names.inputs, declared, form, numbers, classes.names)


@contextmanager
def _damage_refused(path: Path) -> Iterator[None]:
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:  # for damage h5py raises nearly every type
        raise DataError(f"{path}: {sentence(error)}") from error


def _pictures_in(window: int, where: str, images: Declared) -> int:
    """Return how many pictures a window has: as many as whole chunks of it hold."""
    together, size = images.together, images.size_together
    if size > window:
        raise DataError(
            f"{where} keeps {together:,} pictures together in {size:,} bytes; expected at most "
            f"{window:,}, a window: take a larger one, or write it in smaller chunks"
        )
    return window // size * together


def _batches(
    stored: StoredPictures, size: int, seed: int, wanted: range, dtype: DTypeLike
) -> Iterator[Batch]:
    """Hand on batches, made in threads while those before them are used, as are windows."""
    path, part, *expected, window = stored
    with (
        _opened(path, part) as (found, dataset),
        _threads(AT_ONCE) as makers,  # which end last: they wait for the others
        _threads(1) as reader,
        _threads(os.cpu_count()) as unpackers,
    ):
        examples = found.form.shape[0]
        if [found.form.shape, found.classes] != expected:
            raise DataError(
                f"{path}: holds other pictures than before; expected the same: ask anew"
            )
        length = _pictures_in(window, found.where, found.declared)
        visits, read = tee(_visits(examples, length, size, seed, wanted))
        windows = _prefetched(reader, partial(_read, found, dataset, unpackers.map), read)
        pieces = chain.from_iterable(map(partial(_pieces, found.targets), visits, windows))
        batches = (tuple(each) for _, each in groupby(pieces, attrgetter("batch")))
        make = partial(_batch, len(found.classes), dtype)
        yield from map(Future.result, _prefetched(makers, make, batches, AT_ONCE))


@contextmanager
def _threads(number: int | None) -> Iterator[ThreadPoolExecutor]:
    """Give so many threads; in the end, what none of them has begun is not done any more."""
    threads = ThreadPoolExecutor(number)
    try:
        yield threads
    finally:
        threads.shutdown(cancel_futures=True)


def _prefetched(
    threads: Executor, make: Callable[[_S], _T], items: Iterator[_S], ahead: int = 1
) -> Iterator[Future[_T]]:
    """Hand on what threads make of each item, once so many after it are in their queue."""
    futures = deque(threads.submit(make, item) for item in islice(items, ahead))
    while futures:
        futures.extend(threads.submit(make, item) for item in islice(items, 1))
        yield futures.popleft()


def _visits(examples: int, length: int, size: int, seed: int, wanted: range) -> Iterator[_Visit]:
    """Return the windows of so many pictures that make the wanted batches, as they are read."""
    in_epoch = batches_in_epoch(examples, size)
    for epoch in range(wanted.start // in_epoch, wanted.stop // in_epoch):
        place = epoch * in_epoch * size
        for window in generator(seed, ORDER, epoch).permutation(-(-examples // length)).tolist():
            begin, end = window * length, min((window + 1) * length, examples)
            order = generator(seed, ORDER, epoch, 1 + window).permutation(end - begin)
            batches = np.arange(place, place + len(order)) // size
            kept = batches >= wanted.start
            if kept.any():
                yield _Visit(begin, end, order[kept], batches[kept])
            place += len(order)


def _read(stored: _Stored, dataset: h5py.Dataset, map_: _Map, visit: _Visit) -> NDArray[Any]:
    """Return the inputs of a window."""
    with _damage_refused(stored.path):
        window = rows(dataset, visit.begin, visit.end, map_)
        check_length(dataset.file)
    return inputs_from_rows(stored.where, window, stored.form)


def _pieces(targets: NDArray[Any], visit: _Visit, window: Future[NDArray[Any]]) -> Iterator[_Piece]:
    """Return the examples of a window, cut where a batch ends."""
    cuts = np.flatnonzero(np.diff(visit.batches)) + 1
    for chosen, batches in zip(*(np.split(v, cuts) for v in visit[2:]), strict=True):
        yield _Piece(batches[0], window, chosen, targets[visit.begin + chosen])


def _batch(classes: int, dtype: DTypeLike, pieces: Sequence[_Piece]) -> Batch:
    """Return the batch of these pieces: its inputs as columns of floats."""
    rows = np.concatenate([piece.targets for piece in pieces])
    Y = targets(rows, classes, dtype) if classes else rows.reshape(len(rows), -1).T.astype(dtype)
    inputs = [piece.window.result()[piece.chosen] for piece in pieces]
    images = np.concatenate(inputs) if len(inputs) > 1 else inputs[0]
    return Batch(pixels(images, dtype), Y)
