"""scikit-learn's digits, 10 classes: catpipe's accuracy and time beside MLPClassifier's.

    python -m tests.benchmarks.digits [--seeds 5] [--folds 5]

Cross-validates one hidden layer of 100 units on 1,797 pictures and prints a table: accuracy over
the folds, and seconds of training, over the seeds. Every contestant has the same folds, one thread,
`float64`, and its turn with each seed. catpipe trains all the folds' networks as one stack, and its
seconds include the reading of the pictures and the predictions; MLPClassifier's are its `fit` alone
under its own defaults, on pixels as they are, scaled to [0, 1], and standardized, and once more
with catpipe's optimizer as far as it has it (no schedule). catpipe's settings were chosen on other
folds (`random_state=0`) than those shown here.

Returns 1 unless catpipe's mean accuracy is at least that of each with its defaults, and its median
time at most.
"""

from __future__ import annotations

import os
import sys
import warnings
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from statistics import mean, median, pstdev
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from catpipe.data.examples import Examples
from catpipe.experiments.cross_validation import cross_validate
from catpipe.experiments.experiment import Experiment
from tests.benchmarks import THREADS

UNITS, CLASSES, DEEPEST = 100, 10, 16  # pixels count from 0 to 16
SIZE, EPOCHS, RATE, MOMENTUM = 32, 30, 0.2, 0.9
OF_FOLDS = 1  # random_state of those that are shown
ASKED = Experiment(
    seed=1,
    hidden=(UNITS,),
    classes=CLASSES,
    initializer="he",
    optimizer="heavy_ball",
    momentum=MOMENTUM,
    learning_rate=RATE,
    schedule=("cosine",),
    warm_up=57,  # iterations, which are an epoch
    batch_size=SIZE,
    epochs=EPOCHS,
)
AS_ASKED = {
    "solver": "sgd",
    "learning_rate_init": RATE,
    "momentum": MOMENTUM,
    "nesterovs_momentum": False,
    "alpha": 0,
    "batch_size": SIZE,
    "max_iter": EPOCHS,
    "n_iter_no_change": EPOCHS,
}
INSTALL = "pip install 'catpipe[sklearn]'"

Labels = NDArray[np.int64]


class Trained(NamedTuple):
    """A cross-validation: each picture's class, predicted by a network that never saw it."""

    predicted: Labels
    seconds: float


class Contestant(NamedTuple):
    """A training function of a seed; `judged` where catpipe must be as good and as fast."""

    name: str
    train: Callable[[int], Trained]
    judged: bool = True


class Row(NamedTuple):
    """A contestant's part, each of as many as there are seeds."""

    name: str
    accuracies: tuple[float, ...]
    seconds: tuple[float, ...]
    judged: bool


def catpipe(pictures: Examples, folds: Labels, seed: int) -> Trained:
    """Train a network for each fold, all as one stack."""
    began = perf_counter()
    probabilities = cross_validate(ASKED._replace(seed=seed), pictures, folds)
    return Trained(probabilities.argmax(0), perf_counter() - began)


def scikit_learn(
    rows: NDArray[np.float64], labels: Labels, folds: Labels, settings: dict[str, Any], seed: int
) -> Trained:
    """Train a network for each fold, one after the other."""
    predicted, seconds = np.empty_like(labels), 0.0
    for fold in np.unique(folds):
        held = folds == fold
        model, of_fold = _fitted(rows[~held], labels[~held], settings, seed)
        predicted[held] = model.predict(rows[held])
        seconds += of_fold
    return Trained(predicted, seconds)


def _fitted(
    rows: NDArray[np.float64], labels: Labels, settings: dict[str, Any], seed: int
) -> tuple[Any, float]:
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier((UNITS,), random_state=seed, **settings)
    began = perf_counter()
    with warnings.catch_warnings(action="ignore"):  # it may not converge in its 200 epochs
        model.fit(rows, labels)
    return model, perf_counter() - began


class Digits(NamedTuple):
    """The data: rows as scikit-learn has them, and the number of the fold that holds each out."""

    rows: NDArray[np.float64]
    labels: Labels
    folds: Labels


