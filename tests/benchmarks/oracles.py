"""Every optimizer, loss and activation of catpipe against PyTorch and JAX, in `float64`.

    python -m tests.benchmarks.oracles

Against PyTorch, networks are trained from the same generic start on the same shuffled mini-batches,
the last of an epoch a short one, and after every step the cost and all parameters are compared:
each optimizer with each loss and each activation. Against JAX, the gradients of a stack of networks
at generic points. Prints tables of the largest relative difference, and returns 1 where one is
above 1e-10, or where an oracle is missing:

    pip install scikit-learn torch==2.13.0 jax

PyTorch's own classes take every step; where its definitions are others than ours, the code says so.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from itertools import count, islice, product
from math import exp, sqrt
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from toolz import merge

from catpipe.data.batches import Batch, class_weights, mini_batches, normalized
from catpipe.data.sampling import Indices, shuffled
from catpipe.experiments.experiment import ACTIVATIONS
from catpipe.nn.arrays import Array
from catpipe.nn.losses import (
    BINARY_CROSS_ENTROPY,
    MEAN_SQUARED_ERROR,
    SOFTMAX_CROSS_ENTROPY,
    Loss,
)
from catpipe.nn.network import (
    Network,
    cost_gradient,
    forward,
    gradients,
    input_gradient,
    mlp,
    parameter_shapes,
)
from catpipe.nn.parameters import Parameters
from catpipe.optim.optimizers import (
    Optimizer,
    adam,
    averaged_momentum,
    gradient_descent,
    heavy_ball,
    nesterov,
    rmsprop,
)
from catpipe.optim.regularizers import adamw, with_clipping, with_l2, with_weight_decay
from catpipe.optim.schedules import cosine, exponential, inverse_time, step_decay, warm_up
from catpipe.training.loop import initial_state, make_step, trajectory
from tests.benchmarks import THREADS
from tests.benchmarks.contest import INSTALL

TOLERANCE = 1e-10
SIZES, EXAMPLES, BATCH, STEPS, NETWORKS, SEED = (7, 5, 4, 3), 23, 5, 30, 50, 1
RATE, STRENGTH, NORM, EVERY, RAMP = 0.02, 0.3, 1.0, 7, 8
OF_CLASSES = (0.5, 1.0, 3.0)
WEIGHTED = ("gradient_descent", "nesterov", "adam")

TakeStep: TypeAlias = Callable[[], object]
Maker: TypeAlias = Callable[[list[Any], list[Any]], TakeStep]
"""From PyTorch's weights and biases to what takes a step on them, once they have gradients."""

Table: TypeAlias = dict[tuple[str, str], float]
"""The largest relative difference, of row and column."""


class Judged(NamedTuple):
    """A loss: ours, targets from a normal, and other people's loss of each example.

    PyTorch's takes rows, (examples, outputs), and JAX's columns.
    """

    loss: Loss
    targets: Callable[[Array], Array]
    torch: Callable[[Any, Any], Any]
    jax: Callable[[Any, Any], Any]


class Case(NamedTuple):
    """A training run: ours, and how PyTorch does the same."""

    activation: str
    loss: Loss
    optimizer: Optimizer
    everything: Batch
    size: int
    take_step: Maker
    cost: Callable[[Any, Any, Any], Any]  # of PyTorch's logits, targets and example numbers


def of_torch(name: str, Z: Any, Y: Any) -> Any:
    """Return PyTorch's loss of each example, summed over outputs: its own mean is over both."""
    import torch

    each = getattr(torch.nn.functional, name)(Z, Y, reduction="none")
    return each.sum(1) if each.ndim == 2 else each


def of_labels(Z: Any, Y: Any) -> Any:
    """Return PyTorch's cross-entropy against class numbers."""
    return of_torch("cross_entropy", Z, Y.argmax(1))


def of_jax_binary(Z: Any, Y: Any) -> Any:
    """Return -(Y log A + (1 - Y) log(1 - A)), summed over outputs."""
    import jax

    return -(Y * jax.nn.log_sigmoid(Z) + (1 - Y) * jax.nn.log_sigmoid(-Z)).sum(-2)


