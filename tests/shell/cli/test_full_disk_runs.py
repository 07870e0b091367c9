"""A run goes on while its disk is full or lost, says so, and is told in the end."""

import errno
import io
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from catpipe.shell.cli.main import main
from catpipe.shell.runs.run_file import load_run
from tests.disk import disk
from tests.typed import refused, said, save_colours

EVERY, LAST = 30, 5  # saved at the iterations 30, 60, 90 and 120 and, for the fifth time, at 150
NEED_ROOM, CHANGE = {"write", "fsync"}, {"create", "write", "fsync", "replace", "unlink"}


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> tuple[Path, bytes]:
    """Return a folder of data, and the file of a run on it that nothing disturbed."""
    folder = tmp_path_factory.mktemp("sound")
    save_colours(folder / "data", classes=2)
    assert main(training(folder / "data", folder / "run.h5")) == 0
    return folder / "data", (folder / "run.h5").read_bytes()


@pytest.fixture
def out(tmp_path) -> Path:
    """Return the path of a run, in a folder of its own."""
    (tmp_path / "kept").mkdir()
    return tmp_path / "kept" / "run.h5"


def training(data: Path, out: Path, *more: str) -> list[str]:
    small = ("--layers", "3", "--iterations", "150", "--save-every", str(EVERY))
    return ["train", *small, "--data", str(data), "--out", str(out), *more]


def went(capsys, *arguments: str) -> tuple[int, str, list[str]]:
    """Return the exit status of a command, its output, and the lines of its errors."""
    status = main(arguments)
    output, errors = capsys.readouterr()
    return status, output, errors.splitlines()


def failing(calls: set[str], saves: range | tuple[int, ...]) -> Callable[[list[str]], bool]:
    """Return what fails these calls in these saves: 0 is the check before training."""
    return lambda made: made[-1] in calls and made.count("create") - 1 in saves


def unsaved(out: Path, saves: range | tuple[int, ...], reason: str) -> list[str]:
    """Return the lines that say that these saves failed."""
    told = (f"{out}: cannot be written ({reason}); expected the name of a file in a folder with "
            "room and the right to write: name another")  # fmt: skip
    return [
        f"catpipe: {f'iteration {EVERY * save} was not saved: ' if save < LAST else ''}{told}"
        for save in saves
    ]


def test_a_run_that_nothing_disturbs_saves_that_often(sound, out):
    with disk() as calls:
        assert main(training(sound[0], out)) == 0
    assert calls.count("create") - 1 == calls.count("replace") == LAST


@pytest.mark.parametrize("full", [(1,), (2, 3), (4,), (1, 2, 3, 4)], ids=str)
def test_a_disk_that_is_full_on_the_way_costs_a_line_a_save_and_nothing_else(
    capsys, sound, out, full
):
    with disk(failing(NEED_ROOM, full)):
        status, output, errors = went(capsys, *training(sound[0], out))
    assert (status, errors) == (0, unsaved(out, full, "No space left on device"))
    assert output.endswith(f"parameters: saved to {out}\n")
    assert [*out.parent.iterdir()] == [out]
    assert out.read_bytes() == sound[1]


@pytest.mark.parametrize("first", [1, 4, LAST])
def test_a_run_whose_last_save_fails_is_told_and_refused(capsys, sound, out, first):
    full = range(first, LAST + 1)
    with disk(failing(NEED_ROOM, full)):
        status, output, errors = went(capsys, *training(sound[0], out))
    assert (status, errors) == (2, unsaved(out, full, "No space left on device"))
    assert "\ntest accuracy: " in output
    assert "\nparameters: not saved" in output
    assert [*out.parent.iterdir()] == [out] * (first > 1)


def test_a_run_whose_last_save_fails_is_told_in_json_too(capsys, sound, out):
    with disk(failing(NEED_ROOM, (LAST,))):
        status, output, errors = went(capsys, *training(sound[0], out, "--json"))
    assert (status, errors) == (2, unsaved(out, (LAST,), "No space left on device"))
    assert json.loads(output)["iteration"] == 150


