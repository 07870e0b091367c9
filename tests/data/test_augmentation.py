"""Augmentation: mirrored, moved and relit as plain loops would, by draws named by their step."""

import math
import pickle
from collections.abc import Iterable
from functools import partial
from itertools import count, islice, product, repeat

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catpipe.data.augmentation import augmented, brightened, cropped, flipped, shifted
from catpipe.data.batches import Batch, mini_batches
from catpipe.data.sampling import shuffled
from catpipe.data.transforms.columns import pixels
from catpipe.nn.arrays import Array
from tests.points import FLOATS, seeds

AUGMENTATIONS = (flipped, shifted, cropped, brightened)
each = pytest.mark.parametrize("augmentation", AUGMENTATIONS)
shapes = st.tuples(st.integers(0, 5), *[st.integers(1, 6)] * 3)
iterations = st.integers(0, 2**31)
shares = st.floats(0, 1)
mosts = st.integers(0, 9)


def generic(seed: int, *shape: int, dtype: type = np.float64) -> Array:
    """Return images of numbers in [0, 1) that nobody may write to."""
    images: Array = np.random.default_rng(seed).random(shape).astype(dtype)
    images.setflags(write=False)
    return images


def are_mirrored(examples: int, seed: int, iteration: int, share: float = 0.5) -> list[bool]:
    """Return which pictures are, read from pictures of a 0 left of a 1."""
    images = np.tile([[0.0], [1.0]], (examples, 1, 1, 1))
    mirrored: list[bool] = (flipped(images, seed, iteration, share)[:, 0, 0, 0] == 1).tolist()
    return mirrored


def moves(examples: int, seed: int, iteration: int, most: int = 4) -> Array:
    """Return how far each picture is moved, read from pictures of each pixel's row and column."""
    side = 2 * most + 1
    places = np.stack([*np.mgrid[:side, :side]], axis=-1) / side
    images = np.broadcast_to(places, (examples, side, side, 2))
    middle = shifted(images, seed, iteration, most)[:, most, most]
    return most - np.rint(middle * side).astype(int)


def factors(examples: int, seed: int, iteration: int, most: float = 0.2) -> Array:
    """Return what each picture is multiplied by, read from pictures too dark to be clipped."""
    return brightened(np.full((examples, 1, 1, 1), 0.25), seed, iteration, most).ravel() / 0.25


def columns(images: Array) -> Array:
    """Return the images as columns, each pixel put in its place by hand."""
    examples, *size = images.shape
    X = np.empty((math.prod(size), examples), images.dtype)
    for i, (row, column, channel) in product(range(examples), product(*map(range, size))):
        X[(row * size[1] + column) * size[2] + channel, i] = images[i, row, column, channel]
    X.setflags(write=False)
    return X


def batches(count: int, shape: tuple[int, int, int, int] = (3, 2, 4, 3)) -> list[Batch]:
    """Return batches that differ, with targets and shares."""
    targets = generic(99, 1, shape[0])
    return [Batch(columns(generic(i, *shape)), targets, targets / 2) for i in range(count)]


def same(results: Iterable[Batch], expected: Iterable[Batch]) -> bool:
    pairs = zip(results, expected, strict=True)
    return all(np.array_equal(a.X, b.X) and np.array_equal(a.Y, b.Y) for a, b in pairs)


@given(shapes, seeds, iterations, shares)
def test_a_picture_is_mirrored_pixel_by_pixel_or_stays(shape, seed, iteration, share):
    images = generic(seed, *shape)
    mirrored = are_mirrored(shape[0], seed, iteration, share)
    result = flipped(images, seed, iteration, share)
    for i, row, column in product(*map(range, shape[:3])):
        origin = shape[2] - 1 - column if mirrored[i] else column
        assert (result[i, row, column] == images[i, row, origin]).all()


@given(shapes, seeds, iterations, shares)
def test_flipping_twice_with_the_same_draw_gives_back(shape, seed, iteration, share):
    images = generic(seed, *shape)
    flip = partial(flipped, seed=seed, iteration=iteration, share=share)
    assert (flip(flip(images)) == images).all()


