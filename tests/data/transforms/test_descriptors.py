"""Histograms of colours and of gradients, against loops over single pixels."""

import numpy as np
import pytest

from catpipe.data.transforms.descriptors import colour_histogram, oriented_gradients
from catpipe.nn.parameters import Parameters

NONE = Parameters()
PICTURES = np.random.default_rng(1).random((3, 9, 8, 3))
EVEN = np.random.default_rng(2).random((3, 8, 8, 3))


def test_a_histogram_counts_pixels_one_by_one():
    cells, bins = 2, 3
    expected = np.zeros((3, cells, cells, bins**3))
    for i, y, x in np.ndindex(3, 9, 8):
        r, g, b = (int(channel * bins) for channel in PICTURES[i, y, x])
        expected[i, y * cells // 9, x * cells // 8, r + bins * g + bins**2 * b] += 1
    expected /= expected.sum(-1, keepdims=True)
    np.testing.assert_allclose(
        colour_histogram(cells, bins).apply(NONE, PICTURES), expected, rtol=1e-14
    )


def test_black_and_white_are_in_the_first_bin_and_the_last():
    extremes = np.array([0.0, 1.0]).reshape(2, 1, 1, 1)
    assert colour_histogram(1, 4).apply(NONE, extremes).reshape(2, 4).tolist() == [
        [1, 0, 0, 0],
        [0, 0, 0, 1],
    ]


def test_the_histograms_of_a_mirror_image_are_mirrored():
    histograms, mirrored = (colour_histogram(2, 3).apply(NONE, p) for p in (EVEN, EVEN[:, :, ::-1]))
    np.testing.assert_allclose(mirrored, histograms[:, :, ::-1])


def slow_cells(picture, cell, orientations):
    """Return the histogram of each cell, by one vote after another."""
    height, width, channels = picture.shape
    slopes = [np.gradient(picture[..., c]) for c in range(channels)]
    cells = np.zeros((height // cell, width // cell, orientations))
    for y, x in np.ndindex(height, width):
        dy, dx = max(((d[y, x], r[y, x]) for d, r in slopes), key=lambda s: s[0] ** 2 + s[1] ** 2)
        angle = np.arctan2(dy, dx) % np.pi * orientations / np.pi
        for o, cy, cx in np.ndindex(orientations, *cells.shape[:2]):
            around = abs(angle - o - 0.5)
            shares = [
                1 - min(around, orientations - around),
                1 - abs((y + 0.5) / cell - cy - 0.5),
                1 - abs((x + 0.5) / cell - cx - 0.5),
            ]
            cells[cy, cx, o] += np.hypot(dy, dx) * np.prod(np.maximum(0, shares))
    return cells


def slow_blocks(cells):
    """Return the numbers of each block of 2 x 2 cells, those of an orientation together."""
    rows, columns, orientations = cells.shape
    blocks = np.empty((rows - 1, columns - 1, 4 * orientations))
    for y, x in np.ndindex(*blocks.shape[:2]):
        block = cells[y : y + 2, x : x + 2].reshape(4, orientations)
        block = block / np.sqrt((block**2).sum() + 1e-4)
        block = np.minimum(block, 0.2)
        blocks[y, x] = (block / np.sqrt((block**2).sum() + 1e-4)).ravel()
    return blocks


def sorted_numbers(blocks):
    return np.sort(blocks, axis=-1)


@pytest.mark.parametrize(("cell", "orientations"), [(2, 9), (3, 4), (4, 2)])
def test_gradients_vote_one_by_one(cell, orientations):
    expected = [slow_blocks(slow_cells(picture, cell, orientations)) for picture in PICTURES]
    found = oriented_gradients(cell, orientations).apply(NONE, PICTURES)
    np.testing.assert_allclose(sorted_numbers(found), sorted_numbers(expected), rtol=1e-9)


def test_a_vertical_edge_votes_for_the_orientations_around_0():
    picture = np.zeros((1, 8, 8, 1))
    picture[:, :, 4:] = 1
    votes = oriented_gradients(8, 4).apply(NONE, picture).ravel()
    np.testing.assert_array_equal(votes > 0, [True, False, False, True])


def test_gradients_of_a_mirror_image_are_mirrored():
    blocks, mirrored = (oriented_gradients(4, 3).apply(NONE, p) for p in (EVEN, EVEN[:, :, ::-1]))
    of_cells = mirrored.reshape(3, 1, 1, 2, 2, 3)[..., ::-1, ::-1].reshape(blocks.shape)
    np.testing.assert_allclose(sorted_numbers(of_cells), sorted_numbers(blocks), rtol=1e-9)


def test_gradients_hardly_depend_on_contrast():
    blocks, fainter = (oriented_gradients(4).apply(NONE, p) for p in (EVEN, 0.5 + EVEN / 4))
    np.testing.assert_allclose(fainter, blocks, atol=0.01)


def test_a_flat_picture_has_no_gradients():
    assert (oriented_gradients(4).apply(NONE, np.full((1, 8, 8, 3), 0.7)) == 0).all()


@pytest.mark.parametrize("transform", [colour_histogram(9, 2), oriented_gradients(9)], ids=repr)
def test_pictures_that_are_too_small_are_refused(transform):
    with pytest.raises(ValueError, match=r"pictures of 9 x 8 pixels to .*: choose a smaller"):
        transform.apply(NONE, PICTURES)
