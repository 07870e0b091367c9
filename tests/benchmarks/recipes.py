"""The recipes on the photographs' test pictures, over seeds that were not chosen.

    python -m tests.benchmarks.recipes [RECIPE ...] [--data FOLDER] [--seeds 10]

Each recipe trains once from each of the seeds 1 to 10, codebooks and crops included, on the
training pictures alone. Prints the mean accuracy on the test pictures with its interval of 95 %
over seeds (Student), the lowest and the highest, the accuracy of all of them together, and the time
of one.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from catpipe.data.examples import DataSet
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import fit
from catpipe.experiments.result import Result, accuracy_on, of_classes, probabilities
from catpipe.metrics.intervals import t_quantile
from catpipe.shell.cli.config import completed
from catpipe.shell.cli.readers import read_recipe, recipes
from catpipe.shell.cli.train import experiment_for
from catpipe.shell.runs.provenance import default_folder
from catpipe.shell.storage.datasets import load_data


def main() -> None:
    """Train each recipe from each seed, and print a line of the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="*", type=read_recipe, metavar="RECIPE")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    options = parser.parse_args()
    folder = options.data or default_folder()
    data = load_data(folder)
    print("recipe     mean     95 % of the mean   lowest   highest   together   seconds of one")
    for path in options.recipes or recipes().values():
        asked = experiment_for(completed(Namespace(config=path)), folder, data)
        print(line_of(path.stem, asked, data, range(1, options.seeds + 1)), flush=True)


def line_of(name: str, asked: Experiment, data: DataSet, seeds: Iterable[int]) -> str:
    """Return the figures of one recipe, each of whose runs begins from its own seed."""
    began = perf_counter()
    found = [fit(asked._replace(seed=seed), data.train) for seed in seeds]
    seconds = (perf_counter() - began) / len(found)
    accuracies = np.array([accuracy_on(result, data.test) for result in found])
    mean, half = accuracies.mean(), half_width(accuracies)
    return (
        f"{name:9}  {mean:6.1%}   {mean - half:6.1%} to {mean + half:6.1%}   "
        f"{accuracies.min():6.1%}   {accuracies.max():7.1%}   {together(found, data):8.1%}   "
        f"{seconds:.1f}"
    )


def half_width(accuracies: NDArray[np.float64]) -> float:
    """Return half of the 95 % interval of the mean over independent seeds."""
    deviation = accuracies.std(ddof=1) / np.sqrt(len(accuracies))
    return t_quantile(len(accuracies) - 1) * float(deviation)


def together(results: Iterable[Result], data: DataSet) -> float:
    """Return the accuracy of the mean of the runs' probabilities."""
    mean = np.mean([probabilities(result, data.test.inputs) for result in results], axis=0)
    chosen = of_classes(mean).argmax(0)
    return float((chosen == data.test.targets).mean())


if __name__ == "__main__":
    main()
