"""scikit-learn: a classifier and a regressor that train by `prepare` and `run` (extra `sklearn`).

Parameters bear the names of `MLPClassifier` where they mean the same, and its defaults. Where
features are many and examples few, `solver="sgd"` trains in the small space that the examples span:
what it learns is the same as on all features, in a fraction of the time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import partial
from numbers import Integral
from reprlib import repr as brief
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MultiOutputMixin, RegressorMixin
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import check_cv, cross_val_score
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call,
    check_classification_targets,
    type_of_target,
)
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    column_or_1d,
    validate_data,
)
from toolz import identity

from catpipe.checks import is_whole
from catpipe.data.examples import Examples
from catpipe.data.sampling import Indices, held_out
from catpipe.experiments.cross_validation import run_masks
from catpipe.experiments.ensembles import Map
from catpipe.experiments.experiment import ACTIVATIONS, SCHEDULE, WITH_MOMENTUM, Experiment, checked
from catpipe.experiments.fitting import Watch, run
from catpipe.experiments.result import Result, of_classes
from catpipe.experiments.setup import Setup, batches_of, prepare
from catpipe.nn.activations import Activation
from catpipe.nn.losses import BINARY_CROSS_ENTROPY, MEAN_SQUARED_ERROR, SOFTMAX_CROSS_ENTROPY, Loss
from catpipe.nn.network import Network, check_parameters, mlp, predict_probabilities, with_dropout
from catpipe.nn.parameters import Array, Parameters, map_parameters
from catpipe.optim.optimizers import Optimizer, check_optimizer
from catpipe.optim.regularizers import with_l2
from catpipe.shell.threads import on_one_thread, with_threads
from catpipe.training.cost_history import Costs
from catpipe.training.loop import State, initial_state, make_step, train

FLOATS = (np.float64, np.float32)
AUTO = 200  # examples in a batch of "auto", at most, as in scikit-learn

PARAMETERS = {
    "seed": "random_state",
    "hidden": "hidden_layer_sizes",
    "learning_rate": "learning_rate_init",
    "epochs": "max_iter",
    "optimizer": "solver",
    "l2": "alpha",
    "early_stopping": "n_iter_no_change",
}
"""What fields of an experiment are called here, where that is not their own name."""


class _Task(NamedTuple):
    """Examples, of how many classes they are (0 where targets are numbers), and the loss."""

    examples: Examples
    classes: int
    loss: Loss
    class_weight: Any = None


@dataclass(eq=False, repr=False)
class _Estimator(BaseEstimator):  # type: ignore[misc]  # which has no types
    """What both share. It is a dataclass, so that each parameter is written once."""

    hidden_layer_sizes: Sequence[int] | int = (100,)
    activation: str | Activation | Sequence[str | Activation] = "relu"
    _: KW_ONLY
    solver: str | Optimizer = "adam"
    alpha: float = 0.0001
    batch_size: int | str | None = "auto"
    learning_rate_init: float = 0.001
    max_iter: int = 200
    random_state: Any = None
    warm_start: bool = False
    momentum: float = 0.9
    nesterovs_momentum: bool = True
    early_stopping: bool = False
    validation_fraction: float = 0.1
    n_iter_no_change: int = 10
    schedule: str | tuple[Any, ...] = "constant"
    dropout: float = 0.0
    initializer: str = "he"
    dtype: str | None = None
    loss: Loss | None = None
    watch: Watch | None = None

    def _fit(self, task: _Task) -> Self:
        """Train anew or, with `warm_start`, from the parameters that there are."""
        setup = with_threads(None, partial(_setup, self, task, _seed(self)))
        if self.warm_start and hasattr(self, "parameters_"):
            setup = setup._replace(initial_parameters=_learned(self, setup))
        result = with_threads(setup, partial(run, setup, self.watch or identity))
        self.result_: Result = result
        self.state_: State | None = None
        self.n_iter_ = -(-result.iterations_done // setup.plan.batches_in_epoch)
        return self._with(result.network, result.parameters, result.costs)

    def _fit_epoch(self, task: _Task) -> Self:
        """Train for one more epoch on the examples of the task."""
        if self.early_stopping:
            raise ValueError("early_stopping with partial_fit; expected fit with it: leave it out")
        epoch = getattr(self, "n_iter_", 0)
        if epoch == 0 or not hasattr(self, "_seed_of_epochs"):
            self._seed_of_epochs = _seed(self)
        seed = self._seed_of_epochs
        prepared = partial(_setup, self, task, seed, epochs=epoch + 1, full_space=True)
        setup = with_threads(None, prepared)
        state: State | None = getattr(self, "state_", None)
        if state is None:
            start = _learned(self, setup) if epoch else setup.initial_parameters
            state = initial_state(setup.optimizer, start)
        step = make_step(setup.network, setup.optimizer)
        batches = batches_of(setup, epoch * setup.plan.batches_in_epoch)
        state = with_threads(setup, partial(train, step, batches, state, finite=True))
        self.__dict__.pop("result_", None)  # no run leads here
        self.state_, self.n_iter_ = state, epoch + 1
        return self._with(setup.network, state.parameters, state.costs)

    def _with(self, network: Network, parameters: Parameters, costs: Costs) -> Self:
        self.network_, self.parameters_ = network, parameters
        self.loss_curve_ = [float(cost) for _, cost in costs]
        return self

    def _outputs(self, X: ArrayLike) -> Array:
        """Return what the network gives for the examples, (examples, outputs)."""
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=FLOATS, reset=False)
        columns = rows.T.astype(self.parameters_["b1"].dtype, copy=False)
        return predict_probabilities(self.network_, self.parameters_, columns).T

    @property
    def coefs_(self) -> list[Array]:
        """The weights of each layer, (inputs, units), as scikit-learn has them."""
        return [W.T for name, W in self.parameters_.items() if name.startswith("W")]

    @property
    def intercepts_(self) -> list[Array]:
        """The biases of each layer, (units,)."""
        return [b[:, 0] for name, b in self.parameters_.items() if name.startswith("b")]


@dataclass(eq=False, repr=False)
class NetworkClassifier(ClassifierMixin, _Estimator):  # type: ignore[misc]
    """A network of dense layers for two classes, for many, or for several labels each.

    Parameters are those of `MLPClassifier` of the same names; and beside them

    - `activation`, `loss`: names, or values of your own; several activations are one a layer.
    - `solver`: also `"heavy_ball"`, `"nesterov"`, `"rmsprop"`, `"adamw"` and the other optimizers
      of an `Experiment`, or an optimizer of your own, which has its own rate.
    - `schedule`, `dropout`, `initializer`, `class_weight`: as in an `Experiment`.
    - `batch_size`: `None` for all examples.
    - `dtype`: that of the training; `None` for float32 where the inputs have it, else float64.
    - `watch`: takes the iterator of a run's checkpoints and hands them on: a progress bar, say.

    Early stopping watches the cost of the examples held out, each epoch of mini-batches or each 100
    iterations of full batches. After `fit`, `result_` is the run's `Result`, which `save_run`
    saves; `loss_curve_` are the costs at every hundredth iteration and the last.

    >>> from catpipe.adapters.sklearn import NetworkClassifier
    >>> X, y = np.array([[0.0], [0.1], [0.9], [1.0]]), np.array(["no", "no", "yes", "yes"])
    >>> logistic = NetworkClassifier((), solver="sgd", learning_rate_init=1.0, random_state=1)
    >>> logistic.fit(X, y).predict([[0.2], [0.8]])
    array(['no', 'yes'], dtype='<U3')
    """

    _: KW_ONLY
    class_weight: Mapping[Any, float] | str | None = None

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train on the examples, (examples, features), and return the estimator.

        Raises `ValueError` for what cannot be trained on, and `training.Diverged` for a cost that
        is no longer finite.
        """
        rows, targets = self._read(X, y, reset=True)
        classes = np.arange(targets.shape[1]) if targets.ndim > 1 else np.unique(targets)
        if len(classes) < 2:
            raise ValueError(f"y has 1 class, {brief(classes[0].item())}; expected two or more")
        known: Any = getattr(self, "classes_", classes)
        if self.warm_start and not np.array_equal(known, classes):
            raise ValueError(
                f"y has the classes {brief(classes.tolist())} with warm_start; expected those "
                f"before, {brief(known.tolist())}: leave out warm_start"
            )
        self.classes_ = classes
        return self._fit(self._task(rows, targets, sample_weight))

    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train for one more epoch, on these examples, and return the estimator.

        The first call names all classes. Parameters and moments go on from where they are; after
        `fit` the moments begin anew. Raises as `fit` does.
        """
        rows, targets = self._read(X, y, reset=not hasattr(self, "parameters_"))
        _check_partial_fit_first_call(self, classes)
        return self._fit_epoch(self._task(rows, targets, sample_weight))

    def predict_proba(self, X: ArrayLike) -> Array:
        """Return the probability of each class, (examples, classes)."""
        outputs = self._outputs(X)
        return outputs if self._is_multilabel else of_classes(outputs.T).T

    def predict_log_proba(self, X: ArrayLike) -> Array:
        """Return the logarithm of the probability of each class, (examples, classes)."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the class of each example; of several labels, 0 or 1 for each."""
        return self._decided(self.predict_proba(X))

    def _decided(self, probabilities: Array) -> NDArray[Any]:
        if self._is_multilabel:
            return (probabilities > 0.5).astype(int)
        return self.classes_[probabilities.argmax(1)]

    def _score(self, probabilities: Array, y: NDArray[Any]) -> float:
        return float(accuracy_score(y, self._decided(probabilities)))

    def _read(self, X: Any, y: Any, *, reset: bool) -> tuple[Array, NDArray[Any]]:
        """Return rows and targets, (examples,); of several labels, (examples, labels)."""
        rows, given = validate_data(self, X, y, dtype=FLOATS, multi_output=True, reset=reset)
        check_classification_targets(given)
        self._is_multilabel = type_of_target(given) == "multilabel-indicator"
        if self._is_multilabel:
            return rows, given.toarray() if hasattr(given, "toarray") else given
        return rows, column_or_1d(given, warn=True)

    def _task(self, rows: Array, targets: NDArray[Any], sample_weight: Any) -> _Task:
        weights = _weights(sample_weight, rows)
        if self._is_multilabel:
            return _Task(Examples(rows, targets.astype(float), weights), 0, BINARY_CROSS_ENTROPY)
        unknown = np.setdiff1d(targets, self.classes_)
        if len(unknown):
            raise ValueError(
                f"y has the class {brief(unknown[0].item())}, which is not in classes_; expected "
                f"one of {brief(self.classes_.tolist())}: name all in the first call of partial_fit"
            )
        count = len(self.classes_)
        loss = BINARY_CROSS_ENTROPY if count == 2 else SOFTMAX_CROSS_ENTROPY
        numbers = np.searchsorted(self.classes_, targets)
        of_classes = _of_classes(self.class_weight, self.classes_)
        return _Task(Examples(rows, numbers, weights), count, loss, of_classes)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


