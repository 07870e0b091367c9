"""An experiment is a value; fitting it to pictures is a function of that value and no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from toolz import identity, tail, valmap

from catpipe import activations, initialization
from catpipe.batches import whole
from catpipe.network import (
    Network,
    compute_cost,
    forward,
    initialize_parameters,
    network,
    predict,
    predict_probabilities,
)
from catpipe.optimizers import gradient_descent
from catpipe.parameters import Array, Parameters
from catpipe.training import State, check_finite, finite, initial_state, make_step, trajectory
from catpipe.transforms import Pictures, pixels, targets

Watch: TypeAlias = Callable[[Iterator[State]], Iterator[State]]

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


def _integers_of_at_least_1(*values: Any) -> bool:
    return all(isinstance(value, int) and value >= 1 for value in values)


RULES: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    ("seed", lambda s: isinstance(s, int) and 0 <= s < 2**32, "an integer from 0 to 4294967295"),
    ("hidden", lambda sizes: _integers_of_at_least_1(*sizes), "layers of one unit or more"),
    ("activation", ACTIVATIONS.__contains__, f"one of {', '.join(ACTIVATIONS)}"),
    ("learning_rate", lambda rate: 0 < rate < np.inf, "a positive finite number"),
    ("iterations", _integers_of_at_least_1, "an integer of at least 1"),
    ("scheme", SCHEMES.__contains__, f"one of {', '.join(SCHEMES)}"),
    ("dtype", DTYPES.__contains__, f"one of {', '.join(DTYPES)}"),
)


class Result(NamedTuple):
    """What came of an experiment.

    The cost at an iteration is that of the parameters before its update; every hundredth is kept,
    and the last.
    """

    experiment: Experiment
    network: Network
    parameters: Parameters
    costs: tuple[tuple[int, float], ...]


def checked(experiment: Experiment) -> Experiment:
    """Return the experiment; raise `ValueError` for the first of its fields that cannot be.

    >>> checked(Experiment(seed=-1))
    Traceback (most recent call last):
    ValueError: seed -1; expected an integer from 0 to 4294967295
    """
    for field, allowed, expected in RULES:
        if not allowed(value := getattr(experiment, field)):
            raise ValueError(f"{field} {value!r}; expected {expected}")
    return experiment


def network_for(experiment: Experiment, features: int) -> Network:
    """Return the network that the experiment asks for, on columns of so many features.

    >>> [layer.units for layer in network_for(Experiment(seed=1), features=12288).layers]
    [20, 7, 5, 1]
    """
    activation = ACTIVATIONS[experiment.activation]
    return network(features, *experiment.hidden, 1, activation=activation)


def fit(experiment: Experiment, pictures: Pictures, watch: Watch = identity) -> Result:
    """Return what the experiment learns from the pictures.

    `watch` is handed the states of the trajectory and hands them on: a progress bar, say. Raises
    `FloatingPointError` when the cost is no longer finite.

    >>> black_and_white = np.array([0, 255], np.uint8).reshape(2, 1, 1, 1)
    >>> result = fit(Experiment(seed=1, hidden=()), Pictures(black_and_white, np.array([0, 1])))
    >>> [(iteration, round(cost, 3)) for iteration, cost in result.costs[:2]]
    [(0, 0.436), (100, 0.412)]
    """
    X = pixels(pictures.images, experiment.dtype)
    Y = targets(pictures.labels, experiment.dtype)
    net = network_for(experiment, features=len(X))
    descent = gradient_descent(experiment.learning_rate)
    start = initialize_parameters(
        net, experiment.seed, SCHEMES[experiment.scheme], experiment.dtype
    )
    states = trajectory(
        make_step(net, descent),
        whole(X, Y, experiment.iterations),
        initial_state(descent, start),
    )
    before, final = tail(2, watch(finite(states)))
    last = compute_cost(net, forward(net, before.parameters, X)[0], Y)
    check_finite(before.iteration, last)
    costs = valmap(float, dict(final.costs) | {before.iteration: last})
    return Result(experiment, net, final.parameters, tuple(costs.items()))


def cost(result: Result, pictures: Pictures) -> float:
    """Return the cost of the trained parameters on the pictures."""
    dtype = result.experiment.dtype
    Z, _ = forward(result.network, result.parameters, pixels(pictures.images, dtype))
    return float(compute_cost(result.network, Z, targets(pictures.labels, dtype)))


def probabilities(result: Result, images: NDArray[np.uint8]) -> Array:
    """Return the probability of class 1 for each of the images, (examples,)."""
    X = pixels(images, result.experiment.dtype)
    return predict_probabilities(result.network, result.parameters, X)[0]


def predictions(result: Result, images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the class number predicted for each of the images, (examples,)."""
    return predict(result.network, result.parameters, pixels(images, result.experiment.dtype))[0]
