"""Networks in ONNX: dense layers, activations and links, in the operators that every runtime has.

In double precision, ONNX Runtime has neither the error function nor ELU, softplus or leaky ReLU as
one operator; so these are made of operators that it has, and that 1.19 does not fuse to others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import pi, sqrt

import numpy as np

from catpipe.adapters.onnx_tensors import (
    Tensor,
    below,
    constant,
    maximum,
    mean,
    minimum,
    operator,
    reshape,
    transpose,
    where,
)
from catpipe.experiments.experiment import ACTIVATIONS
from catpipe.nn.activations import Activation
from catpipe.nn.layers import Dense, Dropout, MaskedDropout
from catpipe.nn.losses import BINARY_CROSS_ENTROPY, MEAN_SQUARED_ERROR, SOFTMAX_CROSS_ENTROPY, Loss
from catpipe.nn.network import Network
from catpipe.nn.parameters import Parameters

LOSSES: Mapping[str, Loss] = {
    "binary_cross_entropy": BINARY_CROSS_ENTROPY,
    "softmax_cross_entropy": SOFTMAX_CROSS_ENTROPY,
    "mean_squared_error": MEAN_SQUARED_ERROR,
}
"""The losses whose links can be exported, by name."""


def _leaky_relu(Z: Tensor) -> Tensor:
    return maximum(Z, 0.01 * Z)  # the operator's slope has float32's digits alone


def _softplus(Z: Tensor) -> Tensor:
    far = operator("Exp", 0 - operator("Abs", Z))
    return maximum(Z, 0) + operator("Log", far + 1)


def _elu(Z: Tensor) -> Tensor:
    return where(below(Z, 0), operator("Exp", minimum(Z, 0)) - 1, Z)


def _gelu(Z: Tensor) -> Tensor:
    return Z * ((_erf(Z / sqrt(2)) + 1) * 0.5)


def _silu(Z: Tensor) -> Tensor:
    return Z * (
        (operator("Tanh", Z * 0.5) + 1) * 0.5
    )  # Z sigmoid(Z), which some fuse for float32 alone


def _erf(x: Tensor) -> Tensor:
    """Return the error function; of float64 as the sine series of a smoothed square wave.

    The wave has the half period 12: from -6 to 6, beyond which erf is 1 to the last digit, its
    other edges are as far. Terms end where they are below 1e-17.
    """
    if x.dtype == np.float32:
        return operator("Erf", x)
    odd = np.arange(1, 49, 2)
    rates = odd * pi / 12
    heights = 4 / (pi * odd) * np.exp(-(rates**2) / 4)
    near = maximum(minimum(x, 6), -6)
    waves = operator("Sin", operator("Unsqueeze", near, constant([-1], np.int64)) * rates)
    sums = waves @ heights[:, np.newaxis]
    return operator("Squeeze", sums, constant([-1], np.int64))


_VALUES: Mapping[str, Callable[[Tensor], Tensor]] = {
    "relu": lambda Z: operator("Relu", Z),
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "softplus": _softplus,
    "gelu": _gelu,
    "silu": _silu,
    "tanh": lambda Z: operator("Tanh", Z),
    "sigmoid": lambda Z: operator("Sigmoid", Z),
    "identity": lambda Z: Z,
}


def dense_layers(network: Network) -> tuple[Dense, ...]:
    """Return the layers that do something when predicting; refuse those of one's own by name.

    >>> from catpipe.nn.network import with_dropout
    >>> len(dense_layers(with_dropout(mlp(3, 4, 1), rate=0.5, seed=1)))
    2
    """
    found = [of for of in network.layers if not isinstance(of, Dropout | MaskedDropout)]
    for layer in found:
        if type(layer) is not Dense:
            raise ValueError(
                f"layer {layer!r} cannot be exported; expected Dense and Dropout: keep the run "
                "in Python"
            )
    return tuple(layer for layer in found if isinstance(layer, Dense))


def activation_name(activation: Activation) -> str:
    """Return the name of an activation; refuse one's own by the name of its function.

    >>> activation_name(nn.LEAKY_RELU)
    'leaky_relu'
    >>> activation_name(nn.Activation(abs, abs))
    Traceback (most recent call last):
    ValueError: activation abs cannot be exported; expected one of relu, leaky_relu, elu, \
softplus, gelu, silu, tanh, sigmoid, identity: keep the run in Python
    """
    for name, known in ACTIVATIONS.items():
        if known == activation:
            return name
    raise ValueError(
        f"activation {activation!r} cannot be exported; expected one of {', '.join(ACTIVATIONS)}: "
        "keep the run in Python"
    )


def loss_name(network: Network) -> str:
    """Return the name of a network's loss; refuse one's own by the name of its cost.

    >>> loss_name(mlp(3, 1))
    'binary_cross_entropy'
    """
    name = next((name for name, known in LOSSES.items() if known == network.loss), None)
    if name is None:
        raise ValueError(
            f"loss {network.loss!r} cannot be exported; expected one of {', '.join(LOSSES)}: keep "
            "the run in Python"
        )
    outputs = dense_layers(network)[-1].units
    if name == "binary_cross_entropy" and outputs > 1:
        raise ValueError(
            f"binary_cross_entropy of {outputs} outputs cannot be exported; expected 1 output, or "
            "softmax_cross_entropy: keep the run in Python"
        )
    return name


def logits(network: Network, parameters: Parameters, rows: Tensor, views: int) -> Tensor:
    """Return the logits of each example, (..., examples, outputs): the mean of those of its views.

    rows: (examples * views, features). The formulas are those of `forward` and `logits_of`, with an
    example in each row: a runtime transposes W and b once, when it loads the model.
    """
    A = rows
    layers = dense_layers(network)
    stack = parameters[layers[0].weights].shape[:-2]
    axes = (0, 2, 1) if stack else (1, 0)
    for number, layer in enumerate(layers, start=1):
        W = constant(parameters[layer.weights], A.dtype, f"W{number}")
        b = constant(parameters[layer.bias], A.dtype, f"b{number}")
        Z = A @ transpose(W, *axes) + transpose(b, *axes)
        A = _VALUES[activation_name(layer.activation)](Z)
    if views == 1:
        return A
    each = reshape(A, *stack, -1, views, layers[-1].units)
    return mean(each, len(stack) + 1, keeps_axis=False)


def linked(loss: str, Z: Tensor) -> Tensor:
    """Return the probability of each class, (..., examples, classes), from the logits.

    Those of two classes are one logit, of class 1.
    """
    if loss == "softmax_cross_entropy":
        return operator("Softmax", Z, axis=-1)
    A = operator("Sigmoid", Z)
    return operator("Concat", 1 - A, A, axis=-1)
