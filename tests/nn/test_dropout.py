"""Dropout: fair by chance in training, nothing when predicting, and a layer as any other."""

import itertools
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catpipe.data.batches import Batch
from catpipe.nn.activations import TANH
from catpipe.nn.initializers import initialize_parameters
from catpipe.nn.layers import Dropout, MaskedDropout
from catpipe.nn.losses import BINARY_CROSS_ENTROPY
from catpipe.nn.network import (
    Network,
    back_propagate,
    compute_cost,
    cost_gradient,
    forward,
    gradients,
    input_gradient,
    layer_sizes,
    mlp,
    predict,
    predict_probabilities,
    with_dropout,
)
from catpipe.nn.parameters import Parameters
from catpipe.optim.optimizers import heavy_ball
from catpipe.training.loop import initial_state, make_step, train
from tests.points import (
    FLOATS,
    LOSSES,
    cost_at,
    dot,
    examples,
    normal,
    normal_parameters,
    seeds,
    slope_along,
)

NOTHING = Parameters()
rates = st.floats(0, 0.9)
iterations = st.integers(0, 10_000)


def dropped(rate=0.4, seed=1, number=1, iteration=0, shape=(20, 30)) -> np.ndarray:
    """Return where ones are dropped."""
    A, _ = Dropout(rate, seed, number).forward(NOTHING, np.ones(shape), iteration)
    return A == 0


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@given(rates, seeds, iterations)
def test_gradients_are_the_directional_derivative_of_the_iterations_cost(
    loss, rate, seed, iteration
):
    net = with_dropout(mlp(3, 5, 4, 2, activation=TANH, loss=loss), rate, seed)
    W, D = normal_parameters(net, seed), normal_parameters(net, seed + 1)
    X, Y = examples(net, seed + 2)
    along = slope_along(lambda W: cost_at(net, W, X, Y, iteration), W, D)
    dW = gradients(net, W, X, Y, iteration=iteration)
    cost = cost_at(net, W, X, Y, iteration)
    assert dot(dW, D) == pytest.approx(along, rel=1e-5, abs=1e-6 * max(1, cost))


@given(rates, seeds)
def test_predicting_is_as_without_dropout(rate, seed):
    net = mlp(3, 4, 4, 2)
    W, X = normal_parameters(net, seed), normal(seed, 3, 6)
    for function in (predict, predict_probabilities):
        assert (function(with_dropout(net, rate, seed), W, X) == function(net, W, X)).all()


@given(seeds)
def test_without_an_iteration_backward_is_as_without_dropout(seed):
    net = mlp(3, 4, 2)
    W, (X, Y) = normal_parameters(net, seed), examples(net, seed)
    assert gradients(with_dropout(net, 0.5, seed), W, X, Y) == gradients(net, W, X, Y)


@given(seeds, iterations)
def test_a_rate_of_zero_is_no_dropout(seed, iteration):
    net = mlp(3, 4, 2)
    W, (X, Y) = normal_parameters(net, seed), examples(net, seed)
    none = gradients(with_dropout(net, 0, seed), W, X, Y, iteration=iteration)
    assert none == gradients(net, W, X, Y)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_on_average_over_iterations_the_output_is_the_input(rate):
    A, draws = 1 + normal(1, 3, 4) ** 2, 4000
    mean = sum(Dropout(rate, 7, 1).forward(NOTHING, A, i)[0] for i in range(draws)) / draws
    error = A * math.sqrt(rate / (1 - rate) / draws)  # the standard error of the mean
    assert (abs(mean - A) < 5 * error).all()


@given(rates, seeds, iterations)
def test_what_stays_is_divided_by_the_share_that_stays(rate, seed, iteration):
    A = normal(seed, 4, 5)
    out, _ = Dropout(rate, seed, 1).forward(NOTHING, A, iteration)
    assert np.where(out == 0, 0, A / (1 - rate)) == pytest.approx(out, rel=1e-14)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_the_share_that_is_dropped_is_the_rate(rate):
    share = dropped(rate, shape=(200, 300)).mean()
    assert share == pytest.approx(rate, abs=5 * math.sqrt(rate * (1 - rate) / 60_000))


@pytest.mark.parametrize("other", [{"seed": 2}, {"iteration": 1}, {"number": 2}], ids=repr)
def test_another_seed_iteration_or_layer_drops_independently(other):
    both = (dropped(0.4) & dropped(0.4, **other)).mean()
    assert both == pytest.approx(0.4**2, abs=5 * math.sqrt(0.16 * 0.84 / 600))


