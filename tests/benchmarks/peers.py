"""The peers, each in the fastest form that we found for it; two forms where the type decides.

They need a dependency group of their own, which old pips install by name only:

    pip install scikit-learn torch==2.13.0 jax
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from catpipe.nn.arrays import Array
from tests.benchmarks import THREADS
from tests.benchmarks.dual_form import Descent, jax_dual, torch_dual, whole
from tests.benchmarks.problem import Contestant, Problem, Ready, Weights
from tests.benchmarks.trainers import started, weights_of_scikit_learn


def article(problem: Problem, iterations: int) -> Ready:
    """Plain NumPy in the well-known way: caches in a list, a dict of parameters written over."""
    return Ready(
        begin=lambda: dict(problem.start),
        run=lambda parameters: _article_loop(problem, parameters, iterations),
        weights=dict,
    )


def _article_loop(problem: Problem, parameters: dict[str, Array], iterations: int) -> Weights:
    X, Y, rate = problem.X, problem.Y, problem.experiment.learning_rate
    examples, depth = X.shape[1], len(parameters) // 2
    history = []
    for _ in range(iterations):
        A, caches, gradients = X, [], {}
        for layer in range(1, depth + 1):
            Z = np.dot(parameters[f"W{layer}"], A) + parameters[f"b{layer}"]
            caches.append((A, Z))
            A = 1 / (1 + np.exp(-Z)) if layer == depth else np.maximum(0, Z)
        history.append(-np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / examples)
        dA = (1 - Y) / (1 - A) - Y / A
        for layer in range(depth, 0, -1):
            below, Z = caches.pop()
            dZ = dA * A * (1 - A) if layer == depth else np.where(Z > 0, dA, 0)
            gradients[f"W{layer}"] = np.dot(dZ, below.T) / examples
            gradients[f"b{layer}"] = np.sum(dZ, axis=1, keepdims=True) / examples
            dA = np.dot(parameters[f"W{layer}"].T, dZ)
        for name, gradient in gradients.items():
            parameters[name] = parameters[name] - rate * gradient
    return parameters


def scikit_learn(problem: Problem, iterations: int) -> Ready:
    """MLPClassifier with all but plain gradient descent turned off, started from our parameters."""
    from sklearn.neural_network import MLPClassifier

    Started = started(MLPClassifier, problem.start)
    rows, labels = np.ascontiguousarray(problem.X.T), problem.pictures.targets
    descent = {
        "solver": "sgd",
        "learning_rate_init": problem.experiment.learning_rate,
        "momentum": 0,
        "nesterovs_momentum": False,
        "alpha": 0,
        "batch_size": len(rows),
        "shuffle": False,
    }
    to_the_end = {"max_iter": iterations, "tol": 0, "n_iter_no_change": 10**9}

    def run(model: Any) -> Any:
        with warnings.catch_warnings(action="ignore"):  # it has not converged, and should not
            return model.fit(rows, labels)

    return Ready(
        begin=lambda: Started(problem.experiment.hidden, **descent, **to_the_end),
        run=run,
        weights=weights_of_scikit_learn,
    )


def torch_autograd(problem: Problem, iterations: int) -> Ready:
    """PyTorch as its users write it: autograd, and the optimizer SGD. A stack broadcasts."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    X, Y = torch.from_numpy(problem.X), torch.from_numpy(problem.Y)
    *hidden, last = range(1, len(problem.start) // 2 + 1)

    def run(parameters: dict[str, Any]) -> dict[str, Any]:
        descent = torch.optim.SGD(parameters.values(), lr=problem.experiment.learning_rate)
        for _ in range(iterations):
            A = X
            for layer in hidden:
                A = torch.relu(parameters[f"W{layer}"] @ A + parameters[f"b{layer}"])
            Z = parameters[f"W{last}"] @ A + parameters[f"b{last}"]
            total = binary_cross_entropy_with_logits(Z, Y.expand_as(Z), reduction="sum")
            descent.zero_grad()
            (total / Y.shape[-1]).backward()
            descent.step()
        return parameters

    return Ready(lambda: _tensors(problem, requires_grad=True), run, _weights_of_torch)


def torch_by_hand(problem: Problem, iterations: int) -> Ready:
    """PyTorch with gradients by hand, added to the parameters in place; one network is a stack."""
    import torch

    X, Y = torch.from_numpy(problem.X), torch.from_numpy(problem.Y)
    rate = problem.experiment.learning_rate

    def run(parameters: dict[str, Any]) -> dict[str, Any]:
        arrays = [p if p.ndim == 3 else p[np.newaxis] for p in parameters.values()]
        (W1, b1), *above = zip(arrays[::2], arrays[1::2], strict=True)
        shape, W1, b1 = b1.shape[:2], W1.flatten(0, 1), b1.flatten(0, 1)
        for _ in range(iterations):
            caches = [torch.addmm(b1, W1, X).relu_().unflatten(0, shape)]
            caches += (torch.baddbmm(b, W, caches[-1]).relu_() for W, b in above[:-1])
            W, b = above[-1][0], above[-1][1]
            dZ = torch.baddbmm(b, W, caches[-1]).sigmoid_().sub_(Y).div_(Y.shape[-1])
            for (W, b), A in zip(reversed(above), reversed(caches), strict=True):
                below = torch.bmm(W.mT, dZ).mul_(A > 0)
                W.baddbmm_(dZ, A.mT, alpha=-rate)
                b.sub_(dZ.sum(-1, keepdim=True), alpha=rate)
                dZ = below
            dZ = dZ.flatten(0, 1)
            W1.addmm_(dZ, X.T, alpha=-rate)
            b1.sub_(dZ.sum(-1, keepdim=True), alpha=rate)
        return parameters

    run_plainly = torch.inference_mode()(run)
    return Ready(lambda: _tensors(problem), run_plainly, _weights_of_torch)


def _tensors(problem: Problem, **options: Any) -> dict[str, Any]:
    import torch

    torch.set_num_threads(THREADS)
    return {name: torch.tensor(array, **options) for name, array in problem.start.items()}


def _weights_of_torch(parameters: dict[str, Any]) -> Weights:
    return {name: tensor.detach().numpy() for name, tensor in parameters.items()}


def jax_scan(cost: Callable[[Weights, tuple[Any, ...]], Any], problem: Problem, n: int) -> Ready:
    """One compiled scan of n steps; a stack is the gradient under vmap."""
    import jax

    jax.config.update("jax_enable_x64", val=True)
    rate, stack = problem.experiment.learning_rate, problem.start["W1"].ndim == 3
    gradient = jax.vmap(jax.grad(cost), in_axes=(0, None)) if stack else jax.grad(cost)

    def descend(start: Weights, data: tuple[Any, ...]) -> Weights:
        def step(parameters: Weights, _: None) -> tuple[Weights, None]:
            gradients = gradient(parameters, data)
            return jax.tree.map(lambda W, dW: W - rate * dW, parameters, gradients), None

        return jax.lax.scan(step, start, length=n)[0]

    def begin() -> Weights:
        return jax.block_until_ready({k: jax.numpy.array(W) for k, W in problem.start.items()})

    rows = np.ascontiguousarray(problem.X.T)
    data = jax.block_until_ready(tuple(map(jax.numpy.array, (problem.X, rows, problem.Y))))
    compiled = jax.jit(descend, donate_argnums=0).lower(begin(), data).compile()
    return Ready(begin, lambda start: jax.block_until_ready(compiled(start, data)), dict)


def _cost_by_columns(parameters: Weights, data: tuple[Any, ...]) -> Any:
    """Return the cost; W1's gradient reads X from a copy in rows, 10 % faster in float64."""
    import jax

    X, rows, Y = data

    first = jax.custom_vjp(lambda W1: W1 @ X)
    first.defvjp(lambda W1: (W1 @ X, None), lambda _, dZ: (dZ @ rows,))
    *above, last = range(2, len(parameters) // 2 + 1)
    A = jax.nn.relu(first(parameters["W1"]) + parameters["b1"])
    for layer in above:
        A = jax.nn.relu(parameters[f"W{layer}"] @ A + parameters[f"b{layer}"])
    Z = parameters[f"W{last}"] @ A + parameters[f"b{last}"]
    return (jax.nn.softplus(Z) - Z * Y).mean()


def _cost_by_rows(parameters: Weights, data: tuple[Any, ...]) -> Any:
    """Return the cost with the examples in rows: faster in float32."""
    import jax

    _, A, Y = data
    *hidden, last = range(1, len(parameters) // 2 + 1)
    for layer in hidden:
        A = jax.nn.relu(A @ parameters[f"W{layer}"].T + parameters[f"b{layer}"].T)
    Z = A @ parameters[f"W{last}"].T + parameters[f"b{last}"].T
    return (jax.nn.softplus(Z) - Z * Y.T).mean()


def in_dual(prepare: Callable[[Descent], Ready], problem: Problem, iterations: int) -> Ready:
    """Prepare a peer that is given the dual form: its run is also the way there and back."""
    rows, rate = np.ascontiguousarray(problem.X.T), problem.experiment.learning_rate
    return whole(prepare(Descent(rows, problem.Y, problem.start, rate, iterations)))


STACKING = (
    Contestant("PyTorch, autograd", torch_autograd, "torch"),
    Contestant("PyTorch, by hand", torch_by_hand, "torch"),
    Contestant("JAX, columns", partial(jax_scan, _cost_by_columns), "jax"),
    Contestant("JAX, rows", partial(jax_scan, _cost_by_rows), "jax"),
)
GIVEN_DUAL = (
    Contestant("JAX, given the dual form", partial(in_dual, jax_dual), "jax", given_dual=True),
    Contestant(
        "PyTorch, given the dual form", partial(in_dual, torch_dual), "torch", given_dual=True
    ),
)
PEERS = (
    Contestant("NumPy, article", article),
    Contestant("scikit-learn", scikit_learn, "sklearn"),
    *STACKING,
    *GIVEN_DUAL,
)
