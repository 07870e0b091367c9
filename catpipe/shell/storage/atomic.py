"""Files written whole or not at all, and the error that says what was wrong with one."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from errno import EINVAL, EIO
from pathlib import Path
from stat import S_IMODE
from typing import BinaryIO, TypeAlias
from zlib import crc32

StrPath: TypeAlias = str | os.PathLike[str]


class DataError(ValueError):
    r"""A file that was refused: what was found, what was expected, what to do, on one line.

    >>> print(DataError("x.h5: holds the class 'cat\x1b[2J'"))
    x.h5: holds the class 'cat\x1b[2J'
    """

    __module__ = "catpipe"  # where its users find it

    def __init__(self, sentence: str) -> None:
        super().__init__(printable(sentence))


def printable(text: str) -> str:
    r"""Return the text with escapes for what would not show, or would move the cursor.

    >>> print(printable("a\nb"))
    a\nb
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def write_files(contents: Mapping[Path, bytes]) -> None:
    """Write the files; none gets its name before all are on the disk, and are there as written.

    A link stays, and what it names is written. Raises `DataError`; earlier files of these names
    are then as they were, but for those that have got their names where a later one cannot.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_files({Path(folder, "a"): b"1"})
    ...     Path(folder, "a").read_bytes()
    b'1'
    """
    path = Path()
    with ExitStack() as drafts:
        try:
            written = []
            for path, content in contents.items():
                written.append((path, drafts.enter_context(_draft(path, content))))
            for path, draft in written:
                draft.replace(os.path.realpath(path))
                _sync_folder(draft.parent)
        except OSError as error:
            raise DataError(_unwritable(path, error.strerror or str(error))) from error


def check_writable(path: Path) -> None:
    """Raise `DataError` unless the file can be written: before an hour of work is lost to it.

    >>> check_writable(Path("nowhere/run.h5"))
    Traceback (most recent call last):
    catpipe.DataError: nowhere/run.h5: cannot be written (No such file or directory); \
expected the name of a file in a folder with room and the right to write: name another
    """
    try:
        with _draft(path, b""):
            pass
    except OSError as error:
        raise DataError(_unwritable(path, error.strerror or str(error))) from error


@contextmanager
def _draft(path: Path, content: bytes) -> Iterator[Path]:
    """Give a file with this content beside the path, on the disk; remove what is left of it.

    It is locked as long as its process lives, so that what a killed one left can be told.
    """
    if path.exists() and not path.is_file():  # replacing a device would destroy it
        raise OSError(EINVAL, f"is a {'folder' if path.is_dir() else 'device'}")
    place = Path(os.path.realpath(path))
    mark = f".{crc32(os.fsencode(place.name)):08x}-"
    _sweep(place.parent, mark)
    draft, file = _own(place, mark)
    try:
        with suppress(FileNotFoundError):
            draft.chmod(S_IMODE(place.stat().st_mode))
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        if draft.read_bytes() != content:
            raise OSError(EIO, "what was written is not what can be read")
        yield draft
    finally:
        _let_go(draft, file)


def _own(place: Path, mark: str) -> tuple[Path, BinaryIO]:
    """Return a new file of this mark that nobody sweeps away."""
    while True:
        draft = place.with_name(f"{mark}{secrets.token_hex(8)}")
        file = draft.open("xb")
        with suppress(ImportError, OSError):  # where there are no locks, nobody sweeps
            _lock(file)
        try:
            is_there = os.fstat(file.fileno()).st_nlink > 0
        except OSError:
            _let_go(draft, file)
            raise
        if is_there:
            return draft, file
        file.close()  # it was swept away before it was locked


def _let_go(draft: Path, file: BinaryIO) -> None:
    """Close the draft, which is on the disk or given up, and remove its name, if it is there."""
    with suppress(OSError):
        file.close()
    with suppress(OSError):
        draft.unlink(missing_ok=True)


def _sweep(folder: Path, mark: str) -> None:
    """Remove the drafts of this mark whose processes are no more."""
    for draft in folder.glob(f"{mark}*"):
        with suppress(ImportError, OSError), draft.open("rb") as file:
            _lock(file, wait=False)
            draft.unlink()


def _lock(file: BinaryIO, *, wait: bool = True) -> None:
    import fcntl  # which only POSIX has

    fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


def _unwritable(path: Path, reason: str) -> str:
    return (
        f"{path}: cannot be written ({reason}); expected the name of a file in a folder with room "
        "and the right to write: name another"
    )


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # the file is whole either way, and not every system can do this
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
