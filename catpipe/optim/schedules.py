"""Learning-rate schedules: each a function of the iteration alone, counted from 0.

What they count is iterations, and at least 1, or they raise `ValueError`.

A rate may be an array (networks, 1, 1): one for each network of a stack.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import cos, exp, pi
from typing import TypeAlias

from catpipe.nn.parameters import Array

Schedule: TypeAlias = Callable[[int], float | Array]
Rate: TypeAlias = float | Array | Schedule
"""A rate that stays, or a schedule."""


def rate_at(rate: Rate, iteration: int) -> float | Array:
    """Return the rate at this iteration.

    >>> rate_at(0.1, 7), rate_at(step_decay(0.1, factor=0.5, every=5), 7)
    (0.1, 0.05)
    """
    return rate(iteration) if callable(rate) else rate


def constant(rate: float | Array) -> Schedule:
    """Return the schedule that stays at `rate`.

    >>> constant(0.1)(1000)
    0.1
    """
    return partial(_constant, rate)


def inverse_time(rate: float | Array, decay: float, every: int = 1) -> Schedule:
    """Return rate / (1 + decay * floor(iteration / every)).

    For once every k epochs, `every` is k times the batches of an epoch.

    >>> inverse_time(0.5, decay=0.3, every=100)(100)
    0.3846153846153846
    """
    return partial(_inverse_time, rate, decay, _count("every", every))


def step_decay(rate: float | Array, factor: float, every: int) -> Schedule:
    """Return rate * factor ** floor(iteration / every).

    >>> step_decay(0.1, factor=0.5, every=100)(250)
    0.025
    """
    return partial(_step_decay, rate, factor, _count("every", every))


def exponential(rate: float | Array, decay: float) -> Schedule:
    """Return rate * exp(-decay * iteration).

    >>> round(exponential(0.1, decay=0.01)(100), 4)
    0.0368
    """
    return partial(_exponential, rate, decay)


def cosine(rate: float | Array, iterations: int) -> Schedule:
    """Return half a cosine, from `rate` down to 0 at `iterations`, and 0 from there on.

    Loshchilov and Hutter 2017, eq. 5, without restarts.

    >>> cosine(0.1, iterations=100)(50)
    0.05
    """
    return partial(_cosine, rate, _count("iterations", iterations))


def warm_up(schedule: Rate, iterations: int) -> Schedule:
    """Return the schedule, times a ramp that reaches 1 at the last of its first `iterations`.

    Goyal et al. 2017, section 2.2.

    >>> warm_up(0.1, iterations=4)(0), warm_up(0.1, iterations=4)(3)
    (0.025, 0.1)
    """
    return partial(_warm_up, schedule, _count("iterations", iterations))


def scaled(rate: Rate, factor: float) -> Rate:
    """Return `factor` times the rate.

    >>> scaled(0.1, 5), scaled(constant(0.1), 5)(0)
    (0.5, 0.5)
    """
    return partial(_scaled, rate, factor) if callable(rate) else factor * rate


def _count(name: str, number: int) -> int:
    if number < 1:
        raise ValueError(f"{name} {number} of a schedule; expected at least 1")
    return number


def _constant(rate: float | Array, iteration: int) -> float | Array:  # noqa: ARG001
    return rate


def _inverse_time(rate: float | Array, decay: float, every: int, iteration: int) -> float | Array:
    return rate / (1 + decay * (iteration // every))


def _step_decay(rate: float | Array, factor: float, every: int, iteration: int) -> float | Array:
    return rate * factor ** (iteration // every)


def _exponential(rate: float | Array, decay: float, iteration: int) -> float | Array:
    return rate * exp(-decay * iteration)


def _cosine(rate: float | Array, iterations: int, iteration: int) -> float | Array:
    return rate * (1 + cos(pi * min(iteration / iterations, 1))) / 2


def _warm_up(schedule: Rate, iterations: int, iteration: int) -> float | Array:
    return rate_at(schedule, iteration) * min((iteration + 1) / iterations, 1)


def _scaled(schedule: Schedule, factor: float, iteration: int) -> float | Array:
    return factor * schedule(iteration)
