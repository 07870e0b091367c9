"""A network is data, and two folds over its layers: forward leaves caches, backward gradients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from itertools import chain, count, pairwise
from reprlib import repr as brief
from typing import Any, NamedTuple, Self, TypeAlias

import numpy as np
from numpy import ndarray
from toolz import keyfilter, merge

from catpipe.checks import is_whole
from catpipe.nn.activations import IDENTITY, RELU, Activation
from catpipe.nn.arrays import Array, as_numpy, floating, is_foreign, like, namespaced
from catpipe.nn.layers import (
    Cache,
    Dense,
    Dropout,
    InputGradient,
    Layer,
    MaskedDropout,
    Shapes,
    check_dropout_rate,
)
from catpipe.nn.losses import (
    BINARY_CROSS_ENTROPY,
    Loss,
    check_more_than_one,
    softmax,
    targets_like,
    weighted,
)
from catpipe.nn.parameters import Parameters, is_weight, map_parameters
from catpipe.random import check_seed


class _Network(NamedTuple):
    layers: tuple[Layer, ...]
    loss: Loss


class Network(_Network):
    """The layers from input to logits, and the loss that the logits are for.

    Raises `TypeError` for no layers, what is no layer and what is no loss, and `ValueError` for two
    layers whose parameters have the same name, dense layers whose sizes do not meet, and a softmax
    of one output.

    >>> Network(mlp(3, 1).layers, nn.SOFTMAX_CROSS_ENTROPY)
    Traceback (most recent call last):
    ValueError: softmax of 1 output, which is always 1; expected 2 or more: for yes or no take \
BINARY_CROSS_ENTROPY
    """

    __slots__ = ()

    def __new__(cls, layers: Iterable[Layer], loss: Loss) -> Self:
        """Return the network of these layers, once they are checked."""
        found = _checked_layers(layers)
        return super().__new__(cls, found, _checked_loss(loss, found[-1]))

    @classmethod
    def _make(cls, iterable: Iterable[Any]) -> Self:  # type: ignore[override]  # what `_replace` makes its network by
        return cls(*iterable)


def mlp(
    *sizes: int,
    activation: Activation | Sequence[Activation] = RELU,
    loss: Loss = BINARY_CROSS_ENTROPY,
) -> Network:
    """Return the network of these sizes, input first; its last layer gives logits.

    One activation is that of all hidden layers; several are one for each. Raises `ValueError`
    unless there are two sizes or more, all of at least 1, and as many activations as hidden layers,
    and for a softmax of one output.

    >>> [layer.weights for layer in mlp(12288, 20, 7, 5, 1).layers]
    ['W1', 'W2', 'W3', 'W4']
    """
    if len(sizes) < 2 or not all(map(is_whole, sizes)):
        raise ValueError(
            f"network sizes {sizes}; expected two or more integers of at least 1, input first: "
            "write mlp(12288, 20, 1)"
        )
    activations = (*_activations(activation, hidden=len(sizes) - 2), IDENTITY)
    of_layers = zip(count(1), pairwise(sizes), activations, strict=False)
    layers = (
        Dense(f"W{number}", f"b{number}", fan_in, units, function)
        for number, (fan_in, units), function in of_layers
    )
    return Network(layers, loss)


def _activations(
    activation: Activation | Sequence[Activation], hidden: int
) -> Sequence[Activation]:
    """Return the activation of each hidden layer; refuse another number of them."""
    each = [activation] * hidden if isinstance(activation, Activation) else activation
    are_some = isinstance(each, Sequence) and all(isinstance(one, Activation) for one in each)
    if not are_some or len(each) != hidden:
        raise ValueError(
            f"activations {activation!r}; expected one, such as RELU, or {hidden}: one a layer"
        )
    return each


def _checked_layers(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    found = tuple(layers) if isinstance(layers, Iterable) else ()
    if not found or not all(map(_is_layer, found)):
        raise TypeError(
            f"layers {layers!r}; expected a tuple of one layer or more, as mlp(3, 4, 1).layers is"
        )
    _check_names(found)
    _check_sizes(found)
    return found


def _check_names(layers: tuple[Layer, ...]) -> None:
    names = Counter(chain.from_iterable(layer.shapes() for layer in layers))
    if twice := [name for name, number in names.items() if number > 1]:
        raise ValueError(f"{twice[0]} belongs to two layers; expected another name in each layer")


def _check_sizes(layers: tuple[Layer, ...]) -> None:
    """Refuse dense layers whose sizes do not meet; dropout between them changes none."""
    resizing = (layer for layer in layers if not isinstance(layer, Dropout | MaskedDropout))
    for before, after in pairwise(resizing):
        if isinstance(before, Dense) and isinstance(after, Dense) and before.units != after.fan_in:
            raise ValueError(
                f"{after.weights} takes {after.fan_in} numbers, and the layer before it gives "
                f"{before.units}; expected as many"
            )


def _is_layer(layer: object) -> bool:
    methods = ("forward", "backward", "shapes")
    return not isinstance(layer, type) and all(hasattr(layer, name) for name in methods)


def _checked_loss(loss: Loss, last: Layer) -> Loss:
    if not isinstance(loss, Loss):
        raise TypeError(f"loss {loss!r}; expected a Loss, such as BINARY_CROSS_ENTROPY")
    if loss.link is softmax and isinstance(last, Dense):
        check_more_than_one(last.units)
    return loss


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
    check_network(network)
    return merge(layer.shapes() for layer in network.layers)


def check_network(network: Network) -> None:
    """Raise `TypeError` for what is no network.

    >>> check_network([3, 2, 1])
    Traceback (most recent call last):
    TypeError: network [3, 2, 1]; expected a Network, as mlp(3, 4, 1) returns
    """
    if not isinstance(network, Network):
        raise TypeError(f"network {brief(network)}; expected a Network, as mlp(3, 4, 1) returns")


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


def check_parameters(network: Network, parameters: Parameters) -> None:
    """Raise `ValueError` unless the parameters have the names and shapes of the network's.

    Those of a stack may have leading axes. What trains or predicts asks this once, before it folds.

    >>> check_parameters(mlp(3, 1), Parameters(W1=[[1.0, 2.0]], b1=[[0.0]]))
    Traceback (most recent call last):
    ValueError: parameters of another network: W1 has shape (1, 2); expected (1, 3): \
