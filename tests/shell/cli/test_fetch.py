"""The photographs are fetched at the command line, from a server on this machine."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from catpipe.shell.cli import fetch
from catpipe.shell.cli.main import main
from catpipe.shell.runs.provenance import default_folder
from catpipe.shell.storage.download import Patience, RemoteFile
from tests.patience import FOREVER
from tests.processes import running
from tests.servers import CONTENT, Server, answer, serving
from tests.typed import refused, said

NAMES = ("train_catvnoncat.h5", "test_catvnoncat.h5")


@pytest.fixture
def server(tmp_path, monkeypatch) -> Iterator[Server]:
    answers = dict.fromkeys(NAMES, answer)
    with serving({**answers, "silent": lambda of: of.server.ended.wait(FOREVER)}) as made:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(fetch, "PATIENCE", Patience(stall=3, total=60))
        monkeypatch.setattr(fetch, "PHOTOGRAPHS", tuple(of(made, name) for name in NAMES))
        yield made


def of(server: Server, name: str, *addresses: str) -> RemoteFile:
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    return RemoteFile(name, len(CONTENT), sha256, (*addresses, server.address(name)))


def test_fetch_writes_both_files_where_train_finds_them(capsys, server):
    told = said(capsys, "fetch")
    folder = Path("data/catvnoncat")
    assert [(folder / name).read_bytes() for name in NAMES] == [CONTENT] * 2
    assert default_folder() == folder
    assert f"from {server.address(NAMES[0])}, SHA-256 as expected" in told
    assert "209 to train on and 50 to test on" in told
    assert "their licence is unknown" in told


def test_a_file_that_is_there_is_not_fetched_again(capsys, server):
    said(capsys, "fetch", "--out", "cats")
    Path("cats", NAMES[1]).unlink()
    server.asked.clear()
    told = said(capsys, "fetch", "--out", "cats")
    assert f"cats/{NAMES[0]}: already there\n" in told
    assert server.asked == [NAMES[1]]


def test_a_wrong_file_that_is_there_is_refused_before_anything_is_asked(capsys, server):
    Path("cats").mkdir()
    Path("cats", NAMES[0]).write_text("mine")
    told = refused(capsys, "fetch", "--out", "cats")
    assert f"cats/{NAMES[0]}: is something else" in told
    assert server.asked == []
    assert [path.read_text() for path in Path("cats").iterdir()] == ["mine"]


def test_where_one_file_cannot_be_fetched_none_is_written(capsys, server, tmp_path):
    server.answers[NAMES[1]] = lambda of: answer(of, b"", status=404)
    told = refused(capsys, "fetch")
    assert f"{NAMES[1]}: cannot be fetched ({server.address(NAMES[1])} answers 404 Not F" in told
    assert [*tmp_path.iterdir()] == []


def test_an_address_that_fails_is_named_where_the_next_gives_the_file(capsys, server, monkeypatch):
    silent = of(server, NAMES[0], server.address("silent"))
    monkeypatch.setattr(fetch, "PHOTOGRAPHS", (silent,))
    assert main(["fetch"]) == 0
    out, err = capsys.readouterr()
    failure = f"catpipe: {server.address('silent')} sent nothing for 3 seconds"
    assert err == f"{failure}; took the next address\n"
    assert server.address(NAMES[0]) in out


def test_the_published_files_are_those_of_the_course_at_addresses_with_encryption():
    assert {len(file.sha256) for file in fetch.PHOTOGRAPHS} == {64}
    for file in fetch.PHOTOGRAPHS:
        assert len(file.addresses) > 1
        assert all(address.startswith("https://") for address in file.addresses)
        assert all(address.endswith(f"/{file.name}") for address in file.addresses)


def test_the_photographs_have_the_sha256_that_is_expected_of_them(photographs_folder):
    for file in fetch.PHOTOGRAPHS:
        content = (photographs_folder / file.name).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file.size, file.sha256)


STALLED = """
import sys
from catpipe.shell.cli import fetch
from catpipe.shell.cli.main import main
from catpipe.shell.storage.download import RemoteFile

fetch.PHOTOGRAPHS = (RemoteFile("a.h5", 9, "", (sys.argv[1],)),)
sys.exit(main(["fetch"]))
"""


def test_ctrl_c_while_it_waits_is_one_line_and_leaves_nothing(server, tmp_path):
    command = [sys.executable, "-c", STALLED, server.address("silent")]
    with running(command) as fetching:
        while "silent" not in server.asked:
            assert fetching.poll() is None
        os.kill(fetching.pid, signal.SIGINT)
        _, err = fetching.communicate(timeout=FOREVER)
    assert (fetching.returncode, err) == (130, "catpipe: interrupted\n")
    assert [*tmp_path.iterdir()] == []
