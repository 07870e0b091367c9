"""`catpipe check` says what is wrong with a data set, and so does the first line of a training."""

from __future__ import annotations

import json

import numpy as np
import pytest

from catpipe.data.examples import DataSet, Examples
from catpipe.shell.cli.main import main
from catpipe.shell.storage.datasets import save_data
from tests.typed import refused, said

NOISE = np.random.default_rng(0).integers(0, 256, (12, 32, 32, 3), np.uint8)
SHORT = ("--layers", "2", "--iterations", "3", "--initializer", "he")
LEAK = "1 test picture is also a training picture, test 2 = train 5"


def saved(folder, test):
    labels = np.arange(12) % 2
    data = DataSet(
        Examples(NOISE[:8], labels[:8]), Examples(test, labels[: len(test)]), ("non-cat", "cat")
    )
    save_data(folder, data, "noise")
    return folder


@pytest.fixture
def clean(tmp_path):
    return saved(tmp_path / "clean", NOISE[8:])


@pytest.fixture
def leaking(tmp_path):
    return saved(tmp_path / "leaking", NOISE[[8, 9, 5]])


def typed(capsys, *arguments):
    return main([str(argument) for argument in arguments]), *capsys.readouterr()


def test_where_nothing_is_found_the_status_is_0(capsys, clean):
    status, told, wrong = typed(capsys, "check", clean)
    assert (status, wrong) == (0, "")
    assert told.splitlines()[1:] == ["different: 12 of 12 pictures", "found: nothing"]


def test_where_something_is_found_the_status_is_1(capsys, leaking):
    status, told, wrong = typed(capsys, "check", leaking)
    assert (status, wrong) == (1, "")
    assert told.splitlines()[1:] == ["different: 10 of 11 pictures", f"found: {LEAK}",
                                     "found: 1 copy has another label than what it copies, "
                                     "test 2 (non-cat) = train 5 (cat)"]  # fmt: skip


def test_what_was_not_looked_for_is_said(capsys, tmp_path):
    saved(tmp_path, NOISE[8:])
    small = DataSet(
        Examples(NOISE[:8, :9, :9], np.arange(8) % 2),
        Examples(NOISE[8:, :9, :9], np.arange(4) % 2),
        ("non-cat", "cat"),
    )
    save_data(tmp_path, small, "noise")
    assert "not looked for: near copies" in said(capsys, "check", tmp_path)


def test_in_json_a_finding_has_its_places_as_values(capsys, leaking):
    status, told, _ = typed(capsys, "check", leaking, "--json")
    report = json.loads(told)
    assert status == 1
    assert report["data"] == str(leaking)
    assert report["copies"] == [
        {
            "copy": {"part": "test", "number": 2},
            "of": {"part": "train", "number": 5},
            "how": "equal",
            "likeness": 1.0,
            "labels": ["non-cat", "cat"],
        }
    ]
    assert report["sentences"][0] == LEAK


def test_data_that_cannot_be_read_are_refused_with_status_2(capsys, tmp_path):
    assert "nowhere" in refused(capsys, "check", tmp_path / "nowhere")


def test_a_training_begins_with_what_was_found_in_one_line(capsys, leaking):
    told = said(capsys, "train", "--data", leaking, *SHORT).splitlines()
    assert told[1] == (
        "check: 1 test picture is also a training picture; 1 copy has another label than what it "
        f"copies (`catpipe check {leaking}`)"
    )
    assert told[2].startswith("network: ")


def test_a_training_on_data_without_problems_says_nothing_of_them(capsys, clean):
    assert "check" not in said(capsys, "train", "--data", clean, *SHORT)


def test_the_report_of_a_training_in_json_is_json_alone(capsys, leaking):
    assert json.loads(said(capsys, "train", "--data", leaking, "--json", *SHORT))


def test_the_data_are_named_as_in_other_commands_too(capsys, clean):
    assert said(capsys, "check", "--data", clean) == said(capsys, "check", clean)


def test_data_are_not_named_twice(capsys, clean):
    assert "not allowed with" in refused(capsys, "check", clean, "--data", clean)
