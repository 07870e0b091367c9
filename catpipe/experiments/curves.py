"""Learning curves: cost and score on several sets of examples while a run trains, once more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import accumulate, islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from catpipe.checks import check_whole
from catpipe.data.examples import Examples, some_of
from catpipe.experiments.ensembles import run_seeds
from catpipe.experiments.fitting import run
from catpipe.experiments.result import Result, checkpoint_of, evaluate
from catpipe.experiments.resuming import check_same, with_experiment
from catpipe.experiments.setup import Setup
from catpipe.nn.arrays import Array
from catpipe.training.stopping import Checkpoint


class LearningCurves(NamedTuple):
    """At each iteration, (samples,), the cost and the score of each set of examples by its name.

    Both are (samples,), or (samples, networks) of a stack. A score is the accuracy or, of a
    regression, R squared.
    """

    iterations: NDArray[np.int64]
    costs: Mapping[str, Array]
    scores: Mapping[str, Array]


def learning_curves(
    result: Result, setup: Setup, sets: Mapping[str, Examples], every: int = 100
) -> LearningCurves:
    """Return the curves of a run: its setup is trained again, and looked at on its way.

    `sets` are examples by name, whose weights count; `every` says at which iterations, beside the
    last, and those at which the experiment has changed. Law: they end at the parameters of the run.
    Raises `ValueError` for networks that were trained one by one, for a setup of other examples,
    and as `run` does.

    >>> result = fit(Experiment(seed=1, hidden=(), iterations=200), pictures)
    >>> setup = experiments.prepare_again(result, pictures)
    >>> curves = experiments.learning_curves(result, setup, {"training": pictures})
    >>> curves.iterations, curves.costs["training"].round(3)
    (array([  0, 100, 200]), array([0.436, 0.412, 0.392]))
    """
    end, step = checkpoint_of(result).state.iteration, check_whole("every", every)
    check_same(result, setup)
    # A change that no step has followed yet is not of these.
    spans = dict(sorted({end: result.experiment, **dict(result.earlier)}.items()))
    first, *others = sorted({*range(0, end, step), *spans})
    setups = {until: with_experiment(setup, experiment) for until, experiment in spans.items()}
    until = partial(_until, setups)
    trained = [_latest(setup, at) for at in accumulate(others, until, initial=until(None, first))]
    found = {name: [evaluate(at, of) for at in trained] for name, of in sets.items()}
    return LearningCurves(
        np.array([first, *others]),
        {name: np.array([cost for cost, _ in pairs]) for name, pairs in found.items()},
        {name: np.array([score for _, score in pairs]) for name, pairs in found.items()},
    )


def watched_sets(
    setup: Setup, training: Examples, validation: Examples | None, test: Examples
) -> Mapping[str, Examples]:
    """Return what curves of a run are of: examples that train, that validate, and that test.

    `training` are those that the setup was prepared of, and so is `validation`; without it, early
    stopping holds some of the others out. Sets of no examples are left out.

    >>> setup = experiments.prepare_again(fit(Experiment(seed=1), pictures), pictures)
    >>> [*watched_sets(setup, pictures, None, pictures)]
    ['training', 'test']
    """
    weights, count = setup.plan.validation_weights, len(training.targets)
    if validation is None and weights is not None:
        validates = np.asarray(weights.reshape(-1, count, weights.shape[-1] // count).any((0, 2)))
        training, validation = some_of(training, ~validates), some_of(training, validates)
    sets = {"training": training, "validation": validation, "test": test}
    return {name: of for name, of in sets.items() if of is not None and len(of.targets)}


def _until(setups: Mapping[int, Setup], before: Result | None, iteration: int) -> Result:
    """Return the run at this iteration, by the setup that holds until then or beyond."""
    setup = next(of for until, of in setups.items() if iteration <= until)
    checkpoint = checkpoint_of(before) if before else None
    begin = checkpoint.state.iteration if checkpoint else 0

    def until_there(checkpoints: Iterator[Checkpoint]) -> Iterator[Checkpoint]:
        return islice(checkpoints, iteration - begin + 1)

    if setup.seeds:
        return run_seeds(setup, setup.seeds, watch=until_there, checkpoint=checkpoint)
    return run(setup, until_there, checkpoint)


def _latest(setup: Setup, result: Result) -> Result:
    """Return the result with the parameters of its state, not the best of early stopping."""
    state = checkpoint_of(result).state
    if state.iteration == result.iteration:
        return result
    lifted = setup.space.lift(setup.network, setup.initial_parameters, state.parameters)
    return result._replace(parameters=lifted)
