"""A run watched from outside: iterators that hand on its states and show them as they pass."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from toolz import peek

from catpipe.training.stopping import Checkpoint


def watched(
    keeps: Iterable[Checkpoint], total: int, *, silent: bool = False
) -> Iterator[Checkpoint]:
    """Hand on the states, and print their costs.

    Costs are printed above a bar where there is a terminal for one; nothing where `silent`.
    """
    if silent:
        return iter(keeps)
    tqdm = _tqdm() if sys.stdout.isatty() and sys.stderr.isatty() else None
    if tqdm is None:
        return narrated(keeps, _say)
    first, keeps = peek(keeps)
    bar = tqdm(total=total, initial=first.state.iteration, unit="step", leave=False)
    return barred(narrated(keeps, tqdm.write), bar)


def narrated(keeps: Iterable[Checkpoint], say: Callable[[str], object]) -> Iterator[Checkpoint]:
    """Hand on the states, and say each cost when it is sampled on the way."""
    first, keeps = peek(keeps)
    said = len(first.state.costs)
    for kept in keeps:
        for iteration, cost in kept.state.costs[said:]:
            say(cost_line(iteration, float(cost)))
        said = len(kept.state.costs)
        yield kept


def _say(line: str) -> None:
    """Print the line; where there is no room for it, the run is worth more than what it says."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        raise
    except OSError:
        return


def barred(keeps: Iterable[Checkpoint], bar: Any) -> Iterator[Checkpoint]:
    """Hand on the states, and move tqdm's bar along with them and their costs."""
    with bar:
        for kept in keeps:
            state = kept.state
            bar.update(state.iteration - bar.n)
            if state.costs and state.iteration == state.costs[-1][0] + 1:
                bar.set_postfix_str(f"cost {state.costs[-1][1]:.4f}")
            yield kept


def cost_line(iteration: int, cost: Any) -> str:
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
