"""Files from public addresses, taken only where their SHA-256 is the known one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread
from time import monotonic
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from catpipe.shell.storage.atomic import DataError, check_writable, write_files

AT_ONCE = 65_536  # bytes
HERE = ("localhost", "127.0.0.1", "::1")
REDIRECTS = (301, 302, 303, 307, 308)


class RemoteFile(NamedTuple):
    """A file that is to be fetched: its name, size in bytes and SHA-256, and where copies are."""

    name: str
    size: int
    sha256: str
    addresses: tuple[str, ...]


class Patience(NamedTuple):
    """For how many seconds an address may send nothing, and how long it may take in all."""

    stall: float = 20
    total: float = 300


PATIENCE = Patience()


class Fetched(NamedTuple):
    """A file that has come: its bytes, the address, and why each earlier address gave none."""

    content: bytes
    address: str
    failures: tuple[str, ...]


class _NotReceivedError(Exception):
    """Why an address does not give the file, in words that follow the address."""


def missing_files(files: Sequence[RemoteFile], folder: Path) -> tuple[RemoteFile, ...]:
    """Return the files that are not in the folder yet; raise `DataError` for another of the name.

    >>> missing_files([RemoteFile("train.h5", 3, "ab" * 32, ())], Path("nowhere"))[0].name
    'train.h5'
    """
    return tuple(file for file in files if not _is_there(file, folder / file.name))


def check_folder(folder: Path, files: Sequence[RemoteFile]) -> None:
    """Raise `DataError` unless the files can be written there, as far as that is known before."""
    if not folder.is_dir():
        _made(folder, parents_only=True)
        return
    for file in files:
        check_writable(folder / file.name)


def fetch_file(
    file: RemoteFile,
    patience: Patience = PATIENCE,
    advance: Callable[[int], object] = int,
) -> Fetched:
    """Return the file's bytes from the first of its addresses that gives them.

    `advance(n)` is called for each n bytes that have come; of an address that fails, n is negative
    at its end. Raises `DataError` where no address gives them.

    >>> fetch_file(RemoteFile("train.h5", 3, "ab" * 32, ("ftp://localhost/train.h5",)))
    Traceback (most recent call last):
    catpipe.DataError: train.h5: cannot be fetched (ftp://localhost/train.h5 is no https address); \
expected a connection to one of its addresses: try again later, or fetch it another way
    """
    failures: list[str] = []
    for address in file.addresses:
        try:
            return Fetched(_verified(file, address, patience, advance), address, (*failures,))
        except _NotReceivedError as error:
            failures.append(f"{address} {error}")
    raise DataError(
        f"{file.name}: cannot be fetched ({'; '.join(failures)}); expected a connection to one of "
        "its addresses: try again later, or fetch it another way"
    )


def save_fetched(folder: Path, fetched: Sequence[tuple[RemoteFile, Fetched]]) -> None:
    """Write the files into the folder, all or none; what came there meanwhile is not replaced.

    Raises `DataError` where they cannot be written.
    """
    _made(folder)
    missing = missing_files([file for file, _ in fetched], folder)
    write_files({folder / file.name: of.content for file, of in fetched if file in missing})


def _is_there(file: RemoteFile, path: Path) -> bool:
    try:
        if not path.exists():
            return False
        is_it = path.is_file() and path.stat().st_size == file.size
        is_it = is_it and hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); expected a file: check its name and rights"
        ) from error
    if not is_it:
        raise DataError(
            f"{path}: is something else (expected {file.size:,} bytes of SHA-256 "
            f"{file.sha256[:8]}...), and is not replaced: move it away, or name another folder"
        )
    return True


def _made(folder: Path, *, parents_only: bool = False) -> None:
    """Make the folder; or refuse what cannot be one, since a file is in its place."""
    try:
        if not parents_only:
            folder.mkdir(parents=True, exist_ok=True)
            return
        there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        if not there.is_dir():
            raise NotADirectoryError(None, f"{there} is a file")
    except OSError as error:
        raise DataError(
            f"{folder}: cannot be made ({error.strerror}); expected a folder: name another"
        ) from error


def _verified(
    file: RemoteFile, address: str, patience: Patience, advance: Callable[[int], object]
) -> bytes:
    """Return the bytes that the address gives, if they are the file's."""
    content = bytearray()
    try:
        for piece in _received(address, file.size + 1, patience):
            content += piece
            advance(len(piece))
        _check_is(file, bytes(content))
    except _NotReceivedError:
        advance(-len(content))
        raise
    return bytes(content)


def _check_is(file: RemoteFile, content: bytes) -> None:
    if len(content) > file.size:
        raise _NotReceivedError(f"sends more than the {file.size:,} bytes of the file")
    if len(content) < file.size:
        raise _NotReceivedError(f"sent {len(content):,} bytes of {file.size:,}")
    if (found := hashlib.sha256(content).hexdigest()) != file.sha256:
        raise _NotReceivedError(
            f"sent other bytes (SHA-256 {found[:8]}..., expected {file.sha256[:8]}...)"
        )


def _received(address: str, most: int, patience: Patience) -> Iterator[bytes]:
    """Give the bytes at the address in pieces, at most so many, while they come in time.

    A thread receives them: to look a name up, to connect and to read a header have no clock of
    their own that would end them all, and Ctrl-C does not end them on every system.
    """
    pieces: SimpleQueue[bytes | Exception] = SimpleQueue()
    ended, deadline = Event(), monotonic() + patience.total
    given = (address, most, patience.stall, pieces.put, ended)
    Thread(target=_receive, args=given, daemon=True).start()
    try:
        while piece := _next(pieces, deadline, patience):
            yield piece
    finally:
        ended.set()


def _next(
    pieces: SimpleQueue[bytes | Exception], deadline: float, patience: Patience
) -> bytes:  # fmt: skip
    left = deadline - monotonic()
    try:
        piece = pieces.get(timeout=max(0.0, min(patience.stall, left)))
    except Empty:
        is_late = left < patience.stall
        why = (
            f"took more than {patience.total:g}"
            if is_late
            else f"sent nothing for {patience.stall:g}"
        )
        raise _NotReceivedError(f"{why} seconds") from None
    if isinstance(piece, Exception):
        raise _NotReceivedError(_words(piece, patience)) from piece
    if left <= 0:
        raise _NotReceivedError(f"took more than {patience.total:g} seconds")
    return piece


def _receive(
    address: str, most: int, stall: float, put: Callable[[bytes | Exception], object], ended: Event
) -> None:
    """Put the pieces of what is at the address; at the end an empty one, or the error."""
    try:
        _check_address(address)
        request = Request(address, headers={"User-Agent": "catpipe"})
        with build_opener(_ToSafeAddresses).open(request, timeout=stall) as response:
            while most > 0 and not ended.is_set():
                piece = response.read1(min(most, AT_ONCE))
                if not piece:
                    break
                most -= len(piece)
                put(piece)
        put(b"")
    except Exception as error:  # whatever it is, the other thread is to hear of it
        with suppress(Exception):
            put(error)


class _ToSafeAddresses(HTTPRedirectHandler):
    """Follows redirects to https, and to this machine."""

    def redirect_request(self, *given: Any) -> Request | None:
        _check_address(given[-1], "redirects to no https address")
        return super().redirect_request(*given)


def _check_address(address: str, words: str = "is no https address") -> None:
    """Refuse an address that is neither of https nor, by http, of this machine."""
    try:
        parts = urlsplit(address)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in HERE)
    except ValueError:
        is_safe = False
    if not is_safe:
        raise _UnsafeAddressError(words)


class _UnsafeAddressError(Exception):
    """An address that is neither of https nor of this machine."""


def _words(error: Exception, patience: Patience) -> str:
    """Return why an address gave nothing, in words that follow it.

    >>> _words(HTTPError("https://a", 404, "", {}, None), PATIENCE)
    'answers 404 Not Found'
    >>> _words(URLError(ConnectionRefusedError(111, "Connection refused")), PATIENCE)
    'is not reached (Connection refused)'
    """
    reason = error.reason if isinstance(error, URLError) else error
    match error:
        case _UnsafeAddressError():
            return str(error)
        case HTTPError(code=code) if code in REDIRECTS:
            return "redirects in a circle, or to no https address"
        case HTTPError(code=code):
            known = code in [*HTTPStatus]
            return f"answers {code}{f' {HTTPStatus(code).phrase}' if known else ''}"
        case HTTPException():
            return f"answers no HTTP ({type(error).__name__})"
    if isinstance(reason, TimeoutError):
        return f"sent nothing for {patience.stall:g} seconds"
    said = getattr(reason, "verify_message", "") or getattr(reason, "strerror", "") or reason
    return f"is not reached ({said})"
