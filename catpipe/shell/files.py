"""Files written whole or not at all, and the error that says what was wrong with one."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

StrPath: TypeAlias = str | os.PathLike[str]


class DataError(ValueError):
    r"""A file that was refused: what was found, what was expected, what to do, on one line.

    >>> print(DataError("x.h5: holds the class 'cat\x1b[2J'"))
    x.h5: holds the class 'cat\x1b[2J'
    """

    def __init__(self, sentence: str) -> None:
        super().__init__("".join(c if c.isprintable() else ascii(c)[1:-1] for c in sentence))


def write_files(contents: Mapping[Path, bytes]) -> None:
    """Write the files; none gets its name before all are on the disk.

    A link stays, and what it names is written. Raises `DataError`; earlier files of these names
    are then as they were.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_files({Path(folder, "a"): b"1"})
    ...     Path(folder, "a").read_bytes()
    b'1'
    """
    drafts = {path: _draft(path) for path in contents}
    path = Path()
    try:
        for path, content in contents.items():
            _check_place(path)
            _write_draft(drafts[path], content)
        for path, draft in drafts.items():
            draft.replace(os.path.realpath(path))
            _sync_folder(draft.parent)
    except OSError as error:
        raise DataError(_unwritable(path, error.strerror or str(error))) from error
    finally:
        _remove(*drafts.values())


def check_writable(path: Path) -> None:
    """Raise `DataError` unless the file can be written: before an hour of work is lost to it.

    >>> check_writable(Path("nowhere/run.h5"))
    Traceback (most recent call last):
    catpipe.shell.files.DataError: nowhere/run.h5: cannot be written (No such file or directory); \
expected the name of a file in a folder with room and the right to write: name another
    """
    draft = _draft(path)
    try:
        _check_place(path)
        _write_draft(draft, b"")
    except OSError as error:
        raise DataError(_unwritable(path, error.strerror or str(error))) from error
    finally:
        _remove(draft)


def _check_place(path: Path) -> None:
    if path.exists() and not path.is_file():  # replacing a device would destroy it
        raise DataError(_unwritable(path, f"is a {'folder' if path.is_dir() else 'device'}"))


def _draft(path: Path) -> Path:
    return Path(os.path.realpath(path)).with_name(f".{secrets.token_hex(8)}")


def _unwritable(path: Path, reason: str) -> str:
    return (
        f"{path}: cannot be written ({reason}); expected the name of a file in a folder with room "
        "and the right to write: name another"
    )


def _write_draft(draft: Path, content: bytes) -> None:
    with draft.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _remove(*drafts: Path) -> None:
    for draft in drafts:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # the file is whole either way, and not every system can do this
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
