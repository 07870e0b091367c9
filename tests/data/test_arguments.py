"""What the batches, orders and augmentations refuse, each in a sentence: wrong kinds and shapes."""

import numpy as np
import pytest

from catpipe import data
from catpipe.data.batches import Batch

X, Y = np.ones((3, 6)), np.ones((1, 6))
LABELS = np.array([0, 1, 1, 0, 1, 0])
IMAGES = np.ones((2, 4, 4, 3))
ORDER = data.shuffled(6, seed=1)
SEEDS = [None, "1", 1.5, True, -1]
COUNTS = [None, "1", 1.5, True, -1]
NUMBERS = [None, "0.1", -1.0, np.nan, True, np.array([0.1, 0.2])]

SEEDED = {
    "shuffled": lambda seed: data.shuffled(6, seed),
    "stratified": lambda seed: data.stratified(LABELS, seed),
    "balanced": lambda seed: data.balanced(LABELS, seed),
    "held_out": lambda seed: data.held_out(LABELS, seed, 0.5),
    "flipped": lambda seed: data.flipped(IMAGES, seed, 0),
    "shifted": lambda seed: data.shifted(IMAGES, seed, 0),
    "brightened": lambda seed: data.brightened(IMAGES, seed, 0),
    "cropped": lambda seed: data.cropped(IMAGES, seed, 0),
    "augmented": lambda seed: data.augmented([Batch(X, Y)], (1, 1, 3), [], seed),
}
COUNTED = {
    "shuffled": lambda n: data.shuffled(n, 1),
    "mini_batches": lambda n: data.mini_batches(Batch(X, Y), ORDER, n),
    "start": lambda n: data.mini_batches(Batch(X, Y), ORDER, 2, n),
    "full_batches": lambda n: data.full_batches(X, Y, n),
    "batches_in_epoch": lambda n: data.batches_in_epoch(6, n),
    "shifted": lambda n: data.shifted(IMAGES, 1, 0, n),
    "balanced_weights": lambda n: data.balanced_weights(LABELS, n),
    "size": lambda n: data.augmented([Batch(X, Y)], (1, n, 3), [], 1),
    "one_hot": lambda n: data.one_hot(LABELS, n),
}
NUMBERED = {
    "held_out": lambda n: data.held_out(LABELS, 1, n),
    "flipped": lambda n: data.flipped(IMAGES, 1, 0, n),
    "brightened": lambda n: data.brightened(IMAGES, 1, 0, n),
    "cropped": lambda n: data.cropped(IMAGES, 1, 0, n),
    "class_weights": lambda n: data.class_weights(LABELS, (1.0, n)),
}
LABELLED = {
    "stratified": lambda labels: data.stratified(labels, 1),
    "balanced": lambda labels: data.balanced(labels, 1),
    "held_out": lambda labels: data.held_out(labels, 1, 0.5),
    "class_weights": lambda labels: data.class_weights(labels, (1.0, 2.0)),
    "balanced_weights": lambda labels: data.balanced_weights(labels, 2),
    "subset": lambda labels: data.subset(labels, ORDER),
    "an order": lambda labels: data.mini_batches(Batch(X, Y), lambda _: labels, 2),
}
BATCHES = {
    "counts differ": (X, Y[:, 1:], None),
    "rows": (X.T, Y, None),
    "one axis": (X[0], Y, None),
    "targets of one axis": (X, Y[0], None),
    "no examples": (X[:, :0], Y[:, :0], None),
    "a list": (X.tolist(), Y, None),
    "text": (X.astype(str), Y, None),
    "no targets": (X, None, None),
    "weights of one axis": (X, Y, np.ones(6)),
    "a weight less": (X, Y, np.ones((1, 5))),
    "weights in a list": (X, Y, [1.0] * 6),
}


def refused(call, *given):
    with pytest.raises((ValueError, TypeError), match="; expected"):
        call(*given)


@pytest.mark.parametrize("seed", SEEDS, ids=repr)
@pytest.mark.parametrize("call", SEEDED.values(), ids=SEEDED)
def test_a_seed_is_an_integer_of_at_least_zero(call, seed):
    refused(call, seed)