def test_no_seed_iteration_and_layer_drop_as_others_do():
    paths = itertools.product(range(3), range(3), range(3))
    masks = {dropped(0.4, *path, (10, 10)).tobytes() for path in paths}
    assert len(masks) == 27


def test_equal_seed_iteration_and_layer_drop_alike():
    assert (dropped() == dropped()).all()


def test_units_and_examples_are_dropped_one_by_one():
    where = dropped(0.5)
    assert 0 < where.mean(0).min() <= where.mean(0).max() < 1
    assert 0 < where.mean(1).min() <= where.mean(1).max() < 1


def test_the_networks_of_a_stack_drop_alike():
    A, layer = normal(1, 3, 4, 5), Dropout(0.5, 1, 1)
    stacked, cache = layer.forward(NOTHING, A, 7)
    assert (stacked == [layer.forward(NOTHING, a, 7)[0] for a in A]).all()
    dA = normal(2, 3, 4, 5)
    back = [layer.backward(NOTHING, layer.forward(NOTHING, a, 7)[1], d)[0]()
            for a, d in zip(A, dA, strict=True)]  # fmt: skip
    assert (layer.backward(NOTHING, cache, dA)[0]() == back).all()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("rate", [0.5, np.float64(0.5)])
@pytest.mark.parametrize("iteration", [None, 7])
def test_the_type_that_goes_in_comes_out(dtype, rate, iteration):
    net = with_dropout(mlp(3, 4, 1), rate, 1)
    W, (X, Y) = normal_parameters(net, 1, dtype), examples(net, 1, dtype=dtype)
    Z, caches = forward(net, W, X, iteration)
    compute_dX, dW = back_propagate(net, W, caches, cost_gradient(net, Z, Y))
    assert {a.dtype for a in (Z, compute_dX(), *dW.values())} == {np.dtype(dtype)}


@pytest.mark.parametrize("rate", [-0.1, 1, 1.5, float("nan")])
def test_a_rate_that_is_no_share_to_drop_is_refused(rate):
    with pytest.raises(ValueError, match="dropout rate"):
        with_dropout(mlp(3, 4, 1), rate, 1)


def test_dropout_follows_each_hidden_layer_and_the_layers_are_numbered():
    net = with_dropout(mlp(5, 4, 3, 2), 0.3, seed=9)
    assert net.layers[1::2] == (Dropout(0.3, 9, 1), Dropout(0.3, 9, 2))
    assert net.layers[::2] == mlp(5, 4, 3, 2).layers


def test_a_network_without_hidden_layers_stays_as_it_is():
    assert with_dropout(mlp(3, 1), 0.5, 1) == mlp(3, 1)


def test_dropout_has_no_parameters_and_leaves_the_draws_of_weights_alone():
    net = mlp(5, 4, 3, 2)
    dropping = with_dropout(net, 0.5, 1)
    assert initialize_parameters(dropping, 1) == initialize_parameters(net, 1)
    assert layer_sizes(dropping) == [5, 4, 3, 2]


@given(rates, seeds, st.integers(0, 4), st.integers(0, 4))
def test_training_on_both_parts_is_training_on_one_and_then_the_other(rate, seed, before, after):
    net, optimizer = with_dropout(mlp(3, 4, 1, activation=TANH), rate, seed), heavy_ball(0.1)
    step, batch = make_step(net, optimizer, sample_every=1), Batch(*examples(net, seed))
    start = initial_state(optimizer, normal_parameters(net, seed))
    at_once = train(step, [batch] * (before + after), start)
    saved = pickle.loads(pickle.dumps(train(step, [batch] * before, start)))
    assert train(step, [batch] * after, saved) == at_once


def test_the_cost_that_a_step_samples_is_that_of_its_own_iteration():
    net, optimizer = with_dropout(mlp(3, 8, 1), 0.5, 1), heavy_ball(1e-300)
    X, Y = examples(net, 1)
    W = normal_parameters(net, 1)
    step = make_step(net, optimizer, sample_every=1)
    costs = dict(train(step, [Batch(X, Y)] * 3, initial_state(optimizer, W)).costs)
    assert costs == {i: compute_cost(net, forward(net, W, X, i)[0], Y) for i in range(3)}
    assert all(one != other for one, other in itertools.pairwise(costs.values()))


