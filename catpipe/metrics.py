"""How well predictions agree with what is true."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from catpipe.parameters import Array


def accuracy(predictions: Array, Y: Array) -> Array:
    """Return the share of predictions that are right, in [0, 1].

    predictions, Y: (..., 1, examples) of class numbers -> (...).

    >>> float(accuracy(np.array([[1, 0, 1, 1]]), np.array([[1, 0, 0, 1]])))
    0.75
    """
    return (predictions == Y).mean((-2, -1))


def confusion(
    predictions: NDArray[np.int64], labels: NDArray[np.int64], classes: int
) -> NDArray[np.int64]:
    """Return how often each true class (row) was predicted as each class (column).

    predictions, labels: (examples,) integers below `classes` -> (classes, classes).

    >>> confusion(np.array([0, 1, 1]), np.array([0, 0, 1]), classes=2)
    array([[1, 1],
           [0, 1]])
    """
    pairs = np.bincount(labels * classes + predictions, minlength=classes**2)
    return pairs.reshape(classes, classes)
