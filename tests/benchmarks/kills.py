"""Runs that are killed at random moments: their files then, and their results in the end.

    python -m tests.benchmarks.kills [--runs 200] [--seed 1] [--data FOLDER] [--minutes 20]

Each run is a process that saves often. SIGKILL ends it at a random moment of its training, and up
to two times more after it is resumed; then it runs to its end. After each kill its file must load
and must have lost no more than one save interval. In the end it must be equal, byte for byte, to
the file of a run that never stopped, with no draft beside it. Exits with 1 if not. 20 runs take
about 3 minutes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
from numpy.random import Generator

from catpipe.random import generator
from catpipe.shell.cli import session
from catpipe.shell.cli.main import main as catpipe
from catpipe.shell.cli.signals import saved
from catpipe.shell.runs.run_file import Run, load_run, save_run
from catpipe.shell.storage.atomic import DataError
from catpipe.training.stopping import Checkpoint

AT, SAVING = 0, 1  # the slots in which a child notes its iteration, and whether it saves
SEEN = ("runs", "kills", "in a save", "drafts then", "before any", "over first")
BROKEN = ("unloadable", "lost more", "failed", "unequal", "drafts left")


class Setup(NamedTuple):
    """The options of a run, and how often it is saved."""

    name: str
    options: str
    every: int


class Whole(NamedTuple):
    """A run that nothing stopped: how long it took, how many iterations, and its file."""

    seconds: float
    iterations: int
    content: bytes


SETUPS = (
    Setup("full batch, dual", "--iterations 500", 10),
    Setup("heavy ball, dropout, early stopping, subspace", "--optimizer heavy_ball --dropout 0.2 "
          "--batch-size 32 --epochs 50 --early-stopping 30", 7),
    Setup("adamw, full space, float32", "--layers 10 --optimizer adamw --batch-size 32 "
          "--epochs 35 --full-space --dtype float32", 5),
    Setup("nesterov, l2, class weights, dual", "--layers 20,7 --optimizer nesterov --l2 0.1 "
          "--class-weight balanced --iterations 400", 20),
)  # fmt: skip


def child(noted: Path, arguments: list[str]) -> int:
    """Run catpipe with these arguments; note each iteration, and each save before it starts."""
    slots = np.memmap(noted, np.int64, "r+")

    def note(checkpoint: Checkpoint) -> Checkpoint:
        slots[AT] = checkpoint.state.iteration
        return checkpoint

    def noted_save(path: Path, run: Run) -> None:
        slots[SAVING] = 1
        save_run(path, run)
        slots[SAVING] = 0

    def noted_states(checkpoints: Iterable[Checkpoint], **how: Any) -> Iterator[Checkpoint]:
        return saved(map(note, checkpoints), **how)

    with patch.multiple(session, saved=noted_states, save_run=noted_save):
        return catpipe(arguments)


def started(noted: Path, arguments: list[str]) -> tuple[subprocess.Popen[bytes], np.memmap]:
    """Return a child that trains already, or has ended, and its notes."""
    slots = np.memmap(noted, np.int64, "w+", shape=(2,))
    slots[:] = -1, 0
    command = [sys.executable, "-m", "tests.benchmarks.kills", "--child", str(noted), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while slots[AT] < 0 and process.poll() is None:
        sleep(0.001)
    return process, slots


def command_of(setup: Setup, data: Path, out: Path) -> list[str]:
    """Return the arguments that start the run or, where it has a file, resume it."""
    every = ["--save-every", str(setup.every)]
    if out.exists():
        return ["resume", str(out), *every]
    return ["train", *setup.options.split(), "--data", str(data), "--out", str(out), *every]


def uninterrupted(setup: Setup, data: Path) -> Whole:
    """Return the run that is saved at its end only, and the time that it takes when saved often."""
    with TemporaryDirectory() as folder:
        alone, often = Path(folder, "alone.h5"), Path(folder, "often.h5")
        command = [sys.executable, "-m", "catpipe", *command_of(setup, data, alone)[:-2]]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        process, _ = started(Path(folder, "noted"), command_of(setup, data, often))
        since = perf_counter()
        process.wait()
        return Whole(perf_counter() - since, iteration_in(alone), alone.read_bytes())


def iteration_in(out: Path) -> int:
    """Return the iteration that the file holds, 0 where there is no file."""
    return load_run(out).result.iterations_done if out.exists() else 0


def killed(arguments: list[str], noted: Path, out: Path, after: float, every: int) -> Counter[str]:
    """Kill a run after so many seconds of training; return the counts of what happened."""
    process, slots = started(noted, arguments)
    sleep(after)
    process.kill()
    if (status := process.wait()) >= 0:
        return Counter({"over first": 1, "failed": int(status != 0)})
    counts = Counter({"kills": 1, "in a save": int(slots[SAVING]), "before any": not out.exists()})
    counts["drafts then"] = len({*out.parent.iterdir()} - {out})
    try:
        counts["lost more"] = int(slots[AT] - iteration_in(out) > every)
    except DataError as error:
        print(error, flush=True)
        counts["unloadable"] = 1
    return counts


def stopped(setup: Setup, run: Whole, data: Path, folder: Path, random: Generator) -> Counter[str]:
    """Kill a run one to three times and resume it to its end; return the counts."""
    out, counts = folder / "kept" / "run.h5", Counter(runs=1)
    out.parent.mkdir()
    for _ in range(random.integers(1, 4)):
        left = run.seconds * (1 - iteration_in(out) / run.iterations)
        arguments = command_of(setup, data, out)
        counts.update(
            killed(arguments, folder / "noted", out, random.uniform(0, left), setup.every)
        )
        if counts["unloadable"] or counts["over first"]:
            break
    process, _ = started(folder / "noted", command_of(setup, data, out))
    counts["failed"] += process.wait() != 0
    counts["unequal"] += not out.exists() or out.read_bytes() != run.content
    counts["drafts left"] += len({*out.parent.iterdir()} - {out})
    return counts


def main() -> int:
    """Kill the runs of each setup, print the counts, and return whether a law is broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, default=Path("data/drawn"))
    parser.add_argument("--minutes", type=float, default=20, help="no run starts later")
    options, since = parser.parse_args(), perf_counter()
    found: dict[str, Counter[str]] = {setup.name: Counter() for setup in SETUPS}
    runs = [(setup, min(uninterrupted(setup, options.data) for _ in range(3))) for setup in SETUPS]
    for setup, run in runs:
        print(f"{setup.name}: {run.seconds:.2f} s, saved each {setup.every} iterations", flush=True)
    for i, (setup, run) in zip(range(options.runs), cycle(runs), strict=False):
        if perf_counter() - since > options.minutes * 60:
            break
        with TemporaryDirectory() as folder:
            counts = stopped(setup, run, options.data, Path(folder), generator(options.seed, i))
        found[setup.name].update(counts)
    return report(found, perf_counter() - since)


def report(found: dict[str, Counter[str]], seconds: float) -> int:
    """Print the table and whether the laws hold; return 1 if one is broken, else 0."""
    width = max(map(len, found))
    print(" " * width, *(f"{column:>11}" for column in SEEN + BROKEN))
    for name, counts in found.items():
        print(f"{name:{width}}", *(f"{counts[column]:11}" for column in SEEN + BROKEN))
    total = sum(found.values(), Counter())
    broken = sum(total[column] for column in BROKEN)
    print(f"{total['runs']} runs, killed {total['kills']} times, {total['in a save']} of them in "
          f"a save, in {seconds:.0f} s: "
          f"{f'{broken} times a law was broken' if broken else 'every law held'}")  # fmt: skip
    return int(broken > 0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        sys.exit(child(Path(sys.argv[2]), sys.argv[3:]))
    sys.exit(main())
