"""Pictures made simpler, against Pillow and against pixels repeated."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catpipe.data.transforms.pictures import downscale, grey, mirror_views
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
