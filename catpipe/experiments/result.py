"""The result of an experiment: trained parameters, where the run is, and what it predicts."""

from __future__ import annotations

from reprlib import repr as brief
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from catpipe.data.batches import normalized
from catpipe.data.conversion import (
    ExamplesLike,
    check_shape,
    check_within,
    class_numbers,
    examples_from,
    inputs_from,
    regression_targets,
)
from catpipe.data.examples import targets
from catpipe.experiments.experiment import Experiment, is_regression
from catpipe.experiments.features import columns_of, logits_of
from catpipe.metrics.scores import accuracy, r_squared
from catpipe.nn.arrays import Array
from catpipe.nn.network import Network, compute_cost
from catpipe.nn.parameters import Parameters
from catpipe.optim.optimizers import Optimizer
from catpipe.training.cost_history import Costs
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
    class_names: tuple[str, ...] = ()  # of the classes, where the targets were names
    checkpoint: Checkpoint | None = None  # none of networks that were trained one by one
    seeds: tuple[int, ...] = ()  # of a stack, one a network
    optimizer: Optimizer | None = None  # where it is not the one that the experiment describes
    fitted: tuple[Parameters, ...] = ()  # what each of the experiment's transforms has learned
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
    checkpoint = checked_result(result).checkpoint
    if checkpoint is None:
        raise ValueError(
            "networks that were trained one by one; expected one run: train each of them anew"
        )
    return checkpoint


def seeds_of(result: Result) -> tuple[int, ...]:
    """Return the seeds of a result's networks, which may be one.

    >>> seeds_of(fit(Experiment(seed=7, hidden=(), iterations=1), pictures))
    (7,)
    """
    return result.seeds or (result.experiment.seed,)


class Evaluation(NamedTuple):
    """The cost on examples, and the accuracy or R squared: one number each, or one a network."""

    cost: Array
    score: Array


def evaluate(result: Result, examples: ExamplesLike) -> Evaluation:
    """Return how good the trained parameters are: `cost_on`, and `accuracy_on` or `r_squared_on`.

    What transforms make of the examples is made once for both. Raises as those do.

    >>> cost, score = evaluate(fit(Experiment(seed=1, hidden=()), pictures), pictures)
    >>> round(float(cost), 3), float(score)
    (0.19, 1.0)
    """
    Z, Y, weights = _logits_and_targets(result, examples)
    return Evaluation(compute_cost(result.network, Z, Y, weights), _score(result, Z, Y, weights))


def _score(result: Result, Z: Array, Y: Array, weights: Array | None) -> Array:
    predicted = result.network.loss.predict(Z)
    if is_regression(result.experiment):
        return r_squared(predicted, Y, weights)
    return accuracy(predicted, Y.argmax(-2, keepdims=True) if len(Y) > 1 else Y, weights)


def cost_on(result: Result, examples: ExamplesLike) -> Array:
    """Return the cost of the trained parameters on the examples: one number, or one a network.

    Weights of examples count. Raises `TypeError` and `ValueError` for examples that the network
    cannot take.

    >>> round(float(cost_on(fit(Experiment(seed=1, hidden=()), pictures), pictures)), 3)
    0.19
    """
    Z, Y, weights = _logits_and_targets(result, examples)
    return compute_cost(result.network, Z, Y, weights)


def probabilities(result: Result, inputs: ArrayLike) -> Array:
    """Return the probability of each class for each of the inputs, (..., classes, examples).

    Raises `ValueError` for a regression, and as `predictions` does.

    >>> probabilities(fit(Experiment(seed=1, hidden=()), pictures), images).round(1)
    array([[0.8, 0.1],
           [0.2, 0.9]])
    """
    Z = _logits(result, inputs)
    _check_classes(result, "probabilities")
    return of_classes(result.network.loss.link(Z))


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


def predictions(result: Result, inputs: ArrayLike) -> NDArray[Any]:
    """Return what is predicted for each of the inputs, (..., examples).

    It is a class number, the class's name where the targets were names, or the number of a
    regression; of several outputs, (..., examples, outputs). Raises `TypeError` and `ValueError`
    for inputs of another shape or type than the network was trained on.

    >>> predictions(fit(Experiment(seed=1, hidden=()), pictures), images)
    array([0, 1])
    """
    Z = _logits(result, inputs)
    found = result.network.loss.predict(Z)
    if result.class_names:
        return np.array(result.class_names)[found[..., 0, :]]
    return found[..., 0, :] if found.shape[-2] == 1 else found.mT


