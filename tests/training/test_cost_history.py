"""Sampled costs read as the tuple of them, and take one more without a copy of the others."""

import pickle
from copy import copy, deepcopy
from functools import reduce
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catpipe.training.cost_history import after

samples = st.lists(st.tuples(st.integers(0, 99), st.floats(0, 1)), max_size=9).map(tuple)
costs = st.tuples(samples, samples)
places = st.none() | st.integers(-20, 20)
strides = st.none() | st.integers(-3, 3).filter(bool)


def grown(first, others):
    """Return the history that begins with a tuple, and the tuple of all."""
    return reduce(after, others, first), (*first, *others)


@given(costs)
def test_a_history_reads_prints_and_compares_as_the_tuple_of_its_samples(of):
    history, expected = grown(*of)
    assert (history, repr(history), len(history)) == (expected, repr(expected), len(expected))
    assert (tuple(history), tuple(reversed(history))) == (expected, expected[::-1])
    assert expected == history
    assert bool(history) == bool(expected)
    assert history != (*expected, (7, 0.5))
    assert history + ((7, 0.5),) == (*expected, (7, 0.5))  # noqa: RUF005
    assert dict(history) == dict(expected)


@given(costs, places, places, strides)
def test_any_slice_of_a_history_is_that_of_the_tuple(of, start, stop, stride):
    history, expected = grown(*of)
    assert history[start:stop:stride] == expected[start:stop:stride]


@given(costs)
def test_any_place_of_a_history_is_that_of_the_tuple_and_others_are_refused(of):
    history, expected = grown(*of)
    count = len(expected)
    assert [history[i] for i in range(-count, count)] == [expected[i] for i in range(-count, count)]
    for beyond in (count, -count - 1):
        with pytest.raises(IndexError):
            history[beyond]


def test_what_was_grown_twice_from_one_history_has_its_own_last_sample():
    both = after((), (0, 0.5))
    one, other = after(both, (1, 0.25)), after(both, (1, 0.125))
    assert (*both, one[-1], other[-1]) == ((0, 0.5), (1, 0.25), (1, 0.125))


@pytest.mark.parametrize("again", [copy, deepcopy, lambda of: pickle.loads(pickle.dumps(of))])
def test_a_copied_or_pickled_history_is_the_plain_tuple(again):
    history, expected = grown((), [(i, i / 8) for i in range(3)])
    assert type(again(history)) is tuple
    assert again(history) == expected


def test_a_history_of_many_samples_is_read_copied_and_forgotten_without_recursion():
    history, expected = grown((), [(i, 0.5) for i in range(50_000)])
    assert pickle.loads(pickle.dumps(history)) == history == expected
    del history


def test_one_more_sample_holds_on_to_those_before_and_copies_none():
    histories = [*accumulate([(i, 0.5) for i in range(5)], after, initial=after((), (9, 0.5)))]
    assert all(later.before is earlier for earlier, later in pairwise(histories))


def test_a_history_cannot_be_changed():
    with pytest.raises(AttributeError):
        after((), (0, 0.5)).length = 2  # type: ignore[misc]
