"""A problem is what an experiment makes of pictures: all that training needs, but for a start."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from catpipe.data.batches import (
    Batch,
    balanced_weights,
    batches_in_epoch,
    class_weights,
    full_batches,
    mini_batches,
    normalized,
)
from catpipe.data.examples import Pictures, fingerprint, targets
from catpipe.data.sampling import Indices, Order, balanced, held_out, shuffled, stratified, subset
from catpipe.data.transforms import pixels
from catpipe.experiments.experiment import (
    ACTIVATIONS,
    INITIALIZERS,
    OPTIMIZERS,
    SCHEDULES,
    Experiment,
    checked,
)
from catpipe.nn.initializers import initialize_parameters
from catpipe.nn.losses import BINARY_CROSS_ENTROPY, SOFTMAX_CROSS_ENTROPY
from catpipe.nn.network import Network, mlp, with_dropout
from catpipe.nn.parameters import Array, Parameters
from catpipe.optim.optimizers import (
    Optimizer,
)
from catpipe.optim.regularizers import ADAMW_DECAY, with_l2, with_weight_decay
from catpipe.optim.schedules import Schedule, scaled, warm_up
from catpipe.training.spaces import Space, cheapest_space, full_space, space_of

HELD_OUT = 0.2  # of the pictures, where early stopping is given no others


class Problem(NamedTuple):
    """What to train, on which columns, and where.

    Y: (outputs, columns); labels: (columns,); among: (..., 1, columns), true where each network may
    learn from a column, or none where all are. The last `own` are a validation set of the user's.
    `pictures` is what they are known by.
    """

    experiment: Experiment
    features: int
    space: Space
    Y: Array
    labels: Indices
    own: int
    pictures: str
    among: NDArray[np.bool_] | None = None


def problem(
    experiment: Experiment, pictures: Pictures, validation: Pictures | None = None
) -> Problem:
    """Return the problem to solve: in the smallest space that is exact, where that pays.

    Raises `ValueError` for an experiment that cannot be, for labels beyond its classes, and for a
    validation set that is empty or without early stopping.

    >>> problem(Experiment(seed=1), pictures).space.name
    'the full space (2 columns of 1 features take fewer multiplications as they are)'
    """
    posed = _as_it_is(experiment, pictures, validation)
    return posed if experiment.full_space else posed._replace(space=_cheapest(posed))


def problem_in(
    kind: str,
    name: str,
    experiment: Experiment,
    pictures: Pictures,
    validation: Pictures | None = None,
) -> Problem:
    """Return the problem in the space of this kind and name: that of a run which carries on.

    Raises as `problem` does.

    >>> problem_in("dual", "as it was", Experiment(seed=1), pictures).space.columns
    array([[0., 0.],
           [0., 1.]])
    """
    posed = _as_it_is(experiment, pictures, validation)
    return posed._replace(space=space_of(kind, name, posed.space.columns))


def _as_it_is(
    experiment: Experiment, pictures: Pictures, validation: Pictures | None = None
) -> Problem:
    dtype, classes = checked(experiment).dtype, experiment.classes
    images, labels = _joined(experiment, pictures, validation) if validation else pictures
    X, Y = pixels(images, dtype), targets(labels, classes, dtype)
    own = len(labels) - len(pictures.labels)
    known = fingerprint(Pictures(images, labels))
    return Problem(experiment, len(X), full_space(X, "asked for"), Y, labels, own, known)


def network_of(problem: Problem) -> Network:
    """Return the network that is trained, as it is in the full space."""
    return network_for(problem.experiment, problem.features)


def start(problem: Problem, seed: int) -> Parameters:
    """Return the parameters that this seed draws for the problem's network.

    >>> start(problem(Experiment(seed=1, hidden=()), pictures), seed=1)["W1"].round(3)
    array([[1.624]])
    """
    asked = problem.experiment
    return initialize_parameters(
        network_of(problem), seed, INITIALIZERS[asked.initializer], asked.dtype
    )


def roles(problem: Problem) -> tuple[Array | None, Array | None]:
    """Return the shares of the columns in training and, for early stopping, in validation.

    (..., 1, columns); none in training where all count alike, none in validation without it.

    >>> images = np.zeros((5, 1, 1, 1), np.uint8)
    >>> pictures = Pictures(images, np.array([0, 0, 0, 1, 1]))
    >>> roles(problem(Experiment(seed=1, early_stopping=3), pictures))
    (array([[0.25, 0.25, 0.25, 0.  , 0.25]]), array([[0., 0., 0., 1., 0.]]))
    """
    among, held = problem.among, _held(problem)
    if among is None and held is None and problem.experiment.class_weight is None:
        return None, None
    learned = np.ones((1, len(problem.labels)), bool) if among is None else among
    if held is not None:
        learned = learned & ~held
    weights, dtype = _weights(problem, learned), problem.Y.dtype
    trained = normalized((learned * weights).astype(dtype))
    return trained, None if held is None else normalized((held * weights).astype(dtype))


def iterations_of(problem: Problem) -> int:
    """Return how many iterations the problem is trained for."""
    asked = problem.experiment
    return asked.epochs * epoch_of(problem) if asked.epochs else asked.iterations


def epoch_of(problem: Problem) -> int:
    """Return how many batches an epoch of the problem has."""
    size = problem.experiment.batch_size
    return batches_in_epoch(len(_order(problem)(0)), size) if size else 1


def batches_of(problem: Problem, start: int = 0) -> Iterator[Batch]:
    """Return the problem's batches, from this iteration on, as they are in its space."""
    shares, _ = roles(problem)
    everything = Batch(problem.space.columns, problem.Y, shares)
    if problem.experiment.batch_size is None:
        return full_batches(*everything[:2], iterations_of(problem) - start, shares)
    batches = mini_batches(everything, _order(problem), problem.experiment.batch_size, start)
    return islice(batches, iterations_of(problem) - start)


