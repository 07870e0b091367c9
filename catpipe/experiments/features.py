"""Features: what an experiment's transforms make of inputs, the columns that its network takes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from catpipe.data.conversion import NUMBERS, check_within
from catpipe.data.transforms.columns import as_columns, as_floats
from catpipe.data.transforms.composition import (
    apply_transforms,
    fit_and_apply_transforms,
    fit_transforms,
)
from catpipe.experiments.experiment import Experiment
from catpipe.nn.arrays import Array
from catpipe.nn.network import Network, check_parameters, forward
from catpipe.nn.parameters import Parameters


def learned_columns(
    experiment: Experiment, inputs: NDArray[Any], training: NDArray[np.int64]
) -> tuple[tuple[Parameters, ...], Array]:
    """Return what each of the transforms learns of the training examples, and all columns.

    inputs: (examples, ...); training: the numbers of those that train. Raises `ValueError` for
    numbers beyond the experiment's type, and for transforms that give no finite numbers of each
    example.

    >>> learned_columns(Experiment(seed=1), images, np.array([0]))
    ((), array([[0., 1.]]))
    """
    transforms, seed = experiment.transforms, experiment.seed
    if not transforms:
        return (), as_columns(_floats(experiment, inputs))
    floats = _floats(experiment, inputs)
    if len(training) == len(inputs):
        fitted, made = fit_and_apply_transforms(transforms, floats, seed)
    else:
        fitted = fit_transforms(transforms, floats[training], seed)
        made = apply_transforms(transforms, fitted, floats)
    return fitted, _columns(experiment, made, len(inputs))


def columns_of(
    experiment: Experiment, fitted: tuple[Parameters, ...], inputs: NDArray[Any]
) -> Array:
    """Return the columns that the network takes, (features, examples * views).

    A transform may give several views of each example; they stand side by side. Raises as
    `learned_columns` does.

    >>> columns_of(Experiment(seed=1), (), images)
    array([[0., 1.]])
    """
    if not experiment.transforms:
        return as_columns(_floats(experiment, inputs))
    made = apply_transforms(experiment.transforms, fitted, _floats(experiment, inputs))
    return _columns(experiment, made, len(inputs))


def _floats(experiment: Experiment, inputs: NDArray[Any]) -> Array:
    check_within(inputs, experiment.dtype, "inputs")
    return as_floats(inputs, experiment.dtype)


def _columns(experiment: Experiment, made: Any, examples: int) -> Array:
    """Return what transforms give as columns; refuse what are no features of each example."""
    found = np.asarray(made)
    if found.dtype.kind not in NUMBERS or found.size == 0 or len(found) % examples:
        raise ValueError(
            f"the transforms give {found.shape} of {found.dtype} for {examples} examples; expected "
            "numbers, (examples * views, ...): look at what the last of them returns"
        )
    columns = as_columns(found).astype(experiment.dtype, copy=False)
    if not np.isfinite(columns).all():
        raise ValueError(
            "the transforms give numbers that are not finite; expected finite ones: look at what "
            "each of them returns"
        )
    return columns


def features_and_views(
    experiment: Experiment, fitted: tuple[Parameters, ...], input_shape: tuple[int, ...]
) -> tuple[int, int]:
    """Return how many numbers the network takes of an example of this shape, and in how many views.

    >>> features_and_views(Experiment(seed=1), (), (64, 64, 3))
    (12288, 1)
    """
    if not experiment.transforms:
        return int(np.prod(input_shape)), 1
    features, views = columns_of(experiment, fitted, np.zeros((1, *input_shape))).shape
    return features, views


def logits_of(network: Network, parameters: Parameters, X: Array, examples: int) -> Array:
    """Return the logits of each example, (..., outputs, examples): the mean of those of its views.

    Raises `ValueError` for parameters of another network, and as `forward` does.

    >>> one = Parameters(W1=[[1.0]], b1=[[0.0]])
    >>> logits_of(mlp(1, 1), one, np.array([[1.0, 3.0]]), examples=1)
    array([[2.]])
    """
    check_parameters(network, parameters)
    Z, _ = forward(network, parameters, X)
    views = Z.shape[-1] // examples
    return Z if views == 1 else Z.reshape(*Z.shape[:-1], examples, views).mean(-1)
