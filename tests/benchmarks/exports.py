"""How far models of ONNX are from catpipe: each recipe, and each activation, in two runtimes.

    python -m tests.benchmarks.exports [--data FOLDER]

Trains each recipe as it is, whole, on the training pictures and exports it in float32 and float64;
then networks of the layers 20, 7 and 5 with each activation, for 100 iterations in float64. Prints
the largest difference between the probabilities of a runtime and the run's on the test pictures,
that from what catpipe computes with the same numbers in the type of the model, and how many labels
differ from the run's.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from catpipe.adapters.onnx import export_onnx, to_bytes
from catpipe.adapters.onnx_runtimes import answers, evaluators
from catpipe.data.examples import DataSet
from catpipe.experiments.experiment import ACTIVATIONS, DTYPES, Experiment
from catpipe.experiments.fitting import fit
from catpipe.experiments.result import Result, probabilities
from catpipe.nn.parameters import Parameters
from catpipe.shell.cli.config import completed
from catpipe.shell.cli.readers import recipes
from catpipe.shell.cli.train import experiment_for
from catpipe.shell.runs.provenance import default_folder
from catpipe.shell.storage.datasets import load_data

SHORT = Experiment(seed=1, initializer="he", learning_rate=0.01, iterations=100)


def main() -> None:
    """Print a line for each model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--data", type=Path, help="(default: data/catvnoncat, or data/drawn)")
    options = parser.parse_args()
    folder = options.data or default_folder()
    data = load_data(folder)
    print(
        f"{'trained':22} {'in':8} {'model':8} {'runtime':15} {'from run':>9} {'in type':>9}  "
        "labels  bytes"
    )
    for name, experiment in experiments(folder, data):
        result = fit(experiment, data.train)
        for dtype in sorted(DTYPES):
            print(*lines(name, result, dtype, data), sep="\n", flush=True)


def experiments(folder: Path, data: DataSet) -> Iterator[tuple[str, Experiment]]:
    """Give the recipes and, shortly trained, a network of each activation, by name."""
    for name, path in recipes().items():
        yield name, experiment_for(completed(Namespace(config=path)), folder, data)
    for name in ACTIVATIONS:
        yield f"activation {name}", SHORT._replace(activation=name)


def lines(name: str, result: Result, dtype: str, data: DataSet) -> Iterator[str]:
    """Give a line for each runtime: the largest difference, other labels, and the model's size."""
    inputs = data.test.inputs
    expected = probabilities(result, inputs).T
    in_type = probabilities(computed_in(dtype, result), inputs).T
    content = to_bytes(export_onnx(result, data.classes, dtype))
    for runtime, evaluate in evaluators(content).items():
        found = answers(evaluate, inputs)
        others = int((found.argmax(1) != expected.argmax(1)).sum())
        yield (
            f"{name:22} {result.experiment.dtype:8} {dtype:8} {runtime:15} "
            f"{np.abs(found - expected).max():9.1e} {np.abs(found - in_type).max():9.1e}  "
            f"{others:6}  {len(content):,}"
        )


def computed_in(dtype: str, result: Result) -> Result:
    """Return the result whose numbers, and what is computed with them, are in this type."""

    def cast(parameters: Parameters) -> Parameters:
        return Parameters({name: array.astype(dtype) for name, array in parameters.items()})

    return result._replace(
        experiment=result.experiment._replace(dtype=dtype),
        parameters=cast(result.parameters),
        fitted=tuple(map(cast, result.fitted)),
    )


if __name__ == "__main__":
    main()
