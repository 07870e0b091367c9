"""What an experiment makes of pictures: columns, targets, shares, batches, and where to train."""

import pickle
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
import pytest
from hypothesis import given
from sklearn.utils.class_weight import compute_sample_weight

from catpipe.data.batches import full_batches
from catpipe.data.examples import Examples, targets
from catpipe.data.transforms.columns import pixels
from catpipe.experiments import setup as setups
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import fit, run
from catpipe.experiments.resuming import resume
from catpipe.experiments.setup import (
    Setup,
    batches_of,
    prepare,
    with_seed,
)
from catpipe.nn.activations import TANH
from catpipe.nn.arrays import Array
from catpipe.nn.initializers import he, initialize_parameters
from catpipe.nn.losses import SOFTMAX_CROSS_ENTROPY
from catpipe.nn.network import layer_sizes, mlp
from catpipe.optim.optimizers import heavy_ball
from catpipe.optim.regularizers import with_clipping
from catpipe.training.loop import initial_state, make_step, train
from tests.points import FLOATS, seeds


def pictures_of(labels: list[int], seed: int = 1) -> Examples:
    """Return pictures of 12 numbers each, drawn at random."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (len(labels), 2, 2, 3)).astype(np.uint8)
    return Examples(images, np.array(labels))


PICTURES = pictures_of([0, 2, 0, 1, 0, 2, 0, 2, 0, 0, 1, 0, 0])
OWN = pictures_of([1, 2, 0, 0, 0], seed=2)
EXPERIMENT = Experiment(seed=1, hidden=(3,), classes=3, iterations=20, full_space=True)
X = PICTURES.inputs.reshape(13, -1).T / 255


def weights_in(setup: Setup) -> tuple[Array, Array]:
    """Return the shares in training and in validation, where there are any."""
    shares = [np.zeros_like(setup.targets[:1]) if own is None else own for own in setup.plan[:2]]
    return shares[0], shares[1]


def columns_of(batch) -> list[int]:
    """Return which of the pictures, the user's own after them, a batch in the full space holds."""
    known = np.concatenate([PICTURES.inputs, OWN.inputs]).reshape(18, -1).T / 255
    return [int(np.flatnonzero((column == known.T).all(1))[0]) for column in batch.X.T]


def test_the_columns_are_the_pictures_and_the_targets_one_hot_labels():
    setup = prepare(EXPERIMENT, PICTURES)
    np.testing.assert_array_equal(setup.space.columns, X)
    assert (setup.targets.argmax(0) == PICTURES.targets).all()
    assert setup.targets.sum() == 13
    assert (setup.input_shape, setup.validation_examples) == ((2, 2, 3), 0)


def test_two_classes_are_one_row_of_targets():
    two = pictures_of([0, 1, 1, 0])
    setup = prepare(EXPERIMENT._replace(classes=2), two)
    assert setup.targets.tolist() == [[0, 1, 1, 0]]
    assert layer_sizes(setup.network) == [12, 3, 1]


def test_more_classes_are_an_output_each():
    assert layer_sizes(prepare(EXPERIMENT, PICTURES).network) == [12, 3, 3]


@given(seeds)
def test_the_start_is_drawn_by_the_scheme_from_the_seed(seed):
    expected = initialize_parameters(mlp(12, 3, 3), seed, he)
    setup = prepare(EXPERIMENT._replace(initializer="he", seed=seed), PICTURES)
    assert setup.initial_parameters == expected


def test_pictures_of_ones_own_to_validate_by_come_last():
    setup = prepare(EXPERIMENT._replace(early_stopping=1), PICTURES, OWN)
    own = OWN.inputs.reshape(5, -1).T / 255
    np.testing.assert_array_equal(setup.space.columns, np.concatenate([X, own], 1))
    assert setup.labels.tolist() == [*PICTURES.targets, *OWN.targets]
    assert setup.validation_examples == 5


def test_without_weights_or_early_stopping_all_count_alike():
    assert prepare(EXPERIMENT, PICTURES).plan[:2] == (None, None)


def test_class_weights_become_shares():
    training, validating = weights_in(
        prepare(EXPERIMENT._replace(class_weight=(1, 2.5, 4)), PICTURES)
    )
    expected = compute_sample_weight({0: 1, 1: 2.5, 2: 4}, PICTURES.targets)
    assert not validating.any()
    np.testing.assert_allclose(training, [expected / expected.sum()], rtol=1e-12)


