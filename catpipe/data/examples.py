"""Examples: inputs with their targets, data sets, and the targets of a network."""

from __future__ import annotations

from hashlib import sha256
from reprlib import repr as brief
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from catpipe.checks import check_whole
from catpipe.nn.arrays import Array


class Examples(NamedTuple):
    """Examples, one a row: inputs (examples, ...), targets (examples,), and how much each counts.

    Inputs are numbers: pictures are (examples, height, width, channels), mostly `uint8`. Targets
    are class numbers or names; for a regression numbers, (examples,) or (examples, outputs).
    Weights, (examples,), need not sum to 1; without them all count alike.
    """

    inputs: NDArray[Any]
    targets: NDArray[Any]
    weights: Array | None = None


class DataSet(NamedTuple):
    """Examples to train on, examples to test on, and the class names: i stands for `classes[i]`."""

    train: Examples
    test: Examples
    classes: tuple[str, ...]


def noun(examples: Examples) -> str:
    """Return what one of the examples is called.

    >>> noun(pictures), noun(data.Examples(np.ones((2, 3)), np.array([0, 1])))
    ('picture', 'example')
    """
    return "picture" if examples.inputs.ndim > 2 else "example"


def some_of(examples: Examples, which: NDArray[Any]) -> Examples:
    """Return some of the examples, by a mask or by their numbers, with their weights.

    >>> some_of(pictures, np.array([False, True])).targets
    array([1])
    """
    inputs, targets, weights = examples
    return Examples(inputs[which], targets[which], None if weights is None else weights[which])


def fingerprint(examples: Examples) -> str:
    """Return the SHA-256 of the inputs' shape and bytes and of the targets: equal for equal ones.

    >>> fingerprint(Examples(np.zeros((1, 1, 1, 3), np.uint8), np.array([0])))[:8]
    '95a015c2'
    """
    inputs, targets, _ = examples
    numbers = targets.astype("<f8" if targets.dtype.kind == "f" else "<i8")
    digests = (sha256(np.ascontiguousarray(a).data).digest() for a in (inputs, numbers))
    return sha256(repr(inputs.shape).encode() + b"".join(digests)).hexdigest()


def targets(labels: NDArray[np.int64], classes: int = 2, dtype: DTypeLike = np.float64) -> Array:
    """Return the targets of a network: 0 or 1 for two classes, one-hot columns for more.

    labels: (examples,) integers below `classes` -> (1, examples), or (classes, examples). Raises
    `ValueError` for other labels.

    >>> targets(np.array([0, 1, 1]))
    array([[0., 1., 1.]])
    """
    hot = one_hot(labels, classes, dtype)
    return hot[1:] if classes == 2 else hot


def one_hot(labels: NDArray[np.int64], classes: int, dtype: DTypeLike = np.float64) -> Array:
    """Return one column for each label: 1 in the row of its class, 0 in all others.

    labels: (examples,) integers below `classes`, or a row or a column of them -> (classes,
    examples). Raises `ValueError` for other labels.

    >>> one_hot(np.array([2, 0]), classes=3)
    array([[0., 1.],
           [0., 0.],
           [1., 0.]])
    """
    numbers = np.arange(check_whole("classes", classes))
    if not np.isin(labels, numbers).all():
        raise ValueError(
            f"labels are {brief(np.unique(labels).tolist())}; expected 0 to {classes - 1}: "
            "say how many classes there are"
        )
    if np.size(labels) not in np.shape(labels):
        raise ValueError(f"labels of shape {np.shape(labels)}; expected (examples,)")
    return (np.ravel(labels) == numbers[:, np.newaxis]).astype(dtype)
