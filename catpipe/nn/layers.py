"""What a layer is and does: data, and its forward and backward, written side by side.

A layer of your own is a value with the three methods of `Layer`; nothing is registered.

What a layer does to an example depends on that example alone, so that costs and gradients are sums
over examples: shards, example weights and stacks of folds rest on it. Batch normalization is not
there for that reason, and because its running averages are neither parameters nor moments.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from numbers import Real
from operator import mul
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np

from catpipe.checks import is_whole
from catpipe.nn.activations import Activation
from catpipe.nn.arrays import Array, floating, in_order, is_foreign, like, namespaced
from catpipe.nn.parameters import Parameters
from catpipe.random import DROPOUT, check_seed, generator

InputGradient: TypeAlias = Callable[[], Array]
"""A function that computes dA, the gradient at a layer's input, when somebody asks for it."""

Shapes: TypeAlias = dict[str, tuple[int, int]]
"""Of parameters by name. Those that begin with W are weights: drawn at the start, and decayed."""


class Layer(Protocol):
    """What a network asks of a layer: pure functions of its data and what they are given."""

    def forward(
        self, parameters: Parameters, A: Array, iteration: int | None, /
    ) -> tuple[Array, Any]:
        """Return the output of A, (fan_in, examples), and what backward needs of it: the cache.

        The iteration is the one that is trained; it is `None` when predicting.
        """

    def backward(
        self, parameters: Parameters, cache: Any, dA: Array, /
    ) -> tuple[InputGradient, dict[str, Array]]:
        """Return what computes the gradient at the input, and those of the parameters by name.

        dA is the gradient at the output. The one at the input of the whole network costs a third of
        a training step, and nobody asks for it there: hence a function that computes it.
        """

    def shapes(self) -> Shapes:
        """Return the shapes of the parameters by name: W (units, fan_in), b (units, 1)."""


class Cache(NamedTuple):
    """What a dense layer's forward leaves behind for its backward."""

    A: Array  # what came in, (fan_in, examples); of a symmetric matrix its transpose
    Z: Array  # before the activation, (units, examples)


@dataclass(frozen=True)
class Dense:
    """A fully connected layer: the names of its parameters, their sizes, and its activation.

    >>> from catpipe.nn.activations import RELU
    >>> layer, parameters = Dense("W", "b", 1, 1, RELU), Parameters(W=[[2.0]], b=[[1.0]])
    >>> A, cache = layer.forward(parameters, np.array([[3.0]]))
    >>> A, cache
    (array([[7.]]), Cache(A=array([[3.]]), Z=array([[7.]])))
    >>> compute_dA, gradients = layer.backward(parameters, cache, np.array([[1.0]]))
    >>> compute_dA(), gradients
    (array([[2.]]), {'W': array([[3.]]), 'b': array([[1.]])})
    """

    weights: str
    bias: str
    fan_in: int
    units: int
    activation: Activation

    def __post_init__(self) -> None:
        """Raise `ValueError` for a size below 1, and `TypeError` for what is no activation."""
        if not (is_whole(self.fan_in) and is_whole(self.units)):
            raise ValueError(
                f"a layer of {self.units!r} units of {self.fan_in!r} numbers each; expected "
                "integers of at least 1"
            )
        if not isinstance(self.activation, Activation):
            raise TypeError(f"activation {self.activation!r}; expected an Activation, such as RELU")

    def forward(
        self,
        parameters: Parameters,
        A: Array,
        iteration: int | None = None,  # noqa: ARG002
    ) -> tuple[Array, Cache]:
        """Return the activation of Z = W A + b, (units, examples), and the cache."""
        Z = affine(A, parameters[self.weights], parameters[self.bias])
        return self.activation.value(Z), Cache(A, Z)

    def backward(
        self, parameters: Parameters, cache: Cache, dA: Array
    ) -> tuple[InputGradient, dict[str, Array]]:
        """Return what computes the gradient at A, and dW and db by name."""
        W = parameters[self.weights]
        _, dW, db, compute_dA = linear_activation_backward(self.activation, dA, cache, W)
        return compute_dA, {self.weights: dW, self.bias: db}

    def shapes(self) -> Shapes:
        """Return the shapes of W, (units, fan_in), and b, (units, 1)."""
        return {self.weights: (self.units, self.fan_in), self.bias: (self.units, 1)}


def linear_forward(A: Array, W: Array, b: Array) -> Array:
    """Return Z = W A + b.

    A: (fan_in, examples), W: (units, fan_in), b: (units, 1) -> Z: (units, examples). Raises
    `ValueError` for shapes that do not fit.

    >>> linear_forward(np.array([[3.0]]), W=np.array([[2.0]]), b=np.array([[1.0]]))
    array([[7.]])
    """
    W = floating(W)
    A, b = like(W, A), like(W, b)
    if A.ndim < 2 or W.ndim < 2 or W.shape[-1] != A.shape[-2] or b.shape[-2:] != (W.shape[-2], 1):
        raise ValueError(
            f"A {A.shape}, W {W.shape} and b {b.shape}; expected (fan_in, examples), "
            "(units, fan_in) and (units, 1)"
        )
    return affine(A, W, b)


