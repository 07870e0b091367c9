"""Figures show the values that come in."""

import numpy as np
import pytest

from catpipe.shell.report import figures

pytest.importorskip("matplotlib")

SURE = np.array([[0.9, 0.2, 0.6, 0.4], [0.1, 0.8, 0.4, 0.6]])
LABELS = np.array([0, 0, 1, 1])
IMAGES = np.random.default_rng(1).random((4, 3, 3, 3))


def texts(figure):
    """Return the titles of the small pictures."""
    return [title for axes in figure.axes if (title := axes.get_title())]


def test_costs_are_drawn_as_they_are():
    figure = figures.cost_figure({"": ((0, 0.5), (100, 0.25))})
    (line,) = figure.axes[0].lines
    assert np.asarray(line.get_xydata()).tolist() == [[0, 0.5], [100, 0.25]]


def test_costs_of_a_stack_are_their_mean_within_their_range():
    figure = figures.cost_figure({"": ((0, np.array([1.0, 3.0])), (100, np.array([0.0, 1.0])))})
    (axes,) = figure.axes
    assert np.asarray(axes.lines[0].get_ydata()).tolist() == [2, 0.5]
    band = np.asarray(axes.collections[0].get_paths()[0].vertices)[:, 1]
    assert (band.min(), band.max()) == (0, 3)


def test_mistakes_come_first_the_most_confident_before():
    figure = figures.predictions_figure(IMAGES, LABELS, SURE, ("dog", "cat"))
    assert texts(figure) == [
        "cat 80 %\n1: dog", "dog 60 %\n2: cat", "cat 60 %\n3: cat", "dog 90 %\n0: dog"
    ]  # fmt: skip
    assert "2 of 4 pictures" in figure.get_suptitle()


def test_counts_of_the_confusion_stand_in_their_squares():
    figure = figures.confusion_figure(np.array([[3, 1], [0, 2]]), ("dog", "cat"))
    assert [text.get_text() for text in figure.axes[0].texts] == ["3", "1", "0", "2"]


def test_a_weight_of_zero_is_grey_and_the_largest_is_full():
    weights = np.zeros((1, 2, 2, 3))
    weights[0, 0, 0] = 2
    shown = np.asarray(figures.weights_figure(weights).axes[0].images[0].get_array())
    assert shown[0, 0].tolist() == [1, 1, 1]
    assert shown[1, 1].tolist() == [0.5, 0.5, 0.5]


def test_what_speaks_for_a_class_is_summed_over_channels():
    gradients = np.zeros((1, 2, 2, 3))
    gradients[0, 0, 1], gradients[0, 1, 0] = (1, 2, 1), (-1, 0, -1)
    figure = figures.saliency_figure(IMAGES[:1], gradients, ["one"])
    shown = np.asarray(figure.axes[1].images[0].get_array())
    assert shown.tolist() == [[0, 1], [-0.5, 0]]
