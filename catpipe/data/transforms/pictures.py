"""Pictures become simpler pictures, or several views of each."""

from __future__ import annotations

from dataclasses import dataclass
from reprlib import repr as brief

import numpy as np

from catpipe.checks import check_whole, is_number
from catpipe.data.transforms.boundaries import as_pictures
from catpipe.data.transforms.composition import LearnsNothing, Transform
from catpipe.nn.arrays import Array
from catpipe.nn.parameters import Parameters
from catpipe.random import CROP, generator

LUMA = (0.299, 0.587, 0.114)
"""The weights of red, green and blue in what the eye sees as brightness (ITU-R BT.601)."""


@dataclass(frozen=True)
class Grey(LearnsNothing):
    """The transform of `grey`."""

    def apply(self, fitted: Parameters, inputs: Array) -> Array:  # noqa: ARG002
        """Return the brightness of each pixel."""
        pictures = as_pictures("grey", inputs)
        channels = pictures.shape[-1]
        if channels not in (1, 3):
            raise ValueError(
                f"pictures of {channels} channels to grey; expected red, green and blue, or grey "
                "ones: leave it out"
            )
        weights = np.array(LUMA if channels == 3 else (1,), pictures.dtype)
        return (pictures @ weights)[..., np.newaxis]

    def transposed(
        self,
        fitted: Parameters,  # noqa: ARG002
        shape: tuple[int, ...],
        gradients: Array,
    ) -> Array:
        """Return the gradient of each colour: its weight times that of the brightness."""
        weights = np.array(LUMA if shape[-1:] == (3,) else (1,), gradients.dtype)
        return (gradients * weights).reshape(-1, *shape)


def grey() -> Transform:
    """Return the transform of colours to their brightness (ITU-R BT.601).

    inputs: (examples, height, width, 3 or 1) -> (examples, height, width, 1).

    >>> grey().apply(Parameters(), np.array([[[[1.0, 0.0, 0.0]]]]))
    array([[[[0.299]]]])
    """
    return Grey()


@dataclass(frozen=True)
class Downscale(LearnsNothing):
    """The transform of `downscale`."""

    side: int

    def apply(self, fitted: Parameters, inputs: Array) -> Array:  # noqa: ARG002
        """Return the mean over the area of each new pixel."""
        pictures = np.moveaxis(as_pictures("downscale", inputs), -1, 1)
        height, width = pictures.shape[-2:]
        if self.side > max(height, width):
            raise ValueError(
                f"pictures of {height} x {width} pixels to downscale to {self.side} x {self.side}; "
                "expected a smaller side: choose one"
            )
        down, right = (_area_means(self.side, n, pictures.dtype) for n in (height, width))
        return np.moveaxis(down @ pictures @ right.T, 1, -1)

    def transposed(
        self,
        fitted: Parameters,  # noqa: ARG002
        shape: tuple[int, ...],
        gradients: Array,
    ) -> Array:
        """Return the gradient of each pixel: its share of that of the new pixels it is in."""
        planes = np.moveaxis(gradients, -1, 1)
        down, right = (_area_means(self.side, n, planes.dtype) for n in shape[:2])
        return np.moveaxis(down.T @ planes @ right, 1, -1).reshape(-1, *shape)


def downscale(side: int) -> Transform:
    """Return the transform to pictures of `side` x `side` pixels, each the mean over its area.

    inputs: (examples, height, width, channels) -> (examples, side, side, channels), where height
    and width need not be multiples of the side. Raises `ValueError` for a side that is no integer
    of at least 1; when applied, for smaller pictures.

    >>> downscale(1).apply(Parameters(), np.array([[[[0.0], [1.0], [0.5]]]]))
    array([[[[0.5]]]])
    """
    return Downscale(check_whole("side of downscale", side))


@dataclass(frozen=True)
class MirrorViews(LearnsNothing):
    """The transform of `mirror_views`."""

    def apply(self, fitted: Parameters, inputs: Array) -> Array:  # noqa: ARG002
        """Return each picture, and after it its mirror image."""
        pictures = as_pictures("mirror_views", inputs)
        views = np.stack((pictures, pictures[:, :, ::-1]), axis=1)
        return views.reshape(2 * len(pictures), *pictures.shape[1:])

    def transposed(
        self,
        fitted: Parameters,  # noqa: ARG002
        shape: tuple[int, ...],
        gradients: Array,
    ) -> Array:
        """Return the gradient of the picture, and that of its mirror image turned back."""
        views = gradients.reshape(-1, 2, *gradients.shape[1:])
        return (views[:, 0] + views[:, 1, :, ::-1]).reshape(-1, *shape)


