"""Optimizers against the recurrences they are published as, and the laws that all of them obey."""

import pickle
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catpipe.data.batches import Batch
from catpipe.nn.activations import TANH
from catpipe.nn.network import mlp
from catpipe.nn.parameters import Parameters, map_parameters
from catpipe.optim.optimizers import (
    Optimizer,
    averaged_momentum,
    gradient_descent,
    heavy_ball,
    nesterov,
    update_parameters,
)
from catpipe.optim.regularizers import with_clipping, with_l2, with_weight_decay
from catpipe.training.loop import initial_state, make_step, train
from tests.points import (
    FLOATS,
    OPTIMIZERS,
    examples,
    folded,
    normal,
    normal_parameters,
    seeds,
    slope,
)

RATES = (0.07, 0.03, 0.11, 0.02, 0.05, 0.01, 0.09, 0.04, 0.06)
numbers = st.floats(-3, 3)
betas = st.floats(0, 0.95)
nine = st.integers(0, 9)
makes = pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
with_beta = pytest.mark.parametrize("make", [heavy_ball, averaged_momentum, nesterov])


@given(numbers, nine)
def test_gradient_descent_subtracts_rate_times_slope(w, steps):
    expected = w
    for _ in range(steps):
        expected = expected - 0.07 * slope(expected)
    assert folded(gradient_descent(0.07), w, slope, steps) == pytest.approx(expected, rel=1e-12)


@given(numbers, nine)
def test_gradient_descent_takes_the_rate_of_each_iteration(w, steps):
    expected = w
    for rate in RATES[:steps]:
        expected = expected - rate * slope(expected)
    descended = folded(gradient_descent(RATES.__getitem__), w, slope, steps)
    assert descended == pytest.approx(expected, rel=1e-12)


@given(numbers, betas, nine)
def test_momentum_is_polyaks_heavy_ball(w, beta, steps):
    before, now = w, w
    for _ in range(steps):
        before, now = now, now - 0.07 * slope(now) + beta * (now - before)
    assert folded(heavy_ball(0.07, beta), w, slope, steps) == pytest.approx(now, rel=1e-9, abs=1e-9)


@given(numbers, betas, nine)
def test_momentum_with_rates_goes_along_the_sum_of_all_slopes_that_fade(w, beta, steps):
    now, slopes = w, list[float]()
    for rate in RATES[:steps]:
        slopes = [*slopes, slope(now)]
        now = now - rate * sum(beta**age * g for age, g in enumerate(reversed(slopes)))
    rolled = folded(heavy_ball(RATES.__getitem__, beta), w, slope, steps)
    assert rolled == pytest.approx(now, rel=1e-9, abs=1e-9)


@given(numbers, betas, nine)
def test_averaged_momentum_goes_along_the_average_of_all_slopes_that_fade(w, beta, steps):
    now, slopes = w, list[float]()
    for rate in RATES[:steps]:
        slopes = [*slopes, slope(now)]
        mean = sum((1 - beta) * beta**age * g for age, g in enumerate(reversed(slopes)))
        now = now - rate * mean
    calmed = folded(averaged_momentum(RATES.__getitem__, beta), w, slope, steps)
    assert calmed == pytest.approx(now, rel=1e-9, abs=1e-9)


@given(numbers, betas, nine)
def test_nesterov_takes_the_slope_where_the_momentum_leads(w, beta, steps):
    theta, v = w, 0.0  # Sutskever et al. 2013, eq. 3 and 4
    for _ in range(steps):
        v = beta * v - 0.07 * slope(theta + beta * v)
        theta = theta + v
    led = theta + beta * v
    assert folded(nesterov(0.07, beta), w, slope, steps) == pytest.approx(led, rel=1e-9, abs=1e-9)


@given(numbers, betas, nine)
def test_nesterov_takes_the_rate_of_each_iteration(w, beta, steps):
    now, v = w, 0.0
    for rate in RATES[:steps]:
        g = slope(now)
        v = beta * v + g
        now = now - rate * (g + beta * v)
    led = folded(nesterov(RATES.__getitem__, beta), w, slope, steps)
    assert led == pytest.approx(now, rel=1e-9, abs=1e-9)


@with_beta
def test_beta_is_nine_tenths_unless_said_otherwise(make):
    plain, said = (folded(o, 1.7, slope, 5) for o in (make(0.07), make(0.07, 0.9)))
    assert plain == said


# The notebook "Optimization Methods" of "Improving Deep Neural Networks" (DeepLearning.AI), week 2,
# prints what one step does to these draws; digits as there.


def courses_draws() -> tuple[Parameters, Parameters]:
    """Return the notebook's parameters and their gradients."""
    draw, shapes = np.random.RandomState(1).randn, {"W1": (2, 3), "b1": (2, 1)}
    deeper = {"W2": (3, 3), "b2": (3, 1)}
    W, dW = ({name: draw(*of) for name, of in {**shapes, **deeper}.items()} for _ in range(2))
    return Parameters(W), Parameters(dW)


