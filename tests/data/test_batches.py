"""Mini-batches: each epoch is the examples in an order of its own, cut up, and begun anywhere."""

import pickle
from itertools import chain, islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight

from catpipe.data.batches import (
    Batch,
    balanced_weights,
    batches_in_epoch,
    class_weights,
    full_batches,
    mini_batches,
    normalized,
)
from catpipe.data.sampling import balanced, held_out, shuffled, stratified, subset
from catpipe.nn.activations import TANH
from catpipe.nn.arrays import Array
from catpipe.nn.network import compute_cost, forward, gradients, mlp
from tests.points import FLOATS, examples, normal, normal_parameters, seeds

LABELS = np.array([0, 2, 0, 1, 0, 2, 0, 2, 0, 0, 1])
ORDERS = {
    "shuffled": shuffled(11, seed=3),
    "stratified": stratified(LABELS, seed=3),
    "balanced": balanced(LABELS, seed=3),
    "among": subset(np.arange(11)[::-1], shuffled(11, seed=3)),
}
orders = pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
permuting = pytest.mark.parametrize("make", [shuffled, stratified, balanced])
counts = st.lists(st.integers(1, 12), min_size=1, max_size=4)
sizes = st.integers(1, 13)
epochs = st.integers(0, 2**20)


def labels_of(numbers: list[int], seed: int) -> Array:
    """Return so many labels of each class, in any order."""
    return np.random.default_rng(seed).permutation(np.repeat(np.arange(len(numbers)), numbers))


def numbered(count: int, weights: Array | None = None) -> Batch:
    """Return columns and targets that are their own numbers."""
    numbers = np.arange(count, dtype=float)
    return Batch(np.stack([numbers, 100 + numbers]), numbers[np.newaxis], weights)


def places(batch: Batch) -> list[int]:
    return batch.X[0].astype(int).tolist()


def same(a: Batch, b: Batch) -> bool:
    return pickle.dumps(tuple(a)) == pickle.dumps(tuple(b))


@given(counts, seeds, epochs)
def test_a_shuffled_epoch_visits_every_example_once(numbers, seed, epoch):
    visited = shuffled(sum(numbers), seed)(epoch)
    assert sorted(visited.tolist()) == [*range(sum(numbers))]


@given(counts, seeds, epochs)
def test_a_stratified_epoch_visits_every_example_once(numbers, seed, epoch):
    visited = stratified(labels_of(numbers, seed), seed)(epoch)
    assert sorted(visited.tolist()) == [*range(sum(numbers))]


def test_every_permutation_comes_up_in_time():
    order = shuffled(4, seed=1)
    assert len({tuple(order(epoch).tolist()) for epoch in range(300)}) == 24


@orders
def test_other_epochs_have_other_orders(order):
    visited = {tuple(order(epoch).tolist()) for epoch in range(50)}
    assert len(visited) == 50


@permuting
def test_other_seeds_have_other_orders_and_equal_seeds_equal_ones(make):
    of = 11 if make is shuffled else LABELS
    visited = [make(of, seed)(2).tolist() for seed in (1, 2, 1)]
    assert visited[0] == visited[2] != visited[1]


@orders
def test_an_order_pickles(order):
    again = pickle.loads(pickle.dumps(order))
    assert [again(epoch).tolist() for epoch in range(3)] == [order(e).tolist() for e in range(3)]


@settings(max_examples=50)
@given(counts, seeds, epochs)
def test_any_stretch_of_a_stratified_epoch_holds_the_classes_as_the_labels_do(numbers, seed, epoch):
    labels = labels_of(numbers, seed)
    visited = labels[stratified(labels, seed)(epoch)]
    share = np.array(numbers) / len(labels)
    of_each = np.cumsum(np.arange(len(numbers))[:, np.newaxis] == visited, axis=1)
    until = np.pad(of_each, ((0, 0), (1, 0)))  # (classes, examples + 1)
    begin, end = np.triu_indices(len(labels) + 1, 1)
    held = until[:, end] - until[:, begin]
    most = 1 + len(numbers) * share
    assert (np.abs(held - (end - begin) * share[:, np.newaxis]) <= most[:, np.newaxis] + 1e-9).all()


def test_any_place_of_a_stratified_epoch_falls_to_any_example_in_time():
    visited = np.stack([stratified(LABELS, seed=1)(epoch) for epoch in range(1000)])
    assert [len(np.unique(place)) for place in visited.T] == [11] * 11