def affine(A: Array, W: Array, b: Array) -> Array:
    """Return Z = W A + b of arrays that fit: what a fold over layers calls.

    >>> affine(np.array([[3.0]]), W=np.array([[2.0]]), b=np.array([[1.0]]))
    array([[7.]])
    """
    if W.ndim > 2:
        return product(W, A) + b
    units, fan_in = W.shape
    if fan_in > MANY * units and W.dtype == np.float32 and not _is_in_order(A):
        return in_order((A.mT @ W.mT).mT) + b  # takes three quarters of the time
    return W @ A + b


MANY = 64  # inputs a unit


def _is_in_order(A: Array) -> bool:
    return is_foreign(A) or A.flags.c_contiguous


def product(W: Array, A: Array) -> Array:
    """Return W A; for a stack of W and one A, as a single large product, which is faster.

    W: (..., units, fan_in), A: (fan_in, examples) or a stack as deep -> (..., units, examples).

    >>> product(np.ones((100, 2, 3)), np.ones((3, 4))).shape
    (100, 2, 4)
    """
    if W.ndim <= 2 or A.ndim > 2:
        return W @ A
    return (W.reshape(-1, W.shape[-1]) @ A).reshape(*W.shape[:-1], A.shape[-1])


def linear_backward(dZ: Array, A: Array, W: Array) -> tuple[Array, Array, Array]:
    """Return the gradients dA, dW, db of a cost whose gradient at Z = W A + b is dZ.

    dZ: (units, examples), A: (fan_in, examples), W: (units, fan_in), and each gradient is shaped
    as what it is of. The average over examples is in dZ already, so nothing is divided here. The
    fold over a network calls its two halves, below, one by one. Raises `ValueError` for shapes that
    do not fit.

    >>> linear_backward(np.array([[1.0]]), A=np.array([[3.0]]), W=np.array([[2.0]]))
    (array([[2.]]), array([[3.]]), array([[1.]]))
    """
    W = floating(W)
    dZ, A = like(W, dZ), like(W, A)
    if (
        min(dZ.ndim, A.ndim, W.ndim) < 2
        or dZ.shape[-2:] != (W.shape[-2], A.shape[-1])
        or W.shape[-1] != A.shape[-2]
    ):
        raise ValueError(
            f"dZ {dZ.shape}, A {A.shape} and W {W.shape}; expected (units, examples), "
            "(fan_in, examples) and (units, fan_in)"
        )
    return linear_input_gradient(dZ, W), *linear_gradients(dZ, A)


def linear_activation_backward(
    activation: Activation, dA: Array, cache: Cache, W: Array
) -> tuple[Array, Array, Array, InputGradient]:
    """Return dZ, dW and db where the gradient at the activation is dA, and what computes that at A.

    >>> from catpipe.nn.activations import IDENTITY
    >>> cache = Cache(A=np.array([[3.0]]), Z=np.array([[7.0]]))
    >>> linear_activation_backward(IDENTITY, np.array([[1.0]]), cache, W=np.array([[2.0]]))[:3]
    (array([[1.]]), array([[3.]]), array([[1.]]))
    """
    A, Z = cache
    dZ = activation.backward(dA, Z)
    dW, db = linear_gradients(dZ, A)
    return dZ, dW, db, partial(linear_input_gradient, dZ, W)


def linear_gradients(dZ: Array, A: Array) -> tuple[Array, Array]:
    """Return dW = dZ A^T, (units, fan_in), and db, the sum of dZ over examples, (units, 1).

    >>> linear_gradients(np.array([[1.0, 2.0]]), A=np.array([[3.0, 4.0]]))
    (array([[11.]]), array([[3.]]))
    """
    xp, dZ = namespaced(dZ)
    if xp is not np:  # XLA would copy A.mT where A is used too
        return xp.einsum("...ue,...fe->...uf", dZ, A), xp.add.reduce(dZ, -1, keepdims=True)
    return product(dZ, A.mT), dZ @ _ones(dZ.shape[-1], dZ.dtype)  # faster than a sum


@lru_cache(maxsize=8)
def _ones(examples: int, dtype: np.dtype[Any]) -> Array:
    """Return a column of ones: a product with it is a sum over examples.

    It is never handed on, so nobody can change it.
    """
    return np.ones((examples, 1), dtype)


