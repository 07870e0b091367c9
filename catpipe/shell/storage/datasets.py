"""A data set in HDF5: inputs, targets and the names of classes, in a part to train on and to test.

`save_data` writes one form of it, two files in a folder; what others write is read where it can
only mean one thing, and the notes say how it was taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from reprlib import repr as brief
from shlex import quote
from typing import NamedTuple

import numpy as np

from catpipe.data.conversion import class_numbers, examples_from
from catpipe.data.examples import DataSet, Examples
from catpipe.nn.arrays import Array
from catpipe.shell.storage.atomic import DataError, StrPath
from catpipe.shell.storage.child import reader
from catpipe.shell.storage.forms import (
    REGRESSION,
    Classes,
    are_numbers,
    class_numbers_of,
    classes_like,
    classes_named,
    classes_numbered,
    form_of,
    inputs_from_rows,
    targets_in_rows,
)
from catpipe.shell.storage.hdf5 import TOTAL, Opened, opened, opened_on_disk, write_all
from catpipe.shell.storage.names import Names, candidates, part_and_set, says_part, usual, words_of
from catpipe.shell.storage.picture_files import holds_pictures

IN_MEMORY = 2**28  # bytes of a file that is read whole before HDF5 sees it
BEYOND_BUDGET = "allow it with budget={}, or split it"  # at the command line, with --memory
SUFFIXES = (".h5", ".hdf5", ".hdf", ".mat")

_PARTS = ("train", "test")


class Loaded(NamedTuple):
    """A data set, and how its files were taken where they are not as `save_data` writes them."""

    data: DataSet
    notes: tuple[str, ...]


class _Part(NamedTuple):
    """A part of a data set as it is in its file."""

    path: Path
    names: Names
    inputs: Array
    targets: Array
    classes: Array | None

    def where(self, name: str | None) -> str:
        return f"{self.path}: {name}"


class _Taken(NamedTuple):
    """Inputs as they are trained on, targets in rows, and how they were taken."""

    inputs: Array
    targets: Array
    notes: tuple[str, ...]


def load_data(place: StrPath, budget: int = TOTAL, *, regression: bool = False) -> DataSet:
    """Return the data set of a folder or file, its arrays read-only.

    A folder holds a `train_*.h5` and a `test_*.h5`; where it holds several sets, `folder/NAME` is
    the one of `train_NAME.h5`. A file is one of the two, or holds both. The training file has
    `train_set_x` (examples, height, width, channels) `uint8`, `train_set_y` (examples,) integers,
    and `list_classes` (classes,) bytes, or what can only mean the same; features are (examples,
    features). Without class names they are the numbers in the targets, or the data are a
    regression's, without classes; whole numbers, which may be either, are taken as the latter for a
    `regression`. Where there are no targets to test on, `test` is empty. `budget` is how many bytes
    may be read of a file. Raises `DataError` for all else.

    >>> load_data("nowhere")
    Traceback (most recent call last):
    catpipe.DataError: nowhere: is not there; expected a folder with a train_*.h5 and a test_*.h5, \
