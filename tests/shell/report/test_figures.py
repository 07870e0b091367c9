"""Figures show the values that come in."""

import numpy as np
import pytest

from catpipe.data.examples import Examples
from catpipe.experiments.curves import LearningCurves
from catpipe.metrics.intervals import wilson_interval
from catpipe.shell.report import figures
from catpipe.shell.report.figures.canvas import RIGHT, WRONG
from tests.shell.report.by_hand import EXAMPLES, light_is_a_cat

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


def test_the_confusion_has_true_classes_in_rows_and_is_as_dark_as_their_shares():
    (axes,) = figures.confusion_figure(np.array([[3, 1], [0, 2]]), ("dog", "cat")).axes
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("true class", "predicted class")
    places = [(text.get_position(), text.get_text()) for text in axes.texts]
    assert places[1] == ((1, 0), "1")
    assert np.asarray(axes.images[0].get_array()).tolist() == [[0.75, 0.25], [0, 1]]


def test_calibration_has_accuracy_over_confidence_within_wilsons_interval():
    (axes,) = figures.calibration_figure(SURE, LABELS).axes
    assert "confidence" in axes.get_xlabel()
    assert axes.get_ylabel() == "accuracy"
    found = np.asarray(axes.collections[-1].get_offsets()).tolist()
    assert found == [[pytest.approx(0.6), 0.5], [pytest.approx(0.8), 0], [pytest.approx(0.9), 1]]
    bars = [np.asarray(path.vertices)[:, 1] for path in axes.collections[0].get_paths()]
    for bar, (right, count) in zip(bars, ((1, 2), (0, 1), (1, 1)), strict=True):
        assert sorted(bar) == pytest.approx(wilson_interval(right, count))


def test_a_regression_has_predictions_over_targets():
    (axes,) = figures.regression_figure(np.array([0.0, 1.0]), np.array([5.0, 7.0])).axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("target", "predicted")
    assert np.asarray(axes.lines[-1].get_xydata()).tolist() == [[0, 5], [1, 7]]


def test_red_is_below_zero_and_blue_above():
    figure = figures.saliency_figure(IMAGES[:1], np.array([[[[-1.0], [1.0]]]]), ["one"])
    (red, _, less_blue, _), (less_red, _, blue, _) = (
        figure.axes[1].images[0].to_rgba(np.array([-1.0, 1.0]))
    )
    assert red > less_blue
    assert blue > less_red


def test_learning_curves_are_costs_on_the_left_and_scores_on_the_right():
    of = {"test": np.array([[1.0, 3.0], [0.0, 1.0]])}, {"test": np.array([[0.0, 0.5], [1.0, 1.0]])}
    figure = figures.curves_figure({"": LearningCurves(np.array([0, 9]), *of)}, "accuracy")
    left, right = figure.axes
    assert (left.get_ylabel(), right.get_ylabel()) == ("cost", "accuracy")
    assert np.asarray(left.lines[0].get_xydata()).tolist() == [[0, 2], [9, 0.5]]
    assert np.asarray(right.lines[0].get_xydata()).tolist() == [[0, 0.25], [9, 1]]


def test_an_overview_of_pictures_has_the_predicted_class_red_where_it_is_wrong():
    figure = figures.overview_figure(light_is_a_cat(), ("dog", "cat"), EXAMPLES)
    shown = [axes for axes in figure.axes if axes.get_title()]
    assert [axes.get_title() for axes in shown] == [
        "dog 88 %", "cat 91 %", "dog 98 %", "cat 60 %", "cat 98 %", "dog 76 %"
    ]  # fmt: skip
    assert [axes.title.get_color() for axes in shown] == [
        RIGHT, WRONG, WRONG, RIGHT, RIGHT, WRONG
    ]  # fmt: skip


def test_an_overview_of_features_has_the_confusion_of_true_classes_in_rows():
    features = Examples(EXAMPLES.inputs[:, 0, 0] / 255, EXAMPLES.targets)
    on_features = light_is_a_cat()._replace(input_shape=(1,), input_type="float64")
    figure = figures.overview_figure(on_features, ("dog", "cat"), features)
    assert [text.get_text() for text in figure.axes[-1].texts] == ["1", "1", "2", "2"]
