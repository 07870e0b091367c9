"""A regression at the command line: R squared and the cost, and no classes in any command."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from catpipe.data.examples import DataSet, Examples
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import fit
from catpipe.shell.cli import train as training
from catpipe.shell.runs import locate
from tests.typed import refused, said, save_colours

REGRESSION = ("--loss", "mean_squared_error", "--initializer", "he", "--layers", "4",
              "--iterations", "60", "--learning-rate", "0.05")  # fmt: skip


def of_features(outputs: tuple[int, ...]) -> DataSet:
    draws = np.random.default_rng(1)
    X = draws.standard_normal((30, 5))
    Y = X @ draws.standard_normal((5, *outputs)) + 0.5
    return DataSet(Examples(X[:20], Y[:20]), Examples(X[20:], Y[20:]), ())


@pytest.fixture(params=["pictures", "features", "two outputs"])
def trained(request, capsys, tmp_path, monkeypatch):
    """Return the file of a regression, and what its training printed."""
    folder = save_colours(tmp_path / "data", classes=3)
    if request.param != "pictures":
        data = of_features((2,) if request.param == "two outputs" else ())
        for module in (training, locate):
            monkeypatch.setattr(module, "load_data", lambda _: data)
    path = tmp_path / "run.h5"
    return path, said(capsys, "train", "--data", folder, "--out", path, *REGRESSION)


def test_training_prints_cost_and_r_squared_and_no_accuracy(trained):
    _, told = trained
    assert re.search(r"^train R squared: -?\d", told, re.MULTILINE)
    assert re.search(r"^test R squared: +-?\d", told, re.MULTILINE)
    assert re.search(r"^cost at iteration +60: \d", told, re.MULTILINE)
    assert "accuracy" not in told


def test_evaluate_prints_r_squared_and_no_confusion(capsys, trained):
    told = said(capsys, "evaluate", trained[0])
    assert re.search(r"^test R squared: -?\d", told, re.MULTILINE)
    assert "predicted" not in told


def test_evaluate_reports_r_squared_in_json(capsys, trained):
    report = json.loads(said(capsys, "evaluate", trained[0], "--json"))
    assert {*report} == {"data", "test_r_squared"}


def test_predict_prints_numbers_with_their_targets(capsys, trained):
    told = said(capsys, "predict", trained[0], "--index", 0, 3)
    lines = r"(picture|example) [03]: -?\d[^(]* \(target -?\d.*\)\n"
    assert re.fullmatch(f"({lines}){{2}}", told)


@pytest.mark.parametrize("command", ["show", "replay", "compare"])
def test_commands_that_inspect_take_a_regression(capsys, trained, command):
    path = trained[0]
    more = [path] if command == "compare" else []
    assert "class" not in said(capsys, command, path, *more)


def test_a_regression_is_resumed(capsys, trained):
    told = said(capsys, "resume", trained[0], "--iterations", 80, "--json")
    report = json.loads(told)
    assert {"train_r_squared", "test_r_squared"} < {*report}
    assert report["iterations"] == 80


def test_seeds_of_a_regression_are_reported_by_r_squared(capsys, tmp_path):
    folder = save_colours(tmp_path / "data", classes=3)
    told = said(capsys, "train", "--data", folder, "--seeds", "1..3", *REGRESSION)
    assert re.search(r"^test R squared: +mean -?\d", told, re.MULTILINE)
    assert "test R squared" in told.partition("ensemble:")[2]


def test_what_is_printed_is_the_r_squared_of_scikit_learn(capsys, tmp_path, monkeypatch):
    metrics = pytest.importorskip("sklearn.metrics")
    data = of_features((2,))
    monkeypatch.setattr(training, "load_data", lambda _: data)
    folder = save_colours(tmp_path / "data", classes=3)
    report = json.loads(said(capsys, "train", "--data", folder, *REGRESSION, "--json"))
    experiment = {**report["experiment"], "hidden": (4,), "schedule": ("constant",)}
    result = fit(Experiment(**experiment), data.train)
    W1, b1, W2, b2 = (result.parameters[name] for name in ("W1", "b1", "W2", "b2"))
    predicted = (W2 @ np.maximum(W1 @ data.test.inputs.T + b1, 0) + b2).T
    expected = metrics.r2_score(data.test.targets, predicted)
    assert report["test_r_squared"] == pytest.approx(expected)


def test_targets_that_are_numbers_need_the_loss_of_a_regression(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "load_data", lambda _: of_features(()))
    folder = save_colours(tmp_path / "data", classes=3)
    told = refused(capsys, "train", "--data", folder)
    assert "no classes; expected --loss mean_squared_error with them: add it" in told
