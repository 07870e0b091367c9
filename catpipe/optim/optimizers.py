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

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from reprlib import repr as brief
from typing import ClassVar, Protocol, TypeAlias

import numpy as np

from catpipe.checks import is_number, of_each_network
from catpipe.nn.arrays import Array, is_foreign, namespaced
from catpipe.nn.blocks import in_blocks
from catpipe.nn.parameters import Parameters, map_numbers, map_parameters
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
    return GradientDescent(learning_rate).update(0, parameters, (), gradients)[0]


def _check_shapes(parameters: Parameters, gradients: Gradients) -> None:
    for name in parameters.keys() & gradients.keys():
        found, expected = np.shape(gradients[name]), np.shape(parameters[name])
        if found[-2:] != expected[-2:]:
            raise ValueError(
                f"gradient of {name} has shape {found}; expected {expected}: a sum over examples "
                "that is a column has keepdims=True"
            )


@dataclass(frozen=True)
class _OfNumbers:
    """What the optimizers share whose formula, `step`, treats each number by itself.

    It takes a weight W, its gradient dW, its moments and `rates`, and returns the weight and its
    moments after it.
    """

    learning_rate: Rate

    number_of_moments: ClassVar[int] = 0
    commutes_with_rotations: ClassVar[bool] = True
    is_linear: ClassVar[bool] = True
    step: ClassVar[Callable[..., tuple[Array, ...]]]

    def init(self, parameters: Parameters) -> Moments:
        """Return the moments to begin with, all of them zero."""
        zero = map_parameters(np.zeros_like, parameters)
        return (zero,) * self.number_of_moments

    def rates(self, iteration: int) -> tuple[float | Array, ...]:
        """Return what the formula takes beside them: the rate, first."""
        return (_checked(rate_at(self.learning_rate, iteration)),)

    def update(
        self, iteration: int, parameters: Parameters, moments: Moments, gradients: Gradients
    ) -> Updated:
        """Return the parameters and the moments that the formula makes of all the numbers."""
        is_ours = type(self).__module__ == __name__  # so that it does what blocks can be done with
        updated, *moments_after = map_numbers(
            in_blocks(self.step) if is_ours else self.step,
            parameters,
            gradients,
            *moments,
            rates=self.rates(iteration),
        )
        return updated, tuple(moments_after)


def _checked(rate: float | Array) -> float | Array:
    """Return the rate that a schedule gave; raise `ValueError` for what is none."""
    if type(rate) is float or is_foreign(rate):
        return rate
    return of_each_network("learning rate", rate, "a number")


@dataclass(frozen=True)
class GradientDescent(_OfNumbers):
    """The optimizer of `gradient_descent`."""

    def step(self, W: Array, dW: Array, rate: float | Array) -> tuple[Array, ...]:
        """Return W - rate dW."""
        return (W - rate * dW,)


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
class HeavyBall(_OfNumbers):
    """The optimizer of `heavy_ball`."""

    beta: float = 0.9

    number_of_moments = 1

    def step(self, W: Array, dW: Array, v: Array, rate: float | Array) -> tuple[Array, ...]:
        """Return W - rate v, and v = beta v + dW."""
        v = self.beta * v + dW
        return W - rate * v, v


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
class AveragedMomentum(_OfNumbers):
    """The optimizer of `averaged_momentum`."""

    beta: float = 0.9

    number_of_moments = 1

    def step(self, W: Array, dW: Array, v: Array, rate: float | Array) -> tuple[Array, ...]:
        """Return W - rate v, and v = beta v + (1 - beta) dW."""
        v = self.beta * v + (1 - self.beta) * dW
        return W - rate * v, v


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
class Nesterov(_OfNumbers):
    """The optimizer of `nesterov`."""

    beta: float = 0.9

    number_of_moments = 1

    def step(self, W: Array, dW: Array, v: Array, rate: float | Array) -> tuple[Array, ...]:
        """Return W - rate (beta v + dW), and v = beta v + dW."""
        v = self.beta * v + dW
        return W - rate * (self.beta * v + dW), v


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
class RMSProp(_OfNumbers):
    """The optimizer of `rmsprop`."""

    beta: float = 0.9
    epsilon: float = 1e-8

    number_of_moments = 1
    commutes_with_rotations = False
    is_linear = False

    def step(self, W: Array, dW: Array, s: Array, rate: float | Array) -> tuple[Array, ...]:
        """Return W - rate dW / (sqrt(s) + epsilon), and s = beta s + (1 - beta) dW^2."""
        xp, s = namespaced(self.beta * s + (1 - self.beta) * dW**2)
        return W - rate * (dW / (xp.sqrt(s) + self.epsilon)), s


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
class Adam(_OfNumbers):
    """The optimizer of `adam`."""

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    number_of_moments = 2
    commutes_with_rotations = False
    is_linear = False

    def rates(self, iteration: int) -> tuple[float | Array, ...]:
        """Return rate and epsilon for moments as they are (the end of section 2 of the paper)."""
        (rate,), t = super().rates(iteration), iteration + 1
        root = (1 - self.beta2**t) ** 0.5
        return rate * root / (1 - self.beta1**t), self.epsilon * root

    def step(
        self, W: Array, dW: Array, m: Array, v: Array, rate: float | Array, epsilon: float
    ) -> tuple[Array, ...]:
        """Return W - rate m / (sqrt(v) + epsilon), and the moving averages m and v."""
        m = self.beta1 * m + (1 - self.beta1) * dW
        xp, v = namespaced(self.beta2 * v + (1 - self.beta2) * dW**2)
        return W - rate * (m / (xp.sqrt(v) + epsilon)), m, v


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
