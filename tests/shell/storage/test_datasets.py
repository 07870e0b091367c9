"""A data set is read whole or refused in one sentence, and what is saved is what is read."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from catpipe.data.examples import DataSet, Examples
from catpipe.nn.parameters import Array
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
    assert "is not a folder" in refusal(tmp_path / "none", tmp_path / "none")


def test_a_file_is_not_a_folder(folder: Path) -> None:
    path = folder / "train_x.h5"
    assert "is not a folder" in refusal(path, path)


@pytest.mark.parametrize("part", ["train", "test"])
def test_a_missing_file_is_refused(folder: Path, part: str) -> None:
    (folder / f"{part}_x.h5").unlink()
    assert f"holds no {part}_*.h5; expected exactly one {part}_*.h5" in refusal(folder, folder)


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


def test_a_test_file_in_place_of_the_training_file_is_refused(folder: Path) -> None:
    (folder / "test_x.h5").replace(folder / "train_x.h5")
    (folder / "test_x.h5").touch()
    assert "train_set_x is not there" in refusal(folder, folder / "train_x.h5")


# Pictures.


@pytest.mark.parametrize(
    "shape", [(5, 4, 12), (5, 3, 4, 4), (5, 4, 4, 4), (5, 4, 4, 1), (5, 1, 4, 4, 3)]
)
def test_pictures_of_another_shape_are_refused(folder: Path, shape: tuple[int, ...]) -> None:
    put(folder / "train_x.h5", train_set_x=np.zeros(shape, np.uint8))
    sentence = refusal(folder, folder / "train_x.h5")
    assert f"train_set_x has shape {shape}; expected (examples, height, width, 3)" in sentence


@pytest.mark.parametrize("dtype", ["f4", "i8", "i1"])
def test_pictures_of_another_type_are_refused(folder: Path, dtype: str) -> None:
    put(folder / "test_x.h5", test_set_x=np.zeros((3, 4, 4, 3), dtype))
    assert f"test_set_x has type {np.dtype(dtype)}; expected uint8" in refusal(
        folder, folder / "test_x.h5"
    )


@pytest.mark.parametrize("shape", [(0, 4, 4, 3), (3, 0, 4, 3)])
def test_no_pictures_are_refused(folder: Path, shape: tuple[int, ...]) -> None:
    put(
        folder / "test_x.h5",
        test_set_x=np.zeros(shape, np.uint8),
        test_set_y=np.zeros(shape[0], int),
    )
    assert "expected one picture or more" in refusal(folder, folder / "test_x.h5")


@pytest.mark.parametrize("shape", [(3, 5, 4, 3), (3, 4, 5, 3)])
def test_test_pictures_of_another_size_are_refused(folder: Path, shape: tuple[int, ...]) -> None:
    put(folder / "test_x.h5", test_set_x=np.zeros(shape, np.uint8))
    assert f"pictures of {shape[1]} x {shape[2]}; expected 4 x 4 as in train_x.h5" in refusal(
        folder, folder / "test_x.h5"
    )


# Labels.


def test_labels_that_are_not_integers_are_refused(folder: Path) -> None:
    put(folder / "train_x.h5", train_set_y=np.zeros(5))
    assert "train_set_y has type float64; expected integers" in refusal(
        folder, folder / "train_x.h5"
    )


@pytest.mark.parametrize("shape", [(4,), (6,), (1, 5), (5, 1), (0,)])
def test_labels_are_one_a_picture(folder: Path, shape: tuple[int, ...]) -> None:
    put(folder / "train_x.h5", train_set_y=np.zeros(shape, int))
    assert f"train_set_y has shape {shape}; expected (5,)" in refusal(folder, folder / "train_x.h5")


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
        ([[b"cat", b"dog"]], "has type |S3 and shape (1, 2); expected a list of names"),
        ([0, 1], "has type int64 and shape (2,); expected a list of names"),
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
    with pytest.raises(DataError, match=r"test_x\.h5: test_set_x has pictures of .* 4 x 4 as in"):
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
    (folder / "test_x.h5").rename(folder / "held_out.h5")
    with pytest.raises(DataError, match="train_set_x is not there"):
        load_pictures(folder / "held_out.h5", like=data)


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
