"""Work in parts gives what work in one gives."""

import numpy as np
import pytest

from catpipe.data.transforms.boundaries import in_parts
from tests.points import normal


@pytest.mark.parametrize("numbers", [1, 2**16, 2**17, 2**18, 2**30])
def test_parts_of_any_size_give_all_examples_in_order(numbers):
    inputs = normal(1, 7, 2)
    assert np.array_equal(in_parts(np.square, inputs, numbers), np.square(inputs))


def test_a_part_has_as_many_examples_as_fit_into_the_cache():
    sizes = in_parts(lambda part: np.array([len(part)]), normal(1, 7, 2), 2**17)
    assert sizes.tolist() == [2, 2, 2, 1]


def test_no_examples_give_none():
    assert in_parts(np.square, np.ones((0, 3)), 9).shape == (0, 3)
