"""What came of an experiment, where it can carry on from, and what it says of pictures."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from catpipe.data.examples import Pictures, targets
from catpipe.data.transforms import pixels
from catpipe.experiments.experiment import Experiment
from catpipe.metrics import accuracy
from catpipe.nn.network import Network, cost_of, predict, predict_probabilities
from catpipe.nn.parameters import Array, Parameters
from catpipe.training.loop import Costs
from catpipe.training.stopping import Checkpoint


class Reached(NamedTuple):
    """All that a run needs to carry on: its state as it is in the space it is trained in."""

    kept: Checkpoint
    space: str  # the kind: full, dual or spanned
    end: int  # the iteration that was asked for
    examples: int  # pictures to train on
    own: int  # and those of a validation set
    pictures: str  # what all of them are known by


class Result(NamedTuple):
    """What came of an experiment, so far.

    The cost at an iteration is that of the parameters before its update, on its batch and without
    L2; every hundredth is kept and, once the run is over, the last. A stack's arrays have a leading
    axis, its costs are lists, and its iteration is the latest of its networks.
    """

    experiment: Experiment
    network: Network
    parameters: Parameters
    costs: Costs
    space: str  # what it was trained in, and why where that was not the subspace
    iteration: int  # at which the parameters were reached: the last or, stopped early, the best
    reached: Reached | None = None  # none of seeds that were not trained as one
    seeds: tuple[int, ...] = ()  # of a stack, one a network


def reached_of(result: Result) -> Reached:
    """Return where the run is; raise `ValueError` for runs that were not trained as one.

    >>> from catpipe.data.drawn.drawings import draw
    >>> asked = Experiment(seed=1, hidden=(), iterations=3)
    >>> reached_of(fit(asked, draw(1, 2, 1).train)).kept.state.iteration
    3
    """
    if result.reached is None:
        raise ValueError("networks that were not trained as one; expected one run: train each anew")
    return result.reached


def is_over(experiment: Experiment, at: int, waited: int, end: int) -> bool:
    """Return whether a run at this iteration is where it ends, or was stopped early.

    >>> is_over(Experiment(seed=1), at=7, waited=0, end=7)
    True
    """
    return at >= end or was_stopped(experiment, waited)


def is_last(experiment: Experiment, end: int, kept: Checkpoint) -> bool:
    """Return whether what is kept is the last of a run: `is_over`, of it.

    >>> state = State(7, Parameters(), ())
    >>> is_last(Experiment(seed=1), 7, Checkpoint(state, state, 0.0, 0))
    True
    """
    return is_over(experiment, kept.state.iteration, kept.waited, end)


def was_stopped(experiment: Experiment, waited: int) -> bool:
    """Return whether a run that has waited for so many checks was stopped early.

    >>> was_stopped(Experiment(seed=1, early_stopping=3), waited=3)
    True
    """
    return experiment.early_stopping is not None and waited >= experiment.early_stopping


def cost_on(result: Result, pictures: Pictures) -> Array:
    """Return the cost of the trained parameters on the pictures: one number, or one a network.

    >>> round(float(cost_on(fit(Experiment(seed=1, hidden=()), pictures), pictures)), 3)
    0.19
    """
    asked = result.experiment
    X = pixels(pictures.images, asked.dtype)
    Y = targets(pictures.labels, asked.classes, asked.dtype)
    return cost_of(result.network, result.parameters, X, Y)


def probabilities(result: Result, images: NDArray[np.uint8]) -> Array:
    """Return the probability of each class for each of the images, (..., classes, examples).

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

    >>> predictions(fit(Experiment(seed=1, hidden=()), pictures), images)
    array([0, 1])
    """
    X = pixels(images, result.experiment.dtype)
    return predict(result.network, result.parameters, X)[..., 0, :]


def accuracy_on(result: Result, pictures: Pictures) -> Array:
    """Return the share of the pictures that is predicted right: one number, or one a network.

    >>> float(accuracy_on(fit(Experiment(seed=1, hidden=()), pictures), pictures))
    1.0
    """
    predicted = predictions(result, pictures.images)[..., np.newaxis, :]
    return accuracy(predicted, pictures.labels[np.newaxis])
