"""Activations against plain arithmetic, and their backward against difference quotients."""

import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, ndtr

from catpipe.nn.activations import (
    elu,
    elu_backward,
    gelu,
    gelu_backward,
    leaky_relu,
    leaky_relu_backward,
    relu,
    relu_backward,
    sigmoid,
    sigmoid_backward,
    silu,
    silu_backward,
    softplus,
    softplus_backward,
    tanh,
    tanh_backward,
)
from tests.points import ACTIVATIONS, FLOATS, normal

away_from_the_kink = st.floats(-20, 20).filter(lambda z: abs(z) > 1e-3)
moderate = st.floats(-700, 700)
each = pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)

LIMITS = {  # of values far below and far above, where they are not Z itself
    "elu": (-1, None),
    "gelu": (0, None),
    "leaky_relu": (-100, None),
    "relu": (0, None),
    "sigmoid": (0, 1),
    "silu": (0, None),
    "softplus": (0, None),
    "tanh": (-1, 1),
}
SLOPES = {"identity": (1, 1), "leaky_relu": (0.01, 1), "sigmoid": (0, 0), "tanh": (0, 0)}


@each
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


@each
@pytest.mark.parametrize("dtype", FLOATS)
def test_far_from_zero_values_are_their_limits_without_overflow(activation, dtype):
    low, high = LIMITS.get(repr(activation), (None, None))
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        far = activation.value(np.array([-1e4, 1e4], dtype))
    assert far.tolist() == pytest.approx(
        [-1e4 if low is None else low, 1e4 if high is None else high], rel=1e-6, abs=0
    )


@each
@pytest.mark.parametrize("dtype", FLOATS)
def test_far_from_zero_slopes_are_their_limits_without_overflow(activation, dtype):
    low, high = SLOPES.get(repr(activation), (0, 1))
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        far = activation.backward(np.array([3.0, 3.0], dtype), np.array([-1e4, 1e4], dtype))
    assert far.tolist() == pytest.approx([3 * low, 3 * high], rel=1e-6, abs=0)


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
    assert elu(Z)[0] == pytest.approx(z if z > 0 else math.expm1(z), rel=1e-14)


@given(st.floats(-700, 30))
def test_softplus_is_the_logarithm_of_one_and_a_power(z):
    assert softplus(np.array([z]))[0] == pytest.approx(math.log1p(math.exp(z)), rel=1e-14, abs=0)


@given(st.floats(-30, 30))
def test_gelu_is_z_times_scipys_normal_distribution(z):
    assert gelu(np.array([z]))[0] == pytest.approx(z * ndtr(z), rel=1e-12, abs=1e-300)


@given(st.floats(-30, 30))
def test_the_slope_of_gelu_is_that_of_scipys_normal_distribution(z):
    exact = ndtr(z) + z * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    backward = gelu_backward(np.array([1.0]), np.array([z]))[0]
    assert backward == pytest.approx(exact, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(("z", "value"), [(1, 0.8413447460685429), (-2, -0.04550026389635842)])
def test_gelu_is_that_of_tables_of_the_normal_distribution(z, value):
    assert gelu(np.array([z], float))[0] == pytest.approx(value, rel=1e-14)


@given(moderate)
def test_silu_is_z_times_scipys_sigmoid(z):
    assert silu(np.array([z]))[0] == pytest.approx(z * expit(z), rel=1e-14, abs=1e-300)


@given(moderate)
def test_smooth_slopes_are_those_of_scipys_sigmoid(z):
    Z, s, t = np.array([z]), float(expit(z)), float(expit(-z))
    assert softplus_backward(np.ones(1), Z)[0] == pytest.approx(s, rel=1e-14, abs=1e-300)
    assert silu_backward(np.ones(1), Z)[0] == pytest.approx(s + z * s * t, rel=1e-12, abs=1e-15)
    assert elu_backward(np.ones(1), Z)[0] == pytest.approx(math.exp(min(z, 0)), rel=1e-14)


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


@each
@pytest.mark.parametrize("dtype", FLOATS)
def test_the_type_that_goes_in_comes_out(activation, dtype):
    Z = np.array([-1.0, 2.0], dtype)
    assert activation.value(Z).dtype == activation.backward(Z, Z).dtype == dtype


@each
@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int64, np.bool_], ids=lambda t: t.__name__)
def test_of_integers_they_are_those_of_the_same_floats(activation, dtype):
    Z = np.array([0, 1, 2, 127, -1, -128]).astype(dtype)
    dA = np.array([1, 200, 0, 255, 1, 3]).astype(dtype)
    for own, expected in (
        (activation.value(Z), activation.value(Z.astype(float))),
        (activation.backward(dA, Z), activation.backward(dA.astype(float), Z.astype(float))),
    ):
        assert own.dtype == np.float64
        np.testing.assert_array_equal(own, expected)


