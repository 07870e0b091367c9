"""catpipe against its peers, side by side in one run on the same data from the same start.

    python -m tests.benchmarks.compare --data FOLDER --out FOLDER

in the checkout, prints tables: the published run, one hundred seeds of it, how a run's cost grows,
and peak memory. `--out` also writes them as JSON, and a plot. The peers are needed by nothing else:

    pip install scikit-learn torch==2.13.0 jax

or, where pip knows of groups, `pip install --group peers`; those that are missing are named and
left out. Each has one thread, or `OMP_NUM_THREADS` of them. `--quick` only shows that it runs.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from catpipe.experiments.experiment import Experiment
from catpipe.shell.runs.provenance import default_folder
from catpipe.shell.storage.datasets import load_data
from tests.benchmarks import THREADS
from tests.benchmarks.contest import Contest, Plan, hold, table
from tests.benchmarks.growth import grow, peak_memory
from tests.benchmarks.peers import PEERS, STACKING
from tests.benchmarks.problem import OUR_STACK, OURS, nudged_cost, published, stacked

CHECKED = {"float64": None, "float32": 50}  # iterations; None: all (the reason: contest.py)
DTYPES = tuple(CHECKED)
PACKAGES = ("catpipe", "numpy", "scikit-learn", "torch", "jax", "jaxlib", "threadpoolctl")
QUICK = {
    "rounds": 1,
    "iterations": 40,
    "peer_iterations": 20,
    "hundred_iterations": 2,
    "networks": 10,
    "growth_iterations": 20,
}


def parser() -> ArgumentParser:
    """Return the options."""
    options = ArgumentParser(description="catpipe against its peers", allow_abbrev=False)
    add = options.add_argument
    add("--data", type=Path, metavar="FOLDER", help="pictures (as for `catpipe train`)")
    add("--out", type=Path, metavar="FOLDER", help="where to write peers.json and peers.png")
    add("--rounds", type=int, default=5, help="turns that each takes (%(default)s)")
    add("--iterations", type=int, default=2500, help="of the run (%(default)s)")
    add("--peer-iterations", type=int, default=500, help="timed of a peer's (%(default)s)")
    add("--networks", type=int, default=100, help="in the stack (%(default)s)")
    add("--hundred-iterations", type=int, default=20, help="timed of its peers' (%(default)s)")
    add("--growth-iterations", type=int, default=500, help="of each run (%(default)s)")
    add("--dtypes", nargs="+", choices=DTYPES, default=DTYPES)
    add("--only", nargs="+", choices=TABLES, default=tuple(TABLES), help="some of the tables")
    add("--quick", action="store_true", help="as few of everything as shows that it works")
    return options


def environment() -> dict[str, Any]:
    """Return what the figures depend on: the machine, the threads, the versions."""
    return {
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "load": [round(load, 2) for load in os.getloadavg()],
        "threads": THREADS,
        "python": platform.python_version(),
        **{package: _version(package) for package in PACKAGES},
    }


def _setting(options: Namespace) -> str:
    images = options.pictures.inputs
    sizes = (images[0].size, *Experiment(seed=1).hidden, 1)
    return (
        f"{len(images)} pictures of {options.data.name}; network {'-'.join(map(str, sizes))}, "
        "full batches, gradient descent; catpipe from pictures and seed, its peers from columns "
        "and parameters, those given the dual form with the way there and back; in turns, in one "
        "process"
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def memory_table(options: Namespace) -> list[dict[str, Any]]:
    """Print and return the peak memory of short runs, each in a process of its own."""
    print("peak memory of a run of 10 iterations, MiB: with its imports and the data, and in all")
    here = [contestant for contestant in (OURS, *PEERS) if find_spec(contestant.module)]
    tables = []
    for dtype in options.dtypes:
        peaks = peak_memory(here, options.data, dtype)
        for name, mib in peaks.items():
            print(f"  {dtype} {name:28} {mib['before']:7.0f} {mib['with_run']:7.0f}")
        tables.append({"dtype": dtype, "MiB": peaks})
    print(flush=True)
    return tables


def published_table(options: Namespace) -> list[Contest]:
    """Print and return the contests over the published run."""
    return [_published_contest(options, dtype) for dtype in options.dtypes]


def _published_contest(options: Namespace, dtype: str) -> Contest:
    run = options.iterations
    checked = min(run, CHECKED[dtype] or run)
    plan = Plan(run, options.peer_iterations, run, checked, options.rounds)
    problem = published(options.pictures, dtype)
    contest = hold(problem, (OURS, *PEERS), plan)
    nudged = abs(nudged_cost(problem, run) - contest.rows[0].cost)
    return _shown(contest._replace(nudged=nudged))


def hundred_table(options: Namespace) -> list[Contest]:
    """Print and return the contests over a stack of seeds."""
    few, seeds = options.hundred_iterations, range(1, options.networks + 1)
    plan = Plan(options.iterations, few, few, few, options.rounds)
    return [
        _shown(hold(stacked(options.pictures, dtype, seeds), (OUR_STACK, *STACKING), plan))
        for dtype in options.dtypes
    ]


def _shown(contest: Contest) -> Contest:
    print(table(contest), end="\n\n", flush=True)
    return contest


def growth_table(options: Namespace) -> dict[str, Any]:
    """Print and return how a run's cost grows."""
    rounds = min(3, options.rounds)
    iterations = options.growth_iterations
    print(f"growth of a run of {iterations:,} iterations, float64, medians of {rounds}: fit, and")
    print("the fold with no change of basis, a tenth of its steps timed and scaled")
    lines = grow("float64", iterations, rounds)
    for line, of in lines.items():
        print(f"  {line}: slope {of['slope']:.2f}, full space {of['full_space_slope']:.2f}")
        for size, ours, full in zip(of["sizes"], of["seconds"], of["full_space"], strict=True):
            print(f"    {size:7,} {ours:8.3f} s {full:8.3f} s  x {full / ours:6.2f}", flush=True)
    return lines


