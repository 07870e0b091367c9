"""Orders: values that give the order of an epoch by its number; and which examples to hold out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from reprlib import repr as brief
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from catpipe.checks import check_whole, is_number
from catpipe.random import HOLD_OUT, ORDER, check_seed, generator
from catpipe.values import Value

Indices: TypeAlias = NDArray[np.int64]

Order: TypeAlias = Callable[[int], Indices]
"""From the number of an epoch to the examples in the order in which it visits them."""


@dataclass(frozen=True)
class Shuffled:
    """The order of `shuffled`."""

    examples: int
    seed: int

    def __call__(self, epoch: int) -> Indices:
        """Return a permutation of the examples."""
        return generator(self.seed, ORDER, epoch).permutation(self.examples)


def shuffled(examples: int, seed: int) -> Order:
    """Return the order that is another permutation of the examples in each epoch.

    Raises `ValueError` unless there are some, and for a seed below 0.

    >>> sorted(shuffled(4, seed=1)(7).tolist())
    [0, 1, 2, 3]
    """
    check_seed(seed)
    return Shuffled(check_whole("examples", examples), seed)


@dataclass(frozen=True, eq=False, repr=False)
class Stratified(Value):
    """The order of `stratified`."""

    labels: Indices
    seed: int

    def __call__(self, epoch: int) -> Indices:
        """Return a permutation of the examples with each class spread evenly."""
        return _spread_evenly(self.labels, self.seed, ORDER, epoch)


def stratified(labels: Indices, seed: int) -> Order:
    """Return the order in which any stretch of an epoch holds the classes about as the labels do.

    Each class is permuted anew in each epoch, and spread evenly over it. Raises `ValueError` for
    what are no labels or no seed, as the others here do.

    >>> labels = np.array([0] * 6 + [1] * 3)
    >>> labels[stratified(labels, seed=1)(0)].reshape(3, 3).sum(1)
    array([1, 1, 1])
    """
    check_seed(seed)
    return Stratified(checked_labels(labels), seed)


@dataclass(frozen=True, eq=False, repr=False)
class Balanced(Value):
    """The order of `balanced`."""

    labels: Indices
    seed: int

    def __call__(self, epoch: int) -> Indices:
        """Return examples of each class in turn, (classes times the largest's examples,)."""
        labels, draws = self.labels, generator(self.seed, ORDER, epoch)
        by_class = [np.flatnonzero(labels == c) for c in np.unique(labels)]
        most = max(map(len, by_class))
        again = ([draws.permutation(of) for _ in range(-(-most // len(of)))] for of in by_class)
        return np.stack([np.concatenate(of)[:most] for of in again], axis=-1).ravel()


def balanced(labels: Indices, seed: int) -> Order:
    """Return the order in which an epoch holds all classes equally often, one after the other.

    Each class comes as often as the largest has examples; those of a smaller class are repeated,
    each about as often as the others of its class, and permuted anew each time.

    >>> labels = np.array([0] * 4 + [1] * 2)
    >>> balanced(labels, seed=1)(0)
    array([2, 5, 1, 4, 0, 5, 3, 4])
    """
    check_seed(seed)
    return Balanced(checked_labels(labels), seed)


@dataclass(frozen=True, eq=False, repr=False)
class Subset(Value):
    """The order of `subset`."""

    indices: Indices
    order: Order

    def __call__(self, epoch: int) -> Indices:
        """Return the order of the examples at these indices."""
        return self.indices[self.order(epoch)]


def subset(indices: Indices, order: Order) -> Order:
    """Return the order restricted to these examples; positions in `order` index into `indices`.

    Raises `ValueError` for indices that are no integers of at least 0, `TypeError` for no order.

    >>> subset(np.array([3, 5]), lambda epoch: np.array([1, 0]))(0)
    array([5, 3])
    """
    check_order(order)
    return Subset(checked_labels(indices, "indices"), order)


def held_out(labels: Indices, seed: int, share: float) -> Indices:
    """Return the examples to hold out, with the classes in about the proportions of the labels.

    Raises `ValueError` for a share that leaves none on one side.

    >>> labels = np.array([0] * 6 + [1] * 3)
    >>> labels[held_out(labels, seed=1, share=1 / 3)].tolist()
    [0, 1, 0]
    """
    check_seed(seed)
    labels = checked_labels(labels)
    if not is_number(share):
        raise ValueError(f"share {brief(share)} to hold out; expected a number between 0 and 1")
    if not 0 < share < 1 or not 0 < (number := round(share * len(labels))) < len(labels):
        raise ValueError(f"{share} of {len(labels)} examples to hold out; expected some, not all")
    return _spread_evenly(labels, seed, HOLD_OUT)[:number]


def checked_labels(labels: Indices, name: str = "labels") -> Indices:
    """Return class numbers, (examples,), as integers: a copy, for values that hold them.

    Raises `ValueError` unless they are some integers of at least 0, on one axis.

    >>> checked_labels(np.array([[0, 1]]))
    Traceback (most recent call last):
    ValueError: labels of shape (1, 2) and type int64; expected integers of at least 0, (examples,)
    """
    array = labels if isinstance(labels, np.ndarray) else np.array(labels, ndmin=1)
    is_whole = array.dtype.kind in "iub" and array.ndim == 1 and array.size > 0
    if not is_whole:
        raise ValueError(
            f"{name} of shape {array.shape} and type {array.dtype}; expected integers of at least "
            "0, (examples,)"
        )
    if array.min() < 0:
        raise ValueError(f"{name} from {array.min()}; expected integers of at least 0")
    return array.astype(np.int64)


def check_order(order: Order) -> None:
    """Raise `TypeError` for what is no order: no function of an epoch's number.

    >>> check_order(np.array([2, 0, 1]))
    Traceback (most recent call last):
    TypeError: order is array([2, 0, 1]); expected a function of the epoch: write \
shuffled(3, seed=1)
    """
    if not callable(order):
        raise TypeError(
            f"order is {brief(order)}; expected a function of the epoch: write shuffled(3, seed=1)"
        )


def _spread_evenly(labels: Indices, seed: int, *path: int) -> Indices:
    draws = generator(seed, *path)
    by_class = [draws.permutation(np.flatnonzero(labels == c)) for c in np.unique(labels)]
    places = [(np.arange(len(of)) + draws.random()) / len(of) for of in by_class]
    return np.concatenate(by_class)[np.argsort(np.concatenate(places), kind="stable")]
