"""Folds hold each example out once in a repeat, groups together, classes as the labels do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedGroupKFold

from catpipe.data.folds import (
    NEVER,
    checked_folds,
    groups_of_equal,
    hold_outs,
    joined_groups,
    leave_one_out,
    stratified_folds,
)
from tests.points import seeds

PHOTOGRAPHS = np.array([0] * 154 + [1] * 105)


def drawn(seed: int, examples: int, classes: int, groups: int) -> tuple[np.ndarray, np.ndarray]:
    draws = np.random.default_rng(seed)
    return draws.integers(0, classes, examples), draws.integers(0, groups, examples)


@given(seeds, st.integers(10, 60), st.integers(1, 4), st.integers(2, 10))
def test_two_folds_differ_by_one_example_of_a_class_and_in_all(seed, examples, classes, folds):
    labels, _ = drawn(seed, examples, classes, 1)
    (row,) = stratified_folds(labels, folds, seed)
    for of in (*(row[labels == c] for c in np.unique(labels)), row):
        assert np.ptp(np.bincount(of, minlength=folds)) <= 1


@given(seeds, st.integers(20, 60), st.integers(1, 3))
def test_examples_of_a_group_are_in_one_fold(seed, examples, classes):
    labels, groups = drawn(seed, examples, classes, groups=12)
    row = stratified_folds(labels, 3, seed, groups=groups)[0]
    assert all(len(np.unique(row[groups == g])) == 1 for g in groups)
    assert {*row.tolist()} == {0, 1, 2}


def uneven(row: np.ndarray, labels: np.ndarray) -> float:
    """Return how much the shares of classes differ from fold to fold."""
    shares = [np.bincount(row[labels == c], minlength=3) / (labels == c).sum() for c in {*labels}]
    return float(np.sum(np.var(shares, axis=1)))


def test_groups_are_about_as_even_as_those_of_scikit_learn():
    ours, theirs = [], []
    for seed in range(12):
        labels, groups = drawn(seed, 90, classes=3, groups=30)
        ours.append(uneven(stratified_folds(labels, 3, seed, groups=groups)[0], labels))
        splits = StratifiedGroupKFold(3, shuffle=True, random_state=seed)
        tests = [test for _, test in splits.split(labels, labels, groups)]
        numbers = np.zeros(90, int)
        for fold, test in enumerate(tests):
            numbers[test] = fold
        theirs.append(uneven(numbers, labels))
    assert np.mean(ours) <= 1.1 * np.mean(theirs)


def test_repeats_differ_and_are_those_of_the_seed():
    folds = stratified_folds(PHOTOGRAPHS, 5, seed=1, repeats=3)
    assert folds.shape == (3, 259)
    assert len(np.unique(folds, axis=0)) == 3
    assert np.array_equal(stratified_folds(PHOTOGRAPHS, 5, seed=1, repeats=2), folds[:2])
    assert not np.array_equal(stratified_folds(PHOTOGRAPHS, 5, seed=2, repeats=3), folds)


@given(seeds, st.floats(0.1, 0.9), st.integers(1, 3))
def test_a_hold_out_holds_the_share_of_each_class(seed, share, repeats):
    labels = np.random.default_rng(seed).permutation(np.arange(60) % 3)
    folds = hold_outs(labels, share, seed, repeats)
    assert folds.shape == (repeats, 60)
    assert {*folds.ravel().tolist()} == {0, NEVER}
    for c in range(3):
        assert abs((folds[:, labels == c] == 0).sum(-1) - share * 20).max() <= 1


def test_to_leave_one_out_is_a_fold_an_example_or_a_group():
    assert leave_one_out(np.arange(3)).tolist() == [[0, 1, 2]]
    assert leave_one_out(np.array([5, 2, 5])).tolist() == [[1, 0, 1]]


def test_inputs_that_are_equal_are_one_group():
    draws = np.random.default_rng(1)
    inputs = draws.integers(0, 256, (6, 2, 2, 3)).astype(np.uint8)
    inputs[4] = inputs[1]
    assert groups_of_equal(inputs).tolist() == [0, 1, 2, 3, 1, 5]
    assert groups_of_equal(np.asfortranarray(inputs)).tolist() == [0, 1, 2, 3, 1, 5]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: stratified_folds(PHOTOGRAPHS, 1, 1), "folds 1; expected"),
        (lambda: stratified_folds(PHOTOGRAPHS, 260, 1), "260 folds of 259 .*; expected"),
        (lambda: stratified_folds(PHOTOGRAPHS, 5, -1), "seed -1; expected"),
        (lambda: stratified_folds(PHOTOGRAPHS, 5, 1, 0), "repeats 0; expected"),
        (
            lambda: stratified_folds(PHOTOGRAPHS, 5, 1, groups=np.arange(2)),
            "groups of 2 .*; expected",
        ),
        (lambda: stratified_folds(np.array([0.5, 1]), 2, 1), "labels of .*; expected"),
        (lambda: hold_outs(PHOTOGRAPHS, 1, 1), "share 1 to hold out; expected"),
        (lambda: hold_outs(PHOTOGRAPHS, 0.0001, 1), "0.0001 of 259 .*; expected some"),
        (lambda: leave_one_out(np.array([3, 3])), "all examples are of group 3; expected"),
        (lambda: checked_folds([0, 0, 0], 3), "expected two or more"),
        (lambda: checked_folds([0, 1], 3), "expected two or more"),
        (lambda: checked_folds([[0, 1, 0], [0, 0, 0]], 3), "expected two or more"),
        (lambda: checked_folds(None, 3), "expected two or more"),
        (lambda: checked_folds([0, 0.5, 1], 3), "expected two or more"),
    ],
)
def test_folds_that_cannot_be_are_refused(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


@given(seeds, st.integers(1, 40), st.integers(1, 40))
def test_joined_groups_are_scipys_connected_components(seed, examples, groups):
    first, second = np.random.default_rng(seed).integers(0, groups, (2, examples))
    both = np.stack((first, groups + second))
    graph = coo_array((np.ones(examples), both), (2 * groups, 2 * groups))
    expected = connected_components(graph, directed=False)[1][first]
    found = joined_groups(first, second)
    assert np.array_equal(found[:, np.newaxis] == found, expected[:, np.newaxis] == expected)


def test_groups_of_other_numbers_of_examples_are_not_joined():
    with pytest.raises(ValueError, match="groups of 2 and of 3 examples"):
        joined_groups(np.arange(2), np.arange(3))
