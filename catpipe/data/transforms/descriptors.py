"""Descriptors of pictures that are computed without learning: colour histograms and gradients."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from catpipe.checks import check_whole
from catpipe.data.transforms.boundaries import as_pictures, in_parts
from catpipe.data.transforms.composition import LearnsNothing, Transform
from catpipe.nn.arrays import Array
from catpipe.nn.parameters import Parameters

_DARK = 0.01  # the length below which a block of gradients counts as flat
_CLIP = 0.2  # Dalal and Triggs 2005, section 6.4


@dataclass(frozen=True)
class ColourHistogram(LearnsNothing):
    """The transform of `colour_histogram`."""

    cells: int
    bins: int

    def apply(self, fitted: Parameters, inputs: Array) -> Array:  # noqa: ARG002
        """Return the share of each colour in each cell."""
        pictures = as_pictures("colour_histogram", inputs)
        _check_room("colour_histogram", pictures, self.cells, f"{self.cells} x {self.cells} cells")
        shares = partial(_colour_shares, self.cells, self.bins)
        return in_parts(shares, pictures, pictures[:1].size)


def colour_histogram(cells: int, bins: int) -> Transform:
    """Return the transform to the shares of colours in each of cells x cells parts of a picture.

    inputs: (examples, height, width, channels) in [0, 1] -> (examples, cells, cells,
    bins ** channels): each channel is divided into equal bins, and a colour is a bin of each.
    Swain and Ballard 1991. Raises `ValueError` for settings that are no integers of at least 1;
    when applied, for pictures of fewer pixels than cells.

    >>> colour_histogram(1, bins=2).apply(Parameters(), np.array([[[[0.1], [0.3], [0.4], [1.0]]]]))
    array([[[[0.75, 0.25]]]])
    """
    return ColourHistogram(
        check_whole("cells of colour_histogram", cells),
        check_whole("bins of colour_histogram", bins),
    )


def _colour_shares(cells: int, bins: int, pictures: Array) -> Array:
    examples, height, width, channels = pictures.shape
    levels = np.clip((pictures * bins).astype(np.intp), 0, bins - 1)
    colours = levels @ (bins ** np.arange(channels))
    down, right = np.arange(height) * cells // height, np.arange(width) * cells // width
    cell = down[:, np.newaxis] * cells + right
    place = np.arange(examples)[:, np.newaxis, np.newaxis] * cells**2 + cell
    shape = (examples, cells, cells, bins**channels)
    counts = np.bincount((place * shape[-1] + colours).ravel(), minlength=int(np.prod(shape)))
    pixels = np.bincount(cell.ravel()).reshape(cells, cells, 1)
    return (counts.reshape(shape) / pixels).astype(pictures.dtype)


@dataclass(frozen=True)
class OrientedGradients(LearnsNothing):
    """The transform of `oriented_gradients`."""

    cell: int
    orientations: int = 9

    def apply(self, fitted: Parameters, inputs: Array) -> Array:  # noqa: ARG002
        """Return the normalized histograms of each block."""
        pictures = as_pictures("oriented_gradients", inputs)
        _check_room(
            "oriented_gradients", pictures, max(2, self.cell), f"a cell of {self.cell} pixels"
        )
        histograms = partial(_block_histograms, self.cell, self.orientations)
        return in_parts(histograms, pictures, pictures[:1, ..., 0].size * self.orientations)


def oriented_gradients(cell: int, orientations: int = 9) -> Transform:
    """Return the transform to histograms of oriented gradients (Dalal and Triggs 2005).

    inputs: (examples, height, width, channels) -> (examples, rows, columns, numbers). Each pixel
    votes, in the channel where its gradient is longest, with this length, shared by linear
    interpolation among the nearest of the orientations of half a circle and of the cells of
    cell x cell pixels. Blocks of 2 x 2 cells overlap; each is scaled to length 1, clipped at 0.2
    and scaled again. Raises `ValueError` for a cell that is no integer of at least 1,
    and orientations below 2; when applied, for pictures of less than a cell.

    >>> pictures = np.zeros((2, 64, 64, 3))
    >>> oriented_gradients(8).apply(Parameters(), pictures).shape
    (2, 7, 7, 36)
    """
    return OrientedGradients(
        check_whole("cell of oriented_gradients", cell),
        check_whole("orientations of oriented_gradients", orientations, least=2),
    )


def _block_histograms(cell: int, orientations: int, pictures: Array) -> Array:
    length, angle = _longest_gradients(pictures)
    middles = np.arange(orientations, dtype=pictures.dtype)[:, np.newaxis, np.newaxis] + 0.5
    at = angle * (orientations / np.pi) - middles
    around = np.abs((at + orientations / 2) % orientations - orientations / 2)
    votes = length * np.maximum(0, 1 - around)  # (examples, orientations, height, width)
    down, right = (_interpolation(cell, side, pictures.dtype) for side in pictures.shape[1:3])
    return _normalized_blocks(down @ votes @ right.T)


def _longest_gradients(pictures: Array) -> tuple[Array, Array]:
    """Return length and angle in [0, pi) of each pixel's longest gradient, (examples, 1, h, w)."""
    down, right = np.gradient(pictures, axis=(1, 2))
    squares = down**2 + right**2
    longest = squares.argmax(-1)[..., np.newaxis]
    down, right, square = (
        np.take_along_axis(of, longest, -1)[:, np.newaxis, ..., 0] for of in (down, right, squares)
    )
    return np.sqrt(square), np.arctan2(down, right) % np.pi


def _interpolation(cell: int, length: int, dtype: np.dtype) -> Array:
    """Return the matrix (cells, length) of each pixel's shares in the cells nearest to it."""
    pixels, cells = np.arange(length) + 0.5, np.arange(length // cell)[:, np.newaxis] + 0.5
    return np.maximum(0, 1 - np.abs(pixels / cell - cells)).astype(dtype)


def _normalized_blocks(cells: Array) -> Array:
    """Return blocks of 2 x 2 cells, each scaled, clipped and scaled again.

    cells: (examples, orientations, rows, columns) -> (examples, rows - 1, columns - 1, numbers);
    a single row or column of cells makes blocks of one.
    """
    size = tuple(min(2, side) for side in cells.shape[2:])
    blocks = np.moveaxis(sliding_window_view(cells, size, axis=(2, 3)), 1, -1)
    numbers = blocks.reshape(*blocks.shape[:3], int(np.prod(blocks.shape[3:])))
    return _unit(np.minimum(_unit(numbers), _CLIP))


def _unit(blocks: Array) -> Array:
    return blocks / np.sqrt(np.square(blocks).sum(-1, keepdims=True) + _DARK**2)


def _check_room(name: str, pictures: Array, least: int, what: str) -> None:
    if min(pictures.shape[1:3]) < least:
        height, width = pictures.shape[1:3]
        raise ValueError(
            f"pictures of {height} x {width} pixels to {name} with {what}; expected at least "
            f"{least} x {least}: choose a smaller setting"
        )
