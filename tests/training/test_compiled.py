"""What JAX compiles is the same fold, up to rounding, and a run of it is as good as any."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import pytest

from catpipe import nn
from catpipe.data import batches
from catpipe.data.batches import Batch
from catpipe.experiments.ensembles import fit_seeds
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import fit, run
from catpipe.experiments.result import Result
from catpipe.experiments.resuming import replay, resume
from catpipe.experiments.setup import prepare, with_mask
from catpipe.nn.layers import Dropout, MaskedDropout
from catpipe.nn.parameters import Parameters
from catpipe.optim.optimizers import GradientDescent, adam, gradient_descent
from catpipe.training import compiled
from catpipe.training.compiled import Turns, compiled_trajectory, on_device
from catpipe.training.loop import SAMPLE_EVERY, Diverged, State, initial_state
from tests.points import normal
from tests.typed import in_colours

pytest.importorskip("jax")

PICTURES = in_colours(24, 1, classes=3)
LONG = Experiment(seed=3, hidden=(4, 3), activation="tanh", classes=3, learning_rate=0.05,
                  iterations=300)  # fmt: skip
SHORT = LONG._replace(batch_size=7, iterations=120)

SETTINGS: dict[str, Experiment] = {
    "full batches": LONG._replace(activation="relu", l2=0.01),
    "subspace": LONG._replace(batch_size=5, optimizer="nesterov", weight_decay=0.01),
    "adam": LONG._replace(batch_size=8, optimizer="adam", warm_up=20, schedule=("cosine",)),
    "short batches": SHORT._replace(optimizer="adamw", activation="gelu"),
    "rmsprop": SHORT._replace(optimizer="rmsprop", activation="elu", learning_rate=0.003),
    "dropout": SHORT._replace(dropout=0.4, activation="softplus"),
    "class weights": SHORT._replace(class_weight="balanced", optimizer="heavy_ball"),
    "full batches and dropout": SHORT._replace(
        batch_size=None, dropout=0.4, schedule=("step", 0.5, 30), activation=("silu", "leaky_relu")
    ),
    "float32": SHORT._replace(dtype="float32", optimizer="adam", learning_rate=0.003),
    "stopped early": SHORT._replace(early_stopping=2, learning_rate=0.5, iterations=400),
    "patient": SHORT._replace(early_stopping=500, optimizer="averaged_momentum"),
}  # fmt: skip
settings = pytest.mark.parametrize("asked", SETTINGS.values(), ids=SETTINGS)


def fitted(asked: Experiment, *, compiled: bool) -> Result:
    return fit(asked._replace(compiled=compiled), PICTURES)


def assert_near(one: Parameters, other: Parameters, most: float) -> None:
    assert one.layout == other.layout
    assert one.vector.dtype == other.vector.dtype
    np.testing.assert_allclose(
        one.vector, other.vector, rtol=0, atol=most * np.abs(one.vector).max()
    )


@settings
def test_a_compiled_run_is_the_other_one_up_to_rounding(asked):
    plain, program = (fitted(asked, compiled=way) for way in (False, True))
    digits = 1e-10 if asked.dtype == "float64" else 1e-4
    assert_near(plain.parameters, program.parameters, digits)
    assert plain.space == program.space
    assert (plain.iteration, plain.iterations_done) == (program.iteration, program.iterations_done)
    assert [at for at, _ in plain.costs] == [at for at, _ in program.costs]
    for (_, one), (_, other) in zip(plain.costs, program.costs, strict=True):
        assert one == pytest.approx(other, rel=digits)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [("dual", {"weight_decay": 0.01}), ("subspace", {"batch_size": 3}), ("full", {"dropout": 0.4})],
)
def test_in_every_space(kind, changes):
    wide = in_colours(8, 1, classes=3, side=12)
    asked = LONG._replace(iterations=120, optimizer="nesterov", learning_rate=0.01, **changes)
    asked = asked._replace(full_space=kind == "full")
    plain, program = (fit(asked._replace(compiled=way), wide) for way in (False, True))
    assert plain.space == program.space == kind
    assert_near(plain.parameters, program.parameters, 1e-10)


@pytest.mark.parametrize("size", [30, 500])
def test_where_an_epoch_visits_more_examples_than_there_are(size):
    rare = PICTURES._replace(targets=np.where(np.arange(24) % 8, PICTURES.targets // 2, 2))
    asked = SHORT._replace(order="balanced", batch_size=size)
    plain, program = (fit(asked._replace(compiled=way), rare) for way in (False, True))
    assert_near(plain.parameters, program.parameters, 1e-10)


def test_in_float32_too():
    asked = SETTINGS["adam"]._replace(dtype="float32", iterations=60)
    plain, program = (fitted(asked, compiled=way) for way in (False, True))
    assert_near(plain.parameters, program.parameters, 1e-4)


WIDE = in_colours(8, 1, classes=3, side=12)
OF_WIDE = SETTINGS["adam"]._replace(iterations=60, batch_size=None)


@pytest.mark.parametrize(
    "changes",
    [{}, {"batch_size": 5}, {"dropout": 0.4}, {"class_weight": "balanced"}, {"hidden": (1,)}],
    ids=str,
)
@pytest.mark.parametrize(("dtype", "digits"), [("float32", 1e-4), ("float64", 1e-10)])
def test_examples_of_many_more_numbers_than_units_too(dtype, digits, changes):
    asked = OF_WIDE._replace(dtype=dtype, **changes)
    plain, program = (fit(asked._replace(compiled=way), WIDE) for way in (False, True))
    assert plain.parameters["W1"].shape[1] == 432
    assert_near(plain.parameters, program.parameters, digits)


def test_a_stack_of_them_in_float32_too():
    asked = OF_WIDE._replace(dtype="float32")
    plain, program = (
        fit_seeds(asked._replace(compiled=way), range(1, 4), WIDE) for way in (False, True)
    )
    assert program.parameters["W1"].shape == (3, 4, 432)
    assert_near(plain.parameters, program.parameters, 1e-4)


@pytest.mark.parametrize(
    ("units", "dtype", "is_stack", "are_rows"),
    [
        (4, "float32", False, True),
        (4, "float32", True, False),
        (4, "float64", False, False),
        (9, "float32", False, False),
    ],
)
def test_they_lie_in_rows_where_their_layer_multiplies_by_rows(units, dtype, is_stack, are_rows):
    X = normal(1, 432, 8).astype(dtype)
    data = on_device(nn.mlp(432, units, 1), Turns(Batch(X, normal(2, 1, 8))), is_stack=is_stack)
    assert data[0].shape == ((8, 432) if are_rows else (432, 8))
    assert data[1].shape == (1, 8)


@pytest.mark.parametrize("optimizer", ["gradient_descent", "adam"])
def test_a_stack_too(optimizer):
    asked = LONG._replace(optimizer=optimizer, iterations=120)
    plain, program = (
        fit_seeds(asked._replace(compiled=way), range(1, 5), PICTURES) for way in (False, True)
    )
    assert program.parameters["W1"].shape == (4, 4, PICTURES.inputs[0].size)
    assert_near(plain.parameters, program.parameters, 1e-10)
    np.testing.assert_allclose(plain.costs[-1][1], program.costs[-1][1], rtol=1e-10)


def test_networks_that_each_learn_from_some_of_the_examples_too():
    mask = (np.arange(24) % 3 != np.arange(2)[:, np.newaxis])[:, np.newaxis]
    asked = SHORT._replace(optimizer="adam")
    setups = (prepare(asked._replace(compiled=way), PICTURES) for way in (False, True))
    plain, program = (run(with_mask(setup, mask)) for setup in setups)
    assert program.parameters["W1"].ndim == 3
    assert_near(plain.parameters, program.parameters, 1e-10)


@pytest.mark.parametrize("k", [100, 119])
@pytest.mark.parametrize("asked", [SHORT._replace(optimizer="adam", dropout=0.4)], ids=["adam"])
def test_to_stop_where_a_stretch_ends_and_to_carry_on_is_never_to_have_stopped(asked, k):
    asked = asked._replace(compiled=True)
    whole = fit(asked, PICTURES)
    stopped = fit(asked, PICTURES, lambda checkpoints: _until(k, checkpoints))
    assert stopped.iterations_done == k
    assert resume(stopped, PICTURES) == whole
    assert replay(stopped, PICTURES) == stopped


def _until(k: int, checkpoints):
    for checkpoint in checkpoints:
        yield checkpoint
        if checkpoint.state.iteration == k:
            return


def test_a_run_that_was_made_longer_is_replayed_to_the_bit():
    short = fit(SHORT._replace(compiled=True, iterations=50), PICTURES)
    longer = resume(short, PICTURES, iterations=70)
    assert replay(longer, PICTURES) == longer


@pytest.mark.parametrize("leading", [(), (2,)], ids=["one network", "a stack"])
@pytest.mark.parametrize("start", [0, 5])
@pytest.mark.parametrize(("visits", "size"), [(12, 5), (7, 3), (20, 8), (20, 15), (20, 50)])
def test_what_is_picked_is_what_mini_batches_pick(visits, size, start, leading):
    def order(epoch):
        return np.random.default_rng(epoch).integers(12, size=visits)

    weights = normal(1, *leading, 1, 12) ** 2
    everything = Batch(normal(2, 3, 12), normal(3, 1, 12), weights)
    turns, most = Turns(everything, order, size), min(visits, size)
    picks: Iterator[Any] = turns.picks(start, most)
    others: Iterator[Any] = batches.picked(everything, order, size, start)
    for at in range(start, start + 9):
        (places, seen, shares), (expected, of_each) = next(picks), next(others)
        assert places.shape[-1] == shares.shape[-1] == most
        np.testing.assert_array_equal(places[:seen], expected)
        np.testing.assert_array_equal(shares[..., :seen], of_each)
        assert not shares[..., seen:].any()
        assert {*places} <= {*order(at // batches.batches_in_epoch(visits, size))}


def counted(asked_of: list[int]):
    def rate(iteration):
        asked_of.append(iteration)
        if iteration == 9 * SAMPLE_EVERY:
            raise ValueError("nobody asked for this iteration")
        return 0.01

    return gradient_descent(rate)


def ahead(optimizer) -> Iterator[State]:
    net, start = nn.mlp(2, 1), Parameters(W1=normal(1, 1, 2), b1=np.zeros((1, 1)))
    turns = Turns(Batch(normal(2, 2, 3), np.ones((1, 3))))
    return compiled_trajectory(net, optimizer, turns, initial_state(optimizer, start), 2000, never)


def never(iteration: int) -> bool:
    return False


def test_what_the_next_program_needs_is_drawn_before_a_state_is_handed_on():
    asked_of: list[int] = []
    states = ahead(counted(asked_of))
    assert [state.iteration for state in islice(states, 2)] == [0, 100]
    assert max(asked_of) == 2 * compiled.STRETCHES * SAMPLE_EVERY - 1


def test_what_goes_wrong_ahead_is_raised_when_it_is_reached():
    states = ahead(counted([]))
    reached = [state.iteration for state in islice(states, 9)]
    assert reached == [*range(0, 801, 100)]
    with pytest.raises(ValueError, match="nobody asked"):
        next(states)


def test_where_there_is_nothing_left_to_train_the_first_state_is_the_only_one():
    descent, start = gradient_descent(0.1), Parameters(W1=normal(1, 1, 2), b1=np.zeros((1, 1)))
    turns = Turns(Batch(normal(2, 2, 3), np.ones((1, 3))))
    state = initial_state(descent, start)._replace(iteration=7)
    assert [*compiled_trajectory(nn.mlp(2, 1), descent, turns, state, 7, never)] == [state]


@pytest.mark.parametrize("most", [1, 3])
def test_how_many_stretches_a_program_has_changes_no_bit(monkeypatch, most):
    asked = SHORT._replace(compiled=True, optimizer="adam", early_stopping=500, iterations=130)
    whole = fit(asked, PICTURES)
    monkeypatch.setattr(compiled, "STRETCHES", most)
    assert fit(asked, PICTURES) == whole


@pytest.mark.parametrize("most", [2000, 50_000])
def test_what_is_drawn_for_a_program_is_bounded(monkeypatch, most):
    asked = SHORT._replace(dropout=0.4, compiled=True, class_weight="balanced")
    whole, drawn = fit(asked, PICTURES), compiled._drawn

    def measured(*arguments):
        found = drawn(*arguments)
        assert sum(each.nbytes for each in found.values()) <= most
        return found

    monkeypatch.setattr(compiled, "MOST", most)
    monkeypatch.setattr(compiled, "_drawn", measured)
    seen: list[int] = []

    def watched(checkpoints):
        for checkpoint in checkpoints:
            seen.append(checkpoint.state.iteration)
            yield checkpoint

    again = fit(asked, PICTURES, watched)
    assert 5 < max(np.diff(seen)) < (50 if most == 2000 else 101)
    assert_near(again.parameters, whole.parameters, 1e-12)


def test_masks_of_your_own_are_dropped_by():
    def masks(iteration: int) -> Any:
        return np.random.default_rng(iteration).random((4, 24)) < 0.5

    whole = nn.mlp(PICTURES.inputs[0].size, 4, 3, 3, loss=nn.SOFTMAX_CROSS_ENTROPY)
    first, *others = whole.layers
    drops = Dropout(0.2, seed=1, number=7), MaskedDropout(0.5, masks)
    net = whole._replace(layers=(drops[0], first, drops[1], *others))
    asked = LONG._replace(iterations=30)
    plain, program = (
        fit(asked._replace(compiled=way), PICTURES, network=net) for way in (False, True)
    )
    assert_near(plain.parameters, program.parameters, 1e-10)


@dataclass(frozen=True)
class Signs(GradientDescent):
    """Descent along the signs of gradients, which asks the arrays for their functions."""

    is_linear = commutes_with_rotations = False

    def step(self, W, dW, rate):
        """Return W - rate sign(dW)."""
        xp, dW = nn.namespaced(dW)
        return (W - rate * xp.sign(dW),)


def test_an_optimizer_of_your_own_is_compiled():
    asked = LONG._replace(iterations=30)
    plain, program = (
        fit(asked._replace(compiled=way), PICTURES, optimizer=Signs(0.01)) for way in (False, True)
    )
    assert_near(plain.parameters, program.parameters, 1e-10)


class Mine:
    """Descent that somebody changes between two runs."""

    commutes_with_rotations = is_linear = False

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def init(self, parameters):  # noqa: ARG002
        """Return no moments."""
        return ()

    def update(self, iteration, parameters, moments, gradients):  # noqa: ARG002
        """Return W - rate dW."""
        return nn.map_numbers(lambda W, dW: (W - self.rate * dW,), parameters, gradients)[0], ()


def test_a_program_of_yours_is_compiled_anew_in_each_run():
    mine, asked = Mine(0.01), LONG._replace(iterations=10, compiled=True)
    slow = fit(asked, PICTURES, optimizer=mine)
    mine.rate = 0.1
    fast = fit(asked, PICTURES, optimizer=mine)
    plain = fit(asked._replace(compiled=False), PICTURES, optimizer=mine)
    assert slow.parameters != fast.parameters
    assert_near(plain.parameters, fast.parameters, 1e-10)


@pytest.mark.parametrize("rate", [None, np.array([0.5]), True])
def test_a_schedule_of_yours_is_checked_as_elsewhere(rate):
    late = gradient_descent(lambda iteration: 0.05 if iteration < 5 else rate)
    with pytest.raises(ValueError, match=r"learning rate .*; expected a number"):
        fit(LONG._replace(iterations=10, compiled=True), PICTURES, optimizer=late)


def test_rates_that_make_a_stack_of_one_network_do_so():
    rates = adam(np.array([0.05, 0.1]).reshape(2, 1, 1))
    asked = LONG._replace(iterations=10)
    plain, program = (
        fit(asked._replace(compiled=way), PICTURES, optimizer=rates) for way in (False, True)
    )
    assert program.parameters["W1"].ndim == 3
    assert_near(plain.parameters, program.parameters, 1e-10)


@dataclass(frozen=True)
class OfNumPy(Signs):
    """The same in NumPy's functions alone."""

    def step(self, W, dW, rate):
        """Return the same."""
        return (W - rate * np.sign(dW),)


