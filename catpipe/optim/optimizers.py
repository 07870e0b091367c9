"""Optimizers: values, each of which begins its moments and updates parameters and moments.

    init(parameters) -> moments
    update(iteration, parameters, moments, gradients) -> (parameters, moments)

A learning rate is a number, an array (networks, 1, 1) with one for each network of a stack, or a
schedule of either. The classes trust their fields; the functions in lower case check them.

What an update does decides where training can be done instead of in the full space, exactly. One
that treats every direction alike, whatever the basis, commutes with rotations of the weights: it
may train in a subspace that holds all gradients. One that is also linear, in parameters, moments
and gradients, may train in the dual form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from reprlib import repr as brief
from typing import Protocol, TypeAlias

import numpy as np
from toolz import valmap

from catpipe.checks import is_number, of_each_network
from catpipe.nn.parameters import Array, Parameters, map_parameters
from catpipe.optim.schedules import Rate, check_positive, checked_schedule, rate_at

Gradients: TypeAlias = Mapping[str, Array]
"""Under the names of what they are gradients of."""

Moments: TypeAlias = tuple[Parameters, ...]
"""What an optimizer remembers: each under the parameters' own names."""

Updated: TypeAlias = tuple[Parameters, Moments]


class Optimizer(Protocol):
    """What training asks of an optimizer; a value of your own with these works wherever ours do."""

    @property
    def commutes_with_rotations(self) -> bool:
        """Return whether it trains in a subspace as it does in the full space."""

    @property
    def is_linear(self) -> bool:
        """Return whether it also trains in the dual form as it does in the full space."""

    def init(self, parameters: Parameters, /) -> Moments:
        """Return the moments to begin with; there are as many later, of the same shapes."""

    def update(
        self, iteration: int, parameters: Parameters, moments: Moments, gradients: Gradients, /
    ) -> Updated:
        """Return the parameters and the moments after this iteration."""


def check_optimizer(optimizer: Optimizer) -> None:
    """Raise `TypeError` for what is no optimizer, such as a function that makes one.

    >>> check_optimizer("adam")
    Traceback (most recent call last):
    TypeError: optimizer is 'adam'; expected an optimizer: write adam(0.001)
    """
    methods = (getattr(optimizer, name, None) for name in ("init", "update"))
    says_where = all(hasattr(optimizer, of) for of in ("commutes_with_rotations", "is_linear"))
    if isinstance(optimizer, type) or not says_where or not all(map(callable, methods)):
        raise TypeError(
            f"optimizer is {brief(optimizer)}; expected an optimizer: write adam(0.001)"
        )


def check_moments(optimizer: Optimizer, parameters: Parameters, moments: Moments) -> None:
    """Raise `ValueError` unless the moments are such as the optimizer begins with.

    >>> check_moments(heavy_ball(0.1), Parameters(b1=[0.0]), (Parameters(b2=[0.0]),))
    Traceback (most recent call last):
    ValueError: state of another optimizer: a moment of b2 (1,) float64; expected b1 (1,) float64, \
as HeavyBall has: begin with initial_state(optimizer, parameters)
    """
    if (difference := _difference(moments, optimizer.init(parameters))) is not None:
        raise ValueError(
            f"state of another optimizer: {difference}, as {type(optimizer).__name__} has: begin "
            "with initial_state(optimizer, parameters)"
        )


def _difference(moments: Moments, initial: Moments) -> str | None:
    """Return in words the first difference of the moments from the initial ones."""
    if not isinstance(moments, tuple):
        return f"moments {brief(moments)}; expected a tuple of {len(initial)}"
    if len(moments) != len(initial):
        return f"{len(moments)} moments; expected {len(initial)}"
    pairs = zip(map(_described, moments), map(_described, initial), strict=True)
    differences = (f"a moment of {found}; expected {of}" for found, of in pairs if found != of)
    return next(differences, None)


def _described(moment: Parameters) -> str:
    if not isinstance(moment, Mapping):
        return f"type {type(moment).__name__}"
    return ", ".join(f"{name} {a.shape} {a.dtype}" for name, a in sorted(moment.items()))


