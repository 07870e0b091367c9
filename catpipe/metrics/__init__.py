"""How well predictions agree with the targets, and how sure that is.

Classes are judged by the predictions, or by their probabilities, (classes, examples):

>>> labels = np.array([0, 0, 0, 1])
>>> probabilities = np.array([[0.9, 0.6, 0.3, 0.2], [0.1, 0.4, 0.7, 0.8]])
>>> predicted = probabilities.argmax(0)
>>> float(metrics.accuracy(predicted, labels)), metrics.balanced_accuracy(predicted, labels)
(0.75, 0.8333333333333333)
>>> metrics.area_under_curve(probabilities, labels)
1.0

Four examples say little: the share of all such that would be correct lies between

>>> low, high = metrics.wilson_interval(correct=3, count=4)
>>> round(low, 2), round(high, 2)
(0.3, 0.95)
"""

from catpipe.metrics.intervals import (
    PairedDifference,
    paired_difference,
    t_quantile,
    wilson_interval,
)
from catpipe.metrics.probabilities import (
    Reliability,
    area_under_curve,
    calibration_error,
    log_loss,
    reliability,
    worst_mistakes,
)
from catpipe.metrics.scores import (
    accuracy,
    balanced_accuracy,
    confusion,
    mean_absolute_error,
    r_squared,
    root_mean_squared_error,
)

__all__ = [
    "PairedDifference",
    "Reliability",
    "accuracy",
    "area_under_curve",
    "balanced_accuracy",
    "calibration_error",
    "confusion",
    "log_loss",
    "mean_absolute_error",
    "paired_difference",
    "r_squared",
    "reliability",
    "root_mean_squared_error",
    "t_quantile",
    "wilson_interval",
    "worst_mistakes",
]
