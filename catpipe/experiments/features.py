"""Features: what an experiment's transforms make of inputs, the columns that its network takes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from catpipe.data.transforms.columns import as_columns, as_floats, pixels
from catpipe.data.transforms.composition import (
    apply_transforms,
    fit_and_apply_transforms,
    fit_transforms,
)
from catpipe.experiments.experiment import Experiment
from catpipe.nn.network import Network, check_parameters, forward
from catpipe.nn.parameters import Array, Parameters


def learned_columns(
    experiment: Experiment, inputs: NDArray[Any], training: NDArray[np.int64]
) -> tuple[tuple[Parameters, ...], Array]:
    """Return what each of the transforms learns of the training examples, and all columns.

    inputs: (examples, ...); training: the numbers of those that train.

    >>> learned_columns(Experiment(seed=1), images, np.array([0]))
    ((), array([[0., 1.]]))
    """
    transforms, seed = experiment.transforms, experiment.seed
    if not transforms:
        return (), pixels(inputs, experiment.dtype)
    floats = as_floats(inputs, experiment.dtype)
    if len(training) == len(inputs):
        fitted, made = fit_and_apply_transforms(transforms, floats, seed)
    else:
        fitted = fit_transforms(transforms, floats[training], seed)
        made = apply_transforms(transforms, fitted, floats)
    return fitted, as_columns(made).astype(experiment.dtype, copy=False)


def columns_of(
    experiment: Experiment, fitted: tuple[Parameters, ...], inputs: NDArray[Any]
) -> Array:
    """Return the columns that the network takes, (features, examples * views).

    A transform may give several views of each example; they stand side by side.

    >>> columns_of(Experiment(seed=1), (), images)
    array([[0., 1.]])
    """
    if not experiment.transforms:
        return pixels(inputs, experiment.dtype)
    floats = as_floats(inputs, experiment.dtype)
    made = apply_transforms(experiment.transforms, fitted, floats)
    return as_columns(made).astype(experiment.dtype, copy=False)


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
