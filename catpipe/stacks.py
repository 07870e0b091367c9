"""Many networks in one fold: their parameters share arrays with a leading axis.

A stack is trained in parts that stay in the processor's cache; a `mapper` runs them:
`map`, or an executor's, with which they run side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from toolz import identity, partition_all

from catpipe.experiments import Experiment
from catpipe.fitting import Result, Watch, descend, of_classes, solve
from catpipe.folds import predict_probabilities
from catpipe.parameters import Array, Parameters, map_parameters
from catpipe.problems import Problem, network_of, problem, start, trains_alone
from catpipe.transforms import Pictures

Map: TypeAlias = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]

PART = 10  # networks: of the published one, a part's activations take a third of a megabyte


def stacked(parameters: Sequence[Parameters]) -> Parameters:
    """Return one stack of several networks' parameters: arrays (networks, ...).

    >>> stacked([Parameters(b1=[[1.0]]), Parameters(b1=[[2.0]])])
    Parameters(b1 (2, 1, 1) float64; 2 numbers)
    """
    return map_parameters(lambda *arrays: np.stack(arrays), *parameters)


def fit_seeds(
    experiment: Experiment,
    seeds: Sequence[int],
    pictures: Pictures,
    mapper: Map = map,
    watch: Watch = identity,
    validation: Pictures | None = None,
) -> Result:
    """Return what the experiment learns from each of the seeds: one result, of a stack.

    Law: network i of it is `fit` with seed i, up to rounding. Where the seed decides more than the
    start (mini-batches, dropout, early stopping), each is trained by itself; one that stops early
    keeps its last cost. `watch` hands on the states of each part. Raises as `fit` does, and
    `ValueError` for no seeds.

    >>> black_and_white = np.array([0, 255], np.uint8).reshape(2, 1, 1, 1)
    >>> pictures = Pictures(black_and_white, np.array([0, 1]))
    >>> fit_seeds(Experiment(seed=1, hidden=()), (1, 2, 3), pictures).parameters["W1"].shape
    (3, 1, 1)
    """
    if len(seeds) == 0:
        raise ValueError("no seeds; expected one or more")
    posed = problem(experiment, pictures, validation)
    alone = experiment.batch_size or experiment.dropout or experiment.early_stopping
    parts = partition_all(1 if alone else PART, seeds)
    return _joined(list(mapper(partial(_of_seeds, posed, watch), parts)))


def held_out_probabilities(
    experiment: Experiment, pictures: Pictures, folds: NDArray[np.int64], mapper: Map = map
) -> Array:
    """Return each picture's probabilities by the network that was not shown it.

    folds: (examples,) the number of the fold that holds each picture out -> (classes, examples).
    One network is trained for each fold, on the pictures of the others, by their weights alone.
    Raises as `fit` does, and `ValueError` for folds of other examples or fewer than two.

    >>> images = np.array([0, 1, 254, 255], np.uint8).reshape(4, 1, 1, 1)
    >>> pictures = Pictures(images, np.array([0, 0, 1, 1]))
    >>> held_out_probabilities(Experiment(seed=1, hidden=()), pictures, np.arange(4)).round(1)
    array([[0.7, 0.7, 0.2, 0.2],
           [0.3, 0.3, 0.8, 0.8]])
    """
    numbers = np.unique(folds)
    if folds.shape != pictures.labels.shape or len(numbers) < 2:
        raise ValueError(
            f"{len(numbers)} folds of {folds.shape} examples; expected two or more, of "
            f"{pictures.labels.shape}"
        )
    posed = problem(experiment, pictures)
    parts = partition_all(1 if trains_alone(experiment) else PART, numbers)
    by_fold = np.concatenate(list(mapper(partial(_of_folds, posed, folds), parts)))
    own = np.searchsorted(numbers, folds)
    return by_fold[own, :, np.arange(len(folds))].T


def _of_seeds(problem: Problem, watch: Watch, seeds: Sequence[int]) -> Result:
    seeded = problem._replace(experiment=problem.experiment._replace(seed=seeds[0]))
    result = solve(seeded, stacked([start(problem, seed) for seed in seeds]), watch)
    return result._replace(experiment=problem.experiment)


def _of_folds(problem: Problem, folds: NDArray[np.int64], numbers: Sequence[int]) -> Array:
    """Return the probabilities of all columns by the networks of these folds."""
    others = folds != np.array(numbers)[:, np.newaxis, np.newaxis]
    first = start(problem, problem.experiment.seed)
    stack = map_parameters(lambda W: np.broadcast_to(W, (len(numbers), *W.shape)), first)
    inside, entered = problem.space.enter(network_of(problem), stack)
    trained, _ = descend(problem._replace(among=others), inside, entered)
    return of_classes(predict_probabilities(inside, trained.parameters, problem.space.columns))


def _joined(results: Sequence[Result]) -> Result:
    parameters = map_parameters(_end_to_end, *[result.parameters for result in results])
    costs = [dict(result.costs) for result in results]
    iterations = sorted(set().union(*costs))
    return results[0]._replace(
        parameters=parameters,
        costs=tuple(
            (i, _end_to_end(*(_cost_at(i, of) for of in costs)).tolist()) for i in iterations
        ),
        iteration=max(result.iteration for result in results),
    )


def _end_to_end(*arrays: Any) -> Array:
    return np.concatenate(arrays)


def _cost_at(iteration: int, costs: dict[int, Any]) -> Any:
    """Return the last of the costs up to this iteration."""
    return costs[max(i for i in costs if i <= iteration)]
