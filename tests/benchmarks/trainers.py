"""The peers at any task of `users`, by hand and fast, and as their users write them.

Their batches are catpipe's; which examples are in each is worked out beforehand. Weights are
(units, fan_in), as catpipe's are, and biases (units,).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from catpipe.nn.arrays import Array
from catpipe.optim.optimizers import Adam, HeavyBall
from tests.benchmarks import THREADS
from tests.benchmarks.problem import Ready, Weights
from tests.benchmarks.tasks import Task, indices, orders

Update: TypeAlias = Callable[[list[Any]], None]
"""Changes parameters in place, by their gradients."""


def flat(of: Task) -> list[Array]:
    """Return copies of the start: W1, b1, W2, ..."""
    return [W.reshape(W.shape if name[0] == "W" else -1).copy() for name, W in of.start.items()]


def named(of: Task, arrays: Any) -> Weights:
    """Return the parameters under catpipe's names, in its shapes."""
    pairs = zip(of.start.items(), arrays, strict=True)
    return {name: np.asarray(array).reshape(W.shape) for (name, W), array in pairs}


def numpy_by_hand(of: Task, steps: int) -> Ready:
    """NumPy written out, in place wherever that can be."""
    rows, Y, picks = of.rows, np.ascontiguousarray(of.Y.T), [*indices(of, steps)]
    link = _softmax if Y.shape[1] > 1 else _sigmoid

    def run(begun: tuple[list[Array], Update]) -> list[Array]:
        arrays, update = begun
        weights, biases = arrays[::2], arrays[1::2]
        for pick in picks:
            passed = [rows[pick]]
            for W, b in zip(weights, biases, strict=True):
                A = passed[-1] @ W.T
                A += b
                passed.append(np.maximum(A, 0, out=A) if W is not weights[-1] else A)
            dZ = link(passed.pop())
            dZ -= Y[pick]
            dZ /= len(dZ)
            gradients: list[Array] = []
            for W, A in zip(reversed(weights), reversed(passed), strict=True):
                gradients += dZ.sum(0), dZ.T @ A
                if W is not weights[0]:
                    dZ = dZ @ W
                    dZ *= A > 0
            update(gradients[::-1])
        return arrays

    def begin() -> tuple[list[Array], Update]:
        arrays = flat(of)
        return arrays, _numpy_update(of.optimizer, arrays)

    return Ready(begin, run, partial(named, of))


def _softmax(Z: Array) -> Array:
    Z -= Z.max(1, keepdims=True)
    np.exp(Z, out=Z)
    Z /= Z.sum(1, keepdims=True)
    return Z


def _sigmoid(Z: Array) -> Array:
    return 1 / (1 + np.exp(-Z))


def _numpy_update(optimizer: Any, arrays: list[Array]) -> Update:
    first, second = ([np.zeros_like(W) for W in arrays] for _ in range(2))
    rate, iteration = optimizer.learning_rate, 0
    beta1, beta2 = getattr(optimizer, "beta1", 0), getattr(optimizer, "beta2", 0)

    def descend(gradients: list[Array]) -> None:
        for W, dW in zip(arrays, gradients, strict=True):
            np.subtract(W, np.multiply(dW, rate, out=dW), out=W)

    def roll(gradients: list[Array]) -> None:
        for W, v, dW in zip(arrays, first, gradients, strict=True):
            np.add(np.multiply(v, optimizer.beta, out=v), dW, out=v)
            np.subtract(W, np.multiply(v, rate, out=dW), out=W)

    def adapt(gradients: list[Array]) -> None:
        nonlocal iteration
        iteration += 1
        step, root = rate / (1 - beta1**iteration), (1 - beta2**iteration) ** -0.5
        for W, m, v, dW in zip(arrays, first, second, gradients, strict=True):
            np.add(np.multiply(m, beta1, out=m), (1 - beta1) * dW, out=m)
            square = np.multiply(np.square(dW, out=dW), 1 - beta2, out=dW)
            np.add(np.multiply(v, beta2, out=v), square, out=v)
            size = np.multiply(np.sqrt(v, out=dW), root, out=dW)
            np.divide(m, np.add(size, optimizer.epsilon, out=dW), out=dW)
            np.subtract(W, np.multiply(dW, step, out=dW), out=W)

    return {Adam: adapt, HeavyBall: roll}.get(type(optimizer), descend)


