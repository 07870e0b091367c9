"""Schedules against their formulas, one iteration after another, and published rates."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catpipe.optim.schedules import (
    constant,
    cosine,
    exponential,
    inverse_time,
    rate_at,
    scaled,
    step_decay,
    warm_up,
)

SCHEDULES = {
    "constant": constant,
    "inverse_time": lambda rate: inverse_time(rate, decay=0.3, every=3),
    "step_decay": lambda rate: step_decay(rate, factor=0.5, every=3),
    "exponential": lambda rate: exponential(rate, decay=0.2),
    "cosine": lambda rate: cosine(rate, iterations=10),
    "warm_up": lambda rate: warm_up(rate, iterations=4),
    "warm_up_cosine": lambda rate: warm_up(cosine(rate, iterations=10), iterations=4),
    "scaled": lambda rate: scaled(step_decay(rate, factor=0.5, every=3), 5),
}
each = pytest.mark.parametrize("make", SCHEDULES.values(), ids=SCHEDULES)
rates = st.floats(1e-3, 10)
everies = st.integers(1, 7)


@given(rates, st.integers(0, 10**6))
def test_a_constant_rate_stays(rate, iteration):
    assert constant(rate)(iteration) == rate


@given(rates, st.floats(0.01, 2), everies)
def test_inverse_time_divides_by_one_and_a_decay_for_every_few_iterations(rate, decay, every):
    divisor = 1.0
    for iteration in range(30):
        if iteration and iteration % every == 0:
            divisor = divisor + decay
        assert inverse_time(rate, decay, every)(iteration) == pytest.approx(
            rate / divisor, rel=1e-13
        )


@pytest.mark.parametrize("factor", [2, 1.5, 1e300])
def test_a_rate_that_grows_beyond_all_floats_is_infinite(factor):
    assert step_decay(0.1, factor, every=1)(2500) == np.inf


@given(rates, st.floats(0.1, 1), everies)
def test_step_decay_multiplies_by_the_factor_every_few_iterations(rate, factor, every):
    now = rate
    for iteration in range(30):
        if iteration and iteration % every == 0:
            now = now * factor
        assert step_decay(rate, factor, every)(iteration) == pytest.approx(now, rel=1e-13)


@given(rates, st.floats(0, 0.5))
def test_exponential_loses_the_same_share_at_every_iteration(rate, decay):
    now, kept = rate, math.e**-decay
    for iteration in range(30):
        assert exponential(rate, decay)(iteration) == pytest.approx(now, rel=1e-12)
        now = now * kept


@given(rates, st.integers(1, 30))
def test_cosine_goes_down_as_a_point_goes_round_half_a_circle(rate, iterations):
    turn, point = complex(math.cos(math.pi / iterations), math.sin(math.pi / iterations)), 1 + 0j
    for iteration in range(iterations + 1):
        expected = rate / 2 * (1 + point.real)
        assert cosine(rate, iterations)(iteration) == pytest.approx(expected, abs=1e-13 * rate)
        point = point * turn


@given(rates, st.integers(1, 30), st.integers(0, 100))
def test_cosine_ends_at_zero_and_stays(rate, iterations, more):
    assert cosine(rate, iterations)(iterations + more) == 0


@given(rates, st.integers(1, 10))
def test_a_warm_up_climbs_by_equal_steps_to_the_rate_at_its_last_iteration(rate, iterations):
    now = 0.0
    for iteration in range(iterations):
        now = now + rate / iterations
        assert warm_up(rate, iterations)(iteration) == pytest.approx(now, rel=1e-13)
    assert warm_up(rate, iterations)(iterations - 1) == rate
    assert warm_up(rate, iterations)(iterations + 5) == rate


def test_a_warm_up_of_a_schedule_counts_the_schedule_from_the_start():
    warm = warm_up(step_decay(0.8, factor=0.5, every=2), iterations=4)
    assert [warm(i) for i in range(7)] == pytest.approx([0.2, 0.4, 0.3, 0.4, 0.2, 0.2, 0.1])


@each
@given(st.integers(0, 30))
def test_rates_of_a_stack_are_each_of_them(make, iteration):
    rates = np.array([0.1, 0.02, 3.0]).reshape(3, 1, 1)
    together = np.asarray(make(rates)(iteration))
    assert together.shape == (3, 1, 1)
    assert together.ravel().tolist() == pytest.approx(
        [make(rate)(iteration) for rate in rates.ravel().tolist()], rel=1e-14
    )


@each
def test_a_schedule_comes_back_from_a_pickle(make):
    schedule = make(0.3)
    again = pickle.loads(pickle.dumps(schedule))
    assert [again(i) for i in range(12)] == [schedule(i) for i in range(12)]


@pytest.mark.parametrize(
    ("schedule", "epoch", "rate"),
    [
        # printed by update_lr and schedule_lr_decay in "Improving Deep Neural Networks"
        # (DeepLearning.AI), week 2, "Optimization Methods"; digits as there
        (inverse_time(0.5, decay=1), 2, 0.16666666666666666),
        (inverse_time(0.5, decay=0.3, every=100), 10, 0.5),
        (inverse_time(0.5, decay=0.3, every=100), 100, 0.3846153846153846),
    ],
)
def test_rates_are_the_published_ones(schedule, epoch, rate):
    assert schedule(epoch) == rate


@given(rates, st.floats(0.1, 10), st.integers(0, 20))
def test_a_scaled_rate_is_the_factor_times_the_rate_of_each_iteration(rate, factor, iteration):
    assert scaled(rate, factor) == factor * rate
    schedule = step_decay(rate, factor=0.5, every=3)
    assert rate_at(scaled(schedule, factor), iteration) == factor * rate_at(schedule, iteration)


def test_what_is_no_schedule_is_the_rate_at_any_iteration():
    rates = np.array([[[0.1]], [[0.2]]])
    assert rate_at(0.1, 7) == 0.1
    assert rate_at(rates, 7) is rates
