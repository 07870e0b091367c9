"""Activations against plain arithmetic, and their backward against difference quotients."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catpipe.activations import (
    leaky_relu,
    leaky_relu_backward,
    relu,
    relu_backward,
    sigmoid,
    sigmoid_backward,
    tanh,
)
from tests.points import ACTIVATIONS, FLOATS

away_from_the_kink = st.floats(-20, 20).filter(lambda z: abs(z) > 1e-3)
moderate = st.floats(-700, 700)


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
@given(z=away_from_the_kink, da=st.floats(-3, 3))
def test_backward_is_the_derivative(activation, z, da):
    h = 1e-5
    high, low = activation.value(np.array([z + h, z - h]))
    backward = activation.backward(np.array([da]), np.array([z]))[0]
    assert backward == pytest.approx(da * (high - low) / (2 * h), rel=1e-6, abs=1e-9)


@given(moderate)
def test_sigmoid_is_right_to_the_last_digits(z):
    exact = 1 / (1 + math.exp(-z)) if z > 0 else math.exp(z) / (1 + math.exp(z))
    assert sigmoid(np.array([z]))[0] == pytest.approx(exact, rel=1e-15)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("z", "value"), [(1e4, 1), (-1e4, 0), (0, 0.5)])
def test_sigmoid_does_not_overflow(dtype, z, value):
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert sigmoid(np.array([z], dtype))[0] == value


@given(away_from_the_kink)
def test_values_are_those_of_plain_arithmetic(z):
    Z = np.array([z])
    assert relu(Z)[0] == max(z, 0)
    assert leaky_relu(Z)[0] == (z if z > 0 else 0.01 * z)
    assert tanh(Z)[0] == pytest.approx(math.tanh(z), rel=1e-14)


@given(away_from_the_kink, st.floats(-3, 3), st.floats(0, 1))
def test_the_leak_has_the_slope_that_was_asked_for(z, da, slope):
    Z, dA = np.array([z]), np.array([da])
    assert leaky_relu(Z, slope)[0] == (z if z > 0 else slope * z)
    assert leaky_relu_backward(dA, Z, slope)[0] == (da if z > 0 else slope * da)


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_at_the_kink_the_derivative_is_the_one_from_below(zero):
    dA, Z = np.array([3.0]), np.array([zero])
    assert relu_backward(dA, Z)[0] == 0
    assert leaky_relu_backward(dA, Z, 0.25)[0] == 0.75


@pytest.mark.parametrize("z", [-700.0, -40.0, -1.0, 0.0, 1.0, 40.0, 700.0])
def test_the_derivative_of_the_sigmoid_is_right_to_the_last_digits_also_in_its_tails(z):
    exact = math.exp(-abs(z)) / (1 + math.exp(-abs(z))) ** 2
    backward = sigmoid_backward(np.array([1.0]), np.array([z]))[0]
    assert backward == pytest.approx(exact, rel=1e-14, abs=0)


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
@pytest.mark.parametrize("dtype", FLOATS)
def test_the_type_that_goes_in_comes_out(activation, dtype):
    Z = np.array([-1.0, 2.0], dtype)
    assert activation.value(Z).dtype == activation.backward(Z, Z).dtype == dtype


def test_an_activation_prints_as_its_name():
    assert [repr(activation) for activation in ACTIVATIONS] == [
        "identity", "leaky_relu", "relu", "sigmoid", "tanh",
    ]  # fmt: skip
