"""Read HDF5 in a process of its own: a script that imports NumPy and h5py alone.

HDF5 is C code that parses untrusted bytes: its links and storage read any file there is, a kilobyte
can declare a terabyte, and its decoders believe the lengths that a file gives them. `hdf5` starts
this script, sends it a file and asks; it answers with lines of JSON and plain bytes. Before HDF5
sees the file, the operating system limits this process: no other file can be opened, none written;
processor seconds and memory are bounded, in steps. Where the system has no such limits (Windows, in
part macOS), the checks below, the other process and the clock of the one that asks remain. This
bounds the damage that a file can do. It is no sandbox against code execution.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice, product
from math import ceil, prod
from pathlib import Path
from typing import Any, BinaryIO

if __name__ == "__main__":
    sys.path += sys.argv[1:]  # where NumPy and h5py are: `-I -S` leaves these folders out

import h5py
import numpy as np
from h5py._objects import phil
from numpy.typing import NDArray

try:
    import resource
except ImportError:  # on Windows
    resource = None  # type: ignore[assignment]

LITTLE = 2**28  # bytes of memory, to look around in a file
PIECE = 2**20  # bytes that are read and sent at once, where no row of chunks has more
RUN, LONGEST_RUN = 2**18, 1000  # bytes of chunks, and chunks, that a thread unpacks at once
SECONDS = 2  # of the processor, for a request
SPEED = 2**23  # bytes that are worked on in a second, at least
CHECKSUM = 4  # bytes, at the end of a chunk
MOST_NAMES, LONGEST_NAME, DEEPEST = 1000, 200, 3  # of what is listed in a file
MOST_TEXTS = 2**20  # of variable length

GZIP, SHUFFLE = h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE
FLETCHER32, LZF, SZIP = h5py.h5z.FILTER_FLETCHER32, h5py.h5z.FILTER_LZF, h5py.h5z.FILTER_SZIP
_FILTERS = {
    tuple(number for number in numbers if number)
    for numbers in product((0, SHUFFLE), (0, GZIP, LZF, SZIP), (0, FLETCHER32))
}
_UNPACKED_BY_HDF5 = {FLETCHER32, LZF, SZIP}
_LAYOUTS = {h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED}

Corner = tuple[int, ...]


class Refusal(ValueError):
    """What was found, what was expected, what to do: of a file that has no name here."""


def main() -> None:
    """Answer each line of JSON, which names a request and what it is about, until the last."""
    source, target, file = sys.stdin.buffer, sys.stdout.buffer, None
    rehearse()
    begun = memory_now()
    forbid_files()
    for line in source:
        request, about, work, memory = json.loads(line)
        allow(begun, work, memory)
        try:
            content = source.read(about) if request == "image" else b""
            file = _opened(file, request, about, content)
            for found, content in _answers(file, request, about):
                _send(target, {"found": found}, content)
        except Exception as error:  # for damage h5py raises nearly every type
            _send(target, {"refused": sentence(error)})


def rehearse() -> None:
    """Read a file of our own, so that all that Python imports on the way is there."""
    with h5py.File("mine", "w", driver="core", backing_store=False) as file:
        file["texts"] = np.array([b"a", b"b"])
        file.create_dataset("packed", data=np.arange(4), compression="gzip", shuffle=True)
        file["mixed"] = np.zeros(1, "i4, f8")
        file["words"] = ["a", "bc"]
        for name in listed(file, ()):
            with suppress(Refusal):
                dataset = checked(file, name)
                described(dataset)
                check_written(dataset)
                [*pieces(dataset, 0, len(dataset))]


def _opened(file: h5py.File, request: str, about: Any, content: bytes) -> h5py.File:
    """Return the file that is asked about from now on."""
    if request == "image":
        in_memory = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
        in_memory.set_fapl_core(backing_store=False)
        in_memory.set_file_image(content)
        return h5py.File(h5py.h5f.open(b"image", h5py.h5f.ACC_RDONLY, in_memory))
    if request != "path":
        return file
    limit("NOFILE", 4)
    try:
        return h5py.File(h5py.h5f.open(bytes.fromhex(about), h5py.h5f.ACC_RDONLY))
    finally:
        limit("NOFILE", 3)


def _answers(file: h5py.File, request: str, about: Any) -> Iterator[tuple[Any, Any]]:
    """Give what is found, and the bytes that come behind it."""
    if request == "read":
        name, begin, end = about
        for piece in pieces(file[name], begin, end):
            yield piece.nbytes, piece.reshape(-1).view(np.uint8)
        check_length(file)
    if request == "close":
        file.close()
    if request == "check":
        check_written(file[about])
    yield _about(file, request, about), b""


def _about(file: h5py.File, request: str, about: Any) -> Any:
    if request == "look":
        return [described(checked(file, name)) for name in about]
    if request == "list":
        return listed(file, about)
    return outline(file, about) if request == "outline" else None


def _send(target: BinaryIO, answer: Any, content: Any = b"") -> None:
    target.write(json.dumps(answer).encode() + b"\n")
    target.write(content)
    target.flush()


def sentence(error: Exception) -> str:
    """Return what is wrong with the file, in one sentence.

    >>> sentence(KeyError("no address"))
    "is damaged ('no address'); expected a whole HDF5 file: fetch or write it again"
    """
    if isinstance(error, Refusal):
        return str(error)
    why = "it takes more memory than it declares" if isinstance(error, MemoryError) else error
    if "already open for write" in str(why):
        return (
            "is marked as open for writing, or the program that wrote it was ended; expected a "
            "closed file: close it there, or clear the mark with `h5clear -s`"
        )
    if cut := re.search(r"truncated file: eof = (\d+),.* stored_eof = (\d+)", str(why)):
        why = f"cut short: it has {int(cut[1]):,} of {int(cut[2]):,} bytes"
    return f"is damaged ({why}); expected a whole HDF5 file: fetch or write it again"


def memory_now() -> int:
    """Return how much address space this process has, or none where the system does not say."""
    try:
        pages = Path("/proc/self/statm").read_text().split()[0]
        return int(pages) * resource.getpagesize()
    except (AttributeError, OSError):
        return 0


def forbid_files() -> None:
    """Let this process open no file beside those that are open, and write none."""
    for name, most in (("NOFILE", 3), ("FSIZE", 0), ("CORE", 0)):
        limit(name, most)


def allow(begun: int, work: int, memory: int) -> None:
    """Allow the seconds to work on so many bytes, and so much memory more than it began with."""
    limit("CPU", ceil(time.process_time()) + SECONDS + work // SPEED)
    if begun:
        limit("AS", begun + LITTLE + memory)


def limit(name: str, most: int) -> None:
    """Set a limit of the operating system, where it has it and can be told to."""
    if resource:
        number = getattr(resource, f"RLIMIT_{name}")
        with suppress(OSError, ValueError):
            resource.setrlimit(number, (most, resource.getrlimit(number)[1]))


# What there is.


def listed(file: h5py.File, wanted: Sequence[str]) -> list[str]:
    """Return which of these names are in the root; unless all are, also paths of other datasets.

    Those are in the root and in groups within it, and are not all that there may be.

    >>> with h5py.File("mine", "w", driver="core", backing_store=False) as file:
    ...     file["train/x"] = file["y"] = [1, 2]
    ...     listed(file, ["y"]), listed(file, ["y", "z"])
    (['y'], ['y', 'train/x'])
    """
    there = [name for name in wanted if file.id.links.exists(name.encode())]
    if len(there) == len(wanted) > 0:
        return there
    others = islice(_walked(file, "", DEEPEST), MOST_NAMES)
    return there + [name for name in others if name not in there]


def _walked(group: h5py.Group, path: str, levels: int) -> Iterator[str]:
    names: list[bytes] = []

    def more(name: bytes) -> bool | None:
        names.append(name)
        return len(names) > MOST_NAMES or None  # which ends it

    group.id.links.iterate(more)
    for name in names:
        with suppress(Exception):  # what cannot be looked at is not what is looked for
            word = name.decode()
            if not word.isprintable() or len(word) > LONGEST_NAME:
                continue
            if group.id.links.get_info(name).type != h5py.h5l.TYPE_HARD:
                continue
            kind = h5py.h5o.get_info(group.id, name).type
            if kind == h5py.h5o.TYPE_DATASET:
                yield path + word
            elif kind == h5py.h5o.TYPE_GROUP and levels > 1:
                yield from _walked(group[name], f"{path}{word}/", levels - 1)


def outline(file: h5py.File, names: list[str]) -> list[str]:
    """Return each dataset's name, its shape and its type, in words."""

    def of(name: str) -> str:
        with suppress(Exception):
            dataset = file[name]
            kind = "text" if is_text(dataset) else dataset.dtype
            return f"{name} {dataset.shape} {kind}"[: 2 * LONGEST_NAME]
        return name

    return [of(name) for name in names]


