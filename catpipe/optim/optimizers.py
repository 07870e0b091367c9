"""Optimizers: each a pair of pure functions, one that begins its moments and one that updates.

A learning rate is a number, an array (networks, 1, 1) with one for each network of a stack, or a
schedule of either.

What an update does decides where training can be done instead of in the full space, exactly. One
that treats every direction alike, whatever the basis, commutes with rotations of the weights: it
may train in a subspace that holds all gradients. One that is also linear, in parameters, moments
and gradients, may train in the dual form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from math import sqrt
from typing import NamedTuple, TypeAlias

import numpy as np
from toolz import valmap

from catpipe.nn.parameters import Array, Parameters, map_parameters
from catpipe.optim.schedules import Rate, rate_at

Gradients: TypeAlias = Mapping[str, Array]
"""Under the names of what they are gradients of."""

Moments: TypeAlias = tuple[Parameters, ...]
"""What an optimizer remembers: each under the parameters' own names."""

Updated: TypeAlias = tuple[Parameters, Moments]
Update: TypeAlias = Callable[[int, Parameters, Moments, Gradients], Updated]


class Optimizer(NamedTuple):
    """The moments to begin with, and the update: both parameters and moments anew.

    `init(parameters) -> moments`
    `update(iteration, parameters, moments, gradients) -> parameters, moments`
    """

    init: Callable[[Parameters], Moments]
    update: Update
    commutes_with_rotations: bool = False
    is_linear: bool = False


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


def gradient_descent(learning_rate: Rate) -> Optimizer:
    """Return the optimizer that steps `learning_rate` times the gradient downhill.

    Raises `ValueError` for rates that are not positive and finite; schedules are trusted.

    >>> descent = gradient_descent(0.5)
    >>> descent.update(0, Parameters(b=[1.0]), (), Parameters(b=[2.0]))[0]["b"]
    array([0.])
    """
    update = partial(_descend, positive_rate(learning_rate))
    return Optimizer(_nothing, update, commutes_with_rotations=True, is_linear=True)


def heavy_ball(learning_rate: Rate, beta: float = 0.9) -> Optimizer:
    """Return gradient descent along v = beta v + dW (Polyak 1964, as in Sutskever et al. 2013).

    It goes 1 / (1 - beta) times as far as `averaged_momentum`. Raises `ValueError` unless beta is
    in [0, 1).

    >>> heavy = heavy_ball(0.5, beta=0.9)
    >>> W, (v,) = heavy.update(0, Parameters(b=[1.0]), (Parameters(b=[1.0]),), Parameters(b=[2.0]))
    >>> W["b"].round(3), v["b"]
    (array([-0.45]), array([2.9]))
    """
    update = partial(_roll, positive_rate(learning_rate), partial(added, below_one("beta", beta)))
    return Optimizer(zeros, update, commutes_with_rotations=True, is_linear=True)


def averaged_momentum(learning_rate: Rate, beta: float = 0.9) -> Optimizer:
    """Return gradient descent along the running average v = beta v + (1 - beta) dW, from zero.

    This is the momentum of the course "Improving Deep Neural Networks" (DeepLearning.AI, week 2);
    the average is not corrected for its start. Raises `ValueError` unless beta is in [0, 1).

    >>> calm = averaged_momentum(0.5, beta=0.9)
    >>> W, (v,) = calm.update(0, Parameters(b=[1.0]), (Parameters(b=[1.0]),), Parameters(b=[2.0]))
    >>> W["b"].round(3), v["b"]
    (array([0.45]), array([1.1]))
    """
    update = partial(
        _roll, positive_rate(learning_rate), partial(averaged, below_one("beta", beta))
    )
    return Optimizer(zeros, update, commutes_with_rotations=True, is_linear=True)


def nesterov(learning_rate: Rate, beta: float = 0.9) -> Optimizer:
    """Return gradient descent along dW + beta v, with v = beta v + dW (Nesterov 1983).

    In the form of Sutskever et al. 2013, for parameters looked at where the gradient is taken.

    >>> ahead = nesterov(0.5, beta=0.9)
    >>> W, (v,) = ahead.update(0, Parameters(b=[1.0]), (Parameters(b=[1.0]),), Parameters(b=[2.0]))
    >>> W["b"].round(3), v["b"]
    (array([-1.305]), array([2.9]))
    """
    update = partial(_look_ahead, positive_rate(learning_rate), below_one("beta", beta))
    return Optimizer(zeros, update, commutes_with_rotations=True, is_linear=True)


def zeros(parameters: Parameters) -> Moments:
    """Return one moment to begin with: zeros.

    >>> zeros(Parameters(b=[1.0]))[0]["b"]
    array([0.])
    """
    return (map_parameters(np.zeros_like, parameters),)


def added(beta: float, moment: Parameters, gradients: Gradients) -> Parameters:
    """Return beta times the moment, plus the gradients.

    >>> added(0.5, Parameters(b=[1.0]), Parameters(b=[2.0]))["b"]
    array([2.5])
    """
    return map_parameters(lambda v, dW: beta * v + dW, moment, gradients)


