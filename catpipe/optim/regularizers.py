"""What holds training back: combinators, each of which takes an optimizer and returns another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from catpipe.nn.parameters import Array, Parameters, is_weight
from catpipe.optim.optimizers import Gradients, Moments, Optimizer, Updated, adam
from catpipe.optim.schedules import Rate, check_positive, comparable, rate_at, scaled

ADAMW_DECAY = 0.01


def l2_penalty(parameters: Parameters, strength: float) -> Array:
    """Return strength / 2 times the squared weights, not biases: one number, or one a network.

    The course's lambda / (2 m) sum W^2 is this with a strength of lambda / m.

    >>> float(l2_penalty(Parameters(W1=[[3.0]], b1=[[7.0]]), strength=0.1).round(3))
    0.45
    """
    squares = [(W**2).sum((-2, -1)) for name, W in parameters.items() if is_weight(name)]
    return np.asarray(float(strength) / 2 * sum(squares))


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

    strength: float

    def update(
        self, iteration: int, parameters: Parameters, moments: Moments, gradients: Gradients
    ) -> Updated:
        """Return the update by dW + strength W of weights."""
        pulled = {
            name: dW + self.strength * parameters[name] if is_weight(name) else dW
            for name, dW in gradients.items()
        }
        return self.optimizer.update(iteration, parameters, moments, pulled)


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
    return WithL2(optimizer, float(strength))


@dataclass(frozen=True)
class WithWeightDecay(_Around):
    """The optimizer of `with_weight_decay`."""

    decay: Rate

    def update(
        self, iteration: int, parameters: Parameters, moments: Moments, gradients: Gradients
    ) -> Updated:
        """Return the update, less decay W of weights as they were before it."""
        updated, moments = self.optimizer.update(iteration, parameters, moments, gradients)
        decay = rate_at(self.decay, iteration)
        shrunk = {
            name: W - np.asarray(decay, W.dtype) * parameters[name] if is_weight(name) else W
            for name, W in updated.items()
        }
        return Parameters.adopt(shrunk), moments


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
    return WithWeightDecay(optimizer, comparable(decay))


@dataclass(frozen=True)
class WithClipping(_Around):
    """The optimizer of `with_clipping`."""

    norm: float

    @property
    def is_linear(self) -> bool:
        """Return that it is not: twice a gradient may be clipped where the gradient is not."""
        return False

    def update(
        self, iteration: int, parameters: Parameters, moments: Moments, gradients: Gradients
    ) -> Updated:
        """Return the update by gradients times norm / max(|dW|, norm), |dW| over all of them."""
        squares = [(dW**2).sum((-2, -1), keepdims=True) for dW in gradients.values()]
        scale = self.norm / np.maximum(np.sqrt(sum(squares)), self.norm)
        clipped = {name: scale * dW for name, dW in gradients.items()}
        return self.optimizer.update(iteration, parameters, moments, clipped)


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
    check_positive("norm to clip at,", norm)
    return WithClipping(optimizer, float(norm))


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


def check_strength(name: str, strength: float | Array) -> None:
    """Raise `ValueError` unless the strength is at least 0 and finite.

    >>> check_strength("L2 strength", 0.1)
    """
    if not (np.greater_equal(strength, 0) & np.isfinite(strength)).all():
        raise ValueError(f"{name} {strength}; expected a finite number of at least 0")
