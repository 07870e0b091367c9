"""Learning-rate schedules: each a value that gives the rate of an iteration, counted from 0.

What they count is iterations, and at least 1, or their factories raise `ValueError`.

A rate may be an array (networks, 1, 1): one for each network of a stack.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, exp, pi
from typing import TypeAlias

import numpy as np

from catpipe.nn.parameters import Array
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
    return Constant(rate)


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
    return InverseTime(rate, decay, _at_least_one("every", every))


@dataclass(frozen=True, eq=False, repr=False)
class StepDecay(Value):
    """The schedule of `step_decay`."""

    rate: float | Array
    factor: float
    every: int

    def __call__(self, iteration: int) -> float | Array:
        """Return rate * factor ** floor(iteration / every)."""
        return self.rate * self.factor ** (iteration // self.every)


def step_decay(rate: float | Array, factor: float, every: int) -> Schedule:
    """Return rate * factor ** floor(iteration / every).

    >>> step_decay(0.1, factor=0.5, every=100)(250)
    0.025
    """
    return StepDecay(rate, factor, _at_least_one("every", every))


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
    return Exponential(rate, decay)


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
    return Cosine(rate, _at_least_one("iterations", iterations))


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
    return WarmUp(comparable(schedule), _at_least_one("iterations", iterations))


@dataclass(frozen=True)
class Scaled:
    """The schedule of `scaled`."""

    schedule: Schedule
    factor: float

    def __call__(self, iteration: int) -> float | Array:
        """Return factor times the schedule's rate."""
        return self.factor * self.schedule(iteration)


def scaled(rate: Rate, factor: float) -> Rate:
    """Return `factor` times the rate.

    >>> scaled(0.1, 5), scaled(constant(0.1), 5)(0)
    (0.5, 0.5)
    """
    return Scaled(rate, factor) if callable(rate) else factor * rate


def comparable(rate: Rate) -> float | Schedule:
    """Return the rate, an array as the schedule that stays there: values that hold it compare.

    >>> comparable(np.full((3, 1, 1), 0.1))
    Constant(rate=array (3, 1, 1) float64)
    """
    return Constant(rate) if isinstance(rate, np.ndarray) else rate


def check_positive(name: str, number: float | Array) -> None:
    """Raise `ValueError` unless the number, or every one of an array, is positive and finite.

    >>> check_positive("learning rate", -0.1)
    Traceback (most recent call last):
    ValueError: learning rate -0.1; expected a positive finite number
    """
    if not (np.greater(number, 0) & np.isfinite(number)).all():
        raise ValueError(f"{name} {number}; expected a positive finite number")


def _at_least_one(name: str, number: int) -> int:
    if number < 1:
        raise ValueError(f"{name} {number} of a schedule; expected at least 1")
    return number