or one file of both: check the name
    """
    return load_with_notes(place, budget, regression=regression).data


def load_with_notes(place: StrPath, budget: int = TOTAL, *, regression: bool = False) -> Loaded:
    """Return what `load_data` does, and how the files were taken.

    >>> from tempfile import TemporaryDirectory
    >>> from catpipe.shell.storage.hdf5 import write
    >>> with TemporaryDirectory() as folder:
    ...     both = {f"{role}_{part}": [1, 0] for role in "xy" for part in ("train", "test")}
    ...     write(f"{folder}/both.h5", both)
    ...     load_with_notes(folder).notes
    ('read from x_train and y_train', 'read from x_test and y_test', \
'classes are the numbers 0 to 1')
    """
    paths = paths_of(Path(place))
    with reader():
        train, test = _parts(paths, budget)
    return _data_set(train, test, regression=regression)


def load_pictures(path: StrPath, like: DataSet, budget: int = TOTAL) -> Examples:
    """Return the examples in one file, of the part that its name says, or that it holds.

    Raises `DataError` for what `load_data` would refuse, for other classes, and for inputs of
    another shape than those of the data set.

    >>> from tempfile import TemporaryDirectory
    >>> pictures = Examples(np.zeros((2, 4, 4, 3), np.uint8), np.array([0, 1]))
    >>> data = DataSet(pictures, pictures, ("non-cat", "cat"))
    >>> with TemporaryDirectory() as folder:
    ...     save_data(folder, data, "black")
    ...     load_pictures(f"{folder}/test_black.h5", like=data).targets
    array([0, 1])
    """
    with _opened(Path(path), budget) as file:
        part = _read(file, part_in(file), budget)
    found = _taken(part, regression=not like.classes)
    if not like.classes:
        classes = REGRESSION
    elif part.classes is None:
        if part.names.part == "train" and not are_numbers(like.classes):
            raise _without_classes(part, "the data set")
        classes = classes_like(like.classes)
    else:
        classes = _named(part, part.classes, [found.targets])
        _check_classes(part, classes, like.classes, "the training set")
    _check_alike(part, found.inputs, like.train.inputs, "the training set")
    return _examples(part, found, classes)


def save_data(
    folder: StrPath, data: DataSet, name: str, validation: Examples | None = None
) -> None:
    """Write `train_{name}.h5` and `test_{name}.h5`, from which `load_data` gives back the data.

    Examples to validate on are written beside them, to `validation_{name}.h5`. Equal data make
    equal bytes; the folder is made where it is missing, and files of a data set of this name are
    replaced. Raises `DataError` for what `load_data` would refuse, for a folder that holds another
    data set, and for files that are none.

    >>> from tempfile import TemporaryDirectory
    >>> pictures = Examples(np.zeros((2, 4, 4, 3), np.uint8), np.array([0, 1]))
    >>> with TemporaryDirectory() as folder:
    ...     save_data(folder, DataSet(pictures, pictures, ("non-cat", "cat")), "black")
    ...     load_data(folder).test.targets
    array([0, 1])
    """
    parts = {"train": data.train, "test": data.test, "validation": validation}
    to_write = {part: of for part, of in parts.items() if of is not None and len(of.targets)}
    paths = {part: Path(folder, f"{part}_{name}.h5") for part in to_write}
    files = {
        part: _as_in_a_file(paths[part], part, of, data.classes) for part, of in to_write.items()
    }
    both = _data_set(files["train"], files.get("test")).data
    read = {"train": both.train, "test": both.test}
    if "validation" in files:
        read |= {"validation": _data_set(files["train"], files["validation"]).data.test}
    check_room(Path(folder), paths)
    _make_folder(Path(folder))
    write_all(
        {
            file.path: {
                file.names.inputs: read[part].inputs,
                file.names.targets: read[part].targets,
                str(file.names.classes): file.classes,
            }
            for part, file in files.items()
        }
    )


# Files.


def paths_of(place: Path) -> dict[str, Path]:
    """Return the two files of the data set in this folder, or of this name; they may be one.

    Raises `DataError` unless it is certain which they are.

    >>> paths_of(Path("nowhere"))
    Traceback (most recent call last):
    catpipe.DataError: nowhere: is not there; expected a folder with a train_*.h5 and a test_*.h5, \
