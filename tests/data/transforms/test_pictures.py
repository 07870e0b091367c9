"""Pictures made simpler, against Pillow and against pixels repeated."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catpipe.data.transforms.pictures import crop_views, downscale, grey, mirror_views
from catpipe.nn.parameters import Parameters
from tests.points import seeds

NONE = Parameters()


@pytest.mark.parametrize("side", [1, 2, 4, 8])
def test_downscale_is_pillows_box_where_the_side_divides(side):
    image = pytest.importorskip("PIL.Image")
    channel = np.random.default_rng(1).random((8, 16)).astype(np.float32)
    expected = np.asarray(image.fromarray(channel).resize((side, side), image.Resampling.BOX))
    np.testing.assert_allclose(
        downscale(side).apply(NONE, channel[np.newaxis, ..., np.newaxis])[0, ..., 0],
        expected,
        rtol=1e-5,
    )


@given(seeds, st.integers(1, 7), st.integers(1, 7), st.integers(1, 9))
def test_downscale_is_the_mean_of_pixels_repeated_until_the_side_divides(seed, height, width, side):
    side = min(side, max(height, width))
    pictures = np.random.default_rng(seed).random((2, height, width, 3))
    repeated = pictures.repeat(side, axis=1).repeat(side, axis=2)
    expected = repeated.reshape(2, side, height, side, width, 3).mean((2, 4))
    np.testing.assert_allclose(downscale(side).apply(NONE, pictures), expected, rtol=1e-12)


def test_grey_is_pillows_brightness_to_a_level_of_256():
    image = pytest.importorskip("PIL.Image")
    colours = np.random.default_rng(1).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    expected = np.asarray(image.fromarray(colours).convert("L")) / 255
    found = grey().apply(NONE, colours[np.newaxis] / 255)
    np.testing.assert_allclose(found[0, ..., 0], expected, atol=1 / 255)


def test_grey_pictures_stay_as_they_are():
    pictures = np.random.default_rng(1).random((2, 3, 3, 1))
    assert np.array_equal(grey().apply(NONE, pictures), pictures)


def test_grey_refuses_channels_that_are_no_colours():
    with pytest.raises(ValueError, match="pictures of 4 channels to grey"):
        grey().apply(NONE, np.ones((1, 2, 2, 4)))


def test_mirror_views_are_each_picture_and_its_mirror_image():
    pictures = np.random.default_rng(1).random((3, 2, 5, 3))
    views = mirror_views().apply(NONE, pictures)
    assert np.array_equal(views[::2], pictures)
    assert np.array_equal(views[1::2], np.flip(pictures, axis=2))


@pytest.mark.parametrize("side", [0, -1, 2.5, True, "8"])
def test_a_side_that_is_no_whole_number_is_refused(side):
    with pytest.raises(
        ValueError, match=r"side of downscale .*; expected an integer of at least 1"
    ):
        downscale(side)


def test_pictures_are_not_enlarged():
    with pytest.raises(ValueError, match="4 x 5 pixels to downscale to 6 x 6; expected a smaller"):
        downscale(6).apply(Parameters(), np.ones((1, 4, 5, 3)))


@given(seeds, st.integers(1, 9), st.integers(1, 9), st.integers(1, 4))
def test_a_crop_of_the_whole_is_the_picture_downscaled(seed, height, width, side):
    side = min(side, max(height, width))
    whole = crop_views(1, side, least=1)
    pictures = np.random.default_rng(seed).random((2, height, width, 3))
    views = whole.apply(whole.fit(pictures, seed), pictures)
    np.testing.assert_allclose(views, downscale(side).apply(NONE, pictures), atol=1e-12)


@given(seeds, st.integers(1, 5), st.floats(0.01, 1))
def test_a_crop_of_a_slope_is_a_part_of_the_slope(seed, side, least):
    rows, columns = np.mgrid[:16, :16] + 0.5
    pictures = np.stack((rows, columns), axis=-1)[np.newaxis] / 16
    crops = crop_views(3, side, least)
    fitted = crops.fit(pictures, seed)
    centres = (np.arange(side) + 0.5) / side
    for view, (top, left, length) in zip(
        crops.apply(fitted, pictures), fitted["parts"], strict=True
    ):
        assert least <= length**2 + 1e-12 <= 1 + 2e-12
        np.testing.assert_allclose(view[:, 0, 0], top + length * centres, atol=1 / 16)
        np.testing.assert_allclose(view[0, :, 1], left + length * centres, atol=1 / 16)


def test_another_seed_draws_other_crops():
    crops, pictures = crop_views(3, 2), np.ones((1, 4, 4, 3))
    assert not np.isin(crops.fit(pictures, 1)["parts"], crops.fit(pictures, 2)["parts"]).any()


@pytest.mark.parametrize("least", [0, -1, 1.5, float("nan"), "half", True])
def test_crops_of_no_share_of_the_area_are_refused(least):
    with pytest.raises(ValueError, match="of the area; expected a number above 0, at most 1"):
        crop_views(3, 2, least)