@dataclass(eq=False, repr=False)
class NetworkRegressor(RegressorMixin, MultiOutputMixin, _Estimator):  # type: ignore[misc]
    """A network of dense layers for one number of each example, or for several.

    Parameters and attributes are those of `NetworkClassifier`, but for the classes; the loss is
    half the squared error.

    >>> from catpipe.adapters.sklearn import NetworkRegressor
    >>> line = NetworkRegressor((), solver="sgd", learning_rate_init=0.1, alpha=0, random_state=1)
    >>> line.fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0]).predict([[3.0]]).round(2)
    array([7.])
    """

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train on the examples, (examples, features), and return the estimator.

        Raises `ValueError` for what cannot be trained on, and `training.Diverged` for a cost that
        is no longer finite.
        """
        return self._fit(self._task(*self._read(X, y, reset=True), sample_weight))

    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train for one more epoch, on these examples, and return the estimator.

        Parameters and moments go on from where they are; after `fit` the moments begin anew. Raises
        as `fit` does.
        """
        read = self._read(X, y, reset=not hasattr(self, "parameters_"))
        return self._fit_epoch(self._task(*read, sample_weight))

    def predict(self, X: ArrayLike) -> Array:
        """Return what is predicted for each example, (examples,) or (examples, outputs)."""
        return self._decided(self._outputs(X))

    def _decided(self, outputs: Array) -> Array:
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs

    def _score(self, outputs: Array, y: NDArray[Any]) -> float:
        return float(r2_score(y, self._decided(outputs)))

    def _read(self, X: Any, y: Any, *, reset: bool) -> tuple[Array, Array]:
        rows, targets = validate_data(
            self, X, y, dtype=FLOATS, multi_output=True, y_numeric=True, reset=reset
        )
        if targets.dtype.kind not in "fiub":
            raise ValueError(
                "y is not of numbers; expected numbers: classes take NetworkClassifier"
            )
        is_column = targets.ndim == 2 and targets.shape[1] == 1
        return rows, column_or_1d(targets, warn=True) if is_column else targets

    def _task(self, rows: Array, targets: Array, sample_weight: Any) -> _Task:
        weights = _weights(sample_weight, rows)
        return _Task(Examples(rows, targets, weights), 0, MEAN_SQUARED_ERROR)


