"""A stack of networks is its networks: one call on all of them is a call on each of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import catpipe
from catpipe.data.batches import Batch, normalized
from catpipe.data.examples import Examples
from catpipe.data.sampling import held_out, shuffled
from catpipe.experiments import ensembles as stacks
from catpipe.experiments.cross_validation import cross_validate
from catpipe.experiments.ensembles import PART, fit_seeds
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import fit
from catpipe.experiments.result import probabilities
from catpipe.experiments.setup import prepare
from catpipe.metrics.scores import accuracy
from catpipe.nn.activations import IDENTITY, SIGMOID, TANH
from catpipe.nn.arrays import Array
from catpipe.nn.network import (
    backward,
    compute_cost,
    cost_gradient,
    forward,
    gradients,
    input_gradient,
    mlp,
    predict,
    predict_probabilities,
)
from catpipe.nn.parameters import Parameters, map_parameters
from catpipe.optim.optimizers import (
    averaged_momentum,
    gradient_descent,
    heavy_ball,
    nesterov,
    update_parameters,
)
from catpipe.optim.regularizers import with_clipping, with_l2, with_weight_decay
from catpipe.optim.schedules import scaled
from catpipe.training.loop import initial_state, make_step, train
from tests.points import FLOATS, activations, examples, networks, normal, normal_parameters, seeds
from tests.points import OPTIMIZERS as ALL_OPTIMIZERS

OPTIMIZERS = {
    "gradient_descent": gradient_descent,
    "momentum": heavy_ball,
    "nesterov": nesterov,
    "gradient_descent_l2": lambda rate: with_l2(gradient_descent(rate), 0.3),
    "momentum_l2": lambda rate: with_l2(heavy_ball(rate), 0.3),
    "nesterov_l2": lambda rate: with_l2(nesterov(rate), 0.3),
    "averaged_momentum_decay": lambda rate: with_weight_decay(
        averaged_momentum(rate), scaled(rate, 0.3)
    ),
    "momentum_clipped": lambda rate: with_clipping(heavy_ball(rate), 0.2),
}
RATES = (0.01, 0.1, 0.03)
CLOSE: dict[type, dict[str, Any]] = {
    np.float64: {"rtol": 1e-9, "atol": 1e-11},
    np.float32: {"rtol": 2e-3, "atol": 2e-4},
}

counts = st.integers(1, 3)
floats = st.sampled_from(FLOATS)
smooth = st.sampled_from((IDENTITY, SIGMOID, TANH))  # float32 may round across ReLU's kink
cases = st.one_of(
    st.tuples(activations, st.just(np.float64)), st.tuples(smooth, st.just(np.float32))
)


def stack(members: Sequence[Parameters]) -> Parameters:
    """Return the parameters of all members, with a leading axis that counts them."""
    return Parameters({name: np.stack([each[name] for each in members]) for name in members[0]})


def members(stacked: Parameters) -> list[Parameters]:
    """Return the parameters of each network of a stack."""
    count = len(next(iter(stacked.values())))
    return [Parameters({name: a[i] for name, a in stacked.items()}) for i in range(count)]


def normal_stack(net, seed, count, dtype=np.float64) -> Parameters:
    return stack([normal_parameters(net, seed + i, dtype) for i in range(count)])


def assert_close(actual: Parameters, expected: Parameters, dtype: type = np.float64) -> None:
    """Assert that names, shapes and types are equal, and numbers close."""
    assert list(actual) == list(expected)
    for name, array in actual.items():
        assert (name, array.shape, array.dtype) == (name, expected[name].shape, np.dtype(dtype))
        np.testing.assert_allclose(array, expected[name], err_msg=name, **CLOSE[dtype])


def random_shares(seed: int, *shape: int, dtype: type = np.float64) -> Array:
    return normalized(np.abs(normal(seed, *shape, dtype=dtype)))


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
@settings(max_examples=8)
@given(cases, seeds, counts)
def test_training_a_stack_is_training_each_of_its_networks(make, case, seed, count):
    activation, dtype = case
    net = mlp(5, 4, 2, activation=activation)
    batch, start = Batch(*examples(net, seed, dtype=dtype)), normal_stack(net, seed, count, dtype)
    optimizer = make(0.03)
    step = make_step(net, optimizer, sample_every=2)
    trained = train(step, [batch] * 4, initial_state(optimizer, start))
    each = [train(step, [batch] * 4, initial_state(optimizer, one)) for one in members(start)]
    assert_close(trained.parameters, stack([state.parameters for state in each]), dtype)
    for i, (iteration, costs) in enumerate(trained.costs):
        alone = [state.costs[i] for state in each]
        assert [sampled for sampled, _ in alone] == [iteration] * count
        np.testing.assert_allclose(
            np.array(costs), np.array([cost for _, cost in alone]), **CLOSE[dtype]
        )


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
@settings(max_examples=8)
@given(cases, seeds)
def test_a_stack_of_learning_rates_is_each_of_them(make, case, seed):
    activation, dtype = case
    net = mlp(5, 3, 1, activation=activation)
    batch, start = Batch(*examples(net, seed, dtype=dtype)), normal_stack(net, seed, 3, dtype)
    optimizer = make(np.reshape(RATES, (3, 1, 1)))
    trained = train(make_step(net, optimizer), [batch] * 4, initial_state(optimizer, start))
    each = [
        train(make_step(net, make(rate)), [batch] * 4, initial_state(make(rate), one)).parameters
        for rate, one in zip(RATES, members(start), strict=True)
    ]
    assert_close(trained.parameters, stack(each), dtype)


@pytest.mark.parametrize("name", ["rmsprop", "adam", "adamw", "with_weight_decay"])
@pytest.mark.parametrize("seed", range(3))
def test_training_a_stack_with_other_optimizers_is_training_each(name, seed):
    net, optimizer = mlp(5, 4, 2, activation=TANH), ALL_OPTIMIZERS[name](0.03)
    batch, start = Batch(*examples(net, seed)), normal_stack(net, seed, 3)
    step = make_step(net, optimizer)
    trained = train(step, [batch] * 4, initial_state(optimizer, start))
    each = [train(step, [batch] * 4, initial_state(optimizer, one)) for one in members(start)]
    assert_close(trained.parameters, stack([state.parameters for state in each]))


@given(cases, seeds, counts)
def test_a_stack_of_shares_is_each_of_them(case, seed, count):
    activation, dtype = case
    net, descent = mlp(4, 3, 2, activation=activation), gradient_descent(0.1)
    X, Y = examples(net, seed, dtype=dtype)
    start = normal_stack(net, seed, count, dtype)
    weights, step = random_shares(seed, count, 1, 6, dtype=dtype), make_step(net, descent)
    trained = train(step, [Batch(X, Y, weights)] * 3, initial_state(descent, start))
    each = [
        train(step, [Batch(X, Y, own)] * 3, initial_state(descent, one)).parameters
        for own, one in zip(weights, members(start), strict=True)
    ]
    assert_close(trained.parameters, stack(each), dtype)


@given(seeds)
def test_one_start_under_a_stack_of_shares_becomes_a_stack(seed):
    net, descent = mlp(4, 3, 1), gradient_descent(0.1)
    X, Y = examples(net, seed)
    start, weights = normal_parameters(net, seed), random_shares(seed, 2, 1, 6)
    step = make_step(net, descent)
    trained = train(step, [Batch(X, Y, weights)] * 3, initial_state(descent, start))
    each = [
        train(step, [Batch(X, Y, own)] * 3, initial_state(descent, start)).parameters
        for own in weights
    ]
    assert_close(trained.parameters, stack(each))


@given(seeds, counts)
def test_weights_become_shares_of_each_network_by_itself(seed, count):
    weights = np.abs(normal(seed, count, 1, 5))
    weights = normalized(weights)
    for own, weight in zip(weights, weights, strict=True):
        np.testing.assert_allclose(own, weight / weight.sum(), rtol=1e-14)


@given(networks(), seeds, counts, floats)
def test_forward_of_a_stack_is_that_of_each(net, seed, count, dtype):
    X, _ = examples(net, seed, dtype=dtype)
    stacked = normal_stack(net, seed, count, dtype)
    Z, caches = forward(net, stacked, X)
    for i, one in enumerate(members(stacked)):
        alone, own_caches = forward(net, one, X)
        np.testing.assert_allclose(Z[i], alone, **CLOSE[dtype])
        for cache, own in zip(caches, own_caches, strict=True):
            np.testing.assert_allclose(cache.Z[i], own.Z, **CLOSE[dtype])
    assert Z.dtype == dtype


@given(networks(), seeds, counts)
def test_backward_of_a_stack_is_that_of_each(net, seed, count):
    X, _ = examples(net, seed)
    stacked = normal_stack(net, seed, count)
    Z, caches = forward(net, stacked, X)
    dZ = normal(seed, *Z.shape)
    each = [
        backward(net, one, forward(net, one, X)[1], own)
        for one, own in zip(members(stacked), dZ, strict=True)
    ]
    assert_close(backward(net, stacked, caches, dZ), stack(each))


@given(networks(), seeds, counts)
def test_the_input_gradient_of_a_stack_is_that_of_each(net, seed, count):
    X, _ = examples(net, seed)
    stacked = normal_stack(net, seed, count)
    Z, caches = forward(net, stacked, X)
    dZ = normal(seed, *Z.shape)
    each = [
        input_gradient(net, one, forward(net, one, X)[1], own)
        for one, own in zip(members(stacked), dZ, strict=True)
    ]
    np.testing.assert_allclose(
        input_gradient(net, stacked, caches, dZ), each, rtol=1e-9, atol=1e-11
    )


@given(networks(), seeds, counts)
def test_the_gradients_of_a_stack_are_those_of_each(net, seed, count):
    X, Y = examples(net, seed)
    stacked = normal_stack(net, seed, count)
    each = [gradients(net, one, X, Y) for one in members(stacked)]
    assert_close(gradients(net, stacked, X, Y), stack(each))


@given(networks(), seeds, counts)
def test_one_network_on_a_stack_of_columns_is_that_network_on_each(net, seed, count):
    one = normal_parameters(net, seed)
    X = normal(seed, count, net.layers[0].fan_in, 6)
    _, Y = examples(net, seed)
    each = [gradients(net, one, columns, Y) for columns in X]
    assert_close(gradients(net, one, X, Y), stack(each))


@given(networks(), seeds, counts)
def test_a_stack_on_a_stack_of_columns_is_each_on_its_own(net, seed, count):
    stacked, X = normal_stack(net, seed, count), normal(seed, count, net.layers[0].fan_in, 6)
    _, Y = examples(net, seed)
    each = [gradients(net, one, own, Y) for one, own in zip(members(stacked), X, strict=True)]
    assert_close(gradients(net, stacked, X, Y), stack(each))


@given(networks(), seeds)
def test_a_stack_of_stacks_is_each_of_its_stacks(net, seed):
    rows = [normal_stack(net, seed, 3), normal_stack(net, seed + 3, 3)]
    X, Y = examples(net, seed)
    each = [gradients(net, row, X, Y) for row in rows]
    assert_close(gradients(net, stack(rows), X, Y), stack(each))


@pytest.mark.parametrize("shared", [True, False])
@given(seeds, counts)
def test_the_costs_of_a_stack_are_those_of_each(shared, seed, count):
    net, Z = mlp(1, 2), normal(seed, count, 2, 5)
    Y = (normal(seed + 1, 2, 5) > 0).astype(float)
    weights = random_shares(seed, count, 1, 5) if shared else None
    each = [
        compute_cost(net, Z[i], Y, None if weights is None else weights[i]) for i in range(count)
    ]
    costs = compute_cost(net, Z, Y, weights)
    assert costs.shape == (count,)
    np.testing.assert_allclose(costs, each, rtol=1e-14)


@given(seeds, counts)
def test_the_cost_gradient_of_a_stack_is_that_of_each(seed, count):
    net, Z = mlp(1, 2), normal(seed, count, 2, 5)
    Y = (normal(seed + 1, 2, 5) > 0).astype(float)
    each = [cost_gradient(net, own, Y) for own in Z]
    np.testing.assert_allclose(cost_gradient(net, Z, Y), each, rtol=1e-14)


@pytest.mark.parametrize("function", [predict, predict_probabilities])
@given(networks(), seeds, counts)
def test_what_a_stack_predicts_is_what_each_predicts(function, net, seed, count):
    X, _ = examples(net, seed)
    stacked = normal_stack(net, seed, count)
    each = [function(net, one, X) for one in members(stacked)]
    np.testing.assert_allclose(function(net, stacked, X), each, rtol=1e-9)


@given(seeds, counts)
def test_the_accuracies_of_a_stack_are_those_of_each(seed, count):
    said, Y = normal(seed, count, 1, 7) > 0, normal(seed + 1, 1, 7) > 0
    each = [sum(map(bool, (own == Y).flat)) / 7 for own in said]
    np.testing.assert_allclose(accuracy(said, Y), each, rtol=1e-15)


@pytest.mark.parametrize("dtype", FLOATS)
def test_each_network_of_a_stack_goes_its_own_rate(dtype):
    W, dW = (Parameters(W=normal(seed, 2, 3, 4, dtype=dtype)) for seed in (1, 2))
    updated = update_parameters(W, dW, np.array([0.5, 0.25]).reshape(2, 1, 1))["W"]
    np.testing.assert_array_equal(updated[0], W["W"][0] - dtype(0.5) * dW["W"][0])
    np.testing.assert_array_equal(updated[1], W["W"][1] - dtype(0.25) * dW["W"][1])
    assert updated.dtype == dtype


IMAGES = np.random.default_rng(1).integers(0, 256, (7, 2, 2, 3)).astype(np.uint8)
PICTURES = Examples(IMAGES, np.array([0, 1, 1, 0, 1, 0, 1]))
KINDS = Examples(
    np.random.default_rng(2).integers(0, 256, (13, 3, 4, 3)).astype(np.uint8),
    np.array([0, 2, 0, 1, 0, 2, 0, 2, 0, 0, 1, 0, 1]),
)
ASKED = {
    "inside": Experiment(seed=1, hidden=(4,), iterations=120, learning_rate=0.1),
    "full_space": Experiment(seed=1, hidden=(4,), iterations=120, full_space=True),
}
asked = pytest.mark.parametrize("experiment", ASKED.values(), ids=ASKED)
THREE = Experiment(seed=1, hidden=(4,), classes=3, iterations=120, learning_rate=0.1)
FOLDS = np.array([4, 0, 4, 9, 0, 9, 9, 1, 1, 0, 1, 4, 9])


@asked
def test_fitting_many_seeds_is_fitting_each_of_them_also_in_parts(experiment):
    many = range(3, 3 + PART + 2)
    together = fit_seeds(experiment, many, PICTURES)
    each = [fit(experiment._replace(seed=seed), PICTURES) for seed in many]
    assert_close(together.parameters, stack([result.parameters for result in each]))
    assert [i for i, _ in together.costs] == [0, 100, 119]
    for i, (_, costs) in enumerate(together.costs):
        np.testing.assert_allclose(
            np.array(costs), np.array([result.costs[i][1] for result in each]), rtol=1e-9
        )


SEEDED: dict[str, dict[str, Any]] = {
    "classes": {},
    "adam": {"optimizer": "adam", "learning_rate": 0.01},
    "decayed": {"optimizer": "nesterov", "l2": 0.1, "weight_decay": 0.1, "warm_up": 9},
    "weighted": {"class_weight": "balanced"},
    "mini_batch": {"batch_size": 4},
    "stratified": {"batch_size": 4, "order": "stratified", "epochs": 9},
    "balanced": {"batch_size": 4, "order": "balanced", "class_weight": (1, 2, 3)},
    "dropout": {"dropout": 0.4},
    "dropout_mini_batch": {"dropout": 0.4, "batch_size": 4, "optimizer": "adam"},
    "stopped": {"early_stopping": 1, "batch_size": 4, "epochs": 20, "learning_rate": 0.5},
    "float32": {"dtype": "float32", "batch_size": 4, "dropout": 0.2, "iterations": 9},
}


@pytest.mark.parametrize("changes", SEEDED.values(), ids=SEEDED)
def test_each_network_of_many_seeds_is_the_one_of_its_seed(changes):
    experiment = THREE._replace(**changes)
    together = fit_seeds(experiment, (5, 2, 7), KINDS)
    each = [fit(experiment._replace(seed=seed), KINDS) for seed in (5, 2, 7)]
    expected = stack([result.parameters for result in each])
    assert_close(together.parameters, expected, np.dtype(experiment.dtype).type)
    assert (together.experiment, together.space) == (experiment, each[0].space)


def test_seeds_that_are_stopped_at_different_iterations_are_all_kept():
    experiment = THREE._replace(early_stopping=1, iterations=900)
    each = [fit(experiment._replace(seed=seed), KINDS) for seed in range(4)]
    assert len({len(result.costs) for result in each}) > 1
    together = fit_seeds(experiment, range(4), KINDS)
    assert_close(together.parameters, stack([result.parameters for result in each]))


def test_the_iteration_of_many_seeds_is_the_latest_of_them():
    experiment = THREE._replace(early_stopping=1, batch_size=4, epochs=20, learning_rate=0.5)
    each = [fit(experiment._replace(seed=seed), KINDS).iteration for seed in range(4)]
    assert len(set(each)) > 1
    assert fit_seeds(experiment, range(4), KINDS).iteration == max(each)


@pytest.mark.parametrize("changes", [{}, {"dropout": 0.4, "batch_size": 4}], ids=str)
def test_the_mapper_decides_where_and_not_what(changes):
    def backwards(function, parts):
        return reversed([function(part) for part in reversed([*parts])])

    experiment = THREE._replace(**changes)
    ours, plain = (
        fit_seeds(experiment, range(12), KINDS, map_).parameters for map_ in (backwards, map)
    )
    assert ours == plain


@pytest.mark.parametrize(
    "seeds", [[[1], [2, 3]], np.ones((2, 2), int), np.array(1), 1, "12", [1.5]]
)
def test_what_are_no_seeds_is_refused(seeds):
    with pytest.raises(ValueError, match=r"(?s)seeds are .*; expected one or more"):
        fit_seeds(THREE, seeds, KINDS)


def test_no_seeds_are_refused():
    with pytest.raises(ValueError, match=r"seeds are \(\); expected one or more"):
        fit_seeds(THREE, (), KINDS)


@pytest.mark.parametrize("function", [fit_seeds, catpipe.fit_seeds], ids=["plain", "public"])
def test_no_map_is_refused(function):
    with pytest.raises(TypeError, match="map_ is None; expected a function: give map"):
        function(THREE, (1, 2), KINDS, map_=None)


@asked
@pytest.mark.parametrize("folds", [range(7), (4, 0, 4, 9, 0, 9, 9)], ids=["one_out", "three"])
def test_what_is_held_out_is_said_by_a_network_fitted_to_the_others(experiment, folds):
    numbers = np.array(folds)
    said = cross_validate(experiment, PICTURES, numbers)
    for i, number in enumerate(numbers):
        others = Examples(*(array[numbers != number] for array in PICTURES[:2]))
        alone = probabilities(fit(experiment, others), IMAGES[[i]])
        np.testing.assert_allclose(said[:, [i]], alone, rtol=1e-9)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"class_weight": (1, 2.5, 4)},
        {"class_weight": (0, 1, 1)},
        {"optimizer": "nesterov", "l2": 0.1, "weight_decay": 0.1},
        {"optimizer": "adam", "learning_rate": 0.01},
        {"schedule": ("cosine",), "warm_up": 20, "full_space": True},
    ],
    ids=str,
)
def test_what_is_held_out_of_several_classes_is_said_by_a_network_fitted_to_the_others(changes):
    experiment = THREE._replace(**changes)
    said = cross_validate(experiment, KINDS, FOLDS)
    assert said.shape == (3, 13)
    for number in set(FOLDS.tolist()):
        others = Examples(*(array[number != FOLDS] for array in KINDS[:2]))
        alone = probabilities(fit(experiment, others), KINDS.inputs[number == FOLDS])
        np.testing.assert_allclose(said[:, number == FOLDS], alone, rtol=1e-9)


def held_out_by_hand(experiment: Experiment, number: int) -> Array:
    """Return what is said of a fold after descent along mini-batches, of which it has no share."""
    X, Y = KINDS.inputs.reshape(13, -1).T / 255, np.eye(3)[KINDS.targets].T
    setup = prepare(experiment, KINDS)
    net, W, size = setup.network, setup.initial_parameters, experiment.batch_size or 13
    order, per_epoch = shuffled(13, experiment.seed), -(-13 // size)
    for iteration in range(experiment.iterations):
        epoch, batch = divmod(iteration, per_epoch)
        columns = order(epoch)[batch * size : (batch + 1) * size]
        share = 13 / len(columns) / np.count_nonzero(number != FOLDS)
        each = [gradients(net, W, X[:, [i]], Y[:, [i]]) for i in columns if FOLDS[i] != number]
        rate = experiment.learning_rate * share
        W = map_parameters(lambda w, *of, rate=rate: w - rate * sum(of), W, *each)
    return predict_probabilities(net, W, X[:, number == FOLDS])


@pytest.mark.parametrize("full_space", [True, False])
def test_what_is_held_out_has_no_share_in_any_mini_batch(full_space):
    experiment = THREE._replace(batch_size=4, iterations=60, full_space=full_space)
    said = cross_validate(experiment, KINDS, FOLDS)
    for number in set(FOLDS.tolist()):
        by_hand = held_out_by_hand(experiment, number)
        np.testing.assert_allclose(said[:, number == FOLDS], by_hand, rtol=1e-9)


@pytest.mark.parametrize("batch_size", [None, 4])
@pytest.mark.parametrize("class_weight", [None, (1, 2, 3)])
def test_what_is_held_out_of_early_stopping_is_neither_trained_on_nor_validated_by(
    batch_size, class_weight
):
    experiment = THREE._replace(
        early_stopping=2,
        batch_size=batch_size,
        class_weight=class_weight,
        iterations=600,
        learning_rate=0.3,
    )
    said = cross_validate(experiment, KINDS, FOLDS)
    for number in set(FOLDS.tolist()):
        others = np.flatnonzero(number != FOLDS)
        held = others[held_out(KINDS.targets[others], experiment.seed, share=0.2)]
        validating = np.isin(np.arange(13), held)
        rest, own = (
            Examples(*(array[part & (number != FOLDS)] for array in KINDS[:2]))
            for part in (~validating, validating)
        )
        alone = probabilities(fit(experiment, rest, validation=own), KINDS.inputs[number == FOLDS])
        np.testing.assert_allclose(said[:, number == FOLDS], alone, rtol=1e-9)


LEAKING = {
    "full_batch": {},
    "mini_batch": {"batch_size": 4},
    "dropout": {"dropout": 0.4},
    "weighted": {"class_weight": (1, 2, 3)},
}


@pytest.mark.parametrize(
    "changes",
    [
        *(pytest.param(changes, id=name) for name, changes in LEAKING.items()),
        pytest.param(
            {"class_weight": "balanced"},
            id="balanced",
        ),
    ],
)
def test_the_label_of_a_picture_has_no_say_in_what_is_said_of_it(changes):
    experiment, folds = THREE._replace(**changes), np.arange(13) % 5
    said = cross_validate(experiment, KINDS, folds)
    for fold in range(5):
        labels = np.where(folds == fold, (KINDS.targets + 1) % 3, KINDS.targets)
        changed = cross_validate(experiment, KINDS._replace(targets=labels), folds)
        own = folds == fold
        np.testing.assert_allclose(changed[:, own], said[:, own], rtol=1e-9)


@pytest.mark.parametrize("batch_size", [None, 4])
def test_which_folds_are_trained_together_has_no_say(monkeypatch, batch_size):
    experiment = THREE._replace(batch_size=batch_size, epochs=20)
    together = cross_validate(experiment, KINDS, FOLDS)
    monkeypatch.setattr(stacks, "PART", 1)
    alone = cross_validate(experiment, KINDS, FOLDS)
    np.testing.assert_allclose(together, alone, rtol=1e-9)


def test_a_fold_that_holds_all_that_would_validate_is_trained_all_the_same():
    folds = np.isin(np.arange(13), held_out(KINDS.targets, 1, share=0.2)).astype(int)
    experiment = THREE._replace(early_stopping=2)
    np.testing.assert_allclose(cross_validate(experiment, KINDS, folds).sum(0), 1)


@pytest.mark.parametrize("folds", [[0] * 13, [0, 1], [[0, 1]] * 13], ids=["one", "two", "rows"])
def test_folds_that_cannot_be_are_refused(folds):
    with pytest.raises(ValueError, match="expected two or more, as the number of each example"):
        cross_validate(THREE, KINDS, np.array(folds))
