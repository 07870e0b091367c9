"""Scores of predictions: the share that is correct, and the errors of a regression."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from catpipe.checks import check_whole
from catpipe.nn.arrays import Array

INTEGERS, NUMBERS, CLASSES = "biu", "biuf", "biufUS"  # kinds of arrays


def accuracy(predictions: ArrayLike, Y: ArrayLike, weights: Array | None = None) -> Array:
    """Return the share of correct predictions, in [0, 1].

    predictions, Y: (..., 1, examples), or (examples,), of class numbers or names -> (...);
    `weights`, (1, examples) with a sum of 1, are those of the examples. Raises `ValueError` for
    shapes that differ.

    >>> float(accuracy(np.array([1, 0, 1, 1]), np.array([1, 0, 0, 1])))
    0.75
    """
    predictions, Y = _alike(predictions, Y, CLASSES)
    correct = predictions == Y
    if weights is None:
        return correct.mean((-2, -1))
    return (correct * _checked_weights(weights, Y)).sum((-2, -1))


def r_squared(predictions: ArrayLike, Y: ArrayLike, weights: Array | None = None) -> Array:
    """Return the share of the variance of Y that the predictions explain, averaged over outputs.

    predictions, Y: (..., outputs, examples), or (examples,) -> (...); `weights` are as in
    `accuracy`. It is 1 where all are right, 0 for those who predict the mean, and below 0 for
    worse; an output that does not vary counts 1 where it is predicted exactly, otherwise 0. Raises
    `ValueError` for shapes that differ.

    >>> float(r_squared(np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 3.0])))
    0.5
    """
    predictions, Y = _alike(predictions, Y, NUMBERS)
    share = 1 / Y.shape[-1] if weights is None else _checked_weights(weights, Y)
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
    predictions, Y = _alike(predictions, Y, NUMBERS)
    return np.sqrt(_mean((predictions - Y) ** 2, weights)).mean(-1)


def mean_absolute_error(
    predictions: ArrayLike, Y: ArrayLike, weights: Array | None = None
) -> Array:
    """Return the mean absolute error, averaged over outputs, in the targets' unit.

    Shapes, weights and errors are as in `r_squared`.

    >>> float(mean_absolute_error(np.array([1.0, 5.0]), np.array([1.0, 1.0])))
    2.0
    """
    predictions, Y = _alike(predictions, Y, NUMBERS)
    return _mean(np.abs(predictions - Y), weights).mean(-1)


def balanced_accuracy(
    predictions: ArrayLike, labels: ArrayLike, weights: Array | None = None
) -> float:
    """Return the mean over the classes of the share of each that is predicted correctly.

    predictions, labels: (examples,) of class numbers or names -> in [0, 1]; `weights`,
    (examples,), may have any sum. Classes that no label names, or none that counts, are left out.
    Raises `ValueError` for shapes that differ.

    >>> balanced_accuracy(np.array([0, 0, 0, 0]), np.array([0, 0, 0, 1]))
    0.5
    """
    found, expected = (rows.ravel() for rows in _alike(predictions, labels, CLASSES))
    share = example_weights(weights, len(expected))
    correct = (found == expected) * share
    recalls = [correct[expected == c].sum() / share[expected == c].sum()
               for c in np.unique(expected[share > 0])]  # fmt: skip
    return float(np.mean(recalls))


def confusion(predictions: ArrayLike, labels: ArrayLike, classes: int) -> NDArray[np.int64]:
    """Return the confusion matrix: how often each true class (row) is predicted as each (column).

    predictions, labels: (examples,) integers below `classes` -> (classes, classes). Raises
    `ValueError` for others.

    >>> confusion(np.array([0, 1, 1]), np.array([0, 0, 1]), classes=2)
    array([[1, 1],
           [0, 1]])
    """
    found, expected = (rows.ravel() for rows in _alike(predictions, labels, INTEGERS))
    count = check_whole("classes", classes)
    if max(found.max(), expected.max()) >= count or min(found.min(), expected.min()) < 0:
        raise ValueError(f"classes beyond {count}; expected numbers from 0 to {count - 1}")
    pairs = expected.astype(np.int64) * count + found.astype(np.int64)
    return np.bincount(pairs, minlength=count**2).reshape(count, count)


def example_weights(weights: ArrayLike | None, examples: int) -> Array:
    """Return the weight of each example, (examples,): 1 where none are given.

    Raises `ValueError` for weights of another shape, and for those that are negative or all 0.

    >>> example_weights(None, 2), example_weights([[0.5, 1.5]], 2)
    (array([1., 1.]), array([0.5, 1.5]))
    """
    if weights is None:
        return np.ones(examples)
    given = _checked_weights(weights, np.empty((1, examples)))
    if not given.any() or given.min() < 0:
        raise ValueError("weights that are negative or all 0; expected numbers of at least 0")
    return given.ravel()


def _mean(errors: Array, weights: Array | None) -> Array:
    if weights is None:
        return errors.mean(-1)
    return (errors * _checked_weights(weights, errors)).sum(-1)


def _checked_weights(weights: ArrayLike, Y: Array) -> Array:
    """Return weights, (1, examples) or (examples,); refuse another shape, which would broadcast."""
    given, examples = np.asarray(weights), Y.shape[-1]
    if given.shape not in ((examples,), (1, examples)) or given.dtype.kind not in NUMBERS:
        raise ValueError(
            f"weights {given.shape} of {given.dtype}; expected one number for each of {examples} "
            f"examples, (1, {examples})"
        )
    return given


def _alike(predictions: ArrayLike, Y: ArrayLike, kinds: str) -> tuple[Array, Array]:
    """Return both as rows; raise `ValueError` for shapes that differ, which would broadcast."""
    pair = np.asarray(predictions), np.asarray(Y)
    if {array.dtype.kind for array in pair} - {*kinds} or 0 in (*map(np.size, pair),):
        raise ValueError(
            f"predictions of {pair[0].dtype} and targets of {pair[1].dtype}, {pair[0].shape} and "
            f"{pair[1].shape}; expected numbers, one or more"
        )
    if len({array.dtype.kind in NUMBERS for array in pair}) > 1:
        raise ValueError(
            f"predictions of {pair[0].dtype} and targets of {pair[1].dtype}; expected names in "
            "both, or numbers in both"
        )
    found, expected = map(np.atleast_2d, pair)
    if found.shape[-2:] != expected.shape[-2:] or pair[0].ndim < pair[1].ndim:
        raise ValueError(
            f"predictions {pair[0].shape} for targets {pair[1].shape}; expected equal shapes"
        )
    return found, expected