@given(shapes, seeds, iterations)
def test_a_share_of_zero_flips_none(shape, seed, iteration):
    images = generic(seed, *shape)
    assert (flipped(images, seed, iteration, share=0) == images).all()


@given(shapes, seeds, iterations)
def test_a_share_of_one_flips_all(shape, seed, iteration):
    images = generic(seed, *shape)
    assert (flipped(images, seed, iteration, share=1) == np.flip(images, axis=2)).all()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_about_this_share_of_pictures_is_flipped(share):
    mirrored = np.mean(are_mirrored(40_000, 7, 3, share))
    assert mirrored == pytest.approx(share, abs=5 * math.sqrt(share * (1 - share) / 40_000))


def test_half_of_the_pictures_are_flipped_unless_told_otherwise():
    images = generic(1, 50, 2, 3, 1)
    assert (flipped(images, 1, 2) == flipped(images, 1, 2, share=0.5)).all()


@given(shapes, seeds, iterations, mosts)
def test_a_moved_picture_has_each_pixel_from_where_it_came_or_from_the_edge(
    shape, seed, iteration, most
):
    images, (examples, height, width, _) = generic(seed, *shape), shape
    by = moves(examples, seed, iteration, most).tolist()
    result = shifted(images, seed, iteration, most)
    for i, row, column in product(range(examples), range(height), range(width)):
        from_row = min(max(row - by[i][0], 0), height - 1)
        from_column = min(max(column - by[i][1], 0), width - 1)
        assert (result[i, row, column] == images[i, from_row, from_column]).all()


@given(shapes, seeds, iterations)
def test_a_shift_of_at_most_zero_changes_nothing(shape, seed, iteration):
    images = generic(seed, *shape)
    assert (shifted(images, seed, iteration, most=0) == images).all()


def test_every_move_down_and_right_is_as_likely_as_the_others():
    drawn, numbers = np.unique(moves(50_000, 7, 3, most=2), axis=0, return_counts=True)
    assert drawn.tolist() == [list(move) for move in product(range(-2, 3), repeat=2)]
    assert numbers == pytest.approx(2000, abs=5 * math.sqrt(2000))


def test_pictures_are_shifted_by_at_most_four_unless_told_otherwise():
    images = generic(1, 50, 12, 12, 1)
    assert (shifted(images, 1, 2) == shifted(images, 1, 2, most=4)).all()


def crops(examples, seed, iteration, least):
    """Return where crops of pictures of 1,000 rows and columns begin and end, (examples, 2, 2)."""
    rows = np.broadcast_to(np.arange(1000.0)[:, np.newaxis, np.newaxis], (examples, 1000, 1, 1))
    columns = np.broadcast_to(np.arange(1000.0)[:, np.newaxis], (examples, 1, 1000, 1))
    parts = [cropped(images, seed, iteration, least) for images in (rows, columns)]
    return np.array([part.reshape(examples, -1)[:, [0, -1]] for part in parts]).swapaxes(0, 1)


@given(shapes, seeds, iterations)
def test_a_crop_of_all_of_a_picture_is_the_picture(shape, seed, iteration):
    images = generic(seed, *shape)
    assert (cropped(images, seed, iteration, least=1) == images).all()


def test_a_crop_is_the_pixels_between_two_places_in_their_order():
    images = np.arange(100.0).reshape(1, 1, 100, 1)
    steps = np.diff(cropped(images, 1, 2, least=0.25).ravel())
    assert {*steps.tolist()} == {0, 1}


def test_crops_have_the_form_of_their_picture():
    (top, bottom), (left, right) = crops(500, 7, 3, 0.1).transpose(1, 2, 0)
    assert abs((bottom - top) - (right - left)).max() <= 2


@pytest.mark.parametrize("least", [0.01, 0.25, 0.9])
def test_areas_of_crops_are_uniform_from_the_least_to_all(least):
    begin, end = crops(5000, 7, 3, least)[:, 0].T
    ranks = (np.sort(((end - begin + 1) / 1000) ** 2) - least) / (1 - least)
    assert abs(ranks - np.arange(5000) / 5000).max() < 0.05 + 0.002 / (1 - least)


