"""Pictures in a page: test pictures that sort and filter, the worst mistakes, first weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from catpipe.data.examples import Examples
from catpipe.experiments.explanations import weights_as_pictures
from catpipe.experiments.result import Result
from catpipe.metrics.probabilities import worst_mistakes
from catpipe.nn.arrays import Array
from catpipe.shell.report.html import Markup, element
from catpipe.shell.report.png import as_shown, data_url
from catpipe.shell.report.scores import Predicted

MOST_PICTURES = 200
MOST_MISTAKES = 24
MOST_UNITS = 40
GREY = 0.5


def are_shown(examples: Examples) -> bool:
    """Return whether these are pictures that can be shown: they have a height and a width.

    >>> are_shown(pictures)
    True
    """
    return examples.inputs.ndim in (3, 4)


class Judged(NamedTuple):
    """What is predicted of pictures, how sure that is, and their numbers, the worst first.

    All are (examples,); the first `wrong` of the order are predicted wrong.
    """

    predicted: NDArray[np.int64]
    sure: Array
    order: NDArray[np.int64]
    wrong: int


def judged(predicted: Predicted) -> Judged:
    """Return what is predicted of pictures, the worst first.

    >>> sure = np.array([[[0.9, 0.2, 0.6], [0.1, 0.8, 0.4]]])
    >>> judged(Predicted(sure, sure[0], np.array([0, 0, 1]))).order
    array([1, 2, 0])
    """
    probabilities, labels = predicted.together, predicted.targets
    classes = probabilities.argmax(0)
    return Judged(
        classes,
        probabilities.max(0),
        worst_mistakes(probabilities, labels),
        int((classes != labels).sum()),
    )


def contact_sheet(
    found: Judged, classes: Sequence[str], examples: Examples, most: int = MOST_PICTURES
) -> Markup:
    """Return the first pictures in their order, each with what is predicted and labelled.

    >>> right = np.eye(2)
    >>> found = judged(Predicted(right[np.newaxis], right, pictures.targets))
    >>> sheet = contact_sheet(found, "ab", pictures)
    >>> sheet.count("<img"), sheet.count('data-right="1"')
    (2, 2)
    """
    shown = _captioned(found, classes, examples, np.arange(len(examples.targets))[:most])
    return element("div", element("ol", *shown, class_="pictures"), class_="sheet",
                   data_classes="\n".join(classes))  # fmt: skip


def mistakes(
    found: Judged, classes: Sequence[str], examples: Examples, most: int = MOST_MISTAKES
) -> Markup:
    """Return the most confident of the wrong predictions.

    >>> right = np.eye(2)
    >>> found = judged(Predicted(right[np.newaxis], right, pictures.targets))
    >>> mistakes(found, "ab", pictures)
    '<ol class="pictures"></ol>'
    """
    shown = _captioned(found, classes, examples, found.order[: min(found.wrong, most)])
    return element("ol", *shown, class_="pictures")


def _captioned(
    found: Judged, classes: Sequence[str], examples: Examples, numbers: NDArray[np.int64]
) -> list[Markup]:
    if not len(numbers):
        return []
    ranks, labels = np.argsort(found.order), examples.targets
    rows = zip(numbers, as_shown(examples.inputs[numbers]), strict=True)
    return [
        _picture(int(i), image, classes[found.predicted[i]], float(found.sure[i]),
                 classes[labels[i]], int(labels[i]), bool(found.predicted[i] == labels[i]),
                 int(ranks[i]))
        for i, image in rows
    ]  # fmt: skip


def _picture(  # noqa: PLR0913, PLR0917
    number: int, image: NDArray[np.uint8], predicted: str, probability: float, labelled: str,
    label: int, is_right: bool, rank: int,  # noqa: FBT001
) -> Markup:  # fmt: skip
    words = f"test picture {number}: labelled {labelled}, predicted {predicted}"
    picture = element("img", src=data_url(image), alt=words, width=96, height=96)
    mark = element("b", "right" if is_right else "wrong", class_="right" if is_right else "wrong")
    caption = element(
        "span",
        mark,
        f" {predicted} {100 * probability:.1f}\u00a0%; {number}, labelled {labelled}",
    )
    return element("li", picture, caption, data_number=number, data_label=label,
                   data_right=int(is_right), data_rank=rank)  # fmt: skip


def first_weights(result: Result) -> Markup | str:
    """Return the first layer's weights, a picture of each unit, or why there are none to see.

    >>> first_weights(fit(Experiment(seed=1, hidden=(3,)), pictures)).count("<img")
    3
    """
    try:
        weights = weights_as_pictures(result)
    except ValueError as error:
        return f"The first weights are no pictures: {error}."
    of_first = weights[0] if result.seeds else weights
    units = [element("li", element("img", src=data_url(_balanced(unit)), width=96, height=96,
                                   alt=f"first weights of unit {number}"),
                     element("span", f"unit {number}"))
             for number, unit in enumerate(of_first[:MOST_UNITS])]  # fmt: skip
    return element("ol", *units, class_="pictures")


def _balanced(unit: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return weights as a picture in which 0 is grey, and the largest is as far as it goes."""
    largest = float(np.abs(unit).max()) or 1.0
    return as_shown((GREY + GREY * unit / largest)[np.newaxis])[0]
