"""A page about runs: whole, alone, and the same each time."""

from html.parser import HTMLParser
from itertools import pairwise
from re import findall, search

import numpy as np
import pytest

from catpipe.data.examples import DataSet, Examples
from catpipe.experiments.curves import learning_curves
from catpipe.experiments.ensembles import fit_seeds
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import fit
from catpipe.experiments.result import accuracy_on, probabilities
from catpipe.experiments.resuming import prepare_again
from catpipe.shell.report.html import WITHOUT_END
from catpipe.shell.report.page import run_page, runs_page
from catpipe.shell.report.png import as_shown, png_bytes
from catpipe.shell.report.subject import Subject, with_data
from catpipe.shell.runs.run_file import Run

HOSTILE = ("<script>alert(1)</script>", "\"cat\" & 'dog'")
ASKED = Experiment(seed=1, hidden=(3,), iterations=3)
IMAGES = np.random.default_rng(1).integers(0, 256, (10, 4, 5, 3)).astype(np.uint8)
PICTURES = Examples(IMAGES, np.arange(10) % 2)
ROWS = Examples(np.random.default_rng(1).standard_normal((10, 4)), np.arange(10) / 10)


def subject(name="run.h5", experiment=ASKED, examples=PICTURES, classes=HOSTILE):
    run = Run(fit(experiment, examples), classes)
    return with_data(Subject(name, run, "words"), DataSet(examples, examples, classes))


def stack():
    run = Run(fit_seeds(ASKED, (1, 2, 3), PICTURES), HOSTILE)
    return with_data(Subject("stack.h5", run, "words"), DataSet(PICTURES, PICTURES, HOSTILE))


def without_data():
    return Subject("run.h5", Run(fit(ASKED, PICTURES), HOSTILE), "words")


def regression():
    return subject("numbers.h5", ASKED._replace(loss="mean_squared_error"), ROWS, ())


PAGES = {
    "pictures": lambda: run_page(subject()),
    "hostile name": lambda: run_page(subject("<img src=x onerror=alert(1)>.h5")),
    "without data": lambda: run_page(without_data()),
    "stack": lambda: run_page(stack()),
    "regression": lambda: run_page(regression()),
    "curves": lambda: run_page(with_curves(subject())),
    "seeds": lambda: runs_page("two", [of_seed(1), of_seed(2)], [of_seed(1)]),
    "several": lambda: runs_page("two", [subject("a.h5"), stack()], [subject("a.h5")]),
}
each = pytest.mark.parametrize("make", PAGES.values(), ids=PAGES)