def test_balanced_class_weights_are_those_of_the_pictures_to_train_on():
    experiment = EXPERIMENT._replace(class_weight="balanced", early_stopping=1)
    setup = prepare(experiment, PICTURES, OWN)
    training, validating = weights_in(setup)
    weights = compute_sample_weight("balanced", PICTURES.targets)
    by_class = dict(zip(PICTURES.targets, weights, strict=True))
    own = np.array([by_class[label] for label in OWN.targets])
    np.testing.assert_allclose(training, [[*weights / weights.sum(), *[0] * 5]], rtol=1e-12)
    np.testing.assert_allclose(validating, [[*[0] * 13, *own / own.sum()]], rtol=1e-12)


@pytest.mark.parametrize("class_weight", [None, "balanced", (1, 2, 3)])
@pytest.mark.parametrize("own", [None, OWN], ids=["held_out", "own"])
def test_no_column_is_both_trained_on_and_validated_by(class_weight, own):
    experiment = EXPERIMENT._replace(early_stopping=1, class_weight=class_weight)
    trained, validating = weights_in(prepare(experiment, PICTURES, own))
    assert ((trained > 0) != (validating > 0)).all()
    np.testing.assert_allclose([trained.sum(), validating.sum()], 1, rtol=1e-12)


def test_a_fifth_is_held_out_and_another_for_another_seed():
    held = []
    for seed in range(40):
        setup = prepare(EXPERIMENT._replace(seed=seed, early_stopping=1), PICTURES)
        _, validating = weights_in(setup)
        held.append(tuple(np.flatnonzero(validating)))
    assert {len(of) for of in held} == {round(13 / 5)}
    assert len(set(held)) > 20


def test_what_is_held_out_holds_the_classes_as_the_pictures_do():
    many = pictures_of([*PICTURES.targets] * 20)
    _, validating = weights_in(prepare(EXPERIMENT._replace(early_stopping=1), many))
    held = np.bincount(many.targets[np.flatnonzero(validating)])
    np.testing.assert_allclose(held, np.bincount(many.targets) / 5, atol=1 + 3 * 8 / 13)


@pytest.mark.parametrize("order", ["shuffled", "stratified", "balanced"])
def test_validation_pictures_are_never_in_a_mini_batch(order):
    experiment = EXPERIMENT._replace(early_stopping=1, batch_size=4, order=order, epochs=6)
    for own in (None, OWN):
        setup = prepare(experiment, PICTURES, own)
        _, validating = weights_in(setup)
        seen = {column for batch in batches_of(setup) for column in columns_of(batch)}
        assert seen == {*range(len(setup.labels))} - {*np.flatnonzero(validating)}


@pytest.mark.parametrize("order", ["shuffled", "stratified"])
def test_an_epoch_shows_every_picture_once(order):
    setup = prepare(EXPERIMENT._replace(batch_size=4, order=order, epochs=3), PICTURES)
    batches = map(columns_of, batches_of(setup))
    for _ in range(3):
        assert sorted(chain.from_iterable(islice(batches, 4))) == [*range(13)]
    assert not [*batches]


def test_a_balanced_epoch_shows_all_classes_equally_often():
    setup = prepare(EXPERIMENT._replace(batch_size=3, order="balanced", epochs=1), PICTURES)
    shown = [PICTURES.targets[columns_of(batch)].tolist() for batch in batches_of(setup)]
    assert len(shown) == 8
    assert all(sorted(labels) == [0, 1, 2] for labels in shown)


@pytest.mark.parametrize("batch_size", [None, 1, 4, 13, 50])
@pytest.mark.parametrize("class_weight", [None, (1, 2, 3)])
def test_batches_begun_at_any_iteration_are_those_that_were_left(batch_size, class_weight):
    setup = prepare(EXPERIMENT._replace(batch_size=batch_size, class_weight=class_weight), PICTURES)
    everything = [*batches_of(setup)]
    assert len(everything) == 20
    for begin in range(21):
        left = [*batches_of(setup, begin)]
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
    setup = prepare(EXPERIMENT._replace(**changes, epochs=7), PICTURES)
    assert (setup.plan.batches_in_epoch, setup.plan.iterations) == (batches, 7 * batches)
    assert len([*batches_of(setup)]) == 7 * batches


@pytest.mark.parametrize("batch_size", [None, 4])
def test_without_epochs_iterations_are_those_asked_for(batch_size):
    assert prepare(EXPERIMENT._replace(batch_size=batch_size), PICTURES).plan.iterations == 20


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("full_space", [True, False])
def test_all_is_of_the_type_asked_for(dtype, full_space):
    experiment = EXPERIMENT._replace(
        dtype=dtype.__name__,
        full_space=full_space,
        iterations=10**6,
        early_stopping=1,
        class_weight="balanced",
        batch_size=4,
    )
    setup = prepare(experiment, PICTURES)
    batch = next(batches_of(setup))
    arrays = (
        setup.space.columns,
        setup.targets,
        *setup.plan[:2],
        *batch,
        *setup.initial_parameters.values(),
    )
    assert {array.dtype for array in arrays if array is not None} == {np.dtype(dtype)}