def of_jax_softmax(Z: Any, Y: Any) -> Any:
    """Return -Y log A, summed over outputs."""
    import jax

    return -(Y * jax.nn.log_softmax(Z, axis=-2)).sum(-2)


def of_jax_squared(Z: Any, Y: Any) -> Any:
    """Return (Z - Y)^2, summed over outputs."""
    return ((Z - Y) ** 2).sum(-2)


def zero_or_one(normal: Array) -> Array:
    """Return 1 where the draw is positive: any number of 1 to a column."""
    return (normal > 0).astype(float)


def hot(normal: Array) -> Array:
    """Return 1 where the draw is the largest of its column."""
    return (normal == normal.max(0)).astype(float)


def soft(normal: Array) -> Array:
    """Return weights that sum to 1 in each column."""
    return np.exp(normal) / np.exp(normal).sum(0)


def as_drawn(normal: Array) -> Array:
    """Return the draws."""
    return normal


LOSSES = {
    "binary": Judged(
        BINARY_CROSS_ENTROPY,
        zero_or_one,
        partial(of_torch, "binary_cross_entropy_with_logits"),
        of_jax_binary,
    ),
    "softmax": Judged(SOFTMAX_CROSS_ENTROPY, hot, of_labels, of_jax_softmax),
    "soft targets": Judged(
        SOFTMAX_CROSS_ENTROPY, soft, partial(of_torch, "cross_entropy"), of_jax_softmax
    ),
    "squared": Judged(MEAN_SQUARED_ERROR, as_drawn, partial(of_torch, "mse_loss"), of_jax_squared),
}

OF_TORCH: dict[str, tuple[str, dict[str, Any]]] = {
    "relu": ("ReLU", {}),
    "leaky_relu": ("LeakyReLU", {"negative_slope": 0.01}),
    "elu": ("ELU", {}),
    "softplus": ("Softplus", {"threshold": 50}),  # beyond which it is Z: by default from 20 on
    "gelu": ("GELU", {}),
    "silu": ("SiLU", {}),
    "tanh": ("Tanh", {}),
    "sigmoid": ("Sigmoid", {}),
    "identity": ("Identity", {}),
}
OF_JAX: dict[str, dict[str, Any]] = {name: {} for name in OF_TORCH} | {
    "gelu": {"approximate": False}
}


def torch_step(
    kind: str,
    scheduled: Callable[[Any], Any] | None = None,
    before: Callable[[list[Any]], object] | None = None,
    decay: float = 0.0,
    **settings: Any,
) -> Maker:
    """Return the maker of steps by this class of `torch.optim`, with decay of the weights only."""

    def make(weights: list[Any], biases: list[Any]) -> TakeStep:
        import torch

        decayed = {"params": weights, "weight_decay": decay}
        kept = {"params": biases, "weight_decay": 0.0}
        optimizer = getattr(torch.optim, kind)([decayed, kept], **settings)
        for parameter in [*weights, *biases] if "dampening" in settings else []:
            # where it looks for its moment, which would else begin with the first dW undampened
            optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
        scheduler = scheduled(optimizer) if scheduled else None

        def take_step() -> None:
            if before:
                before([*weights, *biases])
            optimizer.step()
            if scheduler:
                scheduler.step()

        return take_step

    return make


def clip(parameters: list[Any]) -> None:
    """Clip as PyTorch does, less the 1e-6 that it adds to the norm."""
    from torch.nn.utils import clip_grads_with_norm_, get_total_norm

    norm = get_total_norm(parameter.grad for parameter in parameters)
    clip_grads_with_norm_(parameters, NORM, norm - 1e-6)


def scheduler(name: str, *parts: Callable[[Any], Any], **settings: Any) -> Callable[[Any], Any]:
    """Return the maker of this one of `torch.optim.lr_scheduler`, of several parts or of itself."""

    def make(optimizer: Any) -> Any:
        from torch.optim import lr_scheduler

        schedulers = {"schedulers": [part(optimizer) for part in parts]} if parts else {}
        return getattr(lr_scheduler, name)(optimizer=optimizer, **schedulers, **settings)

    return make


