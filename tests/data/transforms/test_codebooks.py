"""Clusters against scikit-learn's, and codebooks against loops over single patches."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans

from catpipe.data.transforms.clustering import k_means, nearest
from catpipe.data.transforms.codebooks import codebook
from catpipe.data.transforms.composition import fit_and_apply
from tests.points import normal

PICTURES = np.random.default_rng(1).random((5, 7, 9, 3))


@pytest.mark.parametrize("iterations", [1, 2, 10])
def test_centres_are_scikit_learns_from_the_same_start(iterations):
    points = normal(1, 500, 3)
    start = k_means(points, 6, seed=1, iterations=0)
    oracle = KMeans(6, init=start, n_init=1, max_iter=100, tol=0).fit(points)
    np.testing.assert_allclose(
        k_means(points, 6, seed=1, iterations=100), oracle.cluster_centers_, rtol=1e-9
    )
    found = k_means(points, 6, seed=1, iterations=iterations)
    spread = (cdist(points, found).min(1) ** 2).sum()
    assert oracle.inertia_ <= spread * (1 + 1e-12)


def test_the_start_are_different_points_of_those_given():
    points = normal(2, 30, 2)
    start = k_means(points, 30, seed=1, iterations=0)
    assert {*map(tuple, start)} == {*map(tuple, points)}


def test_the_nearest_centre_is_that_of_all_distances():
    points, centres = normal(1, 50, 3), normal(2, 7, 3)
    assert np.array_equal(nearest(points, centres), cdist(points, centres).argmin(1))


def test_a_centre_without_points_stays_where_it_is():
    assert k_means(np.ones((5, 2)), 3, seed=1).tolist() == [[1, 1]] * 3


def test_centres_without_points_stay_where_they_are_beside_others_that_move():
    points = np.array([[0.0], [0.0], [0.0], [5.0], [9.0]])
    for seed in range(5):
        assert sorted(k_means(points, 5, seed)[:, 0].tolist()) == [0, 0, 0, 5, 9]


def test_fewer_points_than_centres_are_refused():
    with pytest.raises(ValueError, match="2 points for 3 centres"):
        k_means(np.ones((2, 2)), 3, seed=1)


def patches_of(picture, patch):
    """Return each patch's place, and its numbers with channels first, normalized."""
    height, width, _ = picture.shape
    for y, x in np.ndindex(height - patch + 1, width - patch + 1):
        numbers = np.moveaxis(picture[y : y + patch, x : x + patch], -1, 0).ravel()
        yield (y, x), (numbers - numbers.mean()) / np.sqrt(numbers.var() + 10 / 255**2)


def test_words_are_activated_by_one_patch_after_another():
    patch, pools = 3, 2
    fitted, outputs = fit_and_apply(codebook(6, patch, pools), PICTURES, seed=1)
    rows, columns = 7 - patch + 1, 9 - patch + 1
    for picture, output in zip(PICTURES, outputs, strict=True):
        sums, counts = np.zeros((pools, pools, 6)), np.zeros((pools, pools, 1))
        for (y, x), numbers in patches_of(picture, patch):
            whitened = (numbers - fitted["mean"]) @ fitted["whitening"]
            z = np.linalg.norm(whitened - fitted["words"], axis=1)
            part = (int(y >= rows // 2), int(x >= columns // 2))
            sums[part] += np.maximum(0, z.mean() - z)
            counts[part] += 1
        np.testing.assert_allclose(output, sums / counts, rtol=1e-8, atol=1e-12)


def test_whitening_makes_patches_uncorrelated_up_to_its_constant():
    fitted = codebook(2, 2).fit(PICTURES[:1, :4, :4], seed=1)
    patches = np.array([numbers for _, numbers in patches_of(PICTURES[0, :4, :4], 2)])
    covariance = np.cov(patches.T, bias=True) + 0.1 * np.eye(12)
    whitening = fitted["whitening"]
    np.testing.assert_allclose(whitening, whitening.T, atol=1e-12)
    np.testing.assert_allclose(whitening @ covariance @ whitening, np.eye(12), atol=1e-9)
    np.testing.assert_allclose(fitted["mean"], patches.mean(0), atol=1e-12)


def test_flat_pictures_have_finite_activations():
    assert np.isfinite(fit_and_apply(codebook(4, 3), np.ones((3, 6, 6, 3)), seed=1)[1]).all()


def test_more_parts_than_places_overlap():
    assert fit_and_apply(codebook(2, 6, 3), PICTURES, seed=1)[1].shape == (5, 3, 3, 2)


def test_pictures_smaller_than_a_patch_are_refused():
    with pytest.raises(ValueError, match="pictures of 7 x 9 pixels to codebook with patches of 8"):
        codebook(2, 8).fit(PICTURES, seed=1)


def test_more_words_than_patches_are_refused():
    with pytest.raises(ValueError, match="15 patches to learn a codebook of 99 words from"):
        codebook(99, 7).fit(PICTURES, seed=1)


def test_patches_lie_as_many_pixels_apart_as_the_stride():
    pictures = np.random.default_rng(1).random((3, 9, 9, 3))
    plain, wide = codebook(5, 3, pools=1), codebook(5, 3, pools=1, stride=2)
    learned = plain.fit(pictures, seed=1)
    assert wide.fit(pictures, seed=1) == learned
    every = [
        plain.apply(learned, pictures[:, row : row + 3, column : column + 3])
        for row in range(0, 7, 2)
        for column in range(0, 7, 2)
    ]
    assert wide.apply(learned, pictures) == pytest.approx(np.mean(every, axis=0))
