"""What ordinary users train, as `users` times it: a task, its batches, and catpipe at it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from toolz import last

from catpipe.data.batches import Batch, batches_in_epoch, full_batches, mini_batches
from catpipe.data.examples import targets
from catpipe.data.sampling import Indices, shuffled
from catpipe.nn.arrays import Array
from catpipe.nn.initializers import course, he, initialize_parameters
from catpipe.nn.losses import BINARY_CROSS_ENTROPY, SOFTMAX_CROSS_ENTROPY
from catpipe.nn.network import Network, mlp
from catpipe.nn.parameters import Parameters
from catpipe.optim.optimizers import Optimizer
from catpipe.shell.threads import SMALL, one_blas_thread
from catpipe.training.compiled import Turns, compiled_trajectory, on_device
from catpipe.training.loop import initial_state, make_step, train
from catpipe.training.spaces import cheapest_space
from tests.benchmarks.problem import Ready

SEED = 1
PLANNED = 2500  # iterations, as an `Experiment` has by default: they decide where catpipe trains


class Task(NamedTuple):
    """A network, its start and what trains it: rows are (examples, features), contiguous."""

    network: Network
    optimizer: Optimizer
    rows: Array
    labels: Indices
    size: int | None  # of a batch; None: all the examples
    start: Parameters

    @property
    def Y(self) -> Array:
        """Return the targets, (outputs, examples)."""
        outputs = max(2, self.start[f"b{self.depth}"].size)
        return targets(self.labels, outputs, self.rows.dtype)

    @property
    def depth(self) -> int:
        """Return the number of layers."""
        return len(self.network.layers)

    @property
    def steps_in_epoch(self) -> int:
        """Return the number of batches that visit every example once."""
        return batches_in_epoch(len(self.rows), self.size) if self.size else 1


def task(
    rows: Array, labels: Indices, hidden: Sequence[int], optimizer: Optimizer, size: int | None
) -> Task:
    """Return the task of these examples, in their type, from a start of seed 1."""
    classes = int(labels.max()) + 1
    outputs, loss, initializer = (
        (1, BINARY_CROSS_ENTROPY, course) if classes == 2 else (classes, SOFTMAX_CROSS_ENTROPY, he)
    )
    net = mlp(rows.shape[1], *hidden, outputs, loss=loss)
    start = initialize_parameters(net, SEED, initializer=initializer, dtype=rows.dtype)
    return Task(net, optimizer, rows, np.array(labels, np.int64), size, start)


def few(of: Task) -> Task:
    """Return the task on the first few examples: two batches and a shorter one, or 209."""
    examples = of.size * 5 // 2 if of.size else 209
    return of._replace(rows=of.rows[:examples], labels=of.labels[:examples])


def orders(of: Task, epochs: int) -> list[Indices]:
    """Return the order of each epoch, as catpipe draws it."""
    return [*map(shuffled(len(of.rows), SEED), range(epochs))]


def indices(of: Task, steps: int) -> Iterator[Indices | slice]:
    """Give what picks the examples of each step."""
    if of.size is None:
        yield from [slice(None)] * steps
        return
    each = (
        order[begin : begin + of.size]
        for order in orders(of, -(-steps // of.steps_in_epoch))
        for begin in range(0, len(order), of.size)
    )
    yield from islice(each, steps)


def ours(of: Task, steps: int) -> Ready:
    """`train`, in the space and with the threads of `fit`."""
    space = cheapest_space(of.network, of.optimizer, of.rows.T, of.size, PLANNED)
    net, inside = space.project(of.network, of.start)
    step, state, Y = make_step(net, of.optimizer), initial_state(of.optimizer, inside), of.Y
    is_small = sum(array.size for array in inside.values()) < SMALL

    def begin() -> Any:
        if of.size is None:
            return full_batches(space.columns, Y, steps)
        everything = Batch(space.columns, Y)
        return islice(mini_batches(everything, shuffled(len(of.rows), SEED), of.size), steps)

    def run(batches: Any) -> Any:
        with one_blas_thread() if is_small else nullcontext():
            return train(step, batches, state).parameters

    return Ready(begin, run, lambda trained: dict(space.lift(of.network, of.start, trained)))


def ours_compiled(of: Task, steps: int) -> Ready:
    """Train by the same fold, compiled, which the first run does."""
    space = cheapest_space(of.network, of.optimizer, of.rows.T, of.size, PLANNED)
    net, inside = space.project(of.network, of.start)
    order = shuffled(len(of.rows), SEED) if of.size else None
    turns = Turns(Batch(space.columns, of.Y), order, of.size)
    state, data = initial_state(of.optimizer, inside), on_device(net, turns)

    def run(_: None) -> Any:
        states = compiled_trajectory(net, of.optimizer, turns, state, steps, never, data=data)
        return last(states).parameters

    return Ready(lambda: None, run, lambda trained: dict(space.lift(of.network, of.start, trained)))


def never(iteration: int) -> bool:
    """Return that nobody looks at this iteration."""
    return False


def apart(ours: dict[str, Any], others: dict[str, Any]) -> float:
    """Return the largest difference of any parameter; 0 from one that has none."""
    differences = [np.abs(ours[name] - others[name]).max() for name in ours if others]
    return float(np.max(differences, initial=0))
