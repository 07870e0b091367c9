"""What an experiment makes of pictures: columns, targets, shares, batches, and where to train."""

import pickle
from itertools import chain, islice

import numpy as np
import pytest
from hypothesis import given
from sklearn.utils.class_weight import compute_sample_weight

from catpipe.data.examples import Pictures
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import solve
from catpipe.experiments.setup import (
    Problem,
    batches_of,
    epoch_of,
    iterations_of,
    network_of,
    problem,
    roles,
    start,
)
from catpipe.nn.initializers import he, initialize_parameters
from catpipe.nn.network import layer_sizes, mlp
from catpipe.nn.parameters import Array
from tests.points import FLOATS, seeds


def pictures_of(labels: list[int], seed: int = 1) -> Pictures:
    """Return pictures of 12 numbers each, drawn at random."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (len(labels), 2, 2, 3)).astype(np.uint8)
    return Pictures(images, np.array(labels))


PICTURES = pictures_of([0, 2, 0, 1, 0, 2, 0, 2, 0, 0, 1, 0, 0])
OWN = pictures_of([1, 2, 0, 0, 0], seed=2)
ASKED = Experiment(seed=1, hidden=(3,), classes=3, iterations=20, full_space=True)
X = PICTURES.images.reshape(13, -1).T / 255


def shares_in(posed: Problem) -> tuple[Array, Array]:
    """Return the shares in training and in validation, where there are any."""
    shares = [np.zeros_like(posed.Y[:1]) if own is None else own for own in roles(posed)]
    return shares[0], shares[1]


def columns_of(batch) -> list[int]:
    """Return which of the pictures, the user's own after them, a batch in the full space holds."""
    known = np.concatenate([PICTURES.images, OWN.images]).reshape(18, -1).T / 255
    return [int(np.flatnonzero((column == known.T).all(1))[0]) for column in batch.X.T]


def test_the_columns_are_the_pictures_and_the_targets_one_hot_labels():
    posed = problem(ASKED, PICTURES)
    np.testing.assert_array_equal(posed.space.columns, X)
    assert (posed.Y.argmax(0) == PICTURES.labels).all()
    assert posed.Y.sum() == 13
    assert (posed.features, posed.own) == (12, 0)


def test_two_classes_are_one_row_of_targets():
    two = pictures_of([0, 1, 1, 0])
    posed = problem(ASKED._replace(classes=2), two)
    assert posed.Y.tolist() == [[0, 1, 1, 0]]
    assert layer_sizes(network_of(posed)) == [12, 3, 1]


def test_more_classes_are_an_output_each():
    assert layer_sizes(network_of(problem(ASKED, PICTURES))) == [12, 3, 3]


@given(seeds)
def test_the_start_is_drawn_by_the_scheme_from_the_seed(seed):
    expected = initialize_parameters(mlp(12, 3, 3), seed, he)
    assert start(problem(ASKED._replace(initializer="he"), PICTURES), seed) == expected


def test_pictures_of_ones_own_to_validate_by_come_last():
    posed = problem(ASKED._replace(early_stopping=1), PICTURES, OWN)
    own = OWN.images.reshape(5, -1).T / 255
    np.testing.assert_array_equal(posed.space.columns, np.concatenate([X, own], 1))
    assert posed.labels.tolist() == [*PICTURES.labels, *OWN.labels]
    assert posed.own == 5


def test_without_weights_or_early_stopping_all_count_alike():
    assert roles(problem(ASKED, PICTURES)) == (None, None)


def test_class_weights_become_shares():
    shares, held = shares_in(problem(ASKED._replace(class_weight=(1, 2.5, 4)), PICTURES))
    expected = compute_sample_weight({0: 1, 1: 2.5, 2: 4}, PICTURES.labels)
    assert not held.any()
    np.testing.assert_allclose(shares, [expected / expected.sum()], rtol=1e-12)


