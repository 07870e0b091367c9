"""Memory that a step frees is there for the next step."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import numpy as np
{first}
def faults(): return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
before = faults()
for _ in range(50):
    np.ones(500_000) + np.ones(500_000)
print(faults() - before)
"""


def faults(first: str) -> int:
    """Return how often a program that begins so asks the system for a page in fifty steps."""
    program = FAULTS.format(first=first)
    told = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=told
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries do as they do")
def test_arrays_of_each_step_take_the_memory_of_the_step_before():
    assert faults("import catpipe.training") < faults("pass") / 5
