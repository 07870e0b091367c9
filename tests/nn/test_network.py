"""The two folds: forward against plain loops, backward against difference quotients and sums."""

import copy
import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from catpipe.data.batches import Batch, normalized
from catpipe.nn.activations import (
    IDENTITY,
    LEAKY_RELU,
    RELU,
    TANH,
    Activation,
    relu_backward,
    sigmoid_backward,
)
from catpipe.nn.initializers import (
    course,
    course_he,
    he,
    initialize_parameters,
    large,
    small,
    xavier,
    zeros,
)
from catpipe.nn.layers import Dense, Dropout, linear_backward, linear_forward
from catpipe.nn.losses import BINARY_CROSS_ENTROPY, MEAN_SQUARED_ERROR, SOFTMAX_CROSS_ENTROPY, Loss
from catpipe.nn.network import (
    Network,
    backward,
    check_parameters,
    compute_cost,
    cost_gradient,
    cost_of,
    forward,
    gradients,
    input_gradient,
    layer_sizes,
    mlp,
    parameter_shapes,
    predict,
    predict_probabilities,
    weight_shapes,
)
from catpipe.nn.parameters import Parameters, map_parameters
from catpipe.optim.optimizers import adam, gradient_descent, heavy_ball
from catpipe.training.loop import initial_state, make_step, train
from tests.points import (
    ACTIVATIONS,
    FLOATS,
    LOSSES,
    Scale,
    cost_at,
    dot,
    examples,
    networks,
    normal,
    normal_parameters,
    scaling,
    seeds,
    slope_along,
)

PLAIN = {
    "elu": lambda z: z if z > 0 else math.expm1(z),
    "gelu": lambda z: z * float(ndtr(z)),
    "identity": lambda z: z,
    "leaky_relu": lambda z: z if z > 0 else 0.01 * z,
    "relu": lambda z: max(z, 0.0),
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "silu": lambda z: z / (1 + math.exp(-z)),
    "softplus": lambda z: math.log1p(math.exp(z)),
    "tanh": math.tanh,
}
of_losses = st.sampled_from(LOSSES).flatmap(networks)
each_loss = pytest.mark.parametrize("loss", LOSSES, ids=repr)


def near_a_kink(net, caches) -> bool:
    return any(
        np.abs(cache.Z).min() < 1e-3
        for layer, cache in zip(net.layers, caches, strict=True)
        if layer.activation in (RELU, LEAKY_RELU)
    )


@given(networks(), seeds)
def test_forward_is_what_plain_loops_compute(net, seed):
    parameters = normal_parameters(net, seed)
    X, _ = examples(net, seed, count=3)
    for j in range(3):
        column = X[:, j].tolist()
        for layer in net.layers:
            W, b = parameters[layer.weights].tolist(), parameters[layer.bias].tolist()
            Z = [sum(w * a for w, a in zip(row, column, strict=True)) + bias[0]
                 for row, bias in zip(W, b, strict=True)]  # fmt: skip
            column = [PLAIN[repr(layer.activation)](z) for z in Z]
        assert forward(net, parameters, X)[0][:, j] == pytest.approx(column, rel=1e-9, abs=1e-9)


@each_loss
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
@settings(max_examples=15)
@given(st.lists(st.integers(2, 5), min_size=3, max_size=4), seeds)
def test_gradients_are_the_directional_derivative_of_the_cost(loss, activation, sizes, seed):
    net = mlp(*sizes, activation=activation, loss=loss)
    parameters, direction = normal_parameters(net, seed), normal_parameters(net, seed + 1)
    X, Y = examples(net, seed + 2)
    assume(not near_a_kink(net, forward(net, parameters, X)[1]))
    slope = slope_along(lambda W: cost_at(net, W, X, Y), parameters, direction)
    assert dot(gradients(net, parameters, X, Y), direction) == pytest.approx(
        slope, rel=1e-5, abs=1e-6 * max(1, cost_at(net, parameters, X, Y))
    )


@given(networks(SOFTMAX_CROSS_ENTROPY), seeds)
def test_gradients_are_the_directional_derivative_also_of_soft_targets(net, seed):
    parameters, direction = normal_parameters(net, seed), normal_parameters(net, seed + 1)
    X, hard = examples(net, seed + 2)
    Y = 0.7 * hard + 0.3 / len(hard)
    assume(not near_a_kink(net, forward(net, parameters, X)[1]))
    slope = slope_along(lambda W: cost_at(net, W, X, Y), parameters, direction)
    assert dot(gradients(net, parameters, X, Y), direction) == pytest.approx(
        slope, rel=1e-5, abs=1e-6 * max(1, cost_at(net, parameters, X, Y))
    )


