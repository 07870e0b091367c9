"""Training: one step, the reduce over batches, and the same fold made lazy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import accumulate
from reprlib import repr as brief
from typing import Any, NamedTuple, TypeVar, cast
from warnings import warn

import numpy as np
from toolz import last

from catpipe.checks import check_type, check_whole
from catpipe.data.batches import Batch, check_batch
from catpipe.nn.arrays import Array, is_foreign
from catpipe.nn.network import (
    CONFUSED,
    Network,
    back_propagate,
    check_parameters,
    compute_cost,
    forward,
    scaled,
    summed_cost_gradient,
)
from catpipe.nn.parameters import Parameters
from catpipe.optim.optimizers import Moments, Optimizer, check_moments, check_optimizer
from catpipe.training.cost_history import Costs, after
from catpipe.training.memory import keep_freed_memory

SAMPLE_EVERY = 100  # iterations

keep_freed_memory()

_B = TypeVar("_B")  # what a step takes: a batch or, in data-parallel training, its shards


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
        """Return the state after one update on the batch.

        Raises `TypeError` and `ValueError` for a state or a batch that does not fit.
        """
        try:
            return self._updated(state, batch)
        except CONFUSED:  # the reason is looked for only then, as that takes time
            if is_foreign(state.iteration):
                raise
            check_state(self, state)
            check_batch(batch)
            raise

    def _updated(self, state: State, batch: Batch) -> State:
        iteration, parameters, moments, costs = state
        X, Y, weights = batch
        Z, caches = forward(self.network, parameters, X, iteration)
        if not is_foreign(iteration) and iteration % self.sample_every == 0:
            costs = after(costs, (iteration, compute_cost(self.network, Z, Y, weights)))
        dZ, scale = summed_cost_gradient(self.network, Z, Y, weights)
        _, summed = back_propagate(self.network, parameters, caches, dZ)
        gradients = scaled(parameters, summed, scale)
        updated, moments = self.optimizer.update(iteration, parameters, moments, gradients)
        return State(iteration + 1, updated, moments, costs)


def initial_state(optimizer: Optimizer, parameters: Parameters) -> State:
    """Return the state before the first step.

    Raises `TypeError` for what is no optimizer or no `Parameters`.

    >>> from catpipe.optim.optimizers import gradient_descent
    >>> initial_state(gradient_descent(0.1), Parameters(b1=[[0.0]])).iteration
    0
    """
    check_optimizer(optimizer)
    check_type("parameters", parameters, Parameters, "Parameters(W1=..., b1=...)")
    return State(0, parameters, optimizer.init(parameters))


def make_step(network: Network, optimizer: Optimizer, sample_every: int = SAMPLE_EVERY) -> Step:
    """Return the step that `train` folds: (state, batch) -> state.

    It samples the cost at every iteration that `sample_every` divides. Raises `ValueError` for less
    than 1 and `TypeError` for what is no network or no optimizer; each step raises `ValueError` for
    targets of another shape than the logits.

    >>> from catpipe.optim.optimizers import gradient_descent
    >>> descent, one = gradient_descent(1.0), np.ones((1, 1))
    >>> start = initial_state(descent, Parameters(W1=[[0.0]], b1=[[0.0]]))
    >>> make_step(mlp(1, 1), descent)(start, Batch(one, one)).parameters["W1"]
    array([[0.5]])
    """
    check_type("network", network, Network, "mlp(4, 3, 1)")
    check_optimizer(optimizer)
    return Step(network, optimizer, check_whole("sample_every is", sample_every))


def check_state(step: Callable[[State, _B], State], state: State) -> None:
    """Raise `ValueError` unless the state is one of the step's network and optimizer.

    Steps that `make_step` did not make are trusted. Raises `TypeError` for what is no state.

    >>> from catpipe.optim.optimizers import adam, gradient_descent
    >>> net, W = mlp(1, 1), Parameters(W1=[[0.0]], b1=[[0.0]])
    >>> check_state(make_step(net, gradient_descent(0.1)), initial_state(adam(0.1), W))
    Traceback (most recent call last):
    ValueError: state of another optimizer: 2 moments; expected 0, as GradientDescent has: begin \
