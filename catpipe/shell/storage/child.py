"""The child process that reads HDF5, from outside: it is started, asked, timed and ended here.

This module imports neither NumPy nor h5py, so that a command can start the child while it imports
them itself.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from signal import Signals
from threading import Lock, Timer
from time import monotonic
from typing import Any

from catpipe.shell.storage.atomic import DataError, StrPath

PATIENCE = 20.0  # seconds that an answer may take
SLOWEST = 2**22  # bytes that are worked on in a second more, at least

_LONGEST = 2**20  # bytes of an answer
_SCRIPT = str(Path(__file__).with_name("_hdf5_reader.py"))
_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",  # which is faster to start
    "HDF5_PLUGIN_PRELOAD": "::",  # no filters but HDF5's and h5py's own
}


class _Refused(Exception):
    """The answer of a child that refuses a file."""


def _command() -> tuple[str, ...]:
    """Return the command that starts a child; NumPy and h5py are found, but not imported."""
    found = filter(None, map(find_spec, ("numpy", "h5py")))
    folders = {str(Path(str(module.origin)).parents[1]) for module in found}
    return sys.executable, "-I", "-S", _SCRIPT, *sorted(folders)


@contextmanager
def reader(*, starts_now: bool = False) -> Iterator[None]:
    """Let all files that are read within share a child process, which is started when needed.

    Or it is started now, and imports what it needs while this process does. The context can be
    entered again, also by other threads; whoever leaves it last ends the child.
    """
    CHILDREN.enter()
    try:
        if starts_now:
            with suppress(OSError):  # which is reported where a file is read
                CHILDREN.give_back(CHILDREN.take())
        yield
    finally:
        CHILDREN.leave()


class Child:
    """A process that reads HDF5."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            _command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **_ENVIRONMENT},
            start_new_session=True,  # a terminal's Ctrl-C is for its parent
        )
        self.pid, self._owner = self._process.pid, os.getpid()
        self._waits = True

    def is_sound(self) -> bool:
        """Return whether it waits for a request of this process, which may be a fork."""
        return self._waits and self._owner == os.getpid() and self._process.poll() is None

    @contextmanager
    def exchange(
        self, path: StrPath, request: Sequence[Any], work: int, memory: int, content: bytes = b""
    ) -> Iterator[Child]:
        """Send a request, and give the child to be heard; raise `DataError` for what it refuses."""
        since, seconds = monotonic(), PATIENCE + work / SLOWEST
        timer = Timer(seconds, self._process.kill)
        timer.daemon = True
        timer.start()
        self._waits = False
        try:
            self._send(json.dumps([*request, work, memory]).encode() + b"\n", content)
            yield self
        except _Refused as refusal:
            self._waits = True
            raise DataError(f"{path}: {refusal}") from refusal
        except (OSError, EOFError) as error:
            why = f"took over {seconds:.0f} s" if monotonic() - since > seconds else self.end()
            raise damaged(path, why) from error
        except (RecursionError, TypeError, ValueError) as error:
            raise damaged(path, f"made no sense: {error}") from error
        else:
            self._waits = True
        finally:
            timer.cancel()

    def answer(self) -> Any:
        """Return what is found; raise an error for what is no answer."""
        assert self._process.stdout
        line = self._process.stdout.readline(_LONGEST)
        if not line.endswith(b"\n"):
            raise EOFError
        match json.loads(line):
            case {"refused": str(sentence)}:
                raise _Refused(sentence)
            case {"found": found}:
                return found
        raise ValueError("no answer")

    def receive(self, place: memoryview) -> None:
        """Fill the place with the bytes that follow an answer."""
        assert self._process.stdout
        if self._process.stdout.readinto(place) != len(place):  # type: ignore[attr-defined]
            raise EOFError

    def end(self) -> str:
        """End the process; return how it had ended, or why it does now."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(0 if self._waits else 1)
        status = self._process.returncode
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                assert pipe
                pipe.close()
        self._process.wait()
        if status is None or status >= 0:
            return f"ended with status {status}"
        is_time = status == -getattr(signal, "SIGXCPU", 0)
        return "took too long" if is_time else f"was ended by {Signals(-status).name}"

    def _send(self, *contents: bytes) -> None:
        assert self._process.stdin
        for content in contents:
            self._process.stdin.write(content)
        self._process.stdin.flush()


class Children:
    """The processes that wait for what is read next, while somebody is to read."""

    def __init__(self) -> None:
        self._lock, self._readers, self._idle = Lock(), 0, list[Child]()

    def enter(self) -> None:
        """Count one more who reads."""
        with self._lock:
            self._readers += 1

    def leave(self) -> None:
        """Count one fewer; the last to leave ends the processes."""
        with self._lock:
            self._readers -= 1
            over = [] if self._readers else [self._idle.pop() for _ in range(len(self._idle))]
        for child in over:
            child.end()

    def take(self) -> Child:
        """Return one that waits, or a new one."""
        while child := self._one_idle():
            if child.is_sound():
                return child
            child.end()
        return Child()

    def _one_idle(self) -> Child | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def give_back(self, child: Child) -> None:
        """Keep it for what is read next, if there can be such."""
        with self._lock:
            is_kept = self._readers and child.is_sound()
            if is_kept:
                self._idle.append(child)
        if not is_kept:
            child.end()


CHILDREN = Children()


def damaged(path: StrPath, what: str) -> DataError:
    """Return the error for a file at which the child failed."""
    return DataError(
        f"{path}: is damaged (HDF5, in a process of its own, {what}); expected a whole HDF5 file: "
        "fetch or write it again"
    )
