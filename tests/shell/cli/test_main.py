"""The command line as a person types it: what it prints, what it saves, and how it refuses."""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from itertools import cycle
from pathlib import Path

import pytest

from catpipe.shell.cli.arguments import COMMANDS, parse
from catpipe.shell.cli.main import main
from catpipe.shell.runs import provenance as sources
from catpipe.shell.runs.run_file import load_run
from tests.patience import FOREVER
from tests.processes import running, wait_for

CATPIPE = (sys.executable, "-m", "catpipe")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Return a folder of a few drawn pictures, `data`, with a trained run beside it."""
    folder = tmp_path_factory.mktemp("cli")
    assert main(["draw", str(folder / "data"), "--train", "12", "--test", "6"]) == 0
    assert (
        main(["train", *SMALL, "--data", str(folder / "data"), "--out", str(folder / "run.h5")])
        == 0
    )
    return folder


SMALL = ("--layers", "3", "--iterations", "150")


def typed(capsys, *arguments: object) -> tuple[int, str, str]:
    """Return the exit status, standard output and standard error of a command."""
    try:
        status = main([str(argument) for argument in arguments])
    except SystemExit as exited:
        status = int(exited.code or 0)
    return status, *capsys.readouterr()


def refused(capsys, *arguments: object) -> str:
    """Return the one line of a refusal, which prints nothing else and has exit status 2."""
    status, _, err = typed(capsys, *arguments)
    assert (status, err.count("\n")) == (2, 1), err
    assert "Traceback" not in err
    assert err.startswith("catpipe")
    return err


def test_train_prints_costs_accuracies_time_and_where_it_saved(capsys, folder, tmp_path):
    status, out, err = typed(
        capsys, "train", *SMALL, "--data", folder / "data", "--out", tmp_path / "a.h5"
    )
    assert (status, err) == (0, "")
    for expected in ("cost at iteration     0: 0.", "cost at iteration   100: 0.",
                     "cost at iteration   150: 0.", "train accuracy: ", "test accuracy:  ",
                     "time: ", f"saved to {tmp_path / 'a.h5'}", str(folder / "data")):  # fmt: skip
        assert expected in out


def test_train_without_out_saves_nothing_and_says_so(capsys, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, out, _ = typed(capsys, "train", *SMALL, "--data", folder / "data")
    assert "not saved" in out
    assert not list(tmp_path.iterdir())


def test_train_json_is_one_object_of_the_documented_keys(capsys, folder):
    _, out, _ = typed(capsys, "train", *SMALL, "--data", folder / "data", "--json")
    report = json.loads(out)
    assert list(report) == [
        "data", "data_notes", "network", "seed", "experiment", "iterations", "iteration", "costs",
        "final_cost", "l2_penalty", "train_accuracy", "test_accuracy", "seconds", "space",
        "changes",
    ]  # fmt: skip
    assert report["network"] == [12288, 3, 1]
    assert (report["seed"], report["iterations"], report["iteration"]) == (1, 150, 150)
    assert report["experiment"]["hidden"] == [3]
    assert report["l2_penalty"] == 0
    assert list(report["costs"]) == ["0", "100", "149"]
    assert report["final_cost"] < report["costs"]["149"]


def test_train_json_and_text_print_the_same_costs(capsys, folder):
    _, text, _ = typed(capsys, "train", *SMALL, "--data", folder / "data")
    _, out, _ = typed(capsys, "train", *SMALL, "--data", folder / "data", "--json")
    report = json.loads(out)
    for iteration in ("0", "100"):
        cost = report["costs"][iteration]
        assert f"cost at iteration {int(iteration):5d}: {cost:.6g}\n" in text
    assert f"cost at iteration   150: {report['final_cost']:.6g} (" in text
    assert text.count("cost at iteration") == 3


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--activation", "tanh"),
        ("--learning-rate", "0.02"),
        ("--iterations", "140"),
        ("--seed", "2"),
        ("--initializer", "he"),
        ("--dtype", "float32"),
        ("--layers", ""),
    ],
)
def test_each_flag_changes_the_run(capsys, folder, flag, value):
    arguments = ("train", *SMALL, "--data", folder / "data", "--json")
    _, plain, _ = typed(capsys, *arguments)
    _, flagged, _ = typed(capsys, *arguments, flag, value)
    assert json.loads(flagged)["final_cost"] != json.loads(plain)["final_cost"]


def test_equal_commands_save_equal_bytes(capsys, folder, tmp_path):
    typed(capsys, "train", *SMALL, "--data", folder / "data", "--out", tmp_path / "again.h5")
    assert (tmp_path / "again.h5").read_bytes() == (folder / "run.h5").read_bytes()


def test_without_data_the_photographs_are_preferred_where_they_are(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sources, "HOMES", (Path("data"),))
    Path("data/catvnoncat").mkdir(parents=True)
    typed(capsys, "draw", "data/drawn", "--train", 5, "--test", 5)
    assert json.loads(typed(capsys, "train", *SMALL, "--json")[1])["data"] == "data/drawn"
    typed(capsys, "draw", "data/catvnoncat", "--train", 5, "--test", 5)
    assert json.loads(typed(capsys, "train", *SMALL, "--json")[1])["data"] == "data/catvnoncat"


def test_evaluate_prints_the_accuracy_that_train_printed(capsys, folder):
    arguments = ("--data", folder / "data", "--json")
    trained = json.loads(typed(capsys, "train", *SMALL, *arguments)[1])
    evaluated = json.loads(typed(capsys, "evaluate", folder / "run.h5", *arguments)[1])
    assert evaluated["test_accuracy"] == trained["test_accuracy"]
    assert sum(map(sum, evaluated["confusion"])) == 6


def test_evaluate_prints_the_confusion_by_name(capsys, folder):
    _, out, _ = typed(capsys, "evaluate", folder / "run.h5", "--data", folder / "data")
    assert "test accuracy: " in out
    assert "predicted non-cat" in out
    assert out.count("\n") == 5


def test_predict_prints_class_and_probability_of_the_pictures_asked_for(capsys, folder):
    arguments = ("predict", folder / "run.h5", "--data", folder / "data")
    _, every, _ = typed(capsys, *arguments)
    _, some, _ = typed(capsys, *arguments, "--index", 4, 0)
    lines = every.splitlines()
    assert len(lines) == 6
    assert some.splitlines() == [lines[4], lines[0]]
    assert "(probability 0." in lines[0]


def test_draw_writes_the_same_bytes_for_the_same_seed(capsys, folder, tmp_path):
    typed(capsys, "draw", tmp_path / "again", "--train", 12, "--test", 6)
    for path in (folder / "data").iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


def test_draw_writes_others_for_another_seed(capsys, folder, tmp_path):
    typed(capsys, "draw", tmp_path, "--train", 12, "--test", 6, "--seed", 2)
    path = tmp_path / "train_drawn.h5"
    assert path.read_bytes() != (folder / "data" / path.name).read_bytes()


def test_figure_writes_a_png(capsys, folder, tmp_path):
    pytest.importorskip("matplotlib")
    image = tmp_path / "run.png"
    assert (
        typed(capsys, "plot", folder / "run.h5", "--out", image, "--data", folder / "data")[0] == 0
    )
    assert image.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("train", "a\nb"), "a\\nb"),
        (("trian",), "did you mean train?"),
        (("train", "--layer", "3"), "--layer is no option (did you mean --layers?)"),
        (("train", "--layers", "3,,4"), "--layers is '3,,4'; expected layers of 1"),
        (("train", "--layers", "a"), "--layers is 'a'; expected layers of 1"),
        (("train", "--layers", "0"), "--layers is '0'"),
        (("train", "--layers", "-3"), "--layers is '-3'"),
        (("train", "--activation", "rleu"), "did you mean relu?"),
        (("train", "--learning-rate", "0"), "--learning-rate is 0.0"),
        (("train", "--learning-rate", "nan"), "--learning-rate is nan"),
        (("train", "--learning-rate", "fast"), "--learning-rate is 'fast'; expected a"),
        (("train", "--iterations", "0"), "--iterations is 0"),
        (("train", "--iterations", "1.5"), "--iterations is '1.5'; expected an int"),
        (("train", "--seed", "-1"), "--seed is -1"),
        (("train", "--initializer", "glorot"), "did you mean xavier?"),
        (("train", "--iterations", "9" * 20), "--iterations is 999"),
        (("train", "--layers", "9" * 20), "--layers is '999"),
        (("train", "--out", "x" * 300), "File name too long"),
        (("train", "--out", "/dev/null"), "is a device"),
        (("train", "--dtype", "float16"), "float32"),
        (("train", "--data", "nowhere"), "nowhere: is not there"),
        (("train", "--out", "nowhere/a.h5"), "nowhere/a.h5: cannot be written"),
        (("train", "--out", "."), "is a folder"),
        (("evaluate",), "FILE"),
        (("evaluate", "nowhere.h5"), "nowhere.h5: is not a file"),
        (("predict", "nowhere.h5"), "nowhere.h5: is not a file"),
        (("draw",), "FOLDER"),
        (("draw", "x", "--train", "0"), "train is 0"),
        (("draw", "x", "--train", "9" * 20), "expected 1 to 87381 pictures"),
        (("draw", "x", "--test", "-1"), "test is -1"),
        (("draw", "x", "--seed", "-1"), "seed is -1"),
        (("plot", "nowhere.h5", "--out", "a.png"), "nowhere.h5: is not a file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_input_is_one_line_and_writes_nothing(capsys, tmp_path, monkeypatch, arguments, told):
    monkeypatch.chdir(tmp_path)
    assert told in refused(capsys, *arguments)
    assert not list(tmp_path.iterdir())


def test_without_a_command_the_help_is_printed_and_the_status_is_1_as_git_has_it(capsys):
    _, helped, _ = typed(capsys, "--help")
    assert typed(capsys) == (1, helped, "")


def test_the_help_has_one_plain_line_for_each_command(capsys):
    _, helped, _ = typed(capsys, "--help")
    _, _, listed = helped.partition("commands:\n  COMMAND\n")
    lines = listed.partition("\n\n")[0].splitlines()
    assert [line.split()[0] for line in lines] == [*COMMANDS]
    assert all(re.fullmatch(r"    \w+ +[a-z][\w ,:]+", line) for line in lines)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_examples_of_a_command_are_ones_that_it_takes(capsys, command):
    _, helped, _ = typed(capsys, command, "--help")
    _, _, examples = helped.partition("examples:\n")
    assert examples
    for example in examples.splitlines():
        program, *words = example.split()
        assert (program, parse(words)[0]) == ("catpipe", command)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_function(command):
    module = import_module(f"catpipe.shell.cli.{COMMANDS[command].module}")
    assert callable(getattr(module, COMMANDS[command].function))


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (("trian",), "train"),
        (("eval", "run.h5"), "evaluate"),
        (("Show", "run.h5"), "show"),
        (("--hlep",), "--help"),
        (("train", "--lr", "0.1"), "--learning-rate"),
        (("train", "--lr=0.1"), "--learning-rate"),
        (("train", "--epoch", "3"), "--epochs"),
        (("train", "--LEARNING-RATE", "3"), "--learning-rate"),
        (("train", "--hidden", "3"), "--layers"),
        (("train", "--batch_size", "3"), "--batch-size"),
        (("train", "--scheme", "he"), "--initializer"),
        (("resume", "run.h5", "--iteration", "3"), "--iterations"),
        (("evaluate", "run.h5", "--dta", "x"), "--data"),
        (("train", "--optimizer", "adm"), "adam"),
        (("train", "--optimizer", "sgd"), "gradient_descent"),
        (("train", "--activation", "relu,tahn,relu"), "tanh"),
        (("train", "--schedule", "cosin"), "cosine"),
        (("train", "--order", "shufled", "--batch-size", "3"), "shuffled"),
        (("train", "--dtype", "flaot32"), "float32"),
        (("train", "--class-weight", "balance"), "balanced"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_nearly_right_is_answered_with_what_is_meant(capsys, arguments, meant):
    assert f"did you mean {meant}?" in refused(capsys, *arguments)


@pytest.mark.parametrize("arguments", [("xyzzy",), ("train", "--xyzzy", "3")])
def test_what_is_like_nothing_gets_no_suggestion(capsys, arguments):
    assert "did you mean" not in refused(capsys, *arguments)


def test_an_index_beyond_the_pictures_is_refused(capsys, folder):
    for index in (-1, 6):
        told = refused(
            capsys, "predict", folder / "run.h5", "--data", folder / "data", "--index", index
        )
        assert f"no test picture {index}; expected 0 to 5" in told


def test_training_that_diverges_leaves_an_earlier_run_alone(capsys, folder, tmp_path):
    out = Path(shutil.copy(folder / "run.h5", tmp_path))
    asked = ("train", *SMALL, "--data", folder / "data", "--learning-rate", 1e300, "--out", out,
             "--force")  # fmt: skip
    assert "lower the learning rate" in refused(capsys, *asked)
    assert out.read_bytes() == (folder / "run.h5").read_bytes()


def test_an_earlier_run_is_replaced_by_force(capsys, folder, tmp_path):
    out = Path(shutil.copy(folder / "run.h5", tmp_path))
    asked = ("train", *SMALL, "--data", folder / "data", "--seed", 2, "--out", out, "--force")
    assert typed(capsys, *asked)[0] == 0
    assert out.read_bytes() != (folder / "run.h5").read_bytes()


@pytest.mark.parametrize("part", ["train", "test"])
def test_a_file_that_is_no_run_is_not_replaced_by_one(capsys, folder, tmp_path, part):
    data = Path(shutil.copytree(folder / "data", tmp_path / "data"))
    path = data / f"{part}_drawn.h5"
    before = path.read_bytes()
    assert "no run" in refused(capsys, "train", *SMALL, "--data", data, "--out", path)
    assert path.read_bytes() == before


def test_a_link_is_followed(capsys, folder, tmp_path):
    (tmp_path / "link.h5").symlink_to(tmp_path / "run.h5")
    typed(capsys, "train", *SMALL, "--data", folder / "data", "--out", tmp_path / "link.h5")
    assert (tmp_path / "link.h5").is_symlink()
    assert (tmp_path / "run.h5").read_bytes() == (folder / "run.h5").read_bytes()


def test_a_pipe_is_not_replaced(capsys, folder, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    asked = ("train", *SMALL, "--data", folder / "data", "--out", tmp_path / "pipe")
    assert "is a device" in refused(capsys, *asked)
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("name", ["run.h5", "cats.jpg", "notes.png"])
def test_a_figure_replaces_only_pictures(capsys, folder, tmp_path, name):
    shutil.copy(folder / "run.h5", tmp_path / name)
    asked = ("plot", folder / "run.h5", "--out", tmp_path / name, "--data", folder / "data")
    told = refused(capsys, *asked)
    assert "is no name of a figure" in told or "did not make" in told
    assert (tmp_path / name).read_bytes() == (folder / "run.h5").read_bytes()


def test_layers_larger_than_memory_are_refused(capsys, folder):
    told = refused(capsys, "train", "--layers", 10**9, "--data", folder / "data")
    assert "out of memory" in told


def test_a_data_set_is_no_run(capsys, folder):
    told = refused(capsys, "evaluate", folder / "data" / "test_drawn.h5", "--data", folder / "data")
    assert "record" in told


def test_an_installed_command_and_the_module_say_the_same():
    module = subprocess.run([*CATPIPE, "--help"], capture_output=True, text=True, check=True)
    script = Path(sys.executable).with_name("catpipe")
    installed = subprocess.run([script, "--help"], capture_output=True, text=True, check=True)
    assert module.stdout == installed.stdout


@pytest.mark.parametrize(
    "command",
    ["train", "resume", "replay", "show", "compare", "evaluate", "predict", "draw", "plot"],
)
def test_every_command_has_help(capsys, command):
    status, out, _ = typed(capsys, command, "--help")
    assert status == 0
    assert f"catpipe {command}" in out


@contextmanager
def started(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Give a run that has said its first cost."""
    unbuffered = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with running((*CATPIPE, *arguments), env=unbuffered) as run:
        wait_for(run, "cost")
        yield run


