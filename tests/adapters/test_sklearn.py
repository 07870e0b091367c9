"""scikit-learn's own checks, its MLP as an oracle, and the laws of fitting."""

from __future__ import annotations

import pickle
from functools import partial
from typing import Any

import numpy as np
import pytest
from toolz import merge

pytest.importorskip("sklearn", "1.6")

from sklearn import set_config
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris, make_classification, make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    cross_val_score,
    cross_validate,
)
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from catpipe import load_run, nn, optim, save_run
from catpipe.adapters.sklearn import (
    NetworkClassifier,
    NetworkRegressor,
    cross_validate_stacked,
)
from catpipe.experiments.cross_validation import run_masks
from catpipe.experiments.ensembles import Map
from catpipe.experiments.result import predictions
from catpipe.experiments.setup import Mask, Setup
from catpipe.shell.runs.run_file import Run

CHECKED: dict[str, Any] = {
    "hidden_layer_sizes": (20,),
    "learning_rate_init": 0.03,
    "max_iter": 25,
    "random_state": 1,
}


WEIGHTS = "check_sample_weight_equivalence_on_dense_data"
MULTILABEL = (
    *("representation_invariance", "output_format_predict", "output_format_predict_proba"),
    "output_format_decision_function",
)
CANNOT_HOLD: dict[str, dict[str, str]] = {
    "batch_size": {WEIGHTS: "batches are drawn by number, whatever the weights"},
    "early_stopping": {
        WEIGHTS: "examples are held out by number, whatever the weights",
        "check_class_weight_classifiers": "it stops where the weighted cost no longer falls",
        "check_classifiers_one_label_sample_weights": "those held out may all have weight 0",
    },
    "dtype": {
        WEIGHTS: "float32 has seven digits, and seven are asked for",
        "check_regressor_multioutput": "predictions of float32 are what was asked for",
    },
    "class_weight": {
        WEIGHTS: "as in scikit-learn, classes are balanced by counts, not by weights",
        **{f"check_classifiers_multilabel_{name}": "several labels have no class weights"
           for name in MULTILABEL},
    },
}  # fmt: skip
"""The checks that cannot hold, and why, by the parameter that is set."""


TO_THE_LAST_DIGIT = {
    "check_methods_sample_order_invariance",
    "check_methods_subset_invariance",
}
"""The checks that ask for seven digits, and so hold in float32 by chance."""


def expected_failures(estimator: Any) -> dict[str, str]:
    usual = type(estimator)().get_params()
    set_here = [name for name, value in estimator.get_params().items() if value != usual[name]]
    return merge({}, *(CANNOT_HOLD.get(name, {}) for name in set_here))


@parametrize_with_checks(
    [
        NetworkClassifier(**CHECKED),
        NetworkRegressor(**CHECKED),
        NetworkClassifier(**CHECKED | {"solver": "sgd", "learning_rate_init": 0.1}),
        NetworkRegressor(**CHECKED | {"learning_rate_init": 0.01}, batch_size=10),
        NetworkClassifier(**CHECKED, early_stopping=True),
        NetworkClassifier(**CHECKED, class_weight="balanced"),
        NetworkRegressor(**CHECKED, dtype="float32"),
    ],
    expected_failed_checks=expected_failures,
)
def test_scikit_learn_finds_nothing(estimator, check):
    if estimator.dtype == "float32" and check.func.__name__ in TO_THE_LAST_DIGIT:
        pytest.skip("float32 has seven digits, and seven are asked for: chance decides")
    check(estimator)


# Beside scikit-learn's own multilayer perceptron, from the same start.

