"""Batches to fold over: all examples again and again, or mini-batches of them.

The order of an epoch is a function of its number, so batches can begin at any iteration.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count, islice, repeat
from reprlib import repr as brief
from typing import NamedTuple

import numpy as np

from catpipe.checks import check_type
from catpipe.data.sampling import Indices, Order
from catpipe.nn.parameters import Array


class Batch(NamedTuple):
    """Columns X, (features, examples), and their targets Y, (outputs, examples).

    `weights`, (..., 1, examples) with a sum of 1, are the examples' weights in costs and gradients;
    without them each weighs 1 / examples.
    """

    X: Array
    Y: Array
    weights: Array | None = None


def check_batch(batch: Batch) -> None:
    """Raise `TypeError` for what is no batch of arrays, `ValueError` for shapes that do not fit.

    >>> check_batch(Batch(np.ones((3, 2)), np.ones((1, 1))))
    Traceback (most recent call last):
    ValueError: targets of shape (1, 1) for X of shape (3, 2); expected a column for each of its 2
    """
    check_type("batch", batch, Batch, "Batch(X, Y)")
    X, Y, weights = batch
    for name, array in (("X", X), ("targets", Y), ("weights", Y if weights is None else weights)):
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
            raise TypeError(f"{name} is {brief(array)}; expected an array of numbers")
        if array.ndim < 2:
            raise ValueError(
                f"{name} of shape {array.shape}; expected 2 axes: a column for each example"
            )
    if X.shape[-1] != Y.shape[-1]:
        raise ValueError(
            f"targets of shape {Y.shape} for X of shape {X.shape}; expected a column for each of "
            f"its {X.shape[-1]}"
        )
    if weights is not None and weights.shape[-2:] != (1, X.shape[-1]):
        raise ValueError(f"weights of shape {weights.shape}; expected (1, {X.shape[-1]})")


def normalized(weights: Array) -> Array:
    """Return the weights, (..., 1, examples), divided by their sum.

    Raises `ValueError` for a weight below 0, and where none is above.

    >>> normalized(np.array([[1.0, 0.0, 3.0]]))
    array([[0.25, 0.  , 0.75]])
    """
    if (weights < 0).any() or not weights.any(-1).all():
        raise ValueError(f"example weights {brief(weights)}; expected none below 0, and some above")
    return weights / weights.sum(-1, keepdims=True)


def class_weights(labels: Indices, of_classes: Sequence[float]) -> Array:
    """Return the weight of each example, (1, examples): that of its class.

    Raises `ValueError` for labels of classes without a weight.

    >>> class_weights(np.array([0, 0, 1]), of_classes=(1, 3))
    array([[1., 1., 3.]])
    """
    if labels.min() < 0 or labels.max() >= len(of_classes):
        raise ValueError(
            f"{len(of_classes)} class weights for labels from {labels.min()} to {labels.max()}; "
            "expected one a class"
        )
    return np.array(of_classes, float)[labels][np.newaxis]


def balanced_weights(labels: Indices, classes: int) -> tuple[float, ...]:
    """Return class weights with which all classes count alike, 1 on average over the examples.

    A class of c in n examples weighs n / c, divided by the number of classes that have examples
    (King and Zeng 2001); a class without examples weighs 0.

    >>> balanced_weights(np.array([0, 0, 0, 1]), classes=2)
    (0.6666666666666666, 2.0)
    """
    numbers = np.bincount(labels, minlength=classes)
    weights = len(labels) / np.count_nonzero(numbers) / np.maximum(numbers, 1)
    return tuple(np.where(numbers > 0, weights, 0).tolist())


def full_batches(
    X: Array, Y: Array, iterations: int, weights: Array | None = None
) -> Iterator[Batch]:
    """Return all examples as one batch, once for each iteration.

    >>> [batch.X.shape for batch in full_batches(np.ones((4, 2)), np.ones((1, 2)), iterations=3)]
    [(4, 2), (4, 2), (4, 2)]
    """
    return repeat(Batch(X, Y, weights), iterations)


def mini_batches(
    everything: Batch, order: Order, size: int, start: int = 0, *, drop_last: bool = False
) -> Iterator[Batch]:
    """Return batches of `size` examples, epoch after epoch without end, from iteration `start` on.

    The last batch of an epoch is short where the size does not divide the examples, or dropped.
    Weights are scaled so that the costs and gradients of an epoch's batches, weighted by their
    numbers of examples, average to those of all examples. Raises `ValueError` for a size below 1,
    or so large that all examples are dropped.

    >>> everything = Batch(np.array([[1.0, 2.0, 3.0]]), np.ones((1, 3)))
    >>> batches = mini_batches(everything, lambda epoch: np.array([2, 0, 1]), size=2)
    >>> [batch.X.tolist() for batch in islice(batches, 3)]
    [[[3.0, 1.0]], [[2.0]], [[3.0, 1.0]]]
    """
    rows = everything._replace(X=np.ascontiguousarray(everything.X.mT))  # a column is read at once
    first, skipped = divmod(start, batches_in_epoch(len(order(0)), size, drop_last=drop_last))
    return islice(_epochs(rows, order, size, first, drop_last=drop_last), skipped, None)


def batches_in_epoch(examples: int, size: int, *, drop_last: bool = False) -> int:
    """Return how many batches of this size an epoch has; raise `ValueError` for none.

    >>> batches_in_epoch(209, 64), batches_in_epoch(209, 64, drop_last=True)
    (4, 3)
    """
    if size < 1 or (number := examples // size if drop_last else -(-examples // size)) < 1:
        raise ValueError(f"batch size {size}; expected at least 1, for {examples} examples")
    return number


def _epochs(
    rows: Batch, order: Order, size: int, first: int, *, drop_last: bool
) -> Iterator[Batch]:
    for epoch in count(first):
        visited = order(epoch)
        number = batches_in_epoch(len(visited), size, drop_last=drop_last)
        weighed = rows._replace(weights=_weights_in(rows.weights, visited))
        for begin in range(0, number * size, size):
            yield _picked(weighed, visited[begin : begin + size])


def _weights_in(weights: Array | None, visited: Indices) -> Array | None:
    """Return the weights, scaled to an average of 1 over the examples that an epoch visits."""
    if weights is None:
        return None
    return weights * (len(visited) / weights.take(visited, -1).sum(-1, keepdims=True))


def _picked(rows: Batch, indices: Indices) -> Batch:
    X, Y, weights = rows
    if weights is not None:
        weights = weights.take(indices, -1) / len(indices)
    return Batch(X.take(indices, 0).T, Y.take(indices, -1), weights)
