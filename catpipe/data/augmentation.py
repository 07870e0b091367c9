"""Augmentation: in each step pictures are mirrored, moved and relit by chance; labels stay.

An augmentation is a function (images, seed, iteration) -> images of the same shape and type:
(examples, height, width, channels) numbers in [0, 1]. What it draws depends on the seed, the
iteration, its purpose and a picture's place in the batch alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial, reduce
from itertools import count
from math import prod
from numbers import Integral
from typing import TypeAlias

import numpy as np

from catpipe.data.batches import Batch
from catpipe.data.sampling import Indices
from catpipe.nn.parameters import Array
from catpipe.random import BRIGHTNESS, FLIP, SHIFT, generator

Augmentation: TypeAlias = Callable[[Array, int, int], Array]
Size: TypeAlias = tuple[int, int, int]
"""Height, width and channels."""


def flipped(images: Array, seed: int, iteration: int, share: float = 0.5) -> Array:
    """Return the images, each mirrored left to right with probability `share`.

    images: (examples, height, width, channels) -> the same. Raises `ValueError` for a share that
    is not in [0, 1].

    >>> flipped(np.array([[[[0.0], [0.5], [1.0]]]]), seed=1, iteration=0, share=1).ravel()
    array([1. , 0.5, 0. ])
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share {share} of pictures to flip; expected a number from 0 to 1")
    examples, height, width, _ = images.shape
    is_mirrored = generator(seed, FLIP, iteration).random((examples, 1)) < share
    columns = np.arange(width)
    return _taken(images, np.arange(height), np.where(is_mirrored, columns[::-1], columns))


def shifted(images: Array, seed: int, iteration: int, most: int = 4) -> Array:
    """Return the images, each moved down and right by whole pixels, uniform in -most ... most.

    images: (examples, height, width, channels) -> the same; edges are repeated into what opens.
    Raises `ValueError` for a `most` that is no integer of at least 0.

    >>> shifted(np.array([[[[0.0], [0.5], [1.0]]]]), seed=1, iteration=0, most=1).ravel()
    array([0. , 0. , 0.5])
    """
    if not isinstance(most, Integral) or most < 0:
        raise ValueError(f"shift by at most {most}; expected a whole number of pixels, at least 0")
    examples, height, width, _ = images.shape
    moves = generator(seed, SHIFT, iteration).integers(-most, most, (examples, 2), endpoint=True)
    rows = np.clip(np.arange(height) - moves[:, :1], 0, height - 1)
    columns = np.clip(np.arange(width) - moves[:, 1:], 0, width - 1)
    return _taken(images, rows, columns)


def brightened(images: Array, seed: int, iteration: int, most: float = 0.2) -> Array:
    """Return the images, each times a factor uniform in [1 - most, 1 + most], clipped to [0, 1].

    images: (examples, height, width, channels) -> the same. Raises `ValueError` for a `most` that
    is not in [0, 1].

    >>> brightened(np.array([[[[0.0], [0.5], [1.0]]]]), seed=2, iteration=0).ravel().round(3)
    array([0.   , 0.572, 1.   ])
    """
    if not 0 <= most <= 1:
        raise ValueError(f"brightness changed by at most {most}; expected a number from 0 to 1")
    draws = generator(seed, BRIGHTNESS, iteration).uniform(
        1 - most, 1 + most, (len(images), 1, 1, 1)
    )
    return np.clip(images * draws.astype(images.dtype), 0, 1)


def augmented(
    batches: Iterable[Batch],
    size: Size,
    augmentations: Iterable[Augmentation],
    seed: int,
    start: int = 0,
) -> Iterator[Batch]:
    """Return the batches, numbered from iteration `start`, with their pictures augmented in order.

    Their columns are pictures of this size, (height * width * channels, examples), as `pixels`
    gives them. Raises `ValueError` for columns that are not, and for a size of other than three
    positive numbers.

    >>> batch = Batch(np.array([[0.0], [0.5], [1.0]]), np.ones((1, 1)))
    >>> batches = augmented([batch], (1, 3, 1), [partial(flipped, share=1)], seed=1)
    >>> next(batches).X.ravel()
    array([1. , 0.5, 0. ])
    """
    if len(size) != 3 or min(size) < 1:
        raise ValueError(f"picture size {size}; expected height, width and channels, each above 0")
    return map(partial(_augmented, size, tuple(augmentations), seed), batches, count(start))


def _augmented(
    size: Size, augmentations: tuple[Augmentation, ...], seed: int, batch: Batch, iteration: int
) -> Batch:
    if batch.X.shape[:-1] != (prod(size),):
        raise ValueError(
            f"columns of shape {batch.X.shape}; expected ({prod(size)}, examples), for pictures "
            f"of {' x '.join(map(str, size))}"
        )
    rows = batch.X.T

    def after(images: Array, augmentation: Augmentation) -> Array:
        return augmentation(images, seed, iteration)

    images = reduce(after, augmentations, rows.reshape(len(rows), *size))
    return batch._replace(X=images.reshape(rows.shape).T)


def _taken(images: Array, rows: Indices, columns: Indices) -> Array:
    """Return images that take their pixels from these rows and columns, (..., height or width)."""
    examples, height, width, channels = images.shape
    pictures = np.arange(examples)[:, np.newaxis, np.newaxis]
    at = (pictures * height + rows[..., np.newaxis]) * width + columns[..., np.newaxis, :]
    return images.reshape(-1, channels).take(at, axis=0)  # far faster than by three indices