WIDE = make_classification(30, 50, n_informative=10, random_state=1)
THREE = make_classification(30, 50, n_informative=10, n_classes=3, random_state=1)
NUMBERS = make_regression(30, 50, n_targets=1, random_state=1)
SEVERAL = make_regression(30, 50, n_targets=3, random_state=1)
LABELS = WIDE[0], np.column_stack([WIDE[1], THREE[1] > 0, WIDE[1] == 0])
TASKS: dict[str, tuple[Any, Any, Any]] = {
    "two classes": (NetworkClassifier, MLPClassifier, WIDE),
    "three classes": (NetworkClassifier, MLPClassifier, THREE),
    "several labels": (NetworkClassifier, MLPClassifier, LABELS),
    "a number": (NetworkRegressor, MLPRegressor, (NUMBERS[0], NUMBERS[1] / 100)),
    "several numbers": (NetworkRegressor, MLPRegressor, (SEVERAL[0], SEVERAL[1] / 100)),
}
SMALL = 1e-20  # scikit-learn adds its epsilon before it corrects the moments
SOLVERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "descent": ("sgd", {"momentum": 0.0}),
    "heavy ball": ("sgd", {"nesterovs_momentum": False}),
    "nesterov": ("sgd", {}),
    "adam": (optim.adam(0.01, epsilon=SMALL), {"epsilon": SMALL}),
}
SAME: dict[str, Any] = {
    "hidden_layer_sizes": (6, 4),
    "learning_rate_init": 0.01,
    "alpha": 2.0,
    "random_state": 3,
}
STEPS = 25


def from_one_start(ours: Any, theirs: Any, X: Any, y: Any) -> tuple[Any, Any]:
    """Return both estimators with the same drawn weights and biases, to go on from."""
    ours.set_params(max_iter=1, warm_start=True).fit(X, y)
    theirs.set_params(max_iter=1, warm_start=True, tol=0, n_iter_no_change=10**6)
    with pytest.warns(ConvergenceWarning):
        theirs.fit(X, y)
    draws = np.random.default_rng(7)
    start = nn.map_parameters(lambda W: draws.normal(0, 0.5, W.shape), ours.parameters_)
    ours.parameters_ = start
    theirs.coefs_ = [W.copy() for W in ours.coefs_]
    theirs.intercepts_ = [b.copy() for b in ours.intercepts_]
    return ours, theirs


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("activation", ["relu", "logistic"])
def test_it_learns_what_scikit_learn_does_from_the_same_start(task, solver, activation):
    ours, theirs, (X, y) = TASKS[task]
    of_ours, more = SOLVERS[solver]
    of_both = {**SAME, "activation": activation}
    found, oracle = from_one_start(
        ours(**of_both, solver=of_ours, **{n: v for n, v in more.items() if n != "epsilon"}),
        theirs(**of_both, solver=of_ours if of_ours == "sgd" else "adam", **more),
        X,
        y,
    )
    found.set_params(max_iter=STEPS).fit(X, y)
    with pytest.warns(ConvergenceWarning):
        oracle.set_params(max_iter=STEPS).fit(X, y)
    for W, expected in zip(found.coefs_, oracle.coefs_, strict=True):
        np.testing.assert_allclose(W, expected, rtol=1e-8, atol=1e-10)
    predict = "predict_proba" if hasattr(found, "predict_proba") else "predict"
    given, expected = (np.asarray(getattr(of, predict)(X)) for of in (found, oracle))
    np.testing.assert_allclose(given, expected, rtol=1e-8, atol=1e-10)


# The small space.

MANY = make_classification(40, 600, n_informative=20, random_state=2)
SGD: dict[str, Any] = {
    "hidden_layer_sizes": (5,),
    "solver": "sgd",
    "learning_rate_init": 0.01,
    "random_state": 1,
}


def test_few_examples_of_many_features_train_in_the_space_that_they_span():
    assert NetworkClassifier(**SGD).fit(*MANY).result_.space == "dual"


def test_mini_batches_of_them_do_too():
    assert NetworkClassifier(**SGD, batch_size=16).fit(*MANY).result_.space == "subspace"


# Going on.


@pytest.mark.parametrize("solver", ["sgd", "adam", "rmsprop"])
@pytest.mark.parametrize("estimator", [NetworkClassifier, NetworkRegressor])
def test_epochs_one_by_one_are_those_of_a_fit(estimator, solver):
    X, y = WIDE
    network = estimator((4,), solver=solver, batch_size=7, random_state=1, dropout=0.25)
    at_once = clone(network).set_params(max_iter=3).fit(X, y)
    for _ in range(3):
        network.partial_fit(X, y, **({"classes": [0, 1]} if estimator is NetworkClassifier else {}))
    for name, W in at_once.parameters_.items():
        np.testing.assert_allclose(network.parameters_[name], W, rtol=1e-12, atol=1e-14)


def test_epochs_after_a_fit_begin_where_it_ended():
    X, y = WIDE
    descent = partial(NetworkClassifier, (4,), solver="sgd", momentum=0.0, random_state=1)
    whole = descent(max_iter=5).fit(X, y)
    parts = descent(max_iter=4).fit(X, y).partial_fit(X, y)
    np.testing.assert_allclose(parts.predict_proba(X), whole.predict_proba(X), rtol=1e-12)


