"""A seed and a path name a random stream: what is drawn depends on nothing else.

A path begins with what is drawn: initial weights with their layer's number, all else with one of
the purposes below, which are beyond any layer's number.
"""

from __future__ import annotations

from numbers import Integral

from numpy.random import Generator, SeedSequence, default_rng

ORDER, DROPOUT, FLIP, SHIFT, BRIGHTNESS, HOLD_OUT, DIRECTION, CROP, CODEBOOK = range(
    2**20, 2**20 + 9
)


def generator(seed: int, *path: int) -> Generator:
    """Return a new generator for this seed and path of non-negative integers.

    Equal seed and path, equal draws; other paths are independent (`SeedSequence` spawn keys).

    >>> generator(1, 2).random() == generator(1, 2).random() != generator(1).random()
    True
    """
    return default_rng(SeedSequence(seed, spawn_key=path))


def check_seed(seed: int) -> None:
    """Raise `ValueError` for a seed that is no integer of at least 0.

    >>> check_seed(1.5)
    Traceback (most recent call last):
    ValueError: seed 1.5; expected an integer of at least 0
    """
    if not isinstance(seed, Integral) or isinstance(seed, bool) or seed < 0:
        raise ValueError(f"seed {seed!r}; expected an integer of at least 0")
