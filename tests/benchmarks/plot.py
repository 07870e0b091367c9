"""The contests as bars and growth as lines, drawn with matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from tests.benchmarks.contest import Contest

OURS, THEIRS = "#1f4e79", "#b8b8b8"


def plot(contests: Sequence[Contest], growth: dict[str, dict[str, Any]]) -> bytes:
    """Return a PNG: a row of bars for each contest, and below them a row of lines."""
    from matplotlib.figure import Figure

    bars = [(_bars, (contest,)) for contest in contests]
    lines = [(_lines, line) for line in growth.items()]
    rows: list[Any] = [row for row in (bars, lines) if row]
    figure = Figure(figsize=(16, 3.6 * len(rows)), layout="constrained")
    subfigures = figure.subfigures(len(rows), 1, squeeze=False)[:, 0]
    for subfigure, row in zip(subfigures, rows, strict=True):
        for axes, drawn in zip(subfigure.subplots(1, len(row), squeeze=False)[0], row, strict=True):
            draw, arguments = drawn
            draw(axes, *arguments)
    png = BytesIO()
    figure.savefig(png, format="png", dpi=110, metadata={"Software": None})
    return png.getvalue()


def _bars(axes: Any, contest: Contest) -> None:
    rows = sorted(contest.rows, key=lambda row: row.seconds, reverse=True)
    colours = [OURS if row is contest.rows[0] else THEIRS for row in rows]
    bars = axes.barh([row.name for row in rows], [row.seconds for row in rows], color=colours)
    axes.bar_label(bars, fmt="%.3g s", padding=3)
    axes.margins(x=0.25)
    of = f"{contest.networks} networks" if contest.networks > 1 else "the published run"
    axes.set(xlabel="seconds", title=f"{of}, {contest.dtype}")
    axes.spines[["top", "right"]].set_visible(False)


def _lines(axes: Any, name: str, line: dict[str, Any]) -> None:
    for key, colour, slope in (("seconds", OURS, "slope"), ("full_space", THEIRS, None)):
        label = f"fit: slope {line[slope]:.2f}" if slope else "full space"
        axes.plot(line["sizes"], line[key], "o-", color=colour, label=label)
    axes.set(xscale="log", yscale="log", xlabel=name, ylabel="seconds")
    axes.set_xticks(line["sizes"], [f"{size:,}" for size in line["sizes"]], size=8)
    axes.set_xticks([], minor=True)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