or one file of both: check the name
    """
    try:
        return _paths_of(place)
    except OSError as error:
        raise DataError(
            f"{place}: cannot be read ({error.strerror}); expected the folder or a file of a data "
            "set: check its name and rights"
        ) from error


def _paths_of(place: Path) -> dict[str, Path]:
    if place.is_dir():
        return _pair(place, _files(place))
    folder, name = place.parent, words_of(place.name)
    if place.is_file():
        part, name = part_and_set(place)
        if part not in _PARTS:
            return dict.fromkeys(_PARTS, place)
    elif not name or not any(of == name for _, _, of in _files(folder)):
        found = "is neither file nor folder" if place.exists() else "is not there"
        raise DataError(
            f"{place}: {found}; expected a folder with a train_*.h5 and a test_*.h5, or one "
            "file of both: check the name"
        )
    files = [file for file in _files(folder) if file[2] == name]
    if place.is_file():
        files = [file for file in files if file[1] != part or file[0] == place]
    return _pair(place, files)


def _files(folder: Path) -> list[tuple[Path, str | None, str]]:
    """Return the HDF5 files in a folder, and which part of which set each says that it is."""
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    paths = [
        path for path in found if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    ]
    exact = [(path, *part_and_set(path)) for path in paths]
    if any(part in _PARTS for _, part, _ in exact):
        return exact
    return [(path, *part_and_set(path, exactly=False)) for path in paths]


def _pair(place: Path, files: list[tuple[Path, str | None, str]]) -> dict[str, Path]:
    of = {part: [path for path, says, _ in files if says == part] for part in _PARTS}
    for part, paths in of.items():
        if len(paths) > 1:
            raise DataError(
                f"{place}: holds {paths[0].name} and {paths[1].name}; expected exactly one "
                f"{part}_*.h5: {_choice(place, files)}"
            )
    train, test = of["train"], of["test"]
    if not train and not test and len(files) == 1:
        return dict.fromkeys(_PARTS, files[0][0])
    if not files and holds_pictures(place):
        raise DataError(
            f"{place}: holds pictures and no train_*.h5; expected a data set: make one with "
            f"`catpipe import {quote(str(place))} --out DATASET`"
        )
    if not train:
        names = ", ".join(path.name for path, _, _ in files[:8])
        others = f"only {names}" if files else "no train_*.h5"
        todo = "name the one file that holds both parts" if len(files) > 1 else "put it there"
        raise DataError(f"{place}: holds {others}; expected exactly one train_*.h5: {todo}")
    return {"train": train[0], "test": (test or train)[0]}


def _choice(place: Path, files: list[tuple[Path, str | None, str]]) -> str:
    sets = sorted({name for _, part, name in files if part == "train" and name})
    return f"name one of them, {' or '.join(str(place / name) for name in sets[:8])}"


def check_room(folder: Path, paths: Mapping[str, Path]) -> None:
    """Raise `DataError` unless these files of parts would be the only data in the folder.

    What is there under their names must be data too, which they replace.

    >>> check_room(Path("nowhere"), {"train": Path("nowhere/train_cats.h5")})
    """
    others = [path for path, part, _ in _files(folder) if part in _PARTS]
    if rest := {*others} - {*paths.values()}:
        raise DataError(
            f"{folder}: holds {min(rest).name}; expected a folder without other data, "
            "which `load_data` could not tell apart: name another"
        )
    for part, path in paths.items():
        if path.is_file() and path.stat().st_size and not _is_saved(path, part):
            raise DataError(
                f"{path}: is no data set; expected a new name, or a data set to replace: name "
                "another, or move it away"
            )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"{folder}: cannot be made ({error.strerror}); expected a folder, or room and the "
            "right to make one: name another"
        ) from error


def _is_saved(path: Path, part: str) -> bool:
    """Return whether the file is one that `save_data` may have written."""
    wanted = usual(part).all
    try:
        with opened_on_disk(path) as file:
            return {*wanted} <= {*file.listed(wanted)}
    except DataError:
        return False


# Datasets.


@contextmanager
def _opened(path: Path, budget: int) -> Iterator[Opened]:
    is_small = not path.is_file() or path.stat().st_size <= min(IN_MEMORY, budget)
    with opened(path) if is_small else opened_on_disk(path) as file:
        yield file


def _parts(paths: Mapping[str, Path], budget: int) -> tuple[_Part, _Part | None]:
    """Return the part to train on, and that to test on, if there is one."""
    with _opened(paths["train"], budget) as file:
        train = _read(file, names_in(file, "train"), budget)
        if paths["test"] == paths["train"]:
            names = _names_to_test_on(file)
            is_another = names and names.inputs != train.names.inputs
            return train, _read(file, names, budget) if names and is_another else None
    with _opened(paths["test"], budget) as file:
        names = _names_to_test_on(file, is_alone=True)
        return train, _read(file, names, budget) if names else None


def _names_to_test_on(file: Opened, *, is_alone: bool = False) -> Names | None:
    """Return the names of the test part; none where it is certain that it has no targets.

    Then nothing in the file that is of this part, or is alone in the file, may be the targets.
    """
    try:
        return names_in(file, "test")
    except DataError:
        there = file.listed()
        inputs, classes = (candidates(there, "test", role) for role in ("inputs", "classes"))
        of_part = [name for name in there if is_alone or says_part(name, "test")]
        if (is_alone and not inputs) or {*of_part} - {*inputs, *classes}:
            raise
        return None


def _read(file: Opened, names: Names, budget: int) -> _Part:
    check_axes(file, names, file.look([names.inputs])[names.inputs].shape)
    arrays = file.datasets(names.all, each=budget, total=budget, todo=BEYOND_BUDGET)
    classes = arrays[names.classes] if names.classes else None
    return _Part(Path(file.path), names, arrays[names.inputs], arrays[names.targets], classes)


def check_axes(file: Opened, names: Names, shape: tuple[int, ...]) -> None:
    """Refuse arrays of MATLAB's that do not say themselves which of their axes is which."""
    if (len(shape) > 2 or len({*shape}) == 1 < len(shape)) and file.is_of_matlab:
        raise DataError(
            f"{file.path}: {names.inputs} has shape {shape} in a file of MATLAB's, where axes are "
            "backwards; expected (examples, ...) as h5py writes it: write x.T with h5py"
        )


