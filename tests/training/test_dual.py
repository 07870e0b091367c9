"""Training in the dual form is training: for every optimizer that is linear."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catpipe.data.batches import full_batches
from catpipe.experiments.ensembles import stacked
from catpipe.nn.network import forward, mlp, parameter_shapes, predict
from catpipe.nn.parameters import Parameters, map_parameters
from catpipe.optim.optimizers import averaged_momentum, gradient_descent, heavy_ball, nesterov
from catpipe.optim.regularizers import with_l2, with_weight_decay
from catpipe.training.dual import dual_network, gram, lift, project
from catpipe.training.loop import initial_state, make_step, train
from tests.points import FLOATS, activations, examples, normal, normal_parameters, seeds

OPTIMIZERS = {
    "gradient descent": gradient_descent(0.1),
    "heavy ball": heavy_ball(0.05, beta=0.8),
    "averaged momentum": averaged_momentum(0.1, beta=0.8),
    "nesterov": nesterov(0.05, beta=0.8),
}
OPTIMIZERS |= {
    **{f"{name}, L2": with_l2(of, 0.3) for name, of in OPTIMIZERS.items()},
    **{f"{name}, decay": with_weight_decay(of, 0.02) for name, of in OPTIMIZERS.items()},
}
optimizers = pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)


def trained(net, optimizer, start, X, Y, iterations=5) -> Parameters:
    """Return the parameters after training on the columns as they are."""
    state = initial_state(optimizer, start)
    return train(make_step(net, optimizer), full_batches(X, Y, iterations), state).parameters


def trained_in_dual(net, optimizer, start, X, Y, iterations=5) -> Parameters:
    """Return the parameters after training in the dual form."""
    entered = project(net, start, X)
    after = trained(dual_network(net, X.shape[1]), optimizer, entered, gram(X), Y, iterations)
    return lift(net, start, X, after)


def assert_close(ours: Parameters, expected: Parameters, rtol: float) -> None:
    assert ours.keys() == expected.keys()
    for name, W in expected.items():
        np.testing.assert_allclose(ours[name], W, rtol=rtol, atol=rtol * np.abs(W).max())


@optimizers
@settings(max_examples=40)
@given(activation=activations, seed=seeds, features=st.integers(1, 30))
def test_training_in_the_dual_form_is_training(optimizer, activation, seed, features):
    net = mlp(features, 4, 3, 1, activation=activation)
    start, (X, Y) = normal_parameters(net, seed), examples(net, seed)
    expected = trained(net, optimizer, start, X, Y)
    assert_close(trained_in_dual(net, optimizer, start, X, Y), expected, rtol=1e-8)


@optimizers
def test_a_stack_in_the_dual_form_is_each_of_its_networks(optimizer):
    net = mlp(20, 4, 1)
    X, Y = examples(net, seed=5)
    starts = [normal_parameters(net, seed) for seed in range(3)]
    stack = trained_in_dual(net, optimizer, stacked(starts), X, Y)
    for i, start in enumerate(starts):
        one = map_parameters(lambda W, i=i: W[i], stack)
        assert_close(one, trained(net, optimizer, start, X, Y), rtol=1e-10)


@optimizers
@pytest.mark.parametrize("dtype", FLOATS)
def test_the_type_that_goes_in_comes_out(optimizer, dtype):
    net = mlp(20, 4, 1)
    start, (X, Y) = normal_parameters(net, 1, dtype), examples(net, 1, dtype=dtype)
    ours = trained_in_dual(net, optimizer, start, X, Y)
    assert {W.dtype for W in ours.values()} == {np.dtype(dtype)}
    assert_close(ours, trained(net, optimizer, start, X, Y), rtol=100 * np.finfo(dtype).eps)


@pytest.mark.parametrize(
    "columns",
    [
        np.repeat(normal(1, 20, 3), 2, axis=1),
        np.zeros((20, 6)),
        normal(1, 20, 6) * np.logspace(0, -12, 6),
        normal(1, 20, 1) + 1e-9 * normal(2, 20, 6),
    ],
    ids=["twice", "zero", "small", "nearly one"],
)
def test_it_is_exact_for_columns_that_depend_on_each_other(columns):
    net = mlp(20, 4, 1)
    start, Y = normal_parameters(net, 1), examples(net, 1)[1]
    optimizer = OPTIMIZERS["heavy ball, L2"]
    expected = trained(net, optimizer, start, columns, Y, iterations=50)
    ours = trained_in_dual(net, optimizer, start, columns, Y, iterations=50)
    assert_close(ours, expected, rtol=1e-11)


def test_the_dual_network_predicts_on_its_columns_what_the_primal_does():
    net = mlp(20, 4, 1)
    start, (X, _) = normal_parameters(net, 1), examples(net, 1)
    dual, inside = dual_network(net, X.shape[1]), project(net, start, X)
    np.testing.assert_allclose(forward(dual, inside, gram(X))[0], forward(net, start, X)[0])
    assert (predict(dual, inside, gram(X)) == predict(net, start, X)).all()


@optimizers
def test_columns_without_a_share_are_watched_and_not_learned_from(optimizer):
    net = mlp(20, 4, 1)
    start, (X, Y) = normal_parameters(net, 1), examples(net, 1)
    weights = np.array([[0.25, 0.25, 0.25, 0.25, 0, 0]])
    step = make_step(dual_network(net, X.shape[1]), optimizer)
    state = initial_state(optimizer, project(net, start, X))
    inside = train(step, full_batches(gram(X), Y, 5, weights), state).parameters
    shown = trained(net, optimizer, start, X[:, :4], Y[:, :4])
    assert_close(lift(net, start, X, inside), shown, rtol=1e-10)
    watched = forward(dual_network(net, X.shape[1]), inside, gram(X))[0][:, 4:]
    np.testing.assert_allclose(watched, forward(net, shown, X[:, 4:])[0], rtol=1e-10)


@optimizers
def test_the_products_are_those_of_what_is_kept_and_the_coefficients(optimizer):
    net = mlp(20, 4, 1)
    start, (X, Y) = normal_parameters(net, 1), examples(net, 1)
    entered = project(net, start, X)
    inside = trained(dual_network(net, X.shape[1]), optimizer, entered, gram(X), Y)
    W1 = lift(net, start, X, inside)["W1"]
    np.testing.assert_allclose(inside["W1"], W1 @ X, rtol=1e-10)


def test_there_and_back_is_the_start():
    net = mlp(20, 4, 1)
    start, (X, _) = normal_parameters(net, 1), examples(net, 1)
    assert lift(net, start, X, project(net, start, X)) == start


def test_what_comes_back_has_the_networks_names_and_shapes():
    net = mlp(20, 4, 1)
    start, (X, Y) = normal_parameters(net, 1), examples(net, 1)
    ours = trained_in_dual(net, OPTIMIZERS["nesterov"], start, X, Y)
    assert {name: W.shape for name, W in ours.items()} == parameter_shapes(net)
