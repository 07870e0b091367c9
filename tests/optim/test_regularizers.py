"""What holds training back: L2, weight decay and clipping, against the definitions of each."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catpipe.data.batches import Batch
from catpipe.nn.activations import TANH
from catpipe.nn.network import compute_cost, forward, gradients, mlp
from catpipe.nn.parameters import Parameters, map_parameters
from catpipe.optim.optimizers import adam, averaged_momentum, gradient_descent, heavy_ball, nesterov
from catpipe.optim.regularizers import (
    l2_penalty,
    squared_length,
    with_clipping,
    with_l2,
    with_weight_decay,
)
from catpipe.training.loop import initial_state, make_step, train
from tests.points import (
    FLOATS,
    OPTIMIZERS,
    cost_at,
    dot,
    examples,
    folded,
    normal,
    normal_parameters,
    seeds,
    slope,
    slope_along,
)

RATES = (0.07, 0.03, 0.11, 0.02, 0.05, 0.01, 0.09, 0.04, 0.06)
LINEAR = {
    "gradient_descent": gradient_descent,
    "heavy_ball": heavy_ball,
    "averaged_momentum": averaged_momentum,
    "nesterov": nesterov,
}
numbers = st.floats(-3, 3)
nine = st.integers(0, 9)
makes = pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
linear = pytest.mark.parametrize("make", LINEAR.values(), ids=LINEAR)
NET = mlp(3, 4, 2, activation=TANH)


def gradient_of(optimizer, W: Parameters, dW: Parameters) -> Parameters:
    """Return what a wrapped gradient descent at a rate of 0.1 takes for the gradient."""
    after, _ = optimizer.update(0, W, optimizer.init(W), dW)
    return map_parameters(lambda before, after: (before - after) / 0.1, W, after)


def norm_of(dW: Parameters) -> float:
    return math.sqrt(math.fsum(float(d) ** 2 for array in dW.values() for d in array.ravel()))


# L2


@given(seeds, st.floats(0, 2))
def test_l2_goes_down_the_cost_plus_half_the_squared_weights_without_the_biases(seed, strength):
    X, Y = examples(NET, seed)
    W, D = normal_parameters(NET, seed), normal_parameters(NET, seed + 1)

    def penalized(at: Parameters) -> float:
        squares = sum(float((at[name] ** 2).sum()) for name in ("W1", "W2"))
        return cost_at(NET, at, X, Y) + strength / 2 * squares

    optimizer = with_l2(gradient_descent(0.1), strength)
    went = gradient_of(optimizer, W, gradients(NET, W, X, Y))
    assert dot(went, D) == pytest.approx(slope_along(penalized, W, D, 1e-5), rel=1e-5, abs=1e-6)


@given(seeds, st.floats(0, 2))
def test_the_penalty_is_half_the_strength_times_the_squared_weights(seed, strength):
    W = normal_parameters(NET, seed)
    squares = [w * w for name in ("W1", "W2") for w in W[name].ravel().tolist()]
    assert float(l2_penalty(W, strength)) == pytest.approx(strength / 2 * sum(squares), rel=1e-12)


@given(seeds, st.floats(0, 2))
def test_what_l2_adds_to_the_gradient_is_the_slope_of_the_penalty(seed, strength):
    W, D, dW = (normal_parameters(NET, seed + i) for i in range(3))
    added = map_parameters(
        np.subtract, gradient_of(with_l2(gradient_descent(0.1), strength), W, dW), dW
    )
    along = slope_along(lambda W: float(l2_penalty(W, strength)), W, D, 1e-4)
    assert dot(added, D) == pytest.approx(along, rel=1e-7, abs=1e-8)


def test_the_penalty_of_a_stack_is_that_of_each_of_its_networks():
    stacked = Parameters(W1=normal(1, 3, 4, 2), b1=normal(2, 3, 4, 1), W2=normal(3, 3, 2, 4))
    each = [l2_penalty(Parameters({n: a[i] for n, a in stacked.items()}), 0.3) for i in range(3)]
    assert l2_penalty(stacked, 0.3) == pytest.approx(np.array(each), rel=1e-14)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("strength", [0.1, np.float64(0.1)])
def test_the_penalty_keeps_the_type(dtype, strength):
    assert l2_penalty(normal_parameters(NET, 1, dtype), strength).dtype == dtype


def test_the_penalized_cost_is_the_published_one():
    # printed by compute_cost_with_regularization in "Improving Deep Neural Networks"
    # (DeepLearning.AI), week 1, "Regularization"; digits as there
    draw = np.random.RandomState(1).randn
    shapes = {"W1": (2, 3), "b1": (2, 1), "W2": (3, 2), "b2": (3, 1), "W3": (1, 3), "b3": (1, 1)}
    W = Parameters({name: draw(*shape) for name, shape in shapes.items()})
    A = np.array([[0.40682402, 0.01629284, 0.16722898, 0.10118111, 0.40682402]])
    Y = np.array([[1, 1, 0, 1, 0]])
    cost = compute_cost(mlp(3, 2, 3, 1), np.log(A / (1 - A)), Y)
    assert cost + l2_penalty(W, 0.1 / 5) == pytest.approx(1.78648594516, abs=5.1e-12)


@makes
@given(numbers, st.floats(0, 2), nine)
def test_l2_is_the_same_optimizer_on_the_penalized_slope(make, w, strength, steps):
    inside = folded(with_l2(make(0.07), strength), w, slope, steps)
    outside = folded(make(0.07), w, lambda w: slope(w) + strength * w, steps)
    assert inside == pytest.approx(outside, rel=1e-9, abs=1e-9)


@makes
def test_l2_leaves_biases_alone(make):
    pulled, plain = (folded(o, 1.7, slope, 5, "b1") for o in (with_l2(make(0.07), 2), make(0.07)))
    assert pulled == plain


@makes
def test_no_l2_is_no_change(make):
    assert folded(with_l2(make(0.07), 0), 1.7, slope, 5) == folded(make(0.07), 1.7, slope, 5)


@makes
def test_the_sampled_cost_is_the_one_without_l2(make):
    X, Y = examples(NET, 1)
    start = normal_parameters(NET, 1)
    optimizer = with_l2(make(0.07), 0.5)
    state = train(make_step(NET, optimizer), [Batch(X, Y)], initial_state(optimizer, start))
    assert state.costs == ((0, compute_cost(NET, forward(NET, start, X)[0], Y)),)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("hold", [with_l2, with_weight_decay])
def test_a_strength_of_numpys_float64_leaves_float32_as_it_is(hold, dtype):
    W, dW = (normal_parameters(NET, seed, dtype) for seed in (1, 2))
    optimizer = hold(heavy_ball(0.1), np.float64(0.1))
    after, (v,) = optimizer.update(0, W, optimizer.init(W), dW)
    assert {a.dtype for p in (after, v) for a in p.values()} == {np.dtype(dtype)}


@pytest.mark.parametrize("strength", [-0.1, float("nan"), float("inf")])
def test_an_l2_strength_below_zero_or_not_finite_is_refused(strength):
    with pytest.raises(ValueError, match="strength"):
        with_l2(gradient_descent(0.1), strength)


# Weight decay


@given(numbers, st.floats(0, 0.5), nine)
def test_weight_decay_takes_a_share_of_the_weights_beside_the_step(w, decay, steps):
    now = w
    for _ in range(steps):
        now = now - 0.07 * slope(now) - decay * now
    decayed = folded(with_weight_decay(gradient_descent(0.07), decay), w, slope, steps, "W1")
    assert decayed == pytest.approx(now, rel=1e-9, abs=1e-9)


@given(numbers, nine)
def test_weight_decay_takes_the_share_of_each_iteration(w, steps):
    now = w
    for decay in RATES[:steps]:
        now = now - 0.07 * slope(now) - decay * now
    optimizer = with_weight_decay(gradient_descent(0.07), RATES.__getitem__)
    assert folded(optimizer, w, slope, steps, "W1") == pytest.approx(now, rel=1e-9, abs=1e-9)


@makes
@given(seeds, st.floats(0, 0.5))
def test_moments_do_not_see_weight_decay(make, seed, decay):
    W, dW, m = (normal_parameters(NET, seed + i) for i in range(3))
    moments = tuple(map_parameters(np.square, m) for _ in make(0.1).init(W))
    plain, expected = make(0.1).update(3, W, moments, dW)
    after, decayed = with_weight_decay(make(0.1), decay).update(3, W, moments, dW)
    assert decayed == expected
    for name in W:
        taken = decay * W[name] if name in ("W1", "W2") else 0 * W[name]
        np.testing.assert_allclose(plain[name] - after[name], taken, atol=1e-12)


@makes
def test_weight_decay_leaves_biases_alone(make):
    decayed = folded(with_weight_decay(make(0.07), 0.5), 1.7, slope, 5, "b1")
    assert decayed == folded(make(0.07), 1.7, slope, 5, "b1")


@given(seeds)
def test_of_gradient_descent_weight_decay_is_l2_of_decay_over_rate(seed):
    W, dW = normal_parameters(NET, seed), normal_parameters(NET, seed + 1)
    decayed, _ = with_weight_decay(gradient_descent(0.1), 0.02).update(0, W, (), dW)
    pulled, _ = with_l2(gradient_descent(0.1), 0.2).update(0, W, (), dW)
    for name in W:
        np.testing.assert_allclose(decayed[name], pulled[name], rtol=1e-12, atol=1e-14)


def test_decays_of_a_stack_are_each_of_them():
    W, dW = Parameters(W1=normal(1, 3, 4, 2)), Parameters(W1=normal(2, 3, 4, 2))
    decays = np.array([0.01, 0.2, 0.05]).reshape(3, 1, 1)
    together, _ = with_weight_decay(gradient_descent(0.1), decays).update(0, W, (), dW)
    for i, decay in enumerate(decays.ravel()):
        expected = W["W1"][i] - 0.1 * dW["W1"][i] - decay * W["W1"][i]
        np.testing.assert_allclose(together["W1"][i], expected, rtol=1e-12)


@pytest.mark.parametrize("decay", [-0.1, float("nan"), float("inf"), np.array([0.1, -0.1])])
def test_a_decay_below_zero_or_not_finite_is_refused(decay):
    with pytest.raises(ValueError, match="weight decay"):
        with_weight_decay(gradient_descent(0.1), decay)


# Clipping


@given(seeds, st.floats(0.01, 20))
def test_clipped_gradients_have_this_norm_at_most_and_their_direction(seed, norm):
    W, dW = normal_parameters(NET, seed), normal_parameters(NET, seed + 1)
    clipped = gradient_of(with_clipping(gradient_descent(0.1), norm), W, dW)
    whole, largest = norm_of(dW), min(norm_of(dW), norm)
    assert norm_of(clipped) == pytest.approx(largest, rel=1e-9)
    for name, d in clipped.items():
        np.testing.assert_allclose(d, largest / whole * dW[name], rtol=1e-9, atol=1e-12)


@makes
@given(seeds)
def test_gradients_below_the_norm_are_left_as_they_are(make, seed):
    W, dW = normal_parameters(NET, seed), normal_parameters(NET, seed + 1)
    plain, clipping = make(0.1), with_clipping(make(0.1), 1.01 * norm_of(dW))
    assert clipping.update(2, W, plain.init(W), dW) == plain.update(2, W, plain.init(W), dW)


@makes
@given(seeds)
def test_clipping_is_the_same_optimizer_on_the_clipped_gradients(make, seed):
    W, dW = normal_parameters(NET, seed), normal_parameters(NET, seed + 1)
    small = map_parameters(lambda d: d * 0.3 / norm_of(dW), dW)
    expected, moments = make(0.1).update(2, W, make(0.1).init(W), small)
    clipped, of_clipped = with_clipping(make(0.1), 0.3).update(2, W, make(0.1).init(W), dW)
    for one, other in zip((clipped, *of_clipped), (expected, *moments), strict=True):
        for name in W:
            np.testing.assert_allclose(one[name], other[name], rtol=1e-6, atol=1e-9)


@given(seeds)
def test_each_network_of_a_stack_is_clipped_by_its_own_norm(seed):
    W, dW = ([normal_parameters(NET, seed + i + j) for i in range(3)] for j in (0, 3))
    dW[1] = map_parameters(lambda d: d / 100, dW[1])
    stacked, slopes = (
        Parameters({name: np.stack([one[name] for one in each]) for name in each[0]})
        for each in (W, dW)
    )
    clipping = with_clipping(gradient_descent(0.1), 1.0)
    together = clipping.update(0, stacked, (), slopes)[0]
    for i in range(3):
        for name, alone in clipping.update(0, W[i], (), dW[i])[0].items():
            np.testing.assert_allclose(together[name][i], alone, rtol=1e-12)


def test_gradients_of_zero_stay_zero():
    W, zero = Parameters(W1=[[1.5]]), Parameters(W1=[[0.0]])
    assert with_clipping(gradient_descent(0.1), 1.0).update(0, W, (), zero)[0] == W


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("large", [1, 1e6])
def test_clipping_keeps_the_type(dtype, large):
    W, dW = (normal_parameters(NET, seed, dtype) for seed in (1, 2))
    steep = map_parameters(lambda d: dtype(large) * d, dW)
    clipping = with_clipping(heavy_ball(0.1), np.float64(0.5))
    after, (v,) = clipping.update(0, W, clipping.init(W), steep)
    assert {a.dtype for p in (after, v) for a in p.values()} == {np.dtype(dtype)}


@pytest.mark.parametrize("norm", [0, -1, float("nan"), float("inf")])
def test_a_norm_that_is_not_positive_and_finite_is_refused(norm):
    with pytest.raises(ValueError, match="norm"):
        with_clipping(gradient_descent(0.1), norm)


# What an optimizer says of itself


@linear
def test_what_is_linear_and_commutes_with_rotations_does_so_with_l2_and_with_decay(make):
    for held in (with_l2(make(0.1), 0.1), with_weight_decay(make(0.1), 0.1)):
        assert (held.commutes_with_rotations, held.is_linear) == (True, True)


@linear
def test_clipping_is_not_linear_but_commutes_with_rotations(make):
    clipping = with_clipping(make(0.1), 0.1)
    assert (clipping.commutes_with_rotations, clipping.is_linear) == (True, False)


@pytest.mark.parametrize("hold", [with_l2, with_weight_decay, with_clipping])
def test_what_does_not_commute_with_rotations_does_not_when_held_back(hold):
    assert not hold(adam(0.1), 0.1).commutes_with_rotations
    assert not hold(adam(0.1), 0.1).is_linear


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_squared_length_has_the_type_of_the_gradients(dtype):
    assert squared_length(normal_parameters(NET, 1, dtype)).dtype == dtype
