"""The binary cross-entropy against exact rational and high-precision arithmetic."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catpipe.losses import BINARY_CROSS_ENTROPY, binary_cross_entropy, binary_cross_entropy_gradient
from tests.points import FLOATS


def exact_cost(z: float, y: int) -> float:
    """Return -log of the probability of the truth, in fifty digits more than it needs."""
    with localcontext() as context:
        context.prec = 450
        return float((1 + (Decimal(z) * (1 - 2 * y)).exp()).ln())


@given(z=st.floats(-300, 300), y=st.integers(0, 1))
def test_the_cost_is_right_to_the_last_digits(z, y):
    cost = binary_cross_entropy(np.array([[z]]), np.array([[y]])).item()
    assert cost == pytest.approx(exact_cost(z, y), rel=4e-16, abs=0)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    ("z", "y", "cost"), [(1e4, 1, 0), (1e4, 0, 1e4), (-1e4, 1, 1e4), (-1e4, 0, 0)]
)
def test_the_cost_of_extreme_logits_is_finite_and_right(dtype, z, y, cost):
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert binary_cross_entropy(np.array([[z]], dtype), np.array([[y]], dtype)) == cost


@given(z=st.floats(-30, 30), y=st.floats(0, 1))
def test_the_gradient_is_the_derivative_also_of_soft_targets(z, y):
    Y, h = np.array([[y]]), 1e-5
    high, low = (binary_cross_entropy(np.array([[at]]), Y).item() for at in (z + h, z - h))
    gradient = binary_cross_entropy_gradient(np.array([[z]]), Y)[0, 0]
    assert gradient == pytest.approx((high - low) / (2 * h), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("dtype", FLOATS)
def test_the_type_that_goes_in_comes_out(dtype):
    Z = Y = np.ones((1, 3), dtype)
    assert binary_cross_entropy(Z, Y).dtype == binary_cross_entropy_gradient(Z, Y).dtype == dtype


def test_it_decides_for_one_only_above_one_half():
    Z = np.array([[-1e-9, 0.0, 1e-9]])
    assert BINARY_CROSS_ENTROPY.decide(Z).tolist() == [[0, 0, 1]]
    assert (BINARY_CROSS_ENTROPY.link(Z) > 0.5).tolist() == [[False, False, True]]