@pytest.mark.parametrize(
    ("optimizer", "W1", "b1"),
    [
        (
            gradient_descent(0.01),
            [[1.63535156, -0.62320365, -0.53718766], [-1.07799357, 0.85639907, -2.29470142]],
            [[1.74604067], [-0.75184921]],
        ),
        (
            averaged_momentum(0.01, beta=0.9),
            [[1.62544598, -0.61290114, -0.52907334], [-1.07347112, 0.86450677, -2.30085497]],
            [[1.74493465], [-0.76027113]],
        ),
    ],
    ids=["gradient_descent", "averaged_momentum"],
)
def test_a_step_is_the_published_one(optimizer, W1, b1):
    W, dW = courses_draws()
    after, _ = optimizer.update(0, W, optimizer.init(W), dW)
    np.testing.assert_allclose(after["W1"], W1, rtol=0, atol=5.1e-9)
    np.testing.assert_allclose(after["b1"], b1, rtol=0, atol=5.1e-9)


@makes
def test_moments_begin_at_zero_under_the_parameters_own_names(make):
    parameters = normal_parameters(mlp(3, 2, 1), 1)
    for moment in make(0.1).init(parameters):
        assert moment == map_parameters(np.zeros_like, parameters)


@makes
@settings(max_examples=20)
@given(seeds, st.integers(0, 4), st.integers(0, 5))
def test_training_on_both_parts_is_training_on_one_and_then_the_other(make, seed, before, after):
    net, optimizer = mlp(3, 4, 2, activation=TANH), make(RATES.__getitem__)
    step, batch = make_step(net, optimizer, sample_every=2), Batch(*examples(net, seed))
    start = initial_state(optimizer, normal_parameters(net, seed))
    at_once = train(step, [batch] * (before + after), start)
    saved = pickle.loads(pickle.dumps(train(step, [batch] * before, start)))
    assert train(step, [batch] * after, saved) == at_once


@makes
@settings(max_examples=20)
@given(seeds, st.integers(1, 3))
def test_training_a_stack_is_training_each_of_its_networks(make, seed, count):
    net, optimizer = mlp(3, 4, 2, activation=TANH), make(0.03)
    step, batch = make_step(net, optimizer), Batch(*examples(net, seed))
    starts = [normal_parameters(net, seed + i) for i in range(count)]
    stacked = Parameters({name: np.stack([W[name] for W in starts]) for name in starts[0]})
    together = train(step, [batch] * 4, initial_state(optimizer, stacked))
    each = [train(step, [batch] * 4, initial_state(optimizer, W)) for W in starts]
    for i, alone in enumerate(each):
        pairs = zip(
            (together.parameters, *together.moments),
            (alone.parameters, *alone.moments),
            strict=True,
        )
        for of_all, of_one in pairs:
            for name, W in of_one.items():
                np.testing.assert_allclose(of_all[name][i], W, rtol=1e-8, atol=1e-11)


@makes
@settings(max_examples=20)
@given(seeds)
def test_a_stack_of_learning_rates_is_each_of_them(make, seed):
    W, dW = (Parameters(W1=normal(s, 3, 4), b1=normal(s + 2, 3, 1)) for s in (seed, seed + 1))
    rates = np.array([0.01, 0.1, 0.03]).reshape(3, 1, 1)
    stacked = map_parameters(lambda a: np.stack([a] * 3), W)
    optimizer = make(rates)
    together, _ = optimizer.update(2, stacked, optimizer.init(stacked), dW)
    for i, rate in enumerate(rates.ravel()):
        alone, _ = make(rate).update(2, W, make(rate).init(W), dW)
        for name in W:
            np.testing.assert_allclose(together[name][i], alone[name], rtol=1e-12)


@makes
@given(seeds, st.integers(0, 8))
def test_with_a_schedule_an_iteration_has_its_own_rate(make, seed, iteration):
    W, dW, m = (Parameters(W1=normal(seed + i, 2, 3)) for i in range(3))
    scheduled, constant = make(RATES.__getitem__), make(RATES[iteration])
    moments = tuple(map_parameters(np.square, m) for _ in scheduled.init(W))
    assert scheduled.update(iteration, W, moments, dW) == constant.update(iteration, W, moments, dW)


