"""Scores of probabilities are those of scikit-learn, with ties, weights and several classes."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as theirs
from sklearn.calibration import calibration_curve

from catpipe.metrics.probabilities import (
    area_under_curve,
    calibration_error,
    log_loss,
    reliability,
    worst_mistakes,
)
from tests.points import seeds


def drawn(seed: int, classes: int, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return probabilities with ties, labels that name every class, and weights."""
    draws = np.random.default_rng(seed)
    numbers = draws.integers(1, 5, (classes, count)).astype(float)
    labels = draws.permutation(np.arange(count) % classes)
    return numbers / numbers.sum(0), labels, draws.random(count) + 0.1


@given(seeds, st.integers(2, 40), st.booleans())
def test_the_area_of_two_classes_is_that_of_scikit_learn(seed, count, is_weighted):
    probabilities, labels, weights = drawn(seed, 2, count)
    share = weights if is_weighted else None
    expected = theirs.roc_auc_score(labels, probabilities[1], sample_weight=share)
    assert area_under_curve(probabilities, labels, share) == pytest.approx(expected)


@given(seeds, st.integers(3, 5), st.integers(6, 40))
def test_the_area_of_several_classes_is_that_of_scikit_learn(seed, classes, count):
    probabilities, labels, weights = drawn(seed, classes, count)
    expected = theirs.roc_auc_score(
        labels, probabilities.T, multi_class="ovr", sample_weight=weights
    )
    assert area_under_curve(probabilities, labels, weights) == pytest.approx(expected)


def test_the_area_is_averaged_over_classes_that_labels_name():
    probabilities, labels, _ = drawn(1, 3, 12)
    two = labels % 2
    areas = [theirs.roc_auc_score(two == c, probabilities[c]) for c in (0, 1)]
    assert area_under_curve(probabilities, two) == pytest.approx(np.mean(areas))


@given(seeds, st.integers(2, 4), st.integers(4, 40))
def test_log_loss_is_that_of_scikit_learn(seed, classes, count):
    probabilities, labels, weights = drawn(seed, classes, count)
    for share in (None, weights):
        expected = theirs.log_loss(
            labels, probabilities.T, sample_weight=share, labels=range(classes)
        )
        assert log_loss(probabilities, labels, share) == pytest.approx(expected)


def test_the_log_loss_of_a_certain_error_is_finite():
    assert log_loss(np.array([[1.0], [0.0]]), np.array([1])) == pytest.approx(52 * np.log(2))


@given(seeds, st.integers(2, 4), st.integers(4, 40), st.integers(1, 12))
def test_reliability_is_the_calibration_curve_of_scikit_learn(seed, classes, count, bins):
    probabilities, labels, _ = drawn(seed, classes, count)
    correct = probabilities.argmax(0) == labels
    expected = calibration_curve(correct, probabilities.max(0), n_bins=bins)
    shares, confidences, accuracies = reliability(probabilities, labels, bins)
    np.testing.assert_allclose([accuracies, confidences], expected)
    assert shares.sum() == pytest.approx(1)


@given(seeds, st.integers(2, 4), st.integers(4, 40))
def test_the_calibration_error_is_that_of_each_bin_by_its_weight(seed, classes, count):
    probabilities, labels, weights = drawn(seed, classes, count)
    confidence, correct = probabilities.max(0), probabilities.argmax(0) == labels
    total = 0.0
    for low, high in pairwise(np.linspace(0, 1, 11)):
        inside = (confidence > low) & (confidence <= high)
        total += abs((weights * (confidence - correct))[inside].sum()) / weights.sum()
    found = calibration_error(probabilities, labels, weights=weights)
    assert found == pytest.approx(total, abs=1e-12)


@pytest.mark.parametrize("metric", [area_under_curve, log_loss, reliability, calibration_error])
@pytest.mark.parametrize(
    ("probabilities", "labels"),
    [
        (np.full((2, 2), 0.5), [0, 2]),
        (np.full((2, 2), 0.5), [0, -1]),
        (np.full((2, 2), 0.5), [0, 1, 1]),
        (np.full((2, 2), 0.5), [0.5, 1]),
        (np.full(2, 0.5), [0, 1]),
        (np.full((2, 2), np.nan), [0, 1]),
        (np.full((2, 0), 0.5), []),
    ],
    ids=str,
)
def test_labels_that_are_no_rows_of_probabilities_are_refused(metric, probabilities, labels):
    with pytest.raises(ValueError, match="; expected"):
        metric(probabilities, labels)


def test_the_area_of_a_single_class_is_refused():
    with pytest.raises(ValueError, match="labels of one class, 1; expected two"):
        area_under_curve(np.full((2, 2), 0.5), np.array([1, 1]))


@given(seeds, st.integers(2, 4), st.integers(6, 40))
def test_mistakes_come_first_and_the_most_confident_before_all(seed, classes, count):
    probabilities, labels, _ = drawn(seed, classes, count)
    order = worst_mistakes(probabilities, labels)
    is_right = (probabilities.argmax(0) == labels)[order]
    confidence = probabilities.max(0)[order]
    assert sorted(order) == list(range(count))
    assert (np.diff(is_right.astype(int)) >= 0).all()
    assert (np.diff(confidence[~is_right]) <= 0).all()
    assert (np.diff(confidence[is_right]) >= 0).all()


def test_equal_mistakes_stay_in_their_order():
    assert worst_mistakes(np.full((2, 5), 0.5), np.array([1, 0, 1, 0, 1])).tolist() == [
        0, 2, 4, 1, 3,
    ]  # fmt: skip
