"""Progress: iterators that hand on a run's checkpoints, and show them as they pass."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from shutil import get_terminal_size
from typing import Any, TypeVar

from toolz import peek

from catpipe.experiments.ensembles import Map
from catpipe.experiments.fitting import Watch
from catpipe.training.stopping import Checkpoint

_T = TypeVar("_T")


def with_progress(
    checkpoints: Iterable[Checkpoint],
    total: int,
    *,
    header: Iterable[str] = (),
    silent: bool = False,
) -> Iterator[Checkpoint]:
    """Hand on the checkpoints, and print the header and then their costs.

    Costs are printed above a bar where there is a terminal for one; nothing where `silent`.
    """
    if silent:
        return iter(checkpoints)
    for line in header:
        _print(line)
    bars = _bars()
    if bars is None:
        return with_printed_costs(checkpoints, _print)
    first, checkpoints = peek(checkpoints)
    bar = bars(total=total, initial=first.state.iteration, unit="step")
    return with_bar(with_printed_costs(checkpoints, bar.write), bar)


def with_bar_alone(checkpoints: Iterable[Checkpoint], total: int) -> Iterator[Checkpoint]:
    """Hand on the checkpoints, with a bar and no printed costs, where a terminal shows it."""
    bars = _bars()
    return (
        iter(checkpoints) if bars is None else with_bar(checkpoints, bars(total=total, unit="step"))
    )


def with_printed_costs(
    checkpoints: Iterable[Checkpoint], print_line: Callable[[str], object]
) -> Iterator[Checkpoint]:
    """Hand on the checkpoints, and print each cost when it is sampled."""
    first, checkpoints = peek(checkpoints)
    printed = len(first.state.costs)
    for checkpoint in checkpoints:
        for iteration, cost in checkpoint.state.costs[printed:]:
            print_line(cost_line(iteration, float(cost)))
        printed = len(checkpoint.state.costs)
        yield checkpoint


def _print(line: str) -> None:
    """Print the line; where there is no room for it, the run is worth more than the line."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        raise
    except OSError:
        return


def with_bar(checkpoints: Iterable[Checkpoint], bar: Any) -> Iterator[Checkpoint]:
    """Hand on the checkpoints, and move tqdm's bar along with them and their costs."""
    with bar:
        shown = None
        for checkpoint in checkpoints:
            state = checkpoint.state
            bar.update(state.iteration - bar.n)
            if state.costs and state.costs is not shown:
                shown = state.costs
                bar.set_postfix_str(f"cost {state.costs[-1][1]:.6g}")
            yield checkpoint


@contextmanager
def progress_bar(total: int, unit: str = "run") -> Iterator[Callable[..., object]]:
    """Give what moves a bar of so many units, by one or more, where a terminal shows it.

    It shows the time left.

    >>> with progress_bar(2) as advance:
    ...     advance()
    """
    bars = _bars()
    if bars is None:
        yield lambda *_: None
        return
    with bars(total=total, unit=unit, unit_scale=unit == "B") as bar:
        yield bar.update


def counted(map_: Map, unit: str) -> Map:
    """Return the map with a bar of the parts that have ended, where a terminal shows it.

    >>> list(counted(map, "part")(abs, [-1, -2]))
    [1, 2]
    """
    return partial(_counted, map_, unit)


def _counted(
    map_: Map, unit: str, function: Callable[[Any], Any], parts: Iterable[Any]
) -> Iterator[Any]:
    listed = [*parts]
    return _with_count(map_(function, listed), len(listed), unit)


def with_count(items: Collection[_T], unit: str) -> Iterator[_T]:
    """Hand on the items, with a bar of how many have passed, where a terminal shows it.

    >>> list(with_count("ab", "letter"))
    ['a', 'b']
    """
    return _with_count(items, len(items), unit)


def _with_count(items: Iterable[_T], total: int, unit: str) -> Iterator[_T]:
    with progress_bar(total, unit) as advance:
        for item in items:
            advance()
            yield item


def stepping(advance: Callable[[int], object]) -> Watch:
    """Return the watch that advances by the steps of all networks of a stack's parts.

    >>> W = Parameters(b1=np.zeros((3, 1, 1)))
    >>> _ = list(stepping(print)(Checkpoint(training.State(i, W, ())) for i in range(3)))
    3
    3
    """
    return partial(_stepping, advance)


def _stepping(
    advance: Callable[[int], object], checkpoints: Iterator[Checkpoint]
) -> Iterator[Checkpoint]:
    yield (first := next(checkpoints))
    networks, before = len(first.state.parameters["b1"]), first.state.iteration
    for checkpoint in checkpoints:
        advance(networks * (checkpoint.state.iteration - before))
        before = checkpoint.state.iteration
        yield checkpoint


def cost_line(iteration: int, cost: float) -> str:
    """Return the line that prints a cost.

    >>> cost_line(100, 0.5)
    'cost at iteration   100: 0.5'
    """
    return f"cost at iteration {iteration:5d}: {cost:.6g}"


def _bars() -> Any:
    """Return what makes a bar of tqdm; nothing where none is installed, or no terminal shows it.

    It is of plain characters where the terminal, or who sits before it, wants them.
    """
    if not (sys.stdout.isatty() and sys.stderr.isatty()):
        return None
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    is_plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    columns = get_terminal_size().columns  # tqdm shows nothing where a terminal says that it has 0
    return partial(tqdm, leave=False, ascii=True if is_plain else None, ncols=columns)
