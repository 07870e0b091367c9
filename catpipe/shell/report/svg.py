"""Curves as inline SVG, in the colours of the page around them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from math import floor, log10
from typing import NamedTuple

from catpipe.shell.report.html import Markup, element

WIDTH, HEIGHT = 360, 230  # as wide as a phone, so that there text has the size that it says
TEXT, DIGIT = 13, 7.5  # the size of text, and how wide a digit is
RIGHT, TOP, BOTTOM = 20, 28, 42  # margins; the left one is as wide as its numbers
MOST_POINTS = 400
STYLES = 8  # of lines, in the style sheet

Point = tuple[float, float]


class Curve(NamedTuple):
    """A curve, its name, and the lowest and highest of what it is the mean of."""

    name: str
    points: Sequence[Point]
    band: Sequence[tuple[float, float]] = ()


class Frame(NamedTuple):
    """The ticks of both axes, and where the first of them is from the left."""

    xs: Sequence[float]
    ys: Sequence[float]
    left: float

    def at(self, x: float, y: float) -> str:
        """Return where a point is in the drawing: rightwards, and down."""
        (x0, *_, x1), (y0, *_, y1) = self.xs, self.ys
        across = self.left + (x - x0) / (x1 - x0) * (WIDTH - self.left - RIGHT)
        down = HEIGHT - BOTTOM - (y - y0) / (y1 - y0) * (HEIGHT - TOP - BOTTOM)
        return f"{across:.1f},{down:.1f}"


def chart(title: str, x: str, y: str, curves: Sequence[Curve], top: float | None = None) -> Markup:
    """Return a chart of the curves, from 0 to `top` at least, with their names where many.

    >>> drawn = chart("Cost", "iteration", "cost", [Curve("a", [(0, 0.7), (100, 0.5)])])
    >>> drawn[:34], drawn.count("<polyline")
    ('<figure><figcaption>Cost</figcapti', 1)
    """
    thin = [_thinned(curve) for curve in curves]
    heights = [y for of in thin for y in (*(y for _, y in of.points), *chain(*of.band))]
    low, high = min(0, *heights), max(heights) if top is None else top
    ys = ticks(low, high if high > low else 1)
    xs = ticks(0, max(of.points[-1][0] for of in thin) or 1)
    frame = Frame(xs, ys, 10 + DIGIT * max(len(f"{tick:.6g}") for tick in ys))
    drawing = element(
        "svg",
        element("title", title),
        *_axes(frame, x, y),
        *(part for i, curve in enumerate(thin) for part in _lines(curve, i, frame)),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=title,
    )
    names = [_named(curve.name, i) for i, curve in enumerate(curves)] if len(curves) > 1 else []
    legend = [element("ul", *names, class_="legend")] if names else []
    return element("figure", element("figcaption", title), drawing, *legend)


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return about so many round numbers, evenly apart, which reach from low to high or beyond.

    >>> ticks(0, 2500), ticks(0, 0.69)
    ([0.0, 500.0, 1000.0, 1500.0, 2000.0, 2500.0], [0.0, 0.2, 0.4, 0.6, 0.8])
    """
    rough = (high - low) / count
    power = 10.0 ** floor(log10(rough))
    step = next(of * power for of in (1, 2, 5, 10) if of * power >= rough * (1 - 1e-9))
    first, last = floor(low / step), -floor(-high / step)
    return [float(f"{number * step:.10g}") for number in range(first, last + 1)]


def _thinned(curve: Curve) -> Curve:
    """Return the curve with every so many of its points, and the last."""
    step = -(-len(curve.points) // MOST_POINTS) or 1
    chosen = [*range(0, len(curve.points) - 1, step), len(curve.points) - 1]
    band = [curve.band[i] for i in chosen] if curve.band else ()
    return curve._replace(points=[curve.points[i] for i in chosen], band=band)


def _axes(frame: Frame, x: str, y: str) -> list[Markup]:
    """Return lines across at each tick of y, the ticks' numbers, and what is on the axes."""
    left, end, floor_ = f"{frame.left:.1f}", WIDTH - RIGHT, HEIGHT - BOTTOM
    grid, labels = [], []
    for tick in frame.ys:
        _, down = frame.at(frame.xs[0], tick).split(",")
        grid.append(element("line", x1=left, x2=end, y1=down, y2=down, class_="grid"))
        labels.append(element("text", f"{tick:.6g}", x=f"{frame.left - 6:.1f}", y=down,
                              dy="0.35em", text_anchor="end"))  # fmt: skip
    for tick in frame.xs:
        across, _ = frame.at(tick, frame.ys[0]).split(",")
        labels.append(element("text", f"{tick:.6g}", x=across, y=floor_ + 17, text_anchor="middle"))
    names = [
        element("text", y, x=0, y=TEXT),
        element("text", x, x=end, y=HEIGHT - 6, text_anchor="end"),
    ]
    return [*grid, *labels, *names]


def _lines(curve: Curve, number: int, frame: Frame) -> list[Markup]:
    line = " ".join(frame.at(*point) for point in curve.points)
    lows = [(x, low) for (x, _), (low, _) in zip(curve.points, curve.band, strict=False)]
    highs = [(x, high) for (x, _), (_, high) in zip(curve.points, curve.band, strict=False)]
    around = " ".join(frame.at(*point) for point in (*lows, *reversed(highs)))
    style = f"line{number % STYLES}"
    band = [element("polygon", points=around, class_=f"band {style}")] if around else []
    return [*band, element("polyline", points=line, class_=f"line {style}")]


def _named(name: str, number: int) -> Markup:
    sample = element(
        "svg",
        element("line", x1=0, x2=28, y1=5, y2=5, class_=f"line line{number % STYLES}"),
        viewBox="0 0 28 10",
        aria_hidden="true",
    )
    return element("li", sample, element("span", name))
