"""Losses against exact rational and high-precision arithmetic, and against difference quotients."""

from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catpipe.nn.activations import sigmoid, sigmoid_backward
from catpipe.nn.losses import (
    BINARY_CROSS_ENTROPY,
    MEAN_SQUARED_ERROR,
    SOFTMAX_CROSS_ENTROPY,
    argmax,
    binary_cross_entropy,
    binary_cross_entropy_gradient,
    positive,
    probabilities_gradient,
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


@pytest.mark.parametrize("dtype", FLOATS)
@given(z=st.floats(-1e-6, 1e-6) | st.floats(-1e-15, 1e-15))
def test_it_decides_as_the_probability_that_is_computed_does(dtype, z):
    Z = np.array([[z]], dtype)
    assert (positive(Z) == (sigmoid(Z) > 0.5)).all()


def test_a_logit_that_rounding_left_is_no_yes():
    assert positive(np.array([[5e-18]])) == 0


@each
@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.int64, np.bool_, np.float64])
@pytest.mark.parametrize("dtype", FLOATS)
def test_the_type_of_the_logits_rules_whatever_that_of_the_targets(loss, dtype, kind):
    Z, Y = normal(1, 2, 3, dtype=dtype), hard_targets(2)[:2]
    for function in (loss.cost, loss.gradient):
        own = function(Z, Y.astype(kind))
        assert own.dtype == dtype
        np.testing.assert_array_equal(own, function(Z, Y.astype(dtype)))


@each
@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.int64, np.bool_])
def test_of_integer_logits_it_is_that_of_the_same_floats(loss, kind):
    Z, Y = np.array([[0, 1, -100], [255, -1, 3]]).astype(kind), hard_targets(2)[:2]
    for function in (loss.cost, loss.gradient):
        own = function(Z, Y.astype(kind))
        assert own.dtype == np.float64
        np.testing.assert_array_equal(own, function(Z.astype(float), Y))
    np.testing.assert_array_equal(loss.link(Z), loss.link(Z.astype(float)))
    np.testing.assert_array_equal(loss.predict(Z), loss.predict(Z.astype(float)))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    ("z", "y", "cost"),
    [(np.inf, 1, 0), (np.inf, 0, np.inf), (-np.inf, 1, np.inf), (-np.inf, 0, 0),
     (np.inf, 0.5, np.inf)],
)  # fmt: skip
def test_the_cost_of_an_infinite_logit_is_nothing_where_right_and_infinite_where_wrong(
    dtype, z, y, cost
):
    with np.errstate(all="raise"):
        assert binary_cross_entropy(np.array([[z]], dtype), np.array([[y]], dtype)) == cost
        gradient = binary_cross_entropy_gradient(np.array([[z]], dtype), np.array([[y]], dtype))
    assert gradient == (z > 0) - y


INFINITE = {  # logits of three outputs, and the probabilities that they tend to
    "one above": ([np.inf, 0, -1], [1, 0, 0]),
    "one below": ([-np.inf, 0, 0], [0, 0.5, 0.5]),
    "both ways": ([np.inf, -np.inf, 0], [1, 0, 0]),
    "two above": ([np.inf, np.inf, 0], [0.5, 0.5, 0]),
    "all below": ([-np.inf] * 3, [1 / 3] * 3),
}


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("zs", "shares"), INFINITE.values(), ids=INFINITE)
@pytest.mark.parametrize("truth", [0, 1, 2])
def test_softmax_of_infinite_logits_is_what_it_tends_to(dtype, zs, shares, truth):
    Z, Y = column(zs).astype(dtype), column(np.arange(3) == truth)
    with np.errstate(all="raise", under="ignore"):
        assert softmax(Z)[:, 0] == pytest.approx(shares)
        gradient = SOFTMAX_CROSS_ENTROPY.gradient(Z, Y)
        cost = SOFTMAX_CROSS_ENTROPY.cost(Z, Y).sum()
    assert gradient[:, 0] == pytest.approx(np.array(shares) - Y[:, 0])
    assert cost == pytest.approx(-np.log(shares[truth]) if shares[truth] else np.inf)


