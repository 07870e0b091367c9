"""Is the space that `fit` chooses the fastest? Its regret, over a grid of problems.

    python -m tests.benchmarks.spaces [--float32]

For each number of examples, features and units, with full batches and with batches of 64, a step is
timed in every space that is exact, and so are the way there and back. The time of a run of so many
iterations follows from both. Regret is the time in the space that is chosen, divided by that in the
fastest. One BLAS thread.
"""

from __future__ import annotations

import sys
from itertools import islice, product
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from catpipe.data.batches import Batch, full_batches, mini_batches
from catpipe.data.sampling import shuffled
from catpipe.nn.arrays import Array
from catpipe.nn.initializers import initialize_parameters
from catpipe.nn.network import mlp
from catpipe.optim.optimizers import gradient_descent
from catpipe.shell.threads import one_blas_thread
from catpipe.training.loop import initial_state, make_step, train
from catpipe.training.spaces import SPACES, cheapest_space

EXAMPLES, FEATURES, UNITS = (50, 200, 1000, 3000), (30, 300, 3000, 12288), (4, 20, 200)
SIZES, ITERATIONS = (None, 64), (10, 100, 1000, 10_000)
SECONDS = 0.05  # of steps, at least
DESCENT = gradient_descent(0.01)


class Timed(NamedTuple):
    """Seconds of the way there and back, and of a step."""

    once: float
    step: float

    def of(self, iterations: int) -> float:
        """Return the seconds of a run."""
        return self.once + iterations * self.step


def timed(kind: str, X: Array, Y: Array, units: int, size: int | None) -> Timed:
    """Return how long it takes in the space of this kind."""
    net = mlp(len(X), units, 1)
    start = initialize_parameters(net, 1, dtype=X.dtype)
    began = perf_counter()
    space = SPACES[kind](X)
    inside, entered = space.project(net, start)
    there = perf_counter() - began
    step, state = make_step(inside, DESCENT), initial_state(DESCENT, entered)
    begun = perf_counter()
    space.lift(net, start, entered)
    once = there + perf_counter() - begun

    def seconds(steps: int) -> float:
        batches: Any = full_batches(space.columns, Y, steps)
        if size is not None:
            everything, order = Batch(space.columns, Y), shuffled(X.shape[1], 1)
            batches = islice(mini_batches(everything, order, size), steps)
        began = perf_counter()
        train(step, batches, state)
        return (perf_counter() - began) / steps

    steps = max(2, min(200, int(SECONDS / seconds(2))))
    return Timed(once, median(seconds(steps) for _ in range(3)))


def main(dtype: str) -> None:
    """Print the regret of each problem, the worst last."""
    draws, regrets = np.random.default_rng(1), []
    for examples, features, size in product(EXAMPLES, FEATURES, SIZES):
        if size is not None and size >= examples:
            continue
        X = draws.random((features, examples)).astype(dtype)
        Y = (draws.random((1, examples)) < 0.5).astype(dtype)
        for units in UNITS:
            kinds = ("full", "subspace") if size else ("full", "subspace", "dual")
            times = {kind: timed(kind, X, Y, units, size) for kind in kinds}
            net = mlp(features, units, 1)
            for iterations in ITERATIONS:
                chosen = cheapest_space(net, DESCENT, X, size, iterations).kind
                of = {kind: time.of(iterations) for kind, time in times.items()}
                fastest = min(of, key=of.__getitem__)
                regret = of[chosen] / of[fastest]
                regrets.append(regret)
                shown = ", ".join(f"{kind} {1e3 * seconds:.3g}" for kind, seconds in of.items())
                print(
                    f"{regret:5.2f}  {examples:5,} x {features:6,} {units:3} units, batches of "
                    f"{size or 'all'}, {iterations:6,} iterations: {chosen}; ms {shown}",
                    flush=True,
                )
    print(f"worst regret {max(regrets):.2f}, median {median(regrets):.2f}, of {len(regrets)}")


if __name__ == "__main__":
    with one_blas_thread():
        main("float32" if "--float32" in sys.argv[1:] else "float64")