def two_steps(optimizer: Optimizer, W: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Return where these two gradients take the weights."""
    start = Parameters(W1=W)
    after, moments = optimizer.update(0, start, optimizer.init(start), Parameters(W1=slopes[0]))
    return optimizer.update(1, after, moments, Parameters(W1=slopes[1]))[0]["W1"]


@makes
def test_it_says_whether_it_commutes_with_rotations(make):
    W, slopes, Q = normal(1, 2, 3), normal(2, 2, 2, 3), np.linalg.qr(normal(4, 3, 3))[0]
    inside, outside = two_steps(make(0.1), W @ Q, slopes @ Q), two_steps(make(0.1), W, slopes) @ Q
    assert np.allclose(inside, outside, rtol=1e-9) == make(0.1).commutes_with_rotations


@makes
def test_it_says_whether_it_is_linear(make):
    W, V, of_W, of_V = normal(1, 2, 3), normal(2, 2, 3), normal(3, 2, 2, 3), normal(4, 2, 2, 3)
    of_sum = two_steps(make(0.1), W - 3 * V, of_W - 3 * of_V)
    sum_of = two_steps(make(0.1), W, of_W) - 3 * two_steps(make(0.1), V, of_V)
    assert np.allclose(of_sum, sum_of, rtol=1e-9) == make(0.1).is_linear


class Counting(NamedTuple):
    """An optimizer of one's own: it counts its updates, and moves by a power of ten in each."""

    commutes_with_rotations: bool = True
    is_linear: bool = True

    def init(self, parameters):
        """Return a count of one."""
        return (map_parameters(np.ones_like, parameters),)

    def update(self, iteration, parameters, moments, gradients):  # noqa: ARG002
        """Return W + 10^iteration, and the count and one."""
        (count,) = moments
        counted = map_parameters(lambda n: n + 1, count)
        return map_parameters(lambda W: W + 10**iteration, parameters), (counted,)


COUNTING = Counting()
WRAPPED = {
    "plain": COUNTING,
    "l2": with_l2(COUNTING, 0.1),
    "decay": with_weight_decay(COUNTING, 0.1),
    "clipping": with_clipping(COUNTING, 0.1),
}
wrapped = pytest.mark.parametrize("optimizer", WRAPPED.values(), ids=WRAPPED)


def counted(start: int = 0, optimizer: Optimizer = COUNTING):
    """Return the state after four steps from zero, counted from this iteration on."""
    net = mlp(2, 1)
    zero = map_parameters(np.zeros_like, normal_parameters(net, 1))
    state = initial_state(optimizer, zero)._replace(iteration=start)
    return train(make_step(net, optimizer), [Batch(*examples(net, 1))] * 4, state)


@wrapped
def test_a_step_keeps_the_moments_that_the_optimizer_returns(optimizer):
    assert {array.min() for array in counted(optimizer=optimizer).moments[0].values()} == {5.0}


@wrapped
def test_a_step_hands_the_optimizer_its_own_iteration(optimizer):
    assert counted(optimizer=optimizer).parameters["b1"].item() == 1 + 10 + 100 + 1000
    assert counted(3, optimizer).parameters["b1"].item() == 1000 + 10**4 + 10**5 + 10**6


@makes
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    "rate",
    [
        0.1,
        np.float64(0.1),
        np.array(0.1),
        np.full((2, 1, 1), 0.1),
        RATES.__getitem__,
        np.array(RATES).__getitem__,
    ],
    ids=["float", "float64", "no_axes", "stack", "schedule", "schedule_of_float64"],
)
def test_the_type_that_goes_in_comes_out(make, dtype, rate):
    optimizer = make(rate)
    W, dW = (Parameters(W1=normal(seed, 2, 3, 4, dtype=dtype)) for seed in (1, 2))
    after, moments = optimizer.update(0, W, optimizer.init(W), dW)
    assert {p["W1"].dtype for p in (after, *moments)} == {np.dtype(dtype)}


@with_beta
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


@with_beta
@pytest.mark.parametrize("beta", [-0.1, 1, 1.5, float("nan")])
def test_a_beta_that_does_not_forget_is_refused(make, beta):
    with pytest.raises(ValueError, match="beta"):
        make(0.1, beta)


@with_beta
def test_a_beta_of_zero_is_gradient_descent(make):
    assert folded(make(0.07, 0), 1.7, slope, 5) == folded(gradient_descent(0.07), 1.7, slope, 5)


@makes
def test_a_gradient_under_another_name_is_refused(make):
    optimizer, W = make(0.1), Parameters(W1=[[1.0]])
    with pytest.raises(KeyError, match="W2"):
        optimizer.update(0, W, optimizer.init(W), Parameters(W1=[[1.0]], W2=[[1.0]]))


@makes
def test_a_gradient_that_is_missing_is_refused(make):
    optimizer, W = make(0.1), Parameters(W1=[[1.0]], W2=[[1.0]])
    with pytest.raises(KeyError, match="W2"):
        optimizer.update(0, W, optimizer.init(W), Parameters(W1=[[1.0]]))


@given(seeds)
def test_an_update_is_the_parameters_less_rate_times_gradient(seed):
    W, dW = (Parameters(W1=normal(seed + i, 2, 3)) for i in (0, 1))
    expected = [[w - 0.3 * d for w, d in zip(*rows, strict=True)]
                for rows in zip(W["W1"].tolist(), dW["W1"].tolist(), strict=True)]  # fmt: skip
    np.testing.assert_allclose(update_parameters(W, dW, 0.3)["W1"], expected, rtol=1e-14)
