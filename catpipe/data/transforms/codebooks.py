"""A codebook of patches: pictures are described by the small parts that they are made of.

Coates, Lee and Ng 2011, "An analysis of single-layer networks in unsupervised feature learning",
sections 3 and 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from catpipe.checks import check_whole
from catpipe.data.transforms.boundaries import as_pictures, check_features, in_parts
from catpipe.data.transforms.clustering import k_means
from catpipe.data.transforms.composition import Transform
from catpipe.nn.arrays import Array
from catpipe.nn.parameters import Parameters
from catpipe.random import CODEBOOK, generator

_CONTRAST = 10 / 255**2  # added to a patch's variance; the paper has 10, for pixels up to 255
_WHITENING = 0.1  # added to the variance of each direction, as the paper's authors do
_PATCHES = 100  # to learn from, for each word
_ITERATIONS = 10  # of k-means


@dataclass(frozen=True)
class Codebook:
    """The transform of `codebook`."""

    words: int
    patch: int
    pools: int = 2
    stride: int = 1

    def fit(self, inputs: Array, seed: int) -> Parameters:
        """Return the mean of patches, the matrix that whitens them, and the words."""
        windows = _windows(as_pictures("codebook", inputs), self.patch)
        patches = _contrast_normalized(_drawn(windows, self.words, self.patch, seed))
        mean, whitening = _whitening(patches)
        words = k_means((patches - mean) @ whitening, self.words, seed, _ITERATIONS)
        return Parameters(mean=mean, whitening=whitening, words=words)

    def apply(self, fitted: Parameters, inputs: Array) -> Array:
        """Return how much each word is in each part of the pictures."""
        every = _windows(as_pictures("codebook", inputs), self.patch)
        windows = every[:, :: self.stride, :: self.stride]
        numbers = int(np.prod(windows.shape[3:]))
        check_features("codebook", windows[:, 0, 0].reshape(-1, numbers), fitted["mean"].shape)
        rows, columns = (_parts(self.pools, side) for side in windows.shape[1:3])
        means = [
            in_parts(
                partial(_mean_activations, fitted), part, part[0, ..., 0, 0, 0].size * self.words
            )
            for part in (windows[:, row, column] for row in rows for column in columns)
        ]
        return np.stack(means, axis=1).reshape(len(inputs), self.pools, self.pools, self.words)


def codebook(words: int, patch: int, pools: int = 2, stride: int = 1) -> Transform:
    """Return the transform to the mean activation of each word in pools x pools parts of a picture.

    inputs: (examples, height, width, channels) -> (examples, pools, pools, words). Patches of
    patch x patch pixels are brought to mean 0 and deviation 1, whitened (ZCA), and grouped by
    k-means into words. A patch at distances z from the words activates each by
    max(0, mean(z) - z) (Coates, Lee and Ng 2011, eq. 2 to 4); patches lie `stride` pixels apart.
    Raises `ValueError` for settings that
    are no integers of at least 1; when fitted, for pictures that have too few patches.

    >>> pictures = np.random.default_rng(1).random((4, 8, 8, 3))
    >>> codebook(10, patch=3).fit(pictures, seed=1)["words"].shape
    (10, 27)
    """
    return Codebook(
        check_whole("words of codebook", words),
        check_whole("patch of codebook", patch),
        check_whole("pools of codebook", pools),
        check_whole("stride of codebook", stride),
    )


def _windows(pictures: Array, patch: int) -> Array:
    """Return the patches of each picture, (examples, rows, columns, channels, patch, patch)."""
    height, width = pictures.shape[1:3]
    if min(height, width) < patch:
        raise ValueError(
            f"pictures of {height} x {width} pixels to codebook with patches of {patch}; expected "
            f"at least {patch} x {patch}: choose smaller patches"
        )
    return sliding_window_view(pictures, (patch, patch), axis=(1, 2))


def _drawn(windows: Array, words: int, patch: int, seed: int) -> Array:
    """Return patches drawn by the seed, (patches, numbers): all there are, or enough."""
    there = int(np.prod(windows.shape[:3]))
    if there < words:
        raise ValueError(
            f"{there} patches to learn a codebook of {words} words from; expected as many or more: "
            "choose fewer words"
        )
    random = generator(seed, CODEBOOK, words, patch)
    chosen = random.choice(there, min(there, words * _PATCHES), replace=False)
    return windows[np.unravel_index(chosen, windows.shape[:3])].reshape(len(chosen), -1)


def _contrast_normalized(patches: Array) -> Array:
    centred = patches - patches.mean(-1, keepdims=True)
    variances = np.square(centred).mean(-1, keepdims=True)
    return centred / np.sqrt(variances + patches.dtype.type(_CONTRAST))


def _whitening(patches: Array) -> tuple[Array, Array]:
    """Return the mean of patches and the symmetric matrix (ZCA) that makes them uncorrelated."""
    mean = patches.mean(0, dtype=np.float64)
    centred = patches - mean
    variances, directions = np.linalg.eigh(centred.T @ centred / len(patches))
    scaled = directions / np.sqrt(np.maximum(variances, 0) + _WHITENING)
    return mean.astype(patches.dtype), (scaled @ directions.T).astype(patches.dtype)


def _mean_activations(fitted: Parameters, windows: Array) -> Array:
    """Return each word's mean activation over the patches of each picture, (examples, words)."""
    examples, rows, columns = windows.shape[:3]
    patches = windows.reshape(examples * rows * columns, len(fitted["mean"]))
    whitened = (_contrast_normalized(patches) - fitted["mean"]) @ fitted["whitening"]
    distances = _distances(whitened, fitted["words"])
    activations = np.maximum(0, distances.mean(1, keepdims=True) - distances)
    return activations.reshape(examples, rows * columns, -1).mean(1)


def _distances(points: Array, centres: Array) -> Array:
    """Return the distances (points, centres), by |p - c|^2 = |p|^2 - 2 p c + |c|^2."""
    squares = np.square(points).sum(1)[:, np.newaxis] + np.square(centres).sum(1)
    return np.sqrt(np.maximum(0, squares - points @ (2 * centres).T))


def _parts(count: int, length: int) -> list[slice]:
    """Return equal parts of a line; where there are fewer places than parts, they overlap.

    >>> _parts(2, 5)
    [slice(0, 2, None), slice(2, 5, None)]
    """
    edges = [number * length // count for number in range(count + 1)]
    return [slice(start, max(end, start + 1)) for start, end in pairwise(edges)]
