"""Folders of pictures, one for each class, become a data set.

A folder holds a folder of each class or, one step down, `train/` and `test/` with a folder of each
class inside; `val/` is another name of a part to validate on. Deeper folders belong to their class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias
from unicodedata import normalize

import numpy as np
from toolz import identity

from catpipe.data.examples import DataSet, Examples
from catpipe.data.folds import groups_of_equal, hold_outs
from catpipe.data.sampling import Indices
from catpipe.random import ORDER, generator
from catpipe.shell.storage.atomic import DataError
from catpipe.shell.storage.hdf5 import EACH, check_budget
from catpipe.shell.storage.names import PARTS
from catpipe.shell.storage.photographs import Shape, check_pillow, read_photograph
from catpipe.shell.storage.picture_files import is_picture_name, visible_files, visible_folders

WHOLE = "all"
"""The part that is still to be divided."""


class Labelled(NamedTuple):
    """A file and the number of its class."""

    path: Path
    label: int


Watch: TypeAlias = Callable[[Sequence[Labelled]], Iterable[Labelled]]


class Found(NamedTuple):
    """The pictures of each part, `train`, `test`, `validation` or `WHOLE`, and the other files."""

    classes: tuple[str, ...]
    parts: Mapping[str, Sequence[Labelled]]
    others: tuple[Path, ...]


class Imported(NamedTuple):
    """A data set, examples to validate on, the files of each part in order, and the refused."""

    data: DataSet
    validation: Examples | None
    files: Mapping[str, tuple[Path, ...]]
    refusals: tuple[DataError, ...]


class _Read(NamedTuple):
    """Examples, and the file of each."""

    examples: Examples
    files: tuple[Path, ...]

    def of(self, numbers: Indices) -> _Read:
        """Return those of these numbers, in this order."""
        inputs, targets, _ = self.examples
        chosen = tuple(self.files[number] for number in numbers)
        return _Read(Examples(inputs[numbers], targets[numbers]), chosen)


# Files.


def find_pictures(folder: Path) -> Found:
    """Return the files of pictures below a folder, by part and class; nothing is opened.

    Classes are the names of folders, sorted. Of `train/` and `val/` without `test/`, the latter is
    the part to test on. Raises `DataError` for fewer than two classes, for a class to learn without
    pictures, for a class that is in another part alone, and where it is not certain whether folders
    are parts or classes.

    >>> find_pictures(Path("nowhere"))
    Traceback (most recent call last):
    catpipe.DataError: nowhere: is not a folder; expected one with a folder of pictures for each \
class: check the name
    """
    if not folder.is_dir():
        todo = "unpack it, and give the folder" if folder.is_file() else "check the name"
        raise DataError(
            f"{folder}: is not a folder; expected one with a folder of pictures for each class: "
            f"{todo}"
        )
    places = _parts_of(folder) or {WHOLE: folder}
    learned = next(iter(places.values()))
    classes = _classes_of(learned)
    files = {part: _labelled(place, classes, learned) for part, place in places.items()}
    _check_all_are_there(learned, classes, next(iter(files.values())))
    pictures = {
        part: [file for file in of if is_picture_name(file.path)] for part, of in files.items()
    }
    known = {file.path for of in pictures.values() for file in of}
    others = tuple(path for path in visible_files(folder) if path not in known)
    return Found(classes, pictures, others)


def _parts_of(folder: Path) -> dict[str, Path]:
    """Return the folders of the parts, that to train on first; none where folders are classes."""
    part_of = {word: part for part, words in PARTS.items() for word in words}
    folders = visible_folders(folder)
    named = [(part_of[path.name.lower()], path) for path in folders if path.name.lower() in part_of]
    found = dict(named)
    if not _are_parts([path for _, path in named], folders):
        return {}
    if len(named) < len(folders) or len(found) < len(named) or "train" not in found:
        raise DataError(
            f"{folder}: holds {_listed([path.name for path in folders])}; expected train, test "
            "and perhaps val, or a folder for each class: move or rename the others"
        )
    if len(found) == 1:
        return {WHOLE: found["train"]}
    if "test" not in found:
        return {"train": found["train"], "test": found["validation"]}
    return {part: found[part] for part in ("train", "test", "validation") if part in found}


def _are_parts(named: Sequence[Path], folders: Sequence[Path]) -> bool:
    """Return whether folders named as parts are some: `train` beside `cars` may be of pictures."""
    return bool(named) and (len(named) == len(folders) or any(map(visible_folders, named)))


def _classes_of(folder: Path) -> tuple[str, ...]:
    names = sorted(_class_name(path) for path in visible_folders(folder))
    if len({*names}) < len(names) or len(names) < 2:
        found = f"the folders {_listed(names)}" if names else "no folders"
        inside = folder / names[0] if names else folder
        todo = (
            f"give {inside}, where they are"
            if len(names) == 1 and len(visible_folders(inside)) > 1
            else "put the pictures of each class in a folder of its name"
        )
        raise DataError(
            f"{folder}: holds {found}; expected a folder of pictures for each class, two or more: "
            f"{todo}"
        )
    return tuple(names)


def _class_name(folder: Path) -> str:
    return normalize("NFC", folder.name)  # as macOS hands out others than were typed


def _labelled(folder: Path, classes: tuple[str, ...], learned: Path) -> list[Labelled]:
    """Return all files of the classes' folders; refuse a folder of a class that is not known."""
    folders = visible_folders(folder)
    unknown = next((path for path in folders if _class_name(path) not in classes), None)
    if unknown:
        raise DataError(
            f"{unknown}: is a class that is not in {learned}; expected one of {_listed(classes)}: "
            "rename or remove it"
        )
    return [
        Labelled(path, classes.index(_class_name(of)))
        for of in folders
        for path in visible_files(of)
    ]