def test_balanced_class_weights_are_those_of_the_pictures_to_train_on():
    asked = ASKED._replace(class_weight="balanced", early_stopping=1)
    posed = problem(asked, PICTURES, OWN)
    shares, held = shares_in(posed)
    weights = compute_sample_weight("balanced", PICTURES.labels)
    by_class = dict(zip(PICTURES.labels, weights, strict=True))
    own = np.array([by_class[label] for label in OWN.labels])
    np.testing.assert_allclose(shares, [[*weights / weights.sum(), *[0] * 5]], rtol=1e-12)
    np.testing.assert_allclose(held, [[*[0] * 13, *own / own.sum()]], rtol=1e-12)


@pytest.mark.parametrize("class_weight", [None, "balanced", (1, 2, 3)])
@pytest.mark.parametrize("own", [None, OWN], ids=["held_out", "own"])
def test_no_column_is_both_trained_on_and_validated_by(class_weight, own):
    asked = ASKED._replace(early_stopping=1, class_weight=class_weight)
    trained, validating = shares_in(problem(asked, PICTURES, own))
    assert ((trained > 0) != (validating > 0)).all()
    np.testing.assert_allclose([trained.sum(), validating.sum()], 1, rtol=1e-12)


def test_a_fifth_is_held_out_and_another_for_another_seed():
    held = []
    for seed in range(40):
        posed = problem(ASKED._replace(seed=seed, early_stopping=1), PICTURES)
        _, validating = shares_in(posed)
        held.append(tuple(np.flatnonzero(validating)))
    assert {len(of) for of in held} == {round(13 / 5)}
    assert len(set(held)) > 20


def test_what_is_held_out_holds_the_classes_as_the_pictures_do():
    many = pictures_of([*PICTURES.labels] * 20)
    _, validating = shares_in(problem(ASKED._replace(early_stopping=1), many))
    held = np.bincount(many.labels[np.flatnonzero(validating)])
    np.testing.assert_allclose(held, np.bincount(many.labels) / 5, atol=1 + 3 * 8 / 13)


@pytest.mark.parametrize("order", ["shuffled", "stratified", "balanced"])
def test_validation_pictures_are_never_in_a_mini_batch(order):
    asked = ASKED._replace(early_stopping=1, batch_size=4, order=order, epochs=6)
    for own in (None, OWN):
        posed = problem(asked, PICTURES, own)
        _, validating = shares_in(posed)
        seen = {column for batch in batches_of(posed) for column in columns_of(batch)}
        assert seen == {*range(len(posed.labels))} - {*np.flatnonzero(validating)}


@pytest.mark.parametrize("order", ["shuffled", "stratified"])
def test_an_epoch_shows_every_picture_once(order):
    posed = problem(ASKED._replace(batch_size=4, order=order, epochs=3), PICTURES)
    batches = map(columns_of, batches_of(posed))
    for _ in range(3):
        assert sorted(chain.from_iterable(islice(batches, 4))) == [*range(13)]
    assert not [*batches]


def test_a_balanced_epoch_shows_all_classes_equally_often():
    posed = problem(ASKED._replace(batch_size=3, order="balanced", epochs=1), PICTURES)
    shown = [PICTURES.labels[columns_of(batch)].tolist() for batch in batches_of(posed)]
    assert len(shown) == 8
    assert all(sorted(labels) == [0, 1, 2] for labels in shown)


@pytest.mark.parametrize("batch_size", [None, 1, 4, 13, 50])
@pytest.mark.parametrize("class_weight", [None, (1, 2, 3)])
def test_batches_begun_at_any_iteration_are_those_that_were_left(batch_size, class_weight):
    posed = problem(ASKED._replace(batch_size=batch_size, class_weight=class_weight), PICTURES)
    everything = [*batches_of(posed)]
    assert len(everything) == 20
    for begin in range(21):
        left = [*batches_of(posed, begin)]
        assert pickle.dumps(left) == pickle.dumps(everything[begin:])


@pytest.mark.parametrize(
    ("changes", "batches"),
    [
        ({}, 1),
        ({"batch_size": 4}, 4),
        ({"batch_size": 13}, 1),
        ({"batch_size": 100}, 1),
        ({"batch_size": 4, "order": "balanced"}, 6),
        ({"batch_size": 4, "early_stopping": 2}, 3),
        ({"batch_size": 4, "class_weight": (0, 1, 1)}, 2),
    ],
    ids=str,
)
def test_epochs_times_batches_are_the_iterations(changes, batches):
    posed = problem(ASKED._replace(**changes, epochs=7), PICTURES)
    assert (epoch_of(posed), iterations_of(posed)) == (batches, 7 * batches)
    assert len([*batches_of(posed)]) == 7 * batches


