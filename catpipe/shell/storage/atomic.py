"""Files written whole or not at all, and the error that says what was wrong with one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from errno import EACCES, EINVAL, EIO
from pathlib import Path
from stat import S_IMODE, S_IWGRP, S_IWOTH, S_IWUSR
from time import sleep
from typing import BinaryIO, TypeAlias

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None  # type: ignore[assignment]

StrPath: TypeAlias = str | os.PathLike[str]
WRITABLE = S_IWUSR | S_IWGRP | S_IWOTH
MOST_TRIES = 100  # to have the draft to oneself


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
            places = {}
            for path, content in contents.items():
                places[os.path.realpath(path)] = path, content
            written = []
            for _, (path, content) in sorted(places.items()):  # so no two writers wait in a ring
                written.append((path, drafts.enter_context(_draft(path, content))))
            for path, draft in written:
                draft.replace(os.path.realpath(path))
                _sync_folder(draft.parent)
        except (OSError, ValueError) as error:  # a ValueError for a NUL in the name
            raise DataError(unwritable(path, _reason(error))) from error


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
    except (OSError, ValueError) as error:
        raise DataError(unwritable(path, _reason(error))) from error


def check_is_ours(path: Path, mark: bytes, command: str, what: str) -> None:
    """Raise `DataError` for a file without the mark that the command leaves in what it makes.

    >>> check_is_ours(Path("nowhere.png"), b"catpipe plot", "plot", "figure")
    """
    if path.is_file() and mark not in path.read_bytes():
        raise DataError(
            f"{path}: is a file that `catpipe {command}` did not make; expected a new name, or a "
            f"{what} to replace: remove it first"
        )


@contextmanager
def _draft(path: Path, content: bytes) -> Iterator[Path]:
    """Give a file with this content beside the path, on the disk; remove what is left of it.

    There is one of each path, `.NAME.partial`, which is locked, so that another writer waits. What
    a killed one leaves is written over by the next.
    """
    if path.exists() and not path.is_file():  # replacing a device would destroy it
        raise OSError(EINVAL, f"is a {'folder' if path.is_dir() else 'device'}")
    if path.exists() and not path.stat().st_mode & WRITABLE:  # root may, and is not to
        raise OSError(EACCES, "is a file without write permission")
    place = Path(os.path.realpath(path))
    draft = place.with_name(f".{place.name}.partial")
    file = _locked(draft)
    try:
        with suppress(FileNotFoundError):
            draft.chmod(S_IMODE(place.stat().st_mode))
        file.truncate(0)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        if draft.read_bytes() != content:
            raise OSError(EIO, "what was written is not what can be read")
        if not fcntl:
            file.close()  # since Windows renames no file that is open
        yield draft
    finally:
        with suppress(OSError):
            if file.closed or _is_at(file, draft):
                draft.unlink()
        with suppress(OSError):
            file.close()


def _locked(draft: Path) -> BinaryIO:
    """Return the draft, open to be written by nobody else, where there are locks.

    Where the disk never gives an open file and its name one identity, it is taken unlocked.
    """
    for left in reversed(range(MOST_TRIES)):
        if draft.is_symlink():  # what it names is somebody else's
            draft.unlink()
        with suppress(OSError):
            if draft.lstat().st_nlink > 1:  # so is what has another name
                draft.unlink()
        file = draft.open("ab")
        with suppress(OSError):
            if fcntl:
                fcntl.flock(file, fcntl.LOCK_EX)
        if _is_at(file, draft) or not left:
            break
        file.close()  # whoever had it renamed it, or removed it
    return file


def is_being_written(file: BinaryIO) -> bool:
    """Return whether somebody has locked the open file for a second, as HDF5 does to write it."""
    for _ in range(20 if fcntl else 0):
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            sleep(0.05)  # for a moment, a run that has just been saved is locked too
        except OSError:  # not every disk has locks
            return False
        else:
            return False
    return bool(fcntl)


def _is_at(file: BinaryIO, draft: Path) -> bool:
    """Return whether the open file still has the draft's name."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), draft.lstat())
    except OSError:
        return False


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def unwritable(path: Path, reason: str) -> str:
    """Return the sentence that says that a file cannot be written, for this reason."""
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
