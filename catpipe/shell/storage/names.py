"""What people call datasets and files: words that say a part of the data and a role in it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

PARTS = {
    "train": ("train", "training", "tr"),
    "test": ("test", "testing", "tests"),
    "validation": ("validation", "valid", "val", "dev"),
}
_ROLES = {
    "inputs": (
        "x", "image", "images", "img", "imgs", "picture", "pictures", "pixels", "feature",
        "features", "input", "inputs", "sample", "samples",
    ),
    "targets": ("y", "label", "labels", "target", "targets"),
    "classes": ("class", "classes", "category", "categories"),
    "data": ("data",),
    "names": ("list", "name", "names"),
    "": ("set", "sets", "dataset", "datasets", "orig", "original"),
}  # fmt: skip
_MEANINGS = {word: name for of in (PARTS, _ROLES) for name, words in of.items() for word in words}
_SHORTEST = 4  # letters of a word that may differ in one


class Meaning(NamedTuple):
    """The part that a name says, if any, its role, and whether each of its letters is right."""

    part: str | None
    role: str | None
    is_exact: bool


class Names(NamedTuple):
    """The datasets of a part: its inputs, its targets, and the names of its classes, if any."""

    part: str
    inputs: str
    targets: str
    classes: str | None

    @property
    def all(self) -> list[str]:
        """Return the names of the datasets that there are."""
        return [name for name in self[1:] if name]


def usual(part: str) -> Names:
    """Return the names that `save_data` gives the datasets of a part.

    >>> usual("train").all
    ['train_set_x', 'train_set_y', 'list_classes']
    """
    return Names(part, f"{part}_set_x", f"{part}_set_y", "list_classes")


def meaning_of(name: str) -> Meaning | None:
    """Return what a dataset's name says; none where a word of it is not known.

    >>> meaning_of("X_train"), meaning_of("tain/labels")
    (Meaning(part='train', role='inputs', is_exact=True), Meaning(part='train', role='targets', \
is_exact=False))
    >>> meaning_of("learning_rate")
    """
    words = _words(name)
    is_one = len(words) == 1  # which may well be another word than the one that it is nearly
    found = [_MEANINGS.get(word, None if is_one else _nearly(word)) for word in words]
    said = {meaning for meaning in found if meaning}
    parts = said & PARTS.keys()
    if None in found or len(parts) > 1:
        return None
    is_exact = all(word in _MEANINGS for word in words)
    return Meaning(next(iter(parts), None), _role(said - PARTS.keys()), is_exact)


def _role(said: set[str]) -> str | None:
    if "names" in said:
        return "classes" if said - {"names", "data"} in ({"classes"}, {"targets"}) else None
    roles = said - {"data"} or {"inputs"} & {"inputs" if "data" in said else ""}
    return next(iter(roles)) if len(roles) == 1 else None


def candidates(names: Iterable[str], part: str, role: str) -> list[str]:
    """Return the names that say this role, of this part or of none: the most certain ones alone.

    >>> candidates(["x_train", "x_test", "data", "labels"], "train", "inputs")
    ['x_train']
    """
    found = [(name, meaning) for name in names if (meaning := meaning_of(name))]
    of_role = [(name, m) for name, m in found if m.role == role and m.part in (part, None)]
    for is_exact in (True, False):
        for of_part in (part, None):
            chosen = [name for name, m in of_role if (m.part, m.is_exact) == (of_part, is_exact)]
            if chosen:
                return chosen
    return []


def says_part(name: str, part: str) -> bool:
    """Return whether a word of a dataset's name is that of a part, whatever the others are.

    >>> says_part("test_answers", "test")
    True
    """
    return part in {_MEANINGS.get(word) for word in _words(name)}


def part_and_set(path: Path, *, exactly: bool = True) -> tuple[str | None, str]:
    """Return which part of a data set a file's name says that it is, and the data set's name.

    >>> part_and_set(Path("train_signs.h5")), part_and_set(Path("cats.h5"))
    (('train', 'signs'), (None, 'cats'))
    """
    words = words_of(path.stem).split("_")
    near = {word: _MEANINGS.get(word.lower(), "" if exactly else _nearly(word)) for word in words}
    parts = {near[word] for word in words} & PARTS.keys()
    if len(parts) != 1:
        return None, "_".join(words)
    return next(iter(parts)), "_".join(word for word in words if near[word] not in parts)


def words_of(name: str) -> str:
    """Return the words of a file's name with one `_` between them.

    >>> words_of("cats-and dogs")
    'cats_and_dogs'
    """
    return "_".join(word for word in re.split(r"[\W_]+", name) if word)


def _words(name: str) -> list[str]:
    """Return the words of a name in small letters, also of `trainX` and of `xtrain`."""
    words = []
    for token in filter(None, re.split(r"[\W_]+", name)):
        parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", token)
        words += parts if "".join(parts) == token else [token]
    return [each for word in words for each in _of_letter_and_part(word.lower())]


def _of_letter_and_part(word: str) -> list[str]:
    for letter, rest in ((word[:1], word[1:]), (word[-1:], word[:-1])):
        if letter in ("x", "y") and _MEANINGS.get(rest) in PARTS:
            return [letter, rest]
    return [word]


def _nearly(word: str) -> str | None:
    """Return what a word means of which one letter is missing, too many, another or misplaced."""
    if len(word) < _SHORTEST:
        return None
    near = {
        meaning
        for known, meaning in _MEANINGS.items()
        if len(known) >= _SHORTEST
        and meaning != "data"
        and _differ_in_a_letter(word.lower(), known)
    }
    return next(iter(near)) if len(near) == 1 else None


def _differ_in_a_letter(one: str, other: str) -> bool:
    if abs(len(one) - len(other)) > 1:
        return False
    same = next((i for i, pair in enumerate(zip(one, other, strict=False)) if len({*pair}) > 1), -1)
    a, b = (one[same:], other[same:]) if same >= 0 else (one[-1:], other[-1:])
    swapped = a[:2] == b[1::-1] and a[2:] == b[2:]
    return swapped or a[1:] == b[1:] or a[1:] == b or a == b[1:]
