"""A run watched from outside: iterators that hand on its states and show them as they pass."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from catpipe.training import State


def shown(states: Iterable[State], total: int) -> Iterator[State]:
    """Hand on the states and print their costs, above a bar where there is a terminal for one."""
    tqdm = _tqdm() if sys.stdout.isatty() and sys.stderr.isatty() else None
    if tqdm is None:
        return narrated(states, print)
    return barred(narrated(states, tqdm.write), tqdm(total=total, unit="step", leave=False))


def narrated(states: Iterable[State], say: Callable[[str], object]) -> Iterator[State]:
    """Hand on the states, and say each cost when it is sampled."""
    said = 0
    for state in states:
        for iteration, cost in state.costs[said:]:
            say(cost_line(iteration, float(cost)))
        said = len(state.costs)
        yield state


def barred(states: Iterable[State], bar: Any) -> Iterator[State]:
    """Hand on the states, and move tqdm's bar along with them and their costs."""
    with bar:
        for state in states:
            bar.update(state.iteration - bar.n)
            if state.costs and state.iteration == state.costs[-1][0] + 1:
                bar.set_postfix_str(f"cost {state.costs[-1][1]:.4f}")
            yield state


def cost_line(iteration: int, cost: float) -> str:
    """Return how a cost is said.

    >>> cost_line(100, 0.5)
    'cost at iteration   100: 0.5'
    """
    return f"cost at iteration {iteration:5d}: {cost}"


def _tqdm() -> Any:
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm
