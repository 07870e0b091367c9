"""The dual form of the first layer, for training on the same columns again and again.

The gradient of the first weights is `dZ @ X.T`. So they are always a scale times the start plus
`C @ X.T`, a combination of the columns, and the gradient of the coefficients C is dZ itself. All
that a step asks of the weights is their products with the columns, `P = W1 @ X`, whose gradient is
`dZ @ K` with the Gram matrix `K = X.T @ X`: one product of (examples, examples) where there were
two of (features, examples). Nothing is inverted, so any columns will do, dependent ones too.

P, C and the scale are changed alike, as the weights would be, by every optimizer that is linear;
for those the dual form is exact (Aizerman et al. 1964, for the perceptron).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from catpipe.nn.activations import Activation
from catpipe.nn.arrays import Array, namespaced
from catpipe.nn.layers import Cache, InputGradient, Shapes, linear_activation_backward, product
from catpipe.nn.network import Network, first_dense
from catpipe.nn.parameters import Parameters


@dataclass(frozen=True)
class DualDense:
    """A dense first layer in the dual form: its weights are their products with all columns.

    Its input is their Gram matrix, (examples, examples), so that `dZ @ A.mT`, the gradient of
    the products, is the one of any dense layer. That of the coefficients is dZ. As the matrix is
    symmetric, the cache has its transpose, and the product reads it in the order of memory.
    """

    weights: str
    bias: str
    fan_in: int  # examples
    units: int
    activation: Activation
    coefficients: str
    scale: str

    def forward(
        self,
        parameters: Parameters,
        A: Array,
        iteration: int | None = None,  # noqa: ARG002
    ) -> tuple[Array, Cache]:
        """Return the activation of Z = P + b, (units, examples), and the cache."""
        Z = parameters[self.weights] + parameters[self.bias]
        return self.activation.value(Z), Cache(A.mT, Z)

    def backward(
        self, parameters: Parameters, cache: Cache, dA: Array
    ) -> tuple[InputGradient, dict[str, Array]]:
        """Return what computes the gradient at A, and dP, db, dC = dZ and zero for the scale.

        The cost knows the scale through P alone; nothing but decay changes it.
        """
        P = parameters[self.weights]
        dZ, dP, db, compute_dA = linear_activation_backward(self.activation, dA, cache, P)
        xp, one = namespaced(dZ[..., :1, :1])
        return compute_dA, {
            self.weights: dP,
            self.bias: db,
            self.coefficients: dZ,
            self.scale: xp.zeros_like(one),
        }

    def shapes(self) -> Shapes:
        """Return the shapes of P and C, (units, examples), of b, and of the scale, (1, 1)."""
        products = self.units, self.fan_in
        return {
            self.weights: products,
            self.bias: (self.units, 1),
            self.coefficients: products,
            self.scale: (1, 1),
        }


def gram(X: Array) -> Array:
    """Return the products of the columns with each other, (examples, examples).

    >>> gram(np.array([[1.0, 2.0]]))
    array([[1., 2.],
           [2., 4.]])
    """
    return X.mT @ X


def dual_network(network: Network, examples: int) -> Network:
    """Return the network with its first layer in the dual form; its input is the Gram matrix.

    >>> dual_network(mlp(3, 2, 1), examples=5).layers[0].coefficients
    'W1.coefficients'
    """
    first = first_dense(network)
    name = first.weights
    dual = DualDense(
        name,
        first.bias,
        fan_in=examples,
        units=first.units,
        activation=first.activation,
        coefficients=f"{name}.coefficients",
        scale=f"{name}.scale",
    )
    return network._replace(layers=(dual, *network.layers[1:]))


def project(network: Network, parameters: Parameters, X: Array) -> Parameters:
    """Return the parameters in the dual form: the first weights as their products with X.

    >>> W = Parameters(W1=[[1.0, 2.0, 3.0]], b1=[[0.0]])
    >>> project(mlp(3, 1), W, np.eye(3)[:, :2])["W1"]
    array([[1., 2.]])
    """
    name = first_dense(network).weights
    P = product(parameters[name], X)
    return parameters | {
        name: P,
        f"{name}.coefficients": np.zeros_like(P),
        f"{name}.scale": np.ones_like(P[..., :1, :1]),
    }


def lift(network: Network, start: Parameters, X: Array, trained: Parameters) -> Parameters:
    """Return in the full space what was trained from the start in the dual form.

    >>> W = Parameters(W1=[[1.0, 2.0, 3.0]], b1=[[0.0]])
    >>> lift(mlp(3, 1), W, np.eye(3)[:, :2], project(mlp(3, 1), W, np.eye(3)[:, :2]))
    Parameters(W1 (1, 3) float64, b1 (1, 1) float64; 4 numbers)
    """
    name = first_dense(network).weights
    scale, C = trained[f"{name}.scale"], trained[f"{name}.coefficients"]
    W1 = scale * start[name] + product(C, X.mT)
    return Parameters({name: trained[name] for name in start} | {name: W1})