@pytest.mark.parametrize("count", COUNTS, ids=repr)
@pytest.mark.parametrize("call", COUNTED.values(), ids=COUNTED)
def test_what_is_counted_is_whole(call, count):
    refused(call, count)


@pytest.mark.parametrize("number", NUMBERS, ids=repr)
@pytest.mark.parametrize("call", NUMBERED.values(), ids=NUMBERED)
def test_what_is_no_share_or_weight_is_refused(call, number):
    refused(call, number)


@pytest.mark.parametrize(
    "labels",
    [None, "01", LABELS / 2, LABELS[np.newaxis], LABELS - 1, LABELS[:0], LABELS.astype(str)],
    ids=["none", "text", "floats", "a row", "below 0", "none of them", "names"],
)
@pytest.mark.parametrize("call", LABELLED.values(), ids=LABELLED)
def test_labels_are_integers_of_at_least_zero_on_one_axis(call, labels):
    refused(call, labels)


def test_labels_in_a_list_or_as_booleans_are_labels():
    assert data.class_weights(LABELS.tolist(), (1, 3)).tolist() == [[1, 3, 3, 1, 3, 1]]
    assert data.class_weights(LABELS.astype(bool), (1, 3)).tolist() == [[1, 3, 3, 1, 3, 1]]
    assert sorted(data.stratified(LABELS.tolist(), 1)(0).tolist()) == [*range(6)]


@pytest.mark.parametrize(("X", "Y", "weights"), BATCHES.values(), ids=BATCHES)
def test_batches_of_columns_that_do_not_fit_are_refused_before_the_first(X, Y, weights):
    refused(data.full_batches, X, Y, 3, weights)
    refused(data.mini_batches, Batch(X, Y, weights), ORDER, 2)


@pytest.mark.parametrize("order", [None, [0, 1], LABELS, data.shuffled(7, seed=1)])
def test_an_order_is_a_function_and_of_the_examples_that_there_are(order):
    refused(data.mini_batches, Batch(X, Y), order, 2)


@pytest.mark.parametrize(
    "images", [None, IMAGES.tolist(), IMAGES[0], IMAGES[None], IMAGES.astype(str)]
)
@pytest.mark.parametrize("call", [data.flipped, data.shifted, data.brightened, data.cropped])
def test_images_have_four_axes(call, images):
    refused(call, images, 1, 0)


@pytest.mark.parametrize("weights", [None, [1.0], np.array(["a"]), np.array([[np.nan, 1.0]])])
def test_weights_to_normalize_are_finite_numbers(weights):
    refused(data.normalized, weights)


@pytest.mark.parametrize(
    "weights", [np.full((1, 2), 1e308), np.full((1, 2), 6e4, np.float16)], ids=["large", "float16"]
)
def test_weights_whose_sum_no_float_holds_are_refused(weights):
    refused(data.normalized, weights)


@pytest.mark.parametrize("of_classes", [None, 3, {0: 1.0, 1: 2.0}, "12"])
def test_class_weights_are_a_sequence_of_numbers(of_classes):
    refused(data.class_weights, LABELS, of_classes)


def test_a_label_far_above_the_classes_is_refused_before_all_below_it_are_counted():
    refused(data.balanced_weights, np.array([0, 10**12]), 2)


def test_a_row_and_a_column_of_labels_are_labels():
    expected = data.one_hot(np.array([0, 2, 1]), 3)
    np.testing.assert_array_equal(data.one_hot(np.array([[0, 2, 1]]), 3), expected)
    np.testing.assert_array_equal(data.one_hot(np.array([[0], [2], [1]]), 3), expected)


@pytest.mark.parametrize("labels", [LABELS.reshape(2, 3), 1], ids=["two rows", "one number"])
def test_labels_of_several_rows_are_refused(labels):
    refused(data.one_hot, labels, 2)


def test_pixels_that_are_not_divided_by_255_are_not_brightened():
    refused(data.brightened, np.full((2, 4, 4, 3), 200, np.uint8), 1, 0)


def test_an_order_of_examples_that_all_have_weight_zero_is_refused():
    weights = np.array([[0.0, 0.0, 0.5, 0.5, 0.0, 0.0]])
    refused(data.mini_batches, Batch(X, Y, weights), lambda _: np.array([0, 1]), 2)
