"""Fitting an experiment to pictures: from the one and the others to a result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from toolz import identity, tail

from catpipe.experiments import Experiment, optimizer_for
from catpipe.folds import cost_of, predict, predict_probabilities
from catpipe.metrics import accuracy
from catpipe.network import Network
from catpipe.parameters import Array, Parameters
from catpipe.problems import Problem, batches_of, epoch_of, iterations_of, network_of, roles
from catpipe.problems import problem as pose
from catpipe.problems import start as draw_start
from catpipe.stopping import Kept, early_stopping
from catpipe.training import (
    Costs,
    Diverged,
    State,
    check_finite,
    finite,
    initial_state,
    make_step,
    trajectory,
)
from catpipe.transforms import Pictures, pixels, targets

Watch: TypeAlias = Callable[[Iterator[State]], Iterator[State]]

CHECK_EVERY = 100  # iterations, for early stopping on full batches


class Result(NamedTuple):
    """What came of an experiment.

    The cost at an iteration is that of the parameters before its update, on its batch and without
    L2; every hundredth is kept, and the last. A stack's arrays have a leading axis, its costs are
    lists, and its iteration is the latest of its networks.
    """

    experiment: Experiment
    network: Network
    parameters: Parameters
    costs: Costs
    space: str  # what it was trained in, and why where that was not the subspace
    iteration: int  # at which the parameters were reached: the last or, stopped early, the best


def fit(
    experiment: Experiment,
    pictures: Pictures,
    watch: Watch = identity,
    validation: Pictures | None = None,
) -> Result:
    """Return what the experiment learns from the pictures.

    `watch` is handed the states of the trajectory and hands them on: a progress bar, say. They are
    as they are in the space where training is done. Early stopping looks at the validation set or,
    without one, at a fifth of the pictures. Raises `Diverged`, with the last finite state in the
    full space, when the cost is no longer finite.

    >>> black_and_white = np.array([0, 255], np.uint8).reshape(2, 1, 1, 1)
    >>> result = fit(Experiment(seed=1, hidden=()), Pictures(black_and_white, np.array([0, 1])))
    >>> [(iteration, round(cost, 3)) for iteration, cost in result.costs[:2]]
    [(0, 0.436), (100, 0.412)]
    """
    posed = pose(experiment, pictures, validation)
    return solve(posed, draw_start(posed, experiment.seed), watch)


def solve(problem: Problem, parameters: Parameters, watch: Watch = identity) -> Result:
    """Return what training on the problem makes of these parameters, one network's or a stack's.

    >>> images = np.array([0, 255], np.uint8).reshape(2, 1, 1, 1)
    >>> pictures = Pictures(images, np.array([0, 1]))
    >>> posed = pose(Experiment(seed=1, hidden=(), iterations=1), pictures)
    >>> solve(posed, Parameters(W1=[[0.0]], b1=[[0.0]])).parameters["W1"]
    array([[0.001875]])
    """
    network, space = network_of(problem), problem.space
    leave = partial(space.leave, network, parameters)
    try:
        best, costs = descend(problem, *space.enter(network, parameters), watch)
    except Diverged as error:
        good = error.state
        raise Diverged(str(error), State(good.iteration, leave(good.parameters), ())) from None
    left = leave(best.parameters)
    return Result(problem.experiment, network, left, costs, space.name, best.iteration)


def descend(
    problem: Problem, network: Network, parameters: Parameters, watch: Watch = identity
) -> tuple[State, Costs]:
    """Return the last state or, stopped early, the best; and the sampled costs with the last one's.

    The network and the parameters are as they are in the problem's space.
    """
    optimizer = optimizer_for(problem.experiment, iterations_of(problem))
    state, step = initial_state(optimizer, parameters), make_step(network, optimizer)
    states = watch(finite(trajectory(step, batches_of(problem), state)))
    before, final = tail(2, _kept(problem, network, states))
    last = before.state.iteration
    batch = next(batches_of(problem, last))
    cost, after = (
        cost_of(network, kept.state.parameters, *batch, last) for kept in (before, final)
    )
    check_finite(last, cost, before.state)
    check_finite(final.state.iteration, after, before.state)
    costs = dict(final.state.costs) | {last: cost}
    return final.best, tuple((i, np.asarray(each).tolist()) for i, each in costs.items())


def _kept(problem: Problem, network: Network, states: Iterable[State]) -> Iterator[Kept]:
    """Hand on the states with the best of them: without early stopping, the last."""
    patience, (_, held) = problem.experiment.early_stopping, roles(problem)
    if patience is None or held is None:
        return (Kept(state, state, 0.0, 0) for state in states)
    every = epoch_of(problem) if problem.experiment.batch_size else CHECK_EVERY
    cost = partial(_validation_cost, problem, network, held)
    last = iterations_of(problem)
    return early_stopping(states, cost, patience, every=every, last=last)


def _validation_cost(
    problem: Problem, network: Network, shares: Array, parameters: Parameters
) -> float:
    return float(cost_of(network, parameters, problem.space.columns, problem.Y, shares).item())


def cost(result: Result, pictures: Pictures) -> Array:
    """Return the cost of the trained parameters on the pictures: one number, or one a network.

    >>> images = np.array([0, 255], np.uint8).reshape(2, 1, 1, 1)
    >>> pictures = Pictures(images, np.array([0, 1]))
    >>> round(float(cost(fit(Experiment(seed=1, hidden=()), pictures), pictures)), 3)
    0.19
    """
    asked = result.experiment
    X = pixels(pictures.images, asked.dtype)
    Y = targets(pictures.labels, asked.classes, asked.dtype)
    return cost_of(result.network, result.parameters, X, Y)


def probabilities(result: Result, images: NDArray[np.uint8]) -> Array:
    """Return the probability of each class for each of the images, (..., classes, examples).

    >>> images = np.array([0, 255], np.uint8).reshape(2, 1, 1, 1)
    >>> pictures = Pictures(images, np.array([0, 1]))
    >>> probabilities(fit(Experiment(seed=1, hidden=()), pictures), images).round(1)
    array([[0.8, 0.1],
           [0.2, 0.9]])
    """
    X = pixels(images, result.experiment.dtype)
    return of_classes(predict_probabilities(result.network, result.parameters, X))


def of_classes(probabilities: Array) -> Array:
    """Return the probability of each class, (..., classes, examples), from a network's own.

    Those of two classes are one row, (..., 1, examples), the probability of class 1.

    >>> of_classes(np.array([[0.25, 1.0]]))
    array([[0.75, 0.  ],
           [0.25, 1.  ]])
    """
    if probabilities.shape[-2] > 1:
        return probabilities
    return np.concatenate([1 - probabilities, probabilities], axis=-2)


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
