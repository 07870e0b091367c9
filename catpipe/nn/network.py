"""A network is data, and two folds over its layers: forward leaves caches, backward gradients."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import chain
from numbers import Integral
from typing import Any, NamedTuple, TypeAlias

from toolz import keyfilter, merge, sliding_window

from catpipe.nn.activations import IDENTITY, RELU, Activation
from catpipe.nn.layers import Dense, Dropout, InputGradient, Layer, Shapes
from catpipe.nn.losses import BINARY_CROSS_ENTROPY, Loss
from catpipe.nn.parameters import Array, Parameters, is_weight


class Network(NamedTuple):
    """The layers from input to logits, and the loss that the logits are for."""

    layers: tuple[Layer, ...]
    loss: Loss


def mlp(
    *sizes: int,
    activation: Activation | Sequence[Activation] = RELU,
    loss: Loss = BINARY_CROSS_ENTROPY,
) -> Network:
    """Return the network of these sizes, input first; its last layer gives logits.

    One activation is that of all hidden layers; several are one for each. Raises `ValueError`
    unless there are two sizes or more, all of at least 1, and as many activations as hidden layers.

    >>> [layer.weights for layer in mlp(12288, 20, 7, 5, 1).layers]
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


def layer_sizes(network: Network) -> list[int]:
    """Return the sizes that the network was made of, input first.

    >>> layer_sizes(mlp(12288, 20, 7, 5, 1))
    [12288, 20, 7, 5, 1]
    """
    weights = weight_shapes(network).values()
    return [fan_in for _, fan_in in weights] + [units for units, _ in weights][-1:]


def parameter_shapes(network: Network) -> Shapes:
    """Return the shapes of the network's parameters by name: W (units, fan_in), b (units, 1).

    >>> parameter_shapes(mlp(3, 2))
    {'W1': (2, 3), 'b1': (2, 1)}
    """
    return merge(layer.shapes() for layer in network.layers)


def weight_shapes(network: Network) -> Shapes:
    """Return the shapes of the network's weights by name, (units, fan_in), first layer first.

    >>> weight_shapes(mlp(3, 2))
    {'W1': (2, 3)}
    """
    return keyfilter(is_weight, parameter_shapes(network))


def first_dense(network: Network) -> Dense:
    """Return the network's first layer; raise `ValueError` unless it is dense.

    >>> first_dense(mlp(3, 2)).fan_in
    3
    """
    first = network.layers[0]
    if not isinstance(first, Dense):
        raise ValueError(f"first layer {first}; expected a dense one, as in the full space")
    return first


Caches: TypeAlias = tuple[Any, ...]
"""What each layer's forward leaves behind for its backward."""


def forward(
    network: Network, parameters: Parameters, X: Array, iteration: int | None = None
) -> tuple[Array, Caches]:
    """Return the logits of X, (outputs, examples), and the caches that the layers leave behind.

    The iteration is for layers that draw in training, as dropout does; `None` is for predicting.

    >>> forward(mlp(1, 1), Parameters(W1=[[2.0]], b1=[[1.0]]), np.array([[3.0]]))[0]
    array([[7.]])
    """

    def through(carry: tuple[Array, Caches], layer: Layer) -> tuple[Array, Caches]:
        A, caches = carry
        A, cache = layer.forward(parameters, A, iteration)
        return A, (*caches, cache)

    return reduce(through, network.layers, (X, ()))


def backward(network: Network, parameters: Parameters, caches: Caches, dZ: Array) -> Parameters:
    """Return the gradients of a cost whose gradient at the logits is dZ, under the same names.

    >>> net, parameters = mlp(1, 1), Parameters(W1=[[2.0]], b1=[[1.0]])
    >>> Z, caches = forward(net, parameters, np.array([[3.0]]))
    >>> backward(net, parameters, caches, np.array([[1.0]]))["W1"]
    array([[3.]])
    """
    _, gradients = back_propagate(network, parameters, caches, dZ)
    return Parameters.adopt(gradients)


def input_gradient(network: Network, parameters: Parameters, caches: Caches, dZ: Array) -> Array:
    """Return the gradient at X, (features, examples), of a cost whose gradient at the logits is dZ.

    >>> net, parameters = mlp(1, 1), Parameters(W1=[[2.0]], b1=[[1.0]])
    >>> Z, caches = forward(net, parameters, np.array([[3.0]]))
    >>> input_gradient(net, parameters, caches, np.array([[1.0]]))
    array([[2.]])
    """
    compute_dX, _ = back_propagate(network, parameters, caches, dZ)
    return compute_dX()


