"""Training: one step, the reduce over batches, and the same fold made lazy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from catpipe.data.batches import Batch
from catpipe.nn.network import Network, back_propagate, compute_cost, forward, summed_cost_gradient
from catpipe.nn.parameters import Array, Parameters
from catpipe.optim.optimizers import Moments, Optimizer
from catpipe.training.cost_history import Costs, after

SAMPLE_EVERY = 100  # iterations


class State(NamedTuple):
    """All that a run is: saving it and carrying on loses nothing."""

    iteration: int
    parameters: Parameters
    moments: Moments
    costs: Costs = ()


@dataclass(frozen=True)
class Step:
    """The step of `make_step`: forward, the sampled cost, backward, update."""

    network: Network
    optimizer: Optimizer
    sample_every: int = SAMPLE_EVERY

    def __call__(self, state: State, batch: Batch) -> State:
        """Return the state after one update on the batch."""
        iteration, parameters, moments, costs = state
        X, Y, weights = batch
        Z, caches = forward(self.network, parameters, X, iteration)
        if iteration % self.sample_every == 0:
            costs = after(costs, (iteration, compute_cost(self.network, Z, Y, weights)))
        summed = summed_cost_gradient(self.network, Z, Y, weights)
        _, gradients = back_propagate(self.network, parameters, caches, *summed)
        updated, moments = self.optimizer.update(iteration, parameters, moments, gradients)
        return State(iteration + 1, updated, moments, costs)


def initial_state(optimizer: Optimizer, parameters: Parameters) -> State:
    """Return the state before the first step.

    >>> from catpipe.optim.optimizers import gradient_descent
    >>> initial_state(gradient_descent(0.1), Parameters(b1=[[0.0]])).iteration
    0
    """
    return State(0, parameters, optimizer.init(parameters))


def make_step(network: Network, optimizer: Optimizer, sample_every: int = SAMPLE_EVERY) -> Step:
    """Return the step that `train` folds: (state, batch) -> state.

    It samples the cost at every iteration that `sample_every` divides. Raises `ValueError` for less
    than 1, and each step for targets of another shape than the logits.

    >>> from catpipe.optim.optimizers import gradient_descent
    >>> descent, one = gradient_descent(1.0), np.ones((1, 1))
    >>> start = initial_state(descent, Parameters(W1=[[0.0]], b1=[[0.0]]))
    >>> make_step(mlp(1, 1), descent)(start, Batch(one, one)).parameters["W1"]
    array([[0.5]])
    """
    if sample_every < 1:
        raise ValueError(f"sample_every is {sample_every}; expected an integer of at least 1")
    return Step(network, optimizer, sample_every)


def train(step: Callable[[State, Batch], State], batches: Iterable[Batch], state: State) -> State:
    """Return the state after a step on each batch: a reduce.

    Law: `train(step, a + b, s) == train(step, b, train(step, a, s))`, to the bit.

    >>> from catpipe.data.batches import full_batches
    >>> from catpipe.optim.optimizers import gradient_descent
    >>> descent = gradient_descent(1.0)
    >>> start = initial_state(descent, Parameters(W1=[[0.0]], b1=[[0.0]]))
    >>> one = np.ones((1, 1))
    >>> step = make_step(mlp(1, 1), descent)
    >>> train(step, full_batches(one, one, iterations=2), start).parameters["W1"].round(3)
    array([[0.769]])
    """
    return reduce(step, batches, state)


def trajectory(
    step: Callable[[State, Batch], State], batches: Iterable[Batch], state: State
) -> Iterator[State]:
    """Return every state from the first on, lazily: progress, checkpoints and stopping watch it.

    Law: its last state is what `train` returns, to the bit.

    >>> from catpipe.optim.optimizers import gradient_descent
    >>> descent, one = gradient_descent(1.0), np.ones((1, 1))
    >>> start = initial_state(descent, Parameters(W1=[[0.0]], b1=[[0.0]]))
    >>> states = trajectory(make_step(mlp(1, 1), descent), [Batch(one, one)] * 2, start)
    >>> [state.iteration for state in states]
    [0, 1, 2]
    """
    return accumulate(batches, step, initial=state)


class Diverged(FloatingPointError):
    """A cost that is no longer finite; `state` is the last whose cost is known to be."""

    __module__ = "catpipe.training"  # where its users find it

    @property
    def state(self) -> State:
        """Return the last state whose sampled cost was finite, or the first where none was."""
        return self.args[1]

    def __str__(self) -> str:
        return str(self.args[0])


def finite(states: Iterable[State]) -> Iterator[State]:
    """Hand on the states; raise `Diverged` after a sampled cost that is not finite.

    >>> next(finite([State(1, Parameters(), (), ((0, np.inf),))]))
    Traceback (most recent call last):
    catpipe.training.Diverged: cost inf at iteration 0; expected a finite one: lower the learning \
rate
    """
    checked: Costs = ()
    good = before = None
    for state in states:
        if state.costs is not checked:  # sampled on the way here from the state before
            checked, sampled = state.costs, before or state
            check_finite(*checked[-1], good or sampled)
            good = sampled
        yield state
        before = state


def check_finite(iteration: int, cost: Array | float, state: State) -> None:
    """Raise `Diverged` with this state unless the cost at this iteration is finite.

    >>> check_finite(300, float("nan"), State(200, Parameters(), ()))
    Traceback (most recent call last):
    catpipe.training.Diverged: cost nan at iteration 300; expected a finite one: lower the \
learning rate
    """
    if not np.isfinite(cost).all():
        raise Diverged(
            f"cost {cost} at iteration {iteration}; expected a finite one: lower the learning rate",
            state,
        )
