"""A regression at the command line: R squared and the cost, and no classes in any command."""

from __future__ import annotations

import json
import re
import shutil
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import pytest

from catpipe.data.examples import DataSet, Examples
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import fit
from catpipe.shell.cli.main import main
from catpipe.shell.storage.datasets import save_data
from catpipe.shell.storage.hdf5 import write
from tests.typed import refused, said, save_colours

REGRESSION = ("--loss", "mean_squared_error", "--initializer", "he", "--layers", "4",
              "--iterations", "60", "--learning-rate", "0.05")  # fmt: skip


def of_features(outputs: tuple[int, ...]) -> DataSet:
    draws = np.random.default_rng(1)
    X = draws.standard_normal((30, 5))
    Y = X @ draws.standard_normal((5, *outputs)) + 0.5
    return DataSet(Examples(X[:20], Y[:20]), Examples(X[20:], Y[20:]), ())


@pytest.fixture(scope="module", params=["pictures", "features", "two outputs"])
def regression(request, tmp_path_factory):
    """Return the file of a regression, and what its training printed."""
    folder = tmp_path_factory.mktemp("regression") / "data"
    if request.param == "pictures":
        save_colours(folder, classes=3)
    else:
        save_data(folder, of_features((2,) if request.param == "two outputs" else ()), "numbers")
    path = folder.parent / "run.h5"
    with redirect_stdout(StringIO()) as told:
        main(["train", "--data", str(folder), "--out", str(path), *REGRESSION])
    return path, told.getvalue()


@pytest.fixture
def trained(regression, tmp_path):
    """Return a copy of that file, and what was printed."""
    return Path(shutil.copy(regression[0], tmp_path)), regression[1]


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
    assert {*report} == {"data", "data_notes", "test_r_squared"}


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


def test_a_regression_on_classes_validates_on_a_file_and_is_resumed(capsys, tmp_path):
    folder, path = save_colours(tmp_path / "data", classes=3), tmp_path / "run.h5"
    stopping = ("--early-stopping", 3, "--validation", folder / "test_colours.h5")
    said(capsys, "train", "--data", folder, "--out", path, *REGRESSION, *stopping)
    assert "test R squared" in said(capsys, "resume", path, "--iterations", 70)


def test_seeds_of_a_regression_are_reported_by_r_squared(capsys, tmp_path):
    folder = save_colours(tmp_path / "data", classes=3)
    told = said(capsys, "train", "--data", folder, "--seeds", "1..3", *REGRESSION)
    assert re.search(r"^test R squared: +mean -?\d", told, re.MULTILINE)
    assert "test R squared" in told.partition("ensemble:")[2]


def test_what_is_printed_is_the_r_squared_of_scikit_learn(capsys, tmp_path):
    metrics = pytest.importorskip("sklearn.metrics")
    data = of_features((2,))
    save_data(tmp_path, data, "numbers")
    report = json.loads(said(capsys, "train", "--data", tmp_path, *REGRESSION, "--json"))
    experiment = {**report["experiment"], "hidden": (4,), "schedule": ("constant",)}
    result = fit(Experiment(**experiment), data.train)
    W1, b1, W2, b2 = (result.parameters[name] for name in ("W1", "b1", "W2", "b2"))
    predicted = (W2 @ np.maximum(W1 @ data.test.inputs.T + b1, 0) + b2).T
    expected = metrics.r2_score(data.test.targets, predicted)
    assert report["test_r_squared"] == pytest.approx(expected)


@pytest.fixture
def ratings(tmp_path):
    """Return the file of a data set whose targets, 1 to 5, may be classes or numbers."""
    X, y = np.random.default_rng(1).standard_normal((20, 3)), np.arange(20) % 5 + 1
    write(tmp_path / "ratings.h5", {"x_train": X, "y_train": y, "x_test": X, "y_test": y})
    return tmp_path / "ratings.h5"


def test_whole_numbers_are_predicted_as_they_are_in_the_file(capsys, ratings, tmp_path):
    run = tmp_path / "run"
    told = said(capsys, "train", "--data", ratings, "--out", run, *REGRESSION)
    assert "; targets are numbers, of a regression\n" in told
    assert re.findall(r"target (\d)", said(capsys, "predict", run)) == [*"12345" * 4]
    assert "identical" in said(capsys, "replay", run)


