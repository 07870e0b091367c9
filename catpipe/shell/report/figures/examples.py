"""Figures of single examples: predictions, what speaks for them, and the first layer's weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from catpipe.metrics.probabilities import worst_mistakes
from catpipe.nn.arrays import Array
from catpipe.shell.report.figures.canvas import (
    LINE,
    RIGHT,
    WRONG,
    grid_of,
    new_figure,
    titled,
    without_frame,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS, MOST = 8, 64


def predictions_figure(
    images: NDArray[Any],
    labels: NDArray[np.int64],
    probabilities: Array,
    classes: tuple[str, ...],
    count: int = 40,
) -> Figure:
    """Return a contact sheet of pictures, (examples, height, width, channels), the worst first.

    labels: (examples,), probabilities: (classes, examples). Each has its number, its true class,
    the predicted one and its probability.
    """
    order = worst_mistakes(probabilities, labels)
    wrong = int((probabilities.argmax(0) != labels).sum())
    shown = order[:count]
    figure = new_figure(1.5 * COLUMNS, 0.5 + 1.9 * -(-len(shown) // COLUMNS))
    of_all = "" if len(shown) == len(order) else f"; the first {len(shown)}"
    figure.suptitle(
        f"{wrong} of {len(order)} pictures are predicted wrong: the most confident mistakes first, "
        f"then the least confident right ones{of_all}",
        fontsize=11,
    )
    for axes, number in zip(grid_of(figure, len(shown), COLUMNS), shown, strict=True):
        draw_image(axes, images[number])
        text = described(number, labels[number], probabilities[:, number], classes)
        is_right = probabilities[:, number].argmax() == labels[number]
        titled(axes, text, RIGHT if is_right else WRONG)
    return figure


def described(number: int, label: int, probabilities: Array, classes: tuple[str, ...]) -> str:
    r"""Return in two lines the predicted class with its probability, and the true class.

    >>> described(7, 1, np.array([0.75, 0.25]), ("cat", "dog"))
    'cat 75 %\n7: dog'
    """
    predicted = int(probabilities.argmax())
    return (
        f"{_short(classes[predicted])} {100 * probabilities[predicted]:.0f} %\n"
        f"{number}: {_short(classes[label])}"
    )


def _short(name: str) -> str:
    return name if len(name) <= 14 else f"{name[:13]}\u2026"


def draw_image(axes: Any, image: NDArray[Any]) -> None:
    """Draw a picture, (height, width, channels); of one or two channels the first, which is grey.

    Floats count from 0 to 1 where they lie there; others are stretched to the picture's own range.
    """
    shown = (
        image if image.shape[-1:] in ((3,), (4,)) else image.reshape(*image.shape[:2], -1)[..., 0]
    )
    if shown.dtype.kind == "f" and (shown.min() < 0 or shown.max() > 1):
        shown = (shown - shown.min()) / max(float(np.ptp(shown)), 1e-30)
    top = 255 if shown.dtype == np.uint8 else 1
    axes.imshow(shown, interpolation="nearest", cmap="gray", vmin=0, vmax=top)


def weights_figure(pictures: Array, count: int = MOST) -> Figure:
    """Return the figure of weights as pictures, (units, height, width, channels).

    Each is scaled to its largest weight, where 0 is grey; of one channel, red is below 0 and blue
    above. Those of a stack, (networks, units, ...), follow each other.
    """
    of_units = pictures.reshape(-1, *pictures.shape[-3:])
    shown, per_network = of_units[:count], pictures.shape[-4]
    columns = min(COLUMNS + 2, len(shown))
    rows = -(-len(shown) // columns)
    figure = new_figure(max(4.5, 1.15 * columns), 0.6 + 1.35 * rows)
    of_all = "" if len(shown) == len(of_units) else f", the first {len(shown)} of {len(of_units)}"
    figure.suptitle(f"weights of the first layer{of_all}\neach scaled to its largest", fontsize=11)
    for place, axes in enumerate(grid_of(figure, len(shown), columns)):
        network, unit = divmod(place, per_network)
        titled(axes, f"unit {unit}" if pictures.ndim == 4 else f"network {network}, {unit}")
        draw_signed(axes, shown[place])
    return figure


def draw_signed(axes: Any, numbers: Array) -> None:
    """Draw numbers of either sign, (height, width, 1 or 3): 0 is grey, or white of one channel."""
    scaled = numbers / max(float(np.abs(numbers).max()), 1e-30)
    if numbers.shape[-1] == 3:
        axes.imshow((1 + scaled) / 2, interpolation="nearest")
    else:
        axes.imshow(scaled[..., 0], interpolation="nearest", cmap="RdBu", vmin=-1, vmax=1)


def saliency_figure(
    images: NDArray[Any],
    gradients: Array,
    titles: list[str],
) -> Figure:
    """Return pictures, and under each what in it speaks for the predicted class.

    images, gradients: (examples, height, width, channels). A pixel is blue where more light speaks
    for the class, and red where it speaks against it: the sum of the gradient over the channels.
    """
    count = len(images)
    figure = new_figure(max(6, 1.5 * count), 4.2)
    figure.suptitle(
        "the gradient of the predicted class's logit: blue where light speaks for it, red against "
        "(number: label)",
        fontsize=11,
    )
    axes = grid_of(figure, 2 * count, count)
    of_pairs = zip(axes[:count], axes[count:], images, gradients, titles, strict=True)
    for above, below, image, gradient, title in of_pairs:
        draw_image(above, image)
        titled(above, title)
        summed = gradient.reshape(*gradient.shape[:2], -1).sum(-1, keepdims=True)
        draw_signed(below, summed)
    return figure


def regression_figure(targets: NDArray[Any], predicted: NDArray[Any]) -> Figure:
    """Return the figure of a regression's predictions against targets, (examples, ...)."""
    figure = new_figure(5.2, 4.6)
    draw_regression(figure.subplots(), targets, predicted)
    return figure


def draw_regression(axes: Any, targets: NDArray[Any], predicted: NDArray[Any]) -> None:
    """Draw predictions against targets, and the line where they are equal."""
    ends = [targets.min(), targets.max()]
    axes.plot(ends, ends, color="#888888", linewidth=1)
    pair = (array.reshape(len(targets), -1) for array in (targets, predicted))
    axes.plot(*pair, ".", color=LINE if targets.size == len(targets) else None)
    axes.set(xlabel="target", ylabel="predicted")
    without_frame(axes)
