"""A data set is read whole or refused in one sentence, and what is saved is what is read."""

from __future__ import annotations

import hashlib
from itertools import permutations
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from catpipe.data.examples import DataSet, Examples
from catpipe.nn.arrays import Array
from catpipe.shell.storage.atomic import DataError
from catpipe.shell.storage.datasets import load_data, load_pictures, save_data

CLASSES = np.array([b"non-cat", b"cat"])


def pictures(count: int, *, side: int = 4, seed: int = 0) -> Examples:
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (count, side, side, 3), np.uint8)
    return Examples(images, random.integers(0, 2, count))


@pytest.fixture
def data() -> DataSet:
    return DataSet(pictures(5), pictures(3, seed=1), ("non-cat", "cat"))


@pytest.fixture
def folder(tmp_path: Path, data: DataSet) -> Path:
    save_data(tmp_path / "data", data, "x")
    return tmp_path / "data"


def put(path: Path, **changed: Any) -> None:
    """Replace datasets of the file."""
    with h5py.File(path, "a") as file:
        for name, array in changed.items():
            del file[name]
            file[name] = array


def refusal(folder: Path, blamed: Path) -> str:
    """Return the sentence with which loading the folder is refused."""
    with pytest.raises(DataError) as caught:
        load_data(folder)
    sentence = str(caught.value)
    assert sentence.startswith(f"{blamed}: ")
    assert "; expected " in sentence
    assert sentence.isprintable()
    return sentence


# The folder.


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    assert "is not there" in refusal(tmp_path / "none", tmp_path / "none")


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    assert "holds no train_*.h5; expected exactly one train_*.h5" in refusal(tmp_path, tmp_path)


def test_a_missing_training_file_is_refused(folder: Path) -> None:
    (folder / "train_x.h5").unlink()
    assert "holds only test_x.h5; expected exactly one train_*.h5" in refusal(folder, folder)


@pytest.mark.parametrize("part", ["train", "test"])
def test_two_files_are_refused(folder: Path, part: str) -> None:
    (folder / f"{part}_a.h5").touch()
    assert f"holds {part}_a.h5 and {part}_x.h5; expected exactly one" in refusal(folder, folder)


def test_a_web_page_in_place_of_a_file_is_refused(folder: Path) -> None:
    (folder / "test_x.h5").write_text("<html>")
    assert "is a web page" in refusal(folder, folder / "test_x.h5")


@pytest.mark.parametrize("name", ["train_set_x", "train_set_y", "list_classes"])
def test_a_missing_dataset_is_refused(folder: Path, name: str) -> None:
    with h5py.File(folder / "train_x.h5", "a") as file:
        del file[name]
    assert f"{name} is not there" in refusal(folder, folder / "train_x.h5")


def test_a_refusal_lists_what_is_there_and_how_to_rename_it(folder: Path) -> None:
    with h5py.File(folder / "train_x.h5", "a") as file:
        file.move("train_set_x", "cats")
        file["notes"] = "of variable length"
    sentence = refusal(folder, folder / "train_x.h5")
    assert "cats (5, 4, 4, 3) uint8, list_classes (2,) |S7, notes () text, train_set_y" in sentence
    assert "as in h5py.File('train_x.h5', 'a').move('NAME', 'train_set_x')" in sentence


def test_a_test_file_in_place_of_the_training_file_is_refused(folder: Path) -> None:
    (folder / "test_x.h5").replace(folder / "train_x.h5")
    (folder / "test_x.h5").touch()
    assert "train_set_x is not there" in refusal(folder, folder / "train_x.h5")


# Pictures.


@pytest.mark.parametrize("shape", [(5, 8, 4, 5), (5, 1, 4, 4, 3)])
def test_inputs_of_another_shape_are_refused(folder: Path, shape: tuple[int, ...]) -> None:
    put(folder / "train_x.h5", train_set_x=np.zeros(shape, np.uint8))
    sentence = refusal(folder, folder / "train_x.h5")
    assert f"train_set_x has shape {shape}; expected (examples, features)" in sentence


def test_channels_that_may_be_first_or_last_are_refused(folder: Path) -> None:
    put(folder / "train_x.h5", train_set_x=np.zeros((5, 3, 4, 4), np.uint8))
    assert "whose channels may come first or last" in refusal(folder, folder / "train_x.h5")


