"""A formula of many numbers is the same block by block, to the bit, whatever it does."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catpipe import optim
from catpipe.nn import blocks
from catpipe.nn.arrays import Array, namespaced
from catpipe.nn.blocks import in_blocks
from catpipe.nn.parameters import Parameters

Formula = Callable[..., tuple[Any, ...]]

OPTIMIZERS: dict[str, Any] = {
    "gradient descent": optim.gradient_descent(0.1),
    "heavy ball": optim.heavy_ball(0.1),
    "averaged momentum": optim.averaged_momentum(0.1),
    "Nesterov": optim.nesterov(0.1),
    "RMSProp": optim.rmsprop(0.1),
    "Adam": optim.adam(0.1),
}
every_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)
both_types = pytest.mark.parametrize("dtype", ["float32", "float64"])


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let blocks have 16 numbers of float32, and let every formula be computed in them."""
    monkeypatch.setattr(blocks, "BLOCK", 64)
    monkeypatch.setattr(blocks, "MUCH", 0)
    in_blocks.cache_clear()
    yield
    in_blocks.cache_clear()


def drawn(number: int, shape: tuple[int, ...], dtype: str = "float64") -> list[Array]:
    """Return so many arrays of positive numbers: roots are taken of some."""
    random = np.random.default_rng(number)
    return [(random.random(shape) + 0.125).astype(dtype) for _ in range(number)]


def same_bits(found: tuple[Any, ...], expected: tuple[Any, ...]) -> bool:
    pairs = [(np.asarray(one), np.asarray(of)) for one, of in zip(found, expected, strict=True)]
    return all(
        (one.dtype, one.shape, one.tobytes()) == (of.dtype, of.shape, of.tobytes())
        for one, of in pairs
    )


# The same numbers.


@every_optimizer
@both_types
@pytest.mark.parametrize("numbers", [1, 15, 16, 17, 100])
def test_a_step_is_the_same_in_blocks(
    small_blocks: None, name: str, dtype: str, numbers: int
) -> None:
    optimizer = OPTIMIZERS[name]
    arrays, rates = drawn(2 + optimizer.number_of_moments, (numbers,), dtype), optimizer.rates(3)
    assert same_bits(in_blocks(optimizer.step)(*arrays, *rates), optimizer.step(*arrays, *rates))


@every_optimizer
@both_types
@pytest.mark.parametrize("shape", [(5, 3), (3, 40), (1, 17), (40, 1)])
def test_a_step_of_a_stack_is_the_same_in_blocks(
    small_blocks: None, name: str, dtype: str, shape: tuple[int, int]
) -> None:
    optimizer = OPTIMIZERS[name]
    arrays = drawn(2 + optimizer.number_of_moments, shape, dtype)
    rates = [rate * drawn(1, (shape[0], 1), dtype)[0] for rate in optimizer.rates(3)]
    assert same_bits(in_blocks(optimizer.step)(*arrays, *rates), optimizer.step(*arrays, *rates))


OF_TWO: list[Callable[[Any, Any], Any]] = [
    lambda one, other: one + other,
    lambda one, other: one - other,
    lambda one, other: one * other,
    lambda one, other: one / (np.square(other) + 0.5),
    lambda one, other: np.maximum(one, 0.25 - other),
    lambda one, other: np.sqrt(abs(one)) - other**2,
    lambda one, _: 1 - one,
    lambda one, _: -one,
]


@given(data=st.data())
def test_any_formula_is_the_same_in_blocks(data: st.DataObject) -> None:
    """Its operations take what came before, once or often; its results may be operands."""
    kinds = st.integers(0, len(OF_TWO) - 1)
    plan = data.draw(st.lists(st.tuples(kinds, *[st.integers(0, 99)] * 2), min_size=1, max_size=9))
    asked = data.draw(st.sets(st.integers(0, len(plan) - 1), min_size=1, max_size=4))

    def formula(*given: Any) -> tuple[Any, ...]:
        known = [*given]
        for kind, one, other in plan:
            made = OF_TWO[kind](known[one % len(known)], known[other % len(known)])
            known = [*known, made]
        return tuple(known[len(given) + at] for at in asked)

    arrays = drawn(3, (23,))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK", 64)
        patch.setattr(blocks, "MUCH", 0)
        found = in_blocks(formula)(*arrays, 0.5)
    assert same_bits(found, formula(*arrays, 0.5))


def test_what_is_used_again_later_is_kept_until_then(small_blocks: None) -> None:
    def formula(W: Any, dW: Any) -> tuple[Any]:
        product = W * dW
        return (((product + 1.0) * W - dW) / product,)

    arrays = drawn(2, (40,))
    assert same_bits(in_blocks(formula)(*arrays), formula(*arrays))


@pytest.mark.parametrize("around", [optim.with_l2, optim.with_weight_decay])
def test_large_weights_decay_as_small_ones_do(around: Any) -> None:
    optimizer = around(optim.gradient_descent(0.5), 0.25)
    (W,), (dW,) = drawn(1, (1000, 900)), drawn(1, (1000, 900))
    large, _ = optimizer.update(0, Parameters(W1=W), (), Parameters(W1=dW))
    small, _ = optimizer.update(0, Parameters(W1=W[:1]), (), Parameters(W1=dW[:1]))
    assert same_bits((large["W1"][:1],), (small["W1"],))


