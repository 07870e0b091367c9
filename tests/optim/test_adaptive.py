"""Adaptive optimizers against the recurrences they are published as, number by number."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catpipe.nn.parameters import Parameters, map_parameters
from catpipe.optim.optimizers import adam, rmsprop
from catpipe.optim.regularizers import adamw, with_weight_decay
from catpipe.optim.schedules import step_decay
from tests.points import FLOATS, folded, normal, seeds, slope

RATES = (0.07, 0.03, 0.11, 0.02, 0.05, 0.01, 0.09, 0.04, 0.06)
MAKES = {"rmsprop": rmsprop, "adam": adam, "adamw": adamw}
numbers = st.floats(-3, 3)
betas = st.floats(0, 0.99)
epsilons = st.floats(1e-8, 1)
nine = st.integers(0, 9)
makes = pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)


def fading_sum(beta: float, numbers: list[float]) -> float:
    """Return the sum of the numbers, each less by a factor of beta than the one after it."""
    return math.fsum(beta**age * number for age, number in enumerate(reversed(numbers)))


def fading_mean(beta: float, numbers: list[float]) -> float:
    return fading_sum(beta, numbers) / fading_sum(beta, [1.0] * len(numbers))


def adams_step(slopes: list[float], beta1: float, beta2: float, epsilon: float) -> float:
    """Return Adam's step after these slopes, for a rate of 1: its moments are weighted means."""
    squares = [g * g for g in slopes]
    return fading_mean(beta1, slopes) / (math.sqrt(fading_mean(beta2, squares)) + epsilon)


@given(numbers, betas, epsilons, nine)
def test_rmsprop_divides_by_the_root_of_the_average_of_squared_slopes(w, beta, epsilon, steps):
    now, slopes = w, list[float]()
    for rate in RATES[:steps]:
        slopes = [*slopes, slope(now)]
        s = (1 - beta) * fading_sum(beta, [g * g for g in slopes])
        now = now - rate * slopes[-1] / (math.sqrt(s) + epsilon)
    adapted = folded(rmsprop(RATES.__getitem__, beta, epsilon), w, slope, steps)
    assert adapted == pytest.approx(now, rel=1e-7, abs=1e-7)


