"""Peers that are given catpipe's dual form (`catpipe.training.dual`), and do the rest their way.

Each goes there as it begins, trains, and comes back for its weights. `P`, the products of the first
weights with all columns, moves by `dZ @ K`, and the coefficients `C` of the columns by dZ.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from catpipe.nn.arrays import Array
from tests.benchmarks import THREADS
from tests.benchmarks.problem import Ready, Weights


class Descent(NamedTuple):
    """Full-batch gradient descent from a start: rows (examples, features), Y (1, examples)."""

    rows: Array
    Y: Array
    start: dict[str, Array]
    rate: float
    steps: int


def whole(ready: Ready) -> Ready:
    """Return the contestant whose run is also the way there and back."""
    return Ready(lambda: None, lambda _: ready.weights(ready.run(ready.begin())), dict)


def jax_dual(of: Descent) -> Ready:
    """JAX: one compiled scan, and the ways there and back compiled too."""
    import jax
    from jax import lax, numpy

    jax.config.update("jax_enable_x64", val=True)
    rows, Y, W1 = map(numpy.asarray, (of.rows, of.Y, of.start["W1"]))
    others = [numpy.asarray(W) for W in [*of.start.values()][1:]]

    def enter(rows: Any, W1: Any) -> Any:
        return rows @ rows.T, W1 @ rows.T

    def descend(arrays: Any, C: Any, K: Any) -> Any:
        def step(state: Any, _: None) -> tuple[Any, None]:
            arrays, C = state
            dP, *gradients = jax.grad(_cost)(arrays, Y)
            changed = [W - of.rate * dW for W, dW in zip(arrays[1:], gradients, strict=True)]
            return ([arrays[0] - of.rate * (dP @ K), *changed], C - of.rate * dP), None

        return lax.scan(step, (arrays, C), length=of.steps)[0]

    def leave(C: Any, rows: Any, W1: Any) -> Any:
        return W1 + C @ rows

    entering = jax.jit(enter).lower(rows, W1).compile()
    K, P = entering(rows, W1)
    C = numpy.zeros_like(P)
    leaving = jax.jit(leave).lower(C, rows, W1).compile()
    descending = jax.jit(descend, donate_argnums=(0, 1)).lower([P, *others], C, K).compile()

    def begin() -> Any:
        K, P = entering(rows, W1)
        arrays = [P, *map(numpy.copy, others)]
        return jax.block_until_ready((arrays, numpy.zeros_like(P), K))

    def weights(ended: Any) -> Weights:
        (_, *arrays), C = ended
        return _named(of, [np.asarray(leaving(C, rows, W1)), *arrays])

    return Ready(begin, lambda begun: jax.block_until_ready(descending(*begun)), weights)


def _cost(arrays: list[Any], Y: Any) -> Any:
    import jax

    P, b1, *above = arrays
    A = P + b1
    for W, b in zip(above[::2], above[1::2], strict=True):
        A = W @ jax.nn.relu(A) + b
    return (jax.nn.softplus(A) - A * Y).mean()


def torch_dual(of: Descent) -> Ready:
    """PyTorch, with gradients by hand, added in place."""
    import torch

    torch.set_num_threads(THREADS)
    rows, Y = torch.from_numpy(of.rows), torch.from_numpy(of.Y)
    W1, *others = (torch.tensor(W) for W in of.start.values())
    rate, relu_backward = of.rate, torch.ops.aten.threshold_backward.default

    def begin() -> Any:
        P = W1 @ rows.T
        return [P, *(W.clone() for W in others)], torch.zeros_like(P), rows @ rows.T

    def run(begun: Any) -> Any:
        (P, b1, *pairs), C, K = begun
        above = [*zip(pairs[::2], pairs[1::2], strict=True)]
        for _ in range(of.steps):
            Z, passed = P + b1, []
            for W, b in above:
                passed.append(Z.relu_())
                Z = torch.addmm(b, W, passed[-1])
            dZ = Z.sigmoid_().sub_(Y).div_(Y.shape[-1])
            for (W, b), A in zip(reversed(above), reversed(passed), strict=True):
                below = relu_backward(W.T @ dZ, A, 0)
                W.addmm_(dZ, A.T, alpha=-rate)
                b.sub_(dZ.sum(-1, keepdim=True), alpha=rate)
                dZ = below
            P.addmm_(dZ, K, alpha=-rate)
            b1.sub_(dZ.sum(-1, keepdim=True), alpha=rate)
            C.sub_(dZ, alpha=rate)
        return begun

    def weights(ended: Any) -> Weights:
        (_, *arrays), C, _ = ended
        return _named(of, [torch.addmm(W1, C, rows), *arrays])

    plainly = torch.inference_mode()
    return Ready(plainly(begin), plainly(run), plainly(weights))


def numpy_dual(of: Descent) -> Ready:
    """NumPy, as `step` writes it inline for the published network and its rate."""
    from tests.benchmarks.step import LEARNING_RATE, inline_dual

    assert of.rate == LEARNING_RATE
    W1, *others = of.start.values()

    def begin() -> Any:
        P = W1 @ of.rows.T
        return of.rows @ of.rows.T, (P, *others, np.zeros_like(P), np.ones_like(P[:1, :1]))

    def weights(ended: Any) -> Weights:
        _, *arrays, C, scale = ended
        return _named(of, [scale * W1 + C @ of.rows, *arrays])

    return Ready(begin, lambda begun: inline_dual(begun[0], of.Y, begun[1], of.steps), weights)


def products_alone(of: Descent) -> Ready:
    """Only the large product of a step, for comparison: it trains nothing."""
    K, dZ = of.rows @ of.rows.T, np.ones_like(of.start["W1"] @ of.rows.T)

    def run(begun: None) -> None:
        for _ in range(of.steps):
            dZ @ K

    return Ready(begin=lambda: None, run=run, weights=lambda _: {})


def _named(of: Descent, arrays: list[Any]) -> Weights:
    return dict(zip(of.start, map(np.asarray, arrays), strict=True))
