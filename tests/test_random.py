"""A seed and a path name a stream, and nothing else has a say in what it draws."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from catpipe.random import generator

steps = st.integers(0, 2**32 - 1)
names = st.tuples(st.integers(0, 2**64), st.lists(steps, max_size=3).map(tuple))


def draws(seed: int, path: tuple[int, ...]) -> bytes:
    """Return the bytes of a few draws, so that equal means equal to the bit."""
    drawn: bytes = generator(seed, *path).standard_normal(3).tobytes()
    return drawn


@given(names)
def test_equal_seed_and_path_draw_equally(name):
    assert draws(*name) == draws(*name)


@given(names, names)
def test_another_seed_or_path_draws_otherwise(name, other):
    assume(name != other)
    assert draws(*name) != draws(*other)


@given(names)
def test_a_longer_path_draws_otherwise_also_when_it_ends_in_zero(name):
    seed, path = name
    assert draws(seed, path) != draws(seed, (*path, 0))


@given(names)
def test_the_order_of_a_path_matters(name):
    seed, path = name
    assume(path != path[::-1])
    assert draws(seed, path) != draws(seed, path[::-1])


@given(names, names, st.integers(0, 20))
def test_what_is_drawn_elsewhere_changes_nothing(name, other, count):
    before = draws(*name)
    generator(*name[:1], *name[1]).random(count)
    generator(*other[:1], *other[1]).random(count)
    np.random.random(count)
    assert draws(*name) == before


def test_two_paths_draw_independently():
    first, second = (generator(1, i).standard_normal(10_000) for i in (0, 1))
    assert abs(np.corrcoef(first, second)[0, 1]) < 4 / 100


def test_the_draws_are_numpys_own_for_a_spawned_seed():
    child = np.random.SeedSequence(7).spawn(3)[2].spawn(2)[1]
    expected = np.random.default_rng(child).random(5)
    assert generator(7, 2, 1).random(5).tolist() == expected.tolist()


@pytest.mark.parametrize("name", [(-1,), (1, -1), (1, 0, -5)])
def test_a_negative_seed_or_path_is_refused(name):
    with pytest.raises(ValueError, match="non-negative"):
        generator(*name)