def scikit_learn(of: Task, steps: int) -> Ready:
    """MLPClassifier's `fit`, interrupted after so many steps."""
    import sklearn
    from sklearn.neural_network import MLPClassifier

    epochs = -(-steps // of.steps_in_epoch)
    hidden = [b.size for b in of.start.values()][1:-1:2]
    settings = _sgd(of.optimizer) if not isinstance(of.optimizer, Adam) else _adam(of.optimizer)
    batches = {"batch_size": of.size or len(of.rows), "shuffle": of.size is not None}
    to_the_end = {"max_iter": epochs, "tol": 0, "n_iter_no_change": 10**9}
    drawn = [_from_one_to_next(*pair) for pair in pairwise(_with_first(of, epochs))]
    Started = _interrupted(started(MLPClassifier, of.start), steps)

    def begin() -> Any:
        draws = Drawn(drawn)
        return Started(hidden, alpha=0, random_state=draws, **settings, **batches, **to_the_end)

    def run(model: Any) -> Any:
        of_no_end = warnings.catch_warnings(action="ignore")  # it does not converge, nor should it
        with of_no_end, sklearn.config_context(assume_finite=True):
            return model.fit(of.rows, of.labels)

    return Ready(begin, run, weights_of_scikit_learn)


def _interrupted(classifier: Any, steps: int) -> Any:
    """Return the class that ends after so many steps, as at Ctrl-C.

    Its Adam scales epsilon as Kingma and Ba's first algorithm does, for equal parameters.
    """

    class Interrupted(classifier):  # type: ignore[misc]
        done = 0

        def _backprop(self, *arguments: Any) -> Any:
            if self.done == steps:
                raise KeyboardInterrupt
            self.done += 1
            if self.solver == "adam":
                self._optimizer.epsilon = self.epsilon * (1 - self.beta_2**self.done) ** 0.5
            return super()._backprop(*arguments)

    return Interrupted


def _sgd(optimizer: Any) -> dict[str, Any]:
    momentum = getattr(optimizer, "beta", 0)
    rate = {"learning_rate_init": optimizer.learning_rate}
    return {"solver": "sgd", **rate, "momentum": momentum, "nesterovs_momentum": False}


def _adam(of: Adam) -> dict[str, Any]:
    betas = {"beta_1": of.beta1, "beta_2": of.beta2, "epsilon": of.epsilon}
    return {"solver": "adam", "learning_rate_init": of.learning_rate, **betas}


def _with_first(of: Task, epochs: int) -> list[Array]:
    return [np.arange(len(of.rows)), *orders(of, epochs)]


def _from_one_to_next(before: Array, after: Array) -> Array:
    """Return what picks the order after from the order before, which scikit-learn shuffles on."""
    return np.argsort(before)[after]


class Drawn(np.random.RandomState):
    """Shuffles as it is told, once for each epoch."""

    def __init__(self, drawn: list[Array]) -> None:
        super().__init__(0)
        self.drawn = iter(drawn)

    def shuffle(self, x: Any) -> None:
        """Put what picks the next order into x."""
        x[:] = next(self.drawn)


def started(classifier: Any, start: Any) -> Any:
    """Return the class of scikit-learn's that begins with these parameters."""
    arrays = list(start.values())

    class Started(classifier):  # type: ignore[misc]
        def _initialize(self, *arguments: Any) -> None:
            super()._initialize(*arguments)
            self.coefs_ = [W.T.copy() for W in arrays[::2]]
            self.intercepts_ = [b[:, 0].copy() for b in arrays[1::2]]

    return Started


def weights_of_scikit_learn(model: Any) -> Weights:
    """Return its parameters under catpipe's names."""
    weights = {f"W{layer}": W.T for layer, W in enumerate(model.coefs_, start=1)}
    biases = {f"b{layer}": b[:, np.newaxis] for layer, b in enumerate(model.intercepts_, start=1)}
    return weights | biases


def torch_by_hand(of: Task, steps: int) -> Ready:
    """PyTorch with gradients by hand, in place, and its fused or foreach update."""
    import torch

    torch.set_num_threads(THREADS)
    rows, Y = torch.from_numpy(of.rows), torch.from_numpy(np.ascontiguousarray(of.Y.T))
    picks = _picks(of, steps)
    link = partial(torch.softmax, dim=1) if Y.shape[1] > 1 else torch.sigmoid
    threshold_backward = torch.ops.aten.threshold_backward.default

    def run(begun: tuple[list[Any], Update]) -> list[Any]:
        arrays, update = begun
        (W1, b1), *above = zip(arrays[::2], arrays[1::2], strict=True)
        for pick in picks:
            X, T = (rows, Y) if pick is None else (rows[pick], Y[pick])
            Z, passed = torch.addmm(b1, X, W1.T), []
            for W, b in above:
                passed.append(Z.relu_())
                Z = torch.addmm(b, passed[-1], W.T)
            dZ = link(Z).sub_(T).div_(len(T))
            gradients: list[Any] = []
            for (W, _), A in zip(reversed(above), reversed(passed), strict=True):
                gradients += dZ.sum(0), dZ.T @ A
                dZ = threshold_backward(dZ @ W, A, 0)
            gradients += dZ.sum(0), dZ.T @ X
            update(gradients[::-1])
        return arrays

    def begin() -> tuple[list[Any], Update]:
        arrays = [*map(torch.from_numpy, flat(of))]
        return arrays, _torch_update(of.optimizer, arrays)

    return Ready(begin, torch.inference_mode()(run), partial(named, of))


def _picks(of: Task, steps: int) -> list[Any]:
    """Return a tensor of indices for each step, or none where that is all the examples."""
    import torch

    if of.size is None:
        return [None] * steps
    return [torch.from_numpy(np.ascontiguousarray(pick)) for pick in indices(of, steps)]


def _torch_update(optimizer: Any, arrays: list[Any]) -> Update:
    import torch

    first, second = ([torch.zeros_like(W) for W in arrays] for _ in range(2))
    rate, steps = optimizer.learning_rate, [torch.zeros(()) for _ in arrays]

    def descend(gradients: list[Any]) -> None:
        torch._foreach_add_(arrays, gradients, alpha=-rate)

    def roll(gradients: list[Any]) -> None:
        torch._foreach_mul_(first, optimizer.beta)
        torch._foreach_add_(first, gradients)
        torch._foreach_add_(arrays, first, alpha=-rate)

    def adapt(gradients: list[Any]) -> None:
        torch._foreach_add_(steps, 1)
        torch._fused_adam_(
            arrays, gradients, first, second, [], steps, lr=rate, beta1=optimizer.beta1,
            beta2=optimizer.beta2, eps=optimizer.epsilon, weight_decay=0.0, amsgrad=False,
            maximize=False,
        )  # fmt: skip

    return {Adam: adapt, HeavyBall: roll}.get(type(optimizer), descend)


def torch_autograd(of: Task, steps: int) -> Ready:
    """PyTorch as its users write it: layers, autograd, an optimizer; batches picked by index."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

    torch.set_num_threads(THREADS)
    rows, labels = torch.from_numpy(of.rows), torch.from_numpy(of.labels)
    T = labels if of.Y.shape[0] > 1 else labels.to(rows.dtype)[:, np.newaxis]
    cost = cross_entropy if of.Y.shape[0] > 1 else binary_cross_entropy_with_logits
    picks, sizes = _picks(of, steps), [rows.shape[1], *(b.size for b in [*of.start.values()][1::2])]

    def begin() -> tuple[Any, Any]:
        layers = [torch.nn.Linear(*pair, dtype=rows.dtype) for pair in pairwise(sizes)]
        hidden = (part for layer in layers[:-1] for part in (layer, torch.nn.ReLU()))
        model = torch.nn.Sequential(*hidden, layers[-1])
        with torch.no_grad():
            for parameter, array in zip(model.parameters(), flat(of), strict=True):
                parameter.copy_(torch.from_numpy(array))
        return model, _torch_optimizer(of.optimizer, model.parameters())

    def run(begun: tuple[Any, Any]) -> list[Any]:
        model, optimizer = begun
        for pick in picks:
            X, y = (rows, T) if pick is None else (rows[pick], T[pick])
            optimizer.zero_grad()
            cost(model(X), y).backward()
            optimizer.step()
        return [parameter.detach() for parameter in model.parameters()]

    return Ready(begin, run, partial(named, of))


def _torch_optimizer(of: Any, parameters: Any) -> Any:
    import torch

    if isinstance(of, Adam):
        betas = of.beta1, of.beta2
        return torch.optim.Adam(parameters, of.learning_rate, betas, of.epsilon)
    return torch.optim.SGD(parameters, of.learning_rate, getattr(of, "beta", 0))


def jax_scan(cost: Callable[..., Any], of: Task, steps: int) -> Ready:
    """One compiled scan over steps, or over epochs of them where their last batch is shorter."""
    import jax
    from jax import lax, numpy

    jax.config.update("jax_enable_x64", val=True)
    update, (epochs, rest) = _jax_update(of.optimizer), divmod(steps, of.steps_in_epoch)
    size, full = of.size or len(of.rows), len(of.rows) // (of.size or len(of.rows))

    def descend(state: Any, X: Any, Y: Any, order: Any) -> Any:
        def at(state: Any, pick: Any) -> tuple[Any, None]:
            batch = (X, Y) if of.size is None else (_picked(X, pick), _picked(Y, pick))
            t, parameters, moments = state
            gradients = jax.grad(cost)(parameters, *batch)
            return (t + 1, *update(t + 1, parameters, moments, gradients)), None

        def epoch(state: Any, order: Any) -> tuple[Any, None]:
            state, _ = lax.scan(at, state, order[: full * size].reshape(full, size))
            return at(state, order[full * size :]) if len(order) > full * size else (state, None)

        if of.size is None:
            return lax.scan(at, state, length=steps)[0]
        if epochs:
            state, _ = lax.scan(epoch, state, order[:epochs])
        if rest:
            state, _ = lax.scan(at, state, order[-1, : rest * size].reshape(rest, size))
        return state

    def begin() -> Any:
        arrays = [numpy.array(W) for W in of.start.values()]
        moments = tuple([numpy.zeros_like(W) for W in arrays] for _ in of.optimizer.init(of.start))
        return jax.block_until_ready((numpy.zeros((), arrays[0].dtype), arrays, moments))

    order = np.stack(orders(of, epochs + bool(rest)) if of.size else [np.arange(1)])
    data = [*map(numpy.asarray, (of.rows, np.ascontiguousarray(of.Y.T), order))]
    compiled = jax.jit(descend, donate_argnums=0).lower(begin(), *data).compile()
    return Ready(
        begin,
        run=lambda start: jax.block_until_ready(compiled(start, *data)),
        weights=lambda state: named(of, state[1]),
    )


def _picked(rows: Any, pick: Any) -> Any:
    return rows.at[pick].get(mode="promise_in_bounds")


def _jax_update(optimizer: Any) -> Callable[..., tuple[Any, Any]]:
    """Return the update of lists, (t, parameters, moments, gradients) to the first two's next."""
    from jax import numpy, tree

    rate = optimizer.learning_rate

    def descend(t: Any, arrays: Any, moments: Any, gradients: Any) -> tuple[Any, Any]:
        return tree.map(lambda W, dW: W - rate * dW, arrays, gradients), moments

    def roll(t: Any, arrays: Any, moments: Any, gradients: Any) -> tuple[Any, Any]:
        v = tree.map(lambda v, dW: optimizer.beta * v + dW, *moments, gradients)
        return tree.map(lambda W, v: W - rate * v, arrays, v), (v,)

    def adapt(t: Any, arrays: Any, moments: Any, gradients: Any) -> tuple[Any, Any]:
        beta1, beta2, epsilon = optimizer.beta1, optimizer.beta2, optimizer.epsilon
        step, root = rate / (1 - beta1**t), 1 / numpy.sqrt(1 - beta2**t)
        m = tree.map(lambda m, dW: beta1 * m + (1 - beta1) * dW, moments[0], gradients)
        v = tree.map(lambda v, dW: beta2 * v + (1 - beta2) * dW**2, moments[1], gradients)
        changed = tree.map(
            lambda W, m, v: W - step * m / (numpy.sqrt(v) * root + epsilon), arrays, m, v
        )
        return changed, (m, v)

    return {Adam: adapt, HeavyBall: roll}.get(type(optimizer), descend)


def cost_by_rows(arrays: list[Any], A: Any, Y: Any) -> Any:
    """Return the cost of rows, with the examples in rows throughout."""
    import jax

    *hidden, (W, b) = zip(arrays[::2], arrays[1::2], strict=True)
    for V, c in hidden:
        A = jax.nn.relu(A @ V.T + c.T)
    return _cost(A @ W.T + b.T, Y, axis=1)


def cost_by_columns(arrays: list[Any], rows: Any, Y: Any) -> Any:
    """Return the cost of rows, with the examples in columns from the first product on."""
    import jax

    A, (*hidden, (W, b)) = rows.T, zip(arrays[::2], arrays[1::2], strict=True)
    for V, c in hidden:
        A = jax.nn.relu(V @ A + c)
    return _cost(W @ A + b, Y.T, axis=0)


def _cost(Z: Any, Y: Any, axis: int) -> Any:
    import jax

    if Y.shape[axis] == 1:
        return (jax.nn.softplus(Z) - Z * Y).mean()
    return (jax.nn.logsumexp(Z, axis) - (Z * Y).sum(axis)).mean()