@given(of_losses, seeds)
def test_the_input_gradient_is_the_directional_derivative_in_the_input(net, seed):
    parameters = normal_parameters(net, seed)
    X, Y = examples(net, seed + 1)
    D = normal(seed + 2, *X.shape)
    Z, caches = forward(net, parameters, X)
    assume(not near_a_kink(net, caches))
    slope = slope_along(
        lambda x: cost_at(net, parameters, x["X"], Y), Parameters(X=X), Parameters(X=D)
    )
    dX = input_gradient(net, parameters, caches, cost_gradient(net, Z, Y))
    assert float((dX * D).sum()) == pytest.approx(
        slope, rel=1e-5, abs=1e-6 * max(1, cost_at(net, parameters, X, Y))
    )


@given(of_losses, seeds)
def test_cost_and_gradients_are_the_mean_of_those_of_single_examples(net, seed):
    parameters = normal_parameters(net, seed)
    X, Y = examples(net, seed)
    single = [(X[:, [j]], Y[:, [j]]) for j in range(X.shape[1])]
    costs = [cost_at(net, parameters, *one) for one in single]
    assert cost_at(net, parameters, X, Y) == pytest.approx(np.mean(costs), rel=1e-12)
    mean = map_parameters(
        lambda *dWs: sum(dWs) / len(dWs), *[gradients(net, parameters, *one) for one in single]
    )
    for name, dW in gradients(net, parameters, X, Y).items():
        np.testing.assert_allclose(dW, mean[name], rtol=1e-9, atol=1e-12)


@given(of_losses, seeds)
def test_cost_and_gradients_are_the_sum_of_those_of_shards_weighted_by_their_examples(net, seed):
    parameters = normal_parameters(net, seed)
    X, Y = examples(net, seed, count=7)
    shards = [(X[:, of], Y[:, of]) for of in (slice(0, 1), slice(1, 4), slice(4, 7))]
    costs = [cost_at(net, parameters, *shard) for shard in shards]
    by_hand = (1 * costs[0] + 3 * costs[1] + 3 * costs[2]) / 7
    assert cost_at(net, parameters, X, Y) == pytest.approx(by_hand, rel=1e-12, abs=1e-14)
    weighted = map_parameters(
        lambda one, three, last: (1 * one + 3 * three + 3 * last) / 7,
        *[gradients(net, parameters, *shard) for shard in shards],
    )
    for name, dW in gradients(net, parameters, X, Y).items():
        np.testing.assert_allclose(dW, weighted[name], rtol=1e-9, atol=1e-12)


@each_loss
def test_the_cost_is_a_sum_over_outputs_averaged_over_examples(loss):
    net, Z, Y = mlp(1, 3, loss=loss), normal(1, 3, 5), np.eye(3)[:, [0, 2, 1, 2, 0]]
    each = [loss.cost(Z[:, [j]], Y[:, [j]]).ravel().tolist() for j in range(5)]
    assert compute_cost(net, Z, Y) == pytest.approx(sum(map(sum, each)) / 5, rel=1e-14)


@each_loss
@pytest.mark.parametrize("Y", [np.ones((1, 5)), np.ones((3, 1)), np.ones((5, 3))])
def test_targets_of_another_shape_are_refused(loss, Y):
    net = mlp(2, 3, loss=loss)
    with pytest.raises(ValueError, match="targets"):
        gradients(net, normal_parameters(net, 1), normal(1, 2, 5), Y)
    with pytest.raises(ValueError, match="targets"):
        compute_cost(net, normal(1, 3, 5), Y)
    with pytest.raises(ValueError, match="targets"):
        cost_gradient(net, normal(1, 3, 5), Y)


@given(of_losses, seeds)
def test_example_weights_that_are_counts_are_repeated_examples(net, seed):
    parameters = normal_parameters(net, seed)
    X, Y = examples(net, seed)
    counts = np.array([0, 1, 2, 0, 3, 1])
    weights = normalized(counts[np.newaxis].astype(float))
    X_repeated, Y_repeated = (np.repeat(columns, counts, axis=1) for columns in (X, Y))
    Z, _ = forward(net, parameters, X)
    expected_cost = cost_at(net, parameters, X_repeated, Y_repeated)
    assert compute_cost(net, Z, Y, weights) == pytest.approx(expected_cost)
    expected = gradients(net, parameters, X_repeated, Y_repeated)
    for name, dW in gradients(net, parameters, X, Y, weights).items():
        np.testing.assert_allclose(dW, expected[name], rtol=1e-9, atol=1e-12)


@given(of_losses, seeds)
def test_gradients_bear_the_names_and_shapes_of_the_parameters_in_their_order(net, seed):
    parameters = normal_parameters(net, seed)
    dW = gradients(net, parameters, *examples(net, seed))
    assert [(name, a.shape) for name, a in dW.items()] == [
        (name, a.shape) for name, a in parameters.items()
    ]


