"""The versions of catpipe, and of what it computes with."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from catpipe.shell.runs.environment import environment

EXTRAS = ("matplotlib", "pillow", "tqdm", "threadpoolctl", "scikit-learn", "onnx", "onnxruntime",
          "safetensors", "jax", "distributed", "shtab")  # fmt: skip


def version_lines() -> Iterator[str]:
    """Return the lines of `catpipe --version`: catpipe, its libraries, and the extras found.

    >>> [line.split()[0] for line in version_lines()]
    ['catpipe', 'Python', 'extras:']
    """
    now = environment()
    yield f"catpipe {now['catpipe']}"
    yield (
        f"Python {platform.python_version()}, NumPy {now['numpy']}, h5py {now['h5py']}, "
        f"HDF5 {now['hdf5']}, BLAS {now['blas']}"
    )
    found = (f"{name} {number}" for name in EXTRAS if (number := _version(name)))
    yield f"extras: {', '.join(found) or 'none'}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
