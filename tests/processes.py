"""Commands that run beside a test, and never longer than it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from subprocess import PIPE, Popen
from typing import Any


@contextmanager
def running(command: Sequence[object], **options: Any) -> Iterator[Popen[str]]:
    """Give a process that runs the command, its output in pipes; what still runs is killed."""
    piped = {"stdout": PIPE, "stderr": PIPE, "text": True, **options}
    with Popen([*map(str, command)], **piped) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(process: Popen[str], beginning: str) -> None:
    """Read its output to the first line that begins so; fail where it ends without one."""
    assert process.stdout is not None
    if not any(line.startswith(beginning) for line in process.stdout):
        raise AssertionError(f"ended without {beginning!r}: {process.communicate()[1]}")
