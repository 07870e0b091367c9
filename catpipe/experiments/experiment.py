"""An experiment is a value: what is asked of a run, and nothing else decides what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from reprlib import repr as brief
from typing import Any, NamedTuple

import numpy as np

from catpipe.nn import activations
from catpipe.nn import initializers as initialization
from catpipe.optim import schedules
from catpipe.optim.optimizers import (
    Optimizer,
    adam,
    averaged_momentum,
    gradient_descent,
    heavy_ball,
    nesterov,
    rmsprop,
)
from catpipe.optim.schedules import Schedule

ACTIVATIONS = {
    "relu": activations.RELU,
    "leaky_relu": activations.LEAKY_RELU,
    "elu": activations.ELU,
    "softplus": activations.SOFTPLUS,
    "gelu": activations.GELU,
    "silu": activations.SILU,
    "tanh": activations.TANH,
    "sigmoid": activations.SIGMOID,
    "identity": activations.IDENTITY,
}
INITIALIZERS = {
    "course": initialization.course,
    "he": initialization.he,
    "xavier": initialization.xavier,
    "small": initialization.small,
    "zeros": initialization.zeros,
}
WITH_MOMENTUM = {
    "heavy_ball": heavy_ball,
    "averaged_momentum": averaged_momentum,
    "nesterov": nesterov,
}
OPTIMIZERS: Mapping[str, Callable[..., Optimizer]] = {
    "gradient_descent": gradient_descent,
    **WITH_MOMENTUM,
    "rmsprop": rmsprop,
    "adam": adam,
    "adamw": adam,
}

SCHEDULES: Mapping[str, tuple[Callable[..., Schedule], range, int | None]] = {
    "constant": (schedules.constant, range(1), None),
    "inverse_time": (schedules.inverse_time, range(1, 3), 1),
    "step": (schedules.step_decay, range(2, 3), 1),
    "exponential": (schedules.exponential, range(1, 2), None),
    "cosine": (schedules.cosine, range(2), 0),
}
"""Each with how many numbers it takes beside the rate, and which of them counts iterations."""

SCHEDULE_FORMS = (
    "constant, inverse_time:DECAY[,EVERY], step:FACTOR,EVERY, exponential:DECAY or "
    "cosine[:ITERATIONS]"
)
ORDERS = ("shuffled", "stratified", "balanced")
DTYPES = ("float64", "float32")


class Experiment(NamedTuple):
    """What is asked of a run; all but the seed defaults to the published one.

    One activation is that of all hidden layers; several are one for each. The schedule is a name
    with its numbers, such as `("step", 0.5, 1000)`. Without a batch size all examples are one
    batch; `epochs`, where given, takes the place of iterations. Class weights are "balanced" or a
    number for each class. Early stopping is how many checks may pass without a lower validation
    cost.
    """

    seed: int
    hidden: tuple[int, ...] = (20, 7, 5)
    activation: str | tuple[str, ...] = "relu"
    learning_rate: float = 0.0075
    iterations: int = 2500
    initializer: str = "course"
    dtype: str = "float64"
    full_space: bool = False
    classes: int = 2
    optimizer: str = "gradient_descent"
    momentum: float | None = None
    schedule: tuple[Any, ...] = ("constant",)
    warm_up: int = 0
    l2: float = 0.0
    weight_decay: float | None = None
    dropout: float = 0.0
    batch_size: int | None = None
    order: str = "shuffled"
    epochs: int | None = None
    class_weight: str | tuple[float, ...] | None = None
    early_stopping: int | None = None


LARGEST = np.finfo(float).max


def _integer(value: Any, low: int, high: int) -> bool:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return whole and bool(low <= value <= high)


def _one_of(names: Iterable[str]) -> Callable[[Any], bool]:
    return [*names].__contains__  # a list's, which takes what has no hash


def _number(value: Any, low: float, below: float) -> bool:
    is_number = isinstance(value, float | int | np.number) and not isinstance(value, bool)
    return is_number and bool(low <= value < below)


def _sizes(value: Any) -> bool:
    return isinstance(value, tuple) and all(_integer(units, 1, 2**31) for units in value)


def _rate(value: Any) -> bool:
    return _number(value, 0, LARGEST) and value > 0


def _activations(value: Any) -> bool:
    names = value if isinstance(value, tuple) else (value,)
    return all(map(_one_of(ACTIVATIONS), names))


def _schedule(value: Any) -> bool:
    if not isinstance(value, tuple) or not value or value[0] not in [*SCHEDULES]:
        return False
    name, *numbers = value
    _, how_many, count = SCHEDULES[name]
    counts = numbers[count : count + 1] if count is not None else []
    return (
        len(numbers) in how_many
        and all(map(_rate, numbers))
        and all(_integer(number, 1, 2**53) for number in counts)
    )


def _class_weight(value: Any) -> bool:
    if isinstance(value, str):
        return value == "balanced"
    is_list = isinstance(value, tuple) and any(value)
    return is_list and all(_number(one, 0, LARGEST) for one in value)


def _or_none(allowed: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or allowed(value)


RULES: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    ("seed", partial(_integer, low=0, high=2**32 - 1), "an integer from 0 to 4294967295"),
    ("classes", partial(_integer, low=2, high=2**31), "an integer of at least 2"),
    ("hidden", _sizes, "a tuple of layers, of 1 unit to 2**31"),
    ("activation", _activations, f"one of {', '.join(ACTIVATIONS)}, or one for each hidden layer"),
    ("learning_rate", _rate, "a positive finite number"),
    ("iterations", partial(_integer, low=1, high=2**53), "an integer from 1 to 2**53"),
    ("epochs", _or_none(partial(_integer, low=1, high=2**53)), "an integer from 1 to 2**53"),
    ("initializer", _one_of(INITIALIZERS), f"one of {', '.join(INITIALIZERS)}"),
    ("optimizer", _one_of(OPTIMIZERS), f"one of {', '.join(OPTIMIZERS)}"),
    ("momentum", _or_none(partial(_number, low=0, below=1)), "a number of at least 0 and below 1"),
    (
        "schedule",
        _schedule,
        f"one of {SCHEDULE_FORMS}, as a tuple",
    ),
    ("warm_up", partial(_integer, low=0, high=2**53), "an integer from 0 to 2**53"),
    ("l2", partial(_number, low=0, below=LARGEST), "a finite number of at least 0"),
    ("weight_decay", _or_none(partial(_number, low=0, below=LARGEST)), "a number of at least 0"),
    ("dropout", partial(_number, low=0, below=1), "a number of at least 0 and below 1"),
    ("batch_size", _or_none(partial(_integer, low=1, high=2**53)), "an integer from 1 to 2**53"),
    ("order", _one_of(ORDERS), f"one of {', '.join(ORDERS)}"),
    ("class_weight", _or_none(_class_weight), "balanced, or a number for each class, not all 0"),
    ("early_stopping", _or_none(partial(_integer, low=1, high=2**53)), "an integer of at least 1"),
    ("full_space", lambda full: isinstance(full, bool), "true or false"),
    ("dtype", _one_of(DTYPES), f"one of {', '.join(DTYPES)}"),
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
    _check_agreement(experiment)
    return experiment


def _check_agreement(experiment: Experiment) -> None:
    """Refuse fields that each can be, but not with each other."""
    hidden, activation = experiment.hidden, experiment.activation
    if isinstance(activation, tuple) and len(activation) != len(hidden):
        raise ValueError(
            f"{len(activation)} activations for {len(hidden)} hidden layers; expected one for all, "
            "or one for each: name as many"
        )
    if experiment.momentum is not None and experiment.optimizer not in WITH_MOMENTUM:
        raise ValueError(
            f"momentum is {experiment.momentum} with {experiment.optimizer}; expected one of "
            f"{', '.join(WITH_MOMENTUM)}: choose the optimizer"
        )
    if experiment.order != "shuffled" and experiment.batch_size is None:
        raise ValueError(
            f"order is {experiment.order} of one batch; expected a batch size with it: choose one"
        )
    if experiment.dropout and not experiment.hidden:
        raise ValueError(
            f"dropout is {experiment.dropout} without hidden layers; expected some, whose units "
            "are dropped: leave it out"
        )
    weights = experiment.class_weight
    if isinstance(weights, tuple) and len(weights) != experiment.classes:
        raise ValueError(
            f"{len(weights)} class weights for {experiment.classes} classes; expected as many: "
            "give one for each"
        )
