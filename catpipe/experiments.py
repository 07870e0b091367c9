"""An experiment is a value: what is asked of a run, and nothing else decides what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from catpipe import activations, initialization, schedules
from catpipe.adaptive import ADAMW_DECAY, adam, rmsprop
from catpipe.dropout import with_dropout
from catpipe.losses import BINARY_CROSS_ENTROPY, SOFTMAX_CROSS_ENTROPY
from catpipe.network import Network, network
from catpipe.optimizers import (
    Optimizer,
    averaged_momentum,
    gradient_descent,
    heavy_ball,
    nesterov,
)
from catpipe.regularizers import with_l2, with_weight_decay
from catpipe.schedules import Schedule, scaled, warm_up

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
SCHEMES = {
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
    scheme: str = "course"
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


def network_for(experiment: Experiment, features: int) -> Network:
    """Return the network that the experiment asks for, on columns of so many features.

    Two classes are told apart by one logit, more by one each.

    >>> [layer.units for layer in network_for(Experiment(seed=1), features=12288).layers]
    [20, 7, 5, 1]
    """
    names = experiment.activation
    activation = ACTIVATIONS[names] if isinstance(names, str) else [ACTIVATIONS[n] for n in names]
    outputs = 1 if experiment.classes == 2 else experiment.classes
    loss = BINARY_CROSS_ENTROPY if outputs == 1 else SOFTMAX_CROSS_ENTROPY
    plain = network(features, *experiment.hidden, outputs, activation=activation, loss=loss)
    dropout, seed = experiment.dropout, experiment.seed
    return with_dropout(plain, dropout, seed) if dropout else plain


def optimizer_for(experiment: Experiment, iterations: int) -> Optimizer:
    """Return the optimizer that the experiment asks for, for a run of so many iterations.

    >>> optimizer_for(Experiment(seed=1, optimizer="adam"), iterations=100).is_linear
    False
    """
    rate = schedule_for(experiment, iterations)
    make = OPTIMIZERS[experiment.optimizer]
    plain = make(rate) if experiment.momentum is None else make(rate, experiment.momentum)
    pulled = with_l2(plain, experiment.l2) if experiment.l2 else plain
    decay = experiment.weight_decay
    if decay is None and experiment.optimizer == "adamw":
        decay = ADAMW_DECAY
    return with_weight_decay(pulled, scaled(rate, decay)) if decay else pulled


def schedule_for(experiment: Experiment, iterations: int) -> Schedule:
    """Return the learning-rate schedule that the experiment asks for, as a function of iterations.

    >>> schedule_for(Experiment(seed=1, learning_rate=0.5, schedule=("cosine",)), iterations=10)(5)
    0.25
    """
    name, *numbers = experiment.schedule
    if name == "cosine" and not numbers:
        numbers = [iterations]
    schedule = SCHEDULES[name][0](experiment.learning_rate, *numbers)
    return warm_up(schedule, experiment.warm_up) if experiment.warm_up else schedule
