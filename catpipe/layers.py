"""What one layer is, and what it does: forward and backward, written side by side."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeAlias

from catpipe.activations import Activation
from catpipe.parameters import Array, Parameters


class Dense(NamedTuple):
    """A fully connected layer: the names of its parameters, their sizes, and its activation."""

    weights: str
    bias: str
    fan_in: int
    units: int
    activation: Activation


class DualDense(NamedTuple):
    """A dense first layer in the dual form: its weights are their products with all the columns.

    Its input is the columns' Gram matrix, (examples, examples); see `catpipe.dual`.
    """

    weights: str
    bias: str
    fan_in: int
    units: int
    activation: Activation
    coefficients: str
    kept: str


Layer: TypeAlias = Dense | DualDense


class Cache(NamedTuple):
    """What a layer's forward leaves behind for its backward."""

    A: Array  # what came in, (fan_in, examples)
    Z: Array  # before the activation, (units, examples)


Pending: TypeAlias = Callable[[], Array]
"""A gradient that is computed when somebody asks for it."""


def linear_forward(A: Array, W: Array, b: Array) -> Array:
    """Return Z = W A + b.

    A: (fan_in, examples), W: (units, fan_in), b: (units, 1) -> Z: (units, examples).

    >>> import numpy as np
    >>> linear_forward(np.array([[3.0]]), W=np.array([[2.0]]), b=np.array([[1.0]]))
    array([[7.]])
    """
    return product(W, A) + b


def product(W: Array, A: Array) -> Array:
    """Return W A; for a stack of W and one A, as a single large product, which is faster.

    W: (..., units, fan_in), A: (fan_in, examples) or a stack as deep -> (..., units, examples).

    >>> import numpy as np
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
    fold over a network calls its two halves, below, one by one.

    >>> import numpy as np
    >>> linear_backward(np.array([[1.0]]), A=np.array([[3.0]]), W=np.array([[2.0]]))
    (array([[2.]]), array([[3.]]), array([[1.]]))
    """
    return linear_input_gradient(dZ, W), *linear_gradients(dZ, A)


def linear_gradients(dZ: Array, A: Array) -> tuple[Array, Array]:
    """Return dW = dZ A^T, (units, fan_in), and db, the sum of dZ over examples, (units, 1).

    >>> import numpy as np
    >>> linear_gradients(np.array([[1.0, 2.0]]), A=np.array([[3.0, 4.0]]))
    (array([[11.]]), array([[3.]]))
    """
    return product(dZ, A.mT), dZ.sum(-1, keepdims=True)


def linear_input_gradient(dZ: Array, W: Array) -> Array:
    """Return dA = W^T dZ, (fan_in, examples).

    >>> import numpy as np
    >>> linear_input_gradient(np.array([[1.0]]), W=np.array([[2.0, 5.0]]))
    array([[2.],
           [5.]])
    """
    return W.mT @ dZ


def layer_forward(layer: Layer, parameters: Parameters, A: Array) -> tuple[Array, Cache]:
    """Return the layer's output, (units, examples), and its cache.

    >>> from catpipe.activations import RELU
    >>> import numpy as np
    >>> layer, parameters = Dense("W", "b", 1, 1, RELU), Parameters(W=[[-2.0]], b=[[1.0]])
    >>> layer_forward(layer, parameters, np.array([[3.0]]))
    (array([[0.]]), Cache(A=array([[3.]]), Z=array([[-5.]])))
    """
    W, b = parameters[layer.weights], parameters[layer.bias]
    Z = W + b if isinstance(layer, DualDense) else linear_forward(A, W, b)
    return layer.activation.value(Z), Cache(A, Z)


def layer_backward(
    layer: Layer, parameters: Parameters, cache: Cache, dA: Array
) -> tuple[Pending, dict[str, Array]]:
    """Return the gradient at the layer's input, pending, and those of its parameters.

    dA is the gradient at its output. The one at the input of the whole network costs a third of a
    training step, and nobody asks for it there: hence pending.

    >>> from catpipe.activations import RELU
    >>> import numpy as np
    >>> layer, parameters = Dense("W", "b", 1, 1, RELU), Parameters(W=[[2.0]], b=[[1.0]])
    >>> cache = Cache(A=np.array([[3.0]]), Z=np.array([[7.0]]))
    >>> pending, gradients = layer_backward(layer, parameters, cache, np.array([[1.0]]))
    >>> pending(), gradients
    (array([[2.]]), {'W': array([[3.]]), 'b': array([[1.]])})
    """
    dZ = layer.activation.backward(dA, cache.Z)
    dW, db = linear_gradients(dZ, cache.A)
    pending = partial(linear_input_gradient, dZ, parameters[layer.weights])
    gradients = {layer.weights: dW, layer.bias: db}
    if isinstance(layer, DualDense):
        nothing = 0 * parameters[layer.kept]
        return pending, {**gradients, layer.coefficients: dZ, layer.kept: nothing}
    return pending, gradients
