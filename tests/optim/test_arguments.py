"""Factories and updates: arrays for stacks, the type of the parameters, and wrong arguments."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from catpipe import optim
from catpipe.nn.activations import TANH
from catpipe.nn.network import mlp
from catpipe.nn.parameters import Parameters, map_parameters
from catpipe.optim.optimizers import update_parameters
from catpipe.optim.regularizers import l2_penalty
from tests.points import FLOATS, OPTIMIZERS, normal_parameters

NET = mlp(3, 4, 2, activation=TANH)
NUMBERS = (0.02, 0.3, 0.0)
ARRAY = np.reshape(NUMBERS, (3, 1, 1))
POSITIVE = (0.02, 0.3, 4.0)
RATE = optim.cosine(0.1, 10)

OF_EACH = {
    "adamw": (lambda n: optim.adamw(0.1, n), NUMBERS),
    "adamw, a schedule": (lambda n: optim.adamw(RATE, n), NUMBERS),
    "adamw, rates": (lambda n: optim.adamw(n, 0.1), POSITIVE),
    "with_l2": (lambda n: optim.with_l2(optim.heavy_ball(0.1), n), NUMBERS),
    "with_weight_decay": (lambda n: optim.with_weight_decay(optim.nesterov(RATE), n), NUMBERS),
    "with_clipping": (lambda n: optim.with_clipping(optim.adam(0.1), n), POSITIVE),
    "warm_up": (lambda n: optim.gradient_descent(optim.warm_up(n, 5)), POSITIVE),
}


def stacked(seed, dtype=np.float64):
    """Return three networks and their stack."""
    each = [normal_parameters(NET, seed + i, dtype) for i in range(3)]
    return each, Parameters({name: np.stack([W[name] for W in each]) for name in each[0]})


def updated(optimizer, W, dW, steps=3):
    """Return the parameters after updates by the same gradients."""
    moments = optimizer.init(W)
    for iteration in range(steps):
        W, moments = optimizer.update(iteration, W, moments, dW)
    return W, moments


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("make", "numbers"), OF_EACH.values(), ids=OF_EACH)
def test_an_array_with_a_number_for_each_network_is_that_number_for_each(make, numbers, dtype):
    (each, together), (slopes, slope) = stacked(1, dtype), stacked(7, dtype)
    all_at_once, _ = updated(make(np.reshape(numbers, (3, 1, 1))), together, slope)
    for i, number in enumerate(numbers):
        alone, _ = updated(make(number), each[i], slopes[i])
        for name, W in alone.items():
            assert W.dtype == all_at_once[name].dtype == dtype
            np.testing.assert_array_equal(all_at_once[name][i], W)


def test_the_penalty_of_a_stack_takes_the_strength_of_each_network():
    each, together = stacked(1)
    alone = [l2_penalty(W, number) for W, number in zip(each, NUMBERS, strict=True)]
    np.testing.assert_allclose(l2_penalty(together, ARRAY), alone, rtol=1e-14)


SCHEDULES = {
    "number": np.float64(0.1),
    "float64 array": np.full((1, 1), 0.1),
    "cosine": optim.cosine(np.float64(0.1), 9),
    "exponential": optim.exponential(np.full((1, 1), 0.1), 0.5),
    "inverse_time": optim.inverse_time(np.float64(0.1), 0.5),
    "step_decay": optim.step_decay(np.full((1, 1), 0.1), 0.5, 2),
    "warm_up": optim.warm_up(np.full((1, 1), 0.1), 2),
}


@pytest.mark.parametrize("rate", SCHEDULES.values(), ids=SCHEDULES)
@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("of_gradients", [np.float64, np.float32])
def test_the_type_of_the_parameters_rules_in_updates_and_moments(make, rate, of_gradients):
    W = normal_parameters(NET, 1, np.float32)
    after, moments = updated(make(rate), W, map_parameters(of_gradients, W))
    types = {array.dtype for named in (after, *moments) for array in named.values()}
    assert types == {np.dtype(np.float32)}


def test_integer_parameters_are_not_rounded():
    assert update_parameters(Parameters(b=[1]), Parameters(b=[1]), 0.25)["b"] == [0.75]


ADAM = optim.adam(0.1)
NOT_NUMBERS = [
    "0.1",
    None,
    True,
    [0.1],
    0.1j,
    np.array(["0.1"]),
    np.array([0.1, 0.2]),
    np.nan,
    -1.0,
    10**400,
]
RATES = {
    name: make
    for name, make in vars(optim).items()
    if name
    in {"gradient_descent", "heavy_ball", "averaged_momentum", "nesterov", "rmsprop", "adam"}
    | {"adamw", "constant"}
}
WITH_NUMBER = RATES | {
    "with_l2": lambda n: optim.with_l2(ADAM, n),
    "with_weight_decay": lambda n: optim.with_weight_decay(ADAM, n),
    "with_clipping": lambda n: optim.with_clipping(ADAM, n),
    "adamw, decay": lambda n: optim.adamw(0.1, n),
    "beta": lambda n: optim.heavy_ball(0.1, n),
    "beta of rmsprop": lambda n: optim.rmsprop(0.1, n),
    "beta1": lambda n: optim.adam(0.1, n),
    "beta2": lambda n: optim.adam(0.1, 0.9, n),
    "epsilon": lambda n: optim.adam(0.1, epsilon=n),
    "cosine": lambda n: optim.cosine(n, 10),
    "warm_up": lambda n: optim.warm_up(n, 10),
    "step_decay": lambda n: optim.step_decay(n, 0.5, 10),
    "factor": lambda n: optim.step_decay(0.1, n, 10),
    "exponential": lambda n: optim.exponential(0.1, n),
    "inverse_time": lambda n: optim.inverse_time(0.1, n),
    "l2_penalty": lambda n: optim.l2_penalty(Parameters(W1=[[1.0]]), n),
}


@pytest.mark.parametrize("number", NOT_NUMBERS, ids=repr)
@pytest.mark.parametrize("call", WITH_NUMBER.values(), ids=WITH_NUMBER)
def test_what_is_no_number_where_one_is_meant_is_refused_in_a_sentence(call, number):
    with pytest.raises(ValueError, match="; expected"):
        call(number)


@pytest.mark.parametrize("number", ["0.1", None, True, [0.1], 0.1j, np.array([0.1, 0.2])], ids=repr)
def test_a_rate_of_an_update_that_is_no_number_is_refused(number):
    with pytest.raises(ValueError, match=r"learning rate .*; expected a number"):
        update_parameters(Parameters(b=[1.0]), Parameters(b=[1.0]), number)


@pytest.mark.parametrize("found", [(2,), (1, 2), (2, 2), ()])
def test_a_gradient_of_another_shape_does_not_broadcast_in_an_update(found):
    with pytest.raises(ValueError, match=r"gradient of b1 has shape .*; expected \(2, 1\)"):
        update_parameters(Parameters(b1=np.ones((2, 1))), Parameters(b1=np.ones(found)), 0.1)


def test_a_fraction_is_a_number():
    quarter: Any = Fraction(1, 4)
    assert optim.gradient_descent(quarter) == optim.gradient_descent(0.25)


@pytest.mark.parametrize("count", [0, -1, 1.5, "3", None, True], ids=repr)
@pytest.mark.parametrize(
    "call",
    [
        lambda n: optim.cosine(0.1, n),
        lambda n: optim.warm_up(0.1, n),
        lambda n: optim.step_decay(0.1, 0.5, n),
        lambda n: optim.inverse_time(0.1, 0.5, n),
    ],
)
def test_a_schedule_counts_whole_iterations(call, count):
    with pytest.raises(ValueError, match="expected an integer of at least 1"):
        call(count)


@pytest.mark.parametrize("optimizer", ["adam", None, optim.adam, optim.Adam, 0.1])
@pytest.mark.parametrize("wrap", [optim.with_l2, optim.with_weight_decay, optim.with_clipping])
def test_what_is_no_optimizer_is_refused_where_one_is_wrapped(wrap, optimizer):
    with pytest.raises(TypeError, match="expected an optimizer: write adam"):
        wrap(optimizer, 0.1)


@pytest.mark.parametrize("make", RATES.values(), ids=RATES)
@pytest.mark.parametrize("schedule", [optim.cosine, lambda: 0.1, str, len])
def test_a_function_that_gives_no_rate_for_an_iteration_is_refused(make, schedule):
    with pytest.raises(ValueError, match="; expected a"):
        make(schedule)
