"""What the commands say of a run made by hand, whose logits are known."""

import json
import math
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest

from catpipe.data.examples import DataSet, Examples
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import fit
from catpipe.nn.parameters import Parameters
from catpipe.shell.runs import provenance as sources
from catpipe.shell.runs.run_file import Run, save_run
from catpipe.shell.storage.datasets import load_data, save_data
from tests.typed import refused, said

CLASSES = ("non-cat", "cat")
RED, BLACK = 255, 0
SAID = (1, 0, 0, 1, 0, 1, 0, 1, 1, 1)  # by the run, of the test pictures: red ones are cats
TRUE = (1, 0, 1, 1, 1, 0, 0, 1, 1, 1)  # so it misses the cats 2 and 4, and 5 is no cat
OF_CAT, OF_NON_CAT = 1 / (1 + math.exp(-3)), 1 / (1 + math.exp(-1))


def coloured(labels, reds, side: int = 1) -> Examples:
    """Return pictures that are red where told to be, else black."""
    images = np.zeros((len(reds), side, side, 3), np.uint8)
    images[..., 0] = np.where(reds, RED, BLACK)[:, np.newaxis, np.newaxis]
    return Examples(images, np.array(labels))


TRAIN = coloured([1, 1, 0, 1], [0, 0, 1, 1])
TEST = coloured(TRUE, SAID)


@pytest.fixture
def folder(tmp_path) -> Path:
    save_data(tmp_path / "data", DataSet(TRAIN, TEST, CLASSES), "made")
    return tmp_path / "data"


@pytest.fixture
def run(tmp_path) -> Path:
    """Return the file of a run whose logit is 3 for red pictures and -1 for black ones."""
    result = fit(Experiment(seed=1, hidden=(), iterations=1), TRAIN)
    by_hand = Parameters(W1=[[4.0, 0.5, 0.25]], b1=[[-1.0]])
    save_run(tmp_path / "run.h5", Run(result._replace(parameters=by_hand), CLASSES))
    return tmp_path / "run.h5"


def test_evaluate_prints_the_truth_in_rows_and_what_was_said_in_columns(capsys, run, folder):
    assert said(capsys, "evaluate", run, "--data", folder).splitlines() == [
        f"data: {folder} (4 pictures to train on, 10 to test on)",
        "test accuracy: 70.000 % (7 of 10)",
        "            predicted non-cat       predicted cat",
        "non-cat                     2                   1",
        "cat                         2                   5",
    ]


def test_evaluate_says_the_same_in_json(capsys, run, folder):
    report = json.loads(said(capsys, "evaluate", run, "--data", folder, "--json"))
    assert report["data"] == str(folder)
    assert report["classes"] == list(CLASSES)
    assert report["test_accuracy"] == 0.7
    assert report["confusion"] == [[2, 1], [2, 5]]


def test_rows_of_the_confusion_are_the_truth(capsys, run, tmp_path):
    all_cats = coloured([1, 1, 1], [0, 0, 1])
    save_data(tmp_path / "cats", DataSet(TRAIN, all_cats, CLASSES), "made")
    report = json.loads(said(capsys, "evaluate", run, "--data", tmp_path / "cats", "--json"))
    assert report["confusion"] == [[0, 0], [2, 1]]


def test_predict_prints_class_its_probability_and_label_of_every_test_picture(capsys, run, folder):
    assert said(capsys, "predict", run, "--data", folder).splitlines() == [
        f"picture {i}: {CLASSES[guess]} "
        f"(probability {OF_CAT if guess else OF_NON_CAT:.4f}; labelled {CLASSES[label]})"
        for i, (guess, label) in enumerate(zip(SAID, TRUE, strict=True))
    ]


def test_predict_prints_the_pictures_asked_for_in_the_order_asked(capsys, run, folder):
    assert said(capsys, "predict", run, "--data", folder, "--index", 5, 2, 0).splitlines() == [
        "picture 5: cat (probability 0.9526; labelled non-cat)",
        "picture 2: non-cat (probability 0.7311; labelled cat)",
        "picture 0: cat (probability 0.9526; labelled cat)",
    ]


TO_LEARN = ("train", "--layers", "", "--iterations", 400, "--learning-rate", 1, "--json")


@pytest.fixture
def upside_down(tmp_path) -> Path:
    """Return a folder whose test pictures are labelled the other way round, all but one of four."""
    train = coloured([1, 0, 1, 0], [1, 0, 1, 0])
    test = coloured([0, 1, 0, 0], [1, 0, 1, 0])
    save_data(tmp_path / "upside", DataSet(train, test, CLASSES), "made")
    return tmp_path / "upside"


def test_train_says_which_accuracy_is_which(capsys, upside_down):
    report = json.loads(said(capsys, *TO_LEARN, "--data", upside_down))
    assert (report["train_accuracy"], report["test_accuracy"]) == (1, 0.25)


def test_train_says_which_accuracy_is_which_in_words(capsys, upside_down):
    words = said(capsys, *TO_LEARN[:-1], "--data", upside_down)
    assert "train accuracy: 100.000 % (4 of 4)\n" in words
    assert "test accuracy:  25.000 % (1 of 4)\n" in words


def test_train_says_how_many_seconds_it_took(capsys, folder):
    begun = perf_counter()
    report = json.loads(said(capsys, *TO_LEARN, "--data", folder))
    assert 0 < report["seconds"] < perf_counter() - begun


def test_the_costs_that_train_says_are_those_of_the_training_pictures(capsys, upside_down):
    report = json.loads(said(capsys, *TO_LEARN, "--data", upside_down))
    assert report["final_cost"] < report["costs"]["399"] < report["costs"]["0"]


