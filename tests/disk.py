"""A disk that fails: when a call that touches it does, and what it makes of what is written."""

from __future__ import annotations

import errno
import fcntl
import io
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

TOUCHING = ((Path, "exists"), (Path, "read_bytes"), (Path, "replace"),
            (Path, "unlink"), (os, "open"), (os, "fsync"), (os.path, "realpath"),
            (fcntl, "flock"))  # fmt: skip


class Draft(io.FileIO):
    """A draft that tells of each touch, and stores what is made of what it gets."""

    def __init__(
        self,
        path: Path,
        touched: Callable[[str], None],
        stored: Callable[[bytes], bytes],
        most: int | None,
    ) -> None:
        super().__init__(path, "ab")
        self.touched, self.stored, self.most = touched, stored, most

    def write(self, content: Any) -> int:
        """Write as many bytes as it takes at once."""
        self.touched("write")
        return super().write(self.stored(bytes(content[: self.most])))

    def truncate(self, size: int | None = None) -> int:
        """Cut the file short."""
        self.touched("truncate")
        return super().truncate(size)

    def close(self) -> None:
        """Close the file, which may tell late that there was no room."""
        was_open = not self.closed
        super().close()
        if was_open:
            self.touched("close")


@contextmanager
def disk(
    fails: Callable[[list[str]], object] = lambda _: False,
    number: int = errno.ENOSPC,
    stored: Callable[[bytes], bytes] = bytes,
    most: int | None = None,
) -> Iterator[list[str]]:
    """Give the names of the calls so far; the last of them fails with this number where told.

    Drafts store what is told of what is written, and take so many bytes in one write.
    """
    calls: list[str] = []

    def touched(name: str) -> None:
        calls.append(name)
        if fails(calls):
            raise OSError(number, os.strerror(number))

    def touching(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any, **options: Any) -> Any:
            touched(name)
            return call(*arguments, **options)

        return called

    plain = Path.open

    def opened(path: Path, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        touched("create" if mode == "ab" else "look")
        if mode == "ab":
            return io.BufferedWriter(Draft(path, touched, stored, most))
        return plain(path, mode, *arguments, **options)

    with ExitStack() as patches:
        for owner, name in TOUCHING:
            called = touching(name, getattr(owner, name))
            patches.enter_context(patch.object(owner, name, called))
        patches.enter_context(patch.object(Path, "open", opened))
        yield calls
