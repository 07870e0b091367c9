"""Transforms and augmentations of an experiment: what trains, what is predicted, what is saved."""

import pickle
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import pytest

from catpipe.data.transforms.codebooks import codebook
from catpipe.data.transforms.components import principal_components
from catpipe.data.transforms.composition import apply_transforms, beside, fit_transforms
from catpipe.data.transforms.pictures import downscale, grey, mirror_views
from catpipe.data.transforms.scaling import standardize
from catpipe.experiments.cross_validation import cross_validate
from catpipe.experiments.ensembles import fit_seeds
from catpipe.experiments.experiment import Experiment, checked
from catpipe.experiments.fitting import fit
from catpipe.experiments.result import (
    accuracy_on,
    cost_on,
    predictions,
    probabilities,
)
from catpipe.experiments.resuming import replay, resume
from catpipe.experiments.setup import batches_of, prepare
from catpipe.nn.network import layer_sizes, predict_probabilities
from catpipe.nn.parameters import Parameters
from catpipe.shell.runs.run_file import Run, load_run, save_run
from catpipe.shell.storage.atomic import DataError
from tests.typed import in_colours

PICTURES, OTHERS = in_colours(16, 1, classes=2, side=6), in_colours(9, 2, classes=2, side=6)
ASKED = Experiment(seed=3, hidden=(4,), iterations=12, learning_rate=0.1)
LEARNING = (beside(grey(), downscale(2)), standardize(), principal_components(5))
WAYS = {
    "nothing learned": ASKED._replace(transforms=(grey(), downscale(3))),
    "learned": ASKED._replace(transforms=LEARNING),
    "views": ASKED._replace(transforms=(mirror_views(), *LEARNING)),
    "drawn": ASKED._replace(transforms=(codebook(6, 3), standardize())),
    "mini-batches": ASKED._replace(transforms=LEARNING, batch_size=5),
    "early stopping": ASKED._replace(
        transforms=(mirror_views(), *LEARNING), early_stopping=2, batch_size=4, iterations=90
    ),
    "float32": ASKED._replace(transforms=(mirror_views(), *LEARNING), dtype="float32"),
    "augmented": ASKED._replace(augmentation=(("flipped",), ("cropped", 0.5)), batch_size=5),
    "augmented and learned": ASKED._replace(
        transforms=LEARNING, augmentation=(("shifted", 1),), dropout=0.2
    ),
}  # fmt: skip
every_way = pytest.mark.parametrize("asked", WAYS.values(), ids=WAYS)


@every_way
def test_a_run_goes_through_a_file_and_carries_on_and_is_replayed_to_the_bit(asked, tmp_path):
    whole = fit(asked, PICTURES)
    stopped = fit(asked, PICTURES, lambda checkpoints: islice(checkpoints, 6))
    save_run(tmp_path / "run.h5", Run(stopped))
    loaded = load_run(tmp_path / "run.h5").result
    assert loaded == stopped
    assert resume(loaded, PICTURES) == whole
    assert replay(whole, PICTURES) == whole


@every_way
def test_a_saved_run_predicts_what_it_did(asked, tmp_path):
    result = fit(asked, PICTURES)
    save_run(tmp_path / "run.h5", Run(result))
    loaded = load_run(tmp_path / "run.h5").result
    expected = probabilities(result, OTHERS.inputs)
    assert np.array_equal(probabilities(loaded, OTHERS.inputs), expected)


@every_way
def test_one_example_is_predicted_as_it_is_among_many(asked):
    result = fit(asked, PICTURES)
    among = probabilities(result, OTHERS.inputs)
    alone = np.hstack([probabilities(result, [picture]) for picture in OTHERS.inputs])
    assert alone == pytest.approx(among, rel=1e-5)


@every_way
def test_a_fold_is_a_run_on_the_other_examples(asked):
    folds = np.arange(16) % 3
    found = cross_validate(asked, PICTURES, folds)
    if asked.batch_size or asked.dropout or asked.augmentation:  # whose batches are of all
        assert found.shape == (2, 16)
        return
    for fold in range(3):
        seen = folds != fold
        alone = fit(asked, (PICTURES.inputs[seen], PICTURES.targets[seen]))
        expected = probabilities(alone, PICTURES.inputs[~seen])
        assert found[:, ~seen] == pytest.approx(expected, rel=1e-4)


@dataclass(frozen=True)
class Remembers:
    """A transform that gives the brightest number that it has seen, beside the inputs' mean."""

    def fit(self, inputs, seed):  # noqa: ARG002
        """Return the largest of all numbers."""
        return Parameters(most=[inputs.max()])

    def apply(self, fitted, inputs):
        """Return the mean of each example, and what was learned."""
        mean = inputs.reshape(len(inputs), -1).mean(1, keepdims=True)
        return np.hstack([mean, np.broadcast_to(fitted["most"], mean.shape)])


