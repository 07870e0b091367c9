"""Where training is done: in the full space, or exactly so in a small one that costs less."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from catpipe.nn.layers import Dense
from catpipe.nn.network import Network, first_dense
from catpipe.nn.parameters import Array, Parameters
from catpipe.optim.optimizers import Optimizer
from catpipe.training.dual import dual_network, from_dual, gram, into_dual
from catpipe.training.subspace import into, lift, orthonormal_basis, subspace_network, subspace_of


class Space(NamedTuple):
    """The columns as they are there, the way there and the way back.

    `enter(network, parameters) -> network, parameters` as they are there
    `leave(network, start, trained) -> trained` parameters as they are in the full space
    """

    kind: str  # full, dual or spanned
    name: str
    columns: Array
    enter: Callable[[Network, Parameters], tuple[Network, Parameters]]
    leave: Callable[[Network, Parameters, Parameters], Parameters]


def full_space(X: Array, reason: str) -> Space:
    """Return the space of the columns as they are, and why it is this one.

    >>> full_space(np.ones((3, 2)), "asked for").name
    'the full space (asked for)'
    """
    return Space("full", f"the full space ({reason})", X, _stay, _come_as_is)


def dual_space(X: Array) -> Space:
    """Return the space of the columns' products: exact for full batches and linear optimizers.

    >>> dual_space(np.ones((3, 2))).columns
    array([[3., 3.],
           [3., 3.]])
    """
    name = f"the subspace of {X.shape[1]} columns, in the dual form"
    return Space("dual", name, gram(X), partial(_into_dual, X), partial(_from_dual, X))


def spanned_space(X: Array) -> Space:
    """Return the space that the columns span: exact for optimizers that commute with rotations.

    >>> spanned_space(np.ones((3, 2))).columns.shape
    (3, 2)
    """
    basis, R = orthonormal_basis(X)
    name = f"the subspace of {X.shape[1]} columns"
    return Space("spanned", name, R, partial(_into_span, basis), partial(_from_span, basis))


def cheapest_space(
    network: Network, optimizer: Optimizer, X: Array, size: int | None, iterations: int
) -> Space:
    """Return the space where so many iterations on batches of this size take least, and are exact.

    No size is that of full batches: all the columns, in their order.

    A small space pays where the multiplications that it saves in the steps are more than those for
    its columns, the way there and the way back.

    >>> from catpipe.optim.optimizers import gradient_descent
    >>> net, X = mlp(300, 20, 1), np.ones((300, 5000))
    >>> cheapest_space(net, gradient_descent(0.1), X, size=None, iterations=100).name
    'the full space (5000 columns of 300 features take fewer multiplications as they are)'
    """
    first, (features, columns) = network.layers[0], X.shape
    if not isinstance(first, Dense):
        return full_space(X, "the first layer is not dense")
    if not optimizer.commutes_with_rotations:
        return full_space(X, "the optimizer does not commute with rotations")
    in_dual, seen = optimizer.is_linear and size is None, min(size or columns, columns)
    each = first.units * (columns**2 if in_dual else 2 * columns * seen)
    saved = 2 * first.units * features * seen - each
    once = features * columns**2 * (1 if in_dual else 2) + 2 * first.units * features * columns
    if saved <= 0:
        few = f"{columns} columns of {features} features take fewer multiplications as they are"
        return full_space(X, few)
    if iterations * saved <= once:
        few = f"{iterations} iterations, asked for at first, save less than the way there takes"
        return full_space(X, few)
    return dual_space(X) if in_dual else spanned_space(X)


def space_of(kind: str, name: str, X: Array) -> Space:
    """Return the space of this kind and name: the one that a run is in that carries on.

    >>> space_of("dual", "the subspace that it was", np.ones((3, 2))).columns.shape
    (2, 2)
    """
    return SPACES[kind](X)._replace(name=name)


def network_inside(kind: str, network: Network, columns: int) -> Network:
    """Return the network as it is in the space that a kind makes of so many columns.

    >>> from catpipe.nn.network import parameter_shapes
    >>> parameter_shapes(network_inside("spanned", mlp(300, 20), columns=7))["W1"]
    (20, 8)
    """
    if kind == "full":
        return network
    if kind == "dual":
        return dual_network(network, columns)
    first = first_dense(network)
    return subspace_network(network, min(first.fan_in, columns))


SPACES: Mapping[str, Callable[[Array], Space]] = {
    "full": partial(full_space, reason="as it was"),
    "dual": dual_space,
    "spanned": spanned_space,
}


def _stay(network: Network, parameters: Parameters) -> tuple[Network, Parameters]:
    return network, parameters


def _come_as_is(network: Network, start: Parameters, trained: Parameters) -> Parameters:  # noqa: ARG001
    return trained


def _into_dual(X: Array, network: Network, parameters: Parameters) -> tuple[Network, Parameters]:
    return dual_network(network, X.shape[1]), into_dual(network, parameters, X)


def _from_dual(X: Array, network: Network, start: Parameters, trained: Parameters) -> Parameters:
    return from_dual(network, start, X, trained)


def _into_span(
    basis: Array, network: Network, parameters: Parameters
) -> tuple[Network, Parameters]:
    inside = subspace_network(network, basis.shape[1])
    return inside, into(subspace_of(network, parameters, basis), parameters)


def _from_span(
    basis: Array, network: Network, start: Parameters, trained: Parameters
) -> Parameters:
    return lift(subspace_of(network, start, basis), trained)
