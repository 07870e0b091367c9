"""Generic points for property tests: every number from a normal, no bias zero."""

import numpy as np
from hypothesis import strategies as st

from catpipe.activations import IDENTITY, LEAKY_RELU, RELU, SIGMOID, TANH
from catpipe.network import Network, network, parameter_shapes
from catpipe.parameters import Array, Parameters

ACTIVATIONS = (IDENTITY, LEAKY_RELU, RELU, SIGMOID, TANH)
FLOATS = (np.float64, np.float32)

seeds = st.integers(0, 2**32 - 1)
activations = st.sampled_from(ACTIVATIONS)
sizes = st.lists(st.integers(1, 5), min_size=2, max_size=5)


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Return networks of one to four layers with one output or a few."""
    return network(*draw(sizes), activation=draw(activations))


def normal(seed: int, *shape: int, dtype: type = np.float64) -> Array:
    """Return normal draws that nobody may write to."""
    array: Array = np.random.default_rng(seed).standard_normal(shape).astype(dtype)
    array.setflags(write=False)
    return array


def normal_parameters(net: Network, seed: int, dtype: type = np.float64) -> Parameters:
    """Return parameters with every weight and bias drawn from a normal."""
    random = np.random.default_rng(seed)
    return Parameters(
        {
            name: random.standard_normal(shape).astype(dtype)
            for name, shape in parameter_shapes(net).items()
        }
    )


def examples(
    net: Network, seed: int, count: int = 6, dtype: type = np.float64
) -> tuple[Array, Array]:
    """Return columns and 0 / 1 targets for the network."""
    X = normal(seed, net.layers[0].fan_in, count, dtype=dtype)
    Y: Array = (normal(seed + 1, net.layers[-1].units, count) > 0).astype(dtype)
    Y.setflags(write=False)
    return X, Y
