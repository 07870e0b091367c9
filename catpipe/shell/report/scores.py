"""How good a run is on examples, as rows of names and words: of predictions made once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from catpipe.data.examples import Examples
from catpipe.experiments.experiment import is_regression
from catpipe.experiments.result import Result, predictions, probabilities
from catpipe.metrics.intervals import wilson_interval
from catpipe.metrics.probabilities import area_under_curve, calibration_error, log_loss
from catpipe.metrics.scores import (
    balanced_accuracy,
    confusion,
    mean_absolute_error,
    r_squared,
    root_mean_squared_error,
)
from catpipe.nn.arrays import Array


class Predicted(NamedTuple):
    """What the networks of a result predict of examples: each of them, and all together.

    These are probabilities, (networks, classes, examples), and `targets` are class numbers,
    (examples,); of a regression they are numbers, (networks, outputs, examples), and `targets` are
    (outputs, examples). Together networks predict their mean.
    """

    of_each: Array
    together: Array
    targets: NDArray[Any]

    @property
    def are_classes(self) -> bool:
        """Return whether the targets are classes, and not the numbers of a regression."""
        return self.targets.ndim == 1


def predicted_of(result: Result, examples: Examples) -> Predicted:
    """Return what a result predicts of examples whose classes are numbers.

    >>> predicted_of(fit(Experiment(seed=1, hidden=()), pictures), pictures).together.round(1)
    array([[0.8, 0.1],
           [0.2, 0.9]])
    """
    count, targets = len(examples.targets), examples.targets
    if is_regression(result.experiment):
        found = predictions(result, examples.inputs)
        of_each = np.asarray(found, float).reshape(max(1, len(result.seeds)), count, -1).mT
        targets = np.asarray(targets, float).reshape(count, -1).T
    else:
        found = probabilities(result, examples.inputs)
        of_each = found.reshape(-1, *found.shape[-2:])
    return Predicted(of_each, of_each.mean(0), targets)


def score_of_each(predicted: Predicted) -> Array:
    """Return the accuracy of each network or, of a regression, its R squared, (networks,).

    >>> score_of_each(predicted_of(fit(Experiment(seed=1, hidden=()), pictures), pictures))
    array([1.])
    """
    if predicted.are_classes:
        return (predicted.of_each.argmax(1) == predicted.targets).mean(-1)
    return r_squared(predicted.of_each, predicted.targets)


def score_name(predicted: Predicted) -> str:
    """Return the name of the score that `score_of_each` gives.

    >>> score_name(predicted_of(fit(Experiment(seed=1, hidden=()), pictures), pictures))
    'accuracy'
    """
    return "accuracy" if predicted.are_classes else "R squared"


def scores_in_words(predicted: Predicted) -> Mapping[str, str]:
    """Return each score of networks in words, those of a stack together.

    >>> found = predicted_of(fit(Experiment(seed=1, hidden=()), pictures), pictures)
    >>> scores_in_words(found)["accuracy"]
    '100.0 % (2 of 2)'
    """
    of = _of_classes if predicted.are_classes else _of_numbers
    return of(predicted.together, predicted.targets)


def _of_classes(probabilities: Array, labels: NDArray[np.int64]) -> dict[str, str]:
    count, predicted = len(labels), probabilities.argmax(0)
    correct = int((predicted == labels).sum())
    low, high = wilson_interval(correct, count)
    has_two = len(np.unique(labels)) > 1
    area = f"{area_under_curve(probabilities, labels):.3f}" if has_two else "none of one class"
    return {
        "accuracy": f"{100 * correct / count:.1f} % ({correct} of {count})",
        "95 % interval (Wilson)": f"{100 * low:.1f} to {100 * high:.1f} %",
        "balanced accuracy": f"{100 * balanced_accuracy(predicted, labels):.1f} %",
        "area under the ROC curve": area,
        "log loss, in nats": f"{log_loss(probabilities, labels):.3f}",
        "calibration error": f"{calibration_error(probabilities, labels):.3f}",
    }


def _of_numbers(predicted: Array, targets: Array) -> dict[str, str]:
    return {
        "R squared": f"{float(r_squared(predicted, targets)):.4g}",
        "root mean squared error": f"{float(root_mean_squared_error(predicted, targets)):.6g}",
        "mean absolute error": f"{float(mean_absolute_error(predicted, targets)):.6g}",
    }


def spread_in_words(predicted: Predicted) -> Mapping[str, str]:
    """Return in words how far the networks of a stack differ in their score; of one, nothing.

    >>> two = fit_seeds(Experiment(seed=1, hidden=()), (1, 2), pictures)
    >>> spread_in_words(predicted_of(two, pictures))
    {'accuracy of each of 2 networks': 'mean 100 %, standard deviation 0, from 100 to 100 %'}
    """
    scores = score_of_each(predicted)
    if len(scores) < 2:
        return {}
    found, unit = (100 * scores, " %") if predicted.are_classes else (scores, "")
    words = (
        f"mean {found.mean():.4g}{unit}, standard deviation {found.std():.3g}, from "
        f"{found.min():.4g} to {found.max():.4g}{unit}"
    )
    return {f"{score_name(predicted)} of each of {len(scores)} networks": words}


def confusion_of(predicted: Predicted) -> NDArray[Any]:
    """Return how often each class (row) is predicted as each (column), (classes, classes).

    >>> confusion_of(predicted_of(fit(Experiment(seed=1, hidden=()), pictures), pictures))
    array([[1, 0],
           [0, 1]])
    """
    probabilities = predicted.together
    return confusion(probabilities.argmax(0), predicted.targets, len(probabilities))
