"""The process that reads HDF5 is limited, is heard with care, and is replaced where it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import h5py
import numpy as np
import pytest

from catpipe.shell.storage import _hdf5_reader, child, hdf5
from catpipe.shell.storage.atomic import DataError
from catpipe.shell.storage.child import reader
from catpipe.shell.storage.hdf5 import opened, read, write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write(tmp_path / "x.h5", {"x": np.arange(6.0), "y": np.arange(3)})
    return tmp_path / "x.h5"


def children() -> Iterator[int]:
    """Give the processes that were started from here to read HDF5, and are there."""
    for found in Path("/proc").glob("[0-9]*"):
        try:
            parent = (found / "stat").read_text().rpartition(")")[2].split()[1]
            command = (found / "cmdline").read_bytes()
        except OSError:
            continue
        if int(parent) == os.getpid() and b"_hdf5_reader.py" in command:
            yield int(found.name)


linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="it is seen in /proc")


@linux
def test_all_files_that_are_read_together_share_one_process(path: Path) -> None:
    with reader():
        read(path, ["x"])
        before = {*children()}
        read(path, ["y"])
        assert {*children()} == before


ALONE = """
import sys
from tests.shell.storage.test_hdf5_reader import children
from catpipe.shell.storage.child import reader
from catpipe.shell.storage.hdf5 import read
with reader():
    with reader():
        read(sys.argv[1], ["x"])
        print(len([*children()]))
    print(len([*children()]))
print(len([*children()]))
read(sys.argv[1], ["x"])
print(len([*children()]))
"""


@linux
def test_the_process_ends_when_the_last_who_reads_has_read(path: Path) -> None:
    code = [sys.executable, "-c", ALONE, str(path)]
    done = subprocess.run(code, check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["1", "1", "0", "0"]


@linux
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_process_that_ends_is_told_and_replaced(path: Path, number: int) -> None:
    with opened(path) as file:
        file.look(["x"])
        [child] = (pid for pid in children() if pid == file.child.pid)
        os.kill(child, number)
        with pytest.raises(DataError, match=f"is damaged .* {signal.Signals(number).name}"):
            file.datasets(["x"])
    assert read(path, ["x"])["x"].tolist() == [*range(6)]


def test_a_process_that_hangs_is_ended_by_the_clock(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(path) as file:
        monkeypatch.setattr(child, "PATIENCE", 0.2)
        os.kill(file.child.pid, signal.SIGSTOP)
        with pytest.raises(DataError, match=r"is damaged .* took over 0 s"):
            file.datasets(["x"])
    monkeypatch.undo()
    assert read(path, ["y"])["y"].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"no JSON\n",
        b"[]\n",
        b'{"found": 7}\n',
        b'{"found": []}\n',
        b'{"found": [["|O8", [1], 8, 1]]}\n',
        b'{"found": [["<f8", [2], 8, 1]]}\n',
        b'{"found": [["<f8", [-1], 8, 1]]}\n',
        b'{"found": [["<f8", [1.5], 16, 1]]}\n',
        b'{"found": [["<f8", [true], 8, 1]]}\n',
        b'{"found": [["<f8", [1], 8, 0]]}\n',
        b'{"found": [["nonsense", [1], 8, 1]]}\n',
        b'{"found": [["<f8", [1]]]}\n',
        b"9" * 2**11 + b"\n",
    ],
    ids=lambda answer: answer[:40].decode(),
)
def test_what_makes_no_sense_is_refused(
    path: Path, answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = f"""
import sys
line = sys.stdin.buffer.readline()
sys.stdin.buffer.read(__import__("json").loads(line)[1])
print('{{"found": null}}', flush=True)
sys.stdin.buffer.readline()
sys.stdout.buffer.write({answer!r})
"""
    monkeypatch.setattr(child, "_LONGEST", 2**10)
    monkeypatch.setattr(child, "_command", lambda: (sys.executable, "-I", "-c", script))
    monkeypatch.setattr(hdf5, "CHILDREN", child.Children())
    with pytest.raises(DataError, match="is damaged"):
        read(path, ["x"])


@pytest.mark.parametrize("length", ["-8", "0", "49", "null", '"48"', "1e3"])
def test_another_number_of_bytes_than_was_declared_is_refused(
    path: Path, length: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = f"""
import json, sys
line = sys.stdin.buffer.readline()
sys.stdin.buffer.read(json.loads(line)[1])
for answer in 'null', '[["<f8", [6], 48, 1]]', 'null', '{length}':
    sys.stdout.write('{{"found": ' + answer + '}}\\n' + 'x' * 100 * (answer == '{length}'))
    sys.stdout.flush()
"""
    monkeypatch.setattr(child, "_command", lambda: (sys.executable, "-I", "-c", script))
    monkeypatch.setattr(hdf5, "CHILDREN", child.Children())
    with pytest.raises(DataError, match="is damaged"):
        read(path, ["x"])


def test_an_earlier_version_is_read_to_its_end(path: Path) -> None:
    with opened(path) as file:
        file.look(["x"])
        write(path, {"x": np.zeros(1)})
        assert file.datasets(["x"])["x"].tolist() == [*range(6)]


def test_threads_read_at_once(path: Path) -> None:
    found: list[Any] = []
    threads = [Thread(target=lambda: found.append(read(path, ["x"])["x"].sum())) for _ in range(8)]
    with reader():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [15.0] * 8


def test_one_process_reads_for_all_who_start_it_early(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[child.Child] = []

    class Counted(child.Child):
        def __init__(self) -> None:
            begun.append(self)
            super().__init__()

    monkeypatch.setattr(child, "Child", Counted)
    monkeypatch.setattr(child, "CHILDREN", child.Children())
    monkeypatch.setattr(hdf5, "CHILDREN", child.CHILDREN)
    with reader(starts_now=True), reader(starts_now=True):
        read(path, ["x"])
    assert len(begun) == 1


LIMITED = """
import resource, sys
from catpipe.shell.storage import _hdf5_reader as script
begun = script.memory_now()
script.forbid_files()
script.allow(begun, work=0, memory=0)
exec(sys.argv[1])
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="these are Linux's limits")
@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("open('/etc/passwd')", "Too many open files"),
        ("open('x', 'w')", "Too many open files"),
        ("bytearray(2**30)", "MemoryError"),
        ("while True: pass", "-24"),
    ],
)
def test_the_system_limits_the_process(code: str, told: str) -> None:
    command = [sys.executable, "-c", LIMITED, code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told in f"{done.stderr} {done.returncode}"


def test_the_process_imports_nothing_of_catpipe() -> None:
    code = "import runpy, sys; runpy.run_path(sys.argv[1]); print([*sys.modules])"
    command = [sys.executable, "-c", code, _hdf5_reader.__file__]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "h5py" in done.stdout
    assert "catpipe" not in done.stdout


def test_a_file_is_checked_in_this_process_as_well(path: Path) -> None:
    with h5py.File(path) as file:
        x = _hdf5_reader.checked(file, "x")
        assert json.dumps(_hdf5_reader.described(x)) == '["<f8", [6], 48, 1]'
        [piece] = _hdf5_reader.pieces(x, 2, 5)
        assert piece.tolist() == [2, 3, 4]
        with pytest.raises(_hdf5_reader.Refusal, match="z is not there"):
            _hdf5_reader.checked(file, "z")
