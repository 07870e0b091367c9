"""The result of an experiment: trained parameters, where the run is, and what it predicts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from catpipe.data.examples import Examples, targets
from catpipe.data.transforms import pixels
from catpipe.experiments.experiment import Experiment
from catpipe.metrics import accuracy
from catpipe.nn.network import Network, cost_of, predict, predict_probabilities
from catpipe.nn.parameters import Array, Parameters
from catpipe.optim.optimizers import Optimizer
from catpipe.training.loop import Costs
from catpipe.training.stopping import Checkpoint


class Result(NamedTuple):
    """The result of an experiment, so far.

    The cost at an iteration is that of the parameters before its update, on its batch and without
    L2; every hundredth is sampled and, once the run is finished, the last. A stack's arrays have a
    leading axis, its costs are lists, and its iteration is the latest of its networks.
    """

    experiment: Experiment
    network: Network
    parameters: Parameters
    costs: Costs
    iteration: int  # of the parameters: the last or, with early stopping, the best
    planned_iterations: int
    space: str  # the kind that the run is trained in: full, dual or subspace
    space_description: str  # and, for people, which one it is and why
    input_shape: tuple[int, ...]  # of one example
    input_type: str
    training_examples: int
    validation_examples: int  # of a validation set of the user's
    fingerprint: str  # the SHA-256 of all inputs and targets
    weights: str | None = None  # and of the examples' weights, where they have some
    checkpoint: Checkpoint | None = None  # none of networks that were trained one by one
    seeds: tuple[int, ...] = ()  # of a stack, one a network
    optimizer: Optimizer | None = None  # where it is not the one that the experiment describes
    earlier: tuple[tuple[int, Experiment], ...] = ()  # those that held before, each until when

    @property
    def iterations_done(self) -> int:
        """Return how many iterations were trained; raises as `checkpoint_of` does."""
        return checkpoint_of(self).state.iteration

    @property
    def stopped_early(self) -> bool:
        """Return whether early stopping ended the run; raises as `checkpoint_of` does."""
        return checkpoint_of(self).stopped_early(self.experiment.early_stopping)

    @property
    def is_finished(self) -> bool:
        """Return whether nothing is left to train; raises as `checkpoint_of` does."""
        patience = self.experiment.early_stopping
        return checkpoint_of(self).is_finished(self.planned_iterations, patience)


def checkpoint_of(result: Result) -> Checkpoint:
    """Return where the run is; raise `ValueError` for networks that were trained one by one.

    >>> from catpipe.data.drawn.drawings import draw
    >>> short = Experiment(seed=1, hidden=(), iterations=3)
    >>> checkpoint_of(fit(short, draw(1, 2, 1).train)).state.iteration
    3
    """
    if result.checkpoint is None:
        raise ValueError(
            "networks that were trained one by one; expected one run: train each of them anew"
        )
    return result.checkpoint


def cost_on(result: Result, examples: Examples) -> Array:
    """Return the cost of the trained parameters on the examples: one number, or one a network.

    >>> round(float(cost_on(fit(Experiment(seed=1, hidden=()), pictures), pictures)), 3)
    0.19
    """
    experiment = result.experiment
    X = pixels(examples.inputs, experiment.dtype)
    Y = targets(examples.targets, experiment.classes, experiment.dtype)
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
    """Return the probability of each class, (..., classes, examples), from a network's outputs.

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


def accuracy_on(result: Result, examples: Examples) -> Array:
    """Return the share of the examples that is predicted right: one number, or one a network.

    >>> float(accuracy_on(fit(Experiment(seed=1, hidden=()), pictures), pictures))
    1.0
    """
    predicted = predictions(result, examples.inputs)[..., np.newaxis, :]
    return accuracy(predicted, examples.targets[np.newaxis])