def update_parameters(
    parameters: Parameters, gradients: Gradients, learning_rate: float | Array
) -> Parameters:
    """Return W - learning_rate dW for each name, in the type of W.

    Raises `KeyError` unless the names are the same, and `ValueError` for gradients of other shapes,
    which would broadcast, and for a rate that is no number.

    >>> update_parameters(Parameters(b1=[[1.0]]), Parameters(b1=[[2.0]]), 0.5)["b1"]
    array([[0.]])
    """
    _check_shapes(parameters, gradients)
    return descended(parameters, gradients, learning_rate)


def _check_shapes(parameters: Parameters, gradients: Gradients) -> None:
    for name in parameters.keys() & gradients.keys():
        found, expected = np.shape(gradients[name]), np.shape(parameters[name])
        if found[-2:] != expected[-2:]:
            raise ValueError(
                f"gradient of {name} has shape {found}; expected {expected}: a sum over examples "
                "that is a column has keepdims=True"
            )


def descended(
    parameters: Parameters, direction: Gradients, learning_rate: float | Array
) -> Parameters:
    """Return W - learning_rate v for each name, of directions v that fit: what optimizers call.

    >>> descended(Parameters(b1=[[1.0]]), Parameters(b1=[[2.0]]), 0.5)["b1"]
    array([[0.]])
    """
    if type(learning_rate) is not float:
        learning_rate = of_each_network("learning rate", learning_rate, "a number")
    if isinstance(learning_rate, np.ndarray):
        return map_parameters(
            lambda W, v: _typed(W, W - np.asarray(learning_rate, W.dtype) * v),
            parameters,
            direction,
        )
    rate = float(learning_rate)  # which leaves float32 as it is
    return map_parameters(lambda W, v: _typed(W, W - rate * v), parameters, direction)


def _typed(of: Array, numbers: Array) -> Array:
    """Return the numbers in the type of these, where that is a float's."""
    if numbers.dtype is of.dtype or of.dtype.kind != "f":
        return numbers
    return numbers.astype(of.dtype)


@dataclass(frozen=True)
class GradientDescent:
    """The optimizer of `gradient_descent`."""

    learning_rate: Rate

    commutes_with_rotations = True
    is_linear = True

    def init(self, parameters: Parameters) -> Moments:  # noqa: ARG002
        """Return no moments."""
        return ()

    def update(
        self, iteration: int, parameters: Parameters, moments: Moments, gradients: Gradients
    ) -> Updated:
        """Return W - rate dW."""
        rate = rate_at(self.learning_rate, iteration)
        return descended(parameters, gradients, rate), moments


def gradient_descent(learning_rate: Rate) -> Optimizer:
    """Return the optimizer that steps `learning_rate` times the gradient downhill.

    Raises `ValueError` for rates that are not positive and finite; schedules are trusted.

    >>> gradient_descent(0.5)
    GradientDescent(learning_rate=0.5)
    >>> gradient_descent(0.5).update(0, Parameters(b=[1.0]), (), Parameters(b=[2.0]))[0]["b"]
    array([0.])
    """
    return GradientDescent(checked_rate(learning_rate))


@dataclass(frozen=True)
class _Velocity:
    """What the optimizers along a velocity v share: two settings, and v = 0 at first."""

    learning_rate: Rate
    beta: float = 0.9

    commutes_with_rotations = True
    is_linear = True

    def init(self, parameters: Parameters) -> Moments:
        """Return v = 0."""
        return (zero_moment(parameters),)


@dataclass(frozen=True)
class HeavyBall(_Velocity):
    """The optimizer of `heavy_ball`."""

    def update(
        self, iteration: int, parameters: Parameters, moments: Moments, gradients: Gradients
    ) -> Updated:
        """Return W - rate v, and v = beta v + dW."""
        (v,), rate = moments, rate_at(self.learning_rate, iteration)
        v = decaying_sum(self.beta, v, gradients)
        return descended(parameters, v, rate), (v,)