_sgd = partial(torch_step, "SGD", lr=RATE)
_heavy = partial(_sgd, momentum=0.9)
_adam = partial(torch_step, "Adam", lr=RATE)
_adamw = partial(torch_step, "AdamW", lr=RATE, weight_decay=0.0)
_rmsprop = partial(torch_step, "RMSprop", lr=RATE)
_ramp = scheduler("LinearLR", start_factor=1 / RAMP, end_factor=1.0, total_iters=RAMP - 1)
_down = scheduler("CosineAnnealingLR", T_max=STEPS)
_both = scheduler("ChainedScheduler", _ramp, _down)
_half_way = scheduler("CosineAnnealingLR", T_max=STEPS // 2)
_nothing = scheduler("ConstantLR", factor=0.0, total_iters=STEPS)
_until_half_way = scheduler("SequentialLR", _half_way, _nothing, milestones=[STEPS // 2])
_halved = scheduler("StepLR", step_size=EVERY, gamma=0.5)
_less = scheduler("ExponentialLR", gamma=exp(-0.05))
_slower = scheduler("LambdaLR", lr_lambda=lambda i: 1 / (1 + 0.3 * (i // EVERY)))

OPTIMIZERS: dict[str, tuple[Optimizer, Maker]] = {
    "gradient_descent": (gradient_descent(RATE), _sgd()),
    "heavy_ball": (heavy_ball(RATE, 0.8), _sgd(momentum=0.8)),
    "averaged_momentum": (averaged_momentum(RATE, 0.8), _sgd(momentum=0.8, dampening=0.8)),
    "nesterov": (nesterov(RATE, 0.8), _sgd(momentum=0.8, nesterov=True)),
    "rmsprop": (rmsprop(RATE), _rmsprop(alpha=0.9)),
    "rmsprop, its own constants": (rmsprop(RATE, 0.75, 1e-4), _rmsprop(alpha=0.75, eps=1e-4)),
    "adam": (adam(RATE), _adam()),
    "adam, its own constants": (adam(RATE, 0.8, 0.95, 1e-4), _adam(betas=(0.8, 0.95), eps=1e-4)),
    "adamw": (adamw(RATE), _adamw(decay=0.01)),
    "adamw, strong": (adamw(RATE, STRENGTH), _adamw(decay=STRENGTH)),
    "with_l2, gradient_descent": (with_l2(gradient_descent(RATE), STRENGTH), _sgd(decay=STRENGTH)),
    "with_l2, heavy_ball": (with_l2(heavy_ball(RATE), STRENGTH), _heavy(decay=STRENGTH)),
    "with_l2, nesterov": (with_l2(nesterov(RATE), STRENGTH), _heavy(decay=STRENGTH, nesterov=True)),
    "with_l2, rmsprop": (with_l2(rmsprop(RATE), STRENGTH), _rmsprop(alpha=0.9, decay=STRENGTH)),
    "with_l2, adam": (with_l2(adam(RATE), STRENGTH), _adam(decay=STRENGTH)),
    "with_weight_decay, descent": (
        with_weight_decay(gradient_descent(RATE), RATE * STRENGTH),
        _sgd(decay=STRENGTH),  # without moments, decoupled is coupled
    ),
    "with_weight_decay, adam": (
        with_weight_decay(adam(RATE, 0.8, 0.95, 1e-4), RATE * STRENGTH),
        _adamw(decay=STRENGTH, betas=(0.8, 0.95), eps=1e-4),
    ),
    "with_clipping, descent": (with_clipping(gradient_descent(RATE), NORM), _sgd(before=clip)),
    "with_clipping, heavy_ball": (with_clipping(heavy_ball(RATE), NORM), _heavy(before=clip)),
    "with_clipping, adam": (with_clipping(adam(RATE), NORM), _adam(before=clip)),
    "step_decay": (gradient_descent(step_decay(RATE, 0.5, EVERY)), _sgd(_halved)),
    "exponential": (gradient_descent(exponential(RATE, 0.05)), _sgd(_less)),
    "inverse_time": (gradient_descent(inverse_time(RATE, 0.3, EVERY)), _sgd(_slower)),
    "cosine": (gradient_descent(cosine(RATE, STEPS)), _sgd(_down)),
    "cosine, and after": (gradient_descent(cosine(RATE, STEPS // 2)), _sgd(_until_half_way)),
    "warm_up": (gradient_descent(warm_up(RATE, RAMP)), _sgd(_ramp)),
    "warm_up, cosine, heavy_ball": (heavy_ball(warm_up(cosine(RATE, STEPS), RAMP)), _heavy(_both)),
    "warm_up, cosine, adam": (adam(warm_up(cosine(RATE, STEPS), RAMP)), _adam(_both)),
    "warm_up, cosine, adamw": (
        adamw(warm_up(cosine(RATE, STEPS), RAMP), STRENGTH),
        _adamw(_both, decay=STRENGTH),
    ),
}


def drawn(judged: Judged) -> Batch:
    """Return columns from a normal, and targets for the loss."""
    random = np.random.default_rng(SEED)
    X = random.standard_normal((SIZES[0], EXAMPLES))
    return Batch(X, judged.targets(random.standard_normal((SIZES[-1], EXAMPLES))))


def normal_start(net: Network, *stack: int) -> Parameters:
    """Return weights and biases from a normal, of one network or of a stack.

    Divided by the root of the columns, which holds the squared error's descent together.
    """
    random = np.random.default_rng(SEED + 1)
    shapes = parameter_shapes(net).items()
    return Parameters({n: random.standard_normal((*stack, *s)) / sqrt(s[-1]) for n, s in shapes})


def trained_with_torch(case: Case, start: Parameters) -> Iterator[dict[str, Array]]:
    """Hand on the parameters after each of PyTorch's steps, and the cost before it."""
    import torch

    torch.set_num_threads(THREADS)
    linears, model = torch_model(case.activation, start)
    weights, biases = [one.weight for one in linears], [one.bias for one in linears]
    take_step = case.take_step(weights, biases)
    X, Y = (torch.from_numpy(np.ascontiguousarray(of.T)) for of in case.everything[:2])
    for indices in islice(torch_batches(case.size), STEPS):
        model.zero_grad()
        cost = case.cost(model(X[indices]), Y[indices], indices)
        cost.backward()
        take_step()
        named = zip(start, model.parameters(), strict=True)
        arrays = {name: array.detach().numpy().copy() for name, array in named}
        yield {"cost": cost.detach().numpy(), **arrays}


def torch_model(activation: str, start: Parameters) -> tuple[list[Any], Any]:
    """Return PyTorch's linear layers, and its sequence of them with activations between."""
    from torch import float64, from_numpy, nn, no_grad

    arrays = list(start.values())
    linears = [nn.Linear(*W.shape[::-1], dtype=float64) for W in arrays[::2]]
    with no_grad():
        for linear, W, b in zip(linears, arrays[::2], arrays[1::2], strict=True):
            linear.weight.copy_(from_numpy(W.copy()))
            linear.bias.copy_(from_numpy(b[:, 0].copy()))
    name, settings = OF_TORCH[activation]
    between = [getattr(nn, name)(**settings) for _ in linears]
    pairs = [module for pair in zip(linears, between, strict=True) for module in pair]
    return linears, nn.Sequential(*pairs[:-1])


def torch_batches(size: int) -> Iterator[Any]:
    """Hand on the numbers of each batch's examples: the same orders, cut by PyTorch."""
    import torch

    order = shuffled(EXAMPLES, SEED)
    for epoch in count():
        yield from torch.from_numpy(order(epoch)).split(size)


def trained_with_catpipe(case: Case, net: Network, start: Parameters) -> Iterator[dict[str, Array]]:
    """Hand on our parameters after each step, and the cost before it."""
    step = make_step(net, case.optimizer, sample_every=1)
    batches = mini_batches(case.everything, shuffled(EXAMPLES, SEED), case.size)
    states = trajectory(step, islice(batches, STEPS), initial_state(case.optimizer, start))
    for state in islice(states, 1, None):
        yield {"cost": np.asarray(state.costs[-1][1]), **state.parameters}


def off(case: Case) -> float:
    """Return the largest relative difference between the two, after any step."""
    net = mlp(*SIZES, activation=ACTIVATIONS[case.activation], loss=case.loss)
    start = normal_start(net)
    both = zip(trained_with_catpipe(case, net, start), trained_with_torch(case, start), strict=True)
    return largest(apart(ours, theirs) for ours, theirs in both)


def apart(ours: dict[str, Array], theirs: dict[str, Array]) -> float:
    """Return the largest difference over all names, relative to the largest number of its array."""
    return largest(
        np.abs(ours[name].squeeze() - theirs[name].squeeze()).max() / np.abs(theirs[name]).max()
        for name in theirs
    )


def largest(differences: Iterable[float]) -> float:
    """Return the largest; not a number where one is not, which `max` may pass over."""
    return float(np.max([*differences], initial=0))


def plain(judged: Judged, Z: Any, Y: Any, indices: Any) -> Any:
    """Return the average of PyTorch's loss."""
    return judged.torch(Z, Y).mean()


def weighted(judged: Judged, weights: Array, Z: Any, Y: Any, indices: Any) -> Any:
    """Return the batch's part of the weighted average over all: an epoch's average to it."""
    import torch

    weights = torch.from_numpy(weights)[indices] / weights.sum()
    return (weights * judged.torch(Z, Y)).sum() * (EXAMPLES / len(indices))


def by_class(Z: Any, Y: Any, indices: Any) -> Any:
    """Return PyTorch's own average with class weights."""
    import torch

    weight = torch.tensor(OF_CLASSES, dtype=Z.dtype)
    return torch.nn.functional.cross_entropy(Z, Y.argmax(1), weight=weight)


def plain_case(optimizer: str, loss: str, activation: str) -> Case:
    """Return the case in which all examples count alike."""
    ours, theirs = OPTIMIZERS[optimizer]
    judged = LOSSES[loss]
    cost = partial(plain, judged)
    return Case(activation, judged.loss, ours, drawn(judged), BATCH, theirs, cost)


def weighted_case(optimizer: str, loss: str) -> Case:
    """Return the case in which each example has a weight of its own, one of them none."""
    weights = np.random.default_rng(SEED + 2).exponential(size=EXAMPLES) * (np.arange(EXAMPLES) > 0)
    case, cost = plain_case(optimizer, loss, "tanh"), partial(weighted, LOSSES[loss], weights)
    everything = case.everything._replace(weights=normalized(weights[np.newaxis]))
    return case._replace(everything=everything, cost=cost)


def case_by_class(optimizer: str) -> Case:
    """Return the case of class weights, all examples at once: PyTorch averages in a batch."""
    case = plain_case(optimizer, "softmax", "tanh")
    labels: Indices = case.everything.Y.argmax(0)
    weights = normalized(class_weights(labels, OF_CLASSES))
    everything = case.everything._replace(weights=weights)
    return case._replace(everything=everything, cost=by_class, size=EXAMPLES)


def torch_tables() -> dict[str, Table]:
    """Return what PyTorch says: by optimizer, by activation, and with weights."""
    every = {each: off(plain_case(*each)) for each in product(OPTIMIZERS, LOSSES, ACTIVATIONS)}
    weights = {(name, loss): off(weighted_case(name, loss)) for name in WEIGHTED for loss in LOSSES}
    classes = {(f"{name}, class weights", "softmax"): off(case_by_class(name)) for name in WEIGHTED}
    steps = f"{STEPS} steps, batches of {BATCH} of {EXAMPLES}"
    return {
        f"PyTorch, {steps}: the worst of all activations": worst(every, row=0, column=1),
        f"PyTorch, {steps}: the worst of all optimizers": worst(every, row=2, column=1),
        f"PyTorch, {steps}: example weights (and class weights, all at once), tanh": {
            **weights,
            **classes,
        },
    }


def worst(every: dict[tuple[str, str, str], float], row: int, column: int) -> Table:
    """Return the largest of each row and column, over what is neither."""
    keys = dict.fromkeys((each[row], each[column]) for each in every)
    return {
        key: largest(value for of, value in every.items() if (of[row], of[column]) == key)
        for key in keys
    }


def jax_tables() -> dict[str, Table]:
    """Return what JAX says of the gradients of a stack of networks, and of those at the input."""
    import jax

    jax.config.update("jax_enable_x64", val=True)
    weights = np.random.default_rng(SEED + 2).exponential(size=(1, EXAMPLES))
    kinds = {"all alike": None, "example weights": normalized(weights)}
    title = f"JAX, gradients of {NETWORKS} networks in a stack and at their input"
    return {
        f"{title}: {kind}": {
            cell: off_by_jax(*cell, weights) for cell in product(ACTIVATIONS, LOSSES)
        }
        for kind, weights in kinds.items()
    }


def off_by_jax(activation: str, loss: str, weights: Array | None) -> float:
    """Return the largest relative difference of any network's gradients."""
    import jax

    judged = LOSSES[loss]
    (X, Y, _), of_each = drawn(judged), ACTIVATIONS[activation]
    net = mlp(*SIZES, activation=of_each, loss=judged.loss)
    stack = normal_start(net, NETWORKS)
    ours = our_gradients(net, stack, X, Y, weights)
    cost = partial(jax_cost, activation, judged, weights)
    by_jax = jax.vmap(jax.grad(cost, argnums=(0, 1)), in_axes=(0, None, None))
    of_parameters, of_input = by_jax(dict(stack), X, Y)
    theirs = {name: np.asarray(of) for name, of in {**of_parameters, "X": of_input}.items()}
    return largest(
        apart({n: of[i] for n, of in ours.items()}, {n: of[i] for n, of in theirs.items()})
        for i in range(NETWORKS)
    )


def our_gradients(
    net: Network, stack: Parameters, X: Array, Y: Array, weights: Array | None
) -> dict[str, Array]:
    """Return the gradients of the parameters, and that of the input, each (networks, ...)."""
    Z, caches = forward(net, stack, X)
    at_input = input_gradient(net, stack, caches, cost_gradient(net, Z, Y, weights))
    return {**gradients(net, stack, X, Y, weights), "X": at_input}


def jax_cost(
    activation: str, judged: Judged, weights: Array | None, start: dict[str, Any], X: Any, Y: Any
) -> Any:
    """Return the cost of one network."""
    import jax

    value = partial(getattr(jax.nn, activation), **OF_JAX[activation])
    *hidden, last = range(1, len(SIZES))
    A = X
    for layer in hidden:
        A = value(start[f"W{layer}"] @ A + start[f"b{layer}"])
    each = judged.jax(start[f"W{last}"] @ A + start[f"b{last}"], Y)
    return each.mean() if weights is None else (weights[0] * each).sum()


def shown(title: str, table: Table) -> str:
    """Return the table as lines to print."""
    rows, columns = (list(dict.fromkeys(names)) for names in zip(*table, strict=True))
    head = f"{title}\n  {'':32}" + "".join(f"{column:>14}" for column in columns)
    return "\n".join((head, *(_line(row, columns, table) for row in rows)))


def _line(row: str, columns: Sequence[str], table: Table) -> str:
    cells = (f"{table[row, of]:14.1e}" if (row, of) in table else f"{'':14}" for of in columns)
    return f"  {row:32}" + "".join(cells).rstrip()


ORACLES = {"torch": torch_tables, "jax": jax_tables}


def main() -> int:
    """Print all tables; return 1 where a difference is too large, or an oracle missing."""
    missing = [module for module in ORACLES if find_spec(module) is None]
    tables = merge({}, *(made() for module, made in ORACLES.items() if module not in missing))
    for title, table in tables.items():
        print(shown(title, table), end="\n\n")
    found = largest(value for table in tables.values() for value in table.values())
    if tables:
        print(f"largest relative difference {found:.1e}, allowed {TOLERANCE:.0e}")
    for module in missing:
        print(f"{module} is not installed here: {INSTALL}")
    return 0 if found <= TOLERANCE and not missing else 1


if __name__ == "__main__":
    sys.exit(main())
