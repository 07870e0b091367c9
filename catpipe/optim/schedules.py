"""Learning-rate schedules: each a value that gives the rate of an iteration, counted from 0.

Their factories raise `ValueError` for rates below 0 and for counts of iterations below 1.

A rate may be an array (networks, 1, 1): one for each network of a stack.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, exp, pi
from reprlib import repr as brief
from typing import TypeAlias

import numpy as np

from catpipe.checks import check_whole, is_number, of_each_network
from catpipe.nn.arrays import Array
from catpipe.values import Value

Schedule: TypeAlias = Callable[[int], float | Array]
Rate: TypeAlias = float | Array | Schedule
"""A rate that stays, or a schedule."""


def rate_at(rate: Rate, iteration: int) -> float | Array:
    """Return the rate at this iteration.

    >>> rate_at(0.1, 7), rate_at(step_decay(0.1, factor=0.5, every=5), 7)
    (0.1, 0.05)
    """
    return rate(iteration) if callable(rate) else rate


@dataclass(frozen=True, eq=False, repr=False)
class Constant(Value):
    """The schedule of `constant`."""

    rate: float | Array

    def __call__(self, iteration: int) -> float | Array:  # noqa: ARG002
        """Return the rate."""
        return self.rate


def constant(rate: float | Array) -> Schedule:
    """Return the schedule that stays at `rate`.

    >>> constant(0.1)(1000)
    0.1
    """
    return Constant(_level(rate))


@dataclass(frozen=True, eq=False, repr=False)
class InverseTime(Value):
    """The schedule of `inverse_time`."""

    rate: float | Array
    decay: float
    every: int = 1

    def __call__(self, iteration: int) -> float | Array:
        """Return rate / (1 + decay * floor(iteration / every))."""
        return self.rate / (1 + self.decay * (iteration // self.every))


def inverse_time(rate: float | Array, decay: float, every: int = 1) -> Schedule:
    """Return rate / (1 + decay * floor(iteration / every)).

    For once every k epochs, `every` is k times the batches of an epoch.

    >>> inverse_time(0.5, decay=0.3, every=100)(100)
    0.3846153846153846
    """
    return InverseTime(_level(rate), _not_negative("decay", decay), _at_least_one("every", every))


@dataclass(frozen=True, eq=False, repr=False)
class StepDecay(Value):
    """The schedule of `step_decay`."""

    rate: float | Array
    factor: float
    every: int

    def __call__(self, iteration: int) -> float | Array:
        """Return rate * factor ** floor(iteration / every)."""
        return self.rate * _power(self.factor, iteration // self.every)


def step_decay(rate: float | Array, factor: float, every: int) -> Schedule:
    """Return rate * factor ** floor(iteration / every).

    >>> step_decay(0.1, factor=0.5, every=100)(250)
    0.025
    """
    return StepDecay(_level(rate), _not_negative("factor", factor), _at_least_one("every", every))


def _power(factor: float, exponent: int) -> float:
    """Return the power, infinite where Python would raise: training then says that it diverged."""
    try:
        return float(factor) ** exponent
    except OverflowError:
        return np.inf


@dataclass(frozen=True, eq=False, repr=False)
class Exponential(Value):
    """The schedule of `exponential`."""

    rate: float | Array
    decay: float

    def __call__(self, iteration: int) -> float | Array:
        """Return rate * exp(-decay * iteration)."""
        return self.rate * exp(-self.decay * iteration)


def exponential(rate: float | Array, decay: float) -> Schedule:
    """Return rate * exp(-decay * iteration).

    >>> round(exponential(0.1, decay=0.01)(100), 4)
    0.0368
    """
    return Exponential(_level(rate), _not_negative("decay", decay))


@dataclass(frozen=True, eq=False, repr=False)
class Cosine(Value):
    """The schedule of `cosine`."""

    rate: float | Array
    iterations: int

    def __call__(self, iteration: int) -> float | Array:
        """Return rate / 2 * (1 + cos(pi * iteration / iterations)), and 0 after its iterations."""
        return self.rate * (1 + cos(pi * min(iteration / self.iterations, 1))) / 2


def cosine(rate: float | Array, iterations: int) -> Schedule:
    """Return half a cosine, from `rate` down to 0 at `iterations`, and 0 from there on.

    Loshchilov and Hutter 2017, eq. 5, without restarts.

    >>> cosine(0.1, iterations=100)(50)
    0.05
    """
    return Cosine(_level(rate), _at_least_one("iterations", iterations))


@dataclass(frozen=True)
class WarmUp:
    """The schedule of `warm_up`."""

    schedule: Rate
    iterations: int

    def __call__(self, iteration: int) -> float | Array:
        """Return the schedule's rate, times (iteration + 1) / iterations where that is below 1."""
        return rate_at(self.schedule, iteration) * min((iteration + 1) / self.iterations, 1)


