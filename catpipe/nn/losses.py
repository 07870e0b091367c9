"""Losses on logits: each carries the link to probabilities, its cost, gradient and prediction.

The type of the logits rules, float64 where they are integers. At infinite logits costs, gradients
and links are what they tend to.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import NamedTuple

import numpy as np

from catpipe.nn.activations import identity, sigmoid
from catpipe.nn.arrays import Array, floating, like, namespaced


def targets_like(Z: Array, Y: Array) -> Array:
    """Return the targets in the type of the logits Z; raise `ValueError` unless their shapes fit.

    Targets of other shapes would broadcast, and be wrong.

    >>> targets_like(np.array([[0.5, -0.5]]), np.array([[1, 0]]))
    array([[1., 0.]])
    """
    Y = like(Z, Y)
    if Y.shape != Z.shape and Y.shape[-2:] != Z.shape[-2:]:
        raise ValueError(f"targets {Y.shape} for logits {Z.shape}; expected (outputs, examples)")
    return Y


def _columns(Z: Array) -> Array:
    """Return the logits as floats; raise `ValueError` for less than two axes, or no outputs."""
    Z = floating(Z)
    if Z.ndim < 2 or not Z.shape[-2]:
        raise ValueError(f"logits of shape {Z.shape}; expected (outputs, examples)")
    return Z


def any_targets(Y: Array) -> None:
    """Accept all targets: the check of a loss that has none.

    >>> any_targets(np.array([[-1.0, 2.0]]))
    """


class Loss(NamedTuple):
    """The functions of one loss; Z are logits, Y targets, both (outputs, examples).

    The cost and its gradient at Z are those of each output and example: a network sums them over
    outputs and averages them over examples. `check` raises `ValueError` for targets that the loss
    is not for; a network asks it where it computes a cost.
    """

    link: Callable[[Array], Array]
    cost: Callable[[Array, Array], Array]
    gradient: Callable[[Array, Array], Array]
    predict: Callable[[Array], Array]
    check: Callable[[Array], None] = any_targets

    def __repr__(self) -> str:
        return getattr(self.cost, "__name__", repr(self.cost))


def binary_cross_entropy(Z: Array, Y: Array) -> Array:
    """Return -(Y log A + (1 - Y) log(1 - A)) with A = sigmoid(Z), of each output and example.

    From logits, it is |Z| (Y if Z < 0 else 1 - Y) + log(1 + exp(-|Z|)): nothing overflows, nothing
    cancels.

    >>> binary_cross_entropy(np.array([[0.0, -1e4]]), np.array([[1.0, 1.0]])).round(4)
    array([[6.931e-01, 1.000e+04]])
    """
    xp, Z = namespaced(Z)
    Y, size = targets_like(Z, Y), xp.abs(Z)
    return weighted(xp.where(Z < 0, Y, 1 - Y), size) + xp.log1p(xp.exp(-size))


def weighted(weights: Array, costs: Array) -> Array:
    """Return weights times costs: 0 for a weight of 0, also where the cost is infinite.

    >>> weighted(np.array([0.0, 0.5]), np.array([np.inf, 3.0]))
    array([0. , 1.5])
    """
    xp, costs = namespaced(costs)
    with np.errstate(invalid="ignore"):
        return xp.where(weights == 0, 0, weights * costs)


def binary_cross_entropy_gradient(Z: Array, Y: Array) -> Array:
    """Return the gradient of the binary cross-entropy at the logits, sigmoid(Z) - Y, of each.

    In Bishop 2006 it is the factor y - t of eq. 4.91.

    >>> binary_cross_entropy_gradient(np.array([[0.0]]), np.array([[1.0]]))
    array([[-0.5]])
    """
    A = sigmoid(Z)
    return A - targets_like(A, Y)


def probabilities_gradient(A: Array, Y: Array) -> Array:
    """Return the gradient of the binary cross-entropy at the probabilities A, of each.

    It is -(Y / A - (1 - Y) / (1 - A)), the article's dAL; `sigmoid_backward` takes it to the
    logits. It is infinite where A is 0 or 1 and wrong: `binary_cross_entropy_gradient` never is.

    >>> probabilities_gradient(np.array([[0.5, 0.25]]), np.array([[1, 0]])).round(3)
    array([[-2.   ,  1.333]])
    """
    A = floating(A)
    Y = targets_like(A, Y)
    with np.errstate(divide="ignore"):
        return weighted(1 - Y, 1 / (1 - A)) - weighted(Y, 1 / A)


def positive(Z: Array) -> Array:
    """Return 1 where the probability, sigmoid(Z), is above one half, and 0 elsewhere.

    >>> positive(np.array([[-0.1, 0.0, 0.1]]))
    array([[0, 0, 1]])
    """
    return (sigmoid(_columns(Z)) > 0.5).astype(int)


def softmax(Z: Array) -> Array:
    """Return exp(Z) / sum exp(Z) over the outputs: probabilities that sum to 1 in each column.

    >>> softmax(np.array([[1e4], [0.0]]))
    array([[1.],
           [0.]])
    """
    xp, Z = namespaced(_columns(Z))
    powers = xp.exp(_below_top(Z))
    return powers / xp.add.reduce(powers, -2, keepdims=True)


def _below_top(Z: Array) -> Array:
    """Return Z less its largest output in each column, which is 0 then, if it is infinite too."""
    xp, Z = namespaced(Z)
    top = xp.maximum.reduce(Z, -2, keepdims=True)
    if xp is np and isfinite(np.add.reduce(top, None)):
        return Z - top
    with np.errstate(invalid="ignore"):
        return xp.where((top == Z) & xp.isinf(top), 0, Z - top)


def softmax_cross_entropy(Z: Array, Y: Array) -> Array:
    """Return -Y log A with A = softmax(Z), of each output and example; `one_hot` makes such Y.

    log A is Z - log sum exp(Z), both less the largest Z: nothing overflows, and no A is 0.

    >>> softmax_cross_entropy(np.array([[1e4], [0.0]]), np.array([[0.0], [1.0]]))
    array([[    0.],
           [10000.]])
    """
    xp, Z = namespaced(_columns(Z))
    below = _below_top(Z)
    return weighted(targets_like(Z, Y), xp.log(xp.exp(below).sum(-2, keepdims=True)) - below)


def softmax_cross_entropy_gradient(Z: Array, Y: Array) -> Array:
    """Return the gradient at the logits of the cross-entropy, softmax(Z) - Y, of each.

    Each column of Y sums to 1. In Bishop 2006 it is the factor y - t of eq. 4.109.

    >>> softmax_cross_entropy_gradient(np.array([[0.0], [0.0]]), np.array([[0.0], [1.0]]))
    array([[ 0.5],
           [-0.5]])
    """
    A = softmax(Z)
    return A - targets_like(A, Y)


def argmax(Z: Array) -> Array:
    """Return the number of the largest output of each example, (1, examples); of equals the first.

    >>> argmax(np.array([[0.1, 2.0], [0.3, -1.0]]))
    array([[1, 0]])
    """
    return _columns(Z).argmax(-2, keepdims=True)


def squared_error(Z: Array, Y: Array) -> Array:
    """Return (Z - Y)^2 of each output and example: averaged, the mean squared error.

    >>> squared_error(np.array([[3.0]]), np.array([[1.0]]))
    array([[4.]])
    """
    Z = floating(Z)
    return (Z - targets_like(Z, Y)) ** 2


def squared_error_gradient(Z: Array, Y: Array) -> Array:
    """Return the gradient of the squared error, 2 (Z - Y), of each.

    >>> squared_error_gradient(np.array([[3.0]]), np.array([[1.0]]))
    array([[4.]])
    """
    Z = floating(Z)
    return 2 * (Z - targets_like(Z, Y))


def check_probabilities(Y: Array) -> None:
    """Raise `ValueError` for targets that are not from 0 to 1.

    >>> check_probabilities(np.array([[-1.0, 1.0]]))
    Traceback (most recent call last):
    ValueError: targets from -1.0 to 1.0; expected 0 and 1, or probabilities between: write 0 for \
