"""Augmentation: random changes of pictures in each step, which leave their labels as they are.

An augmentation is a function (images, seed, iteration) -> images of the same shape and type:
(examples, height, width, channels) numbers in [0, 1]. What it draws depends on the seed, the
iteration, its purpose and a picture's place in the batch alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial, reduce
from itertools import count
from math import prod
from reprlib import repr as brief
from typing import TypeAlias

import numpy as np

from catpipe.checks import check_type, check_whole, is_number, is_whole
from catpipe.data.batches import Batch, check_numbers
from catpipe.data.sampling import Indices
from catpipe.nn.arrays import Array
from catpipe.random import BRIGHTNESS, CROP, FLIP, SHIFT, check_seed, generator

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
    if not is_number(share) or not 0 <= share <= 1:
        raise ValueError(f"share {brief(share)} of pictures to flip; expected a number from 0 to 1")
    examples, height, width, _ = _shape(images, seed)
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
    check_whole("shift by at most", most, least=0)
    examples, height, width, _ = _shape(images, seed)
    moves = generator(seed, SHIFT, iteration).integers(-most, most, (examples, 2), endpoint=True)
    rows = np.clip(np.arange(height) - moves[:, :1], 0, height - 1)
    columns = np.clip(np.arange(width) - moves[:, 1:], 0, width - 1)
    return _taken(images, rows, columns)


def cropped(images: Array, seed: int, iteration: int, least: float = 0.25) -> Array:
    """Return the images, each cropped to a part of the same aspect ratio, enlarged to its size.

    images: (examples, height, width, channels) -> the same. The part's area is uniform from `least`
    to the whole, and so is its place; pixels are the nearest (Szegedy et al. 2015, section 6, where
    the aspect ratio changes too). Raises `ValueError` for a `least` that is not in (0, 1].

    >>> cropped(np.array([[[[0.0], [0.5], [1.0]]]]), seed=2, iteration=2, least=0.1).ravel()
    array([0. , 0. , 0.5])
    """
    if not is_number(least) or not 0 < least <= 1:
        raise ValueError(
            f"crops of at least {brief(least)} of the area; expected a number above 0, at most 1"
        )
    examples, height, width, _ = _shape(images, seed)
    draws = generator(seed, CROP, iteration).random((examples, 3))
    area, top, left = (column[:, np.newaxis] for column in draws.T)
    side = np.sqrt(least + (1 - least) * area)

    def nearest(begin: Array, length: int) -> Indices:
        places = begin * (1 - side) + side * (np.arange(length) + 0.5) / length
        return (places * length).astype(np.int64)

    return _taken(images, nearest(top, height), nearest(left, width))


def brightened(images: Array, seed: int, iteration: int, most: float = 0.2) -> Array:
    """Return the images, each times a factor uniform in [1 - most, 1 + most], clipped to [0, 1].

    images: (examples, height, width, channels) floats -> the same. Raises `ValueError` for a `most`
    that is not in [0, 1], and `TypeError` for integers, such as pixels that are not divided by 255.

    >>> brightened(np.array([[[[0.0], [0.5], [1.0]]]]), seed=2, iteration=0).ravel().round(3)
    array([0.   , 0.572, 1.   ])
    """
    if not is_number(most) or not 0 <= most <= 1:
        raise ValueError(
            f"brightness changed by at most {brief(most)}; expected a number from 0 to 1"
        )
    examples, *_ = _shape(images, seed)
    if images.dtype.kind != "f":
        raise TypeError(f"images of {images.dtype}; expected floats in [0, 1]: divide by 255")
    draws = generator(seed, BRIGHTNESS, iteration).uniform(1 - most, 1 + most, (examples, 1, 1, 1))
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
    if len(size) != 3 or not all(map(is_whole, size)):
        raise ValueError(f"picture size {size}; expected height, width and channels, each above 0")
    check_seed(seed)
    return map(
        partial(_augmented, size, tuple(augmentations), seed),
        batches,
        count(check_whole("start", start, least=0)),
    )


def _augmented(
    size: Size, augmentations: tuple[Augmentation, ...], seed: int, batch: Batch, iteration: int
) -> Batch:
    check_type("batch", batch, Batch, "Batch(X, Y)")
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


def _shape(images: Array, seed: int) -> tuple[int, int, int, int]:
    check_seed(seed)
    shape = check_numbers("images", images, axes=4)
    if len(shape) > 4:
        raise ValueError(f"images of shape {shape}; expected (examples, height, width, channels)")
    examples, height, width, channels = shape
    return examples, height, width, channels


def _taken(images: Array, rows: Indices, columns: Indices) -> Array:
    """Return images that take their pixels from these rows and columns, (..., height or width)."""
    examples, height, width, channels = images.shape
    pictures = np.arange(examples)[:, np.newaxis, np.newaxis]
    at = (pictures * height + rows[..., np.newaxis]) * width + columns[..., np.newaxis, :]
    return images.reshape(-1, channels).take(at, axis=0)  # far faster than by three indices