def mirror_views() -> Transform:
    """Return the transform to two views of each picture: itself, and then its mirror image.

    inputs: (examples, height, width, channels) -> (examples * 2, height, width, channels).

    >>> mirror_views().apply(Parameters(), np.array([[[[0.0], [1.0]]]])).reshape(2, 2)
    array([[0., 1.],
           [1., 0.]])
    """
    return MirrorViews()


@dataclass(frozen=True)
class CropViews:
    """The transform of `crop_views`."""

    count: int
    side: int
    least: float = 0.1

    def fit(self, inputs: Array, seed: int) -> Parameters:
        """Return the parts, (count, 3): their top, left and side, as shares of a picture's."""
        area, top, left = generator(seed, CROP).random((self.count, 3)).T
        side = np.sqrt(self.least + (1 - self.least) * area)
        parts = np.stack((top * (1 - side), left * (1 - side), side), axis=1)
        return Parameters(parts=parts.astype(inputs.dtype))

    def apply(self, fitted: Parameters, inputs: Array) -> Array:
        """Return each part of each picture, every new pixel the mean over its area."""
        pictures = np.moveaxis(as_pictures("crop_views", inputs), -1, 1)
        size = pictures.shape[-2:]
        means = [self._means(part, size, pictures.dtype) for part in fitted["parts"]]
        views = np.stack([down @ pictures @ right.T for down, right in means], axis=1)
        return np.moveaxis(views, 2, -1).reshape(-1, self.side, self.side, pictures.shape[1])

    def transposed(self, fitted: Parameters, shape: tuple[int, ...], gradients: Array) -> Array:
        """Return the gradient of each pixel: its share of that of the new pixels it is in."""
        planes = np.moveaxis(gradients, -1, 1)
        views = planes.reshape(-1, len(fitted["parts"]), *planes.shape[1:])
        means = [self._means(part, shape[:2], gradients.dtype) for part in fitted["parts"]]
        pictures = [down.T @ views[:, i] @ right for i, (down, right) in enumerate(means)]
        return np.moveaxis(np.add.reduce(pictures), 1, -1).reshape(-1, *shape)

    def _means(self, part: Array, size: tuple[int, ...], dtype: np.dtype) -> tuple[Array, Array]:
        """Return the matrices that take the means over a part of a picture, down and right."""
        top, left, side = map(float, part)
        down, right = (
            _area_means(self.side, length, dtype, begin, begin + side)
            for begin, length in zip((top, left), size, strict=True)
        )
        return down, right


def crop_views(count: int, side: int, least: float = 0.1) -> Transform:
    """Return the transform to `count` parts of each picture, of `side` x `side` pixels each.

    inputs: (examples, height, width, channels) -> (examples * count, side, side, channels). The
    parts are the same of all pictures, which seed draws: the area is uniform from `least` of the
    picture to the whole, and so is the place (Szegedy et al. 2015, section 6; a prediction is the
    mean over the parts, as in Krizhevsky et al. 2012, section 4.1). Raises `ValueError` for a count
    or side that is no integer of at least 1, and a `least` that is not in (0, 1].

    >>> whole = crop_views(count=1, side=1, least=1)
    >>> whole.apply(whole.fit(np.ones((1, 1, 3, 1)), seed=1), np.array([[[[0.0], [1.0], [0.5]]]]))
    array([[[[0.5]]]])
    """
    if not is_number(least) or not 0 < least <= 1:
        raise ValueError(
            f"parts of at least {brief(least)} of the area; expected a number above 0, at most 1"
        )
    return CropViews(
        check_whole("count of crop_views", count),
        check_whole("side of crop_views", side),
        float(least),
    )


def _area_means(
    parts: int, length: int, dtype: np.dtype, begin: float = 0.0, end: float = 1.0
) -> Array:
    """Return the matrix (parts, length) that takes the mean over each of equal parts of a line.

    The parts divide the line from `begin` to `end`, which are shares of it.
    """
    size = length * (end - begin)
    edges = length * begin + np.arange(parts + 1)[:, np.newaxis] * (size / parts)
    covered = np.clip(edges - np.arange(length), 0, 1)  # of each pixel, up to each edge
    return (np.diff(covered, axis=0) * (parts / size)).astype(dtype)
