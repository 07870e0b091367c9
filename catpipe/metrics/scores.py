"""Scores of predictions: the share that is correct, and the errors of a regression."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from catpipe.nn.parameters import Array


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


def root_mean_squared_error(
    predictions: ArrayLike, Y: ArrayLike, weights: Array | None = None
) -> Array:
    """Return the root of the mean squared error, averaged over outputs, in the targets' unit.

    Shapes, weights and errors are as in `r_squared`.

    >>> float(root_mean_squared_error(np.array([1.0, 5.0]), np.array([1.0, 1.0])).round(3))
    2.828
    """
    predictions, Y = _alike(predictions, Y, "biuf")
    return np.sqrt(_mean((predictions - Y) ** 2, weights)).mean(-1)


def mean_absolute_error(
    predictions: ArrayLike, Y: ArrayLike, weights: Array | None = None
) -> Array:
    """Return the mean absolute error, averaged over outputs, in the targets' unit.

    Shapes, weights and errors are as in `r_squared`.

    >>> float(mean_absolute_error(np.array([1.0, 5.0]), np.array([1.0, 1.0])))
    2.0
    """
    predictions, Y = _alike(predictions, Y, "biuf")
    return _mean(np.abs(predictions - Y), weights).mean(-1)


def balanced_accuracy(
    predictions: ArrayLike, labels: ArrayLike, weights: Array | None = None
) -> float:
    """Return the mean over the classes of the share of each that is predicted correctly.

    predictions, labels: (examples,) of class numbers or names -> in [0, 1]; `weights`,
    (examples,), may have any sum. Classes that no label names do not count. Raises `ValueError`
    for shapes that differ.

    >>> balanced_accuracy(np.array([0, 0, 0, 0]), np.array([0, 0, 0, 1]))
    0.5
    """
    found, expected = (rows.ravel() for rows in _alike(predictions, labels, "biufUS"))
    share = np.ones(len(expected)) if weights is None else np.ravel(weights)
    correct = (found == expected) * share
    recalls = [correct[expected == c].sum() / share[expected == c].sum()
               for c in np.unique(expected)]  # fmt: skip
    return float(np.mean(recalls))


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


def _mean(errors: Array, weights: Array | None) -> Array:
    return errors.mean(-1) if weights is None else (errors * weights).sum(-1)


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