def test_pictures_with_the_examples_last_are_refused_with_the_mend(folder: Path) -> None:
    put(folder / "train_x.h5", train_set_x=np.zeros((4, 4, 3, 5), np.uint8))
    assert "np.moveaxis(x, -1, 0)" in refusal(folder, folder / "train_x.h5")


@pytest.mark.parametrize("value", [-1, 256, 65535])
def test_integers_that_are_no_pixels_are_refused(folder: Path, value: int) -> None:
    put(folder / "test_x.h5", test_set_x=np.full((3, 4, 4, 3), value))
    assert f"test_set_x has integers from {value} to {value}; expected pixels" in refusal(
        folder, folder / "test_x.h5"
    )


@pytest.mark.parametrize(("part", "blamed"), [("train", "test"), ("test", "test")])
def test_pixels_and_other_floats_together_are_refused(folder: Path, part: str, blamed: str) -> None:
    count = {"train": 5, "test": 3}[part]
    put(folder / f"{part}_x.h5", **{f"{part}_set_x": np.full((count, 4, 4, 3), 1.5)})
    assert "expected one type in both" in refusal(folder, folder / f"{blamed}_x.h5")


@pytest.mark.parametrize("shape", [(0, 4, 4, 3), (3, 0, 4, 3)])
def test_no_pictures_are_refused(folder: Path, shape: tuple[int, ...]) -> None:
    put(
        folder / "test_x.h5",
        test_set_x=np.zeros(shape, np.uint8),
        test_set_y=np.zeros(shape[0], int),
    )
    assert "expected one example or more" in refusal(folder, folder / "test_x.h5")


@pytest.mark.parametrize("shape", [(3, 5, 4, 3), (3, 4, 5, 3)])
def test_test_pictures_of_another_size_are_refused(folder: Path, shape: tuple[int, ...]) -> None:
    put(folder / "test_x.h5", test_set_x=np.zeros(shape, np.uint8))
    found = f"inputs of {shape[1]} x {shape[2]} x 3; expected 4 x 4 x 3 as in train_x.h5"
    assert found in refusal(folder, folder / "test_x.h5")


# Labels.


def test_labels_that_are_not_whole_are_refused(folder: Path) -> None:
    put(folder / "train_x.h5", train_set_y=np.array([0, 1, 0.5, 0, 1]))
    assert "train_set_y has numbers such as 0.5; expected 0 to 1" in refusal(
        folder, folder / "train_x.h5"
    )


@pytest.mark.parametrize("shape", [(4,), (6,), (1, 4), (6, 1), (0,), (4, 2), ()])
def test_labels_are_as_many_as_the_examples(folder: Path, shape: tuple[int, ...]) -> None:
    put(folder / "train_x.h5", train_set_y=np.zeros(shape, int))
    assert f"for targets of shape {shape}; expected as many" in refusal(
        folder, folder / "train_x.h5"
    )


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        (np.array([0, -1, 0]), "from -1 to 0"),
        (np.array([0, 2, 0]), "from 0 to 2"),
        (np.array([1, 2**64 - 1, 1], "u8"), "from 1 to 18446744073709551615"),
    ],
)
def test_labels_count_the_classes(folder: Path, labels: Array, found: str) -> None:
    put(folder / "test_x.h5", test_set_y=labels)
    assert f"test_set_y has labels {found}; expected 0 to 1" in refusal(
        folder, folder / "test_x.h5"
    )


# Classes.


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ([b"cat"], "expected two or more distinct names"),
        ([b"cat", b"cat"], "expected two or more distinct names"),
        ([b"cat", b""], "expected a printable name"),
        ([b"cat", b"\x1b[2Jdog"], r"holds '\x1b[2Jdog'; expected a printable name"),
        ([b"cat", b"a\nb"], r"holds 'a\nb'; expected a printable name"),
        ([b"cat", "\u202egod".encode()], r"holds '\u202egod'; expected a printable name"),
        ([b"cat", b"\xff"], r"holds b'\xff'; expected UTF-8"),
        ([[b"cat", b"dog"]] * 2, "has type |S3 and shape (2, 2); expected a list of names"),
        ([0.5, 1], "has type float64 and shape (2,); expected a list of names"),
        ([1, 1], "expected two or more distinct names"),
        ([1, 0], "of which the targets may be numbers or places"),
    ],
)
def test_classes_are_distinct_printable_names(folder: Path, names: list[Any], found: str) -> None:
    put(folder / "train_x.h5", list_classes=np.array(names))
    sentence = refusal(folder, folder / "train_x.h5")
    assert "train_x.h5: list_classes " in sentence
    assert found in sentence


