"""Figures of training: what the cost was, and the cost and score on several sets of examples."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from catpipe.experiments.curves import LearningCurves
from catpipe.shell.report.figures.canvas import COLOURS, new_figure, without_frame
from catpipe.training.cost_history import Costs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLES = ("-", "--", ":", "-.")


def cost_figure(costs: Mapping[str, Costs]) -> Figure:
    """Return the figure of the sampled training costs of runs, by their names, overlaid.

    A stack's are a line of the mean, in a band from the lowest to the highest.
    """
    figure = new_figure(7, 4)
    draw_costs(figure.subplots(), costs)
    return figure


def draw_costs(axes: Any, costs: Mapping[str, Costs]) -> None:
    """Draw the costs of runs, by their names, into these axes."""
    for (name, samples), colour in zip(costs.items(), cycle(COLOURS), strict=False):
        if samples:
            iterations, values = zip(*samples, strict=True)
            _draw_line(axes, iterations, np.array(values), colour, "-", name)
    _finish(axes, "training cost", is_named=len(costs) > 1)
    axes.set_ylim(0, None)


def curves_figure(curves: Mapping[str, LearningCurves], score: str) -> Figure:
    """Return the figure of learning curves of runs, by their names: costs beside scores.

    A colour is a run, or a set of examples where there is one run; a style of lines is a set.
    """
    figure = new_figure(11, 4)
    left, right = figure.subplots(1, 2)
    for axes, what in ((left, "costs"), (right, "scores")):
        _draw_curves(axes, curves, what)
    _finish(left, "cost", is_named=True)
    left.set_ylim(0, None)
    _finish(right, score, is_named=False)
    return figure


def _draw_curves(axes: Any, curves: Mapping[str, LearningCurves], what: str) -> None:
    several = len(curves) > 1
    for place, (name, of_run) in enumerate(curves.items()):
        for number, (of_set, values) in enumerate(getattr(of_run, what).items()):
            colour = COLOURS[(place if several else number) % len(COLOURS)]
            label = f"{name}, {of_set}" if several else of_set
            style = STYLES[number % len(STYLES)]
            _draw_line(axes, of_run.iterations, values, colour, style, label)


def _draw_line(
    axes: Any, iterations: ArrayLike, values: Any, colour: str, style: str, name: str
) -> None:
    """Draw a line of values, (samples,), or of the mean of a stack's, (samples, networks)."""
    of_networks = values.reshape(len(values), -1)
    count = of_networks.shape[1]
    label = f"{name} (mean of {count}, and their range)" if count > 1 else name
    (line,) = axes.plot(iterations, of_networks.mean(1), style, color=colour, linewidth=1.6)
    line.set_label(f"\u200b{label}" if label.startswith("_") else label)  # "_" hides a label
    if count > 1:
        low, high = of_networks.min(1), of_networks.max(1)
        axes.fill_between(iterations, low, high, color=colour, alpha=0.18, linewidth=0)


def _finish(axes: Any, what: str, *, is_named: bool) -> None:
    axes.set(xlabel="iteration", ylabel=what)
    without_frame(axes)
    if is_named and axes.get_legend_handles_labels()[0]:
        legend = axes.legend(frameon=False, fontsize=9)
        for text in legend.get_texts():
            text.set_parse_math(False)
