"""Folders of pictures become a data set: which are its classes, parts and pixels, and its bytes."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catpipe.shell.cli.main import main
from catpipe.shell.storage.atomic import DataError
from catpipe.shell.storage.datasets import load_data, load_pictures, load_with_notes
from catpipe.shell.storage.photographs import read_photograph
from catpipe.shell.storage.picture_folders import find_pictures
from tests.typed import refused, said

Image = pytest.importorskip("PIL.Image")

SMALL = ("--size", 4)


def put(folder: Path, *names: str, ending: str = "png") -> Path:
    """Write a picture of its own colours for each name, in the folder; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        draws = np.random.default_rng([*f"{folder.name}{name}".encode()])
        pixels = draws.integers(0, 256, (5, 6, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}.{ending}")
    return folder


@pytest.fixture
def photos(tmp_path) -> Path:
    """Return a folder of ten cats and five dogs."""
    put(tmp_path / "photos" / "dogs", *"abcde")
    put(tmp_path / "photos" / "cats", *"abcdefghij")
    return tmp_path / "photos"


def imported(capsys, photos: Path, out: Path, *more: object) -> Any:
    """Return the report of an import in JSON."""
    return json.loads(said(capsys, "import", photos, "--out", out, *SMALL, "--json", *more))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# Pixels, classes, parts.


def test_the_data_have_the_pixels_that_predict_uses_in_the_order_of_the_files(
    capsys, photos, tmp_path
):
    report = imported(capsys, photos, tmp_path / "data")
    data = load_data(tmp_path / "data")
    files = report["files"]
    for part, examples in (("train", data.train), ("test", data.test)):
        expected = [read_photograph(path, (4, 4, 3)) for path in files[part]]
        np.testing.assert_array_equal(examples.inputs, expected)
        names = [data.classes[target] for target in examples.targets]
        assert names == [Path(path).parent.name for path in files[part]]


def test_classes_are_the_sorted_names_of_the_folders(capsys, photos, tmp_path):
    put(photos / "Ein Fuchs", *"ab")
    put(photos / "éléphants", *"ab")
    imported(capsys, photos, tmp_path / "data")
    assert load_data(tmp_path / "data").classes == ("Ein Fuchs", "cats", "dogs", "éléphants")


def test_the_files_are_as_catpipe_writes_them(capsys, photos, tmp_path):
    imported(capsys, photos, tmp_path / "data")
    assert load_with_notes(tmp_path / "data").notes == ()


def test_a_share_of_each_class_is_to_test_on(capsys, photos, tmp_path):
    counts = imported(capsys, photos, tmp_path / "data")["counts"]
    assert counts == {"train": {"cats": 8, "dogs": 4}, "test": {"cats": 2, "dogs": 1}}
    counts = imported(capsys, photos, tmp_path / "half", "--test-share", 0.4)["counts"]
    assert counts == {"train": {"cats": 6, "dogs": 3}, "test": {"cats": 4, "dogs": 2}}


def test_of_a_share_of_0_nothing_is_to_test_on(capsys, photos, tmp_path):
    imported(capsys, photos, tmp_path / "data", "--test-share", 0)
    assert [*contents(tmp_path / "data")] == ["train_pictures.h5"]


def test_equal_pictures_are_on_one_side(capsys, photos, tmp_path):
    for name in "abcdefghij":
        content = (photos / "cats" / f"{name}.png").read_bytes()
        (photos / "cats" / f"again {name}.png").write_bytes(content)
    findings = imported(capsys, photos, tmp_path / "data")["findings"]
    sides = [(copy["copy"]["part"], copy["of"]["part"]) for copy in findings["copies"]]
    assert len(sides) == 10
    assert all(one == other for one, other in sides)


def test_equal_files_make_equal_bytes_and_another_seed_others(capsys, photos, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        imported(capsys, photos, tmp_path / name, "--seed", seed)
    assert contents(tmp_path / "a") == contents(tmp_path / "b") != contents(tmp_path / "c")


def test_classes_are_mixed_in_each_part(capsys, photos, tmp_path):
    imported(capsys, photos, tmp_path / "data")
    targets = load_data(tmp_path / "data").train.targets
    assert targets.tolist() != sorted(targets)


@pytest.mark.parametrize(("size", "shape"), [("6", (6, 6, 3)), ("6x5", (5, 6, 3))])
def test_a_size_is_a_side_or_width_and_height(capsys, photos, tmp_path, size, shape):
    imported(capsys, photos, tmp_path / "data", "--size", size)
    assert load_data(tmp_path / "data").train.inputs.shape[1:] == shape


def test_grey_pictures_have_one_channel(capsys, photos, tmp_path):
    imported(capsys, photos, tmp_path / "data", "--grey")
    assert load_data(tmp_path / "data").train.inputs.shape[1:] == (4, 4, 1)


def test_a_folder_inside_a_class_and_a_link_to_a_class_belong_to_it(capsys, photos, tmp_path):
    put(photos / "dogs" / "puppies" / "small", "a")
    (photos / "foxes").symlink_to(put(tmp_path / "elsewhere", *"ab"))
    (photos / "dogs" / "loop").symlink_to(photos)
    counts = imported(capsys, photos, tmp_path / "data")["counts"]
    assert {c: counts["train"][c] + counts["test"][c] for c in counts["train"]} == {
        "cats": 10,
        "dogs": 6,
        "foxes": 2,
    }


# Parts that are there.


def parts(folder: Path, *names: str) -> Path:
    for name in names:
        put(folder / name / "cats", *"ab")
        put(folder / name / "dogs", *"cde")
    return folder


def test_folders_of_parts_are_the_parts(capsys, tmp_path):
    report = imported(capsys, parts(tmp_path / "photos", "Train", "test"), tmp_path / "data")
    assert report["counts"] == {part: {"cats": 2, "dogs": 3} for part in ("train", "test")}
    files = report["files"]
    assert {Path(path).parts[-3] for path in files["train"]} == {"Train"}


@pytest.mark.parametrize("name", ["val", "valid", "validation"])
def test_what_is_to_validate_on_is_to_test_on_where_nothing_else_is(capsys, tmp_path, name):
    report = imported(capsys, parts(tmp_path / "photos", "train", name), tmp_path / "data")
    files = report["files"]
    assert {Path(path).parts[-3] for path in files["test"]} == {name}


def test_a_third_part_becomes_a_file_that_training_validates_on(capsys, tmp_path):
    photos = parts(tmp_path / "photos", "train", "val", "test")
    words = said(capsys, "import", photos, "--out", tmp_path / "data", *SMALL)
    data = load_data(tmp_path / "data")
    held_out = load_pictures(tmp_path / "data" / "validation_pictures.h5", like=data)
    assert sorted(held_out.targets) == [0, 0, 1, 1, 1]
    command = words.splitlines()[-1].partition(": catpipe ")[2].split()
    assert main([*command, "--iterations", "2", "--layers", ""]) == 0


def test_train_alone_is_divided(capsys, tmp_path):
    put(tmp_path / "photos" / "train" / "cats", *"abcde")
    put(tmp_path / "photos" / "train" / "dogs", *"abcde")
    counts = imported(capsys, tmp_path / "photos", tmp_path / "data")["counts"]
    assert counts == {"train": {"cats": 4, "dogs": 4}, "test": {"cats": 1, "dogs": 1}}


def test_a_class_may_be_called_as_a_part_is(tmp_path):
    put(put(tmp_path / "vehicles" / "train", *"ab").parent / "car", *"ab")
    assert find_pictures(tmp_path / "vehicles").classes == ("car", "train")


# What is said.


def test_counts_of_classes_and_the_command_to_train_are_printed(capsys, photos, tmp_path):
    put(photos / "emus", *"abcde")
    lines = said(capsys, "import", photos, "--out", tmp_path / "my data", *SMALL).splitlines()
    assert lines[:5] == [
        "reading: 20 pictures of 3 classes",
        f"imported: pictures of 4 x 4 x 3, 16 to train on, 4 to test on, in {tmp_path / 'my data'}",
        "class      train       test",
        "cats           8          2",
        "dogs           4          1",
    ]
    assert "found: nothing" in lines
    assert lines[-1] == f"train on them: catpipe train --data '{tmp_path / 'my data'}'"


def test_many_classes_are_trained_with_softmax(capsys, photos, tmp_path):
    put(photos / "emus", *"abcde")
    imported(capsys, photos, tmp_path / "data")
    trained = said(capsys, "train", "--data", tmp_path / "data", "--iterations", 2, "--json")
    assert json.loads(trained)["network"][-1] == 3


def test_the_folder_of_the_pictures_is_no_place_for_the_data(capsys, photos):
    assert main(["import", str(photos), "--out", str(photos)]) == 2
    assert "holds the pictures; expected another folder" in capsys.readouterr().err


def test_an_archive_is_to_be_unpacked(capsys, tmp_path):
    (tmp_path / "photos.zip").write_bytes(b"PK")
    assert main(["import", str(tmp_path / "photos.zip"), "--out", str(tmp_path / "data")]) == 2
    assert "unpack it, and give the folder" in capsys.readouterr().err


def test_what_is_skipped_is_counted_and_named(capsys, photos, tmp_path):
    for number in range(7):
        (photos / "cats" / f"{number}.txt").write_text("of a cat")
    (photos / "loose.png").write_bytes((photos / "cats" / "a.png").read_bytes())
    (photos / "dogs" / "bad.jpg").write_text("a dog")
    (photos / "dogs" / ".hidden.jpg").write_text("a dog")
    out = said(capsys, "import", photos, "--out", tmp_path / "data", *SMALL)
    assert (
        "skipped: 8 files, not a picture by name, or in no class: cats/0.txt; cats/1.txt; "
        "cats/2.txt; cats/3.txt; cats/4.txt; and 3 more\n"
    ) in out
    assert re.search(r"skipped: 1 file, not readable: \S+/dogs/bad.jpg: is no picture", out)
    assert "hidden" not in out


def test_what_check_finds_is_printed_with_the_names_of_the_files(capsys, photos, tmp_path):
    (photos / "dogs" / "cat.png").write_bytes((photos / "cats" / "a.png").read_bytes())
    out = said(capsys, "import", photos, "--out", tmp_path / "data", *SMALL)
    assert "found: 1 copy has another label than what it copies" in out
    assert re.search(r"\d is \S+/cats/a.png", out)
    assert re.search(r"\d is \S+/dogs/cat.png", out)


@pytest.mark.parametrize("command", ["train", "evaluate", "check"])
def test_folders_of_pictures_in_the_place_of_data_are_told_how_to_become_some(
    capsys, photos, tmp_path, command
):
    if command == "evaluate":
        imported(capsys, photos, tmp_path / "data")
        run = ("--data", tmp_path / "data", "--iterations", 1, "--out", tmp_path / "run.h5")
        said(capsys, "train", *run)
    words = {"train": ("--data",), "evaluate": (tmp_path / "run.h5", "--data"), "check": ()}
    told = refused(capsys, command, *words[command], photos)
    assert f"catpipe import {photos} --out DATASET" in told


# What is refused.


def test_a_data_set_is_replaced_by_force_alone(capsys, photos, tmp_path):
    out = tmp_path / "data"
    imported(capsys, photos, out)
    before = contents(out)
    told = refused(capsys, "import", photos, "--out", out, "--seed", 2, *SMALL)
    assert "holds train_pictures.h5" in told
    assert contents(out) == before
    imported(capsys, photos, out, "--seed", 2, "--force")
    assert contents(out) != before


def test_other_data_are_never_replaced(capsys, photos, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train_cats.h5").write_bytes(b"mine")
    for force in ((), ("--force",)):
        assert "train_cats.h5" in refused(
            capsys, "import", photos, "--out", tmp_path / "data", *SMALL, *force
        )
    (tmp_path / "data" / "train_cats.h5").rename(tmp_path / "data" / "train_pictures.h5")
    told = refused(capsys, "import", photos, "--out", tmp_path / "data", *SMALL, "--force")
    assert "is no data set" in told
    assert contents(tmp_path / "data") == {"train_pictures.h5": b"mine"}


def test_an_interrupt_leaves_nothing(capsys, photos, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("catpipe.shell.storage.picture_folders.read_photograph", interrupt)
    assert main(["import", str(photos), "--out", str(tmp_path / "data")]) == 130
    assert not (tmp_path / "data").exists()


def test_folders_that_are_no_classes_are_refused_with_what_to_do(tmp_path):
    def refusal(name: str) -> str:
        with pytest.raises(DataError) as error:
            find_pictures(tmp_path / name)
        return str(error.value).removeprefix(str(tmp_path))

    put(tmp_path / "loose", "a")
    put(tmp_path / "one" / "cats", "a")
    parts(tmp_path / "wrapped", "archive")
    put(tmp_path / "empty" / "cats", "a")
    (tmp_path / "empty" / "dogs").mkdir()
    parts(tmp_path / "mixed", "train", "more")
    put(put(tmp_path / "flat" / "train", *"ab").parent / "test", *"ab")
    parts(tmp_path / "no training", "test", "val")
    put(parts(tmp_path / "new", "train", "test") / "test" / "emus", "a")
    assert [refusal(name).partition("; ")[0] for name in ("nowhere", "loose", "one", "empty")] == [
        "/nowhere: is not a folder",
        "/loose: holds no folders",
        "/one: holds the folders cats",
        "/empty/dogs: holds no pictures",
    ]
    assert "give " in refusal("wrapped")
    assert refusal("flat").startswith("/flat/train: holds no folders; expected a folder of pictur")
    assert refusal("mixed").startswith("/mixed: holds more, train; expected train, test")
    assert refusal("no training").startswith("/no training: holds test, val; expected train")
    assert refusal("new").startswith("/new/test/emus: is a class that is not in ")


def test_a_class_without_a_readable_picture_is_refused(capsys, photos, tmp_path):
    put(photos / "emus").joinpath("a.jpg").write_text("an emu")
    told = refused_after_reading(capsys, "import", photos, "--out", tmp_path / "data", *SMALL)
    assert "emus: leaves no picture to train on" in told
    assert not (tmp_path / "data").exists()


def refused_after_reading(capsys, *arguments: object) -> str:
    status = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    assert (status, out.count("\n"), err.count("\n")) == (2, 1, 1)
    return str(err)


@pytest.mark.parametrize(
    ("flags", "found"),
    [
        (("--size", "0x4"), "'0x4' is no size"),
        (("--size", "4x"), "'4x' is no size"),
        (("--test-share", "1"), "--test-share is 1.0"),
        (("--test-share", "nan"), "--test-share is nan"),
        (("--seed", "-1"), "--seed is -1"),
        (("--out", "data.h5"), "give --out data"),
    ],
)
def test_options_that_cannot_be_are_refused(capsys, photos, tmp_path, flags, found):
    assert found in refused(capsys, "import", photos, "--out", tmp_path / "data", *flags)


def test_a_share_to_test_on_is_refused_where_the_part_is_there(capsys, tmp_path):
    photos = parts(tmp_path / "photos", "train", "test")
    told = refused(capsys, "import", photos, "--out", tmp_path / "data", "--test-share", 0.2)
    assert "leave it out" in told


def test_more_than_a_file_holds_is_refused_before_it_is_read(capsys, photos, tmp_path):
    told = refused_after_reading(
        capsys, "import", photos, "--out", tmp_path / "data", "--size", 9999
    )
    assert "a smaller --size" in told


def test_without_pillow_one_line_says_what_to_install(capsys, photos, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    told = refused(capsys, "import", photos, "--out", tmp_path / "data")
    assert "pip install 'catpipe[photos]'" in told