def bright_one_in(count, place):
    inputs = np.full((count, 2, 2, 3), 50, np.uint8)
    return np.where(np.arange(count)[:, None, None, None] == place, np.uint8(255), inputs)


def test_a_fold_that_is_held_out_leaks_into_no_transform():
    inputs, labels, folds = bright_one_in(6, 2), np.arange(6) % 2, np.arange(6) % 3
    asked = ASKED._replace(transforms=(Remembers(),))
    found = cross_validate(asked, (inputs, labels), folds)
    seen = folds != 2
    clean = fit(asked, (inputs[seen], labels[seen]))
    assert float(clean.fitted[0]["most"][0]) == 50 / 255
    expected = probabilities(clean, inputs[~seen])
    leaked = fit(asked, (np.where(seen[:, None, None, None], inputs, 255), labels))
    assert found[:, ~seen] == pytest.approx(expected)
    assert probabilities(leaked, inputs[~seen]) != pytest.approx(expected)


def test_examples_that_early_stopping_holds_out_leak_into_no_transform():
    asked = ASKED._replace(transforms=(Remembers(),), early_stopping=1)
    for place in range(10):
        setup = prepare(asked, (bright_one_in(10, place), np.arange(10) % 2))
        held_out = np.asarray(setup.plan.validation_weights)[0, place] > 0
        assert float(setup.fitted[0]["most"][0]) == (50 / 255 if held_out else 1)


def test_examples_of_no_weight_leak_into_no_transform():
    weights = (np.arange(6) != 2).astype(float)
    examples = (bright_one_in(6, 2), np.arange(6) % 2, weights)
    setup = prepare(ASKED._replace(transforms=(Remembers(),)), examples)
    assert float(setup.fitted[0]["most"][0]) == 50 / 255


def test_the_network_takes_what_the_transforms_give():
    floats = PICTURES.inputs / 255
    fitted = fit_transforms(LEARNING, floats, seed=3)
    setup = prepare(WAYS["learned"], PICTURES)
    assert setup.space.columns == pytest.approx(apply_transforms(LEARNING, fitted, floats).T)
    assert layer_sizes(setup.network)[0] == 5


def test_the_views_of_an_example_share_its_weight():
    weights = np.arange(1.0, 17)
    setup = prepare(WAYS["views"], (*PICTURES[:2], weights))
    expected = (weights / weights.sum()).repeat(2) / 2
    assert setup.plan.weights == pytest.approx(expected[np.newaxis])


def test_the_views_of_an_example_are_held_out_together():
    setup = prepare(WAYS["early stopping"], PICTURES)
    held_out = np.asarray(setup.plan.validation_weights).reshape(-1, 2) > 0
    assert (held_out[:, 0] == held_out[:, 1]).all()
    assert 0 < held_out[:, 0].sum() < 16


def test_what_is_predicted_is_the_mean_of_the_views_logits():
    asked = ASKED._replace(transforms=(mirror_views(),))
    result = fit(asked, PICTURES)
    plain = result._replace(experiment=ASKED, fitted=())
    first, second = (
        probabilities(plain, views) for views in (OTHERS.inputs, OTHERS.inputs[:, :, ::-1])
    )
    logits = (np.log(first[1] / first[0]) + np.log(second[1] / second[0])) / 2
    assert probabilities(result, OTHERS.inputs)[1] == pytest.approx(1 / (1 + np.exp(-logits)))


def test_a_mirror_image_is_predicted_as_its_picture():
    result = fit(WAYS["views"], PICTURES)
    for of in (probabilities, predictions):
        mirrored = of(result, OTHERS.inputs[:, :, ::-1])
        assert mirrored == pytest.approx(of(result, OTHERS.inputs), rel=1e-9)
    assert accuracy_on(result, OTHERS) in np.arange(10) / 9
    assert cost_on(result, OTHERS) > 0


def test_seeds_that_share_their_features_are_trained_as_one_stack():
    stack = fit_seeds(WAYS["views"], (1, 2), PICTURES)
    for place, seed in enumerate((1, 2)):
        alone = fit(WAYS["views"]._replace(seed=seed), PICTURES)
        found = probabilities(stack, OTHERS.inputs)[place]
        assert found == pytest.approx(probabilities(alone, OTHERS.inputs), rel=1e-6)


@pytest.mark.parametrize("way", ["drawn", "mini-batches"])
def test_networks_of_other_seeds_share_the_features_that_the_experiments_seed_draws(way):
    stack, alone = fit_seeds(WAYS[way], (3, 4), PICTURES), fit(WAYS[way], PICTURES)
    assert stack.fitted == alone.fitted
    found = probabilities(stack, OTHERS.inputs)
    assert found[0] == pytest.approx(probabilities(alone, OTHERS.inputs), rel=1e-6)
    assert not np.allclose(found[0], found[1])


def test_seeds_that_hold_out_other_examples_to_learn_of_are_no_stack():
    with pytest.raises(ValueError, match="early stopping, which holds out other examples for each"):
        fit_seeds(WAYS["early stopping"], (3, 4), PICTURES)


