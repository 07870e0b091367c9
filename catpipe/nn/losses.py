"""Losses on logits: each carries the link to probabilities, its cost, gradient and prediction."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from catpipe.nn.activations import identity, sigmoid
from catpipe.nn.parameters import Array


class Loss(NamedTuple):
    """The functions of one loss; Z are logits, Y targets, both (outputs, examples).

    The cost and its gradient at Z are those of each output and example: a network sums them over
    outputs and averages them over examples.
    """

    link: Callable[[Array], Array]
    cost: Callable[[Array, Array], Array]
    gradient: Callable[[Array, Array], Array]
    predict: Callable[[Array], Array]

    def __repr__(self) -> str:
        return getattr(self.cost, "__name__", repr(self.cost))


def binary_cross_entropy(Z: Array, Y: Array) -> Array:
    """Return -(Y log A + (1 - Y) log(1 - A)) with A = sigmoid(Z), of each output and example.

    From logits, it is max(Z, 0) - Z Y + log(1 + exp(-|Z|)): nothing overflows, nothing cancels.

    >>> binary_cross_entropy(np.array([[0.0, -1e4]]), np.array([[1.0, 1.0]])).round(4)
    array([[6.931e-01, 1.000e+04]])
    """
    return np.maximum(Z, 0) - Z * Y + np.log1p(np.exp(-np.abs(Z)))


def binary_cross_entropy_gradient(Z: Array, Y: Array) -> Array:
    """Return the gradient of the binary cross-entropy at the logits, sigmoid(Z) - Y, of each.

    In Bishop 2006 it is the factor y - t of eq. 4.91.

    >>> binary_cross_entropy_gradient(np.array([[0.0]]), np.array([[1.0]]))
    array([[-0.5]])
    """
    return sigmoid(Z) - Y


def positive(Z: Array) -> Array:
    """Return 1 where the probability is above one half, which is where the logit is positive.

    >>> positive(np.array([[-0.1, 0.0, 0.1]]))
    array([[0, 0, 1]])
    """
    return (Z > 0).astype(int)


def softmax(Z: Array) -> Array:
    """Return exp(Z) / sum exp(Z) over the outputs: probabilities that sum to 1 in each column.

    >>> softmax(np.array([[1e4], [0.0]]))
    array([[1.],
           [0.]])
    """
    powers = np.exp(Z - Z.max(-2, keepdims=True))
    return powers / powers.sum(-2, keepdims=True)


def softmax_cross_entropy(Z: Array, Y: Array) -> Array:
    """Return -Y log A with A = softmax(Z), of each output and example; `one_hot` makes such Y.

    log A is Z - log sum exp(Z), both less the largest Z: nothing overflows, and no A is 0.

    >>> softmax_cross_entropy(np.array([[1e4], [0.0]]), np.array([[0.0], [1.0]]))
    array([[    0.],
           [10000.]])
    """
    below = Z - Z.max(-2, keepdims=True)
    return Y * (np.log(np.exp(below).sum(-2, keepdims=True)) - below)


def softmax_cross_entropy_gradient(Z: Array, Y: Array) -> Array:
    """Return the gradient at the logits of the cross-entropy, softmax(Z) - Y, of each.

    Each column of Y sums to 1. In Bishop 2006 it is the factor y - t of eq. 4.109.

    >>> softmax_cross_entropy_gradient(np.array([[0.0], [0.0]]), np.array([[0.0], [1.0]]))
    array([[ 0.5],
           [-0.5]])
    """
    return softmax(Z) - Y


def argmax(Z: Array) -> Array:
    """Return the number of the largest output of each example, (1, examples); of equals the first.

    >>> argmax(np.array([[0.1, 2.0], [0.3, -1.0]]))
    array([[1, 0]])
    """
    return Z.argmax(-2, keepdims=True)


def squared_error(Z: Array, Y: Array) -> Array:
    """Return (Z - Y)^2 of each output and example: averaged, the mean squared error.

    >>> squared_error(np.array([[3.0]]), np.array([[1.0]]))
    array([[4.]])
    """
    return (Z - Y) ** 2


def squared_error_gradient(Z: Array, Y: Array) -> Array:
    """Return the gradient of the squared error, 2 (Z - Y), of each.

    >>> squared_error_gradient(np.array([[3.0]]), np.array([[1.0]]))
    array([[4.]])
    """
    return 2 * (Z - Y)


BINARY_CROSS_ENTROPY = Loss(
    link=sigmoid,
    cost=binary_cross_entropy,
    gradient=binary_cross_entropy_gradient,
    predict=positive,
)
SOFTMAX_CROSS_ENTROPY = Loss(
    link=softmax,
    cost=softmax_cross_entropy,
    gradient=softmax_cross_entropy_gradient,
    predict=argmax,
)
MEAN_SQUARED_ERROR = Loss(
    link=identity,
    cost=squared_error,
    gradient=squared_error_gradient,
    predict=identity,
)