@given(seeds)
def test_the_articles_functions_called_one_at_a_time_are_the_folds(seed):
    net = mlp(3, 4, 1)
    parameters = normal_parameters(net, seed)
    X, Y = examples(net, seed)
    W1, b1, W2, b2 = parameters.values()
    Z1 = linear_forward(X, W1, b1)
    A1 = np.where(Z1 > 0, Z1, 0)
    Z2 = linear_forward(A1, W2, b2)
    assume(np.abs(Z2).max() < 15)  # beyond, the article's 1 - A loses the digits
    A2 = 1 / (1 + np.exp(-Z2))
    dA2 = -(Y / A2 - (1 - Y) / (1 - A2)) / Y.size
    dA1, dW2, db2 = linear_backward(sigmoid_backward(dA2, Z2), A1, W2)
    _, dW1, db1 = linear_backward(relu_backward(dA1, Z1), X, W1)
    by_hand = Parameters(W1=dW1, b1=db1, W2=dW2, b2=db2)
    for name, dW in gradients(net, parameters, X, Y).items():
        np.testing.assert_allclose(dW, by_hand[name], rtol=1e-7, atol=1e-12)


def test_backward_takes_caches_that_were_given():
    net, parameters = mlp(2, 1), Parameters(W1=[[1.0, 2.0]], b1=[[0.0]])
    _, caches = forward(net, parameters, np.array([[1.0, 3.0], [2.0, 4.0]]))
    dW = backward(net, parameters, caches, np.array([[1.0, 10.0]]))
    assert dW == Parameters(W1=[[31.0, 42.0]], b1=[[11.0]])


@each_loss
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
@pytest.mark.parametrize("dtype", FLOATS)
def test_the_type_that_goes_in_comes_out(dtype, activation, loss):
    net = mlp(3, 4, 2, activation=activation, loss=loss)
    parameters = initialize_parameters(net, seed=1, dtype=dtype)
    X, Y = examples(net, seed=1, dtype=dtype)
    Z, _ = forward(net, parameters, X)
    arrays = [
        *parameters.values(),
        *gradients(net, parameters, X, Y).values(),
        Z,
        compute_cost(net, Z, Y),
        predict_probabilities(net, parameters, X),
    ]
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}


@given(networks(), seeds)
def test_probabilities_are_the_link_of_the_logits_and_predictions_their_decision(net, seed):
    parameters = normal_parameters(net, seed)
    X, _ = examples(net, seed)
    probabilities = predict_probabilities(net, parameters, X)
    np.testing.assert_allclose(probabilities, 1 / (1 + np.exp(-forward(net, parameters, X)[0])))
    assert ((probabilities > 0.5) == predict(net, parameters, X)).all()


def test_layers_are_named_sized_and_activated_as_the_article_does():
    assert mlp(5, 3, 1).layers == (
        Dense("W1", "b1", 5, 3, RELU),
        Dense("W2", "b2", 3, 1, IDENTITY),
    )


@given(networks(SOFTMAX_CROSS_ENTROPY), seeds)
def test_softmax_networks_predict_the_number_of_their_largest_probability(net, seed):
    parameters = normal_parameters(net, seed)
    X, _ = examples(net, seed)
    of_columns = predict_probabilities(net, parameters, X).T.tolist()
    numbers = [[column.index(max(column)) for column in of_columns]]
    assert predict(net, parameters, X).tolist() == numbers


@given(networks(MEAN_SQUARED_ERROR), seeds)
def test_networks_of_the_squared_error_predict_their_logits(net, seed):
    parameters = normal_parameters(net, seed)
    X, _ = examples(net, seed)
    assert (predict(net, parameters, X) == forward(net, parameters, X)[0]).all()


def test_each_hidden_layer_has_its_own_activation_and_the_last_one_none():
    layers = mlp(5, 4, 3, 2, activation=[TANH, RELU]).layers
    assert layers == (
        Dense("W1", "b1", 5, 4, TANH),
        Dense("W2", "b2", 4, 3, RELU),
        Dense("W3", "b3", 3, 2, IDENTITY),
    )


@pytest.mark.parametrize("activation", [[], [TANH], [TANH, RELU, TANH]])
def test_more_or_fewer_activations_than_hidden_layers_are_refused(activation):
    with pytest.raises(ValueError, match="expected one, such as RELU, or 2: one a layer"):
        mlp(5, 4, 3, 2, activation=activation)


def test_an_activation_of_ones_own_is_its_value_and_its_backward():
    sine = Activation(np.sin, lambda dA, Z: dA * np.cos(Z))
    net = mlp(3, 4, 2, activation=sine)
    W, D = normal_parameters(net, 1), normal_parameters(net, 2)
    X, Y = examples(net, 3)
    along = slope_along(lambda W: cost_at(net, W, X, Y), W, D)
    assert dot(gradients(net, W, X, Y), D) == pytest.approx(along, rel=1e-6)


@pytest.mark.parametrize("of", [(7, 1), (5, 4, 3, 2)])
def test_sizes_are_those_that_the_network_was_made_of(of):
    assert layer_sizes(mlp(*of)) == list(of)


def test_the_loss_is_the_courses_unless_said_otherwise():
    assert mlp(3, 1).loss is BINARY_CROSS_ENTROPY


@pytest.mark.parametrize("sizes", [(), (3,), (3, 0), (3, -1, 1)])
def test_a_network_of_no_layer_or_of_empty_layers_is_refused(sizes):
    with pytest.raises(ValueError, match="two or more"):
        mlp(*sizes)


