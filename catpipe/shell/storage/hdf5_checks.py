"""What is checked of an HDF5 file and its datasets before any of it is believed.

HDF5 is a hostile format: its links and storage read any file there is, a kilobyte can declare a
terabyte, and its decoders believe the lengths that a file gives them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from catpipe.shell.storage.atomic import DataError, StrPath
from catpipe.shell.storage.hdf5_chunks import FLETCHER32, GZIP, SHUFFLE, filters_of, most_chunks
from catpipe.shell.storage.hdf5_headers import reader, root_address
from catpipe.shell.storage.hdf5_structures import check_dataset, check_group, check_index

_SIGNATURE = b"\x89HDF\r\n\x1a\n"

_LOOKALIKES = {
    b"<": "is a web page saved in the file's place",
    b"version https://git-lfs": "is a git-lfs pointer to the file (`git lfs pull` fetches it)",
}
_LAYOUTS = {h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED}


# Only what can be checked before HDF5 decodes it, unlike its other decoders (scale-offset, lzf,
# plug-ins).
_PACKED: tuple[tuple[int, ...], ...] = ((), (SHUFFLE,), (GZIP,), (SHUFFLE, GZIP))
_FILTERS = {(*packed, *last) for packed in _PACKED for last in ((), (FLETCHER32,))}


@contextmanager
def damage_refused(path: StrPath) -> Iterator[None]:
    """Raise `DataError` for whatever is raised within: for damage h5py raises nearly every type.

    >>> with damage_refused("x.h5"):
    ...     raise KeyError("no address")
    Traceback (most recent call last):
    catpipe.DataError: x.h5: is damaged ('no address'); expected a whole HDF5 file: \
fetch it again
    """
    try:
        yield
    except (DataError, MemoryError):
        raise
    except Exception as error:
        raise DataError(
            f"{path}: is damaged ({error}); expected a whole HDF5 file: fetch it again"
        ) from error


def check_is_hdf5(path: Path) -> None:
    """Raise `DataError` unless this is a file that begins as HDF5 does.

    >>> check_is_hdf5(Path("nowhere.h5"))
    Traceback (most recent call last):
    catpipe.DataError: nowhere.h5: is not a file; expected an HDF5 file: check the name
    """
    try:
        if not path.is_file():  # nor a pipe, which would be waited for
            raise DataError(f"{path}: is not a file; expected an HDF5 file: check the name")
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); expected an HDF5 file: check its rights"
        ) from error
    if not head.startswith(_SIGNATURE):
        raise DataError(f"{path}: {_likeness(head)}; expected HDF5: fetch the file again")


def _likeness(head: bytes) -> str:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    likely = (likeness for start, likeness in _LOOKALIKES.items() if text.startswith(start))
    return next(likely, f"begins with {head[:8]!r}" if head else "is empty")


def checked_dataset(path: StrPath, file: h5py.File, name: str) -> h5py.Dataset:
    """Return the dataset of this name, which is in this very file, of a plain type and storage.

    Raises `DataError` for all else.
    """
    where, read, size = f"{path}: {name}", reader(file), file.id.get_filesize()
    check_group(read, root_address(read), size)
    if not is_one_component(name) or not file.id.links.exists(name.encode()):
        raise DataError(f"{where} is not there; expected a dataset of this name: check the file")
    link = file.id.links.get_info(name.encode())
    if link.type != h5py.h5l.TYPE_HARD:
        raise DataError(f"{where} is a link to elsewhere; expected the data itself: copy it here")
    check_dataset(read, link.u, size)
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset) or dataset.shape is None:
        raise DataError(f"{where} is no array; expected a dataset with a shape: write it as one")
    check_index(read, link.u, size, most_chunks(dataset))
    stored = dataset.id.get_type()
    check_type(where, dataset.dtype, stored.get_size())
    _check_bits(where, dataset.dtype, stored)
    _check_storage(where, dataset)
    return dataset


def is_one_component(name: str) -> bool:
    """Return whether the name is one, not a path of several.

    >>> is_one_component("W1"), is_one_component("group/W1")
    (True, False)
    """
    return name.strip(".") != "" and not {"/", "\0"} & set(name)


def check_type(where: str, dtype: np.dtype[Any], stored_size: int) -> None:
    """Raise `DataError` unless these are integers, floats or byte strings of a fixed length.

    >>> check_type("x.h5: b1", np.dtype(bool), 1)
    Traceback (most recent call last):
    catpipe.DataError: x.h5: b1 holds values of type bool; expected integers, floats \
or fixed-length bytes: convert them
    """
    if dtype.kind not in "iufS" or dtype.itemsize != stored_size:
        raise DataError(
            f"{where} holds values of type {dtype}; expected integers, floats or fixed-length "
            "bytes: convert them"
        )


def _check_bits(where: str, dtype: np.dtype[Any], stored: h5py.h5t.TypeID) -> None:
    """Refuse integers that leave bits of theirs unused: HDF5 clears them, and a stream does not."""
    is_integer = stored.get_class() == h5py.h5t.INTEGER
    if is_integer and stored.get_precision() != 8 * stored.get_size():
        raise DataError(
            f"{where} holds integers of {stored.get_precision()} bits; expected "
            f"{8 * stored.get_size()}, as {dtype} has: convert them"
        )


def _check_storage(where: str, dataset: h5py.Dataset) -> None:
    storage = dataset.id.get_create_plist()
    if storage.get_layout() not in _LAYOUTS or storage.get_external_count():
        raise DataError(f"{where} is kept elsewhere; expected the data itself: copy it here")
    if (filters := filters_of(dataset)) not in _FILTERS:
        raise DataError(
            f"{where} is stored through the HDF5 filters {filters}; expected gzip, shuffle "
            "before it, fletcher32 after it, or none: write it again so"
        )
    size = dataset.dtype.itemsize
    if SHUFFLE in filters and (values := storage.get_filter(filters.index(SHUFFLE))[2]) != (size,):
        raise DataError(
            f"{where} is shuffled as numbers of {values} bytes; expected {size}: write it again"
        )


def check_budget(path: StrPath, sizes: Mapping[str, int], each: int, total: int) -> None:
    """Raise `DataError` for what takes more bytes than `each`, or together more than `total`.

    >>> check_budget("x.h5", {"b1": 8}, each=4, total=16)
    Traceback (most recent call last):
    catpipe.DataError: x.h5: b1 takes 8 bytes; expected at most 4: split it
    """
    for name, size in sizes.items():
        if size > each:
            raise DataError(
                f"{path}: {name} takes {size:,} bytes; expected at most {each:,}: split it"
            )
    if (size := sum(sizes.values())) > total:
        raise DataError(f"{path}: takes {size:,} bytes; expected at most {total:,}: split it")
