"""A run that learned nothing ends with one line of what to try; a run that learned, without."""

import json

import pytest

from catpipe.shell.cli.main import main
from tests.typed import said, save_colours

DEAD = ("--layers", "5,5,5", "--initializer", "small", "--iterations", "200")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_colours(tmp_path_factory.mktemp("hints") / "data")


@pytest.mark.parametrize("seeds", [(), ("--seeds", "1..3")], ids=["one run", "seeds"])
def test_a_dead_network_is_said_in_one_line_that_names_flags(capsys, folder, seeds):
    assert main(["train", *DEAD, "--data", str(folder), *seeds]) == 0
    _, err = capsys.readouterr()
    assert err.count("\n") == 1
    assert err.startswith("catpipe: hint: ")
    assert err.endswith("try --initializer he, or a smaller --learning-rate\n")


def test_a_hint_does_not_disturb_json(capsys, folder):
    assert main(["train", *DEAD, "--data", str(folder), "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["iterations"] == 200
    assert err.startswith("catpipe: hint: ")


@pytest.mark.parametrize("more", [("--initializer", "he"), ("--iterations", "5")])
def test_a_run_that_learns_or_is_short_gets_no_hint(capsys, folder, more):
    said(capsys, "train", *DEAD, "--learning-rate", 0.05, "--data", folder, *more)


def test_a_run_that_is_carried_on_gets_the_hint_too(capsys, folder, tmp_path):
    run = tmp_path / "run.h5"
    assert main(["train", *DEAD, "--data", str(folder), "--out", str(run)]) == 0
    capsys.readouterr()
    assert main(["resume", str(run), "--iterations", "300", "--data", str(folder)]) == 0
    assert "catpipe: hint: " in capsys.readouterr().err
