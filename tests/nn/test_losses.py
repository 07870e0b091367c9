"""Losses against exact rational and high-precision arithmetic, and against difference quotients."""

from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catpipe.nn.losses import (
    BINARY_CROSS_ENTROPY,
    MEAN_SQUARED_ERROR,
    SOFTMAX_CROSS_ENTROPY,
    argmax,
    binary_cross_entropy,
    binary_cross_entropy_gradient,
    softmax,
    softmax_cross_entropy,
    squared_error,
)
from tests.points import FLOATS, LOSSES, normal, seeds

logits = st.lists(st.floats(-100, 100), min_size=1, max_size=5)
each = pytest.mark.parametrize("loss", LOSSES, ids=repr)


def exact_cost(z: float, y: int) -> float:
    """Return -log of the probability of the truth, in fifty digits more than it needs."""
    with localcontext() as context:
        context.prec = 450
        return float((1 + (Decimal(z) * (1 - 2 * y)).exp()).ln())


def exact_softmax(zs: list[float]) -> list[Decimal]:
    """Return the probabilities as they are defined, in the context's digits."""
    powers = [Decimal(z).exp() for z in zs]
    return [power / sum(powers) for power in powers]


def column(numbers) -> np.ndarray:
    return np.array([numbers]).T


@given(z=st.floats(-300, 300), y=st.integers(0, 1))
def test_the_cost_is_right_to_the_last_digits(z, y):
    cost = binary_cross_entropy(np.array([[z]]), np.array([[y]])).item()
    assert cost == pytest.approx(exact_cost(z, y), rel=4e-16, abs=0)


@given(logits, st.data())
def test_the_softmax_cross_entropy_is_minus_the_logarithm_of_the_truths_probability(zs, data):
    truth = data.draw(st.integers(0, len(zs) - 1))
    with localcontext() as context:
        context.prec = 120
        exact = float(-exact_softmax(zs)[truth].ln())
    Y = column([float(i == truth) for i in range(len(zs))])
    costs = softmax_cross_entropy(column(zs), Y)
    assert costs[truth, 0] == pytest.approx(exact, rel=1e-14, abs=1e-15)
    assert costs.sum() == costs[truth, 0]


