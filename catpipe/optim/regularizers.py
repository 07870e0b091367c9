"""Regularizers: combinators, each of which takes an optimizer and returns another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from catpipe.nn.arrays import Array, namespaced
from catpipe.nn.blocks import in_blocks
from catpipe.nn.parameters import Parameters, is_weight, map_numbers, typed_rate, weights_among
from catpipe.optim.optimizers import (
    Gradients,
    Moments,
    Optimizer,
    Updated,
    adam,
    check_optimizer,
    checked_rate,
)
from catpipe.optim.schedules import (
    Rate,
    check_positive,
    check_strength,
    checked_schedule,
    comparable,
    rate_at,
    scaled,
)

ADAMW_DECAY = 0.01


def l2_penalty(parameters: Parameters, strength: float | Array) -> Array:
    """Return strength / 2 times the squared weights, not biases: one number, or one a network.

    The course's lambda / (2 m) sum W^2 is this with a strength of lambda / m. Raises `ValueError`
    for a strength below 0.

    >>> float(l2_penalty(Parameters(W1=[[3.0]], b1=[[7.0]]), strength=0.1).round(3))
    0.45
    """
    check_strength("L2 strength", strength)
    of_each = strength if np.ndim(strength) < 2 else np.asarray(strength)[..., 0, 0]
    squares = [(W**2).sum((-2, -1)) for name, W in parameters.items() if is_weight(name)]
    total = np.asarray(sum(squares))
    return np.asarray(np.asarray(of_each, total.dtype) / 2 * total)


@dataclass(frozen=True)
class _Around:
    """An optimizer around another one, whose facts it shares."""

    optimizer: Optimizer

    @property
    def commutes_with_rotations(self) -> bool:
        """Return whether the one inside does: to scale gradients or weights turns nothing."""
        return self.optimizer.commutes_with_rotations

    @property
    def is_linear(self) -> bool:
        """Return whether the one inside is."""
        return self.optimizer.is_linear

    def init(self, parameters: Parameters) -> Moments:
        """Return the moments of the one inside."""
        return self.optimizer.init(parameters)


@dataclass(frozen=True)
class WithL2(_Around):
    """The optimizer of `with_l2`."""

    strength: Rate

    def update(
        self, iteration: int, parameters: Parameters, moments: Moments, gradients: Gradients
    ) -> Updated:
        """Return the update by dW + strength W of weights."""
        (pulled,) = map_numbers(
            in_blocks(_pulled),
            gradients,
            parameters,
            weights_among(parameters),
            rates=(rate_at(self.strength, iteration),),
        )
        return self.optimizer.update(iteration, parameters, moments, pulled)


def _pulled(dW: Array, W: Array, is_weight: Array, strength: float | Array) -> tuple[Array]:
    """Return dW + strength W of weights."""
    return (dW + strength * is_weight * W,)


def with_l2(optimizer: Optimizer, strength: float | Array) -> Optimizer:
    """Return the optimizer for the cost plus `l2_penalty` of the weights.

    The cost that a training step samples is the one without the penalty. The strength may be an
    array (networks, 1, 1). Raises `ValueError` for one below 0, `TypeError` for no optimizer.

    >>> from catpipe.optim.optimizers import gradient_descent
    >>> shrink = with_l2(gradient_descent(0.5), 0.1)
    >>> shrink.update(0, Parameters(W1=[1.0]), (), Parameters(W1=[0.0]))[0]["W1"]
    array([0.95])
    """
    check_optimizer(optimizer)
    check_strength("L2 strength", strength)
    return WithL2(optimizer, comparable(strength))


@dataclass(frozen=True)
class WithWeightDecay(_Around):
    """The optimizer of `with_weight_decay`."""

    decay: Rate

    def update(
        self, iteration: int, parameters: Parameters, moments: Moments, gradients: Gradients
    ) -> Updated:
        """Return the update, less decay W of weights as they were before it."""
        updated, moments = self.optimizer.update(iteration, parameters, moments, gradients)
        (shrunk,) = map_numbers(
            in_blocks(_shrunk),
            updated,
            parameters,
            weights_among(parameters),
            rates=(rate_at(self.decay, iteration),),
        )
        return shrunk, moments


def _shrunk(updated: Array, W: Array, is_weight: Array, decay: float | Array) -> tuple[Array]:
    """Return what was updated, less decay W of weights."""
    return (updated - decay * is_weight * W,)


def with_weight_decay(optimizer: Optimizer, decay: Rate) -> Optimizer:
    """Return the optimizer that also takes `decay` times the weights, not biases, off them.

    Decoupled from gradients and moments (Loshchilov and Hutter 2019); the decay may be a schedule.
    Raises `ValueError` for a number below 0, `TypeError` for no optimizer.

    >>> from catpipe.optim.optimizers import gradient_descent
    >>> shrink = with_weight_decay(gradient_descent(0.5), 0.1)
    >>> shrink.update(0, Parameters(W1=[1.0]), (), Parameters(W1=[0.0]))[0]["W1"]
    array([0.9])
    """
    check_optimizer(optimizer)
    return WithWeightDecay(optimizer, checked_schedule(decay, "weight decay"))


@dataclass(frozen=True)
class WithClipping(_Around):
    """The optimizer of `with_clipping`."""

    norm: Rate

    @property
    def is_linear(self) -> bool:
        """Return that it is not: twice a gradient may be clipped where the gradient is not."""
        return False

    def update(
        self, iteration: int, parameters: Parameters, moments: Moments, gradients: Gradients
    ) -> Updated:
        """Return the update by gradients times norm / max(|dW|, norm), |dW| over all of them."""
        xp, squares = namespaced(squared_length(gradients))
        length, most = xp.sqrt(squares), typed_rate(rate_at(self.norm, iteration), squares.dtype)
        scale = most / xp.maximum(length, most)
        (clipped,) = map_numbers(lambda dW, scale: (scale * dW,), gradients, rates=(scale,))
        return self.optimizer.update(iteration, parameters, moments, clipped)


def squared_length(gradients: Gradients) -> Array:
    """Return the sum of the squares of all gradients, (..., 1, 1).

    >>> squared_length({"W1": np.array([[3.0]]), "b1": np.array([[4.0]])})
    array([[25.]])
    """
    squares = ((dW**2).sum((-2, -1), keepdims=True) for dW in gradients.values())
    return cast("Array", sum(squares))


def with_clipping(optimizer: Optimizer, norm: float | Array) -> Optimizer:
    """Return the optimizer of gradients that are scaled down to this norm where theirs is larger.

    The norm is over all parameters of a network (Pascanu et al. 2013, algorithm 1); it may be an
    array (networks, 1, 1). Raises `ValueError` unless it is positive and finite, `TypeError` for no
    optimizer.

    >>> from catpipe.optim.optimizers import gradient_descent
    >>> careful = with_clipping(gradient_descent(1.0), norm=1.0)
    >>> W = Parameters(W1=[[0.0]], b1=[[0.0]])
    >>> careful.update(0, W, (), Parameters(W1=[[3.0]], b1=[[4.0]]))[0]["b1"]
    array([[-0.8]])
    """
    check_optimizer(optimizer)
    check_positive("norm to clip at,", norm)
    return WithClipping(optimizer, comparable(norm))


def adamw(learning_rate: Rate, weight_decay: float | Array = ADAMW_DECAY) -> Optimizer:
    """Return Adam with a decoupled weight decay of learning_rate * weight_decay an iteration.

    Loshchilov and Hutter 2019, algorithm 2, with the decay scaled by the whole rate as in PyTorch,
    and for weights only; the decay may be an array (networks, 1, 1). For other constants compose
    `with_weight_decay` and `adam`. Raises `ValueError` as those do.

    >>> step, start = adamw(0.5, weight_decay=0.1), Parameters(W1=[1.0])
    >>> step.update(0, start, step.init(start), Parameters(W1=[2.0]))[0]["W1"].round(6)
    array([0.45])
    """
    check_strength("weight decay", weight_decay)
    decay = scaled(checked_rate(learning_rate), weight_decay)
    return with_weight_decay(adam(learning_rate), decay)