@given(counts, seeds, epochs)
def test_a_balanced_epoch_holds_all_classes_equally_often(numbers, seed, epoch):
    labels = labels_of(numbers, seed)
    visited = labels[balanced(labels, seed)(epoch)]
    assert np.bincount(visited).tolist() == [max(numbers)] * len(numbers)


@given(counts, seeds, epochs)
def test_classes_take_turns_in_a_balanced_epoch(numbers, seed, epoch):
    labels = labels_of(numbers, seed)
    turns = labels[balanced(labels, seed)(epoch)].reshape(-1, len(numbers))
    assert (np.sort(turns) == np.arange(len(numbers))).all()


@given(counts, seeds, epochs)
def test_examples_of_a_class_come_up_equally_often_in_a_balanced_epoch_or_once_more(
    numbers, seed, epoch
):
    labels = labels_of(numbers, seed)
    times = np.bincount(balanced(labels, seed)(epoch), minlength=len(labels))
    for of_class in range(len(numbers)):
        own = times[labels == of_class]
        assert own.max() - own.min() <= 1


def test_it_is_now_one_and_now_another_that_comes_up_once_more():
    labels = np.array([0] * 7 + [1] * 4)
    visited = np.concatenate([balanced(labels, seed=1)(epoch) for epoch in range(400)])
    times = np.bincount(visited)
    assert (times[:7] == 400).all()
    np.testing.assert_allclose(times[7:], 700, atol=4 * np.sqrt(400 * 3 / 16))


def test_those_that_come_up_again_do_so_in_another_order():
    labels = np.array([0] * 8 + [1] * 4)
    visited = (balanced(labels, seed=1)(epoch)[1::2].tolist() for epoch in range(20))
    assert any(order[:4] != order[4:] for order in visited)


@given(seeds, epochs)
def test_an_order_among_some_visits_them_by_their_places(seed, epoch):
    some = np.array([7, 2, 9, 4])
    visited = subset(some, shuffled(4, seed))(epoch)
    assert visited.tolist() == [some[place] for place in shuffled(4, seed)(epoch)]


