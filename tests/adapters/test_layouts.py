"""Parameters in other people's layouts: there and back, and the same outputs there."""

from typing import Any

import numpy as np
import pytest

from catpipe.adapters.layouts import from_keras, from_torch, to_keras, to_torch
from catpipe.nn.network import forward, mlp
from catpipe.nn.parameters import Parameters, map_parameters
from tests.points import normal, normal_parameters

NET = mlp(5, 4, 3, 2)


@pytest.fixture
def parameters() -> Parameters:
    return normal_parameters(NET, 1)


LAYOUTS: dict[str, tuple[Any, Any]] = {
    "PyTorch": (to_torch, from_torch),
    "Keras": (to_keras, from_keras),
}


@pytest.mark.parametrize("library", LAYOUTS)
def test_they_come_back_equal(parameters, library):
    there, back = LAYOUTS[library]
    assert back(there(parameters)) == parameters


def test_they_come_back_from_a_file_of_numpy(parameters, tmp_path):
    np.savez(tmp_path / "network.npz", **parameters)
    assert Parameters(np.load(tmp_path / "network.npz")) == parameters


@pytest.mark.parametrize("library", LAYOUTS)
def test_what_is_handed_out_may_be_written_to(parameters, library):
    there, back = LAYOUTS[library]
    handed_out = there(parameters)
    first = next(iter(handed_out.values())) if isinstance(handed_out, dict) else handed_out[0]
    first += 1
    assert back(there(parameters)) == parameters


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({}, "expected a weight and a bias"),
        ({"0.weight": np.ones((2, 3))}, "expected a weight and a bias"),
        ({"0.weight": np.ones((2, 3)), "1.bias": np.ones(2)}, "expected a weight and a bias"),
        ({"0.weight": np.ones((2, 3, 3, 3)), "0.bias": np.ones(2)}, "those of a dense layer"),
        ({"0.weight": np.ones((2, 3)), "0.bias": np.ones(3)}, "those of a dense layer"),
        ({0: np.ones((2, 3)), 1: np.ones(2)}, "expected a weight and a bias"),
        (
            {
                "0.weight": np.ones((2, 3)),
                "0.bias": np.ones(2),
                "1.weight": np.ones((5, 7)),
                "1.bias": np.ones(5),
            },
            "layer 2 .* of a dense layer, of 2 inputs",
        ),
    ],
)
def test_a_state_of_other_layers_is_refused(state, words):
    with pytest.raises(ValueError, match=words):
        from_torch(state)


@pytest.mark.parametrize("weights", [[], [np.ones((3, 2))], [np.ones((3, 2)), np.ones((2, 2))]])
def test_weights_of_other_layers_are_refused(weights):
    with pytest.raises(ValueError, match="expected"):
        from_keras(weights)


def test_integers_become_floats():
    assert from_keras([[[1], [2]], [0]])["W1"].dtype == np.float64


@pytest.mark.parametrize("there", [to_torch, to_keras])
def test_a_stack_is_refused(parameters, there):
    stack = map_parameters(lambda W: np.stack([W, W]), parameters)
    with pytest.raises(ValueError, match="take one network of a stack"):
        there(stack)


def test_pytorch_gives_the_same_logits(parameters):
    torch = pytest.importorskip("torch")
    linear, relu, X = torch.nn.Linear, torch.nn.ReLU, normal(2, 5, 7)
    module = torch.nn.Sequential(linear(5, 4), relu(), linear(4, 3), relu(), linear(3, 2)).double()
    state = {name: torch.tensor(array) for name, array in to_torch(parameters).items()}
    module.load_state_dict(state)
    Z = module(torch.tensor(X.T)).detach().numpy().T
    np.testing.assert_allclose(Z, forward(NET, parameters, X)[0], rtol=1e-12)
    assert from_torch(module.state_dict()) == parameters


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own
def test_keras_gives_the_same_logits(parameters, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    keras = pytest.importorskip("keras")
    X = normal(2, 5, 7, dtype=np.float32)
    single = map_parameters(lambda W: W.astype(np.float32), parameters)
    dense = keras.layers.Dense
    model = keras.Sequential([keras.Input((5,)), dense(4, "relu"), dense(3, "relu"), dense(2)])
    model.set_weights(to_keras(single))
    Z = np.asarray(model(X.T)).T
    np.testing.assert_allclose(Z, forward(NET, single, X)[0], rtol=1e-4, atol=1e-5)
    assert from_keras(model.get_weights()) == single
