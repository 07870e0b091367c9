"""The gradient check passes what is right, and finds and names what is wrong."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from catpipe.data.batches import Batch, normalized
from catpipe.nn.activations import TANH, Activation, tanh, tanh_backward
from catpipe.nn.initializers import initialize_parameters
from catpipe.nn.layers import Dense, Dropout
from catpipe.nn.network import Network, gradients, mlp, with_dropout
from catpipe.nn.parameters import Parameters
from catpipe.training import gradient_checks
from catpipe.training.gradient_checks import (
    ENTRIES,
    GradientCheck,
    gradient_check,
    relative_difference,
)
from tests.points import (
    ACTIVATIONS,
    FLOATS,
    LOSSES,
    Scale,
    examples,
    normal,
    normal_parameters,
    scaling,
)

each_loss = pytest.mark.parametrize("loss", LOSSES, ids=repr)
NET = mlp(3, 4, 2, activation=TANH)


def checked(net: Network, iteration: int | None = None, check_seed: int = 0) -> GradientCheck:
    """Return the check at a generic point."""
    W, batch = normal_parameters(net, 1), Batch(*examples(net, 2))
    return gradient_check(net, W, batch, iteration=iteration, seed=check_seed)


def right(check: GradientCheck) -> bool:
    return check.along_directions < 1e-7 and max(check.of_parameters.values()) < 1e-6


class HundredAndOne(Dense):
    """A dense layer whose dW is off by a hundredth."""

    def backward(self, parameters, cache, dA):
        """Return the wrong gradients."""
        compute_dA, gradients = super().backward(parameters, cache, dA)
        return compute_dA, {**gradients, self.weights: 1.01 * gradients[self.weights]}


class Unbiased(Dense):
    """A dense layer that forgets its bias's gradient."""

    def backward(self, parameters, cache, dA):
        """Return the wrong gradients."""
        compute_dA, gradients = super().backward(parameters, cache, dA)
        return compute_dA, {**gradients, self.bias: 0 * gradients[self.bias]}


class OneWrong(Dense):
    """A dense layer with one number of dW wrong."""

    def backward(self, parameters, cache, dA):
        """Return the wrong gradients."""
        compute_dA, gradients = super().backward(parameters, cache, dA)
        wrong = np.arange(self.units * self.fan_in).reshape(self.units, self.fan_in) == 5
        dW = gradients[self.weights]
        return compute_dA, {**gradients, self.weights: np.where(wrong, 2 * dW, dW)}


class Forgetful(Dropout):
    """A layer of dropout that hands back the gradient of what it dropped too."""

    def backward(self, parameters, mask, dA):  # noqa: ARG002
        """Return the wrong gradient at A."""
        return lambda: dA, {}


class Swapped(Scale):
    """A layer of one's own that hands back the gradient at its input unscaled."""

    def backward(self, parameters, A, dA):
        """Return the wrong gradient at A."""
        _, gradients = super().backward(parameters, A, dA)
        return lambda: dA, gradients


def with_layer(net: Network, place: int, kind: Callable[..., Any]) -> Network:
    """Return the network with a layer of this kind instead, which has the same fields."""
    layer: Any = net.layers[place]
    return net._replace(layers=(*net.layers[:place], kind(**vars(layer)), *net.layers[place + 1 :]))


@each_loss
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
def test_right_gradients_pass(activation, loss):
    assert right(checked(mlp(3, 4, 2, activation=activation, loss=loss)))


@each_loss
def test_right_gradients_pass_at_the_start_of_training(loss):
    net = mlp(3, 4, 2, activation=TANH, loss=loss)
    start = initialize_parameters(net, seed=1)
    assert right(gradient_check(net, start, Batch(*examples(net, 1))))


@each_loss
@pytest.mark.parametrize("iteration", [None, 0, 7])
def test_right_gradients_pass_with_dropout(loss, iteration):
    net = with_dropout(mlp(3, 6, 5, 2, activation=TANH, loss=loss), 0.4, seed=1)
    assert right(checked(net, iteration=iteration))


@each_loss
def test_a_right_layer_of_ones_own_passes(loss):
    assert right(checked(scaling(loss)))


def test_right_gradients_pass_with_shares():
    X, Y = examples(NET, 1)
    weights = normalized(np.abs(normal(2, 1, 6)))
    assert right(gradient_check(NET, normal_parameters(NET, 1), Batch(X, Y, weights)))


