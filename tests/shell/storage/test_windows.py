"""Where the system is not POSIX, all is read and written as elsewhere: its calls are taken away."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catpipe.shell.storage import _hdf5_reader, atomic, child
from catpipe.shell.storage.atomic import DataError, check_writable, write_files
from catpipe.shell.storage.child import reader
from catpipe.shell.storage.hdf5 import opened_on_disk, read, write

_POSIX = ("fcntl", "resource", "pwd", "grp", "termios")
_WITHOUT = f"""
import runpy, sys
sys.modules.update(dict.fromkeys({_POSIX}))
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(autouse=True)
def windows(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take away the calls of POSIX, here and in the child, and let no open file be renamed."""
    rename = Path.replace

    def of_closed_files_alone(self: Path, target: Any) -> Path:
        is_open = (Path(fd).resolve() == self.resolve() for fd in Path("/proc/self/fd").iterdir())
        if sys.platform == "linux" and any(is_open):
            raise PermissionError(13, "The process cannot access the file", str(self))
        return rename(self, target)

    command = child._command()
    script = command.index(child._SCRIPT)
    monkeypatch.setattr(
        child, "_command", lambda: (*command[:script], "-c", _WITHOUT, *command[script:])
    )
    monkeypatch.setattr(child, "CHILDREN", child.Children())
    monkeypatch.setattr("catpipe.shell.storage.hdf5.CHILDREN", child.CHILDREN)
    monkeypatch.setattr(atomic, "fcntl", None)
    monkeypatch.setattr(_hdf5_reader, "resource", None)
    monkeypatch.setattr(Path, "replace", of_closed_files_alone)
    for name in ("pread", "fork"):
        monkeypatch.delattr(os, name)
    with reader():
        yield


def test_what_is_written_is_read_without_posix(tmp_path: Path) -> None:
    for numbers in ([1.0, 2.0], [3.0, 4.0]):
        write(tmp_path / "x.h5", {"x": np.array(numbers)})
        assert read(tmp_path / "x.h5", ["x"])["x"].tolist() == numbers
    assert [path.name for path in tmp_path.iterdir()] == ["x.h5"]


def test_a_file_is_read_where_it_lies_without_posix(tmp_path: Path) -> None:
    write(tmp_path / "x.h5", {"x": np.arange(3.0)})
    with opened_on_disk(tmp_path / "x.h5") as file:
        assert file.datasets(["x"])["x"].tolist() == [0, 1, 2]


def test_a_failed_write_leaves_no_draft_without_posix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, target: Any) -> Path:
        raise OSError(28, "No space left on device")

    (tmp_path / "a").write_bytes(b"old")
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(DataError, match="No space left"):
        write_files({tmp_path / "a": b"new"})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"old"}


def test_what_can_be_written_is_checked_without_posix(tmp_path: Path) -> None:
    check_writable(tmp_path / "x.h5")
    assert not [*tmp_path.iterdir()]
