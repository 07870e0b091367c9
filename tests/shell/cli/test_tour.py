"""The tour: its commands are those that there are, and it is whole or refused."""

import pytest

from catpipe.shell.cli import tour
from catpipe.shell.cli.arguments import parse
from catpipe.shell.cli.main import main
from catpipe.shell.cli.tour import Stop, stops
from tests.typed import refused, said


def test_each_stop_is_a_command_as_it_is_typed(tmp_path):
    for stop in stops(tmp_path):
        assert parse(stop.words)[0] == stop.words[0]


def test_a_tour_runs_each_command_after_what_it_is_for(capfd, tmp_path, monkeypatch):
    pictures = str(tmp_path / "new" / "pictures")
    draws = Stop("Draw.", ("draw", pictures, "--train", "8", "--test", "8"))
    monkeypatch.setattr(tour, "stops", lambda _: iter([draws, Stop("Check.", ("check", pictures))]))
    said_of_it = said(capfd, "tour", "--out", tmp_path / "new")
    assert said_of_it.index("1. Draw.") < said_of_it.index("drawn: 8") < said_of_it.index("2. Che")
    assert "different: 16 of 16" in said_of_it


def test_a_tour_ends_at_a_command_that_is_refused(capfd, tmp_path, monkeypatch):
    wrong = [Stop("Show.", ("show", str(tmp_path / "nowhere.h5")))]
    monkeypatch.setattr(tour, "stops", lambda _: iter(wrong))
    assert main(["tour", "--out", str(tmp_path / "new")]) == 2
    assert "`catpipe show` ended with status 2" in capfd.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_tour_that_is_interrupted_says_where_it_ends(capfd, tmp_path, monkeypatch):
    def interrupted(_: Stop) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(tour, "_run", interrupted)
    assert main(["tour", "--out", str(tmp_path / "new")]) == 130
    assert "the tour ends here; it made nothing" in capfd.readouterr().err


@pytest.mark.parametrize("name", [".", "file"])
def test_a_tour_works_in_a_new_folder_alone(capfd, tmp_path, name):
    (tmp_path / "file").write_text("mine")
    assert "expected a new folder" in refused(capfd, "tour", "--out", tmp_path / name)
    assert (tmp_path / "file").read_text() == "mine"
