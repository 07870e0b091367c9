"""Optimizers, schedules, orders, layers, steps and spaces are values: equal, printed, pickled."""

import pickle
from dataclasses import FrozenInstanceError, fields, is_dataclass, replace

import numpy as np
import pytest

from catpipe import data, nn, optim
from catpipe.data.sampling import balanced, shuffled, stratified, subset
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.validation import validate
from catpipe.nn.layers import Dense, Dropout
from catpipe.nn.network import mlp
from catpipe.optim.optimizers import (
    adam,
    averaged_momentum,
    gradient_descent,
    heavy_ball,
    nesterov,
    rmsprop,
)
from catpipe.optim.regularizers import adamw, with_clipping, with_l2, with_weight_decay
from catpipe.optim.schedules import (
    Scaled,
    constant,
    cosine,
    exponential,
    inverse_time,
    scaled,
    step_decay,
    warm_up,
)
from catpipe.training import dual, loop, spaces
from catpipe.values import Value

NET = mlp(3, 1)
LABELS = np.array([0, 2, 0, 1, 0])


def validated():
    inputs = np.arange(6.0)[:, np.newaxis]
    short = Experiment(seed=1, hidden=(), iterations=3)
    return validate(short, (inputs, np.arange(6) % 2), np.arange(6) // 2)


def rates():
    return np.array([0.1, 0.2]).reshape(2, 1, 1)


def columns():
    return np.arange(12.0).reshape(4, 3)


PLAIN = {
    "gradient_descent": lambda: gradient_descent(0.1),
    "heavy_ball": lambda: heavy_ball(0.1, 0.8),
    "averaged_momentum": lambda: averaged_momentum(0.1, 0.8),
    "nesterov": lambda: nesterov(cosine(0.1, 100)),
    "rmsprop": lambda: rmsprop(0.1, 0.8, 1e-7),
    "adam": lambda: adam(warm_up(step_decay(0.1, 0.5, 10), 5)),
    "adamw": lambda: adamw(cosine(0.1, 100)),
    "with_l2": lambda: with_l2(heavy_ball(0.1), 0.3),
    "with_weight_decay": lambda: with_weight_decay(adam(0.1), inverse_time(0.1, 0.3)),
    "with_clipping": lambda: with_clipping(with_l2(nesterov(0.1), 0.3), 2.0),
    "constant": lambda: constant(0.1),
    "inverse_time": lambda: inverse_time(0.1, 0.3, 5),
    "step_decay": lambda: step_decay(0.1, 0.5, 5),
    "exponential": lambda: exponential(0.1, 0.01),
    "cosine": lambda: cosine(0.1, 100),
    "warm_up": lambda: warm_up(0.1, 5),
    "scaled": lambda: scaled(constant(0.1), 5),
    "shuffled": lambda: shuffled(5, 1),
    "dropout": lambda: Dropout(0.5, 1, 2),
    "downscale": lambda: data.downscale(8),
    "colour_histogram": lambda: data.colour_histogram(4, 3),
    "oriented_gradients": lambda: data.oriented_gradients(8),
    "codebook": lambda: data.codebook(800, 6),
    "scale_groups": lambda: data.scale_groups(3, 4),
    "logarithm": lambda: data.logarithm(100),
    "principal_components": lambda: data.principal_components(30, whiten=True),
    "chain": lambda: data.chain(data.grey(), data.standardize()),
    "beside": lambda: data.beside(data.grey(), data.downscale(8)),
}
"""Of numbers and values alone: what they print, Python reads back."""

OTHERS = {
    "gradient_descent, rates": lambda: gradient_descent(rates()),
    "heavy_ball, rates": lambda: heavy_ball(rates()),
    "adamw, rates": lambda: adamw(rates()),
    "adamw, factors": lambda: adamw(cosine(0.1, 100), rates()),
    "with_l2, strengths": lambda: with_l2(adam(0.1), rates()),
    "with_clipping, norms": lambda: with_clipping(adam(0.1), rates()),
    "scaled, factors": lambda: scaled(cosine(0.1, 100), rates()),
    "decay, rates": lambda: with_weight_decay(adam(0.1), rates()),
    "constant, rates": lambda: constant(rates()),
    "inverse_time, rates": lambda: inverse_time(rates(), 0.3, 5),
    "step_decay, rates": lambda: step_decay(rates(), 0.5, 5),
    "exponential, rates": lambda: exponential(rates(), 0.01),
    "cosine, rates": lambda: cosine(rates(), 100),
    "warm_up, rates": lambda: warm_up(rates(), 5),
    "scaled, rates": lambda: scaled(cosine(rates(), 100), 5),
    "stratified": lambda: stratified(LABELS.copy(), 1),
    "balanced": lambda: balanced(LABELS.copy(), 1),
    "subset": lambda: subset(np.array([3, 5, 6, 7, 9]), stratified(LABELS.copy(), 1)),
    "dense": lambda: Dense("W1", "b1", 3, 2, nn.TANH),
    "dual dense": lambda: dual.dual_network(NET, 4).layers[0],
    "step": lambda: loop.make_step(NET, adam(rates()), 10),
    "full space": lambda: spaces.full_space(columns(), "chosen"),
    "validation": validated,
    "dual space": lambda: spaces.dual_space(columns()),
    "column space": lambda: spaces.column_space(columns()),
}
VALUES = PLAIN | OTHERS
each = pytest.mark.parametrize("make", VALUES.values(), ids=VALUES)
NAMES = vars(optim) | vars(data) | {"Scaled": Scaled, "Dropout": Dropout}


@each
def test_a_value_is_a_frozen_dataclass(make):
    value = make()
    assert is_dataclass(value)
    with pytest.raises(FrozenInstanceError):
        setattr(value, fields(value)[0].name, None)


@each
def test_values_made_alike_are_equal_and_hash_alike(make):
    assert make() == make()
    assert hash(make()) == hash(make())


@each
def test_a_value_comes_back_from_a_pickle_equal(make):
    assert pickle.loads(pickle.dumps(make())) == make()


def other(field):
    """Return another value for a field than this."""
    if isinstance(field, np.ndarray):
        return np.where(np.arange(field.size).reshape(field.shape) == 1, 77, field)
    if isinstance(field, int):
        return field + 1
    if isinstance(field, nn.Activation):
        return nn.SIGMOID
    return f"{field}, another" if isinstance(field, str) else 0.0625


@each
def test_values_that_differ_in_one_field_differ(make):
    value = make()
    for field in fields(value):
        changed = replace(value, **{field.name: other(getattr(value, field.name))})
        assert value != changed
        assert not value == changed  # noqa: SIM201


@each
def test_a_value_differs_from_the_tuple_of_its_fields(make):
    value = make()
    assert value != tuple(getattr(value, field.name) for field in fields(value))


@each
def test_a_value_prints_on_one_line_as_its_class_and_its_fields(make):
    value, printed = make(), repr(make())
    assert printed.startswith(f"{type(value).__name__}({fields(value)[0].name}=")
    assert all(f"{field.name}=" in printed for field in fields(value))
    assert printed.count("\n") == 0
    assert len(printed) < 300


@pytest.mark.parametrize("make", PLAIN.values(), ids=PLAIN)
def test_what_a_value_of_numbers_prints_is_how_to_make_it(make):
    assert eval(repr(make()), dict(NAMES)) == make()


@pytest.mark.parametrize(
    "other",
    [
        np.array([1.0, 0.0]),
        np.array([[1.0, 2.0]]),
        np.array([1.0, 2.0]).view(np.int64),
        [1.0, 2.0],
        1.0,
    ],
    ids=["number", "shape", "type", "list", "scalar"],
)
def test_arrays_of_another_number_shape_or_type_are_other_values(other):
    assert optim.Constant(np.array([1.0, 2.0])) != optim.Constant(other)


def test_values_of_other_classes_differ_though_their_fields_are_equal():
    assert stratified(LABELS, 1) != balanced(LABELS, 1)
    assert heavy_ball(0.1) != nesterov(0.1)


def test_values_with_arrays_are_keys_of_a_dict():
    assert {stratified(LABELS, 1): "found"}[stratified(LABELS.copy(), 1)] == "found"


def test_every_class_of_a_value_with_arrays_is_tried_here():
    ours = {of for of in Value.__subclasses__() if of.__module__ != Value.__module__}
    assert ours <= {type(make()) for make in VALUES.values()}


ALIASED = {
    "a rate": lambda rate, _: gradient_descent(rate),
    "a rate of a schedule": lambda rate, _: cosine(rate, 100),
    "a decay": lambda rate, _: adamw(cosine(0.1, 100), rate),
    "a strength": lambda rate, _: with_l2(gradient_descent(0.1), rate),
    "a norm": lambda rate, _: with_clipping(gradient_descent(0.1), rate),
    "stratified": lambda _, labels: stratified(labels, 1),
    "balanced": lambda _, labels: balanced(labels, 1),
    "subset": lambda _, labels: subset(labels, shuffled(5, 1)),
}


@pytest.mark.parametrize("make", ALIASED.values(), ids=ALIASED)
def test_a_later_write_to_an_array_does_not_reach_the_value_made_of_it(make):
    rate, labels = rates(), LABELS.copy()
    value = make(rate, labels)
    rate[:], labels[:] = 7, 1
    assert value == make(rates(), LABELS)
