"""How a dataset lies in its HDF5 file, and its chunks: believed once they are what they declare."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from functools import partial, reduce
from itertools import product
from math import prod

import h5py
import numpy as np
from numpy.typing import NDArray

from catpipe.shell.storage.atomic import DataError

GZIP, SHUFFLE = h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE
FLETCHER32 = h5py.h5z.FILTER_FLETCHER32
CHECKSUM = 4  # bytes, at the end of a chunk
BLOCK = 2**16  # words, whose weighted sum fits into 64 bits


def filters_of(dataset: h5py.Dataset) -> tuple[int, ...]:
    """Return the numbers of the filters that the dataset is stored through, in their order."""
    storage = dataset.id.get_create_plist()
    return tuple(storage.get_filter(i)[0] for i in range(storage.get_nfilters()))


def bytes_to_make(dataset: h5py.Dataset) -> int:
    """Return the bytes of the dataset, or of the whole chunks that hold it."""
    if not dataset.chunks:
        return int(prod(dataset.shape) * dataset.dtype.itemsize)
    return int(prod(_grid(dataset)) * bytes_of_a_chunk(dataset))


def bytes_of_a_chunk(dataset: h5py.Dataset) -> int:
    """Return the bytes that each chunk declares."""
    return int(prod(dataset.chunks) * dataset.dtype.itemsize)


def _grid(dataset: h5py.Dataset) -> tuple[int, ...]:
    lengths = zip(dataset.shape, dataset.chunks, strict=True)
    return tuple(-(-length // chunk) for length, chunk in lengths)


def most_chunks(dataset: h5py.Dataset) -> int | None:
    """Return how many chunks the dataset can come to have, or none where there is no end to it."""
    if not dataset.chunks or None in dataset.maxshape:
        return None
    lengths = zip(dataset.maxshape, dataset.chunks, strict=True)
    return int(prod(-(-length // chunk) for length, chunk in lengths))


def check_written(where: str, dataset: h5py.Dataset, file_size: int) -> None:
    """Raise `DataError` unless all of the dataset lies in the file, in chunks of a likely size."""
    if not dataset.chunks:
        if dataset.size and dataset.id.get_space_status() != h5py.h5d.SPACE_STATUS_ALLOCATED:
            raise DataError(f"{where} was never written; expected data: write it again")
        return
    believable = partial(_is_believable, filters_of(dataset), bytes_of_a_chunk(dataset), file_size)
    if dataset.id.chunk_iter(lambda chunk: None if believable(chunk) else chunk):
        raise _unmade(where, dataset)
    if dataset.id.get_num_chunks() != prod(_grid(dataset)):
        raise DataError(f"{where} was written in part; expected all of it: write it again")


def _is_believable(
    filters: tuple[int, ...], declared: int, file_size: int, chunk: h5py.h5d.StoreInfo
) -> bool:
    """Return whether the chunk lies in the file and is not too long: HDF5 would write past it."""
    size = chunk.size - CHECKSUM * _went_through(FLETCHER32, filters, chunk.filter_mask)
    is_packed = _went_through(GZIP, filters, chunk.filter_mask)
    is_likely = 0 <= size <= 2 * declared + 64 if is_packed else size == declared
    return bool(is_likely and chunk.byte_offset + chunk.size <= file_size)


def _went_through(number: int, filters: tuple[int, ...], mask: int) -> bool:
    """Return whether a chunk went through a filter; its mask has a bit for each one left out."""
    return number in filters and not mask >> filters.index(number) & 1


def chunk_corners(dataset: h5py.Dataset, begin: int, end: int) -> Iterator[tuple[int, ...]]:
    """Return where the chunks begin that hold these rows; the first row is the first of a chunk."""
    rows, *others = zip(dataset.shape, dataset.chunks, strict=True)
    return product(range(begin, end, rows[1]), *(range(0, n, step) for n, step in others))


def chunk_bytes(where: str, dataset: h5py.Dataset, corner: tuple[int, ...]) -> bytes:
    """Return what a chunk makes, still shuffled; raise `DataError` unless it is what it declares.

    HDF5 2.0 reads past the end of a chunk that makes too little, and inflates all of one that makes
    too much. It takes `check_written` to read the chunk safely.
    """
    mask, stored = dataset.id.read_direct_chunk(corner)
    filters = filters_of(dataset)
    if _went_through(FLETCHER32, filters, mask):
        stored = _unsummed(where, stored)
    if _went_through(GZIP, filters, mask):
        inflater = zlib.decompressobj()
        stored = inflater.decompress(stored, bytes_of_a_chunk(dataset) + 1)
        if not inflater.eof:
            raise _unmade(where, dataset)
    if len(stored) != bytes_of_a_chunk(dataset):
        raise _unmade(where, dataset)
    return bytes(stored)


def _unsummed(where: str, stored: bytes) -> bytes:
    """Return the chunk without the checksum at its end; raise `DataError` unless it fits."""
    content, checksum = stored[:-CHECKSUM], stored[-CHECKSUM:]
    if fletcher32(content).to_bytes(CHECKSUM, "little") != checksum:
        raise DataError(
            f"{where} does not have the checksum that it was written with; expected a whole file: "
            "restore it"
        )
    return content


def fletcher32(content: bytes) -> int:
    """Return the checksum that HDF5's filter of this name keeps (Fletcher 1982).

    Of 16-bit words, the high byte first; sums are from 1 to 65535, and 0 of nothing but zeros.

    >>> hex(fletcher32(b"abcde"))
    '0x4ff029c7'
    """
    words = np.frombuffer(content + bytes(len(content) % 2), ">u2")
    blocks = (words[begin : begin + BLOCK] for begin in range(0, len(words), BLOCK))
    first, second = reduce(_summed, blocks, (0, 0))
    return _folded(second) << 16 | _folded(first)


def _summed(sums: tuple[int, int], block: NDArray[np.uint16]) -> tuple[int, int]:
    """Return the sum of the words, and the sum of what that was after each of them."""
    first, second = sums
    size, words = len(block), block.astype(np.int64)
    times = np.arange(size, 0, -1)
    return first + int(words.sum()), second + first * size + int(words @ times)


def _folded(total: int) -> int:
    return (total - 1) % 0xFFFF + 1 if total else 0


def _unmade(where: str, dataset: h5py.Dataset) -> DataError:
    return DataError(
        f"{where} has a chunk that does not make the {bytes_of_a_chunk(dataset):,} bytes it "
        "declares; expected a whole file: fetch it again"
    )
