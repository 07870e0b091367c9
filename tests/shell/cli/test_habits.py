"""Habits at the command line: what is meant is done, and what cannot be meant is refused."""

from __future__ import annotations

import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from threading import Thread

import numpy as np
import pytest

from catpipe.data.examples import DataSet, Examples
from catpipe.shell.cli.main import main
from catpipe.shell.runs.run_file import load_run, save_run
from catpipe.shell.storage.atomic import DataError
from catpipe.shell.storage.datasets import save_data
from tests.typed import refused, said, save_colours

SHORT = ("--layers", "3", "--iterations", "5")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_colours(tmp_path_factory.mktemp("habits") / "data")


@pytest.fixture
def run(folder, tmp_path):
    path = tmp_path / "run.h5"
    with redirect_stdout(StringIO()):
        main(["train", *SHORT, "--data", str(folder), "--out", str(path)])
    return path


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("train", "--epochs", "1_0"), "--epochs is '1_0'; expected an integer"),
        (("train", "--epochs", "\u0661"), "--epochs is '\u0661'; expected an integer"),
        (("train", "--learning-rate", "1_0.5"), "--learning-rate is '1_0.5'; expected a positive"),
        (("train", "--layers", "2_0,7"), "--layers is '2_0,7'; expected layers"),
        (("train", "--seeds", "1_0..1_2"), "'1_0..1_2' is no range of seeds"),
        (("train", "--seeds", "-1..5"), "'-1..5' is no range of seeds"),
        (
            ("train", "--transforms", "grey; downscale"),
            "'downscale' without its settings; expected",
        ),
        (("train", "--transforms", "gry"), "one (did you mean grey?)"),
        (("train", "--augmentation", "flip"), "--augmentation is 'flip'; expected some of flipped"),
        (("train", "--augmentation", "flipped; cropped:2"), "is 'flipped; cropped:2'; expected"),
        (("train", "--save-every", "1_0"), "'1_0' is given; expected an integer"),
        (("draw", "x", "--seed", "1_0"), "'1_0' is given; expected an integer"),
        (("replay", "x", "--tolerance", "1_0"), "'1_0' is given; expected a number"),
        (("train", "--class-weight", "-1,2"), "--class-weight is '-1,2'; expected balanced"),
        (("train", "--layers", "-1,2"), "--layers is '-1,2'; expected layers"),
        (("train", "--learning-rate", "-1e-3"), "--learning-rate is -0.001; expected a positive"),
        (("train", "--learning-rate", "-inf"), "--learning-rate is -inf; expected a positive"),
        (("train", "--data", ""), "--data: '' is given; expected the name of a file or a folder"),
        (("train", "--out", ""), "--out: '' is given; expected the name of a file"),
        (("train", "--config", ""), "--config: '' is given; expected the name of a file"),
        (("evaluate", ""), "'' is given; expected the name of a file"),
        (("draw", ""), "'' is given; expected the name of a file or a folder"),
        (("train", "--data", "a\0b"), r"--data: 'a\x00b' is given; expected the name of a file"),
        (("evaluate", "a\0b"), r"'a\x00b' is given; expected the name of a file"),
        (("draw", "x", "--train", "-3"), "--train is -3; expected 1 to"),
        (("draw", "x", "--test", "0"), "--test is 0; expected 1 to"),
        (("draw", "x", "--seed", "-1"), "--seed is -1; expected an integer from 0"),
    ],
    ids=lambda of: " ".join(of) if isinstance(of, tuple) else "",
)
def test_what_cannot_be_meant_is_refused_by_its_flag(
    capsys, tmp_path, monkeypatch, arguments, told
):
    monkeypatch.chdir(tmp_path)
    assert told in refused(capsys, *arguments)
    assert [*tmp_path.iterdir()] == []


def test_a_finished_run_is_replaced_only_by_force(capsys, folder, run):
    before = run.read_bytes()
    again = ("train", *SHORT, "--seed", 2, "--data", folder, "--out", run)
    told = refused(capsys, *again)
    assert "is a run at iteration 5 of 5, finished; expected a new name: give another name" in told
    assert run.read_bytes() == before
    said(capsys, *again, "--force")
    assert load_run(run).result.experiment.seed == 2


def test_what_is_no_run_is_not_replaced_by_force_either(capsys, folder, tmp_path):
    path = tmp_path / "notes.h5"
    path.write_text("notes")
    told = refused(capsys, "train", *SHORT, "--data", folder, "--out", path, "--force")
    assert "is a file but no run" in told
    assert path.read_text() == "notes"


@pytest.mark.parametrize("command", ["train", "resume"])
def test_a_run_file_without_write_permission_is_not_replaced(capsys, folder, run, command):
    run.chmod(0o444)
    before = run.read_bytes()
    flags = ("--force", "--out", run) if command == "train" else (run, "--iterations", 9)
    assert "cannot be written" in refused(capsys, command, *flags, "--data", folder)
    assert run.read_bytes() == before