initialize_parameters makes those of a network
    """
    check_network(network)
    if not isinstance(parameters, Mapping):
        raise TypeError(f"parameters {brief(parameters)}; expected Parameters(W1=..., b1=...)")
    if (fault := _fault(parameter_shapes(network), parameters)) is not None:
        raise ValueError(
            f"parameters of another network: {fault}: initialize_parameters makes those of a "
            "network"
        )


def _fault(shapes: Shapes, parameters: Mapping[str, Array]) -> str | None:
    """Return in words the first difference of the parameters from these shapes."""
    if parameters.keys() != shapes.keys():
        return f"they are {', '.join(parameters) or 'none'}; expected {', '.join(shapes) or 'none'}"
    for name, shape in shapes.items():
        if np.shape(parameters[name])[-2:] != tuple(shape):
            return f"{name} has shape {np.shape(parameters[name])}; expected {shape}"
    return None


Caches: TypeAlias = tuple[Any, ...]
"""What each layer's forward leaves behind for its backward."""


def forward(
    network: Network, parameters: Parameters, X: Array, iteration: int | None = None
) -> tuple[Array, Caches]:
    """Return the logits of X, (outputs, examples), and the caches that the layers leave behind.

    The iteration is for layers that draw in training, as dropout does; `None` is for predicting.
    The type of the parameters rules: X is computed with in it. Raises `TypeError` and `ValueError`
    for X and parameters that are not the network's.

    >>> forward(mlp(1, 1), Parameters(W1=[[2.0]], b1=[[1.0]]), np.array([[3.0]]))[0]
    array([[7.]])
    """

    def through(carry: tuple[Array, Caches], layer: Layer) -> tuple[Array, Caches]:
        A, caches = carry
        A, cache = layer.forward(parameters, A, iteration)
        return A, (*caches, cache)

    try:
        return reduce(through, network.layers, (_columns(parameters, X), ()))
    except CONFUSED:
        _check_input(network, parameters, X)
        raise


