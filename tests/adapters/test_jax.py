"""JAX takes parameters, a step and every formula as they are."""

import numpy as np
import pytest

from catpipe import nn
from catpipe.data.batches import Batch
from catpipe.nn.arrays import in_order
from catpipe.nn.network import cost_of, gradients, mlp
from catpipe.nn.parameters import Parameters, map_parameters
from catpipe.optim.optimizers import adam
from catpipe.optim.regularizers import with_clipping, with_l2
from catpipe.training.loop import State, Step, initial_state, make_step
from tests.points import ACTIVATIONS, LOSSES, normal, normal_parameters

NET = mlp(5, 4, 3, 2)


@pytest.fixture
def parameters() -> Parameters:
    return normal_parameters(NET, 1)


@pytest.fixture
def jax():
    jax = pytest.importorskip("jax")
    import catpipe.adapters.jax  # noqa: F401, PLC0415  # which makes them a pytree

    with jax.enable_x64(True):
        yield jax


def test_jax_maps_over_them(jax, parameters):
    twice = jax.tree.map(lambda W: 2 * W, parameters)
    assert twice == map_parameters(lambda W: 2 * W, parameters)


def test_jax_differentiates_by_them_as_backward_does(jax, parameters):
    X, Y = normal(2, 5, 7), (normal(3, 2, 7) > 0).astype(float)

    def cost(parameters: Parameters):
        hidden = jax.nn.relu(parameters["W1"] @ X + parameters["b1"])
        hidden = jax.nn.relu(parameters["W2"] @ hidden + parameters["b2"])
        Z = parameters["W3"] @ hidden + parameters["b3"]
        return (jax.nn.softplus(Z) - Y * Z).sum() / X.shape[1]

    found = jax.jit(jax.grad(cost))(parameters)
    assert isinstance(found, Parameters)
    for name, dW in gradients(NET, parameters, X, Y).items():
        np.testing.assert_allclose(found[name], dW, rtol=1e-9, atol=1e-12)


def problem() -> tuple[Batch, State, Step]:
    """Return a batch, a state and the step of Adam with clipping, which ask for much."""
    X, Y = normal(2, 5, 7), (normal(3, 2, 7) > 0).astype(float)
    optimizer = with_clipping(with_l2(adam(0.01), 0.1), 1.0)
    start = initial_state(optimizer, normal_parameters(NET, 1))
    return Batch(X, Y), start, make_step(NET, optimizer)


def test_jax_compiles_a_step_as_it_is(jax):
    batch, state, step = problem()
    compiled = jax.jit(step)(step(state, batch), batch)
    plain = step(step(state, batch), batch)
    assert int(compiled.iteration) == 2
    for name, W in plain.parameters.items():
        np.testing.assert_allclose(compiled.parameters[name], W, rtol=1e-12)


def test_jax_differentiates_the_cost_as_it_is(jax):
    (X, Y, _), state, _ = problem()
    found = jax.grad(lambda parameters: cost_of(NET, parameters, X, Y))(state.parameters)
    for name, dW in gradients(NET, state.parameters, X, Y).items():
        np.testing.assert_allclose(found[name], dW, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("loss", LOSSES, ids=str)
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=str)
def test_every_formula_is_the_same_in_jax(jax, activation, loss):
    Z, Y = normal(1, 3, 4), np.eye(3)[:, [0, 2, 1, 1]]
    foreign = jax.numpy.array(Z)
    pairs = [
        (activation.value(foreign), activation.value(Z)),
        (activation.backward(foreign, foreign), activation.backward(Z, Z)),
        (loss.link(foreign), loss.link(Z)),
        (loss.cost(foreign, Y), loss.cost(Z, Y)),
        (loss.gradient(foreign, Y), loss.gradient(Z, Y)),
    ]
    for found, expected in pairs:
        assert isinstance(found, jax.Array)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


SMOOTH = [each for each in ACTIVATIONS if each not in (nn.RELU, nn.LEAKY_RELU)]


@pytest.mark.parametrize("at", [0.0, -0.0, 1e-300, 40.0, -40.0, 800.0, -800.0])
@pytest.mark.parametrize("activation", SMOOTH, ids=str)
def test_jax_finds_the_slope_of_a_smooth_activation_everywhere(jax, activation, at):
    expected = activation.backward(np.ones(1), np.array([at]))
    found = jax.grad(activation.value)(at)
    np.testing.assert_allclose(found, expected[0], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("logits", [[0, 0, 0], [1, 1, 1], [0, 5, 5], [-800, 0, 800]], ids=str)
@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_jax_finds_the_gradient_of_a_loss_at_zeros_and_ties_too(jax, loss, logits):
    Z, Y = np.array(logits, float)[:, np.newaxis], np.eye(3)[:, :1]
    found = jax.grad(lambda Z: loss.cost(Z, Y).sum())(jax.numpy.array(Z))
    np.testing.assert_allclose(found, loss.gradient(Z, Y), rtol=1e-12, atol=1e-15)


def test_jax_differentiates_the_gradients_as_they_are(jax):
    (X, Y, _), state, _ = problem()

    def of(parameters):
        return gradients(NET, parameters, X, Y)["W1"].sum()

    W, first = state.parameters, np.eye(4, 1)
    before, after = (W | {"b1": W["b1"] + by * first} for by in (-1e-5, 1e-5))
    slope = (of(after) - of(before)) / 2e-5
    np.testing.assert_allclose(jax.grad(of)(W)["b1"][0, 0], slope, rtol=1e-6)


@pytest.mark.parametrize("axes", [(3, 4), (2, 3, 4)])
def test_in_the_order_of_axes_it_is_the_same_array(jax, axes):
    array = jax.numpy.array(normal(1, *axes))
    np.testing.assert_array_equal(jax.jit(lambda A: in_order(A.mT))(array), array.mT)
    is_on_cpu = jax.default_backend() == "cpu"
    assert ("optimization_barrier" in str(jax.make_jaxpr(in_order)(array))) == is_on_cpu


def test_jax_maps_over_a_stack(jax):
    (X, Y, _), _, _ = problem()
    stack = map_parameters(lambda W: np.stack([W, 2 * W]), normal_parameters(NET, 1))
    costs = jax.vmap(lambda parameters: cost_of(NET, parameters, X, Y))(stack)
    np.testing.assert_allclose(costs, cost_of(NET, stack, X, Y), rtol=1e-12)


def test_paths_of_jax_are_their_names(jax, parameters):
    (path, _), *_ = jax.tree_util.tree_leaves_with_path(parameters)
    assert jax.tree_util.keystr(path) == "['W1']"


def test_what_comes_back_from_jax_is_read_only(jax, parameters):
    leaves, tree = jax.tree.flatten(parameters)
    again = jax.tree.unflatten(tree, [leaf.copy() for leaf in leaves])
    assert not any(W.flags.writeable for W in again.values())