def test_a_disk_that_is_full_throughout_leaves_an_earlier_run_alone(capsys, sound, out):
    out.write_bytes(sound[1])
    with disk(failing(NEED_ROOM, range(1, LAST + 1))):
        status, _, _ = went(capsys, *training(sound[0], out, "--seed", "2"))
    assert status == 2
    assert [*out.parent.iterdir()] == [out]
    assert out.read_bytes() == sound[1]


def test_when_there_is_room_again_a_run_whose_last_saves_failed_is_resumed(capsys, sound, out):
    with disk(failing(NEED_ROOM, (4, LAST))):
        went(capsys, *training(sound[0], out))
    assert load_run(out).result.iterations_done == 90
    said(capsys, "resume", out)
    assert out.read_bytes() == sound[1]


def test_a_run_that_is_resumed_on_a_full_disk_is_as_it_was(capsys, sound, out):
    with disk(failing(NEED_ROOM, (4, LAST))):
        went(capsys, *training(sound[0], out))
    before = out.read_bytes()
    with disk(failing(NEED_ROOM, range(1, 9))):
        status, output, errors = went(capsys, "resume", str(out), "--save-every", str(EVERY))
    assert (status, len(errors)) == (2, 2)
    assert "\ntest accuracy: " in output
    assert out.read_bytes() == before


@pytest.mark.parametrize("moment", ["create", "write", "fsync", "replace"])
@pytest.mark.parametrize("comes_back", [True, False])
def test_a_folder_that_is_lost_on_the_way_costs_the_saves_until_it_is_back(
    capsys, sound, out, moment, comes_back
):
    def lost_then_back(calls: list[str]) -> None:
        save = calls.count("create") - 1
        if save == 2 and calls[-1] == moment:
            shutil.rmtree(out.parent)
        if comes_back and save == LAST and calls[-1] == "create":
            out.parent.mkdir()

    with disk(lost_then_back):
        status, output, errors = went(capsys, *training(sound[0], out))
    lost = range(2, LAST + (not comes_back))
    assert (status, errors) == (
        2 * (not comes_back),
        unsaved(out, lost, "No such file or directory"),
    )
    assert "\ntest accuracy: " in output
    assert out.exists() == comes_back
    assert not comes_back or out.read_bytes() == sound[1]


def test_a_disk_that_becomes_read_only_leaves_what_was_saved_before(capsys, sound, out):
    lost = range(3, LAST + 1)
    with disk(failing(CHANGE, lost), errno.EROFS):
        status, output, errors = went(capsys, *training(sound[0], out))
    assert (status, errors) == (2, unsaved(out, lost, "Read-only file system"))
    assert "\ntest accuracy: " in output
    assert [*out.parent.iterdir()] == [out]
    assert load_run(out).result.iterations_done == 60


def test_a_disk_that_is_read_only_is_refused_before_training(capsys, sound, out):
    with disk(failing(CHANGE, range(9)), errno.EROFS):
        assert "(Read-only file system)" in refused(capsys, *training(sound[0], out))
    assert not [*out.parent.iterdir()]


class Log(io.StringIO):
    """A log on a disk that has room for so many characters."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def write(self, text: str) -> int:
        """Write the text where there is room for it."""
        self.room -= len(text)
        if self.room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(text)


def test_a_run_goes_on_where_not_even_its_complaint_can_be_written(monkeypatch, sound, out):
    monkeypatch.setattr(sys, "stderr", Log(room=0))
    with disk(failing(NEED_ROOM, (1, 2))):
        assert main(training(sound[0], out)) == 0
    assert out.read_bytes() == sound[1]


def test_a_log_that_fills_up_does_not_cost_the_run(capsys, monkeypatch, sound, out):
    monkeypatch.setattr(sys, "stdout", Log(room=300))
    assert main(training(sound[0], out)) == 2
    assert "the output: No space left on device" in capsys.readouterr().err
    assert out.read_bytes() == sound[1]