CONFUSED = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What arrays raise that do not fit; folds look for the reason only then, as it costs time."""


def _columns(parameters: Parameters, X: Array) -> Array:
    """Return X in the type of the parameters, (features, examples)."""
    first = next(iter(parameters.values()), X)
    if type(X) is ndarray and X.dtype is first.dtype and X.dtype.kind == "f" and X.ndim > 1:
        return X
    first = floating(first)
    X = like(first, X) if parameters else first
    if X.ndim < 2:
        raise ValueError(f"array of shape {X.shape}; expected 2 axes: a column for each example")
    return X


def _check_input(network: Network, parameters: Parameters, X: Array) -> None:
    """Raise the reason why X cannot be computed with, where it is a known one."""
    check_parameters(network, parameters)
    features = layer_sizes(network)[0] if weight_shapes(network) else None
    shape = floating(X).shape
    if len(shape) < 2 or shape[-2] != features:
        raise ValueError(
            f"X has shape {shape}; expected ({features}, examples): each example is a column"
        )


def backward(network: Network, parameters: Parameters, caches: Caches, dZ: Array) -> Parameters:
    """Return the gradients of a cost whose gradient at the logits is dZ, under the same names.

    >>> net, parameters = mlp(1, 1), Parameters(W1=[[2.0]], b1=[[1.0]])
    >>> Z, caches = forward(net, parameters, np.array([[3.0]]))
    >>> backward(net, parameters, caches, np.array([[1.0]]))["W1"]
    array([[3.]])
    """
    _, gradients = _back_propagated(network, parameters, caches, dZ)
    return scaled(parameters, gradients, 1.0)


def input_gradient(network: Network, parameters: Parameters, caches: Caches, dZ: Array) -> Array:
    """Return the gradient at X, (features, examples), of a cost whose gradient at the logits is dZ.

    >>> net, parameters = mlp(1, 1), Parameters(W1=[[2.0]], b1=[[1.0]])
    >>> Z, caches = forward(net, parameters, np.array([[3.0]]))
    >>> input_gradient(net, parameters, caches, np.array([[1.0]]))
    array([[2.]])
    """
    compute_dX, _ = _back_propagated(network, parameters, caches, dZ)
    return compute_dX()


def _back_propagated(
    network: Network, parameters: Parameters, caches: Caches, dZ: Array
) -> tuple[InputGradient, dict[str, Array]]:
    """Return what `back_propagate` does, of a dZ of any type that fits the caches."""
    check_parameters(network, parameters)
    if not isinstance(caches, tuple) or len(caches) != len(network.layers):
        raise ValueError("caches of another network; expected those that forward returned")
    dZ, last = _columns(parameters, dZ), caches[-1]
    if isinstance(last, Cache) and dZ.shape[-2:] != last.Z.shape[-2:]:
        raise ValueError(f"dZ has shape {dZ.shape}; expected that of the logits, {last.Z.shape}")
    return back_propagate(network, parameters, caches, dZ)


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


def scaled(
    parameters: Parameters, gradients: Mapping[str, Array], scale: float | Array
) -> Parameters:
    """Return the parameters' gradients of a sum over examples times a scale, (..., 1, 1) or one.

    They are divided after they are summed: so what cancels, cancels exactly. Raises `KeyError` for
    gradients of other names.

    >>> scaled(Parameters(b1=[[1.0]]), {"b1": np.array([[6.0]])}, 0.5)["b1"]
    array([[3.]])
    """
    layout = parameters.layout
    if layout is None:
        return map_parameters(lambda _, dW: dW * scale, parameters, gradients)
    return Parameters.of_vector(layout.scaled(gradients, scale), layout)


def compute_cost(network: Network, Z: Array, Y: Array, weights: Array | None = None) -> Array:
    """Return the cost of the logits Z against the targets Y, both (outputs, examples).

    It is summed over outputs and averaged over examples; `weights`, (1, examples) with a sum of 1,
    are the weights of another average than the plain one. Raises `ValueError` for targets or
    weights of other shapes, and for targets that the loss is not for.

    >>> float(compute_cost(mlp(1, 1), np.array([[0.0]]), np.array([[1.0]])).round(6))
    0.693147
    """
    check_network(network)
    Z, Y, weights = _fitting(Z, Y, weights)
    if not is_foreign(known := as_numpy(Y)):  # numbers are not known while they are traced
        network.loss.check(known)
    each = network.loss.cost(Z, Y)
    if weights is None:
        return each.sum((-2, -1)) / Z.shape[-1]
    return weighted(weights, each).sum((-2, -1))


def cost_gradient(network: Network, Z: Array, Y: Array, weights: Array | None = None) -> Array:
    """Return the gradient of `compute_cost` at the logits, (outputs, examples).

    Raises `ValueError` for targets or weights of other shapes.

    >>> cost_gradient(mlp(1, 1), np.array([[0.0, 0.0]]), np.array([[1.0, 0.0]]))
    array([[-0.25,  0.25]])
    """
    check_network(network)
    dZ, scale = summed_cost_gradient(network, Z, Y, weights)
    return dZ * scale


def summed_cost_gradient(
    network: Network, Z: Array, Y: Array, weights: Array | None = None
) -> tuple[Array, float | Array]:
    """Return the gradient at the logits of a cost summed over examples, and the scale of the sum.

    The scale is 1 / examples, or the largest weight, to which the weights are then relative, so
    that equal ones are 1. Raises `ValueError` for targets or weights of other shapes.

    >>> summed_cost_gradient(mlp(1, 1), np.array([[0.0, 0.0]]), np.array([[1.0, 0.0]]))
    (array([[-0.5,  0.5]]), 0.5)
    """
    Z, Y, weights = _fitting(Z, Y, weights)
    try:
        each = network.loss.gradient(Z, Y)
    except AttributeError:
        check_network(network)
        raise
    if weights is None:
        return each, 1 / Z.shape[-1]
    xp, weights = namespaced(weights)
    largest = xp.maximum.reduce(weights, -1, keepdims=True, initial=1e-30)  # not 0, to divide by
    return each * (weights / largest), largest


def _fitting(Z: Array, Y: Array, weights: Array | None) -> tuple[Array, Array, Array | None]:
    """Return all in the type of the logits; raise `ValueError` for shapes that do not fit."""
    Z = floating(Z)
    if Z.ndim < 2 or not Z.size:
        raise ValueError(f"logits of shape {Z.shape}; expected (outputs, examples), one or more")
    Y = targets_like(Z, Y)
    if weights is None:
        return Z, Y, None
    weights = like(Z, weights)
    if weights.shape[-2:] != (1, Z.shape[-1]):
        raise ValueError(f"weights {weights.shape} for logits {Z.shape}; expected (1, examples)")
    return Z, Y, weights


def cost_of(
    network: Network,
    parameters: Parameters,
    X: Array,
    Y: Array,
    weights: Array | None = None,
    iteration: int | None = None,
) -> Array:
    """Return the cost of X against Y, of which `gradients` returns the gradients.

    Raises `ValueError` for parameters of another network, and as `compute_cost` does.

    >>> parameters, one = Parameters(W1=[[0.0]], b1=[[0.0]]), np.ones((1, 1))
    >>> float(cost_of(mlp(1, 1), parameters, X=one, Y=one).round(6))
    0.693147
    """
    check_parameters(network, parameters)
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

    Sums over examples are scaled after they are summed, as in training. Raises `ValueError` for
    targets that the loss is not for, and as `forward` does.

    >>> parameters, one = Parameters(W1=[[0.0]], b1=[[0.0]]), np.ones((1, 1))
    >>> gradients(mlp(1, 1), parameters, X=one, Y=one)["W1"]
    array([[-0.5]])
    """
    Z, caches = forward(network, parameters, X, iteration)
    dZ, scale = summed_cost_gradient(network, Z, Y, weights)
    network.loss.check(like(Z, Y))
    _, summed = back_propagate(network, parameters, caches, dZ)
    return scaled(parameters, summed, scale)