def cross_validate_stacked(
    estimator: NetworkClassifier | NetworkRegressor,
    X: ArrayLike,
    y: ArrayLike,
    cv: Any = None,
    *,
    map_: Map = map,
) -> Array:
    """Return the score of each split, as `cross_val_score` does, from one fold of all networks.

    Law: it is `cross_val_score(estimator, X, y, cv=cv)`, up to rounding. Networks that differ in
    the examples alone, in full batches, are one stack; with mini-batches, dropout or early
    stopping, and where a split lacks a class, each is trained by itself. Raises as `fit` does.

    >>> from catpipe.adapters.sklearn import NetworkClassifier, cross_validate_stacked
    >>> X, y = np.array([[0.0], [0.1], [0.9], [1.0]]), np.array([0, 0, 1, 1])
    >>> logistic = NetworkClassifier((), solver="sgd", learning_rate_init=1.0, random_state=1)
    >>> cross_validate_stacked(logistic, X, y, cv=2)
    array([1., 1.])
    """
    if not isinstance(estimator, _Estimator):
        raise TypeError(
            f"{brief(estimator)}; expected a NetworkClassifier or NetworkRegressor: for others, "
            "and for pipelines, use cross_val_score"
        )
    is_classifier = isinstance(estimator, NetworkClassifier)
    splits = [*check_cv(cv, y, classifier=is_classifier).split(X, y)]
    judge = type(estimator)(**estimator.get_params(deep=False))
    rows, targets = judge._read(X, y, reset=True)
    if not _can_be_stacked(estimator, splits, targets):
        return np.asarray(cross_val_score(estimator, X, y, cv=splits))
    if is_classifier:
        judge.classes_ = np.unique(targets)
    task, seed = judge._task(rows, targets, None), _seed(estimator)
    scores = np.empty(len(splits))
    counts = np.array([len(training) for training, _ in splits])
    for count in np.unique(counts):  # for the strength of alpha is a share of it
        of_count = np.flatnonzero(counts == count)
        setup = with_threads(None, partial(_setup, estimator, task, seed, total=count))
        masks = [_mask(splits[number][0], len(rows)) for number in of_count]
        outputs = with_threads(
            setup, partial(run_masks, setup, np.stack(masks), on_one_thread(map_))
        )
        for number, each in zip(of_count, outputs, strict=True):
            _, held = splits[number]
            scores[number] = judge._score(each.T[held], targets[held])
    return scores


