"""With what a run was computed: libraries, processor and threads, which decide its last bits."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeAlias

import h5py
import numpy as np

Environment: TypeAlias = Mapping[str, str | int]

WORDS = {
    "catpipe": "catpipe",
    "numpy": "NumPy",
    "h5py": "h5py",
    "hdf5": "HDF5",
    "blas": "BLAS",
    "blas_kernel": "BLAS's CPU kernel",
    "blas_threads": "number of BLAS threads",
    "simd": "NumPy's CPU kernel",
    "machine": "machine",
    "jax": "JAX",
}
OF_COMPILED = ("jax",)  # which other runs have not
UNKNOWN = "unknown"


def environment(*, compiled: bool = False) -> Environment:
    """Return with what this process computes, under the names of `WORDS`: JAX, if it is compiled.

    BLAS's kernel and threads are known where threadpoolctl is installed.

    >>> list(environment(compiled=True)) == list(WORDS)
    True
    """
    blas = _blas()
    return {
        "catpipe": version("catpipe"),
        "numpy": np.__version__,
        "h5py": h5py.__version__,
        "hdf5": h5py.version.hdf5_version,
        "blas": f"{blas.get('internal_api', UNKNOWN)} {blas.get('version', UNKNOWN)}",
        "blas_kernel": str(blas.get("architecture", UNKNOWN)),
        "blas_threads": blas.get("num_threads", UNKNOWN),
        "simd": _simd(),
        "machine": platform.machine(),
        **({"jax": _version("jax")} if compiled else {}),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return UNKNOWN


def changes(before: Environment, after: Environment, between: str = ", here ") -> Iterator[str]:
    """Return what is another, in words.

    >>> [*changes({"numpy": "2.3.0", "simd": "X86_V4"}, {"numpy": "2.4.0", "simd": "X86_V4"})]
    ['NumPy 2.3.0, here 2.4.0']
    """
    for name, words in WORDS.items():
        is_of_both = name not in OF_COMPILED or {name} <= before.keys() & after.keys()
        if is_of_both and (was := before.get(name)) != (now := after.get(name)):
            yield f"{words} {was}{between}{now}"


def described(made_with: Environment) -> dict[str, str | int]:
    """Return an environment by the words for its names, in their order.

    >>> described({"machine": "x86_64", "numpy": "2.4.0"})
    {'NumPy': '2.4.0', 'machine': 'x86_64'}
    """
    return {words: made_with[name] for name, words in WORDS.items() if name in made_with}


def unknown(made_with: Environment) -> Iterator[str]:
    """Return what is not known of an environment, in words.

    >>> [*unknown({"numpy": "2.4.0", "blas_kernel": UNKNOWN})]
    ["BLAS's CPU kernel"]
    """
    return (words for name, words in WORDS.items() if made_with.get(name) == UNKNOWN)


def _blas() -> Mapping[str, Any]:
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        built = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
        return {"internal_api": built["name"].removeprefix("scipy-"), "version": built["version"]}
    libraries = [library for library in threadpool_info() if library["user_api"] == "blas"]
    # SciPy, where it is loaded, brings another.
    return min(libraries, key=lambda library: "numpy" not in library["filepath"], default={})


def _simd() -> str:
    """Return the instructions that NumPy's own loops use: exp's, which differ in the last bit."""
    try:
        from numpy.lib.introspect import opt_func_info
    except ImportError:
        return UNKNOWN
    targets = opt_func_info(func_name="^exp$", signature="float64").get("exp", {}).values()
    return next((str(target["current"]) for target in targets), UNKNOWN)
