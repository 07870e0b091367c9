"""A seed and a path name a random stream: what is drawn depends on nothing else.

A path begins with what is drawn: initial weights with their layer's number, all else with one of
the purposes below, which are beyond any layer's number.
"""

from __future__ import annotations

from numpy.random import Generator, SeedSequence, default_rng

ORDER, DROPOUT, FLIP, SHIFT, BRIGHTNESS, HOLD_OUT, DIRECTION = range(2**20, 2**20 + 7)


def generator(seed: int, *path: int) -> Generator:
    """Return a new generator for this seed and path of non-negative integers.

    Equal seed and path, equal draws; other paths are independent (`SeedSequence` spawn keys).

    >>> generator(1, 2).random() == generator(1, 2).random() != generator(1).random()
    True
    """
    return default_rng(SeedSequence(seed, spawn_key=path))
