"""Small HDF5 files: believed in nothing when read, whole or absent when written."""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Iterable, Mapping
from math import prod
from operator import mul
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from toolz import valmap

from catpipe.parameters import Array
from catpipe.shell.files import DataError, StrPath, write_files

EACH = 2**30  # bytes that one dataset may take in memory
TOTAL = 2**31  # and a file, and all that is read from it

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_LOOKALIKES = {
    b"<": "is a web page saved in the file's place",
    b"version https://git-lfs": "is a git-lfs pointer to the file (`git lfs pull` fetches it)",
}
_LAYOUTS = {h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED}

# Only what can be checked before HDF5 decodes it: its other decoders (fletcher32, scale-offset,
# lzf, plug-ins) believe the lengths that a file gives them.
_GZIP, _SHUFFLE = h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE
_FILTERS = {(), (_SHUFFLE,), (_GZIP,), (_SHUFFLE, _GZIP)}


def read(
    path: StrPath, names: Iterable[str], *, each: int = EACH, total: int = TOTAL
) -> dict[str, Array]:
    """Return the datasets of these names, read-only: integers, finite floats or byte strings.

    Raises `DataError` for all else, and before reading more bytes than `each` or `total`.

    >>> read("nowhere.h5", ["b1"])
    Traceback (most recent call last):
    catpipe.shell.files.DataError: nowhere.h5: is not a file; expected an HDF5 file: check the name
    """
    content = _content(Path(path), total)
    try:
        with h5py.File(h5py.h5f.open_file_image(content)) as file:
            found = {name: _dataset(f"{path}: {name}", file, name) for name in names}
            _check_budget(path, valmap(_bytes_to_make, found), each, total)
            return {name: _values(f"{path}: {name}", dataset) for name, dataset in found.items()}
    except DataError:
        raise
    except Exception as error:  # for damage h5py raises nearly every type there is
        raise DataError(
            f"{path}: is damaged ({error}); expected a whole HDF5 file: fetch it again"
        ) from error


def write(path: StrPath, arrays: Mapping[str, Any]) -> None:
    """Write a file from which `read` gives back these arrays: whole, or not at all.

    Equal arrays make equal bytes. `uint8` arrays, which are pictures, are compressed.
    Raises `DataError`; an earlier file of this name is then as it was.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write(f"{folder}/run.h5", {"b1": [[0.5]]})
    ...     read(f"{folder}/run.h5", ["b1"])
    {'b1': array([[0.5]])}
    """
    write_all({path: arrays})


def write_all(files: Mapping[StrPath, Mapping[str, Any]]) -> None:
    """Write several files as `write` does; none gets its name before all are on the disk."""
    write_files(
        {Path(path): _image(path, valmap(np.asarray, arrays)) for path, arrays in files.items()}
    )


def _content(path: Path, total: int) -> bytes:
    try:
        if not path.is_file():  # nor a pipe, which would be waited for
            raise DataError(f"{path}: is not a file; expected an HDF5 file: check the name")
        if (size := path.stat().st_size) > total:
            raise DataError(f"{path}: has {size:,} bytes; expected at most {total:,}: split it")
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); expected an HDF5 file: check its rights"
        ) from error
    if not content.startswith(_SIGNATURE):
        raise DataError(f"{path}: {_likeness(content[:64])}; expected HDF5: fetch the file again")
    return content


def _likeness(head: bytes) -> str:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    likely = (likeness for start, likeness in _LOOKALIKES.items() if text.startswith(start))
    return next(likely, f"begins with {head[:8]!r}" if head else "is empty")


def _dataset(where: str, file: h5py.File, name: str) -> h5py.Dataset:
    if not _is_one_component(name) or not file.id.links.exists(name.encode()):
        raise DataError(f"{where} is not there; expected a dataset of this name: check the file")
    if file.id.links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
        raise DataError(f"{where} is a link to elsewhere; expected the data itself: copy it here")
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset) or dataset.shape is None:
        raise DataError(f"{where} is no array; expected a dataset with a shape: write it as one")
    _check_type(where, dataset.dtype, dataset.id.get_type().get_size())
    _check_storage(where, dataset.id.get_create_plist())
    return dataset


def _is_one_component(name: str) -> bool:
    return name.strip(".") != "" and not {"/", "\0"} & set(name)