def test_a_nul_in_the_name_of_a_run_is_refused_in_python(run):
    with pytest.raises(DataError, match=r"cannot be written \(embedded null byte\)"):
        save_run("a\0b", load_run(run))


@pytest.mark.parametrize("name", ["run.png", "run.svg", "run.pdf", "RUN.PNG"])
def test_a_figure_replaces_itself_and_is_the_same_to_the_byte(capsys, folder, run, tmp_path, name):
    pytest.importorskip("matplotlib")
    image = tmp_path / name
    plot = ("plot", run, "--what", "confusion", "--out", image, "--data", folder)
    said(capsys, *plot)
    first = image.read_bytes()
    said(capsys, *plot)
    assert image.read_bytes() == first


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_a_figure_does_not_replace_a_picture_of_another_program(
    capsys, folder, run, tmp_path, ending
):
    figures = pytest.importorskip("matplotlib.figure")
    image = tmp_path / f"mine.{ending}"
    figures.Figure().savefig(image)
    capsys.readouterr()
    before = image.read_bytes()
    told = refused(capsys, "plot", run, "--out", image, "--data", folder)
    assert "did not make; expected a new name" in told
    assert image.read_bytes() == before


def test_draw_replaces_other_data_only_by_force(capsys, tmp_path):
    draw = ("draw", tmp_path / "data", "--train", 2, "--test", 1)
    said(capsys, *draw)
    said(capsys, *draw)  # the very same
    before = (tmp_path / "data" / "train_drawn.h5").read_bytes()
    assert "--force to replace them" in refused(capsys, *draw, "--seed", 2)
    assert (tmp_path / "data" / "train_drawn.h5").read_bytes() == before
    said(capsys, *draw, "--seed", 2, "--force")
    assert (tmp_path / "data" / "train_drawn.h5").read_bytes() != before


def test_draw_does_not_replace_what_it_cannot_read(capsys, tmp_path):
    (tmp_path / "test_drawn.h5").write_text("notes")
    told = refused(capsys, "draw", tmp_path, "--train", 2, "--test", 1)
    assert "holds test_drawn.h5" in told
    assert (tmp_path / "test_drawn.h5").read_text() == "notes"


def test_a_command_runs_outside_the_main_thread(capsys, folder, tmp_path):
    arguments = ["train", *SHORT, "--data", str(folder), "--out", str(tmp_path / "run.h5")]
    statuses = []
    thread = Thread(target=lambda: statuses.append(main(arguments)))
    thread.start()
    thread.join()
    assert statuses == [0], capsys.readouterr().err
    assert load_run(tmp_path / "run.h5").result.is_finished


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--weight-decay", 1000), "or the weight decay until their product, 7.5, is below 2"),
        (("--l2", 1000), "or the L2 regularization until their product, 7.5, is below 2"),
        (("--learning-rate", 1e300), "lower the learning rate\n"),
    ],
)  # fmt: skip
def test_a_cost_that_is_not_finite_is_advised_by_its_cause(capsys, folder, flags, told):
    assert main(["train", "--layers", "3", "--data", str(folder), *map(str, flags)]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "labels", "told"),
    [
        (("--early-stopping", "2"), [0, 1], "--early-stopping holds out 0.2 of 2 examples"),
        (("--class-weight", "0,1"), [0] * 4, "or another --class-weight"),
    ],
)  # fmt: skip
def test_what_python_says_of_an_argument_is_said_of_its_flag(capsys, tmp_path, flags, labels, told):
    inputs = np.arange(len(labels) * 5.0).reshape(-1, 5)
    both = Examples(inputs, np.array([0, 1] * (len(labels) // 2)))
    save_data(tmp_path, DataSet(Examples(inputs, np.array(labels)), both, ("a", "b")), "few")
    assert main(["train", *SHORT, "--data", str(tmp_path), *flags]) == 2
    assert told in capsys.readouterr().err


WITHOUT_POSIX = """
import os, signal, sys

for name in ("pread", "fork", "sendfile", "getuid", "geteuid", "killpg", "setsid", "fchmod",
             "mkfifo", "posix_fallocate", "sched_getaffinity", "statvfs"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGHUP", "SIGPIPE", "SIGALRM", "setitimer", "alarm", "pthread_sigmask"):
    if hasattr(signal, name):
        delattr(signal, name)
for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[name] = None
sys.platform = "win32" if "--win32" in sys.argv else sys.platform
from catpipe.data.examples import DataSet, Examples
from catpipe.shell.cli.main import main

run, data = sys.argv[1:3]
assert main(["train", "--layers", "3", "--iterations", "5", "--data", data, "--out", run]) == 0
assert main(["resume", run, "--iterations", "7"]) == 0
assert main(["evaluate", run]) == 0
"""


def test_commands_run_without_what_windows_lacks(folder, tmp_path):
    command = [sys.executable, "-c", WITHOUT_POSIX, tmp_path / "run.h5", folder]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert "parameters: saved" in run.stdout
