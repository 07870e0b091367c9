"""The dual form of the first layer, for training on the same columns again and again.

The gradient of the first weights is `dZ @ X.T`. So they are always what is kept of the start plus
`C @ X.T`, a combination of the columns, and the gradient of the coefficients C is dZ itself. All
that a step asks of the weights is their products with the columns, `P = W1 @ X`, whose gradient is
`dZ @ K` with the Gram matrix `K = X.T @ X`: one product of (examples, examples) where there were
two of (features, examples). Nothing is inverted, so any columns will do, dependent ones too.

P, C and what is kept are changed alike, as the weights would be, by every optimizer that commutes
with rotations; for those the dual form is exact (Aizerman et al. 1964, for the perceptron).
"""

from __future__ import annotations

import numpy as np

from catpipe.layers import DualDense, product
from catpipe.network import Network
from catpipe.optimizers import Optimizer
from catpipe.parameters import Array, Parameters


def gram(X: Array) -> Array:
    """Return the products of the columns with each other, (examples, examples).

    >>> gram(np.array([[1.0, 2.0]]))
    array([[1., 2.],
           [2., 4.]])
    """
    return X.mT @ X


def dual_network(network: Network) -> Network:
    """Return the network with its first layer in the dual form; its input is the Gram matrix.

    >>> from catpipe.network import network
    >>> dual_network(network(3, 2, 1)).layers[0].coefficients
    'W1.coefficients'
    """
    return network._replace(layers=(_dual(network), *network.layers[1:]))


def _dual(network: Network) -> DualDense:
    first = network.layers[0]
    name = first.weights
    return DualDense(*first[:5], coefficients=f"{name}.coefficients", kept=f"{name}.kept")


def into_dual(network: Network, parameters: Parameters, X: Array) -> Parameters:
    """Return the parameters with the first weights as their products with the columns X.

    >>> from catpipe.network import network
    >>> W = Parameters(W1=[[1.0, 2.0, 3.0]], b1=[[0.0]])
    >>> into_dual(network(3, 1), W, np.eye(3)[:, :2])["W1"]
    array([[1., 2.]])
    """
    first = _dual(network)
    P = product(parameters[first.weights], X)
    return parameters | {
        first.weights: P,
        first.coefficients: np.zeros_like(P),
        first.kept: np.ones_like(P[..., :1, :1]),
    }


def from_dual(network: Network, start: Parameters, X: Array, trained: Parameters) -> Parameters:
    """Return what was trained from the start in the dual form, in the primal.

    >>> from catpipe.network import network
    >>> W = Parameters(W1=[[1.0, 2.0, 3.0]], b1=[[0.0]])
    >>> from_dual(network(3, 1), W, np.eye(3)[:, :2], into_dual(network(3, 1), W, np.eye(3)[:, :2]))
    Parameters(W1 (1, 3) float64, b1 (1, 1) float64; 4 numbers)
    """
    first = _dual(network)
    W1 = trained[first.kept] * start[first.weights] + product(trained[first.coefficients], X.mT)
    return Parameters.adopt({name: trained[name] for name in start} | {first.weights: W1})


def reason_for_primal(
    network: Network, optimizer: Optimizer, columns: int, iterations: int
) -> str | None:
    """Return why training on so many columns should not be in the dual form, or nothing.

    It is exact only where the optimizer commutes with rotations. It pays where the multiplications
    that it saves in the steps are more than those for the Gram matrix, the way there and back.

    >>> from catpipe.network import network
    >>> from catpipe.optimizers import gradient_descent
    >>> reason_for_primal(network(300, 20, 1), gradient_descent(0.1), 5000, 100)
    '5000 columns of 300 features take fewer multiplications as they are'
    """
    features, units = network.layers[0].fan_in, network.layers[0].units
    if not optimizer.commutes_with_rotations:
        return "the optimizer does not commute with rotations"
    saved = 2 * units * features * columns - units * columns**2
    spent = features * columns**2 + 2 * units * features * columns
    if saved <= 0:
        return f"{columns} columns of {features} features take fewer multiplications as they are"
    if iterations * saved <= spent:
        return f"{iterations} iterations save fewer multiplications than the Gram matrix takes"
    return None
