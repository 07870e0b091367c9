"""How text on the command line is read: numbers, paths, ranges of seeds."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable
from pathlib import Path
from re import fullmatch
from reprlib import repr as brief
from typing import NamedTuple

MOST_SEEDS = 10_000
MOST_GIB = 2**20
MEMORY_HELP = "GiB of memory that the data may take (default: 2)"
SEEDS = 2**32  # a seed is below


def read_integer(text: str) -> int:
    """Return the integer that the text is, in plain digits."""
    return int(_read(int, "an integer", text))


def read_count(text: str) -> int:
    """Return the positive integer that the text is.

    >>> read_count("2")
    2
    """
    count = read_integer(text)
    if count < 1:
        raise ArgumentTypeError(f"{brief(text)} is given; expected an integer of at least 1")
    return count


def recipes() -> dict[str, Path]:
    """Return the files of options that come with catpipe, by their names.

    >>> [*recipes()]
    ['article', 'features', 'pixels']
    """
    return {path.stem: path for path in sorted((Path(__file__).parent / "recipes").glob("*.toml"))}


def read_recipe(text: str) -> Path:
    """Return the file of the recipe that the text names."""
    known = recipes()
    if text not in known:
        raise ArgumentTypeError(f"{brief(text)} is no recipe; expected one of {', '.join(known)}")
    return known[text]


def read_number(text: str) -> float:
    """Return the number that the text is, in plain digits."""
    return _read(float, "a number", text)


def read_path(text: str) -> Path:
    """Return the path that the text is; refuse none, and one that no system has."""
    if not text or "\0" in text:
        raise ArgumentTypeError(f"{brief(text)} is given; expected the name of a file or a folder")
    return Path(text)


def read_memory(text: str) -> int:
    """Return the bytes of memory that the text allows, in GiB.

    >>> read_memory("0.5")
    536870912
    """
    gib = read_number(text)
    if not 0 < gib <= MOST_GIB:
        raise ArgumentTypeError(f"{brief(text)} is given; expected above 0 and at most {MOST_GIB}")
    return int(gib * 2**30)


def read_size(text: str) -> tuple[int, int]:
    """Return the height and width of pictures of this size, `SIDE` or `WIDTHxHEIGHT`.

    >>> read_size("64"), read_size("64x48")
    ((64, 64), (48, 64))
    """
    found = fullmatch(r"([0-9]{1,4})(?:x([0-9]{1,4}))?", text)
    width, height = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not (width and height):
        raise ArgumentTypeError(
            f"{brief(text)} is no size; expected one like 64, or 64x48 for 64 wide and 48 high"
        )
    return height, width


def read_seeds(text: str) -> range:
    """Return the seeds that the text names, the last included.

    >>> read_seeds("1..100")
    range(1, 101)
    """
    found = fullmatch(r"([0-9]{1,10})\.\.([0-9]{1,10})", text)
    first, last = map(int, found.groups()) if found else (0, -1)
    if not first <= last < SEEDS or last - first >= MOST_SEEDS:
        raise ArgumentTypeError(
            f"{brief(text)} is no range of seeds; expected one like 1..100, of at most "
            f"{MOST_SEEDS:,} from 0 to {SEEDS - 1}"
        )
    return range(first, last + 1)


class FoldsText(NamedTuple):
    """What divides examples: so many folds, or a share to hold out, and how often anew.

    Neither is to leave out one at a time.
    """

    folds: int | None
    share: float | None
    repeats: int


def read_folds(text: str) -> FoldsText:
    """Return the folds that the text names.

    >>> read_folds("5x5")
    FoldsText(folds=5, share=None, repeats=5)
    >>> read_folds("10").folds, read_folds("0.2x3").share, read_folds("leave-one-out").folds
    (10, 0.2, None)
    """
    if text == "leave-one-out":
        return FoldsText(None, None, 1)
    found = fullmatch(r"(?:([0-9]{1,6})|(0?\.[0-9]{1,6}))(?:x([0-9]{1,3}))?", text)
    folds, share, times = found.groups() if found else (None, None, None)
    number, part, repeats = int(folds or 0), float(share or 0), int(times or 1)
    if (number < 2 and not part) or repeats < 1:
        raise ArgumentTypeError(
            f"{brief(text)} is given; expected folds and repeats like 5x5 or 10, a share to hold "
            "out like 0.2x5, or leave-one-out"
        )
    return FoldsText(number or None, part or None, repeats)


def _read(kind: Callable[[str], float], expected: str, text: str) -> float:
    try:
        if "_" not in text and text.isascii():  # Python takes 1_0 and other scripts' digits too
            return kind(text)
    except ValueError:
        pass
    raise ArgumentTypeError(f"{brief(text)} is given; expected {expected}")