def test_forward_goes_through_a_layer_of_ones_own():
    net = scaling()
    W, X = normal_parameters(net, 1), normal(2, 3, 5)
    by_hand = W["W2"] @ (W["g2"] * np.tanh(W["W1"] @ X + W["b1"])) + W["b2"]
    np.testing.assert_allclose(forward(net, W, X)[0], by_hand, rtol=1e-12)


@each_loss
@given(seeds)
def test_backward_goes_through_a_layer_of_ones_own(loss, seed):
    net = scaling(loss)
    W, D = normal_parameters(net, seed), normal_parameters(net, seed + 1)
    X, Y = examples(net, seed + 2)
    along = slope_along(lambda W: cost_at(net, W, X, Y), W, D)
    assert dot(gradients(net, W, X, Y), D) == pytest.approx(along, rel=1e-5, abs=1e-6)


def test_a_first_layer_of_ones_own_hands_back_the_input_gradient():
    net = Network((Scale("g1", 3), *mlp(3, 2).layers), BINARY_CROSS_ENTROPY)
    W, (X, Y), D = normal_parameters(net, 1), examples(net, 2), normal(3, 3, 6)
    Z, caches = forward(net, W, X)
    dX = input_gradient(net, W, caches, cost_gradient(net, Z, Y))
    along = slope_along(lambda x: cost_at(net, W, x["X"], Y), Parameters(X=X), Parameters(X=D))
    assert float((dX * D).sum()) == pytest.approx(along, rel=1e-6)


def test_parameters_that_are_no_weights_start_at_zero_in_the_layers_order():
    net = scaling()
    start = initialize_parameters(net, seed=1)
    assert list(start) == list(parameter_shapes(net)) == ["W1", "b1", "g2", "W2", "b2"]
    assert [name for name in start if not start[name].any()] == ["b1", "g2", "b2"]
    assert list(weight_shapes(net)) == ["W1", "W2"]


def test_a_layer_of_ones_own_leaves_the_draws_of_the_others_alone():
    with_scale, without = (initialize_parameters(net, 1, he) for net in (scaling(), mlp(3, 4, 2)))
    assert all((with_scale[name] == without[name]).all() for name in without)


@pytest.mark.parametrize(
    ("initializer", "W1", "W2"),
    [
        # printed in the course's notebooks, week 4, for the sizes below and seed 3; digits as there
        (small, [[0.01788628, 0.0043651], [0.00096497, -0.01863493]], [[-0.00277388, -0.00354759]]),
        # likewise, by scale, in the next course's week 1
        (
            large,
            [[17.88628473, 4.36509851], [0.96497468, -18.63492703]],
            [[-2.77388203, -3.54758979]],
        ),
        (
            course_he,
            [[1.78862847, 0.43650985], [0.09649747, -1.8634927]],
            [[-0.27738820, -0.35475898]],
        ),
    ],
)
def test_the_courses_initializers_draw_what_the_legacy_generator_is_known_to_draw(
    initializer, W1, W2
):
    parameters = initialize_parameters(mlp(2, 2, 1), seed=3, initializer=initializer)
    np.testing.assert_allclose(parameters["W1"], W1, atol=5e-9)
    np.testing.assert_allclose(parameters["W2"], W2, atol=5e-9)


def test_course_draws_the_same_normals_scaled_by_the_root_of_fan_in():
    net = mlp(9, 4, 1)
    drawn, unscaled = (initialize_parameters(net, seed=5, initializer=s) for s in (course, small))
    np.testing.assert_allclose(drawn["W1"], unscaled["W1"] * 100 / 3, rtol=1e-14)
    np.testing.assert_allclose(drawn["W2"], unscaled["W2"] * 100 / 2, rtol=1e-14)


@pytest.mark.parametrize(
    ("initializer", "variance"), [(he, 2 / 300), (xavier, 2 / 500), (course, 1 / 300)]
)
def test_schemes_draw_zero_mean_normals_of_the_published_variance(initializer, variance):
    W1 = initialize_parameters(mlp(300, 200, 1), seed=1, initializer=initializer)["W1"] / math.sqrt(
        variance
    )
    assert abs(W1.mean()) < 4 / math.sqrt(W1.size)
    assert W1.var() == pytest.approx(1, abs=4 * math.sqrt(2 / W1.size))
    assert (W1**4).mean() == pytest.approx(3, abs=4 * math.sqrt(96 / W1.size))


@pytest.mark.parametrize("initializer", [course, course_he, he, large, small, xavier])
def test_equal_seeds_draw_equal_parameters_and_others_do_not(initializer):
    net = mlp(3, 2, 1)
    first, again, other = (initialize_parameters(net, seed, initializer) for seed in (1, 1, 2))
    assert first == again
    assert not np.isclose(first["W1"], other["W1"]).any()


@pytest.mark.parametrize("initializer", [he, xavier])
def test_a_layers_draws_do_not_depend_on_the_layers_after_it(initializer):
    shallow, deep = (
        initialize_parameters(mlp(*s), 1, initializer) for s in ((3, 2, 1), (3, 2, 5, 1))
    )
    assert (shallow["W1"] == deep["W1"]).all()


