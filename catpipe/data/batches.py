"""Batches to fold over: all examples again and again, or mini-batches of them.

The order of an epoch is a function of its number, so batches can begin at any iteration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import count, islice, repeat
from reprlib import repr as brief
from typing import NamedTuple, TypeVar

import numpy as np
from toolz import concat

from catpipe.checks import check_type, check_whole, is_number
from catpipe.data.sampling import Indices, Order, check_order, checked_labels
from catpipe.nn.arrays import Array

_B = TypeVar("_B")


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
    check_numbers("X", X, axes=2)
    check_numbers("targets", Y, axes=2)
    if X.shape[-1] != Y.shape[-1] or not X.size:
        raise ValueError(
            f"targets of shape {Y.shape} for X of shape {X.shape}; expected a column for each of "
            f"its {X.shape[-1]}"
        )
    if weights is not None and check_numbers("weights", weights)[-2:] != (1, X.shape[-1]):
        raise ValueError(f"weights of shape {weights.shape}; expected (1, {X.shape[-1]})")


def check_numbers(name: str, array: Array, axes: int = 1) -> tuple[int, ...]:
    """Return the array's shape; raise unless it is one of numbers, with so many axes or more.

    >>> check_numbers("X", [[1.0]])
    Traceback (most recent call last):
    TypeError: X is [[1.0]]; expected an array of numbers: write np.array(...)
    """
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
        raise TypeError(
            f"{name} is {brief(array)}; expected an array of numbers: write np.array(...)"
        )
    if array.ndim < axes:
        raise ValueError(
            f"{name} of shape {array.shape}; expected {axes} axes, the last one examples"
        )
    return array.shape


def normalized(weights: Array) -> Array:
    """Return the weights, (..., 1, examples), divided by their sum.

    Raises `ValueError` for a weight below 0, and where none is above.

    >>> normalized(np.array([[1.0, 0.0, 3.0]]))
    array([[0.25, 0.  , 0.75]])
    """
    check_numbers("weights", weights)
    if not ((weights >= 0) & np.isfinite(weights)).all() or not weights.any(-1).all():
        raise ValueError(f"example weights {brief(weights)}; expected none below 0, and some above")
    with np.errstate(over="ignore"):
        total = weights.sum(-1, keepdims=True)
    if not np.isfinite(total).all():
        raise ValueError(f"example weights with a sum of {total.max()}; expected a finite one")
    return weights / total


def class_weights(labels: Indices, of_classes: Sequence[float]) -> Array:
    """Return the weight of each example, (1, examples): that of its class.

    Raises `ValueError` for labels of classes without a weight.

    >>> class_weights(np.array([0, 0, 1]), of_classes=(1, 3))
    array([[1., 1., 3.]])
    """
    labels = checked_labels(labels)
    are_several = isinstance(of_classes, Sequence | np.ndarray)
    if not are_several or not all(is_number(each) and 0 <= each < np.inf for each in of_classes):
        raise ValueError(f"class weights {brief(of_classes)}; expected numbers of at least 0")
    weights = np.array(of_classes, float)
    if labels.max() >= len(of_classes):
        raise ValueError(
            f"{len(of_classes)} class weights for labels from {labels.min()} to {labels.max()}; "
            "expected one a class"
        )
    return weights[labels][np.newaxis]


def balanced_weights(labels: Indices, classes: int) -> tuple[float, ...]:
    """Return class weights with which all classes count alike, 1 on average over the examples.

    A class of c in n examples weighs n / c, divided by the number of classes that have examples
    (King and Zeng 2001); a class without examples weighs 0. Raises `ValueError` for what are no
    labels of so many classes.

    >>> balanced_weights(np.array([0, 0, 0, 1]), classes=2)
    (0.6666666666666666, 2.0)
    """
    check_whole("classes", classes)
    labels = checked_labels(labels)
    if labels.max() >= classes:
        raise ValueError(f"label {labels.max()}; expected one below {classes}, the classes")
    numbers = np.bincount(labels, minlength=classes)
    weights = len(labels) / np.count_nonzero(numbers) / np.maximum(numbers, 1)
    return tuple(np.where(numbers > 0, weights, 0).tolist())


def full_batches(
    X: Array, Y: Array, iterations: int, weights: Array | None = None
) -> Iterator[Batch]:
    """Return all examples as one batch, once for each iteration.

    Raises `TypeError` and `ValueError` for arrays that do not fit, as `mini_batches` does.

    >>> [batch.X.shape for batch in full_batches(np.ones((4, 2)), np.ones((1, 2)), iterations=3)]
    [(4, 2), (4, 2), (4, 2)]
    """
    everything = Batch(X, Y, weights)
    check_batch(everything)
    return repeat(everything, check_whole("iterations", iterations, least=0))


def mini_batches(
    everything: Batch, order: Order, size: int, start: int = 0, *, drop_last: bool = False
) -> Iterator[Batch]:
    """Return batches of `size` examples, epoch after epoch without end, from iteration `start` on.

    The last batch of an epoch is short where the size does not divide the examples, or dropped.
    Weights are scaled so that the costs and gradients of an epoch's batches, weighted by their
    numbers of examples, average to those of all examples. Raises `ValueError` for a size below 1,
    or so large that all examples are dropped, and for an order of other examples.

    >>> everything = Batch(np.array([[1.0, 2.0, 3.0]]), np.ones((1, 3)))
    >>> batches = mini_batches(everything, lambda epoch: np.array([2, 0, 1]), size=2)
    >>> [batch.X.tolist() for batch in islice(batches, 3)]
    [[[3.0, 1.0]], [[2.0]], [[3.0, 1.0]]]
    """
    picks = picked(everything, order, size, start, drop_last=drop_last)
    rows = np.ascontiguousarray(everything.X.mT)  # a column is read at once
    Y = everything.Y
    return (
        Batch(rows.take(indices, -2).mT, Y.take(indices, -1), weights) for indices, weights in picks
    )


def picked(
    everything: Batch, order: Order, size: int, start: int = 0, *, drop_last: bool = False
) -> Iterator[tuple[Indices, Array | None]]:
    """Return the places of the examples in each of `mini_batches`, and their weights in it.

    Raises as `mini_batches` does.

    >>> everything = Batch(np.ones((4, 3)), np.ones((1, 3)))
    >>> picks = picked(everything, lambda epoch: np.array([2, 0, 1]), size=2)
    >>> [indices.tolist() for indices, _ in islice(picks, 3)]
    [[2, 0], [1], [2, 0]]
    """
    split = partial(_split, size, drop_last=drop_last)
    return split_epochs(split, everything, order, size, start, drop_last=drop_last)


def split_epochs(
    split: Callable[[Indices, Array | None], Iterable[_B]],
    everything: Batch,
    order: Order,
    size: int,
    start: int = 0,
    *,
    drop_last: bool = False,
) -> Iterator[_B]:
    """Return what `split` makes of each batch, epoch after epoch, from iteration `start` on.

    It is given the examples that an epoch visits, in its order, and all examples' weights in it.
    Raises as `mini_batches` does.

    >>> everything = Batch(np.ones((4, 3)), np.ones((1, 3)))
    >>> split = lambda examples, weights: np.split(examples, [2])
    >>> batches = split_epochs(split, everything, lambda epoch: np.array([2, 0, 1]), 2, start=1)
    >>> list(islice(batches, 2))
    [array([1]), array([2, 0])]
    """
    check_batch(everything)
    first_epoch = _checked_first_epoch(order, everything)
    of_epoch = batches_in_epoch(len(first_epoch), size, drop_last=drop_last)
    first, skipped = divmod(check_whole("start", start, least=0), of_epoch)
    visits = map(order, count(first))
    each = concat(split(examples, _weights_in(everything.weights, examples)) for examples in visits)
    return islice(each, skipped, None)


def batches_in_epoch(examples: int, size: int, *, drop_last: bool = False) -> int:
    """Return how many batches of this size an epoch has; raise `ValueError` for none.

    >>> batches_in_epoch(209, 64), batches_in_epoch(209, 64, drop_last=True)
    (4, 3)
    """
    check_whole("batch size", size)
    number = examples // size if drop_last else -(-examples // size)
    if number < 1:
        raise ValueError(f"batch size {size}; expected at most the {examples} examples of an epoch")
    return number


def _checked_first_epoch(order: Order, everything: Batch) -> Indices:
    """Return the examples of the first epoch; refuse others than there are, or all of weight 0."""
    check_order(order)
    found, examples = checked_labels(order(0), "examples of an order"), everything.X.shape[-1]
    if found.max() >= examples:
        raise ValueError(
            f"order of example {found.max()}; expected one below {examples}, the columns of X"
        )
    weights = everything.weights
    if weights is not None and not weights.take(found, -1).any(-1).all():
        raise ValueError("order of examples that all have weight 0; expected some above")
    return found


def _split(
    size: int, examples: Indices, weights: Array | None, *, drop_last: bool
) -> Iterator[tuple[Indices, Array | None]]:
    """Return the examples of each batch of an epoch, and their weights in it."""
    number = batches_in_epoch(len(examples), size, drop_last=drop_last)
    for begin in range(0, number * size, size):
        places = examples[begin : begin + size]
        yield places, None if weights is None else weights.take(places, -1) / len(places)


def _weights_in(weights: Array | None, examples: Indices) -> Array | None:
    """Return the weights, scaled to an average of 1 over the examples that an epoch visits."""
    if weights is None:
        return None
    return weights * (len(examples) / weights.take(examples, -1).sum(-1, keepdims=True))
