"""Early stopping: an iterator that ends the trajectory when the best state is long past."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from math import isnan
from typing import NamedTuple

from catpipe.nn.parameters import Parameters
from catpipe.training.loop import State


class Checkpoint(NamedTuple):
    """The current state, the best state with its validation cost, and the checks since then."""

    state: State
    best: State
    cost: float
    waited: int


def early_stopping(
    states: Iterable[State],
    validation_cost: Callable[[Parameters], float],
    patience: int,
    *,
    every: int = 100,
    kept: Checkpoint | None = None,
) -> Iterator[Checkpoint]:
    """Return a checkpoint for each state; end after `patience` checks without a lower cost.

    The validation cost is checked where `every` divides the iteration (Prechelt 1998). To carry on,
    pass the last checkpoint. Raises `ValueError` unless patience and every are at least 1.

    >>> costs = {0: 0.5, 1: 0.3, 2: 0.4, 3: 0.6, 4: 0.1}
    >>> states = (State(i, Parameters(b=[float(i)]), ()) for i in costs)
    >>> for kept in early_stopping(states, lambda p: costs[int(p["b"][0])], patience=2, every=1):
    ...     print(kept.state.iteration, kept.best.iteration, kept.cost, kept.waited)
    0 0 0.5 0
    1 1 0.3 0
    2 1 0.3 1
    3 1 0.3 2
    """
    if patience < 1 or every < 1:
        raise ValueError(f"patience {patience}, every {every}; expected integers of at least 1")
    for state in states:
        if kept is None:
            kept = Checkpoint(state, state, validation_cost(state.parameters), 0)
        elif state.iteration > kept.state.iteration and state.iteration % every == 0:
            kept = _checked(kept, state, validation_cost(state.parameters))
        else:
            kept = kept._replace(state=state)
        yield kept
        if kept.waited >= patience:
            return


def best_of(kept: Checkpoint, validation_cost: Callable[[Parameters], float]) -> State:
    """Return the best state of a run that ends here; the last state, not checked yet, may be it.

    The checkpoint itself does not change, so a longer run can carry on from it.

    >>> first, second = (State(i, Parameters(b=[float(i)]), ()) for i in (0, 1))
    >>> best_of(Checkpoint(second, first, 0.5, 0), lambda p: 0.25).iteration
    1
    """
    return _checked(kept, kept.state, validation_cost(kept.state.parameters)).best


def _checked(kept: Checkpoint, state: State, cost: float) -> Checkpoint:
    if cost < kept.cost or isnan(kept.cost):
        return Checkpoint(state, state, cost, 0)
    return kept._replace(state=state, waited=kept.waited + 1)