def test_other_classes_in_the_two_files_are_refused(folder: Path) -> None:
    put(folder / "test_x.h5", list_classes=CLASSES[::-1])
    assert (
        "list_classes is ('cat', 'non-cat'); expected ('non-cat', 'cat') as in train_x.h5"
        in refusal(folder, folder / "test_x.h5")
    )


def test_a_list_of_many_classes_is_not_told_whole(folder: Path) -> None:
    put(folder / "train_x.h5", list_classes=np.arange(10_000).astype("S100"))
    assert len(refusal(folder, folder / "test_x.h5")) < 500


# Saving.


def arrays(data: DataSet) -> tuple[Array, ...]:
    return (*data.train[:2], *data.test[:2])


def same(one: DataSet, other: DataSet) -> bool:
    pairs = zip(arrays(one), arrays(other), strict=True)
    return one.classes == other.classes and all(np.array_equal(a, b) for a, b in pairs)


def test_what_is_saved_is_loaded(folder: Path, data: DataSet) -> None:
    assert same(load_data(folder), data)


def test_many_classes_with_accents_are_loaded(tmp_path: Path, data: DataSet) -> None:
    many = data._replace(classes=("chat", "lièvre", "猫"))
    save_data(tmp_path, many, "x")
    assert load_data(tmp_path).classes == many.classes


def test_loaded_arrays_are_read_only(folder: Path) -> None:
    assert not any(array.flags.writeable for array in arrays(load_data(folder)))


@pytest.mark.parametrize("dtype", ["u1", "i4", ">i8"])
def test_labels_of_any_integer_type_are_loaded_as_int64(folder: Path, dtype: str) -> None:
    put(folder / "test_x.h5", test_set_y=np.array([1, 0, 1], dtype))
    labels = load_data(folder).test.targets
    assert labels.dtype == np.int64
    assert labels.tolist() == [1, 0, 1]


def test_saving_twice_makes_equal_bytes(folder: Path, data: DataSet, tmp_path: Path) -> None:
    save_data(tmp_path / "again", data, "x")
    for name in ("train_x.h5", "test_x.h5"):
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_saving_again_replaces(folder: Path, data: DataSet) -> None:
    other = data._replace(train=pictures(7, seed=2))
    save_data(folder, other, "x")
    assert same(load_data(folder), other)


def test_saving_beside_another_data_set_is_refused(folder: Path, data: DataSet) -> None:
    with pytest.raises(DataError, match=r"holds test_x\.h5; expected a folder without other data"):
        save_data(folder, data, "y")
    assert sorted(path.name for path in folder.iterdir()) == ["test_x.h5", "train_x.h5"]


def test_what_could_not_be_loaded_is_not_saved(tmp_path: Path, data: DataSet) -> None:
    with pytest.raises(DataError, match=r"test_x\.h5: test_set_y has labels"):
        save_data(
            tmp_path / "new",
            data._replace(test=Examples(data.test.inputs, data.test.targets + 2)),
            "x",
        )
    assert not (tmp_path / "new").exists()


def test_saving_into_a_file_is_refused(folder: Path, data: DataSet) -> None:
    with pytest.raises(DataError, match=r"train_x\.h5: cannot be made \(File exists\)"):
        save_data(folder / "train_x.h5", data, "x")


def test_when_one_file_cannot_be_written_the_other_stays_as_it_was(
    folder: Path, data: DataSet
) -> None:
    before = (folder / "train_x.h5").read_bytes()
    (folder / "test_x.h5").unlink()
    (folder / "test_x.h5").mkdir()
    with pytest.raises(DataError, match=r"test_x\.h5: cannot be written"):
        save_data(folder, data._replace(train=pictures(7)), "x")
    assert (folder / "train_x.h5").read_bytes() == before
    assert len(list(folder.iterdir())) == 2


# Pictures of one file.


