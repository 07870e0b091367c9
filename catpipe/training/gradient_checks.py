"""A gradient check: gradients, compared with difference quotients of the cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from math import hypot, prod, sqrt
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from toolz import groupby

from catpipe.data.batches import Batch, check_batch
from catpipe.nn.arrays import Array
from catpipe.nn.network import Network, check_parameters, cost_of, gradients
from catpipe.nn.parameters import Parameters, map_parameters
from catpipe.optim.schedules import check_positive
from catpipe.random import DIRECTION, check_seed, generator

DIRECTIONS = 5
ENTRIES = 50  # of each parameter


class Difference(NamedTuple):
    """One entry of a parameter: its gradient, and the difference quotient that should equal it."""

    name: str
    place: tuple[int, ...]
    gradient: float
    quotient: float
    relative: float


class GradientCheck(NamedTuple):
    """The relative differences between gradients and difference quotients, from 0 to 1.

    About 1e-7 means that the gradients are right, 1e-3 that they are wrong. An exception is a step
    across a kink, such as ReLU's at 0 for a unit whose input and bias are all zero: then look at
    the other parameters.
    """

    along_directions: float  # the largest
    of_parameters: dict[str, float]  # the largest of each
    worst: Difference


def gradient_check(
    network: Network,
    parameters: Parameters,
    batch: Batch,
    *,
    seed: int = 0,
    iteration: int | None = None,
    step: float = 1e-5,
) -> GradientCheck:
    """Compare `gradients` with central differences of the cost, (cost(+) - cost(-)) / (2 step).

    The differences are taken along random directions in all parameters together, and for single
    entries of each parameter: for all entries, or for 50 that the seed draws. `iteration` is needed
    by layers that draw, such as dropout. float32 is checked as float64. Raises `TypeError` and
    `ValueError` for parameters and batches that do not fit.

    >>> net = mlp(3, 2, 1)
    >>> batch = Batch(np.array([[1.0], [2.0], [3.0]]), np.array([[1.0]]))
    >>> gradient_check(net, initialize_parameters(net, seed=1), batch).along_directions < 1e-7
    True
    """
    _check_one_network(network, parameters)
    check_batch(batch)
    check_seed(seed)
    check_positive("step", step)
    W, examples = map_parameters(np.float64, parameters), _as_float64(batch)
    cost = partial(_cost, network, examples, iteration)
    dW = gradients(network, W, *examples, iteration)
    quotient = partial(_quotient, cost, W, step)
    compared = partial(_relative, 1e7 * np.finfo(float).eps * max(1.0, abs(cost(W))) / step)

    directions = (_direction(W, seed, number) for number in range(DIRECTIONS))
    along = [compared(_product(dW, D), quotient(D)) for D in directions]
    pairs = (
        (name, place, float(dW[name][place]), quotient(_unit(W, name, place)))
        for name, place in _places(W, seed)
    )
    differences = [Difference(*pair, compared(*pair[2:])) for pair in pairs]
    by_name = groupby(attrgetter("name"), differences)
    return GradientCheck(
        max(along),
        {name: max(each.relative for each in of) for name, of in by_name.items()},
        max(differences, key=attrgetter("relative")),
    )


def _check_one_network(network: Network, parameters: Parameters) -> None:
    check_parameters(network, parameters)
    if max(map(np.ndim, parameters.values()), default=0) > 2:
        raise ValueError("parameters of a stack; expected those of one network: check each alone")


def _as_float64(batch: Batch) -> Batch:
    X, Y, weights = batch
    return Batch(
        X.astype(float), Y.astype(float), None if weights is None else weights.astype(float)
    )


def relative_difference(one: Mapping[str, Array], other: Mapping[str, Array]) -> float:
    """Return |a - b| / (|a| + |b|) with norms over all numbers, of gradients under the same names.

    This is the number of the gradient check in the course "Improving Deep Neural Networks"
    (week 1), which calls 2e-7 right: 0 for equal gradients, at most 1, and 0 for two of zeros.
    Raises `KeyError` for other names, and `ValueError` for other shapes.

    >>> relative_difference(Parameters(b1=[[1.0, 1.0]]), Parameters(b1=[[1.0, -1.0]])) < 1
    True
    """
    a, b = Parameters(one), Parameters(other)
    if a.keys() == b.keys() and (differ := [n for n in a if a[n].shape != b[n].shape]):
        found, expected = a[differ[0]].shape, b[differ[0]].shape
        raise ValueError(f"{differ[0]} of shapes {found} and {expected}; expected equal ones")
    difference = map_parameters(lambda A, B: A.astype(float) - B, a, b)
    lengths = _length(a) + _length(b)
    return _length(difference) / lengths if lengths else 0.0


def _length(of: Parameters) -> float:
    """Return the norm over all numbers, without overflow."""
    return hypot(*(float(np.linalg.norm(array.astype(float))) for array in of.values()))


def _cost(network: Network, batch: Batch, iteration: int | None, parameters: Parameters) -> float:
    return float(cost_of(network, parameters, *batch, iteration))


def _quotient(
    cost: Callable[[Parameters], float], W: Parameters, step: float, direction: Parameters
) -> float:
    ahead, behind = (cost(_moved(W, direction, way)) for way in (step, -step))
    return (ahead - behind) / (2 * step)


def _moved(parameters: Parameters, direction: Parameters, way: float) -> Parameters:
    return map_parameters(lambda W, D: W + way * D, parameters, direction)


def _relative(floor: float, one: float, other: float) -> float:
    """Return |a - b| / (|a| + |b|); the floor keeps the quotient's rounding errors small in it."""
    return abs(one - other) / max(abs(one) + abs(other), floor)


def _direction(parameters: Parameters, seed: int, number: int) -> Parameters:
    """Return a random direction of length 1, in all the parameters."""
    draws = generator(seed, DIRECTION, number)
    normal = map_parameters(lambda W: draws.standard_normal(W.shape), parameters)
    length = sqrt(_product(normal, normal))
    return map_parameters(lambda D: D / length, normal)


def _unit(parameters: Parameters, name: str, index: tuple[int, ...]) -> Parameters:
    """Return the direction of a single entry."""
    shape = parameters[name].shape
    here = np.arange(prod(shape)) == np.ravel_multi_index(index, shape)
    return map_parameters(np.zeros_like, parameters) | {name: here.reshape(shape).astype(float)}


def _product(one: Parameters, other: Parameters) -> float:
    return float(sum((one[name] * other[name]).sum() for name in one))


def _places(parameters: Parameters, seed: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Return the entries to check one by one: all of each parameter, or 50 of them."""
    for number, (name, W) in enumerate(parameters.items()):
        draws = generator(seed, DIRECTION, DIRECTIONS, number)
        for flat in draws.permutation(W.size)[:ENTRIES]:
            yield name, tuple(int(i) for i in np.unravel_index(flat, W.shape))