def test_crops_lie_anywhere():
    (top, bottom), (left, _) = crops(5000, 7, 3, 0.25).transpose(1, 2, 0)
    free = 999 - (bottom - top)
    has_room = free > 100
    shares = np.array([top, left])[:, has_room] / free[has_room]
    assert shares.mean(1) == pytest.approx([0.5, 0.5], abs=0.03)
    assert abs(np.corrcoef(shares)[0, 1]) < 0.08


def test_crops_have_at_least_a_quarter_of_the_area_unless_told_otherwise():
    images = generic(1, 50, 12, 12, 1)
    assert (cropped(images, 1, 2) == cropped(images, 1, 2, least=0.25)).all()


@given(shapes, seeds, iterations, shares)
def test_a_relit_picture_has_each_number_times_its_factor_and_clipped(shape, seed, iteration, most):
    images = generic(seed, *shape)
    by = factors(shape[0], seed, iteration, most)
    result = brightened(images, seed, iteration, most)
    for place in product(*map(range, shape)):
        assert result[place] == pytest.approx(min(max(images[place] * by[place[0]], 0), 1))


@given(shapes, seeds, iterations)
def test_a_brightness_of_at_most_zero_changes_nothing(shape, seed, iteration):
    images = generic(seed, *shape)
    assert (brightened(images, seed, iteration, most=0) == images).all()


def test_numbers_stay_between_zero_and_one():
    result = brightened(np.ones((1000, 1, 1, 1)), 1, 2, most=1)
    assert (result == 1).any()
    assert 0 <= result.min() < 0.1
    assert result.max() <= 1


@pytest.mark.parametrize("most", [0.05, 0.2, 1])
def test_factors_are_uniform_from_one_minus_most_to_one_plus_most(most):
    ranks = (np.sort(factors(10_000, 7, 3, most)) - (1 - most)) / (2 * most)
    assert -1e-12 <= ranks[0] <= ranks[-1] <= 1 + 1e-12
    furthest = abs(ranks - np.arange(10_000) / 10_000).max()
    assert furthest < 0.02  # once in 1500 by chance beyond it (Kolmogorov)


def test_brightness_changes_by_at_most_a_fifth_unless_told_otherwise():
    images = generic(1, 50, 2, 3, 1)
    assert (brightened(images, 1, 2) == brightened(images, 1, 2, most=0.2)).all()


@each
@pytest.mark.parametrize("dtype", FLOATS)
def test_the_type_that_goes_in_comes_out(augmentation, dtype):
    assert augmentation(generic(1, 3, 4, 5, 3, dtype=dtype), 1, 2).dtype == dtype


@each
def test_single_precision_draws_as_double_does(augmentation):
    images = generic(1, 20, 4, 5, 3, dtype=np.float32)
    double = augmentation(images.astype(float), 1, 2)
    assert augmentation(images, 1, 2) == pytest.approx(double, rel=1e-6)


@each
@given(shapes, seeds, iterations)
def test_equal_seed_and_iteration_give_equal_pictures(augmentation, shape, seed, iteration):
    images = generic(seed, *shape)
    first, again = (augmentation(images, seed, iteration).tobytes() for _ in range(2))
    assert first == again


@each
def test_other_seeds_and_iterations_draw_otherwise(augmentation):
    images = generic(1, 50, 4, 5, 3)
    results = {augmentation(images, *step).tobytes() for step in product(range(5), range(10))}
    assert len(results) == 50


@each
def test_pictures_of_one_step_draw_otherwise(augmentation):
    images = np.repeat(generic(1, 1, 4, 5, 3), 50, axis=0)
    assert len({image.tobytes() for image in augmentation(images, 1, 2)}) > 1


@each
@given(seeds, iterations, st.integers(1, 6))
def test_what_a_picture_draws_depends_on_no_other_picture(augmentation, seed, iteration, number):
    one, other = generic(seed, 6, 4, 5, 3), generic(seed + 1, 6, 4, 5, 3)
    mixed = np.concatenate([one[:number], other[number:]])
    result = augmentation(one, seed, iteration)[:number]
    assert (augmentation(mixed, seed, iteration)[:number] == result).all()
    assert (augmentation(one[:number], seed, iteration) == result).all()