def warm_up(schedule: Rate, iterations: int) -> Schedule:
    """Return the schedule, times a ramp that reaches 1 at the last of its first `iterations`.

    Goyal et al. 2017, section 2.2.

    >>> warm_up(0.1, iterations=4)(0), warm_up(0.1, iterations=4)(3)
    (0.025, 0.1)
    """
    return WarmUp(checked_schedule(schedule), _at_least_one("iterations", iterations))


@dataclass(frozen=True, eq=False, repr=False)
class Scaled(Value):
    """The schedule of `scaled`."""

    schedule: Schedule
    factor: float | Array

    def __call__(self, iteration: int) -> float | Array:
        """Return factor times the schedule's rate."""
        return self.factor * self.schedule(iteration)


def scaled(rate: Rate, factor: float | Array) -> Rate:
    """Return `factor` times the rate; either may have one number for each network of a stack.

    >>> scaled(0.1, 5), scaled(constant(0.1), 5)(0)
    (0.5, 0.5)
    """
    return Scaled(rate, _copied(factor)) if callable(rate) else factor * rate


def comparable(rate: Rate) -> float | Schedule:
    """Return the rate, an array as the schedule that stays there: values that hold it compare.

    >>> comparable(np.full((3, 1, 1), 0.1))
    Constant(rate=array (3, 1, 1) float64)
    """
    return Constant(rate.copy()) if isinstance(rate, np.ndarray) else rate


def _copied(number: float | Array) -> float | Array:
    """Return the number, an array as a copy: a later write to the caller's cannot reach it."""
    return number.copy() if isinstance(number, np.ndarray) else number


def check_positive(name: str, number: float | Array) -> None:
    """Raise `ValueError` unless the number, or every one of an array, is positive and finite.

    >>> check_positive("learning rate", -0.1)
    Traceback (most recent call last):
    ValueError: learning rate -0.1; expected a positive finite number
    """
    _check_each(name, number, np.greater, "a positive finite number")


def check_strength(name: str, strength: float | Array) -> None:
    """Raise `ValueError` unless the number, or every one of an array, is finite and at least 0.

    >>> check_strength("L2 strength", 0.1)
    """
    _check_each(name, strength, np.greater_equal, "a finite number of at least 0")


def _check_each(
    name: str, number: float | Array, above: Callable[[Array, int], Array], expected: str
) -> None:
    numbers = np.asarray(of_each_network(name, number, expected), float)
    if not (above(numbers, 0) & np.isfinite(numbers)).all():
        raise ValueError(f"{name} {number}; expected {expected}")


def checked_schedule(rate: Rate, name: str = "learning rate") -> float | Schedule:
    """Return the rate, of at least 0; an array as the schedule that stays there.

    Raises `ValueError` for numbers below 0, and for what gives no rate for an iteration.

    >>> checked_schedule(cosine)
    Traceback (most recent call last):
    ValueError: learning rate cosine; expected a number, or a schedule, which gives one \
for each iteration: write cosine(0.1, 100)
    """
    if not callable(rate):
        check_strength(name, rate)
        return comparable(rate)
    try:
        check_strength(name, rate(0))
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        shown = getattr(rate, "__name__", brief(rate))
        raise ValueError(
            f"{name} {shown}; expected a number, or a schedule, which gives one for each "
            "iteration: write cosine(0.1, 100)"
        ) from error
    return rate


def _level(rate: float | Array) -> float | Array:
    check_strength("rate of a schedule", rate)
    return _copied(rate)


def _not_negative(name: str, number: float) -> float:
    if not is_number(number) or not 0 <= number < np.inf:
        raise ValueError(
            f"{name} {brief(number)} of a schedule; expected a finite number of at least 0"
        )
    return number


def _at_least_one(name: str, number: int) -> int:
    return check_whole(f"{name} of a schedule", number)
