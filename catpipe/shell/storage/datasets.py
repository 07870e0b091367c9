"""A data set is a folder with one `train_*.h5` and one `test_*.h5`: pictures, labels, classes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from reprlib import repr as brief

import numpy as np
from numpy.typing import NDArray

from catpipe.data.examples import DataSet, Examples
from catpipe.nn.parameters import Array
from catpipe.shell.storage.atomic import DataError, StrPath
from catpipe.shell.storage.child import reader
from catpipe.shell.storage.hdf5 import read, write_all

_PARTS = ("train", "test")


def load_data(folder: StrPath) -> DataSet:
    """Return the data set in this folder, its arrays read-only and its labels `int64`.

    The file `train_*.h5` holds `train_set_x` (examples, height, width, 3) `uint8`, `train_set_y`
    (examples,) integers, and `list_classes` (classes,) fixed-length bytes; so does `test_*.h5`,
    with pictures of the same size and the same classes. Raises `DataError` for all else.

    >>> load_data("nowhere")
    Traceback (most recent call last):
    catpipe.DataError: nowhere: is not a folder; expected one with a train_*.h5 and a \
test_*.h5: check the name
    """
    paths = paths_of(Path(folder))
    with reader():
        arrays = {part: read(paths[part], names_of(part)) for part in _PARTS}
    return _data_set(paths, arrays)


def paths_of(folder: Path) -> dict[str, Path]:
    """Return the two files of the data set in this folder; raise `DataError` unless they are two.

    >>> paths_of(Path("nowhere"))
    Traceback (most recent call last):
    catpipe.DataError: nowhere: is not a folder; expected one with a train_*.h5 and a \
