"""A formula of many numbers is the same block by block, to the bit, whatever it does."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
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
every_type = pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let blocks have 16 numbers of float32, and let every formula be computed in them."""
    make_small(monkeypatch)


def make_small(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(blocks, "BLOCK", 64)
    patch.setattr(blocks, "LARGE", 0)
    patch.setattr(blocks, "MUCH", 0)


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
@every_type
@pytest.mark.parametrize("numbers", [1, 15, 16, 17, 100])
def test_a_step_is_the_same_in_blocks(
    small_blocks: None, name: str, dtype: str, numbers: int
) -> None:
    optimizer = OPTIMIZERS[name]
    arrays, rates = drawn(2 + optimizer.number_of_moments, (numbers,), dtype), optimizer.rates(3)
    assert same_bits(in_blocks(optimizer.step)(*arrays, *rates), optimizer.step(*arrays, *rates))


@every_optimizer
@every_type
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
        *known, rate = given
        known = [*known, rate * known[0]]
        for kind, one, other in plan:
            made = OF_TWO[kind](known[one % len(known)], known[other % len(known)])
            known = [*known, made]
        return tuple(known[len(given) + at] for at in asked)

    arrays = drawn(3, (23,))
    with pytest.MonkeyPatch.context() as patch:
        make_small(patch)
        found = in_blocks(formula)(*arrays, 0.5)
    assert same_bits(found, formula(*arrays, 0.5))


@pytest.mark.parametrize("shape", [(7,), (7, 9), (2, 3, 5), (2, 3, 40), (3, 1)])
@every_type
def test_blocks_cover_any_shape(small_blocks: None, shape: tuple[int, ...], dtype: str) -> None:
    arrays = drawn(2, shape, dtype)
    assert same_bits(in_blocks(_kept)(*arrays), _kept(*arrays))


def _kept(W: Any, dW: Any) -> tuple[Any]:
    """Use what was made again later, so that it has a slot of its own."""
    product = W * dW
    return (((product + 1.0) * W - dW) / product,)


@pytest.mark.parametrize("around", [optim.with_l2, optim.with_weight_decay])
def test_only_large_weights_decay(around: Any) -> None:
    optimizer = around(optim.gradient_descent(0.5), 0.25)
    (W, dW), (b, db) = drawn(2, (1000, 900)), drawn(2, (1000, 1))
    updated, _ = optimizer.update(0, Parameters(W1=W, b1=b), (), Parameters(W1=dW, b1=db))
    shrunk = 0.25 * W if around is optim.with_weight_decay else 0.5 * 0.25 * W
    np.testing.assert_allclose(updated["W1"], W - 0.5 * dW - shrunk, rtol=0, atol=1e-12)
    np.testing.assert_allclose(updated["b1"], b - 0.5 * db, rtol=0, atol=1e-12)


# The same memory.


@pytest.mark.parametrize("formula", [OPTIMIZERS["Adam"].step, _kept])
def test_a_large_formula_makes_no_large_array_but_its_results(formula: Any) -> None:
    numbers = 10**6
    given = [*drawn(2, (numbers,))] if formula is _kept else [*drawn(4, (numbers,)), 0.1, 1e-8]
    results = len(in_blocks(formula)(*given))
    tracemalloc.start()
    in_blocks(formula)(*given)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < (results + 0.1) * 8 * numbers


# Who is asked, and how often.


class Asked:
    """A formula that keeps what it was given."""

    def __init__(self) -> None:
        self.given: list[Any] = []

    def __call__(self, W: Any, dW: Any, rate: Any = 0.5) -> tuple[Any]:
        """Return W - rate dW."""
        self.given.append(W)
        return (W - rate * dW,)

    def was_computed_as_it_is(self, W: Any) -> bool:
        """Return whether this very array was given at last."""
        return len(self.given) > 0 and self.given[-1] is W


def test_a_formula_is_asked_once_for_each_type(small_blocks: None) -> None:
    formula = Asked()
    for dtype in ["float32", "float64"] * 2:
        in_blocks(formula)(*drawn(2, (40,), dtype))
    assert [W.dtype.name for W in formula.given] == ["float32", "float64"]


def test_small_arrays_are_computed_with_as_they_are() -> None:
    W, dW = drawn(2, (40,))
    formula = Asked()
    in_blocks(formula)(W, dW)
    assert [each is W for each in formula.given] == [True]


def test_few_operations_are_done_as_they_are() -> None:
    W, dW = drawn(2, (10**5,))
    formula = Asked()
    in_blocks(formula)(W, dW)
    assert formula.was_computed_as_it_is(W)


FLOAT32 = np.ones((3, 40), np.float32)


@pytest.mark.parametrize(
    "given",
    [
        (np.ones(40), np.ones((2, 40)), 0.5),
        (np.ones((2, 40)), np.ones(40), 0.5),
        (np.ones(40), np.ones(40, np.float32), 0.5),
        (np.ones(40, np.float32), np.ones(40), 0.5),
        (np.ones(40, int), np.ones(40, int), 2),
        (np.ones(40), np.ones(40), np.float64(0.5)),
        (np.ones(40, np.float32), np.ones(40, np.float32), np.float64(0.5)),
        (np.ones(40), np.ones(40), np.full((40, 1), 0.5)),
        (np.ones((3, 40)), np.ones((3, 40)), np.full(40, 0.5)),
        (np.ones((3, 3, 40)), np.ones((3, 3, 40)), np.full((3, 1), 0.5)),
        (FLOAT32, FLOAT32, np.full((3, 1), 0.5)),
        (FLOAT32, FLOAT32, np.ma.MaskedArray(np.full((3, 1), 0.5, np.float32), True)),
        (np.ma.MaskedArray(np.ones(40), True), np.ones(40), 0.5),
        (np.ones(40), np.ma.MaskedArray(np.ones(40), True), 0.5),
        (np.ones((40, 3)).T, np.ones((3, 40)), 0.5),
        (np.ones((3, 40)), np.ones((40, 3)).T, 0.5),
        (np.ones(80)[::2], np.ones(40), 0.5),
        (np.ones(40, ">f8"), np.ones(40, ">f8"), 0.5),
    ],
)
def test_arrays_that_are_not_alike_are_computed_with_as_they_are(
    small_blocks: None, given: tuple[Any, ...]
) -> None:
    formula = Asked()
    (found,), (expected,) = in_blocks(formula)(*given), Asked()(*given)
    assert formula.was_computed_as_it_is(given[0])
    np.testing.assert_array_equal(found, expected, strict=True)


def test_a_list_is_handed_to_the_formula(small_blocks: None) -> None:
    (found,) = in_blocks(Asked())([1.0], np.ones(1))
    assert found == 0.5


@dataclass(frozen=True)
class Signed(type(OPTIMIZERS["gradient descent"])):  # type: ignore[misc]
    """An optimizer of somebody else's, which chooses."""

    def step(self, W: Any, dW: Any, rate: Any) -> tuple[Any]:
        """Step by the sign of the gradient."""
        return (np.where(dW > 0, W - rate, W + rate),)


def test_the_formula_of_somebody_elses_optimizer_is_computed_as_it_is(small_blocks: None) -> None:
    W, dW = Parameters(W1=np.zeros((3, 40))), Parameters(W1=np.ones((3, 40)))
    updated, _ = Signed(0.5).update(0, W, (), dW)
    assert (updated["W1"] == -0.5).all()


# What no block can be computed with is refused, and not computed wrongly.

REFUSED: dict[str, Formula] = {
    "it sums": lambda W, dW: (W - dW.sum(),),
    "it reduces": lambda W, dW: (W - np.add.reduce(dW),),
    "it takes a power": lambda W, dW: (W**3 + dW,),
    "it takes a complex power": lambda W, dW: (W ** (2 + 0j) + dW,),
    "it compares": lambda W, dW: (W * (dW > 0.5),),
    "it has an array of its own": lambda W, _: (W + np.arange(40.0),),
    "it has a number of NumPy's": lambda W, _: (W + np.float64(0.1),),
    "it writes": lambda W, dW: (np.add(W, dW, out=np.empty(40)),),
    "it divides to two": np.divmod,
    "it multiplies vectors": lambda W, dW: (W * (W @ dW),),
    "it returns what it was given": lambda W, dW: (W, W + dW),
    "it returns one twice": lambda W, dW: (W + dW,) * 2,
    "it returns a number": lambda W, _: (1.5, W + 1.0),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("what", REFUSED)
def test_what_does_not_treat_each_number_by_itself_is_refused(
    small_blocks: None, what: str, dtype: str
) -> None:
    with pytest.raises((TypeError, AttributeError)):
        in_blocks(REFUSED[what])(*drawn(2, (40,), dtype))


def test_a_function_that_changes_the_type_is_refused(small_blocks: None) -> None:
    with pytest.raises(TypeError):
        in_blocks(lambda W: (np.float_power(W, 2.5),))(np.ones(40, np.float32))


def test_an_operation_of_rates_alone_is_refused(small_blocks: None) -> None:
    with pytest.raises(TypeError):
        in_blocks(lambda W, rate: ((rate + 1.0) * W,))(np.ones(40), 0.5)


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
