"""Small HDF5 files: read in another process and believed in nothing, written whole or not at all.

A file is handed to `_hdf5_reader`, a script in a child process: its crash, hang or bomb is one
sentence here. Its answers are held to the request, to plain types and to the bytes that are
allowed. This bounds the damage that a file can do; it is no sandbox against code execution.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import h5py
import numpy as np
from toolz import valmap

from catpipe.nn.arrays import Array
from catpipe.shell.storage._hdf5_reader import PIECE, Refusal, check_type, is_one_component
from catpipe.shell.storage.atomic import DataError, StrPath, is_being_written, write_files
from catpipe.shell.storage.child import CHILDREN, Child

EACH = 2**30  # bytes that one dataset may take in memory
TOTAL = 2**31  # and a file, and all that is read from it

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
HDF5 = "an HDF5 file"
_AS_HDF5 = "write its arrays with h5py, as in h5py.File('data.h5', 'w')['train_set_x'] = X"
_AS_DATA = (
    "name the run or the data here, and make data of folders of pictures with `catpipe import "
    "FOLDER --out DATASET`"
)
_LOOKALIKES = {
    b"<": ("is a web page saved in the file's place", "fetch the file again"),
    b"version https://git-lfs": ("is a git-lfs pointer to the file", "run `git lfs pull`"),
    b"PK\x03\x04": ("is a zip archive, as .npz is", f"unpack it, or {_AS_HDF5}"),
    b"\x1f\x8b": ("is packed by gzip", "unpack it with `gunzip`"),
    b"\x93NUMPY": ("is an array of NumPy's, .npy", _AS_HDF5),
    b"\x89PNG": ("is a picture, PNG", _AS_DATA),
    b"\xff\xd8\xff": ("is a picture, JPEG", _AS_DATA),
    b"MATLAB 5.0": ("is a MATLAB file before v7.3", "save it in MATLAB with '-v7.3'"),
    b"\x0e\x03\x13\x01": ("is HDF4, an older format", "convert it with `h4toh5`"),
}


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
        return file.datasets(names, each=each, total=total)


@contextmanager
def opened(
    path: StrPath, total: int = TOTAL, *, expected: str = HDF5, todo: str | None = None
) -> Iterator[Opened]:
    """Give the file as it is now, read whole: all that is read of it is of one version.

    Raises `DataError` for more bytes than `total` and, in these words, as `check_is_hdf5` does.
    """
    check_is_hdf5(Path(path), expected, todo)
    content = _content(Path(path), total)
    size = len(content)
    with _opened(path, ("image", size), size, 3 * size, content) as file:
        yield file


@contextmanager
def opened_on_disk(path: StrPath) -> Iterator[Opened]:
    """Give the file, which stays on the disk and is open there, whatever its size."""
    check_is_hdf5(Path(path))
    place = os.fsencode(Path(path).absolute()).hex()
    with _opened(path, ("path", place), Path(path).stat().st_size, 0) as file:
        yield file


class Declared(NamedTuple):
    """What a dataset declares: `size` are the bytes to make, which whole chunks have more of."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    size: int
    together: int
    """Rows in a row of chunks."""

    @property
    def size_together(self) -> int:
        """Return the bytes of a row of chunks."""
        rows = self.shape[0] if self.shape else 1
        return self.size // max(-(-rows // self.together), 1)


