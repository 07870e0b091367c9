"""Metrics: how well predictions agree with the targets."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from catpipe.nn.parameters import Array

__all__ = ["accuracy", "confusion", "r_squared", "wilson_interval"]


def accuracy(predictions: ArrayLike, Y: ArrayLike, weights: Array | None = None) -> Array:
    """Return the share of correct predictions, in [0, 1].

    predictions, Y: (..., 1, examples), or (examples,), of class numbers or names -> (...);
    `weights`, (1, examples) with a sum of 1, are those of the examples. Raises `ValueError` for
    shapes that differ.

    >>> float(accuracy(np.array([1, 0, 1, 1]), np.array([1, 0, 0, 1])))
    0.75
    """
    predictions, Y = _alike(predictions, Y, "biufUS")
    correct = predictions == Y
    return correct.mean((-2, -1)) if weights is None else (correct * weights).sum((-2, -1))


def r_squared(predictions: ArrayLike, Y: ArrayLike, weights: Array | None = None) -> Array:
    """Return the share of the variance of Y that the predictions explain, averaged over outputs.

    predictions, Y: (..., outputs, examples), or (examples,) -> (...); `weights` are as in
    `accuracy`. It is 1 where all are right, 0 for those who predict the mean, and below 0 for
    worse; an output that does not vary counts 1 where it is predicted exactly, otherwise 0. Raises
    `ValueError` for shapes that differ.

    >>> float(r_squared(np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 3.0])))
    0.5
    """
    predictions, Y = _alike(predictions, Y, "biuf")
    share = 1 / Y.shape[-1] if weights is None else weights
    residual = (share * (Y - predictions) ** 2).sum(-1)
    total = (share * (Y - (share * Y).sum(-1, keepdims=True)) ** 2).sum(-1)
    varies = total > 0
    explained = 1 - residual / np.where(varies, total, 1)
    return np.where(varies, explained, residual == 0).mean(-1)


def confusion(predictions: ArrayLike, labels: ArrayLike, classes: int) -> NDArray[np.int64]:
    """Return the confusion matrix: how often each true class (row) is predicted as each (column).

    predictions, labels: (examples,) integers below `classes` -> (classes, classes). Raises
    `ValueError` for other integers.

    >>> confusion(np.array([0, 1, 1]), np.array([0, 0, 1]), classes=2)
    array([[1, 1],
           [0, 1]])
    """
    found, expected = (rows.ravel() for rows in _alike(predictions, labels, "biu"))
    if max(found.max(), expected.max()) >= classes or min(found.min(), expected.min()) < 0:
        raise ValueError(f"classes beyond {classes}; expected numbers from 0 to {classes - 1}")
    pairs = np.bincount(expected.astype(np.int64) * classes + found, minlength=classes**2)
    return pairs.reshape(classes, classes)


def _alike(predictions: ArrayLike, Y: ArrayLike, kinds: str) -> tuple[Array, Array]:
    """Return both as rows; raise `ValueError` for shapes that differ, which would broadcast."""
    pair = np.asarray(predictions), np.asarray(Y)
    if {array.dtype.kind for array in pair} - {*kinds} or 0 in (*map(np.size, pair),):
        raise ValueError(
            f"predictions of {pair[0].dtype} and targets of {pair[1].dtype}, {pair[0].shape} and "
            f"{pair[1].shape}; expected numbers, one or more"
        )
    found, expected = map(np.atleast_2d, pair)
    if found.shape[-2:] != expected.shape[-2:] or pair[0].ndim < pair[1].ndim:
        raise ValueError(
            f"predictions {pair[0].shape} for targets {pair[1].shape}; expected equal shapes"
        )
    return found, expected


def wilson_interval(correct: float, count: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval of the share that so many correct ones of `count` speak for.

    Wilson (1927): the shares p from which the found one is no more than z standard deviations,
    sqrt(p (1 - p) / count), away. Raises `ValueError` unless 0 <= correct <= count.

    >>> [round(end, 4) for end in wilson_interval(40, 50)]
    [0.6696, 0.8876]
    """
    if not 0 <= correct <= count or count < 1 or not 0 < confidence < 1:
        raise ValueError(
            f"{correct} correct of {count}, confidence {confidence}; expected 0 to {count} of 1 or "
            "more, and a confidence between 0 and 1"
        )
    z2 = NormalDist().inv_cdf((1 + confidence) / 2) ** 2
    middle = correct + z2 / 2
    reach = sqrt(z2 * (correct * (count - correct) / count + z2 / 4))
    return (middle - reach) / (count + z2), (middle + reach) / (count + z2)