@each
@pytest.mark.parametrize("dtype", [np.float16, *FLOATS])
def test_at_infinity_values_are_their_limits(activation, dtype):
    low, high = LIMITS.get(repr(activation), (-np.inf, np.inf))
    low = -np.inf if repr(activation) == "leaky_relu" else low
    with np.errstate(all="raise", under="ignore"):
        values = activation.value(np.array([-np.inf, np.inf], dtype))
    assert values.tolist() == [low, np.inf if high is None else high]


@each
@pytest.mark.parametrize("dtype", FLOATS)
def test_at_infinity_slopes_are_their_limits(activation, dtype):
    low, high = SLOPES.get(repr(activation), (0, 1))
    with np.errstate(all="raise", under="ignore"):
        slopes = activation.backward(np.ones(2, dtype), np.array([-np.inf, np.inf], dtype))
    assert slopes.tolist() == pytest.approx([low, high])


def test_a_leak_of_zero_is_zero_at_minus_infinity():
    assert leaky_relu(np.array([-np.inf]), slope=0) == 0


@each
def test_what_is_no_number_stays_none(activation):
    Z = np.array([np.nan, 1.0])
    assert np.isnan(activation.value(Z)).tolist() == [True, False]


@pytest.mark.parametrize("z", [-700.0, -40.0, -20.0, -1.0, 0.0, 1.0, 20.0, 40.0, 350.0])
def test_the_derivative_of_tanh_is_right_to_the_last_digits_also_in_its_tails(z):
    exact = 4 * math.exp(-2 * abs(z)) / (1 + math.exp(-2 * abs(z))) ** 2
    assert tanh_backward(np.array([1.0]), np.array([z]))[0] == pytest.approx(
        exact, rel=1e-14, abs=0
    )
    if abs(z) < 300:
        assert exact == pytest.approx(math.cosh(z) ** -2, rel=1e-13, abs=0)


@pytest.mark.parametrize("slope", [-0.1, 1.5, float("nan"), "0.1", None])
def test_a_slope_that_is_no_share_is_refused(slope):
    for call in (partial(leaky_relu, normal(1, 2)), partial(leaky_relu_backward, *normal(1, 2, 2))):
        with pytest.raises(ValueError, match=r"slope .*; expected a number from 0 to 1"):
            call(slope)


@each
@pytest.mark.parametrize("numbers", ["text", None, np.array([1j]), np.array([b"x"])], ids=str)
def test_what_is_not_numbers_is_refused(activation, numbers):
    with pytest.raises(TypeError, match="expected an array of numbers"):
        activation.value(numbers)
    with pytest.raises(TypeError, match="expected an array of numbers"):
        activation.backward(numbers, np.ones(1))


@each
def test_a_list_is_taken_for_its_array(activation):
    Z = [-1.0, 2.0]
    assert (activation.value(Z) == activation.value(np.array(Z))).all()
    assert (activation.backward(Z, Z) == activation.backward(np.array(Z), np.array(Z))).all()


@each
def test_float32_is_float64_to_its_own_digits(activation):
    Z, dA = (normal(seed, 50, dtype=np.float32) for seed in (1, 2))
    np.testing.assert_allclose(activation.value(Z), activation.value(Z.astype(float)), rtol=1e-5)
    np.testing.assert_allclose(
        activation.backward(dA, Z), activation.backward(dA.astype(float), Z.astype(float)),
        rtol=1e-5, atol=1e-6,
    )  # fmt: skip


@each
def test_a_stack_is_each_of_its_members(activation):
    Z, dA = normal(1, 3, 2, 5), normal(2, 3, 2, 5)
    assert (activation.value(Z) == [activation.value(z) for z in Z]).all()
    backward = [activation.backward(*pair) for pair in zip(dA, Z, strict=True)]
    assert (activation.backward(dA, Z) == backward).all()


def test_an_activation_prints_as_its_name():
    assert [repr(activation) for activation in ACTIVATIONS] == [
        "elu", "gelu", "identity", "leaky_relu", "relu", "sigmoid", "silu", "softplus", "tanh",
    ]  # fmt: skip


@each
def test_no_activation_warns_in_half_precision(activation):
    Z = np.array([-6e4, -300, -5, 0, 5, 300, 6e4], np.float16)
    with np.errstate(all="raise", under="ignore"):
        for numbers in (activation.value(Z), activation.backward(np.ones_like(Z), Z)):
            assert numbers.dtype == np.float16
            assert np.isfinite(numbers).all()
