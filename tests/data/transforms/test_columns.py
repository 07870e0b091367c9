"""Pictures become columns of numbers in [0, 1], and labels what a network is to say of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import OneHotEncoder

from catpipe.data.examples import one_hot, targets
from catpipe.data.transforms.columns import pixels
from tests.points import FLOATS, seeds

dtypes = pytest.mark.parametrize("dtype", FLOATS)
some_labels = st.lists(st.integers(0, 4), min_size=1, max_size=9).map(np.array)


def pictures_of(seed: int, *shape: int):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


@given(seeds, st.integers(1, 4), st.integers(1, 3))
def test_a_column_is_its_picture_row_by_row_colours_last(seed, count, side):
    images = pictures_of(seed, count, side, side + 1, 3)
    X = pixels(images)
    for i, image in enumerate(images):
        said = [int(image[y, x, c]) / 255 for y, x, c in np.ndindex(*image.shape)]
        assert X[:, i].tolist() == said


@dtypes
def test_numbers_are_of_the_type_asked_for_and_from_0_to_1(dtype):
    X = pixels(np.arange(256, dtype=np.uint8).reshape(4, 8, 8, 1), dtype)
    assert (X.dtype, X.min(), X.max(), len(np.unique(X))) == (np.dtype(dtype), 0, 1, 256)


@given(some_labels)
def test_one_hot_columns_are_those_of_scikit_learn(labels):
    encoder = OneHotEncoder(categories=[range(5)], sparse_output=False)
    expected = encoder.fit_transform(labels[:, np.newaxis]).T
    np.testing.assert_array_equal(one_hot(labels, classes=5), expected)


@given(st.lists(st.integers(0, 1), min_size=1).map(np.array))
def test_the_targets_of_two_classes_are_the_labels(labels):
    assert targets(labels).tolist() == [labels.tolist()]


@pytest.mark.parametrize("classes", [3, 5, 8])
@given(labels=st.lists(st.integers(0, 2), min_size=1).map(np.array))
def test_the_targets_of_more_are_one_hot(classes, labels):
    said = targets(labels, classes)
    assert said.shape == (classes, len(labels))
    assert (said.argmax(0) == labels).all()
    assert (np.sort(said, axis=0)[:-1] == 0).all()
    assert (said.sum(0) == 1).all()


@dtypes
@pytest.mark.parametrize("classes", [2, 3])
def test_targets_are_of_the_type_asked_for(dtype, classes):
    assert targets(np.array([0, 1, 1]), classes, dtype).dtype == dtype


@pytest.mark.parametrize("labels", [[0, 2], [-1, 0], [1, 2], [0, 9, 7]], ids=str)
def test_labels_that_are_not_below_the_classes_are_refused(labels):
    found = sorted(set(labels))
    with pytest.raises(ValueError, match=r"labels are .*; expected 0 to 1: say how") as refusal:
        targets(np.array(labels))
    assert str(found) in str(refusal.value)


def test_refusing_a_thousand_labels_takes_one_short_line():
    with pytest.raises(ValueError, match="expected 0 to 2") as refusal:
        one_hot(np.arange(1000), classes=3)
    assert len(str(refusal.value)) < 120
