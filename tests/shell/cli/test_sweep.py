"""`catpipe sweep` and `catpipe table`, as a person types them."""

import json
import os
import re
import signal
import sys

import pytest

from catpipe.adapters import dask
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.sweeps import grid
from catpipe.shell.cli import sweep as commands
from catpipe.shell.cli.main import main
from catpipe.shell.runs import sweep_folder
from catpipe.shell.runs.run_file import load_run
from tests.patience import FOREVER
from tests.processes import running, wait_for
from tests.typed import refused, said, save_colours

GRID = """
layers = [4]
iterations = 40
[grid]
learning-rate = [0.1, 0.02]
seed = "1..4"
"""
EXPERIMENTS = grid(
    Experiment(seed=1, hidden=(4,), iterations=40, classes=4),
    learning_rate=[0.1, 0.02],
    seed=range(1, 5),
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return save_colours(tmp_path_factory.mktemp("sweep") / "four")


@pytest.fixture
def config(tmp_path):
    (tmp_path / "grid.toml").write_text(GRID)
    return tmp_path / "grid.toml"


@pytest.fixture
def typed(config, data, tmp_path):
    return ("sweep", "--config", config, "--data", data, "--out", tmp_path / "runs")


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_every_experiment_of_the_grid_is_trained_and_saved(capsys, typed, tmp_path):
    said(capsys, *typed)
    saved = [load_run(path).result for path in (tmp_path / "runs").iterdir()]
    found = {
        r.experiment._replace(seed=seed) for r in saved for seed in r.seeds or (r.experiment.seed,)
    }
    assert found == {*EXPERIMENTS}
    assert all(result.is_finished for result in saved)


def test_what_is_there_is_not_trained_again(capsys, typed, tmp_path, monkeypatch):
    said(capsys, *typed)
    before = contents(tmp_path / "runs")
    monkeypatch.setattr(sweep_folder, "run_trial", lambda *_: pytest.fail("trained again"))
    assert "4 already in" in said(capsys, *typed)
    assert contents(tmp_path / "runs") == before


def test_a_run_that_is_lost_is_trained_again_to_the_same_bytes(capsys, typed, tmp_path):
    said(capsys, *typed)
    before = contents(tmp_path / "runs")
    next((tmp_path / "runs").iterdir()).unlink()
    said(capsys, *typed)
    assert contents(tmp_path / "runs") == before


def test_a_grid_that_grows_keeps_what_is_there(capsys, typed, config, tmp_path):
    said(capsys, *typed)
    before = contents(tmp_path / "runs")
    config.write_text(GRID.replace("0.02]", "0.02, 0.3]"))
    assert "12 experiments in 6 runs that differ in seed, learning rate; 4 already in" in said(
        capsys, *typed
    )
    assert before.items() < contents(tmp_path / "runs").items()


def test_other_data_are_other_runs(capsys, typed, tmp_path):
    said(capsys, *typed)
    other = save_colours(tmp_path / "other", side=4)
    assert "0 already in" in said(capsys, *typed, "--data", other)


def test_workers_save_the_same_bytes(capsys, typed, tmp_path):
    pytest.importorskip("distributed")
    said(capsys, *typed)
    said(capsys, *typed, "--out", tmp_path / "others", "--workers", 2)
    assert contents(tmp_path / "others") == contents(tmp_path / "runs")


def test_runs_that_a_sweep_saves_are_replayed_to_the_bit(capsys, typed, tmp_path):
    said(capsys, *typed)
    for path in (tmp_path / "runs").iterdir():
        assert "identical" in said(capsys, "replay", path)


def test_values_side_by_side_are_paired_and_then_combined(capsys, typed, config):
    config.write_text(
        "iterations = 3\n[zip]\nl2 = [0, 0.1]\nlayers = [[], [3]]\n[grid]\nseed = [1, 2]"
    )
    rows = json.loads(said(capsys, *typed, "--json"))["runs"]
    assert sorted((row["fields"]["l2"], row["fields"]["hidden"]) for row in rows) == [
        (0, []),
        (0.1, [3]),
    ]
    assert [row["seeds"] for row in rows] == [[1, 2]] * 2


def test_the_table_lists_the_best_first_with_its_interval(capsys, typed, tmp_path):
    said(capsys, *typed)
    rows = json.loads(said(capsys, "table", tmp_path / "runs", "--json"))["runs"]
    scores = [row["score"] for row in rows]
    assert scores == sorted(scores, reverse=True)
    for row in rows:
        low, high = row["interval"]
        assert 0 <= low < row["score"] <= high <= 1
    lines = said(capsys, "table", tmp_path / "runs").splitlines()
    assert lines[0].split() == [
        "learning",
        "rate",
        "seeds",
        "cost",
        "test",
        "95",
        "%",
        "interval",
        "file",
    ]
    assert [float(line.split()[0]) for line in lines[1:3]] == [
        row["fields"]["learning_rate"] for row in rows
    ]
    assert "choose by `catpipe validate`" in lines[-1]


def test_the_table_of_a_sweep_is_the_one_it_ends_with(capsys, typed, tmp_path):
    ended = said(capsys, *typed).splitlines()
    assert said(capsys, "table", tmp_path / "runs").splitlines() == ended[-5:-1]


def test_each_run_that_ends_is_said(capsys, typed):
    lines = said(capsys, *typed).splitlines()
    ended = [line for line in lines if line.startswith("seed")]
    assert [line.rpartition(":")[0] for line in ended] == [
        f"{seeds}, learning rate {rate}"
        for rate in (0.1, 0.02)
        for seeds in ("seeds 1..3", "seed 4")
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "[grid]\nlearning-rate = 0.1",
            "[grid] learning-rate is 0.1; expected a list of",
        ),
        ("[grid]\nlearning-rate = []", "[grid] learning-rate is []; expected a list"),
        ("[grid]\nrate = [1]", "has the key 'rate'; expected the name of an option"),
        ("[grid]\ndata = ['x']", "[grid] has data, which is of all runs; expected fields"),
        (
            "[grid]\nlearning-rate = [-1]",
            "learning_rate is -1.0; expected a positive finite number",
        ),
        ("save-every = 5", "save-every is 5; expected none, because a sweep saves each run"),
        (
            "[grd]\nl2 = [1]",
            "has the table [grd]; expected [grid] or [zip], which are of "
            "`catpipe sweep`: did you mean [grid]?",
        ),
        ("[network]\nl2 = 1", "has the table [network]; expected [grid] or [zip]"),
        ("grid = 3", "grid is 3; expected a table: write [grid] above its lines"),
        ("[zip]\nl2 = [0, 1]\nseed = [1]", "side by side, 2 of l2, 1 of seed; expected as many"),
        ("[grid]\nseed = '1..0'", "'1..0' is no range of seeds"),
        ("[grid]\nl2 = [1]\n[zip]\nl2 = [2]", "lists values of l2 in two places; expected one of"),
        ("seeds = '1..2'\n[grid]\nseed = [1]", "lists values of seed in two places"),
    ],
)
def test_a_grid_that_cannot_be_is_refused(capsys, typed, config, tmp_path, text, sentence):
    config.write_text(text)
    assert sentence in refused(capsys, *typed)
    assert not (tmp_path / "runs").exists()


