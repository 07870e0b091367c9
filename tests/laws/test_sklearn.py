"""Costs, gradients and whole trainings against those of scikit-learn's networks, in float64.

Its examples are rows, and it keeps all weights before all biases.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pytest

from catpipe.data.batches import full_batches
from catpipe.nn.activations import IDENTITY, RELU, SIGMOID, TANH, Activation
from catpipe.nn.arrays import Array
from catpipe.nn.losses import (
    BINARY_CROSS_ENTROPY,
    MEAN_SQUARED_ERROR,
    SOFTMAX_CROSS_ENTROPY,
    Loss,
)
from catpipe.nn.network import Network, gradients, mlp, predict, predict_probabilities
from catpipe.nn.parameters import Parameters
from catpipe.optim.optimizers import Optimizer, adam, gradient_descent, heavy_ball, nesterov
from catpipe.optim.regularizers import l2_penalty, with_l2
from catpipe.training.loop import State, initial_state, make_step, train
from tests.points import cost_at, normal

neural_network = pytest.importorskip("sklearn.neural_network")

EXAMPLES, STEPS = 30, 20
HIDDEN = (6, 5)
RATE = 0.05


class Task(NamedTuple):
    """What is learned from which targets, and scikit-learn's own names and factors for it."""

    loss: Loss
    targets: Array  # (outputs, examples)
    theirs: type
    labels: Array  # as scikit-learn takes the targets
    classes: Sequence[int] | None = None
    cost_factor: float = 1.0  # how much larger our cost is than theirs
    gradient_factor: float = 1.0


def tasks() -> dict[str, Task]:
    classes = np.arange(EXAMPLES) * 7 % 3
    binary = (normal(2, 1, EXAMPLES) > 0).astype(float)
    several = (normal(3, 4, EXAMPLES) > 0).astype(float)
    numbers = normal(4, 2, EXAMPLES)
    classifier, regressor = neural_network.MLPClassifier, neural_network.MLPRegressor
    softmax = Task(SOFTMAX_CROSS_ENTROPY, np.eye(3)[classes].T, classifier, classes, range(3))
    one = Task(BINARY_CROSS_ENTROPY, binary, classifier, binary[0].astype(int), range(2))
    many = Task(BINARY_CROSS_ENTROPY, several, classifier, several.T.astype(int), range(4))
    # Its squared loss is half of ours and averaged over outputs; its gradient is that of the half,
    # but summed over outputs.
    squares = Task(MEAN_SQUARED_ERROR, numbers, regressor, numbers.T, None, 2 * 2, 2)
    return {"softmax": softmax, "binary": one, "several_binary": many, "squared_error": squares}


TASKS = tasks()
ACTIVATIONS: dict[str, Activation] = {
    "identity": IDENTITY,
    "logistic": SIGMOID,
    "relu": RELU,
    "tanh": TANH,
}
X = normal(1, 4, EXAMPLES)
each_task = pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
each_activation = pytest.mark.parametrize("activation", ACTIVATIONS)


def ours(task: Task, activation: str) -> Network:
    outputs = len(task.targets)
    return mlp(4, *HIDDEN, outputs, activation=ACTIVATIONS[activation], loss=task.loss)


def their_model(task: Task, activation: str, rate: float, **settings):
    """Return scikit-learn's network, which takes all examples at each step."""
    constant = {"solver": "sgd", "momentum": 0.0, "nesterovs_momentum": False, "alpha": 0.0}
    return task.theirs(
        hidden_layer_sizes=HIDDEN,
        activation=activation,
        learning_rate_init=rate,
        batch_size=EXAMPLES,
        shuffle=False,
        max_iter=STEPS,
        random_state=1,
        n_iter_no_change=10 * STEPS,
        **constant | settings,
    )


def parameters_of(model) -> Parameters:
    """Return the model's parameters under our names, (units, fan_in) and (units, 1)."""
    layers = zip(model.coefs_, model.intercepts_, strict=True)
    return Parameters(
        {
            name: array
            for number, (coefficients, intercepts) in enumerate(layers, start=1)
            for name, array in [
                (f"W{number}", coefficients.T),
                (f"b{number}", intercepts[:, np.newaxis]),
            ]
        }
    )


def stepped(task: Task, activation: str, rate: float) -> tuple[float, Parameters]:
    """Return the cost before and the parameters after one step of theirs."""
    model = their_model(task, activation, rate)
    classes = {} if task.classes is None else {"classes": task.classes}
    model.partial_fit(X.T, task.labels, **classes)
    return model.loss_, parameters_of(model)


def start_of(task: Task, activation: str) -> Parameters:
    """Return the parameters that their seed starts from: a step at this rate changes no bit."""
    return stepped(task, activation, 1e-300)[1]


