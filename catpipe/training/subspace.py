"""The lossless change of basis that makes training small.

The gradient of the first layer's weights is `dZ @ X.T`: it lies in the span of the columns. So with
an orthonormal basis Q of that span, training on `R = Q.T @ X` and `W1 @ Q` is training on X and W1,
in as many dimensions as there are columns. What a row of W1 has outside the span sees no data;
weight decay can shorten it, but nothing turns it: one more coordinate, its length, carries it.

This is exact for optimizers that commute with rotations (`Optimizer.commutes_with_rotations`), for
any batches of the columns, and for a run that is already under way. Where every batch is all the
columns, `catpipe.training.dual` is cheaper.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from catpipe.nn.arrays import Array
from catpipe.nn.layers import product
from catpipe.nn.network import Network, first_dense
from catpipe.nn.parameters import Parameters


class Subspace(NamedTuple):
    """The span of columns, and what rows of the first weights have outside it."""

    weights: str  # the name of the first layer's
    basis: Array  # (features, rank), orthonormal columns
    unseen: Array  # (..., units, features), of length 1 or 0, each orthogonal to the basis


def orthonormal_basis(X: Array) -> tuple[Array, Array]:
    """Return an orthonormal basis of the columns X, (features, rank), and X in its coordinates.

    X, (features, examples), holds every column that will be seen, those that are only watched too.
    A Householder QR: orthonormal to the last digits for any columns, dependent ones included. In
    its coordinates X is (rank + 1, examples); the last row is zero, for what X does not reach.

    >>> basis, R = orthonormal_basis(np.array([[0.0], [2.0]]))
    >>> np.abs(basis), np.abs(R)
    (array([[0.],
           [1.]]), array([[2.],
           [0.]]))
    """
    basis, R = np.linalg.qr(X)
    return basis, np.concatenate([R, np.zeros_like(R[:1])])


def subspace_of(network: Network, parameters: Parameters, basis: Array) -> Subspace:
    """Return the subspace of this basis for a run that starts from these parameters.

    >>> subspace_of(mlp(2, 1), Parameters(W1=[[3.0, 4.0]]), np.array([[1.0], [0.0]])).unseen
    array([[0., 1.]])
    """
    name = first_dense(network).weights
    outside = _outside(parameters[name], basis)
    length = np.linalg.norm(outside, axis=-1, keepdims=True)
    return Subspace(name, basis, outside / np.where(length > 0, length, 1))


def subspace_network(network: Network, rank: int) -> Network:
    """Return the network as it is in a subspace of this rank: its first layer's fan-in is another.

    >>> subspace_network(mlp(4, 2, 1), rank=1).layers[0].fan_in
    2
    """
    first = replace(first_dense(network), fan_in=rank + 1)
    return network._replace(layers=(first, *network.layers[1:]))


def project(space: Subspace, parameters: Parameters) -> Parameters:
    """Return the parameters, or a moment of theirs, in the subspace's coordinates.

    >>> W = Parameters(W1=[[1.0, 2.0, 3.0]])
    >>> space = subspace_of(mlp(3, 1), W, np.eye(3)[:, :2])
    >>> lift(space, project(space, W))["W1"]
    array([[1., 2., 3.]])
    """
    W = parameters[space.weights]
    length = (_outside(W, space.basis) * space.unseen).sum(-1, keepdims=True)
    return parameters | {space.weights: np.concatenate([product(W, space.basis), length], -1)}


def _outside(W: Array, basis: Array) -> Array:
    return W - product(product(W, basis), basis.mT)


def lift(space: Subspace, parameters: Parameters) -> Parameters:
    """Return the parameters, or a moment of theirs, in the full space: the inverse of `project`."""
    V = parameters[space.weights]
    seen = product(V[..., :-1], space.basis.mT)
    return parameters | {space.weights: seen + V[..., -1:] * space.unseen}
