"""Features are brought to a common scale: standardized, scaled in groups, or compressed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from reprlib import repr as brief

import numpy as np

from catpipe.checks import check_whole, is_number
from catpipe.data.transforms.boundaries import check_features, features_of
from catpipe.data.transforms.columns import as_rows
from catpipe.data.transforms.composition import LearnsNothing, Transform
from catpipe.nn.arrays import Array
from catpipe.nn.parameters import Parameters


@dataclass(frozen=True)
class Standardize:
    """The transform of `standardize`."""

    def fit(self, inputs: Array, seed: int) -> Parameters:  # noqa: ARG002
        """Return the mean and the deviation of each feature; a constant has deviation 1."""
        low = inputs.min(0)
        is_constant = low == inputs.max(0)
        mean = np.where(is_constant, low, inputs.mean(0, dtype=np.float64))
        deviation = inputs.std(0, dtype=np.float64).astype(inputs.dtype)
        is_none = is_constant | (deviation == 0)  # too small for the type
        return Parameters(mean=mean.astype(inputs.dtype), deviation=np.where(is_none, 1, deviation))

    def apply(self, fitted: Parameters, inputs: Array) -> Array:
        """Return (inputs - mean) / deviation."""
        check_features("standardize", inputs, fitted["mean"].shape)
        return (inputs - fitted["mean"]) / fitted["deviation"]

    def transposed(self, fitted: Parameters, shape: tuple[int, ...], gradients: Array) -> Array:
        """Return gradients / deviation."""
        return (gradients / fitted["deviation"]).reshape(-1, *shape)


def standardize() -> Transform:
    """Return the transform to mean 0 and deviation 1 of each feature; constants become 0.

    inputs: (examples, ...) -> the same. The deviation is that of the examples, not of a sample.

    >>> rows = np.array([[1.0, 5.0], [3.0, 5.0]])
    >>> standardize().apply(standardize().fit(rows, seed=1), rows)
    array([[-1.,  0.],
           [ 1.,  0.]])
    """
    return Standardize()


@dataclass(frozen=True)
class ScaleGroups:
    """The transform of `scale_groups`."""

    sizes: tuple[int, ...] = ()

    def fit(self, inputs: Array, seed: int) -> Parameters:  # noqa: ARG002
        """Return the root mean square of each group; 1 for a group of zeros."""
        rows, sizes = as_rows(inputs), self._sizes_for(inputs)
        groups = np.split(rows, [*accumulate(sizes)][:-1], axis=1)
        squares = np.array([np.square(group, dtype=np.float64).mean() for group in groups])
        scale = np.sqrt(np.where(squares > 0, squares, 1))
        return Parameters(scale=scale.astype(inputs.dtype))

    def apply(self, fitted: Parameters, inputs: Array) -> Array:
        """Return the inputs, each divided by the root mean square of its group."""
        scales = np.repeat(fitted["scale"], self._sizes_for(inputs))
        return inputs / scales.reshape(inputs.shape[1:])

    def transposed(self, fitted: Parameters, shape: tuple[int, ...], gradients: Array) -> Array:
        """Return the gradients, each divided by the root mean square of its group."""
        return self.apply(fitted, gradients).reshape(-1, *shape)

    def _sizes_for(self, inputs: Array) -> tuple[int, ...]:
        features = features_of(inputs)
        sizes = self.sizes or (features,)
        if sum(sizes) != features:
            raise ValueError(
                f"groups of {', '.join(map(str, sizes))} features, {sum(sizes)} together, for "
                f"inputs of {features}; expected as many: give sizes that add up to {features}"
            )
        return sizes


def scale_groups(*sizes: int) -> Transform:
    """Return the transform that divides each group of features by the group's root mean square.

    The groups are runs of so many features; without sizes all features are one group, so that
    inside `beside` each part has its own scale. inputs: (examples, ...) -> the same. Raises
    `ValueError` for sizes that are no integers of at least 1; when applied, for those that do not
    add up to the features. Escofier and Pages 1994 scale groups before components, too.

    >>> rows = np.array([[3.0, 30.0], [3.0, 30.0]])
    >>> scale_groups(1, 1).apply(scale_groups(1, 1).fit(rows, seed=1), rows)
    array([[1., 1.],
           [1., 1.]])
    """
    return ScaleGroups(tuple(check_whole("size of a group", size) for size in sizes))


@dataclass(frozen=True)
class Logarithm(LearnsNothing):
    """The transform of `logarithm`."""

    factor: float = 1

    def apply(self, fitted: Parameters, inputs: Array) -> Array:  # noqa: ARG002
        """Return sign(inputs) log(1 + factor |inputs|)."""
        return np.copysign(np.log1p(self.factor * np.abs(inputs)), inputs)


def logarithm(factor: float = 1) -> Transform:
    """Return the transform to sign(x) log(1 + factor |x|), which compresses large numbers.

    inputs: (examples, ...) -> the same. Raises `ValueError` for a factor that is not positive.

    >>> logarithm(9).apply(Parameters(), np.array([[0.0, 1.0]])).round(4)
    array([[0.    , 2.3026]])
    """
    if not is_number(factor) or not 0 < factor < np.inf:
        raise ValueError(f"factor {brief(factor)} of logarithm; expected a positive finite number")
    return Logarithm(factor if isinstance(factor, int) else float(factor))


@dataclass(frozen=True)
class SquareRoot(LearnsNothing):
    """The transform of `square_root`."""

    def apply(self, fitted: Parameters, inputs: Array) -> Array:  # noqa: ARG002
        """Return sign(inputs) sqrt(|inputs|)."""
        return np.copysign(np.sqrt(np.abs(inputs)), inputs)


def square_root() -> Transform:
    """Return the transform to sign(x) sqrt(|x|), which suits histograms.

    inputs: (examples, ...) -> the same. Arandjelovic and Zisserman 2012, section 3.

    >>> square_root().apply(Parameters(), np.array([[4.0, -9.0]]))
    array([[ 2., -3.]])
    """
    return SquareRoot()