def _can_be_stacked(
    estimator: _Estimator, splits: Sequence[tuple[Indices, Indices]], targets: NDArray[Any]
) -> bool:
    """Return whether the networks of the splits differ in nothing but which examples they learn."""
    draws = estimator.early_stopping or estimator.dropout
    are_full = all(_batch_size(estimator, len(training)) is None for training, _ in splits)
    are_repeated = any(len(np.unique(training)) < len(training) for training, _ in splits)
    if draws or not are_full or are_repeated:
        return False
    if not isinstance(estimator, NetworkClassifier) or targets.ndim > 1:
        return True
    classes = np.unique(targets)
    return all(len(np.unique(targets[training])) == len(classes) for training, _ in splits)


def _mask(chosen: Indices, examples: int) -> NDArray[np.bool_]:
    return np.isin(np.arange(examples), chosen)[np.newaxis]


# From parameters of scikit-learn to a setup.


def _setup(
    estimator: Any,
    task: _Task,
    seed: int,
    *,
    epochs: int | None = None,
    full_space: bool = False,
    total: float | None = None,
) -> Setup:
    """Return the setup of the estimator's experiment on the examples of a task.

    `total` is how many of them train in full batches, where that is not how much they weigh.
    """
    train_on, validation = _divided(estimator, task, seed)
    inputs, _, weights = train_on
    size = None if total else _batch_size(estimator, len(inputs))
    total = total or size or (len(inputs) if weights is None else float(weights.sum()))
    described = _experiment(estimator, task, seed, size, inputs.dtype.name)
    experiment = _scaled(described, estimator.loss or task.loss, total)._replace(
        epochs=epochs or described.epochs, full_space=full_space
    )
    network = _own_network(estimator, experiment, task, inputs.shape[1])
    optimizer = estimator.solver
    if isinstance(optimizer, str):
        optimizer = None
    elif experiment.l2:
        optimizer = with_l2(optimizer, experiment.l2)
    if network is not None:
        experiment = experiment._replace(dropout=0.0)  # the network's own
    return prepare(experiment, train_on, validation, network=network, optimizer=optimizer)


