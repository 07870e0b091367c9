"""`catpipe train --seeds`: what it says of many networks is what each of them says by itself."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from catpipe.data.drawn.drawings import draw
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import fit
from catpipe.experiments.result import probabilities
from catpipe.shell.cli.main import main
from catpipe.shell.runs.run_file import load_run
from catpipe.shell.storage.datasets import load_data, save_data
from tests.patience import FOREVER
from tests.processes import running, wait_for
from tests.typed import refused, said

SMALL = ("--layers", "3", "--iterations", "150")


@pytest.fixture(scope="module")
def data():
    return draw(seed=1, train=12, test=6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("seeds")
    save_data(folder, data, "drawn")
    return str(folder)


def typed(capsys, *arguments: str) -> str:
    """Return what the command prints."""
    assert main(["train", *SMALL, *arguments]) == 0
    return capsys.readouterr().out


@pytest.fixture
def report(capsys, folder):
    return json.loads(typed(capsys, "--data", folder, "--seeds", "3..5", "--json"))


def test_each_network_is_the_one_of_its_seed(capsys, folder, report):
    for seed, final_cost, train_accuracy, test_accuracy in zip(
        report["seeds"],
        report["final_costs"],
        report["train_accuracies"],
        report["test_accuracies"],
        strict=True,
    ):
        one = json.loads(typed(capsys, "--data", folder, "--seed", str(seed), "--json"))
        assert final_cost == pytest.approx(one["final_cost"], rel=1e-9)
        assert (train_accuracy, test_accuracy) == (one["train_accuracy"], one["test_accuracy"])


def test_the_network_and_the_seeds_are_told(report):
    assert report["network"] == [12288, 3, 1]
    assert report["seeds"] == [3, 4, 5]


def test_the_ensemble_averages_probabilities(data, report):
    each = [
        probabilities(
            fit(Experiment(seed=seed, hidden=(3,), iterations=150), data.train), data.test.inputs
        )
        for seed in (3, 4, 5)
    ]
    right = (np.mean(each, axis=0)[1] > 0.5) == data.test.targets
    assert report["ensemble_test_accuracy"] == right.mean()


def test_mean_spread_and_ensemble_are_printed(capsys, folder, report):
    out = typed(capsys, "--data", folder, "--seeds", "3..5")
    accuracies = np.array(report["test_accuracies"])
    assert f"mean {accuracies.mean():.2%}, standard deviation {accuracies.std():.2%}" in out
    assert f"from {accuracies.min():.2%} to {accuracies.max():.2%}" in out
    assert f"ensemble:       test accuracy {report['ensemble_test_accuracy']:.2%}" in out


@pytest.mark.parametrize(("batch", "each"), [((), 1), (("--batch-size", "5"), 3)])
def test_iterations_are_those_of_the_epochs_asked_for(capsys, folder, batch, each):
    assert main(["train", "--epochs", "4", *batch, "--seeds=1..2", "--json", "--data", folder]) == 0
    assert json.loads(capsys.readouterr().out)["iterations"] == 4 * each


@pytest.mark.parametrize(
    "flags",
    [
        ("--batch-size", "5", "--order", "balanced"),
        ("--dropout", "0.5"),
        ("--optimizer", "adam", "--class-weight", "1,3"),
        ("--early-stopping", "9"),
    ],
    ids=" ".join,
)
def test_each_network_is_the_one_of_its_seed_however_it_is_trained(capsys, folder, flags):
    many = json.loads(typed(capsys, "--data", folder, *flags, "--seeds", "3..4", "--json"))
    for seed, final_cost in zip((3, 4), many["final_costs"], strict=True):
        asked = ("--data", folder, *flags, "--seed", str(seed), "--json")
        assert final_cost == pytest.approx(json.loads(typed(capsys, *asked))["final_cost"])


@pytest.mark.parametrize(
    "text", ["", "1", "1..", "5..3", "-1..3", "1..2..3", f"0..{2**32}", "a..b"]
)
def test_what_is_no_range_of_seeds_is_refused(capsys, folder, text):
    with pytest.raises(SystemExit) as refusal:
        main(["train", f"--seeds={text}", "--data", folder])
    assert refusal.value.code == 2
    assert "no range of seeds" in capsys.readouterr().err


def test_many_networks_are_saved_as_one_run_that_is_evaluated_together(capsys, folder, tmp_path):
    out = tmp_path / "a.h5"
    told = json.loads(
        typed(capsys, "--seeds", "1..4", "--data", folder, "--out", str(out), "--json")
    )
    run = load_run(out)
    assert run.result.seeds == (1, 2, 3, 4)
    evaluated = json.loads(said(capsys, "evaluate", out, "--json"))
    assert evaluated["test_accuracy"] == told["ensemble_test_accuracy"]
    data = load_data(folder)
    sure = probabilities(run.result, data.test.inputs).mean(0)
    predicted = said(capsys, "predict", out).splitlines()
    for line, column in zip(predicted, sure.T, strict=True):
        assert f"{data.classes[column.argmax()]} (probability {column.max():.4f}" in line
    assert "identical" in said(capsys, "replay", out)


def test_networks_of_many_runs_are_not_saved_as_one(capsys, folder, tmp_path):
    out, many = tmp_path / "a.h5", ("train", "--seeds", "1..2", "--batch-size", "4")
    told = refused(capsys, *many, "--data", folder, "--out", out)
    assert "is of one run, and each seed is one with mini-batches" in told
    assert "save many with `catpipe sweep`" in told
    assert not out.exists()


def test_the_full_space_comes_to_the_same_costs_and_says_why_it_was_used(capsys, folder):
    dual, full = (
        json.loads(typed(capsys, "--data", folder, "--json", *flag))
        for flag in ((), ("--full-space",))
    )
    assert full["costs"] == pytest.approx(dual["costs"], rel=1e-10)
    assert "full space (chosen)" in full["space"]
    assert "12 examples" in dual["space"]


@pytest.mark.parametrize("seed", ["1", "2"])
def test_one_seed_and_many_are_not_both_asked_for(capsys, folder, seed):
    with pytest.raises(SystemExit) as refusal:
        main(["train", "--seed", seed, "--seeds", "1..2", "--data", folder])
    assert refusal.value.code == 2
    assert "not allowed with" in capsys.readouterr().err


def test_many_that_diverge_are_refused_in_one_line(folder):
    rates = ("--learning-rate", "1e300", "--iterations", "5", "--seeds", "1..3")
    command = (sys.executable, "-m", "catpipe", "train", *rates, "--data", folder)
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr.count("\n")) == (2, 1), run.stderr


def test_interrupting_many_ends_them_soon_in_one_line(folder):
    arguments = ("--seeds", "1..100", "--iterations", "100000000", "--data", folder)
    with running((sys.executable, "-u", "-m", "catpipe", "train", *arguments)) as run:
        wait_for(run, "network")
        time.sleep(1)
        run.send_signal(signal.SIGINT)
        _, err = run.communicate(timeout=FOREVER)
    told = "interrupted; nothing was saved: `catpipe sweep` saves each part as it ends"
    assert (run.returncode, err) == (130, f"catpipe: {told}\n")