@pytest.mark.parametrize("initializer", [course, course_he, he, large, small, xavier])
def test_layers_of_equal_shape_draw_otherwise(initializer):
    parameters = initialize_parameters(mlp(3, 3, 3), 1, initializer)
    assert not np.isclose(parameters["W1"], parameters["W2"]).any()


@pytest.mark.parametrize(
    ("initializer", "scales"), [(he, (2 / 4, 2 / 3)), (xavier, (2 / (4 + 3), 2 / (3 + 2)))]
)
def test_a_layers_draws_are_those_of_the_seed_and_its_place(initializer, scales):
    parameters = initialize_parameters(mlp(4, 3, 2), 5, initializer)
    for i, (scale, shape) in enumerate(zip(scales, ((3, 4), (2, 3)), strict=True)):
        seeded = np.random.SeedSequence(5, spawn_key=(i,))
        normals = np.random.default_rng(seeded).standard_normal(shape)
        np.testing.assert_allclose(parameters[f"W{i + 1}"], normals * math.sqrt(scale), rtol=1e-14)


@pytest.mark.parametrize("initializer", [course, course_he, large, small])
def test_the_courses_draws_are_the_legacy_generators_one_layer_after_another(initializer):
    scales = {
        course: (1 / 2, 1 / math.sqrt(3)),
        course_he: (math.sqrt(2 / 4), math.sqrt(2 / 3)),
        large: (10, 10),
        small: (0.01, 0.01),
    }[initializer]
    parameters = initialize_parameters(mlp(4, 3, 2), 5, initializer)
    normals = np.random.RandomState(5).randn(3 * 4 + 2 * 3)
    W1, W2 = normals[:12].reshape(3, 4), normals[12:].reshape(2, 3)
    np.testing.assert_allclose(parameters["W1"], W1 * scales[0], rtol=1e-14)
    np.testing.assert_allclose(parameters["W2"], W2 * scales[1], rtol=1e-14)


@pytest.mark.parametrize("initializer", [course, he, small, xavier, zeros])
def test_biases_start_at_zero(initializer):
    parameters = initialize_parameters(mlp(3, 2, 1), seed=1, initializer=initializer)
    assert not parameters["b1"].any()
    assert not parameters["b2"].any()


def test_zeros_are_zeros_also_for_one_layer():
    assert initialize_parameters(mlp(2, 1), 1, zeros) == Parameters(W1=[[0.0, 0.0]], b1=[[0.0]])


def test_the_name_of_an_activation_is_not_taken_for_a_list_of_them():
    with pytest.raises(ValueError, match="activations 'tanh'; expected one, such as RELU"):
        mlp(3, 4, 3, 2, 2, 1, activation="tanh")  # type: ignore[arg-type]


@pytest.mark.parametrize("weighted", [None, "alike", "others absent"])
@pytest.mark.parametrize("pairs", [3, 49, 200, 1234])
@pytest.mark.parametrize("loss", [BINARY_CROSS_ENTROPY, MEAN_SQUARED_ERROR], ids=repr)
@pytest.mark.parametrize("dtype", FLOATS)
def test_labels_that_cancel_leave_gradients_of_exactly_zero(dtype, loss, pairs, weighted):
    half = np.random.default_rng(pairs).integers(-3, 4, (2, pairs))  # exact in products, too
    X, Y = np.tile(half, 3), np.repeat([[0.0, 1.0, 1.0]], pairs, axis=1)
    absent = np.repeat([[False, False, True]], pairs, axis=1)
    if weighted != "others absent":
        X, Y, absent = (array[:, : 2 * pairs] for array in (X, Y, absent))
    weights = None if weighted is None else normalized(np.where(absent, 0.0, 1.0))
    net = mlp(2, 1, loss=loss)
    start = initialize_parameters(net, 1, zeros, dtype)
    Y = Y if loss is BINARY_CROSS_ENTROPY else Y - 0.5
    assert not any(dW.any() for dW in gradients(net, start, X, Y, weights).values())


@pytest.mark.parametrize("batches", [1, 50])
def test_a_bias_whose_labels_cancel_stays_exactly_zero_in_training(batches):
    net, descent = mlp(2, 1), gradient_descent(0.3)
    X = np.repeat(normal(1, 2, 200), 2, axis=1)
    batch = Batch(X, np.tile([[0.0, 1.0]], 200))
    start = initial_state(descent, initialize_parameters(net, 1, zeros))
    end = train(make_step(net, descent), [batch] * batches, start).parameters
    assert end["b1"] == 0
    assert not predict(net, end, X).any()