def _experiment(estimator: Any, task: _Task, seed: int, size: Any, inputs_type: str) -> Experiment:
    """Return the experiment that the parameters describe, with alpha as it is."""
    optimizer, momentum = _optimizer_and_momentum(estimator)
    activations = _activations(estimator.activation)
    described = Experiment(
        seed=seed,
        hidden=estimator.hidden_layer_sizes,
        activation=_one_or_each(activations) if _are_names(activations) else "relu",
        learning_rate=estimator.learning_rate_init,
        epochs=estimator.max_iter,
        initializer=estimator.initializer,
        dtype=estimator.dtype or inputs_type,
        classes=task.classes or 2,
        loss="cross_entropy" if task.classes else "mean_squared_error",
        optimizer=optimizer,
        momentum=momentum,
        schedule=_schedule(estimator.schedule),
        l2=estimator.alpha,
        dropout=estimator.dropout,
        batch_size=size,
        class_weight=task.class_weight,
        early_stopping=estimator.n_iter_no_change if estimator.early_stopping else None,
    )
    return checked(described, lambda field: PARAMETERS.get(field, field))


def _scaled(experiment: Experiment, loss: Loss, total: float) -> Experiment:
    """Return the experiment with alpha and the rate in the scale of scikit-learn's objective.

    There alpha is divided by how much a batch weighs, and the squared error by 2.
    """
    l2 = experiment.l2 / total
    if loss is not MEAN_SQUARED_ERROR:
        return experiment._replace(l2=l2)
    is_linear = experiment.optimizer in ("gradient_descent", *WITH_MOMENTUM)
    rate = experiment.learning_rate / (2 if is_linear else 1)  # others are blind to the scale
    return experiment._replace(l2=2 * l2, learning_rate=rate)


def _optimizer_and_momentum(estimator: Any) -> tuple[Any, float | None]:
    """Return the name of the optimizer in an experiment, and its momentum where it has one."""
    solver, momentum = estimator.solver, estimator.momentum
    if not isinstance(solver, str):
        check_optimizer(solver)
        return "gradient_descent", None
    if solver == "sgd":
        with_momentum = "nesterov" if estimator.nesterovs_momentum else "heavy_ball"
        solver = "gradient_descent" if momentum == 0 else with_momentum
    return solver, momentum if solver in WITH_MOMENTUM else None


