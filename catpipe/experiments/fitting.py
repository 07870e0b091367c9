"""Fitting: an experiment and pictures in, a result out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TypeAlias

import numpy as np
from toolz import identity, tail

from catpipe.data.examples import Pictures
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.result import Reached, Result, is_last
from catpipe.experiments.setup import (
    Problem,
    batches_of,
    epoch_of,
    iterations_of,
    network_of,
    optimizer_for,
    roles,
)
from catpipe.experiments.setup import problem as pose
from catpipe.experiments.setup import start as draw_start
from catpipe.nn.network import Network, cost_of
from catpipe.nn.parameters import Array, Parameters
from catpipe.training.loop import (
    Costs,
    Diverged,
    State,
    check_finite,
    finite,
    initial_state,
    make_step,
    trajectory,
)
from catpipe.training.stopping import Checkpoint, best_of, early_stopping

Watch: TypeAlias = Callable[[Iterator[Checkpoint]], Iterator[Checkpoint]]

CHECK_EVERY = 100  # iterations, for early stopping on full batches


def fit(
    experiment: Experiment,
    pictures: Pictures,
    watch: Watch = identity,
    validation: Pictures | None = None,
) -> Result:
    """Return what the experiment learns from the pictures.

    `watch` is handed what is kept at each iteration (the state and, with early stopping, the best)
    and hands it on: a progress bar, say; where it ends, the run does. States are as they are in the
    space where training is done. Early stopping looks at the validation set or, without one, at a
    fifth of the pictures. Raises `Diverged`, with the last finite state in the full space, when the
    cost is no longer finite.

    >>> result = fit(Experiment(seed=1, hidden=()), pictures)
    >>> [(iteration, round(cost, 3)) for iteration, cost in result.costs[:2]]
    [(0, 0.436), (100, 0.412)]
    """
    posed = pose(experiment, pictures, validation)
    return solve(posed, draw_start(posed, experiment.seed), watch)


def solve(
    problem: Problem,
    parameters: Parameters,
    watch: Watch = identity,
    kept: Checkpoint | None = None,
) -> Result:
    """Return what training on the problem makes of these parameters, one network's or a stack's.

    To carry on a run that began with them, hand over what it kept. Raises `Diverged` as `fit` does.

    >>> posed = pose(Experiment(seed=1, hidden=(), iterations=1), pictures)
    >>> solve(posed, Parameters(W1=[[0.0]], b1=[[0.0]])).parameters["W1"]
    array([[0.001875]])
    """
    network, space = network_of(problem), problem.space
    try:
        descent = descend(problem, *space.enter(network, parameters), watch, kept)
    except Diverged as error:
        good = error.state
        left = space.leave(network, parameters, good.parameters)
        raise Diverged(str(error), State(good.iteration, left, ())) from None
    return result_at(problem, parameters, *descent)


def result_at(
    problem: Problem,
    parameters: Parameters,
    kept: Checkpoint,
    best: State | None = None,
    costs: Costs | None = None,
) -> Result:
    """Return the result of a run that began with these parameters and has come to what is kept.

    The best and the costs are those of what is kept, unless they are given.

    >>> posed, half = pose(Experiment(seed=1, hidden=()), pictures), Parameters(W1=[[0.5]])
    >>> halfway = State(7, half, ())
    >>> result_at(posed, half, Checkpoint(halfway, halfway, 0.0, 0)).iteration
    7
    """
    state, network, space = kept.state, network_of(problem), problem.space
    best = best or kept.best
    trained = space.leave(network, parameters, best.parameters)
    sampled = plain_costs(state.costs)
    trimmed = kept._replace(
        state=state._replace(costs=sampled),
        best=State(kept.best.iteration, kept.best.parameters, ()),
    )
    examples = len(problem.labels) - problem.own
    end, known = iterations_of(problem), problem.pictures
    reached = Reached(trimmed, space.kind, end, examples, problem.own, known)
    costs = sampled if costs is None else plain_costs(costs)
    return Result(problem.experiment, network, trained, costs, space.name, best.iteration, reached)


def plain_costs(costs: Costs) -> Costs:
    """Return the costs as Python's numbers, or lists of them.

    >>> plain_costs(((0, np.array([0.5, 0.25])),))
    ((0, [0.5, 0.25]),)
    """
    return tuple((iteration, np.asarray(cost).tolist()) for iteration, cost in costs)


def descend(
    problem: Problem,
    network: Network,
    parameters: Parameters,
    watch: Watch = identity,
    kept: Checkpoint | None = None,
) -> tuple[Checkpoint, State, Costs]:
    """Return what is kept where the watch ends; the best state; and the sampled costs.

    Once the run is over, its last state is checked too, and its last cost is among the costs. The
    network and the parameters are as they are in the problem's space. Without early stopping the
    last state is the best. Raises `Diverged`.
    """
    optimizer = optimizer_for(problem.experiment, iterations_of(problem))
    state = initial_state(optimizer, parameters) if kept is None else kept.state
    states = trajectory(make_step(network, optimizer), batches_of(problem, state.iteration), state)
    *before, final = tail(2, watch(_kept(problem, network, finite(states), kept)))
    if not before or not is_last(problem.experiment, iterations_of(problem), final):
        return final, final.best, final.state.costs
    last = before[0].state.iteration
    costs = dict(final.state.costs) | {last: _last_cost(problem, network, before[0], final)}
    validation_cost = _validation(problem, network)
    best = best_of(final, validation_cost) if validation_cost else final.best
    return final, best, (*costs.items(),)


def _last_cost(problem: Problem, network: Network, before: Checkpoint, final: Checkpoint) -> Array:
    """Return the cost before the last update; refuse one, or a next, that is not finite."""
    last = before.state.iteration
    batch = next(batches_of(problem, last))
    cost, after = (
        cost_of(network, kept.state.parameters, *batch, last) for kept in (before, final)
    )
    check_finite(last, cost, before.state)
    check_finite(final.state.iteration, after, before.state)
    return cost


def _kept(
    problem: Problem, network: Network, states: Iterable[State], kept: Checkpoint | None
) -> Iterator[Checkpoint]:
    """Hand on the states with the best of them: without early stopping, the last."""
    patience, validation_cost = problem.experiment.early_stopping, _validation(problem, network)
    if patience is None or validation_cost is None:
        return (Checkpoint(state, state, 0.0, 0) for state in states)
    every = epoch_of(problem) if problem.experiment.batch_size else CHECK_EVERY
    return early_stopping(states, validation_cost, patience, every=every, kept=kept)


def _validation(problem: Problem, network: Network) -> Callable[[Parameters], float] | None:
    """Return the cost that early stopping looks at, where there is early stopping."""
    _, held = roles(problem)
    return None if held is None else partial(_validation_cost, problem, network, held)


def _validation_cost(
    problem: Problem, network: Network, weights: Array, parameters: Parameters
) -> float:
    return float(cost_of(network, parameters, problem.space.columns, problem.Y, weights).item())