def heavy_ball(learning_rate: Rate, beta: float = 0.9) -> Optimizer:
    """Return gradient descent along v = beta v + dW (Polyak 1964, as in Sutskever et al. 2013).

    It goes 1 / (1 - beta) times as far as `averaged_momentum`. Raises `ValueError` unless beta is
    in [0, 1).

    >>> heavy = heavy_ball(0.5, beta=0.9)
    >>> W, (v,) = heavy.update(0, Parameters(b=[1.0]), (Parameters(b=[1.0]),), Parameters(b=[2.0]))
    >>> W["b"].round(3), v["b"]
    (array([-0.45]), array([2.9]))
    """
    return HeavyBall(checked_rate(learning_rate), below_one("beta", beta))


@dataclass(frozen=True)
class AveragedMomentum(_Velocity):
    """The optimizer of `averaged_momentum`."""

    def update(
        self, iteration: int, parameters: Parameters, moments: Moments, gradients: Gradients
    ) -> Updated:
        """Return W - rate v, and v = beta v + (1 - beta) dW."""
        (v,), rate = moments, rate_at(self.learning_rate, iteration)
        v = moving_average(self.beta, v, gradients)
        return descended(parameters, v, rate), (v,)


def averaged_momentum(learning_rate: Rate, beta: float = 0.9) -> Optimizer:
    """Return gradient descent along the moving average v = beta v + (1 - beta) dW, from zero.

    This is the momentum of the course "Improving Deep Neural Networks" (DeepLearning.AI, week 2);
    the average is not corrected for its start. Raises `ValueError` unless beta is in [0, 1).

    >>> calm = averaged_momentum(0.5, beta=0.9)
    >>> W, (v,) = calm.update(0, Parameters(b=[1.0]), (Parameters(b=[1.0]),), Parameters(b=[2.0]))
    >>> W["b"].round(3), v["b"]
    (array([0.45]), array([1.1]))
    """
    return AveragedMomentum(checked_rate(learning_rate), below_one("beta", beta))


@dataclass(frozen=True)
class Nesterov(_Velocity):
    """The optimizer of `nesterov`."""

    def update(
        self, iteration: int, parameters: Parameters, moments: Moments, gradients: Gradients
    ) -> Updated:
        """Return W - rate (beta v + dW), and v = beta v + dW."""
        (v,), rate = moments, rate_at(self.learning_rate, iteration)
        v = decaying_sum(self.beta, v, gradients)
        ahead = decaying_sum(self.beta, v, gradients)
        return descended(parameters, ahead, rate), (v,)


def nesterov(learning_rate: Rate, beta: float = 0.9) -> Optimizer:
    """Return gradient descent along dW + beta v, with v = beta v + dW (Nesterov 1983).

    In the form of Sutskever et al. 2013, for parameters looked at where the gradient is taken.

    >>> ahead = nesterov(0.5, beta=0.9)
    >>> W, (v,) = ahead.update(0, Parameters(b=[1.0]), (Parameters(b=[1.0]),), Parameters(b=[2.0]))
    >>> W["b"].round(3), v["b"]
    (array([-1.305]), array([2.9]))
    """
    return Nesterov(checked_rate(learning_rate), below_one("beta", beta))


@dataclass(frozen=True)
class RMSProp:
    """The optimizer of `rmsprop`."""

    learning_rate: Rate
    beta: float = 0.9
    epsilon: float = 1e-8

    commutes_with_rotations = False
    is_linear = False

    def init(self, parameters: Parameters) -> Moments:
        """Return s = 0."""
        return (zero_moment(parameters),)

    def update(
        self, iteration: int, parameters: Parameters, moments: Moments, gradients: Gradients
    ) -> Updated:
        """Return W - rate dW / (sqrt(s) + epsilon), and s = beta s + (1 - beta) dW^2."""
        (s,), rate, epsilon = moments, rate_at(self.learning_rate, iteration), self.epsilon
        s = moving_average(self.beta, s, valmap(np.square, gradients))
        direction = map_parameters(lambda s, dW: dW / (np.sqrt(s) + epsilon), s, gradients)
        return descended(parameters, direction, rate), (s,)


