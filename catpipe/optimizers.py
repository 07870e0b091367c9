"""Optimizers: each a pair of pure functions, one that begins its moments and one that updates.

An update that treats every direction alike, whatever the basis, commutes with rotations of the
weights; then training in a subspace that holds all gradients is training in the full space.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple, TypeAlias

import numpy as np

from catpipe.parameters import Array, Parameters, map_parameters

Gradients: TypeAlias = Mapping[str, Array]
"""Under the names of what they are gradients of."""

Moments: TypeAlias = tuple[Parameters, ...]
"""What an optimizer remembers: each under the parameters' own names."""


class Optimizer(NamedTuple):
    """The moments to begin with, and the update: both parameters and moments anew.

    `init(parameters) -> moments`
    `update(iteration, parameters, moments, gradients) -> parameters, moments`
    """

    init: Callable[[Parameters], Moments]
    update: Callable[[int, Parameters, Moments, Gradients], tuple[Parameters, Moments]]
    commutes_with_rotations: bool


def update_parameters(
    parameters: Parameters, gradients: Gradients, learning_rate: float | Array
) -> Parameters:
    """Return W - learning_rate dW for each name; raise `KeyError` unless the names are the same.

    >>> update_parameters(Parameters(b1=[[1.0]]), Parameters(b1=[[2.0]]), 0.5)["b1"]
    array([[0.]])
    """
    if isinstance(learning_rate, np.ndarray):
        return map_parameters(
            lambda W, dW: W - np.asarray(learning_rate, W.dtype) * dW, parameters, gradients
        )
    rate = float(learning_rate)  # which leaves float32 as it is
    return map_parameters(lambda W, dW: W - rate * dW, parameters, gradients)


def gradient_descent(learning_rate: float | Array) -> Optimizer:
    """Return the optimizer that steps `learning_rate` times the gradient downhill.

    A stack takes a rate for each of its networks, (networks, 1, 1). Raises `ValueError` unless
    rates are positive and finite.

    >>> descent = gradient_descent(0.5)
    >>> descent.update(0, Parameters(b=[1.0]), (), Parameters(b=[2.0]))[0]["b"]
    array([0.])
    """
    return Optimizer(
        _nothing, partial(_descend, _rate(learning_rate)), commutes_with_rotations=True
    )


def momentum(learning_rate: float | Array, beta: float = 0.9) -> Optimizer:
    """Return gradient descent along v = beta v + dW (Polyak 1964, as in Sutskever et al. 2013).

    >>> heavy = momentum(0.5, beta=0.9)
    >>> W, (v,) = heavy.update(0, Parameters(b=[1.0]), (Parameters(b=[1.0]),), Parameters(b=[2.0]))
    >>> W["b"].round(3), v["b"]
    (array([-0.45]), array([2.9]))
    """
    return Optimizer(
        _zeros, partial(_roll, _rate(learning_rate), _share(beta)), commutes_with_rotations=True
    )


def nesterov(learning_rate: float | Array, beta: float = 0.9) -> Optimizer:
    """Return gradient descent along dW + beta v, with v = beta v + dW (Nesterov 1983).

    In the form of Sutskever et al. 2013, for parameters looked at where the gradient is taken.

    >>> ahead = nesterov(0.5, beta=0.9)
    >>> W, (v,) = ahead.update(0, Parameters(b=[1.0]), (Parameters(b=[1.0]),), Parameters(b=[2.0]))
    >>> W["b"].round(3), v["b"]
    (array([-1.305]), array([2.9]))
    """
    return Optimizer(
        _zeros,
        partial(_look_ahead, _rate(learning_rate), _share(beta)),
        commutes_with_rotations=True,
    )


def with_l2(optimizer: Optimizer, strength: float) -> Optimizer:
    """Return the optimizer for the cost plus strength / 2 times the squared weights, not biases.

    The cost that a training step samples is the one without. Raises `ValueError` for a strength
    below 0.

    >>> shrink = with_l2(gradient_descent(0.5), 0.1)
    >>> shrink.update(0, Parameters(W1=[1.0]), (), Parameters(W1=[0.0]))[0]["W1"]
    array([0.95])
    """
    if not 0 <= strength < np.inf:
        raise ValueError(f"L2 strength {strength}; expected a finite number of at least 0")
    return optimizer._replace(update=partial(_decay, optimizer.update, float(strength)))


def _nothing(parameters: Parameters) -> Moments:  # noqa: ARG001
    return ()


def _zeros(parameters: Parameters) -> Moments:
    return (map_parameters(np.zeros_like, parameters),)


def _descend(
    rate: float | Array,
    iteration: int,  # noqa: ARG001
    parameters: Parameters,
    moments: Moments,
    gradients: Gradients,
) -> tuple[Parameters, Moments]:
    return update_parameters(parameters, gradients, rate), moments


def _roll(
    rate: float | Array,
    beta: float,
    iteration: int,  # noqa: ARG001
    parameters: Parameters,
    moments: Moments,
    gradients: Gradients,
) -> tuple[Parameters, Moments]:
    (before,) = moments
    velocity = _added(beta, before, gradients)
    return update_parameters(parameters, velocity, rate), (velocity,)


def _look_ahead(
    rate: float | Array,
    beta: float,
    iteration: int,  # noqa: ARG001
    parameters: Parameters,
    moments: Moments,
    gradients: Gradients,
) -> tuple[Parameters, Moments]:
    (before,) = moments
    velocity = _added(beta, before, gradients)
    return update_parameters(parameters, _added(beta, velocity, gradients), rate), (velocity,)


def _added(beta: float, velocity: Parameters, gradients: Gradients) -> Parameters:
    return map_parameters(lambda v, dW: beta * v + dW, velocity, gradients)


def _decay(
    update: Callable[[int, Parameters, Moments, Gradients], tuple[Parameters, Moments]],
    strength: float,
    iteration: int,
    parameters: Parameters,
    moments: Moments,
    gradients: Gradients,
) -> tuple[Parameters, Moments]:
    pulled = {
        name: dW + strength * parameters[name] if name.startswith("W") else dW
        for name, dW in gradients.items()
    }
    return update(iteration, parameters, moments, Parameters.adopt(pulled))


def _rate(learning_rate: float | Array) -> float | Array:
    if not (np.greater(learning_rate, 0) & np.isfinite(learning_rate)).all():
        raise ValueError(f"learning rate {learning_rate}; expected a positive finite number")
    return learning_rate


def _share(beta: float) -> float:
    if not 0 <= beta < 1:
        raise ValueError(f"beta {beta}; expected a number of at least 0 and below 1")
    return float(beta)
