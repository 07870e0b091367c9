"""Metrics are those of scikit-learn, for one network and for each of a stack."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as theirs

from catpipe.metrics.scores import (
    accuracy,
    balanced_accuracy,
    confusion,
    mean_absolute_error,
    r_squared,
    root_mean_squared_error,
)
from tests.points import normal, seeds


@given(seeds, st.integers(2, 4), st.integers(1, 9))
def test_accuracy_and_confusion_are_those_of_scikit_learn(seed, classes, count):
    found, expected = np.random.default_rng(seed).integers(0, classes, (2, count))
    np.testing.assert_allclose(accuracy(found, expected), theirs.accuracy_score(expected, found))
    table = theirs.confusion_matrix(expected, found, labels=range(classes))
    assert confusion(found, expected, classes).tolist() == table.tolist()


@given(seeds, st.integers(1, 3), st.integers(2, 9))
def test_r_squared_is_that_of_scikit_learn_averaged_over_outputs(seed, outputs, count):
    found, expected = normal(seed, outputs, count), normal(seed + 1, outputs, count)
    np.testing.assert_allclose(
        r_squared(found, expected), theirs.r2_score(expected.T, found.T), rtol=1e-9
    )


@given(seeds)
def test_weights_count_as_they_do_in_scikit_learn(seed):
    random = np.random.default_rng(seed)
    weights = random.random(7) + 0.1
    share = weights[np.newaxis] / weights.sum()
    labels, predicted = random.integers(0, 2, (2, 1, 7))
    numbers, near = random.standard_normal((2, 1, 7))
    np.testing.assert_allclose(
        accuracy(predicted, labels, share),
        theirs.accuracy_score(labels[0], predicted[0], sample_weight=weights),
    )
    np.testing.assert_allclose(
        r_squared(near, numbers, share),
        theirs.r2_score(numbers[0], near[0], sample_weight=weights),
        rtol=1e-9,
    )


def test_each_network_of_a_stack_has_its_own():
    Y = normal(1, 2, 5)
    stack = np.stack([Y, Y + 1])
    assert r_squared(stack, Y).tolist() == [r_squared(each, Y) for each in stack]
    labels = np.array([[0, 1, 1]])
    assert accuracy(np.stack([labels, 1 - labels]), labels).tolist() == [1, 0]


@pytest.mark.parametrize(("predicted", "expected"), [(5.0, 1.0), (6.0, 0.0)])
def test_r_squared_of_an_output_that_does_not_vary_is_1_where_it_is_exact(predicted, expected):
    assert r_squared(np.full(3, predicted), np.full(3, 5.0)) == expected


@pytest.mark.parametrize(
    "metric",
    [
        accuracy,
        r_squared,
        lambda a, b: confusion(a, b, 2),
        balanced_accuracy,
        root_mean_squared_error,
        mean_absolute_error,
    ],
)
@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([0, 1], [0, 1, 1]),
        ([[0], [1]], [0, 1]),
        ([0, 1], [[0], [1]]),
        ([], []),
        (None, [0]),
        (["a", None], [0, 1]),
    ],
    ids=str,
)
def test_arrays_that_are_not_alike_are_refused(metric, found, expected):
    with pytest.raises(ValueError, match="; expected"):
        metric(found, expected)


@pytest.mark.filterwarnings("ignore:y_pred contains classes", "ignore:A single label was found")
@given(seeds, st.integers(2, 4), st.integers(2, 9))
def test_balanced_accuracy_is_that_of_scikit_learn(seed, classes, count):
    draws = np.random.default_rng(seed)
    found, expected = draws.integers(0, classes, (2, count))
    weights = draws.random(count) + 0.1
    for share in (None, weights):
        theirs_is = theirs.balanced_accuracy_score(expected, found, sample_weight=share)
        assert balanced_accuracy(found, expected, share) == pytest.approx(theirs_is)


@given(seeds, st.integers(1, 3), st.integers(2, 9))
def test_errors_of_a_regression_are_those_of_scikit_learn(seed, outputs, count):
    Y, found = normal(seed, 2, outputs, count)
    weights = np.random.default_rng(seed).random(count) + 0.1
    share = (weights / weights.sum())[np.newaxis]
    for ours, other in (
        (root_mean_squared_error, theirs.root_mean_squared_error),
        (mean_absolute_error, theirs.mean_absolute_error),
    ):
        assert ours(found, Y) == pytest.approx(other(Y.T, found.T))
        assert ours(found, Y, share) == pytest.approx(other(Y.T, found.T, sample_weight=weights))


@pytest.mark.parametrize("metric", [accuracy, r_squared, mean_absolute_error, balanced_accuracy])
@pytest.mark.parametrize("shape", [(3,), (3, 1), (2, 2), ()])
def test_weights_of_another_shape_are_refused(metric, shape):
    with pytest.raises(ValueError, match="expected one number for each of 2 examples"):
        metric(np.array([1, 0]), np.array([1, 1]), np.ones(shape))


def test_names_and_numbers_are_not_compared():
    with pytest.raises(ValueError, match="names in both, or numbers in both"):
        accuracy(np.array(["1"]), np.array([1]))


@pytest.mark.parametrize("kind", [bool, np.uint8, np.uint64, np.int32])
def test_a_confusion_matrix_takes_any_integers(kind):
    one = np.array([0, 1, 1], kind)
    assert confusion(one, one, 2).tolist() == [[1, 0], [0, 2]]


@pytest.mark.parametrize("classes", [2.0, 0, "2", None])
def test_a_confusion_matrix_has_a_whole_number_of_classes(classes):
    with pytest.raises(ValueError, match="expected an integer of at least 1"):
        confusion(np.array([0, 1]), np.array([0, 1]), classes)


def test_a_class_of_no_weight_is_left_out_of_balanced_accuracy():
    found, expected = np.array([0, 0, 1]), np.array([0, 1, 1])
    assert balanced_accuracy(found, expected, np.array([1, 0, 0])) == 1
