"""Activations, each a value and its backward, acting on every number by itself.

`backward(dA, Z)` takes the gradient of the cost at the value and gives it at `Z`. All compute in
floats: in the type that comes in, or in float64 where that is integers. At an infinite `Z` they are
what they tend to. They raise `TypeError` for what is not numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from math import erfc, pi, sqrt
from numbers import Real
from typing import NamedTuple, cast

import numpy as np

from catpipe.nn.arrays import Array, floating, is_foreign, namespaced

_FAR = 12_000  # exp(-12,000) is 0 in every type; 0 times that is a number, 0 times infinity is none


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
    return floating(Z)


def identity_backward(dA: Array, Z: Array) -> Array:  # noqa: ARG001
    """Return dA itself.

    >>> identity_backward(np.array([3.0]), np.array([-1.0]))
    array([3.])
    """
    return floating(dA)


def relu(Z: Array) -> Array:
    """Return max(Z, 0), the rectified linear unit.

    >>> relu(np.array([-1.0, 2.0]))
    array([0., 2.])
    """
    xp, Z = namespaced(Z)
    return xp.maximum(Z, 0.0)


def relu_backward(dA: Array, Z: Array) -> Array:
    """Return dA where Z is positive, else 0.

    >>> relu_backward(np.array([3.0, 3.0]), np.array([-1.0, 2.0]))
    array([0., 3.])
    """
    dA = floating(dA)
    return dA * (floating(Z) > 0.0).astype(dA.dtype)  # as a product with booleans, and faster


def leaky_relu(Z: Array, slope: float = 0.01) -> Array:
    """Return Z where it is positive, else `slope` times Z (Maas 2013).

    Raises `ValueError` for a slope that is not in [0, 1].

    >>> leaky_relu(np.array([-1.0, 2.0]))
    array([-0.01,  2.  ])
    """
    (xp, Z), slope = namespaced(Z), _checked_slope(slope)
    return xp.maximum(Z, slope * Z if slope else 0)  # 0 times infinity is no number


def leaky_relu_backward(dA: Array, Z: Array, slope: float = 0.01) -> Array:
    """Return dA where Z is positive, else `slope` times dA.

    Raises `ValueError` for a slope that is not in [0, 1].

    >>> leaky_relu_backward(np.array([3.0, 3.0]), np.array([-1.0, 2.0]))
    array([0.03, 3.  ])
    """
    xp, dA = namespaced(dA)
    return xp.where(floating(Z) > 0, dA, _checked_slope(slope) * dA)


def _checked_slope(slope: float) -> float:
    if not isinstance(slope, Real) or not 0 <= slope <= 1:
        raise ValueError(f"slope of a leaky ReLU {slope!r}; expected a number from 0 to 1")
    return float(slope)


def sigmoid(Z: Array) -> Array:
    """Return 1 / (1 + exp(-Z)), right to the last digits for any Z and without overflow.

    With e = exp(-|Z|), which is at most 1, it is 1 / (1 + e) above 0 and e / (1 + e) below.

    >>> sigmoid(np.array([-1e4, 0.0, 1e4]))
    array([0. , 0.5, 1. ])
    """
    xp, Z = namespaced(Z)
    e = xp.exp(-xp.abs(Z))
    if xp is np:  # the same, and faster; its slope at 0 would be wrong
        return np.maximum(e, np.sign(Z)) / (1.0 + e)
    return xp.where(Z < 0, e, 1.0) / (1.0 + e)


def sigmoid_backward(dA: Array, Z: Array) -> Array:
    """Return dA * A * (1 - A) with A = sigmoid(Z), and sigmoid(-Z) for 1 - A, which cancels.

    >>> sigmoid_backward(np.array([4.0]), np.array([0.0]))
    array([1.])
    """
    Z = floating(Z)
    return floating(dA) * sigmoid(Z) * sigmoid(-Z)


def tanh(Z: Array) -> Array:
    """Return the hyperbolic tangent of Z.

    >>> tanh(np.array([-1e4, 0.0]))
    array([-1.,  0.])
    """
    xp, Z = namespaced(Z)
    return xp.tanh(Z)


@np.errstate(over="ignore")  # far from 0 one over infinity is right
def tanh_backward(dA: Array, Z: Array) -> Array:
    """Return dA * (1 - A**2) with A = tanh(Z).

    1 - A**2 cancels where A is near 1; it is 1 / cosh(Z)**2, which does not.

    >>> tanh_backward(np.array([4.0]), np.array([0.0]))
    array([4.])
    """
    xp, Z = namespaced(Z)
    return floating(dA) / xp.cosh(Z) ** 2


def softplus(Z: Array) -> Array:
    """Return log(1 + exp(Z)), a smooth ReLU, without overflow (Dugas et al. 2001).

    >>> softplus(np.array([-1e4, 0.0, 1e4])).round(4)
    array([0.000e+00, 6.931e-01, 1.000e+04])
    """
    xp, Z = namespaced(Z)
    return xp.where(Z < 0, 0, Z) + xp.log1p(xp.exp(-xp.abs(Z)))


def softplus_backward(dA: Array, Z: Array) -> Array:
    """Return dA * sigmoid(Z).

    >>> softplus_backward(np.array([4.0]), np.array([0.0]))
    array([2.])
    """
    return floating(dA) * sigmoid(Z)


def elu(Z: Array) -> Array:
    """Return exp(Z) - 1 where Z is negative, else Z (Clevert et al. 2016, eq. 15, alpha = 1).

    >>> elu(np.array([-1e4, 2.0]))
    array([-1.,  2.])
    """
    xp, Z = namespaced(Z)
    return xp.where(Z < 0, xp.expm1(xp.minimum(Z, 0)), Z)


def elu_backward(dA: Array, Z: Array) -> Array:
    """Return dA where Z is positive, else dA * exp(Z).

    >>> elu_backward(np.array([3.0, 3.0]), np.array([-1e4, 2.0]))
    array([0., 3.])
    """
    xp, Z = namespaced(Z)
    return floating(dA) * xp.exp(xp.minimum(Z, 0))


def gelu(Z: Array) -> Array:
    """Return Z times the probability that a standard normal is below Z (Hendrycks, Gimpel 2016).

    It is the exact form; NumPy has no error function, so that this one is slow: `silu` is near.

    >>> gelu(np.array([-1e4, 0.0, 1.0])).round(4)
    array([-0.    ,  0.    ,  0.8413])
    """
    xp, Z = namespaced(Z)
    Z = xp.maximum(Z, -_FAR)
    return Z * _below(Z)


@np.errstate(over="ignore")  # far from 0, in half precision, the density is 0
def gelu_backward(dA: Array, Z: Array) -> Array:
    """Return dA * (P + Z p) with a standard normal's distribution P and density p at Z.

    >>> gelu_backward(np.array([4.0]), np.array([0.0]))
    array([2.])
    """
    xp, Z = namespaced(_near(Z))
    density = xp.exp(-(Z**2) / 2) / sqrt(2 * pi)
    return floating(dA) * (_below(Z) + Z * density)


def _below(Z: Array) -> Array:
    """Return the probability that a standard normal is below Z; erfc keeps its small values."""
    return _erfc(-Z / sqrt(2)) / 2


def _erfc(Z: Array) -> Array:
    if not is_foreign(Z):
        return np.asarray(_erfc_of_each(Z), Z.dtype)
    from jax.scipy.special import erfc as of_jax  # noqa: PLC0415  # the standard has none

    return cast("Array", of_jax(Z))


_erfc_of_each = np.frompyfunc(erfc, 1, 1)


def silu(Z: Array) -> Array:
    """Return Z * sigmoid(Z), also known as swish (Elfwing et al. 2018, eq. 13).

    >>> silu(np.array([-1e4, 0.0, 1e4]))
    array([   -0.,     0., 10000.])
    """
    xp, Z = namespaced(Z)
    return xp.maximum(Z, -_FAR) * sigmoid(Z)


def silu_backward(dA: Array, Z: Array) -> Array:
    """Return dA * A' with A' = sigmoid(Z) (1 + Z sigmoid(-Z)).

    >>> silu_backward(np.array([4.0]), np.array([0.0]))
    array([2.])
    """
    Z = _near(Z)
    return floating(dA) * sigmoid(Z) * (1 + Z * sigmoid(-Z))


def _near(Z: Array) -> Array:
    """Return Z with what lies beyond `_FAR` put there: slopes are what they are at infinity."""
    xp, Z = namespaced(Z)
    return xp.minimum(xp.maximum(Z, -_FAR), _FAR)


IDENTITY = Activation(identity, identity_backward)
RELU = Activation(relu, relu_backward)
LEAKY_RELU = Activation(leaky_relu, leaky_relu_backward)
SIGMOID = Activation(sigmoid, sigmoid_backward)
TANH = Activation(tanh, tanh_backward)
SOFTPLUS = Activation(softplus, softplus_backward)
ELU = Activation(elu, elu_backward)
GELU = Activation(gelu, gelu_backward)
SILU = Activation(silu, silu_backward)
