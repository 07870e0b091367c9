"""Early stopping: an iterator over the trajectory that remembers the best state, and ends after it.

A checkpoint is what a run carries on from, with early stopping and without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from math import isnan
from reprlib import repr as brief
from typing import NamedTuple

from catpipe.checks import whole
from catpipe.nn.parameters import Parameters
from catpipe.training.loop import State


class Checkpoint(NamedTuple):
    """What a run carries on from: its state and, with early stopping, the best state so far.

    `validation_cost` is that of the best; `checks` counts those made since. Without early stopping
    there is no best.
    """

    state: State
    best: State | None = None
    validation_cost: float | None = None
    checks: int = 0

    @property
    def chosen(self) -> State:
        """Return the state whose parameters the run gives: the best, or the latest without one."""
        return self.best or self.state

    def stopped_early(self, patience: int | None) -> bool:
        """Return whether so many checks have passed without a lower validation cost."""
        return patience is not None and self.checks >= patience

    def is_finished(self, iterations: int, patience: int | None) -> bool:
        """Return whether a run of so many planned iterations has nothing left to train."""
        return self.state.iteration >= iterations or self.stopped_early(patience)


def early_stopping(
    states: Iterable[State],
    validation_cost: Callable[[Parameters], float],
    patience: int,
    *,
    every: int = 100,
    checkpoint: Checkpoint | None = None,
) -> Iterator[Checkpoint]:
    """Hand on checkpoints of the states; end after `patience` checks without a lower cost.

    The validation cost is checked where `every` divides the iteration (Prechelt 1998). To carry on,
    pass the last checkpoint. Raises `ValueError` unless patience and every are at least 1.

    >>> costs = {0: 0.5, 1: 0.3, 2: 0.4, 3: 0.6, 4: 0.1}
    >>> states = (State(i, Parameters(b=[float(i)]), ()) for i in costs)
    >>> for at in early_stopping(states, lambda p: costs[int(p["b"][0])], patience=2, every=1):
    ...     print(at.state.iteration, at.best.iteration, at.validation_cost, at.checks)
    0 0 0.5 0
    1 1 0.3 0
    2 1 0.3 1
    3 1 0.3 2
    """
    whole("patience", patience)
    whole("every", every)
    if not callable(validation_cost):
        raise TypeError(f"validation_cost {brief(validation_cost)}; expected a function")
    for state in states:
        if checkpoint is None:
            checkpoint = Checkpoint(state, state, validation_cost(state.parameters))
        elif state.iteration > checkpoint.state.iteration and state.iteration % every == 0:
            checkpoint = checked_at(checkpoint._replace(state=state), validation_cost)
        else:
            checkpoint = checkpoint._replace(state=state)
        yield checkpoint
        if checkpoint.stopped_early(patience):
            return


def checked_at(
    checkpoint: Checkpoint, validation_cost: Callable[[Parameters], float]
) -> Checkpoint:
    """Return the checkpoint after its state was compared with the best.

    >>> first, second = (State(i, Parameters(b=[float(i)]), ()) for i in (0, 1))
    >>> checked_at(Checkpoint(second, first, 0.5), lambda p: 0.25).best.iteration
    1
    """
    state, _, lowest, checks = checkpoint
    cost = validation_cost(state.parameters)
    if lowest is None or cost < lowest or isnan(lowest):
        return Checkpoint(state, state, cost)
    return checkpoint._replace(checks=checks + 1)
