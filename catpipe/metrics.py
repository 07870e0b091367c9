"""Metrics: how well predictions agree with the true classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from catpipe.nn.parameters import Array

__all__ = ["accuracy", "confusion"]


def accuracy(predictions: Array, Y: Array) -> Array:
    """Return the share of correct predictions, in [0, 1].

    predictions, Y: (..., 1, examples) of class numbers -> (...). Raises `ValueError` for shapes
    that differ.

    >>> float(accuracy(np.array([[1, 0, 1, 1]]), np.array([[1, 0, 0, 1]])))
    0.75
    """
    if predictions.shape[-2:] != Y.shape[-2:]:
        raise ValueError(f"predictions {predictions.shape} for Y {Y.shape}; expected equal shapes")
    return (predictions == Y).mean((-2, -1))


def confusion(
    predictions: NDArray[np.int64], labels: NDArray[np.int64], classes: int
) -> NDArray[np.int64]:
    """Return the confusion matrix: how often each true class (row) is predicted as each (column).

    predictions, labels: (examples,) integers below `classes` -> (classes, classes). Raises
    `ValueError` for other integers.

    >>> confusion(np.array([0, 1, 1]), np.array([0, 0, 1]), classes=2)
    array([[1, 1],
           [0, 1]])
    """
    if max(predictions.max(), labels.max()) >= classes or min(predictions.min(), labels.min()) < 0:
        raise ValueError(f"classes beyond {classes}; expected numbers from 0 to {classes - 1}")
    pairs = np.bincount(labels * classes + predictions, minlength=classes**2)
    return pairs.reshape(classes, classes)