def test_a_transform_of_ones_own_works_and_is_not_saved(tmp_path):
    result = fit(ASKED._replace(transforms=(Remembers(),)), PICTURES)
    with pytest.raises(DataError, match="cannot hold the transforms of this run"):
        save_run(tmp_path / "run.h5", Run(result))
    assert pickle.loads(pickle.dumps(result)) == result


def test_transforms_are_taken_as_text_as_texts_and_among_ones_own():
    forms: tuple[Any, ...] = ("grey; downscale:2", ["grey", "downscale:2"], ("grey", downscale(2)))
    for written in forms:
        assert checked(ASKED._replace(transforms=written)).transforms == (grey(), downscale(2))


def test_training_stays_in_the_smallest_exact_space():
    assert (
        prepare(ASKED._replace(transforms=(grey(),), iterations=500), PICTURES).space.kind == "dual"
    )


def test_each_iteration_augments_the_pictures_anew_and_then_transforms_them():
    asked = WAYS["augmented and learned"]._replace(dropout=0.0)
    first, second = islice(batches_of(prepare(asked, PICTURES)), 2)
    assert first.X.shape == second.X.shape == (5, 16)
    assert not np.array_equal(first.X, second.X)


def test_batches_of_augmented_pictures_begin_at_any_iteration():
    setup = prepare(WAYS["augmented"], PICTURES)
    whole = [*batches_of(setup)]
    for start in range(12):
        rest = [*batches_of(setup, start)]
        assert pickle.dumps(rest) == pickle.dumps(whole[start:])


def test_what_is_predicted_is_not_augmented():
    result = fit(WAYS["augmented"], PICTURES)
    X = OTHERS.inputs.reshape(9, -1).T / 255
    expected = predict_probabilities(result.network, result.parameters, X)
    assert probabilities(result, OTHERS.inputs)[1:] == pytest.approx(expected)


def test_features_are_not_augmented():
    table = np.ones((4, 3)), np.array([0, 1, 0, 1])
    with pytest.raises(ValueError, match=r"augmentation of examples of shape \(3,\); expected pic"):
        fit(ASKED._replace(augmentation=(("flipped",),)), table)


def test_augmentation_of_several_views_is_refused():
    asked = ASKED._replace(augmentation=(("flipped",),), transforms=(mirror_views(),))
    with pytest.raises(ValueError, match="2 views of each example; expected one"):
        fit(asked, PICTURES)


@dataclass(frozen=True)
class Gives:
    """A user's own transform, which gives this, and learns that."""

    rows: Any
    learned: Any = field(default_factory=Parameters)

    def fit(self, inputs, seed):  # noqa: ARG002, D102
        return self.learned

    def apply(self, fitted, inputs):  # noqa: ARG002, D102
        return self.rows


@pytest.mark.parametrize(
    "rows",
    [None, np.ones((1, 2)), np.ones((17, 2)), np.ones((16, 0)), np.full((16, 2), "a")],
    ids=["nothing", "too few", "too many", "no features", "text"],
)
def test_a_transform_gives_numbers_of_each_example(rows):
    with pytest.raises(ValueError, match="for 16 examples; expected numbers"):
        fit(ASKED._replace(transforms=(Gives(rows),)), PICTURES)


def test_a_transform_gives_finite_numbers():
    with pytest.raises(ValueError, match="the transforms give numbers that are not finite"):
        fit(ASKED._replace(transforms=(Gives(np.full((16, 2), np.nan)),)), PICTURES)


@pytest.mark.parametrize("around", [lambda own: own, lambda own: beside(own, grey())])
def test_a_transform_learns_parameters(around):
    own = Gives(np.ones((16, 2)), {"mean": 0.5})
    with pytest.raises(TypeError, match="expected Parameters"):
        fit(ASKED._replace(transforms=(around(own),)), PICTURES)


FEATURES = np.random.default_rng(1).standard_normal((8, 3))
SINGLE = ASKED._replace(dtype="float32")


def test_inputs_beyond_float32_are_refused_in_training_and_in_prediction():
    result = fit(SINGLE, (FEATURES, np.arange(8) % 2))
    for use in (
        lambda: fit(SINGLE, (FEATURES * 1e300, np.arange(8) % 2)),
        lambda: predictions(result, FEATURES * 1e300),
    ):
        with pytest.raises(ValueError, match=r"inputs have .*float32: scale them"):
            use()


def test_targets_beyond_float32_are_refused():
    regression = SINGLE._replace(loss="mean_squared_error")
    with pytest.raises(ValueError, match=r"targets have .*float32: scale them"):
        fit(regression, (FEATURES, FEATURES[:, 0] * 1e300))
    result = fit(regression, (FEATURES, FEATURES[:, 0]))
    with pytest.raises(ValueError, match=r"targets have .*float32: scale them"):
        cost_on(result, (FEATURES, FEATURES[:, 0] * 1e300))