KINDS = ["float64", "float32", "float16", "int64", "int8", "uint8", "bool", ">f8"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", FLOATS)
@each_loss
def test_the_type_of_the_parameters_rules_whatever_that_of_the_data(loss, dtype, kind):
    net = mlp(3, 4, 2, activation=TANH, loss=loss)
    W = normal_parameters(net, 1, dtype)
    X, Y = np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]).astype(kind), np.eye(2)[:, [0, 1, 1]]
    weights = normalized(np.array([[1.0, 2.0, 1.0]]))
    for of in (weights, weights.astype(np.float32), None):
        Z, caches = forward(net, W, X)
        dZ = cost_gradient(net, Z, Y.astype(kind), of)
        arrays = (
            Z,
            dZ,
            compute_cost(net, Z, Y.astype(kind), of),
            cost_of(net, W, X, Y.astype(kind), of),
            predict_probabilities(net, W, X),
            input_gradient(net, W, caches, dZ.astype(float)),
            *backward(net, W, caches, dZ.astype(float)).values(),
            *gradients(net, W, X, Y.astype(kind), of).values(),
        )
        assert {array.dtype for array in arrays} == {np.dtype(dtype)}
    same = gradients(net, W, X.astype(dtype), Y.astype(dtype))
    assert gradients(net, W, X, Y.astype(kind)) == same


@pytest.mark.parametrize("kind", KINDS)
def test_the_type_of_the_parameters_rules_with_a_loss_of_ones_own(kind):
    own = Loss(np.copy, lambda Z, Y: (Z - Y) ** 2, lambda Z, Y: 2 * (Z - Y), np.copy)
    net = mlp(3, 2, loss=own)
    W, Y = normal_parameters(net, 1, np.float32), np.eye(2).astype(kind)
    Z, _ = forward(net, W, normal(1, 3, 2))
    assert {compute_cost(net, Z, Y).dtype, cost_gradient(net, Z, Y).dtype} == {np.dtype("f4")}


@pytest.mark.parametrize("make", [gradient_descent, heavy_ball, adam])
def test_steps_keep_the_type_of_the_parameters(make):
    net, optimizer = mlp(3, 4, 1), make(0.1)
    batch = Batch(np.arange(12).reshape(3, 4), np.array([[0, 1, 1, 0]]), np.full((1, 4), 0.25))
    start = initial_state(optimizer, normal_parameters(net, 1, np.float32))
    state = train(make_step(net, optimizer, sample_every=1), [batch] * 3, start)
    moments = [array for moment in state.moments for array in moment.values()]
    costs = [np.asarray(cost) for _, cost in state.costs]
    arrays = [*state.parameters.values(), *moments, *costs]
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}


def test_parameters_that_are_integers_compute_in_floats():
    net, W = mlp(1, 1), Parameters(W1=[[200]], b1=[[1]])
    Z, _ = forward(net, W, np.array([[200, 2]], np.uint8))
    assert Z.dtype == np.float64
    assert Z.tolist() == [[40001, 401]]


NET = mlp(3, 2, 1)
OTHERS = {
    "fewer layers": (mlp(3, 1), "they are W1, b1; expected W1, b1, W2, b2"),
    "more layers": (mlp(3, 2, 2, 1), "they are W1, b1, W2, b2, W3, b3; expected W1, b1, W2, b2"),
    "another size of input": (mlp(4, 2, 1), r"W1 has shape \(2, 4\); expected \(2, 3\)"),
    "another size of a hidden layer": (mlp(3, 5, 1), r"W1 has shape \(5, 3\); expected \(2, 3\)"),
    "several outputs": (mlp(3, 2, 4), r"W2 has shape \(4, 2\); expected \(1, 2\)"),
}


