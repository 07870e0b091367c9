"""A contest: all contestants must reach the same cost, and are then timed in turns.

In float32 the end of the published run is not unique: move its start by one rounding, and a unit
crosses ReLU's kink at another step, which moves the cost by 1e-5 after 100 iterations and by 1e-2
at the end. So costs in float32 are compared early in the run. The table also shows the difference
at the end, and that of the same fold from a start one rounding away.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from catpipe.nn.arrays import Array
from tests.benchmarks.problem import Contestant, Problem, Ready, costs

TOLERANCES = {"float64": 1e-10, "float32": 1e-6}
INSTALL = "pip install scikit-learn torch==2.13.0 jax"


class Plan(NamedTuple):
    """The iterations: of a run, of a peer's timed part, of the first run, of the cost's check."""

    iterations: int
    peer_iterations: int
    first_iterations: int
    checked_iterations: int
    rounds: int


class Row(NamedTuple):
    """A contestant's part, in seconds: of a whole run, scaled where `timed` says so.

    `once` is the first run alone, at whose end the cost is `off_at_end`; what a contestant does
    beforehand, such as compile, is in `prepared` only.
    """

    name: str
    seconds: float
    rounds: tuple[float, ...]
    prepared: float
    once: float
    cost: float
    off: float
    off_at_end: float
    same: bool
    timed: str
    given_dual: bool


class Contest(NamedTuple):
    """The results of a contest."""

    dtype: str
    networks: int
    plan: Plan
    rows: tuple[Row, ...]
    missing: tuple[str, ...]
    nudged: float | None = None

    @property
    def fastest_peer(self) -> Row | None:
        """The peer of the least time on its own; none where none is installed."""
        return self._fastest(given_dual=False)

    @property
    def fastest_given_dual(self) -> Row | None:
        """The peer of the least time that is given the dual form."""
        return self._fastest(given_dual=True)

    def _fastest(self, *, given_dual: bool) -> Row | None:
        peers = (row for row in self.rows[1:] if row.given_dual == given_dual)
        return min(peers, key=lambda row: row.seconds, default=None)

    @property
    def ratio(self) -> float | None:
        """How many times catpipe's time the fastest peer takes."""
        return self.fastest_peer.seconds / self.rows[0].seconds if self.fastest_peer else None


class _Entry(NamedTuple):
    contestant: Contestant
    ready: Ready
    iterations: int
    prepared: float
    once: float
    checked: Array
    at_end: Array


def hold(problem: Problem, contestants: Sequence[Contestant], plan: Plan) -> Contest:
    """Return the contest; the first of the contestants is ours, and sets the cost to reach."""
    here = [each for each in contestants if find_spec(each.module)]
    entries = [_enter(problem, each, plan, ours=each is here[0]) for each in here]
    turns = [[_seconds(entry.ready)[0] for entry in entries] for _ in range(plan.rounds)]
    times = zip(*turns, strict=True)
    rows = (_row(problem, plan, *of_one, entries[0]) for of_one in zip(entries, times, strict=True))
    missing = tuple(each.name for each in contestants if each not in here)
    return Contest(problem.experiment.dtype, len(problem.seeds), plan, tuple(rows), missing)


def _enter(problem: Problem, contestant: Contestant, plan: Plan, *, ours: bool) -> _Entry:
    """Run a contestant once and check its cost, then prepare it for the turns."""
    __import__(contestant.module)
    once, at_end = checked = _first_run(problem, contestant, plan.first_iterations)
    if plan.checked_iterations != plan.first_iterations:
        checked = _first_run(problem, contestant, plan.checked_iterations)
    iterations = plan.iterations if ours or contestant.given_dual else plan.peer_iterations
    began = perf_counter()
    ready = contestant.prepare(problem, iterations)
    return _Entry(contestant, ready, iterations, perf_counter() - began, once, checked[1], at_end)


def _first_run(problem: Problem, contestant: Contestant, iterations: int) -> tuple[float, Array]:
    ready = contestant.prepare(problem, iterations)
    seconds, trained = _seconds(ready)
    return seconds, costs(problem, ready.weights(trained))


def _seconds(ready: Ready) -> tuple[float, Any]:
    start = ready.begin()
    began = perf_counter()
    trained = ready.run(start)
    return perf_counter() - began, trained


def _row(
    problem: Problem, plan: Plan, entry: _Entry, times: tuple[float, ...], first: _Entry
) -> Row:
    networks, done = len(problem.seeds), len(entry.checked)
    off = _apart(entry.checked, first.checked)
    scale = plan.iterations / entry.iterations * networks / done
    parts = [f"{entry.iterations:,} iterations"] * (entry.iterations < plan.iterations)
    parts += [f"{done} networks"] * (done < networks)
    return Row(
        name=entry.contestant.name,
        seconds=scale * median(times),
        rounds=times,
        prepared=entry.prepared,
        once=entry.once * plan.iterations / plan.first_iterations * networks / done,
        cost=float(entry.at_end[0]),
        off=off,
        off_at_end=_apart(entry.at_end, first.at_end),
        same=off <= TOLERANCES[problem.experiment.dtype],
        timed=f"scaled from {' of '.join(parts)}" if parts else "whole",
        given_dual=entry.contestant.given_dual,
    )


def _apart(costs: Array, others: Array) -> float:
    """Return how far costs are apart: of a stack, of all but one network in fifty.

    In float32 a unit of one network may cross ReLU's kink at another step, after which that
    network is another.
    """
    common = min(len(costs), len(others))
    apart = np.sort(np.abs(costs[:common] - others[:common]))
    return float(apart[-1 - common // 50])


def table(contest: Contest) -> str:
    """Return the contest as lines to print."""
    plan, ours = contest.plan, contest.rows[0]
    of = f"{contest.networks} networks" if contest.networks > 1 else "one network"
    head = (
        f"{contest.dtype}, {of}, {plan.iterations:,} iterations, medians of {plan.rounds} rounds\n"
        f"  {'':28} {'seconds':>9} {'once':>9} {'ms a step':>10} {'x catpipe':>9} {'prepared':>9} "
        f"{'cost off':>9} {'at end':>8}  timed"
    )
    lines = (
        f"  {row.name:28} {row.seconds:9.3f} {row.once:9.3f} "
        f"{1e3 * row.seconds / plan.iterations:10.3f} "
        f"{row.seconds / ours.seconds:9.2f} {row.prepared:9.2f} "
        f"{row.off:9.1e} {row.off_at_end:8.1e}  {row.timed}"
        f"{'' if row.same else '; NOT THE SAME COST'}"
        for row in contest.rows
    )
    absent = (f"  {name:28} is not installed here: {INSTALL}" for name in contest.missing)
    peer = contest.fastest_peer
    last = f"  fastest peer: {peer.name}, {contest.ratio:.1f} times catpipe's time" if peer else ""
    if given := contest.fastest_given_dual:
        last += f"\n  {given.name}: {given.seconds / ours.seconds:.2f} times"
    cost = (
        f"  cost checked after {plan.checked_iterations:,} iterations, to "
        f"{TOLERANCES[contest.dtype]:.0e}\n"
        f"  cost after {plan.first_iterations:,} iterations {ours.cost:.10f}"
    )
    if contest.nudged is not None:
        cost += f"; from a start one rounding away off by {contest.nudged:.1e}"
    return "\n".join((head, *lines, *absent, cost, last))