def seeds_of_each_row(capsys, *typed):
    return [row["seeds"] for row in json.loads(said(capsys, *typed, "--json"))["runs"]]


@pytest.mark.parametrize(
    "text", ["seeds = '1..2'\niterations = 3", "iterations = 3\n[grid]\nseeds = '1..2'"]
)
def test_seeds_are_tried_above_the_grid_and_in_it(capsys, typed, config, text):
    config.write_text(text)
    assert seeds_of_each_row(capsys, *typed) == [[1, 2]]


def test_json_may_stand_in_the_file(capsys, typed, config):
    config.write_text("iterations = 3\njson = true")
    assert json.loads(said(capsys, *typed))["runs"]


def test_one_run_is_said_in_the_singular(capsys, typed, config):
    config.write_text("iterations = 3")
    assert "sweep: 1 experiment in 1 run; 0 already in" in said(capsys, *typed)


def test_workers_and_a_scheduler_are_not_named_together(capsys, typed):
    told = refused(capsys, *typed, "--workers", 2, "--scheduler", "tcp://127.0.0.1:1")
    assert "not allowed with" in told


def test_training_refuses_a_grid(capsys, config, data):
    told = refused(capsys, "train", "--config", config, "--data", data)
    assert "has [grid], a table of many experiments; expected those of one" in told


def test_without_a_folder_to_save_to_nothing_is_trained(capsys, config, data):
    assert "--out is missing; expected the folder" in refused(
        capsys, "sweep", "--config", config, "--data", data
    )


