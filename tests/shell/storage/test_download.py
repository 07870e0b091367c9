"""A file is fetched whole and right, or not at all, whatever a server does."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from catpipe.shell.storage.atomic import DataError
from catpipe.shell.storage.download import (
    PATIENCE,
    Fetched,
    Patience,
    RemoteFile,
    check_folder,
    fetch_file,
    missing_files,
    save_fetched,
)
from tests.servers import CONTENT, Server, answer, serving

SHORT = Patience(stall=0.4, total=20)


def redirect(to: str) -> Callable[[BaseHTTPRequestHandler], object]:
    return lambda handler: answer(handler, b"", status=302, Location=to)


def stall_in_body(handler) -> None:
    answer(handler, CONTENT[:1000], len(CONTENT))
    handler.wfile.flush()
    handler.server.ended.wait(10)


def stall_before_headers(handler) -> None:
    handler.server.ended.wait(10)


def drip(handler) -> None:
    answer(handler, b"", len(CONTENT))
    while not handler.server.ended.wait(0.05):
        handler.wfile.write(b"x")


def drip_headers(handler) -> None:
    handler.wfile.write(b"HTTP/1.0 200 OK\r\nX-Long: ")
    while not handler.server.ended.wait(0.05):
        handler.wfile.write(b"x")


def without_end(handler) -> None:
    handler.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n")
    while not handler.server.ended.is_set():
        handler.wfile.write(b"x" * 65536)


def no_http(handler) -> None:
    handler.wfile.write(b"\x16\x03\x01 I am no HTTP server\r\n\r\n")


def long_chunks(handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    handler.wfile.write(b"zzzz\r\nnonsense\r\n")


ANSWERS: dict[str, Callable[..., object]] = {
    "right": answer,
    "wrong": lambda of: answer(of, CONTENT[::-1]),
    "short": lambda of: answer(of, CONTENT[:-1]),
    "truncated": lambda of: answer(of, CONTENT[:1000], len(CONTENT)),
    "understated": lambda of: answer(of, CONTENT, 1000),
    "overlong": lambda of: answer(of, CONTENT + b"x"),
    "empty": lambda of: answer(of, b""),
    "endless": without_end,
    "missing": lambda of: answer(of, b"no", status=404),
    "broken": lambda of: answer(of, b"no", status=500),
    "odd": lambda of: answer(of, b"no", status=599),
    "stalled": stall_in_body,
    "silent": stall_before_headers,
    "dripping": drip,
    "dripping_headers": drip_headers,
    "no_http": no_http,
    "bad_chunks": long_chunks,
    "redirected": redirect("/right"),
    "circle": redirect("/circle"),
    "to_http": redirect("http://example.com/right"),
    "to_ftp": redirect("ftp://localhost/right"),
    "to_file": redirect("file:///etc/passwd"),
    "to_nonsense": redirect("http://[/right"),
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(ANSWERS) as made:
        yield made


def remote(*addresses: str) -> RemoteFile:
    return RemoteFile("a.h5", len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), addresses)


def refusal(*addresses: str, patience: Patience = PATIENCE) -> str:
    with pytest.raises(DataError) as caught:
        fetch_file(remote(*addresses), patience)
    return str(caught.value)


@pytest.mark.parametrize("name", ["right", "redirected"])
def test_what_has_the_known_sha256_is_taken(server, name):
    address = server.address(name)
    assert fetch_file(remote(address)) == Fetched(CONTENT, address, ())


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("wrong", "sent other bytes (SHA-256 "),
        ("short", "sent 255,999 bytes of 256,000"),
        ("truncated", "sent 1,000 bytes of 256,000"),
        ("understated", "sent 1,000 bytes of 256,000"),
        ("overlong", "sends more than the 256,000 bytes"),
        ("empty", "sent 0 bytes of 256,000"),
        ("endless", "sends more than the 256,000 bytes"),
        ("missing", "answers 404 Not Found"),
        ("broken", "answers 500 Internal Server Error"),
        ("odd", "answers 599)"),
        ("stalled", "sent nothing for 0.4 seconds"),
        ("silent", "sent nothing for 0.4 seconds"),
        ("dripping_headers", "sent nothing for 0.4 seconds"),
        ("no_http", "answers no HTTP (BadStatusLine)"),
        ("bad_chunks", "answers no HTTP (IncompleteRead)"),
        ("circle", "redirects in a circle"),
        ("to_http", "redirects to no https address"),
        ("to_ftp", "redirects to no https address"),
        ("to_file", "redirects in a circle, or to no https address"),
    ],
)
def test_whatever_else_a_server_does_is_refused_in_one_line(server, name, told):
    address = server.address(name)
    said = refusal(address, patience=SHORT if "seconds" in told else PATIENCE)
    assert f"({address} {told}" in said
    assert said.endswith("try again later, or fetch it another way")


def test_an_address_that_drips_is_given_up_after_the_time_for_all(server):
    patience = Patience(stall=0.4, total=0.8)
    assert "took more than 0.8 seconds" in refusal(server.address("dripping"), patience=patience)


def test_a_redirect_that_is_no_address_is_refused(server):
    assert "cannot be fetched" in refusal(server.address("to_nonsense"))


@pytest.mark.parametrize("name", ["wrong", "missing", "truncated", "stalled"])
def test_the_next_address_is_tried_where_one_fails(server, name):
    bad, good = server.address(name), server.address("right")
    fetched = fetch_file(remote(bad, good), Patience(stall=3) if name == "stalled" else PATIENCE)
    assert (fetched.content, fetched.address) == (CONTENT, good)
    assert [words.split()[0] for words in fetched.failures] == [bad]


def test_the_first_address_that_is_right_is_the_last_that_is_asked(server):
    server.asked.clear()
    fetch_file(remote(server.address("right"), server.address("wrong")))
    assert server.asked == ["right"]


def test_a_connection_that_is_refused_is_said(server):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    told = refusal(f"http://127.0.0.1:{port}/right")
    assert "is not reached (Connection refused)" in told


@pytest.mark.parametrize(
    "address",
    ["http://example.com/a", "ftp://localhost/a", "file:///etc/passwd", "a.h5", "", "http://[",
     "http://localhost.example.com/a", "http://localhost@example.com/a"],
)  # fmt: skip
def test_an_address_without_encryption_is_not_asked(address):
    assert "is no https address" in refusal(address)


def test_progress_counts_what_came_and_takes_back_what_was_wrong(server):
    moves: list[int] = []
    addresses = server.address("wrong"), server.address("right")
    fetch_file(remote(*addresses), advance=moves.append)
    assert sum(moves) == len(CONTENT)
    assert min(moves) == -len(CONTENT)


def fetched() -> list[tuple[RemoteFile, Fetched]]:
    return [(remote(), Fetched(CONTENT, "", ()))]


def test_what_was_fetched_is_written_into_a_folder_that_is_made(tmp_path):
    folder = tmp_path / "data" / "cats"
    check_folder(folder, [remote()])
    assert list(tmp_path.iterdir()) == []
    save_fetched(folder, fetched())
    assert [path.name for path in folder.iterdir()] == ["a.h5"]
    assert missing_files([remote()], folder) == ()


def test_a_good_file_is_not_written_again(tmp_path):
    (tmp_path / "a.h5").write_bytes(CONTENT)
    before = (tmp_path / "a.h5").stat()
    save_fetched(tmp_path, fetched())
    assert (tmp_path / "a.h5").stat() == before


@pytest.mark.parametrize("wrong", [b"", b"notes", CONTENT[::-1]])
def test_a_wrong_file_in_the_place_is_refused_and_stays(tmp_path, wrong):
    (tmp_path / "a.h5").write_bytes(wrong)
    with pytest.raises(DataError, match=r"is something else .* is not replaced: move it away"):
        missing_files([remote()], tmp_path)
    with pytest.raises(DataError, match="is not replaced"):
        save_fetched(tmp_path, fetched())
    assert (tmp_path / "a.h5").read_bytes() == wrong


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path):
    (tmp_path / "a.h5").mkdir()
    with pytest.raises(DataError, match="is something else"):
        missing_files([remote()], tmp_path)


@pytest.mark.parametrize("folder", ["notes", "notes/cats"])
def test_a_file_in_the_place_of_the_folder_is_refused_before_anything_is_fetched(
    tmp_path: Path, folder: str
) -> None:
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(DataError, match=r"cannot be made .* expected a folder: name another"):
        check_folder(tmp_path / folder, [remote()])