def test_examples_of_other_numbers_may_follow():
    X, y = WIDE
    network = NetworkClassifier((4,), batch_size=8, random_state=1)
    network.partial_fit(X[:9], y[:9], classes=[0, 1]).partial_fit(X, y).partial_fit(X[:1], y[:1])
    steps = vars(network)["state_"].iteration
    assert (network.n_iter_, steps) == (3, 2 + 4 + 1)


def test_a_warm_start_goes_on_from_the_parameters():
    X, y = WIDE
    descent = partial(NetworkClassifier, (4,), solver="sgd", momentum=0.0, random_state=1)
    whole = descent(max_iter=9).fit(X, y)
    parts = descent(max_iter=4, warm_start=True).fit(X, y).set_params(max_iter=5).fit(X, y)
    np.testing.assert_allclose(parts.predict_proba(X), whole.predict_proba(X), rtol=1e-12)


def test_a_warm_start_with_other_classes_is_refused():
    network = NetworkClassifier((4,), warm_start=True, max_iter=1).fit(*WIDE)
    with pytest.raises(ValueError, match="leave out warm_start"):
        network.fit(WIDE[0], WIDE[1] + 1)


def test_a_class_that_the_first_call_did_not_name_is_refused():
    network = NetworkClassifier((4,)).partial_fit(WIDE[0], WIDE[1], [0, 1])
    with pytest.raises(ValueError, match=r"y has the class 2.* name all in the first call"):
        network.partial_fit(WIDE[0], WIDE[1] + 1)


def test_epochs_one_by_one_follow_the_schedule_of_a_fit():
    X, y = WIDE
    network = NetworkClassifier((4,), schedule="cosine", max_iter=6, random_state=1)
    at_once = clone(network).fit(X, y)
    for _ in range(6):
        network.partial_fit(X, y, classes=[0, 1])
    np.testing.assert_allclose(network.predict_proba(X), at_once.predict_proba(X), rtol=1e-10)


def test_another_solver_begins_its_moments():
    X, y = WIDE
    network = NetworkClassifier((4,), solver="sgd", random_state=1)
    network.partial_fit(X, y, classes=[0, 1]).set_params(solver="rmsprop").partial_fit(X, y)
    assert len(vars(network)["state_"].moments) == 1
    assert network.score(X, y) > 0.4


REFUSED_AFTER_A_FIT = {
    "other labels": lambda of: of.set_params(max_iter=0).fit(WIDE[0], WIDE[1] + 5),
    "several labels": lambda of: of.partial_fit(*LABELS),
    "other features": lambda of: of.set_params(max_iter=0).fit(WIDE[0][:, :7], WIDE[1]),
    "an unknown class": lambda of: of.partial_fit(WIDE[0], WIDE[1] + 1),
}


@pytest.mark.parametrize("case", REFUSED_AFTER_A_FIT)
def test_what_is_refused_leaves_the_estimator_as_it_was(case):
    network = NetworkClassifier((4,), max_iter=3, random_state=1).fit(*WIDE)
    before = network.predict(WIDE[0])
    with pytest.raises(ValueError, match="expected"):
        REFUSED_AFTER_A_FIT[case](network)
    assert np.array_equal(network.predict(WIDE[0]), before)


@pytest.mark.parametrize("copied", [clone, lambda of: pickle.loads(pickle.dumps(of))])
def test_a_copy_with_values_of_your_own_learns_the_same(copied):
    X, y = TASKS["a number"][2]
    values: dict[str, Any] = {"loss": nn.MEAN_SQUARED_ERROR, "activation": nn.TANH}
    network = NetworkRegressor((4,), solver="sgd", random_state=1, **values)
    first, second = copied(network).fit(X, y).predict(X), network.fit(X, y).predict(X)
    assert np.array_equal(first, second)


# Examples.


def test_a_weight_of_two_is_an_example_twice():
    X, y = WIDE
    weights = np.arange(len(y)) % 4
    network = NetworkClassifier((4,), alpha=1.0, max_iter=20, random_state=1)
    weighted = clone(network).fit(X, y, weights)
    repeated = clone(network).fit(np.repeat(X, weights, 0), np.repeat(y, weights))
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), rtol=1e-6)


