"""Any honest form of a data set is the plain one; any other is refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catpipe.data.examples import DataSet, Examples
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import fit
from catpipe.nn.arrays import Array
from catpipe.shell.runs.run_file import load_run
from catpipe.shell.storage import datasets
from catpipe.shell.storage.atomic import DataError
from catpipe.shell.storage.datasets import load_data, load_pictures, load_with_notes, save_data
from tests.victims import trained as trained_run

COUNTS = {"train": 9, "test": 8}
SHAPE = (6, 5, 3)
NAMES = ("non-cat", "cat")
Change = Callable[[Array], Any]


def pictures(part: str) -> Examples:
    random = np.random.default_rng(len(part))
    labels = np.arange(COUNTS[part]) % 2
    return Examples(random.integers(0, 256, (COUNTS[part], *SHAPE), np.uint8), labels)


PLAIN = DataSet(pictures("train"), pictures("test"), NAMES)

INPUTS: Mapping[str, Change] = {
    "uint8": lambda x: x,
    "int64": lambda x: x.astype("i8"),
    "big-endian int32": lambda x: x.astype(">i4"),
    "uint16": lambda x: x.astype("u2"),
    "channels first": lambda x: np.moveaxis(x, -1, 1),
    "channels first, int16": lambda x: np.moveaxis(x, -1, 1).astype("i2"),
}
TARGETS: Mapping[str, Change] = {
    "integers": lambda y: y,
    "a row": lambda y: y[np.newaxis],
    "a column": lambda y: y[:, np.newaxis],
    "booleans": lambda y: y.astype(bool),
    "whole floats": lambda y: y.astype(">f4"),
    "one-hot rows": lambda y: np.eye(2)[y],
    "one-hot columns": lambda y: np.eye(2, dtype="u1")[y].T,
    "names": lambda y: np.array([NAMES[i].encode() for i in y]),
    "names of variable length": lambda y: np.array([NAMES[i] for i in y], object),
}
CLASSES: Mapping[str, Any] = {
    "fixed bytes": np.array([b"non-cat", b"cat"]),
    "variable length": ["non-cat", "cat"],
    "a row": np.array([[b"non-cat", b"cat"]]),
}
CALLED: Mapping[str, tuple[str, str, str]] = {
    "ours": ("{}_set_x", "{}_set_y", "list_classes"),
    "the course's": ("{}_set_x_orig", "{}_set_y_orig", "classes"),
    "Keras's": ("x_{}", "y_{}", "class_names"),
    "scikit-learn's": ("X_{}", "y_{}", "target_names"),
    "words": ("{}_images", "{}_labels", "label_names"),
    "of groups": ("{}/images", "{}/labels", "list_classes"),
    "of groups of data": ("{}/data", "{}/target", "list_classes"),
    "camel case": ("{}X", "{}Y", "classNames"),
    "of a letter less": ("{}_imges", "{}_lables", "list_clases"),
}
STORED: Mapping[str, dict[str, Any]] = {
    "as they are": {},
    "gzip": {"compression": "gzip", "shuffle": True, "chunks": True},
    "lzf": {"compression": "lzf", "chunks": True},
    "szip": {"compression": "szip", "chunks": True},
}
PLACES = ("two files", "one file", "a file named", "a prefix", "other endings")


def put(path: Path, part: str, data: DataSet, **forms: Any) -> None:
    """Write a part of the data set in these forms, beside what else a file may have."""
    asked = {"inputs": "uint8", "targets": "integers", "classes": "fixed bytes"}
    chosen = {**asked, "called": "ours", "stored": "as they are", "block": 0, **forms}
    examples: Examples = getattr(data, part)
    x, y, classes = (name.format(part) for name in CALLED[chosen["called"]])
    block = None if path.exists() else chosen["block"]
    with h5py.File(path, "a", userblock_size=block) as file:
        inputs = INPUTS[chosen["inputs"]](examples.inputs)
        file.create_dataset(x, data=inputs, **STORED[chosen["stored"]])
        file[y] = TARGETS[chosen["targets"]](examples.targets)
        for name, value in ((classes, CLASSES[chosen["classes"]]), ("learning_rate", 0.0075)):
            if name not in file:
                file[name] = value


def place(folder: Path, where: str, **forms: Any) -> Path:
    """Write the data set there, and return what to load."""
    names = {"one file": "cats.h5", "other endings": "{}-cats.hdf5"}
    for part in COUNTS:
        put(folder / names.get(where, "{}_cats.h5").format(part), part, PLAIN, **forms)
    return folder / {"a file named": "train_cats.h5", "a prefix": "cats"}.get(where, "")


def same(one: DataSet, other: DataSet) -> bool:
    pairs = [(getattr(one, part), getattr(other, part)) for part in COUNTS]
    return one.classes == other.classes and all(
        a.dtype == b.dtype and a.tobytes() == b.tobytes() and a.shape == b.shape
        for of in pairs
        for a, b in zip(of[0][:2], of[1][:2], strict=True)
    )


def trained(data: DataSet) -> dict[str, bytes]:
    result = fit(Experiment(seed=1, hidden=(2,), iterations=3), data.train)
    return {name: W.tobytes() for name, W in result.parameters.items()}


TRAINED = trained(PLAIN)


@given(
    st.fixed_dictionaries(
        {
            "where": st.sampled_from(PLACES),
            "inputs": st.sampled_from([*INPUTS]),
            "targets": st.sampled_from([*TARGETS]),
            "classes": st.sampled_from([*CLASSES]),
            "called": st.sampled_from([*CALLED]),
            "stored": st.sampled_from([*STORED]),
            "block": st.sampled_from([0, 512]),
        }
    )
)
def test_any_honest_form_is_the_plain_data_set_and_trains_to_the_same_bits(
    forms: dict[str, Any],
) -> None:
    with TemporaryDirectory() as folder:
        found = load_data(place(Path(folder), **forms))
    assert same(found, PLAIN)
    assert trained(found) == TRAINED


def write(path: Path, **arrays: Any) -> Path:
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array
    return path


def pair(folder: Path, train: dict[str, Any], test: dict[str, Any] | None = None) -> Path:
    """Write the datasets, named without their part, into two files."""
    for part, of in (("train", train), ("test", test or train)):
        names = {name if name == "list_classes" else f"{part}_set_{name}": of[name] for name in of}
        write(folder / f"{part}_a.h5", **names)
    return folder


def refusal(place: Path) -> str:
    with pytest.raises(DataError) as caught:
        load_data(place)
    sentence = str(caught.value)
    assert "; expected " in sentence
    assert sentence.isprintable()
    assert len(sentence) < 1000
    return sentence


X, Y = np.random.default_rng(0).normal(size=(6, 4)), np.array([0, 1, 2, 2, 1, 0])


# Inputs.


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (X.astype("f2"), X.astype("f2").astype("f4")),
        (X.astype("f4"), X.astype("f4")),
        (X.astype(">f8"), X),
        (X.astype("longdouble"), X),
        (X.astype("f4").T, X.astype("f4")),
        ((9 * X).astype("i2"), (9 * X).astype("i2").astype("f8")),
        (X > 0, (X > 0) * 1.0),
        (X[:, 0], X[:, :1]),
        ((X > 0).astype("u1"), (X > 0).astype("u1")),
        (np.zeros((6, 5, 4)), np.zeros((6, 5, 4))),
        (np.zeros((6, 5, 4), "i8"), np.zeros((6, 5, 4), "u1")),
        (np.zeros((6, 5, 4, 1), "i8"), np.zeros((6, 5, 4, 1), "u1")),
        (np.zeros((6, 5, 4, 2), "f4"), np.zeros((6, 5, 4, 2), "f4")),
        (np.zeros((6, 5, 4, 4), "u1"), np.zeros((6, 5, 4, 4), "u1")),
        (np.zeros((6, 3, 8, 5), "u1"), np.zeros((6, 8, 5, 3), "u1")),
    ],
    ids=lambda of: f"{of.dtype}{of.shape}",
)
def test_inputs_of_every_kind_are_read(tmp_path: Path, inputs: Array, expected: Array) -> None:
    found = load_data(pair(tmp_path, {"x": inputs, "y": Y})).train.inputs
    assert found.dtype == expected.dtype
    assert np.array_equal(found, expected)
    assert not found.flags.writeable


def test_examples_in_columns_are_read_with_a_note(tmp_path: Path) -> None:
    found = load_with_notes(pair(tmp_path, {"x": X.T, "y": Y[np.newaxis], "list_classes": Y[:3]}))
    assert np.array_equal(found.data.train.inputs, X)
    assert "examples are columns" in found.notes


def test_floats_in_0_to_1_are_tested_on_where_pixels_were_trained_on(tmp_path: Path) -> None:
    pixels = np.arange(96, dtype="u1").reshape(6, 4, 4)
    pair(tmp_path, {"x": pixels, "y": Y}, {"x": pixels / 255, "y": Y})
    assert load_data(tmp_path).test.inputs.dtype == np.float64


def test_pixels_are_not_tested_on_where_floats_were_trained_on(tmp_path: Path) -> None:
    pixels = np.arange(96, dtype="u1").reshape(6, 4, 4)
    assert "expected one type in both" in refusal(
        pair(tmp_path, {"x": pixels / 255, "y": Y}, {"x": pixels, "y": Y})
    )


# Classes and targets.


@pytest.mark.parametrize(
    ("names", "labels", "classes", "numbers"),
    [
        (None, [0, 1, 2, 2, 1, 0], ("0", "1", "2"), [0, 1, 2, 2, 1, 0]),
        (None, [1, 2, 3, 3, 2, 1], ("1", "2", "3"), [0, 1, 2, 2, 1, 0]),
        (None, [-1, 1, 1, 1, -1, 1], ("-1", "1"), [0, 1, 1, 1, 0, 1]),
        (None, [0.0, 1, 2, 2, 1, 0], ("0", "1", "2"), [0, 1, 2, 2, 1, 0]),
        (None, [False, True] * 3, ("0", "1"), [0, 1] * 3),
        (None, [b"dog", b"cat"] * 3, ("cat", "dog"), [1, 0] * 3),
        (None, [0] * 6, ("0", "1"), [0] * 6),
        ([0, 1, 2], [0, 1, 2, 2, 1, 0], ("0", "1", "2"), [0, 1, 2, 2, 1, 0]),
        ([0.0, 1.0], [0, 1] * 3, ("0", "1"), [0, 1] * 3),
        ([5, 7], [5, 7] * 3, ("5", "7"), [0, 1] * 3),
        ([5, 7], [0, 1] * 3, ("5", "7"), [0, 1] * 3),
        ([b"dog", b"cat"], [b"dog", b"cat"] * 3, ("dog", "cat"), [0, 1] * 3),
        ([b"1", b"2"], [1, 1] * 3, ("1", "2"), [1] * 6),
    ],
)
def test_labels_are_the_numbers_of_their_classes(
    tmp_path: Path, names: Any, labels: Any, classes: tuple[str, ...], numbers: list[int]
) -> None:
    named = {} if names is None else {"list_classes": np.array(names)}
    data = load_data(pair(tmp_path, {"x": X, "y": np.array(labels), **named}))
    assert data.classes == classes
    assert data.train.targets.tolist() == numbers
    assert data.train.targets.dtype == np.int64


def test_names_are_labels_in_one_file_and_numbers_in_the_other(tmp_path: Path) -> None:
    named = {
        "x": X,
        "y": np.array([b"dog", b"cat"] * 3),
        "list_classes": np.array([b"dog", b"cat"]),
    }
    data = load_data(pair(tmp_path, named, {**named, "y": np.array([0, 1] * 3)}))
    assert np.array_equal(data.train.targets, data.test.targets)


def test_names_and_numbers_without_a_list_of_classes_are_refused(tmp_path: Path) -> None:
    named = {"x": X, "y": np.array([b"dog", b"cat"] * 3)}
    assert "are names and numbers" in refusal(pair(tmp_path, named, {"x": X, "y": Y % 2}))


def test_without_names_the_classes_are_those_of_both_files(tmp_path: Path) -> None:
    data = load_data(pair(tmp_path, {"x": X, "y": Y % 2}, {"x": X, "y": Y}))
    assert data.classes == ("0", "1", "2")


@pytest.mark.parametrize(
    "targets",
    [
        X[:, 0],
        X[:, :2],
        X[:, :3].T,
        np.array([221900, 3, 1, 5, 6, 7]),
        np.array([-2, 3, 1, 5, 6, 7]),
    ],
    ids=["one output", "two", "columns", "large numbers", "negative numbers"],
)
def test_other_numbers_are_the_targets_of_a_regression(tmp_path: Path, targets: Array) -> None:
    data, notes = load_with_notes(pair(tmp_path, {"x": X, "y": targets}))
    assert data.classes == ()
    assert data.train.targets.dtype == np.float64
    assert data.train.targets.T.tolist() in (targets.tolist(), targets.T.tolist())
    assert "targets are numbers, of a regression" in notes


def test_an_empty_list_of_classes_is_that_of_a_regression(tmp_path: Path) -> None:
    assert (
        load_data(pair(tmp_path, {"x": X, "y": Y, "list_classes": np.array([], "S1")})).classes
        == ()
    )


@pytest.mark.parametrize("targets", [X[:, 0], Y * 1.0 + 4])
def test_one_file_of_a_regression_is_read_like_the_others(tmp_path: Path, targets: Array) -> None:
    like = load_data(pair(tmp_path, {"x": X, "y": X[:, 0]}))
    write(tmp_path / "train_more.h5", train_set_x=X, train_set_y=targets)
    found = load_pictures(tmp_path / "train_more.h5", like)
    assert found.targets.tolist() == targets.tolist()


def test_one_file_without_names_is_read_like_the_others(tmp_path: Path) -> None:
    like = load_data(pair(tmp_path, {"x": X, "y": Y + 1}))
    write(tmp_path / "more.h5", x=X, y=np.full(6, 2))
    assert load_pictures(tmp_path / "more.h5", like).targets.tolist() == [1] * 6


@pytest.mark.parametrize("part", ["val", "test"])
def test_one_file_of_several_parts_is_read_for_the_one_that_is_held_out(
    tmp_path: Path, part: str
) -> None:
    like = load_data(pair(tmp_path, {"x": X, "y": Y}))
    held_out = {f"x_{part}": X[:2], f"y_{part}": Y[:2]}
    write(tmp_path / "all.h5", **held_out, x_train=X, y_train=Y)
    assert load_pictures(tmp_path / "all.h5", like).targets.tolist() == [0, 1]


def test_a_name_without_a_word_is_no_set(tmp_path: Path) -> None:
    place = pair(tmp_path, {"x": X, "y": Y})
    (place / "train_a.h5").rename(place / "train.h5")
    assert "is not there; expected a folder" in refusal(place / "-")


# Names of datasets and files.


@pytest.mark.parametrize(
    ("inputs", "targets"),
    [
        ("tain_set_x", "train_set_y"),
        ("X", "y"),
        ("data", "target"),
        ("features", "labels"),
        ("training_images", "training_labels"),
        ("trainX", "trainY"),
        ("train/x", "train/y"),
        ("datasets/train/images", "datasets/train/labels"),
    ],
)
def test_datasets_of_other_names_are_read_with_a_note(
    tmp_path: Path, inputs: str, targets: str
) -> None:
    pair(tmp_path, {"x": X, "y": Y})
    write(tmp_path / "train_a.h5", **{inputs: X, targets: Y})
    data, notes = load_with_notes(tmp_path)
    assert np.array_equal(data.train.inputs, X)
    assert notes[0] == f"read from {inputs} and {targets}"


@pytest.mark.parametrize("names", [("images", "features"), ("x", "X")])
def test_two_datasets_that_may_be_the_inputs_are_refused(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    pair(tmp_path, {"x": X, "y": Y})
    write(tmp_path / "train_a.h5", **dict.fromkeys(names, X), y=Y)
    assert "which may both be the inputs; expected one, or train_set_x" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["date", "rest", "learning_rate", "x1", "train_set_z"])
def test_a_dataset_of_an_unlike_name_is_not_taken_for_the_inputs(tmp_path: Path, name: str) -> None:
    pair(tmp_path, {"x": X, "y": Y})
    write(tmp_path / "train_a.h5", **{name: X, "y": Y})
    assert f"{name} (6, 4) float64" in refusal(tmp_path)


def test_a_run_that_is_given_as_data_is_told_as_that(tmp_path: Path) -> None:
    trained_run(tmp_path / "run.h5")
    assert "is a run, not a data set" in refusal(tmp_path / "run.h5")


def test_data_that_are_given_as_a_run_are_told_as_that(tmp_path: Path) -> None:
    pair(tmp_path, {"x": X, "y": Y})
    with pytest.raises(DataError, match="is a data set, not a run"):
        load_run(tmp_path / "train_a.h5")


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train_a.h5", "test_a.h5"),
        ("a_train.hdf5", "a_test.hdf5"),
        ("train.h5", "test.h5"),
        ("training-a.h5", "testing-a.h5"),
        ("Train_a.h5", "Test_a.h5"),
        ("TRAIN-a.H5", "TEST-a.H5"),
        ("trian_a.h5", "tset_a.h5"),
    ],
)
def test_files_of_other_names_are_found(tmp_path: Path, train: str, test: str) -> None:
    pair(tmp_path, {"x": X, "y": Y}, {"x": X + 1, "y": Y})
    (tmp_path / "train_a.h5").rename(tmp_path / train)
    (tmp_path / "test_a.h5").rename(tmp_path / test)
    data = load_data(tmp_path)
    assert np.array_equal(data.train.inputs + 1, data.test.inputs)


def test_a_set_is_chosen_by_its_name_as_it_stands_in_its_files(tmp_path: Path) -> None:
    pair(tmp_path, {"x": X, "y": Y})
    for part in ("train", "test"):
        (tmp_path / f"{part}_a.h5").rename(tmp_path / f"{part}_two-hands.h5")
    assert np.array_equal(load_data(tmp_path / "two-hands").train.inputs, X)


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", ""])
def test_a_name_that_no_file_can_have_is_refused(tmp_path: Path, name: str) -> None:
    assert str(tmp_path) in refusal(tmp_path / name)


def test_a_folder_that_cannot_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(self: Path) -> Any:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "iterdir", locked)
    assert "cannot be read (Permission denied); expected the folder" in refusal(tmp_path)


@pytest.fixture
def several(tmp_path: Path) -> Path:
    pair(tmp_path, {"x": X, "y": Y})
    for part in ("train", "test"):
        (tmp_path / f"{part}_a.h5").rename(tmp_path / f"{part}_signs.h5")
    return pair(tmp_path, {"x": -X, "y": Y})


def test_a_folder_of_several_sets_tells_how_to_choose(several: Path) -> None:
    sentence = refusal(several)
    assert f"name one of them, {several / 'a'} or {several / 'signs'}" in sentence


@pytest.mark.parametrize("name", ["signs", "train_signs.h5", "test_signs.h5"])
def test_one_of_several_sets_is_chosen_by_its_name_or_a_file(several: Path, name: str) -> None:
    assert np.array_equal(load_data(several / name).train.inputs, X)


def nothing_to_test_on(place: Path) -> bool:
    (train, test, _), notes = load_with_notes(place)
    assert np.array_equal(train.inputs, X)
    assert notes[-1] == "nothing to test on"
    return test.inputs.shape == (0, *X.shape[1:]) and test.targets.shape == (0,)


def test_a_file_without_its_test_file_has_nothing_to_test_on(several: Path) -> None:
    (several / "test_signs.h5").unlink()
    assert nothing_to_test_on(several / "train_signs.h5")


def test_what_is_trained_on_is_not_taken_to_test_on(tmp_path: Path) -> None:
    write(tmp_path / "both.h5", x=X, y=Y)
    assert nothing_to_test_on(tmp_path)


@pytest.mark.parametrize("named", ["x", "test_set_x"])
def test_a_test_file_without_labels_has_nothing_to_test_on(tmp_path: Path, named: str) -> None:
    pair(tmp_path, {"x": X, "y": Y})
    write(tmp_path / "test_a.h5", **{named: X, "list_classes": Y[:3]})
    assert nothing_to_test_on(tmp_path)


def test_one_file_without_labels_to_test_on_has_nothing_to_test_on(tmp_path: Path) -> None:
    write(tmp_path / "both.h5", x_train=X, y_train=Y, x_test=X, scale=X)
    assert nothing_to_test_on(tmp_path)


@pytest.mark.parametrize("named", ["answers", "test_answers"])
def test_what_may_be_the_labels_to_test_on_is_refused(tmp_path: Path, named: str) -> None:
    pair(tmp_path, {"x": X, "y": Y})
    write(tmp_path / "test_a.h5", test_set_x=X, **{named: Y})
    assert f"test_set_y is not there, among {named} (6,) int64" in refusal(tmp_path)
    write(tmp_path / "one.h5", x_train=X, y_train=Y, x_test=X, test_answers=Y)
    assert "test_set_y is not there" in refusal(tmp_path / "one.h5")


def test_what_has_nothing_to_test_on_is_saved_as_one_file(tmp_path: Path) -> None:
    write(tmp_path / "both.h5", x=X, y=Y)
    save_data(tmp_path / "saved", load_data(tmp_path), "a")
    assert [path.name for path in (tmp_path / "saved").iterdir()] == ["train_a.h5"]
    assert nothing_to_test_on(tmp_path / "saved")


# Saving and budgets.


@pytest.mark.parametrize(
    "data",
    [
        DataSet(Examples(X, Y), Examples(X, Y), ("a", "b", "c")),
        DataSet(Examples(X, X[:, 0]), Examples(X, X[:, 1]), ()),
        DataSet(Examples(X, X), Examples(X, X), ()),
        DataSet(Examples(X, Y * 1.0), Examples(X, Y * 1.0), ()),
        DataSet(Examples(X.astype("f4"), Y), Examples(X.astype("f4"), Y), ("1", "2", "3")),
        *(
            DataSet(Examples(x, Y), Examples(x, Y), ("a", "b", "c"))
            for x in (np.ones((6, 5, 4), "u1"), *(np.ones((6, 5, 4, c), "u1") for c in (1, 2, 4)))
        ),
    ],
    ids=lambda data: f"{data.train.inputs.shape} {data.train.targets.dtype}",
)
def test_what_can_be_read_can_be_saved(tmp_path: Path, data: DataSet) -> None:
    save_data(tmp_path, data, "again")
    found, notes = load_with_notes(tmp_path)
    assert same(found, data)
    assert not [note for note in notes if "floats" not in note]


def test_names_as_targets_are_saved_as_class_numbers(tmp_path: Path) -> None:
    examples = Examples(X, np.array(["b", "a"] * 3))
    save_data(tmp_path, DataSet(examples, examples, ("a", "b")), "x")
    assert load_data(tmp_path).train.targets.tolist() == [1, 0] * 3


@pytest.mark.parametrize("content", [b"my thesis", None])
def test_a_file_that_is_no_data_set_is_not_replaced(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "train_a.h5"
    if content is None:
        write(path, weights=X)
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(DataError, match=r"train_a\.h5: is no data set; expected a new name"):
        save_data(tmp_path, PLAIN, "a")
    assert path.read_bytes() == before
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize(
    "targets", [Y + 1, 2 * Y - 1, np.eye(3)[Y], Y == 1], ids=["from 1", "signs", "hot", "booleans"]
)
def test_targets_of_a_regression_are_the_numbers_that_are_written(
    tmp_path: Path, targets: Array
) -> None:
    place = pair(tmp_path, {"x": X, "y": targets, "list_classes": np.array([b"a", b"b", b"c"])})
    data = load_data(place, regression=True)
    assert data.classes == ()
    for examples in (data.train, load_pictures(place / "train_a.h5", like=data)):
        np.testing.assert_array_equal(examples.targets, targets.astype(float), strict=True)


@pytest.mark.parametrize("budget", [100, 400])
def test_a_data_set_beyond_the_budget_is_refused_and_told_how_to_raise_it(
    tmp_path: Path, budget: int
) -> None:
    pair(tmp_path, {"x": np.zeros((6, 100)), "y": Y})
    with pytest.raises(DataError, match=r"bytes; expected at most .*: allow it with ") as refused:
        load_data(tmp_path, budget)
    allowed = int(str(refused.value).partition("budget=")[2].partition(",")[0])
    assert load_data(tmp_path, allowed).train.inputs.shape == (6, 100)


def test_a_file_too_large_to_be_read_whole_is_read_where_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_data(tmp_path, PLAIN, "x")
    monkeypatch.setattr(datasets, "IN_MEMORY", 100)
    assert same(load_data(tmp_path), PLAIN)


def test_a_data_set_that_others_write_is_told_as_that(tmp_path: Path) -> None:
    save_data(tmp_path, PLAIN, "x")
    with h5py.File(tmp_path / "test_x.h5", "a"):
        assert "is open for writing in another program" in refusal(tmp_path)


# MATLAB.


def of_matlab(folder: Path, **arrays: Array) -> Path:
    """Write the arrays as MATLAB does: behind a block of 512 bytes, with axes backwards."""
    path = folder / "train_a.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=np.asarray(array).T).attrs["MATLAB_class"] = b"double"
    with path.open("r+b") as block:
        block.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64")
    return path.with_name("test_a.mat")


@pytest.mark.parametrize("labels", [Y[np.newaxis] * 1.0, Y[:, np.newaxis] * 1.0])
def test_features_of_matlab_are_read(tmp_path: Path, labels: Array) -> None:
    of_matlab(tmp_path, X=X, y=labels).write_bytes((tmp_path / "train_a.mat").read_bytes())
    data = load_data(tmp_path)
    assert np.array_equal(data.train.inputs, X)
    assert data.train.targets.tolist() == Y.tolist()


@pytest.mark.parametrize("shape", [(6, 5, 5, 3), (5, 5, 3, 6), (6, 5, 5), (6, 6)])
def test_arrays_of_matlab_that_do_not_say_their_axes_are_refused(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    test = of_matlab(tmp_path, X=np.zeros(shape), y=Y[np.newaxis])
    test.write_bytes((tmp_path / "train_a.mat").read_bytes())
    assert "in a file of MATLAB's, where axes are backwards" in refusal(tmp_path)


# Nothing in between.


def spoil(file: h5py.File, name: str, change: Change) -> None:
    """Put what the change makes of a dataset in its place."""
    array = file[name][()]
    del file[name]
    file[name] = change(array)


SPOILERS: Mapping[str, tuple[str, Change]] = {
    "one example less": ("x", lambda x: x[1:]),
    "examples last": ("x", lambda x: np.moveaxis(x, 0, -1)),
    "a not-a-number": ("x", lambda x: np.where(x == x.max(), np.nan, x)),
    "an infinity": ("x", lambda x: np.where(x == x.max(), np.inf, x)),
    "complex numbers": ("x", lambda x: x * 1j),
    "numbers beyond pixels": ("x", lambda x: x.astype("i4") + 1000),
    "negative pixels": ("x", lambda x: x.astype("i4") - 300),
    "text": ("x", lambda x: x.astype("S")),
    "no examples": ("x", lambda x: x[:0]),
    "an axis more": ("x", lambda x: x[..., np.newaxis]),
    "one picture alone": ("x", lambda x: x[0]),
    "one label more": ("y", lambda y: np.append(np.ravel(y), 0)),
    "a label beyond": ("y", lambda y: np.arange(np.size(y))),
    "a negative label": ("y", lambda y: -1 - np.arange(np.size(y))),
    "labels with fractions": ("y", lambda y: np.arange(np.size(y)) / 2),
    "labels that are no numbers": ("y", lambda y: np.full(np.size(y), np.nan)),
    "unknown names": ("y", lambda y: np.full(np.size(y), b"dog")),
    "labels twice": ("y", lambda y: np.stack([np.ravel(y)] * 2)),
    "one class": ("c", lambda c: np.ravel(c)[:1]),
    "one class twice": ("c", lambda _: np.array([b"cat", b"cat"])),
    "a class without a name": ("c", lambda _: np.array([b"cat", b" "])),
    "other classes": ("c", lambda _: np.array([b"cat", b"dog"])),
}
RICH = [name for name in TARGETS if "one-hot" not in name and "variable" not in name]


@given(
    st.sampled_from([*SPOILERS]),
    st.sampled_from([*COUNTS]),
    st.sampled_from(RICH),
    st.sampled_from([*CALLED]),
)
def test_any_spoiled_form_is_refused_in_one_sentence(
    spoiler: str, part: str, targets: str, called: str
) -> None:
    role, change = SPOILERS[spoiler]
    with TemporaryDirectory() as folder:
        where = place(Path(folder), "two files", targets=targets, called=called)
        names = dict(zip("xyc", CALLED[called], strict=True))
        with h5py.File(Path(folder, f"{part}_cats.h5"), "a") as file:
            spoil(file, names[role].format(part), change)
        assert folder in refusal(where)


@pytest.mark.parametrize("spoiler", SPOILERS)
def test_each_way_to_spoil_a_file_is_refused(tmp_path: Path, spoiler: str) -> None:
    role, change = SPOILERS[spoiler]
    place(tmp_path, "two files")
    with h5py.File(tmp_path / "train_cats.h5", "a") as file:
        spoil(file, dict(zip("xyc", CALLED["ours"], strict=True))[role].format("train"), change)
    assert str(tmp_path) in refusal(tmp_path)