# What is checked of a dataset before it is read.


def checked(file: h5py.File, name: str) -> h5py.Dataset:
    """Return the dataset at this path, which is in this very file, of a plain type and storage.

    Raises `Refusal` for all else.
    """
    place: Any = file
    for component in name.split("/"):
        place = _component(place, component, name)
    dataset = place
    if not isinstance(dataset, h5py.Dataset) or dataset.shape is None:
        raise Refusal(f"{name} is no array; expected a dataset with a shape: write it as one")
    stored = dataset.id.get_type()
    if not is_text(dataset):
        check_type(
            name, np.dtype("u1") if dataset.dtype == bool else dataset.dtype, stored.get_size()
        )
    _check_bits(name, dataset.dtype, stored)
    _check_storage(name, dataset)
    return dataset


def _component(place: Any, component: str, name: str) -> Any:
    """Return what has this name in a group of the path."""
    is_group = isinstance(place, h5py.Group) and is_one_component(component)
    if not is_group or not place.id.links.exists(component.encode()):
        raise Refusal(f"{name} is not there; expected a dataset of this name: check the file")
    if place.id.links.get_info(component.encode()).type != h5py.h5l.TYPE_HARD:
        raise Refusal(f"{name} is a link to elsewhere; expected the data itself: copy it here")
    return place[component]


