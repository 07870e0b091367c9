"""What sampling the cost in each step takes, as a run grows longer.

    python tests/benchmarks/sampling.py

Prints the microseconds of a step with `sample_every=1` and with `sample_every` so large that only
the first cost is sampled, for runs of 2,500 to 40,000 steps, in turns in one process, and their
ratio. A ratio that stays is a time that is linear in steps.
"""

import os

os.environ.update(OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", OMP_NUM_THREADS="1")

from statistics import median
from time import perf_counter

import numpy as np

from catpipe.data.batches import full_batches
from catpipe.nn.initializers import initialize_parameters
from catpipe.nn.network import mlp
from catpipe.optim.optimizers import gradient_descent
from catpipe.training.loop import initial_state, make_step, train

STEPS, ROUNDS = (2_500, 5_000, 10_000, 20_000, 40_000), 3


def microseconds(steps: int, sample_every: int) -> float:
    """Return the time of one step of a run of a small network."""
    net, descent = mlp(4, 3, 1), gradient_descent(0.01)
    state = initial_state(descent, initialize_parameters(net, seed=1))
    X, Y = np.random.default_rng(1).random((4, 8)), np.ones((1, 8))
    step, batches = make_step(net, descent, sample_every), full_batches(X, Y, steps)
    begun = perf_counter()
    final = train(step, batches, state)
    elapsed = perf_counter() - begun
    assert len(final.costs) == -(-steps // sample_every)
    return 1e6 * elapsed / steps


if __name__ == "__main__":
    print("   steps   each sampled us   only the first us   ratio")
    for steps in STEPS:
        turns = [(microseconds(steps, 1), microseconds(steps, steps)) for _ in range(ROUNDS)]
        sampled, plain = (median(times) for times in zip(*turns, strict=True))
        ratio = median(one / other for one, other in turns)
        print(f"{steps:8,} {sampled:17.1f} {plain:19.1f} {ratio:7.2f}", flush=True)