def _activations(given: Any) -> tuple[Any, ...]:
    """Return the activations, names or values: one for all hidden layers, or one for each."""
    are_several = isinstance(given, Sequence | np.ndarray)
    each = tuple(given) if are_several and not isinstance(given, str | Activation) else (given,)
    return tuple("sigmoid" if one == "logistic" else one for one in each)


def _schedule(given: Any) -> Any:
    return SCHEDULE.read(given) if SCHEDULE.read and isinstance(given, str) else given


def _one_or_each(activations: Sequence[Any]) -> Any:
    return activations[0] if len(activations) == 1 else activations


def _own_network(
    estimator: Any, experiment: Experiment, task: _Task, features: int
) -> Network | None:
    """Return the network that an experiment does not describe; none where it does."""
    each, loss = _activations(estimator.activation), estimator.loss
    is_multilabel = task.loss is BINARY_CROSS_ENTROPY and not task.classes
    if _are_names(each) and loss is None and not is_multilabel:
        return None
    values = [ACTIVATIONS[one] if isinstance(one, str) else one for one in each]
    targets = task.examples.targets
    of_numbers = 1 if targets.ndim == 1 else targets.shape[1]
    sizes = (*experiment.hidden, (1 if task.classes == 2 else task.classes) or of_numbers)
    net = mlp(features, *sizes, activation=_one_or_each(values), loss=loss or task.loss)
    dropout = experiment.dropout
    return with_dropout(net, dropout, experiment.seed) if dropout else net


def _are_names(activations: Sequence[Any]) -> bool:
    return not any(isinstance(one, Activation) for one in activations)


def _divided(estimator: Any, task: _Task, seed: int) -> tuple[Examples, Examples | None]:
    """Return the examples to train on and, with early stopping, those to validate on."""
    if not estimator.early_stopping:
        return task.examples, None
    count = len(task.examples.targets)
    labels = task.examples.targets if task.classes else np.zeros(count, np.int64)
    is_held = np.isin(np.arange(count), held_out(labels, seed, estimator.validation_fraction))
    return _some(task.examples, ~is_held), _some(task.examples, is_held)


def _some(examples: Examples, which: NDArray[np.bool_]) -> Examples:
    inputs, targets, weights = examples
    return Examples(inputs[which], targets[which], None if weights is None else weights[which])


def _batch_size(estimator: Any, examples: int) -> Any:
    """Return the examples in each mini-batch; none where all are in one."""
    size = min(AUTO, examples) if estimator.batch_size == "auto" else estimator.batch_size
    return None if is_whole(size) and size >= examples else size


def _seed(estimator: Any) -> int:
    """Return the seed that the random state is, or that it draws."""
    state = estimator.random_state
    if isinstance(state, Integral):
        return int(state)
    return int(check_random_state(state).randint(2**31 - 1))


def _weights(sample_weight: Any, rows: Array) -> Array | None:
    if sample_weight is None:
        return None
    return np.asarray(
        _check_sample_weight(sample_weight, rows, dtype=np.float64, ensure_non_negative=True)
    )


def _of_classes(class_weight: Any, classes: NDArray[Any]) -> Any:
    """Return the weight of each class, of a mapping from classes; one that it lacks weighs 1."""
    if not isinstance(class_weight, Mapping):
        return class_weight
    unknown = [label for label in class_weight if label not in classes.tolist()]
    if unknown:
        raise ValueError(
            f"class_weight has {brief(unknown[0])}; expected some of the classes, "
            f"{brief(classes.tolist())}: look at its keys"
        )
    return tuple(float(class_weight.get(label, 1.0)) for label in classes.tolist())


def _learned(estimator: Any, setup: Setup) -> Parameters:
    """Return the estimator's parameters, to go on from; refuse those of another network."""
    try:
        check_parameters(setup.network, estimator.parameters_)
    except ValueError as error:
        raise ValueError(
            f"{estimator.parameters_} to go on from, of other layers; expected the "
            "hidden_layer_sizes of before: fit anew, without warm_start"
        ) from error
    dtype = setup.experiment.dtype
    return map_parameters(lambda W: W.astype(dtype), estimator.parameters_)