def is_text(dataset: h5py.Dataset) -> bool:
    """Return whether the values are texts of variable length."""
    kind = h5py.check_string_dtype(dataset.dtype)
    return bool(kind and kind.length is None)


def texts(dataset: h5py.Dataset) -> NDArray[np.bytes_]:
    """Return texts of variable length as bytes of one length; raise `Refusal` for very many."""
    name = dataset.name[1:]
    if dataset.size > MOST_TEXTS:
        raise Refusal(
            f"{name} holds {dataset.size:,} texts of variable length; expected at most "
            f"{MOST_TEXTS:,}: write them as numbers"
        )
    check_written(dataset)
    if dataset.chunks and dataset.size:
        corners = _corners(dataset, 0, len(dataset))
        [*_made(dataset, corners)]  # which refuses chunks that HDF5 would read past
    values = np.asarray(dataset[()], object)
    return np.array([*values.flat], "S").reshape(dataset.shape)


def described(dataset: h5py.Dataset) -> tuple[str, tuple[int, ...], int, int]:
    """Return a dataset's type, its shape, the bytes to make, and how many rows lie together.

    Texts of variable length are read for it.
    """
    if is_text(dataset):
        words = texts(dataset)
        return words.dtype.str, words.shape, words.nbytes, max(len(words), 1) if words.ndim else 1
    if not dataset.chunks:
        size = int(prod(dataset.shape)) * dataset.dtype.itemsize
        return dataset.dtype.newbyteorder("=").str, dataset.shape, size, 1
    size = prod(_grid(dataset)) * _bytes_of_a_chunk(dataset)
    return dataset.dtype.newbyteorder("=").str, dataset.shape, size, int(dataset.chunks[0])


def is_one_component(name: str) -> bool:
    """Return whether the name is one, not a path of several.

    >>> is_one_component("W1"), is_one_component("group/W1")
    (True, False)
    """
    return name.strip(".") != "" and not {"/", "\0"} & set(name)


def check_type(name: str, dtype: np.dtype[Any], stored_size: int) -> None:
    """Raise `Refusal` unless these are integers, floats or byte strings of a fixed length.

    >>> check_type("b1", np.dtype(bool), 1)
    Traceback (most recent call last):
    catpipe.shell.storage._hdf5_reader.Refusal: b1 holds values of type bool; expected integers, \
floats or fixed-length bytes: convert them
    """
    if dtype.kind not in "iufS" or dtype.itemsize != stored_size:
        raise Refusal(
            f"{name} holds values of type {dtype}; expected integers, floats or fixed-length "
            "bytes: convert them"
        )


def _check_bits(name: str, dtype: np.dtype[Any], stored: h5py.h5t.TypeID) -> None:
    """Refuse integers that leave bits of theirs unused, which are not always cleared."""
    is_integer = stored.get_class() == h5py.h5t.INTEGER
    if is_integer and stored.get_precision() != 8 * stored.get_size():
        raise Refusal(
            f"{name} holds integers of {stored.get_precision()} bits; expected "
            f"{8 * stored.get_size()}, as {dtype} has: convert them"
        )