def fitted(task: Task, model) -> tuple[list[float], Parameters]:
    """Return the cost before each of their steps, and the parameters after the last."""
    with pytest.warns(match="Maximum iterations"):
        model.fit(X.T, task.labels)
    return model.loss_curve_, parameters_of(model)


def trained(task: Task, activation: str, optimizer: Optimizer) -> State:
    net, start = ours(task, activation), start_of(task, activation)
    step = make_step(net, optimizer, sample_every=1)
    return train(step, full_batches(X, task.targets, STEPS), initial_state(optimizer, start))


def costs_of(state: State) -> Array:
    return np.array([cost for _, cost in state.costs])


def assert_close(actual: Parameters, expected: Parameters) -> None:
    """Assert that each array is the other but for the last digits, in its largest number."""
    assert list(actual) == list(expected)
    for name, W in expected.items():
        np.testing.assert_allclose(
            actual[name], W, rtol=1e-10, atol=1e-10 * abs(W).max(), err_msg=name
        )


@each_task
@each_activation
def test_cost_and_gradients_are_scikit_learns(task, activation):
    start, net = start_of(task, activation), ours(task, activation)
    cost, after = stepped(task, activation, 1.0)
    theirs = {name: task.gradient_factor * (W - after[name]) for name, W in start.items()}
    assert_close(gradients(net, start, X, task.targets), Parameters(theirs))
    assert cost_at(net, start, X, task.targets) == pytest.approx(task.cost_factor * cost, rel=1e-10)


@each_task
@each_activation
@pytest.mark.parametrize(
    ("make", "settings"),
    [
        (gradient_descent, {}),
        (lambda rate: heavy_ball(rate, 0.8), {"momentum": 0.8}),
        (lambda rate: nesterov(rate, 0.8), {"momentum": 0.8, "nesterovs_momentum": True}),
    ],
    ids=["gradient_descent", "heavy_ball", "nesterov"],
)
def test_steps_and_their_costs_are_scikit_learns(make, settings, task, activation):
    state = trained(task, activation, make(RATE / task.gradient_factor))
    costs, after = fitted(task, their_model(task, activation, RATE, **settings))
    assert costs_of(state) == pytest.approx(task.cost_factor * np.array(costs), rel=1e-10)
    assert_close(state.parameters, after)


class AdamOfTheirs(NamedTuple):
    """Adam with epsilon beside the root of the moment that is not corrected for its start.

    So it weighs as ours does divided by sqrt(1 - beta2^t) (Kingma and Ba 2015, end of section 2).
    """

    rate: float
    epsilon: float
    commutes_with_rotations: bool = False
    is_linear: bool = False

    def init(self, parameters):
        """Return what ours begins with."""
        return adam(self.rate).init(parameters)

    def update(self, iteration, parameters, moments, gradients):
        """Return the update of ours with such an epsilon."""
        ours = adam(self.rate, epsilon=self.epsilon / np.sqrt(1 - 0.999 ** (iteration + 1)))
        return ours.update(iteration, parameters, moments, gradients)


@each_task
@each_activation
@pytest.mark.parametrize("epsilon", [1e-8, 0.1])
def test_steps_of_adam_are_scikit_learns(epsilon, task, activation):
    optimizer = AdamOfTheirs(RATE, epsilon * task.gradient_factor)
    state = trained(task, activation, optimizer)
    model = their_model(task, activation, RATE, solver="adam", epsilon=epsilon)
    costs, after = fitted(task, model)
    assert costs_of(state) == pytest.approx(task.cost_factor * np.array(costs), rel=1e-10)
    assert_close(state.parameters, after)


@each_task
@each_activation
def test_steps_with_l2_and_their_costs_are_scikit_learns(task, activation):
    alpha = 0.7  # it takes alpha / 2 over the examples times the squared weights
    strength = alpha / EXAMPLES * task.gradient_factor
    optimizer = with_l2(heavy_ball(RATE / task.gradient_factor, 0.8), strength)
    start, state = start_of(task, activation), trained(task, activation, optimizer)
    model = their_model(task, activation, RATE, momentum=0.8, alpha=alpha)
    costs, after = fitted(task, model)
    assert_close(state.parameters, after)
    first = costs_of(state)[0] / task.cost_factor + l2_penalty(start, alpha / EXAMPLES)
    assert first == pytest.approx(costs[0], rel=1e-10)


@each_task
@each_activation
def test_predictions_are_scikit_learns(task, activation):
    model = their_model(task, activation, RATE)
    _, W = fitted(task, model)
    net, new = ours(task, activation), normal(9, 4, 50)
    predicted = np.atleast_2d(model.predict(new.T).T)
    np.testing.assert_allclose(predict(net, W, new), predicted, rtol=1e-10, atol=1e-13)
    if task.classes is not None:
        probabilities = model.predict_proba(new.T).T[-len(task.targets) :]
        np.testing.assert_allclose(predict_probabilities(net, W, new), probabilities, rtol=1e-10)