class Tags(HTMLParser):
    """Collects what a page's elements are, and those that are not closed in their order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):  # noqa: D102
        self.seen.append((tag, dict(attrs)))
        if tag not in WITHOUT_END:
            self.open.append(tag)

    def handle_endtag(self, tag):  # noqa: D102
        assert self.open.pop() == tag


@each
def test_every_element_is_closed_in_its_order(make):
    assert Tags(make()).open == []


@each
def test_nothing_comes_from_elsewhere(make):
    found = Tags(make()).seen
    addresses = [of[name] for _, of in found for name in ("src", "href", "action") if name in of]
    assert all(str(address).startswith("data:") for address in addresses)
    assert "http://" not in make()
    assert "https://" not in make()


@each
def test_the_one_script_is_the_pages_own(make):
    found = Tags(make()).seen
    assert [of for tag, of in found if tag == "script"] == [{}]
    assert not [name for _, of in found for name in of if name.startswith("on")]


def test_a_browser_is_to_fetch_nothing_and_to_run_no_other_script():
    policy = str(Tags(run_page(subject())).seen[3][1]["content"])
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


@each
def test_every_picture_has_words(make):
    assert all(of["alt"] for tag, of in Tags(make()).seen if tag == "img")


@each
def test_headings_leave_out_no_level(make):
    levels = [int(tag[1]) for tag, _ in Tags(make()).seen if tag in ("h1", "h2", "h3")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


@each
def test_equal_runs_make_equal_pages(make):
    assert make() == make()


def test_every_test_picture_is_on_the_page_without_its_script():
    page = run_page(subject())
    assert sorted(map(int, findall(r'data-number="(\d+)"', page.split("Test pictures")[1]))) == [
        *range(10)
    ]


def test_a_page_without_data_says_what_it_leaves_out_and_how_to_get_it():
    page = run_page(without_data())
    assert page.count("<code>--data</code>") == 3
    assert "<polyline" in page


def test_the_runs_that_differ_stand_side_by_side_with_how():
    other = subject("b.h5", ASKED._replace(learning_rate=0.5))
    page = runs_page("two", [subject("a.h5"), other], [])
    assert "<td>0.0075</td>" in page
    assert "<td>0.5</td>" in page


def of_seed(seed, l2=0.0):
    return subject(f"{l2}-{seed}.h5", ASKED._replace(seed=seed, l2=l2))


def cells(page, row):
    """Return the cells of the row whose header this is."""
    found = search(rf'<th scope="row">{row}</th>(.*?)</tr>', page)
    assert found is not None
    return findall("<td>(.*?)</td>", found[1])


def test_runs_that_differ_in_their_seeds_are_one_row_of_their_mean_and_spread():
    subjects = [of_seed(seed, l2) for seed in (1, 2, 3) for l2 in (0.0, 0.5)]
    page = runs_page("six", subjects, [])
    results = [of.run.result for of in subjects[::2]]
    costs = np.array([result.costs[-1][1] for result in results])
    scores = 100 * np.array([accuracy_on(result, PICTURES) for result in results])
    assert cells(page, "0.0") == [
        "3",
        f"{costs.mean():.3g} ± {costs.std():.3g}",
        f"{scores.mean():.1f} ± {scores.std():.1f} %",
        f"{scores.min():.1f} to {scores.max():.1f} %",
    ]
    assert cells(page[: page.index("<details>")], "0.5")[0] == "3"
    assert all(cells(page, f"{of.name}")[0] == of.name[4] for of in subjects)
    assert page.count("<polyline") == 2


def test_runs_that_differ_in_more_than_seeds_or_are_of_one_seed_stand_alone():
    page = runs_page("three", [of_seed(1), of_seed(1)._replace(name="b.h5"), of_seed(1, 0.5)], [])
    assert "<details>" not in page
    assert page.count("<polyline") == 3


def test_runs_on_other_examples_stand_alone():
    other = subject("b.h5", ASKED._replace(seed=2), PICTURES._replace(inputs=IMAGES[::-1]))
    assert "<details>" not in runs_page("two", [subject("a.h5"), other], [])


def with_curves(of):
    result = of.run.result
    setup = prepare_again(result, PICTURES)
    sets = {"training": PICTURES, "test": PICTURES}
    return of._replace(curves=learning_curves(result, setup, sets, every=1))


def test_learning_curves_end_where_the_scores_are():
    of = with_curves(subject())
    cost, score = (findall(r'<polyline points="(.*?)"', chart)[-1]
                   for chart in run_page(of).split("<figure>")[1:3])  # fmt: skip
    predicted = accuracy_on(of.run.result, PICTURES)
    assert float(score.split(",")[-1]) == pytest.approx(188 - 160 * float(predicted), abs=0.06)
    assert len(cost.split()) == 4


def test_the_test_pictures_of_a_page_are_predicted_once(monkeypatch):
    calls = []

    def counted(result, inputs):
        calls.append(inputs)
        return probabilities(result, inputs)

    monkeypatch.setattr("catpipe.shell.report.scores.probabilities", counted)
    one = stack()
    runs_page("two", [one, one], [one])
    assert len(calls) == 2  # the training pictures too, of the run in full


def test_a_validation_cost_is_said_of_the_parameters_alone_whose_it_is():
    first = fit(ASKED._replace(early_stopping=3), PICTURES)
    last = first._replace(iteration=3)  # as where the end of a run turns out to be the best
    of_first, of_last = (run_page(Subject("", Run(of, HOSTILE), "")) for of in (first, last))
    assert "of iteration 0, where the validation cost was lowest: 0." in of_first
    assert "of iteration 3, where the validation cost was lowest.<" in of_last


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pillow_reads_the_picture_that_was_written(channels, tmp_path):
    image = pytest.importorskip("PIL.Image")
    pixels = np.random.default_rng(1).integers(0, 256, (3, 7, channels)).astype(np.uint8)
    (tmp_path / "a.png").write_bytes(png_bytes(pixels))
    with image.open(tmp_path / "a.png") as read:
        assert np.array_equal(np.asarray(read).reshape(pixels.shape), pixels)


def test_small_pictures_are_shown_as_they_are():
    assert np.array_equal(as_shown(IMAGES), IMAGES)


def test_large_pictures_are_thinned_out():
    assert as_shown(np.zeros((1, 200, 100, 3), np.uint8)).shape == (1, 50, 25, 3)
