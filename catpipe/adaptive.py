"""Optimizers that scale each number's step by what its own gradients were.

What they do depends on the basis, so they train in the full space.
"""

from __future__ import annotations

from functools import partial
from math import sqrt

import numpy as np
from toolz import valmap

from catpipe.optimizers import (
    Gradients,
    Moments,
    Optimizer,
    Updated,
    averaged,
    below_one,
    positive_rate,
    update_parameters,
    zeros,
)
from catpipe.parameters import Parameters, map_parameters
from catpipe.regularizers import check_strength, with_weight_decay
from catpipe.schedules import Rate, rate_at, scaled

ADAMW_DECAY = 0.01


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


def adamw(learning_rate: Rate, weight_decay: float = ADAMW_DECAY) -> Optimizer:
    """Return Adam with a decoupled weight decay of learning_rate * weight_decay an iteration.

    Loshchilov and Hutter 2019, algorithm 2, with the decay scaled by the whole rate as in PyTorch,
    and for weights only. For other constants compose `with_weight_decay` and `adam`.

    >>> step, start = adamw(0.5, weight_decay=0.1), Parameters(W1=[1.0])
    >>> step.update(0, start, step.init(start), Parameters(W1=[2.0]))[0]["W1"].round(6)
    array([0.45])
    """
    check_strength("weight decay", weight_decay)
    return with_weight_decay(adam(learning_rate), scaled(learning_rate, weight_decay))


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
