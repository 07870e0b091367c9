"""Optimizers against the recurrences they are published as, and what a step hands them."""

from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catpipe.activations import TANH
from catpipe.batches import Batch
from catpipe.network import compute_cost, forward, gradients, network
from catpipe.optimizers import (
    Optimizer,
    gradient_descent,
    momentum,
    nesterov,
    update_parameters,
    with_l2,
)
from catpipe.parameters import Parameters, map_parameters
from catpipe.training import initial_state, make_step, train
from tests.points import FLOATS, examples, normal, normal_parameters, seeds

MAKES = {"gradient_descent": gradient_descent, "momentum": momentum, "nesterov": nesterov}
numbers = st.floats(-3, 3)
betas = st.floats(0, 0.95)
makes = pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)


def folded(optimizer: Optimizer, w: float, slope, steps: int) -> float:
    """Return where the optimizer takes one number, whose cost has this slope, in so many steps."""

    def step(carry, iteration):
        W, moments = carry
        dW = Parameters(W=[slope(W["W"][0])])
        return optimizer.update(iteration, W, moments, dW)

    start = Parameters(W=[w])
    (end, _) = reduce(step, range(steps), (start, optimizer.init(start)))
    return float(end["W"][0])


def slope(w: float) -> float:
    """Return the slope of a cost that is no parabola, so that nothing cancels by chance."""
    return 1.3 * w + np.sin(2 * w) + 0.4


@given(numbers, betas, st.integers(0, 9))
def test_gradient_descent_subtracts_rate_times_slope(w, beta, steps):
    expected = w
    for _ in range(steps):
        expected = expected - 0.07 * slope(expected)
    assert folded(gradient_descent(0.07), w, slope, steps) == pytest.approx(expected, rel=1e-12)


@given(numbers, betas, st.integers(0, 9))
def test_momentum_is_polyaks_heavy_ball(w, beta, steps):
    before, now = w, w
    for _ in range(steps):
        before, now = now, now - 0.07 * slope(now) + beta * (now - before)
    assert folded(momentum(0.07, beta), w, slope, steps) == pytest.approx(now, rel=1e-9, abs=1e-9)


@given(numbers, betas, st.integers(0, 9))
def test_nesterov_takes_the_slope_where_the_momentum_leads(w, beta, steps):
    theta, v = w, 0.0  # Sutskever et al. 2013, eq. 3 and 4
    for _ in range(steps):
        v = beta * v - 0.07 * slope(theta + beta * v)
        theta = theta + v
    led = theta + beta * v
    assert folded(nesterov(0.07, beta), w, slope, steps) == pytest.approx(led, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("make", [momentum, nesterov])
def test_beta_is_nine_tenths_unless_said_otherwise(make):
    plain, said = (folded(o, 1.7, slope, 5) for o in (make(0.07), make(0.07, 0.9)))
    assert plain == said


@given(seeds, st.floats(0, 2))
def test_l2_goes_down_the_cost_plus_half_the_squared_weights_without_the_biases(seed, strength):
    net = network(3, 4, 1, activation=TANH)
    X, Y = examples(net, seed)
    W, D = normal_parameters(net, seed), normal_parameters(net, seed + 1)

    def penalized(h: float) -> float:
        at = map_parameters(lambda a, d: a + h * d, W, D)
        squares = sum(float((at[name] ** 2).sum()) for name in ("W1", "W2"))
        return float(compute_cost(net, forward(net, at, X)[0], Y)) + strength / 2 * squares

    optimizer = with_l2(gradient_descent(0.1), strength)
    after, _ = optimizer.update(0, W, optimizer.init(W), gradients(net, W, X, Y))
    went = sum(float(((W[name] - after[name]) / 0.1 * D[name]).sum()) for name in W)
    assert went == pytest.approx((penalized(1e-5) - penalized(-1e-5)) / 2e-5, rel=1e-5, abs=1e-6)


@makes
@given(numbers, st.floats(0, 2), st.integers(0, 9))
def test_l2_is_the_same_optimizer_on_the_penalized_slope(make, w, strength, steps):
    inside = folded(with_l2(make(0.07), strength), w, slope, steps)
    outside = folded(make(0.07), w, lambda w: slope(w) + strength * w, steps)
    assert inside == pytest.approx(outside, rel=1e-9, abs=1e-9)


@makes
def test_no_l2_is_no_change(make):
    assert folded(with_l2(make(0.07), 0), 1.7, slope, 5) == folded(make(0.07), 1.7, slope, 5)


@makes
def test_the_sampled_cost_is_the_one_without_l2(make):
    net = network(3, 1)
    X, Y = examples(net, 1)
    start = normal_parameters(net, 1)
    optimizer = with_l2(make(0.07), 0.5)
    state = train(make_step(net, optimizer), [Batch(X, Y)], initial_state(optimizer, start))
    assert state.costs == ((0, compute_cost(net, forward(net, start, X)[0], Y)),)


@makes
def test_moments_begin_at_zero_under_the_parameters_own_names(make):
    parameters = normal_parameters(network(3, 2, 1), 1)
    for moment in make(0.1).init(parameters):
        assert moment == map_parameters(np.zeros_like, parameters)


@makes
def test_whether_it_commutes_with_rotations_outlives_l2(make):
    for flag in (True, False):
        optimizer = make(0.1)._replace(commutes_with_rotations=flag)
        assert with_l2(optimizer, 0.1).commutes_with_rotations is flag


def _one(parameters):
    return (map_parameters(np.ones_like, parameters),)


def _count(iteration, parameters, moments, gradients):
    (count,) = moments
    counted = map_parameters(lambda n: n + 1, count)
    return map_parameters(lambda W: W + 10**iteration, parameters), (counted,)


COUNTING = Optimizer(_one, _count, commutes_with_rotations=True)


def counted(start: int = 0, optimizer: Optimizer = COUNTING):
    """Return the state after four steps from zero, counted from this iteration on."""
    net = network(2, 1)
    zero = map_parameters(np.zeros_like, normal_parameters(net, 1))
    state = initial_state(optimizer, zero)._replace(iteration=start)
    return train(make_step(net, optimizer), [Batch(*examples(net, 1))] * 4, state)


@pytest.mark.parametrize("optimizer", [COUNTING, with_l2(COUNTING, 0.1)], ids=["plain", "l2"])
def test_a_step_keeps_the_moments_that_the_optimizer_returns(optimizer):
    assert {array.min() for array in counted(optimizer=optimizer).moments[0].values()} == {5.0}


@pytest.mark.parametrize("optimizer", [COUNTING, with_l2(COUNTING, 0.1)], ids=["plain", "l2"])
def test_a_step_hands_the_optimizer_its_own_iteration(optimizer):
    assert counted(optimizer=optimizer).parameters["b1"].item() == 1 + 10 + 100 + 1000
    assert counted(3, optimizer).parameters["b1"].item() == 1000 + 10**4 + 10**5 + 10**6


@makes
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    "rate",
    [0.1, np.float64(0.1), np.array(0.1), np.full((2, 1, 1), 0.1)],
    ids=["float", "float64", "no_axes", "stack"],
)
def test_the_type_that_goes_in_comes_out(make, dtype, rate):
    optimizer = with_l2(make(rate), np.float64(0.1))
    W, dW = (Parameters(W1=normal(seed, 2, 3, 4, dtype=dtype)) for seed in (1, 2))
    after, moments = optimizer.update(0, W, optimizer.init(W), dW)
    assert {p["W1"].dtype for p in (after, *moments)} == {np.dtype(dtype)}


