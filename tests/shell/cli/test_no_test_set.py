"""Data without examples to test on are trained on, and each command says that there are none."""

from __future__ import annotations

import json

import numpy as np
import pytest

from catpipe.shell.storage.hdf5 import write
from tests.typed import refused, said

SHORT = ("--layers", "2", "--iterations", "3", "--initializer", "he")


@pytest.fixture
def data(tmp_path):
    X = np.random.default_rng(0).normal(size=(8, 3))
    write(tmp_path / "iris.h5", {"data": X, "target": np.arange(8) % 2})
    return tmp_path / "iris.h5"


def test_training_says_that_there_is_nothing_to_test_on(capsys, data):
    told = said(capsys, "train", "--data", data, *SHORT)
    assert "(8 examples to train on, 0 to test on); read from data and target" in told
    assert "nothing to test on" in told
    assert "train accuracy" in told
    assert "test accuracy" not in told


def test_the_report_in_json_has_no_test_accuracy(capsys, data):
    report = json.loads(said(capsys, "train", "--data", data, "--json", *SHORT))
    assert "train_accuracy" in report
    assert "test_accuracy" not in report


def test_many_seeds_are_trained_without_a_test_set(capsys, data):
    told = said(capsys, "train", "--data", data, "--seeds", "1..2", *SHORT)
    assert "train accuracy" in told
    assert "test accuracy" not in told


@pytest.mark.parametrize("command", ["evaluate", "predict"])
def test_what_needs_examples_to_test_on_is_refused(capsys, data, tmp_path, command):
    said(capsys, "train", "--data", data, "--out", tmp_path / "run.h5", *SHORT)
    assert "has no examples to test on" in refused(capsys, command, tmp_path / "run.h5")


def test_a_run_without_a_test_set_is_resumed_and_replayed(capsys, data, tmp_path):
    run = tmp_path / "run.h5"
    said(capsys, "train", "--data", data, "--out", run, *SHORT)
    assert "nothing to test on" in said(capsys, "resume", run, "--iterations", "5")
    assert "identical" in said(capsys, "replay", run)
