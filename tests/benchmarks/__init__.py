"""Benchmarks. Importing this sets the number of threads: one, or `OMP_NUM_THREADS`.

A program that is run says first how long it takes, as the page of the benchmarks has it.
"""

import os
import re
import sys
from pathlib import Path

THREADS = int(os.environ.setdefault("OMP_NUM_THREADS", "1"))
for library in ("OPENBLAS", "MKL", "VECLIB_MAXIMUM", "NUMEXPR"):
    os.environ[f"{library}_NUM_THREADS"] = str(THREADS)
os.environ["NPROC"] = str(THREADS)  # the size of XLA's thread pool
os.environ["XLA_FLAGS"] = (
    f"--xla_cpu_multi_thread_eigen={str(THREADS > 1).lower()} "
    f"intra_op_parallelism_threads={THREADS}"
)


HELPERS = {
    "__init__",
    "contest",
    "dual_form",
    "growth",
    "loaders",
    "peers",
    "plot",
    "problem",
    "tasks",
    "trainers",
}


def programs() -> set[str]:
    """Return the names of the programs."""
    return {path.stem for path in Path(__file__).parent.glob("*.py")} - HELPERS


def durations() -> dict[str, str]:
    """Return how long each program takes, in words, by its name."""
    first_section, *_ = (Path(__file__).parent / "README.md").read_text().split("\n## ")
    return dict(re.findall(r"^\| `(\w+)`[^|]*\| ([^|]+?) \|", first_section, re.MULTILINE))


def _program() -> str:
    """Return the name of the program that `python -m` runs, where it is one of these."""
    return next((of.rpartition(".")[2] for of in sys.orig_argv if of.startswith(__name__)), "")


if (duration := durations().get(_program())) and "--help" not in sys.argv:
    print(f"{_program()}: takes about {duration}", file=sys.stderr)