@pytest.mark.parametrize("part", ["train", "test"])
def test_the_pictures_of_one_file_are_those_of_the_data_set(
    folder: Path, data: DataSet, part: str
) -> None:
    images, labels, _ = load_pictures(folder / f"{part}_x.h5", like=data)
    assert np.array_equal(images, getattr(data, part).inputs)
    assert np.array_equal(labels, getattr(data, part).targets)
    assert not images.flags.writeable
    assert not labels.flags.writeable


@pytest.mark.parametrize("shape", [(3, 5, 4, 3), (3, 4, 5, 3)])
def test_the_pictures_of_one_file_are_of_the_size_of_the_others(
    folder: Path, data: DataSet, shape: tuple[int, ...]
) -> None:
    put(folder / "test_x.h5", test_set_x=np.zeros(shape, np.uint8))
    with pytest.raises(DataError, match=r"test_x\.h5: test_set_x has inputs of .* 4 x 4 x 3 as in"):
        load_pictures(folder / "test_x.h5", like=data)


@pytest.mark.parametrize("classes", [("cat", "non-cat"), ("non-cat", "cat", "dog")])
def test_the_pictures_of_one_file_are_of_the_classes_of_the_others(
    folder: Path, data: DataSet, classes: tuple[str, ...]
) -> None:
    with pytest.raises(DataError, match=r"test_x\.h5: list_classes is .* as in the training set"):
        load_pictures(folder / "test_x.h5", like=data._replace(classes=classes))


def test_a_file_that_is_not_there_has_no_pictures(tmp_path: Path, data: DataSet) -> None:
    with pytest.raises(DataError, match="is not a file"):
        load_pictures(tmp_path / "test_x.h5", like=data)


def test_a_file_of_another_part_than_its_name_says_is_refused(folder: Path, data: DataSet) -> None:
    (folder / "test_x.h5").rename(folder / "train_other.h5")
    with pytest.raises(DataError, match="train_set_x is not there"):
        load_pictures(folder / "train_other.h5", like=data)


def test_a_file_whose_name_says_no_part_is_of_the_part_that_it_holds(
    folder: Path, data: DataSet
) -> None:
    (folder / "test_x.h5").rename(folder / "held_out.h5")
    found = load_pictures(folder / "held_out.h5", like=data)
    assert np.array_equal(found.inputs, data.test.inputs)


# The photographs.


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("train_catvnoncat.h5", "fbe56ab67c3ae28d564e3a644189117976d6b31af0a3ce9bb17dbf22908af242"),
        ("test_catvnoncat.h5", "6a9d39ce52fa85953c5834695b8534a30ed8cfd54971fb2f080b5a24d002b951"),
    ],
)
def test_the_photographs_are_the_published_files(
    photographs_folder: Path, name: str, digest: str
) -> None:
    assert hashlib.sha256((photographs_folder / name).read_bytes()).hexdigest() == digest


def test_the_photographs_are_counted(photographs: DataSet) -> None:
    train, test, classes = photographs
    assert classes == ("non-cat", "cat")
    assert (train.inputs.shape, test.inputs.shape) == ((209, 64, 64, 3), (50, 64, 64, 3))
    assert (train.targets.sum(), test.targets.sum()) == (72, 33)


def test_one_photograph_is_in_both_sets(photographs: DataSet) -> None:
    assert np.array_equal(photographs.test.inputs[17], photographs.train.inputs[146])


def test_the_photographs_saved_are_the_photographs(photographs: DataSet, tmp_path: Path) -> None:
    save_data(tmp_path, photographs, "again")
    assert same(load_data(tmp_path), photographs)


@pytest.mark.parametrize("classes", [*permutations(("bird", "cat", "dog"))], ids=" ".join)
def test_named_labels_are_saved_as_the_places_of_their_classes(
    tmp_path: Path, classes: tuple[str, ...]
) -> None:
    images = np.arange(48, dtype=np.uint8).reshape(4, 2, 2, 3)
    named = Examples(images, np.array(["dog", "bird", "cat", "dog"]))
    save_data(tmp_path, DataSet(named, named, classes), "drawn")
    saved = load_data(tmp_path)
    assert saved.classes == classes
    assert [classes[label] for label in saved.train.targets] == named.targets.tolist()