def linear_input_gradient(dZ: Array, W: Array) -> Array:
    """Return dA = W^T dZ, (fan_in, examples).

    >>> linear_input_gradient(np.array([[1.0]]), W=np.array([[2.0, 5.0]]))
    array([[2.],
           [5.]])
    """
    if W.shape[-2] == 1:
        return W.mT * dZ  # the same, and faster
    if is_foreign(W) and W.dtype == np.float64:
        return in_order(W.mT) @ dZ  # XLA takes up to 1.8 times as long with the view
    return W.mT @ dZ


@dataclass(frozen=True)
class Dropout:
    """A layer that drops a share `rate` of what comes in, and scales what stays by 1 / (1 - rate).

    So its output is its input on average, and when predicting it is its input (inverted dropout;
    Srivastava et al. 2014, section 10). What is dropped depends on the seed, the iteration and the
    layer's number alone; the networks of a stack drop alike.

    >>> Dropout(0.5, seed=1, number=1).forward(Parameters(), np.ones((1, 4)), iteration=0)[0]
    array([[0., 0., 0., 2.]])
    """

    rate: float
    seed: int
    number: int

    def __post_init__(self) -> None:
        """Raise `ValueError` for a rate that is not in [0, 1), and for what is no seed."""
        check_dropout_rate(self.rate)
        check_seed(self.seed)

    def forward(
        self,
        parameters: Parameters,  # noqa: ARG002
        A: Array,
        iteration: int | None = None,
    ) -> tuple[Array, Array | float]:
        """Return A times the iteration's mask, and the mask, (units, examples)."""
        if iteration is None:
            return A, 1.0
        mask = _scaled(self.stays(iteration, A.shape[-2:]), self.rate, A)
        return A * mask, mask

    def stays(self, iteration: int, shape: tuple[int, ...]) -> Array:
        """Return what an iteration lets through of so many units and examples: true for it."""
        return generator(self.seed, DROPOUT, iteration, self.number).random(shape) >= self.rate

    def backward(
        self,
        parameters: Parameters,  # noqa: ARG002
        mask: Array | float,
        dA: Array,
    ) -> tuple[InputGradient, dict[str, Array]]:
        """Return what computes dA times the mask, and no gradients: there are no parameters."""
        return partial(mul, dA, mask), {}

    def shapes(self) -> Shapes:
        """Return that there are no parameters."""
        return {}


def check_dropout_rate(rate: float) -> None:
    """Raise `ValueError` for a rate that is not in [0, 1).

    >>> check_dropout_rate(1)
    Traceback (most recent call last):
    ValueError: dropout rate 1; expected the share to drop, at least 0 and below 1
    """
    if not isinstance(rate, Real) or not 0 <= rate < 1:
        raise ValueError(
            f"dropout rate {rate!r}; expected the share to drop, at least 0 and below 1"
        )


def _scaled(stays: Array, rate: float, A: Array) -> Array:
    return stays.astype(A.dtype) / (1 - float(rate))


@dataclass(frozen=True)
class MaskedDropout:
    """A layer that drops as `Dropout` does, by masks that are handed to it.

    `masks` gives the mask of an iteration, (units, examples): true, or 1, for what stays. So
    published cases are replayed that draw from another generator: the mask of the course is
    `np.random.rand(units, examples) < 1 - rate`.

    >>> masks = [np.array([[True, False]])]
    >>> layer = MaskedDropout(0.5, masks.__getitem__)
    >>> layer.forward(Parameters(), np.ones((1, 2)), iteration=0)[0]
    array([[2., 0.]])
    """

    rate: float
    masks: Callable[[int], Array]

    def __post_init__(self) -> None:
        """Raise `ValueError` for a rate that is not in [0, 1), and `TypeError` for no function."""
        check_dropout_rate(self.rate)
        if not callable(self.masks):
            raise TypeError(f"masks {self.masks!r}; expected a function of the iteration")

    def forward(
        self,
        parameters: Parameters,  # noqa: ARG002
        A: Array,
        iteration: int | None = None,
    ) -> tuple[Array, Array | float]:
        """Return A times the iteration's mask, and the mask, (units, examples).

        Raises `ValueError` for a mask of another shape.
        """
        if iteration is None:
            return A, 1.0
        mask = _scaled(self.stays(iteration, A.shape[-2:]), self.rate, A)
        return A * mask, mask

    def stays(self, iteration: int, shape: tuple[int, ...]) -> Array:
        """Return the mask of the iteration; raise `ValueError` unless it is of this shape."""
        stays = self.masks(iteration)
        stays = stays if is_foreign(stays) else np.asarray(stays)
        if stays.shape != shape:
            raise ValueError(f"mask of shape {stays.shape}; expected {shape}")
        return stays

    backward, shapes = Dropout.backward, Dropout.shapes
