"""Shapes as distances, and a picture as a fold: each shape is painted over those before it.

A shape is a function from coordinates (x to the right, y down) to the distance from its edge,
negative inside. A distance in pixels makes a smooth edge, and distances combine: the distance from
a union is the smallest of the distances.

Only sums, products, quotients and square roots are used. Every IEEE 754 machine rounds them alike,
so pictures are equal to the bit everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from itertools import pairwise
from math import sqrt
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[np.float64]
Shape: TypeAlias = Callable[[Numbers, Numbers], Numbers]
Point: TypeAlias = tuple[float, float]
Colour: TypeAlias = tuple[float, float, float]


class Paint(NamedTuple):
    """A shape in one colour; its edge fades over `blur` pixels, and opacity 0 is invisible."""

    shape: Shape
    colour: Colour
    opacity: float = 1.0
    blur: float = 1.0


class Pose(NamedTuple):
    """The place of a drawing's origin and the size of its unit, in pixels; turn is tan(angle / 2).

    Positive turns are clockwise on the picture.
    """

    x: float
    y: float
    size: float
    turn: float = 0.0


def paint(canvas: Numbers, paints: Iterable[Paint]) -> Numbers:
    """Return the canvas, (height, width, 3), with these shapes painted over it, the first lowest.

    >>> paint(np.zeros((1, 3, 3)), [Paint(box(0, 0, 1.5, 1), (8.0, 8.0, 8.0))])[..., 0]
    array([[8., 4., 0.]])
    """
    height, width, _ = canvas.shape
    y, x = np.ogrid[0.5:height, 0.5:width]

    def over(below: Numbers, top: Paint) -> Numbers:
        covered = top.opacity * np.clip(0.5 - top.shape(x, y) / top.blur, 0, 1)
        return below + covered[..., np.newaxis] * (np.array(top.colour) - below)

    return reduce(over, paints, canvas)


def ellipse(centre: Point, radii: Point) -> Shape:
    """Return the ellipse; its distance is Taubin's, f / |grad f|, exact at the edge.

    >>> ellipse((0, 0), (4, 2))(np.array([0.0, 4.0]), np.array([2.0, 0.0]))
    array([0., 0.])
    """
    (x0, y0), (a, b) = centre, radii

    def distance(x: Numbers, y: Numbers) -> Numbers:
        u, v = (x - x0) / a, (y - y0) / b
        slope: Numbers = 2 * np.sqrt((u / a) * (u / a) + (v / b) * (v / b))
        return (u * u + v * v - 1) / np.maximum(slope, 1e-9)

    return distance


def polygon(*corners: Point) -> Shape:
    """Return the convex polygon with these corners, clockwise on the picture.

    >>> polygon((0, 0), (2, 0), (2, 2))(np.array([1.0, 3.0]), np.array([0.0, 1.0]))
    array([0., 1.])
    """

    def side(start: Point, end: Point) -> Shape:
        (x0, y0), (dx, dy) = start, _step(start, end)
        length = sqrt(dx * dx + dy * dy)
        return lambda x, y: (dy * (x - x0) - dx * (y - y0)) / length

    return common(*(side(*ends) for ends in pairwise((*corners, corners[0]))))


def box(left: float, top: float, right: float, bottom: float) -> Shape:
    """Return the upright rectangle between these sides.

    >>> box(0, 0, 2, 2)(np.array([1.0, 1.0]), np.array([1.0, 5.0]))
    array([-1.,  3.])
    """
    return polygon((left, top), (right, top), (right, bottom), (left, bottom))


def stroke(width: float, *points: Point) -> Shape:
    """Return the line of a pen through these points, of this width and with round ends.

    >>> stroke(2, (0, 0), (3, 0))(np.array([2.0, 5.0]), np.array([0.0, 0.0]))
    array([-1.,  1.])
    """

    def segment(start: Point, end: Point) -> Shape:
        (x0, y0), (dx, dy) = start, _step(start, end)

        def distance(x: Numbers, y: Numbers) -> Numbers:
            along = np.clip((dx * (x - x0) + dy * (y - y0)) / (dx * dx + dy * dy), 0, 1)
            u, v = x - x0 - along * dx, y - y0 - along * dy
            return np.sqrt(u * u + v * v) - width / 2

        return distance

    return union(*(segment(*ends) for ends in pairwise(points)))


def union(*shapes: Shape) -> Shape:
    """Return the union of the shapes.

    >>> union(box(0, 0, 2, 2), box(4, 0, 6, 2))(np.array([1.0, 3.0, 5.0]), np.array([1.0]))
    array([-1.,  1., -1.])
    """
    return lambda x, y: reduce(np.minimum, [shape(x, y) for shape in shapes])


def common(*shapes: Shape) -> Shape:
    """Return the intersection of the shapes.

    >>> common(box(0, 0, 3, 2), box(1, 0, 6, 2))(np.array([0.0, 2.0, 5.0]), np.array([1.0]))
    array([ 1., -1.,  2.])
    """
    return lambda x, y: reduce(np.maximum, [shape(x, y) for shape in shapes])


def mirrored(shape: Shape) -> Shape:
    """Return the right half of the shape and its mirror image on the left of x = 0.

    >>> mirrored(box(2, 0, 4, 2))(np.array([-3.0, 3.0]), np.array([1.0]))
    array([-1., -1.])
    """
    return lambda x, y: shape(np.abs(x), y)


def placed(shape: Shape, pose: Pose) -> Shape:
    """Return the shape turned, enlarged and moved to its pose; its distances are in pixels.

    >>> placed(box(-1, -1, 1, 1), Pose(10, 10, 4))(np.array([10.0, 16.0]), np.array([10.0]))
    array([-4.,  2.])
    """
    square = pose.turn * pose.turn
    # Computed from the half angle's tangent: a library's sine rounds differently on other machines.
    cosine, sine = (1 - square) / (1 + square), 2 * pose.turn / (1 + square)

    def distance(x: Numbers, y: Numbers) -> Numbers:
        u, v = (x - pose.x) / pose.size, (y - pose.y) / pose.size
        return pose.size * shape(cosine * u + sine * v, cosine * v - sine * u)

    return distance


def _step(start: Point, end: Point) -> Point:
    return end[0] - start[0], end[1] - start[1]