def test_flips_moves_and_factors_are_drawn_independently():
    drawn = [
        np.array(are_mirrored(10_000, 7, 3)),
        *moves(10_000, 7, 3, most=1).T,
        factors(10_000, 7, 3),
    ]
    correlations = np.corrcoef(drawn)[np.triu_indices(4, k=1)]
    assert abs(correlations).max() < 5 / 100


@each
def test_pictures_that_are_given_stay_as_they_were(augmentation):
    images = generic(1, 4, 4, 5, 3).copy()
    before = images.tobytes()
    augmentation(images, 1, 2)
    assert images.tobytes() == before


@pytest.mark.parametrize(
    "partially",
    [partial(flipped, share=0.3), partial(shifted, most=2), partial(brightened, most=0.5)],
    ids=lambda partially: partially.func.__name__,
)
def test_a_configured_augmentation_pickles(partially):
    images = generic(1, 20, 4, 5, 3)
    again = pickle.loads(pickle.dumps(partially))
    assert (again(images, 1, 2) == partially(images, 1, 2)).all()


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_beyond_zero_to_one_is_refused(share):
    with pytest.raises(ValueError, match=r"share .* of pictures to flip; expected"):
        flipped(generic(1, 2, 2, 2, 1), 1, 2, share)


@pytest.mark.parametrize("most", [-1, 2.5, float("nan")])
def test_a_shift_that_is_no_number_of_pixels_is_refused(most):
    with pytest.raises(ValueError, match=r"shift by at most .*; expected"):
        shifted(generic(1, 2, 2, 2, 1), 1, 2, most)


@pytest.mark.parametrize("most", [-0.1, 1.1, float("nan")])
def test_a_change_of_brightness_beyond_zero_to_one_is_refused(most):
    with pytest.raises(ValueError, match=r"brightness changed by at most .*; expected"):
        brightened(generic(1, 2, 2, 2, 1), 1, 2, most)


@pytest.mark.parametrize("least", [0, -0.1, 1.1, float("nan")])
def test_a_crop_of_none_or_more_than_all_is_refused(least):
    with pytest.raises(ValueError, match=r"crops of at least .*; expected"):
        cropped(generic(1, 2, 2, 2, 1), 1, 2, least)


@given(shapes, seeds, st.integers(0, 10))
def test_a_batch_is_its_pictures_augmented_one_after_the_other(shape, seed, start):
    images = [generic(seed + i, *shape) for i in range(3)]
    given_batches = [Batch(columns(of), np.ones((1, shape[0]))) for of in images]
    result = augmented(given_batches, shape[1:], AUGMENTATIONS, seed, start)
    for i, batch in enumerate(result):
        expected = images[i]
        for augmentation in AUGMENTATIONS:
            expected = augmentation(expected, seed, start + i)
        assert np.array_equal(batch.X, columns(expected))


def test_columns_are_the_pictures_that_pixels_makes_them_of():
    images = np.random.default_rng(1).integers(0, 256, (3, 2, 4, 3), np.uint8)
    batch = Batch(pixels(images), np.ones((1, 3)))
    (result,) = augmented([batch], (2, 4, 3), [partial(flipped, share=1)], seed=1)
    assert np.array_equal(result.X, pixels(images[:, :, ::-1]))


def test_iterations_are_counted_from_zero_unless_told_otherwise():
    result = augmented(batches(3), (2, 4, 3), AUGMENTATIONS, 1)
    assert same(result, augmented(batches(3), (2, 4, 3), AUGMENTATIONS, 1, start=0))


@given(seeds, st.integers(0, 5), st.integers(0, 5))
def test_a_stream_that_begins_later_is_the_rest_of_the_whole_stream(seed, skipped, start):
    whole = augmented(batches(5), (2, 4, 3), AUGMENTATIONS, seed, start)
    rest = augmented(batches(5)[skipped:], (2, 4, 3), AUGMENTATIONS, seed, start + skipped)
    assert same(rest, [*whole][skipped:])


