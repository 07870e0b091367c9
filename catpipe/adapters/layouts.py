"""Parameters in the layouts of PyTorch and Keras, and back; neither library is needed.

In NumPy's own form, `np.savez(path, **parameters)` writes them and `Parameters(np.load(path))`
reads them. JAX takes them as they are: see `catpipe.adapters.jax`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from reprlib import repr as brief
from typing import Any

import numpy as np
from toolz import partition

from catpipe.nn.arrays import Array, floating
from catpipe.nn.parameters import Parameters


def to_torch(parameters: Parameters) -> dict[str, Array]:
    """Return them as the `state_dict` of `Sequential(Linear, activation, Linear, ...)`, in NumPy.

    Weights keep their shape, (units, fan_in); biases become (units,). Raises `ValueError` for
    parameters that are not those of dense layers.

    >>> from catpipe.adapters.layouts import to_torch
    >>> to_torch(initialize_parameters(mlp(3, 2, 1), seed=1)).keys()
    dict_keys(['0.weight', '0.bias', '2.weight', '2.bias'])
    """
    return {
        f"{2 * number}.{name}": array.copy()
        for number, (W, b) in enumerate(_layers(parameters))
        for name, array in (("weight", W), ("bias", b[:, 0]))
    }


def from_torch(state_dict: Mapping[str, Any]) -> Parameters:
    """Return the parameters of a `state_dict` of linear layers, in the order that it has.

    Its values are tensors or arrays. Raises `ValueError` for one of other layers.

    >>> from catpipe.adapters.layouts import from_torch
    >>> from_torch({"0.weight": [[1.0, 2.0]], "0.bias": [0.5]})
    Parameters(W1 (1, 2) float64, b1 (1, 1) float64; 3 numbers)
    """
    names = [*map(str, state_dict)]
    pairs = [*partition(2, names)]
    are_linear = all(
        (weight.removesuffix("weight"), bias[-4:]) == (bias.removesuffix("bias"), "bias")
        for weight, bias in pairs
    )
    if len(names) % 2 or not pairs or not are_linear:
        raise ValueError(
            f"a state of {brief(names)}; expected a weight and a bias of each linear layer, such "
            "as 0.weight, 0.bias, 2.weight, 2.bias: give that of a Sequential of them"
        )
    return _parameters((_numpy(state_dict[W]), _numpy(state_dict[b])) for W, b in pairs)


def to_keras(parameters: Parameters) -> list[Array]:
    """Return them as `set_weights` of a Keras model of `Dense` layers takes them.

    Weights become (fan_in, units), biases (units,). Raises `ValueError` for parameters that are not
    those of dense layers.

    >>> from catpipe.adapters.layouts import to_keras
    >>> [W.shape for W in to_keras(initialize_parameters(mlp(3, 2, 1), seed=1))]
    [(3, 2), (2,), (2, 1), (1,)]
    """
    return [array.copy() for W, b in _layers(parameters) for array in (W.T, b[:, 0])]


def from_keras(weights: Sequence[Any]) -> Parameters:
    """Return the parameters of what `get_weights` of a Keras model of `Dense` layers gives.

    Raises `ValueError` for weights of other layers.

    >>> from catpipe.adapters.layouts import from_keras
    >>> from_keras([[[1.0], [2.0]], [0.5]])
    Parameters(W1 (1, 2) float64, b1 (1, 1) float64; 3 numbers)
    """
    arrays = [_numpy(array) for array in weights]
    if len(arrays) % 2 or not arrays:
        raise ValueError(
            f"{len(arrays)} arrays of weights; expected two of each layer: give get_weights() of a "
            "model of Dense layers with biases"
        )
    return _parameters((W.T, b) for W, b in partition(2, arrays))


def _layers(parameters: Parameters) -> list[tuple[Array, Array]]:
    """Return W and b of each layer, the first first."""
    layers = [(f"W{number}", f"b{number}") for number in range(1, len(parameters) // 2 + 1)]
    names = {name for layer in layers for name in layer}
    if not layers or parameters.keys() != names or parameters["W1"].ndim != 2:
        raise ValueError(
            f"{brief(parameters)}; expected W1, b1 to WL, bL of one network of dense layers: take "
            "one network of a stack"
        )
    return [(parameters[W], parameters[b]) for W, b in layers]


def _parameters(layers: Iterable[tuple[Array, Array]]) -> Parameters:
    """Return the parameters of weights, (units, fan_in), and biases, (units,), of each layer."""
    named: dict[str, Array] = {}
    units = None  # of the layer before
    for number, (W, b) in enumerate(layers, start=1):
        is_dense = W.ndim == 2 and b.shape == W.shape[:1]
        if not is_dense or units not in (None, W.shape[1]):
            inputs = "" if units is None else f", of {units} inputs"
            raise ValueError(
                f"layer {number} has weights of shape {W.shape} and biases of shape {b.shape}; "
                f"expected those of a dense layer{inputs}: give a network of dense layers alone"
            )
        units = len(b)
        named |= {f"W{number}": W, f"b{number}": b[:, np.newaxis]}
    return Parameters(named)


def _numpy(tensor: Any) -> Array:
    """Return a tensor of any library as an array."""
    return floating(np.asarray(tensor.detach().cpu() if hasattr(tensor, "detach") else tensor))
