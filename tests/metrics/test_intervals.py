"""Intervals have the bounds that SciPy computes, and cover what they should."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catpipe.metrics.intervals import (
    PairedDifference,
    paired_difference,
    t_quantile,
    wilson_interval,
)
from tests.points import seeds

levels = st.floats(0.01, 0.999)


@given(st.integers(1, 400), levels)
def test_the_quantile_of_t_is_that_of_scipy(degrees, confidence):
    stats = pytest.importorskip("scipy.stats")
    expected = stats.t.ppf((1 + confidence) / 2, degrees)
    assert t_quantile(degrees, confidence) == pytest.approx(expected, rel=1e-9)


@given(st.integers(1, 1000), st.floats(0, 1), levels)
def test_wilsons_interval_is_that_of_scipy(count, share, confidence):
    stats = pytest.importorskip("scipy.stats")
    correct = round(share * count)
    expected = stats.binomtest(correct, count).proportion_ci(confidence, method="wilson")
    found = wilson_interval(correct, count, confidence)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-12)


def test_wilsons_bounds_are_the_shares_that_a_test_of_the_mean_does_not_reject():
    for share in wilson_interval(13, 50):
        deviation = abs(13 / 50 - share) / sqrt(share * (1 - share) / 50)
        assert deviation == pytest.approx(1.959963984540054)


@given(seeds, st.integers(2, 30), st.floats(0.01, 1))
def test_the_interval_of_a_difference_is_the_corrected_one(seed, runs, ratio):
    stats = pytest.importorskip("scipy.stats")
    a, b = np.random.default_rng(seed).random((2, runs))
    spread = np.var(a - b, ddof=1) * (1 / runs + ratio)
    expected = stats.t.interval(0.9, runs - 1, loc=np.mean(a - b), scale=sqrt(spread))
    found = paired_difference(a, b, ratio, confidence=0.9)
    np.testing.assert_allclose(found, (np.mean(a - b), *expected), rtol=1e-8, atol=1e-12)


def test_equal_scores_are_not_told_apart():
    found = paired_difference([0.5, 0.75], [0.5, 0.75], test_to_training=0.25)
    assert found == PairedDifference(0, 0, 0)
    assert not found.is_significant


@pytest.mark.parametrize("of", [(5, 4), (-1, 4), (0, 0), (True, 4), ("3", 4), (float("nan"), 4)])
def test_shares_that_cannot_be_are_refused(of):
    with pytest.raises(ValueError, match="are correct; expected"):
        wilson_interval(*of)


@pytest.mark.parametrize("confidence", [0, 1, -0.5, 95, None])
def test_a_confidence_that_cannot_be_is_refused(confidence):
    with pytest.raises(ValueError, match=r"confidence is .*; expected a number between 0 and 1"):
        wilson_interval(1, 2, confidence)


@pytest.mark.parametrize(
    ("scores", "others"),
    [
        ([0.5], [0.5]),
        ([0.5, 1], [0.5, 1, 1]),
        ([0.5, float("nan")], [0.5, 1]),
        ([[1, 2]], [[1, 2]]),
    ],
)
def test_scores_of_other_runs_are_refused(scores, others):
    with pytest.raises(ValueError, match="use the same folds"):
        paired_difference(scores, others, 0.25)


@pytest.mark.parametrize("ratio", [0, -1, float("inf"), None])
def test_a_ratio_of_examples_that_cannot_be_is_refused(ratio):
    with pytest.raises(ValueError, match=r"test_to_training is .*; expected a positive"):
        paired_difference([1, 2], [2, 3], ratio)


@pytest.mark.parametrize("degrees", [0, 1.5, True])
def test_degrees_of_freedom_that_cannot_be_are_refused(degrees):
    with pytest.raises(ValueError, match="degrees of freedom"):
        t_quantile(degrees)


def test_an_infinite_count_has_no_interval():
    with pytest.raises(ValueError, match="1 of inf are correct"):
        wilson_interval(1, float("inf"))