def _check_all_are_there(folder: Path, classes: Sequence[str], files: Sequence[Labelled]) -> None:
    there = {file.label for file in files if is_picture_name(file.path)}
    for label, name in enumerate(classes):
        if label not in there:
            raise DataError(
                f"{folder / name}: holds no pictures; expected some, of a class that is to be "
                "learned: put them there, or remove the folder"
            )


# Pictures.


def import_pictures(
    found: Found, shape: Shape, share: float, seed: int, watch: Watch = identity
) -> Imported:
    """Return the data set of these files, their pictures in this shape, (height, width, channels).

    A part that is still to be divided gives this share of each class to test on; equal pictures are
    on one side. The order of a part is drawn, so that classes are mixed: equal files and seed make
    equal data. Files that are no pictures are left out. `watch` takes the files of a part and hands
    on each when it is to be read. Raises `DataError` for more than a file may hold, and for a class
    of which nothing is left to train on; `ValueError` for a share that leaves none on one side;
    `ImportError` where Pillow is missing.
    """
    check_pillow()
    for part, files in found.parts.items():
        size = len(files) * int(np.prod(shape))
        todo = "take fewer pictures, or a smaller --size"
        check_budget(part, {f"{len(files):,} pictures": size}, EACH, EACH, todo)
    refusals: list[DataError] = []
    read = {part: _read(files, shape, refusals, watch) for part, files in found.parts.items()}
    parts = _divided(read[WHOLE], share, seed) if WHOLE in read else read
    mixed = {
        part: of.of(generator(seed, ORDER, number).permutation(len(of.files)))
        for number, (part, of) in enumerate(parts.items())
    }
    _check_learned(found.classes, mixed["train"].examples, refusals)
    examples = {part: of.examples for part, of in mixed.items()}
    return Imported(
        DataSet(examples["train"], examples["test"], found.classes),
        examples.get("validation"),
        {part: of.files for part, of in mixed.items()},
        tuple(refusals),
    )


def _read(
    files: Sequence[Labelled], shape: Shape, refusals: list[DataError], watch: Watch
) -> _Read:
    """Return the pictures of these files; add to the refusals those that are none."""
    pixels = np.empty((len(files), *shape), np.uint8)
    read: list[Labelled] = []
    for file in watch(files):
        try:
            pixels[len(read)] = read_photograph(file.path, shape)
        except DataError as refusal:
            refusals.append(refusal)
        else:
            read.append(file)
    labels = np.array([file.label for file in read], np.int64)
    return _Read(Examples(pixels[: len(read)], labels), tuple(file.path for file in read))


def _divided(read: _Read, share: float, seed: int) -> dict[str, _Read]:
    """Return the parts to train and to test on; the latter is empty for a share of 0."""
    labels = read.examples.targets
    is_held = np.zeros(len(labels), bool)
    if share:
        groups = groups_of_equal(read.examples.inputs)
        is_held = hold_outs(labels, share, seed, groups=groups)[0] == 0
    return {"train": read.of(np.flatnonzero(~is_held)), "test": read.of(np.flatnonzero(is_held))}


def _check_learned(classes: tuple[str, ...], train: Examples, refusals: list[DataError]) -> None:
    for label, name in enumerate(classes):
        if label not in train.targets:
            reason = f", the last of the others is {refusals[-1]}" if refusals else ""
            raise DataError(
                f"{name}: leaves no picture to train on{reason}; expected some of each class: add "
                "pictures, or remove the folder"
            )


def _listed(names: Sequence[str]) -> str:
    """Return the first of these names.

    >>> _listed(["cat", "dog"]), _listed([str(number) for number in range(12)])
    ('cat, dog', '0, 1, 2, 3, 4, 5, 6, 7 and 4 more')
    """
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(names[:8]) + more
