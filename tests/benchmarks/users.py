"""Fast where ordinary users are? A training step of catpipe beside those of its peers.

    python -m tests.benchmarks.users [--threads 1 2] [--data FOLDER] [--only NAME ...] [--quick]

Every contestant trains the same network from the same start on the same batches in the same order,
in turns in one process. Before it is timed, its parameters after six steps on a few examples must
be catpipe's (in float32 that is a weak check, in float64 a strict one of the same code), or its row
is refused. A cell shows the microseconds of a step, and catpipe's time over it: below 1 catpipe is
faster. catpipe trains in the space that a `fit` of 2,500 iterations would choose, and its step
includes a share of the way there and back, except where all are given the dual form. Orders are
drawn in catpipe's time, before that of the others. What JAX takes to compile stands by itself.

`--only` takes beginnings of rows' names; `--quick` only shows that it runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from catpipe.data.sampling import Indices
from catpipe.data.transforms.columns import pixels
from catpipe.nn.arrays import Array
from catpipe.optim.optimizers import Optimizer, adam, gradient_descent, heavy_ball
from catpipe.shell.runs.environment import environment
from catpipe.shell.runs.provenance import default_folder
from catpipe.shell.storage.datasets import load_data
from tests.benchmarks import THREADS
from tests.benchmarks.dual_form import (
    Descent,
    jax_dual,
    numpy_dual,
    products_alone,
    torch_dual,
)
from tests.benchmarks.problem import Ready
from tests.benchmarks.tasks import PLANNED, Task, apart, few, ours, ours_compiled, task
from tests.benchmarks.trainers import (
    cost_by_columns,
    cost_by_rows,
    jax_scan,
    numpy_by_hand,
    scikit_learn,
    torch_autograd,
    torch_by_hand,
)

TOLERANCES = {"float64": 1e-9, "float32": 1e-3}
CHECKED = 6  # steps, two epochs of a few examples


class Contestant(NamedTuple):
    """What prepares it for a task and so many steps.

    Where its preparation `counts`, a step has its share of it, of the planned iterations; what
    `compiles` is shown apart. The fastest is one of the peers.
    """

    name: str
    prepare: Callable[[Task, int], Ready]
    module: str = "numpy"
    counts: bool = False
    compiles: bool = False
    is_peer: bool = True


COMPILED = Contestant(
    "catpipe, compiled", ours_compiled, "jax", counts=True, compiles=True, is_peer=False
)
CONTESTANTS = (
    Contestant("catpipe", ours, counts=True),
    COMPILED,
    Contestant("JAX, columns", partial(jax_scan, cost_by_columns), "jax", compiles=True),
    Contestant("JAX, rows", partial(jax_scan, cost_by_rows), "jax", compiles=True),
    Contestant("PyTorch, by hand", torch_by_hand, "torch"),
    Contestant("PyTorch, autograd", torch_autograd, "torch"),
    Contestant("scikit-learn", scikit_learn, "sklearn"),
    Contestant("NumPy, by hand", numpy_by_hand),
)


def given(prepare: Callable[[Descent], Ready], of: Task, steps: int) -> Ready:
    """Prepare a contestant that is given the dual form; a turn begins and ends in it."""
    descent: Any = of.optimizer
    return prepare(Descent(of.rows, of.Y, dict(of.start), descent.learning_rate, steps))


IN_DUAL = (
    Contestant("catpipe", ours),
    COMPILED._replace(counts=False),
    Contestant("JAX", partial(given, jax_dual), "jax", compiles=True),
    Contestant("PyTorch", partial(given, torch_dual), "torch"),
    Contestant("NumPy, inline", partial(given, numpy_dual)),
    Contestant("its large product alone", partial(given, products_alone), is_peer=False),
)


class Row(NamedTuple):
    """A task, made of a source of examples, and how many steps a turn has."""

    name: str
    examples: Callable[[Namespace, str], tuple[Array, Indices]]
    hidden: tuple[int, ...]
    optimizer: Optimizer
    size: int | None
    steps: int
    our_steps: int | None = None  # where catpipe's are far shorter
    contestants: tuple[Contestant, ...] = CONTESTANTS


def digits(_: Namespace, dtype: str) -> tuple[Array, Indices]:
    """Return scikit-learn's digits, 1,797 x 64."""
    from sklearn.datasets import load_digits

    rows, labels = load_digits(return_X_y=True)
    return (rows / 16).astype(dtype), labels.astype(np.int64)