@pytest.mark.parametrize("command", ["train", "train --seeds 1..2", "resume", "evaluate"])
def test_json_has_the_notes_of_the_data_line(capsys, ratings, tmp_path, command):
    run, (name, *more) = tmp_path / "run", command.split()
    told = said(capsys, "train", "--data", ratings, "--out", run, *REGRESSION)
    given = (*more, "--data", ratings, *REGRESSION) if name == "train" else (run,)
    notes = json.loads(said(capsys, name, *given, "--json"))["data_notes"]
    assert f"; {'; '.join(notes)}\n" in told
    assert "targets are numbers, of a regression" in notes


def test_data_of_many_other_classes_are_refused_in_a_short_line(capsys, tmp_path):
    for name, classes in (("few", 2), ("many", 60)):
        y = np.arange(120) % classes
        write(tmp_path / name, {"x_train": np.ones((120, 2)), "y_train": y, "x_test": y[:, None] *
                                np.ones(2), "y_test": y})  # fmt: skip
    said(capsys, "train", "--data", tmp_path / "few", "--out", tmp_path / "run", "--iterations", 1)
    told = refused(capsys, "evaluate", tmp_path / "run", "--data", tmp_path / "many")
    assert "has the classes 0, 1, 2, 3, 4, 5, 6, 7, ... (60 in all); expected" in told


def test_names_are_no_targets_of_a_regression(capsys, tmp_path):
    names = np.array([b"cat", b"dog"] * 3)
    write(tmp_path / "pets.h5", {"x_train": np.ones((6, 2)), "y_train": names})
    told = refused(capsys, "train", "--data", tmp_path / "pets.h5", *REGRESSION)
    assert "has names; expected numbers" in told


def test_a_loss_is_proposed_where_nearly_every_example_is_of_its_own_class(capsys, tmp_path):
    write(tmp_path / "years.h5", {"x_train": np.eye(9), "y_train": np.arange(9) % 7})
    told = said(capsys, "train", "--data", tmp_path / "years.h5", "--iterations", 1)
    assert "the numbers 0 to 6 (for numbers to predict, --loss mean_squared_error)" in told


def test_targets_that_are_numbers_need_the_loss_of_a_regression(capsys, tmp_path):
    save_data(tmp_path, of_features(()), "numbers")
    told = refused(capsys, "train", "--data", tmp_path)
    assert "no classes; expected --loss mean_squared_error with them: add it" in told


def test_a_regression_is_drawn_in_a_figure(capsys, trained):
    pytest.importorskip("matplotlib")
    image = trained[0].with_name("run.png")
    said(capsys, "plot", trained[0], "--out", image)
    assert image.read_bytes().startswith(b"\x89PNG")


@pytest.fixture
def features(tmp_path):
    """Return the file of features of two classes, under the names of other courses."""
    X = np.random.default_rng(1).standard_normal((30, 5))
    y = (X[:, 0] > 0).astype(int)
    parts = {"x_train": X[:20], "y_train": y[:20], "x_test": X[20:], "y_test": y[20:]}
    write(tmp_path / "both.h5", parts)
    return tmp_path / "both.h5"


OF_CLASSES = ("--initializer", "he", "--layers", "4", "--iterations", "60")


def test_the_data_line_says_how_a_file_was_taken(capsys, features):
    told = said(capsys, "train", "--data", features, *OF_CLASSES).partition("\n")[0]
    assert told.startswith(
        f"data: {features} (20 examples to train on, 10 to test on); read from x_train "
    )
    assert "; classes are the numbers 0 to " in told


@pytest.mark.parametrize("command", ["evaluate", "predict", "replay", "show", "plot"])
def test_commands_take_features_of_one_file(capsys, features, tmp_path, command):
    path, more = tmp_path / "run", ["--out", tmp_path / "a.png"] if command == "plot" else []
    said(capsys, "train", "--data", features, "--out", path, *OF_CLASSES)
    assert said(capsys, command, path, *more)


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_data_that_take_more_memory_than_is_allowed_are_refused(
    capsys, features, tmp_path, command
):
    path = tmp_path / "run"
    said(capsys, "train", "--data", features, "--out", path, "--memory", 3, *OF_CLASSES)
    run = [path] if command == "evaluate" else []
    told = refused(capsys, command, *run, "--data", features, "--memory", "1e-7")
    assert "allow it with --memory 1, or split it" in told


@pytest.mark.parametrize("memory", ["0", "-1", "nan", "inf", "much", "1_0"])
def test_memory_that_cannot_be_is_refused(capsys, memory):
    assert "--memory: " in refused(capsys, "train", "--memory", memory)
