"""Cross-validation: one network for each fold, all of them in one fold over iterations."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray
from toolz import partition_all

from catpipe.checks import check_map
from catpipe.data.conversion import ExamplesLike
from catpipe.data.folds import NEVER, Folds, checked_folds
from catpipe.data.sampling import Indices
from catpipe.experiments.contexts import Context, no_context, prepared_and_trained
from catpipe.experiments.ensembles import PART, Map, seeds_need_own_runs, stacked
from catpipe.experiments.experiment import Experiment, is_regression
from catpipe.experiments.features import logits_of
from catpipe.experiments.fitting import train_in_space, with_advice
from catpipe.experiments.result import of_classes
from catpipe.experiments.setup import (
    Mask,
    Setup,
    folds_need_own_runs,
    initial_parameters_for,
    learns,
    prepare,
    with_mask,
    with_seed,
)
from catpipe.nn.arrays import Array
from catpipe.nn.parameters import Parameters
from catpipe.training.loop import Diverged, quiet


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
    return run_repeats(setup, [folds], map_)[0]


def run_repeats(setup: Setup, folds: Folds | Sequence[Indices], map_: Map = map) -> Array:
    """Return each example's probabilities in each repeat, (repeats, classes, examples).

    folds: (repeats, examples); examples that a repeat never holds out have NaN there. The networks
    of all repeats are trained by one call of `map_`; where the setup has seeds, each fold has a
    network of each, whose probabilities are averaged. Raises as `cross_validate` does.

    >>> images = np.array([0, 1, 254, 255], np.uint8).reshape(4, 1, 1, 1)
    >>> setup = prepare(Experiment(seed=1, hidden=()), (images, np.array([0, 0, 1, 1])))
    >>> run_repeats(setup, np.array([[0, 1, 2, 3], [0, 1, 0, -1]])).round(1)
    array([[[0.7, 0.7, 0.2, 0.2],
            [0.3, 0.3, 0.8, 0.8]],
    <BLANKLINE>
           [[0.8, 0.7, 0.1, nan],
            [0.2, 0.3, 0.9, nan]]])
    """
    rows = checked_folds(folds, len(setup.labels))
    numbers = [np.unique(row[row != NEVER]) for row in rows]
    others = [row != of[:, np.newaxis, np.newaxis] for row, of in zip(rows, numbers, strict=True)]
    networks = iter(run_masks(setup, np.concatenate(others), map_))
    return np.stack([_held_out(np.stack([*islice(networks, len(of))]), row, of)
                     for row, of in zip(rows, numbers, strict=True)])  # fmt: skip


def run_masks(setup: Setup, masks: Mask, map_: Map = map) -> Array:
    """Return what each of several networks gives for all examples, (networks, classes, examples).

    masks: (networks, 1, examples), true where a network learns from an example. They are trained
    as `run_repeats` trains those of folds. Raises as `cross_validate` does.

    >>> setup = prepare(Experiment(seed=1, hidden=()), pictures)
    >>> run_masks(setup, np.array([[[True, True]], [[True, False]]])).round(1)
    array([[[0.8, 0.1],
            [0.2, 0.9]],
    <BLANKLINE>
           [[0.9, 0.8],
            [0.1, 0.2]]])
    """
    check_map(map_)
    are_alone = setup.seeds or learns(setup) or folds_need_own_runs(setup.experiment)
    parts = partition_all(1 if are_alone else PART, masks)
    return np.stack([*chain.from_iterable(map_(partial(_run_part, setup), map(np.stack, parts)))])


def _held_out(by_fold: Array, folds: Indices, numbers: Indices) -> Array:
    """Return of each example what the network of its fold gives, (classes, examples)."""
    places = np.arange(len(folds))
    own = by_fold[np.searchsorted(numbers, np.maximum(folds, numbers[0])), :, places].T
    return np.where(folds == NEVER, np.nan, own)


def _run_part(setup: Setup, masks: Mask) -> Array:
    """Return what the networks of these masks give for all examples."""
    if not setup.seeds:
        part = with_mask(setup, masks)
        return _outputs(part, [part.initial_parameters] * len(masks))
    if seeds_need_own_runs(setup.experiment):
        parts = (with_mask(with_seed(setup, seed), masks) for seed in setup.seeds)
        networks = np.stack([_outputs(part, [part.initial_parameters]) for part in parts])
        return networks.mean(0)
    part = with_mask(setup, masks)
    starts = [initial_parameters_for(part, seed) for seed in setup.seeds]
    return _outputs(part, starts).mean(0, keepdims=True)


def _outputs(part: Setup, starts: Sequence[Parameters]) -> Array:
    """Return the probabilities of all examples by the networks that begin so, as one stack."""
    network, start = part.space.project(part.network, stacked(starts))
    try:
        with quiet():  # `Diverged` says what is not finite
            final, _ = train_in_space(part, network, start)
    except Diverged as error:
        raise Diverged(with_advice(part, str(error)), error.state) from None
    Z = logits_of(network, final.chosen.parameters, part.space.columns, len(part.labels))
    outputs = network.loss.link(Z)
    return outputs if is_regression(part.experiment) else of_classes(outputs)