def test_what_jax_cannot_trace_is_refused_in_a_sentence():
    with pytest.raises(TypeError, match=r"JAX cannot trace; expected functions .*: write xp, Z = "):
        fit(LONG._replace(compiled=True), PICTURES, optimizer=OfNumPy(0.01))


def test_without_jax_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(ModuleNotFoundError, match=r"needs JAX; .*: pip install 'catpipe\[jax\]'"):
        fit(SHORT._replace(compiled=True), PICTURES)


def test_augmentation_is_not_compiled():
    with pytest.raises(ValueError, match="compiled is true with augmentation"):
        fit(LONG._replace(compiled=True, augmentation=(("flipped",),)), PICTURES)


def test_parameters_of_several_types_are_refused():
    start = Parameters(W1=normal(1, 1, 2), b1=np.zeros((1, 1), np.float32))
    descent = gradient_descent(0.1)
    turns = Turns(Batch(normal(2, 2, 3), np.ones((1, 3))))
    states = compiled_trajectory(
        nn.mlp(2, 1), descent, turns, initial_state(descent, start), 2, bool
    )
    with pytest.raises(TypeError, match="are apart; expected arrays of one type"):
        list(states)


def test_arguments_are_left_as_they_were():
    X, Y = normal(2, 2, 3), np.ones((1, 3))
    before = X.tobytes(), Y.tobytes()
    start = Parameters(W1=normal(1, 1, 2), b1=np.zeros((1, 1)))
    descent = gradient_descent(0.1)
    first, *_, last = compiled_trajectory(
        nn.mlp(2, 1), descent, Turns(Batch(X, Y)), initial_state(descent, start), 9, bool
    )
    assert (X.tobytes(), Y.tobytes()) == before
    assert first.parameters is start
    assert last.parameters != start
    assert not last.parameters["W1"].flags.writeable


def test_a_cost_that_is_no_longer_finite_stops_it():
    steep = LONG._replace(learning_rate=1e200, compiled=True, activation="identity")
    with pytest.raises(Diverged, match="expected a finite one: lower the learning rate"):
        fit(steep, PICTURES)
