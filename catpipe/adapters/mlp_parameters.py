"""The setup of an estimator whose parameters are called as those of scikit-learn's networks.

An estimator is any object with the attributes of `NetworkClassifier`; scikit-learn is not needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from reprlib import repr as brief
from typing import Any, NamedTuple

import numpy as np

from catpipe.checks import is_number, is_whole
from catpipe.data.examples import Examples, some_of
from catpipe.data.sampling import held_out
from catpipe.experiments.experiment import (
    ACTIVATIONS,
    SCHEDULE,
    WITH_MOMENTUM,
    Experiment,
    checked,
)
from catpipe.experiments.setup import Setup, prepare
from catpipe.nn.activations import Activation
from catpipe.nn.losses import BINARY_CROSS_ENTROPY, MEAN_SQUARED_ERROR, Loss
from catpipe.nn.network import Network, mlp, with_dropout
from catpipe.optim.optimizers import check_optimizer
from catpipe.optim.regularizers import with_l2

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


class Task(NamedTuple):
    """Examples, of how many classes they are (0 where targets are numbers), and the loss."""

    examples: Examples
    classes: int
    loss: Loss
    class_weight: Any = None


def setup_for(
    estimator: Any,
    task: Task,
    seed: int,
    *,
    epochs: int = 0,
    full_space: bool = False,
    total: float | None = None,
) -> Setup:
    """Return the setup of the estimator's experiment on the examples of a task.

    `total` is how many of them train in full batches, where that is not how much they weigh, and
    `epochs` the least number of epochs. Raises as `prepare` does, by the names of the estimator's
    parameters.

    >>> from catpipe.adapters.mlp_parameters import Task, setup_for
    >>> from catpipe.adapters.sklearn import NetworkClassifier
    >>> rows = data.Examples(np.eye(2), np.array([0, 1]))
    >>> task = Task(rows, 2, nn.BINARY_CROSS_ENTROPY)
    >>> setup_for(NetworkClassifier((3,), alpha=0.5), task, seed=1).experiment.l2
    0.25
    """
    train_on, validation = _divided(estimator, task, seed)
    inputs, _, weights = train_on
    size = None if total else batch_size_for(estimator, len(inputs))
    total = total or size or (len(inputs) if weights is None else float(weights.sum()))
    if estimator.early_stopping and size is None:
        size = len(inputs)  # an epoch of one batch, after which the validation cost is looked at
    described = _experiment(estimator, task, seed, size, inputs.dtype.name)
    experiment = _scaled(described, estimator.loss or task.loss, total)._replace(
        epochs=max(epochs, described.epochs or 1), full_space=full_space
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


def _experiment(estimator: Any, task: Task, seed: int, size: Any, inputs_type: str) -> Experiment:
    """Return the experiment that the parameters describe, with alpha as it is."""
    optimizer, momentum = _optimizer_and_momentum(estimator)
    activations = _activations(estimator.activation)
    decays = optimizer == "adamw"
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
        l2=0.0 if decays else estimator.alpha,
        weight_decay=estimator.alpha if decays else None,
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
    if loss != MEAN_SQUARED_ERROR:
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
    estimator: Any, experiment: Experiment, task: Task, features: int
) -> Network | None:
    """Return the network that an experiment does not describe; none where it does."""
    each, loss = _activations(estimator.activation), estimator.loss
    is_multilabel = task.loss == BINARY_CROSS_ENTROPY and not task.classes
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


def _divided(estimator: Any, task: Task, seed: int) -> tuple[Examples, Examples | None]:
    """Return the examples to train on and, with early stopping, those to validate on."""
    if not estimator.early_stopping:
        return task.examples, None
    count, share = len(task.examples.targets), estimator.validation_fraction
    if not is_number(share) or not 0 < round(share * count) < count:
        raise ValueError(
            f"validation_fraction is {brief(share)} of {count} samples; expected some of them to "
            "validate on, and not all: give another, or more samples"
        )
    labels = task.examples.targets if task.classes else np.zeros(count, np.int64)
    is_held = np.isin(np.arange(count), held_out(labels, seed, share))
    return some_of(task.examples, ~is_held), some_of(task.examples, is_held)


def batch_size_for(estimator: Any, examples: int) -> Any:
    """Return the examples in each mini-batch; none where all are in one.

    >>> from catpipe.adapters.mlp_parameters import batch_size_for
    >>> from catpipe.adapters.sklearn import NetworkClassifier
    >>> batch_size_for(NetworkClassifier(), 209), batch_size_for(NetworkClassifier(), 100)
    (200, None)
    """
    size = min(AUTO, examples) if estimator.batch_size == "auto" else estimator.batch_size
    return None if is_whole(size) and size >= examples else size