# The same memory.


def test_a_large_step_makes_no_large_array_but_its_results() -> None:
    optimizer, numbers = optim.adam(0.1), 10**6
    arrays = drawn(4, (numbers,))
    step = in_blocks(OPTIMIZERS["Adam"].step)
    tracemalloc.start()
    step(*arrays, *optimizer.rates(3))  # type: ignore[attr-defined]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3.1 * 8 * numbers


def test_a_formula_is_asked_once_what_it_does(small_blocks: None) -> None:
    asked: list[Any] = []

    def twice(W: Any) -> tuple[Any]:
        asked.append(W)
        return (2.0 * W,)

    (W,) = drawn(1, (40,))
    for _ in range(3):
        in_blocks(twice)(W)
    assert len(asked) == 1


def test_few_numbers_are_computed_as_they_are() -> None:
    given: list[Any] = []

    def twice(W: Any) -> tuple[Any]:
        given.append(W)
        return (2.0 * W,)

    (W,) = drawn(1, (40,))
    in_blocks(twice)(W)
    assert given[0] is W


# What is no such formula.


def _branch(W: Any, _: Any) -> tuple[Any]:
    return (W if W[0] > 0 else -W,)


def _of_truth(W: Any, _: Any) -> tuple[Any]:
    return (2.0 * W if (W > 0).all() else W + 1.0,)


NONE: dict[str, Formula] = {
    "it branches": _branch,
    "it asks for truth": _of_truth,
    "it sums": lambda W, dW: (W - dW.sum(),),
    "it reduces": lambda W, dW: (W - np.add.reduce(dW),),
    "it chooses": lambda W, dW: (np.where(W > 0.5, W, dW),),
    "it takes a power": lambda W, dW: (W**3 + dW,),
    "it compares": lambda W, dW: (W * (dW > 0.5),),
    "it has an array of its own": lambda W, _: (W + np.arange(40.0),),
    "it has a number of NumPy's": lambda W, _: (W + np.float64(0.1),),
    "it writes": lambda W, dW: (np.add(W, dW, out=np.empty(40)),),
    "it divides to two": np.divmod,
    "it returns what it was given": lambda W, dW: (W, W + dW),
    "it returns one twice": lambda W, dW: (W + dW,) * 2,
    "it returns a number": lambda W, _: (1.5, W + 1.0),
    "it returns nothing": lambda *_: (),
    "it multiplies vectors": lambda W, dW: (W * (W @ dW),),
    "it makes an array": lambda W, dW: (W - np.asarray(dW).sum(),),
    "it makes a list": lambda W, _: (np.array([*W]),),
}


@both_types
@pytest.mark.parametrize("what", NONE)
def test_what_is_no_formula_of_each_number_is_computed_as_it_is(
    small_blocks: None, what: str, dtype: str
) -> None:
    formula, arrays = NONE[what], drawn(2, (40,), dtype)
    for found, expected in zip(in_blocks(formula)(*arrays), formula(*arrays), strict=True):
        np.testing.assert_array_equal(found, expected, strict=True)


def test_a_formula_that_asks_whether_its_one_number_is_zero_is_computed_as_it_is(
    small_blocks: None,
) -> None:
    (found,) = in_blocks(lambda W: (W - 1.0 if W else W + 1.0,))(np.zeros(1))
    assert found == 1


@pytest.mark.parametrize(
    "given",
    [
        (np.ones(40), np.ones((2, 40)), 0.5),
        (np.ones((2, 40)), np.ones(40), 0.5),
        (np.ones(40), np.ones(40, np.float32), 0.5),
        (np.ones(40, int), np.ones(40, int), 2),
        (np.ones(40), np.ones(40), np.float64(0.5)),
        (np.ones((3, 40)), np.ones((3, 40)), np.full((3, 40), 0.5)),
        (np.ones((3, 40)), np.ones((3, 40)), np.full(40, 0.5)),
        (np.ones(40, np.float32), np.ones(40, np.float32), np.float64(0.5)),
        (np.ones(()), np.ones(()), 0.5),
        (np.ones(0), np.ones(0), 0.5),
        ([1.0], np.ones(1), 0.5),
    ],
)
def test_other_arrays_are_computed_with_as_they_are(
    small_blocks: None, given: tuple[Any, ...]
) -> None:
    def descent(W: Any, dW: Any, rate: Any) -> tuple[Any]:
        return (W - rate * dW,)

    (found,), (expected,) = in_blocks(descent)(*given), descent(*given)
    np.testing.assert_array_equal(found, expected, strict=True)


def test_what_a_formula_raises_is_raised(small_blocks: None) -> None:
    def wrong(W: Any) -> tuple[Any]:
        raise LookupError("of its own")

    with pytest.raises(LookupError, match="of its own"):
        in_blocks(wrong)(np.ones(40))


def test_functions_come_from_the_namespace_of_what_is_given(small_blocks: None) -> None:
    def root(W: Any) -> tuple[Any]:
        xp, W = namespaced(W)
        return (xp.sqrt(W),)

    (W,) = drawn(1, (40,))
    assert same_bits(in_blocks(root)(W), root(W))