@pytest.mark.parametrize("command", ["evaluate", "predict"])
def test_data_of_other_classes_than_the_run_is_refused(capsys, run, tmp_path, command):
    save_data(tmp_path / "dogs", DataSet(TRAIN, TEST, ("cat", "dog")), "made")
    told = refused(capsys, command, run, "--data", tmp_path / "dogs")
    assert str(tmp_path / "dogs") in told
    for name in ("dog", "non-cat"):
        assert name in told


@pytest.mark.parametrize("command", ["evaluate", "predict"])
def test_the_same_classes_in_another_order_are_refused(capsys, run, tmp_path, command):
    save_data(tmp_path / "turned", DataSet(TRAIN, TEST, CLASSES[::-1]), "made")
    assert str(tmp_path / "turned") in refused(capsys, command, run, "--data", tmp_path / "turned")


@pytest.mark.parametrize("command", ["evaluate", "predict"])
def test_pictures_of_another_size_than_the_runs_are_refused(capsys, run, tmp_path, command):
    large = coloured(TRUE, SAID, side=2)
    save_data(tmp_path / "large", DataSet(large, large, CLASSES), "made")
    told = refused(capsys, command, run, "--data", tmp_path / "large")
    assert str(tmp_path / "large") in told
    assert "2 x 2 x 3; expected" in told


@pytest.fixture
def three(tmp_path) -> Path:
    """Return a folder of pictures of three classes, by their colour, but for one called a dog."""
    images = np.eye(3, dtype=np.uint8)[[0, 1, 2, 0]].reshape(4, 1, 1, 3) * 255
    pictures = Examples(images, np.array([2, 0, 1, 1]))
    save_data(tmp_path / "three", DataSet(pictures, pictures, ("cat", "dog", "$h^$")), "made")
    return tmp_path / "three"


@pytest.fixture
def run_of_three(tmp_path, three) -> Path:
    """Return the file of a run whose logit for a class is 2 for its colour, else 0."""
    data = load_data(three)
    result = fit(Experiment(seed=1, hidden=(), iterations=1, classes=3), data.train)
    by_hand = Parameters(W1=2.0 * np.eye(3)[[1, 2, 0]], b1=np.zeros((3, 1)))
    save_run(tmp_path / "three.h5", Run(result._replace(parameters=by_hand), data.classes))
    return tmp_path / "three.h5"


def test_evaluate_counts_three_classes_by_name(capsys, run_of_three, three):
    assert said(capsys, "evaluate", run_of_three, "--data", three).splitlines()[1:] == [
        "test accuracy: 75.000 % (3 of 4)",
        "          predicted cat    predicted dog   predicted $h^$",
        "cat                   1                0                0",
        "dog                   0                1                1",
        "$h^$                  0                0                1",
    ]


def test_predict_prints_the_probability_of_the_class_of_three_that_it_predicts(
    capsys, run_of_three, three
):
    assert said(capsys, "predict", run_of_three, "--data", three, "--index", 0, 2, 3) == (
        "picture 0: $h^$ (probability 0.7870; labelled $h^$)\n"
        "picture 2: dog (probability 0.7870; labelled dog)\n"
        "picture 3: $h^$ (probability 0.7870; labelled dog)\n"
    )


def test_a_figure_takes_a_name_as_it_is(capsys, run_of_three, three, tmp_path):
    pytest.importorskip("matplotlib")
    said(capsys, "plot", run_of_three, "--out", tmp_path / "run.png", "--data", three)
    assert (tmp_path / "run.png").is_file()


def test_a_figure_is_drawn_without_the_letters_that_its_font_lacks(capsys, tmp_path):
    pytest.importorskip("matplotlib")
    save_data(tmp_path / "data", DataSet(TRAIN, TEST, ("\U0001fad8", "猫")), "made")
    run = ("--data", tmp_path / "data", "--out", tmp_path / "run.h5")
    said(capsys, "train", "--iterations", 2, *run)
    said(capsys, "plot", tmp_path / "run.h5", "--out", tmp_path / "run.png", *run[:2])
    assert (tmp_path / "run.png").is_file()


def test_l2_is_told_apart_from_the_cost(capsys, folder):
    penalized = json.loads(said(capsys, *TO_LEARN, "--data", folder, "--l2", 0.1))
    assert penalized["l2_penalty"] > 0
    words = said(capsys, *TO_LEARN[:-1], "--data", folder, "--l2", 0.1)
    assert (
        f"(trained parameters, all training examples; L2 adds {penalized['l2_penalty']:.6g})"
        in words
    )


@pytest.mark.parametrize("command", ["train", "evaluate", "predict"])
def test_without_data_and_without_a_default_folder_they_are_refused(
    capsys, run, tmp_path, monkeypatch, command
):
    monkeypatch.setattr(sources, "HOMES", (tmp_path / "nowhere",))
    assert "--data" in refused(capsys, command, *([run] if command != "train" else []))


def test_the_default_folder_is_the_photographs_and_else_the_drawn(
    capsys, run, folder, tmp_path, monkeypatch
):
    monkeypatch.setattr(sources, "HOMES", (tmp_path / "a", tmp_path / "b"))
    found = []
    for home in ("b/drawn", "a/drawn", "b/catvnoncat", "a/catvnoncat"):
        save_data(tmp_path / home, DataSet(TRAIN, TEST, CLASSES), "made")
        found.append(json.loads(said(capsys, "evaluate", run, "--json"))["data"])
    assert found == [
        str(tmp_path / home) for home in ("b/drawn", "a/drawn", "b/catvnoncat", "a/catvnoncat")
    ]