class Opened(NamedTuple):
    """An HDF5 file that a child process has open."""

    path: StrPath
    child: Child
    size: int
    held: int
    """Bytes that the child needs to hold the file."""

    def datasets(
        self,
        names: Iterable[str],
        *,
        each: int = EACH,
        total: int = TOTAL,
        todo: str = "split it",
    ) -> dict[str, Array]:
        """Return what `read` does; `todo` is for `check_budget`."""
        found = self.look(names)
        sizes = {name: of.size for name, of in found.items()}
        check_budget(self.path, sizes, each, total, todo)
        return {name: self._values(name, declared) for name, declared in found.items()}

    @property
    def is_of_matlab(self) -> bool:
        """Return whether MATLAB wrote the file, which lists the axes of its arrays backwards."""
        with Path(self.path).open("rb") as file:
            return file.read(10) == b"MATLAB 7.3"

    def look(self, names: Iterable[str]) -> dict[str, Declared]:
        """Return what the datasets declare; raise `DataError` for what is not to be read."""
        wanted = [*names]

        def understood(found: Any) -> dict[str, Declared]:
            return {name: _declared(*of) for name, of in zip(wanted, found, strict=True)}

        declared: dict[str, Declared] = self.ask("look", wanted, understood)
        return declared

    def listed(self, wanted: Iterable[str] = ()) -> list[str]:
        """Return which of these are there and, unless all are, the paths of other datasets.

        Those are the first thousand, in no deep group.
        """
        return [str(name) for name in self.ask("list", [*wanted], list)]

    def outline(self, most: int = 8) -> str:
        """Return the datasets that there are with their shapes and types, in words."""
        names = self.listed()
        words = self.ask("outline", names[:most], list)
        rest = [f"{len(names) - most} more"] if len(names) > most else []
        return ", ".join(map(str, [*words, *rest])) or "no dataset"

    def check(self, name: str) -> None:
        """Raise `DataError` unless all of the dataset was written."""
        self.ask("check", name)

    def ask(
        self,
        request: str,
        about: Any,
        understood: Callable[[Any], Any] = lambda found: found,
        content: bytes = b"",
    ) -> Any:
        """Return what the child finds, as it is understood."""
        exchange = self.child.exchange(self.path, (request, about), self.size, self.held, content)
        with exchange as child:
            return understood(child.answer())

    def _values(self, name: str, declared: Declared) -> Array:
        self.check(name)
        array = np.empty(declared.shape, declared.dtype)
        place = memoryview(array.reshape(-1).view(np.uint8).data)
        request = "read", [name, 0, declared.shape[0] if declared.shape else 1]
        memory = self.held + 4 * max(2 * PIECE, declared.size_together)
        with self.child.exchange(self.path, request, declared.size, memory) as child:
            while place:
                length = child.answer()
                if not 0 < length <= len(place):
                    raise ValueError(f"{length} bytes")
                child.receive(place[:length])
                place = place[length:]
            child.answer()
        if array.dtype.kind == "b" and array.view(np.uint8).max(initial=0) > 1:
            raise DataError(
                f"{self.path}: {name} holds booleans beyond 1; expected 0 or 1: mend it"
            )
        _check_finite(f"{self.path}: {name}", array)
        array.setflags(write=False)
        return array


def _declared(dtype: str, shape: list[int], size: int, together: int) -> Declared:
    """Return what the child says that a dataset declares; raise `ValueError` for nonsense."""
    kind, lengths = np.dtype(dtype), [*shape, size, together]
    if kind.kind not in "biufS" or not kind.itemsize or not all(type(n) is int for n in lengths):
        raise ValueError(f"{dtype}, {lengths}")
    if min(lengths) < 0 or not together or prod(shape) * kind.itemsize > size:
        raise ValueError(f"{dtype}, {lengths}")
    return Declared(kind, tuple(shape), size, together)


@contextmanager
def _opened(
    path: StrPath, request: tuple[str, Any], size: int, held: int, content: bytes = b""
) -> Iterator[Opened]:
    try:
        child = CHILDREN.take()
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}, to start {sys.executable}); expected "
            "Python to start another Python: let it"
        ) from error
    file = Opened(path, child, size, held)
    try:
        file.ask(request[0], request[1], content=content)
        yield file
    finally:
        if child.is_sound():
            with suppress(DataError):
                file.ask("close", None)
        CHILDREN.give_back(child)


# What is checked here.


def check_is_hdf5(path: Path, expected: str = HDF5, todo: str | None = None) -> None:
    """Raise `DataError` unless this is a file that begins as HDF5 does.

    What was expected and what to do are said in these words, where they are given.

    >>> check_is_hdf5(Path("nowhere.h5"))
    Traceback (most recent call last):
    catpipe.DataError: nowhere.h5: is not a file; expected an HDF5 file: check the name
    """
    try:
        if not path.is_file():  # nor a pipe, which would be waited for
            raise DataError(
                f"{path}: is not a file; expected {expected}: {todo or 'check the name'}"
            )
        with path.open("rb") as file:
            head = file.read(64)
            begins = head.startswith(_SIGNATURE) or _has_user_block(file)
            is_written = begins and is_being_written(file)
    except OSError as error:
        raise _unreadable_file(path, error) from error
    if not begins:
        found, advice = _likeness(head)
        raise DataError(f"{path}: {found}; expected {expected}: {todo or advice}")
    if is_written:
        raise DataError(
            f"{path}: is open for writing in another program; expected a closed file: close it "
            "there, as in file.close()"
        )


def _unreadable_file(path: Path, error: OSError) -> DataError:
    return DataError(
        f"{path}: cannot be read ({error.strerror}); expected an HDF5 file: check its rights"
    )


def _has_user_block(file: BinaryIO) -> bool:
    """Return whether the signature comes later: at a power of two, from 512 on."""
    size = os.fstat(file.fileno()).st_size
    for power in range(9, size.bit_length()):
        file.seek(2**power)
        if file.read(len(_SIGNATURE)) == _SIGNATURE:
            return True
    return False


