"""An experiment is a value; fitting it to pictures is a function of that value and no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import repeat
from reprlib import repr as brief
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from toolz import identity, tail, valmap

from catpipe import activations, initialization
from catpipe.batches import Batch
from catpipe.dual import dual_network, from_dual, gram, into_dual, reason_for_primal
from catpipe.network import (
    Network,
    compute_cost,
    forward,
    initialize_parameters,
    network,
    predict,
    predict_probabilities,
)
from catpipe.optimizers import Optimizer, gradient_descent
from catpipe.parameters import Array, Parameters
from catpipe.training import (
    Costs,
    State,
    check_finite,
    finite,
    initial_state,
    make_step,
    trajectory,
)
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
    ("hidden", _sizes, "sizes of 1 unit to 2**31"),
    ("activation", ACTIVATIONS.__contains__, f"one of {', '.join(ACTIVATIONS)}"),
    ("learning_rate", _rate, "a positive finite number"),
    ("iterations", partial(_integer, low=1, high=2**53), "an integer from 1 to 2**53"),
    ("scheme", SCHEMES.__contains__, f"one of {', '.join(SCHEMES)}"),
    ("full_space", lambda full: isinstance(full, bool), "true or false"),
    ("dtype", DTYPES.__contains__, f"one of {', '.join(DTYPES)}"),
)


class Result(NamedTuple):
    """What came of an experiment.

    The cost at an iteration is that of the parameters before its update; every hundredth is kept,
    and the last. A stack's arrays have a leading axis, and its costs are lists.
    """

    experiment: Experiment
    network: Network
    parameters: Parameters
    costs: Costs
    space: str  # what it was trained in, and why where that was not the subspace


class Problem(NamedTuple):
    """What an experiment makes of pictures: what is trained, with what, and on which columns.

    In the dual form the batch holds the columns' Gram matrix.
    """

    experiment: Experiment
    network: Network
    optimizer: Optimizer
    columns: Array
    batch: Batch
    form: str  # the dual, or the primal and why


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


def problem(experiment: Experiment, pictures: Pictures) -> Problem:
    """Return the problem to solve: in the dual form, where that is exact and pays.

    Raises `ValueError` for an experiment that cannot be, and for labels other than 0 and 1.
    """
    dtype = checked(experiment).dtype
    X, Y = pixels(pictures.images, dtype), targets(pictures.labels, dtype)
    net = network_for(experiment, features=len(X))
    descent = gradient_descent(experiment.learning_rate)
    reason = reason_for_primal(net, descent, X.shape[1], experiment.iterations)
    if experiment.full_space or reason:
        form = f"the full space ({reason or 'asked for'})"
        return Problem(experiment, net, descent, X, Batch(X, Y), form)
    form = f"the subspace of {X.shape[1]} columns, in the dual form"
    return Problem(experiment, net, descent, X, Batch(gram(X), Y), form)


def start(problem: Problem, seed: int) -> Parameters:
    """Return the parameters that this seed draws for the problem's network."""
    asked = problem.experiment
    return initialize_parameters(problem.network, seed, SCHEMES[asked.scheme], asked.dtype)


def fit(experiment: Experiment, pictures: Pictures, watch: Watch = identity) -> Result:
    """Return what the experiment learns from the pictures.

    `watch` is handed the states of the trajectory and hands them on: a progress bar, say. Where
    training is in the dual form, so are the states. Raises `FloatingPointError` when the cost is no
    longer finite.

    >>> black_and_white = np.array([0, 255], np.uint8).reshape(2, 1, 1, 1)
    >>> result = fit(Experiment(seed=1, hidden=()), Pictures(black_and_white, np.array([0, 1])))
    >>> [(iteration, round(cost, 3)) for iteration, cost in result.costs[:2]]
    [(0, 0.436), (100, 0.412)]
    """
    posed = problem(experiment, pictures)
    return solve(posed, start(posed, experiment.seed), watch)


def solve(problem: Problem, parameters: Parameters, watch: Watch = identity) -> Result:
    """Return what training on the problem makes of these parameters, one network's or a stack's."""
    inside, entered = enter(problem, parameters)
    trained, costs = descend(inside, entered, watch)
    if inside is not problem:
        trained = from_dual(problem.network, parameters, problem.columns, trained)
    return Result(problem.experiment, problem.network, trained, costs, problem.form)


def enter(problem: Problem, parameters: Parameters) -> tuple[Problem, Parameters]:
    """Return the problem and the parameters in the form in which they are trained."""
    if problem.batch.X is problem.columns:
        return problem, parameters
    inside = problem._replace(network=dual_network(problem.network))
    return inside, into_dual(problem.network, parameters, problem.columns)


def descend(
    problem: Problem, parameters: Parameters, watch: Watch = identity
) -> tuple[Parameters, Costs]:
    """Return the parameters after all iterations, and the sampled costs with the last one's."""
    experiment, net, descent, _, batch, _ = problem
    states = trajectory(
        make_step(net, descent),
        repeat(batch, experiment.iterations),
        initial_state(descent, parameters),
    )
    before, final = tail(2, watch(finite(states)))
    last, after = (
        compute_cost(net, forward(net, state.parameters, batch.X)[0], *batch[1:])
        for state in (before, final)
    )
    check_finite(before.iteration, last)
    check_finite(final.iteration, after)
    costs = dict(final.costs) | {before.iteration: last}
    return final.parameters, tuple(valmap(np.ndarray.tolist, valmap(np.asarray, costs)).items())


def cost(result: Result, pictures: Pictures) -> Array:
    """Return the cost of the trained parameters on the pictures, (...)."""
    dtype = result.experiment.dtype
    Z, _ = forward(result.network, result.parameters, pixels(pictures.images, dtype))
    return compute_cost(result.network, Z, targets(pictures.labels, dtype))


def probabilities(result: Result, images: NDArray[np.uint8]) -> Array:
    """Return the probability of class 1 for each of the images, (..., examples)."""
    X = pixels(images, result.experiment.dtype)
    return predict_probabilities(result.network, result.parameters, X)[..., 0, :]


def predictions(result: Result, images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the class number predicted for each of the images, (..., examples)."""
    X = pixels(images, result.experiment.dtype)
    return predict(result.network, result.parameters, X)[..., 0, :]