def folds_need_own_runs(experiment: Experiment) -> bool:
    """Return whether folds must be trained one by one: they differ in more than their weights.

    >>> folds_need_own_runs(Experiment(seed=1, early_stopping=3))
    True
    """
    return experiment.early_stopping is not None or experiment.order != "shuffled"


def _order(problem: Problem) -> Order:
    """Return the order in which mini-batches visit what is learned from.

    Folds that are trained together visit all columns, so that it does not matter which those are.
    """
    asked, (shares, _) = problem.experiment, roles(problem)
    together = problem.among is not None and not folds_need_own_runs(asked)
    visited = np.arange(len(problem.labels))
    if shares is not None and not together:
        visited = np.flatnonzero(shares)
    if asked.order == "shuffled":
        return subset(visited, shuffled(len(visited), asked.seed))
    by_class = {"stratified": stratified, "balanced": balanced}[asked.order]
    return subset(visited, by_class(problem.labels[visited], asked.seed))


def _held(problem: Problem) -> NDArray[np.bool_] | None:
    """Return which of the columns validate, (1, columns), where early stopping asks for it."""
    labels, columns = problem.labels, np.arange(len(problem.labels))
    if problem.experiment.early_stopping is None:
        return None
    if problem.own:
        return columns[np.newaxis] >= len(columns) - problem.own
    others = columns if problem.among is None else np.flatnonzero(problem.among)
    held = others[held_out(labels[others], problem.experiment.seed, HELD_OUT)]
    return np.isin(columns[np.newaxis], held)


def _weights(problem: Problem, learned: NDArray[np.bool_]) -> Array | float:
    """Return the weights of the columns by their classes; balanced, by those that are learned."""
    asked, classes = problem.experiment.class_weight, problem.experiment.classes
    if asked is None:
        return 1.0
    if not isinstance(asked, str):
        return class_weights(problem.labels, asked)
    of_networks = (
        class_weights(problem.labels, balanced_weights(problem.labels[row], classes))
        for row in learned.reshape(-1, learned.shape[-1])
    )
    return np.stack([*of_networks]).reshape(learned.shape)


def _joined(experiment: Experiment, pictures: Pictures, validation: Pictures) -> Pictures:
    if not experiment.early_stopping:
        raise ValueError("a validation set without early stopping; expected both: ask for it")
    if len(validation.labels) == 0:
        raise ValueError("a validation set without pictures; expected some: leave it out")
    if (size := validation.images.shape[1:]) != (expected := pictures.images.shape[1:]):
        raise ValueError(f"a validation set of pictures {size}; expected {expected}: resize them")
    images = np.concatenate([pictures.images, validation.images])
    return Pictures(images, np.concatenate([pictures.labels, validation.labels]))


def _cheapest(problem: Problem) -> Space:
    experiment, iterations = problem.experiment, iterations_of(problem)
    optimizer = optimizer_for(experiment, iterations)
    columns, size = problem.space.columns, experiment.batch_size
    return cheapest_space(network_of(problem), optimizer, columns, size, iterations)


def network_for(experiment: Experiment, features: int) -> Network:
    """Return the network that the experiment asks for, on columns of so many features.

    Two classes are told apart by one logit, more by one each.

    >>> [layer.units for layer in network_for(Experiment(seed=1), features=12288).layers]
    [20, 7, 5, 1]
    """
    names = experiment.activation
    activation = ACTIVATIONS[names] if isinstance(names, str) else [ACTIVATIONS[n] for n in names]
    outputs = 1 if experiment.classes == 2 else experiment.classes
    loss = BINARY_CROSS_ENTROPY if outputs == 1 else SOFTMAX_CROSS_ENTROPY
    plain = mlp(features, *experiment.hidden, outputs, activation=activation, loss=loss)
    dropout, seed = experiment.dropout, experiment.seed
    return with_dropout(plain, dropout, seed) if dropout else plain


def optimizer_for(experiment: Experiment, iterations: int) -> Optimizer:
    """Return the optimizer that the experiment asks for, for a run of so many iterations.

    >>> optimizer_for(Experiment(seed=1, optimizer="adam"), iterations=100).is_linear
    False
    """
    rate = schedule_for(experiment, iterations)
    make = OPTIMIZERS[experiment.optimizer]
    plain = make(rate) if experiment.momentum is None else make(rate, experiment.momentum)
    pulled = with_l2(plain, experiment.l2) if experiment.l2 else plain
    decay = experiment.weight_decay
    if decay is None and experiment.optimizer == "adamw":
        decay = ADAMW_DECAY
    return with_weight_decay(pulled, scaled(rate, decay)) if decay else pulled


def schedule_for(experiment: Experiment, iterations: int) -> Schedule:
    """Return the learning-rate schedule that the experiment asks for, as a function of iterations.

    >>> schedule_for(Experiment(seed=1, learning_rate=0.5, schedule=("cosine",)), iterations=10)(5)
    0.25
    """
    name, *numbers = experiment.schedule
    if name == "cosine" and not numbers:
        numbers = [iterations]
    schedule = SCHEDULES[name][0](experiment.learning_rate, *numbers)
    return warm_up(schedule, experiment.warm_up) if experiment.warm_up else schedule
