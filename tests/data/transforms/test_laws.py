"""What holds for every transform: rows by themselves, no leak, purity, types, pickles."""

import pickle

import numpy as np
import pytest

from catpipe.data.transforms.composition import fit_and_apply, transposed
from catpipe.data.transforms.notation import TRANSFORMS, read_transforms
from tests.points import FLOATS

TEXTS = (
    "grey", "downscale:3", "mirror_views", "crop_views:3,4", "crop_views:2,3,0.5",
    "colour_histogram:2,3", "oriented_gradients:4",
    "codebook:12,3", "codebook:5,2,3", "standardize", "scale_groups", "scale_groups:100,44,48",
    "logarithm:9", "square_root", "principal_components:4", "principal_components:3,whiten",
    "(mirror_views; standardize; principal_components:5)", "grey + (standardize; downscale:2)",
)  # fmt: skip
NOT_AFFINE = (
    "colour_histogram:2,3", "oriented_gradients:4", "codebook:12,3", "codebook:5,2,3",
    "logarithm:9", "square_root",
)  # fmt: skip
each = pytest.mark.parametrize("text", TEXTS)
dtypes = pytest.mark.parametrize("dtype", FLOATS)


def transform_of(text):
    (transform,) = read_transforms(text)
    return transform


def pictures(seed, count=7, dtype=np.float64):
    array = np.random.default_rng(seed).random((count, 8, 8, 3)).astype(dtype)
    array.setflags(write=False)
    return array


def test_every_transform_that_has_a_name_is_tried_here():
    assert all(any(name in text for text in TEXTS) for name in TRANSFORMS)


@each
def test_an_example_is_transformed_by_itself(text):
    transform = transform_of(text)
    fitted, others = transform.fit(pictures(1), seed=1), pictures(2, 4)
    singly = [transform.apply(fitted, others[i : i + 1]) for i in range(len(others))]
    np.testing.assert_allclose(
        np.concatenate(singly), transform.apply(fitted, others), rtol=1e-9, atol=1e-12
    )


@each
def test_views_of_an_example_follow_each_other(text):
    transform = transform_of(text)
    fitted, outputs = fit_and_apply(transform, pictures(1), seed=1)
    views = len(outputs) // 7
    assert len(outputs) == 7 * views
    np.testing.assert_allclose(
        outputs[views : 2 * views], transform.apply(fitted, pictures(1)[1:2]), atol=1e-12
    )


@each
def test_to_fit_and_apply_is_to_fit_and_then_to_apply(text):
    transform = transform_of(text)
    fitted, outputs = fit_and_apply(transform, pictures(1), seed=1)
    assert fitted == transform.fit(pictures(1), seed=1)
    assert np.array_equal(outputs, transform.apply(fitted, pictures(1)))


@each
def test_what_is_given_is_left_as_it_was(text):
    transform, inputs = transform_of(text), pictures(1)
    fitted = transform.fit(inputs, seed=1)
    before = pickle.dumps((transform, inputs, fitted))
    transform.apply(fitted, inputs)
    assert pickle.dumps((transform, inputs, fitted)) == before


@each
def test_what_is_learned_is_read_only(text):
    fitted = transform_of(text).fit(pictures(1), seed=1)
    assert not any(array.flags.writeable for array in fitted.values())


@each
@dtypes
def test_the_type_that_goes_in_comes_out(text, dtype):
    fitted, outputs = fit_and_apply(transform_of(text), pictures(1, dtype=dtype), seed=1)
    assert {array.dtype for array in (outputs, *fitted.values())} == {np.dtype(dtype)}


@each
def test_float32_gives_what_float64_gives(text):
    transform = transform_of(text)
    fitted, outputs = fit_and_apply(transform, pictures(1, dtype=np.float32), seed=1)
    wide = type(fitted)({name: array.astype(np.float64) for name, array in fitted.items()})
    exact = transform.apply(wide, pictures(1, dtype=np.float32).astype(np.float64))
    np.testing.assert_allclose(outputs, exact, rtol=1e-3, atol=1e-4)


@each
def test_a_transform_comes_back_from_a_pickle_equal(text):
    again = pickle.loads(pickle.dumps(transform_of(text)))
    assert again == transform_of(text)
    assert hash(again) == hash(transform_of(text))


@each
def test_equal_seeds_learn_the_same(text):
    transform = transform_of(text)
    assert transform.fit(pictures(1), seed=3) == transform.fit(pictures(1), seed=3)


def test_another_seed_draws_another_codebook():
    words = [transform_of("codebook:12,3").fit(pictures(1), seed)["words"] for seed in (1, 2)]
    assert not np.isin(words[0], words[1]).any()


FOR_PICTURES = (
    "grey", "downscale:2", "mirror_views", "crop_views:2,3", "colour_histogram:1,2", "codebook:2,3",
)  # fmt: skip


@pytest.mark.parametrize("text", [*FOR_PICTURES, "oriented_gradients:4"])
@pytest.mark.parametrize("shape", [(3, 12), (3,), (2, 2, 2, 3, 1)], ids=str)
def test_what_are_no_pictures_is_refused_by_what_takes_pictures(text, shape):
    sentence = r"inputs of shape .* to \w+; expected pictures \(examples, height, width, channels"
    with pytest.raises(ValueError, match=sentence):
        fit_and_apply(transform_of(text), np.ones(shape), seed=1)


@pytest.mark.parametrize("text", [text for text in FOR_PICTURES if text != "grey"])
def test_three_axes_are_grey_pictures(text):
    transform, inputs = transform_of(text), pictures(1)[..., 0]
    _, outputs = fit_and_apply(transform, inputs, seed=1)
    assert np.array_equal(outputs, fit_and_apply(transform, inputs[..., np.newaxis], seed=1)[1])


@pytest.mark.parametrize("text", ["standardize", "principal_components:2", "codebook:4,3"])
def test_other_inputs_than_were_fitted_are_refused(text):
    transform = transform_of(text)
    fitted = transform.fit(pictures(1), seed=1)
    with pytest.raises(ValueError, match=r"as it was fitted to: give inputs of the same kind"):
        transform.apply(fitted, pictures(1)[..., :1])


@pytest.mark.parametrize("text", sorted({*TEXTS} - {*NOT_AFFINE}))
def test_the_transpose_of_an_affine_transform_has_its_inner_products(text):
    transform = transform_of(text)
    fitted, x = transform.fit(pictures(1), seed=1), pictures(2, 1)
    outputs = transform.apply(fitted, x) - transform.apply(fitted, np.zeros_like(x))
    y = np.random.default_rng(3).standard_normal(outputs.shape)
    back = transposed((transform,), (fitted,), x.shape[1:], y)
    np.testing.assert_allclose((outputs * y).sum(), (x * back).sum(), rtol=1e-9)


@pytest.mark.parametrize("text", NOT_AFFINE)
def test_a_transform_that_is_not_affine_has_no_transpose(text):
    transform = transform_of(text)
    fitted, outputs = fit_and_apply(transform, pictures(1), seed=1)
    with pytest.raises(ValueError, match="expected transforms that are affine"):
        transposed((transform,), (fitted,), (8, 8, 3), outputs)