ENDLESS = ("--layers", "3", "--iterations", "100000000")


def test_interrupting_what_is_not_saved_prints_one_line_and_exits_with_130(folder):
    with started("train", *ENDLESS, "--data", folder / "data") as run:
        run.send_signal(signal.SIGINT)
        _, err = run.communicate(timeout=FOREVER)
    assert run.returncode == 130
    assert re.fullmatch(r"catpipe: interrupted at iteration \d+ of 100000000; "
                        r"nothing was saved \(--out FILE\)\n", err)  # fmt: skip


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_is_saved_and_says_how_to_resume_it(folder, tmp_path, sent, status):
    out = tmp_path / "a.h5"
    with started("train", *ENDLESS, "--data", folder / "data", "--out", out) as run:
        run.send_signal(sent)
        _, err = run.communicate(timeout=FOREVER)
    assert run.returncode == status
    (at,) = re.findall(rf"interrupted at iteration (\d+) of .*; saved to {out}: carry on", err)
    assert err.endswith(f"with `catpipe resume {out}`\n")
    assert load_run(out).result.iterations_done == int(at)
    assert [*tmp_path.iterdir()] == [out]


WHILE_IMPORTING = """
import os, runpy, signal, sys

class Sender:
    def find_spec(self, name, *_):
        if name == {module!r}:
            for _ in range({times}):
                os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Sender())
sys.argv = ["catpipe", *sys.argv[1:]]
runpy.run_module("catpipe", run_name="__main__")
"""
IMPORTED = ["catpipe.shell.cli.main", "argparse", "numpy", "numpy.linalg", "toolz", "h5py",
            "catpipe.experiments.experiment", "catpipe.nn.network", "catpipe.shell.cli.train",
            "catpipe.shell.cli.config", "tomllib"]  # fmt: skip


