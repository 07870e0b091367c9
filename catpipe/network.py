"""A network, and the two folds over its layers: forward leaves caches, backward gradients."""

from __future__ import annotations

from functools import reduce
from numbers import Integral
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import DTypeLike
from toolz import merge, sliding_window

from catpipe.activations import IDENTITY, RELU, Activation
from catpipe.initialization import Scheme, course
from catpipe.layers import Cache, Dense, Layer, Pending, layer_backward, layer_forward
from catpipe.losses import BINARY_CROSS_ENTROPY, Loss
from catpipe.parameters import Array, Parameters

Forwarded: TypeAlias = tuple[Array, tuple[Cache, ...]]
Backed: TypeAlias = tuple[Pending, dict[str, Array]]


class Network(NamedTuple):
    """The layers from input to logits, and the loss that the logits are for."""

    layers: tuple[Layer, ...]
    loss: Loss


def network(
    *sizes: int, activation: Activation = RELU, loss: Loss = BINARY_CROSS_ENTROPY
) -> Network:
    """Return the network of these sizes, input first; its last layer gives logits.

    Raises `ValueError` unless there are two sizes or more, all of at least 1.

    >>> [layer.weights for layer in network(12288, 20, 7, 5, 1).layers]
    ['W1', 'W2', 'W3', 'W4']
    """
    if len(sizes) < 2 or not all(isinstance(size, Integral) and size >= 1 for size in sizes):
        raise ValueError(
            f"network sizes {sizes}; expected two or more integers of at least 1, input first"
        )
    activations = (*[activation] * (len(sizes) - 2), IDENTITY)
    pairs = zip(sliding_window(2, sizes), activations, strict=True)
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
    return [network.layers[0].fan_in, *(layer.units for layer in network.layers)]


def parameter_shapes(network: Network) -> dict[str, tuple[int, int]]:
    """Return the shapes of the network's parameters by name: W (units, fan_in), b (units, 1).

    >>> parameter_shapes(network(3, 2))
    {'W1': (2, 3), 'b1': (2, 1)}
    """
    return merge(
        {layer.weights: (layer.units, layer.fan_in), layer.bias: (layer.units, 1)}
        for layer in network.layers
    )


def initialize_parameters(
    network: Network, seed: int, scheme: Scheme = course, dtype: DTypeLike = np.float64
) -> Parameters:
    """Return the parameters that the scheme draws from the seed: W (units, fan_in), b (units, 1).

    >>> initialize_parameters(network(3, 2), seed=1)
    Parameters(W1 (2, 3) float64, b1 (2, 1) float64; 8 numbers)
    """
    weights = scheme(seed, [(layer.units, layer.fan_in) for layer in network.layers])
    of_layers = (
        {layer.weights: W.astype(dtype), layer.bias: np.zeros((layer.units, 1), dtype)}
        for layer, W in zip(network.layers, weights, strict=True)
    )
    return Parameters.adopt(merge(of_layers))


def forward(network: Network, parameters: Parameters, X: Array) -> Forwarded:
    """Return the logits of X, (outputs, examples), and the caches that the layers leave behind.

    >>> forward(network(1, 1), Parameters(W1=[[2.0]], b1=[[1.0]]), np.array([[3.0]]))[0]
    array([[7.]])
    """

    def through(forwarded: Forwarded, layer: Layer) -> Forwarded:
        A, caches = forwarded
        A, cache = layer_forward(layer, parameters, A)
        return A, (*caches, cache)

    start: Forwarded = X, ()
    return reduce(through, network.layers, start)


def backward(
    network: Network, parameters: Parameters, caches: tuple[Cache, ...], dZ: Array
) -> Parameters:
    """Return the gradients of a cost whose gradient at the logits is dZ, under the same names.

    >>> net, parameters = network(1, 1), Parameters(W1=[[2.0]], b1=[[1.0]])
    >>> Z, caches = forward(net, parameters, np.array([[3.0]]))
    >>> backward(net, parameters, caches, np.array([[1.0]]))["W1"]
    array([[3.]])
    """
    _, gradients = back_propagate(network, parameters, caches, dZ)
    return Parameters.adopt(gradients)


