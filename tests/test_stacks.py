"""A stack of networks is its networks: one call on all of them is a call on each of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catpipe.activations import IDENTITY, SIGMOID, TANH
from catpipe.batches import Batch, shares_of
from catpipe.experiments import Experiment
from catpipe.fitting import fit, probabilities
from catpipe.metrics import accuracy
from catpipe.network import (
    backward,
    compute_cost,
    cost_gradient,
    forward,
    gradients,
    input_gradient,
    network,
    predict,
    predict_probabilities,
)
from catpipe.optimizers import gradient_descent, momentum, nesterov, update_parameters, with_l2
from catpipe.parameters import Array, Parameters
from catpipe.stacks import PART, fit_seeds, held_out_probabilities
from catpipe.training import initial_state, make_step, train
from catpipe.transforms import Pictures
from tests.points import FLOATS, activations, examples, networks, normal, normal_parameters, seeds

OPTIMIZERS = {
    "gradient_descent": gradient_descent,
    "momentum": momentum,
    "nesterov": nesterov,
    "gradient_descent_l2": lambda rate: with_l2(gradient_descent(rate), 0.3),
    "momentum_l2": lambda rate: with_l2(momentum(rate), 0.3),
    "nesterov_l2": lambda rate: with_l2(nesterov(rate), 0.3),
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
    return shares_of(np.abs(normal(seed, *shape, dtype=dtype)))


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
@settings(max_examples=30)
@given(cases, seeds, counts)
def test_training_a_stack_is_training_each_of_its_networks(make, case, seed, count):
    activation, dtype = case
    net = network(5, 4, 2, activation=activation)
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
@settings(max_examples=30)
@given(cases, seeds)
def test_a_stack_of_learning_rates_is_each_of_them(make, case, seed):
    activation, dtype = case
    net = network(5, 3, 1, activation=activation)
    batch, start = Batch(*examples(net, seed, dtype=dtype)), normal_stack(net, seed, 3, dtype)
    optimizer = make(np.reshape(RATES, (3, 1, 1)))
    trained = train(make_step(net, optimizer), [batch] * 4, initial_state(optimizer, start))
    each = [
        train(make_step(net, make(rate)), [batch] * 4, initial_state(make(rate), one)).parameters
        for rate, one in zip(RATES, members(start), strict=True)
    ]
    assert_close(trained.parameters, stack(each), dtype)


@given(cases, seeds, counts)
def test_a_stack_of_shares_is_each_of_them(case, seed, count):
    activation, dtype = case
    net, descent = network(4, 3, 2, activation=activation), gradient_descent(0.1)
    X, Y = examples(net, seed, dtype=dtype)
    start = normal_stack(net, seed, count, dtype)
    shares, step = random_shares(seed, count, 1, 6, dtype=dtype), make_step(net, descent)
    trained = train(step, [Batch(X, Y, shares)] * 3, initial_state(descent, start))
    each = [
        train(step, [Batch(X, Y, own)] * 3, initial_state(descent, one)).parameters
        for own, one in zip(shares, members(start), strict=True)
    ]
    assert_close(trained.parameters, stack(each), dtype)


@given(seeds)
def test_one_start_under_a_stack_of_shares_becomes_a_stack(seed):
    net, descent = network(4, 3, 1), gradient_descent(0.1)
    X, Y = examples(net, seed)
    start, shares = normal_parameters(net, seed), random_shares(seed, 2, 1, 6)
    step = make_step(net, descent)
    trained = train(step, [Batch(X, Y, shares)] * 3, initial_state(descent, start))
    each = [
        train(step, [Batch(X, Y, own)] * 3, initial_state(descent, start)).parameters
        for own in shares
    ]
    assert_close(trained.parameters, stack(each))


@given(seeds, counts)
def test_weights_become_shares_of_each_network_by_itself(seed, count):
    weights = np.abs(normal(seed, count, 1, 5))
    shares = shares_of(weights)
    for own, weight in zip(shares, weights, strict=True):
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
    net, Z = network(1, 2), normal(seed, count, 2, 5)
    Y = (normal(seed + 1, 2, 5) > 0).astype(float)
    shares = random_shares(seed, count, 1, 5) if shared else None
    each = [compute_cost(net, Z[i], Y, None if shares is None else shares[i]) for i in range(count)]
    costs = compute_cost(net, Z, Y, shares)
    assert costs.shape == (count,)
    np.testing.assert_allclose(costs, each, rtol=1e-14)


@given(seeds, counts)
def test_the_cost_gradient_of_a_stack_is_that_of_each(seed, count):
    net, Z = network(1, 2), normal(seed, count, 2, 5)
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
PICTURES = Pictures(IMAGES, np.array([0, 1, 1, 0, 1, 0, 1]))
ASKED = {
    "inside": Experiment(seed=1, hidden=(4,), iterations=120, learning_rate=0.1),
    "full_space": Experiment(seed=1, hidden=(4,), iterations=120, full_space=True),
}
asked = pytest.mark.parametrize("experiment", ASKED.values(), ids=ASKED)


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


@asked
@pytest.mark.parametrize("folds", [range(7), (4, 0, 4, 9, 0, 9, 9)], ids=["one_out", "three"])
def test_what_is_held_out_is_said_by_a_network_fitted_to_the_others(experiment, folds):
    numbers = np.array(folds)
    held_out = held_out_probabilities(experiment, PICTURES, numbers)
    for i, number in enumerate(numbers):
        others = Pictures(*(array[numbers != number] for array in PICTURES))
        alone = probabilities(fit(experiment, others), IMAGES[[i]])
        np.testing.assert_allclose(held_out[i], alone[0], rtol=1e-9)
