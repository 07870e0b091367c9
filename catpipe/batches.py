"""Streams of batches to fold over."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from reprlib import repr as brief
from typing import NamedTuple

from catpipe.parameters import Array


class Batch(NamedTuple):
    """Columns X, (features, examples), and their targets Y, (outputs, examples).

    Where examples do not count alike, `shares`, (1, examples) with a sum of 1, say how much each.
    """

    X: Array
    Y: Array
    shares: Array | None = None


def shares_of(weights: Array) -> Array:
    """Return the weights, (..., 1, examples), divided by their sum.

    Raises `ValueError` for weights below 0, and for none above.

    >>> import numpy as np
    >>> shares_of(np.array([[1.0, 0.0, 3.0]]))
    array([[0.25, 0.  , 0.75]])
    """
    if (weights < 0).any() or not weights.any(-1).all():
        raise ValueError(f"example weights {brief(weights)}; expected none below 0, and some above")
    return weights / weights.sum(-1, keepdims=True)


def whole(X: Array, Y: Array, iterations: int, shares: Array | None = None) -> Iterator[Batch]:
    """Return the whole set as one batch, again and again.

    >>> import numpy as np
    >>> [batch.X.shape for batch in whole(np.ones((4, 2)), np.ones((1, 2)), iterations=3)]
    [(4, 2), (4, 2), (4, 2)]
    """
    return repeat(Batch(X, Y, shares), iterations)
