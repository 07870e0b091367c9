"""k-means: a few centres that stand for many points."""

from __future__ import annotations

from functools import partial, reduce

import numpy as np

from catpipe.data.transforms.boundaries import in_parts
from catpipe.nn.arrays import Array
from catpipe.random import CODEBOOK, generator


def k_means(points: Array, count: int, seed: int, iterations: int = 10) -> Array:
    """Return `count` centres after so many iterations of Lloyd's algorithm (Lloyd 1982).

    points: (points, features) -> (count, features). It starts at different points drawn by the
    seed; a centre that loses all its points stays where it is. Raises `ValueError` for fewer
    points than centres.

    >>> sorted(k_means(np.array([[0.0], [1.0], [10.0], [11.0]]), count=2, seed=1).ravel().tolist())
    [0.5, 10.5]
    """
    if len(points) < count:
        raise ValueError(f"{len(points)} points for {count} centres; expected as many or more")
    chosen = generator(seed, CODEBOOK, count).choice(len(points), count, replace=False)

    def lloyd(centres: Array, _: int) -> Array:
        return _means(points, nearest(points, centres), centres)

    return reduce(lloyd, range(iterations), points[chosen])


def nearest(points: Array, centres: Array) -> Array:
    """Return the number of the centre that is nearest to each point.

    >>> nearest(np.array([[0.0], [9.0]]), np.array([[1.0], [10.0]]))
    array([0, 1])
    """
    return in_parts(partial(_nearest, centres), points, len(centres))


def _nearest(centres: Array, points: Array) -> Array:
    half_squares = np.square(centres).sum(1) / 2
    return (half_squares - points @ centres.T).argmin(1)


def _means(points: Array, labels: Array, centres: Array) -> Array:
    """Return the mean of the points of each label, and the old centre where there are none."""
    order = labels.argsort(kind="stable")
    present, starts, counts = np.unique(labels[order], return_index=True, return_counts=True)
    means = np.add.reduceat(points[order], starts) / counts[:, np.newaxis].astype(points.dtype)
    numbers = np.arange(len(centres))
    places = np.minimum(np.searchsorted(present, numbers), len(present) - 1)
    is_present = (present[places] == numbers)[:, np.newaxis]
    return np.where(is_present, means[places], centres)
