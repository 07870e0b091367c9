"""Charts of a page draw the values that come in."""

from re import findall

import numpy as np
import pytest

from catpipe.data.examples import Examples
from catpipe.experiments.curves import LearningCurves
from catpipe.experiments.ensembles import fit_seeds
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import fit
from catpipe.shell.report.curves import cost_curve, learning_charts
from catpipe.shell.report.svg import BOTTOM, HEIGHT, TOP, Curve, chart

DRAWN = HEIGHT - TOP - BOTTOM
ASKED = Experiment(seed=1, hidden=(2,), iterations=3)
IMAGES = np.arange(12, dtype=np.uint8).reshape(4, 1, 1, 3)
EXAMPLES = Examples(IMAGES, np.array([0, 1, 1, 0]))


def shares(drawing: str, shape: str) -> list[list[float]]:
    """Return how high the points of each line or band are, as a share of the axis from 0."""
    places = findall(rf'<{shape} points="(.*?)"', drawing)
    downs = [[float(point.split(",")[1]) for point in of.split()] for of in places]
    return [[round((HEIGHT - BOTTOM - down) / DRAWN, 2) for down in of] for of in downs]


def test_a_curve_is_as_high_as_its_values_and_its_band_as_its_ends():
    drawn = chart("", "x", "y", [Curve("a", [(0, 0.5), (9, 0.25)], [(0.25, 1), (0, 0.75)])])
    assert shares(drawn, "polyline") == [[0.5, 0.25]]
    assert shares(drawn, "polygon") == [[0.25, 0, 0.75, 1]]


def test_a_chart_has_words_and_the_numbers_of_its_axes():
    drawn = chart("Cost", "iteration", "cost", [Curve("a", [(0, 0.5), (9, 1)])])
    assert 'role="img" aria-label="Cost"><title>Cost</title>' in drawn
    assert findall(r"<text [^>]*>(.*?)</text>", drawn)[:6] == ["0", "0.2", "0.4", "0.6", "0.8", "1"]


def test_costs_are_in_the_first_chart_and_scores_in_the_second_in_percent():
    found = {"test": np.array([1.0, 0.5])}, {"test": np.array([0.25, 1.0])}
    charts = learning_charts(LearningCurves(np.array([0, 9]), *found), "accuracy")
    assert shares(charts, "polyline") == [[1, 0.5], [0.25, 1]]
    assert findall(r"<figcaption>(.*?)<", charts) == [
        "Cost on test examples", "Accuracy on test examples"
    ]  # fmt: skip


def test_the_cost_of_several_runs_is_the_mean_of_their_networks():
    stack, alone = fit_seeds(ASKED, (1, 2), EXAMPLES), fit(ASKED._replace(seed=3), EXAMPLES)
    curve = cost_curve("", [stack, alone])
    for (_, mean), (low, high), (_, two), (_, one) in zip(
        curve.points, curve.band, stack.costs, alone.costs, strict=True
    ):
        numbers = [*np.atleast_1d(two), one]
        assert mean == pytest.approx(np.mean(numbers))
        assert (low, high) == (min(numbers), max(numbers))