def averaged(beta: float, moment: Parameters, gradients: Gradients) -> Parameters:
    """Return the moment's running average with the gradients, which weigh 1 - beta.

    >>> averaged(0.5, Parameters(b=[1.0]), Parameters(b=[2.0]))["b"]
    array([1.5])
    """
    return map_parameters(lambda v, dW: beta * v + (1 - beta) * dW, moment, gradients)


def _nothing(parameters: Parameters) -> Moments:  # noqa: ARG001
    return ()


def _descend(
    rate: Rate, iteration: int, parameters: Parameters, moments: Moments, gradients: Gradients
) -> Updated:
    return update_parameters(parameters, gradients, rate_at(rate, iteration)), moments


def _roll(
    rate: Rate,
    remembered: Callable[[Parameters, Gradients], Parameters],
    iteration: int,
    parameters: Parameters,
    moments: Moments,
    gradients: Gradients,
) -> Updated:
    (before,) = moments
    velocity = remembered(before, gradients)
    return update_parameters(parameters, velocity, rate_at(rate, iteration)), (velocity,)


def _look_ahead(
    rate: Rate,
    beta: float,
    iteration: int,
    parameters: Parameters,
    moments: Moments,
    gradients: Gradients,
) -> Updated:
    (before,) = moments
    velocity = added(beta, before, gradients)
    ahead = added(beta, velocity, gradients)
    return update_parameters(parameters, ahead, rate_at(rate, iteration)), (velocity,)


def positive_rate(rate: Rate) -> Rate:
    """Return the rate; raise `ValueError` unless it is positive and finite, or a schedule.

    >>> positive_rate(0.1)
    0.1
    """
    if not callable(rate) and not (np.greater(rate, 0) & np.isfinite(rate)).all():
        raise ValueError(f"learning rate {rate}; expected a positive finite number")
    return rate


def below_one(name: str, beta: float) -> float:
    """Return beta as a float; raise `ValueError` unless it is at least 0 and below 1.

    >>> below_one("beta", 0)
    0.0
    """
    if not 0 <= beta < 1:
        raise ValueError(f"{name} {beta}; expected a number of at least 0 and below 1")
    return float(beta)


def rmsprop(learning_rate: Rate, beta: float = 0.9, epsilon: float = 1e-8) -> Optimizer:
    """Return descent along dW / (sqrt(s) + epsilon), with s = beta s + (1 - beta) dW^2.

    Hinton's lecture 6e (2012). s begins at zero and is not corrected for that. Raises `ValueError`
    unless beta is in [0, 1) and epsilon positive.

    >>> step = rmsprop(0.5, beta=0.75)
    >>> W, (s,) = step.update(0, Parameters(b=[1.0]), (Parameters(b=[0.0]),), Parameters(b=[2.0]))
    >>> W["b"].round(3), s["b"]
    (array([0.]), array([1.]))
    """
    settings = below_one("beta", beta), _epsilon(epsilon)
    return Optimizer(zeros, partial(_rmsprop, positive_rate(learning_rate), settings))


def adam(
    learning_rate: Rate, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8
) -> Optimizer:
    """Return Adam (Kingma and Ba 2015, algorithm 1): epsilon outside the root.

    m = beta1 m + (1 - beta1) dW, v = beta2 v + (1 - beta2) dW^2, and with t = iteration + 1 the
    step is along m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon). Raises `ValueError`
    unless the betas are in [0, 1) and epsilon is positive.

    >>> step, start = adam(0.5), Parameters(b=[1.0])
    >>> step.update(0, start, step.init(start), Parameters(b=[2.0]))[0]["b"].round(6)
    array([0.5])
    """
    settings = below_one("beta1", beta1), below_one("beta2", beta2), _epsilon(epsilon)
    return Optimizer(_two_zeros, partial(_adam, positive_rate(learning_rate), settings))


def _two_zeros(parameters: Parameters) -> Moments:
    return zeros(parameters) * 2


def _rmsprop(
    rate: Rate,
    settings: tuple[float, float],
    iteration: int,
    parameters: Parameters,
    moments: Moments,
    gradients: Gradients,
) -> Updated:
    (before,), (beta, epsilon) = moments, settings
    squares = averaged(beta, before, valmap(np.square, gradients))
    direction = map_parameters(lambda s, dW: dW / (np.sqrt(s) + epsilon), squares, gradients)
    return update_parameters(parameters, direction, rate_at(rate, iteration)), (squares,)


def _adam(
    rate: Rate,
    settings: tuple[float, float, float],
    iteration: int,
    parameters: Parameters,
    moments: Moments,
    gradients: Gradients,
) -> Updated:
    (m, v), (beta1, beta2, epsilon) = moments, settings
    m, v = averaged(beta1, m, gradients), averaged(beta2, v, valmap(np.square, gradients))
    whole_m, whole_v = 1 - beta1 ** (iteration + 1), 1 - beta2 ** (iteration + 1)
    direction = map_parameters(lambda m, v: m / (np.sqrt(v) / sqrt(whole_v) + epsilon), m, v)
    return update_parameters(parameters, direction, rate_at(rate, iteration) / whole_m), (m, v)


def _epsilon(epsilon: float) -> float:
    if not 0 < epsilon < np.inf:
        raise ValueError(f"epsilon {epsilon}; expected a positive finite number")
    return float(epsilon)