def back_propagate(
    network: Network, parameters: Parameters, caches: Caches, dZ: Array
) -> tuple[InputGradient, dict[str, Array]]:
    """Return what computes the gradient at X, and those of the parameters, a dict: the whole fold.

    `backward` and `input_gradient` return one each.

    >>> net, parameters = mlp(1, 1), Parameters(W1=[[2.0]], b1=[[1.0]])
    >>> Z, caches = forward(net, parameters, np.array([[3.0]]))
    >>> compute_dX, gradients = back_propagate(net, parameters, caches, np.array([[1.0]]))
    >>> compute_dX(), gradients["b1"]
    (array([[2.]]), array([[1.]]))
    """

    def back(
        carry: tuple[InputGradient, dict[str, Array]], passed: tuple[Layer, Any]
    ) -> tuple[InputGradient, dict[str, Array]]:
        compute_dA, of_later = carry
        layer, cache = passed
        compute_dA, of_layer = layer.backward(parameters, cache, compute_dA())
        return compute_dA, {**of_layer, **of_later}

    of_none: dict[str, Array] = {}
    passed = zip(reversed(network.layers), reversed(caches), strict=True)
    return reduce(back, passed, (lambda: dZ, of_none))


def compute_cost(network: Network, Z: Array, Y: Array, weights: Array | None = None) -> Array:
    """Return the cost of the logits Z against the targets Y, both (outputs, examples).

    It is summed over outputs and averaged over examples; `weights`, (1, examples) with a sum of 1,
    are the weights of another average than the plain one. Raises `ValueError` unless Z and Y have
    equal shapes.

    >>> float(compute_cost(mlp(1, 1), np.array([[0.0]]), np.array([[1.0]])).round(6))
    0.693147
    """
    _check_targets(Z, Y)
    each = network.loss.cost(Z, Y)
    return each.sum((-2, -1)) / Z.shape[-1] if weights is None else (each * weights).sum((-2, -1))


def cost_gradient(network: Network, Z: Array, Y: Array, weights: Array | None = None) -> Array:
    """Return the gradient of `compute_cost` at the logits, (outputs, examples).

    Raises `ValueError` unless Z and Y have equal shapes.

    >>> cost_gradient(mlp(1, 1), np.array([[0.0, 0.0]]), np.array([[1.0, 0.0]]))
    array([[-0.25,  0.25]])
    """
    _check_targets(Z, Y)
    each = network.loss.gradient(Z, Y)
    return each / Z.shape[-1] if weights is None else each * weights


def _check_targets(Z: Array, Y: Array) -> None:
    if Z.shape[-2:] != Y.shape[-2:]:  # which would broadcast, and be wrong
        raise ValueError(f"targets {Y.shape} for logits {Z.shape}; expected (outputs, examples)")


def cost_of(
    network: Network,
    parameters: Parameters,
    X: Array,
    Y: Array,
    weights: Array | None = None,
    iteration: int | None = None,
) -> Array:
    """Return the cost of X against Y, of which `gradients` returns the gradients.

    >>> parameters, one = Parameters(W1=[[0.0]], b1=[[0.0]]), np.ones((1, 1))
    >>> float(cost_of(mlp(1, 1), parameters, X=one, Y=one).round(6))
    0.693147
    """
    Z, _ = forward(network, parameters, X, iteration)
    return compute_cost(network, Z, Y, weights)


def gradients(
    network: Network,
    parameters: Parameters,
    X: Array,
    Y: Array,
    weights: Array | None = None,
    iteration: int | None = None,
) -> Parameters:
    """Return the gradients of the cost of X against Y: forward, the cost's gradient, backward.

    >>> parameters, one = Parameters(W1=[[0.0]], b1=[[0.0]]), np.ones((1, 1))
    >>> gradients(mlp(1, 1), parameters, X=one, Y=one)["W1"]
    array([[-0.5]])
    """
    Z, caches = forward(network, parameters, X, iteration)
    return backward(network, parameters, caches, cost_gradient(network, Z, Y, weights))


def predict_probabilities(network: Network, parameters: Parameters, X: Array) -> Array:
    """Return the loss's link of the logits of X, (outputs, examples): probabilities, mostly.

    >>> predict_probabilities(mlp(1, 1), Parameters(W1=[[0.0]], b1=[[0.0]]), np.ones((1, 1)))
    array([[0.5]])
    """
    return network.loss.link(forward(network, parameters, X)[0])


def predict(network: Network, parameters: Parameters, X: Array) -> Array:
    """Return what the loss predicts from the logits of X.

    Class numbers, (1, examples), for cross-entropies (for the binary, 0 or 1 of each output);
    the logits themselves, (outputs, examples), for the mean squared error.

    >>> predict(mlp(1, 1), Parameters(W1=[[1.0]], b1=[[0.0]]), np.array([[-2.0, 2.0]]))
    array([[0, 1]])
    """
    return network.loss.predict(forward(network, parameters, X)[0])


def with_dropout(network: Network, rate: float, seed: int) -> Network:
    """Return the network with dropout at this rate after each of its hidden layers.

    Raises `ValueError` for a rate that is not in [0, 1).

    >>> with_dropout(mlp(3, 4, 1), rate=0.5, seed=1).layers[1]
    Dropout(rate=0.5, seed=1, number=1)
    """
    if not 0 <= rate < 1:
        raise ValueError(f"dropout rate {rate}; expected the share to drop, at least 0 and below 1")
    *hidden, last = network.layers
    dropouts = (Dropout(rate, seed, number) for number, _ in enumerate(hidden, start=1))
    return network._replace(layers=(*chain(*zip(hidden, dropouts, strict=True)), last))
