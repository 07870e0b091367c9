"""Fitting: a setup in, a result out. There is one way to train, and this is it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from reprlib import repr as brief
from typing import TypeAlias

import numpy as np
from toolz import identity, tail

from catpipe.data.conversion import ExamplesLike
from catpipe.experiments.contexts import Context, no_context, prepared_and_trained
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.result import Result
from catpipe.experiments.setup import Setup, batches_of, prepare, turns_of, weights_fingerprint
from catpipe.nn.arrays import Array
from catpipe.nn.network import Network, cost_of, layer_sizes
from catpipe.nn.parameters import Parameters
from catpipe.optim.optimizers import Optimizer
from catpipe.training.compiled import compiled_trajectory
from catpipe.training.cost_history import Costs
from catpipe.training.loop import (
    SAMPLE_EVERY,
    Diverged,
    State,
    check_finite,
    finite,
    initial_state,
    make_step,
    quiet,
    trajectory,
)
from catpipe.training.stopping import Checkpoint, checked_at, early_stopping

LARGE = 10  # root mean square of inputs: scaled ones have about 1

Watch: TypeAlias = Callable[[Iterator[Checkpoint]], Iterator[Checkpoint]]


def fit(
    experiment: Experiment,
    examples: ExamplesLike,
    watch: Watch = identity,
    validation: ExamplesLike | None = None,
    *,
    network: Network | None = None,
    optimizer: Optimizer | None = None,
    context: Context = no_context,
) -> Result:
    """Return what the experiment learns from the examples: `run(prepare(...))`.

    `watch` takes the checkpoint of each iteration and hands it on: a progress bar, say; where it
    ends, the run does. States are as they are in the space where training is done. Early stopping
    looks at the validation set or, without one, at a fifth of the examples. A network or an
    optimizer of your own takes the place of the experiment's. Raises `ValueError` as `prepare`
    does, and `Diverged`, with the last finite state in the full space, for a cost that is no longer
    finite.

    >>> result = fit(Experiment(seed=1, hidden=()), pictures)
    >>> [(iteration, round(cost, 3)) for iteration, cost in result.costs[:2]]
    [(0, 0.436), (100, 0.412)]
    """
    return prepared_and_trained(
        context,
        lambda: prepare(experiment, examples, validation, network=network, optimizer=optimizer),
        lambda setup: run(setup, watch),
    )


def run(setup: Setup, watch: Watch = identity, checkpoint: Checkpoint | None = None) -> Result:
    """Return the result of training from the setup's initial parameters, or from a checkpoint.

    Raises `Diverged` as `fit` does.

    >>> one = Experiment(seed=1, hidden=(), initializer="zeros", iterations=1)
    >>> run(prepare(one, pictures)).parameters["W1"]
    array([[0.001875]])
    """
    if not callable(watch):
        raise TypeError(f"watch is {brief(watch)}; expected a function of checkpoints")
    network, start = setup.space.project(setup.network, setup.initial_parameters)
    try:
        with quiet():  # `Diverged` says what is not finite
            final, before = train_in_space(setup, network, start, watch, checkpoint)
            result = result_at(setup, final)
            return _completed(setup, network, before, result) if before else result
    except Diverged as error:
        good = error.state
        lifted = setup.space.lift(setup.network, setup.initial_parameters, good.parameters)
        raise Diverged(with_advice(setup, str(error)), State(good.iteration, lifted, ())) from None


def train_in_space(
    setup: Setup,
    network: Network,
    parameters: Parameters,
    watch: Watch = identity,
    checkpoint: Checkpoint | None = None,
) -> tuple[Checkpoint, State | None]:
    """Return the last checkpoint, and the state before it where there was a step.

    The network and the parameters are as they are in the setup's space. Raises `Diverged`.
    """
    state = checkpoint.state if checkpoint else initial_state(setup.optimizer, parameters)
    states = finite(_trajectory(setup, network, state))
    watched = watch(_checkpoints(setup, network, states, checkpoint))
    passed = tail(2, watched) if isinstance(watched, Iterable) else ()
    if not passed or not all(isinstance(each, Checkpoint) for each in passed):
        raise ValueError(
            "a watch that hands on no checkpoint; expected the first of them at least: give a "
            "function that returns an iterator of those it takes"
        )
    *before, final = passed
    return final, before[0].state if before else None


def _trajectory(setup: Setup, network: Network, state: State) -> Iterator[State]:
    """Return the states of the run from this one on; of a compiled one, those it is looked at."""
    if not setup.experiment.compiled:
        step = make_step(network, setup.optimizer)
        return trajectory(step, batches_of(setup, state.iteration), state)
    turns, planned = turns_of(setup), setup.plan.iterations
    ends = partial(_is_checked, setup)
    return compiled_trajectory(network, setup.optimizer, turns, state, planned, ends)


def _is_checked(setup: Setup, iteration: int) -> bool:
    """Return whether early stopping checks at this iteration, or needs the one before its check."""
    every = _check_every(setup)
    return setup.experiment.early_stopping is not None and iteration % every in (0, every - 1)


def _check_every(setup: Setup) -> int:
    return setup.plan.batches_in_epoch if setup.experiment.batch_size else SAMPLE_EVERY


def result_at(setup: Setup, checkpoint: Checkpoint) -> Result:
    """Return the result of a run that has come to this checkpoint.

    >>> setup = prepare(Experiment(seed=1, hidden=()), pictures)
    >>> result_at(setup, Checkpoint(State(7, Parameters(W1=[[0.5]]), ()))).iteration
    7
    """
    state, best, chosen = checkpoint.state, checkpoint.best, checkpoint.chosen
    costs = plain_costs(state.costs)
    plain = checkpoint._replace(
        state=state._replace(costs=costs),
        best=best and State(best.iteration, best.parameters, ()),
    )
    return Result(
        experiment=setup.experiment,
        network=setup.network,
        parameters=setup.space.lift(setup.network, setup.initial_parameters, chosen.parameters),
        costs=costs,
        iteration=chosen.iteration,
        planned_iterations=setup.plan.iterations,
        space=setup.space.kind,
        space_description=setup.space.description,
        input_shape=setup.input_shape,
        input_type=setup.input_type,
        training_examples=len(setup.labels) - setup.validation_examples,
        validation_examples=setup.validation_examples,
        fingerprint=setup.fingerprint,
        weights=weights_fingerprint(setup.example_weights),
        class_names=setup.class_names,
        checkpoint=plain,
        seeds=setup.seeds,
        optimizer=setup.own.optimizer,
        fitted=setup.fitted,
        earlier=setup.earlier,
    )


def plain_costs(costs: Costs) -> Costs:
    """Return the costs as Python's numbers, or lists of them.

    >>> plain_costs(((0, np.array([0.5, 0.25])),))
    ((0, [0.5, 0.25]),)
    """
    return tuple((iteration, np.asarray(cost).tolist()) for iteration, cost in costs)


def _completed(setup: Setup, network: Network, before: State, result: Result) -> Result:
    """Return the result with what the end of a run adds, where it is finished.

    That is the last cost, and the last state where it turns out to be the best. The checkpoint
    stays as it is, so that a longer run can carry on from it.
    """
    if not result.is_finished or result.checkpoint is None:
        return result
    last, final = before.iteration, result.checkpoint
    cost = _last_cost(setup, network, before, final.state)
    costs = (*(dict(result.costs) | {last: np.asarray(cost).tolist()}).items(),)
    best = checked_at(final, partial(_validation_cost, setup, network)).best if final.best else None
    if best is not final.state:
        return result._replace(costs=costs)
    trained = setup.space.lift(setup.network, setup.initial_parameters, best.parameters)
    return result._replace(costs=costs, parameters=trained, iteration=best.iteration)


def with_advice(setup: Setup, sentence: str) -> str:
    """Return what an error of training says, with all that may keep a cost of this setup finite.

    >>> setup = prepare(Experiment(seed=1, hidden=(), l2=0.1), pictures)
    >>> with_advice(setup, "lower the learning rate")
    'lower the learning rate or the L2 regularization'
    """
    return f"{sentence}{_other_advice(setup.experiment)}{_advice_to_scale(setup)}"


def _other_advice(experiment: Experiment) -> str:
    """Return what else may make a cost finite, beside a lower learning rate."""
    decay, l2 = experiment.weight_decay or 0, experiment.l2
    shrinking = experiment.learning_rate * max(decay, l2)
    name = "weight decay" if decay >= l2 else "L2 regularization"
    if shrinking >= 2:  # each update then turns a weight's sign, and makes it larger
        return f" or the {name} until their product, {shrinking:.6g}, is below 2"
    return f" or the {name}" if shrinking > 0 else ""


def _advice_to_scale(setup: Setup) -> str:
    """Return that the inputs may be scaled, where they are large."""
    size = _root_mean_square(setup)
    if size <= LARGE:
        return ""
    return f", or scale the inputs, whose root mean square is {size:.3g} (transforms: standardize)"


def _root_mean_square(setup: Setup) -> float:
    """Return that of the network's inputs; a small space keeps the lengths of the columns."""
    X = setup.space.columns
    with quiet():  # squares of large numbers are infinite
        squares = np.trace(X) if setup.space.kind == "dual" else np.square(X).sum()
    return float(np.sqrt(squares / (X.shape[1] * layer_sizes(setup.network)[0])))


def _last_cost(setup: Setup, network: Network, before: State, final: State) -> Array:
    """Return the cost before the last update; refuse one, or a next, that is not finite."""
    batch = next(batches_of(setup, before.iteration))
    cost, after = (
        cost_of(network, state.parameters, *batch, before.iteration) for state in (before, final)
    )
    check_finite(before.iteration, cost, before)
    check_finite(final.iteration, after, before)
    return cost


def _checkpoints(
    setup: Setup, network: Network, states: Iterable[State], checkpoint: Checkpoint | None
) -> Iterator[Checkpoint]:
    """Hand on a checkpoint of each state, with the best so far where there is early stopping."""
    patience = setup.experiment.early_stopping
    if patience is None:
        return map(Checkpoint, states)
    cost = partial(_validation_cost, setup, network)
    every = _check_every(setup)
    return early_stopping(states, cost, patience, every=every, checkpoint=checkpoint)


def _validation_cost(setup: Setup, network: Network, parameters: Parameters) -> float:
    weights = setup.plan.validation_weights
    return float(cost_of(network, parameters, setup.space.columns, setup.targets, weights).item())