@given(numbers, betas, betas, epsilons, nine)
def test_adam_is_that_of_its_paper(w, beta1, beta2, epsilon, steps):
    now, slopes = w, list[float]()
    for rate in RATES[:steps]:
        slopes = [*slopes, slope(now)]
        now = now - rate * adams_step(slopes, beta1, beta2, epsilon)
    adapted = folded(adam(RATES.__getitem__, beta1, beta2, epsilon), w, slope, steps)
    assert adapted == pytest.approx(now, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize(("name", "decay"), [("W1", 0.3), ("b1", 0.0)])
@given(numbers, nine)
def test_adamw_is_adam_and_a_share_of_the_weights(name, decay, w, steps):
    now, slopes = w, list[float]()
    for rate in RATES[:steps]:  # Loshchilov and Hutter 2019, algorithm 2, as in PyTorch
        slopes = [*slopes, slope(now)]
        now = now - rate * decay * now - rate * adams_step(slopes, 0.9, 0.999, 1e-8)
    adapted = folded(adamw(RATES.__getitem__, weight_decay=0.3), w, slope, steps, name)
    assert adapted == pytest.approx(now, rel=1e-6, abs=1e-6)


def test_constants_are_the_published_ones_unless_said_otherwise():
    pairs = [
        (rmsprop(0.07), rmsprop(0.07, 0.9, 1e-8)),
        (adam(0.07), adam(0.07, 0.9, 0.999, 1e-8)),
        (adamw(0.07), adamw(0.07, 0.01)),
    ]
    for plain, said in pairs:
        assert folded(plain, 1.7, slope, 5, "W1") == folded(said, 1.7, slope, 5, "W1")


@given(seeds)
def test_adams_first_step_is_the_rate_in_the_direction_of_each_sign(seed):
    W, dW = (Parameters(W1=normal(seed + i, 3, 4)) for i in range(2))
    after, _ = adam(0.07, epsilon=1e-15).update(0, W, adam(0.07).init(W), dW)
    np.testing.assert_allclose(W["W1"] - after["W1"], 0.07 * np.sign(dW["W1"]), rtol=1e-9)


def test_adam_takes_no_step_where_there_never_was_a_slope():
    W, zero = Parameters(W1=normal(1, 2, 3)), Parameters(W1=np.zeros((2, 3)))
    assert adam(0.1).update(0, W, adam(0.1).init(W), zero)[0] == W
    assert rmsprop(0.1).update(0, W, rmsprop(0.1).init(W), zero)[0] == W


@given(seeds, st.floats(0.01, 100))
def test_adams_steps_do_not_depend_on_the_scale_of_the_cost(seed, scale):
    W, dW = (Parameters(W1=normal(seed + i, 3, 4)) for i in range(2))
    optimizer = adam(0.1, epsilon=1e-300)
    scaled = map_parameters(lambda d: scale * d, dW)
    one, other = (optimizer.update(0, W, optimizer.init(W), of)[0] for of in (dW, scaled))
    np.testing.assert_allclose(one["W1"], other["W1"], rtol=1e-12, atol=1e-12)


def test_a_step_of_adam_is_the_published_one():
    # printed by update_parameters_with_adam in "Improving Deep Neural Networks" (DeepLearning.AI),
    # week 2, "Optimization Methods", for t = 2 and moments of zero; digits as there
    draw, shapes = np.random.RandomState(1).randn, ((2, 3), (2, 1), (3, 3), (3, 1))
    W, dW = (
        Parameters(zip(("W1", "b1", "W2", "b2"), [draw(*of) for of in shapes], strict=True))
        for _ in range(2)
    )
    after, _ = adam(0.01).update(1, W, adam(0.01).init(W), dW)
    W1 = [[1.63178673, -0.61919778, -0.53561312], [-1.08040999, 0.85796626, -2.29409733]]
    np.testing.assert_allclose(after["W1"], W1, rtol=0, atol=5.1e-9)
    np.testing.assert_allclose(after["b1"], [[1.75225313], [-0.75376553]], rtol=0, atol=5.1e-9)


@given(seeds, st.integers(0, 20))
def test_adamw_with_a_schedule_decays_by_the_rate_of_the_iteration(seed, iteration):
    W, dW = (Parameters(W1=normal(seed + i, 3, 4)) for i in range(2))
    schedule = step_decay(0.1, factor=0.5, every=3)
    rate = 0.1 * 0.5 ** (iteration // 3)
    scheduled, _ = adamw(schedule, 0.2).update(iteration, W, adam(1).init(W), dW)
    plain, _ = adam(rate).update(iteration, W, adam(1).init(W), dW)
    taken = plain["W1"] - scheduled["W1"]
    np.testing.assert_allclose(taken, rate * 0.2 * W["W1"], rtol=1e-9, atol=1e-13)


def test_adamw_of_other_constants_is_composed():
    said = with_weight_decay(adam(0.1, 0.9, 0.999, 1e-8), 0.1 * 0.2)
    assert folded(said, 1.7, slope, 5, "W1") == folded(adamw(0.1, 0.2), 1.7, slope, 5, "W1")


@makes
@pytest.mark.parametrize("dtype", FLOATS)
def test_steps_and_moments_keep_the_type_iteration_after_iteration(make, dtype):
    W, dW = (Parameters(W1=normal(seed, 3, 4, dtype=dtype)) for seed in (1, 2))
    optimizer = make(np.float64(0.1))
    moments = optimizer.init(W)
    for iteration in range(3):
        W, moments = optimizer.update(iteration, W, moments, dW)
        assert {p["W1"].dtype for p in (W, *moments)} == {np.dtype(dtype)}


@pytest.mark.parametrize(
    "optimizer",
    [rmsprop(0.1, np.float64(0.9), np.float64(1e-6)), adam(0.1, *np.array([0.9, 0.99, 1e-6]))],
    ids=["rmsprop", "adam"],
)
def test_constants_of_numpys_float64_leave_float32_as_it_is(optimizer):
    W, dW = (Parameters(W1=normal(seed, 3, 4, dtype=np.float32)) for seed in (1, 2))
    after, moments = optimizer.update(0, W, optimizer.init(W), dW)
    assert {p["W1"].dtype for p in (after, *moments)} == {np.dtype(np.float32)}


@makes
def test_what_each_number_adapts_to_depends_on_the_basis(make):
    assert (make(0.1).commutes_with_rotations, make(0.1).is_linear) == (False, False)


@pytest.mark.parametrize("beta", [-0.1, 1, 1.5, float("nan")])
def test_a_beta_that_does_not_forget_is_refused(beta):
    for make in (
        lambda: rmsprop(0.1, beta),
        lambda: adam(0.1, beta1=beta),
        lambda: adam(0.1, beta2=beta),
    ):
        with pytest.raises(ValueError, match="beta"):
            make()


@pytest.mark.parametrize("epsilon", [0, -1e-8, float("nan"), float("inf")])
def test_an_epsilon_that_is_not_positive_and_finite_is_refused(epsilon):
    for make in (rmsprop, adam):
        with pytest.raises(ValueError, match="epsilon"):
            make(0.1, epsilon=epsilon)


@pytest.mark.parametrize("decay", [-0.1, float("nan"), float("inf")])
def test_a_weight_decay_below_zero_or_not_finite_is_refused(decay):
    with pytest.raises(ValueError, match="weight decay"):
        adamw(0.1, decay)
