"""`catpipe validate` prints how good experiments are over the same folds, and how they differ."""

import json
import re

import numpy as np
import pytest

from catpipe.data.examples import DataSet, Examples
from catpipe.data.folds import groups_of_equal
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.validation import folds_for, validate
from catpipe.shell.cli.main import main
from catpipe.shell.storage.datasets import load_data, save_data
from tests.shell.cli.test_regression import of_features
from tests.typed import in_colours, refused, said, save_colours

SHORT = ("--layers", "4", "--iterations", "30", "--initializer", "he", "--learning-rate", "0.1")


@pytest.fixture
def colours(tmp_path):
    return save_colours(tmp_path / "data", classes=3)


@pytest.fixture
def files(tmp_path):
    one, other = tmp_path / "one.toml", tmp_path / "other.toml"
    one.write_text('layers = [4]\niterations = 60\ninitializer = "he"\nlearning-rate = 0.1\n')
    other.write_text("layers = []\niterations = 1\n")
    return one, other


def test_flags_alone_are_an_experiment(capsys, colours):
    told = said(capsys, "validate", "--data", colours, "--folds", "3x2", *SHORT)
    assert "validation: 3 folds, 2 times, of the 56 pictures to train and to test on" in told
    assert re.search(
        r"^these options +\d+\.\d % +\d+\.\d to \d+\.\d +\d+\.\d %", told, re.MULTILINE
    )
    assert "better" not in told


def test_two_files_are_compared_in_words(capsys, colours, files):
    told = said(capsys, "validate", *files, "--data", colours, "--folds", "4x2")
    assert re.search(r"^one +\d", told, re.MULTILINE)
    assert re.search(r"one is better than other by [\d.]+ points of accuracy, 95 % interval", told)


def test_an_experiment_is_not_told_apart_from_itself(capsys, colours, files, tmp_path):
    again = tmp_path / "again.toml"
    again.write_text(files[0].read_text())
    told = said(capsys, "validate", files[0], again, "--data", colours, "--folds", "3")
    assert "one and again are not told apart" in told


def test_json_has_all_digits_and_every_fold(capsys, colours, files):
    report = json.loads(
        said(capsys, "validate", *files, "--data", colours, "--folds", "3x2", "--json")
    )
    one = report["experiments"]["one"]
    assert len(one["fold_scores"]) == 6
    assert one["experiment"]["iterations"] == 60
    (difference,) = report["differences"]
    other = report["experiments"]["other"]
    expected = np.mean(one["fold_scores"]) - np.mean(other["fold_scores"])
    assert difference["mean"] == pytest.approx(expected)
    assert difference["low"] < difference["mean"] < difference["high"]


def test_flags_override_each_file(capsys, colours, files):
    report = json.loads(said(capsys, "validate", *files, "--data", colours, "--folds", "2",
                             "--iterations", "7", "--json"))  # fmt: skip
    ran = [of["experiment"]["iterations"] for of in report["experiments"].values()]
    assert ran == [7, 7]


def test_test_examples_are_left_out_where_asked(capsys, colours):
    told = said(capsys, "validate", "--data", colours, "--folds", "2", "--train-only", *SHORT)
    assert "of the 40 pictures to train on" in told


def test_copies_are_held_out_together_and_counted(capsys, tmp_path):
    train, test = in_colours(30, 1), in_colours(10, 2)
    inputs = np.concatenate([test.inputs[:9], train.inputs[:1]])
    targets = np.concatenate([test.targets[:9], train.targets[:1]])
    names = ("red", "green", "blue", "yellow")
    save_data(tmp_path / "data", DataSet(train, Examples(inputs, targets), names), "colours")
    told = said(capsys, "validate", "--data", tmp_path / "data", "--folds", "leave-one-out", *SHORT)
    assert "leave one out, of the 40 pictures" in told
    assert "copies stay in one fold (1 found)" in told


