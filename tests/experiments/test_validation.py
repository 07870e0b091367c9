"""Validation judges each example by networks that did not see it, and compares over equal folds."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as theirs

from catpipe.data.examples import Examples
from catpipe.data.folds import hold_outs
from catpipe.data.transforms.scaling import standardize
from catpipe.experiments.cross_validation import cross_validate
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import fit
from catpipe.experiments.result import probabilities
from catpipe.experiments.validation import (
    compare,
    confusion_of,
    folds_for,
    reliability_of,
    validate,
)
from catpipe.metrics.intervals import paired_difference, wilson_interval
from catpipe.training.loop import Diverged
from tests.points import seeds
from tests.typed import in_colours

validated: Any = validate  # whose scores are of classes or of numbers
SHORT = Experiment(seed=1, hidden=(4,), initializer="he", learning_rate=0.1, iterations=30)
THREE = SHORT._replace(classes=3)
NUMBERS = SHORT._replace(loss="mean_squared_error", learning_rate=0.05)
COLOURS = in_colours(24, seed=1, classes=3)
DRAWS = np.random.default_rng(1)
FEATURES = DRAWS.standard_normal((20, 3))
OF_NUMBERS = Examples(FEATURES, FEATURES @ [1.0, -1, 2] + DRAWS.standard_normal(20))
FOLDS = folds_for(THREE, COLOURS, 3, seed=1, repeats=2)


@pytest.fixture(scope="module")
def found():
    return validated(THREE, COLOURS, FOLDS)


def test_each_repeat_is_a_cross_validation_by_its_folds(found):
    each = [cross_validate(THREE, COLOURS, row) for row in FOLDS]
    np.testing.assert_allclose(found.outputs, each, rtol=1e-9)


def test_a_fold_is_judged_by_the_network_of_the_others(found):
    held = FOLDS[1] == 2
    others = Examples(COLOURS.inputs[~held], COLOURS.targets[~held])
    expected = probabilities(fit(THREE, others), COLOURS.inputs[held])
    np.testing.assert_allclose(found.outputs[1][:, held], expected, rtol=1e-9)


def test_the_scores_are_the_means_of_those_of_scikit_learn(found):
    y, predicted = COLOURS.targets, found.outputs.argmax(1)
    accuracy = np.mean([theirs.accuracy_score(y, of) for of in predicted])
    assert found.scores.accuracy == pytest.approx(accuracy)
    balanced = np.mean([theirs.balanced_accuracy_score(y, of) for of in predicted])
    assert found.scores.balanced_accuracy == pytest.approx(balanced)
    area = np.mean([theirs.roc_auc_score(y, P.T, multi_class="ovr") for P in found.outputs])
    assert found.scores.area_under_curve == pytest.approx(area)
    loss = np.mean([theirs.log_loss(y, P.T) for P in found.outputs])
    assert found.scores.log_loss == pytest.approx(loss)


def test_repeats_add_no_examples_to_the_interval(found):
    assert found.scores.interval == wilson_interval(found.scores.accuracy * 24, 24)


def test_fold_scores_are_the_accuracies_of_the_folds_of_each_repeat(found):
    correct = found.outputs.argmax(1) == COLOURS.targets
    expected = [correct[r][FOLDS[r] == fold].mean() for r in range(2) for fold in range(3)]
    assert found.fold_scores == pytest.approx(expected)


def test_confusion_and_reliability_are_of_all_repeats(found):
    assert confusion_of(found).sum() == 48
    assert np.trace(confusion_of(found)) == pytest.approx(48 * found.scores.accuracy)
    shares, _, accuracies = reliability_of(found)
    assert shares @ accuracies == pytest.approx(found.scores.accuracy)


@given(seeds, st.integers(1, 3))
def test_equal_inputs_are_in_one_fold(seed, repeats):
    again = np.random.default_rng(seed).integers(0, 24, 40)
    twins = Examples(COLOURS.inputs[again], COLOURS.targets[again])
    for row in folds_for(THREE, twins, 3, seed, repeats):
        assert all(len({*row[again == of]}) == 1 for of in {*again})


def test_a_copy_in_another_fold_would_be_found_right_by_heart():
    noise = np.random.default_rng(1).standard_normal((16, 60))
    labels = np.arange(16) % 2
    twins = Examples(np.concatenate([noise, noise]), np.concatenate([labels, labels]))
    by_heart = SHORT._replace(iterations=200)
    leaky = validated(by_heart, twins, np.arange(32) // 16).scores.accuracy
    honest = validated(by_heart, twins, folds_for(by_heart, twins, 2, seed=1)).scores.accuracy
    assert leaky == 1
    assert honest < 0.8


def test_what_a_hold_out_does_not_hold_out_does_not_count():
    folds = hold_outs(COLOURS.targets, 1 / 3, seed=1, repeats=3)
    found = validated(THREE, COLOURS, folds)
    assert np.array_equal(np.isnan(found.outputs[:, 0]), folds < 0)
    correct = [
        found.outputs[r][:, row == 0].argmax(0) == COLOURS.targets[row == 0]
        for r, row in enumerate(folds)
    ]
    assert found.fold_scores == pytest.approx([of.mean() for of in correct])
    assert found.scores.accuracy == pytest.approx(np.mean(found.fold_scores))


def test_weights_of_examples_count():
    weights = np.where(np.arange(24) < 12, 1.0, 0.25)
    found = validated(THREE, COLOURS._replace(weights=weights), FOLDS[:1])
    expected = theirs.accuracy_score(
        COLOURS.targets, found.outputs[0].argmax(0), sample_weight=weights
    )
    assert found.scores.accuracy == pytest.approx(expected)
    count = weights.sum() ** 2 / (weights**2).sum()
    assert found.scores.interval == pytest.approx(wilson_interval(expected * count, count))


def test_a_regression_has_r_squared_and_errors():
    folds = folds_for(NUMBERS, OF_NUMBERS, 4, seed=1)
    found = validated(NUMBERS, OF_NUMBERS, folds)
    predicted = found.outputs[0, 0]
    assert found.scores.r_squared == pytest.approx(theirs.r2_score(OF_NUMBERS.targets, predicted))
    errors = theirs.root_mean_squared_error(OF_NUMBERS.targets, predicted)
    assert found.scores.root_mean_squared_error == pytest.approx(errors)
    with pytest.raises(ValueError, match="of a regression; expected classes"):
        confusion_of(found)


def test_the_better_regression_has_the_smaller_error():
    folds = folds_for(NUMBERS, OF_NUMBERS, 4, seed=1)
    good, bad = (validated(NUMBERS._replace(iterations=n), OF_NUMBERS, folds) for n in (300, 1))
    assert compare(good, bad).mean == pytest.approx(-compare(bad, good).mean)
    assert compare(good, bad).mean > 0


def test_two_are_compared_by_the_corrected_interval(found):
    other = validated(THREE._replace(iterations=3), COLOURS, FOLDS)
    expected = paired_difference(found.fold_scores, other.fold_scores, 8 / 16)
    assert compare(found, other) == pytest.approx(expected)


def test_names_are_classes():
    names = Examples(COLOURS.inputs, np.array(["red", "green", "blue"])[COLOURS.targets])
    assert validated(THREE, names, FOLDS).scores.accuracy > 0.4


def test_validations_of_other_folds_are_not_compared(found):
    other = validated(THREE, COLOURS, FOLDS[::-1])
    with pytest.raises(ValueError, match="other folds; expected the same"):
        compare(found, other)


def test_what_a_transform_learns_it_learns_without_the_fold():
    scaled = THREE._replace(transforms=(standardize(),))
    found = validated(scaled, COLOURS, FOLDS[:1])
    held = FOLDS[0] == 1
    brighter = np.where(held[:, None, None, None], 255, COLOURS.inputs).astype(np.uint8)
    again = validated(scaled, COLOURS._replace(inputs=brighter), FOLDS[:1])
    assert not np.allclose(again.outputs[0][:, ~held], found.outputs[0][:, ~held])
    others = Examples(COLOURS.inputs[~held], COLOURS.targets[~held])
    expected = probabilities(fit(scaled, others), COLOURS.inputs[held])
    np.testing.assert_allclose(found.outputs[0][:, held], expected, rtol=1e-6)


@pytest.mark.parametrize("function", [cross_validate, validate])
def test_folds_of_unequal_lengths_and_no_map_are_refused(function):
    with pytest.raises(ValueError, match="folds are"):
        function(THREE, COLOURS, [[0, 1], [0]])
    with pytest.raises(TypeError, match="map_ is None; expected a function"):
        function(THREE, COLOURS, FOLDS[0], map_=None)


def test_a_fold_of_no_weight_is_refused_before_training():
    weighted = COLOURS._replace(weights=(FOLDS[1] != 2).astype(float))
    with pytest.raises(ValueError, match="repeat 1 has a fold whose examples have weight 0"):
        validate(THREE, weighted, FOLDS)


def test_examples_of_one_class_cannot_be_told_apart():
    one = np.where(COLOURS.targets == 1, 0, -1)
    with pytest.raises(ValueError, match="repeat 0 holds out examples of one class"):
        validate(THREE, COLOURS, one)


@pytest.mark.parametrize("function", [cross_validate, validate])
def test_folds_that_diverge_say_all_that_may_help(function):
    large = COLOURS._replace(inputs=COLOURS.inputs * 1e3)
    asked = THREE._replace(learning_rate=1e300, l2=0.1, iterations=30)
    with pytest.raises(Diverged, match=r"or the L2 .*, or scale the inputs.*standardize"):
        function(asked, large, FOLDS[0])
