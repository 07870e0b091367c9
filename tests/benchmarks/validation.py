"""Validation of the published network: 25 networks of 5 x 5 folds, beside scikit-learn's.

    python -m tests.benchmarks.validation [--data FOLDER] [--iterations 100]

Prints accuracy with its interval, balanced accuracy, AUC, log loss and calibration error over all
pictures, and the time, with one BLAS thread in each of the threads of Python. Then scikit-learn's
`cross_val_score` trains `MLPClassifier` with the same settings over the first repeat's folds, for
fewer iterations, on as many processes; its time is scaled to all iterations and repeats.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import warnings
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from catpipe.data.examples import Examples
from catpipe.data.folds import Folds
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.validation import folds_for
from catpipe.shell.cli.maps import side_by_side
from catpipe.shell.runs.provenance import default_folder
from catpipe.shell.storage.datasets import load_data
from catpipe.shell.threads import validate

ASKED = Experiment(seed=1)


def main() -> None:
    """Validate the published network, and print its scores and the times."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--iterations", type=int, default=100, help="of scikit-learn's networks")
    options = parser.parse_args()
    train, test, _ = load_data(options.data or default_folder())
    examples = Examples(*(np.concatenate(pair) for pair in zip(train[:2], test[:2], strict=True)))
    folds = folds_for(ASKED, examples, folds=5, seed=1, repeats=5)
    began = perf_counter()
    found = validate(ASKED, examples, folds, side_by_side)
    seconds = perf_counter() - began
    for name, score in found.scores._asdict().items():
        print(f"{name.replace('_', ' ')}: {np.round(score, 3)}")
    print(f"catpipe: {seconds:.1f} s for {folds.max() + 1} folds, {len(folds)} times")
    theirs = peer_seconds(examples, folds, options.iterations)
    print(f"scikit-learn: {theirs:.0f} s, from {options.iterations} iterations of one repeat; "
          f"{theirs / seconds:.0f} times as long")  # fmt: skip


def peer_seconds(examples: Examples, folds: Folds, iterations: int) -> float:
    """Return the time of scikit-learn's networks, scaled to all iterations and repeats."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import PredefinedSplit, cross_val_score
    from sklearn.neural_network import MLPClassifier

    X: NDArray[np.float64] = examples.inputs.reshape(len(examples.inputs), -1) / 255
    network = MLPClassifier(
        ASKED.hidden, solver="sgd", learning_rate_init=ASKED.learning_rate, momentum=0, alpha=0,
        batch_size=len(X), max_iter=iterations, n_iter_no_change=iterations, tol=0, random_state=1,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", UserWarning)  # a batch as large as there are examples
        for most in (1, iterations):  # the first call starts the processes
            began = perf_counter()
            cross_val_score(
                network.set_params(max_iter=most), X, examples.targets,
                cv=PredefinedSplit(folds[0]), n_jobs=os.cpu_count(),
            )  # fmt: skip
            seconds = perf_counter() - began
    return seconds * (ASKED.iterations or 0) / iterations * len(folds)


if __name__ == "__main__":
    main()
