"""Trained parameters in files of arrays alone: safetensors (extra `safetensors`), and NumPy's npz.

Arrays have the names and shapes that they have in a run file: `W1` (units, fan_in), `b1` (units,
1), `transform1.mean`, ..., with a leading axis where there are several networks. Equal runs make
equal bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from catpipe.experiments.result import Result, checked_result
from catpipe.nn.arrays import Array

MARK = "catpipe_export"
"""The key of the metadata that say what was exported: in every file that we make."""


def named_arrays(result: Result, dtype: DTypeLike | None = None) -> dict[str, Array]:
    """Return the trained arrays of a result by name, in this type or as they are.

    Raises `ValueError` for numbers beyond the type.

    >>> list(named_arrays(fit(Experiment(seed=1, hidden=()), pictures)))
    ['W1', 'b1']
    """
    trained = checked_result(result)
    learned = {
        f"transform{number}.{name}": array
        for number, arrays in enumerate(trained.fitted, start=1)
        for name, array in arrays.items()
    }
    every = {**trained.parameters, **learned}
    return {name: _as_type(name, array, dtype) for name, array in every.items()}


def _as_type(name: str, array: Array, dtype: DTypeLike | None) -> Array:
    with np.errstate(over="ignore"):  # an infinity is refused next
        converted = np.ascontiguousarray(array, array.dtype if dtype is None else dtype)
    if not np.isfinite(converted).all():
        most = float(np.abs(array).max())
        raise ValueError(
            f"{name} has {most:g}; expected numbers of {np.dtype(dtype)}: choose float64"
        )
    return converted


def to_safetensors(
    arrays: Mapping[str, Array], classes: Sequence[str], facts: Mapping[str, str]
) -> bytes:
    """Return the arrays as a file of safetensors; class names and facts are its metadata.

    Raises `ImportError`, with the command that installs it, where safetensors is missing.

    >>> b"class_names" in to_safetensors({"b1": np.zeros((1, 1))}, ("no", "yes"), {})
    True
    """
    try:
        from safetensors.numpy import save
    except ImportError as error:
        raise ImportError(
            "safetensors is missing; such files need it: pip install 'catpipe[safetensors]'"
        ) from error
    texts = {MARK: "1", "class_names": json.dumps([*classes]), **facts}
    return _with_sorted_header(save(dict(arrays), texts))


def _with_sorted_header(content: bytes) -> bytes:
    """Return the file with its metadata in order; the library writes them in another each time."""
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    padded = text + b" " * (-len(text) % 8)
    return len(padded).to_bytes(8, "little") + padded + content[end:]


def to_npz(arrays: Mapping[str, Array], classes: Sequence[str], facts: Mapping[str, str]) -> bytes:
    """Return the arrays as a file of NumPy's, with the class names and facts as arrays of text.

    >>> from io import BytesIO
    >>> content = to_npz({"b1": np.zeros((1, 1))}, ("no", "yes"), {})
    >>> np.load(BytesIO(content))["class_names"]
    array(['no', 'yes'], dtype='<U3')
    """
    texts = {MARK: "1", **facts, "class_names": [*classes]}
    every: dict[str, Any] = {**arrays, **{name: np.array(of, str) for name, of in texts.items()}}
    file = BytesIO()
    np.savez(file, **every)
    return file.getvalue()
