"""Pictures of a run, drawn with matplotlib."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any, NamedTuple
from warnings import catch_warnings

import numpy as np

from catpipe.data.examples import Examples
from catpipe.experiments.experiment import is_regression
from catpipe.experiments.result import Result, ensemble_predictions, ensemble_probabilities
from catpipe.metrics.scores import confusion
from catpipe.nn.parameters import Array
from catpipe.training.cost_history import Costs

RIGHT, WRONG, CURVE = "#2a7f3f", "#c0392b", "#1f4e79"
ROWS, COLUMNS = 2, 5
MAKER = "catpipe figure"


class Format(NamedTuple):
    """What matplotlib writes about a file, and what is then in the bytes of each that we made."""

    metadata: Mapping[str, str | None]
    mark: bytes


FORMATS: Mapping[str, Format] = {
    ".png": Format({"Software": MAKER}, f"Software\0{MAKER}".encode()),
    ".svg": Format({"Creator": MAKER, "Date": None}, f"<dc:title>{MAKER}</dc:title>".encode()),
    ".pdf": Format(
        {"Creator": MAKER, "Producer": None, "CreationDate": None}, f"/Creator ({MAKER})".encode()
    ),
}
"""The formats of figures, by the ending of a file's name."""


def run_figure(
    result: Result, classes: tuple[str, ...], examples: Examples, ending: str = ".png"
) -> bytes:
    """Return a picture of the run: the cost curve beside what the network predicts.

    Of pictures these are the first, each with its class; of features the confusion matrix; of a
    regression the predictions against the targets. Raises `ImportError`, naming the command that
    installs it, where matplotlib is missing.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "matplotlib is missing; figures need it: pip install 'catpipe[plots]'"
        ) from error
    figure = Figure(figsize=(11, 3.8), layout="constrained")
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=(1, 1.7))[0]
    _draw_costs(left.subplots(), result.costs)
    right.suptitle("test examples, and the network's predictions")
    if is_regression(result.experiment):
        _draw_regression(right.subplots(), result, examples)
    elif examples.inputs.ndim == 4:
        _draw_pictures(right.subplots(ROWS, COLUMNS), result, classes, examples)
    else:
        _draw_confusion(right.subplots(), result, classes, examples)
    content, metadata = BytesIO(), {**FORMATS[ending].metadata}
    with catch_warnings(action="ignore"), rc_context({"svg.hashsalt": MAKER}):
        # A letter that the font lacks is drawn as a box; equal figures have equal bytes.
        figure.savefig(content, format=ending[1:], dpi=110, metadata=metadata)
    return content.getvalue()


def _draw_costs(axes: Any, costs: Costs) -> None:
    axes.plot(*zip(*costs, strict=True), color=CURVE)
    axes.set(xlabel="iteration", ylabel="cost", ylim=(0, None), title="training")
    axes.spines[["top", "right"]].set_visible(False)


def _draw_pictures(grid: Any, result: Result, classes: tuple[str, ...], examples: Examples) -> None:
    count = grid.size
    images, labels = examples.inputs[:count], examples.targets[:count]
    predicted = zip(
        ensemble_predictions(result, images),
        ensemble_probabilities(result, images).max(0),
        strict=True,
    )
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, image, label, (number, probability) in zip(
        grid.flat, images, labels, predicted, strict=False
    ):
        axes.imshow(_in_colours(image), interpolation="lanczos", cmap="gray")
        axes.set_title(
            f"{classes[number]} {100 * probability:.0f} %",
            color=RIGHT if number == label else WRONG,
            fontsize=10,
            parse_math=False,  # a $ in a name is a $
        )


def _in_colours(image: Array) -> Array:
    """Return the image as matplotlib takes it: of one or two channels the first, which is grey."""
    return image if image.shape[-1] in (3, 4) else image[..., 0]


def _draw_confusion(
    axes: Any, result: Result, classes: tuple[str, ...], examples: Examples
) -> None:
    table = confusion(ensemble_predictions(result, examples.inputs), examples.targets, len(classes))
    axes.imshow(table, cmap="Blues")
    places = range(len(classes))
    axes.set(xlabel="predicted", ylabel="labelled")
    axes.set_xticks(places, classes, parse_math=False)
    axes.set_yticks(places, classes, parse_math=False)
    for row, column in np.ndindex(table.shape):
        axes.text(column, row, table[row, column], ha="center", va="center")


def _draw_regression(axes: Any, result: Result, examples: Examples) -> None:
    targets, predicted = examples.targets, ensemble_predictions(result, examples.inputs)
    ends = [targets.min(), targets.max()]
    axes.plot(ends, ends, color=RIGHT)
    axes.plot(targets.reshape(len(targets), -1), predicted.reshape(len(targets), -1), ".")
    axes.set(xlabel="target", ylabel="predicted")
