"""Confidence intervals: how sure a share is, and the difference of two scores."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, reduce
from math import pi, sqrt, tan
from reprlib import repr as brief
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from catpipe.checks import check_whole, is_number


class PairedDifference(NamedTuple):
    """The mean difference of two scores over the same folds, and its confidence interval."""

    mean: float
    low: float
    high: float

    @property
    def is_significant(self) -> bool:
        """Return whether the interval leaves out 0.

        >>> PairedDifference(0.1, -0.1, 0.3).is_significant
        False
        """
        return self.low > 0 or self.high < 0


def wilson_interval(correct: float, count: float, confidence: float = 0.95) -> tuple[float, float]:
    """Return the confidence interval of a share, `correct` of `count` (Wilson 1927).

    Its ends are the shares p from which the found one is z standard deviations,
    sqrt(p (1 - p) / count), away: in [0, 1], also for none or all. `correct` may be a mean over
    repeats. Raises `ValueError` for numbers that cannot be.

    >>> low, high = wilson_interval(40, 50)
    >>> round(low, 3), round(high, 3)
    (0.67, 0.888)
    """
    are_numbers = is_number(correct) and is_number(count)
    if not are_numbers or not 0 <= correct <= count or not 0 < count < float("inf"):
        raise ValueError(
            f"{brief(correct)} of {brief(count)} are correct; expected from 0 to all of one or more"
        )
    _check_confidence(confidence)
    z2 = NormalDist().inv_cdf((1 + confidence) / 2) ** 2
    middle = correct + z2 / 2
    reach = sqrt(z2 * (correct * (count - correct) / count + z2 / 4))
    return (middle - reach) / (count + z2), (middle + reach) / (count + z2)


def paired_difference(
    scores: ArrayLike, others: ArrayLike, test_to_training: float, confidence: float = 0.95
) -> PairedDifference:
    """Return the mean of scores minus others, over the same folds, with its confidence interval.

    scores, others: (runs,); `test_to_training`: examples held out by a fold, divided by those it
    trains on. Training sets overlap, so the variance of the mean is that of the differences times
    1 / runs + `test_to_training` (Nadeau and Bengio 2003, eq. 9), and t has runs - 1 degrees of
    freedom. Raises `ValueError` for fewer than two runs, or for others than finite numbers.

    >>> found = paired_difference([0.75, 1.0, 1.0], [0.5, 0.5, 0.75], test_to_training=0.5)
    >>> [round(number, 3) for number in found]
    [0.333, -0.234, 0.9]
    """
    pair = np.asarray(scores, float), np.asarray(others, float)
    differences = pair[0] - pair[1] if pair[0].shape == pair[1].shape else np.empty(0)
    if differences.ndim != 1 or len(differences) < 2 or not np.isfinite(differences).all():
        raise ValueError(
            f"scores {pair[0].shape} and {pair[1].shape}; expected as many finite numbers of both, "
            "(runs,), from two runs or more: use the same folds"
        )
    if not is_number(test_to_training) or not 0 < test_to_training < float("inf"):
        raise ValueError(
            f"test_to_training is {brief(test_to_training)}; expected a positive finite number"
        )
    runs, mean = len(differences), float(differences.mean())
    deviation = float(differences.std(ddof=1)) * sqrt(1 / runs + test_to_training)
    half = t_quantile(runs - 1, confidence) * deviation
    return PairedDifference(mean, mean - half, mean + half)


def t_quantile(degrees: int, confidence: float = 0.95) -> float:
    """Return the bound t for which Student's |t| is below it with this probability.

    Raises `ValueError` for degrees of freedom that are no integer of at least 1.

    >>> round(t_quantile(1, confidence=0.5), 6), round(t_quantile(24), 4)
    (1.0, 2.0639)
    """
    degrees = check_whole("degrees of freedom", degrees)
    return sqrt(degrees) * tan(_angle(partial(_t_within, degrees), confidence))


def _t_within(degrees: int, angle: float) -> float:
    """Return the probability that |t| < sqrt(degrees) tan(angle).

    It is a finite sum: Abramowitz and Stegun 1964, 26.7.3 and 26.7.4.
    """
    sine, cosine = np.sin(angle), np.cos(angle)
    is_odd = degrees % 2
    steps = np.arange(1 + is_odd, degrees - 1, 2)
    series = np.cumprod([1, *(steps / (steps + 1) * cosine**2)]).sum()
    if not is_odd:
        return float(sine * series)
    return float(2 / pi * (angle + sine * cosine * series * (degrees > 1)))


def _angle(within: Callable[[float], float], confidence: float) -> float:
    """Return the angle, from 0 to pi / 2, at which the probability is this, by bisection."""
    _check_confidence(confidence)
    low, high = reduce(partial(_halved, within, confidence), range(60), (0.0, pi / 2))
    return (low + high) / 2


def _halved(
    within: Callable[[float], float], confidence: float, ends: tuple[float, float], _: int
) -> tuple[float, float]:
    low, high = ends
    middle = (low + high) / 2
    return (middle, high) if within(middle) < confidence else (low, middle)


def _check_confidence(confidence: float) -> None:
    if not is_number(confidence) or not 0 < confidence < 1:
        raise ValueError(f"confidence is {brief(confidence)}; expected a number between 0 and 1")
