"""An experiment's value decides everything about its result."""

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import log_loss
from sklearn.utils.class_weight import compute_sample_weight

from catpipe.data.drawn.drawings import draw
from catpipe.data.examples import DataSet, Examples
from catpipe.data.sampling import held_out
from catpipe.data.transforms.columns import pixels
from catpipe.data.transforms.pictures import downscale
from catpipe.data.transforms.scaling import standardize
from catpipe.experiments.experiment import (
    ACTIVATIONS,
    OPTIMIZERS,
    WITH_MOMENTUM,
    Experiment,
    checked,
)
from catpipe.experiments.fitting import fit
from catpipe.experiments.result import Result, accuracy_on, cost_on, predictions, probabilities
from catpipe.experiments.setup import optimizer_for
from catpipe.nn.network import predict_probabilities
from catpipe.nn.parameters import Parameters
from catpipe.shell.runs.provenance import HOMES
from catpipe.shell.storage.datasets import load_data
from catpipe.training.loop import Diverged, State
from tests.training.test_dual import assert_close

SMALL = Experiment(seed=1, hidden=(3,), iterations=5)


def pictures_of(labels: list[int], seed: int = 1) -> Examples:
    """Return pictures of 108 numbers each, drawn at random."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (len(labels), 6, 6, 3)).astype(np.uint8)
    return Examples(images, np.array(labels))


TWO = pictures_of([0, 1, 0, 0, 1, 1, 0, 1, 0, 0, 1, 0, 0])
THREE = pictures_of([0, 2, 0, 1, 0, 2, 0, 2, 0, 0, 1, 0, 0])
OTHERS = pictures_of([1, 2, 0, 0, 1, 2, 0], seed=2)
ASKED = Experiment(seed=1, hidden=(4, 3), activation="tanh", learning_rate=0.1, iterations=150)
KINDS = ASKED._replace(classes=3)


@pytest.fixture(scope="module")
def drawn() -> DataSet:
    return draw(seed=1, train=12, test=6)


def test_equal_experiments_have_equal_results(drawn):
    assert fit(SMALL, drawn.train) == fit(SMALL, drawn.train)


CHANGES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {"seed": 2}),
    ({}, {"hidden": (4,)}),
    ({}, {"activation": "tanh"}),
    ({"hidden": (3, 2)}, {"activation": ("relu", "tanh")}),
    ({}, {"learning_rate": 0.1}),
    ({}, {"iterations": 6}),
    ({}, {"initializer": "he"}),
    ({}, {"dtype": "float32"}),
    ({}, {"classes": 3}),
    ({}, {"optimizer": "adam"}),
    ({"optimizer": "adam"}, {"optimizer": "adamw"}),
    ({"optimizer": "heavy_ball"}, {"optimizer": "nesterov"}),
    ({"optimizer": "heavy_ball"}, {"momentum": 0.5}),
    ({"optimizer": "averaged_momentum"}, {"momentum": 0.5}),
    ({"optimizer": "nesterov"}, {"momentum": 0.5}),
    ({}, {"schedule": ("inverse_time", 0.1)}),
    ({"schedule": ("inverse_time", 0.1)}, {"schedule": ("inverse_time", 0.1, 2)}),
    ({}, {"schedule": ("step", 0.5, 2)}),
    ({}, {"schedule": ("exponential", 0.1)}),
    ({}, {"schedule": ("cosine",)}),
    ({"schedule": ("cosine",)}, {"schedule": ("cosine", 10)}),
    ({}, {"warm_up": 3}),
    ({}, {"l2": 0.1}),
    ({}, {"weight_decay": 0.1}),
    ({"optimizer": "adamw"}, {"weight_decay": 0.0}),
    ({}, {"dropout": 0.5}),
    ({"dropout": 0.5}, {"dropout": 0.25}),
    ({}, {"batch_size": 4}),
    ({"batch_size": 4}, {"order": "stratified"}),
    ({"batch_size": 4}, {"order": "balanced"}),
    ({"batch_size": 4, "initializer": "zeros"}, {"seed": 2}),
    ({}, {"epochs": 3}),
    ({"batch_size": 4}, {"epochs": 3}),
    ({}, {"class_weight": "balanced"}),
    ({}, {"class_weight": (1, 2)}),
    ({}, {"early_stopping": 1}),
    ({}, {"transforms": (downscale(8),)}),
    ({"transforms": (downscale(8),)}, {"transforms": (downscale(8), standardize())}),
    ({}, {"augmentation": (("flipped",),)}),
    ({"augmentation": (("flipped",),)}, {"augmentation": (("flipped", 0.1),)}),
    (
        {"early_stopping": 1, "batch_size": 1, "epochs": 99, "learning_rate": 1.0},
        {"early_stopping": 9},
    ),
]


@pytest.mark.parametrize(("base", "change"), CHANGES, ids=str)
def test_every_field_changes_the_result(drawn, base, change):
    experiment = SMALL._replace(**base)
    changed = fit(experiment._replace(**change), drawn.train)
    assert changed.parameters != fit(experiment, drawn.train).parameters


def test_the_full_space_alone_changes_where_training_is_done_and_not_what_is_learned():
    assert {*Experiment._fields} - {*(f for _, change in CHANGES for f in change)} == {
        "compiled",
        "full_space",
        "loss",
    }
    inside, outside = (fit(ASKED._replace(full_space=full), TWO) for full in (False, True))
    assert ("dual form" in inside.space_description, outside.space_description) == (
        True,
        "the full space (chosen)",
    )
    assert_close(inside.parameters, outside.parameters, rtol=1e-10)


def test_the_last_cost_is_kept_once_also_when_a_hundred_divides_it(drawn):
    result = fit(SMALL._replace(iterations=101), drawn.train)
    assert [iteration for iteration, _ in result.costs] == [0, 100]


def test_the_cost_of_a_result_is_that_of_the_next_iteration(drawn):
    longer = fit(SMALL._replace(iterations=6), drawn.train)
    assert cost_on(fit(SMALL, drawn.train), drawn.train) == longer.costs[-1][1]


def test_a_watch_sees_every_state_in_order(drawn):
    seen = []

    def watch(keeps):
        for kept in keeps:
            seen.append(kept.state.iteration)
            yield kept

    fit(SMALL, drawn.train, watch)
    assert seen == [0, 1, 2, 3, 4, 5]


def test_training_that_leaves_the_finite_numbers_stops_and_says_so(drawn):
    with pytest.raises(FloatingPointError, match="lower the learning rate"):
        fit(SMALL._replace(learning_rate=1e300, iterations=150), drawn.train)


def test_a_last_update_that_leaves_the_finite_numbers_is_refused(drawn):
    with pytest.raises(FloatingPointError, match="at iteration 1"):
        fit(SMALL._replace(learning_rate=1e300, iterations=1), drawn.train)


def test_fitting_checks_the_experiment(drawn):
    with pytest.raises(ValueError, match="iterations is 0"):
        fit(SMALL._replace(iterations=0), drawn.train)


def test_labels_beyond_the_classes_are_refused(drawn):
    with pytest.raises(ValueError, match=r"the targets are .*; expected 0 to 1: give targets - 1"):
        fit(SMALL, drawn.train._replace(targets=drawn.train.targets + 1))


NAN, INF = float("nan"), float("inf")
BAD: dict[str, list[Any]] = {
    "seed": [-1, 2**32, 1.5, True, None],
    "hidden": ["7", 7.5, (3, 0), (3, 1.5), (2**32,)],
    "activation": ["rleu", ("tanh", "rleu"), 3, None],
    "learning_rate": ["fast", 0, -0.1, NAN, INF, True, None],
    "iterations": [0, 10**20, 1.5, None],
    "initializer": ["lecun", None],
    "dtype": ["float16", np.float16, np.int64, None],
    "full_space": [1, "yes", None],
    "compiled": [1, "yes", None],
    "loss": ["hinge", None],
    "classes": [1, 0, 2.5, True, None],
    "optimizer": ["sgd", None],
    "momentum": [1, -0.1, 2.0, NAN, "much", True],
    "schedule": [
        *["linear", (), ("linear",), ("constant", 1), ("step",), ("step", 0.5), None],
        *[("step", 0.5, 0), ("step", -1, 5), ("step", 0.5, 5, 5), ("exponential",)],
        *[("exponential", 0), ("inverse_time", NAN), ("cosine", 1, 2), ("cosine", "long"), (1,)],
    ],
    "warm_up": [-1, 1.5, 10**20, None],
    "l2": [-0.1, NAN, INF, "some", None],
    "weight_decay": [-0.1, NAN, INF, "some"],
    "dropout": [1, 1.5, -0.1, NAN, "some", None],
    "batch_size": [0, -1, 2.5, 10**20, True],
    "order": ["random", None],
    "epochs": [0, -1, 2.5, 10**20],
    "class_weight": [
        *["even", (), (0, 0), (-1, 1), (1, NAN), (INF, 1), 2.0, ("a", "b"), (True, 1)],
        *[{0: 1, 2: 1}, {"cat": 1, "dog": 2}],
    ],
    "early_stopping": [0, -1, 2.5, True],
    "transforms": ["grey:2", "gray", ("grey", 3), 3, None, ("downscale",), Experiment],
    "augmentation": [
        *["flipped:2", "flip", ("flipped", 0.5), (("flipped", "much"),), (("shifted", 1.5),)],
        *[(("cropped", 0),), (("brightened", 0.1, 0.2),), 3, None],
    ],
}


def test_a_value_that_cannot_be_is_known_for_every_field():
    assert {*BAD} == {*Experiment._fields}


@pytest.mark.parametrize("field", ["learning_rate", "l2", "weight_decay", "momentum", "dropout"])
def test_an_integer_beyond_all_floats_is_refused_by_its_field(field):
    fields: dict[str, Any] = {field: 10**400}
    with pytest.raises(ValueError, match=rf"^{field} is .*; expected "):
        checked(Experiment(seed=1, optimizer="nesterov", **fields))


@pytest.mark.parametrize(
    ("field", "value"), [(f, value) for f, some in BAD.items() for value in some]
)
def test_an_experiment_that_cannot_be_is_refused_by_field(field, value):
    with pytest.raises(ValueError, match=rf"^{field} is .*; expected "):
        checked(SMALL._replace(**{field: value}))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("activation", [["relu"]]),
        ("initializer", ["he"]),
        ("optimizer", ["adam"]),
        ("schedule", (["step"], 0.5, 5)),
    ],
)
def test_a_list_for_a_name_is_refused_by_field_too(field, value):
    with pytest.raises(ValueError, match=rf"^{field} is .*; expected"):
        checked(SMALL._replace(**{field: value}))


@pytest.mark.parametrize(
    "changes",
    [
        {"activation": (), "hidden": ()},
        {"seed": np.int64(3), "iterations": np.int32(3), "learning_rate": np.float32(0.1)},
        {"learning_rate": 1, "dropout": 0, "l2": 0, "weight_decay": 0},
        {"class_weight": (0, 1)},
        {"classes": 3, "class_weight": (1, 2.5, 0)},
        {"momentum": 0, "optimizer": "nesterov"},
        {"schedule": ("cosine",)},
        {"schedule": ("cosine", 7), "warm_up": 3, "epochs": 7},
    ],
    ids=str,
)
def test_an_experiment_that_can_be_comes_back_as_it_is(changes):
    experiment = SMALL._replace(**changes)
    assert checked(experiment) == experiment


@pytest.mark.parametrize(
    ("field", "value", "meant"),
    [
        ("seed", np.int64(3), 3),
        ("hidden", [3, 2], (3, 2)),
        ("hidden", np.array([3, 2]), (3, 2)),
        ("hidden", range(3, 5), (3, 4)),
        ("hidden", 7, (7,)),
        ("activation", ["tanh"], ("tanh",)),
        ("iterations", 1e3, 1000),
        ("learning_rate", np.float64(0.5), 0.5),
        ("dtype", np.float32, "float32"),
        ("dtype", np.dtype("float64"), "float64"),
        ("full_space", np.True_, True),
        ("schedule", "cosine", ("cosine",)),
        ("schedule", ["cosine", np.int64(9)], ("cosine", 9)),
        ("class_weight", [1, 2.5], (1, 2.5)),
        ("class_weight", {1: 2.5, 0: 1}, (1, 2.5)),
        ("class_weight", np.array([1, 2.5]), (1.0, 2.5)),
    ],
    ids=str,
)
def test_a_value_that_can_only_mean_one_thing_is_taken_as_that(field, value, meant):
    taken = getattr(checked(SMALL._replace(**{field: value})), field)
    assert (taken, repr(taken)) == (meant, repr(meant))


@pytest.mark.parametrize("other", [None, {"seed": 1}, "seed=1", Experiment, (1,)], ids=str)
def test_what_is_no_experiment_is_refused(other):
    with pytest.raises(TypeError, match=r"the experiment is .*; expected an Experiment"):
        checked(other)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"activation": ("relu", "tanh")}, "2 activations for 1 hidden layers; expected one for"),
        ({"activation": ()}, "0 activations for 1 hidden layers"),
        ({"momentum": 0.9}, "momentum is 0.9 with gradient_descent; expected one of heavy_ball"),
        ({"momentum": 0.0, "optimizer": "adam"}, "momentum is 0.0 with adam"),
        ({"momentum": 0.9, "optimizer": "rmsprop"}, "momentum is 0.9 with rmsprop"),
        ({"class_weight": "balanced", "loss": "mean_squared_error"}, "class_weight is 'balanced'"),
        ({"order": "stratified", "batch_size": 2, "loss": "mean_squared_error"}, "order is 'strat"),
        ({"class_weight": (1, 2, 3)}, "3 class weights for 2 classes; expected as many"),
        ({"class_weight": (1, 2), "classes": 3}, "2 class weights for 3 classes"),
    ],
    ids=str,
)
def test_fields_that_cannot_be_with_each_other_are_refused(changes, told):
    with pytest.raises(ValueError, match=told):
        checked(SMALL._replace(**changes))


def test_a_validation_set_without_early_stopping_is_refused():
    with pytest.raises(ValueError, match="a validation set without early stopping"):
        fit(KINDS, THREE, validation=OTHERS)


def test_a_validation_set_without_pictures_is_refused():
    none = Examples(THREE.inputs[:0], THREE.targets[:0])
    with pytest.raises(ValueError, match="validation"):
        fit(KINDS._replace(early_stopping=1), THREE, validation=none)


SPACES: dict[str, dict[str, Any]] = {
    "full_batch": {},
    "mini_batch": {"batch_size": 5},
    "batches_of_one": {"batch_size": 1},
    "more_than_all": {"batch_size": 50},
    "stratified": {"batch_size": 5, "order": "stratified"},
    "balanced": {"batch_size": 5, "order": "balanced"},
    "balanced_weighted": {"batch_size": 5, "order": "balanced", "class_weight": (1, 2, 3)},
    "averaged_momentum": {"batch_size": 5, "optimizer": "averaged_momentum", "momentum": 0.5},
    "decayed": {"batch_size": 5, "optimizer": "nesterov", "l2": 0.1, "weight_decay": 0.2},
    "decayed_full_batch": {"optimizer": "heavy_ball", "l2": 0.1, "weight_decay": 0.2},
    "scheduled": {"batch_size": 5, "schedule": ("cosine",), "warm_up": 20, "weight_decay": 0.1},
    "dropout": {"batch_size": 5, "dropout": 0.4},
    "dropout_full_batch": {"dropout": 0.4},
    "weighted": {"batch_size": 5, "class_weight": "balanced"},
    "weighted_full_batch": {"class_weight": (1, 2, 0)},
    "stopped": {"batch_size": 5, "early_stopping": 3},
    "stopped_full_batch": {"early_stopping": 1, "iterations": 500},
    "activations": {"batch_size": 5, "activation": ("gelu", "softplus")},
    "regression": {"batch_size": 5, "hidden": (), "activation": ()},
    "epochs": {"batch_size": 5, "epochs": 40},
}


@pytest.mark.parametrize("changes", SPACES.values(), ids=SPACES)
def test_what_is_learned_in_a_subspace_is_what_is_learned_in_the_full_space(changes):
    asked = KINDS._replace(**changes)
    inside, outside = (fit(asked._replace(full_space=full), THREE) for full in (False, True))
    assert "the subspace of 13 examples" in inside.space_description
    assert_close(inside.parameters, outside.parameters, rtol=1e-10)
    assert inside.iteration == outside.iteration
    for (i, one), (j, other) in zip(inside.costs, outside.costs, strict=True):
        assert i == j
        assert one == pytest.approx(other, rel=1e-10)


@pytest.mark.parametrize(
    "changes", [{}, {"order": "balanced"}, {"early_stopping": 2}, {"order": "stratified"}], ids=str
)
def test_a_mini_batch_of_all_pictures_learns_the_same_in_a_subspace(changes):
    asked = KINDS._replace(**changes, batch_size=13)
    inside, outside = (fit(asked._replace(full_space=full), THREE) for full in (False, True))
    assert_close(inside.parameters, outside.parameters, rtol=1e-10)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "rmsprop"])
@pytest.mark.parametrize("batch_size", [None, 5])
def test_an_optimizer_that_scales_each_number_learns_in_the_full_space_and_says_so(
    optimizer, batch_size
):
    asked = KINDS._replace(optimizer=optimizer, batch_size=batch_size, learning_rate=0.01)
    chosen, outside = (fit(asked._replace(full_space=full), THREE) for full in (False, True))
    assert (
        chosen.space_description == "the full space (the optimizer does not commute with rotations)"
    )
    assert chosen.parameters == outside.parameters


EVERYTHING: dict[str, Any] = {
    "class_weight": "balanced",
    "dropout": 0.3,
    "early_stopping": 2,
    "l2": 0.1,
    "weight_decay": 0.1,
    "iterations": 30,
    "warm_up": 3,
}


def assert_float32(result: Result, images) -> None:
    assert {W.dtype for W in result.parameters.values()} == {np.dtype(np.float32)}
    assert probabilities(result, images).dtype == np.float32


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("batch_size", [None, 5])
@pytest.mark.parametrize("changes", [{}, EVERYTHING, EVERYTHING | {"full_space": True}], ids=len)
def test_float32_stays_float32_with_every_optimizer(optimizer, batch_size, changes):
    asked = KINDS._replace(dtype="float32", iterations=30, optimizer=optimizer)
    assert_float32(fit(asked._replace(**changes, batch_size=batch_size), THREE), THREE.inputs)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("classes", [2, 3])
def test_float32_stays_float32_with_every_activation(activation, classes):
    asked = ASKED._replace(**EVERYTHING | {"activation": activation}, dtype="float32")
    pictures = TWO if classes == 2 else THREE
    assert_float32(fit(asked._replace(classes=classes), pictures), pictures.inputs)


@pytest.mark.parametrize(
    "schedule",
    [("constant",), ("inverse_time", 0.1, 5), ("step", 0.5, 5), ("exponential", 0.1), ("cosine",)],
    ids=lambda schedule: schedule[0],
)
@pytest.mark.parametrize("order", ["shuffled", "stratified", "balanced"])
def test_float32_stays_float32_with_every_schedule_and_order(schedule, order):
    asked = KINDS._replace(**EVERYTHING, dtype="float32", schedule=schedule, order=order)
    assert_float32(fit(asked._replace(batch_size=5), THREE), THREE.inputs)


@pytest.mark.parametrize("batch_size", [None, 5])
def test_in_float32_about_the_same_is_learned(batch_size):
    asked = KINDS._replace(batch_size=batch_size, class_weight="balanced")
    half, whole = (fit(asked._replace(dtype=dtype), THREE) for dtype in ("float32", "float64"))
    for name, W in whole.parameters.items():
        np.testing.assert_allclose(half.parameters[name], W, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("classes", [2, 3, 4])
def test_the_probabilities_of_all_classes_sum_to_1(classes):
    result = fit(ASKED._replace(classes=classes), TWO)
    said = probabilities(result, OTHERS.inputs)
    assert said.shape == (classes, 7)
    assert (said > 0).all()
    np.testing.assert_allclose(said.sum(0), 1, rtol=1e-12)


@pytest.mark.parametrize("classes", [2, 3, 4])
def test_the_class_predicted_is_the_most_probable(classes):
    pictures = TWO if classes == 2 else THREE
    result = fit(ASKED._replace(classes=classes, learning_rate=0.5, iterations=300), pictures)
    said = predictions(result, pictures.inputs)
    assert said.tolist() == probabilities(result, pictures.inputs).argmax(0).tolist()
    assert len({*said.tolist()}) == min(classes, 3)


def test_of_two_classes_the_second_is_as_probable_as_the_network_says(drawn):
    result = fit(SMALL, drawn.train)
    (said,) = predict_probabilities(result.network, result.parameters, pixels(drawn.test.inputs))
    np.testing.assert_array_equal(probabilities(result, drawn.test.inputs)[1], said)
    assert (predictions(result, drawn.test.inputs) == (said > 0.5)).all()


def test_several_classes_are_learned():
    result = fit(KINDS._replace(learning_rate=0.5, iterations=1500), THREE)
    assert accuracy_on(result, THREE) == 1


@pytest.mark.parametrize("classes", [2, 3])
def test_the_cost_is_the_log_loss_of_scikit_learn(classes):
    pictures = TWO if classes == 2 else THREE
    result = fit(ASKED._replace(classes=classes), pictures)
    expected = log_loss(pictures.targets, probabilities(result, pictures.inputs).T)
    assert float(cost_on(result, pictures)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    "changes",
    [{}, {"batch_size": 5}, {"batch_size": 5, "dropout": 0.5}, {"class_weight": (1, 2, 3)}],
    ids=str,
)
def test_a_cost_is_the_same_sampled_on_the_way_or_at_the_end(changes):
    asked = KINDS._replace(**changes)
    longer, ended = (fit(asked._replace(iterations=n), THREE) for n in (150, 101))
    assert ended.costs[-1] == longer.costs[1]
    assert ended.costs[-1][0] == 100


def test_epochs_times_batches_are_the_iterations():
    result = fit(KINDS._replace(batch_size=5, epochs=7, iterations=3), THREE)
    assert (result.iteration, result.costs[-1][0]) == (21, 20)
    assert result.parameters == fit(KINDS._replace(batch_size=5, iterations=21), THREE).parameters


def watched(experiment, pictures, validation=None) -> tuple[Result, list[State]]:
    """Return the result in the full space, and the states on the way to it."""
    states = []

    def watch(keeps):
        for kept in keeps:
            states.append(kept.state)
            yield kept

    return fit(experiment._replace(full_space=True), pictures, watch, validation), states


STOPPED: dict[str, dict[str, Any]] = {
    "mini_batch": {"batch_size": 5, "epochs": 60},
    "stratified": {"batch_size": 5, "epochs": 60, "order": "stratified"},
    "balanced": {"batch_size": 5, "epochs": 60, "order": "balanced"},
    "dropout": {"batch_size": 5, "epochs": 60, "dropout": 0.4},
    "weighted": {"batch_size": 5, "epochs": 60, "class_weight": (1, 2.5, 4)},
    "full_batch": {"iterations": 2000},
    "full_batch_weighted": {"iterations": 2000, "class_weight": "balanced"},
}
stopped = pytest.mark.parametrize("changes", STOPPED.values(), ids=STOPPED)


def checked_every(experiment: Experiment) -> int:
    """Return the batches of 5 in an epoch of the 13 pictures, 8 of the first class."""
    batches = -(-3 * 8 // 5) if experiment.order == "balanced" else -(-13 // 5)
    return batches if experiment.batch_size else 100


def validation_costs(result: Result, states: list[State], every: int) -> dict[int, float]:
    """Return the log loss on the others at each iteration that is checked, by scikit-learn."""
    weight = result.experiment.class_weight
    balance = compute_sample_weight("balanced", THREE.targets)
    by_class: dict[int, float] = dict(zip(THREE.targets, balance, strict=True))
    if isinstance(weight, tuple):
        by_class = dict(enumerate(weight))
    weights = None if weight is None else [by_class[label] for label in OTHERS.targets]
    return {
        state.iteration: log_loss(
            OTHERS.targets,
            probabilities(result._replace(parameters=state.parameters), OTHERS.inputs).T,
            sample_weight=weights,
        )
        for state in states
        if state.iteration % every == 0
    }


@stopped
def test_stopped_early_the_parameters_are_those_of_the_lowest_validation_cost(changes):
    asked = KINDS._replace(**changes, early_stopping=4, learning_rate=0.3)
    result, states = watched(asked, THREE, OTHERS)
    costs = validation_costs(result, states, checked_every(asked))
    best = min(costs, key=lambda iteration: costs[iteration])
    assert result.iteration == best
    assert result.parameters == states[best].parameters


@stopped
def test_training_ends_when_patience_is_at_an_end(changes):
    asked = KINDS._replace(**changes, early_stopping=2, learning_rate=0.3)
    result, states = watched(asked, THREE, OTHERS)
    assert states[-1].iteration == result.iteration + 2 * checked_every(asked)
    assert result.costs[-1][0] == states[-1].iteration - 1


def test_a_run_that_is_patient_enough_goes_on_to_the_end_and_returns_the_best():
    asked = KINDS._replace(batch_size=5, epochs=30, early_stopping=1000, learning_rate=0.3)
    result, states = watched(asked, THREE, OTHERS)
    assert states[-1].iteration == 90
    assert result.iteration < 90


def test_the_start_is_returned_where_training_only_makes_it_worse():
    wrong = THREE._replace(targets=(THREE.targets + 1) % 3)
    asked = KINDS._replace(
        batch_size=13, epochs=9, early_stopping=2, initializer="zeros", hidden=()
    )
    result, states = watched(asked._replace(activation=(), learning_rate=1.0), THREE, wrong)
    assert result.iteration == 0
    assert result.parameters == states[0].parameters


def test_a_run_that_ends_before_the_first_check_returns_what_it_learned():
    assert fit(KINDS._replace(iterations=60, early_stopping=1), THREE, validation=THREE).iteration


@pytest.mark.parametrize("class_weight", [None, "balanced"])
@stopped
def test_validation_pictures_and_labels_have_no_say_in_what_is_learned(changes, class_weight):
    asked = KINDS._replace(**changes | {"class_weight": class_weight}, early_stopping=10**6)
    asked = asked._replace(iterations=150, epochs=asked.epochs and 20)
    changed = Examples(255 - OTHERS.inputs, (OTHERS.targets + 1) % 3)
    first, second = (watched(asked, THREE, own)[1] for own in (OTHERS, changed))
    assert len(first) == len(second) > 50
    assert first[-1] == second[-1]


@stopped
def test_to_hold_out_pictures_is_to_train_on_the_rest_and_validate_by_them(changes):
    asked = KINDS._replace(**changes, early_stopping=3, learning_rate=0.3)
    if asked.class_weight == "balanced":
        asked = asked._replace(class_weight=(1, 2, 3))  # it is over what is held out, too
    held = np.isin(np.arange(13), held_out(THREE.targets, asked.seed, share=0.2))
    rest, own = (Examples(THREE.inputs[part], THREE.targets[part]) for part in (~held, held))
    assert len(own.targets) == 3
    alone, together = fit(asked, rest, validation=own), fit(asked, THREE)
    assert alone.iteration == together.iteration
    assert_close(alone.parameters, together.parameters, rtol=1e-9)


@pytest.mark.parametrize(
    "changes",
    [{}, {"optimizer": "nesterov", "l2": 0.1}, {"optimizer": "adam"}, {"full_space": True}],
    ids=str,
)
def test_to_weigh_a_class_twice_is_to_show_it_twice(changes):
    asked = ASKED._replace(**changes, iterations=60)
    twice = np.concatenate([np.arange(13), np.flatnonzero(TWO.targets)])
    shown = fit(asked, Examples(TWO.inputs[twice], TWO.targets[twice]))
    weighed = fit(asked._replace(class_weight=(1, 2)), TWO)
    assert_close(weighed.parameters, shown.parameters, rtol=1e-11)
    assert dict(weighed.costs) == pytest.approx(dict(shown.costs), rel=1e-11)


@pytest.mark.parametrize("batch_size", [None, 4])
def test_a_class_that_weighs_nothing_is_not_learned_from(batch_size):
    asked = KINDS._replace(class_weight=(1, 2, 0), batch_size=batch_size, iterations=60)
    without = Examples(*(array[THREE.targets != 2] for array in THREE[:2]))
    shown = fit(asked, without)
    assert_close(fit(asked, THREE).parameters, shown.parameters, rtol=1e-11)


@pytest.mark.parametrize("optimizer", WITH_MOMENTUM)
def test_momentum_is_nine_tenths_unless_asked_for(optimizer):
    asked = ASKED._replace(optimizer=optimizer, iterations=9)
    assert fit(asked, TWO).parameters == fit(asked._replace(momentum=0.9), TWO).parameters


def test_weights_decay_by_the_rate_of_the_iteration_times_the_decay():
    asked = ASKED._replace(weight_decay=0.1, learning_rate=0.5, schedule=("cosine", 10))
    W, still = Parameters(W1=[2.0], b1=[3.0]), Parameters(W1=[0.0], b1=[0.0])
    after, _ = optimizer_for(asked, iterations=10).update(5, W, (), still)
    assert after["W1"].item() == pytest.approx(2 - 0.5 / 2 * 0.1 * 2)
    assert after["b1"].item() == 3


def test_adamw_is_adam_with_its_decay():
    adamw, adam = (ASKED._replace(optimizer=name, iterations=9) for name in ("adamw", "adam"))
    assert fit(adamw, TWO).parameters == fit(adam._replace(weight_decay=0.01), TWO).parameters
    assert fit(adamw._replace(weight_decay=0.0), TWO).parameters == fit(adam, TWO).parameters


def test_the_committed_drawn_set_is_what_seed_1_draws():
    committed, drawn_anew = load_data(HOMES[1] / "drawn"), draw(seed=1)
    assert committed.classes == drawn_anew.classes
    for part in ("train", "test"):
        for ours, anew in zip(getattr(committed, part), getattr(drawn_anew, part), strict=True):
            np.testing.assert_array_equal(ours, anew)


def test_the_published_network_gets_most_but_not_all_of_the_drawn_test_set_right():
    data = draw(seed=1)
    result = fit(Experiment(seed=1), data.train)
    share = float((predictions(result, data.test.inputs) == data.test.targets).mean())
    assert max(data.test.targets.mean(), 0.72) < share < 0.95


@pytest.mark.parametrize("full_space", [True, False])
def test_what_was_learned_before_training_left_the_finite_numbers_is_kept(full_space):
    asked = KINDS._replace(activation="identity", schedule=("step", 8.0, 30), iterations=600)
    asked = asked._replace(learning_rate=0.001, full_space=full_space)
    with pytest.raises(Diverged) as stopped:
        fit(asked, THREE)
    kept = stopped.value.state
    assert 0 < kept.iteration < 600
    until = fit(asked._replace(iterations=kept.iteration), THREE)
    assert kept.parameters == until.parameters


@pytest.mark.parametrize("features", [3, 400])
@pytest.mark.parametrize("own", [{}, {"optimizer": "heavy_ball"}, {"full_space": True}])
def test_large_inputs_that_diverge_are_to_be_scaled_in_any_space(features, own):
    inputs = np.random.default_rng(1).choice([-1e6, 1e6], (9, features))
    asked = Experiment(seed=1, hidden=(3,), iterations=200, loss="mean_squared_error", **own)
    with pytest.raises(FloatingPointError, match=r"or scale the inputs.* is 1e\+06 \(transforms"):
        fit(asked, (inputs, np.arange(9.0)))
