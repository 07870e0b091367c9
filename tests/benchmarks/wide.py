"""Many features, few examples: catpipe's estimators beside scikit-learn's and PyTorch's (skorch).

    python -m tests.benchmarks.wide [--data FOLDER] [--epochs 200] [--repeats 5] [--quick]

On the photographs (209 x 12,288, less their middle grey), and on 100 x 20,000 drawn numbers that
ten hidden factors make, as spectra are, with two classes and with a number to predict: the seconds
of one `fit` and of 5-fold cross-validation, repeated, on one thread, and the mean score on folds
held out. Networks have 20 hidden units, batches of all examples and so many epochs, whatever their
costs do; PyTorch is in float64, as all are. It takes about ten minutes; without skorch that line is
left out.
"""

from __future__ import annotations

import sys
import warnings
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold, cross_val_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from catpipe.adapters.sklearn import NetworkClassifier, NetworkRegressor, cross_validate_stacked
from catpipe.shell.storage.datasets import load_data
from catpipe.shell.threads import one_blas_thread
from tests.benchmarks import THREADS

UNITS = 20


class Problem(NamedTuple):
    """Inputs, (examples, features), and targets."""

    name: str
    X: Any
    y: Any
    rate: float = 0.001  # of gradient descent; Adam's is 0.001
    is_regression: bool = False


class Row(NamedTuple):
    """A contestant, its seconds for one fit and for all folds, and its mean score on them."""

    name: str
    fit: float
    folds: float
    score: float


def problems(folder: Path | None, *, quick: bool) -> Iterator[Problem]:
    """Give the problems; the photographs where their folder is named."""
    features = 2_000 if quick else 20_000
    if folder:
        pictures, labels, _ = load_data(folder).train
        yield Problem("photographs", pictures.reshape(len(pictures), -1) / 255 - 0.5, labels)
    draws = np.random.default_rng(0)
    factors = draws.standard_normal((100, 10))
    X = factors @ draws.standard_normal((10, features)) / np.sqrt(10)
    X += draws.standard_normal(X.shape) / 2
    yield Problem("two classes, drawn", X, (factors[:, 0] + factors[:, 1] > 0).astype(int))
    yield Problem(
        "a number, drawn", X, np.tanh(factors[:, 0]) + factors[:, 1], 0.0001, is_regression=True
    )


def contestants(of: Problem, epochs: int) -> Iterator[tuple[str, Any, Callable[..., Any]]]:
    """Give each contestant's name, its estimator, and what gives the scores of its folds."""
    ours, theirs = (
        (NetworkRegressor, MLPRegressor) if of.is_regression else (NetworkClassifier, MLPClassifier)
    )
    for solver, rate in (("sgd", of.rate), ("adam", 0.001)):
        same: dict[str, Any] = {
            "hidden_layer_sizes": (UNITS,),
            "solver": solver,
            "learning_rate_init": rate,
            "max_iter": epochs,
            "random_state": 0,
        }
        network = ours(**same, batch_size=None)
        if solver == "sgd":
            yield f"catpipe {solver}, stacked", network, cross_validate_stacked
        yield f"catpipe {solver}", network, cross_val_score
        to_the_end = {"tol": 0, "n_iter_no_change": epochs, "batch_size": len(of.y)}
        yield f"scikit-learn {solver}", theirs(**same, **to_the_end), cross_val_score
    if made := in_torch(of, epochs):
        yield "PyTorch sgd (skorch)", made, cross_val_score
    linear = Ridge(100.0) if of.is_regression else LogisticRegression(C=0.01, max_iter=1000)
    yield "linear", make_pipeline(StandardScaler(), linear), cross_val_score


def in_torch(of: Problem, epochs: int) -> Any:
    """Return the same network in PyTorch, through skorch, where that is installed."""
    try:
        import torch
        from skorch import NeuralNetClassifier, NeuralNetRegressor
    except ImportError:
        return None
    torch.set_num_threads(THREADS)

    def module() -> Any:  # made anew for each fit, which would go on from one that was trained
        torch.manual_seed(0)
        inside = torch.nn.Linear(of.X.shape[1], UNITS), torch.nn.ReLU()
        outputs = 1 if of.is_regression else 2
        return torch.nn.Sequential(*inside, torch.nn.Linear(UNITS, outputs)).double()

    kind, criterion, rate = (
        (NeuralNetRegressor, torch.nn.MSELoss, of.rate / 2)
        if of.is_regression
        else (NeuralNetClassifier, torch.nn.CrossEntropyLoss, of.rate)
    )
    return kind(
        module, criterion=criterion, optimizer=torch.optim.SGD, optimizer__momentum=0.9,
        optimizer__nesterov=True, lr=rate, max_epochs=epochs, batch_size=-1, train_split=None,
        verbose=0,
    )  # fmt: skip


def row(of: Problem, name: str, estimator: Any, scored: Callable[..., Any], repeats: int) -> Row:
    """Return what a contestant takes, and how good it is."""
    folds = RepeatedKFold if of.is_regression else RepeatedStratifiedKFold
    splits = [*folds(n_splits=5, n_repeats=repeats, random_state=0).split(of.X, of.y)]
    y = of.y[:, np.newaxis] if of.is_regression and "PyTorch" in name else of.y
    with warnings.catch_warnings(action="ignore"):  # theirs would train on
        estimator.fit(of.X[:20], y[:20])  # which loads what a first fit loads
        began = perf_counter()
        estimator.fit(of.X, y)
        fitted = perf_counter()
        scores = scored(estimator, of.X, y, cv=splits)
    return Row(name, fitted - began, perf_counter() - fitted, float(np.mean(scores)))


def main(arguments: list[str]) -> int:
    """Print a table for each problem."""
    parser = ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--data", type=Path, help="the folder of the photographs")
    parser.add_argument("--epochs", type=int, default=200, help="(%(default)s)")
    parser.add_argument("--repeats", type=int, default=5, help="of 5 folds (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="only show that it runs")
    options = parser.parse_args(arguments)
    epochs, repeats = (3, 1) if options.quick else (options.epochs, options.repeats)
    print(f"threads: {THREADS}")
    for problem in problems(options.data, quick=options.quick):
        print(f"\n{problem.name}: {problem.X.shape[0]} x {problem.X.shape[1]:,}, {epochs} epochs")
        print(f"{'':24} {'fit, s':>9} {'ratio':>7} {'folds, s':>9} {'ratio':>7} {'score':>7}")
        first: Row | None = None
        for name, estimator, scored in contestants(problem, epochs):
            with one_blas_thread():
                of = row(problem, name, estimator, scored, repeats)
            first = first or of
            print(
                f"{of.name:24} {of.fit:9.3f} {of.fit / first.fit:7.1f} {of.folds:9.2f} "
                f"{of.folds / first.folds:7.1f} {of.score:7.3f}",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
