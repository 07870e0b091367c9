"""Pictures on a page are those that they are said to be, and in their order."""

from re import findall

import numpy as np
import pytest

from catpipe.data.examples import DataSet, Examples
from catpipe.metrics.intervals import wilson_interval
from catpipe.shell.report.gallery import first_weights
from catpipe.shell.report.page import run_page
from catpipe.shell.report.png import data_url
from catpipe.shell.report.subject import Subject, with_data
from catpipe.shell.runs.run_file import Run
from tests.shell.report.by_hand import EXAMPLES, GREYS, LABELS, light_is_a_cat

CLASSES = ("dog", "cat")
PREDICTED, SURE = (0, 1, 0, 1, 1, 0), ("88.0", "90.7", "98.2", "59.7", "98.2", "76.4")
WRONG_FIRST = [2, 1, 5, 3, 0, 4]  # then those that are least sure


@pytest.fixture(scope="module")
def page() -> str:
    run = Run(light_is_a_cat(), CLASSES)
    return run_page(with_data(Subject("", run, ""), DataSet(EXAMPLES, EXAMPLES, CLASSES)))


def url(grey: float) -> str:
    return data_url(np.full((1, 1, 1), grey, np.uint8))


def pictures(page: str, heading: str) -> list[dict[str, str]]:
    """Return what each picture of a section is said to be."""
    section = page[page.index(f"<h2>{heading}</h2>") :].partition("</section>")[0]
    names = ("number", "label", "right", "rank", "src", "alt", "caption")
    return [
        dict(zip(names, found, strict=True))
        for found in findall(
            r'<li data-number="(.*?)" data-label="(.*?)" data-right="(.*?)" data-rank="(.*?)">'
            r'<img src="(.*?)" alt="(.*?)".*?<span>(.*?)</span></li>',
            section,
        )
    ]


def test_mistakes_are_the_most_confident_first(page):
    assert "3 of 6 test pictures are predicted wrong, the most confident first." in page
    assert [int(of["number"]) for of in pictures(page, "Mistakes")] == WRONG_FIRST[:3]


def test_each_picture_has_its_own_prediction_label_and_rank(page):
    found = pictures(page, "Test pictures")
    assert [int(of["number"]) for of in found] == [*range(6)]
    assert [int(of["label"]) for of in found] == [*LABELS]
    assert [WRONG_FIRST[int(of["rank"])] for of in found] == [*range(6)]
    for number, (of, label, guess) in enumerate(zip(found, LABELS, PREDICTED, strict=True)):
        word = "right" if label == guess else "wrong"
        assert of["src"] == url(GREYS[number])
        assert of["right"] == str(int(label == guess))
        assert of["alt"] == (
            f"test picture {number}: labelled {CLASSES[label]}, predicted {CLASSES[guess]}"
        )
        assert of["caption"] == (
            f'<b class="{word}">{word}</b> {CLASSES[guess]} {SURE[number]}\u00a0%; '
            f"{number}, labelled {CLASSES[label]}"
        )


def test_the_confusion_has_labels_in_rows(page):
    rows = [f'<th scope="row">labelled dog</th>{cells("1", "1")}',
            f'<th scope="row">labelled cat</th>{cells("2", "2")}']  # fmt: skip
    assert all(row in page for row in rows)


def cells(*words: str) -> str:
    return "".join(f"<td>{word}</td>" for word in words)


def test_scores_are_those_of_each_part_with_their_interval():
    five = Examples(EXAMPLES.inputs[:5], EXAMPLES.targets[:5])
    data = DataSet(EXAMPLES, five, CLASSES)
    page = run_page(with_data(Subject("", Run(light_is_a_cat(), CLASSES), ""), data))
    assert f'<th scope="row">accuracy</th>{cells("50.0 % (3 of 6)", "60.0 % (3 of 5)")}' in page
    low, high = (f"{100 * end:.1f}" for end in wilson_interval(3, 5))
    assert f"<td>{low} to {high} %</td></tr>" in page


@pytest.mark.parametrize(("weight", "grey"), [(8.0, 255), (-8.0, 0)])
def test_first_weights_above_zero_are_bright(weight, grey):
    assert url(grey) in first_weights(light_is_a_cat(weight))