test_*.h5: check the name
    """
    return {part: _only_file(folder, part) for part in _PARTS}


def load_pictures(path: StrPath, like: DataSet) -> Examples:
    """Return the pictures in one file, `train_*.h5` or `test_*.h5`, of a data set like this one.

    Raises `DataError` for what `load_data` would refuse, for other classes, and another size.

    >>> from tempfile import TemporaryDirectory
    >>> pictures = Examples(np.zeros((2, 4, 4, 3), np.uint8), np.array([0, 1]))
    >>> data = DataSet(pictures, pictures, ("non-cat", "cat"))
    >>> with TemporaryDirectory() as folder:
    ...     save_data(folder, data, "black")
    ...     load_pictures(f"{folder}/test_black.h5", like=data).targets
    array([0, 1])
    """
    file = Path(path)
    part = "test" if file.name.startswith("test_") else "train"
    pictures, classes = part_of(file, part, read(file, names_of(part)))
    _check_alike(file, part, (pictures, classes), (like.train, like.classes), "the training set")
    return pictures


def save_data(folder: StrPath, data: DataSet, name: str) -> None:
    """Write `train_{name}.h5` and `test_{name}.h5`, from which `load_data` gives back the data.

    Equal data make equal bytes; the folder is made where it is missing. Raises `DataError` for
    what `load_data` would refuse, and for a folder that holds another data set.

    >>> from tempfile import TemporaryDirectory
    >>> pictures = Examples(np.zeros((2, 4, 4, 3), np.uint8), np.array([0, 1]))
    >>> with TemporaryDirectory() as folder:
    ...     save_data(folder, DataSet(pictures, pictures, ("non-cat", "cat")), "black")
    ...     load_data(folder).test.targets
    array([0, 1])
    """
    paths = {part: Path(folder, f"{part}_{name}.h5") for part in _PARTS}
    arrays = {part: _arrays(part, getattr(data, part), data.classes) for part in _PARTS}
    _data_set(paths, arrays)
    _make_room(Path(folder), paths)
    write_all({paths[part]: arrays[part] for part in _PARTS})


def names_of(part: str) -> tuple[str, str, str]:
    """Return the names of the datasets of a part, which is train or test.

    >>> names_of("train")
    ('train_set_x', 'train_set_y', 'list_classes')
    """
    return f"{part}_set_x", f"{part}_set_y", "list_classes"


def _arrays(part: str, pictures: Examples, classes: tuple[str, ...]) -> dict[str, Array]:
    names = np.array([name.encode(errors="surrogatepass") for name in classes])
    return dict(zip(names_of(part), (pictures.inputs, pictures.targets, names), strict=True))


def _only_file(folder: Path, part: str) -> Path:
    if not folder.is_dir():
        raise DataError(
            f"{folder}: is not a folder; expected one with a train_*.h5 and a test_*.h5: "
            "check the name"
        )
    paths = sorted(folder.glob(f"{part}_*.h5"))
    if len(paths) != 1:
        found = " and ".join(path.name for path in paths[:2]) or f"no {part}_*.h5"
        todo = "move the others away" if paths else "put it there"
        raise DataError(f"{folder}: holds {found}; expected exactly one {part}_*.h5: {todo}")
    return paths[0]


def _make_room(folder: Path, paths: Mapping[str, Path]) -> None:
    others = {path for part in _PARTS for path in folder.glob(f"{part}_*.h5")} - {*paths.values()}
    if others:
        raise DataError(
            f"{folder}: holds {min(others).name}; expected a folder without other data, "
            "which `load_data` could not tell apart: name another"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"{folder}: cannot be made ({error.strerror}); expected a folder, or room and the "
            "right to make one: name another"
        ) from error


def _data_set(paths: Mapping[str, Path], arrays: Mapping[str, Mapping[str, Array]]) -> DataSet:
    """Return what these arrays of the two files make together, or refuse it."""
    train, classes = part_of(paths["train"], "train", arrays["train"])
    test, test_classes = part_of(paths["test"], "test", arrays["test"])
    _check_alike(paths["test"], "test", (test, test_classes), (train, classes), paths["train"].name)
    return DataSet(train, test, classes)


def _check_alike(
    path: Path,
    part: str,
    found: tuple[Examples, tuple[str, ...]],
    others: tuple[Examples, tuple[str, ...]],
    whose: str,
) -> None:
    """Refuse pictures of another size, or of other classes, than those of the training set."""
    (pictures, classes), (like, expected_classes) = found, others
    if (size := pictures.inputs.shape[1:3]) != (expected := like.inputs.shape[1:3]):
        raise DataError(
            f"{path}: {part}_set_x has pictures of {size[0]} x {size[1]}; expected "
            f"{expected[0]} x {expected[1]} as in {whose}: resize them"
        )
    if classes != expected_classes:
        raise DataError(
            f"{path}: list_classes is {brief(classes)}; expected {brief(expected_classes)} "
            f"as in {whose}: name them alike"
        )


def part_of(path: Path, part: str, arrays: Mapping[str, Array]) -> tuple[Examples, tuple[str, ...]]:
    """Return the pictures and the classes that these arrays are, or raise `DataError`."""
    images, labels, names = (arrays[name] for name in names_of(part))
    _check_images(f"{path}: {part}_set_x", images)
    classes = _classes(f"{path}: list_classes", names)
    _check_labels(f"{path}: {part}_set_y", labels, len(images), classes)
    return Examples(images, _int64(labels)), classes


def _check_images(where: str, images: Array) -> None:
    if images.ndim != 4 or images.shape[-1] != 3:
        raise DataError(
            f"{where} has shape {images.shape}; expected (examples, height, width, 3): pictures "
            "in rows, colours last"
        )
    if images.dtype != np.uint8:
        raise DataError(f"{where} has type {images.dtype}; expected uint8: colours from 0 to 255")
    if images.size == 0:
        raise DataError(f"{where} has shape {images.shape}; expected one picture or more: add one")


def _classes(where: str, names: Array) -> tuple[str, ...]:
    if names.dtype.kind != "S" or names.ndim != 1:
        raise DataError(
            f"{where} has type {names.dtype} and shape {names.shape}; expected a list of names "
            "as fixed-length bytes: encode them"
        )
    try:
        classes = tuple(name.decode() for name in names.tolist())
    except UnicodeDecodeError as error:
        raise DataError(
            f"{where} holds {brief(error.object)}; expected UTF-8: encode it so"
        ) from error
    for name in classes:
        if not name.strip() or not name.isprintable():
            raise DataError(f"{where} holds {brief(name)}; expected a printable name: change it")
    if len(classes) < 2 or len(set(classes)) < len(classes):
        raise DataError(f"{where} is {brief(classes)}; expected two or more distinct names: fix it")
    return classes


def _check_labels(where: str, labels: Array, examples: int, classes: tuple[str, ...]) -> None:
    if labels.dtype.kind not in "iu":
        raise DataError(f"{where} has type {labels.dtype}; expected integers: convert them")
    if labels.shape != (examples,):
        raise DataError(
            f"{where} has shape {labels.shape}; expected {(examples,)}: one label a picture"
        )
    lowest, highest = labels.min(), labels.max()
    if lowest < 0 or highest >= len(classes):
        raise DataError(
            f"{where} has labels from {lowest} to {highest}; expected 0 to {len(classes) - 1}: "
            "the places of their classes in list_classes"
        )


def _int64(labels: Array) -> NDArray[np.int64]:
    labels = labels.astype(np.int64)
    labels.setflags(write=False)
    return labels
