"""Data-parallel training: a batch is shards, and its gradients are the sum of theirs.

A shard is a function without arguments that returns a part of a batch, in whatever process it is
called; the weights of all its parts have a sum of 1. So the step maps over shards, on one machine
or many, and sums what comes back in their order: nothing of a result depends on who did what.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any, TypeAlias

import numpy as np

from catpipe.checks import check_map, check_type, check_whole
from catpipe.data.batches import Batch, check_batch
from catpipe.nn.arrays import Array
from catpipe.nn.network import Network, cost_of, gradients
from catpipe.nn.parameters import Parameters, map_parameters
from catpipe.optim.optimizers import Optimizer, check_optimizer
from catpipe.training.cost_history import after
from catpipe.training.loop import SAMPLE_EVERY, State

Shard: TypeAlias = Callable[[], Batch]
Map: TypeAlias = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]


@dataclass(frozen=True)
class ShardedStep:
    """The step of `make_sharded_step`."""

    network: Network
    optimizer: Optimizer
    map_: Map
    sample_every: int = SAMPLE_EVERY

    def __call__(self, state: State, shards: Sequence[Shard]) -> State:
        """Return the state after one update on the batch that these are the shards of."""
        iteration, parameters, moments, costs = state
        is_sampled = iteration % self.sample_every == 0
        part = partial(
            _part_of_gradients, self.network, parameters, iteration, is_sampled=is_sampled
        )
        found, sums = zip(*self.map_(part, shards), strict=True)
        if is_sampled:
            costs = after(costs, (iteration, np.asarray(sum(found))))
        total = reduce(partial(map_parameters, np.add), sums)
        updated, moments = self.optimizer.update(iteration, parameters, moments, total)
        return State(iteration + 1, updated, moments, costs)


def make_sharded_step(
    network: Network, optimizer: Optimizer, map_: Map = map, sample_every: int = SAMPLE_EVERY
) -> ShardedStep:
    """Return the step that `train` folds over batches that are sequences of shards.

    Law: it is `make_step` on the batches whole, up to rounding; any `map_` gives the same bits.
    Raises as `make_step` does, and each step for a part that is no batch with weights.

    >>> from catpipe.optim.optimizers import gradient_descent
    >>> descent, X, Y = gradient_descent(1.0), np.array([[1.0, 2.0]]), np.array([[0.0, 1.0]])
    >>> start = initial_state(descent, Parameters(W1=[[0.0]], b1=[[0.0]]))
    >>> shards = [partial(Batch, X[:, [i]], Y[:, [i]], np.full((1, 1), 0.5)) for i in range(2)]
    >>> make_sharded_step(mlp(1, 1), descent)(start, shards).parameters["W1"]
    array([[0.25]])
    """
    check_type("network", network, Network, "mlp(4, 3, 1)")
    check_optimizer(optimizer)
    check_map(map_)
    return ShardedStep(network, optimizer, map_, check_whole("sample_every is", sample_every))


def _part_of_gradients(
    network: Network,
    parameters: Parameters,
    iteration: int,
    shard: Shard,
    *,
    is_sampled: bool,
) -> tuple[Array | float, Parameters]:
    """Return what the shard adds to the cost, where that is sampled, and to the gradients."""
    batch = shard()
    check_batch(batch)
    if batch.weights is None:
        raise ValueError("a shard without weights; expected them, as 1 / examples of the batch")
    found = cost_of(network, parameters, *batch, iteration) if is_sampled else 0.0
    return found, gradients(network, parameters, *batch, iteration)
