"""Cross-validation: one network for each fold, all of them in one fold over iterations."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from reprlib import repr as brief
from typing import Any

import numpy as np
from numpy.typing import NDArray
from toolz import partition_all

from catpipe.data.conversion import ExamplesLike
from catpipe.experiments.contexts import Context, no_context, prepared_and_trained
from catpipe.experiments.ensembles import PART, Map
from catpipe.experiments.experiment import Experiment, is_regression
from catpipe.experiments.features import logits_of
from catpipe.experiments.fitting import train_in_space
from catpipe.experiments.result import of_classes
from catpipe.experiments.setup import Setup, folds_need_own_runs, learns, prepare, with_mask
from catpipe.nn.parameters import Array, map_parameters


def cross_validate(
    experiment: Experiment,
    examples: ExamplesLike,
    folds: NDArray[np.int64],
    map_: Map = map,
    *,
    context: Context = no_context,
) -> Array:
    """Return each example's probabilities by the network that did not see it.

    folds: (examples,) the number of the fold that holds each example out -> (classes, examples);
    of a regression, (outputs, examples), the numbers that are predicted.
    One network is trained for each fold, on the examples of the others, by their weights alone.
    Raises as `fit` does, and `ValueError` for folds of other examples or fewer than two.

    >>> images = np.array([0, 1, 254, 255], np.uint8).reshape(4, 1, 1, 1)
    >>> pictures = images, np.array([0, 0, 1, 1])
    >>> cross_validate(Experiment(seed=1, hidden=()), pictures, np.arange(4)).round(1)
    array([[0.7, 0.7, 0.2, 0.2],
           [0.3, 0.3, 0.8, 0.8]])
    """
    return prepared_and_trained(
        context,
        lambda: prepare(experiment, examples),
        lambda setup: run_folds(setup, folds, map_),
    )


def run_folds(setup: Setup, folds: NDArray[np.int64], map_: Map = map) -> Array:
    """Return each example's probabilities by the network of its fold; raise as `cross_validate`.

    >>> images = np.array([0, 1, 254, 255], np.uint8).reshape(4, 1, 1, 1)
    >>> pictures = images, np.array([0, 0, 1, 1])
    >>> run_folds(prepare(Experiment(seed=1, hidden=()), pictures), np.arange(4)).shape
    (2, 4)
    """
    folds = _checked_folds(folds, len(setup.labels))
    numbers = np.unique(folds)
    are_alone = learns(setup) or folds_need_own_runs(setup.experiment)
    parts = partition_all(1 if are_alone else PART, numbers)
    by_fold = np.concatenate(list(map_(partial(_run_part, setup, folds), parts)))
    return by_fold[np.searchsorted(numbers, folds), :, np.arange(len(folds))].T


def _run_part(setup: Setup, folds: NDArray[np.int64], numbers: Sequence[int]) -> Array:
    """Return the probabilities of all examples by the networks of these folds."""
    others = folds != np.array(numbers)[:, np.newaxis, np.newaxis]
    part = with_mask(setup, others)
    stack = map_parameters(
        lambda W: np.broadcast_to(W, (len(numbers), *W.shape)), part.initial_parameters
    )
    network, start = part.space.project(part.network, stack)
    final, _ = train_in_space(part, network, start)
    Z = logits_of(network, final.chosen.parameters, part.space.columns, len(folds))
    outputs = network.loss.link(Z)
    return outputs if is_regression(setup.experiment) else of_classes(outputs)


def _checked_folds(folds: Any, count: int) -> NDArray[np.int64]:
    is_sequence = np.ndim(folds) == 1 and len(folds) == count
    numbers: NDArray[Any] = np.asarray(folds) if is_sequence else np.empty(0)
    if numbers.dtype.kind not in "iub" or len(np.unique(numbers)) < 2:
        raise ValueError(
            f"folds are {brief(folds)}; expected two or more, as the number of each example's "
            f"fold, ({count},): give np.arange({count}) % 5, say"
        )
    return numbers
