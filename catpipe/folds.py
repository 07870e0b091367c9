"""The two folds over a network's layers: forward leaves caches, backward gradients."""

from __future__ import annotations

from functools import reduce
from typing import Any, TypeAlias

from catpipe.layers import Layer, Pending
from catpipe.network import Network
from catpipe.parameters import Array, Parameters

Caches: TypeAlias = tuple[Any, ...]
"""What each layer's forward leaves behind for its backward."""


Forwarded: TypeAlias = tuple[Array, Caches]


Backed: TypeAlias = tuple[Pending, dict[str, Array]]


def forward(
    network: Network, parameters: Parameters, X: Array, iteration: int | None = None
) -> Forwarded:
    """Return the logits of X, (outputs, examples), and the caches that the layers leave behind.

    The iteration is for layers that draw in training, as dropout does; `None` is for predicting.

    >>> from catpipe.network import network
    >>> import numpy as np
    >>> forward(network(1, 1), Parameters(W1=[[2.0]], b1=[[1.0]]), np.array([[3.0]]))[0]
    array([[7.]])
    """

    def through(forwarded: Forwarded, layer: Layer) -> Forwarded:
        A, caches = forwarded
        A, cache = layer.forward(parameters, A, iteration)
        return A, (*caches, cache)

    start: Forwarded = X, ()
    return reduce(through, network.layers, start)


def backward(network: Network, parameters: Parameters, caches: Caches, dZ: Array) -> Parameters:
    """Return the gradients of a cost whose gradient at the logits is dZ, under the same names.

    >>> from catpipe.network import network
    >>> import numpy as np
    >>> net, parameters = network(1, 1), Parameters(W1=[[2.0]], b1=[[1.0]])
    >>> Z, caches = forward(net, parameters, np.array([[3.0]]))
    >>> backward(net, parameters, caches, np.array([[1.0]]))["W1"]
    array([[3.]])
    """
    _, gradients = back_propagate(network, parameters, caches, dZ)
    return Parameters.adopt(gradients)


def input_gradient(network: Network, parameters: Parameters, caches: Caches, dZ: Array) -> Array:
    """Return the gradient at X, (features, examples), of a cost whose gradient at the logits is dZ.

    >>> from catpipe.network import network
    >>> import numpy as np
    >>> net, parameters = network(1, 1), Parameters(W1=[[2.0]], b1=[[1.0]])
    >>> Z, caches = forward(net, parameters, np.array([[3.0]]))
    >>> input_gradient(net, parameters, caches, np.array([[1.0]]))
    array([[2.]])
    """
    pending, _ = back_propagate(network, parameters, caches, dZ)
    return pending()


def back_propagate(network: Network, parameters: Parameters, caches: Caches, dZ: Array) -> Backed:
    """Return the gradient at X, pending, and those of the parameters, a dict: the fold of both.

    `backward` and `input_gradient` return one each.

    >>> from catpipe.network import network
    >>> import numpy as np
    >>> net, parameters = network(1, 1), Parameters(W1=[[2.0]], b1=[[1.0]])
    >>> Z, caches = forward(net, parameters, np.array([[3.0]]))
    >>> pending, gradients = back_propagate(net, parameters, caches, np.array([[1.0]]))
    >>> pending(), gradients["b1"]
    (array([[2.]]), array([[1.]]))
    """

    def back(backed: Backed, passed: tuple[Layer, Any]) -> Backed:
        pending, gradients = backed
        layer, cache = passed
        pending, of_layer = layer.backward(parameters, cache, pending())
        return pending, {**of_layer, **gradients}

    start: Backed = (lambda: dZ), {}
    return reduce(back, zip(reversed(network.layers), reversed(caches), strict=True), start)


def compute_cost(network: Network, Z: Array, Y: Array, shares: Array | None = None) -> Array:
    """Return the cost of the logits Z against the targets Y, both (outputs, examples).

    It is summed over outputs and averaged over examples; `shares`, (1, examples) with a sum of 1,
    are the weights of another average than the plain one. Raises `ValueError` unless Z and Y have
    equal shapes.

    >>> from catpipe.network import network
    >>> import numpy as np
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

    >>> from catpipe.network import network
    >>> import numpy as np
    >>> cost_gradient(network(1, 1), np.array([[0.0, 0.0]]), np.array([[1.0, 0.0]]))
    array([[-0.25,  0.25]])
    """
    each = network.loss.gradient(Z, Y)
    return each / Z.shape[-1] if shares is None else each * shares


def cost_of(
    network: Network,
    parameters: Parameters,
    X: Array,
    Y: Array,
    shares: Array | None = None,
    iteration: int | None = None,
) -> Array:
    """Return the cost of X against Y, of which `gradients` returns the gradients.

    >>> import numpy as np
    >>> from catpipe.network import network
    >>> parameters, one = Parameters(W1=[[0.0]], b1=[[0.0]]), np.ones((1, 1))
    >>> float(cost_of(network(1, 1), parameters, X=one, Y=one).round(6))
    0.693147
    """
    Z, _ = forward(network, parameters, X, iteration)
    return compute_cost(network, Z, Y, shares)


def gradients(
    network: Network,
    parameters: Parameters,
    X: Array,
    Y: Array,
    shares: Array | None = None,
    iteration: int | None = None,
) -> Parameters:
    """Return the gradients of the cost of X against Y: forward, the cost's gradient, backward.

    >>> from catpipe.network import network
    >>> import numpy as np
    >>> parameters, one = Parameters(W1=[[0.0]], b1=[[0.0]]), np.ones((1, 1))
    >>> gradients(network(1, 1), parameters, X=one, Y=one)["W1"]
    array([[-0.5]])
    """
    Z, caches = forward(network, parameters, X, iteration)
    _check_targets(Z, Y)
    return backward(network, parameters, caches, cost_gradient(network, Z, Y, shares))


def predict_probabilities(network: Network, parameters: Parameters, X: Array) -> Array:
    """Return the loss's link of the logits of X, (outputs, examples): probabilities, mostly.

    >>> from catpipe.network import network
    >>> import numpy as np
    >>> predict_probabilities(network(1, 1), Parameters(W1=[[0.0]], b1=[[0.0]]), np.ones((1, 1)))
    array([[0.5]])
    """
    return network.loss.link(forward(network, parameters, X)[0])


def predict(network: Network, parameters: Parameters, X: Array) -> Array:
    """Return what the loss decides from the logits of X.

    Class numbers, (1, examples), for cross-entropies (for the binary, 0 or 1 of each output);
    the logits themselves, (outputs, examples), for the mean squared error.

    >>> from catpipe.network import network
    >>> import numpy as np
    >>> predict(network(1, 1), Parameters(W1=[[1.0]], b1=[[0.0]]), np.array([[-2.0, 2.0]]))
    array([[0, 1]])
    """
    return network.loss.decide(forward(network, parameters, X)[0])