@given(st.floats(-15, 15), st.floats(0, 1))
def test_the_gradient_at_the_probabilities_leads_to_that_at_the_logits(z, y):
    Z, Y = np.array([[z]]), np.array([[y]])
    back = sigmoid_backward(probabilities_gradient(sigmoid(Z), Y), Z)
    assert back == pytest.approx(binary_cross_entropy_gradient(Z, Y), rel=1e-7, abs=1e-9)


def test_the_gradient_at_the_probabilities_is_the_articles():
    A, Y = np.array([[0.2, 0.7, 0.5]]), np.array([[1, 0, 1]])
    expected = -(np.divide(Y, A) - np.divide(1 - Y, 1 - A))
    np.testing.assert_allclose(probabilities_gradient(A, Y), expected, rtol=1e-14)


def test_the_gradient_at_certain_probabilities_is_that_of_the_limit():
    A, Y = np.array([[0.0, 0.0, 1.0, 1.0]]), np.array([[0, 1, 0, 1]])
    with np.errstate(all="raise"):
        assert probabilities_gradient(A, Y).tolist() == [[1, -np.inf, np.inf, -1]]


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


REFUSED = {
    "minus one for no": (BINARY_CROSS_ENTROPY, [[-1, 1, 1]], "from -1 to 1; expected 0 and 1"),
    "class numbers": (BINARY_CROSS_ENTROPY, [[0, 1, 2]], "from 0 to 2; expected 0 and 1"),
    "percentages": (BINARY_CROSS_ENTROPY, [[0.0, 50.0, 100.0]], "from 0.0 to 100.0; expected"),
    "a little above": (BINARY_CROSS_ENTROPY, [[0.0, 1.001]], "from 0.0 to 1.001; expected"),
    "no number": (BINARY_CROSS_ENTROPY, [[0.0, np.nan]], "from nan to nan; expected"),
    "two classes at once": (SOFTMAX_CROSS_ENTROPY, [[1, 0], [1, 1]], "sum to 2; expected 1"),
    "no class": (SOFTMAX_CROSS_ENTROPY, [[1.0, 0.0], [0.0, 0.0]], "sum to 0.0; expected 1"),
    "no probabilities": (SOFTMAX_CROSS_ENTROPY, [[1, 2], [0, -1]], "from -1 to 2; expected"),
    "no number of three": (SOFTMAX_CROSS_ENTROPY, [[np.nan], [1.0]], "from nan to nan; expected"),
    "one output": (SOFTMAX_CROSS_ENTROPY, [[1, 1]], "softmax of 1 output"),
    "no value": (MEAN_SQUARED_ERROR, [[1.0, np.nan]], "target nan; expected finite"),
    "infinity": (MEAN_SQUARED_ERROR, [[-np.inf, 1.0]], "target -inf; expected finite"),
}


@pytest.mark.parametrize(("loss", "Y", "told"), REFUSED.values(), ids=REFUSED)
def test_targets_that_a_loss_is_not_for_are_refused(loss, Y, told):
    with pytest.raises(ValueError, match=told):
        loss.check(np.array(Y))


TAKEN = {
    "no and yes": (BINARY_CROSS_ENTROPY, np.array([[0, 1]])),
    "booleans": (BINARY_CROSS_ENTROPY, np.array([[False, True]])),
    "probabilities": (BINARY_CROSS_ENTROPY, np.array([[0.1, 0.9]])),
    "one-hot": (SOFTMAX_CROSS_ENTROPY, np.eye(3, dtype=np.uint8)),
    "soft": (SOFTMAX_CROSS_ENTROPY, np.full((3, 2), 1 / 3, np.float32)),
    "half precision": (SOFTMAX_CROSS_ENTROPY, np.full((10, 2), 0.1, np.float16)),
    "one-hot in booleans": (SOFTMAX_CROSS_ENTROPY, np.eye(3, dtype=bool)),
    "numbers": (MEAN_SQUARED_ERROR, np.array([[-1e300, 1e300]])),
}


@pytest.mark.parametrize(("loss", "Y"), TAKEN.values(), ids=TAKEN)
def test_targets_that_a_loss_is_for_are_taken(loss, Y):
    loss.check(Y)