def rmsprop(learning_rate: Rate, beta: float = 0.9, epsilon: float = 1e-8) -> Optimizer:
    """Return descent along dW / (sqrt(s) + epsilon), with s = beta s + (1 - beta) dW^2.

    Hinton's lecture 6e (2012). s begins at zero and is not corrected for that. Raises `ValueError`
    unless beta is in [0, 1) and epsilon positive.

    >>> step = rmsprop(0.5, beta=0.75)
    >>> W, (s,) = step.update(0, Parameters(b=[1.0]), (Parameters(b=[0.0]),), Parameters(b=[2.0]))
    >>> W["b"].round(3), s["b"]
    (array([0.]), array([1.]))
    """
    check_epsilon(epsilon)
    return RMSProp(checked_rate(learning_rate), below_one("beta", beta), float(epsilon))


@dataclass(frozen=True)
class Adam:
    """The optimizer of `adam`."""

    learning_rate: Rate
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    commutes_with_rotations = False
    is_linear = False

    def init(self, parameters: Parameters) -> Moments:
        """Return m = 0 and v = 0."""
        zero = zero_moment(parameters)
        return zero, zero

    def update(
        self, iteration: int, parameters: Parameters, moments: Moments, gradients: Gradients
    ) -> Updated:
        """Return W - rate m' / (sqrt(v') + epsilon), m and v; m' and v' are the unbiased ones."""
        (m, v), rate, epsilon = moments, rate_at(self.learning_rate, iteration), self.epsilon
        m = moving_average(self.beta1, m, gradients)
        v = moving_average(self.beta2, v, valmap(np.square, gradients))
        of_m, of_v = 1 - self.beta1 ** (iteration + 1), 1 - self.beta2 ** (iteration + 1)
        direction = map_parameters(lambda m, v: m / (np.sqrt(v) / sqrt(of_v) + epsilon), m, v)
        return descended(parameters, direction, rate / of_m), (m, v)


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
    check_epsilon(epsilon)
    betas = below_one("beta1", beta1), below_one("beta2", beta2)
    return Adam(checked_rate(learning_rate), *betas, float(epsilon))


def zero_moment(parameters: Parameters) -> Parameters:
    """Return a moment to begin with: zeros under the parameters' names.

    >>> zero_moment(Parameters(b=[1.0]))["b"]
    array([0.])
    """
    return map_parameters(np.zeros_like, parameters)


def decaying_sum(beta: float, moment: Parameters, gradients: Gradients) -> Parameters:
    """Return beta v + dW for each name.

    >>> decaying_sum(0.5, Parameters(b=[1.0]), Parameters(b=[2.0]))["b"]
    array([2.5])
    """
    return map_parameters(lambda v, dW: _typed(v, beta * v + dW), moment, gradients)


def moving_average(beta: float, moment: Parameters, gradients: Gradients) -> Parameters:
    """Return beta v + (1 - beta) dW for each name.

    >>> moving_average(0.5, Parameters(b=[1.0]), Parameters(b=[2.0]))["b"]
    array([1.5])
    """
    return map_parameters(lambda v, dW: _typed(v, beta * v + (1 - beta) * dW), moment, gradients)


def checked_rate(learning_rate: Rate) -> Rate:
    """Return the rate, an array as the schedule that stays there, which can be compared.

    Raises `ValueError` unless it is positive and finite, or a schedule.

    >>> checked_rate(0.1)
    0.1
    >>> checked_rate(np.full((3, 1, 1), 0.1))
    Constant(rate=array (3, 1, 1) float64)
    """
    if not callable(learning_rate):
        check_positive("learning rate", learning_rate)
    return checked_schedule(learning_rate)


def below_one(name: str, beta: float) -> float:
    """Return beta as a float; raise `ValueError` unless it is at least 0 and below 1.

    >>> below_one("beta", 0)
    0.0
    """
    if not is_number(beta) or not 0 <= beta < 1:
        raise ValueError(f"{name} {brief(beta)}; expected a number of at least 0 and below 1")
    return float(beta)


def check_epsilon(epsilon: float) -> None:
    """Raise `ValueError` unless epsilon is one positive finite number.

    >>> check_epsilon(1e-8)
    """
    if not is_number(epsilon) or not 0 < epsilon < np.inf:
        raise ValueError(f"epsilon {brief(epsilon)}; expected a positive finite number")
