"""Activations, each a value and its backward, acting on every number by itself.

`backward(dA, Z)` takes the gradient of the cost at the value and gives it at `Z`.
"""

from __future__ import annotations

from collections.abc import Callable
from math import erfc, pi, sqrt
from typing import NamedTuple

import numpy as np

from catpipe.nn.parameters import Array


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


def softplus(Z: Array) -> Array:
    """Return log(1 + exp(Z)), a smooth ReLU, without overflow (Dugas et al. 2001).

    >>> softplus(np.array([-1e4, 0.0, 1e4])).round(4)
    array([0.000e+00, 6.931e-01, 1.000e+04])
    """
    return np.maximum(Z, 0) + np.log1p(np.exp(-np.abs(Z)))


def softplus_backward(dA: Array, Z: Array) -> Array:
    """Return dA * sigmoid(Z).

    >>> softplus_backward(np.array([4.0]), np.array([0.0]))
    array([2.])
    """
    return dA * sigmoid(Z)


def elu(Z: Array) -> Array:
    """Return Z where it is positive, else exp(Z) - 1 (Clevert et al. 2016, eq. 15, alpha = 1).

    >>> elu(np.array([-1e4, 2.0]))
    array([-1.,  2.])
    """
    return np.where(Z > 0, Z, np.expm1(np.minimum(Z, 0)))


def elu_backward(dA: Array, Z: Array) -> Array:
    """Return dA where Z is positive, else dA * exp(Z).

    >>> elu_backward(np.array([3.0, 3.0]), np.array([-1e4, 2.0]))
    array([0., 3.])
    """
    return dA * np.exp(np.minimum(Z, 0))


def gelu(Z: Array) -> Array:
    """Return Z times the probability that a standard normal is below Z (Hendrycks, Gimpel 2016).

    It is the exact form; NumPy has no error function, so that this one is slow: `silu` is near.

    >>> gelu(np.array([-1e4, 0.0, 1.0])).round(4)
    array([-0.    ,  0.    ,  0.8413])
    """
    return Z * _below(Z)


def gelu_backward(dA: Array, Z: Array) -> Array:
    """Return dA * (P + Z p) with a standard normal's distribution P and density p at Z.

    >>> gelu_backward(np.array([4.0]), np.array([0.0]))
    array([2.])
    """
    density = np.exp(-(Z**2) / 2) / sqrt(2 * pi)
    return dA * (_below(Z) + Z * density)


_erfc = np.frompyfunc(erfc, 1, 1)


def _below(Z: Array) -> Array:
    """Return the probability that a standard normal is below Z; erfc keeps its small values."""
    return np.asarray(_erfc(-Z / sqrt(2)), Z.dtype) / 2


def silu(Z: Array) -> Array:
    """Return Z * sigmoid(Z), also known as swish (Elfwing et al. 2018, eq. 13).

    >>> silu(np.array([-1e4, 0.0, 1e4]))
    array([   -0.,     0., 10000.])
    """
    return Z * sigmoid(Z)


def silu_backward(dA: Array, Z: Array) -> Array:
    """Return dA * A' with A' = sigmoid(Z) (1 + Z sigmoid(-Z)).

    >>> silu_backward(np.array([4.0]), np.array([0.0]))
    array([2.])
    """
    return dA * sigmoid(Z) * (1 + Z * sigmoid(-Z))


IDENTITY = Activation(identity, identity_backward)
RELU = Activation(relu, relu_backward)
LEAKY_RELU = Activation(leaky_relu, leaky_relu_backward)
SIGMOID = Activation(sigmoid, sigmoid_backward)
TANH = Activation(tanh, tanh_backward)
SOFTPLUS = Activation(softplus, softplus_backward)
ELU = Activation(elu, elu_backward)
GELU = Activation(gelu, gelu_backward)
SILU = Activation(silu, silu_backward)