def photographs(options: Namespace, dtype: str) -> tuple[Array, Indices]:
    """Return the training pictures, 209 x 12,288 where they are the photographs."""
    images, labels, _ = load_data(options.data or default_folder()).train
    return np.ascontiguousarray(pixels(images, dtype).T), np.asarray(labels, np.int64)


def drawn(
    examples: int, features: int, classes: int, _: Namespace, dtype: str
) -> tuple[Array, Indices]:
    """Return numbers in [0, 1), and classes that have nothing to do with them."""
    draws = np.random.default_rng(1)
    labels = draws.integers(classes, size=examples)
    return draws.random((examples, features), np.dtype(dtype).type), labels


MANY, SOME = partial(drawn, 60_000, 784, 10), partial(drawn, 6_000, 784, 10)
WIDE = partial(drawn, 5_000, 20_000, 2)
PUBLISHED = (20, 7, 5)
ADAM, BALL = adam(0.001), heavy_ball(0.001)
DESCENT, SLOW = gradient_descent(0.0075), gradient_descent(1e-4)
ROWS = (
    Row("digits, batches of 32", digits, (100,), ADAM, 32, PLANNED),
    Row("digits, batches of 64", digits, (100,), ADAM, 64, PLANNED),
    Row("digits, batches of 200", digits, (100,), ADAM, 200, PLANNED),
    Row("digits, eight layers of 20, batches of 64", digits, (20,) * 8, ADAM, 64, PLANNED),
    Row("60,000 x 784, batches of 32", MANY, (100,), ADAM, 32, 1000),
    Row("60,000 x 784, batches of 64", MANY, (100,), ADAM, 64, 600),
    Row("60,000 x 784, batches of 200", MANY, (100,), ADAM, 200, 300),
    Row("6,000 x 784, two layers of 512, batches of 64", SOME, (512, 512), ADAM, 64, 100),
    Row("6,000 x 784, two layers of 512, batches of 200", SOME, (512, 512), ADAM, 200, 50),
    Row("photographs, all at once", photographs, PUBLISHED, ADAM, None, 100),
    Row("5,000 x 20,000, batches of 64", WIDE, (20,), SLOW, 64, 100),
    Row("5,000 x 20,000, all at once", WIDE, (20,), SLOW, None, 2, 8),
    Row("photographs, heavy ball, batches of 64", photographs, PUBLISHED, BALL, 64, 99, PLANNED),
    Row(
        "photographs, in the dual form",
        photographs,
        PUBLISHED,
        DESCENT,
        None,
        PLANNED,
        None,
        IN_DUAL,
    ),
)


class Entry(NamedTuple):
    """A contestant at the line; `once` counts over the planned iterations."""

    contestant: Contestant
    ready: Ready
    steps: int
    compiled: float  # seconds, with a first run
    once: float
    weights: dict[str, Any]


def entries(row: Row, of: Task) -> list[Entry]:
    """Return the contestants that are installed here, prepared, each after a first run."""
    return [_entry(row, of, each) for each in present(row)]


def present(row: Row) -> list[Contestant]:
    """Return the contestants that are installed here."""
    return [each for each in row.contestants if find_spec(each.module)]


def _entry(row: Row, of: Task, each: Contestant) -> Entry:
    steps = (each.counts and row.our_steps) or row.steps
    began = perf_counter()
    ready = each.prepare(of, steps)
    prepared = perf_counter() - began
    ended = ready.run(ready.begin())
    compiled = perf_counter() - began
    began = perf_counter()
    weights = ready.weights(ended)
    once = prepared + perf_counter() - began if each.counts else 0
    return Entry(each, ready, steps, compiled, once, weights)


