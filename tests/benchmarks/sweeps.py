"""A sweep of 48 experiments that is killed ten times, and how much faster two workers are.

    python -m tests.benchmarks.sweeps --iterations 600

Prints how many runs were saved when it was last killed, whether the folder that it ends with is the
one of a sweep that was left alone, and how many runs were trained twice that had been saved.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter, sleep

GRID = """
iterations = {iterations}
[grid]
learning-rate = [0.0075, 0.01, 0.02, 0.03]
l2 = [0.0, 0.01, 0.02, 0.03]
seed = "1..3"
"""


def main() -> None:
    """Print what killing does to a sweep, and the ratio of one worker's time to two workers'."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--iterations", type=int, default=2500)
    parser.add_argument("--data", type=Path, default=Path("data/drawn"))
    parser.add_argument("--kills", type=int, default=10)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        config = Path(folder, "grid.toml")
        config.write_text(GRID.format(iterations=options.iterations))
        typed = [sys.executable, "-m", "catpipe", "sweep", "--config", str(config)]
        typed += ["--data", str(options.data)]
        print_kills(typed, Path(folder), options.kills)
        one, two = (seconds([*typed, "--out", f"{folder}/{n}", "--workers", n]) for n in "12")
        print(f"one worker {one:.1f} s, two workers {two:.1f} s: {one / two:.2f} times as fast")


def print_kills(typed: list[str], folder: Path, kills: int) -> None:
    """Kill a sweep so often, end it, and print how it differs from one that was left alone."""
    whole, killed, chance = folder / "whole", folder / "killed", Random(1)
    alone = seconds([*typed, "--out", str(whole)])
    again = 0
    for _ in range(kills):
        ended = written(killed)
        process = subprocess.Popen([*typed, "--out", str(killed)], stdout=subprocess.DEVNULL)
        sleep(2 + chance.random() * alone / 3)  # two, to begin
        process.kill()
        process.wait()
        again += sum(written(killed)[name] != when for name, when in ended.items())
    ended = written(killed)
    seconds([*typed, "--out", str(killed)])
    again += sum(written(killed)[name] != when for name, when in ended.items())
    equal = {p.name: p.read_bytes() for p in whole.iterdir()} == {
        p.name: p.read_bytes() for p in killed.iterdir()
    }
    print(f"{len(written(whole))} runs in {alone:.1f} s; killed {kills} times, {len(ended)} saved")
    print(f"{'equal' if equal else 'UNEQUAL'} bytes; {again} runs trained twice that had ended")


def written(folder: Path) -> dict[str, int]:
    """Return when each run of a folder was written, in nanoseconds."""
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.h5")}


def seconds(command: list[str]) -> float:
    """Return how long a command takes; it is to go well."""
    since = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - since


if __name__ == "__main__":
    main()