def test_the_gradients_that_are_checked_are_those_of_the_shares():
    X, Y = examples(NET, 1)
    W, weights = normal_parameters(NET, 1), normalized(np.array([[5.0, 0, 0, 0, 1, 0]]))
    worst = gradient_check(NET, W, Batch(X, Y, weights)).worst
    assert worst.gradient == gradients(NET, W, X, Y, weights)[worst.name][worst.place]
    assert worst.quotient == pytest.approx(worst.gradient, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("dtype", FLOATS)
def test_right_gradients_pass_whatever_the_type(dtype):
    batch = Batch(*examples(NET, 1, dtype=dtype), normalized(np.ones((1, 6), dtype)))
    assert right(gradient_check(NET, normal_parameters(NET, 1, dtype), batch))


def test_whole_numbers_are_checked_too():
    whole = {name: np.rint(3 * W).astype(int) for name, W in normal_parameters(NET, 1).items()}
    X, Y = examples(NET, 1)
    assert right(gradient_check(NET, Parameters(whole), Batch(X, Y.astype(int))))


def test_a_wrong_activation_backward_is_found_below_it_but_not_above():
    wrong = Activation(tanh, lambda dA, Z: 1.01 * tanh_backward(dA, Z))
    check = checked(mlp(3, 4, 2, activation=wrong))
    assert check.along_directions > 1e-4
    assert {name for name, far in check.of_parameters.items() if far > 1e-3} == {"W1", "b1"}


def test_a_weights_gradient_that_is_off_by_a_hundredth_is_named():
    check = checked(with_layer(NET, 1, HundredAndOne))
    assert check.worst.name == "W2"
    assert check.worst.relative == pytest.approx(0.01 / 2.01, rel=1e-3)
    assert check.worst.gradient == pytest.approx(1.01 * check.worst.quotient, rel=1e-4)
    assert {name for name, far in check.of_parameters.items() if far > 1e-5} == {"W2"}
    assert check.along_directions > 1e-5


def test_a_bias_gradient_that_is_missing_is_named():
    check = checked(with_layer(NET, 0, Unbiased))
    assert check.worst.name == "b1"
    assert check.worst.gradient == 0
    assert check.worst.relative == 1
    assert check.along_directions > 1e-3


def test_one_wrong_number_is_named_with_its_place():
    check = checked(with_layer(NET, 0, OneWrong))
    assert (check.worst.name, check.worst.place) == ("W1", (1, 2))
    assert check.worst.relative == pytest.approx(1 / 3, rel=1e-3)
    assert check.of_parameters["W1"] == check.worst.relative


def test_a_wrong_layer_of_ones_own_shows_in_the_parameters_below_it():
    check = checked(with_layer(scaling(), 1, Swapped))
    assert {name for name, far in check.of_parameters.items() if far > 1e-3} == {"W1", "b1"}
    assert check.worst.name in {"W1", "b1"}


def test_a_fault_of_an_iteration_is_found_at_that_iteration():
    net = with_dropout(mlp(3, 6, 2, activation=TANH), 0.4, seed=1)
    wrong = with_layer(net, 1, Forgetful)
    assert right(checked(wrong))
    assert not right(checked(wrong, iteration=7))


def test_every_parameter_is_looked_at():
    assert list(checked(NET).of_parameters) == ["W1", "b1", "W2", "b2"]


def test_of_many_numbers_some_are_looked_at_and_others_with_another_seed():
    net = mlp(30, 5, 1, activation=TANH)
    assert ENTRIES < 30 * 5
    wrong = with_layer(net, 0, HundredAndOne)
    worst = [checked(wrong, check_seed=seed).worst for seed in range(3)]
    assert {of.name for of in worst} == {"W1"}
    assert len({of.place for of in worst}) > 1


def test_all_numbers_are_looked_at_where_they_are_few(monkeypatch):
    monkeypatch.setattr(gradient_checks, "ENTRIES", 2 * 3)
    wrong = with_layer(mlp(3, 2, 1, activation=TANH), 0, OneWrong)
    places = [checked(wrong, check_seed=seed).worst[:2] for seed in range(20)]
    assert places == [("W1", (1, 2))] * 20


def test_of_several_directions_the_one_that_is_farthest_off_counts(monkeypatch):
    wrong = with_layer(NET, 1, HundredAndOne)
    of_several = [checked(wrong, check_seed=seed).along_directions for seed in range(5)]
    monkeypatch.setattr(gradient_checks, "DIRECTIONS", 1)
    of_first = [checked(wrong, check_seed=seed).along_directions for seed in range(5)]
    assert all(several >= first for several, first in zip(of_several, of_first, strict=True))
    assert of_several != of_first


def test_equal_seeds_check_alike():
    assert checked(NET) == checked(NET)


def test_the_relative_difference_is_that_of_norms_over_all_the_numbers():
    one, other = normal_parameters(NET, 1), normal_parameters(NET, 2)
    a, b = (np.concatenate([W.ravel() for W in of.values()]) for of in (one, other))
    expected = np.linalg.norm(a - b) / (np.linalg.norm(a) + np.linalg.norm(b))
    assert relative_difference(one, other) == pytest.approx(expected, rel=1e-14)


def test_the_relative_difference_of_equal_gradients_is_zero_and_of_opposite_ones_is_one():
    one = normal_parameters(NET, 1)
    opposite = Parameters({name: -W for name, W in one.items()})
    zeros = Parameters({name: 0 * W for name, W in one.items()})
    found = [relative_difference(*pair) for pair in ((one, one), (one, opposite), (zeros, zeros))]
    assert found == [0, 1, 0]


def test_the_relative_difference_does_not_depend_on_the_order_of_names():
    one, other = normal_parameters(NET, 1), normal_parameters(NET, 2)
    turned = Parameters({name: other[name] for name in reversed([*other])})
    assert relative_difference(one, turned) == relative_difference(one, other)


def test_gradients_of_other_names_or_shapes_have_no_relative_difference():
    one = normal_parameters(NET, 1)
    with pytest.raises(KeyError, match="expected the same"):
        relative_difference(one, Parameters(W1=one["W1"]))
    with pytest.raises(ValueError, match="b1 of shapes"):
        relative_difference(one, one | {"b1": [[1.0]]})


@pytest.mark.parametrize(
    "change",
    [{"seed": 1.5}, {"step": 0}, {"step": "1e-5"}, {"batch": None}, {"parameters": Parameters()}],
    ids=str,
)
def test_what_a_gradient_check_cannot_take_is_refused_in_a_sentence(change):
    given = {"parameters": normal_parameters(NET, 1), "batch": Batch(*examples(NET, 2)), **change}
    with pytest.raises((ValueError, TypeError), match="; expected"):
        gradient_check(NET, **given)


def test_a_stack_is_refused():
    stack = Parameters({name: np.stack([W, W]) for name, W in normal_parameters(NET, 1).items()})
    with pytest.raises(ValueError, match="parameters of a stack; expected those of one network"):
        gradient_check(NET, stack, Batch(*examples(NET, 2)))
