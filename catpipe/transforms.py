"""Pictures, and what turns them into the columns that a network takes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from catpipe.parameters import Array


class Pictures(NamedTuple):
    """Labelled pictures: (examples, height, width, channels) `uint8`, and (examples,) integers."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


class DataSet(NamedTuple):
    """Pictures to train on, pictures to test on, and the names of the classes the labels count."""

    train: Pictures
    test: Pictures
    classes: tuple[str, ...]


def pixels(images: NDArray[np.uint8], dtype: DTypeLike = np.float64) -> Array:
    """Return one column a picture, (height * width * channels, examples), each number in [0, 1].

    >>> pixels(np.full((2, 1, 1, 3), 255, np.uint8)).shape
    (3, 2)
    """
    return images.reshape(len(images), -1).T.astype(dtype) / 255


def targets(labels: NDArray[np.int64], dtype: DTypeLike = np.float64) -> Array:
    """Return the labels 0 and 1 as one row, (1, examples); raise `ValueError` for others.

    >>> targets(np.array([0, 1, 1]))
    array([[0., 1., 1.]])
    """
    if not np.isin(labels, (0, 1)).all():
        raise ValueError(f"labels are {np.unique(labels)}; expected 0 and 1: choose two classes")
    return labels[np.newaxis].astype(dtype)
