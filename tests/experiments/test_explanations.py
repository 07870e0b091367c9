"""Gradients at the inputs are those of central differences; weights are pictures where pixels are.

The points are normal draws, far from ReLU's kink: the activation is tanh.
"""

import numpy as np
import pytest

from catpipe.data import read_transforms
from catpipe.data.examples import Examples
from catpipe.experiments.ensembles import fit_seeds
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.explanations import input_gradients, weights_as_pictures
from catpipe.experiments.fitting import fit
from catpipe.experiments.result import (
    ensemble_predictions,
    predictions,
    probabilities,
)

STEP = 1e-5
LINEAR = (
    "", "grey", "downscale:3", "grey; standardize", "mirror_views", "crop_views:3,3; standardize",
    "principal_components:5,whiten", "(downscale:2; standardize) + grey; scale_groups",
)  # fmt: skip


def images(seed, count=9):
    return np.random.default_rng(seed).random((count, 5, 4, 3))


def experiment(**fields):
    return Experiment(
        seed=3, hidden=(4,), activation="tanh", initializer="he", iterations=20
    )._replace(**fields)


def trained(classes=2, transforms="", seeds=()):
    asked = experiment(classes=classes, transforms=read_transforms(transforms))
    examples = Examples(images(1), np.arange(9) % classes)
    return fit_seeds(asked, seeds, examples) if seeds else fit(asked, examples)


def logits(result, inputs, classes):
    """Return log p / (1 - p) of a class of each input, from the probabilities."""
    P = probabilities(result, inputs)[..., classes, np.arange(len(inputs))]
    return np.log(P / (1 - P))


def along(function, inputs, direction):
    """Return the derivative of the function along a direction, by central differences."""
    return (function(inputs + STEP * direction) - function(inputs - STEP * direction)) / (2 * STEP)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("transforms", LINEAR)
def test_input_gradients_are_central_differences(classes, transforms):
    result, inputs = trained(classes, transforms), 0.1 + 0.8 * images(2, 4)
    direction = np.random.default_rng(5).standard_normal(inputs.shape) / 50
    chosen = np.arange(4) % classes
    found = (input_gradients(result, inputs, chosen) * direction).sum((1, 2, 3))
    expected = along(lambda at: logits(result, at, chosen), inputs, direction)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-9)


def test_gradients_of_a_stack_are_those_of_each_of_its_networks():
    stack, inputs = trained(3, "grey", seeds=(3, 4)), images(2, 4)
    chosen = np.array([0, 1, 2, 0])
    of_stack = input_gradients(stack, inputs, chosen)
    assert of_stack.shape == (2, *inputs.shape)
    for number in (0, 1):
        of_one = stack._replace(
            parameters=type(stack.parameters)(
                {name: W[number] for name, W in stack.parameters.items()}
            ),
            seeds=(),
        )
        np.testing.assert_allclose(of_stack[number], input_gradients(of_one, inputs, chosen))


def test_without_classes_it_is_the_predicted_one_that_the_gradient_speaks_for():
    result, inputs = trained(3), images(2, 6)
    found = input_gradients(result, inputs)
    assert np.array_equal(found, input_gradients(result, inputs, predictions(result, inputs)))


def test_without_classes_a_stack_speaks_for_what_its_networks_predict_together():
    stack, inputs = trained(3, seeds=(3, 4, 5)), images(2, 6)
    together = ensemble_predictions(stack, inputs)
    assert np.array_equal(input_gradients(stack, inputs), input_gradients(stack, inputs, together))


def test_two_classes_speak_against_each_other():
    result, inputs = trained(2), images(2, 4)
    of_each = (input_gradients(result, inputs, np.full(4, number)) for number in (0, 1))
    zero, one = of_each
    assert np.array_equal(zero, -one)


def test_pixels_count_as_numbers_from_0_to_1():
    pixels = (255 * images(1)).astype(np.uint8)
    result = fit(experiment(), (pixels, np.arange(9) % 2))
    np.testing.assert_allclose(
        input_gradients(result, pixels), input_gradients(result, pixels / 255)
    )


def test_the_gradient_of_a_regression_is_that_of_its_number():
    asked = experiment(loss="mean_squared_error")
    result = fit(asked, (images(1), images(1).mean((1, 2, 3))))
    inputs = images(2, 3)
    direction = np.random.default_rng(5).standard_normal(inputs.shape)
    expected = along(lambda at: predictions(result, at), inputs, direction)
    found = (input_gradients(result, inputs) * direction).sum((1, 2, 3))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_regression_of_several_numbers_has_no_one_gradient():
    asked = experiment(loss="mean_squared_error")
    result = fit(asked, (images(1), images(1).mean((1, 2))))
    with pytest.raises(ValueError, match="a regression of 3 numbers; expected one"):
        input_gradients(result, images(2))


@pytest.mark.parametrize("transforms", ["logarithm", "grey; square_root", "grey + logarithm"])
def test_transforms_that_are_not_affine_are_refused(transforms):
    with pytest.raises(ValueError, match="expected transforms that are affine"):
        input_gradients(trained(transforms=transforms), images(2))


@pytest.mark.parametrize("classes", [[0], [0, 2], [0, -1], [0.0, 1.0], 1])
def test_classes_that_are_none_are_refused(classes):
    with pytest.raises(ValueError, match="expected a number from 0 to 1 for each"):
        input_gradients(trained(), images(2, 2), classes)


@pytest.mark.parametrize(
    ("transforms", "shape"),
    [
        ("", (5, 4, 3)),
        ("grey", (5, 4, 1)),
        ("downscale:3; standardize", (3, 3, 3)),
        ("mirror_views; grey", (5, 4, 1)),
        ("crop_views:2,3", (3, 3, 3)),
    ],
)
def test_weights_of_pixels_are_pictures(transforms, shape):
    result = trained(transforms=transforms)
    assert weights_as_pictures(result).shape == (4, *shape)
    assert np.array_equal(weights_as_pictures(result).ravel(), result.parameters["W1"].ravel())


def test_weights_of_a_stack_are_pictures_of_each_network():
    assert weights_as_pictures(trained(seeds=(1, 2))).shape == (2, 4, 5, 4, 3)


@pytest.mark.parametrize(
    "transforms", ["principal_components:4", "grey + grey", "oriented_gradients:2"]
)
def test_weights_of_features_are_no_pictures(transforms):
    with pytest.raises(ValueError, match="features that are no pixels"):
        weights_as_pictures(trained(transforms=transforms))


def test_weights_of_rows_of_numbers_are_no_pictures():
    result = fit(experiment(), (images(1).reshape(9, -1), np.arange(9) % 2))
    with pytest.raises(ValueError, match="features that are no pixels"):
        weights_as_pictures(result)