@pytest.mark.parametrize("make", [momentum, nesterov])
def test_a_beta_of_numpys_float64_leaves_float32_as_it_is(make):
    optimizer = make(0.1, np.float64(0.9))
    W, dW = (Parameters(W1=normal(seed, 3, 4, dtype=np.float32)) for seed in (1, 2))
    after, moments = optimizer.update(0, W, optimizer.init(W), dW)
    assert {p["W1"].dtype for p in (after, *moments)} == {np.dtype(np.float32)}


@makes
@pytest.mark.parametrize(
    "rate", [0, -0.1, float("nan"), float("inf"), np.array([0.1, 0.0]), np.array([np.nan, 0.1])]
)
def test_a_learning_rate_that_goes_nowhere_is_refused(make, rate):
    with pytest.raises(ValueError, match="learning rate"):
        make(rate)


@pytest.mark.parametrize("make", [momentum, nesterov])
@pytest.mark.parametrize("beta", [-0.1, 1, 1.5, float("nan")])
def test_a_beta_that_does_not_forget_is_refused(make, beta):
    with pytest.raises(ValueError, match="beta"):
        make(0.1, beta)


@pytest.mark.parametrize("make", [momentum, nesterov])
def test_a_beta_of_zero_is_gradient_descent(make):
    assert folded(make(0.07, 0), 1.7, slope, 5) == folded(gradient_descent(0.07), 1.7, slope, 5)


@pytest.mark.parametrize("strength", [-0.1, float("nan"), float("inf")])
def test_an_l2_strength_below_zero_or_not_finite_is_refused(strength):
    with pytest.raises(ValueError, match="strength"):
        with_l2(gradient_descent(0.1), strength)


@makes
def test_a_gradient_under_another_name_is_refused(make):
    optimizer, W = make(0.1), Parameters(W1=[[1.0]])
    with pytest.raises(KeyError, match="W2"):
        optimizer.update(0, W, optimizer.init(W), Parameters(W1=[[1.0]], W2=[[1.0]]))


@given(seeds)
def test_an_update_is_the_parameters_less_rate_times_gradient(seed):
    W, dW = (Parameters(W1=normal(seed + i, 2, 3)) for i in (0, 1))
    expected = [[w - 0.3 * d for w, d in zip(*rows, strict=True)]
                for rows in zip(W["W1"].tolist(), dW["W1"].tolist(), strict=True)]  # fmt: skip
    np.testing.assert_allclose(update_parameters(W, dW, 0.3)["W1"], expected, rtol=1e-14)
