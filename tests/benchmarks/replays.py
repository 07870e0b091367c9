"""Where runs are equal to the bit: trained here, replayed with other threads and CPU kernels.

    python -m tests.benchmarks.replays [--data FOLDER]

Trains the published network in each kind of space, and prints a table in Markdown of how far the
replays are off: the largest difference of any array, as a share of its largest number. Threads
and kernels are those of the child processes that train and replay, set by OPENBLAS_NUM_THREADS,
OPENBLAS_CORETYPE (OpenBLAS emulates no instruction: it takes an older kernel) and
NPY_DISABLE_CPU_FEATURES (NumPy's own loops).
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from catpipe.shell.runs.provenance import default_folder
from catpipe.shell.runs.run_file import load_run

BATCHES = ("--batch-size", "64", "--epochs", "200")
RUNS: Mapping[str, tuple[str, ...]] = {
    "dual form": (),
    "dual form, float32": ("--dtype", "float32"),
    "subspace": (*BATCHES, "--optimizer", "heavy_ball", "--learning-rate", "0.001"),
    "full space, Adam": (*BATCHES, "--optimizer", "adam", "--learning-rate", "0.0002"),
    "full space": ("--full-space", "--iterations", "300"),
}
TWO = {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}
REPLAYS: Mapping[str, Mapping[str, str]] = {
    "as it was trained": {},
    "two BLAS threads": TWO,
    **{
        f"OpenBLAS's {kernel} kernel": {"OPENBLAS_CORETYPE": kernel}
        for kernel in ("Prescott", "Nehalem", "Sandybridge", "Haswell", "SkylakeX")
    },
    "NumPy without AVX-512": {"NPY_DISABLE_CPU_FEATURES": "X86_V4"},
    "NumPy without AVX2": {"NPY_DISABLE_CPU_FEATURES": "X86_V4 X86_V3"},
}


def main() -> None:
    """Train, replay, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    data = str((parser.parse_args().data or default_folder()).resolve())
    with TemporaryDirectory() as folder:
        runs = {name: Path(folder, f"{i}.h5") for i, name in enumerate(RUNS)}
        for name, path in runs.items():
            _catpipe({}, "train", *RUNS[name], "--data", data, "--out", str(path))
        print(f"| replayed with | {' | '.join(runs)} |\n|---|{'---|' * len(runs)}")
        for name, environment in REPLAYS.items():
            cells = (_cell(_catpipe(environment, "replay", str(path))) for path in runs.values())
            print(f"| {name} | {' | '.join(cells)} |", flush=True)
        _, made_with = load_run(runs["dual form"]).environments[0]
        print("\ntrained with", ", ".join(f"{name} {value}" for name, value in made_with.items()))


def _cell(output: str) -> str:
    """Return the difference that a replay printed."""
    if "\nidentical: " in output:
        return "identical"
    return re.findall(r"off by (\S+) of", output)[0]


def _catpipe(environment: Mapping[str, str], *arguments: str) -> str:
    """Return what a command prints in a process of its own; 1 is the status of a difference."""
    command = [sys.executable, "-m", "catpipe", *arguments]
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
    one = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        env={**inherited, **one, **environment},
    )
    if done.returncode not in (0, 1):
        sys.exit(f"{' '.join(command)} ended with status {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    main()