def part_in(file: Opened) -> Names:
    """Return the names of the part that the file's name says, or else of one that is held out."""
    says, _ = part_and_set(Path(file.path))
    if says:
        return names_in(file, says)
    there, refusals = file.listed(), []
    held_out = [of for of in ("validation", "test") if any(says_part(name, of) for name in there)]
    for part in (*held_out, "train"):
        try:
            return names_in(file, part)
        except DataError as error:
            refusals.append(error)
    raise refusals[0]


def names_in(file: Opened, part: str) -> Names:
    """Return what the datasets of a part are called in the file.

    Raises `DataError` where it is not certain, which lists what is there.
    """
    named = usual(part)
    there = file.listed(named.all)
    if not {"record", "record_sha256"} - {*there}:
        raise DataError(
            f"{file.path}: is a run, not a data set; expected {named.inputs} and {named.targets}: "
            "name the data that it was trained on"
        )
    inputs, targets, classes = (
        [name] if name in there else candidates(there, part, role)
        for role, name in zip(("inputs", "targets", "classes"), named.all, strict=True)
    )
    for role, name, found in (
        ("inputs", named.inputs, inputs),
        ("targets", named.targets, targets),
        ("class names", "list_classes", classes),
    ):
        if len(found) > 1:
            raise DataError(
                f"{file.path}: has {' and '.join(found)}, which may both be the {role}; expected "
                f"one, or {name}: rename it, as in {_renaming(file, found[0], name)}"
            )
        if not found and role != "class names":
            raise DataError(
                f"{file.path}: {name} is not there, among {file.outline()}; expected the {role} "
                f"under this name or one like it: rename them, as in "
                f"{_renaming(file, 'NAME', name)}"
            )
    return Names(part, inputs[0], targets[0], classes[0] if classes else None)


def _renaming(file: Opened, name: str, to: str) -> str:
    return f"h5py.File('{Path(file.path).name}', 'a').move('{name}', '{to}')"


# What they make together.


def _data_set(train: _Part, test: _Part | None = None, *, regression: bool = False) -> Loaded:
    """Return what the parts make together, or refuse it; without one to test on, that is empty."""
    if regression:
        train, test = train._replace(classes=None), test and test._replace(classes=None)
    learnt = _taken(train, regression=regression)
    if test is None:
        classes = REGRESSION if regression else _classes(train, [learnt.targets], None)
        examples = _examples(train, learnt, classes)
        none = Examples(examples.inputs[:0], examples.targets[:0])
        notes = (*learnt.notes, *classes.notes, "nothing to test on")
        return Loaded(DataSet(examples, none, classes.names), notes)
    tested = _taken(test, regression=regression)
    targets = (learnt.targets, tested.targets)
    whose = test.path.name if test.classes is not None else None
    classes = REGRESSION if regression else _classes(train, targets, whose)
    if test.classes is not None:
        _check_classes(test, _named(test, test.classes, targets), classes.names, train.path.name)
    _check_alike(test, tested.inputs, learnt.inputs, Path(train.where(train.names.inputs)).name)
    examples, others = _examples(train, learnt, classes), _examples(test, tested, classes)
    if (outputs := others.targets.shape[1:]) != (expected := examples.targets.shape[1:]):
        raise DataError(
            f"{test.where(test.names.targets)} has outputs {outputs}; expected {expected} as in "
            f"{train.path.name}: write the same"
        )
    notes = tuple(dict.fromkeys((*learnt.notes, *tested.notes, *classes.notes)))
    return Loaded(DataSet(examples, others, classes.names), notes)