WIDE = Examples(np.repeat(PICTURES.inputs, 9, axis=1), PICTURES.targets)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "the subspace of 13 examples, in the dual form"),
        ({"optimizer": "nesterov", "l2": 0.1, "weight_decay": 0.1}, "in the dual form"),
        ({"schedule": ("cosine",), "class_weight": "balanced"}, "in the dual form"),
        ({"early_stopping": 3, "dropout": 0.5}, "in the dual form"),
        ({"batch_size": 5}, "the subspace of 13 examples"),
        ({"optimizer": "adam"}, "the optimizer does not commute with rotations"),
        ({"full_space": True}, "chosen"),
        ({"iterations": 1, "batch_size": 5}, "1 planned iterations save less than"),
    ],
    ids=str,
)
def test_the_space_is_the_cheapest_that_is_exact(changes, said):
    experiment = Experiment(seed=1, hidden=(3,), classes=3)._replace(**changes)
    assert said in prepare(experiment, WIDE).space.description


def test_columns_to_validate_by_are_in_the_space_too():
    experiment = EXPERIMENT._replace(full_space=False, early_stopping=1, iterations=10**6)
    assert (
        "18 examples"
        in prepare(
            experiment, WIDE, Examples(OWN.inputs.repeat(9, 1), OWN.targets)
        ).space.description
    )


def test_a_setup_goes_to_a_worker_process_as_it_is():
    setup = prepare(EXPERIMENT._replace(full_space=False, iterations=900), WIDE)
    again = pickle.loads(pickle.dumps(setup))
    assert "dual" in setup.space.description
    results = [run(one).parameters for one in (setup, again)]
    assert results[0] == results[1]


def test_a_validation_set_without_early_stopping_is_refused():
    with pytest.raises(ValueError, match="a validation set without early stopping"):
        prepare(EXPERIMENT, PICTURES, OWN)


def test_labels_beyond_the_classes_are_refused_also_in_a_validation_set():
    with pytest.raises(ValueError, match="expected 0 to 1"):
        prepare(EXPERIMENT._replace(classes=2), PICTURES)
    two = pictures_of([0, 1, 0, 1])
    with pytest.raises(ValueError, match="expected 0 to 1"):
        prepare(EXPERIMENT._replace(classes=2, early_stopping=1), two, OWN)


def test_an_experiment_that_cannot_be_is_refused_before_anything_is_made_of_it():
    with pytest.raises(ValueError, match="batch_size is 0"):
        prepare(EXPERIMENT._replace(batch_size=0), PICTURES)


def test_too_few_pictures_to_hold_out_a_fifth_are_refused():
    with pytest.raises(ValueError, match=r"early_stopping holds out 0\.2 of 2 examples"):
        prepare(EXPERIMENT._replace(early_stopping=1), pictures_of([0, 1]))


def test_class_weights_that_leave_nothing_to_learn_from_are_refused():
    with pytest.raises(ValueError, match="have weight 0; expected some above"):
        prepare(EXPERIMENT._replace(class_weight=(0, 0, 1)), pictures_of([0, 1, 0, 1]))


@given(seeds)
def test_with_another_seed_a_setup_is_the_one_that_is_prepared_with_it(seed):
    experiment = EXPERIMENT._replace(dropout=0.5, batch_size=4, early_stopping=1)
    changed = with_seed(prepare(experiment, PICTURES), seed)
    anew = prepare(experiment._replace(seed=seed), PICTURES)
    assert changed.initial_parameters == anew.initial_parameters
    assert changed.network == anew.network
    assert pickle.dumps([*batches_of(changed)]) == pickle.dumps([*batches_of(anew)])


DERIVED = (
    "learned_columns", "targets", "network_for", "plan_for", "optimizer_for", "cheapest_space",
    "initialize_parameters", "fingerprint", "_validating", "_weights", "_order", "batches_in_epoch",
)  # fmt: skip


def test_one_fit_works_each_thing_out_once(monkeypatch):
    calls = []

    def counted(name):
        inner = getattr(setups, name)

        def call(*arguments, **more):
            calls.append(name)
            return inner(*arguments, **more)

        return call

    for name in DERIVED:
        monkeypatch.setattr(setups, name, counted(name))
    experiment = Experiment(1, hidden=(3,), classes=3, batch_size=4, early_stopping=2, epochs=3)
    fit(experiment, PICTURES)
    assert sorted(calls) == sorted(DERIVED)


def test_an_example_of_weight_0_is_as_if_it_were_not_there():
    weights = np.array([1.0] * 10 + [0.0] * 3)
    with_zeros = run(prepare(EXPERIMENT, PICTURES._replace(weights=weights)))
    without = run(prepare(EXPERIMENT, Examples(PICTURES.inputs[:10], PICTURES.targets[:10])))
    for name, W in with_zeros.parameters.items():
        np.testing.assert_allclose(W, without.parameters[name], rtol=1e-12)


