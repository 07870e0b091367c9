"""What the commands say of a run made by hand, whose logits are known."""

import json
import math
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest

from catpipe.experiments import Experiment
from catpipe.fitting import fit
from catpipe.parameters import Parameters
from catpipe.shell import commands
from catpipe.shell.cli import main
from catpipe.shell.data import save_data
from catpipe.shell.runs import Run, save_run
from catpipe.transforms import DataSet, Pictures

CLASSES = ("non-cat", "cat")
RED, BLACK = 255, 0
SAID = (1, 0, 0, 1, 0, 1, 0, 1, 1, 1)  # by the run, of the test pictures: red ones are cats
TRUE = (1, 0, 1, 1, 1, 0, 0, 1, 1, 1)  # so it misses the cats 2 and 4, and 5 is no cat
OF_RED, OF_BLACK = 1 / (1 + math.exp(-3)), 1 / (1 + math.exp(1))


def coloured(labels, reds, side: int = 1) -> Pictures:
    """Return pictures that are red where told to be, else black."""
    images = np.zeros((len(reds), side, side, 3), np.uint8)
    images[..., 0] = np.where(reds, RED, BLACK)[:, np.newaxis, np.newaxis]
    return Pictures(images, np.array(labels))


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


def said(capsys, *arguments: object) -> str:
    """Return what a command prints that goes well."""
    assert main([str(argument) for argument in arguments]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return str(out)


def refused(capsys, *arguments: object) -> str:
    """Return the line of a command's refusal, which prints nothing of a result."""
    assert main([str(argument) for argument in arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    return str(err)


def test_evaluate_prints_the_truth_in_rows_and_what_was_said_in_columns(capsys, run, folder):
    assert said(capsys, "evaluate", run, "--data", folder).splitlines() == [
        f"data: {folder} (4 pictures to train on, 10 to test on)",
        "test accuracy: 70.000 % (7 of 10)",
        "            said non-cat       said cat",
        "non-cat                2              1",
        "cat                    2              5",
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


def test_predict_prints_class_probability_of_cat_and_label_of_every_test_picture(
    capsys, run, folder
):
    assert said(capsys, "predict", run, "--data", folder).splitlines() == [
        f"picture {i}: {CLASSES[guess]} "
        f"(probability of cat {OF_RED if guess else OF_BLACK:.4f}; labelled {CLASSES[label]})"
        for i, (guess, label) in enumerate(zip(SAID, TRUE, strict=True))
    ]


def test_predict_prints_the_pictures_asked_for_in_the_order_asked(capsys, run, folder):
    assert said(capsys, "predict", run, "--data", folder, "--index", 5, 2, 0).splitlines() == [
        "picture 5: cat (probability of cat 0.9526; labelled non-cat)",
        "picture 2: non-cat (probability of cat 0.2689; labelled cat)",
        "picture 0: cat (probability of cat 0.9526; labelled cat)",
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
    assert "12" in told


def test_three_classes_are_refused_to_train_on(capsys, tmp_path):
    three = coloured([0, 1, 2], [0, 1, 1])
    save_data(tmp_path / "three", DataSet(three, three, (*CLASSES, "dog")), "made")
    out = tmp_path / "out.h5"
    assert "3 classes" in refused(capsys, *TO_LEARN, "--data", tmp_path / "three", "--out", out)
    assert not out.exists()


@pytest.mark.parametrize("command", ["train", "evaluate", "predict"])
def test_without_data_and_without_a_default_folder_they_are_refused(
    capsys, run, tmp_path, monkeypatch, command
):
    monkeypatch.setattr(commands, "HOMES", (tmp_path / "nowhere",))
    assert "--data" in refused(capsys, command, *([run] if command != "train" else []))


def test_the_default_folder_is_the_photographs_and_else_the_drawn(
    capsys, run, folder, tmp_path, monkeypatch
):
    monkeypatch.setattr(commands, "HOMES", (tmp_path / "a", tmp_path / "b"))
    found = []
    for home in ("b/drawn", "a/drawn", "b/catvnoncat", "a/catvnoncat"):
        save_data(tmp_path / home, DataSet(TRAIN, TEST, CLASSES), "made")
        found.append(json.loads(said(capsys, "evaluate", run, "--json"))["data"])
    assert found == [
        str(tmp_path / home) for home in ("b/drawn", "a/drawn", "b/catvnoncat", "a/catvnoncat")
    ]
