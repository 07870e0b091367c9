"""Fitting an experiment to pictures: from the one and the others to a result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from toolz import identity, tail

from catpipe.batches import Batch, whole
from catpipe.dual import dual_network, from_dual, gram, into_dual, reason_for_primal
from catpipe.experiments import SCHEMES, Experiment, checked, network_for
from catpipe.metrics import accuracy
from catpipe.network import (
    Network,
    compute_cost,
    forward,
    initialize_parameters,
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


def problem(experiment: Experiment, pictures: Pictures) -> Problem:
    """Return the problem to solve: in the dual form, where that is exact and pays.

    Raises `ValueError` for an experiment that cannot be, and for labels other than 0 and 1.

    >>> images = np.array([0, 255], np.uint8).reshape(2, 1, 1, 1)
    >>> pictures = Pictures(images, np.array([0, 1]))
    >>> problem(Experiment(seed=1), pictures).form
    'the full space (2 columns of 1 features take fewer multiplications as they are)'
    """
    dtype = checked(experiment).dtype
    X, Y = pixels(pictures.images, dtype), targets(pictures.labels, dtype)
    net = network_for(experiment, features=len(X))
    descent = gradient_descent(experiment.learning_rate)
    reason = reason_for_primal(net, descent, X.shape[1], experiment.iterations)
    if experiment.full_space or reason:
        form = f"the full space ({'asked for' if experiment.full_space else reason})"
        return Problem(experiment, net, descent, X, Batch(X, Y), form)
    form = f"the subspace of {X.shape[1]} columns, in the dual form"
    return Problem(experiment, net, descent, X, Batch(gram(X), Y), form)


def start(problem: Problem, seed: int) -> Parameters:
    """Return the parameters that this seed draws for the problem's network.

    >>> images = np.array([0, 255], np.uint8).reshape(2, 1, 1, 1)
    >>> pictures = Pictures(images, np.array([0, 1]))
    >>> start(problem(Experiment(seed=1, hidden=()), pictures), seed=1)["W1"].round(3)
    array([[1.624]])
    """
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
    """Return what training on the problem makes of these parameters, one network's or a stack's.

    >>> images = np.array([0, 255], np.uint8).reshape(2, 1, 1, 1)
    >>> pictures = Pictures(images, np.array([0, 1]))
    >>> posed = problem(Experiment(seed=1, hidden=(), iterations=1), pictures)
    >>> solve(posed, Parameters(W1=[[0.0]], b1=[[0.0]])).parameters["W1"]
    array([[0.001875]])
    """
    inside, entered = enter(problem, parameters)
    trained, costs = descend(inside, entered, watch)
    if inside is not problem:
        trained = from_dual(problem.network, parameters, problem.columns, trained)
    return Result(problem.experiment, problem.network, trained, costs, problem.form)


def enter(problem: Problem, parameters: Parameters) -> tuple[Problem, Parameters]:
    """Return the problem and the parameters in the form in which they are trained.

    That is as they are where the problem is posed in the full space.
    """
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
        whole(batch.X, batch.Y, experiment.iterations, batch.shares),
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
    return final.parameters, tuple(
        (iteration, np.asarray(each).tolist()) for iteration, each in costs.items()
    )


def cost(result: Result, pictures: Pictures) -> Array:
    """Return the cost of the trained parameters on the pictures: one number, or one a network.

    >>> images = np.array([0, 255], np.uint8).reshape(2, 1, 1, 1)
    >>> pictures = Pictures(images, np.array([0, 1]))
    >>> round(float(cost(fit(Experiment(seed=1, hidden=()), pictures), pictures)), 3)
    0.19
    """
    dtype = result.experiment.dtype
    Z, _ = forward(result.network, result.parameters, pixels(pictures.images, dtype))
    return compute_cost(result.network, Z, targets(pictures.labels, dtype))


def probabilities(result: Result, images: NDArray[np.uint8]) -> Array:
    """Return the probability of class 1 for each of the images, (..., examples).

    >>> images = np.array([0, 255], np.uint8).reshape(2, 1, 1, 1)
    >>> pictures = Pictures(images, np.array([0, 1]))
    >>> probabilities(fit(Experiment(seed=1, hidden=()), pictures), images).round(1)
    array([0.2, 0.9])
    """
    X = pixels(images, result.experiment.dtype)
    return predict_probabilities(result.network, result.parameters, X)[..., 0, :]


def predictions(result: Result, images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the class number predicted for each of the images, (..., examples).

    >>> images = np.array([0, 255], np.uint8).reshape(2, 1, 1, 1)
    >>> pictures = Pictures(images, np.array([0, 1]))
    >>> predictions(fit(Experiment(seed=1, hidden=()), pictures), images)
    array([0, 1])
    """
    X = pixels(images, result.experiment.dtype)
    return predict(result.network, result.parameters, X)[..., 0, :]


def share_right(result: Result, pictures: Pictures) -> Array:
    """Return the share of the pictures that is predicted right: one number, or one a network.

    >>> images = np.array([0, 255], np.uint8).reshape(2, 1, 1, 1)
    >>> pictures = Pictures(images, np.array([0, 1]))
    >>> float(share_right(fit(Experiment(seed=1, hidden=()), pictures), pictures))
    1.0
    """
    predicted = predictions(result, pictures.images)[..., np.newaxis, :]
    return accuracy(predicted, pictures.labels[np.newaxis])