with initial_state(optimizer, parameters)
    """
    check_type("state", state, State, "initial_state(optimizer, parameters)")
    if not isinstance(step, Step):
        return
    check_whole("iteration of the state", state.iteration, least=0)
    if not isinstance(state.costs, Sequence):
        raise TypeError(f"costs of the state are {brief(state.costs)}; expected a tuple of samples")
    check_parameters(step.network, state.parameters)
    check_moments(step.optimizer, state.parameters, state.moments)


def train(
    step: Callable[[State, _B], State],
    batches: Iterable[_B],
    state: State,
    *,
    finite: bool = False,
) -> State:
    """Return the state after a step on each batch: a reduce.

    Law: `train(step, a + b, s) == train(step, b, train(step, a, s))`, to the bit.

    A run that diverges warns once, at its end. Where `finite` is asked for it ends with `Diverged`,
    at the first sampled cost that is not finite, or for the last parameters. Raises `TypeError` and
    `ValueError` for a state or batches that do not fit.

    >>> from catpipe.data.batches import full_batches
    >>> from catpipe.optim.optimizers import gradient_descent
    >>> descent = gradient_descent(1.0)
    >>> start = initial_state(descent, Parameters(W1=[[0.0]], b1=[[0.0]]))
    >>> one = np.ones((1, 1))
    >>> step = make_step(mlp(1, 1), descent)
    >>> train(step, full_batches(one, one, iterations=2), start).parameters["W1"].round(3)
    array([[0.769]])
    """
    check_run(step, batches, state)
    with quiet():
        final = (_finite if finite else reduce)(step, batches, state)
    if not is_finite(final.parameters) and is_finite(state.parameters):
        warn(f"{_diverged(final)}, or pass finite=True to stop", RuntimeWarning, stacklevel=2)
    return final


def trajectory(
    step: Callable[[State, _B], State], batches: Iterable[_B], state: State
) -> Iterator[State]:
    """Return every state from the first on, lazily: progress, checkpoints and stopping watch it.

    Law: its last state is what `train` returns, to the bit. Raises what `train` does, when asked
    for its first state or at a step.

    >>> from catpipe.optim.optimizers import gradient_descent
    >>> descent, one = gradient_descent(1.0), np.ones((1, 1))
    >>> start = initial_state(descent, Parameters(W1=[[0.0]], b1=[[0.0]]))
    >>> states = trajectory(make_step(mlp(1, 1), descent), [Batch(one, one)] * 2, start)
    >>> [state.iteration for state in states]
    [0, 1, 2]
    """
    check_run(step, batches, state)
    return accumulate(batches, step, initial=state)


def check_run(step: Callable[[State, _B], State], batches: Iterable[_B], state: State) -> None:
    """Raise `TypeError` or `ValueError` unless the step can be folded over batches from this state.

    >>> check_run(lambda state, batch: state, Batch(np.ones((3, 2)), np.ones((1, 2))), None)
    Traceback (most recent call last):
    TypeError: batches is one batch; expected many: write full_batches(X, Y, iterations)
    """
    if not callable(step):
        raise TypeError(f"step is {brief(step)}; expected a function: write make_step(...)")
    if isinstance(batches, Batch):
        raise TypeError("batches is one batch; expected many: write full_batches(X, Y, iterations)")
    if not isinstance(batches, Iterable):
        raise TypeError(f"batches is {brief(batches)}; expected batches: write full_batches(...)")
    check_state(step, state)


def quiet() -> np.errstate:
    """Return the context in which NumPy does not warn; where it was told to raise, it still does.

    >>> with quiet():
    ...     np.ones(1) / 0
    array([inf])
    """
    told = {of: "ignore" if how == "warn" else how for of, how in np.geterr().items()}
    return np.errstate(**cast(Any, told))


def _finite(step: Callable[[State, _B], State], batches: Iterable[_B], state: State) -> State:
    return last(finite(accumulate(batches, step, initial=state)))


def is_finite(parameters: Parameters) -> bool:
    """Return whether all the parameters are finite.

    >>> is_finite(Parameters(b=[1.0, np.inf]))
    False
    """
    return all(bool(np.isfinite(array).all()) for array in parameters.values())


class Diverged(FloatingPointError):
    """A cost that is no longer finite; `state` is the last whose cost is known to be finite."""

    __module__ = "catpipe.training"  # where its users find it

    @property
    def state(self) -> State:
        """Return the last state whose sampled cost was finite, or the first where none was."""
        return self.args[1]

    def __str__(self) -> str:
        return str(self.args[0])


def finite(states: Iterable[State]) -> Iterator[State]:
    """Hand on the states; raise `Diverged` after a sampled cost that is not finite.

    It is also raised after the last state, where that has parameters that are not finite.

    >>> next(finite([State(101, Parameters(), (), ((100, np.inf),))]))
    Traceback (most recent call last):
    catpipe.training.Diverged: cost inf at iteration 100; expected a finite one: lower the \
learning rate
    """
    checked: Costs = ()
    good = before = None
    for state in states:
        if state.costs and state.costs is not checked:  # sampled since the state before
            checked, sampled = state.costs, before or state
            check_finite(*checked[-1], good or sampled)
            good = sampled
        yield state
        before = state
    if before is not None and not is_finite(before.parameters):
        raise Diverged(_diverged(before), good or before)


def check_finite(iteration: int, cost: Array | float, state: State) -> None:
    """Raise `Diverged` with this state unless the cost at this iteration is finite.

    >>> check_finite(300, float("nan"), State(200, Parameters(), ()))
    Traceback (most recent call last):
    catpipe.training.Diverged: cost nan at iteration 300; expected a finite one: lower the \
learning rate
    """
    if not np.isfinite(cost).all():
        advice = "lower the learning rate" if iteration else BEFORE_ANY_UPDATE
        raise Diverged(
            f"cost {cost} at iteration {iteration}; expected a finite one: {advice}", state
        )


BEFORE_ANY_UPDATE = "look for NaN and infinity in X, Y and the parameters"


def _diverged(state: State) -> str:
    return (
        f"parameters are not finite after iteration {state.iteration - 1}; expected finite ones: "
        "lower the learning rate"
    )