def ensemble_probabilities(result: Result, inputs: ArrayLike) -> Array:
    """Return the probability of each class, (classes, examples), averaged over a stack's networks.

    Raises as `probabilities` does.

    >>> stack = fit_seeds(Experiment(seed=1, hidden=()), (1, 2), pictures)
    >>> ensemble_probabilities(stack, images).round(1)
    array([[0.8, 0.2],
           [0.2, 0.8]])
    """
    found = probabilities(result, inputs)
    return found.mean(0) if result.seeds else found


def ensemble_predictions(result: Result, inputs: ArrayLike) -> NDArray[Any]:
    """Return what the networks of a stack predict together, as `predictions` does of one network.

    It is the class of the highest averaged probability, or the mean of a regression.

    >>> stack = fit_seeds(Experiment(seed=1, hidden=()), (1, 2), pictures)
    >>> ensemble_predictions(stack, images)
    array([0, 1])
    """
    if not result.seeds:
        return predictions(result, inputs)
    if is_regression(result.experiment):
        return np.asarray(predictions(result, inputs).mean(0))
    numbers = ensemble_probabilities(result, inputs).argmax(0)
    return np.array(result.class_names)[numbers] if result.class_names else numbers


def accuracy_on(result: Result, examples: ExamplesLike) -> Array:
    """Return the share of the examples that is predicted right: one number, or one a network.

    Weights of examples count. Raises `ValueError` for a regression, and as `cost_on` does.

    >>> float(accuracy_on(fit(Experiment(seed=1, hidden=()), pictures), pictures))
    1.0
    """
    _check_classes(result, "accuracy")
    return _score(result, *_logits_and_targets(result, examples))


def r_squared_on(result: Result, examples: ExamplesLike) -> Array:
    """Return the share of the targets' variance that a regression explains: one, or one a network.

    Weights of examples count. Raises `ValueError` for classes, and as `cost_on` does.

    >>> regression = Experiment(seed=1, hidden=(), loss="mean_squared_error")
    >>> line = [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0]
    >>> float(r_squared_on(fit(regression, line), line).round(3))
    1.0
    """
    if not is_regression(checked_result(result).experiment):
        raise ValueError("R squared of classes; expected a regression: use accuracy_on")
    return _score(result, *_logits_and_targets(result, examples))


def _logits_and_targets(result: Result, examples: Any) -> tuple[Array, Array, Array | None]:
    """Return the network's logits and targets, and the examples' weights, with a sum of 1."""
    experiment = checked_result(result).experiment
    given = examples_from(examples)
    Z = _logits(result, given.inputs)
    weights = None if given.weights is None else normalized(given.weights[np.newaxis])
    if is_regression(experiment):
        Y = regression_targets(given.targets).T
        check_within(Y, experiment.dtype, "targets")
        return Z, Y.astype(experiment.dtype), weights
    labels, _ = class_numbers(given.targets, experiment.classes, result.class_names)
    return Z, targets(labels, experiment.classes, experiment.dtype), weights


def _logits(result: Result, inputs: Any) -> Array:
    trained = checked_result(result)
    converted = inputs_from(inputs, like=trained.input_type)
    check_shape(converted, trained.input_shape)
    X = columns_of(trained.experiment, trained.fitted, converted)
    return logits_of(trained.network, trained.parameters, X, len(converted))


def checked_result(result: Result) -> Result:
    """Return the result; raise `TypeError` for what is none.

    >>> checked_result(None)
    Traceback (most recent call last):
    TypeError: None is no Result; expected one: fit an experiment
    """
    if isinstance(result, Result):
        return result
    has_one = isinstance(getattr(result, "result", None), Result)
    todo = "give its .result" if has_one else "fit an experiment"
    raise TypeError(f"{brief(result)} is no Result; expected one: {todo}")


def _check_classes(result: Result, what: str) -> None:
    if is_regression(checked_result(result).experiment):
        raise ValueError(f"{what} of a regression; expected classes: use predictions or r_squared")