def test_an_example_of_weight_2_counts_as_two():
    weights = np.array([2.0] + [1.0] * 12)
    twice = Examples(
        np.concatenate([PICTURES.inputs[:1], PICTURES.inputs]),
        np.concatenate([PICTURES.targets[:1], PICTURES.targets]),
    )
    weighted = run(prepare(EXPERIMENT, PICTURES._replace(weights=weights)))
    for name, W in run(prepare(EXPERIMENT, twice)).parameters.items():
        np.testing.assert_allclose(W, weighted.parameters[name], rtol=1e-12)


def test_a_network_and_an_optimizer_of_ones_own_are_trained():
    own = mlp(12, 5, 3, activation=TANH, loss=SOFTMAX_CROSS_ENTROPY)
    clipped = with_clipping(heavy_ball(0.1), norm=0.5)
    result = fit(EXPERIMENT, PICTURES, network=own, optimizer=clipped)
    X, Y = pixels(PICTURES.inputs), targets(PICTURES.targets, 3)
    start = initial_state(clipped, initialize_parameters(own, 1))
    expected = train(make_step(own, clipped), full_batches(X, Y, 20), start)
    assert result.parameters == expected.parameters


def test_a_run_with_an_optimizer_of_ones_own_carries_on_with_it():
    clipped = with_clipping(heavy_ball(0.1), norm=0.5)
    short = fit(EXPERIMENT._replace(iterations=9), PICTURES, optimizer=clipped)
    long = fit(EXPERIMENT, PICTURES, optimizer=clipped)
    assert resume(short, PICTURES, iterations=20).parameters == long.parameters


def test_a_network_of_other_inputs_is_refused():
    with pytest.raises(ValueError, match="a network of 7 inputs for examples of 12 numbers"):
        prepare(EXPERIMENT, PICTURES, network=mlp(7, 3, 3))


def test_dropout_of_the_experiment_beside_a_network_of_ones_own_is_refused():
    with pytest.raises(ValueError, match="beside a network of your own"):
        prepare(EXPERIMENT._replace(dropout=0.5), PICTURES, network=mlp(12, 7, 3))


@pytest.mark.parametrize(
    ("weights", "refusal"),
    [
        (np.ones(5), r"shape \(5,\).*; expected \(13,\)"),
        (np.ones((13, 2)), r"shape \(13, 2\).*; expected \(13,\)"),
        (np.full(13, np.nan), "negative, not finite or all 0"),
        (np.full(13, -1.0), "negative, not finite or all 0"),
        (np.zeros(13), "negative, not finite or all 0"),
        (["1"] * 13, "type <U1; expected"),
    ],
    ids=["too few", "two each", "no numbers", "negative", "none", "text"],
)
def test_weights_that_are_not_one_number_for_each_example_are_refused(weights, refusal):
    with pytest.raises(ValueError, match=refusal):
        prepare(EXPERIMENT, PICTURES._replace(weights=weights))


def test_a_run_is_not_resumed_with_other_weights_of_its_examples():
    weighted = PICTURES._replace(weights=np.arange(1.0, 14.0))
    short = fit(EXPERIMENT._replace(iterations=9), weighted)
    assert resume(short, weighted, iterations=20) == fit(EXPERIMENT, weighted)
    with pytest.raises(ValueError, match="other weights"):
        resume(short, PICTURES, iterations=20)


@dataclass(frozen=True)
class Still:
    """An optimizer that leaves parameters as they are, and is false as an empty list is."""

    commutes_with_rotations: bool = False
    is_linear: bool = False

    def __len__(self):
        return 0

    def init(self, _):
        """Return no moments."""
        return ()

    def update(self, _, parameters, moments, __):
        """Return both as they are."""
        return parameters, moments


def test_an_optimizer_of_ones_own_is_used_however_empty_it_is():
    setup = prepare(EXPERIMENT, PICTURES, optimizer=Still())
    assert run(setup).parameters == setup.initial_parameters


@pytest.mark.parametrize(
    "watch", [lambda _: iter(()), lambda _: None, lambda checkpoints: map(str, checkpoints)]
)
def test_a_watch_that_hands_on_no_checkpoint_is_refused(watch):
    with pytest.raises(ValueError, match="hands on no checkpoint"):
        fit(EXPERIMENT, PICTURES, watch)


def test_inputs_that_are_floats_are_taken_as_they_are():
    floats = Examples(PICTURES.inputs / 255, PICTURES.targets)
    np.testing.assert_allclose(
        prepare(EXPERIMENT, floats).space.columns, prepare(EXPERIMENT, PICTURES).space.columns
    )