def test_a_regression_has_its_own_scores(capsys, tmp_path, files):
    save_data(tmp_path / "data", of_features(()), "numbers")
    told = said(capsys, "validate", *files, "--data", tmp_path / "data", "--folds", "3",
                "--loss", "mean_squared_error")  # fmt: skip
    assert re.search(r"^experiment +R squared +RMSE +MAE$", told, re.MULTILINE)
    assert "of RMSE, 95 % interval" in told
    assert "accuracy" not in told


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--folds", "1"), "expected folds and repeats like 5x5"),
        (("--folds", "5x0"), "expected folds and repeats like 5x5"),
        (("--folds", "a fifth"), "expected folds and repeats like 5x5"),
        (("--folds", "57"), "57 folds of 56 examples or groups; expected as many at most"),
        (("--folds", "2", "--learning-rate", "-1"), "--learning-rate is '-1'|-1.0; expected"),
        (("--seeds", "1..3"), "--seeds is no option"),
        (("--out", "run.h5"), "--out is no option"),
    ],
)
def test_what_cannot_be_validated_is_refused(capsys, colours, flags, sentence):
    assert re.search(sentence, refused(capsys, "validate", "--data", colours, *flags))


def test_workers_give_the_same_bits(capsys, colours, files):
    pytest.importorskip("distributed")
    typed = ("validate", files[0], "--data", colours, "--folds", "3x2", "--json")
    here, there = (json.loads(said(capsys, *typed, *where)) for where in ((), ("--workers", 2)))
    assert here["experiments"] == there["experiments"]


def test_networks_of_many_seeds_predict_together(capsys, colours, tmp_path):
    together, first = tmp_path / "together.toml", tmp_path / "first.toml"
    together.write_text('seeds = "1..3"\niterations = 30\nlayers = [3]')
    first.write_text("seed = 1\niterations = 30\nlayers = [3]")
    report = json.loads(said(capsys, "validate", together, first, "--data", colours, "--json"))
    data = load_data(colours)
    inputs, labels = (np.concatenate([data.train[i], data.test[i]]) for i in range(2))
    examples = Examples(inputs, labels)
    asked = Experiment(seed=1, hidden=(3,), iterations=30, classes=3)
    folds = folds_for(asked, examples, 5, seed=1, repeats=5)
    expected = validate(asked, examples, folds, seeds=(1, 2, 3))
    found = report["experiments"]["together"]
    assert found["fold_scores"] == pytest.approx(expected.fold_scores)
    assert found["log_loss"] < report["experiments"]["first"]["log_loss"]


def test_a_regression_is_not_compared_with_classes(capsys, colours, files):
    files[0].write_text('loss = "mean_squared_error"\n')
    assert "one and other have other losses; expected one" in refused(
        capsys, "validate", *files, "--data", colours
    )


def test_off_a_terminal_nothing_is_on_standard_error(capsys, colours):
    assert main(["validate", "--data", str(colours), "--folds", "2", *SHORT]) == 0
    assert capsys.readouterr().err == ""


def test_the_photographs_hold_one_copy(photographs):
    both = np.concatenate([photographs.train.inputs, photographs.test.inputs])
    assert len(np.unique(groups_of_equal(both))) == 258


def test_copies_join_the_groups_of_a_file(capsys, tmp_path):
    train, test = in_colours(12, 1), in_colours(12, 2)
    test.inputs[0] = train.inputs[0]
    save_data(tmp_path / "data", DataSet(train, test, ("a", "b", "c", "d")), "made")
    groups = tmp_path / "groups.txt"
    groups.write_text("".join(f"p{number // 4}\n" for number in range(24)))
    options = ("--data", tmp_path / "data", "--folds", "2", "--groups", groups, *SHORT)
    assert "the 5 groups of" in said(capsys, "validate", *options)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"a\nb\n", "has 2 lines for 56 examples"),
        (b"\n" * 56, "line 1 is empty"),
        (b"\xff", "no text"),
    ],
)
def test_a_file_that_names_no_group_for_each_is_refused(capsys, colours, tmp_path, text, told):
    groups = tmp_path / "groups.txt"
    groups.write_bytes(text)
    asked = ("validate", "--data", colours, "--groups", groups, *SHORT)
    assert told in refused(capsys, *asked)


def test_groups_are_counted_in_the_line_of_the_folds(capsys, colours, tmp_path):
    groups = tmp_path / "groups.txt"
    groups.write_text("".join(f"{number % 8}\n" for number in range(56)))
    options = ("--data", colours, "--folds", "4", "--groups", groups, *SHORT)
    assert f"the 8 groups of {groups}, and copies, stay in one fold each" in said(
        capsys, "validate", *options
    )
