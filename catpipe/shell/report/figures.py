"""Pictures of a run, drawn with matplotlib."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from warnings import catch_warnings

import numpy as np

from catpipe.data.examples import Examples
from catpipe.experiments.result import Result, predictions, probabilities
from catpipe.training.cost_history import Costs

RIGHT, WRONG, CURVE = "#2a7f3f", "#c0392b", "#1f4e79"
ROWS, COLUMNS = 2, 5
PNG = b"\x89PNG\r\n\x1a\n"


def run_figure(result: Result, classes: tuple[str, ...], pictures: Examples) -> bytes:
    """Return a PNG: the cost curve beside the first pictures, each with what the network says.

    Raises `ImportError`, naming the command that installs it, where matplotlib is missing.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "matplotlib is missing; figures need it: pip install 'catpipe[plots]'"
        ) from error
    figure = Figure(figsize=(11, 3.8), layout="constrained")
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=(1, 1.7))[0]
    _draw_costs(left.subplots(), result.costs)
    right.suptitle("test pictures, and the network's predictions")
    grid = np.ravel(right.subplots(ROWS, COLUMNS))
    images, labels = pictures.inputs[: len(grid)], pictures.targets[: len(grid)]
    predicted = zip(predictions(result, images), probabilities(result, images).max(0), strict=True)
    for axes in grid:
        axes.set_axis_off()
    for axes, image, label, (number, probability) in zip(
        grid, images, labels, predicted, strict=False
    ):
        axes.imshow(image, interpolation="lanczos")
        axes.set_title(
            f"{classes[number]} {100 * probability:.0f} %",
            color=RIGHT if number == label else WRONG,
            fontsize=10,
            parse_math=False,  # a $ in a name is a $
        )
    png = BytesIO()
    with catch_warnings(action="ignore"):  # a letter that the font lacks is drawn as a box
        figure.savefig(png, format="png", dpi=110, metadata={"Software": None})
    return png.getvalue()


def _draw_costs(axes: Any, costs: Costs) -> None:
    axes.plot(*zip(*costs, strict=True), color=CURVE)
    axes.set(xlabel="iteration", ylabel="cost", ylim=(0, None), title="training")
    axes.spines[["top", "right"]].set_visible(False)