@given(seeds, st.integers(0, 7))
def test_mini_batches_that_begin_later_are_augmented_as_if_from_the_start(seed, start):
    def stream_from(start):
        visited = mini_batches(batches(1, (5, 2, 4, 3))[0], shuffled(5, seed), 2, start)
        return augmented(islice(visited, 12), (2, 4, 3), AUGMENTATIONS, seed, start)

    expected = islice(stream_from(start=0), start, start + 4)
    assert same(islice(stream_from(start), 4), expected)


def test_targets_and_shares_are_handed_on_as_they_are():
    batch, *_ = given_batches = batches(2)
    result = next(augmented(given_batches, (2, 4, 3), AUGMENTATIONS, 1))
    assert result.Y is batch.Y
    assert result.weights is batch.weights


def test_a_batch_without_shares_stays_without():
    batch = batches(1)[0]._replace(weights=None)
    (result,) = augmented([batch], (2, 4, 3), AUGMENTATIONS, 1)
    assert result.weights is None


def test_batches_that_are_given_stay_as_they_were():
    given_batches = [batch._replace(X=batch.X.copy()) for batch in batches(3)]
    before = pickle.dumps(given_batches)
    assert len([*augmented(given_batches, (2, 4, 3), AUGMENTATIONS, 1)]) == 3
    assert pickle.dumps(given_batches) == before


def test_without_augmentations_batches_are_as_they_were():
    assert same(augmented(batches(3), (2, 4, 3), [], 1), batches(3))


def test_augmentations_that_can_be_read_only_once_serve_every_batch():
    once = augmented(batches(3), (2, 4, 3), iter(AUGMENTATIONS), 1)
    assert same(once, augmented(batches(3), (2, 4, 3), AUGMENTATIONS, 1))


def test_batches_are_read_one_by_one_and_only_when_asked_for():
    read = count()
    counted = (batch for batch in repeat(batches(1)[0], 9) if next(read) >= 0)
    result = augmented(counted, (2, 4, 3), AUGMENTATIONS, 1)
    assert next(read) == 0
    next(result)
    assert next(read) == 2


def test_there_are_as_many_batches_as_were_given():
    assert len([*augmented(batches(4), (2, 4, 3), AUGMENTATIONS, 1)]) == 4


@pytest.mark.parametrize("augmentation", [None, *AUGMENTATIONS])
def test_the_numbers_of_a_column_lie_side_by_side(augmentation):
    chosen = [augmentation] * (augmentation is not None)
    batch = Batch(pixels(np.zeros((5, 2, 4, 3), np.uint8)), np.ones((1, 5)))
    (result,) = augmented([batch], (2, 4, 3), chosen, 1)
    assert result.X.flags.f_contiguous


@pytest.mark.parametrize("dtype", FLOATS)
def test_the_type_of_the_columns_stays(dtype):
    batch = Batch(columns(generic(1, 3, 2, 4, 3, dtype=dtype)), np.ones((1, 3)))
    (result,) = augmented([batch], (2, 4, 3), AUGMENTATIONS, 1)
    assert result.X.dtype == dtype


@pytest.mark.parametrize("size", [(2, 4, 1), (3, 2, 3), (2, 4, 4)])
def test_a_size_that_is_not_that_of_the_columns_is_refused(size):
    with pytest.raises(ValueError, match=r"columns of shape \(24, 3\); expected \(\d+, examples\)"):
        next(augmented(batches(1), size, [], 1))


def test_columns_with_leading_axes_are_refused():
    stacked = Batch(np.ones((24, 24, 3)), np.ones((24, 1, 3)))
    with pytest.raises(ValueError, match=r"columns of shape \(24, 24, 3\); expected"):
        next(augmented([stacked], (2, 4, 3), [], 1))


@pytest.mark.parametrize("size", [(24,), (2, 4, 3, 1), (-2, -4, 3), (0, 4, 3)])
def test_a_size_that_no_picture_has_is_refused_before_the_first_batch(size):
    with pytest.raises(ValueError, match=r"picture size .*; expected height, width and channels"):
        augmented(batches(1), size, [], 1)
