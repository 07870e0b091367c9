"""A network that learned nothing is said to be so, and one that learned is left in peace."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from catpipe.data.drawn.drawings import draw
from catpipe.data.examples import Examples
from catpipe.data.transforms.scaling import standardize
from catpipe.experiments.diagnosis import Hint, Signs, diagnose, hint_for
from catpipe.experiments.ensembles import fit_seeds
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import fit
from catpipe.experiments.result import cost_on
from tests.typed import in_colours

PLAIN = Experiment(seed=1, hidden=(8,), initializer="he", learning_rate=0.05, iterations=300)
MSE: dict[str, Any] = {"loss": "mean_squared_error", "hidden": (), "initializer": "zeros"}


@pytest.fixture(scope="module")
def drawn() -> Examples:
    return draw(seed=1, train=40, test=1).train


def table(scale: float = 1) -> Examples:
    draws = np.random.default_rng(5)
    inputs = draws.normal(size=(60, 4))
    return Examples(scale * inputs, (inputs[:, 0] > 0).astype(int))


def line(scale: float = 1, offset: float = 0) -> Examples:
    inputs = np.random.default_rng(6).normal(size=(60, 3))
    return Examples(inputs, offset + scale * (inputs @ [1.0, -2.0, 0.5]))


def seen(experiment: Experiment, examples: Examples) -> str:
    hint = diagnose(fit(experiment, examples), examples)
    assert hint
    return hint.seen


def tries(experiment: Experiment, examples: Examples) -> dict[str, str]:
    hint = diagnose(fit(experiment, examples), examples)
    assert hint
    return dict(hint.tries)


def test_a_dead_network_is_told_to_try_another_start(drawn):
    dead = Experiment(seed=1, hidden=(20, 7, 5), initializer="small", iterations=300)
    assert "predicts the same for each example" in seen(dead, drawn)
    assert tries(dead, drawn) == {"initializer": "he", "learning_rate": "smaller"}


def test_a_network_that_a_penalty_holds_down_is_told_to_try_less_of_it(drawn):
    held = Experiment(seed=1, hidden=(20, 7, 5), l2=5.0, iterations=1000, initializer="he")
    assert tries(held, drawn)["l2"] == "smaller"
    assert "initializer" not in tries(held, drawn)


def test_a_network_that_hardly_moves_is_told_to_try_a_larger_rate():
    slow = PLAIN._replace(learning_rate=1e-7)
    assert "the cost hardly moved" in seen(slow, table())
    assert tries(slow, table()) == {"learning_rate": "larger"}


def test_inputs_in_the_thousands_are_told_to_be_scaled():
    slow = PLAIN._replace(learning_rate=1e-15)
    assert "; the inputs' root mean square is 9.85e+03" in seen(slow, table(1e4))
    assert tries(slow, table(1e4)) == {"transforms": "standardize"}


def test_a_cost_above_that_of_a_constant_prediction_is_said_of_large_inputs_alone():
    signs = Signs(500, first=2000.0, last=300.0, constant=0.7, spread=1.0)
    assert hint_for(signs, PLAIN) is None
    hint = hint_for(signs._replace(size=5000), PLAIN)
    assert hint
    assert "the cost is 300 after 500 iterations, and 0.7 that of a constant" in hint.seen


def test_what_a_transform_has_scaled_is_not_told_to_be_scaled():
    slow = PLAIN._replace(learning_rate=1e-9, transforms=(standardize(),))
    assert "transforms" not in tries(slow, table(1e4))


def test_a_cost_that_grows_is_told_to_try_a_smaller_rate():
    grown = Experiment(seed=1, **MSE, learning_rate=0.56, iterations=100)
    signs = Signs(100, first=1.0, last=12.0, constant=1.0, spread=1.0)
    hint = hint_for(signs, grown)
    assert hint == Hint(
        "the cost grew from 1 to 12 after 100 iterations", (("learning_rate", "smaller"),)
    )


def test_a_regression_that_diverges_slowly_is_seen():
    assert "the cost grew" in seen(Experiment(seed=1, **MSE, learning_rate=1.0, iterations=100),
                                   line())  # fmt: skip


GENTLE = PLAIN._replace(learning_rate=0.005)
QUIET = {
    "plain": GENTLE,
    "of 5 iterations": GENTLE._replace(iterations=5, learning_rate=1e-9),
    "the article's": Experiment(seed=1, iterations=300),
    "logistic": Experiment(seed=1, hidden=(), initializer="zeros", iterations=300),
    "batches": GENTLE._replace(batch_size=8),
    "batches of one": GENTLE._replace(batch_size=1),
    "dropout": GENTLE._replace(dropout=0.5),
    "adam": GENTLE._replace(optimizer="adam", learning_rate=0.0001),
    "early stopping": GENTLE._replace(early_stopping=2),
    "balanced": GENTLE._replace(class_weight="balanced"),
    "float32": GENTLE._replace(dtype="float32"),
}


@pytest.mark.parametrize("experiment", QUIET.values(), ids=QUIET)
def test_a_network_that_learns_gets_no_hint(drawn, experiment):
    assert diagnose(fit(experiment, drawn), drawn) is None


def test_a_network_of_several_classes_gets_no_hint():
    examples = in_colours(40, 1)
    assert diagnose(fit(PLAIN._replace(classes=4), examples), examples) is None


@pytest.mark.parametrize("examples", [line(), line(1000, 5000), line(0.01, 3)])
def test_a_regression_that_learns_gets_no_hint(examples):
    experiment = Experiment(seed=1, **MSE, learning_rate=0.05, iterations=300)
    assert diagnose(fit(experiment, examples), examples) is None


def test_where_all_targets_are_equal_there_is_nothing_to_learn_and_no_hint():
    examples = line(0, 3)
    dead = Experiment(seed=1, **MSE, learning_rate=1e-9, iterations=200)
    assert diagnose(fit(dead, examples), examples) is None


def test_a_stack_gets_a_hint_where_most_of_its_networks_learned_nothing(drawn):
    dead = Experiment(seed=1, initializer="small", iterations=200)
    hint = diagnose(fit_seeds(dead, range(3), drawn), drawn)
    assert hint
    assert hint.seen.startswith("3 networks: the network predicts the same")


def test_a_stack_that_learns_gets_no_hint(drawn):
    stack = fit_seeds(QUIET["plain"], range(3), drawn)
    assert diagnose(stack, drawn) is None
    assert diagnose(stack, drawn, cost_on(stack, drawn)) is None


@pytest.mark.parametrize(("dead", "is_hinted"), [(1, False), (2, True)])
def test_a_stack_is_judged_by_more_than_half_of_its_networks(dead, is_hinted):
    last, spread = np.full(3, 0.1), np.ones(3)
    last[:dead], spread[:dead] = 0.65, 0
    signs = Signs(2500, np.full(3, 0.7), last, 0.65, spread)
    assert (hint_for(signs, PLAIN) is not None) == is_hinted


def test_the_articles_run_on_the_photographs_gets_no_hint(photographs):
    for iterations in (5, 200, 1000):
        article = Experiment(seed=1, iterations=iterations)
        assert diagnose(fit(article, photographs.train), photographs.train) is None
