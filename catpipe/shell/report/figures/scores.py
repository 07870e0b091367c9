"""Figures of how good a run is: the confusion matrix, and how true its probabilities are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from catpipe.metrics.intervals import wilson_interval
from catpipe.metrics.probabilities import calibration_error, reliability
from catpipe.nn.arrays import Array
from catpipe.shell.report.figures.canvas import COLOURS, LINE, new_figure, without_frame

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_NUMBERS = 20  # classes, beyond which counts do not fit into their squares


def confusion_figure(table: NDArray[np.int64], classes: tuple[str, ...]) -> Figure:
    """Return the figure of a confusion matrix, (classes, classes): a row is a true class."""
    side = 2.6 + 0.45 * min(len(classes), 30)
    figure = new_figure(side + 0.8, side)
    draw_confusion(figure.subplots(), table, classes)
    return figure


def draw_confusion(axes: Any, table: NDArray[np.int64], classes: tuple[str, ...]) -> None:
    """Draw a confusion matrix; a square is as dark as its share of the true class."""
    shares = table / np.maximum(1, table.sum(1, keepdims=True))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    places, is_long = range(len(classes)), sum(map(len, classes)) > 40
    axes.set(xlabel="predicted class", ylabel="true class")
    axes.set_xticks(places, classes, parse_math=False, rotation=90 if is_long else 0)
    axes.set_yticks(places, classes, parse_math=False)
    for row, column in np.ndindex(table.shape) if len(classes) <= MOST_NUMBERS else ():
        colour = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, table[row, column], ha="center", va="center", color=colour)


def calibration_figure(probabilities: Array, labels: ArrayLike, bins: int = 10) -> Figure:
    """Return the reliability diagram: of predictions as confident, how many are right.

    probabilities: (classes, examples), labels: (examples,). Bars are Wilson intervals of 95 %.
    """
    shares, confidences, accuracies = reliability(probabilities, labels, bins)
    counts = np.rint(shares * probabilities.shape[1])
    pairs = zip(counts * accuracies, counts, strict=True)
    ends = np.array([wilson_interval(min(right, count), count) for right, count in pairs]).T
    figure = new_figure(5.2, 4.6)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="#888888", linewidth=1)
    reach = np.maximum(0, np.abs(ends - accuracies))
    axes.errorbar(confidences, accuracies, reach, fmt="none", ecolor=LINE, elinewidth=1)
    axes.scatter(confidences, accuracies, 20 + 400 * shares, color=COLOURS[0], zorder=3)
    error = calibration_error(probabilities, labels, bins)
    axes.set(xlabel="confidence (probability of the predicted class)", ylabel="accuracy",
             xlim=(min(0.45, confidences.min() - 0.05), 1.03), ylim=(-0.03, 1.03))  # fmt: skip
    axes.set_title(
        f"calibration error {error:.3f}; a dot's area is its share of the examples,\n"
        "its bar a 95 % interval; on the line confidence is right",
        fontsize=10,
    )
    without_frame(axes)
    return figure
