"""What a trained network looks at: its first weights as pictures, and gradients at its inputs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from catpipe.data.conversion import check_shape, inputs_from
from catpipe.data.transforms.composition import apply_transforms, transposed
from catpipe.experiments.experiment import is_regression
from catpipe.experiments.features import columns_of, logits_of
from catpipe.experiments.result import (
    Result,
    checked_result,
    ensemble_probabilities,
)
from catpipe.nn.arrays import Array
from catpipe.nn.losses import softmax
from catpipe.nn.network import first_dense, forward, input_gradient, layer_sizes

CHANNELS = (1, 3)  # of pictures that eyes can see


def weights_as_pictures(result: Result) -> Array:
    """Return the first layer's weights, (units, height, width, channels): a picture of each unit.

    It is a picture in what the transforms make of pixels: grey or smaller ones, say. Those of a
    stack are (networks, units, ...). Raises `ValueError` where the network takes no pixels.

    >>> weights_as_pictures(fit(Experiment(seed=1, hidden=(4,)), pictures)).shape
    (4, 1, 1, 1)
    """
    trained = checked_result(result)
    shape = _shape_of_features(trained)
    if len(shape) not in (2, 3) or (*shape, 1)[2] not in CHANNELS:
        raise ValueError(
            f"weights of {layer_sizes(trained.network)[0]} features that are no pixels, of shape "
            f"{shape}; expected pictures, (height, width, 1 or 3): train on pixels, raw or through "
            "grey, downscale or standardize"
        )
    W = trained.parameters[first_dense(trained.network).weights]
    return W.reshape(*W.shape[:-1], *(*shape, 1)[:3])


def input_gradients(
    result: Result, inputs: ArrayLike, classes: Sequence[int] | NDArray[np.int64] | None = None
) -> Array:
    """Return the gradient of a class's logit, log p / (1 - p), at each input: what speaks for it.

    inputs: (examples, ...) -> the same shape; of a stack (networks, examples, ...). `classes`,
    (examples,), are class numbers: without them those that the network, or the stack, predicts. Of
    a regression it is the gradient of its number. Pixels count as numbers from 0 to 1. Simonyan,
    Vedaldi and Zisserman 2014, section 3. Raises `ValueError` for transforms that are not affine, a
    regression of several numbers, and classes that are none.

    >>> input_gradients(fit(Experiment(seed=1, hidden=()), pictures), images).round(1).ravel()
    array([-3.2,  3.2])
    """
    trained = checked_result(result)
    given = inputs_from(inputs, like=trained.input_type)
    check_shape(given, trained.input_shape)
    X = columns_of(trained.experiment, trained.fitted, given)
    Z = logits_of(trained.network, trained.parameters, X, len(given))
    if is_regression(trained.experiment):
        dZ = _gradient_of_number(Z)
    else:
        dZ = _gradient_of_class(Z, _class_numbers(trained, given, classes))
    return _at_inputs(trained, X, dZ)


def _at_inputs(result: Result, X: Array, dZ: Array) -> Array:
    """Return the gradients at the inputs, (..., examples, *shape), of those at the logits."""
    _, caches = forward(result.network, result.parameters, X)
    views = X.shape[1] // dZ.shape[-1]
    of_views = np.repeat(dZ / views, views, -1)  # logits are the mean of those of the views
    dX = input_gradient(result.network, result.parameters, caches, of_views)
    rows, shape = dX.mT.reshape(-1, len(X)), result.input_shape
    back = transposed(result.experiment.transforms, result.fitted, shape, rows)
    return back.reshape(*dX.shape[:-2], -1, *shape)


def _shape_of_features(result: Result) -> tuple[int, ...]:
    none = np.zeros((1, *result.input_shape))
    return apply_transforms(result.experiment.transforms, result.fitted, none).shape[1:]


def _gradient_of_number(Z: Array) -> Array:
    if Z.shape[-2] > 1:
        raise ValueError(
            f"the gradient of a regression of {Z.shape[-2]} numbers; expected one: train a network "
            "for each"
        )
    return np.ones_like(Z)


def _gradient_of_class(Z: Array, classes: NDArray[np.int64]) -> Array:
    """Return the gradient of log p / (1 - p) at the logits, where p is the class's probability.

    It is z minus the logarithm of the sum of exp of the others.
    """
    if Z.shape[-2] == 1:
        return np.broadcast_to(np.where(classes == 1, 1, -1), Z.shape).astype(Z.dtype)
    is_it = np.arange(Z.shape[-2])[:, np.newaxis] == classes
    return is_it - softmax(np.where(is_it, -np.inf, Z))


def _class_numbers(
    result: Result, inputs: NDArray[np.generic], classes: object
) -> NDArray[np.int64]:
    """Return the class number of each input: those given, or those that are predicted."""
    if classes is None:
        return ensemble_probabilities(result, inputs).argmax(0)
    numbers, count = np.asarray(classes), result.experiment.classes
    is_one_each = numbers.shape == inputs.shape[:1] and numbers.dtype.kind in "iu"
    if not is_one_each or numbers.min() < 0 or numbers.max() >= count:
        raise ValueError(
            f"classes {numbers.shape} of {numbers.dtype} for {len(inputs)} inputs; expected a "
            f"number from 0 to {count - 1} for each"
        )
    return numbers.astype(np.int64)
