"""Cross-validation: one network for each fold, all of them in one fold over iterations."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from toolz import partition_all

from catpipe.data.examples import Pictures
from catpipe.experiments.ensembles import PART, Map
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import descend
from catpipe.experiments.result import of_classes
from catpipe.experiments.setup import Problem, folds_need_own_runs, network_of, problem, start
from catpipe.nn.network import predict_probabilities
from catpipe.nn.parameters import Array, map_parameters


def cross_validate(
    experiment: Experiment, pictures: Pictures, folds: NDArray[np.int64], map_: Map = map
) -> Array:
    """Return each picture's probabilities by the network that was not shown it.

    folds: (examples,) the number of the fold that holds each picture out -> (classes, examples).
    One network is trained for each fold, on the pictures of the others, by their weights alone.
    Raises as `fit` does, and `ValueError` for folds of other examples or fewer than two.

    >>> images = np.array([0, 1, 254, 255], np.uint8).reshape(4, 1, 1, 1)
    >>> pictures = Pictures(images, np.array([0, 0, 1, 1]))
    >>> cross_validate(Experiment(seed=1, hidden=()), pictures, np.arange(4)).round(1)
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
    parts = partition_all(1 if folds_need_own_runs(experiment) else PART, numbers)
    by_fold = np.concatenate(list(map_(partial(_of_folds, posed, folds), parts)))
    own = np.searchsorted(numbers, folds)
    return by_fold[own, :, np.arange(len(folds))].T


def _of_folds(problem: Problem, folds: NDArray[np.int64], numbers: Sequence[int]) -> Array:
    """Return the probabilities of all columns by the networks of these folds."""
    others = folds != np.array(numbers)[:, np.newaxis, np.newaxis]
    first = start(problem, problem.experiment.seed)
    stack = map_parameters(lambda W: np.broadcast_to(W, (len(numbers), *W.shape)), first)
    inside, entered = problem.space.project(network_of(problem), stack)
    _, trained, _ = descend(problem._replace(among=others), inside, entered)
    return of_classes(predict_probabilities(inside, trained.parameters, problem.space.columns))
