"""How good a run is on examples, as rows of names and words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catpipe.data.examples import Examples
from catpipe.experiments.experiment import is_regression
from catpipe.experiments.result import (
    Result,
    accuracy_on,
    ensemble_predictions,
    ensemble_probabilities,
    r_squared_on,
)
from catpipe.metrics.intervals import wilson_interval
from catpipe.metrics.probabilities import area_under_curve, calibration_error, log_loss
from catpipe.metrics.scores import (
    balanced_accuracy,
    confusion,
    mean_absolute_error,
    r_squared,
    root_mean_squared_error,
)


def scores_in_words(result: Result, examples: Examples) -> Mapping[str, str]:
    """Return each score of a result in words, those of a stack together.

    Its classes are numbers: a result that has class names is to be without.

    >>> scores_in_words(fit(Experiment(seed=1, hidden=()), pictures), pictures)["accuracy"]
    '100.0 % (2 of 2)'
    """
    of = _of_numbers if is_regression(result.experiment) else _of_classes
    return of(result, examples)


def _of_classes(result: Result, examples: Examples) -> dict[str, str]:
    labels, count = examples.targets, len(examples.targets)
    probabilities = ensemble_probabilities(result, examples.inputs)
    predicted = ensemble_predictions(result, examples.inputs)
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


def _of_numbers(result: Result, examples: Examples) -> dict[str, str]:
    predicted, targets = (
        np.asarray(of, float).reshape(len(examples.targets), -1).T
        for of in (ensemble_predictions(result, examples.inputs), examples.targets)
    )
    return {
        "R squared": f"{float(r_squared(predicted, targets)):.4g}",
        "root mean squared error": f"{float(root_mean_squared_error(predicted, targets)):.6g}",
        "mean absolute error": f"{float(mean_absolute_error(predicted, targets)):.6g}",
    }


def spread_in_words(result: Result, examples: Examples) -> Mapping[str, str]:
    """Return in words how far the networks of a stack differ in their score; of one, nothing.

    >>> two = fit_seeds(Experiment(seed=1, hidden=()), (1, 2), pictures)
    >>> spread_in_words(two, pictures)
    {'accuracy of each of 2 networks': 'mean 100 %, standard deviation 0, from 100 to 100 %'}
    """
    if not result.seeds:
        return {}
    if is_regression(result.experiment):
        found, unit, name = r_squared_on(result, examples), "", "R squared"
    else:
        found, unit, name = 100 * accuracy_on(result, examples), " %", "accuracy"
    words = (
        f"mean {found.mean():.4g}{unit}, standard deviation {found.std():.3g}, from "
        f"{found.min():.4g} to {found.max():.4g}{unit}"
    )
    return {f"{name} of each of {len(result.seeds)} networks": words}


def confusion_of(result: Result, examples: Examples) -> NDArray[Any]:
    """Return how often each class (row) is predicted as each (column), (classes, classes).

    >>> confusion_of(fit(Experiment(seed=1, hidden=()), pictures), pictures)
    array([[1, 0],
           [0, 1]])
    """
    predicted = ensemble_predictions(result, examples.inputs)
    return confusion(predicted, examples.targets, result.experiment.classes)
