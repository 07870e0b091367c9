"""Curves as inline SVG, in the colours of the page around them."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, log10
from typing import NamedTuple

from catpipe.shell.report.html import Markup, element

WIDTH, HEIGHT = 480, 270
LEFT, RIGHT, TOP, BOTTOM = 56, 24, 12, 44  # margins
MOST_POINTS = 400
STYLES = 8  # of lines, in the style sheet

Point = tuple[float, float]


class Curve(NamedTuple):
    """A curve, its name, and the lowest and highest of what it is the mean of."""

    name: str
    points: Sequence[Point]
    band: Sequence[tuple[float, float]] = ()


def chart(title: str, x: str, y: str, curves: Sequence[Curve]) -> Markup:
    """Return a chart of the curves, from 0 upwards, with ticks, labels, and names where many.

    >>> drawn = chart("Cost", "iteration", "cost", [Curve("a", [(0, 0.7), (100, 0.5)])])
    >>> drawn[:34], drawn.count("<polyline")
    ('<figure><svg viewBox="0 0 480 270"', 1)
    """
    thin = [_thinned(curve) for curve in curves]
    top = max([high for of in thin for _, high in (*of.points, *of.band)], default=1)
    lowest = min([low for of in thin for low in (*(p[1] for p in of.points),
                                                 *(b[0] for b in of.band))], default=0)  # fmt: skip
    xs = ticks(0, max([of.points[-1][0] for of in thin], default=1) or 1)
    ys = ticks(min(0, lowest), top if top > min(0, lowest) else 1)
    drawing = element(
        "svg",
        element("title", title),
        *_axes(xs, ys, x, y),
        *(part for i, curve in enumerate(thin) for part in _lines(curve, i, xs, ys)),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=title,
    )
    names = [_named(curve.name, i) for i, curve in enumerate(curves)] if len(curves) > 1 else []
    legend = element("ul", *names, class_="legend") if names else Markup()
    return element("figure", drawing, element("figcaption", title, legend))


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


def _at(point: Point, xs: Sequence[float], ys: Sequence[float]) -> str:
    across = LEFT + (point[0] - xs[0]) / (xs[-1] - xs[0]) * (WIDTH - LEFT - RIGHT)
    down = HEIGHT - BOTTOM - (point[1] - ys[0]) / (ys[-1] - ys[0]) * (HEIGHT - TOP - BOTTOM)
    return f"{across:.1f},{down:.1f}"


def _axes(xs: Sequence[float], ys: Sequence[float], x: str, y: str) -> list[Markup]:
    floor_, end = HEIGHT - BOTTOM, WIDTH - RIGHT
    grid, labels = [], []
    for tick in ys:
        _, down = _at((xs[0], tick), xs, ys).split(",")
        grid.append(element("line", x1=LEFT, x2=end, y1=down, y2=down, class_="grid"))
        labels.append(element("text", f"{tick:.6g}", x=LEFT - 6, y=down, dy="0.35em",
                              text_anchor="end"))  # fmt: skip
    for tick in xs:
        across, _ = _at((tick, ys[0]), xs, ys).split(",")
        labels.append(element("text", f"{tick:.6g}", x=across, y=floor_ + 16, text_anchor="middle"))
    middle = (TOP + floor_) / 2
    names = [
        element("text", x, x=(LEFT + end) / 2, y=HEIGHT - 6, text_anchor="middle"),
        element("text", y, x=12, y=middle, text_anchor="middle",
                transform=f"rotate(-90 12 {middle})"),
    ]  # fmt: skip
    return [*grid, *labels, *names]


def _lines(curve: Curve, number: int, xs: Sequence[float], ys: Sequence[float]) -> list[Markup]:
    line = " ".join(_at(point, xs, ys) for point in curve.points)
    lows = [(p[0], low) for p, (low, _) in zip(curve.points, curve.band, strict=False)]
    highs = [(p[0], high) for p, (_, high) in zip(curve.points, curve.band, strict=False)]
    around = " ".join(_at(point, xs, ys) for point in (*lows, *reversed(highs)))
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
