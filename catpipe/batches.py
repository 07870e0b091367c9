"""Streams of batches to fold over."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from typing import NamedTuple

from catpipe.parameters import Array


class Batch(NamedTuple):
    """Columns X, (features, examples), and their targets Y, (outputs, examples)."""

    X: Array
    Y: Array


def whole(X: Array, Y: Array, iterations: int) -> Iterator[Batch]:
    """Return the whole set as one batch, again and again.

    >>> import numpy as np
    >>> [batch.X.shape for batch in whole(np.ones((4, 2)), np.ones((1, 2)), iterations=3)]
    [(4, 2), (4, 2), (4, 2)]
    """
    return repeat(Batch(X, Y), iterations)
