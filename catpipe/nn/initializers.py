"""Initializers: each draws the weights that a network starts from; its biases start at zero.

An initializer is a function of a seed and the shapes of the weights, (units, fan_in), first layer
first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import sqrt
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike
from toolz import valmap

from catpipe.checks import is_whole
from catpipe.nn.arrays import Array, floating
from catpipe.nn.layers import Shapes
from catpipe.nn.network import Network, parameter_shapes, weight_shapes
from catpipe.nn.parameters import Parameters
from catpipe.random import check_seed, generator

WeightShapes: TypeAlias = Sequence[tuple[int, int]]
Initializer: TypeAlias = Callable[[int, WeightShapes], list[Array]]


def course(seed: int, shapes: WeightShapes) -> list[Array]:
    """Return normal draws / sqrt(fan_in), all from one `RandomState(seed)`.

    The published runs of the deep network in the course "Neural Networks and Deep Learning"
    (DeepLearning.AI, week 4) start here; the variance is LeCun et al. 1998's, section 4.6.

    >>> course(1, [(1, 4)])[0].round(3)
    array([[ 0.812, -0.306, -0.264, -0.536]])
    """
    return [W / sqrt(W.shape[1]) for W in _published(seed, shapes)]


def small(seed: int, shapes: WeightShapes) -> list[Array]:
    """Return 0.01 times normal draws, all from one `RandomState(seed)`.

    The published run of the two-layer network of the same course starts here.

    >>> small(1, [(1, 4)])[0].round(3)
    array([[ 0.016, -0.006, -0.005, -0.011]])
    """
    return [W * 0.01 for W in _published(seed, shapes)]


def large(seed: int, shapes: WeightShapes) -> list[Array]:
    """Return 10 times normal draws, all from one `RandomState(seed)`.

    With it the course "Improving Deep Neural Networks" (week 1) shows a start that is too large.

    >>> large(1, [(1, 4)])[0].round(3)
    array([[ 16.243,  -6.118,  -5.282, -10.73 ]])
    """
    return [W * 10 for W in _published(seed, shapes)]


def course_he(seed: int, shapes: WeightShapes) -> list[Array]:
    """Return normal draws of variance 2 / fan_in, as `he` does, all from one `RandomState(seed)`.

    With it the same course shows the start that is right for ReLU.

    >>> course_he(1, [(1, 4)])[0].round(3)
    array([[ 1.149, -0.433, -0.373, -0.759]])
    """
    return [W * sqrt(2 / W.shape[1]) for W in _published(seed, shapes)]


def he(seed: int, shapes: WeightShapes) -> list[Array]:
    """Return normal draws of variance 2 / fan_in, for ReLU (He et al. 2015, eq. 10).

    >>> float(he(1, [(300, 50)])[0].std().round(2))
    0.2
    """
    return [W * sqrt(2 / W.shape[1]) for W in _normal(seed, shapes)]


def xavier(seed: int, shapes: WeightShapes) -> list[Array]:
    """Return normal draws of variance 2 / (fan_in + units) (Glorot and Bengio 2010, eq. 12).

    >>> float(xavier(1, [(300, 200)])[0].std().round(3))
    0.063
    """
    return [W * sqrt(2 / sum(W.shape)) for W in _normal(seed, shapes)]


def zeros(seed: int, shapes: WeightShapes) -> list[Array]:
    """Return zeros: right for one layer, where the cost is convex; hidden units would stay equal.

    >>> zeros(1, [(1, 2)])
    [array([[0., 0.]])]
    """
    _check_draws(seed, shapes)
    return [np.zeros(shape) for shape in shapes]


def _published(seed: int, shapes: WeightShapes) -> list[Array]:
    """Return normal draws of the generator that the course's notebooks draw from."""
    _check_draws(seed, shapes)
    if seed >= 2**32:
        raise ValueError(f"seed {seed}; expected one below 2**32, as `RandomState` takes")
    draws = np.random.RandomState(seed)
    return [draws.randn(*shape) for shape in shapes]


def _check_draws(seed: int, shapes: WeightShapes) -> None:
    check_seed(seed)
    if not isinstance(shapes, Sequence) or not all(
        isinstance(shape, Sequence) and len(shape) == 2 and all(map(is_whole, shape))
        for shape in shapes
    ):
        raise ValueError(f"shapes of weights {shapes!r}; expected (units, fan_in) of each layer")


def _normal(seed: int, shapes: WeightShapes) -> list[Array]:
    _check_draws(seed, shapes)
    return [generator(seed, i).standard_normal(shape) for i, shape in enumerate(shapes)]


def initialize_parameters(
    network: Network, seed: int, initializer: Initializer = course, dtype: DTypeLike = np.float64
) -> Parameters:
    """Return the weights that the initializer draws from the seed, with all else at zero.

    W: (units, fan_in), b: (units, 1). Raises `ValueError` for a seed that is no integer of at least
    0, a type that is no float, and an initializer that gives other shapes or what is not finite.

    >>> initialize_parameters(mlp(3, 2), seed=1)
    Parameters(W1 (2, 3) float64, b1 (2, 1) float64; 8 numbers)
    """
    check_seed(seed)
    if not callable(initializer):
        raise TypeError(f"initializer {initializer!r}; expected a function, such as nn.he")
    shapes = weight_shapes(network)
    drawn = _checked_draws(shapes, initializer(seed, [*shapes.values()]))
    at_zero = valmap(np.zeros, parameter_shapes(network))
    kind = _checked_type(dtype)
    return Parameters(valmap(lambda W: W.astype(kind), {**at_zero, **drawn}))


def _checked_type(dtype: DTypeLike) -> np.dtype[Any]:
    try:
        kind = np.dtype(dtype)
    except TypeError:
        kind = np.dtype(object)
    if kind.kind != "f":
        raise ValueError(f"parameters of type {dtype}; expected float64 or float32")
    return kind


def _checked_draws(shapes: Shapes, drawn: Sequence[Array]) -> dict[str, Array]:
    arrays = [floating(W) for W in drawn] if isinstance(drawn, Iterable) else []
    found = [W.shape for W in arrays]
    if found != [*shapes.values()]:
        raise ValueError(f"initial weights of shapes {found}; expected {[*shapes.values()]}")
    if not all(np.isfinite(W).all() for W in arrays):
        raise ValueError("initial weights that are not finite; expected finite ones")
    return dict(zip(shapes, arrays, strict=True))