@pytest.mark.parametrize(("other", "told"), OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize(
    "call",
    [
        check_parameters,
        lambda net, W: predict(net, W, normal(1, 3, 5)),
        lambda net, W: predict_probabilities(net, W, normal(1, 3, 5)),
        lambda net, W: cost_of(net, W, normal(1, 3, 5), np.ones((1, 5))),
        lambda net, W: backward(net, W, (None, None), np.ones((1, 5))),
    ],
    ids=["check", "predict", "probabilities", "cost", "backward"],
)
def test_parameters_of_another_network_are_refused(call, other, told):
    with pytest.raises(ValueError, match=f"parameters of another network: {told}"):
        call(NET, normal_parameters(other, 1))


def test_a_bias_without_its_axis_is_refused():
    W = {**normal_parameters(NET, 1), "b1": np.zeros(2)}
    with pytest.raises(ValueError, match=r"b1 has shape \(2,\); expected \(2, 1\)"):
        predict(NET, Parameters(W), normal(1, 3, 2))


def test_the_parameters_of_a_stack_are_the_networks():
    stack = map_parameters(lambda W: np.stack([W, W]), normal_parameters(NET, 1))
    check_parameters(NET, stack)
    assert predict(NET, stack, normal(1, 3, 5)).shape == (2, 1, 5)


INPUTS = {
    "one axis": (np.ones(3), ValueError, r"X has shape \(3,\); expected \(3, exam"),
    "rows for columns": (np.ones((7, 3)), ValueError, r"X has shape \(7, 3\); expected \(3, exam"),
    "other features": (np.ones((4, 7)), ValueError, r"X has shape \(4, 7\); expected \(3, exam"),
    "text": (np.array([["a"]]), TypeError, "expected an array of numbers"),
    "complex": (np.ones((3, 2), complex), TypeError, "expected an array of numbers"),
    "nothing": (None, TypeError, "expected an array of numbers"),
    "a word": ("X.h5", TypeError, "expected an array of numbers"),
    "objects": (np.array([[{}], [{}], [{}]]), TypeError, "expected an array of numbers"),
}


@pytest.mark.parametrize(("X", "error", "told"), INPUTS.values(), ids=INPUTS)
@pytest.mark.parametrize("call", [forward, predict, predict_probabilities])
def test_what_is_no_input_of_the_network_is_refused(call, X, error, told):
    with pytest.raises(error, match=told):
        call(NET, normal_parameters(NET, 1), X)


@pytest.mark.parametrize("call", [forward, predict, predict_probabilities])
def test_what_is_no_network_or_no_parameters_is_refused(call):
    W, X = normal_parameters(NET, 1), normal(1, 3, 2)
    with pytest.raises(TypeError, match="network None; expected a Network"):
        call(None, W, X)
    with pytest.raises(TypeError, match="parameters None; expected Parameters"):
        call(NET, None, X)


def test_lists_are_taken_for_their_arrays():
    net, W = mlp(2, 1), Parameters(W1=[[1.0, 2.0]], b1=[[0.0]])
    lists: Any = ([[1.0, 3.0], [2.0, 4.0]], [[0, 1]])
    for function, X, Y in ((gradients, *lists), (cost_of, *lists)):
        assert function(net, W, X, Y) == function(net, W, np.array(X), np.array(Y))


@each_loss
@pytest.mark.parametrize("shape", [(5,), (1, 4), (3, 5), (5, 1), ()])
def test_weights_of_another_shape_are_refused(loss, shape):
    net, Y = mlp(2, 3, loss=loss), np.eye(3)[:, [0, 1, 2, 0, 1]]
    for call in (compute_cost, cost_gradient):
        with pytest.raises(ValueError, match="weights"):
            call(net, normal(1, 3, 5), Y, np.ones(shape))


@each_loss
def test_one_column_of_logits_without_its_axis_is_refused(loss):
    for call in (compute_cost, cost_gradient):
        with pytest.raises(ValueError, match="logits of shape"):
            call(mlp(2, 3, loss=loss), normal(1, 3), np.ones(3))


@each_loss
def test_no_examples_are_refused(loss):
    for call in (compute_cost, cost_gradient):
        with pytest.raises(ValueError, match="logits of shape"):
            call(mlp(2, 3, loss=loss), np.ones((3, 0)), np.ones((3, 0)))


@pytest.mark.parametrize(
    ("loss", "Y", "told"),
    [
        (BINARY_CROSS_ENTROPY, [[-1, 1, 1], [1, 1, -1]], "targets from -1"),
        (SOFTMAX_CROSS_ENTROPY, [[1, 0, 1], [1, 1, 0]], "sum to 2"),
        (MEAN_SQUARED_ERROR, [[np.nan, 0, 1], [1, 1, 0]], "target nan"),
    ],
)
def test_targets_that_the_loss_is_not_for_are_refused_where_a_cost_is_computed(loss, Y, told):
    net = mlp(3, 2, loss=loss)
    W, X = normal_parameters(net, 1), normal(2, 3, 3)
    for call in (
        lambda: compute_cost(net, forward(net, W, X)[0], np.array(Y)),
        lambda: cost_of(net, W, X, np.array(Y)),
        lambda: gradients(net, W, X, np.array(Y)),
        lambda: train(
            make_step(net, gradient_descent(0.1)),
            [Batch(X, np.array(Y))],
            initial_state(gradient_descent(0.1), W),
        ),
    ):
        with pytest.raises(ValueError, match=told):
            call()


def test_an_absent_example_costs_nothing_also_where_its_cost_is_infinite():
    cost = compute_cost(
        mlp(1, 1), np.array([[np.inf, 0.0]]), np.array([[0, 1]]), np.array([[0.0, 1.0]])
    )
    assert cost == pytest.approx(math.log(2))


@pytest.mark.parametrize(
    "make",
    [
        lambda: mlp(3, 4, 1, loss=SOFTMAX_CROSS_ENTROPY),
        lambda: Network(mlp(3, 1).layers, SOFTMAX_CROSS_ENTROPY),
        lambda: mlp(3, 1)._replace(loss=SOFTMAX_CROSS_ENTROPY),
    ],
)
def test_a_softmax_of_one_output_is_refused_where_the_network_is_made(make):
    with pytest.raises(ValueError, match="softmax of 1 output"):
        make()


DENSE = mlp(3, 2, 1).layers
NETWORKS = {
    "no layers": ((), BINARY_CROSS_ENTROPY, "expected a tuple of one layer or more"),
    "sizes": ((3, 2, 1), BINARY_CROSS_ENTROPY, "expected a tuple of one layer or more"),
    "one layer": (DENSE[0], BINARY_CROSS_ENTROPY, "expected a tuple of one layer or more"),
    "the name of a loss": (DENSE, "mse", "loss 'mse'; expected a Loss"),
    "the cost of a loss": (DENSE, np.subtract, "expected a Loss"),
    "a layer twice": (mlp(2, 2).layers * 2, MEAN_SQUARED_ERROR, "W1 belongs to two layers"),
    "sizes that do not meet": (
        (*DENSE[:1], *mlp(9, 9, 1).layers[1:]), MEAN_SQUARED_ERROR, "W2 takes 9 numbers",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("layers", "loss", "told"), NETWORKS.values(), ids=NETWORKS)
def test_what_is_no_network_is_refused_where_it_is_made(layers, loss, told):
    with pytest.raises((TypeError, ValueError), match=told):
        Network(layers, loss)


def test_a_list_of_layers_is_taken_for_a_tuple():
    assert Network(list(DENSE), BINARY_CROSS_ENTROPY) == mlp(3, 2, 1)


def test_a_network_pickles_copies_and_prints_as_the_value_it_is():
    net = mlp(3, 2, 1)
    assert pickle.loads(pickle.dumps(net)) == copy.copy(net) == net
    assert type(net._replace(loss=MEAN_SQUARED_ERROR)) is Network
    assert repr(net).startswith("Network(layers=(Dense(")


@pytest.mark.parametrize("sizes", [([3, 2, 1],), (3, "2", 1), (3, 2.0, 1), (True, 1), (None, 1)])
def test_sizes_that_are_no_integers_are_refused(sizes):
    with pytest.raises(ValueError, match=r"network sizes .*; expected two or more integers"):
        mlp(*sizes)


@pytest.mark.parametrize("activation", [3, None, "relu", [np.tanh], np.tanh, {"relu"}])
def test_what_is_no_activation_is_refused(activation):
    with pytest.raises(ValueError, match="expected one, such as RELU"):
        mlp(3, 2, 1, activation=activation)


SEEDS = [-1, 1.5, True, "1", None, np.float64(1)]


@pytest.mark.parametrize("seed", SEEDS, ids=repr)
@pytest.mark.parametrize("initializer", [course, course_he, he, large, small, xavier, zeros])
def test_what_is_no_seed_is_refused(seed, initializer):
    with pytest.raises(ValueError, match=r"seed .*; expected an integer of at least 0"):
        initialize_parameters(mlp(3, 1), seed, initializer)


@pytest.mark.parametrize("dtype", ["int64", bool, complex, "text"])
def test_parameters_of_a_type_that_is_no_float_are_refused(dtype):
    with pytest.raises((TypeError, ValueError), match="expected float64 or float32"):
        initialize_parameters(mlp(3, 1), 1, dtype=dtype)


@pytest.mark.parametrize(
    "initializer",
    [
        *(lambda *_: [np.ones(3)], lambda *_: [], lambda *_: [np.ones((3, 1))]),
        lambda *_: None,
    ],
)
def test_weights_of_other_shapes_than_the_networks_are_refused(initializer):
    with pytest.raises(ValueError, match=r"initial weights of shapes .*; expected \[\(1, 3\)\]"):
        initialize_parameters(mlp(3, 1), 1, initializer)


@pytest.mark.parametrize("weight", ["a", 1j, None, np.nan, np.inf], ids=repr)
def test_weights_that_are_no_finite_numbers_are_refused(weight):
    with pytest.raises((TypeError, ValueError), match="expected"):
        initialize_parameters(mlp(3, 1), 1, lambda *_: [np.full((1, 3), weight)])


def test_a_seed_that_the_generator_of_the_course_does_not_take_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match=r"seed 4294967296; expected one below 2\*\*32"):
        initialize_parameters(mlp(3, 1), 2**32)


def test_a_class_of_layers_is_no_layer():
    with pytest.raises(TypeError, match="expected a tuple of one layer or more"):
        Network((Dense,), BINARY_CROSS_ENTROPY)  # type: ignore[arg-type]


def test_dense_layers_that_do_not_meet_across_dropout_are_refused():
    first, last = Dense("W1", "b1", 3, 4, TANH), Dense("W2", "b2", 5, 1, TANH)
    with pytest.raises(ValueError, match="W2 takes 5 numbers, and the layer before it gives 4"):
        Network((first, Dropout(0.5, seed=1, number=1), last), BINARY_CROSS_ENTROPY)


@pytest.mark.parametrize("shape", [(1, 4), (2, 5), (5,), (5, 1)])
def test_a_gradient_that_does_not_fit_the_logits_is_refused(shape):
    W = normal_parameters(NET, 1)
    _, caches = forward(NET, W, normal(1, 3, 5))
    for call in (backward, input_gradient):
        with pytest.raises(ValueError, match=r"shape .*; expected"):
            call(NET, W, caches, np.ones(shape))


@pytest.mark.parametrize("caches", [(), (1,), None, "caches"])
def test_caches_of_another_network_are_refused(caches):
    with pytest.raises(ValueError, match="caches of another network"):
        backward(NET, normal_parameters(NET, 1), caches, np.ones((1, 5)))
