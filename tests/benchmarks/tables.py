"""Four data sets of scikit-learn: catpipe's `fit` beside MLPClassifier and MLPRegressor.

    python -m tests.benchmarks.tables [--splits 20]

Trains on three quarters of iris, breast cancer, digits and diabetes, standardized, and prints the
accuracy, or R squared, on the other quarter, and the seconds of training: means over the splits,
medians of the times, in turns, with one thread. scikit-learn's networks have their defaults, one
hidden layer of 100 units. catpipe's settings were chosen on other splits than those shown here.
"""

from __future__ import annotations

import os
import sys
import warnings
from argparse import ArgumentParser
from collections.abc import Callable
from statistics import mean, median
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

from catpipe import fit
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.result import accuracy_on, r_squared_on
from tests.benchmarks import THREADS

SHOWN = 100  # random_state of the first split that is shown; those before it chose the settings
DEEP = Experiment(seed=1, hidden=(100,), initializer="he", optimizer="adam", learning_rate=0.01)
EXPERIMENTS = {
    "iris": DEEP._replace(classes=3, iterations=120, l2=0.05),
    "breast_cancer": DEEP._replace(iterations=60, l2=0.01),
    "digits": DEEP._replace(classes=10, iterations=100, l2=0.001),
    "diabetes": DEEP._replace(
        loss="mean_squared_error", hidden=(20,), activation="tanh", iterations=60, l2=0.1
    ),
}


class Split(NamedTuple):
    """Inputs and targets to train on, and others to test on."""

    train: tuple[NDArray[Any], NDArray[Any]]
    test: tuple[NDArray[Any], NDArray[Any]]


class Score(NamedTuple):
    """Accuracy or R squared on the test part, and the seconds of training."""

    score: float
    seconds: float


def split(name: str, seed: int) -> Split:
    """Return the data set split at random, its inputs standardized by those to train on.

    So are the targets of a regression, for both contestants.
    """
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    is_regression = name == "diabetes"
    parts = train_test_split(X, y, random_state=seed, stratify=None if is_regression else y)
    inputs = StandardScaler().fit(parts[0])
    X_train, X_test = (inputs.transform(part) for part in parts[:2])
    y_train, y_test = parts[2:]
    if is_regression:
        y_train, y_test = ((of - parts[2].mean()) / parts[2].std() for of in (y_train, y_test))
    return Split((X_train, y_train), (X_test, y_test))


def ours(name: str, data: Split) -> Score:
    """Fit the experiment of this data set."""
    began = perf_counter()
    result = fit(EXPERIMENTS[name], data.train)
    seconds = perf_counter() - began
    measure = r_squared_on if name == "diabetes" else accuracy_on
    return Score(float(measure(result, data.test)), seconds)


def theirs(name: str, data: Split) -> Score:
    """Fit scikit-learn's network with its defaults."""
    network = MLPRegressor if name == "diabetes" else MLPClassifier
    model = network(random_state=1)
    began = perf_counter()
    with warnings.catch_warnings(action="ignore"):  # it may not converge in its 200 epochs
        model.fit(*data.train)
    seconds = perf_counter() - began
    return Score(float(model.score(*data.test)), seconds)


def row(name: str, splits: list[Split]) -> str:
    """Return the line of a data set: both scores, both times, and how many times ours theirs is."""
    contestants: tuple[Callable[[str, Split], Score], ...] = (ours, theirs)
    turns = [[contestant(name, data) for contestant in contestants] for data in splits]
    mine, others = zip(*turns, strict=True)
    scores = [mean(each.score for each in of) for of in (mine, others)]
    seconds = [median(each.seconds for each in of) for of in (mine, others)]
    ratio = median(b.seconds / a.seconds for a, b in turns)
    return (
        f"{name:14} {scores[0]:9.3f} {scores[1]:9.3f} {seconds[0]:9.3f} {seconds[1]:9.3f} "
        f"{ratio:9.1f}"
    )


def main(arguments: list[str]) -> int:
    """Print the table."""
    parser = ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--splits", type=int, default=20, help="(%(default)s)")
    parser.add_argument("--first", type=int, default=SHOWN, help="of the splits (%(default)s)")
    options = parser.parse_args(arguments)
    print(f"{options.splits} splits, threads: {THREADS}; load {os.getloadavg()[0]:.2f}")
    print(f"{'':14} {'catpipe':>9} {'sklearn':>9} {'seconds':>9} {'seconds':>9} {'ratio':>9}")
    seeds = np.arange(options.first, options.first + options.splits).tolist()
    for name in EXPERIMENTS:
        print(row(name, [split(name, seed) for seed in seeds]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
