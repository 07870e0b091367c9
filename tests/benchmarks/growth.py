"""How the cost of a catpipe run grows with the size of the problem, and peak memory."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from catpipe.data.batches import full_batches
from catpipe.data.examples import Examples, targets
from catpipe.data.transforms.columns import pixels
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import fit
from catpipe.experiments.setup import network_for
from catpipe.nn.initializers import initialize_parameters
from catpipe.optim.optimizers import gradient_descent
from catpipe.shell.storage.datasets import load_data
from catpipe.training.loop import initial_state, make_step, train
from tests.benchmarks.peers import PEERS
from tests.benchmarks.problem import OURS, Contestant, fit_stack, published

ITERATIONS_IN_A_CHILD = 10


class Size(NamedTuple):
    """A problem's size; by default the published network on 209 pictures of 32 x 32."""

    side: int = 32
    examples: int = 209
    hidden: tuple[int, ...] = (20, 7, 5)
    networks: int = 1


LINES: dict[str, dict[int, Size]] = {
    "examples, of 768 features": {n: Size(16, n) for n in (96, 192, 384, 768, 1536)},
    "examples, of 300 features": {n: Size(10, n) for n in (150, 300, 600, 1200, 5000)},
    "features": {3 * side**2: Size(side) for side in (16, 32, 64, 96)},
    "depth, of layers of 20": {depth: Size(hidden=(20,) * depth) for depth in (1, 2, 4, 8)},
    "width of the first layer": {width: Size(hidden=(width, 7, 5)) for width in (10, 20, 40, 80)},
    "networks": {count: Size(networks=count) for count in (1, 4, 16, 64)},
}


def grow(dtype: str, iterations: int, rounds: int) -> dict[str, dict[str, Any]]:
    """Return for each way to grow its sizes, their seconds and the slope of log on log.

    `full_space` is the same fold with no change of basis, timed on a tenth of the iterations.
    """
    return {line: _along(sizes, dtype, iterations, rounds) for line, sizes in LINES.items()}


def _along(sizes: dict[int, Size], dtype: str, iterations: int, rounds: int) -> dict[str, Any]:
    experiment = Experiment(seed=1, dtype=dtype, iterations=iterations)
    pairs = [_timed(size, experiment, rounds) for size in sizes.values()]
    fitted, full = ([float(t) for t in times] for times in zip(*pairs, strict=True))
    return {
        "sizes": list(sizes),
        "seconds": fitted,
        "full_space": full,
        "slope": slope(sizes, fitted),
        "full_space_slope": slope(sizes, full),
    }


def slope(sizes: Iterable[int], seconds: Iterable[float]) -> float:
    """Return the least-squares slope of log seconds on log size.

    >>> round(slope([1, 2, 4], [3.0, 12.0, 48.0]), 6)
    2.0
    """
    return float(np.polyfit(np.log(list(sizes)), np.log(list(seconds)), deg=1)[0])


def _timed(size: Size, experiment: Experiment, rounds: int) -> tuple[float, float]:
    random = np.random.default_rng(1)
    images = random.integers(0, 256, (size.examples, size.side, size.side, 3), np.uint8)
    pictures = Examples(images, random.integers(0, 2, size.examples))
    experiment = experiment._replace(hidden=size.hidden)
    seeds = tuple(range(size.networks))
    turns = [
        (_fitting(experiment, pictures, seeds), _in_full_space(experiment, pictures))
        for _ in range(rounds)
    ]
    fitted, full = (median(times) for times in zip(*turns, strict=True))
    return fitted, full * size.networks


def _fitting(experiment: Experiment, pictures: Examples, seeds: tuple[int, ...]) -> float:
    """Return the seconds to train one network, or all of a stack."""
    began = perf_counter()
    if len(seeds) == 1:
        fit(experiment, pictures)
    else:
        fit_stack(experiment, pictures, seeds)
    return perf_counter() - began


def _in_full_space(experiment: Experiment, pictures: Examples) -> float:
    """Return the seconds to train one network on the columns as they are."""
    began = perf_counter()
    X = pixels(pictures.inputs, experiment.dtype)
    Y = targets(pictures.targets, dtype=experiment.dtype)
    net, descent = network_for(experiment, len(X)), gradient_descent(experiment.learning_rate)
    start = initialize_parameters(net, experiment.seed, dtype=experiment.dtype)
    state = initial_state(descent, start)
    tenth = max(1, experiment.iterations // 10)
    prepared = perf_counter()
    train(make_step(net, descent), full_batches(X, Y, tenth), state)
    return prepared - began + (perf_counter() - prepared) * experiment.iterations / tenth


def peak_memory(contestants: Iterable[Contestant], folder: Path, dtype: str) -> dict[str, Any]:
    """Return the MiB that a process of each comes to: before its run, and with it.

    Linux counts what the parent holds as the child's own peak: so measure before all else.
    """
    command = [sys.executable, "-m", "tests.benchmarks.growth", str(folder), dtype]
    outputs = {
        contestant.name: subprocess.run(
            [*command, contestant.name], capture_output=True, text=True, check=True
        ).stdout
        for contestant in contestants
    }
    return {name: json.loads(output) for name, output in outputs.items()}


def _peak() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def child(folder: str, dtype: str, name: str) -> None:
    """Print the peak memory before a short run and after it."""
    contestant = next(each for each in (OURS, *PEERS) if each.name == name)
    __import__(contestant.module)
    problem = published(load_data(folder).train, dtype)
    before = _peak()
    ready = contestant.prepare(problem, ITERATIONS_IN_A_CHILD)
    ready.run(ready.begin())
    print(json.dumps({"before": before, "with_run": _peak()}))


if __name__ == "__main__":
    child(*sys.argv[1:])