def test_where_no_scheduler_answers_no_folder_is_made(capsys, typed, tmp_path, monkeypatch):
    monkeypatch.setattr(dask, "SECONDS", 1)
    refused(capsys, *typed, "--scheduler", "tcp://127.0.0.1:1")
    assert not (tmp_path / "runs").exists()


def test_a_file_in_the_place_of_the_folder_is_refused(capsys, typed, config):
    assert "cannot be made" in refused(capsys, *typed, "--out", config)


def test_a_folder_without_runs_is_refused(capsys, tmp_path):
    assert "holds no runs; expected the folder" in refused(capsys, "table", tmp_path)


ENDLESS_BUT_FOR_TWO = """
import sys
from catpipe.__main__ import main
from catpipe.shell.runs import sweep_folder

def trial(pictures, validation, trial, watch, inner=sweep_folder.run_trial):
    if trial.experiment.learning_rate != 0.1:  # that of the first two
        trial = trial._replace(experiment=trial.experiment._replace(iterations=10**8))
    return inner(pictures, validation, trial, watch)

sweep_folder.run_trial = trial
sys.exit(main())
"""


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_sweep_that_is_killed_ends_with_the_same_runs_when_started_again(
    capsys, typed, config, tmp_path, how
):
    config.write_text(GRID.replace("0.02]", "0.02, 0.3, 0.05]"))
    with running((sys.executable, "-c", ENDLESS_BUT_FOR_TWO, *typed)) as process:
        for _ in range(2):
            wait_for(process, "seed")
        process.send_signal(how)
        _, errors = process.communicate(timeout=FOREVER)
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert re.fullmatch(
            rf"catpipe: interrupted with 2 of 8 runs saved in {tmp_path / 'runs'}: carry on "
            "with the same command, which trains the others\n",
            errors,
        )
    ended = contents(tmp_path / "runs")
    whole = [name for name in ended if name.endswith(".h5")]
    assert len(whole) == 2
    said(capsys, *typed)
    after = contents(tmp_path / "runs")
    assert {name: after[name] for name in whole} == {name: ended[name] for name in whole}
    said(capsys, *typed, "--out", tmp_path / "unbroken")
    assert after == contents(tmp_path / "unbroken")


def test_seeds_are_said_shortly():
    assert commands._seeds_words((1, 2, 3)) == "seeds 1..3"


DIVERGING = "layers = []\niterations = 30\n[grid]\nl2 = [1e300, 0.1, 0]\nseed = [7]"


def failing(capsys, *typed):
    """Return what a sweep prints of which some runs fail."""
    assert main([*map(str, typed)]) == 1
    return capsys.readouterr()


def test_the_runs_behind_one_that_diverges_are_trained(capsys, typed, config, tmp_path):
    config.write_text(DIVERGING)
    told = failing(capsys, *typed).out
    assert "seed 7, l2 0.1: cost" in told
    assert len(contents(tmp_path / "runs")) == 2


def test_a_run_that_diverges_is_named_by_its_fields_with_the_reason(capsys, typed, config):
    config.write_text(DIVERGING)
    told = failing(capsys, *typed).err
    assert told.startswith("catpipe: the run of seed 7, hidden (), iterations 30, ")
    assert "l2 1e+300: " in told
    assert "expected a finite one" in told or "expected finite ones" in told
    assert told.count("\n") == 1


def test_a_run_that_failed_is_tried_again_and_fails_alike(capsys, typed, config, tmp_path):
    config.write_text(DIVERGING)
    first, saved = failing(capsys, *typed).err, contents(tmp_path / "runs")
    assert failing(capsys, *typed).err == first
    assert contents(tmp_path / "runs") == saved


def test_json_lists_the_runs_that_failed(capsys, typed, config):
    config.write_text(DIVERGING)
    report = json.loads(failing(capsys, *typed, "--json").out)
    (failed,) = report["failed"]
    assert (failed["seeds"], failed["experiment"]["l2"]) == ([7], 1e300)
    assert len(report["runs"]) == 2


def test_a_sweep_of_which_all_fail_has_no_table(capsys, typed, config):
    config.write_text(DIVERGING.replace(", 0.1, 0]", "]"))
    told = failing(capsys, *typed)
    assert "interval" not in told.out
    assert told.err.count("\n") == 1


def test_runs_on_other_data_have_no_table_together(capsys, typed, tmp_path):
    said(capsys, *typed)
    said(capsys, *typed, "--data", save_colours(tmp_path / "other", side=4))
    told = refused(capsys, "table", tmp_path / "runs")
    assert "was trained on other examples than" in told
