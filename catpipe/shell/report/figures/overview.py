"""The overview of a run: its cost beside what it predicts, the picture of the README."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from catpipe.data.examples import Examples
from catpipe.experiments.experiment import is_regression
from catpipe.experiments.result import Result, ensemble_predictions, ensemble_probabilities
from catpipe.metrics.scores import confusion
from catpipe.shell.report.figures.canvas import RIGHT, WRONG, new_figure
from catpipe.shell.report.figures.examples import draw_image, draw_regression
from catpipe.shell.report.figures.scores import draw_confusion
from catpipe.shell.report.figures.training import draw_costs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROWS, COLUMNS = 2, 5


def overview_figure(result: Result, classes: tuple[str, ...], examples: Examples) -> Figure:
    """Return the figure of a run: the cost curve beside what the network predicts.

    Of pictures these are the first, each with its class; of features the confusion matrix; of a
    regression the predictions against the targets.
    """
    figure = new_figure(11, 3.8)
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=(1, 1.7))[0]
    draw_costs(left.subplots(), {"": result.costs})
    are_pictures = examples.inputs.ndim == 4 and not is_regression(result.experiment)
    colours = ": right in green, wrong in orange" if are_pictures else ""
    right.suptitle(f"test examples, and the network's predictions{colours}", fontsize=11)
    if is_regression(result.experiment):
        found = ensemble_predictions(result, examples.inputs)
        draw_regression(right.subplots(), examples.targets, found)
    elif are_pictures:
        _draw_pictures(right.subplots(ROWS, COLUMNS), result, classes, examples)
    else:
        found = ensemble_predictions(result, examples.inputs)
        draw_confusion(right.subplots(), confusion(found, examples.targets, len(classes)), classes)
    return figure


def _draw_pictures(grid: Any, result: Result, classes: tuple[str, ...], examples: Examples) -> None:
    images, labels = examples.inputs[: grid.size], examples.targets[: grid.size]
    sure = ensemble_probabilities(result, images)
    for axes in grid.flat:
        axes.set_axis_off()
    each = zip(grid.flat, images, labels, sure.argmax(0), np.max(sure, 0), strict=False)
    for axes, image, label, number, probability in each:
        draw_image(axes, image)
        axes.set_title(
            f"{classes[number]} {100 * probability:.0f} %",
            color=RIGHT if number == label else WRONG,
            fontsize=10,
            parse_math=False,
        )