def _likeness(head: bytes) -> tuple[str, str]:
    """Return what the file is that begins so, and what to do."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    unknown = ("is of no known kind" if head else "is empty", "fetch or write it again")
    likely = (likeness for start, likeness in _LOOKALIKES.items() if text.startswith(start))
    return next(likely, _as_text(head) or unknown)


def _as_text(head: bytes) -> tuple[str, str] | None:
    """Return what to say of a file that begins as text does, such as a CSV file."""
    is_text = bool(head) and not {*head} - {*range(32, 127), *b"\t\r\n"}
    return ("is text, as .csv is", _AS_HDF5) if is_text else None


def check_budget(
    path: StrPath,
    sizes: Mapping[str, int],
    each: int,
    total: int,
    todo: str = "split it",
) -> None:
    """Raise `DataError` for what takes more bytes than `each`, or together more than `total`.

    `todo` says what to do then, about the bytes of all together.

    >>> check_budget("x.h5", {"b1": 8}, each=4, total=16)
    Traceback (most recent call last):
    catpipe.DataError: x.h5: b1 takes 8 bytes; expected at most 4: split it
    """
    together = sum(sizes.values())
    todo = todo.format(together)
    for name, size in sizes.items():
        if size > each:
            raise DataError(
                f"{path}: {name} takes {size:,} bytes; expected at most {each:,}: {todo}"
            )
    if together > total:
        raise DataError(f"{path}: takes {together:,} bytes; expected at most {total:,}: {todo}")


def _content(path: Path, total: int) -> bytes:
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            content = file.read(size) if size <= total else b""
    except OSError as error:
        raise _unreadable_file(path, error) from error
    if size > total:
        raise DataError(
            f"{path}: has {size:,} bytes; expected at most {total:,}: check its name, or split it"
        )
    return content


def _check_finite(where: str, array: Array) -> None:
    if array.dtype.kind == "f" and not (finite := np.isfinite(array)).all():
        first = np.unravel_index(finite.argmin(), array.shape)
        raise DataError(
            f"{where} holds numbers that are not finite, the first, {array[first]}, at index "
            f"{tuple(map(int, first))}; expected finite ones: fill or drop them"
        )


# Writing.


def write(path: StrPath, arrays: Mapping[str, Any]) -> None:
    """Write a file from which `read` gives back these arrays: whole, or not at all.

    Equal arrays make equal bytes, in the layout that every HDF5 reads; before the file gets its
    name, this one has read it. `uint8` arrays, which are pictures, are compressed. Nothing tells of
    flipped bits, so hold what matters to a digest. Raises `DataError`; an earlier file of this name
    is then as it was.

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


def _image(path: StrPath, arrays: Mapping[str, Array]) -> bytes:
    check_budget(path, {name: array.nbytes for name, array in arrays.items()}, EACH, TOTAL)
    in_memory = partial(h5py.File, driver="core", backing_store=False)
    with in_memory(secrets.token_hex(), "w", libver="earliest") as file:
        for name, array in arrays.items():
            _put(path, file, name, array)
        file.flush()
        image: bytes = file.id.get_file_image()
    _check_reads_back(path, image, arrays)
    return image


def _put(path: StrPath, file: h5py.File, name: str, array: Array) -> None:
    if not is_one_component(name):
        raise DataError(f"{path}: {name} is no name; expected one without '/': name it otherwise")
    try:
        check_type(name, array.dtype, array.dtype.itemsize)
    except Refusal as refusal:
        raise DataError(f"{path}: {refusal}") from refusal
    _check_finite(f"{path}: {name}", array)
    storage: dict[str, Any] = {}
    if array.dtype == np.uint8 and array.size > 1:
        storage = {"compression": "gzip", "compression_opts": 9, "chunks": array.shape}
    file.create_dataset(name, data=array, track_times=False, **storage)


def _check_reads_back(path: StrPath, image: bytes, arrays: Mapping[str, Array]) -> None:
    """Raise `DataError` unless HDF5 reads these arrays in the image."""
    try:
        with h5py.File(h5py.h5f.open_file_image(image)) as file:
            is_whole = all(
                file[name].dtype == array.dtype and np.array_equal(file[name][()], array)
                for name, array in arrays.items()
            )
    except (KeyError, OSError, RuntimeError) as error:
        raise DataError(_unreadable(path, str(error))) from error
    if not is_whole:
        raise DataError(_unreadable(path, "what it reads is not what was written"))


def _unreadable(path: StrPath, why: str) -> str:
    return (
        f"{path}: would not be readable with HDF5 {h5py.version.hdf5_version} ({why}); expected a "
        "sound HDF5: install another version of h5py"
    )
