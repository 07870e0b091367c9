"""Pipelines, chains and transforms beside each other, against the same done by hand."""

from dataclasses import dataclass

import numpy as np
import pytest

from catpipe.data.transforms.components import principal_components
from catpipe.data.transforms.composition import (
    apply_transforms,
    beside,
    by_place,
    chain,
    fit_and_apply,
    fit_and_apply_transforms,
    fit_transforms,
    with_places,
)
from catpipe.data.transforms.pictures import downscale, grey, mirror_views
from catpipe.data.transforms.scaling import scale_groups, square_root, standardize
from catpipe.nn.parameters import Parameters

PICTURES = np.random.default_rng(1).random((6, 4, 4, 3))
OTHERS = np.random.default_rng(2).random((3, 4, 4, 3))
TRANSFORMS = (mirror_views(), standardize(), principal_components(3))


@dataclass(frozen=True)
class Centred:
    """A transform of a user's own."""

    calls: tuple[str, ...] = ()

    def fit(self, inputs, seed):  # noqa: ARG002
        """Return the mean."""
        return Parameters(mean=inputs.mean(0))

    def apply(self, fitted, inputs):
        """Return the inputs less the mean."""
        return inputs - fitted["mean"]


def test_each_transform_is_fitted_to_what_those_before_it_give():
    fitted = fit_transforms(TRANSFORMS, PICTURES, seed=1)
    views = mirror_views().apply(Parameters(), PICTURES)
    assert fitted[1] == standardize().fit(views, seed=1)
    standard = standardize().apply(fitted[1], views)
    assert fitted[2] == principal_components(3).fit(standard, seed=1)


def test_to_apply_a_pipeline_is_to_apply_each_in_turn():
    fitted, outputs = fit_and_apply_transforms(TRANSFORMS, PICTURES, seed=1)
    assert fitted == fit_transforms(TRANSFORMS, PICTURES, seed=1)
    assert np.array_equal(outputs, apply_transforms(TRANSFORMS, fitted, PICTURES))
    by_hand = OTHERS
    for transform, learned in zip(TRANSFORMS, fitted, strict=True):
        by_hand = transform.apply(learned, by_hand)
    assert np.array_equal(apply_transforms(TRANSFORMS, fitted, OTHERS), by_hand)


def test_a_pipeline_of_none_gives_the_inputs():
    assert fit_transforms((), PICTURES, seed=1) == ()
    assert apply_transforms((), (), PICTURES) is PICTURES


def test_a_chain_is_the_pipeline_of_its_transforms():
    fitted, outputs = fit_and_apply_transforms(TRANSFORMS, PICTURES, seed=1)
    chained, of_chain = fit_and_apply(chain(*TRANSFORMS), PICTURES, seed=1)
    assert by_place(chained, 3) == fitted
    assert [*chained] == ["1.mean", "1.deviation", "2.mean", "2.components"]
    assert np.array_equal(of_chain, outputs)


def test_chains_are_associative():
    a, b, c = TRANSFORMS
    outputs = [
        fit_and_apply(of, PICTURES, seed=1)[1]
        for of in (chain(a, b, c), chain(chain(a, b), c), chain(a, chain(b, c)))
    ]
    assert np.array_equal(outputs[0], outputs[1])
    assert np.array_equal(outputs[0], outputs[2])


def test_transforms_beside_each_other_give_the_features_of_each():
    parts = (chain(grey(), standardize()), downscale(2))
    fitted, outputs = fit_and_apply(beside(*parts), PICTURES, seed=1)
    assert [*fitted] == ["0.1.mean", "0.1.deviation"]
    rows = [fit_and_apply(part, PICTURES, seed=1)[1].reshape(6, -1) for part in parts]
    assert np.array_equal(outputs, np.hstack(rows))


def test_one_transform_in_a_chain_or_beside_none_is_itself():
    assert chain(grey()) == beside(grey()) == grey()


def test_more_than_ten_places_do_not_mix():
    several = [Parameters({f"a{i}": [i]}) for i in range(12)]
    assert by_place(with_places(several), 12) == tuple(several)


def test_groups_beside_each_other_each_have_their_scale():
    parts = (chain(grey(), scale_groups()), chain(downscale(2), scale_groups()))
    outputs = fit_and_apply(beside(*parts), PICTURES, seed=1)[1]
    squares = [np.square(part).mean() for part in (outputs[:, :16], outputs[:, 16:])]
    assert squares == pytest.approx([1, 1], rel=1e-12)


def test_a_transform_of_a_users_own_works_wherever_ours_do():
    both = beside(chain(grey(), Centred()), square_root())
    fitted, outputs = fit_and_apply_transforms((both, Centred()), PICTURES, seed=1)
    assert [*fitted[0]] == ["0.1.mean"]
    np.testing.assert_allclose(outputs.mean(0), 0, atol=1e-12)


def test_in_nested_combinations_each_transform_is_applied_once_while_fitting():
    class Counting:
        applied = 0

        def fit(self, inputs, seed):  # noqa: ARG002
            return Parameters()

        def apply(self, fitted, inputs):  # noqa: ARG002
            self.applied = self.applied + 1
            return inputs

    counting = Counting()
    within = chain(beside(chain(counting, standardize()), grey()), standardize())
    fit_and_apply_transforms((within, standardize()), PICTURES, seed=1)
    assert counting.applied == 1


def test_other_views_beside_each_other_are_refused():
    with pytest.raises(ValueError, match=r"give 12, 6 rows; .* place mirror_views before"):
        fit_and_apply(beside(mirror_views(), grey()), PICTURES, seed=1)


def test_fitted_parameters_of_other_transforms_are_refused():
    with pytest.raises(ValueError, match="1 fitted parameters for 3 transforms"):
        apply_transforms(TRANSFORMS, (Parameters(),), PICTURES)


@pytest.mark.parametrize(
    "wrong",
    [standardize, type(standardize()), "grey", 3],
    ids=["a function", "a class", "text", "a number"],
)
def test_what_is_no_transform_is_refused(wrong):
    for take in (chain, beside, lambda of: fit_transforms((of,), PICTURES, seed=1)):
        with pytest.raises(TypeError, match="expected a value with fit and apply: write"):
            take(wrong)


@pytest.mark.parametrize("combine", [chain, beside])
def test_a_combination_of_none_is_refused(combine):
    with pytest.raises(ValueError, match="of no transforms; expected at least one"):
        combine()


def test_one_transform_in_place_of_several_is_refused():
    with pytest.raises(TypeError, match=r"expected a tuple: write \(standardize\(\),\)"):
        fit_transforms(standardize(), PICTURES, seed=1)  # type: ignore[arg-type]
