"""Optimizers: each a pair of pure functions, one that begins its moments and one that updates."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from catpipe.parameters import Array, Parameters, map_parameters


class Optimizer(NamedTuple):
    """The moments to begin with, and the update: both parameters and moments anew.

    `init(parameters) -> moments`
    `update(iteration, parameters, moments, gradients) -> parameters, moments`
    """

    init: Callable[[Parameters], Parameters]
    update: Callable[[int, Parameters, Parameters, Parameters], tuple[Parameters, Parameters]]


def update_parameters(
    parameters: Parameters, gradients: Parameters, learning_rate: float | Array
) -> Parameters:
    """Return W - learning_rate dW for each name; raise `KeyError` unless the names are the same.

    >>> update_parameters(Parameters(b1=[[1.0]]), Parameters(b1=[[2.0]]), 0.5)["b1"]
    array([[0.]])
    """
    return map_parameters(lambda W, dW: W - learning_rate * dW, parameters, gradients)


def gradient_descent(learning_rate: float) -> Optimizer:
    """Return the optimizer that steps `learning_rate` times the gradient downhill.

    Raises `ValueError` unless the rate is positive and finite.

    >>> descent = gradient_descent(0.5)
    >>> descent.update(0, Parameters(b=[1.0]), Parameters(), Parameters(b=[2.0]))[0]["b"]
    array([0.])
    """
    if not 0 < learning_rate < np.inf:
        raise ValueError(f"learning rate {learning_rate}; expected a positive finite number")
    return Optimizer(_no_moments, partial(_descend, float(learning_rate)))


def _no_moments(parameters: Parameters) -> Parameters:  # noqa: ARG001
    return Parameters()


def _descend(
    learning_rate: float,
    iteration: int,  # noqa: ARG001
    parameters: Parameters,
    moments: Parameters,
    gradients: Parameters,
) -> tuple[Parameters, Parameters]:
    return update_parameters(parameters, gradients, learning_rate), moments