def test_weights_of_classes_are_weights_of_their_examples():
    X, y = WIDE
    network = NetworkClassifier((4,), alpha=0.0, max_iter=20, random_state=1)
    by_class = clone(network).set_params(class_weight={1: 3.0}).fit(X, y)
    by_example = clone(network).fit(X, y, 1.0 + 2 * y)
    np.testing.assert_allclose(by_class.predict_proba(X), by_example.predict_proba(X), rtol=1e-6)


def test_early_stopping_holds_out_the_share_that_is_asked_for():
    network = NetworkClassifier((4,), early_stopping=True, validation_fraction=0.2, batch_size=5)
    result = network.fit(*WIDE).result_
    assert (result.training_examples, result.validation_examples) == (24, 6)


def test_early_stopping_ends_after_so_many_epochs_without_a_lower_cost():
    asked: dict[str, Any] = {
        "learning_rate_init": 0.1,
        "n_iter_no_change": 2,
        "max_iter": 500,
        "batch_size": 5,
    }
    network = NetworkClassifier((4,), early_stopping=True, **asked).fit(*WIDE)
    assert network.result_.stopped_early
    assert network.n_iter_ < 500


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("estimator", [NetworkClassifier, NetworkRegressor])
def test_the_type_of_the_inputs_is_that_of_all_numbers(estimator, dtype):
    X, y = WIDE[0].astype(dtype), WIDE[1]
    network = estimator((4,), max_iter=2).fit(X, y)
    given = network.predict_proba(X) if estimator is NetworkClassifier else network.predict(X)
    assert {given.dtype, *(W.dtype for W in network.parameters_.values())} == {np.dtype(dtype)}


def test_a_type_may_be_chosen():
    network = NetworkClassifier((4,), max_iter=2, dtype="float32").fit(*WIDE)
    assert network.predict_proba(WIDE[0]).dtype == np.float32


# Values of your own.


def test_names_and_values_give_the_same():
    X, y = WIDE
    named = NetworkClassifier((4, 3), ["tanh", "relu"], solver="sgd", random_state=1, alpha=0.5)
    rate = optim.nesterov(0.001)
    values = NetworkClassifier((4, 3), [nn.TANH, "relu"], solver=rate, random_state=1, alpha=0.5)
    first, second = (of.fit(X, y).predict_proba(X) for of in (named, values))
    np.testing.assert_allclose(first, second, rtol=1e-12)


def test_a_loss_of_your_own_is_trained():
    half = nn.Loss(
        link=nn.MEAN_SQUARED_ERROR.link,
        cost=lambda Z, Y: (Z - Y) ** 2 / 2,
        gradient=lambda Z, Y: Z - Y,
        predict=nn.MEAN_SQUARED_ERROR.predict,
    )
    X, y = TASKS["a number"][2]
    own, usual = (
        NetworkRegressor((4,), solver="sgd", loss=loss, random_state=1, alpha=0.5).fit(X, y)
        for loss in (half, None)
    )
    np.testing.assert_allclose(own.predict(X), usual.predict(X), rtol=1e-10)


def test_a_watch_sees_each_iteration():
    seen = []

    def watch(checkpoints):
        for checkpoint in checkpoints:
            seen.append(checkpoint.state.iteration)
            yield checkpoint

    NetworkClassifier((4,), max_iter=3, watch=watch).fit(*WIDE)
    assert seen == [0, 1, 2, 3]


# In the ecosystem.