no and 1 for yes
    """
    lowest, highest = Y.min(), Y.max()
    if not (lowest >= 0 and highest <= 1):
        raise ValueError(
            f"targets from {lowest} to {highest}; expected 0 and 1, or probabilities between: "
            "write 0 for no and 1 for yes"
        )


def check_distributions(Y: Array) -> None:
    """Raise `ValueError` for columns of targets that are not probabilities with a sum of 1.

    >>> check_distributions(np.array([[1.0], [1.0]]))
    Traceback (most recent call last):
    ValueError: targets of an example that sum to 2.0; expected 1: make them by one_hot
    """
    check_more_than_one(Y.shape[-2])
    check_probabilities(Y)
    sums = Y.sum(-2)
    if (wrong := np.abs(sums - 1) > SUM_ERROR).any():
        raise ValueError(
            f"targets of an example that sum to {sums[wrong][0]}; expected 1: make them by one_hot"
        )


SUM_ERROR = 1e-3  # which sums of 1,000 probabilities in half precision stay below


def check_more_than_one(outputs: int) -> None:
    """Raise `ValueError` for one output, whose softmax is 1 whatever the logit.

    >>> check_more_than_one(1)
    Traceback (most recent call last):
    ValueError: softmax of 1 output, which is always 1; expected 2 or more: for yes or no take \
BINARY_CROSS_ENTROPY
    """
    if outputs < 2:
        raise ValueError(
            f"softmax of {outputs} output, which is always 1; expected 2 or more: for yes or no "
            "take BINARY_CROSS_ENTROPY"
        )


def check_numbers(Y: Array) -> None:
    """Raise `ValueError` for targets that are infinite or no number.

    >>> check_numbers(np.array([[0.5, np.nan]]))
    Traceback (most recent call last):
    ValueError: target nan; expected finite numbers: leave such examples out
    """
    if not (finite := np.isfinite(Y)).all():
        raise ValueError(
            f"target {Y[~finite][0]}; expected finite numbers: leave such examples out"
        )


BINARY_CROSS_ENTROPY = Loss(
    link=sigmoid,
    cost=binary_cross_entropy,
    gradient=binary_cross_entropy_gradient,
    predict=positive,
    check=check_probabilities,
)
SOFTMAX_CROSS_ENTROPY = Loss(
    link=softmax,
    cost=softmax_cross_entropy,
    gradient=softmax_cross_entropy_gradient,
    predict=argmax,
    check=check_distributions,
)
MEAN_SQUARED_ERROR = Loss(
    link=identity,
    cost=squared_error,
    gradient=squared_error_gradient,
    predict=identity,
    check=check_numbers,
)