def predict_probabilities(network: Network, parameters: Parameters, X: Array) -> Array:
    """Return the loss's link of the logits of X, (outputs, examples): probabilities, mostly.

    Raises `ValueError` for parameters of another network, and as `forward` does.

    >>> predict_probabilities(mlp(1, 1), Parameters(W1=[[0.0]], b1=[[0.0]]), np.ones((1, 1)))
    array([[0.5]])
    """
    check_parameters(network, parameters)
    return network.loss.link(forward(network, parameters, X)[0])


def predict(network: Network, parameters: Parameters, X: Array) -> Array:
    """Return what the loss predicts from the logits of X.

    Class numbers, (1, examples), for cross-entropies (for the binary, 0 or 1 of each output);
    the logits themselves, (outputs, examples), for the mean squared error. Raises `ValueError` for
    parameters of another network, and as `forward` does.

    >>> predict(mlp(1, 1), Parameters(W1=[[1.0]], b1=[[0.0]]), np.array([[-2.0, 2.0]]))
    array([[0, 1]])
    """
    check_parameters(network, parameters)
    return network.loss.predict(forward(network, parameters, X)[0])


def with_dropout(network: Network, rate: float, seed: int) -> Network:
    """Return the network with dropout at this rate after each of its hidden layers.

    Raises `ValueError` for a rate that is not in [0, 1), a seed that is no integer of at least 0,
    and a network that has dropout already.

    >>> with_dropout(mlp(3, 4, 1), rate=0.5, seed=1).layers[1]
    Dropout(rate=0.5, seed=1, number=1)
    """
    check_network(network)
    check_dropout_rate(rate)
    check_seed(seed)
    if any(isinstance(layer, Dropout | MaskedDropout) for layer in network.layers):
        raise ValueError("a network with dropout; expected one without: set its rate once")
    *hidden, last = network.layers
    dropouts = (Dropout(rate, seed, number) for number, _ in enumerate(hidden, start=1))
    return network._replace(layers=(*chain(*zip(hidden, dropouts, strict=True)), last))
