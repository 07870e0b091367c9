"""How text on the command line is read: numbers, paths, ranges of seeds."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable
from pathlib import Path
from re import fullmatch
from reprlib import repr as brief

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


def _read(kind: Callable[[str], float], expected: str, text: str) -> float:
    try:
        if "_" not in text and text.isascii():  # Python takes 1_0 and other scripts' digits too
            return kind(text)
    except ValueError:
        pass
    raise ArgumentTypeError(f"{brief(text)} is given; expected {expected}")
