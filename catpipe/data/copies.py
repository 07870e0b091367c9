"""Copies: examples that are equal to an earlier one, or nearly so, as pictures are when resized."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from math import prod
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from catpipe.data.transforms.boundaries import in_parts
from catpipe.data.transforms.pictures import downscale
from catpipe.nn.arrays import Array
from catpipe.nn.parameters import Parameters

CELLS = 16  # along each side of a picture
ALIKE, DETAILED = 0.98, 0.7  # near copies: `python -m tests.benchmarks.copies` measures the gap
LEAST_SIDE = 32  # pixels: smaller drawings, of digits say, are alike without being copies
LEAST_CONTRAST = 0.01  # of the range: below it there is mostly noise
BLOCK = 512  # pictures at once, which bounds memory

How: TypeAlias = Literal["equal", "near", "mirrored"]


class Pair(NamedTuple):
    """An example and the first earlier one that it copies, in what way, and how alike they are."""

    number: int
    of: int
    how: How
    likeness: float = 1.0


class Fingerprints(NamedTuple):
    """What pictures look like from afar and closer: arrays of unit length for each of them.

    `coarse` are the mean colours of 8 x 8 cells, (examples, 8, 8, channels); `detail` is what those
    of 16 x 16 cells add to them. Both are centred, so brightness and contrast drop out.
    """

    coarse: Array
    detail: Array


def digests(inputs: NDArray[Any]) -> tuple[bytes, ...]:
    """Return a hash of the bytes of each input: equal inputs of one type have equal ones.

    inputs: (examples, ...) -> 16 bytes for each example (BLAKE2b).

    >>> first, second, third = digests(np.array([[1, 2], [2, 1], [1, 2]]))
    >>> first == third != second
    True
    """
    return tuple(blake2b(row, digest_size=16).digest() for row in np.ascontiguousarray(inputs))


def equal_pairs(hashes: Sequence[bytes]) -> tuple[Pair, ...]:
    """Return each example whose hash an earlier one has, with the first that has it.

    >>> equal_pairs([b"a", b"b", b"a"])
    (Pair(number=2, of=0, how='equal', likeness=1.0),)
    """
    last = len(hashes) - 1
    first = {value: last - back for back, value in enumerate(reversed(hashes))}
    return tuple(
        Pair(number, first[value], "equal")
        for number, value in enumerate(hashes)
        if first[value] != number
    )


def fingerprints(pictures: NDArray[Any]) -> Fingerprints:
    """Return the fingerprint of each picture; it is zero where there is almost no contrast.

    pictures: (examples, height, width), or (examples, height, width, channels).

    >>> ramp = np.tile(np.arange(64.0), (1, 64, 1))
    >>> one, other = fingerprints(ramp), fingerprints(3 * ramp + 5)
    >>> one.coarse.shape, bool(np.allclose(one.coarse, other.coarse, atol=1e-6))
    ((1, 8, 8, 1), True)
    """
    means = in_parts(_cell_means, pictures, prod(pictures.shape[1:]))
    cells = (len(means), CELLS // 2, 2, CELLS // 2, 2, means.shape[-1])
    coarse = means.reshape(cells).mean((2, 4))
    detail = means - coarse.repeat(2, axis=1).repeat(2, axis=2)
    return Fingerprints(
        _of_unit_length(coarse, LEAST_CONTRAST * _range(pictures)), _of_unit_length(detail)
    )


def near_pairs(prints: Fingerprints) -> tuple[Pair, ...]:
    """Return each picture that is nearly an earlier one, or its mirror image, with the first such.

    Likeness is the product of the coarse fingerprints, at least `ALIKE`; that of the details is at
    least `DETAILED`, which tells copies from pictures that share a bright sky and a dark ground.

    >>> noise = np.random.default_rng(1).random((2, 64, 64))
    >>> (pair,) = near_pairs(fingerprints(np.concatenate([noise, noise[:1, :, ::-1]])))
    >>> pair.number, pair.of, pair.how, round(pair.likeness, 3)
    (2, 0, 'mirrored', 1.0)
    """
    rows = Fingerprints(*(of.reshape(len(of), -1) for of in prints))
    mirrored = Fingerprints(*(of[:, :, ::-1].reshape(len(of), -1) for of in prints))
    ways: tuple[tuple[How, Fingerprints], ...] = (("near", rows), ("mirrored", mirrored))
    found = (
        pair
        for how, others in ways
        for start in range(0, len(rows.coarse), BLOCK)
        for pair in _near_in_block(rows, others, start, how)
    )
    best_last = sorted(found, key=lambda pair: (pair.number, -pair.of, pair.likeness))
    return tuple({pair.number: pair for pair in best_last}.values())


def are_pictures(inputs: NDArray[Any]) -> bool:
    """Return whether inputs are pictures large enough for near copies to be told apart.

    >>> are_pictures(np.zeros((1, 64, 64, 3))), are_pictures(np.zeros((1, 28, 28)))
    (True, False)
    """
    return inputs.ndim in (3, 4) and min(inputs.shape[1:3]) >= LEAST_SIDE


def _range(pictures: NDArray[Any]) -> float:
    """Return the range of values that the pictures can have, or else that they have."""
    if pictures.dtype == np.uint8:
        return 255.0
    return float(np.ptp(pictures)) if pictures.size else 0.0


def _cell_means(pictures: NDArray[Any]) -> Array:
    """Return the mean colour of each cell, (examples, cells, cells, channels), float32."""
    return downscale(CELLS).apply(Parameters(), pictures.astype(np.float32))


def _of_unit_length(arrays: Array, least: float = 0.0) -> Array:
    """Return centred arrays of unit length; zero where their deviation is not above `least`."""
    centred = arrays - arrays.mean((1, 2, 3), keepdims=True)
    deviation = np.sqrt((centred**2).mean((1, 2, 3), keepdims=True))
    has_contrast = deviation > least
    size = arrays.shape[1] * arrays.shape[2] * arrays.shape[3]
    return np.where(has_contrast, centred / np.where(has_contrast, deviation * size**0.5, 1), 0)


def _near_in_block(
    rows: Fingerprints, others: Fingerprints, start: int, how: How
) -> Iterator[Pair]:
    """Return the pictures of the block from `start` on that are like an earlier one of `others`."""
    stop = start + BLOCK
    likeness = rows.coarse[start:stop] @ others.coarse[:stop].T
    is_alike = np.tril(likeness >= ALIKE, start - 1)  # to earlier ones alone
    likely = np.flatnonzero(is_alike.any(1))
    detail = rows.detail[start:stop][likely] @ others.detail[:stop].T
    is_copy = is_alike[likely] & (detail >= DETAILED)
    for at in np.flatnonzero(is_copy.any(1)).tolist():
        row, of = int(likely[at]), int(is_copy[at].argmax())
        yield Pair(start + row, of, how, min(float(likeness[row, of]), 1.0))