STACKED: dict[str, Any] = {
    "three classes": (NetworkClassifier(**SGD), load_iris(return_X_y=True), 4),
    "folds of two sizes": (NetworkClassifier(**SGD, alpha=5.0), (MANY[0][:37], MANY[1][:37]), 5),
    "repeated": (NetworkClassifier(**SGD), WIDE, RepeatedStratifiedKFold(n_splits=3, n_repeats=2)),
    "a share that is held out": (NetworkClassifier(**SGD), MANY, ShuffleSplit(3, random_state=0)),
    "several labels": (NetworkClassifier(**SGD), LABELS, 3),
    "balanced": (NetworkClassifier(**SGD, class_weight="balanced"), THREE, 3),
    "a number": (NetworkRegressor(**SGD), TASKS["a number"][2], 4),
    "several numbers": (NetworkRegressor(**SGD), TASKS["several numbers"][2], 4),
    "adam": (NetworkClassifier((4,), random_state=1), WIDE, 3),
    "mini-batches": (NetworkClassifier(**SGD, batch_size=8), WIDE, 3),
    "dropout": (NetworkRegressor(**SGD, dropout=0.25), TASKS["a number"][2], 3),
    "early stopping": (NetworkRegressor(**SGD, early_stopping=True), TASKS["a number"][2], 3),
    "a class that a fold lacks": (
        NetworkClassifier(**SGD),
        (WIDE[0], np.arange(30) // 10),
        KFold(3),
    ),
}


@pytest.mark.parametrize("case", STACKED)
def test_a_stack_of_folds_scores_as_fold_after_fold_does(case):
    estimator, (X, y), cv = STACKED[case]
    estimator = clone(estimator).set_params(max_iter=30)
    splits = cv if isinstance(cv, int) else [*cv.split(X, y)]
    found = cross_validate_stacked(estimator, X, y, splits)
    np.testing.assert_allclose(found, cross_val_score(estimator, X, y, cv=splits), rtol=1e-9)


def test_a_stack_of_folds_is_one_that_shares_its_space(monkeypatch):
    stacks = []

    def trained(setup: Setup, masks: Mask, map_: Map) -> Any:
        stacks.append((setup.space.kind, masks.shape))
        return run_masks(setup, masks, map_)

    monkeypatch.setattr("catpipe.adapters.sklearn.run_masks", trained)
    X, y = MANY
    cross_validate_stacked(NetworkClassifier(**SGD).set_params(max_iter=99), X, y, cv=5)
    assert stacks == [("dual", (5, 1, 40))]


def test_a_grid_is_searched_through_a_pipeline():
    network = NetworkClassifier(**SGD).set_params(max_iter=20)
    pipeline = make_pipeline(StandardScaler(), network).set_output(transform="pandas")
    grid = {"networkclassifier__hidden_layer_sizes": [(3,), (6,)]}
    found = GridSearchCV(pipeline, grid, cv=2).fit(*load_iris(return_X_y=True, as_frame=True))
    scores = found.cv_results_["mean_test_score"]
    assert found.best_params_ == {name: grid[name][scores.argmax()] for name in grid}
    assert found.best_estimator_[-1].feature_names_in_[0] == "sepal length (cm)"


def test_weights_are_routed_to_fit():
    X, y = WIDE
    weights = 1.0 + np.arange(len(y)) % 2
    set_config(enable_metadata_routing=True)
    try:
        network = NetworkClassifier((4,), max_iter=3, random_state=1)
        asked = network.set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
        found = cross_validate(asked, X, y, params={"sample_weight": weights}, cv=2,
                               return_estimator=True, return_indices=True)  # fmt: skip
    finally:
        set_config(enable_metadata_routing=False)
    fold = found["indices"]["train"][0]
    alone = clone(network).fit(X[fold], y[fold], weights[fold])
    assert found["estimator"][0].parameters_ == alone.parameters_


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # of theirs
def test_digits_are_read_about_as_well_as_by_scikit_learn():
    X, y = load_digits(return_X_y=True)
    same: dict[str, Any] = {"hidden_layer_sizes": (30,), "max_iter": 15, "random_state": 0}
    ours, theirs = (of(**same).fit(X[::2] / 16, y[::2]).score(X[1::2] / 16, y[1::2])
                    for of in (NetworkClassifier, partial(MLPClassifier, tol=0)))  # fmt: skip
    assert ours > theirs - 0.02


@pytest.mark.parametrize("after", ["fit", "partial_fit"])
def test_a_pickle_predicts_and_goes_on_to_the_bit(after):
    X, y = WIDE
    network = NetworkClassifier((4,), max_iter=3, random_state=1).fit(X, y)
    network = network.partial_fit(X, y) if after == "partial_fit" else network
    again = pickle.loads(pickle.dumps(network))
    assert again.partial_fit(X, y).parameters_ == network.partial_fit(X, y).parameters_


def test_the_run_of_a_fit_can_be_saved(tmp_path):
    X, y = WIDE
    network = NetworkClassifier((4,), max_iter=3, random_state=1).fit(X, y)
    save_run(tmp_path / "run.h5", Run(network.result_, ("no", "yes")))
    loaded = load_run(tmp_path / "run.h5").result
    assert predictions(loaded, X).tolist() == network.predict(X).tolist()


# Refusals.

REFUSED: dict[str, dict[str, Any]] = {
    "learning_rate_init is 0; expected a positive finite number": {"learning_rate_init": 0},
    "hidden_layer_sizes is (0,); expected layers": {"hidden_layer_sizes": (0,)},
    "solver is 'lbfgs'; expected one of": {"solver": "lbfgs"},
    "alpha is -1; expected": {"alpha": -1},
    "max_iter is 0; expected an integer": {"max_iter": 0},
    "batch_size is 'all'; expected an integer": {"batch_size": "all"},
    "batch_size is 0; expected an integer": {"batch_size": 0},
    "activation is 'rleu'; expected": {"activation": "rleu"},
    "n_iter_no_change is 0; expected": {"early_stopping": True, "n_iter_no_change": 0},
    "validation_fraction is 1.5 of 30 samples": {
        "early_stopping": True,
        "validation_fraction": 1.5,
    },
    "random_state is -1; expected an integer": {"random_state": -1},
    "class_weight has 3 class weights for 2 classes": {"class_weight": (1, 2, 3)},
    "dtype is 'float16'; expected": {"dtype": "float16"},
}


REFUSED |= {
    "activation is None; expected": {"activation": None},
    "schedule is ('steps', 0.5); expected": {"schedule": "steps:0.5"},
    "class_weight has 7; expected some of the classes, [0, 1]": {"class_weight": {7: 1.0}},
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_a_parameter_is_refused_by_its_own_name(sentence):
    with pytest.raises(ValueError, match="expected") as refused:
        NetworkClassifier(**REFUSED[sentence]).fit(*WIDE)
    assert sentence in str(refused.value)


def test_weights_below_zero_are_refused():
    with pytest.raises(ValueError, match="Negative values"):
        NetworkClassifier().fit(WIDE[0], WIDE[1], -np.ones(30))


def test_a_warm_start_of_other_layers_is_refused():
    network = NetworkClassifier((4,), warm_start=True, max_iter=1).fit(*WIDE)
    with pytest.raises(ValueError, match="hidden_layer_sizes of before"):
        network.set_params(hidden_layer_sizes=(5,)).fit(*WIDE)


def test_text_is_no_target_of_a_regression():
    with pytest.raises(ValueError, match="classes take NetworkClassifier"):
        NetworkRegressor().fit(WIDE[0], ["a", "b", "c"] * 10)


def test_a_pipeline_is_no_estimator_to_stack():
    with pytest.raises(TypeError, match="for pipelines, use cross_val_score"):
        cross_validate_stacked(make_pipeline(NetworkClassifier()), *WIDE)


def test_a_schedule_may_be_written():
    X, y = WIDE
    written, values = (
        NetworkClassifier((4,), max_iter=9, random_state=1, schedule=schedule).fit(X, y)
        for schedule in ("step:0.5,2", ("step", 0.5, 2))
    )
    assert written.parameters_ == values.parameters_


def test_weights_of_classes_are_none_of_several_labels():
    with pytest.raises(ValueError, match="class_weight with several labels"):
        NetworkClassifier(class_weight="balanced").fit(*LABELS)


def test_decay_of_adamw_is_alpha():
    network = NetworkClassifier((4,), solver="adamw", alpha=0.25, max_iter=2).fit(*WIDE)
    experiment = network.result_.experiment
    assert (experiment.weight_decay, experiment.l2) == (0.25, 0.0)


def test_early_stopping_looks_at_each_epoch_of_full_batches():
    draws = np.random.default_rng(0)
    X, noise = draws.normal(size=(120, 5)), draws.integers(0, 2, 120)
    network = NetworkClassifier(early_stopping=True, learning_rate_init=0.01, random_state=1)
    assert network.fit(X, noise).n_iter_ < 100


def test_one_class_is_refused():
    with pytest.raises(ValueError, match=r"y has 1 class, 0\.0; expected two or more"):
        NetworkClassifier().fit(WIDE[0], np.zeros(30))


def test_early_stopping_of_single_epochs_is_refused():
    network = NetworkClassifier(early_stopping=True)
    assert not hasattr(network, "partial_fit")
    with pytest.raises(AttributeError, match="no attribute 'partial_fit'"):
        network.partial_fit(WIDE[0], WIDE[1], [0, 1])
