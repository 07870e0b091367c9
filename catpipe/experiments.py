"""An experiment is a value: what is asked of a run, and nothing else decides what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from reprlib import repr as brief
from typing import Any, NamedTuple

import numpy as np

from catpipe import activations, initialization
from catpipe.network import (
    Network,
    network,
)

ACTIVATIONS = {
    "relu": activations.RELU,
    "leaky_relu": activations.LEAKY_RELU,
    "tanh": activations.TANH,
    "sigmoid": activations.SIGMOID,
    "identity": activations.IDENTITY,
}
SCHEMES = {
    "course": initialization.course,
    "he": initialization.he,
    "xavier": initialization.xavier,
    "small": initialization.small,
    "zeros": initialization.zeros,
}

DTYPES = ("float64", "float32")


class Experiment(NamedTuple):
    """What is asked of a run; all but the seed defaults to the published one."""

    seed: int
    hidden: tuple[int, ...] = (20, 7, 5)
    activation: str = "relu"
    learning_rate: float = 0.0075
    iterations: int = 2500
    scheme: str = "course"
    dtype: str = "float64"
    full_space: bool = False


def _integer(value: Any, low: int, high: int) -> bool:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return whole and bool(low <= value <= high)


def _sizes(value: Any) -> bool:
    return isinstance(value, tuple) and all(_integer(units, 1, 2**31) for units in value)


def _rate(value: Any) -> bool:
    return isinstance(value, float | int | np.number) and bool(0 < value < np.inf)


RULES: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    ("seed", partial(_integer, low=0, high=2**32 - 1), "an integer from 0 to 4294967295"),
    ("hidden", _sizes, "layers of 1 unit to 2**31"),
    ("activation", ACTIVATIONS.__contains__, f"one of {', '.join(ACTIVATIONS)}"),
    ("learning_rate", _rate, "a positive finite number"),
    ("iterations", partial(_integer, low=1, high=2**53), "an integer from 1 to 2**53"),
    ("scheme", SCHEMES.__contains__, f"one of {', '.join(SCHEMES)}"),
    ("full_space", lambda full: isinstance(full, bool), "true or false"),
    ("dtype", DTYPES.__contains__, f"one of {', '.join(DTYPES)}"),
)


def checked(experiment: Experiment) -> Experiment:
    """Return the experiment; raise `ValueError` for the first of its fields that cannot be.

    >>> checked(Experiment(seed=-1))
    Traceback (most recent call last):
    ValueError: seed is -1; expected an integer from 0 to 4294967295: choose one
    """
    for field, allowed, expected in RULES:
        if not allowed(value := getattr(experiment, field)):
            words = field.replace("_", " ")
            raise ValueError(f"{words} is {brief(value)}; expected {expected}: choose one")
    return experiment


def network_for(experiment: Experiment, features: int) -> Network:
    """Return the network that the experiment asks for, on columns of so many features.

    >>> [layer.units for layer in network_for(Experiment(seed=1), features=12288).layers]
    [20, 7, 5, 1]
    """
    activation = ACTIVATIONS[experiment.activation]
    return network(features, *experiment.hidden, 1, activation=activation)