def _check_type(where: str, dtype: np.dtype[Any], stored_size: int) -> None:
    if dtype.kind not in "iufS" or dtype.itemsize != stored_size:
        raise DataError(
            f"{where} holds values of type {dtype}; expected integers, floats or fixed-length "
            "bytes: convert them"
        )


def _check_storage(where: str, storage: h5py.h5p.PropDCID) -> None:
    if storage.get_layout() not in _LAYOUTS or storage.get_external_count():
        raise DataError(f"{where} is kept elsewhere; expected the data itself: copy it here")
    if (filters := _filters(storage)) not in _FILTERS:
        raise DataError(
            f"{where} is stored through the HDF5 filters {filters}; expected gzip, with or "
            "without shuffle, or none: write it again so"
        )


def _filters(storage: h5py.h5p.PropDCID) -> tuple[int, ...]:
    return tuple(storage.get_filter(i)[0] for i in range(storage.get_nfilters()))


def _bytes_to_make(dataset: h5py.Dataset) -> int:
    """Return the bytes of the dataset, or of the whole chunks that hold it."""
    whole = prod(_grid(dataset)) * prod(dataset.chunks) if dataset.chunks else prod(dataset.shape)
    return int(whole * dataset.dtype.itemsize)


def _grid(dataset: h5py.Dataset) -> tuple[int, ...]:
    lengths = zip(dataset.shape, dataset.chunks, strict=True)
    return tuple(-(-length // chunk) for length, chunk in lengths)


def _check_budget(path: StrPath, sizes: Mapping[str, int], each: int, total: int) -> None:
    for name, size in sizes.items():
        if size > each:
            raise DataError(
                f"{path}: {name} takes {size:,} bytes; expected at most {each:,}: split it"
            )
    if (size := sum(sizes.values())) > total:
        raise DataError(f"{path}: takes {size:,} bytes; expected at most {total:,}: split it")


def _values(where: str, dataset: h5py.Dataset) -> Array:
    if dataset.chunks:
        _check_chunks(where, dataset)
    elif dataset.size and dataset.id.get_space_status() != h5py.h5d.SPACE_STATUS_ALLOCATED:
        raise DataError(f"{where} was never written; expected data: write it again")
    array = np.asarray(dataset[()], dataset.dtype.newbyteorder("="))
    _check_finite(where, array)
    array.setflags(write=False)
    return array


def _check_chunks(where: str, dataset: h5py.Dataset) -> None:
    """Refuse chunks that are not what they declare: HDF5 2.0 reads or writes past their ends."""
    filters = _filters(dataset.id.get_create_plist())
    declared = dataset.dtype.itemsize * prod(dataset.chunks)
    grid = _grid(dataset)
    for index in range(prod(grid)):
        corner = tuple(map(mul, np.unravel_index(index, grid), dataset.chunks))
        chunk = dataset.id.get_chunk_info_by_coord(corner)
        if chunk.byte_offset is None:
            raise DataError(f"{where} was written in part; expected all of it: write it again")
        size = chunk.size
        if _GZIP in filters and not chunk.filter_mask >> filters.index(_GZIP) & 1:
            _, stored = dataset.id.read_direct_chunk(corner)
            size = len(zlib.decompressobj().decompress(stored, declared + 1))
        if size != declared:
            raise DataError(
                f"{where} has a chunk that does not make the {declared:,} bytes it declares; "
                "expected a whole file: fetch it again"
            )


def _check_finite(where: str, array: Array) -> None:
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise DataError(
            f"{where} holds numbers that are not finite; expected finite ones: "
            "look where they arose"
        )


def _image(path: StrPath, arrays: Mapping[str, Array]) -> bytes:
    _check_budget(path, {name: array.nbytes for name, array in arrays.items()}, EACH, TOTAL)
    with h5py.File(secrets.token_hex(), "w", driver="core", backing_store=False) as file:
        for name, array in arrays.items():
            _put(f"{path}: {name}", file, name, array)
        file.flush()
        image: bytes = file.id.get_file_image()
        return image


def _put(where: str, file: h5py.File, name: str, array: Array) -> None:
    if not _is_one_component(name):
        raise DataError(f"{where} is no name; expected one without '/': name it otherwise")
    _check_type(where, array.dtype, array.dtype.itemsize)
    _check_finite(where, array)
    small = {"chunks": array.shape, "compression": "gzip", "compression_opts": 9}
    is_picture = array.dtype == np.uint8 and array.size > 1
    file.create_dataset(name, data=array, track_times=False, **(small if is_picture else {}))