@given(logits)
def test_softmax_is_right_to_the_last_digits(zs):
    with localcontext() as context:
        context.prec = 120
        exact = [float(p) for p in exact_softmax(zs)]
    # what rounds Z - max Z, by half a digit, is multiplied by it in the power
    assert softmax(column(zs))[:, 0] == pytest.approx(exact, rel=1e-13, abs=0)


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_the_squared_error_is_that_of_exact_fractions(z, y):
    exact = float((Fraction(z) - Fraction(y)) ** 2)
    cost = squared_error(np.array([[z]]), np.array([[y]])).item()
    assert cost == pytest.approx(exact, rel=1e-15, abs=1e-300)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    ("z", "y", "cost"), [(1e4, 1, 0), (1e4, 0, 1e4), (-1e4, 1, 1e4), (-1e4, 0, 0)]
)
def test_the_cost_of_extreme_logits_is_finite_and_right(dtype, z, y, cost):
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert binary_cross_entropy(np.array([[z]], dtype), np.array([[y]], dtype)) == cost


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("truth", "cost"), [(0, 0), (1, 1e4), (2, 2e4)])
def test_softmax_of_extreme_logits_is_finite_and_right(dtype, truth, cost):
    Z = np.array([[1e4], [0], [-1e4]], dtype)
    Y = column(np.arange(3) == truth).astype(dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert softmax(Z)[:, 0].tolist() == [1, 0, 0]
        assert SOFTMAX_CROSS_ENTROPY.cost(Z, Y).sum() == cost
        gradient = SOFTMAX_CROSS_ENTROPY.gradient(Z, Y)
    assert gradient[:, 0].tolist() == [(i == 0) - (i == truth) for i in range(3)]


@given(z=st.floats(-30, 30), y=st.floats(0, 1))
def test_the_gradient_is_the_derivative_also_of_soft_targets(z, y):
    Y, h = np.array([[y]]), 1e-5
    high, low = (binary_cross_entropy(np.array([[at]]), Y).item() for at in (z + h, z - h))
    gradient = binary_cross_entropy_gradient(np.array([[z]]), Y)[0, 0]
    assert gradient == pytest.approx((high - low) / (2 * h), rel=1e-6, abs=1e-9)


def soft_targets(seed: int) -> np.ndarray:
    Y = np.abs(normal(seed, 4, 3))
    return Y / Y.sum(0)


def hard_targets(seed: int) -> np.ndarray:
    return np.eye(4)[np.random.default_rng(seed).integers(0, 4, 3)].T


@each
@pytest.mark.parametrize("targets", [soft_targets, hard_targets])
@given(seeds)
def test_the_gradient_is_the_derivative_of_the_sum_over_outputs(loss, targets, seed):
    Z, D, Y, h = normal(seed, 4, 3), normal(seed + 1, 4, 3), targets(seed + 2), 1e-5
    ahead, behind = (loss.cost(Z + step * D, Y).sum(0) for step in (h, -h))
    along = (loss.gradient(Z, Y) * D).sum(0)
    assert along == pytest.approx((ahead - behind) / (2 * h), rel=1e-6, abs=1e-8)


@given(seeds, st.floats(-1e3, 1e3))
def test_softmax_does_not_see_a_shift_of_all_logits_of_an_example(seed, shift):
    Z, Y = normal(seed, 4, 3), soft_targets(seed)
    shifts = np.array([[shift, 0.0, -shift]])
    for function in (SOFTMAX_CROSS_ENTROPY.cost, SOFTMAX_CROSS_ENTROPY.gradient):
        np.testing.assert_allclose(function(Z + shifts, Y), function(Z, Y), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("dtype", FLOATS)
@given(seeds)
def test_the_probabilities_of_an_example_sum_to_one(dtype, seed):
    total = softmax(normal(seed, 2, 5, 3, dtype=dtype) * dtype(10)).sum(-2)
    assert total == pytest.approx(np.ones((2, 3)), rel=8 * float(np.finfo(dtype).eps))


@given(z=st.floats(-30, 30), y=st.integers(0, 1))
def test_softmax_of_two_is_the_sigmoid_of_their_difference(z, y):
    two = softmax_cross_entropy(column([0.7, 0.7 + z]), column([1.0 - y, y])).sum()
    one = binary_cross_entropy(np.array([[z]]), np.array([[y]])).item()
    assert two == pytest.approx(one, rel=1e-12, abs=1e-14)


@each
@pytest.mark.parametrize("dtype", FLOATS)
def test_the_type_that_goes_in_comes_out(loss, dtype):
    Z, Y = normal(1, 2, 3, dtype=dtype), hard_targets(2)[:2].astype(dtype)
    assert loss.cost(Z, Y).dtype == loss.gradient(Z, Y).dtype == loss.link(Z).dtype == dtype


@each
def test_a_stack_is_each_of_its_members(loss):
    Z, Y = normal(1, 3, 4, 5), np.eye(4)[:, [0, 2, 1, 3, 3]]
    for function in (loss.cost, loss.gradient):
        assert (function(Z, Y) == [function(z, Y) for z in Z]).all()
    for function in (loss.link, loss.predict):
        assert (function(Z) == [function(z) for z in Z]).all()


def test_it_decides_for_one_only_above_one_half():
    Z = np.array([[-1e-9, 0.0, 1e-9]])
    assert BINARY_CROSS_ENTROPY.predict(Z).tolist() == [[0, 0, 1]]
    assert (BINARY_CROSS_ENTROPY.link(Z) > 0.5).tolist() == [[False, False, True]]


def test_the_most_likely_class_is_the_first_of_the_largest():
    Z = np.array([[1.0, 2.0, -3.0], [1.0, 5.0, -3.0], [0.0, 5.0, -2.0]])
    assert argmax(Z).tolist() == [[0, 1, 2]]


def test_the_squared_error_decides_and_links_nothing():
    Z = normal(1, 2, 3)
    assert (MEAN_SQUARED_ERROR.predict(Z) == Z).all()
    assert (MEAN_SQUARED_ERROR.link(Z) == Z).all()


def test_a_loss_prints_as_its_name():
    assert [repr(loss) for loss in LOSSES] == [
        "binary_cross_entropy", "squared_error", "softmax_cross_entropy",
    ]  # fmt: skip
