"""Learning curves: cost and score on several sets of examples while a run trains, once more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import accumulate, islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from catpipe.checks import check_whole
from catpipe.data.examples import Examples
from catpipe.experiments.ensembles import run_seeds
from catpipe.experiments.experiment import is_regression
from catpipe.experiments.fitting import run
from catpipe.experiments.result import Result, accuracy_on, checkpoint_of, cost_on, r_squared_on
from catpipe.experiments.setup import Setup
from catpipe.nn.parameters import Array
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

    `sets` are examples by name; `every` says at which iterations, beside the last. Raises
    `ValueError` for networks that were trained one by one, for a run whose experiment has changed,
    and as `run` does.

    >>> result = fit(Experiment(seed=1, hidden=(), iterations=200), pictures)
    >>> setup = experiments.prepare_again(result, pictures)
    >>> curves = experiments.learning_curves(result, setup, {"training": pictures})
    >>> curves.iterations, curves.costs["training"].round(3)
    (array([  0, 100, 200]), array([0.436, 0.412, 0.392]))
    """
    if result.earlier:
        raise ValueError(
            "learning curves of a run whose experiment has changed; expected one from begin to "
            "end: train it in one piece, or look at its costs"
        )
    end, step = checkpoint_of(result).state.iteration, check_whole("every", every)
    iterations = sorted({*range(0, end, step), end})
    score = r_squared_on if is_regression(result.experiment) else accuracy_on
    trained = [_latest(setup, at) for at in _results(setup, iterations)]
    return LearningCurves(
        np.array(iterations),
        {name: np.array([cost_on(at, of) for at in trained]) for name, of in sets.items()},
        {name: np.array([score(at, of) for at in trained]) for name, of in sets.items()},
    )


def _results(setup: Setup, iterations: list[int]) -> Iterator[Result]:
    first, *others = iterations
    begin = _until(setup, None, first)
    return accumulate(others, partial(_until, setup), initial=begin)


def _latest(setup: Setup, result: Result) -> Result:
    """Return the result with the parameters of its state, not the best of early stopping."""
    trained = checkpoint_of(result).state.parameters
    lifted = setup.space.lift(setup.network, setup.initial_parameters, trained)
    return result._replace(parameters=lifted)


def _until(setup: Setup, before: Result | None, iteration: int) -> Result:
    checkpoint = checkpoint_of(before) if before else None
    begin = checkpoint.state.iteration if checkpoint else 0

    def until_there(checkpoints: Iterator[Checkpoint]) -> Iterator[Checkpoint]:
        return islice(checkpoints, iteration - begin + 1)

    if setup.seeds:
        return run_seeds(setup, setup.seeds, watch=until_there, checkpoint=checkpoint)
    return run(setup, until_there, checkpoint)
