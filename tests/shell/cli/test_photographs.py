"""A run is asked about photographs, and says how often it is right."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from catpipe.data.examples import DataSet, Examples
from catpipe.experiments.ensembles import fit_seeds
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import fit
from catpipe.shell.cli.main import main
from catpipe.shell.runs import provenance as sources
from catpipe.shell.runs.run_file import Run, load_run, save_run
from catpipe.shell.storage.datasets import load_data, save_data
from tests.shell.storage.test_photographs import ORIENTATION, as_stored, photographs_of_others
from tests.typed import COLOURS, in_colours, refused, said, save_colours

Image = pytest.importorskip("PIL.Image")

SIDE = 8
TO_LEARN = ("--layers", "", "--iterations", 60, "--learning-rate", 0.5)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Return a folder of a data set of four colours, `data`, a run of it, and photographs."""
    folder = tmp_path_factory.mktemp("photographs")
    data = save_colours(folder / "data", side=SIDE)
    command = ("train", "--data", data, *TO_LEARN, "--out", folder / "run.h5")
    assert main([str(word) for word in command]) == 0
    for colour, size in zip(("red", "green", "blue"), ((9, 5), (300, 200), (8, 8)), strict=True):
        Image.new("RGB", size, colour).save(folder / f"{colour}.png")
    (folder / "bad.jpg").write_text("a photograph of a cat")
    return folder


@pytest.fixture
def run(made) -> Path:
    return made / "run.h5"


@pytest.fixture
def noise(tmp_path) -> np.ndarray:
    """Return a picture that the run is not sure of."""
    return np.random.default_rng(3).integers(0, 256, (11, 17, 3), np.uint8)


def asked(capsys, run: Path, *photographs: object) -> list[dict[str, object]]:
    """Return what a run says of photographs, apart from their names."""
    found = json.loads(said(capsys, "predict", run, *photographs, "--json"))["photographs"]
    return [{name: value for name, value in of.items() if name != "file"} for of in found]


def typed(capsys, *arguments: object) -> tuple[int, str, str]:
    status = main([str(argument) for argument in arguments])
    return status, *capsys.readouterr()


def test_each_photograph_gets_its_class_and_probability_in_the_order_given(capsys, made, run):
    lines = said(capsys, "predict", run, made / "green.png", made / "red.png").splitlines()
    assert len(lines) == 3
    for line, colour in zip(lines, ("green", "red"), strict=False):
        assert line.startswith(f"{made / colour}.png: {colour} (probability 0.")


def test_the_last_line_says_how_often_the_run_is_right(capsys, made, run):
    last = said(capsys, "predict", run, made / "red.png").splitlines()[-1]
    assert last == (
        "right in 100.0 % of 16 test pictures that it had not seen (95 % interval 80.6 to 100.0 %; "
        f"{made / 'data'})"
    )


def test_a_turned_photograph_is_predicted_as_the_upright_one(capsys, run, noise, tmp_path):
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        stored = Image.fromarray(np.ascontiguousarray(as_stored(noise, orientation)))
        stored.save(tmp_path / f"{orientation}.png", exif=exif)
    upright, *turned = asked(capsys, run, tmp_path)
    assert turned == [upright] * 7


def test_the_format_of_a_photograph_changes_no_prediction(capsys, run, noise, tmp_path):
    paths = [tmp_path / f"a.{ending}" for ending in ("png", "bmp", "tif")]
    for path in paths:
        Image.fromarray(noise).save(path)
    first, *others = asked(capsys, run, *paths)
    assert others == [first, first]


def test_a_picture_of_the_data_set_is_predicted_as_by_its_number(capsys, made, run, tmp_path):
    pixels = load_data(made / "data").test.inputs[5]
    Image.fromarray(pixels).save(tmp_path / "five.png")
    numbered = json.loads(said(capsys, "predict", run, "--index", 5, "--json"))["examples"][0]
    (answer,) = asked(capsys, run, tmp_path / "five.png")
    assert numbered["class"] == answer["class"]
    assert numbered["probabilities"] == pytest.approx(answer["probabilities"], rel=1e-12)


def test_json_is_one_document_of_the_documented_keys(capsys, made, run):
    found = json.loads(said(capsys, "predict", run, made / "red.png", "--json"))
    assert [*found] == ["run", "input_shape", "classes", "photographs", "refused", "unseen"]
    assert (found["classes"], found["refused"]) == ([*COLOURS], [])
    (of,) = found["photographs"]
    assert [*of] == ["file", "class", "probability", "probabilities"]
    assert of["probabilities"]["red"] == of["probability"] == max(of["probabilities"].values())
    assert [*found["unseen"]] == ["data", "pictures", "accuracy", "interval"]


