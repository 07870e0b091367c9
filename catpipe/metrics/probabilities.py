"""Scores of probabilities: how well they rank, how large they are, and whether they are true."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from catpipe.checks import check_whole
from catpipe.metrics.scores import example_weights
from catpipe.nn.arrays import Array


class Reliability(NamedTuple):
    """Of each bin that holds examples: their share, mean confidence, and accuracy; (bins,)."""

    shares: Array
    confidences: Array
    accuracies: Array


def area_under_curve(
    probabilities: Array, labels: ArrayLike, weights: Array | None = None
) -> float:
    """Return the area under the receiver operating characteristic: one class against the rest.

    probabilities: (classes, examples), labels: (examples,), weights: (examples,) -> in [0, 1]. For
    one class it is the probability that an example of it has a higher score than another, where
    ties count half (Mann and Whitney 1947); it is averaged over the classes that labels name.
    Raises `ValueError` where they name a single class.

    >>> area_under_curve(np.array([[0.9, 0.4, 0.6], [0.1, 0.6, 0.4]]), np.array([0, 1, 1]))
    1.0
    """
    scores, expected = _scores(probabilities, labels)
    share = example_weights(weights, len(expected))
    classes = np.unique(expected[share > 0])
    if len(classes) < 2:
        raise ValueError(
            f"labels of one class, {classes[0]}; expected two or more to tell apart: add examples"
        )
    return float(np.mean([_area(scores[c], expected == c, share) for c in classes]))


def _area(scores: Array, is_in_class: NDArray[np.bool_], weights: Array) -> float:
    _, ranks = np.unique(scores, return_inverse=True)
    inside = np.bincount(ranks, weights * is_in_class)
    outside = np.bincount(ranks, weights * ~is_in_class)
    below = np.cumsum(outside) - outside / 2
    return float(inside @ below / (inside.sum() * outside.sum()))


def log_loss(probabilities: Array, labels: ArrayLike, weights: Array | None = None) -> float:
    """Return the mean negative logarithm of the probabilities of the true classes, in nats.

    Shapes are as in `area_under_curve`. A probability below the type's epsilon counts as that:
    where a sigmoid saturates, 0 and 1 are rounded.

    >>> round(log_loss(np.array([[0.5, 0.25], [0.5, 0.75]]), np.array([0, 1])), 4)
    0.4904
    """
    scores, expected = _scores(probabilities, labels)
    epsilon = np.finfo(scores.dtype).eps
    of_true = scores[expected, np.arange(len(expected))].clip(epsilon, 1)
    return float(np.average(-np.log(of_true), weights=example_weights(weights, len(expected))))


def reliability(
    probabilities: Array, labels: ArrayLike, bins: int = 10, weights: Array | None = None
) -> Reliability:
    """Return how often predictions of about the same confidence are correct (Guo et al. 2017).

    Shapes are as in `area_under_curve`. The confidence of a prediction is the probability of the
    predicted class; bins are equally wide, and those without examples are left out.

    >>> shares, confidences, accuracies = reliability(np.array([[0.9, 0.1]]).repeat(2, 0), [0, 1])
    >>> shares, confidences, accuracies
    (array([0.5, 0.5]), array([0.1, 0.9]), array([0., 1.]))
    """
    scores, expected = _scores(probabilities, labels)
    share = example_weights(weights, len(expected))
    confidence, correct = scores.max(0), scores.argmax(0) == expected
    edges = np.linspace(0, 1, check_whole("bins", bins) + 1)[1:-1]
    bin_of = np.searchsorted(edges, confidence)
    total, sure, right = (np.bincount(bin_of, share * of) for of in (1, confidence, correct))
    held = total > 0
    return Reliability(
        total[held] / total.sum(), sure[held] / total[held], right[held] / total[held]
    )


def worst_mistakes(probabilities: Array, labels: ArrayLike) -> NDArray[np.int64]:
    """Return the numbers of the examples, (examples,), those that need looking at first.

    Wrong predictions come first, the most confident of them before all; right ones follow, the
    least confident first. Equal ones stay in their order. Arguments are as those of
    `area_under_curve`, and so are the errors.

    >>> worst_mistakes(np.array([[0.9, 0.4, 0.8, 0.7], [0.1, 0.6, 0.2, 0.3]]), [0, 0, 1, 0])
    array([2, 1, 3, 0])
    """
    scores, expected = _scores(probabilities, labels)
    confidence, is_right = scores.max(0), scores.argmax(0) == expected
    return np.lexsort((np.where(is_right, confidence, -confidence), is_right))


def calibration_error(
    probabilities: Array, labels: ArrayLike, bins: int = 10, weights: Array | None = None
) -> float:
    """Return the expected calibration error: the mean distance of confidence from accuracy.

    Arguments are as those of `reliability`; Naeini et al. 2015.

    >>> round(calibration_error(np.array([[0.9, 0.9], [0.1, 0.1]]), np.array([0, 1])), 3)
    0.4
    """
    shares, confidences, accuracies = reliability(probabilities, labels, bins, weights)
    return float(shares @ np.abs(confidences - accuracies))


def _scores(probabilities: Array, labels: ArrayLike) -> tuple[Array, NDArray[np.int64]]:
    """Return both as arrays; raise `ValueError` where labels are no rows of the probabilities."""
    scores, expected = np.asarray(probabilities), np.asarray(labels)
    is_pair = scores.ndim == 2 and scores.dtype.kind == "f" and expected.dtype.kind in "biu"
    if not is_pair or expected.shape != scores.shape[1:] or expected.size == 0:
        raise ValueError(
            f"probabilities {scores.shape} of {scores.dtype} and labels {expected.shape} of "
            f"{expected.dtype}; expected (classes, examples) and the class number of each, "
            "(examples,)"
        )
    if not np.isfinite(scores).all():
        raise ValueError("probabilities that are not finite; expected numbers from 0 to 1")
    if expected.min() < 0 or expected.max() >= len(scores):
        raise ValueError(
            f"labels from {expected.min()} to {expected.max()}; expected 0 to {len(scores) - 1}"
        )
    return scores, expected.astype(np.int64)
