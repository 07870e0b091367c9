"""Validation: how good an experiment is on examples that its networks did not see, and how sure.

Two experiments are compared over the same folds:

>>> from catpipe.experiments.validation import compare, folds_for, validate
>>> images = np.arange(0, 240, 20, dtype=np.uint8).reshape(12, 1, 1, 1)
>>> examples = images, np.arange(12) // 6
>>> folds = folds_for(Experiment(seed=1), examples, 3, seed=1, repeats=2)
>>> a = validate(Experiment(seed=1, hidden=(), learning_rate=1), examples, folds)
>>> b = validate(Experiment(seed=1, hidden=(), iterations=10), examples, folds)
>>> round(a.scores.accuracy, 2), round(b.scores.accuracy, 2)
(0.92, 0.58)
>>> round(compare(a, b).mean, 2), compare(a, b).is_significant
(0.33, False)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from catpipe.data.conversion import (
    ExamplesLike,
    class_numbers,
    examples_from,
    regression_targets,
)
from catpipe.data.folds import NEVER, Folds, checked_folds, groups_of_equal, stratified_folds
from catpipe.data.sampling import Indices
from catpipe.experiments.contexts import Context, no_context, prepared_and_trained
from catpipe.experiments.cross_validation import run_repeats
from catpipe.experiments.ensembles import Map
from catpipe.experiments.experiment import Experiment, checked, is_regression
from catpipe.experiments.setup import prepare
from catpipe.metrics.intervals import PairedDifference, paired_difference, wilson_interval
from catpipe.metrics.probabilities import (
    Reliability,
    area_under_curve,
    calibration_error,
    log_loss,
    reliability,
)
from catpipe.metrics.scores import (
    balanced_accuracy,
    confusion,
    mean_absolute_error,
    r_squared,
    root_mean_squared_error,
)
from catpipe.nn.arrays import Array
from catpipe.values import Value


class ClassScores(NamedTuple):
    """Means over the repeats of scores of classes, and the accuracy's Wilson interval of 95 %.

    The interval is that of as many examples as are held out, once each: repeats add no examples.
    """

    accuracy: float
    interval: tuple[float, float]
    balanced_accuracy: float
    area_under_curve: float
    log_loss: float
    calibration_error: float


class RegressionScores(NamedTuple):
    """Means over the repeats of scores of a regression."""

    r_squared: float
    root_mean_squared_error: float
    mean_absolute_error: float


Scores: TypeAlias = ClassScores | RegressionScores


@dataclass(frozen=True, eq=False, repr=False)
class Validation(Value):
    """What the networks of each fold gave for the examples that they did not see.

    `outputs` are (repeats, classes, examples) of probabilities, or (repeats, outputs, examples) of
    a regression's numbers, with NaN where a repeat does not hold an example out; `targets` are
    class numbers, (examples,), or (outputs, examples). `fold_scores`, (runs,), are the accuracy of
    each fold of each repeat, or its root mean squared error.
    """

    experiment: Experiment
    folds: Folds
    targets: NDArray[np.int64] | Array
    weights: Array | None
    outputs: Array
    scores: Scores
    fold_scores: Array


def folds_for(
    experiment: Experiment,
    examples: ExamplesLike,
    folds: int,
    seed: int,
    repeats: int = 1,
    groups: Indices | None = None,
) -> Folds:
    """Return stratified folds of these examples, (repeats, examples), as `stratified_folds` does.

    Without groups, examples of equal inputs stay together. Raises `ValueError` as that does.

    >>> folds_for(Experiment(seed=1), pictures, folds=2, seed=1).shape
    (1, 2)
    """
    inputs, _, _ = given = examples_from(examples)
    targets = _targets(experiment, given)
    labels = targets if targets.ndim == 1 else np.zeros(len(inputs), np.int64)
    together = groups_of_equal(inputs) if groups is None else groups
    return stratified_folds(labels, folds, seed, repeats, together)


def validate(
    experiment: Experiment,
    examples: ExamplesLike,
    folds: Folds,
    map_: Map = map,
    seeds: Sequence[int] = (),
    *,
    context: Context = no_context,
) -> Validation:
    """Return how good the experiment is on the examples of each fold, trained on the others.

    folds: (repeats, examples) as of `folds_for`, `data.hold_outs` or `data.leave_one_out`. All
    folds of all repeats are trained by one call of `map_`, in stacks where they can be. With seeds
    each fold has a network of each, which predict together. Raises as `cross_validate` does, and
    `ValueError` for a repeat that holds out one class alone, and for a fold of weights of 0.

    >>> images = np.array([0, 1, 254, 255], np.uint8).reshape(4, 1, 1, 1)
    >>> one = Experiment(seed=1, hidden=())
    >>> validate(one, (images, [0, 0, 1, 1]), np.array([0, 1, 0, 1])).fold_scores
    array([1., 1.])
    """
    experiment, given = checked(experiment), examples_from(examples)
    targets, weights = _targets(experiment, given), given.weights
    rows = checked_folds(folds, len(given.inputs))
    _check_can_be_scored(targets, rows, weights)
    outputs = prepared_and_trained(
        context,
        lambda: prepare(experiment, given)._replace(seeds=tuple(seeds)),
        lambda setup: run_repeats(setup, rows, map_),
    )
    scores = _regression_scores if is_regression(experiment) else _class_scores
    return Validation(
        experiment=experiment,
        folds=rows,
        targets=targets,
        weights=weights,
        outputs=outputs,
        scores=scores(outputs, targets, rows, weights),
        fold_scores=_fold_scores(outputs, targets, rows, weights),
    )


def compare(
    validation: Validation, other: Validation, confidence: float = 0.95
) -> PairedDifference:
    """Return how much better the first is than the other, over the same folds, and how sure.

    It is the difference of accuracies, or how much smaller the root mean squared error is, with the
    interval of `metrics.paired_difference`. Raises `ValueError` for other folds or other targets.

    >>> images = np.array([0, 1, 254, 255], np.uint8).reshape(4, 1, 1, 1)
    >>> one = Experiment(seed=1, hidden=())
    >>> found = validate(one, (images, [0, 0, 1, 1]), np.array([0, 1, 0, 1]))
    >>> compare(found, found)
    PairedDifference(mean=0.0, low=0.0, high=0.0)
    """
    for name in ("folds", "targets"):
        if not np.array_equal(getattr(validation, name), getattr(other, name)):
            raise ValueError(
                f"two validations of other {name}; expected the same: validate both on the same "
                "examples and folds"
            )
    sign = -1 if is_regression(validation.experiment) else 1
    pair = sign * validation.fold_scores, sign * other.fold_scores
    return paired_difference(*pair, _test_to_training(validation.folds), confidence)


def confusion_of(validation: Validation) -> NDArray[np.int64]:
    """Return the confusion matrix, (classes, classes), of the held-out examples of all repeats.

    Raises `ValueError` for a regression.

    >>> images = np.array([0, 1, 254, 255], np.uint8).reshape(4, 1, 1, 1)
    >>> one = Experiment(seed=1, hidden=())
    >>> confusion_of(validate(one, (images, [0, 0, 1, 1]), np.array([0, 1, 0, 1])))
    array([[2, 0],
           [0, 2]])
    """
    probabilities, labels = _pooled(validation)
    return confusion(probabilities.argmax(0), labels, len(probabilities))


def reliability_of(validation: Validation, bins: int = 10) -> Reliability:
    """Return the reliability of the held-out predictions of all repeats, as `reliability` does.

    Raises `ValueError` for a regression.

    >>> images = np.array([0, 1, 254, 255], np.uint8).reshape(4, 1, 1, 1)
    >>> one = Experiment(seed=1, hidden=())
    >>> found = validate(one, (images, [0, 0, 1, 1]), np.array([0, 1, 0, 1]))
    >>> reliability_of(found, bins=2).accuracies
    array([1.])
    """
    return reliability(*_pooled(validation), bins)


def _targets(experiment: Experiment, given: ExamplesLike) -> NDArray[np.int64] | Array:
    """Return class numbers, (examples,), or of a regression (outputs, examples)."""
    targets = np.asarray(given[1])
    if is_regression(experiment):
        return regression_targets(targets).T
    return class_numbers(targets, experiment.classes)[0]


def _check_can_be_scored(
    targets: NDArray[np.int64] | Array, folds: Folds, weights: Array | None
) -> None:
    """Refuse, before training, what the scores could not judge."""
    counts = np.ones(folds.shape[1]) if weights is None else weights
    for repeat, row in enumerate(folds):
        held = row != NEVER
        if any(not counts[row == number].any() for number in np.unique(row[held])):
            raise ValueError(
                f"repeat {repeat} has a fold whose examples have weight 0; expected some above: "
                "leave them out, or never hold them out (-1)"
            )
        if targets.ndim == 1 and len(np.unique(targets[held & (counts > 0)])) < 2:
            raise ValueError(
                f"repeat {repeat} holds out examples of one class; expected two or more to tell "
                "apart: hold out more"
            )


def _pooled(validation: Validation) -> tuple[Array, NDArray[np.int64]]:
    if is_regression(validation.experiment):
        raise ValueError("probabilities of a regression; expected classes: look at its outputs")
    held = validation.folds != NEVER
    labels = np.broadcast_to(validation.targets, held.shape)[held]
    return np.moveaxis(validation.outputs, 1, 0)[:, held], labels


def _class_scores(outputs: Array, labels: Array, folds: Folds, weights: Array | None) -> Scores:
    repeats = [
        (P[:, held], labels[held], None if weights is None else weights[held])
        for P, held in zip(outputs, folds != NEVER, strict=True)
    ]
    means = [
        float(np.mean([score(*repeat) for repeat in repeats]))
        for score in (_accuracy, _balanced_accuracy, area_under_curve, log_loss, _calibration_error)
    ]
    count = _effective_count(weights, (folds != NEVER).any(0))
    return ClassScores(means[0], wilson_interval(means[0] * count, count), *means[1:])


def _regression_scores(outputs: Array, Y: Array, folds: Folds, weights: Array | None) -> Scores:
    held = folds != NEVER
    means = [
        float(np.mean([score(P[:, of], Y[:, of], _shares(weights, of))
                       for P, of in zip(outputs, held, strict=True)]))
        for score in (r_squared, root_mean_squared_error, mean_absolute_error)
    ]  # fmt: skip
    return RegressionScores(*means)


def _fold_scores(outputs: Array, targets: Array, folds: Folds, weights: Array | None) -> Array:
    """Return the score of each fold of each repeat, (runs,)."""
    score = _accuracy if targets.ndim == 1 else _error
    runs = [
        (P[:, row == number], targets[..., row == number], _shares(weights, row == number))
        for P, row in zip(outputs, folds, strict=True)
        for number in np.unique(row[row != NEVER])
    ]
    return np.array([score(*run) for run in runs])


def _shares(weights: Array | None, held: NDArray[np.bool_]) -> Array | None:
    """Return the weights of these examples with a sum of 1, (1, examples)."""
    return None if weights is None else (weights[held] / weights[held].sum())[np.newaxis]


def _accuracy(probabilities: Array, labels: Array, weights: Array | None) -> float:
    correct = probabilities.argmax(0) == labels
    return float(np.average(correct, weights=None if weights is None else np.ravel(weights)))


def _balanced_accuracy(probabilities: Array, labels: Array, weights: Array | None) -> float:
    return balanced_accuracy(probabilities.argmax(0), labels, weights)


def _calibration_error(probabilities: Array, labels: Array, weights: Array | None) -> float:
    return calibration_error(probabilities, labels, weights=weights)


def _error(outputs: Array, Y: Array, weights: Array | None) -> float:
    return float(root_mean_squared_error(outputs, Y, weights))


def _effective_count(weights: Array | None, held: NDArray[np.bool_]) -> float:
    """Return how many examples of equal weight would be as sure (Kish 1965)."""
    if weights is None:
        return int(held.sum())
    return float(weights[held].sum() ** 2 / (weights[held] ** 2).sum())


def _test_to_training(folds: Folds) -> float:
    """Return how many examples a fold holds out for each that it trains on, on the average."""
    sizes = np.array([(row == number).sum() for row in folds for number in {*row} - {NEVER}])
    return float(sizes.mean() / (folds.shape[1] - sizes).mean())
