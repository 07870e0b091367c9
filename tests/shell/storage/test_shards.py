"""Shards of several files visit every example once an epoch, whoever reads them."""

from collections import Counter
from pickle import dumps, loads

import numpy as np
import pytest

from catpipe.data.examples import DataSet, Examples
from catpipe.shell.storage.datasets import save_data
from catpipe.shell.storage.shards import sharded_batches
from catpipe.shell.storage.streaming import stored_pictures, stream_batches

COUNTS = (7, 12, 30)


def numbered(count, first):
    """Return pictures of which each is of one number, and of two classes."""
    numbers = np.arange(first, first + count, dtype=np.uint8)
    return Examples(numbers.repeat(12).reshape(count, 2, 2, 3), numbers % 2)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    folder, found, first = tmp_path_factory.mktemp("shards"), [], 0
    for count in COUNTS:
        part = numbered(count, first)
        save_data(folder / str(count), DataSet(part, part, ("even", "odd")), "x")
        found.append(stored_pictures(folder / str(count) / "train_x.h5"))
        first += count
    return found


def numbers_in(batch):
    return (batch.X[0] * 255).round().astype(int).tolist()


def test_every_example_is_visited_once_an_epoch(stored):
    batches = [*sharded_batches(stored, 10, seed=1, epochs=2)]
    for epoch in np.split(np.arange(len(batches)), 2):
        visited = Counter(n for i in epoch for shard in batches[i] for n in numbers_in(shard()))
        assert visited == Counter(range(sum(COUNTS)))


def test_weights_of_a_batch_have_a_sum_of_1(stored):
    for shards in sharded_batches(stored, 10, seed=1):
        assert sum(np.asarray(shard().weights).sum() for shard in shards) == pytest.approx(1)


def test_a_batch_has_about_as_many_examples_as_asked_for_from_each_file_its_share(stored):
    first = next(sharded_batches(stored, 10, seed=1))
    assert [shard().X.shape[1] for shard in first] == [2, 3, 7]


@pytest.mark.parametrize("size", [1, 2, 3, 10, 48, 49, 100])
def test_an_epoch_has_no_more_batches_than_its_examples_have(stored, size):
    assert len([*sharded_batches(stored, size, seed=1)]) <= -(-sum(COUNTS) // size)


def test_the_examples_of_a_file_come_in_the_order_of_its_stream(stored):
    found = [shards[-1]() for shards in sharded_batches(stored, 10, seed=1, epochs=2)]
    expected = stream_batches(stored[2], 7, seed=1, epochs=2)
    for shard, batch in zip(found, expected, strict=True):
        assert np.array_equal(shard.X, batch.X)
        assert np.array_equal(shard.Y, batch.Y)


def test_a_shard_can_be_read_at_any_time_and_again(stored):
    batches = [*sharded_batches(stored, 10, seed=1, epochs=2)]
    expected = [shard() for shards in batches for shard in shards]
    shards = [shard for shards in batches for shard in shards]
    for i in [*np.random.default_rng(1).permutation(len(shards)), 3, 3]:
        again = loads(dumps(shards[i]))()
        assert all(map(np.array_equal, again, expected[i]))


def test_batches_can_begin_at_any_iteration(stored):
    whole = [*sharded_batches(stored, 10, seed=1, epochs=2)]
    for start in range(len(whole)):
        assert [*sharded_batches(stored, 10, seed=1, epochs=2, start=start)] == whole[start:]


def test_shards_are_of_the_type_that_is_asked_for(stored):
    [*_, last] = next(sharded_batches(stored, 10, seed=1, dtype=np.float32))
    assert {np.asarray(array).dtype for array in last()} == {np.dtype(np.float32)}


def test_files_of_other_classes_are_refused(stored, tmp_path):
    part = numbered(5, 0)
    save_data(tmp_path, DataSet(part, part, ("this", "that")), "x")
    other = stored_pictures(tmp_path / "train_x.h5")
    with pytest.raises(ValueError, match="2 files of 2 kinds of examples; expected one or more"):
        sharded_batches([stored[0], other], 10, seed=1)


def test_no_files_are_refused():
    with pytest.raises(ValueError, match="0 files of 0 kinds"):
        sharded_batches([], 10, seed=1)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"size": 2.5}, "size 2.5; expected an integer of at least 1"),
        ({"size": 0}, "size 0; expected an integer of at least 1"),
        ({"epochs": 0}, "epochs 0; expected an integer of at least 1"),
        ({"start": -1}, "start -1; expected an integer of at least 0"),
        ({"seed": -1}, "seed -1"),
        ({"seed": 1.5}, "seed 1.5"),
    ],
)
def test_what_no_batches_can_have_is_refused_at_the_call(stored, asked, sentence):
    with pytest.raises(ValueError, match=sentence):
        sharded_batches(stored, **{"size": 10, "seed": 1, **asked})


@pytest.mark.parametrize("past", [0, 1, 100])
def test_a_start_past_the_last_batch_gives_none(stored, past):
    count = len([*sharded_batches(stored, 10, seed=1)])
    assert [*sharded_batches(stored, 10, seed=1, start=count + past)] == []