def digits(number_of_folds: int) -> Digits:
    """Return the digits and their folds, in which the classes are about as in all of them."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import StratifiedKFold

    rows, labels = load_digits(return_X_y=True)
    splits = StratifiedKFold(number_of_folds, shuffle=True, random_state=OF_FOLDS)
    folds = np.empty(len(labels), np.int64)
    for fold, (_, held) in enumerate(splits.split(rows, labels)):
        folds[held] = fold
    return Digits(rows, labels, folds)


def contestants(data: Digits) -> list[Contestant]:
    """Return catpipe first, then MLPClassifier on each of its inputs."""
    from sklearn.preprocessing import scale

    rows, labels, folds = data
    images = np.rint(rows * (255 / DEEPEST)).astype(np.uint8).reshape(-1, 8, 8, 1)
    inputs = {
        "pixels 0 to 1": rows / DEEPEST,
        "pixels 0 to 16": rows,
        "standardized": scale(rows),  # with the held-out ones, if anything in its favour
    }
    defaults = (
        Contestant(f"MLPClassifier, {name}", partial(scikit_learn, those, labels, folds, {}))
        for name, those in inputs.items()
    )
    as_ours = partial(scikit_learn, rows / DEEPEST, labels, folds, AS_ASKED)
    return [
        Contestant("catpipe, pixels 0 to 1", partial(catpipe, Examples(images, labels), folds)),
        *defaults,
        Contestant("MLPClassifier, as catpipe", as_ours, judged=False),
    ]


def hold(data: Digits, seeds: Sequence[int]) -> list[Row]:
    """Return the results of each contestant with each seed, in turns."""
    entered = contestants(data)
    turns = [[contestant.train(seed) for contestant in entered] for seed in seeds]
    columns = zip(entered, zip(*turns, strict=True), strict=True)
    return [_row(contestant, trained, data.labels) for contestant, trained in columns]


def _row(contestant: Contestant, trained: Sequence[Trained], labels: Labels) -> Row:
    accuracies = tuple(float((each.predicted == labels).mean()) for each in trained)
    seconds = tuple(each.seconds for each in trained)
    return Row(contestant.name, accuracies, seconds, contestant.judged)


def table(rows: Sequence[Row]) -> str:
    """Return the rows as lines to print."""
    head = (
        f"  {'':29} {'accuracy':>9} {'lowest':>8} {'highest':>8} {'spread':>7} {'seconds':>9} "
        f"{'shortest':>9} {'longest':>8} {'x catpipe':>9}"
    )
    lines = (
        f"  {row.name:29} {mean(row.accuracies):9.3%} {min(row.accuracies):8.3%} "
        f"{max(row.accuracies):8.3%} {pstdev(row.accuracies):7.3%} {median(row.seconds):9.3f} "
        f"{min(row.seconds):9.3f} {max(row.seconds):8.3f} {_times(rows[0], row):9.2f}"
        f"{'' if row.judged else '  (not judged)'}"
        for row in rows
    )
    return "\n".join((head, *lines))


def _times(ours: Row, theirs: Row) -> float:
    """Return how many times our time theirs is: the median of the turns."""
    return median(b / a for a, b in zip(ours.seconds, theirs.seconds, strict=True))


def at_least_as_good_and_fast(ours: Row, theirs: Row) -> bool:
    """Return whether our mean accuracy is no lower, and our median time no longer."""
    good = mean(ours.accuracies) >= mean(theirs.accuracies)
    return good and median(ours.seconds) <= median(theirs.seconds)


def main(arguments: list[str]) -> int:
    """Print the table; return 1 where catpipe is less right, or slower."""
    parser = ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--seeds", type=int, default=5, help="turns, a seed each (%(default)s)")
    parser.add_argument("--folds", type=int, default=5, help="(%(default)s)")
    options = parser.parse_args(arguments)
    if find_spec("sklearn") is None:
        parser.error(f"scikit-learn is missing; digits and peer are its own: {INSTALL}")
    data, seeds = digits(options.folds), range(1, options.seeds + 1)
    print(
        f"{len(data.labels):,} digits, {options.folds} folds, {UNITS} hidden units, "
        f"seeds 1 to {options.seeds}, float64, threads: {THREADS}; load {os.getloadavg()[0]:.2f}"
    )
    ours, *theirs = hold(data, seeds)
    print(table([ours, *theirs]))
    judged = [row for row in theirs if row.judged]
    won = [at_least_as_good_and_fast(ours, row) for row in judged]
    print(f"  catpipe at least as accurate, in no more time: {sum(won)} of {len(won)}")
    return 0 if all(won) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
