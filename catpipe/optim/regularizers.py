"""What holds training back: combinators, each of which takes an optimizer and returns another."""

from __future__ import annotations

from functools import partial

import numpy as np

from catpipe.nn.parameters import Array, Parameters, is_weight
from catpipe.optim.optimizers import (
    Gradients,
    Moments,
    Optimizer,
    Update,
    Updated,
    adam,
)
from catpipe.optim.schedules import Rate, rate_at, scaled

ADAMW_DECAY = 0.01


def l2_penalty(parameters: Parameters, strength: float) -> Array:
    """Return strength / 2 times the squared weights, not biases: one number, or one a network.

    The course's lambda / (2 m) sum W^2 is this with a strength of lambda / m.

    >>> float(l2_penalty(Parameters(W1=[[3.0]], b1=[[7.0]]), strength=0.1).round(3))
    0.45
    """
    squares = [(W**2).sum((-2, -1)) for name, W in parameters.items() if is_weight(name)]
    return np.asarray(float(strength) / 2 * sum(squares))


def with_l2(optimizer: Optimizer, strength: float) -> Optimizer:
    """Return the optimizer for the cost plus `l2_penalty` of the weights.

    The cost that a training step samples is the one without the penalty. Raises `ValueError` for a
    strength below 0.

    >>> from catpipe.optim.optimizers import gradient_descent
    >>> shrink = with_l2(gradient_descent(0.5), 0.1)
    >>> shrink.update(0, Parameters(W1=[1.0]), (), Parameters(W1=[0.0]))[0]["W1"]
    array([0.95])
    """
    check_strength("L2 strength", strength)
    return optimizer._replace(update=partial(_pull, optimizer.update, float(strength)))


def with_weight_decay(optimizer: Optimizer, decay: Rate) -> Optimizer:
    """Return the optimizer that also takes `decay` times the weights, not biases, off them.

    Decoupled from gradients and moments (Loshchilov and Hutter 2019); the decay may be a schedule.
    Raises `ValueError` for a number below 0.

    >>> from catpipe.optim.optimizers import gradient_descent
    >>> shrink = with_weight_decay(gradient_descent(0.5), 0.1)
    >>> shrink.update(0, Parameters(W1=[1.0]), (), Parameters(W1=[0.0]))[0]["W1"]
    array([0.9])
    """
    if not callable(decay):
        check_strength("weight decay", decay)
    return optimizer._replace(update=partial(_shrink, optimizer.update, decay))


def with_clipping(optimizer: Optimizer, norm: float) -> Optimizer:
    """Return the optimizer of gradients that are scaled down to this norm where theirs is larger.

    The norm is over all parameters of a network (Pascanu et al. 2013, algorithm 1). Raises
    `ValueError` unless it is positive and finite.

    >>> from catpipe.optim.optimizers import gradient_descent
    >>> careful = with_clipping(gradient_descent(1.0), norm=1.0)
    >>> W = Parameters(W1=[[0.0]], b1=[[0.0]])
    >>> careful.update(0, W, (), Parameters(W1=[[3.0]], b1=[[4.0]]))[0]["b1"]
    array([[-0.8]])
    """
    if not 0 < norm < np.inf:
        raise ValueError(f"norm {norm} to clip at; expected a positive finite number")
    return optimizer._replace(update=partial(_clip, optimizer.update, float(norm)), is_linear=False)


def check_strength(name: str, strength: float | Array) -> None:
    """Raise `ValueError` unless the strength is at least 0 and finite.

    >>> check_strength("L2 strength", 0.1)
    """
    if not (np.greater_equal(strength, 0) & np.isfinite(strength)).all():
        raise ValueError(f"{name} {strength}; expected a finite number of at least 0")


def _pull(
    update: Update,
    strength: float,
    iteration: int,
    parameters: Parameters,
    moments: Moments,
    gradients: Gradients,
) -> Updated:
    pulled = {
        name: dW + strength * parameters[name] if is_weight(name) else dW
        for name, dW in gradients.items()
    }
    return update(iteration, parameters, moments, pulled)


def _shrink(
    update: Update,
    decay: Rate,
    iteration: int,
    parameters: Parameters,
    moments: Moments,
    gradients: Gradients,
) -> Updated:
    updated, moments = update(iteration, parameters, moments, gradients)
    share = rate_at(decay, iteration)
    return Parameters.adopt(
        {
            name: W - np.asarray(share, W.dtype) * parameters[name] if is_weight(name) else W
            for name, W in updated.items()
        }
    ), moments


def _clip(
    update: Update,
    norm: float,
    iteration: int,
    parameters: Parameters,
    moments: Moments,
    gradients: Gradients,
) -> Updated:
    squares = [(dW**2).sum((-2, -1), keepdims=True) for dW in gradients.values()]
    scale = norm / np.maximum(np.sqrt(sum(squares)), norm)
    return update(iteration, parameters, moments, {n: scale * dW for n, dW in gradients.items()})


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
