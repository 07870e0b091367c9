"""A run watched from outside: iterators that hand on its states and show them as they pass."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator

from catpipe.training import State


def narrated(states: Iterable[State], say: Callable[[str], object]) -> Iterator[State]:
    """Hand on the states, and say each cost as it is sampled."""
    said = 0
    for state in states:
        for iteration, cost in state.costs[said:]:
            say(cost_line(iteration, float(cost)))
        said = len(state.costs)
        yield state


def cost_line(iteration: int, cost: float) -> str:
    """Return how a cost is said.

    >>> cost_line(100, 0.5)
    'cost at iteration   100: 0.5'
    """
    return f"cost at iteration {iteration:5d}: {cost}"


def barred(states: Iterable[State], total: int) -> Iterator[State]:
    """Hand on the states behind a bar on the terminal, where there is one and tqdm is installed."""
    try:
        from tqdm import tqdm
    except ImportError:
        yield from states
        return
    shown = sys.stdout.isatty() and sys.stderr.isatty()
    with tqdm(total=total, unit="step", disable=not shown, leave=False) as bar:
        for state in states:
            bar.update(state.iteration - bar.n)
            yield state
