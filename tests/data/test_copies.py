"""Copies are found whatever was done to them, and nothing else is taken for one."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from catpipe.data.copies import (
    BLOCK,
    digests,
    equal_pairs,
    fingerprints,
    near_pairs,
)
from catpipe.data.drawn.drawings import draw

DRAWN = draw(seed=3, train=40, test=1).train.inputs


def changed(picture, change):
    return np.asarray(change(Image.fromarray(picture)))


def recompressed(image):
    with io.BytesIO() as file:
        image.save(file, "JPEG", quality=75)
        return Image.open(file).convert("RGB")


def resized(image):
    return image.resize((40, 40), Image.Resampling.BILINEAR).resize(image.size)


def brighter(image):
    return ImageEnhance.Brightness(image).enhance(1.1)


def mirrored(image):
    return recompressed(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT))


@given(st.lists(st.integers(0, 3)))
def test_equal_pairs_are_each_later_example_with_the_first_that_is_equal(values):
    inputs = np.array(values).reshape(-1, 1)
    pairs = equal_pairs(digests(inputs))
    assert [(pair.number, pair.of) for pair in pairs] == [
        (number, values.index(value))
        for number, value in enumerate(values)
        if values.index(value) < number
    ]


def test_inputs_in_any_memory_order_have_equal_digests():
    pictures = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    assert digests(np.asfortranarray(pictures)) == digests(pictures)


def test_a_fingerprint_is_of_the_means_of_the_cells():
    expected = DRAWN.astype(float).reshape(40, 8, 8, 8, 8, 3).mean((2, 4))
    expected -= expected.mean((1, 2, 3), keepdims=True)
    expected /= np.linalg.norm(expected.reshape(40, -1), axis=1)[:, None, None, None]
    np.testing.assert_allclose(fingerprints(DRAWN).coarse, expected, atol=1e-6)


@pytest.mark.parametrize("shape", [(50, 70, 3), (33, 40), (64, 64, 1), (100, 32, 4)])
def test_a_fingerprint_has_unit_length_whatever_the_size_of_the_pictures(shape):
    pictures = np.random.default_rng(0).integers(0, 256, (2, *shape), np.uint8)
    for part in fingerprints(pictures):
        np.testing.assert_allclose((part**2).sum((1, 2, 3)), 1, rtol=1e-5)


def test_cells_of_sides_that_16_does_not_divide_share_their_pixels_by_area():
    picture = np.random.default_rng(0).random((1, 40, 56, 3))
    fine = picture.repeat(2, axis=1).repeat(2, axis=2)
    for one, other in zip(fingerprints(picture), fingerprints(fine), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_a_picture_of_almost_one_value_is_like_no_other():
    dull = np.random.default_rng(0).integers(100, 103, (4, 32, 32, 3), np.uint8)
    assert near_pairs(fingerprints(np.concatenate([dull, dull]))) == ()


@pytest.mark.parametrize("change", [recompressed, resized, brighter, mirrored])
def test_a_changed_picture_is_a_near_copy_of_its_original(change):
    copies = np.stack([changed(picture, change) for picture in DRAWN])
    pairs = near_pairs(fingerprints(np.concatenate([DRAWN, copies])))
    found = {pair.number - len(DRAWN): pair for pair in pairs}
    assert [*found] == [*range(len(DRAWN))]
    assert all(pair.of == number for number, pair in found.items())
    assert {pair.how for pair in pairs} == {"mirrored" if change is mirrored else "near"}


def test_different_pictures_are_no_copies():
    assert near_pairs(fingerprints(DRAWN)) == ()


def test_pictures_that_share_their_sky_and_ground_alone_are_no_copies():
    sky = np.linspace(1, 0, 64)[:, np.newaxis, np.newaxis]
    noise = np.random.default_rng(0).random((2, 16, 16, 3)).repeat(4, axis=1).repeat(4, axis=2)
    prints = fingerprints(sky + 0.2 * noise)
    assert (prints.coarse[0] * prints.coarse[1]).sum() > 0.98
    assert near_pairs(prints) == ()


def test_of_several_originals_the_first_is_named():
    pairs = near_pairs(fingerprints(DRAWN[[0, 1, 0, 1, 0]]))
    assert [(pair.number, pair.of) for pair in pairs] == [(2, 0), (3, 1), (4, 0)]


def test_the_first_original_is_named_be_it_mirrored_or_not():
    one, other = DRAWN[0], DRAWN[0][:, ::-1]
    pairs = near_pairs(fingerprints(np.stack([one, other, one, other])))
    assert [(pair.number, pair.of, pair.how) for pair in pairs] == [
        (1, 0, "mirrored"), (2, 0, "near"), (3, 0, "mirrored"),
    ]  # fmt: skip


@pytest.mark.parametrize("of", [0, BLOCK - 1, BLOCK])
def test_copies_are_found_across_the_blocks(of):
    noise = np.random.default_rng(0).random((BLOCK + 2, 32, 32)).astype(np.float32)
    pictures = np.concatenate([noise, noise[of : of + 1, :, ::-1]])
    pairs = near_pairs(fingerprints(pictures))
    assert [(pair.number, pair.of, pair.how) for pair in pairs] == [(BLOCK + 2, of, "mirrored")]


def test_the_photographs_have_one_copy_and_no_near_ones(photographs):
    inputs = np.concatenate([photographs.train.inputs, photographs.test.inputs])
    assert [pair[:2] for pair in equal_pairs(digests(inputs))] == [(209 + 17, 146)]
    assert [pair[:2] for pair in near_pairs(fingerprints(inputs))] == [(209 + 17, 146)]