@given(seeds, iterations)
def test_a_first_layer_of_dropout_drops_of_the_input(seed, iteration):
    plain = mlp(3, 4, 2, activation=TANH)
    net = Network((Dropout(0.5, seed, 1), *plain.layers), BINARY_CROSS_ENTROPY)
    W, (X, Y) = normal_parameters(net, seed), examples(net, seed + 1)
    mask = Dropout(0.5, seed, 1).forward(NOTHING, np.ones_like(X), iteration)[0]
    assert gradients(net, W, X, Y, iteration=iteration) == gradients(plain, W, X * mask, Y)
    Z, caches = forward(net, W, X, iteration)
    _, plain_caches = forward(plain, W, X * mask)
    dZ = cost_gradient(net, Z, Y)
    expected = mask * input_gradient(plain, W, plain_caches, dZ)
    assert (input_gradient(net, W, caches, dZ) == expected).all()


@pytest.mark.parametrize("rate", [0, 0.5])
def test_dropout_twice_is_refused(rate):
    net = with_dropout(mlp(3, 4, 1), rate, 1)
    with pytest.raises(ValueError, match="a network with dropout; expected one without"):
        with_dropout(net, 0.5, 1)


def test_dropout_beside_masks_is_refused():
    first, last = mlp(3, 4, 1).layers
    masked = MaskedDropout(0.5, [np.ones((4, 6))].__getitem__)
    with pytest.raises(ValueError, match="a network with dropout"):
        with_dropout(Network((first, masked, last), BINARY_CROSS_ENTROPY), 0.5, 1)


@pytest.mark.parametrize("rate", ["0.5", None, [0.5], 0.5j])
def test_a_rate_that_is_no_number_is_refused(rate):
    with pytest.raises(ValueError, match="dropout rate"):
        with_dropout(mlp(3, 4, 1), rate, 1)


@pytest.mark.parametrize("seed", [-1, 1.5, True, "1", None])
def test_what_is_no_seed_is_refused(seed):
    with pytest.raises(ValueError, match=r"seed .*; expected an integer of at least 0"):
        with_dropout(mlp(3, 4, 1), 0.5, seed)


def masked(net: Network, rate: float, masks) -> Network:
    """Return the network with masks that are handed to it after each of its hidden layers."""
    *hidden, last = net.layers
    drops = [MaskedDropout(rate, of.__getitem__) for of in masks]
    pairs = zip(hidden, drops, strict=True)
    return Network((*itertools.chain(*pairs), last), net.loss)


def test_the_courses_forward_pass_with_dropout_comes_out():
    # printed in "Improving Deep Neural Networks" (DeepLearning.AI), week 1, "Regularization"
    draws, again = np.random.RandomState(1), np.random.RandomState(1)
    X = draws.randn(3, 5)
    shapes = {"W1": (2, 3), "b1": (2, 1), "W2": (3, 2), "b2": (3, 1), "W3": (1, 3), "b3": (1, 1)}
    W = Parameters({name: draws.randn(*shape) for name, shape in shapes.items()})
    masks = [[again.rand(units, 5) < 0.7] for units in (2, 3)]
    net = masked(mlp(3, 2, 3, 1), 0.3, masks)
    A3 = net.loss.link(forward(net, W, X, iteration=0)[0])
    printed = [[0.36974721, 0.00305176, 0.04565099, 0.49683389, 0.36974721]]
    np.testing.assert_allclose(A3, printed, atol=5e-9)


@given(rates, seeds)
def test_gradients_through_given_masks_are_the_directional_derivative(rate, seed):
    masks = [[normal(seed + i, units, 6) > 0] for i, units in enumerate((5, 4))]
    net = masked(mlp(3, 5, 4, 2, activation=TANH), rate, masks)
    W, D = normal_parameters(net, seed), normal_parameters(net, seed + 1)
    X, Y = examples(net, seed + 2)
    along = slope_along(lambda W: cost_at(net, W, X, Y, 0), W, D)
    assert dot(gradients(net, W, X, Y, iteration=0), D) == pytest.approx(along, rel=1e-5, abs=1e-6)


def test_given_the_masks_that_dropout_draws_it_is_dropout():
    net = mlp(3, 4, 2)
    W, (X, Y) = normal_parameters(net, 1), examples(net, 1)
    drawn = ~dropped(0.4, 1, 1, 7, (4, 6))
    by_masks = masked(net, 0.4, [{7: drawn}])
    expected = gradients(with_dropout(net, 0.4, 1), W, X, Y, iteration=7)
    assert gradients(by_masks, W, X, Y, iteration=7) == expected
    assert (predict_probabilities(by_masks, W, X) == predict_probabilities(net, W, X)).all()


def test_a_mask_of_another_shape_is_refused():
    net = masked(mlp(3, 4, 1), 0.5, [[np.ones((1, 6))]])
    with pytest.raises(ValueError, match=r"mask of shape \(1, 6\); expected \(4, 6\)"):
        forward(net, normal_parameters(net, 1), normal(1, 3, 6), iteration=0)