@pytest.mark.parametrize(("module", "times"), [*zip(IMPORTED, cycle((1, 2)), strict=False)])
def test_a_signal_while_modules_are_imported_is_one_line_and_status_130(
    folder, tmp_path, module, times
):
    code = WHILE_IMPORTING.format(module=module, times=times)
    command = [sys.executable, "-c", code, "train", *SMALL, "--data", folder / "data"]
    run = subprocess.run(
        [*command, "--out", tmp_path / "a.h5"], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (130, "", "catpipe: interrupted\n")
    assert not [*tmp_path.iterdir()]


def test_a_signal_that_is_ignored_by_who_started_it_is_ignored_while_modules_are_imported(folder):
    code = WHILE_IMPORTING.format(module="numpy", times=1)
    ignoring = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)" + code
    command = [sys.executable, "-c", ignoring, "train", *SMALL, "--data", folder / "data"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert "test accuracy" in run.stdout


ONCE_BEGUN = """
import signal, sys
from catpipe.__main__ import main
from catpipe.shell.cli import predict

def handled(*_):
    sys.exit(signal.getsignal(signal.SIGINT).__name__)

predict.draw = handled
main()
"""


def test_once_a_command_has_begun_a_signal_is_an_exception_that_cleans_up(tmp_path):
    command = [sys.executable, "-c", ONCE_BEGUN, "draw", tmp_path / "drawn"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.stderr == "default_int_handler\n"


SAYS_WHEN = """
import runpy, sys

class Teller:
    def find_spec(self, name, *_):
        if name == "catpipe.shell":
            print(flush=True)

sys.meta_path.insert(0, Teller())
runpy.run_module("catpipe", run_name="__main__")
"""


@pytest.mark.parametrize("delay", [0, 0.05, 0.1, 0.2, 0.4])
def test_a_signal_at_any_time_after_the_first_import_is_one_line(folder, delay):
    command = [sys.executable, "-c", SAYS_WHEN, "train", *ENDLESS, "--data", folder / "data"]
    with running(command) as run:
        wait_for(run, "")
        time.sleep(delay)
        run.send_signal(signal.SIGINT)
        _, err = run.communicate(timeout=FOREVER)
    assert run.returncode == 130
    assert re.fullmatch(r"catpipe: interrupted( at iteration .*)?\n", err)


def test_the_help_is_printed_without_numpy():
    code = "import runpy, sys, atexit; sys.argv[1:] = ['--help'];" \
           "atexit.register(lambda: print('numpy' in sys.modules));" \
           "runpy.run_module('catpipe', run_name='__main__')"  # fmt: skip
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.startswith("usage: catpipe")
    assert run.stdout.endswith("False\n")


LATER = """
import os, signal, sys, time
from catpipe.shell.cli import {module}
from catpipe.shell.cli.main import main
inner = {module}.{name}
def signalled(*arguments, **options):
    for _ in range({times}):
        os.kill(os.getpid(), signal.{sent})
    return inner(*arguments, **options)
{module}.{name} = signalled
sys.exit(main(sys.argv[1:]))
"""


def signalled(folder, out, module, name, sent="SIGINT", times=1):
    """Return a run of 150 iterations that gets a signal when it comes to this function."""
    code = LATER.format(module=module, name=name, sent=sent, times=times)
    command = [sys.executable, "-c", code, "train", *SMALL, "--data", folder / "data"]
    return subprocess.run([*command, "--out", out], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("name", "sent"),
    [("report_of", "SIGTERM"), ("save_run", "SIGINT"), ("print_report", "SIGHUP")],
)
def test_a_signal_that_comes_after_the_last_step_loses_nothing(folder, tmp_path, name, sent):
    run = signalled(folder, tmp_path / "a.h5", "session", name, sent, times=2)
    assert (run.returncode, run.stderr) == (0, "")
    assert (tmp_path / "a.h5").read_bytes() == (folder / "run.h5").read_bytes()


@pytest.mark.parametrize("name", ["result_at", "save_run"])
def test_signals_while_a_state_is_saved_lose_nothing_of_it(folder, tmp_path, name):
    code = LATER.format(module="session", name=name, sent="SIGINT", times=3)
    command = [sys.executable, "-c", code, "train", *SMALL, "--data", folder / "data"]
    run = subprocess.run(
        [*command, "--out", tmp_path / "a.h5", "--save-every", "50"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 130
    assert "interrupted at iteration 50 of 150; saved to" in run.stderr
    assert load_run(tmp_path / "a.h5").result.iterations_done == 50


@pytest.mark.parametrize(("module", "name"), [("fitting", "cost_of"), ("fitting", "_completed")])
def test_two_signals_once_the_last_state_is_reached_lose_nothing(folder, tmp_path, module, name):
    code = LATER.replace("catpipe.shell.cli import {module}", "catpipe.experiments import {module}")
    code = code.format(module=module, name=name, sent="SIGINT", times=2)
    command = [sys.executable, "-c", code, "train", *SMALL, "--data", folder / "data"]
    run = subprocess.run(
        [*command, "--out", tmp_path / "a.h5"], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert (tmp_path / "a.h5").read_bytes() == (folder / "run.h5").read_bytes()


def test_a_second_signal_stops_in_the_step_that_is_under_way_and_the_run_is_saved(folder, tmp_path):
    run = signalled(folder, tmp_path / "a.h5", "progress", "cost_line", times=2)
    assert run.returncode == 130
    assert re.search(r"interrupted at iteration \d+ of 150; saved to ", run.stderr)
    assert load_run(tmp_path / "a.h5").result.iterations_done < 150


def test_a_signal_that_is_to_be_ignored_is(folder, tmp_path):
    train = f"{sys.executable} -m catpipe train {' '.join(SMALL)} --data {folder}/data"
    ignoring = in_a_shell(
        f"trap '' INT; {train} --out {tmp_path}/a.h5 & sleep 0.4; kill -INT $!; wait $!"
    )
    assert ignoring.returncode == 0
    assert (tmp_path / "a.h5").read_bytes() == (folder / "run.h5").read_bytes()


def in_a_shell(command: str) -> subprocess.CompletedProcess[str]:
    shell = ("bash", "-o", "pipefail", "-c", command)
    return subprocess.run(shell, capture_output=True, text=True, check=False)


def test_a_reader_that_leaves_ends_the_command_as_it_ends_others(folder, tmp_path):
    train = f"{sys.executable} -u -m catpipe train --layers 3 --data {folder}/data"
    run = in_a_shell(f"{train} | head -n 1")
    assert (run.returncode, run.stderr) == (141, "")


@pytest.mark.parametrize(("reader", "status"), [("| head -n 4", 141), (">/dev/full", 2)])
def test_a_run_that_can_say_no_more_is_saved(folder, tmp_path, reader, status):
    train = f"{sys.executable} -u -m catpipe train --layers 3 --data {folder}/data"
    run = in_a_shell(f"{train} --out {tmp_path}/a.h5 {reader}")
    assert run.returncode == status
    assert [*tmp_path.iterdir()] == [tmp_path / "a.h5"] * (status == 141)


def test_a_closed_output_is_no_error(folder, tmp_path):
    train = f"{sys.executable} -m catpipe train --layers 3 --iterations 150 --data {folder}/data"
    run = in_a_shell(f"{train} --out {tmp_path}/a.h5 >&-")
    assert (run.returncode, run.stderr) == (0, "")
    assert (tmp_path / "a.h5").read_bytes() == (folder / "run.h5").read_bytes()


def test_a_full_output_is_one_line(folder):
    run = in_a_shell(
        f"{sys.executable} -m catpipe evaluate {folder}/run.h5 --data {folder}/data >/dev/full"
    )
    assert (run.returncode, run.stderr.count("\n")) == (2, 1)
    assert "No space left" in run.stderr


def on_a_terminal(*arguments: object) -> str:
    """Return what a terminal shows of the command."""
    ours, its = pty.openpty()
    termios.tcsetwinsize(its, (24, 100))
    with running((*CATPIPE, *arguments), stdout=its, stderr=its):
        os.close(its)
        shown = b""
        with suppress(OSError):  # how Linux ends a terminal's output
            while chunk := os.read(ours, 65536):
                shown += chunk
    os.close(ours)
    return shown.decode()


def test_a_terminal_shows_a_bar(folder):
    pytest.importorskip("tqdm")
    shown = on_a_terminal("train", *SMALL, "--data", folder / "data")
    assert "/150" in shown
    assert "cost at iteration   100" in shown


def test_a_replay_shows_a_bar_on_a_terminal(folder):
    pytest.importorskip("tqdm")
    shown = on_a_terminal("replay", folder / "run.h5", "--data", folder / "data")
    assert "/150" in shown
    assert "identical: 150 iterations" in shown


def test_seeds_show_a_bar_of_the_steps_of_all_networks_on_a_terminal(folder):
    pytest.importorskip("tqdm")
    shown = on_a_terminal("train", *SMALL, "--seeds", "1..4", "--data", folder / "data")
    assert "/600" in shown


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_a_plain_terminal_gets_plain_characters(folder, monkeypatch, name, value):
    pytest.importorskip("tqdm")
    monkeypatch.setenv(name, value)
    shown = on_a_terminal("train", *SMALL, "--data", folder / "data")
    assert "/150" in shown
    assert shown.isascii()
    assert not [c for c in shown if not c.isprintable() and c not in "\r\n"]


def test_what_is_not_a_terminal_gets_no_bar(folder):
    command = (*CATPIPE, "train", *SMALL, "--data", folder / "data")
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stderr == ""
    assert "/150" not in run.stdout