@pytest.mark.parametrize("batch_size", [None, 4])
def test_without_epochs_iterations_are_those_asked_for(batch_size):
    assert iterations_of(problem(ASKED._replace(batch_size=batch_size), PICTURES)) == 20


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("full_space", [True, False])
def test_all_is_of_the_type_asked_for(dtype, full_space):
    asked = ASKED._replace(
        dtype=dtype.__name__,
        full_space=full_space,
        iterations=10**6,
        early_stopping=1,
        class_weight="balanced",
        batch_size=4,
    )
    posed = problem(asked, PICTURES)
    batch = next(batches_of(posed))
    arrays = (posed.space.columns, posed.Y, *roles(posed), *batch, *start(posed, 1).values())
    assert {array.dtype for array in arrays if array is not None} == {np.dtype(dtype)}


WIDE = Pictures(np.repeat(PICTURES.images, 9, axis=1), PICTURES.labels)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "the subspace of 13 examples, in the dual form"),
        ({"optimizer": "nesterov", "l2": 0.1, "weight_decay": 0.1}, "in the dual form"),
        ({"schedule": ("cosine",), "class_weight": "balanced"}, "in the dual form"),
        ({"early_stopping": 3, "dropout": 0.5}, "in the dual form"),
        ({"batch_size": 5}, "the subspace of 13 examples"),
        ({"optimizer": "adam"}, "the optimizer does not commute with rotations"),
        ({"full_space": True}, "asked for"),
        ({"iterations": 1}, "1 iterations, asked for at first, save less than"),
    ],
    ids=str,
)
def test_the_space_is_the_cheapest_that_is_exact(changes, said):
    asked = Experiment(seed=1, hidden=(3,), classes=3)._replace(**changes)
    assert said in problem(asked, WIDE).space.description


def test_columns_to_validate_by_are_in_the_space_too():
    asked = ASKED._replace(full_space=False, early_stopping=1, iterations=10**6)
    assert (
        "18 examples"
        in problem(asked, WIDE, Pictures(OWN.images.repeat(9, 1), OWN.labels)).space.description
    )


def test_a_problem_goes_to_a_worker_process_as_it_is():
    posed = problem(ASKED._replace(full_space=False, iterations=900), WIDE)
    again = pickle.loads(pickle.dumps(posed))
    assert "dual" in posed.space.description
    results = [solve(one, start(one, 1)).parameters for one in (posed, again)]
    assert results[0] == results[1]


def test_a_validation_set_without_early_stopping_is_refused():
    with pytest.raises(ValueError, match="a validation set without early stopping"):
        problem(ASKED, PICTURES, OWN)


def test_labels_beyond_the_classes_are_refused_also_in_a_validation_set():
    with pytest.raises(ValueError, match="expected 0 to 1"):
        problem(ASKED._replace(classes=2), PICTURES)
    two = pictures_of([0, 1, 0, 1])
    with pytest.raises(ValueError, match="expected 0 to 1"):
        problem(ASKED._replace(classes=2, early_stopping=1), two, OWN)


def test_an_experiment_that_cannot_be_is_refused_before_anything_is_made_of_it():
    with pytest.raises(ValueError, match="batch size is 0"):
        problem(ASKED._replace(batch_size=0), PICTURES)


def test_too_few_pictures_to_hold_out_a_fifth_are_refused():
    with pytest.raises(ValueError, match=r"0\.2 of 2 examples to hold out"):
        roles(problem(ASKED._replace(early_stopping=1), pictures_of([0, 1])))


def test_class_weights_that_leave_nothing_to_learn_from_are_refused():
    with pytest.raises(ValueError, match="expected none below 0, and some above"):
        roles(problem(ASKED._replace(class_weight=(0, 0, 1)), pictures_of([0, 1, 0, 1])))