def _check_storage(name: str, dataset: h5py.Dataset) -> None:
    storage = dataset.id.get_create_plist()
    if storage.get_layout() not in _LAYOUTS or storage.get_external_count():
        raise Refusal(f"{name} is stored elsewhere; expected the data itself: copy it here")
    filters = filters_of(dataset)
    if filters not in _FILTERS or not all(map(h5py.h5z.filter_avail, filters)):
        raise Refusal(
            f"{name} is stored through the HDF5 filters {filters}; expected gzip, lzf or szip, "
            "shuffle before it, fletcher32 after it, or none: write it again so"
        )
    size = dataset.dtype.itemsize
    shuffles = SHUFFLE in filters and not is_text(dataset)
    if shuffles and (values := storage.get_filter(filters.index(SHUFFLE))[2]) != (size,):
        raise Refusal(
            f"{name} is shuffled as numbers of {values} bytes; expected {size}: write it again"
        )


def filters_of(dataset: h5py.Dataset) -> tuple[int, ...]:
    """Return the numbers of the filters that the dataset is stored through, in their order."""
    storage = dataset.id.get_create_plist()
    return tuple(storage.get_filter(i)[0] for i in range(storage.get_nfilters()))


def _grid(dataset: h5py.Dataset) -> tuple[int, ...]:
    """Return how many chunks hold the dataset, along each axis."""
    lengths = zip(dataset.shape, dataset.chunks, strict=True)
    return tuple(int(-(-length // chunk)) for length, chunk in lengths)


def _bytes_of_a_chunk(dataset: h5py.Dataset) -> int:
    """Return the bytes that each chunk declares."""
    value = dataset.dtype.itemsize
    if is_text(dataset):  # a length, an address and an index
        value = 8 + dataset.file.id.get_create_plist().get_sizes()[0]
    return int(prod(dataset.chunks)) * int(value)


def check_written(dataset: h5py.Dataset) -> None:
    """Raise `Refusal` unless all of the dataset is there, in chunks of a likely size."""
    name = dataset.name[1:]
    if not dataset.chunks:
        if dataset.size and dataset.id.get_space_status() != h5py.h5d.SPACE_STATUS_ALLOCATED:
            raise Refusal(f"{name} was never written; expected data: write it again")
        return
    believable = partial(_is_believable, filters_of(dataset), _bytes_of_a_chunk(dataset))
    if dataset.id.chunk_iter(lambda chunk: None if believable(chunk) else chunk):
        raise _unmade(dataset)
    if dataset.id.get_num_chunks() != prod(_grid(dataset)):
        raise Refusal(f"{name} was written in part; expected all of it: write it again")


def _is_believable(filters: tuple[int, ...], declared: int, chunk: h5py.h5d.StoreInfo) -> bool:
    """Return whether the chunk is not too long for what it makes: HDF5 would write past it."""
    used = _used(filters, chunk.filter_mask)
    size = chunk.size - CHECKSUM * (FLETCHER32 in used)
    is_packed = {GZIP, LZF, SZIP} & used
    return bool(0 <= size <= 2 * declared + 64 if is_packed else size == declared)


def _used(filters: tuple[int, ...], mask: int) -> set[int]:
    """Return the filters that a chunk went through; its mask has a bit for each one left out."""
    return {number for i, number in enumerate(filters) if not mask >> i & 1}


# Reading.


def pieces(dataset: h5py.Dataset, begin: int, end: int) -> Iterator[NDArray[Any]]:
    """Give these rows in this machine's byte order; the first is the first of a chunk, if any.

    Raises `Refusal` for a chunk that does not make what it declares, also on the way.
    """
    if is_text(dataset):
        if dataset.size:
            yield texts(dataset)
    elif dataset.shape == ():
        yield np.asarray(dataset[()], dataset.dtype.newbyteorder("="))
    elif dataset.size:
        row = int(prod(dataset.shape[1:])) * dataset.dtype.itemsize
        together = int(dataset.chunks[0]) if dataset.chunks else 1
        step = max(PIECE // row // together, 1) * together
        for at in range(begin, end, step):
            yield rows(dataset, at, min(at + step, end))


def rows(
    dataset: h5py.Dataset, begin: int, end: int, map_: Callable[..., Iterable[None]] = map
) -> NDArray[Any]:
    """Return these rows, as `pieces` does; a map that runs in threads unpacks chunks there."""
    found = np.empty((end - begin, *dataset.shape[1:]), dataset.dtype)
    if dataset.chunks:
        [*map_(partial(_fill, dataset, begin, found), _runs(dataset, begin, end))]
    if not dataset.chunks or _UNPACKED_BY_HDF5 & {*filters_of(dataset)}:
        dataset.read_direct(found, np.s_[begin:end])
    return found.astype(dataset.dtype.newbyteorder("="), copy=False)


def _runs(dataset: h5py.Dataset, begin: int, end: int) -> Iterator[list[Corner]]:
    """Give where the chunks of these rows begin, those together that a thread is worth."""
    corners = _corners(dataset, begin, end)
    size = min(max(RUN // _bytes_of_a_chunk(dataset), 1), LONGEST_RUN)
    while run := [*islice(corners, size)]:
        yield run


def _corners(dataset: h5py.Dataset, begin: int, end: int) -> Iterator[Corner]:
    """Return where the chunks of these rows begin."""
    first, *others = zip(dataset.shape, dataset.chunks, strict=True)
    return product(range(begin, end, first[1]), *(range(0, n, step) for n, step in others))


def _fill(
    dataset: h5py.Dataset, begin: int, found: NDArray[Any], corners: Sequence[Corner]
) -> None:
    """Check these chunks, and write the values of those that are unpacked here into their rows."""
    is_left_to_hdf5 = _UNPACKED_BY_HDF5 & {*filters_of(dataset)}
    for (first, *others), chunk in _made(dataset, corners):
        if not is_left_to_hdf5:
            corner = zip((first - begin, *others), dataset.chunks, strict=True)
            place = found[tuple(slice(first, first + length) for first, length in corner)]
            place[...] = chunk[tuple(map(slice, place.shape))]


def _made(
    dataset: h5py.Dataset, corners: Iterable[Corner]
) -> Iterator[tuple[Corner, NDArray[Any]]]:
    """Give where each of these chunks begins, and its values."""
    filters = filters_of(dataset)
    for corner in corners:
        with phil:  # h5py's own lock, which it does not take itself in all versions
            if dataset.id.get_chunk_info_by_coord(corner).byte_offset is None:  # HDF5 would crash
                raise _unmade(dataset)
            mask, stored = dataset.id.read_direct_chunk(corner)
        yield corner, _unpacked(dataset, stored, _used(filters, mask))


def _unpacked(dataset: h5py.Dataset, stored: Any, used: set[int]) -> NDArray[Any]:
    """Return the values of a chunk, or nothing where only HDF5 can; refuse it if they are no match.

    HDF5 2.0 reads past the end of a chunk that makes too little, and inflates all of one that makes
    too much.
    """
    size = _bytes_of_a_chunk(dataset)
    if FLETCHER32 in used:
        stored = stored[:-CHECKSUM]
    if GZIP in used:
        inflater = zlib.decompressobj()
        stored = inflater.decompress(stored, size + 1)
        if not inflater.eof:
            raise _unmade(dataset)
    if {LZF, SZIP} & used:
        return np.empty(0, dataset.dtype)
    if len(stored) != size:
        raise _unmade(dataset)
    if is_text(dataset):
        return np.empty(0, dataset.dtype)
    if SHUFFLE in used:
        of_each_byte = np.frombuffer(stored, np.uint8).reshape(dataset.dtype.itemsize, -1)
        stored = np.ascontiguousarray(of_each_byte.T)
    return np.frombuffer(stored, dataset.dtype).reshape(dataset.chunks)


def check_length(file: h5py.File) -> None:
    """Refuse a file on the disk that has become shorter, of which HDF5 would make zeros."""
    if file.driver != "core":
        found = os.fstat(file.id.get_vfd_handle()).st_size
        if found < file.id.get_filesize():
            raise Refusal("was cut short while it was read; expected it whole: restore it")


def _unmade(dataset: h5py.Dataset) -> Refusal:
    return Refusal(
        f"{dataset.name[1:]} has a chunk that does not make the {_bytes_of_a_chunk(dataset):,} "
        "bytes it declares; expected a whole file: fetch or write it again"
    )


if __name__ == "__main__":
    main()
