"""The figures of a run, as a person asks for them."""

from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

from catpipe.data.examples import DataSet, Examples
from catpipe.experiments.explanations import input_gradients
from catpipe.experiments.result import predictions, probabilities
from catpipe.metrics.probabilities import worst_mistakes
from catpipe.shell.cli.arguments import FIGURES
from catpipe.shell.cli.plot import KINDS
from catpipe.shell.runs.run_file import load_run
from catpipe.shell.storage.datasets import load_data, save_data
from tests.typed import refused, said

pytest.importorskip("matplotlib")

OF_CLASSES = ("confusion", "calibration", "saliency")


def made(folder: Path, inputs, targets, classes, *options):
    """Save data, all of which train and test; return what trains on them and its run's file."""
    examples = Examples(inputs, targets)
    save_data(folder / "data", DataSet(examples, examples, classes), "made")
    return ("train", "--data", folder / "data", "--iterations", 3, *options), folder / "run.h5"


@pytest.fixture
def run(capsys, tmp_path) -> Path:
    images = np.random.default_rng(1).integers(0, 256, (6, 4, 5, 3)).astype(np.uint8)
    train, path = made(tmp_path, images, np.arange(6) % 2, ("dog", "$cat_"), "--layers", "3")
    said(capsys, *train, "--out", path)
    return path


@pytest.fixture
def features(capsys, tmp_path) -> Path:
    rows = np.random.default_rng(1).standard_normal((6, 4))
    train, path = made(tmp_path, rows, np.arange(6) % 3, ("a", "b", "c"))
    said(capsys, *train, "--out", path)
    return path


@pytest.fixture
def regression(capsys, tmp_path) -> Path:
    rows = np.random.default_rng(1).standard_normal((6, 4))
    train, path = made(tmp_path, rows, rows @ np.ones(4), ())
    said(capsys, *train, "--loss", "mean_squared_error", "--out", path)
    return path


def test_help_names_the_figures_that_there_are():
    assert tuple(KINDS) == tuple(FIGURES)


@pytest.mark.parametrize("what", FIGURES)
def test_each_figure_of_a_run_on_pictures_is_drawn(capsys, run, what):
    told = said(capsys, "plot", run, "--what", what)
    name = "run.png" if what == "overview" else f"run-{what}.png"
    assert told.endswith(f"figure: {run.parent / name}\n")
    assert (run.parent / name).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("what", ["overview", "cost", "curves", "confusion", "calibration"])
def test_figures_that_need_no_pictures_are_drawn_of_features(capsys, features, what):
    said(capsys, "plot", features, "--what", what)


@pytest.mark.parametrize("what", ["overview", "cost", "curves", "predictions"])
def test_figures_that_need_no_classes_are_drawn_of_a_regression(capsys, regression, what):
    said(capsys, "plot", regression, "--what", what)


@pytest.mark.parametrize("what", OF_CLASSES)
def test_a_figure_of_classes_is_refused_of_a_regression(capsys, regression, what):
    told = refused(capsys, "plot", regression, "--what", what)
    assert f"is a regression, which has no {what}" in told


@pytest.mark.parametrize("what", ["predictions", "saliency", "weights"])
def test_a_figure_of_pictures_is_refused_of_features(capsys, features, what):
    assert "picture" in refused(capsys, "plot", features, "--what", what)
    assert not (features.parent / f"run-{what}.png").exists()


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_equal_runs_are_drawn_in_equal_bytes(capsys, run, tmp_path, ending):
    drawn = [tmp_path / f"{number}.{ending}" for number in (1, 2)]
    for path in drawn:
        said(capsys, "plot", run, "--what", "weights", "--out", path)
    assert drawn[0].read_bytes() == drawn[1].read_bytes()


@pytest.mark.parametrize("what", ["cost", "curves"])
def test_several_runs_are_drawn_by_their_names(capsys, run, tmp_path, what):
    other = tmp_path / "_other.h5"
    other.write_bytes(run.read_bytes())
    image = tmp_path / "both.svg"
    said(capsys, "plot", run, other, "--what", what, "--out", image)
    assert image.is_file()


def test_a_figure_of_one_run_is_refused_of_two(capsys, run, tmp_path):
    other = tmp_path / "other.h5"
    other.write_bytes(run.read_bytes())
    told = refused(capsys, "plot", run, other, "--what", "confusion")
    assert "confusion of 2 runs; expected one: for several take --what cost or curves" in told


def test_a_stack_of_seeds_is_drawn(capsys, run, tmp_path):
    stack = tmp_path / "stack.h5"
    options = ("--iterations", 3, "--layers", 3, "--data", tmp_path / "data", "--out", stack)
    said(capsys, "train", "--seeds", "1..3", *options)
    for what in FIGURES:
        said(capsys, "plot", stack, "--what", what)


def test_data_that_moved_are_named_with_data(capsys, run, tmp_path):
    (tmp_path / "data").rename(tmp_path / "moved")
    assert "--data" in refused(capsys, "plot", run)
    said(capsys, "plot", run, "--what", "confusion", "--data", tmp_path / "moved")


def test_the_word_figure_leads_to_plot(capsys, run):
    assert "did you mean plot?" in refused(capsys, "figure", run, "cats.png")


def test_a_run_named_twice_in_two_ways_is_refused(capsys, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "run.h5: is named twice" in refused(capsys, "plot", run, "run.h5", "--what", "cost")


def test_saliency_is_of_the_worst_pictures_and_of_the_class_that_is_predicted(run):
    result, (_, test, _) = load_run(run).result, load_data(run.parent / "data")
    options = Namespace(runs=[run], what="saliency", data=None, memory=None)
    shown = KINDS["saliency"].draw({"run": load_run(run)}, options).axes
    worst = worst_mistakes(probabilities(result, test.inputs), test.targets)[:8]
    gradients = input_gradients(result, test.inputs[worst]).sum(-1)
    for place, number in enumerate(worst):
        arrays = (shown[at].images[0].get_array() for at in (place, place + len(worst)))
        above, below = map(np.asarray, arrays)
        assert np.array_equal(above, test.inputs[number])
        np.testing.assert_allclose(below, gradients[place] / np.abs(gradients[place]).max())


def test_a_confusion_has_true_classes_in_rows(features):
    result, (_, test, _) = load_run(features).result, load_data(features.parent / "data")
    options = Namespace(runs=[features], what="confusion", data=None, memory=None)
    (axes,) = KINDS["confusion"].draw({"run": load_run(features)}, options).axes
    counts = np.array([text.get_text() for text in axes.texts], int).reshape(3, 3)
    assert counts.sum(1).tolist() == [2, 2, 2]
    assert counts.sum(0).tolist() == np.bincount(predictions(result, test.inputs)).tolist()
    assert counts.sum(0).tolist() != [2, 2, 2]
