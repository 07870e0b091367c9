"""What the functions cost: a training step against the same NumPy operations written inline.

    python tests/benchmarks/step.py

Prints the median time of a step both ways and the median of the ratios, taken in turns in one
process with one BLAS thread: for 12,288 and for 209 features, all at once and in batches of 64, for
the dual form, and beside the two large products of a step alone.
"""

import os

os.environ.update(OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", OMP_NUM_THREADS="1")

from functools import partial
from itertools import count, islice, repeat
from statistics import median
from time import perf_counter

import numpy as np

from catpipe.data.batches import Batch, mini_batches
from catpipe.data.sampling import shuffled
from catpipe.nn.initializers import initialize_parameters
from catpipe.nn.network import mlp
from catpipe.optim.optimizers import gradient_descent
from catpipe.random import ORDER
from catpipe.training.dual import dual_network, gram, project
from catpipe.training.loop import initial_state, make_step, train

EXAMPLES, LEARNING_RATE, SIZE, SEED = 209, 0.0075, 64, 1


def columns_of_ones(dtype):
    """Return columns of ones by their numbers of examples, for sums as products."""
    return {size: np.ones((size, 1), dtype) for size in (EXAMPLES, SIZE, EXAMPLES % SIZE)}


def inline(batches, parameters, iterations):
    """Return the parameters after so many steps, with no function of ours on the way."""
    W1, b1, W2, b2, W3, b3, W4, b4 = parameters
    ones_of = columns_of_ones(W1.dtype)
    for X, Y in islice(batches(), iterations):
        Z1 = W1 @ X + b1
        A1 = np.maximum(Z1, 0)
        Z2 = W2 @ A1 + b2
        A2 = np.maximum(Z2, 0)
        Z3 = W3 @ A2 + b3
        A3 = np.maximum(Z3, 0)
        Z4 = W4 @ A3 + b4
        e = np.exp(-np.abs(Z4))
        A4 = np.maximum(e, np.sign(Z4)) / (1 + e)
        dZ4, share, ones = A4 - Y, 1 / X.shape[-1], ones_of[X.shape[-1]]
        dW4, db4 = (dZ4 @ A3.T) * share, dZ4 @ ones * share
        dZ3 = (W4.T @ dZ4) * (Z3 > 0)
        dW3, db3 = (dZ3 @ A2.T) * share, dZ3 @ ones * share
        dZ2 = (W3.T @ dZ3) * (Z2 > 0)
        dW2, db2 = (dZ2 @ A1.T) * share, dZ2 @ ones * share
        dZ1 = (W2.T @ dZ2) * (Z1 > 0)
        dW1, db1 = (dZ1 @ X.T) * share, dZ1 @ ones * share
        W1, b1 = W1 - LEARNING_RATE * dW1, b1 - LEARNING_RATE * db1
        W2, b2 = W2 - LEARNING_RATE * dW2, b2 - LEARNING_RATE * db2
        W3, b3 = W3 - LEARNING_RATE * dW3, b3 - LEARNING_RATE * db3
        W4, b4 = W4 - LEARNING_RATE * dW4, b4 - LEARNING_RATE * db4
    return W1, b1, W2, b2, W3, b3, W4, b4


def inline_dual(K, Y, parameters, iterations):
    """Return the parameters of the dual form after so many steps, likewise."""
    P1, b1, W2, b2, W3, b3, W4, b4, C1, scale = parameters
    ones_of = columns_of_ones(P1.dtype)
    for _ in range(iterations):
        Z1 = P1 + b1
        A1 = np.maximum(Z1, 0)
        Z2 = W2 @ A1 + b2
        A2 = np.maximum(Z2, 0)
        Z3 = W3 @ A2 + b3
        A3 = np.maximum(Z3, 0)
        Z4 = W4 @ A3 + b4
        e = np.exp(-np.abs(Z4))
        A4 = np.maximum(e, np.sign(Z4)) / (1 + e)
        dZ4, share, ones = A4 - Y, 1 / K.shape[-1], ones_of[K.shape[-1]]
        dW4, db4 = (dZ4 @ A3.T) * share, dZ4 @ ones * share
        dZ3 = (W4.T @ dZ4) * (Z3 > 0)
        dW3, db3 = (dZ3 @ A2.T) * share, dZ3 @ ones * share
        dZ2 = (W3.T @ dZ3) * (Z2 > 0)
        dW2, db2 = (dZ2 @ A1.T) * share, dZ2 @ ones * share
        dZ1 = (W2.T @ dZ2) * (Z1 > 0)
        dP1, db1 = (dZ1 @ K) * share, dZ1 @ ones * share
        P1, b1 = P1 - LEARNING_RATE * dP1, b1 - LEARNING_RATE * db1
        C1, scale = C1 - LEARNING_RATE * (dZ1 * share), scale - LEARNING_RATE * np.zeros_like(scale)
        W2, b2 = W2 - LEARNING_RATE * dW2, b2 - LEARNING_RATE * db2
        W3, b3 = W3 - LEARNING_RATE * dW3, b3 - LEARNING_RATE * db3
        W4, b4 = W4 - LEARNING_RATE * dW4, b4 - LEARNING_RATE * db4
    return P1, b1, W2, b2, W3, b3, W4, b4, C1, scale


def picked(X, Y):
    """Return mini-batches, as `catpipe.data.batches` draws them."""
    rows, examples = np.ascontiguousarray(X.T), X.shape[1]
    for epoch in count():
        order = np.random.Generator(
            np.random.PCG64(np.random.SeedSequence(SEED, spawn_key=(ORDER, epoch)))
        ).permutation(examples)
        for begin in range(0, examples, SIZE):
            indices = order[begin : begin + SIZE]
            yield rows.take(indices, 0).T, Y.take(indices, -1)


def two_products(X, parameters, dZ1, iterations):
    """Compute only the two large products of a step, so many times."""
    for _ in range(iterations):
        parameters["W1"] @ X
        dZ1 @ X.T


def folded(step, batches, start, iterations):
    """Return the parameters after so many steps of the fold."""
    return train(step, islice(batches(), iterations), start).parameters


def seconds(function, iterations):
    """Return how long a step of the function takes."""
    begun = perf_counter()
    function(iterations=iterations)
    return (perf_counter() - begun) / iterations


def problem(features, dtype):
    """Return columns, targets, the network and its start."""
    random = np.random.default_rng(1)
    X = random.random((features, EXAMPLES)).astype(dtype)
    Y = (random.random((1, EXAMPLES)) < 0.35).astype(dtype)
    net = mlp(features, 20, 7, 5, 1)
    return X, Y, net, initialize_parameters(net, seed=1, dtype=dtype)


def compare(label, dtype, fold, inlined, iterations, rounds, *, within=0):
    """Print one row: both times and the ratio, after a check that both compute the same."""
    if inlined(iterations=3) is not None:
        for ours, theirs in zip(fold(iterations=3).values(), inlined(iterations=3), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=within)
    turns = [(seconds(fold, iterations), seconds(inlined, iterations)) for _ in range(rounds)]
    mine, other = (1e6 * median(times) for times in zip(*turns, strict=True))
    ratio = median(a / b for a, b in turns)
    print(f"{label:45} {dtype:8} {mine:10.1f} {other:10.1f} {ratio:8.3f}", flush=True)


def rows(dtype):
    """Print all rows of one type."""
    descent = gradient_descent(LEARNING_RATE)
    for features, iterations, rounds in ((12288, 10, 25), (209, 100, 100)):
        X, Y, net, start = problem(features, dtype)
        state, begin = initial_state(descent, start), tuple(start.values())
        fold = partial(folded, make_step(net, descent), partial(repeat, Batch(X, Y)), state)
        inlined = partial(inline, partial(repeat, (X, Y)), begin)
        compare(f"{features:,} features, and inline", dtype, fold, inlined, iterations, rounds)
        drawn = partial(mini_batches, Batch(X, Y), shuffled(EXAMPLES, SEED), SIZE)
        fold = partial(folded, make_step(net, descent), drawn, state)
        inlined = partial(inline, partial(picked, X, Y), begin)
        label = f"{features:,} features, batches of {SIZE}, and inline"
        within = 1e-6 if dtype == "float32" else 0  # products of picked columns are transposed
        compare(label, dtype, fold, inlined, 4 * iterations, rounds, within=within)
    X, Y, net, start = problem(12288, dtype)
    state = initial_state(descent, start)
    fold = partial(folded, make_step(net, descent), partial(repeat, Batch(X, Y)), state)
    products = partial(two_products, X, start, np.ones((20, EXAMPLES), dtype))
    compare("12,288 features, and two products", dtype, fold, products, 10, 25)
    entered, dual = project(net, start, X), dual_network(net, X.shape[1])
    state, columns = initial_state(descent, entered), partial(repeat, Batch(gram(X), Y))
    fold = partial(folded, make_step(dual, descent), columns, state)
    inlined = partial(inline_dual, gram(X), Y, tuple(entered.values()))
    compare("dual form, and inline", dtype, fold, inlined, 100, 100)


if __name__ == "__main__":
    print(f"{'a step of catpipe':45} type      catpipe us   other us    ratio")
    rows("float64")
    rows("float32")
