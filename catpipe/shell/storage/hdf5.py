"""Small HDF5 files: believed in nothing when read, whole or absent when written."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from toolz import valmap

from catpipe.nn.parameters import Array
from catpipe.shell.storage.atomic import DataError, StrPath, write_files
from catpipe.shell.storage.hdf5_checks import (
    check_budget,
    check_is_hdf5,
    check_type,
    checked_dataset,
    damage_refused,
    is_one_component,
)
from catpipe.shell.storage.hdf5_chunks import (
    bytes_to_make,
    check_written,
    chunk_bytes,
    chunk_corners,
)
from catpipe.shell.storage.hdf5_headers import Opened

EACH = 2**30  # bytes that one dataset may take in memory
TOTAL = 2**31  # and a file, and all that is read from it
CHECKED_LAYOUT = ("v110", "v110")  # of HDF5 1.10, in which all that describes data has checksums


def read(
    path: StrPath, names: Iterable[str], *, each: int = EACH, total: int = TOTAL
) -> dict[str, Array]:
    """Return the datasets of these names, read-only: integers, finite floats or byte strings.

    Raises `DataError` for all else, and before reading more bytes than `each` or `total`.

    >>> read("nowhere.h5", ["b1"])
    Traceback (most recent call last):
    catpipe.DataError: nowhere.h5: is not a file; expected an HDF5 file: check the name
    """
    with opened(path, total) as file:
        return datasets(path, file, names, each=each, total=total)


@contextmanager
def opened(path: StrPath, total: int = TOTAL) -> Iterator[h5py.File]:
    """Give the file as it is now, read whole: `datasets` reads all of it, and all of one version.

    Raises `DataError` for more bytes than `total`, and for whatever is raised within.
    """
    with damage_refused(path):
        content = _content(Path(path), total)
        with Opened(h5py.h5f.open_file_image(content)) as file:
            file.content = content
            yield file


def datasets(
    path: StrPath, file: h5py.File, names: Iterable[str], *, each: int = EACH, total: int = TOTAL
) -> dict[str, Array]:
    """Return what `read` does, from a file that is open; the path is there to be named."""
    found = {name: checked_dataset(path, file, name) for name in names}
    check_budget(path, valmap(bytes_to_make, found), each, total)
    return {name: _values(f"{path}: {name}", dataset) for name, dataset in found.items()}


def write(path: StrPath, arrays: Mapping[str, Any], *, checksums: bool = False) -> None:
    """Write a file from which `read` gives back these arrays: whole, or not at all.

    Equal arrays make equal bytes. `uint8` arrays, which are pictures, are compressed. With
    checksums no flipped bit passes: all that HDF5 writes has one, and each dataset with axes its
    own (which takes a stretch of zeros for whatever was there, so hold what matters to a digest).
    Raises `DataError`; an earlier file of this name is then as it was.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write(f"{folder}/run.h5", {"b1": [[0.5]]})
    ...     read(f"{folder}/run.h5", ["b1"])
    {'b1': array([[0.5]])}
    """
    write_all({path: arrays}, checksums=checksums)


def write_all(files: Mapping[StrPath, Mapping[str, Any]], *, checksums: bool = False) -> None:
    """Write several files as `write` does; none gets its name before all are on the disk."""
    write_files(
        {
            Path(path): _image(path, valmap(np.asarray, arrays), checksums=checksums)
            for path, arrays in files.items()
        }
    )


def _content(path: Path, total: int) -> bytes:
    check_is_hdf5(path)
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(size) if size <= total else b""
    if size > total:
        raise DataError(f"{path}: has {size:,} bytes; expected at most {total:,}: split it")
    return content


def _values(where: str, dataset: h5py.Dataset) -> Array:
    check_written(where, dataset, dataset.file.id.get_filesize())
    if dataset.chunks:
        for corner in chunk_corners(dataset, 0, len(dataset)):
            chunk_bytes(where, dataset, corner)  # refused here, before HDF5 believes it
    array = np.asarray(dataset[()], dataset.dtype.newbyteorder("="))
    _check_finite(where, array)
    array.setflags(write=False)
    return array


def _check_finite(where: str, array: Array) -> None:
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise DataError(
            f"{where} holds numbers that are not finite; expected finite ones: "
            "look where they arose"
        )


def _image(path: StrPath, arrays: Mapping[str, Array], *, checksums: bool) -> bytes:
    check_budget(path, {name: array.nbytes for name, array in arrays.items()}, EACH, TOTAL)
    layout = CHECKED_LAYOUT if checksums else None
    in_memory = partial(h5py.File, driver="core", backing_store=False)
    with in_memory(secrets.token_hex(), "w", libver=layout) as file:
        for name, array in arrays.items():
            _put(f"{path}: {name}", file, name, array, checksums=checksums)
        file.flush()
        image: bytes = file.id.get_file_image()
        return image


def _put(where: str, file: h5py.File, name: str, array: Array, *, checksums: bool) -> None:
    if not is_one_component(name):
        raise DataError(f"{where} is no name; expected one without '/': name it otherwise")
    check_type(where, array.dtype, array.dtype.itemsize)
    _check_finite(where, array)
    storage: dict[str, Any] = {}
    if array.dtype == np.uint8 and array.size > 1:
        storage = {"compression": "gzip", "compression_opts": 9}
    if checksums and array.ndim and array.size:
        storage = storage | {"fletcher32": True}
    if storage:
        storage = storage | {"chunks": array.shape}
    file.create_dataset(name, data=array, track_times=False, **storage)
