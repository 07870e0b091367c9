"""Training on shards is training on the batches that they make, whoever works on them."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise, repeat

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catpipe.data.batches import Batch
from catpipe.nn.activations import TANH
from catpipe.nn.initializers import initialize_parameters, xavier
from catpipe.nn.losses import SOFTMAX_CROSS_ENTROPY
from catpipe.nn.network import mlp
from catpipe.optim.optimizers import adam, heavy_ball
from catpipe.optim.regularizers import with_l2
from catpipe.training.loop import initial_state, make_step, train
from catpipe.training.sharding import make_sharded_step

NET = mlp(5, 4, 3, activation=TANH, loss=SOFTMAX_CROSS_ENTROPY)
START = initialize_parameters(NET, 1, xavier)
OPTIMIZERS = (heavy_ball(0.1), adam(0.01), with_l2(heavy_ball(0.1), 0.3))


def whole(seed, examples):
    draws = np.random.default_rng(seed)
    Y = np.eye(3)[:, draws.integers(0, 3, examples)]
    return Batch(draws.normal(size=(5, examples)), Y, np.full((1, examples), 1 / examples))


def shards_of(batch, cuts):
    edges = [0, *sorted(cuts), batch.X.shape[1]]
    parts = [slice(a, b) for a, b in pairwise(edges) if b > a]
    return [partial(Batch, *(array[:, part] for array in batch)) for part in parts]


@given(st.integers(0, 99), st.lists(st.integers(1, 16), max_size=4), st.sampled_from(OPTIMIZERS))
def test_training_on_shards_is_training_on_their_batch(seed, cuts, optimizer):
    batches = [whole(seed + i, 17) for i in range(5)]
    start = initial_state(optimizer, START)
    expected = train(make_step(NET, optimizer, 2), batches, start)
    sharded = [shards_of(batch, cuts) for batch in batches]
    found = train(make_sharded_step(NET, optimizer, sample_every=2), sharded, start)
    for name, W in expected.parameters.items():
        assert found.parameters[name] == pytest.approx(W, rel=1e-12, abs=1e-12)
    assert [i for i, _ in found.costs] == [0, 2, 4]
    assert dict(found.costs) == pytest.approx(dict(expected.costs), rel=1e-12)


def test_any_map_gives_the_same_bits():
    sharded = [*repeat(shards_of(whole(1, 17), [3, 9, 12]), 5)]
    start = initial_state(OPTIMIZERS[0], START)
    expected = train(make_sharded_step(NET, OPTIMIZERS[0]), sharded, start)
    with ThreadPoolExecutor(3) as pool:
        assert train(make_sharded_step(NET, OPTIMIZERS[0], pool.map), sharded, start) == expected


def test_a_shard_without_weights_is_refused():
    X, Y, _ = whole(1, 4)
    step, start = make_sharded_step(NET, OPTIMIZERS[0]), initial_state(OPTIMIZERS[0], START)
    with pytest.raises(ValueError, match="a shard without weights; expected them"):
        step(start, [partial(Batch, X, Y)])
