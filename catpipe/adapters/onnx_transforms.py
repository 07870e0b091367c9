"""Transforms in ONNX: each as the formula that its `apply` computes, from what it has learned.

Every transform with a name has one. Numbers that a transform compares, bins of colours and the
longest of several gradients, are computed by the same operations, and so agree in the same type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from math import pi, prod
from reprlib import repr as brief
from typing import Any, NamedTuple

import numpy as np

from catpipe.adapters.onnx_tensors import (
    Tensor,
    below,
    cast,
    constant,
    maximum,
    mean,
    minimum,
    operator,
    reshape,
    take,
    total,
    transpose,
    where,
)
from catpipe.data.transforms import codebooks, descriptors, pictures
from catpipe.data.transforms.components import PrincipalComponents
from catpipe.data.transforms.composition import Beside, Chain, Transform, by_place
from catpipe.data.transforms.notation import TRANSFORMS
from catpipe.data.transforms.scaling import Logarithm, ScaleGroups, SquareRoot, Standardize
from catpipe.nn.arrays import Array
from catpipe.nn.parameters import Parameters

LARGEST = 2**22  # numbers of an example, or of a matrix: a picture of 1,024 x 1,024 has fewer
TINY = 1e-30


class Flow(NamedTuple):
    """What has been made of the examples, (examples * views, *shape)."""

    value: Tensor
    shape: tuple[int, ...]
    views: int = 1


class Learned(NamedTuple):
    """What a transform has learned, and what the names of its arrays begin with."""

    arrays: Parameters
    prefix: str

    def tensor(self, name: str, like: Tensor) -> Tensor:
        """Return the array of this name as a constant of the graph, under its full name."""
        return constant(self.arrays[name], like.dtype, f"{self.prefix}{name}")


def transformed(transform: Transform, learned: Learned, flow: Flow) -> Flow:
    """Return what a transform makes; refuse one's own by name.

    >>> from catpipe.adapters.onnx_tensors import graph_input
    >>> from catpipe.data import downscale
    >>> pictures = Flow(graph_input("x", ("N", 8, 8, 3), np.float32), (8, 8, 3))
    >>> transformed(downscale(4), Learned(Parameters(), ""), pictures).shape
    (4, 4, 3)
    """
    formula = _FORMULAS.get(type(transform))
    if formula is None:
        raise ValueError(
            f"transform {brief(transform)} cannot be exported; expected those of "
            f"{', '.join(TRANSFORMS)}: keep the run in Python"
        )
    made: Flow = formula(transform, learned, flow)
    return made._replace(shape=_checked_size(*made.shape))


def as_rows(flow: Flow) -> Flow:
    """Return what was made of each example in one row, (examples * views, features).

    >>> from catpipe.adapters.onnx_tensors import graph_input
    >>> as_rows(Flow(graph_input("x", ("N", 8, 8, 3), np.float32), (8, 8, 3))).shape
    (192,)
    """
    if len(flow.shape) == 1:
        return flow
    features = prod(flow.shape)
    return flow._replace(value=reshape(flow.value, -1, features), shape=(features,))


def _chain(transform: Chain, learned: Learned, flow: Flow) -> Flow:
    pairs = zip(transform.transforms, _by_place(transform, learned), strict=True)
    return reduce(lambda made, pair: transformed(pair[0], pair[1], made), pairs, flow)


def _beside(transform: Beside, learned: Learned, flow: Flow) -> Flow:
    pairs = zip(transform.transforms, _by_place(transform, learned), strict=True)
    made = [as_rows(transformed(*pair, flow)) for pair in pairs]
    side_by_side = operator("Concat", *(of.value for of in made), axis=1)
    return made[0]._replace(value=side_by_side, shape=(sum(of.shape[0] for of in made),))


def _by_place(transform: Chain | Beside, learned: Learned) -> list[Learned]:
    several = by_place(learned.arrays, len(transform.transforms))
    return [Learned(of, f"{learned.prefix}{place}.") for place, of in enumerate(several)]


def _pictures(flow: Flow) -> Flow:
    """Return pictures with an axis of channels."""
    if len(flow.shape) == 3:
        return flow
    shape = (*flow.shape, 1)
    return flow._replace(value=reshape(flow.value, -1, *shape), shape=shape)


def _grey(_: pictures.Grey, __: Learned, flow: Flow) -> Flow:
    flow = _pictures(flow)
    if flow.shape[-1] == 1:
        return flow
    luma = np.array(pictures.LUMA)[:, np.newaxis]
    return flow._replace(value=flow.value @ luma, shape=(*flow.shape[:2], 1))


def _downscale(transform: pictures.Downscale, _: Learned, flow: Flow) -> Flow:
    flow = _pictures(flow)
    height, width, channels = flow.shape
    down, right = (_area_means(transform.side, length) for length in (height, width))
    planes = transpose(flow.value, 0, 3, 1, 2)
    means = down @ planes @ right.T
    shape = transform.side, transform.side, channels
    return flow._replace(value=transpose(means, 0, 2, 3, 1), shape=shape)


def _mirror_views(_: pictures.MirrorViews, __: Learned, flow: Flow) -> Flow:
    flow = _pictures(flow)
    mirrored = take(flow.value, np.arange(flow.shape[1])[::-1], axis=2)
    axis = constant([1], np.int64)
    both = (operator("Unsqueeze", of, axis) for of in (flow.value, mirrored))
    views = operator("Concat", *both, axis=1)
    return flow._replace(value=reshape(views, -1, *flow.shape), views=2 * flow.views)


def _crop_views(transform: pictures.CropViews, learned: Learned, flow: Flow) -> Flow:
    flow = _pictures(flow)
    height, width, channels = flow.shape
    parts = learned.arrays["parts"].tolist()
    _checked_size(len(parts), transform.side, max(height, width))
    down, right = (
        np.stack([_area_means(transform.side, n, part[at], part[2]) for part in parts])
        for at, n in enumerate((height, width))
    )
    planes = operator(
        "Unsqueeze", transpose(flow.value, 0, 3, 1, 2), constant([1], np.int64)
    )  # (N, 1, channels, height, width)
    means = down[:, np.newaxis] @ planes @ right[:, np.newaxis].mT
    shape = transform.side, transform.side, channels
    views = reshape(transpose(means, 0, 1, 3, 4, 2), -1, *shape)
    return Flow(views, shape, len(parts) * flow.views)


def _area_means(parts: int, length: int, begin: float = 0.0, side: float = 1.0) -> Array:
    """Return the matrix (parts, length) of the means over parts, as pictures' own has it."""
    _checked_size(parts, length)
    return pictures._area_means(parts, length, np.dtype(float), begin, begin + side)


