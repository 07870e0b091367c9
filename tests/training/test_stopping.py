"""Early stopping keeps the best of the states checked, and ends when patience is at an end."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toolz import last

from catpipe.nn.parameters import Parameters
from catpipe.training.loop import State
from catpipe.training.stopping import Checkpoint, checked_at, early_stopping

cost_lists = st.lists(st.sampled_from([0.5, 0.25, 1.0, 0.125, 2.0, np.inf]), min_size=1)
patiences = st.integers(1, 6)
everies = st.integers(1, 4)


def states(count: int, start: int = 0) -> list[State]:
    """Return states whose parameters are their iteration."""
    return [State(i, Parameters(W1=[[float(i)]]), ()) for i in range(start, count)]


def looked_up(costs: list[float]):
    """Return the function that gives the parameters of each iteration the cost of that number."""
    return lambda parameters: costs[int(parameters["W1"].item())]


def stopped(costs: list[float], patience: int, every: int = 1) -> list[Checkpoint]:
    return [*early_stopping(states(len(costs)), looked_up(costs), patience, every=every)]


def by_hand(costs: list[float], patience: int, every: int) -> tuple[int, int, int]:
    """Return the iteration that is the last, the best, and the checks between: a plain loop."""
    best, waited, reached = 0, 0, 0
    for reached in range(1, len(costs)):
        if reached % every == 0:
            if costs[reached] < costs[best]:
                best, waited = reached, 0
            else:
                waited += 1
            if waited == patience:
                break
    return (reached if len(costs) > 1 else 0), best, waited


@given(cost_lists, patiences, everies)
def test_it_ends_where_a_plain_loop_does_with_the_same_best(costs, patience, every):
    checkpoint = stopped(costs, patience, every)[-1]
    reached, best, waited = by_hand(costs, patience, every)
    assert (checkpoint.state.iteration, checkpoint.chosen.iteration, checkpoint.checks) == (
        reached,
        best,
        waited,
    )
    assert checkpoint.validation_cost == costs[best]


@given(cost_lists, patiences, everies)
def test_every_state_is_handed_on_in_order_until_the_end(costs, patience, every):
    handed_on = stopped(costs, patience, every)
    assert [checkpoint.state.iteration for checkpoint in handed_on] == [*range(len(handed_on))]


@given(cost_lists, patiences, everies)
def test_the_best_has_the_lowest_cost_of_those_checked_and_the_first_of_equals(
    costs, patience, every
):
    for checkpoint in stopped(costs, patience, every):
        checked = costs[: checkpoint.state.iteration + 1 : every]
        assert checkpoint.chosen.iteration == every * checked.index(min(checked))
        assert checkpoint.chosen.parameters["W1"].item() == checkpoint.chosen.iteration


def test_the_start_is_kept_where_nothing_is_better():
    checkpoint = stopped([0.1, 0.5, 0.4, 0.3], patience=3)[-1]
    assert (
        checkpoint.chosen.iteration,
        checkpoint.state.iteration,
        checkpoint.validation_cost,
    ) == (
        0,
        3,
        0.1,
    )


def test_an_equal_cost_is_no_better():
    assert stopped([0.5, 0.5, 0.5], patience=2)[-1].checks == 2


def test_a_cost_that_is_no_number_is_no_better():
    checkpoint = stopped([0.5, np.nan, np.nan, 0.1], patience=2)[-1]
    assert (checkpoint.chosen.iteration, checkpoint.state.iteration) == (0, 2)


@given(cost_lists, patiences, everies, st.integers(0, 60))
def test_carrying_on_from_what_was_kept_is_never_having_stopped(costs, patience, every, k):
    at_once = stopped(costs, patience, every)
    checkpoint = at_once[min(k, len(at_once) - 1)]
    rest = states(len(costs), start=checkpoint.state.iteration)
    carried_on = [
        *early_stopping(rest, looked_up(costs), patience, every=every, checkpoint=checkpoint)
    ]
    assert carried_on == at_once[checkpoint.state.iteration :]


def test_what_is_kept_pickles():
    checkpoint = stopped([0.5, 0.1, 0.3], patience=5)[-1]
    assert pickle.loads(pickle.dumps(checkpoint)) == checkpoint


@given(cost_lists, patiences, everies)
def test_no_state_is_asked_for_beyond_the_end(costs, patience, every):
    asked_for = iter(states(len(costs)))
    reached = last(
        early_stopping(asked_for, looked_up(costs), patience, every=every)
    ).state.iteration
    assert [state.iteration for state in asked_for] == [*range(reached + 1, len(costs))]


def test_states_are_asked_for_one_by_one():
    asked_for = iter(states(10))
    handed_on = early_stopping(asked_for, looked_up([0.5] * 10), patience=9, every=1)
    assert [next(handed_on).state.iteration for _ in range(3)] == [0, 1, 2]
    assert next(asked_for).iteration == 3


@given(everies)
def test_the_cost_is_only_computed_where_it_is_checked(every):
    checked = []

    def cost(parameters):
        checked.append(int(parameters["W1"].item()))
        return 0.5

    list(early_stopping(states(12), cost, patience=99, every=every))
    assert checked == [*range(0, 12, every)]


def test_a_hundred_iterations_lie_between_checks_unless_said_otherwise():
    costs = [1 / (1 + i) for i in range(250)]
    checkpoint = last(early_stopping(states(250), looked_up(costs), patience=1))
    assert (checkpoint.chosen.iteration, checkpoint.state.iteration) == (200, 249)


@pytest.mark.parametrize(("patience", "every"), [(0, 1), (-1, 1), (1, 0), (1, -100)])
def test_no_patience_and_no_checks_are_refused(patience, every):
    with pytest.raises(ValueError, match=r"(patience|every) .*; expected an integer of at least 1"):
        next(early_stopping(states(3), looked_up([0.5] * 3), patience, every=every))


@given(cost_lists, everies)
def test_the_best_where_a_run_ends_may_be_its_last_state_which_was_not_yet_checked(costs, every):
    checkpoint = stopped(costs, 10**6, every)[-1]
    end = len(costs) - 1
    best = checked_at(checkpoint, looked_up(costs)).chosen.iteration
    assert costs[best] == min(costs[i] for i in {*range(0, end + 1, every), end})


def test_a_cost_that_is_no_number_is_not_the_best_for_ever():
    checkpoint = stopped([float("nan"), 0.5, 0.6], patience=5)[-1]
    assert (checkpoint.chosen.iteration, checkpoint.validation_cost) == (1, 0.5)