TABLES: dict[str, Callable[[Namespace], Any]] = {
    "memory": memory_table,  # first: see `peak_memory`
    "published": published_table,
    "hundred": hundred_table,
    "growth": growth_table,
}


def _plain(value: Any) -> Any:
    """Return named tuples as dicts, all the way down."""
    if isinstance(value, Contest):
        return {**_plain(value._asdict()), "ratio": value.ratio}
    if hasattr(value, "_asdict"):
        return _plain(value._asdict())
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value


def main(arguments: list[str]) -> int:
    """Print and write the chosen tables; return 1 where a cost differs."""
    options = parser().parse_args(arguments)
    vars(options).update(QUICK if options.quick else {})
    options.data = options.data or default_folder()
    options.pictures = load_data(options.data).train
    before = environment()
    print(", ".join(f"{name} {value}" for name, value in before.items()))
    print(_setting(options), end="\n\n")
    tables = {name: TABLES[name](options) for name in TABLES if name in options.only}
    print(f"load at the end: {environment()['load']}")
    contests = [*tables.get("published", ()), *tables.get("hundred", ())]
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        report = {"environment": before, "load_at_the_end": environment()["load"], **tables}
        (options.out / "peers.json").write_text(json.dumps(_plain(report), indent=1) + "\n")
        _plot(options.out / "peers.png", contests, tables.get("growth", {}))
    return 0 if all(row.same for contest in contests for row in contest.rows) else 1


def _plot(path: Path, contests: list[Contest], growth: dict[str, Any]) -> None:
    if not contests and not growth:
        return
    if find_spec("matplotlib") is None:
        print("matplotlib is missing; the plot needs it: pip install 'catpipe[plots]'")
        return
    from tests.benchmarks.plot import plot

    path.write_bytes(plot(contests, growth))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