@orders
@given(size=sizes)
def test_the_batches_of_an_epoch_are_its_order_cut_up(order, size):
    visited = order(0).tolist()
    number = -(-len(visited) // size)
    batches = [places(batch) for batch in islice(mini_batches(numbered(11), order, size), number)]
    assert [len(batch) for batch in batches[:-1]] == [size] * (number - 1)
    assert [*chain.from_iterable(batches)] == visited


@orders
@given(size=st.integers(1, 11))
def test_the_short_last_batch_is_dropped_where_that_is_asked_for(order, size):
    number = len(order(0)) // size
    batches = mini_batches(numbered(11), order, size, drop_last=True)
    for epoch in range(3):
        seen = [*chain.from_iterable(map(places, islice(batches, number)))]
        assert seen == order(epoch)[: number * size].tolist()


@orders
@pytest.mark.parametrize("drop_last", [True, False])
@pytest.mark.parametrize("size", [1, 4, 11])
def test_a_stream_begun_at_any_iteration_is_one_from_which_as_many_were_taken(
    order, size, drop_last
):
    everything = numbered(11, normalized(np.arange(1.0, 12)[np.newaxis]))
    number = 2 * batches_in_epoch(len(order(0)), size, drop_last=drop_last) + 1
    batches = mini_batches(everything, order, size, drop_last=drop_last)
    expected = [*islice(batches, number + 3)]
    for start in range(number):
        begun = mini_batches(everything, order, size, start, drop_last=drop_last)
        assert all(map(same, expected[start : start + 3], begun))


@given(st.integers(1, 300), st.integers(1, 300))
def test_an_epoch_has_the_batches_that_are_full_and_the_one_that_is_not(count, size):
    full = len([*range(size, count + 1, size)])
    assert batches_in_epoch(count, size) == full + (count % size > 0)
    if full:
        assert batches_in_epoch(count, size, drop_last=True) == full


@pytest.mark.parametrize(
    ("size", "drop_last", "expected"),
    [
        (0, False, "an integer of at least 1"),
        (-3, False, "an integer of at least 1"),
        (0, True, "an integer of at least 1"),
        (12, True, "at most the 11 examples of an epoch"),
    ],
)
def test_a_size_of_which_there_is_no_batch_is_refused(size, drop_last, expected):
    with pytest.raises(ValueError, match=f"batch size {size}; expected {expected}"):
        mini_batches(numbered(11), shuffled(11, 1), size, drop_last=drop_last)


@orders
@pytest.mark.parametrize("shape", [(1, 11), (2, 1, 11)], ids=["one", "stack"])
def test_columns_targets_and_shares_stay_together(order, shape):
    weights = normalized(np.abs(normal(1, *shape)))
    everything = numbered(11, weights)
    for batch in islice(mini_batches(everything, order, size=4), 9):
        X, Y, own = batch
        assert own is not None
        assert (X[1] - 100 == X[0]).all()
        assert (Y[0] == X[0]).all()
        scale = own / weights[..., places(batch)]
        np.testing.assert_allclose(scale, scale[..., :1] + 0 * scale, rtol=1e-12)


@pytest.mark.parametrize("shape", [None, (1, 11), (2, 1, 11)], ids=["none", "one", "stack"])
@settings(max_examples=25)
@given(seed=seeds, size=sizes)
def test_an_epochs_costs_and_gradients_average_to_those_of_everything(shape, seed, size):
    net = mlp(3, 4, 2, activation=TANH)
    W, (X, Y) = normal_parameters(net, seed), examples(net, seed, count=11)
    weights = None if shape is None else normalized(np.abs(normal(seed, *shape)))
    number = batches_in_epoch(11, size)
    batches = [*islice(mini_batches(Batch(X, Y, weights), shuffled(11, seed), size), number)]
    part = [batch.X.shape[1] / 11 for batch in batches]

    costs = [compute_cost(net, forward(net, W, batch.X)[0], *batch[1:]) for batch in batches]
    average = sum(p * cost for p, cost in zip(part, costs, strict=True))
    np.testing.assert_allclose(average, compute_cost(net, forward(net, W, X)[0], Y, weights))

    each = [gradients(net, W, *batch) for batch in batches]
    for name, expected in gradients(net, W, X, Y, weights).items():
        average = sum(p * dW[name] for p, dW in zip(part, each, strict=True))
        np.testing.assert_allclose(average, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "name",
    [
        "shuffled",
        "stratified",
        "balanced",
    ],
)
def test_equal_shares_count_as_none_do(name):
    batches = mini_batches(numbered(11, np.full((1, 11), 1 / 11)), ORDERS[name], size=4)
    for batch in islice(batches, 6):
        assert batch.weights is not None
        np.testing.assert_allclose(batch.weights, 1 / batch.X.shape[1], rtol=1e-12)


def test_the_whole_set_is_one_batch_again_and_again():
    everything = numbered(5, np.full((1, 5), 0.2))
    assert all(
        same(batch, everything) for batch in full_batches(*everything[:2], 3, everything.weights)
    )
    assert len([*full_batches(*everything[:2], iterations=3)]) == 3


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", [(1, 11), (2, 1, 11)], ids=["one", "stack"])
def test_the_type_that_goes_in_comes_out(dtype, shape):
    X, Y = normal(1, 3, 11, dtype=dtype), normal(2, 1, 11, dtype=dtype)
    everything = Batch(X, Y, normalized(np.abs(normal(3, *shape, dtype=dtype))))
    for batch in islice(mini_batches(everything, ORDERS["shuffled"], size=4), 4):
        assert {array.dtype for array in batch} == {np.dtype(dtype)}  # type: ignore[union-attr]


@given(counts, seeds)
def test_balanced_weights_are_those_of_scikit_learn(numbers, seed):
    labels = labels_of(numbers, seed)
    expected = compute_class_weight("balanced", classes=np.arange(len(numbers)), y=labels)
    np.testing.assert_allclose(balanced_weights(labels, len(numbers)), expected, rtol=1e-12)


@given(counts, seeds)
def test_with_balanced_weights_all_classes_count_alike_and_examples_one_on_average(numbers, seed):
    labels = labels_of(numbers, seed)
    weights = class_weights(labels, balanced_weights(labels, len(numbers)))[0]
    assert weights.mean() == pytest.approx(1)
    of_class = np.bincount(labels, weights)
    np.testing.assert_allclose(of_class, of_class[0], rtol=1e-12)


def test_a_class_without_examples_leaves_the_balance_of_the_others():
    labels = np.array([0, 0, 0, 2])
    weights = class_weights(labels, balanced_weights(labels, classes=4))[0]
    np.testing.assert_allclose(weights, compute_sample_weight("balanced", labels), rtol=1e-12)


@given(counts, seeds)
def test_class_weights_are_the_sample_weights_of_scikit_learn(numbers, seed):
    labels = labels_of(numbers, seed)
    of_classes = np.abs(normal(seed, len(numbers)))
    expected = compute_sample_weight(dict(enumerate(of_classes)), labels)
    assert class_weights(labels, of_classes.tolist()).tolist() == [expected.tolist()]


def test_a_label_without_a_class_weight_is_refused():
    with pytest.raises(ValueError, match="2 class weights for labels from 0 to 2"):
        class_weights(LABELS, of_classes=(1, 3))


@pytest.mark.parametrize(
    "weights", [[[1.0, -0.1]], [[0.0, 0.0]], [[[1.0, 2.0]], [[0.0, 0.0]]]], ids=str
)
def test_weights_that_cannot_be_shares_are_refused(weights):
    with pytest.raises(ValueError, match="expected none below 0, and some above"):
        normalized(np.array(weights))


@given(counts, seeds, st.floats(0.1, 0.9))
def test_what_is_held_out_is_the_share_asked_for_of_different_examples(numbers, seed, share):
    labels = np.tile(labels_of(numbers, seed), 10)
    held = held_out(labels, seed, share)
    assert len(set(held.tolist())) == len(held) == round(share * len(labels))
    assert set(held.tolist()) <= {*range(len(labels))}


@given(counts, seeds, st.floats(0.1, 0.9))
def test_what_is_held_out_holds_the_classes_as_the_labels_do(numbers, seed, share):
    labels = np.tile(labels_of(numbers, seed), 10)
    held = held_out(labels, seed, share)
    of_all = np.array(numbers) / sum(numbers)
    of_held = np.bincount(labels[held], minlength=len(numbers))
    assert (np.abs(of_held - len(held) * of_all) <= 1 + len(numbers) * of_all + 1e-9).all()


def test_other_seeds_hold_out_others_and_all_equally_often():
    held = [held_out(LABELS, seed, share=0.3).tolist() for seed in range(1100)]
    assert held[1] == held_out(LABELS, seed=1, share=0.3).tolist() != held[2]
    times = np.bincount([*chain.from_iterable(held)], minlength=11)
    np.testing.assert_allclose(times, 300, atol=4 * np.sqrt(1100 * 3 / 11 * 8 / 11))


def test_what_is_held_out_is_drawn_apart_from_the_orders():
    held = [held_out(LABELS, seed, share=0.5).tolist() for seed in range(20)]
    first = [stratified(LABELS, seed)(0)[: len(held[0])].tolist() for seed in range(20)]
    assert all(one != other for one, other in zip(held, first, strict=True))


@pytest.mark.parametrize("share", [0.0, 0.04, 0.96, 1.0, -0.5])
def test_a_share_that_leaves_none_on_one_side_is_refused(share):
    with pytest.raises(ValueError, match=f"{share} of 11 examples to hold out"):
        held_out(LABELS, 1, share)


def test_shares_in_a_balanced_order_make_batches_that_count_as_one_on_average():
    labels = np.array([0] * 9 + [1] * 2)
    weights = normalized(class_weights(labels, (1, 4)))
    batches = mini_batches(numbered(11, weights), balanced(labels, seed=1), size=6)
    sums = [np.sum(np.asarray(batch.weights)) for batch in islice(batches, 3)]
    np.testing.assert_allclose(np.mean(sums), 1, rtol=1e-12)


def test_a_class_that_is_not_there_weighs_nothing():
    weights = balanced_weights(np.array([0, 2, 2, 2]), classes=3)
    assert list(weights) == pytest.approx([2, 0, 2 / 3])


def test_batches_of_a_stack_of_columns_are_those_of_each_of_its_networks():
    X, Y = normal(1, 2, 3, 11), np.arange(11.0)[np.newaxis]
    stack, *each = (
        islice(mini_batches(Batch(columns, Y), shuffled(11, 1), size=4), 5) for columns in (X, *X)
    )
    for together, first, second in zip(stack, *each, strict=True):
        np.testing.assert_array_equal(together.X, [first.X, second.X])
