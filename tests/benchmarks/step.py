"""What the functions cost: a training step against the same NumPy operations written inline.

    python tests/benchmarks/step.py

Prints, for 12,288 and for 209 features, the median time of a step both ways and the median of the
ratios, taken in turns in one process with one BLAS thread.
"""

import os

os.environ.update(OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", OMP_NUM_THREADS="1")

from functools import partial
from statistics import median
from time import perf_counter

import numpy as np

from catpipe.batches import whole
from catpipe.network import initialize_parameters, network
from catpipe.optimizers import gradient_descent
from catpipe.training import initial_state, make_step, train

EXAMPLES, LEARNING_RATE = 209, 0.0075


def inline(X, Y, parameters, iterations):
    """Return the parameters after so many steps, with no function of ours on the way."""
    W1, b1, W2, b2, W3, b3, W4, b4 = parameters
    for _ in range(iterations):
        Z1 = W1 @ X + b1
        A1 = np.maximum(Z1, 0)
        Z2 = W2 @ A1 + b2
        A2 = np.maximum(Z2, 0)
        Z3 = W3 @ A2 + b3
        A3 = np.maximum(Z3, 0)
        Z4 = W4 @ A3 + b4
        A4 = np.exp(np.minimum(Z4, 0)) / (1 + np.exp(-np.abs(Z4)))
        dZ4 = (A4 - Y) / X.shape[-1]
        dW4, db4 = dZ4 @ A3.T, dZ4.sum(-1, keepdims=True)
        dZ3 = (W4.T @ dZ4) * (Z3 > 0)
        dW3, db3 = dZ3 @ A2.T, dZ3.sum(-1, keepdims=True)
        dZ2 = (W3.T @ dZ3) * (Z2 > 0)
        dW2, db2 = dZ2 @ A1.T, dZ2.sum(-1, keepdims=True)
        dZ1 = (W2.T @ dZ2) * (Z1 > 0)
        dW1, db1 = dZ1 @ X.T, dZ1.sum(-1, keepdims=True)
        W1, b1 = W1 - LEARNING_RATE * dW1, b1 - LEARNING_RATE * db1
        W2, b2 = W2 - LEARNING_RATE * dW2, b2 - LEARNING_RATE * db2
        W3, b3 = W3 - LEARNING_RATE * dW3, b3 - LEARNING_RATE * db3
        W4, b4 = W4 - LEARNING_RATE * dW4, b4 - LEARNING_RATE * db4
    return W1, b1, W2, b2, W3, b3, W4, b4


def folded(step, X, Y, start, iterations):
    """Return the parameters after so many steps of the fold."""
    return train(step, whole(X, Y, iterations), start).parameters


def seconds(function, iterations):
    """Return how long a step of the function takes."""
    begun = perf_counter()
    function(iterations=iterations)
    return (perf_counter() - begun) / iterations


def compare(features, iterations, rounds, dtype):
    """Print one row: both times and their ratio, after a check that both compute the same."""
    random = np.random.default_rng(1)
    X = random.random((features, EXAMPLES)).astype(dtype)
    Y = (random.random((1, EXAMPLES)) < 0.35).astype(dtype)
    net, descent = network(features, 20, 7, 5, 1), gradient_descent(LEARNING_RATE)
    parameters = initialize_parameters(net, seed=1, dtype=dtype)
    ours = partial(folded, make_step(net, descent), X, Y, initial_state(descent, parameters))
    theirs = partial(inline, X, Y, tuple(parameters.values()))
    for a, b in zip(ours(3).values(), theirs(3), strict=True):
        np.testing.assert_array_equal(a, b)
    turns = [(seconds(ours, iterations), seconds(theirs, iterations)) for _ in range(rounds)]
    mine, inlined = (1e6 * median(times) for times in zip(*turns, strict=True))
    ratio = median(a / b for a, b in turns)
    print(f"{features:8,} {dtype:8} {mine:10.1f} {inlined:10.1f} {ratio:8.3f}", flush=True)


if __name__ == "__main__":
    print("features type      catpipe us  inline us    ratio")
    for dtype in ("float64", "float32"):
        compare(12288, iterations=10, rounds=25, dtype=dtype)
        compare(209, iterations=100, rounds=100, dtype=dtype)