def microseconds(entry: Entry) -> float:
    """Return what a step takes in one turn."""
    start = entry.ready.begin()
    began = perf_counter()
    entry.ready.run(start)
    return 1e6 * ((perf_counter() - began) / entry.steps + entry.once / PLANNED)


def line(row: Row, dtype: str, options: Namespace) -> str:
    """Return a row of the table, or what is wrong with it."""
    of = task(*row.examples(options, dtype), row.hidden, row.optimizer, row.size)
    checked = entries(row._replace(steps=CHECKED, our_steps=None), few(of))
    off = {each.contestant.name: apart(checked[0].weights, each.weights) for each in checked}
    if wrong := {name: by for name, by in off.items() if not by <= TOLERANCES[dtype]}:
        return f"| {row.name} | {dtype} | NOT THE SAME PARAMETERS: {wrong} |"
    return _cells(row.name, dtype, checked if options.quick else entries(row, of), options.turns)


def _cells(name: str, dtype: str, there: list[Entry], turns: int) -> str:
    times = [[*map(microseconds, there)] for _ in range(turns)]
    first, *others = (median(of_one) for of_one in zip(*times, strict=True))
    ratios = [median(turn[0] / turn[i] for turn in times) for i in range(1, len(there))]
    cells = [f"{us:,.0f} ({ratio:.2f})" for us, ratio in zip(others, ratios, strict=True)]
    peers = [of for of, each in zip(ratios, there[1:], strict=True) if each.contestant.is_peer]
    compiled = "/".join(f"{each.compiled:.1f}" for each in there if each.contestant.compiles)
    return " | ".join(
        (f"| {name}", dtype, f"{first:,.0f}", *cells, f"**{max(peers):.2f}**", f"{compiled} |")
    )


def head(row: Row) -> str:
    """Return the head of the table of this row's contestants."""
    names = ["", "type", *(each.name for each in present(row)), "fastest", "compiling, s"]
    return f"| {' | '.join(names)} |\n|{'---|' * len(names)}"


def parser() -> ArgumentParser:
    """Return the options."""
    options = ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    add = options.add_argument
    add("--threads", type=int, nargs="+", default=[THREADS], help="of each table (%(default)s)")
    add("--data", type=Path, metavar="FOLDER", help="pictures (as for `catpipe train`)")
    add("--only", nargs="+", default=[""], metavar="NAME", help="rows whose names begin so")
    add("--dtypes", nargs="+", default=[*TOLERANCES], choices=TOLERANCES)
    add("--turns", type=int, default=5, help="that each takes (%(default)s)")
    add("--quick", action="store_true", help="only show that it runs")
    return options


def show(options: Namespace) -> int:
    """Print the tables of this process's number of threads; return 1 where a row is wrong."""
    load, here = ", ".join(f"{of:.1f}" for of in os.getloadavg()), environment()
    print(f"threads: {THREADS}; load {load} of {os.cpu_count()} cores; ", end="")
    print(f"{here['blas']} with kernels for {here['blas_kernel']}", end="")
    before, wrong = None, False
    for row in (each for each in ROWS if each.name.startswith(tuple(options.only))):
        if row.contestants is not before:
            print(f"\n\n{head(row)}")
        before = row.contestants
        for dtype in options.dtypes:
            shown = line(row, dtype, options)
            wrong = wrong or "NOT" in shown
            print(shown, flush=True)
    print(f"\nload at the end {os.getloadavg()[0]:.1f}")
    return int(wrong)


def main(arguments: list[str]) -> int:
    """Print the tables of each number of threads, in a process of its own."""
    options = parser().parse_args(arguments)
    if options.quick:
        options.dtypes, options.turns = ["float64"], 1
    if options.threads == [THREADS]:
        return show(options)
    command = [sys.executable, "-m", "tests.benchmarks.users", *arguments, "--threads"]
    runs = (
        subprocess.run(
            [*command, str(threads)],
            env={**os.environ, "OMP_NUM_THREADS": str(threads)},
            check=False,
        )
        for threads in options.threads
    )
    return max(run.returncode for run in runs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