def _colour_histogram(transform: descriptors.ColourHistogram, _: Learned, flow: Flow) -> Flow:
    flow = _pictures(flow)
    height, width, channels = flow.shape
    cells, bins = transform.cells, transform.bins
    _checked_size(height, width, *[bins] * min(channels, 64))  # 2**64 are too many, too
    colours = bins**channels
    levels = operator("Floor", maximum(minimum(flow.value * bins, bins - 1), 0))
    numbers = levels @ (float(bins) ** np.arange(channels))[:, np.newaxis]
    planes = transpose(cast(numbers, np.int64), 0, 3, 1, 2)  # (N, 1, height, width)
    every = constant(np.arange(colours)[:, np.newaxis, np.newaxis], np.int64)
    is_of = cast(operator("Equal", planes, every, dtype=bool), flow.value.dtype)
    down, right = (_cells(cells, length) for length in (height, width))
    pixels = down.sum(1)[:, np.newaxis] * right.sum(1)
    shares = down @ is_of @ right.T / pixels
    shape = cells, cells, colours
    return flow._replace(value=transpose(shares, 0, 2, 3, 1), shape=shape)


def _cells(cells: int, length: int) -> Array:
    """Return which of the cells each pixel of a line is in, (cells, length): ones and zeros."""
    _checked_size(cells, length)
    return 1.0 * (np.arange(length) * cells // length == np.arange(cells)[:, np.newaxis])


def _oriented_gradients(transform: descriptors.OrientedGradients, _: Learned, flow: Flow) -> Flow:
    flow = _pictures(flow)
    bins, height, width = transform.orientations, *flow.shape[:2]
    length, angle = _longest_gradients(flow)
    at = angle * (bins / pi) - (np.arange(bins) + 0.5)[:, np.newaxis, np.newaxis]
    far = operator("Abs", at)
    around = minimum(far, bins - far)  # on the half circle, where 0 and pi are neighbours
    votes = length * maximum(1 - around, 0)
    down, right = (_interpolation(transform.cell, of) for of in (height, width))
    cells = down @ votes @ right.T
    rows, columns = len(down), len(right)
    blocks = _blocks(transpose(cells, 0, 2, 3, 1), rows, columns)
    value = _unit(minimum(_unit(blocks), descriptors._CLIP))
    size = min(2, rows) * min(2, columns) * bins
    return flow._replace(value=value, shape=(max(1, rows - 1), max(1, columns - 1), size))


def _longest_gradients(flow: Flow) -> tuple[Tensor, Tensor]:
    """Return length and angle in [0, pi] of each pixel's longest gradient, (N, 1, h, w)."""
    down, right = (_slopes(flow, axis) for axis in (1, 2))
    squares = down * down + right * right
    longest = operator("ArgMax", squares, dtype=np.int64, axis=3, keepdims=1)
    down, right, square = (
        transpose(operator("GatherElements", of, longest, axis=3), 0, 3, 1, 2)
        for of in (down, right, squares)
    )
    length = operator("Sqrt", square)
    return length, _angle(down, right, length)


def _slopes(flow: Flow, axis: int) -> Tensor:
    """Return the central differences along an axis, which are one-sided at its ends."""
    last = flow.shape[axis - 1] - 1
    places = np.arange(last + 1)
    before, after = np.maximum(places - 1, 0), np.minimum(places + 1, last)
    steps = (1 / (after - before)).reshape(-1, *[1] * (3 - axis))
    return (take(flow.value, after, axis) - take(flow.value, before, axis)) * steps


def _angle(down: Tensor, right: Tensor, length: Tensor) -> Tensor:
    """Return arctan2(down, right) modulo pi.

    ONNX Runtime has the arctangent in float32 alone; one step of Newton's makes it right.
    """
    steep = down / where(below(operator("Abs", right), TINY), _all(right, TINY), right)
    near = cast(operator("Atan", cast(steep, np.float32)), down.dtype)
    sine = down * operator("Sin", near + pi / 2) - right * operator("Sin", near)
    forward = where(below(right, 0), _all(right, -1), 1)
    angle = near + forward * sine / maximum(length, TINY)
    return where(below(angle, 0), angle + pi, angle)


def _all(like: Tensor, number: float) -> Tensor:
    return constant(number, like.dtype)


def _interpolation(cell: int, length: int) -> Array:
    _checked_size(length // cell, length)
    return descriptors._interpolation(cell, length, np.dtype(float))


def _blocks(cells: Tensor, rows: int, columns: int) -> Tensor:
    """Return blocks of 2 x 2 cells, or of one where there is one alone; cells: (N, ..., bins)."""
    high, wide = max(1, rows - 1), max(1, columns - 1)
    corners = [(i, j) for i in range(min(2, rows)) for j in range(min(2, columns))]
    parts = (
        take(take(cells, np.arange(i, i + high), axis=1), np.arange(j, j + wide), axis=2)
        for i, j in corners
    )
    return operator("Concat", *parts, axis=3)


def _unit(blocks: Tensor) -> Tensor:
    return blocks / operator("Sqrt", total(blocks * blocks, axis=-1) + descriptors._DARK**2)


def _codebook(transform: codebooks.Codebook, learned: Learned, flow: Flow) -> Flow:
    flow = _pictures(flow)
    places = _patches(flow.shape, transform)
    rows, columns, numbers = places.shape
    patches = take(as_rows(flow).value, places.reshape(-1, numbers), axis=1)
    of = {name: learned.tensor(name, patches) for name in ("mean", "whitening", "words")}
    whitened = (_contrast_normalized(patches) - of["mean"]) @ of["whitening"]
    distances = _distances(whitened, of["words"])
    activations = maximum(mean(distances, axis=-1) - distances, 0)
    pools = _pools(transform.pools, rows, columns)
    value = pools @ activations  # (N, pools * pools, words)
    shape = transform.pools, transform.pools, transform.words
    return flow._replace(value=reshape(value, -1, *shape), shape=shape)


def _patches(shape: tuple[int, ...], transform: codebooks.Codebook) -> Array:
    """Return where in a picture's row the numbers of a patch are, (rows, columns, numbers)."""
    height, width, channels = shape
    side, stride = transform.patch, transform.stride
    starts = [np.arange(0, length - side + 1, stride) for length in (height, width)]
    _checked_size(*map(len, starts), channels, side, side)
    down, right = np.ix_(*starts)
    corners = (down * width + right)[..., np.newaxis, np.newaxis, np.newaxis] * channels
    channel, y, x = np.ix_(np.arange(channels), np.arange(side), np.arange(side))
    return (corners + (y * width + x) * channels + channel).reshape(*corners.shape[:2], -1)


def _contrast_normalized(patches: Tensor) -> Tensor:
    centred = patches - mean(patches, axis=-1)
    variances = mean(centred * centred, axis=-1)
    return centred / operator("Sqrt", variances + codebooks._CONTRAST)


def _distances(points: Tensor, centres: Tensor) -> Tensor:
    """Return the distances of points, (N, points, numbers), to centres, (centres, numbers)."""
    of_centres = transpose(total(centres * centres, axis=-1), 1, 0)
    squares = total(points * points, axis=-1) + of_centres
    return operator("Sqrt", maximum(squares - points @ transpose(2 * centres, 1, 0), 0))


def _pools(count: int, rows: int, columns: int) -> Array:
    """Return the matrix of the means over parts of the patches, (count * count, patches)."""
    _checked_size(count, count, rows, columns)
    down, right = (_means_of_parts(count, length) for length in (rows, columns))
    return np.kron(down, right)


def _means_of_parts(count: int, length: int) -> Array:
    places = np.arange(length)
    parts = [(places >= of.start) & (places < of.stop) for of in codebooks._parts(count, length)]
    return np.array([of / of.sum() for of in parts])


def _standardize(_: Standardize, learned: Learned, flow: Flow) -> Flow:
    centre, deviation = (learned.tensor(name, flow.value) for name in ("mean", "deviation"))
    return flow._replace(value=(flow.value - centre) / deviation)


def _scale_groups(transform: ScaleGroups, learned: Learned, flow: Flow) -> Flow:
    scale = learned.tensor("scale", flow.value)
    if len(transform.sizes) < 2:
        return flow._replace(value=flow.value / scale)
    _checked_size(sum(transform.sizes))
    groups = np.repeat(np.arange(len(transform.sizes)), transform.sizes)
    return flow._replace(value=flow.value / take(scale, groups.reshape(flow.shape), axis=0))


def _logarithm(transform: Logarithm, _: Learned, flow: Flow) -> Flow:
    sizes = operator("Log", operator("Abs", flow.value) * transform.factor + 1)
    return flow._replace(value=operator("Sign", flow.value) * sizes)


def _square_root(_: SquareRoot, __: Learned, flow: Flow) -> Flow:
    sizes = operator("Sqrt", operator("Abs", flow.value))
    return flow._replace(value=operator("Sign", flow.value) * sizes)


def _principal_components(_: PrincipalComponents, learned: Learned, flow: Flow) -> Flow:
    rows = as_rows(flow).value
    centre, components = (learned.tensor(name, rows) for name in ("mean", "components"))
    along = (rows - centre) @ transpose(components, 1, 0)
    return flow._replace(value=along, shape=(len(learned.arrays["components"]),))


_FORMULAS: Mapping[type, Callable[[Any, Learned, Flow], Flow]] = {
    Chain: _chain,
    Beside: _beside,
    pictures.Grey: _grey,
    pictures.Downscale: _downscale,
    pictures.MirrorViews: _mirror_views,
    pictures.CropViews: _crop_views,
    descriptors.ColourHistogram: _colour_histogram,
    descriptors.OrientedGradients: _oriented_gradients,
    codebooks.Codebook: _codebook,
    Standardize: _standardize,
    ScaleGroups: _scale_groups,
    Logarithm: _logarithm,
    SquareRoot: _square_root,
    PrincipalComponents: _principal_components,
}


def _checked_size(*shape: int) -> tuple[int, ...]:
    """Return the shape; refuse one of so many numbers that a small file could fill the memory."""
    if (count := prod(shape)) > LARGEST:
        raise ValueError(
            f"{count:,} numbers of an example; expected at most {LARGEST:,}: choose smaller "
            "settings"
        )
    return shape