def _classes(part: _Part, targets: Sequence[Array], whose: str | None) -> Classes:
    """Return the classes that the training file says: by names or, where nobody has, by targets."""
    if part.classes is not None:
        return _named(part, part.classes, targets)
    if whose:
        raise _without_classes(part, whose)
    return classes_numbered(part.where(part.names.targets), targets)


def _named(part: _Part, names: Array, targets: Sequence[Array]) -> Classes:
    return classes_named(part.where(part.names.classes), names, targets)


def _taken(part: _Part, *, regression: bool) -> _Taken:
    """Return the part's inputs as they are trained on, its targets in rows, and the notes."""
    names, inputs, targets = part.names, part.inputs, part.targets
    where = part.where(names.inputs)
    form = form_of(where, inputs.dtype, inputs.shape, targets.shape)
    rows, notes = targets_in_rows(
        part.where(names.targets), targets, form.shape[0], may_be_hot=not regression
    )
    is_usual = names[1:3] == usual(names.part)[1:3]
    called = () if is_usual else (f"read from {names.inputs} and {names.targets}",)
    return _Taken(inputs_from_rows(where, inputs, form), rows, (*called, *form.notes, *notes))


def _examples(part: _Part, found: _Taken, classes: Classes) -> Examples:
    where = part.where(part.names.targets)
    return Examples(found.inputs, class_numbers_of(where, found.targets, classes))


def _check_alike(part: _Part, inputs: Array, expected: Array, whose: str) -> None:
    """Refuse inputs of another shape, or that are no pixels where others are, or the reverse."""
    where = part.where(part.names.inputs)
    if inputs.shape[1:] != expected.shape[1:]:
        found, wanted = (" x ".join(map(str, of.shape[1:])) for of in (inputs, expected))
        todo = "resize them" if inputs.ndim > 2 else "write the same features"
        raise DataError(f"{where} has inputs of {found}; expected {wanted} as in {whose}: {todo}")
    are_fractions = inputs.dtype.kind == "f" and 0 <= inputs.min() <= inputs.max() <= 1
    are_pixels, should_be = inputs.dtype == np.uint8, expected.dtype == np.uint8
    if are_pixels != should_be and not (should_be and are_fractions):
        raise DataError(
            f"{where} has {inputs.dtype}, from {inputs.min():g} to {inputs.max():g}, where {whose} "
            f"has {expected.dtype}; expected one type in both, since uint8 is divided by 255: "
            "write them alike"
        )


def _without_classes(part: _Part, whose: str) -> DataError:
    return DataError(
        f"{part.path}: list_classes is not there, and {whose} has it; expected it in the training "
        "file, which says the classes: write it there too"
    )


def _check_classes(part: _Part, classes: Classes, expected: tuple[str, ...], whose: str) -> None:
    if classes.names != expected:
        raise DataError(
            f"{part.where(part.names.classes)} is {brief(classes.names)}; expected "
            f"{brief(expected)} as in {whose}: name them alike"
        )


def _as_in_a_file(path: Path, part: str, examples: Examples, classes: tuple[str, ...]) -> _Part:
    """Return examples of a data set in the form in which they are saved."""
    try:
        inputs, targets, _ = examples_from(examples)
        if targets.dtype.kind == "U":
            targets, _ = class_numbers(targets, len(classes), classes)
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}: {error}") from error
    names = np.array([name.encode(errors="surrogatepass") for name in classes], np.bytes_)
    return _Part(path, usual(part), inputs, targets, names)
