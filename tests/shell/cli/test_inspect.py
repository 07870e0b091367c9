"""A run from the command line: kept on the way, carried on, replayed, shown and compared."""

import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catpipe.experiments.ensembles import fit_seeds
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import fit
from catpipe.nn.parameters import map_parameters
from catpipe.shell.cli import session as sittings
from catpipe.shell.cli.main import main
from catpipe.shell.runs import provenance as sources
from catpipe.shell.runs.compare import differences
from catpipe.shell.runs.run_file import Run, load_run, save_run
from catpipe.shell.storage.atomic import printable
from catpipe.shell.storage.datasets import load_data, save_data
from tests.typed import COLOURS, refused, said, save_colours

SMALL = ("--layers", "3", "--learning-rate", "0.05", "--iterations", "150")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Return a folder of pictures in three colours."""
    return save_colours(tmp_path_factory.mktemp("runs") / "data", classes=3)


@pytest.fixture(scope="module")
def whole(data) -> Path:
    """Return the file of a run that never stopped."""
    out = data.parent / "whole.h5"
    assert main(["train", *SMALL, "--data", str(data), "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def killed(data) -> bytes:
    """Return the file of a run that was killed after it was saved at iteration 60."""
    out = data.parent / "killed.h5"

    class Killed(BaseException):
        pass

    def save(path: Path, run: Run) -> None:
        save_run(path, run)
        if run.result.iterations_done == 60:
            raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sittings, "save_run", save)
        with pytest.raises(Killed):
            main(["train", *SMALL, "--data", str(data), "--out", str(out), "--save-every", "20"])
    assert load_run(out).result.iterations_done == 60
    return out.read_bytes()


@pytest.fixture
def stopped(killed, tmp_path) -> Path:
    """Return a copy of that file, to be carried on."""
    (tmp_path / "stopped.h5").write_bytes(killed)
    return tmp_path / "stopped.h5"


def told(capsys, *arguments: object) -> tuple[int, str]:
    """Return the exit status and what a command prints that has no complaint."""
    status = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    assert err == ""
    return status, out


# Checkpoint on the way.


def test_a_run_is_saved_every_so_often_and_at_its_end(data, tmp_path, monkeypatch):
    saves: list[int] = []

    def save(path: Path, run: Run) -> None:
        saves.append(run.result.iterations_done)
        save_run(path, run)

    monkeypatch.setattr(sittings, "save_run", save)
    arguments = ("train", *SMALL, "--data", data, "--out", tmp_path / "a.h5", "--save-every", 50)
    assert main([*map(str, arguments)]) == 0
    assert saves == [50, 100, 150]


def test_saving_on_the_way_changes_nothing_of_the_run(capsys, data, whole, tmp_path):
    out = tmp_path / "a.h5"
    said(capsys, "train", *SMALL, "--data", data, "--out", out, "--save-every", 7)
    assert out.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--save-every", 5), "--save-every is without --out"),
        (
            ("--save-every", 0, "--out", "a.h5"),
            "--save-every is 0; expected an integer of at least 1",
        ),
        (("--save-every", "often", "--out", "a.h5"), "--save-every"),
    ],
)
def test_a_wrong_interval_is_refused(capsys, data, tmp_path, monkeypatch, arguments, expected):
    monkeypatch.chdir(tmp_path)
    assert expected in refused(capsys, "train", *SMALL, "--data", data, *arguments)
    assert not [*tmp_path.iterdir()]


# Carried on.


@pytest.mark.parametrize("more", [(), ("--save-every", 11)], ids=str)
def test_a_killed_run_that_is_resumed_leaves_the_bytes_of_one_that_never_stopped(
    capsys, whole, stopped, more
):
    out = said(capsys, "resume", stopped, *more)
    assert f"resumed: {stopped} at iteration 60 of 150" in out
    assert f"parameters: saved to {stopped}" in out
    assert stopped.read_bytes() == whole.read_bytes()


def test_a_resumed_run_prints_what_it_would_have_printed_from_there(capsys, data, whole, stopped):
    whole_out = said(capsys, "train", *SMALL, "--data", data).splitlines()
    out = said(capsys, "resume", stopped).splitlines()
    from_there = [line for line in whole_out if re.match("cost|train|test", line)][1:]
    assert [line for line in out if re.match("cost|train|test", line)] == from_there


def test_a_run_is_carried_on_to_more_iterations_than_were_asked_for(capsys, data, whole, tmp_path):
    longer, out = tmp_path / "longer.h5", tmp_path / "whole.h5"
    shutil.copy(whole, out)
    said(capsys, "resume", out, "--iterations", 333)
    arguments = [*SMALL[:-1], 333, "--data", data]
    said(capsys, "train", *arguments, "--out", longer)
    assert out.read_bytes() == longer.read_bytes()


def test_a_finished_run_is_left_as_it_is_also_by_another_numpy(capsys, whole, monkeypatch):
    before = whole.read_bytes()
    monkeypatch.setattr("numpy.__version__", "99.0")
    assert f"as they were in {whole}, which is finished" in said(capsys, "resume", whole)
    assert whole.read_bytes() == before


def test_resume_json_is_the_object_that_train_prints(capsys, data, stopped):
    resumed = json.loads(said(capsys, "resume", stopped, "--json"))
    trained = json.loads(said(capsys, "train", *SMALL, "--data", data, "--json"))
    differing = {key for key in trained if trained[key] != resumed[key]}
    assert trained.keys() == resumed.keys()
    assert differing <= {"seconds"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--iterations", 59), "iterations is 59 of a run that is at 60; expected more"),
        (("--iterations", 0), "expected an integer from 1"),
        (("--save-every", 0), "--save-every is 0"),
        (("--data", "nowhere"), "nowhere: is not there"),
        (("--validation", "nowhere.h5"), "nowhere.h5"),
    ],
    ids=str,
)
def test_what_cannot_be_resumed_is_one_line_and_leaves_the_file(
    capsys, stopped, arguments, expected
):
    before = stopped.read_bytes()
    assert expected in refused(capsys, "resume", stopped, *arguments)
    assert stopped.read_bytes() == before


@pytest.fixture
def others(data, tmp_path) -> Path:
    """Return a folder of other pictures to train on."""
    there = load_data(data)
    upside_down = there.train._replace(inputs=there.train.inputs[:, ::-1])
    save_data(tmp_path / "others", there._replace(train=upside_down), "colours")
    return tmp_path / "others"


def test_a_run_is_not_carried_on_with_other_pictures(capsys, stopped, others):
    before = stopped.read_bytes()
    told = refused(capsys, "resume", stopped, "--data", others)
    assert re.search(r"other data than .* was trained on \(train_colours.h5 with SHA-256", told)
    assert stopped.read_bytes() == before


def test_the_data_may_be_elsewhere_and_named_again(capsys, data, whole, stopped, tmp_path):
    shutil.copytree(data, tmp_path / "moved")
    said(capsys, "resume", stopped, "--data", tmp_path / "moved")
    assert stopped.read_bytes() == whole.read_bytes()


def test_data_of_ours_are_found_by_what_they_are(capsys, data, tmp_path, monkeypatch, others):
    for name, folder in (("catvnoncat", others), ("drawn", data)):
        shutil.copytree(folder, tmp_path / "data" / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sources, "HOMES", (Path("data"),))
    shutil.move("data/catvnoncat", "data/away")
    said(capsys, "train", *SMALL, "--out", "a.h5")
    shutil.move("data/away", "data/catvnoncat")
    assert "data: data/drawn" in said(capsys, "resume", "a.h5", "--iterations", 160)


@pytest.fixture(scope="module")
def validated(data, tmp_path_factory) -> Path:
    """Return the file of a run that stops early by pictures of its own."""
    out = tmp_path_factory.mktemp("validated") / "a.h5"
    asked = ("--early-stopping", 9, "--validation", data / "test_colours.h5")
    arguments = ("train", *SMALL, "--data", data, *asked, "--out", out)
    assert main([*map(str, arguments)]) == 0
    return out


def test_a_run_with_a_validation_file_finds_it_again(capsys, validated, tmp_path):
    out = Path(shutil.copy(validated, tmp_path))
    assert "resumed" in said(capsys, "resume", out, "--iterations", 220)
    assert "identical: 220 iterations" in said(capsys, "replay", out)


def test_a_run_is_not_carried_on_with_another_validation_file(capsys, validated, others):
    told = refused(
        capsys, "resume", validated, "--iterations", 220,
        "--validation", others / "train_colours.h5",
    )  # fmt: skip
    assert "test_colours.h5 with SHA-256" in told


@pytest.mark.parametrize("command", ["resume", "replay"])
def test_the_data_of_a_run_from_python_are_to_be_named(capsys, data, tmp_path, command):
    asked = Experiment(seed=1, hidden=(3,), classes=3, iterations=20)
    save_run(tmp_path / "a.h5", Run(fit(asked, load_data(data).train), COLOURS[:3]))
    told = refused(capsys, command, tmp_path / "a.h5")
    assert "a.h5: its data are not recorded with it; expected the folder" in told


def test_a_run_from_python_is_carried_on_where_its_data_are_named(capsys, data, others, tmp_path):
    asked = Experiment(seed=1, hidden=(3,), classes=3, iterations=20)
    save_run(tmp_path / "a.h5", Run(fit(asked, load_data(data).train), COLOURS[:3]))
    said(capsys, "resume", tmp_path / "a.h5", "--iterations", 30, "--data", data)
    told = refused(capsys, "resume", tmp_path / "a.h5", "--iterations", 40, "--data", others)
    assert "a.h5: examples with SHA-256" in told
    expected = fit(asked._replace(iterations=30), load_data(data).train)
    assert load_run(tmp_path / "a.h5").result.iterations_done == 30
    parameters = load_run(tmp_path / "a.h5").result.parameters
    assert abs(parameters["W1"] - expected.parameters["W1"]).max() < 1e-12


def test_a_stack_of_networks_is_carried_on_in_python(capsys, data, tmp_path):
    asked = Experiment(seed=1, hidden=(3,), classes=3, iterations=20)
    result = fit_seeds(asked, (1, 2), load_data(data).train)
    save_run(tmp_path / "many.h5", Run(result, COLOURS[:3]))
    assert "networks; expected one" in refused(capsys, "resume", tmp_path / "many.h5")


def test_where_the_environment_has_changed_the_file_says_from_when_on(capsys, stopped, monkeypatch):
    monkeypatch.setattr("numpy.__version__", "99.0")
    said(capsys, "resume", stopped)
    then, now = load_run(stopped).environments
    assert (then[0], now[0], now[1]["numpy"]) == (0, 60, "99.0")
    assert "from iteration 60 with" in said(capsys, "show", stopped)


ODD = ["id\u3000eo", "tab\there", "line\nbreak", "hard\u00a0space", os.fsdecode(b"latin\xff")]


@pytest.mark.parametrize("name", ODD, ids=ascii)
def test_a_folder_may_have_any_name_and_is_shown_on_one_line(capsys, data, tmp_path, name):
    folder, out = tmp_path / name, tmp_path / "a.h5"
    shutil.copytree(data, folder)
    assert main(["train", *SMALL, "--data", str(folder), "--out", str(out)]) == 0
    capsys.readouterr()
    source = load_run(out).source
    assert source is not None
    assert source.folder == str(folder)
    assert f"data:       {printable(str(folder))}\n" in said(capsys, "show", out)
    assert "resumed" in said(capsys, "resume", out, "--iterations", 160)


def test_data_that_are_gone_are_to_be_named(capsys, data, stopped, monkeypatch, tmp_path):
    shutil.copytree(data, tmp_path / "gone")
    out = tmp_path / "a.h5"
    said(capsys, "train", *SMALL, "--data", tmp_path / "gone", "--out", out)
    shutil.rmtree(tmp_path / "gone")
    for command in ("resume", "replay", "evaluate"):
        told = refused(capsys, command, out)
        assert f"a.h5: its data are not in {tmp_path / 'gone'}; expected the folder" in told
        assert "give it with --data" in told


def test_a_run_that_can_be_carried_on_is_not_replaced(capsys, data, stopped):
    before = stopped.read_bytes()
    told = refused(capsys, "train", *SMALL, "--data", data, "--out", stopped)
    assert "is a run at iteration 60 of 150, not finished; expected a new name" in told
    assert f"carry it on with `catpipe resume {stopped}`" in told
    assert stopped.read_bytes() == before


@pytest.mark.parametrize("command", ["evaluate", "predict", "resume"])
def test_data_are_found_from_where_the_run_is(capsys, data, tmp_path, monkeypatch, command):
    shutil.copytree(data, tmp_path / "there" / "data")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "there")
    said(capsys, "train", *SMALL, "--data", "data", "--out", "a.h5")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert said(capsys, command, "../there/a.h5")


@pytest.mark.parametrize("command", ["evaluate", "predict"])
def test_other_pictures_than_then_are_to_be_named(capsys, data, others, tmp_path, command):
    folder, out = tmp_path / "changed", tmp_path / "a.h5"
    shutil.copytree(data, folder)
    said(capsys, "train", *SMALL, "--data", folder, "--out", out)
    there = load_data(folder)
    save_data(folder, there._replace(test=there.train), "colours")
    told = refused(capsys, command, out)
    assert "test_colours.h5: holds other examples than when" in told
    assert said(capsys, command, out, "--data", folder)


def test_a_validation_file_that_is_gone_is_to_be_named(capsys, data, tmp_path):
    own, out = Path(shutil.copy(data / "test_colours.h5", tmp_path)), tmp_path / "a.h5"
    asked = ("--early-stopping", 9, "--validation", own, "--out", out)
    said(capsys, "train", *SMALL, "--data", data, *asked)
    own.unlink()
    told = refused(capsys, "resume", out, "--iterations", 200)
    assert f"a.h5: its validation examples are not in {own}; expected that file" in told


def test_a_file_keeps_its_mode(capsys, stopped):
    stopped.chmod(0o600)
    said(capsys, "resume", stopped)
    assert stopped.stat().st_mode & 0o777 == 0o600


# Replayed.


def test_a_run_that_comes_out_again_is_identical(capsys, whole):
    status, out = told(capsys, "replay", whole)
    assert status == 0
    assert out.splitlines()[-1] == "identical: 150 iterations, every number to the bit"


def test_a_run_that_was_killed_is_replayed_as_far_as_it_is(capsys, stopped):
    status, out = told(capsys, "replay", stopped)
    assert status == 0
    assert out.endswith("identical: 60 iterations, every number to the bit\n")


def test_other_data_are_the_reason_that_a_replay_finds(capsys, whole, others):
    status, out = told(capsys, "replay", whole, "--data", others)
    assert status == 1
    assert "not identical: " in out
    assert "reason: train_colours.h5 with SHA-256 " in out


def test_other_data_are_the_reason_after_a_resume_with_another_rate_too(capsys, stopped, others):
    said(capsys, "resume", stopped, "--learning-rate", 0.001)
    status, out = told(capsys, "replay", stopped, "--data", others)
    assert status == 1
    assert "reason: train_colours.h5 with SHA-256 " in out


def test_what_was_changed_in_the_file_is_what_a_replay_finds(capsys, whole, tmp_path):
    run = load_run(whole)
    W = run.result.parameters["W2"] * (1 + 1e-9)
    changed = run.result._replace(parameters=run.result.parameters | {"W2": W})
    save_run(tmp_path / "a.h5", run._replace(result=changed))
    status, out = told(capsys, "replay", tmp_path / "a.h5")
    assert status == 1
    assert "not identical: 150 iterations, 1 of the arrays; most of all W2: off by 1e-09 of" in out
    assert "reason: none found" in out


@pytest.mark.parametrize(("tolerance", "status", "word"), [(2e-9, 0, "met"), (1e-10, 1, "exceed")])
def test_a_replay_is_well_within_the_tolerance_that_is_stated(
    capsys, whole, tmp_path, tolerance, status, word
):
    run = load_run(whole)
    W = run.result.parameters["W2"] * (1 + 1e-9)
    changed = run.result._replace(parameters=run.result.parameters | {"W2": W})
    save_run(tmp_path / "a.h5", run._replace(result=changed))
    was, out = told(capsys, "replay", tmp_path / "a.h5", "--tolerance", tolerance)
    assert was == status
    assert f"tolerance: {tolerance:g}, {word}" in out


def test_zeros_of_unlike_signs_are_not_identical(whole):
    result = load_run(whole).result
    zero, minus = (
        result._replace(parameters=map_parameters(lambda W, s=sign: s * 0 * np.abs(W), of))
        for sign, of in ((1.0, result.parameters), (-1.0, result.parameters))
    )
    assert differences(zero, zero) == []
    off = differences(zero, minus)
    assert {difference.name for difference in off} == {*result.parameters}
    assert {difference.fraction for difference in off} == {0.0}


def test_costs_are_compared_with_costs_and_not_with_their_iterations(whole):
    result = load_run(whole).result
    doubled = result._replace(costs=tuple((i, 2 * cost) for i, cost in result.costs))
    (off,) = differences(result, doubled)
    assert (off.name, off.fraction) == ("costs", 1.0)


@pytest.mark.parametrize("tolerance", ["-1", "nan", "inf", "far"])
def test_a_tolerance_that_is_no_share_is_refused(capsys, whole, tolerance):
    assert "--tolerance" in refused(capsys, "replay", whole, "--tolerance", tolerance)


def replayed_with(run: Path, **environment: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "catpipe", "replay", str(run)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_another_kernel_of_blas_is_the_reason_that_a_replay_finds(whole):
    kernel = str(load_run(whole).environments[0][1]["blas_kernel"])
    other = "Nehalem" if kernel != "Nehalem" else "Sandybridge"
    status, out = replayed_with(whole, OPENBLAS_CORETYPE=other)
    if f"BLAS's CPU kernel {kernel}, here {other}" not in out:
        assert status == 0
        pytest.skip("this BLAS has one kernel, or none that can be told")
    assert status == 1


def test_the_number_of_threads_does_not_matter_where_training_is_small(whole):
    for threads in ("1", "2"):
        status, out = replayed_with(whole, OMP_NUM_THREADS=threads, OPENBLAS_NUM_THREADS=threads)
        assert (status, "every number to the bit" in out) == (0, True)


# Shown and compared.


def test_show_says_what_a_run_is(capsys, data, whole):
    out = said(capsys, "show", whole)
    size = f"{whole.stat().st_size:,} bytes"
    for words in ("27-3-3, relu; 150 iterations at learning rate 0.05", "red, green, blue",
                  "150 of 150, finished", "full space", "at iteration 149", str(data),
                  "train_colours.h5, SHA-256 ", "NumPy ", size):  # fmt: skip
        assert words in out


def test_show_says_that_a_run_is_not_finished(capsys, stopped):
    assert "60 of 150, not finished" in said(capsys, "show", stopped)


def test_show_json_is_the_record_in_the_file(capsys, whole):
    record = json.loads(said(capsys, "show", whole, "--json"))
    assert record["experiment"]["hidden"] == [3]
    assert re.fullmatch("[0-9a-f]{64}", record["source"]["train"]["sha256"])


def test_a_run_compared_with_itself_is_identical(capsys, whole):
    status, out = told(capsys, "compare", whole, whole)
    assert (status, out.startswith("identical: ")) == (0, True)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (("--seed", 2), ["seed: 1 and 2", "W1: off by "]),
        (("--layers", "4"), ["hidden: (3,) and (4,)", "W1: of another shape"]),
        (("--iterations", 149), ["iterations: 150 and 149", "planned iterations: 150 and 149"]),
        (("--dtype", "float32"), ["dtype: float64 and float32"]),
        (("--optimizer", "heavy_ball"), ["moment1.W1: of another shape"]),
        (("--full-space",), ["full space: False and True", "space description: "]),
    ],
)
def test_compare_says_what_differs(capsys, data, whole, tmp_path, changes, expected):
    said(capsys, "train", *SMALL, "--data", data, *changes, "--out", tmp_path / "a.h5")
    status, out = told(capsys, "compare", whole, tmp_path / "a.h5")
    assert status == 1
    for line in expected:
        assert line in out


def test_compare_says_which_cost_is_lower(capsys, data, whole, tmp_path):
    said(capsys, "train", *SMALL, "--data", data, "--seed", 2, "--out", tmp_path / "a.h5")
    costs = [f"{load_run(path).result.costs[-1][1]:.6g}" for path in (whole, tmp_path / "a.h5")]
    _, out = told(capsys, "compare", whole, tmp_path / "a.h5")
    assert f"last cost: {costs[0]} and {costs[1]}" in out


def test_what_is_no_run_is_told_to_one_who_forgot_the_run(capsys, tmp_path):
    (tmp_path / "cat.txt").write_text("a cat")
    sentence = refused(capsys, "show", tmp_path / "cat.txt")
    assert "expected a run of `catpipe train --out`: name the run first" in sentence


@pytest.mark.parametrize("command", ["resume", "replay", "show", "compare"])
def test_what_is_no_run_is_refused(capsys, data, whole, command):
    arguments: list[Any] = [command, data / "train_colours.h5"]
    assert "record" in refused(capsys, *arguments, *[whole] * (command == "compare"))


# Runs that were changed on the way.


@pytest.fixture(scope="module")
def changed(data, tmp_path_factory):
    """Return a run of 20 iterations, carried on to 30 with a smaller learning rate."""
    path = str(tmp_path_factory.mktemp("changed") / "changed.h5")
    with redirect_stdout(StringIO()) as told:
        main(["train", *SMALL, "--iterations", "20", "--data", str(data), "--out", path])
        main(["resume", path, "--iterations", "30", "--learning-rate", "0.001"])
    return Path(path), told.getvalue()


WHAT_CHANGED = "at iteration 20: learning rate 0.05 to 0.001, iterations 20 to 30"


def test_a_resume_says_what_changes(changed):
    assert f"changed: {WHAT_CHANGED}\n" in changed[1]


def test_a_changed_run_is_replayed_to_the_bit(capsys, changed):
    assert "identical: 30 iterations" in said(capsys, "replay", changed[0])


def test_a_changed_run_is_shown_with_its_changes(capsys, changed):
    assert f"changed:    {WHAT_CHANGED}\n" in said(capsys, "show", changed[0])


def test_runs_with_other_changes_differ_in_them(capsys, changed, data, tmp_path):
    plain = tmp_path / "plain.h5"
    said(capsys, "train", *SMALL, "--iterations", 30, "--learning-rate", 0.001, "--data", data,
         "--out", plain)  # fmt: skip
    status = main(["compare", str(changed[0]), str(plain)])
    out, _ = capsys.readouterr()
    assert status == 1
    assert f"changes: {WHAT_CHANGED} and None\n" in out


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--learning-rate", "-1"], "--learning-rate is -1.0; expected a positive finite number"),
        (["--learning-rate", "fast"], "--learning-rate is 'fast'; expected a positive"),
        (["--l2", "0.1"], "--l2 is changed in a run that is finished at iteration 30"),
        (["--iterations", "29"], "--iterations is 29 of a run that is at 30"),
        (["--iterations", "ten"], "--iterations is 'ten'; expected an integer"),
        (["--early-stopping", "3"], "--early-stopping is changed in a run without early stopping"),
        (["--momentum", "0.5"], "--momentum is 0.5 with gradient_descent"),
        (["--optimizer", "adam"], "--optimizer is no option"),
        (["--lr", "0.1"], "--lr is no option (did you mean --learning-rate?)"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_change_that_is_refused_is_named_by_its_flag_and_the_file_stays(
    capsys, changed, flags, told
):
    before = changed[0].read_bytes()
    assert told in refused(capsys, "resume", changed[0], *flags)
    assert changed[0].read_bytes() == before
