"""No function of the core changes what it is given, and all take arrays nobody may write to."""

import pickle
from functools import partial

import numpy as np
import pytest

from catpipe import (
    batches,
    experiments,
    initialization,
    layers,
    losses,
    metrics,
    optimizers,
    parameters,
    training,
    transforms,
)
from catpipe.network import (
    backward,
    compute_cost,
    forward,
    gradients,
    initialize_parameters,
    input_gradient,
    network,
    predict,
    predict_probabilities,
)
from tests.points import ACTIVATIONS, examples, normal, normal_parameters

NET = network(3, 4, 2, 1)
W = normal_parameters(NET, seed=1)
X, Y = examples(NET, seed=2)
Z, CACHES = forward(NET, W, X)
DZ = normal(3, *Z.shape)
LABELS = np.array([0, 1, 1, 0, 1, 0])
IMAGES = np.arange(6 * 12, dtype=np.uint8).reshape(6, 2, 2, 3)
DESCENT = optimizers.gradient_descent(0.1)
STATE = training.initial_state(DESCENT, W)
EXPERIMENT = experiments.Experiment(seed=1, hidden=(2,), iterations=2)
RESULT = experiments.fit(EXPERIMENT, transforms.Pictures(IMAGES, LABELS))

for array in (Z, LABELS, IMAGES, *(a for cache in CACHES for a in cache)):
    array.setflags(write=False)

CALLS = {
    **{f"{a!r}": (a.value, Z) for a in ACTIVATIONS},
    **{f"{a!r}_backward": (a.backward, DZ, Z) for a in ACTIVATIONS},
    **{
        scheme.__name__: (scheme, 1, ((2, 3), (1, 2)))
        for scheme in (
            initialization.course,
            initialization.small,
            initialization.he,
            initialization.xavier,
            initialization.zeros,
        )
    },
    "map_parameters": (parameters.map_parameters, np.add, W, W),
    "binary_cross_entropy": (losses.binary_cross_entropy, Z, Y),
    "binary_cross_entropy_gradient": (losses.binary_cross_entropy_gradient, Z, Y),
    "more_likely_than_not": (losses.more_likely_than_not, Z),
    "linear_forward": (layers.linear_forward, X, W["W1"], W["b1"]),
    "linear_backward": (layers.linear_backward, normal(4, 4, 6), X, W["W1"]),
    "layer_forward": (layers.layer_forward, NET.layers[0], W, X),
    "layer_backward": (layers.layer_backward, NET.layers[2], W, CACHES[2], DZ),
    "initialize_parameters": (initialize_parameters, NET, 1),
    "forward": (forward, NET, W, X),
    "backward": (backward, NET, W, CACHES, DZ),
    "input_gradient": (input_gradient, NET, W, CACHES, DZ),
    "compute_cost": (compute_cost, NET, Z, Y),
    "gradients": (gradients, NET, W, X, Y),
    "predict_probabilities": (predict_probabilities, NET, W, X),
    "predict": (predict, NET, W, X),
    "update_parameters": (optimizers.update_parameters, W, W, 0.1),
    "gradient_descent": (DESCENT.update, 0, W, STATE.moments, W),
    "train": (training.train, training.make_step(NET, DESCENT), (batches.Batch(X, Y),) * 3, STATE),
    "pixels": (transforms.pixels, IMAGES),
    "targets": (transforms.targets, LABELS),
    "accuracy": (metrics.accuracy, LABELS[np.newaxis], Y),
    "confusion": (metrics.confusion, LABELS, LABELS, 2),
    "fit": (experiments.fit, EXPERIMENT, transforms.Pictures(IMAGES, LABELS)),
    "cost": (experiments.cost, RESULT, transforms.Pictures(IMAGES, LABELS)),
    "probabilities": (experiments.probabilities, RESULT, IMAGES),
    "predictions": (experiments.predictions, RESULT, IMAGES),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_arguments_are_left_as_they_were(call):
    function, *arguments = call
    before = pickle.dumps(arguments)
    function(*arguments)
    assert pickle.dumps(arguments) == before


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_equal_arguments_give_equal_values(call):
    function, *arguments = call
    first, again = (pickle.dumps(_plain(function(*arguments))) for _ in range(2))
    assert first == again


def test_the_global_random_state_is_neither_read_nor_moved():
    def draws():
        return initialize_parameters(NET, 1), initialization.he(1, [(2, 3)])

    np.random.seed(0)
    before, drawn = pickle.dumps(np.random.get_state()), pickle.dumps(draws())
    assert pickle.dumps(np.random.get_state()) == before
    np.random.seed(1)
    assert pickle.dumps(draws()) == drawn


def _plain(value):
    """Return the value with pending gradients computed, so that it pickles by value."""
    if isinstance(value, tuple):
        return tuple(_plain(part) for part in value)
    return value() if isinstance(value, partial) else value