def input_gradient(
    network: Network, parameters: Parameters, caches: tuple[Cache, ...], dZ: Array
) -> Array:
    """Return the gradient at X, (features, examples), of a cost whose gradient at the logits is dZ.

    >>> net, parameters = network(1, 1), Parameters(W1=[[2.0]], b1=[[1.0]])
    >>> Z, caches = forward(net, parameters, np.array([[3.0]]))
    >>> input_gradient(net, parameters, caches, np.array([[1.0]]))
    array([[2.]])
    """
    pending, _ = back_propagate(network, parameters, caches, dZ)
    return pending()


def back_propagate(
    network: Network, parameters: Parameters, caches: tuple[Cache, ...], dZ: Array
) -> Backed:
    """Return the gradient at X, pending, and those of the parameters, a dict: the fold of both.

    `backward` and `input_gradient` return one each.

    >>> net, parameters = network(1, 1), Parameters(W1=[[2.0]], b1=[[1.0]])
    >>> Z, caches = forward(net, parameters, np.array([[3.0]]))
    >>> pending, gradients = back_propagate(net, parameters, caches, np.array([[1.0]]))
    >>> pending(), gradients["b1"]
    (array([[2.]]), array([[1.]]))
    """

    def back(backed: Backed, passed: tuple[Layer, Cache]) -> Backed:
        pending, gradients = backed
        layer, cache = passed
        pending, of_layer = layer_backward(layer, parameters, cache, pending())
        return pending, {**of_layer, **gradients}

    start: Backed = (lambda: dZ), {}
    return reduce(back, zip(reversed(network.layers), reversed(caches), strict=True), start)


def compute_cost(network: Network, Z: Array, Y: Array, shares: Array | None = None) -> Array:
    """Return the cost of the logits Z against the targets Y, both (outputs, examples).

    It is summed over outputs and averaged over examples; `shares`, (1, examples) with a sum of 1,
    are the weights of another average than the plain one. Raises `ValueError` unless Z and Y have
    equal shapes.

    >>> float(compute_cost(network(1, 1), np.array([[0.0]]), np.array([[1.0]])).round(6))
    0.693147
    """
    _check_targets(Z, Y)
    each = network.loss.cost(Z, Y)
    return each.sum((-2, -1)) / Z.shape[-1] if shares is None else (each * shares).sum((-2, -1))


def _check_targets(Z: Array, Y: Array) -> None:
    if Z.shape[-2:] != Y.shape[-2:]:  # which would broadcast, and be wrong
        raise ValueError(f"targets {Y.shape} for logits {Z.shape}; expected (outputs, examples)")


def cost_gradient(network: Network, Z: Array, Y: Array, shares: Array | None = None) -> Array:
    """Return the gradient of `compute_cost` at the logits, (outputs, examples).

    >>> cost_gradient(network(1, 1), np.array([[0.0, 0.0]]), np.array([[1.0, 0.0]]))
    array([[-0.25,  0.25]])
    """
    each = network.loss.gradient(Z, Y)
    return each / Z.shape[-1] if shares is None else each * shares


def gradients(
    network: Network, parameters: Parameters, X: Array, Y: Array, shares: Array | None = None
) -> Parameters:
    """Return the gradients of the cost of X against Y: forward, the cost's gradient, backward.

    >>> parameters, one = Parameters(W1=[[0.0]], b1=[[0.0]]), np.ones((1, 1))
    >>> gradients(network(1, 1), parameters, X=one, Y=one)["W1"]
    array([[-0.5]])
    """
    Z, caches = forward(network, parameters, X)
    _check_targets(Z, Y)
    return backward(network, parameters, caches, cost_gradient(network, Z, Y, shares))


def predict_probabilities(network: Network, parameters: Parameters, X: Array) -> Array:
    """Return the probabilities of X, (outputs, examples): the loss's link of the logits.

    >>> predict_probabilities(network(1, 1), Parameters(W1=[[0.0]], b1=[[0.0]]), np.ones((1, 1)))
    array([[0.5]])
    """
    return network.loss.link(forward(network, parameters, X)[0])


def predict(network: Network, parameters: Parameters, X: Array) -> Array:
    """Return what the loss decides from the logits of X: 0 or 1, (outputs, examples).

    >>> predict(network(1, 1), Parameters(W1=[[1.0]], b1=[[0.0]]), np.array([[-2.0, 2.0]]))
    array([[0, 1]])
    """
    return network.loss.decide(forward(network, parameters, X)[0])
