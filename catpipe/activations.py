"""Activations, each a value and its backward, acting on every number by itself.

`backward(dA, Z)` takes the gradient of the cost at the value and gives it at `Z`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from catpipe.parameters import Array


class Activation(NamedTuple):
    """A function of `Z` and its backward; a user's own needs no more than this."""

    value: Callable[[Array], Array]
    backward: Callable[[Array, Array], Array]

    def __repr__(self) -> str:
        return getattr(self.value, "__name__", repr(self.value))


def identity(Z: Array) -> Array:
    """Return Z itself.

    >>> identity(np.array([-1.0, 2.0]))
    array([-1.,  2.])
    """
    return Z


def identity_backward(dA: Array, Z: Array) -> Array:  # noqa: ARG001
    """Return dA itself.

    >>> identity_backward(np.array([3.0]), np.array([-1.0]))
    array([3.])
    """
    return dA


def relu(Z: Array) -> Array:
    """Return max(Z, 0), the rectified linear unit.

    >>> relu(np.array([-1.0, 2.0]))
    array([0., 2.])
    """
    return np.maximum(Z, 0)


def relu_backward(dA: Array, Z: Array) -> Array:
    """Return dA where Z is positive, else 0.

    >>> relu_backward(np.array([3.0, 3.0]), np.array([-1.0, 2.0]))
    array([0., 3.])
    """
    return dA * (Z > 0)


def leaky_relu(Z: Array, slope: float = 0.01) -> Array:
    """Return Z where it is positive, else `slope` times Z, with a slope in [0, 1] (Maas 2013).

    >>> leaky_relu(np.array([-1.0, 2.0]))
    array([-0.01,  2.  ])
    """
    return np.maximum(Z, slope * Z)


def leaky_relu_backward(dA: Array, Z: Array, slope: float = 0.01) -> Array:
    """Return dA where Z is positive, else `slope` times dA.

    >>> leaky_relu_backward(np.array([3.0, 3.0]), np.array([-1.0, 2.0]))
    array([0.03, 3.  ])
    """
    return np.where(Z > 0, dA, slope * dA)


def sigmoid(Z: Array) -> Array:
    """Return 1 / (1 + exp(-Z)), right to the last digits for any Z and without overflow.

    It is written with exponents that are never positive.

    >>> sigmoid(np.array([-1e4, 0.0, 1e4]))
    array([0. , 0.5, 1. ])
    """
    return np.exp(np.minimum(Z, 0)) / (1 + np.exp(-np.abs(Z)))


def sigmoid_backward(dA: Array, Z: Array) -> Array:
    """Return dA * A * (1 - A) with A = sigmoid(Z), and sigmoid(-Z) for 1 - A, which cancels.

    >>> sigmoid_backward(np.array([4.0]), np.array([0.0]))
    array([1.])
    """
    return dA * sigmoid(Z) * sigmoid(-Z)


def tanh(Z: Array) -> Array:
    """Return the hyperbolic tangent of Z.

    >>> tanh(np.array([-1e4, 0.0]))
    array([-1.,  0.])
    """
    return np.tanh(Z)


def tanh_backward(dA: Array, Z: Array) -> Array:
    """Return dA * (1 - A**2) with A = tanh(Z).

    >>> tanh_backward(np.array([4.0]), np.array([0.0]))
    array([4.])
    """
    return dA * (1 - np.tanh(Z) ** 2)


IDENTITY = Activation(identity, identity_backward)
RELU = Activation(relu, relu_backward)
LEAKY_RELU = Activation(leaky_relu, leaky_relu_backward)
SIGMOID = Activation(sigmoid, sigmoid_backward)
TANH = Activation(tanh, tanh_backward)
