"""Leave-one-out cross-validation of the published network: a stack, one network for each picture.

    python -m tests.benchmarks.leave_one_out [--data FOLDER] [--dtype float64]

Each training picture is predicted by a network that was trained on all others. Prints the share of
correct predictions, and the time on all processors.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from catpipe.experiments.cross_validation import cross_validate
from catpipe.experiments.experiment import DTYPES, Experiment
from catpipe.metrics.scores import accuracy
from catpipe.nn.arrays import Array
from catpipe.shell.cli.maps import side_by_side
from catpipe.shell.runs.provenance import default_folder
from catpipe.shell.storage.datasets import load_data
from catpipe.shell.threads import one_blas_thread


def main() -> None:
    """Cross-validate, and print the accuracy and the time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--dtype", choices=DTYPES, default="float64")
    options = parser.parse_args()
    pictures = load_data(options.data or default_folder()).train
    folds = np.arange(len(pictures.targets))
    began = perf_counter()
    with one_blas_thread():
        probabilities = cross_validate(
            Experiment(seed=1, dtype=options.dtype), pictures, folds, side_by_side
        )
    seconds = perf_counter() - began
    share = accuracy(predicted(probabilities), pictures.targets)
    print(f"leave-one-out: {share:.2%} right ({share * len(folds):.0f} of {len(folds)}), "
          f"{len(folds)} networks in {seconds:.1f} s, {options.dtype}")  # fmt: skip


def predicted(probabilities: Array) -> NDArray[np.int64]:
    """Return the class that each column of probabilities says."""
    return probabilities.argmax(0)


if __name__ == "__main__":
    main()
