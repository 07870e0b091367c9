"""Training in the dual form is training: for every optimizer that commutes with rotations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catpipe.batches import whole
from catpipe.dual import dual_network, from_dual, gram, into_dual, reason_for_primal
from catpipe.network import forward, network, parameter_shapes, predict
from catpipe.optimizers import Optimizer, gradient_descent, momentum, nesterov, with_l2
from catpipe.parameters import Parameters, map_parameters
from catpipe.stacks import stacked
from catpipe.training import initial_state, make_step, train
from tests.points import FLOATS, activations, examples, normal, normal_parameters, seeds

OPTIMIZERS = {
    "gradient descent": gradient_descent(0.1),
    "momentum": momentum(0.05, beta=0.8),
    "nesterov": nesterov(0.05, beta=0.8),
}
OPTIMIZERS |= {f"{name}, L2": with_l2(of, 0.3) for name, of in OPTIMIZERS.items()}
optimizers = pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)


def trained(net, optimizer, start, X, Y, iterations=5) -> Parameters:
    """Return the parameters after training on the columns as they are."""
    state = initial_state(optimizer, start)
    return train(make_step(net, optimizer), whole(X, Y, iterations), state).parameters


def trained_in_dual(net, optimizer, start, X, Y, iterations=5) -> Parameters:
    """Return the parameters after training in the dual form."""
    entered = into_dual(net, start, X)
    after = trained(dual_network(net), optimizer, entered, gram(X), Y, iterations)
    return from_dual(net, start, X, after)


def assert_close(ours: Parameters, expected: Parameters, rtol: float) -> None:
    assert ours.keys() == expected.keys()
    for name, W in expected.items():
        np.testing.assert_allclose(ours[name], W, rtol=rtol, atol=rtol * np.abs(W).max())


@optimizers
@given(activation=activations, seed=seeds, features=st.integers(1, 30))
def test_training_in_the_dual_form_is_training(optimizer, activation, seed, features):
    net = network(features, 4, 3, 1, activation=activation)
    start, (X, Y) = normal_parameters(net, seed), examples(net, seed)
    expected = trained(net, optimizer, start, X, Y)
    assert_close(trained_in_dual(net, optimizer, start, X, Y), expected, rtol=1e-8)


@optimizers
def test_a_stack_in_the_dual_form_is_each_of_its_networks(optimizer):
    net = network(20, 4, 1)
    X, Y = examples(net, seed=5)
    starts = [normal_parameters(net, seed) for seed in range(3)]
    stack = trained_in_dual(net, optimizer, stacked(starts), X, Y)
    for i, start in enumerate(starts):
        one = map_parameters(lambda W, i=i: W[i], stack)
        assert_close(one, trained(net, optimizer, start, X, Y), rtol=1e-10)


@optimizers
@pytest.mark.parametrize("dtype", FLOATS)
def test_the_type_that_goes_in_comes_out(optimizer, dtype):
    net = network(20, 4, 1)
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
    net = network(20, 4, 1)
    start, Y = normal_parameters(net, 1), examples(net, 1)[1]
    optimizer = OPTIMIZERS["momentum, L2"]
    expected = trained(net, optimizer, start, columns, Y, iterations=50)
    ours = trained_in_dual(net, optimizer, start, columns, Y, iterations=50)
    assert_close(ours, expected, rtol=1e-11)


def test_the_dual_network_predicts_on_its_columns_what_the_primal_does():
    net = network(20, 4, 1)
    start, (X, _) = normal_parameters(net, 1), examples(net, 1)
    dual, inside = dual_network(net), into_dual(net, start, X)
    np.testing.assert_allclose(forward(dual, inside, gram(X))[0], forward(net, start, X)[0])
    assert (predict(dual, inside, gram(X)) == predict(net, start, X)).all()


@optimizers
def test_columns_without_a_share_are_watched_and_not_learned_from(optimizer):
    net = network(20, 4, 1)
    start, (X, Y) = normal_parameters(net, 1), examples(net, 1)
    shares = np.array([[0.25, 0.25, 0.25, 0.25, 0, 0]])
    step = make_step(dual_network(net), optimizer)
    state = initial_state(optimizer, into_dual(net, start, X))
    inside = train(step, whole(gram(X), Y, 5, shares), state).parameters
    shown = trained(net, optimizer, start, X[:, :4], Y[:, :4])
    assert_close(from_dual(net, start, X, inside), shown, rtol=1e-10)
    watched = forward(dual_network(net), inside, gram(X))[0][:, 4:]
    np.testing.assert_allclose(watched, forward(net, shown, X[:, 4:])[0], rtol=1e-10)


def test_there_and_back_is_the_start():
    net = network(20, 4, 1)
    start, (X, _) = normal_parameters(net, 1), examples(net, 1)
    assert from_dual(net, start, X, into_dual(net, start, X)) == start


def test_what_comes_back_has_the_networks_names_and_shapes():
    net = network(20, 4, 1)
    start, (X, Y) = normal_parameters(net, 1), examples(net, 1)
    ours = trained_in_dual(net, OPTIMIZERS["nesterov"], start, X, Y)
    assert {name: W.shape for name, W in ours.items()} == parameter_shapes(net)


def signs() -> Optimizer:
    """Return descent by the signs of the gradient, which depend on the basis."""

    def update(iteration, parameters, moments, gradients):
        return map_parameters(lambda W, dW: W - 0.1 * np.sign(dW), parameters, gradients), moments

    return Optimizer(lambda _: (), update, commutes_with_rotations=False)


def test_an_optimizer_that_does_not_commute_with_rotations_would_train_otherwise():
    net = network(20, 4, 1)
    start, (X, Y) = normal_parameters(net, 1), examples(net, 1)
    ours = trained_in_dual(net, signs(), start, X, Y)
    assert not np.allclose(ours["W1"], trained(net, signs(), start, X, Y)["W1"], rtol=0.01)


@pytest.mark.parametrize(
    ("sizes", "optimizer", "columns", "iterations", "told"),
    [
        ((12288, 20, 7, 5, 1), OPTIMIZERS["momentum"], 209, 2500, None),
        ((12288, 20, 1), signs(), 209, 2500, "does not commute"),
        ((300, 20, 1), OPTIMIZERS["momentum"], 5000, 2500, "as they are"),
        ((12288, 20, 1), OPTIMIZERS["momentum"], 209, 1, "1 iterations"),
    ],
)
def test_it_is_used_where_it_is_exact_and_pays(sizes, optimizer, columns, iterations, told):
    reason = reason_for_primal(network(*sizes), optimizer, columns, iterations)
    assert reason is None if told is None else told in str(reason)


@given(st.integers(2, 400), st.integers(1, 800), st.integers(1, 50), st.integers(1, 1000))
def test_more_iterations_are_never_a_reason_against_it(features, columns, units, iterations):
    net, optimizer = network(features, units, 1), gradient_descent(0.1)
    if reason_for_primal(net, optimizer, columns, iterations) is None:
        assert reason_for_primal(net, optimizer, columns, iterations + 1) is None


@pytest.mark.parametrize("optimizer", [with_l2(signs(), 0.1), signs()])
def test_what_is_made_of_one_that_does_not_commute_does_not_either(optimizer):
    assert "rotations" in str(reason_for_primal(network(12288, 20, 1), optimizer, 209, 2500))