def test_a_folder_stands_for_its_pictures_and_those_inside_it_but_for_hidden_ones(
    capsys, run, tmp_path
):
    for name in ("b.png", "a.JPG", "deep/c.gif", ".hidden.png", ".git/d.png", "__MACOSX/e.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (4, 4), "red").save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("of cats")
    found = json.loads(said(capsys, "predict", run, tmp_path, "--json"))["photographs"]
    names = [str(Path(of["file"]).relative_to(tmp_path)) for of in found]
    assert names == ["a.JPG", "b.png", "deep/c.gif"]


def test_a_photograph_may_follow_an_option(capsys, made, run):
    assert len(asked(capsys, run, made / "red.png", "--memory", 1, made / "blue.png")) == 2
    assert "red.png: red" in said(capsys, "predict", run, "--memory", 1, made / "red.png")


def test_the_answer_to_a_photograph_is_the_same_to_the_bit_in_any_company(
    capsys, run, noise, tmp_path
):
    for number in range(5):
        Image.fromarray(np.roll(noise, number)).save(tmp_path / f"{number}.png")
    *_, last = asked(capsys, run, tmp_path)
    assert asked(capsys, run, tmp_path / "4.png") == [last]


# What cannot be read.


def test_one_that_cannot_be_read_costs_the_others_nothing_and_the_status_is_1(capsys, made, run):
    status, out, err = typed(capsys, "predict", run, made / "bad.jpg", made / "red.png", "nowhere")
    assert status == 1
    assert out.startswith(f"{made / 'red.png'}: red")
    bad, nowhere = err.splitlines()
    assert bad.startswith(f"catpipe: {made / 'bad.jpg'}: is no picture")
    assert nowhere == "catpipe: nowhere: is not there; expected a picture: check the name"


def test_the_refused_are_in_json_too(capsys, made, run):
    _, out, _ = typed(capsys, "predict", run, made / "bad.jpg", made / "red.png", "--json")
    found = json.loads(out)
    assert len(found["photographs"]) == len(found["refused"]) == 1
    assert "bad.jpg" in found["refused"][0]


def test_where_none_can_be_read_the_status_is_2_with_a_line_for_each(capsys, made, run, tmp_path):
    assert "bad.jpg: is no picture" in refused(capsys, "predict", run, made / "bad.jpg")
    assert "holds no pictures" in refused(capsys, "predict", run, tmp_path)
    status, out, err = typed(capsys, "predict", run, made / "bad.jpg", "nowhere")
    assert (status, out, err.count("\n")) == (2, "", 2)


def test_what_is_no_run_is_refused_before_any_photograph_is_read(capsys, made):
    assert "bad.jpg" in refused(capsys, "predict", made / "bad.jpg", made / "red.png")


def test_photographs_and_numbers_of_test_examples_are_refused_together(capsys, made, run):
    assert "--index" in refused(capsys, "predict", run, made / "red.png", "--index", 0)


def test_an_empty_name_is_refused(capsys, run):
    assert "''" in refused(capsys, "predict", run, "--json", "")


def test_a_run_of_rows_of_numbers_refuses_photographs(capsys, made, tmp_path):
    rows = np.random.default_rng(1).normal(size=(6, 5))
    result = fit(Experiment(seed=1, hidden=(), iterations=1), (rows, [0, 1] * 3))
    save_run(tmp_path / "rows.h5", Run(result, ("no", "yes")))
    told = refused(capsys, "predict", tmp_path / "rows.h5", made / "red.png")
    assert "was trained on 5 numbers of float64, which are no pictures" in told


def test_a_run_of_pictures_of_floats_refuses_photographs(capsys, made, tmp_path):
    pixels = np.random.default_rng(1).random((6, 4, 4, 3))
    result = fit(Experiment(seed=1, hidden=(), iterations=1), (pixels, [0, 1] * 3))
    save_run(tmp_path / "floats.h5", Run(result, ("no", "yes")))
    told = refused(capsys, "predict", tmp_path / "floats.h5", made / "red.png")
    assert "how they were scaled is not recorded" in told


def test_without_pillow_one_line_says_what_to_install(capsys, made, run, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    told = refused(capsys, "predict", run, made / "red.png")
    assert "pip install 'catpipe[photos]'" in told


# Runs of other kinds.


def test_a_run_of_grey_pictures_takes_colours_as_grey(capsys, made, tmp_path):
    grey = np.array([0, 255, 10, 240], np.uint8).reshape(4, 1, 1, 1)
    pictures = Examples(np.broadcast_to(grey, (4, 3, 5, 1)).copy(), np.array([0, 1, 0, 1]))
    save_data(tmp_path / "data", DataSet(pictures, pictures, ("dark", "light")), "grey")
    said(capsys, "train", "--data", tmp_path / "data", *TO_LEARN, "--out", tmp_path / "grey.h5")
    Image.new("RGB", (20, 30), "yellow").save(tmp_path / "yellow.png")
    assert asked(capsys, tmp_path / "grey.h5", tmp_path / "yellow.png")[0]["class"] == "light"


def test_a_stack_of_seeds_averages_and_names_the_class(capsys, made, tmp_path):
    experiment = Experiment(seed=1, hidden=(), iterations=60, learning_rate=0.5, classes=4)
    stack = fit_seeds(experiment, (1, 2, 3), in_colours(40, 1, side=SIDE))
    save_run(tmp_path / "stack.h5", Run(stack, COLOURS))
    (answer,) = asked(capsys, tmp_path / "stack.h5", made / "blue.png")
    assert answer["class"] == "blue"


def test_a_regression_answers_with_its_number(capsys, made, tmp_path):
    pictures = in_colours(12, 1, side=SIDE)
    experiment = Experiment(seed=1, hidden=(), iterations=5, loss="mean_squared_error")
    result = fit(experiment, (pictures.inputs, pictures.targets.astype(float) + 0.5))
    save_run(tmp_path / "numbers.h5", Run(result))
    (answer,) = asked(capsys, tmp_path / "numbers.h5", made / "red.png")
    assert [*answer] == ["predicted"]


def test_a_run_with_transforms_takes_photographs_as_they_are(capsys, made, tmp_path):
    command = ("train", "--data", made / "data", *TO_LEARN, "--transforms", "downscale:2")
    said(capsys, *command, "--out", tmp_path / "run.h5")
    assert asked(capsys, tmp_path / "run.h5", made / "green.png")[0]["class"] == "green"


# How often it is right.


def test_test_pictures_that_it_was_trained_on_do_not_count(capsys, tmp_path):
    train, test = in_colours(40, 1, side=SIDE), in_colours(16, 2, side=SIDE)
    leaking = Examples(
        np.concatenate([test.inputs, train.inputs[:4]]),
        np.concatenate([test.targets, train.targets[:4]]),
    )
    save_data(tmp_path / "data", DataSet(train, leaking, COLOURS), "leaking")
    run = tmp_path / "run.h5"
    said(capsys, "train", "--data", tmp_path / "data", *TO_LEARN, "--out", run)
    Image.new("RGB", (2, 2)).save(tmp_path / "a.png")
    found = json.loads(said(capsys, "predict", run, tmp_path / "a.png", "--json"))
    assert found["unseen"]["pictures"] == 16


def test_without_its_data_a_run_answers_and_says_that_the_rest_is_not_known(
    capsys, made, run, tmp_path, monkeypatch
):
    monkeypatch.setattr(sources, "HOMES", (tmp_path / "nowhere",))
    loaded = load_run(run)
    assert loaded.source
    elsewhere = loaded._replace(source=loaded.source._replace(folder=str(tmp_path / "gone")))
    for name, kept in (("gone", elsewhere), ("none", loaded._replace(source=None))):
        save_run(tmp_path / f"{name}.h5", kept)
        lines = said(capsys, "predict", tmp_path / f"{name}.h5", made / "red.png").splitlines()
        assert lines[-1].startswith("how often it is right is not known: ")
        assert "--data" in lines[-1]


def test_data_that_are_named_are_those_that_it_is_judged_by(capsys, made, run, tmp_path):
    save_run(tmp_path / "none.h5", load_run(run)._replace(source=None))
    command = ("predict", tmp_path / "none.h5", made / "red.png", "--data", made / "data")
    assert "right in 100.0 % of 16" in said(capsys, *command)
    assert "nowhere" in refused(capsys, *command[:-1], tmp_path / "nowhere")


def test_photographs_of_others_are_answered(capsys, run):
    paths = photographs_of_others()
    if not paths:
        pytest.skip("scikit-image and scikit-learn, whose photographs these are, are missing")
    answers = asked(capsys, run, *paths)
    assert len(answers) == len(paths)
    assert {str(answer["class"]) for answer in answers} <= {*COLOURS}
