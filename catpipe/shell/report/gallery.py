"""Pictures in a page: test pictures that sort and filter, the worst mistakes, first weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from catpipe.data.examples import Examples
from catpipe.experiments.explanations import weights_as_pictures
from catpipe.experiments.result import Result, ensemble_predictions, ensemble_probabilities
from catpipe.metrics.probabilities import worst_mistakes
from catpipe.shell.report.html import Markup, element
from catpipe.shell.report.png import as_shown, data_url

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


def contact_sheet(
    result: Result, classes: Sequence[str], examples: Examples, most: int = MOST_PICTURES
) -> Markup:
    """Return the first pictures in their order, each with what is predicted and labelled.

    >>> sheet = contact_sheet(fit(Experiment(seed=1, hidden=()), pictures), "ab", pictures)
    >>> sheet.count("<img"), sheet.count('data-right="1"')
    (2, 2)
    """
    numbers = np.arange(len(examples.targets))[:most]
    ranks = np.argsort(_worst_first(result, examples)[0])
    shown = _captioned(result, classes, examples, numbers, ranks)
    return element("div", element("ol", *shown, class_="pictures"), class_="sheet",
                   data_classes="\n".join(classes))  # fmt: skip


def mistakes(
    result: Result, classes: Sequence[str], examples: Examples, most: int = MOST_MISTAKES
) -> tuple[int, Markup]:
    """Return how many pictures are predicted wrong, and the most confident of these.

    >>> mistakes(fit(Experiment(seed=1, hidden=()), pictures), "ab", pictures)
    (0, '<ol class="pictures"></ol>')
    """
    order, wrong = _worst_first(result, examples)
    shown = _captioned(result, classes, examples, order[: min(wrong, most)], np.argsort(order))
    return wrong, element("ol", *shown, class_="pictures")


def _worst_first(result: Result, examples: Examples) -> tuple[NDArray[np.int64], int]:
    """Return the numbers of the examples, the worst first, and how many are predicted wrong."""
    probabilities = ensemble_probabilities(result, examples.inputs)
    wrong = int((probabilities.argmax(0) != examples.targets).sum())
    return worst_mistakes(probabilities, examples.targets), wrong


def _captioned(
    result: Result,
    classes: Sequence[str],
    examples: Examples,
    numbers: NDArray[np.int64],
    ranks: NDArray[np.int64],
) -> list[Markup]:
    if not len(numbers):
        return []
    inputs = examples.inputs[numbers]
    predicted = ensemble_predictions(result, inputs)
    sure = ensemble_probabilities(result, inputs).max(0)
    rows = zip(numbers, as_shown(inputs), predicted, sure, examples.targets[numbers], strict=True)
    return [
        _picture(int(number), image, classes[said], float(p), classes[label],
                 int(label), bool(said == label), int(ranks[number]))
        for number, image, said, p, label in rows
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
