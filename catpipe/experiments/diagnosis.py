"""Diagnosis: a network that learned nothing, or whose cost grew, and what to try instead."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from catpipe.data.conversion import class_numbers, examples_from, regression_targets
from catpipe.data.examples import Examples
from catpipe.data.transforms.columns import as_floats
from catpipe.experiments.experiment import Experiment, is_regression
from catpipe.experiments.result import Result, checked_result, cost_on, predictions, probabilities
from catpipe.nn.arrays import Array
from catpipe.nn.network import compute_cost

LEAST = 100  # iterations: fewer say nothing
GROWN = 10  # times the first cost, and that of a constant prediction: an order of magnitude
ALIKE = 1e-3  # difference of outputs, of probabilities or in standard deviations of the targets
UNMOVED = 0.01  # share of the first cost
LARGE = 10  # root mean square of inputs: scaled ones have about 1


class Hint(NamedTuple):
    """What was seen of a run, and what to try: fields of its experiment, each with what it may be.

    That is a value, or "smaller" or "larger".
    """

    seen: str
    tries: tuple[tuple[str, str], ...]


class Signs(NamedTuple):
    """The numbers that a diagnosis is made of; each but the iterations is one, or one a network.

    `constant` is the cost of predicting the same for every example, the best that can be had so;
    `spread` is how much the outputs differ between examples; `size` is the inputs' root mean square
    where no transform scales them. Of a run that has learned neither is looked at.
    """

    iterations: int
    first: Any
    last: Any
    constant: float
    spread: Any
    size: float = 0


def diagnose(result: Result, examples: Any, cost: ArrayLike | None = None) -> Hint | None:
    """Return what to try where a run on these examples learned nothing or diverged, else nothing.

    Of a stack, where that is so of more than half of its networks. `cost` is that on the examples,
    where it is known. Raises as `cost_on` does.

    >>> diagnose(fit(Experiment(seed=1, hidden=()), pictures), pictures) is None
    True
    >>> slow = Experiment(seed=1, hidden=(), initializer="zeros", learning_rate=1e-9)
    >>> diagnose(fit(slow, pictures), pictures).tries
    (('learning_rate', 'larger'),)
    """
    checked = checked_result(result)
    signs = signs_of(checked, examples_from(examples), cost)
    return hint_for(signs, checked.experiment) if signs else None


def signs_of(result: Result, examples: Examples, cost: ArrayLike | None = None) -> Signs | None:
    """Return the signs in a result; nothing of a short run, or where there is nothing to learn.

    `cost` is that on the examples, where it is known.

    >>> signs_of(fit(Experiment(seed=1, hidden=(), iterations=5), pictures), pictures) is None
    True
    """
    constant = _cost_of_a_constant(result, examples)
    if not result.costs or result.costs[-1][0] + 1 < LEAST or not constant > 0:
        return None
    last = np.asarray(cost_on(result, examples) if cost is None else cost)
    learned = (last < (1 - UNMOVED) * constant).mean() >= 0.5
    is_scaled = learned or result.experiment.transforms
    return Signs(
        iterations=result.costs[-1][0] + 1,
        first=result.costs[0][1],
        last=last,
        constant=constant,
        spread=np.inf if learned else _spread(result, examples),
        size=0 if is_scaled else _root_mean_square(examples.inputs),
    )


def hint_for(signs: Signs, experiment: Experiment) -> Hint | None:
    """Return the hint that these signs give, if they give one.

    >>> dead = Signs(2500, first=0.69, last=0.65, constant=0.65, spread=0)
    >>> print(hint_for(dead, Experiment(seed=1)).seen)
    the network predicts the same for each example, with a cost of 0.65 after 2500 iterations
    >>> hint_for(dead._replace(last=0.1, spread=1), Experiment(seed=1)) is None
    True
    """
    first, last, spread = map(np.asarray, (signs.first, signs.last, signs.spread))
    scaling = (("transforms", "standardize"),) if signs.size > LARGE else ()
    size = f"; the inputs' root mean square is {signs.size:.3g}" if scaling else ""
    of = f"{len(last)} networks: " if last.ndim else ""
    iterations = f"after {signs.iterations} iterations"
    was, now = f"{_middle(first):.3g}", f"{_middle(last):.3g}"
    if _most(last > GROWN * np.maximum(first, signs.constant)):
        seen = f"{of}the cost grew from {was} to {now} {iterations}{size}"
        return Hint(seen, (*scaling, ("learning_rate", "smaller")))
    unlearned = last >= (1 - UNMOVED) * signs.constant
    if experiment.hidden and _most(unlearned & (spread < ALIKE)):
        seen = f"the network predicts the same for each example, with a cost of {now} {iterations}"
        return Hint(f"{of}{seen}{size}", scaling or _against_a_dead_network(experiment))
    if _most(unlearned & (np.abs(last - first) < UNMOVED * first)):
        seen = f"{of}the cost hardly moved, from {was} to {now} {iterations}{size}"
        return Hint(seen, scaling or (*_penalties(experiment), ("learning_rate", "larger")))
    if scaling and _most(unlearned):
        seen = f"{of}the cost is {now} {iterations}, and {signs.constant:.3g} that of a constant"
        return Hint(f"{seen} prediction{size}", scaling)
    return None


def _against_a_dead_network(experiment: Experiment) -> tuple[tuple[str, str], ...]:
    """Return what lets signals through: weights that fit their layers, and what does not kill."""
    start = () if experiment.initializer == "he" else (("initializer", "he"),)
    return (*_penalties(experiment), *start, ("learning_rate", "smaller"))


def _penalties(experiment: Experiment) -> tuple[tuple[str, str], ...]:
    names = ("l2", "weight_decay", "dropout")
    return tuple((name, "smaller") for name in names if getattr(experiment, name))


def _most(of: NDArray[np.bool_]) -> bool:
    """Return whether it is so of more than half of the networks."""
    return bool(of.mean() > 0.5)


def _middle(costs: Array) -> float:
    return float(np.median(costs))


def _cost_of_a_constant(result: Result, examples: Examples) -> float:
    """Return the least cost of outputs that are the same for every example."""
    experiment = result.experiment
    if is_regression(experiment):
        Y = regression_targets(examples.targets).T
        mean = np.average(Y, -1, examples.weights)[:, np.newaxis]
        return float(compute_cost(result.network, np.broadcast_to(mean, Y.shape), Y))
    labels, _ = class_numbers(examples.targets, experiment.classes, result.class_names)
    counts = np.bincount(labels, examples.weights)
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())


def _spread(result: Result, examples: Examples) -> Array:
    """Return how much the outputs differ between examples, of each network."""
    if not is_regression(result.experiment):
        return np.ptp(probabilities(result, examples.inputs), axis=-1).max(-1)
    Y = regression_targets(examples.targets)
    predicted = predictions(result, examples.inputs).reshape(*_stack(result), *Y.shape)
    return (predicted.std(-2) / Y.std(0).max()).max(-1)


def _stack(result: Result) -> tuple[int, ...]:
    return (len(result.seeds),) if result.seeds else ()


def _root_mean_square(inputs: NDArray[Any]) -> float:
    numbers = as_floats(inputs)
    return float(np.sqrt(np.square(numbers).mean()))
