"""What is of the wrong kind, shape or count gets one sentence of ours from each public function."""

from typing import Any

import numpy as np
import pytest

from catpipe import nn
from tests.points import ACTIVATIONS, normal, normal_parameters

NET = nn.mlp(3, 2, 1)
W = normal_parameters(NET, 1)
X, Y = normal(1, 3, 5), np.array([[0, 1, 1, 0, 1]])
Z, CACHES = nn.forward(NET, W, X)
MANY, ONE_HOT = normal(2, 3, 5), np.eye(3)[:, [0, 1, 2, 0, 1]]
INITIALIZERS = ("course", "course_he", "he", "large", "small", "xavier", "zeros")
RIGHT: dict[str, tuple[Any, ...]] = {  # right arguments, of which one after another is made wrong
    **dict.fromkeys(("argmax", "positive", "softmax"), (Z,)),
    **dict.fromkeys(("binary_cross_entropy", "binary_cross_entropy_gradient"), (Z, Y)),
    **dict.fromkeys(("squared_error", "squared_error_gradient"), (Z, Y)),
    "probabilities_gradient": (nn.sigmoid(Z), Y),
    "softmax_cross_entropy": (MANY, ONE_HOT),
    "softmax_cross_entropy_gradient": (MANY, ONE_HOT),
    "back_propagate": (NET, W, CACHES, Z),
    "backward": (NET, W, CACHES, Z),
    "input_gradient": (NET, W, CACHES, Z),
    "check_parameters": (NET, W),
    "compute_cost": (NET, Z, Y),
    "cost_gradient": (NET, Z, Y),
    "summed_cost_gradient": (NET, Z, Y),
    "cost_of": (NET, W, X, Y),
    "gradients": (NET, W, X, Y),
    "forward": (NET, W, X),
    "predict": (NET, W, X),
    "predict_probabilities": (NET, W, X),
    "initialize_parameters": (NET, 1, nn.he, np.float32),
    "layer_sizes": (NET,),
    "parameter_shapes": (NET,),
    "linear_forward": (X, W["W1"], W["b1"]),
    "linear_backward": (normal(3, 2, 5), X, W["W1"]),
    "map_parameters": (np.negative, W),
    "map_numbers": (np.divmod, W, W),
    "mlp": (3, 1),
    "with_dropout": (NET, 0.5, 1),
    "Dense": ("W1", "b1", 3, 2, nn.RELU),
    "Dropout": (0.5, 1, 1),
    "MaskedDropout": (0.5, len),
    "Network": (NET.layers, NET.loss),
    "Parameters": ({"b": [1.0]},),
    **dict.fromkeys(INITIALIZERS, (1, ((2, 3), (1, 2)))),
}  # fmt: skip
TRUSTED = {  # arguments that no function can tell from right ones, or takes as they are
    ("initialize_parameters", 3), ("Dense", 0), ("Dense", 1), ("Dropout", 2),
    ("back_propagate", 0), ("back_propagate", 1), ("back_propagate", 2), ("back_propagate", 3),
}  # fmt: skip
WRONG = {
    "None": None,
    "text": "text",
    "object": object(),
    "ragged": [[1.0], [2.0, 3.0]],
    "complex": 1j,
    "negative": -1.5,
}
CASES = [
    pytest.param(name, place, wrong, id=f"{name}-{place}-{kind}")
    for name, arguments in RIGHT.items()
    for place in range(len(arguments))
    for kind, wrong in WRONG.items()
    if (name, place) not in TRUSTED
]


@pytest.mark.parametrize(("name", "place", "wrong"), CASES)
def test_an_argument_of_the_wrong_kind_gets_a_sentence_of_ours(name, place, wrong):
    arguments = RIGHT[name]
    given = (*arguments[:place], wrong, *arguments[place + 1 :])
    with pytest.raises((TypeError, ValueError), match="expected"):
        getattr(nn, name)(*given)


@pytest.mark.parametrize("name", RIGHT)
def test_the_right_arguments_are_taken(name):
    getattr(nn, name)(*RIGHT[name])


def test_every_public_function_is_asked():
    of_activations = {
        f"{activation!r}{end}" for activation in ACTIVATIONS for end in ("", "_backward")
    }
    elsewhere = {*of_activations, "Activation", "Cache", "InputGradient", "Layer", "Loss"}
    elsewhere |= {"namespaced"}  # which takes any numbers
    public = {name for name in nn.__all__ if callable(getattr(nn, name)) and not name.isupper()}
    assert public == {*RIGHT, *elsewhere}


SHAPES: dict[str, list[tuple[Any, ...]]] = {
    "linear_forward": [
        (X, W["W1"].T, W["b1"]),
        (X[:, 0], W["W1"], W["b1"]),
        (X, W["W1"], W["b1"][:, 0]),
        (X, W["W1"][0], W["b1"]),
        (X.T, W["W1"], W["b1"]),
    ],
    "linear_backward": [
        (normal(3, 2, 4), X, W["W1"]),
        (normal(3, 1, 5), X, W["W1"]),
        (normal(3, 2, 5), X.T, W["W1"]),
        (normal(3, 5), X, W["W1"]),
    ],
    "binary_cross_entropy": [(Z, Y[0]), (Z, Y.T), (Z, Y[:, :1])],
    "softmax_cross_entropy": [(MANY, Y), (MANY, ONE_HOT.T), (MANY[:, 0], ONE_HOT[:, 0])],
    "squared_error": [(MANY, Y), (Z, Y.T)],
    "squared_error_gradient": [(MANY, Y), (Z, Y.T)],
    "softmax": [(MANY[0],), (MANY[:0],)],
    "argmax": [(MANY[0],), (MANY[:0],)],
    "softmax_cross_entropy_gradient": [(MANY[:0], ONE_HOT[:0])],
    "he": [(1, ((2,),)), (1, (3, 2)), (1, ((2, 0),))],
}


@pytest.mark.parametrize(
    ("name", "given"), [(name, given) for name, cases in SHAPES.items() for given in cases]
)
def test_arrays_that_do_not_fit_get_a_sentence_of_ours(name, given):
    with pytest.raises(ValueError, match="expected"):
        getattr(nn, name)(*given)
