"""The training problem, the form of a contestant, and catpipe as a contestant.

A contestant is prepared (its layout of the data, its compiled code), starts anew, then runs: only
the run is timed. catpipe's run goes from `uint8` pictures and a seed to parameters; its peers start
from columns and initial parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from catpipe.data.batches import full_batches
from catpipe.data.examples import Examples, targets
from catpipe.data.transforms.columns import pixels
from catpipe.experiments.ensembles import fit_seeds
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import fit
from catpipe.experiments.result import Result
from catpipe.experiments.setup import network_for
from catpipe.nn.arrays import Array
from catpipe.nn.initializers import initialize_parameters
from catpipe.nn.network import compute_cost, forward
from catpipe.nn.parameters import Parameters
from catpipe.optim.optimizers import gradient_descent
from catpipe.shell.cli.maps import side_by_side
from catpipe.shell.threads import one_blas_thread
from catpipe.training.loop import initial_state, make_step, train
from tests.benchmarks import THREADS

Weights: TypeAlias = dict[str, Any]
"""Arrays under catpipe's names, or what NumPy reads as such."""


class Problem(NamedTuple):
    """The published network to train, or a stack of it: then the start's W1 has three axes."""

    pictures: Examples
    experiment: Experiment
    seeds: tuple[int, ...]
    X: Array
    Y: Array
    start: dict[str, Array]


class Ready(NamedTuple):
    """A contestant at the line: `weights(run(begin()))`."""

    begin: Callable[[], Any]
    run: Callable[[Any], Any]
    weights: Callable[[Any], Weights]


class Contestant(NamedTuple):
    """What prepares it for so many iterations, and the module that it cannot do without.

    One that is given the dual form goes there and back once a run, so that it is timed whole.
    """

    name: str
    prepare: Callable[[Problem, int], Ready]
    module: str = "numpy"
    given_dual: bool = False


def published(pictures: Examples, dtype: str) -> Problem:
    """Return the published problem: one network, of seed 1."""
    problem = stacked(pictures, dtype, seeds=[1])
    return problem._replace(start={name: of_one[0] for name, of_one in problem.start.items()})


def stacked(pictures: Examples, dtype: str, seeds: Iterable[int]) -> Problem:
    """Return the same problem for a stack of networks, one a seed."""
    seeds = tuple(seeds)
    X, Y = pixels(pictures.inputs, dtype), targets(pictures.targets, dtype=dtype)
    experiment = Experiment(seeds[0], dtype=dtype)
    net = network_for(experiment, len(X))
    start = stack([initialize_parameters(net, seed, dtype=dtype) for seed in seeds])
    return Problem(pictures, experiment, seeds, X, Y, start)


def stack(networks: list[Parameters]) -> dict[str, Array]:
    """Return arrays of one more axis: (networks, ...)."""
    return {name: np.stack([each[name] for each in networks]) for name in networks[0]}


def costs(problem: Problem, weights: Weights) -> Array:
    """Return the cost of each network, (networks,), computed in float64 whatever trained it."""
    X, Y = pixels(problem.pictures.inputs), targets(problem.pictures.targets)
    parameters = Parameters({name: np.asarray(W, np.float64) for name, W in weights.items()})
    net = network_for(problem.experiment, len(X))
    return np.atleast_1d(compute_cost(net, forward(net, parameters, X)[0], Y))


def nudged_cost(problem: Problem, iterations: int) -> float:
    """Return the cost of the network trained in full space from a start one rounding away."""
    net = network_for(problem.experiment, len(problem.X))
    descent = gradient_descent(problem.experiment.learning_rate)
    start = Parameters({name: np.nextafter(W, 9 * W) for name, W in problem.start.items()})
    batches = full_batches(problem.X, problem.Y, iterations)
    state = train(make_step(net, descent), batches, initial_state(descent, start))
    return float(costs(problem, dict(state.parameters))[0])


def ours(problem: Problem, iterations: int) -> Ready:
    """`fit`, as a user calls it."""
    experiment = problem.experiment._replace(iterations=iterations)
    return Ready(
        begin=lambda: experiment,
        run=lambda experiment: fit(experiment, problem.pictures),
        weights=lambda result: dict(result.parameters),
    )


def our_stack(problem: Problem, iterations: int) -> Ready:
    """`fit_seeds`, in as many threads as its peers have."""
    experiment = problem.experiment._replace(iterations=iterations)
    return Ready(
        begin=lambda: experiment,
        run=lambda experiment: fit_stack(experiment, problem.pictures, problem.seeds),
        weights=lambda result: dict(result.parameters),
    )


def fit_stack(experiment: Experiment, pictures: Examples, seeds: Sequence[int]) -> Result:
    """Return what the seeds' networks learn, trained in `THREADS` threads of one BLAS thread."""
    with one_blas_thread():
        return fit_seeds(experiment, seeds, pictures, side_by_side if THREADS > 1 else map)


OURS = Contestant("catpipe", ours)
OUR_STACK = Contestant("catpipe", our_stack)
