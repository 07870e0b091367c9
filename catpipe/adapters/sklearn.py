"""scikit-learn: a classifier and a regressor that train by `prepare` and `run` (extra `sklearn`).

Parameters bear the names of `MLPClassifier` where they mean the same, and its defaults. Where
features are many and examples few, `solver="sgd"` trains in the small space that the examples span:
what it learns is the same as on all features, in a fraction of the time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass
from functools import partial
from itertools import islice
from numbers import Integral
from reprlib import repr as brief
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MultiOutputMixin, RegressorMixin, clone
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import check_cv, cross_val_score
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
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

from catpipe.adapters.mlp_parameters import Task, batch_size_for, setup_for
from catpipe.data.examples import Examples
from catpipe.data.sampling import Indices
from catpipe.experiments.cross_validation import run_masks
from catpipe.experiments.ensembles import Map
from catpipe.experiments.fitting import Watch, run
from catpipe.experiments.result import Result, of_classes
from catpipe.experiments.setup import Setup, batches_of
from catpipe.nn.activations import Activation
from catpipe.nn.arrays import Array
from catpipe.nn.losses import BINARY_CROSS_ENTROPY, MEAN_SQUARED_ERROR, SOFTMAX_CROSS_ENTROPY, Loss
from catpipe.nn.network import Network, check_parameters, predict_probabilities
from catpipe.nn.parameters import Parameters, map_parameters
from catpipe.optim.optimizers import Optimizer
from catpipe.shell.threads import on_one_thread, with_threads
from catpipe.training.cost_history import Costs
from catpipe.training.loop import State, initial_state, make_step, train

FLOATS = (np.float64, np.float32)


def _trains_in_single_epochs(estimator: Any) -> bool:
    """Return whether epochs can be trained one by one, as they can but for early stopping."""
    if estimator.early_stopping:
        raise AttributeError("partial_fit with early_stopping; expected fit with it: leave it out")
    return True


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

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Give a context whose error leaves the estimator as it was."""
        before = dict(vars(self))
        try:
            yield
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    def _fit(self, task: Task) -> Self:
        """Train anew or, with `warm_start`, from the parameters that there are."""
        setup = with_threads(None, partial(setup_for, self, task, _seed(self)))
        if self.warm_start and hasattr(self, "parameters_"):
            setup = setup._replace(initial_parameters=_learned(self, setup))
        result = with_threads(setup, partial(run, setup, self.watch or identity))
        self.__dict__.pop("_seed_of_epochs", None)
        self.result_: Result = result
        self.state_: State | None = None
        self.n_iter_ = -(-result.iterations_done // setup.plan.batches_in_epoch)
        return self._with(result.network, result.parameters, result.costs)

    def _fit_epoch(self, task: Task) -> Self:
        """Train for one more epoch on the examples of the task."""
        epoch = getattr(self, "n_iter_", 0)
        if not hasattr(self, "_seed_of_epochs"):
            self._seed_of_epochs = _seed(self)
        seed = self._seed_of_epochs
        prepared = partial(setup_for, self, task, seed, epochs=epoch + 1, full_space=True)
        setup = with_threads(None, prepared)
        start = _learned(self, setup) if epoch else setup.initial_parameters
        state: State | None = getattr(self, "state_", None)
        solver = self.solver, self.momentum, self.nesterovs_momentum
        if state is None or getattr(self, "_solver_of_state", solver) != solver:
            state = initial_state(setup.optimizer, start)
        step, in_epoch = make_step(setup.network, setup.optimizer), setup.plan.batches_in_epoch
        batches = islice(batches_of(setup, epoch * in_epoch), in_epoch)
        state = with_threads(setup, partial(train, step, batches, state, finite=True))
        self.__dict__.pop("result_", None)  # no run leads here
        self.state_, self.n_iter_, self._solver_of_state = state, epoch + 1, solver
        return self._with(setup.network, state.parameters, state.costs)

    def _with(self, network: Network, parameters: Parameters, costs: Costs) -> Self:
        self.network_, self.parameters_ = network, parameters
        self.loss_curve_ = [float(cost) for _, cost in costs]
        return self

    def _outputs(self, X: ArrayLike) -> Array:
        """Return what the network gives for the examples, (examples, outputs)."""
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=FLOATS, reset=False)
        return predict_probabilities(self.network_, self.parameters_, rows.T).T

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
      of an `Experiment`, or an optimizer of your own, which has its own rate (a regression's cost
      is then the mean squared error, twice scikit-learn's: half its rate is the same).
    - `schedule`, `dropout`, `initializer`, `class_weight`: as in an `Experiment`.
    - `batch_size`: `None` for all examples.
    - `dtype`: that of the training; `None` for float32 where the inputs have it, else float64.
    - `watch`: takes the iterator of a run's checkpoints and hands them on: a progress bar, say.

    Early stopping watches the cost of the examples held out, after each epoch. After `fit`,
    `result_` is the run's `Result`, which `save_run` saves; `loss_curve_` are the costs at every
    hundredth iteration and the last.

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
        with self._all_or_nothing():
            return self._fit(self._task_of_all(X, y, sample_weight))

    def _task_of_all(self, X: Any, y: Any, sample_weight: Any) -> Task:
        """Return the task of the examples, whose classes become the estimator's."""
        rows, targets = self._read(X, y, reset=True)
        classes = np.arange(targets.shape[1]) if targets.ndim > 1 else np.unique(targets)
        if len(classes) < 2:
            raise ValueError(f"y has 1 class, {brief(classes.tolist()[0])}; expected two or more")
        known: Any = getattr(self, "classes_", classes)
        goes_on = self.warm_start and hasattr(self, "parameters_")
        if goes_on and not np.array_equal(known, classes):
            raise ValueError(
                f"y has the classes {brief(classes.tolist())} with warm_start; expected those "
                f"before, {brief(known.tolist())}: leave out warm_start"
            )
        self.classes_ = classes
        return self._task(rows, targets, sample_weight)

    @available_if(_trains_in_single_epochs)  # type: ignore[untyped-decorator]
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
        with self._all_or_nothing():
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

    def _task(self, rows: Array, targets: NDArray[Any], sample_weight: Any) -> Task:
        weights = _weights(sample_weight, rows)
        if self._is_multilabel and self.class_weight is not None:
            raise ValueError(
                "class_weight with several labels; expected none: give sample_weight instead"
            )
        if self._is_multilabel:
            return Task(Examples(rows, targets.astype(float), weights), 0, BINARY_CROSS_ENTROPY)
        unknown = np.setdiff1d(targets, self.classes_)
        if len(unknown):
            raise ValueError(
                f"y has the class {brief(unknown.tolist()[0])}, which is not in classes_; expected "
                f"one of {brief(self.classes_.tolist())}: name all in the first call of partial_fit"
            )
        count = len(self.classes_)
        loss = BINARY_CROSS_ENTROPY if count == 2 else SOFTMAX_CROSS_ENTROPY
        numbers = np.searchsorted(self.classes_, targets)
        of_classes = _of_classes(self.class_weight, self.classes_)
        return Task(Examples(rows, numbers, weights), count, loss, of_classes)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


@dataclass(eq=False, repr=False)
class NetworkRegressor(RegressorMixin, MultiOutputMixin, _Estimator):  # type: ignore[misc]
    """A network of dense layers for one number of each example, or for several.

    Parameters and attributes are those of `NetworkClassifier`, but for the classes. The objective
    is scikit-learn's, half the squared error; `loss_curve_` has the whole one.

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
        with self._all_or_nothing():
            return self._fit(self._task(*self._read(X, y, reset=True), sample_weight))

    @available_if(_trains_in_single_epochs)  # type: ignore[untyped-decorator]
    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train for one more epoch, on these examples, and return the estimator.

        Parameters and moments go on from where they are; after `fit` the moments begin anew. Raises
        as `fit` does.
        """
        with self._all_or_nothing():
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

    def _task(self, rows: Array, targets: Array, sample_weight: Any) -> Task:
        weights = _weights(sample_weight, rows)
        return Task(Examples(rows, targets, weights), 0, MEAN_SQUARED_ERROR)


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
        return np.asarray(cross_val_score(estimator, X, y, cv=splits, error_score="raise"))
    if is_classifier:
        judge.classes_ = np.unique(targets)
    task, seed = judge._task(rows, targets, None), _seed(clone(estimator))
    scores = np.empty(len(splits))
    counts = np.array([len(training) for training, _ in splits])
    for count in np.unique(counts):  # for the strength of alpha is a share of it
        of_count = np.flatnonzero(counts == count)
        setup = with_threads(None, partial(setup_for, estimator, task, seed, total=count))
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
    draws = estimator.early_stopping or estimator.dropout or estimator.watch is not None
    are_full = all(batch_size_for(estimator, len(training)) is None for training, _ in splits)
    are_repeated = any(len(np.unique(training)) < len(training) for training, _ in splits)
    if draws or not are_full or are_repeated:
        return False
    if not isinstance(estimator, NetworkClassifier) or targets.ndim > 1:
        return True
    classes = np.unique(targets)
    return all(len(np.unique(targets[training])) == len(classes) for training, _ in splits)


def _mask(chosen: Indices, examples: int) -> NDArray[np.bool_]:
    mask = np.zeros(examples, bool)
    mask[chosen] = True
    return mask[np.newaxis]


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


def _seed(estimator: Any) -> int:
    """Return the seed that the random state is, or that it draws."""
    state = estimator.random_state
    if isinstance(state, Integral):
        return int(state)
    return int(check_random_state(state).randint(2**31 - 1))
