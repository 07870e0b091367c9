"""Training in the space that is chosen is training in the full space, and it is chosen to pay."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catpipe.data.batches import Batch, normalized
from catpipe.nn.activations import TANH
from catpipe.nn.layers import Dropout
from catpipe.nn.losses import MEAN_SQUARED_ERROR, SOFTMAX_CROSS_ENTROPY
from catpipe.nn.network import forward, mlp, with_dropout
from catpipe.nn.parameters import Parameters
from catpipe.optim.optimizers import (
    adam,
    averaged_momentum,
    gradient_descent,
    heavy_ball,
    nesterov,
    rmsprop,
)
from catpipe.optim.regularizers import adamw, with_clipping, with_l2, with_weight_decay
from catpipe.optim.schedules import constant, cosine, scaled, step_decay, warm_up
from catpipe.training.loop import initial_state, make_step, train
from catpipe.training.spaces import (
    SPACES as MAKE_SPACES,
)
from catpipe.training.spaces import Space, cheapest_space, column_space, dual_space, full_space
from tests.experiments.test_ensembles import members, normal_stack, random_shares
from tests.points import FLOATS, activations, examples, normal, normal_parameters, seeds
from tests.training.test_dual import assert_close

COSINE = warm_up(cosine(0.1, iterations=9), iterations=3)
STEPS = step_decay(0.1, factor=0.5, every=2)
MAKES = {
    "gradient_descent": gradient_descent,
    "heavy_ball": heavy_ball,
    "averaged_momentum": averaged_momentum,
    "nesterov": nesterov,
    "l2": lambda rate: with_l2(averaged_momentum(rate), 0.3),
    "weight_decay": lambda rate: with_weight_decay(nesterov(rate), scaled(rate, 0.4)),
    "l2_and_decay": lambda rate: with_weight_decay(with_l2(heavy_ball(rate), 0.3), 0.02),
}
OPTIMIZERS = {
    **{name: make(0.05) for name, make in MAKES.items()},
    "gradient_descent, cosine": gradient_descent(COSINE),
    "nesterov, steps": nesterov(STEPS),
    "l2_and_decay, cosine": with_weight_decay(with_l2(heavy_ball(COSINE), 0.3), scaled(COSINE, 1)),
}
CLIPPING = {
    "clipped": lambda norm: with_clipping(gradient_descent(0.1), norm),
    "clipped, heavy_ball": lambda norm: with_clipping(heavy_ball(0.1), norm),
    "clipped, l2_and_decay": lambda norm: with_clipping(OPTIMIZERS["l2_and_decay"], norm),
    "clipped, steps, L2 inside": lambda norm: with_l2(with_clipping(nesterov(STEPS), norm), 0.3),
}
CLIPPED = {name: make(0.1) for name, make in CLIPPING.items()}
ADAPTIVE = {
    "adam": adam(0.1),
    "adamw": adamw(0.1),
    "rmsprop": rmsprop(0.1),
    "with_l2": with_l2(adam(0.1), 0.3),
    "with_weight_decay": with_weight_decay(adam(0.1), 0.3),
    "with_clipping": with_clipping(adam(0.1), 0.1),
}
linear = pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
rotating = pytest.mark.parametrize(
    "optimizer", (OPTIMIZERS | CLIPPED).values(), ids=OPTIMIZERS | CLIPPED
)
clipped = pytest.mark.parametrize("optimizer", CLIPPED.values(), ids=CLIPPED)
adaptive = pytest.mark.parametrize("optimizer", ADAPTIVE.values(), ids=ADAPTIVE)

FULL = (slice(None),) * 4
MINI = ([0, 3], [5, 1, 1], [4], [2, 0]) * 2
MANY = 10**9  # iterations

features = st.integers(14, 30)
hidden = st.lists(st.integers(1, 4), max_size=2)


def chosen(net, optimizer, X, parts) -> Space:
    """Return the space where many iterations on these batches take least."""
    size = None if parts[0] == slice(None) else len(parts[0])
    return cheapest_space(net, optimizer, X, size, MANY)


def trained(net, optimizer, start, batches) -> Parameters:
    state = initial_state(optimizer, start)
    return train(make_step(net, optimizer), batches, state).parameters


def trained_in(space: Space, net, optimizer, start, Y, parts) -> Parameters:
    """Return the parameters after training in the space, and the way back.

    Y may be the targets alone, or with weights.
    """
    inside, entered = space.project(net, start)
    Y, weights = Y if isinstance(Y, tuple) else (Y, None)
    batches = [
        Batch(space.columns[:, part], Y[:, part], None if weights is None else weights[..., part])
        for part in parts
    ]
    return space.lift(net, start, trained(inside, optimizer, entered, batches))


def trained_outside(net, optimizer, start, X, Y, parts) -> Parameters:
    return trained_in(full_space(X, "as it is"), net, optimizer, start, Y, parts)


@linear
@settings(max_examples=15)
@given(activation=activations, seed=seeds, of=features, units=hidden)
def test_on_full_batches_a_linear_optimizer_trains_in_the_dual_form(
    optimizer, activation, seed, of, units
):
    net = mlp(of, *units, 2, activation=activation, loss=SOFTMAX_CROSS_ENTROPY)
    start, (X, Y) = normal_parameters(net, seed), examples(net, seed)
    space = chosen(net, optimizer, X, FULL)
    assert space.description == "the subspace of 6 examples, in the dual form"
    ours = trained_in(space, net, optimizer, start, Y, FULL)
    assert_close(ours, trained_outside(net, optimizer, start, X, Y, FULL), rtol=1e-9)


@rotating
@settings(max_examples=15)
@given(activation=activations, seed=seeds, of=features, units=hidden)
def test_on_mini_batches_one_that_commutes_with_rotations_trains_in_their_span(
    optimizer, activation, seed, of, units
):
    net = mlp(of, *units, 1, activation=activation)
    start, (X, Y) = normal_parameters(net, seed), examples(net, seed)
    space = chosen(net, optimizer, X, MINI)
    assert space.description == "the subspace of 6 examples"
    ours = trained_in(space, net, optimizer, start, Y, MINI)
    assert_close(ours, trained_outside(net, optimizer, start, X, Y, MINI), rtol=1e-9)


@clipped
@settings(max_examples=15)
@given(activation=activations, seed=seeds, of=features)
def test_clipped_gradients_train_in_the_span_also_on_full_batches(optimizer, activation, seed, of):
    net = mlp(of, 4, 1, activation=activation)
    start, (X, Y) = normal_parameters(net, seed), examples(net, seed)
    space = chosen(net, optimizer, X, FULL)
    assert space.description == "the subspace of 6 examples"
    ours = trained_in(space, net, optimizer, start, Y, FULL)
    assert_close(ours, trained_outside(net, optimizer, start, X, Y, FULL), rtol=1e-9)


@clipped
def test_clipping_is_not_what_it_is_in_the_dual_form_whose_norms_are_others(optimizer):
    net = mlp(20, 4, 1, activation=TANH)
    start, (X, Y) = normal_parameters(net, 1), examples(net, 1)
    ours = trained_in(dual_space(X), net, optimizer, start, Y, FULL)
    expected = trained_outside(net, optimizer, start, X, Y, FULL)
    assert np.abs(ours["W1"] - expected["W1"]).max() > 1e-3


@pytest.mark.parametrize("make", CLIPPING.values(), ids=CLIPPING)
def test_the_norm_of_these_tests_does_clip(make):
    net = mlp(20, 4, 1, activation=TANH)
    start, (X, Y) = normal_parameters(net, 1), examples(net, 1)
    ours, free = (trained_outside(net, make(norm), start, X, Y, FULL) for norm in (0.1, 1e9))
    assert np.abs(ours["W1"] - free["W1"]).max() > 1e-3


@adaptive
@pytest.mark.parametrize("parts", [FULL, MINI], ids=["full", "mini"])
def test_an_optimizer_that_scales_each_number_trains_in_the_full_space(optimizer, parts):
    net = mlp(20, 4, 1)
    space = chosen(net, optimizer, normal(1, 20, 6), parts)
    assert space.description == "the full space (the optimizer does not commute with rotations)"


@adaptive
@pytest.mark.parametrize("make", [dual_space, column_space])
def test_elsewhere_it_would_train_otherwise(optimizer, make):
    net = mlp(20, 4, 1, activation=TANH)
    start, (X, Y) = normal_parameters(net, 1), examples(net, 1)
    ours = trained_in(make(X), net, optimizer, start, Y, FULL)
    expected = trained_outside(net, optimizer, start, X, Y, FULL)
    assert np.abs(ours["W1"] - expected["W1"]).max() > 1e-3


def test_a_first_layer_that_is_not_dense_trains_in_the_full_space():
    net = mlp(20, 4, 1)
    dropping = net._replace(layers=(Dropout(0.5, seed=1, number=0), *net.layers))
    space = chosen(dropping, gradient_descent(0.1), normal(1, 20, 6), FULL)
    assert space.description == "the full space (the first layer is not dense)"


@pytest.mark.parametrize("parts", [FULL, MINI], ids=["full", "mini"])
@settings(max_examples=15)
@given(seed=seeds)
def test_dropout_after_hidden_layers_drops_the_same_in_a_small_space(parts, seed):
    optimizer = OPTIMIZERS["l2_and_decay, cosine"]
    net = with_dropout(mlp(20, 4, 3, 1, activation=TANH), rate=0.4, seed=seed)
    start, (X, Y) = normal_parameters(net, seed), examples(net, seed)
    space = chosen(net, optimizer, X, parts)
    assert "the subspace of 6 examples" in space.description
    ours = trained_in(space, net, optimizer, start, Y, parts)
    assert_close(ours, trained_outside(net, optimizer, start, X, Y, parts), rtol=1e-9)


@rotating
@pytest.mark.parametrize("parts", [FULL, MINI], ids=["full", "mini"])
def test_a_stack_with_shares_of_its_own_is_each_of_its_networks(optimizer, parts):
    net = mlp(20, 4, 1, activation=TANH)
    start, (X, Y), weights = normal_stack(net, 1, 3), examples(net, 1), random_shares(1, 3, 1, 6)
    stack = trained_in(chosen(net, optimizer, X, parts), net, optimizer, start, (Y, weights), parts)
    for one, begun, own in zip(members(stack), members(start), weights, strict=True):
        expected = trained_outside(net, optimizer, begun, X, (Y, own), parts)
        assert_close(one, expected, rtol=1e-9)


@pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)
@pytest.mark.parametrize("schedule", [constant, lambda rate: step_decay(rate, 0.5, 2)])
@pytest.mark.parametrize("parts", [FULL, MINI], ids=["full", "mini"])
def test_a_stack_of_learning_rates_is_each_of_them(make, schedule, parts):
    net, rates = mlp(20, 4, 1, activation=TANH), (0.01, 0.1, 0.03)
    start, (X, Y) = normal_stack(net, 1, 3), examples(net, 1)
    optimizer = make(schedule(np.reshape(rates, (3, 1, 1))))
    stack = trained_in(chosen(net, optimizer, X, parts), net, optimizer, start, Y, parts)
    for one, begun, rate in zip(members(stack), members(start), rates, strict=True):
        expected = trained_outside(net, make(schedule(rate)), begun, X, Y, parts)
        assert_close(one, expected, rtol=1e-9)


MADE = {"dual": dual_space, "subspace": column_space, "full": lambda X: full_space(X, "chosen")}
made = pytest.mark.parametrize("make", MADE.values(), ids=MADE)


@made
@settings(max_examples=25)
@given(seed=seeds)
def test_the_logits_there_are_those_of_the_columns_as_they_are(make, seed):
    net = mlp(20, 4, 1, activation=TANH)
    start, (X, _) = normal_parameters(net, seed), examples(net, seed)
    space = make(X)
    inside, entered = space.project(net, start)
    expected, _ = forward(net, start, X)
    np.testing.assert_allclose(forward(inside, entered, space.columns)[0], expected, rtol=1e-9)


@made
@settings(max_examples=25)
@given(seed=seeds)
def test_there_and_back_is_the_start(make, seed):
    net = mlp(20, 4, 1)
    start, space = normal_parameters(net, seed), make(normal(seed, 20, 6))
    assert_close(space.lift(net, start, space.project(net, start)[1]), start, rtol=1e-12)


@made
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("count", [0, 2], ids=["one", "stack"])
def test_the_type_that_goes_in_comes_out(make, dtype, count):
    net, optimizer = mlp(20, 4, 1), OPTIMIZERS["l2_and_decay, cosine"]
    start = normal_stack(net, 1, count, dtype) if count else normal_parameters(net, 1, dtype)
    X, Y = examples(net, 1, dtype=dtype)
    space = make(X)
    _, entered = space.project(net, start)
    left = trained_in(space, net, optimizer, start, Y, FULL)
    arrays = (space.columns, *entered.values(), *left.values())
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}


@made
def test_a_space_pickles(make):
    net, optimizer = mlp(20, 4, 1), OPTIMIZERS["l2_and_decay, cosine"]
    start, (X, Y) = normal_parameters(net, 1), examples(net, 1)
    space = make(X)
    both = (space, pickle.loads(pickle.dumps(space)))
    ours, again = (trained_in(of, net, optimizer, start, Y, FULL) for of in both)
    assert ours == again


@pytest.mark.parametrize(
    ("shape", "columns", "size", "iterations", "said"),
    [
        ((12288, 20, 7, 5, 1), 209, None, 2500, "the subspace of 209 examples, in the dual form"),
        ((2048, 20, 1), 50, 16, 2500, "the subspace of 50 examples"),
        ((300, 20, 1), 500, None, MANY, "the dual form"),
        ((300, 20, 1), 601, None, MANY, "(601 examples of 300 features take fewer multiplications"),
        ((300, 20, 1), 300, 16, MANY, "(300 examples of 300 features take fewer multiplications"),
        ((12288, 20, 1), 209, None, 1, "(1 planned iterations save less than"),
        ((2048, 20, 1), 50, 16, 3, "(3 planned iterations save less than"),
    ],
)
def test_it_is_said_where_training_is_done_and_why(shape, columns, size, iterations, said):
    X = np.ones((shape[0], columns))
    space = cheapest_space(mlp(*shape), heavy_ball(0.1), X, size, iterations)
    assert said in space.description


def kind_of(features: int, columns: int, units: int, size: int | None, iterations: int) -> str:
    net, X = mlp(features, units, 1), np.zeros((features, columns))
    return cheapest_space(net, gradient_descent(0.1), X, size, iterations).kind


problems = (*(st.integers(2, 60) for _ in range(2)), st.integers(1, 30), st.integers(1, 300))


@settings(max_examples=60)
@given(*problems, st.booleans())
def test_more_iterations_or_more_features_never_lead_out_of_a_small_space(
    features, columns, units, iterations, full
):
    size = None if full else max(1, columns // 2)
    kind = kind_of(features, columns, units, size, iterations)
    longer = kind_of(features, columns, units, size, 10 * iterations)
    if kind != "full":
        assert kind == longer == ("dual" if full else "subspace")
    if longer != "full":
        assert kind_of(4 * features, columns, units, size, 10**6) == longer


@pytest.mark.parametrize("size", [None, 64])
@pytest.mark.parametrize(
    ("features", "columns", "iterations", "is_small"),
    [(12288, 209, 2500, True), (64, 1797, 2500, False), (3000, 900, 1, False)],
)
def test_what_is_far_cheaper_is_chosen(features, columns, iterations, is_small, size):
    assert (kind_of(features, columns, 20, size, iterations) != "full") == is_small


@pytest.mark.parametrize("size", [None, 64])
def test_no_small_space_is_chosen_that_takes_gigabytes(size):
    X = np.broadcast_to(0.0, (30_000, 20_000))  # which takes none
    space = cheapest_space(mlp(30_000, 20, 1), gradient_descent(0.1), X, size, 10**9)
    assert space.kind == "full"
    assert "GB more memory" in space.description


@pytest.mark.parametrize("kind", MAKE_SPACES)
@pytest.mark.parametrize("of_each", [False, True], ids=["one", "weighed stack"])
def test_the_mean_squared_error_of_several_outputs_trains_in_each_space_as_in_numpy(kind, of_each):
    net = mlp(9, 3, loss=MEAN_SQUARED_ERROR)  # linear, so that the oracle is one line
    X, Y = normal(1, 9, 5), normal(2, 3, 5)
    start = [normal_parameters(net, seed) for seed in (3, 4)]
    shares = [np.full((1, 5), 0.2), normalized(normal(5, 1, 5) ** 2)]
    together = Parameters({name: np.stack([W[name] for W in start]) for name in start[0]})
    weights = np.stack(shares) if of_each else None
    begin = together if of_each else start[0]
    space = MAKE_SPACES[kind](X)
    inside, projected = space.project(net, begin)
    optimizer = gradient_descent(0.05)
    batches = [Batch(space.columns, Y, weights)] * 7
    step = make_step(inside, optimizer, 1)
    state = train(step, batches, initial_state(optimizer, projected))
    lifted = space.lift(net, begin, state.parameters)
    for i in range(1 + of_each):
        W, b = start[i]["W1"], start[i]["b1"]
        for k in range(7):
            error = W @ X + b - Y
            cost = (error**2 * shares[i]).sum()
            np.testing.assert_allclose(np.ravel(state.costs[k][1])[i], cost, rtol=1e-10)
            slope = 2 * error * shares[i]
            W, b = W - 0.05 * slope @ X.T, b - 0.05 * slope.sum(1, keepdims=True)
        found = [lifted[name][i] if of_each else lifted[name] for name in ("W1", "b1")]
        np.testing.assert_allclose(found[0], W, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(found[1], b, rtol=1e-9, atol=1e-11)
