"""A network is data: its layers from input to logits, and the loss that the logits are for."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike
from toolz import keyfilter, merge, sliding_window, valmap

from catpipe.activations import IDENTITY, RELU, Activation
from catpipe.initialization import Scheme, course
from catpipe.layers import Dense, Layer, Shapes
from catpipe.losses import BINARY_CROSS_ENTROPY, Loss
from catpipe.parameters import Parameters, is_weight


class Network(NamedTuple):
    """The layers from input to logits, and the loss that the logits are for."""

    layers: tuple[Layer, ...]
    loss: Loss


def network(
    *sizes: int,
    activation: Activation | Sequence[Activation] = RELU,
    loss: Loss = BINARY_CROSS_ENTROPY,
) -> Network:
    """Return the network of these sizes, input first; its last layer gives logits.

    One activation is that of all hidden layers; several are one for each. Raises `ValueError`
    unless there are two sizes or more, all of at least 1, and as many activations as hidden layers.

    >>> [layer.weights for layer in network(12288, 20, 7, 5, 1).layers]
    ['W1', 'W2', 'W3', 'W4']
    """
    if len(sizes) < 2 or not all(isinstance(size, Integral) and size >= 1 for size in sizes):
        raise ValueError(
            f"network sizes {sizes}; expected two or more integers of at least 1, input first"
        )
    hidden = len(sizes) - 2
    activations = [activation] * hidden if isinstance(activation, Activation) else activation
    if len(activations) != hidden or not all(isinstance(a, Activation) for a in activations):
        raise ValueError(
            f"activations {activation!r}; expected one, such as RELU, or {hidden}: one a layer"
        )
    pairs = zip(sliding_window(2, sizes), (*activations, IDENTITY), strict=True)
    layers = (
        Dense(f"W{number}", f"b{number}", fan_in, units, of_layer)
        for number, ((fan_in, units), of_layer) in enumerate(pairs, start=1)
    )
    return Network(tuple(layers), loss)


def sizes(network: Network) -> list[int]:
    """Return the sizes that the network was made of, input first.

    >>> sizes(network(12288, 20, 7, 5, 1))
    [12288, 20, 7, 5, 1]
    """
    weights = weight_shapes(network).values()
    return [fan_in for _, fan_in in weights] + [units for units, _ in weights][-1:]


def parameter_shapes(network: Network) -> Shapes:
    """Return the shapes of the network's parameters by name: W (units, fan_in), b (units, 1).

    >>> parameter_shapes(network(3, 2))
    {'W1': (2, 3), 'b1': (2, 1)}
    """
    return merge(layer.shapes() for layer in network.layers)


def weight_shapes(network: Network) -> Shapes:
    """Return the shapes of the network's weights by name, (units, fan_in), first layer first.

    >>> weight_shapes(network(3, 2))
    {'W1': (2, 3)}
    """
    return keyfilter(is_weight, parameter_shapes(network))


def first_dense(network: Network) -> Dense:
    """Return the network's first layer; raise `ValueError` unless it is dense.

    >>> first_dense(network(3, 2)).fan_in
    3
    """
    first = network.layers[0]
    if not isinstance(first, Dense):
        raise ValueError(f"first layer {first}; expected a dense one, as in the full space")
    return first


def initialize_parameters(
    network: Network, seed: int, scheme: Scheme = course, dtype: DTypeLike = np.float64
) -> Parameters:
    """Return the weights that the scheme draws from the seed, with all else at zero.

    W: (units, fan_in), b: (units, 1).

    >>> initialize_parameters(network(3, 2), seed=1)
    Parameters(W1 (2, 3) float64, b1 (2, 1) float64; 8 numbers)
    """
    shapes = weight_shapes(network)
    drawn = dict(zip(shapes, scheme(seed, [*shapes.values()]), strict=True))
    zeros = valmap(np.zeros, parameter_shapes(network))
    return Parameters.adopt(valmap(lambda W: W.astype(dtype), {**zeros, **drawn}))
