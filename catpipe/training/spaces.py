"""Where training is done: in the full space, or exactly so in a small one that costs less."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple, Protocol

from catpipe.nn.arrays import Array
from catpipe.nn.layers import Dense
from catpipe.nn.network import Network, first_dense
from catpipe.nn.parameters import Parameters
from catpipe.optim.optimizers import Optimizer
from catpipe.training import dual, subspace
from catpipe.values import Value


class Space(Protocol):
    """The columns as they are in a space, the way there and the way back."""

    @property
    def kind(self) -> str:
        """Return its word in a run file: full, dual or subspace."""

    @property
    def description(self) -> str:
        """Return in words where training is done and, in the full space, why."""

    @property
    def columns(self) -> Array:
        """Return the columns as they are there, (features there, examples)."""

    def project(self, network: Network, parameters: Parameters) -> tuple[Network, Parameters]:
        """Return the network and its parameters as they are there."""

    def lift(self, network: Network, start: Parameters, trained: Parameters) -> Parameters:
        """Return in the full space what was trained there, from this start in the full space."""


@dataclass(frozen=True, eq=False, repr=False)
class FullSpace(Value):
    """The space of `full_space`."""

    columns: Array
    description: str
    kind = "full"

    def project(self, network: Network, parameters: Parameters) -> tuple[Network, Parameters]:
        """Return both as they are."""
        return network, parameters

    def lift(self, network: Network, start: Parameters, trained: Parameters) -> Parameters:  # noqa: ARG002
        """Return what was trained."""
        return trained


@dataclass(frozen=True, eq=False, repr=False)
class DualSpace(Value):
    """The space of `dual_space`: its columns are the Gram matrix of X."""

    X: Array
    columns: Array
    description: str
    kind = "dual"

    def project(self, network: Network, parameters: Parameters) -> tuple[Network, Parameters]:
        """Return the network in the dual form, and its parameters."""
        inside = dual.dual_network(network, self.X.shape[1])
        return inside, dual.project(network, parameters, self.X)

    def lift(self, network: Network, start: Parameters, trained: Parameters) -> Parameters:
        """Return what was trained in the dual form, in the full space."""
        return dual.lift(network, start, self.X, trained)


@dataclass(frozen=True, eq=False, repr=False)
class ColumnSpace(Value):
    """The space of `column_space`: its columns are X in the coordinates of the basis."""

    basis: Array
    columns: Array
    description: str
    kind = "subspace"

    def project(self, network: Network, parameters: Parameters) -> tuple[Network, Parameters]:
        """Return the network with another fan-in, and its parameters in the coordinates."""
        inside = subspace.subspace_network(network, self.basis.shape[1])
        return inside, subspace.project(self._of(network, parameters), parameters)

    def lift(self, network: Network, start: Parameters, trained: Parameters) -> Parameters:
        """Return what was trained in the coordinates, in the full space."""
        return subspace.lift(self._of(network, start), trained)

    def _of(self, network: Network, start: Parameters) -> subspace.Subspace:
        return subspace.subspace_of(network, start, self.basis)


def full_space(X: Array, reason: str) -> FullSpace:
    """Return the space of the columns as they are, and why it is this one.

    >>> full_space(np.ones((3, 2)), "chosen").description
    'the full space (chosen)'
    """
    return FullSpace(X, f"the full space ({reason})")


def dual_space(X: Array) -> DualSpace:
    """Return the space of the columns' products: exact for full batches and linear optimizers.

    >>> dual_space(np.ones((3, 2))).columns
    array([[3., 3.],
           [3., 3.]])
    """
    return DualSpace(X, dual.gram(X), f"the subspace of {X.shape[1]} examples, in the dual form")


def column_space(X: Array) -> ColumnSpace:
    """Return the space that the columns span: exact for optimizers that commute with rotations.

    >>> column_space(np.ones((3, 2)))
    ColumnSpace(basis=array (3, 2) float64, columns=array (3, 2) float64, \
description='the subspace of 2 examples')
    """
    basis, R = subspace.orthonormal_basis(X)
    return ColumnSpace(basis, R, f"the subspace of {X.shape[1]} examples")


class _Work(NamedTuple):
    """What a space costs: the way there and back, each step, and memory, in bytes."""

    once: float
    each: float
    memory: int

    def of(self, iterations: int) -> float:
        """Return what so many steps cost."""
        return self.once + iterations * self.each


def cheapest_space(
    network: Network, optimizer: Optimizer, X: Array, size: int | None, iterations: int
) -> Space:
    """Return the space where so many iterations on batches of this size take least, and are exact.

    No size is that of full batches: all the examples, in their order. What is compared is an
    estimate, in multiplications of a large product; `python -m tests.benchmarks.spaces` shows how
    good it is. No space is chosen that takes more than 1 GB and more than half of the columns'
    memory.

    >>> from catpipe.optim.optimizers import gradient_descent
    >>> net, X = mlp(300, 20, 1), np.ones((300, 5000))
    >>> cheapest_space(net, gradient_descent(0.1), X, size=None, iterations=100).description
    'the full space (5000 examples of 300 features take fewer multiplications as they are)'
    """
    first, (features, examples) = network.layers[0], X.shape
    if not isinstance(first, Dense):
        return full_space(X, "the first layer is not dense")
    if not optimizer.commutes_with_rotations:
        return full_space(X, "the optimizer does not commute with rotations")
    in_dual, seen = optimizer.is_linear and size is None, min(size or examples, examples)
    small = _in_dual(first.units, X) if in_dual else _in_subspace(first.units, X, seen)
    whole = _Work(0, _step(first.units, features, seen, X), 0)
    if small.each >= whole.each:
        few = f"{examples} examples of {features} features take fewer multiplications as they are"
        return full_space(X, few)
    if small.of(iterations) >= whole.of(iterations):
        few = f"{iterations} planned iterations save less than the projection takes"
        return full_space(X, few)
    if small.memory > max(ALLOWED, X.nbytes // 2):
        much = f"a subspace of {examples} examples takes {small.memory / 1e9:.1f} GB more memory"
        return full_space(X, much)
    return dual_space(X) if in_dual else column_space(X)


ALLOWED = 2**30  # bytes that a small space may take, whatever the columns do

# In multiplications of a large product. The pairs are of what is in the cache and what is not.
CACHE = 2**20  # bytes
READ = 4, 14  # a number of a product's larger matrix, beside its multiplications
UPDATED = 100, 250  # a weight, in each step
PICKED = 20  # a number of a column that goes to a batch
FACTORED = 5.5  # times a product of its size, for a QR decomposition
PANELS = 150  # columns, or as many as there are, by which it costs more than its rank
LIFTED = 100, 2500  # a weight, on the way into a subspace and back


def _product(units: int, numbers: int, X: Array) -> float:
    """Return the work of a product of so many rows with a matrix of so many numbers."""
    return numbers * (units + READ[numbers * X.itemsize > CACHE])


def _of_weights(each: tuple[int, int], weights: int, X: Array) -> float:
    return weights * each[weights * X.itemsize > CACHE]


def _step(units: int, features: int, seen: int, X: Array) -> float:
    """Return the work of a step in which so many of the examples have so many features."""
    numbers, is_picked = features * seen, seen < X.shape[1]
    return (
        2 * _product(units, numbers, X)
        + is_picked * PICKED * numbers
        + _of_weights(UPDATED, units * features, X)
    )


def _in_dual(units: int, X: Array) -> _Work:
    features, examples = X.shape
    gram = features * examples**2 / 2  # it is symmetric
    return _Work(
        once=gram + 2 * _product(units, X.size, X),
        each=_product(units, examples**2, X) + 2 * _of_weights(UPDATED, units * examples, X),
        memory=examples**2 * X.itemsize,
    )


def _in_subspace(units: int, X: Array, seen: int) -> _Work:
    features, examples = X.shape
    rank = min(features, examples)
    return _Work(
        once=FACTORED * X.size * (rank + min(rank, PANELS))
        + 4 * _product(units, features * rank, X)
        + _of_weights(LIFTED, units * features, X),
        each=_step(units, rank + 1, seen, X),
        memory=rank * (features + examples) * X.itemsize,
    )


SPACES: Mapping[str, Callable[[Array], FullSpace | DualSpace | ColumnSpace]] = {
    "full": partial(full_space, reason="as it was"),
    "dual": dual_space,
    "subspace": column_space,
}
"""What makes the space of each kind."""


def space_of(kind: str, X: Array, description: str) -> Space:
    """Return the space of this kind, described so: the one that a run is in that carries on.

    >>> space_of("dual", np.ones((3, 2)), "the subspace that it was").columns.shape
    (2, 2)
    """
    return replace(SPACES[kind](X), description=description)


def network_inside(kind: str, network: Network, examples: int) -> Network:
    """Return the network as it is in the space that a kind makes of so many examples.

    >>> from catpipe.nn.network import parameter_shapes
    >>> parameter_shapes(network_inside("subspace", mlp(300, 20), examples=7))["W1"]
    (20, 8)
    """
    if kind == "full":
        return network
    if kind == "dual":
        return dual.dual_network(network, examples)
    rank = min(first_dense(network).fan_in, examples)
    return subspace.subspace_network(network, rank)
