"""What turns the fields of a record's JSON into values, or refuses them: nothing is converted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import index
from re import fullmatch
from reprlib import repr as brief
from typing import Any

from toolz import valmap

from catpipe.experiments.experiment import Experiment, checked
from catpipe.shell.runs.environment import WORDS, Environment
from catpipe.shell.runs.provenance import Digest, Source
from catpipe.training.spaces import SPACES

SEEDS = 2**32


def check_names(fields: Mapping[str, Any], expected: Iterable[str]) -> None:
    """Raise `ValueError` unless the fields have these names.

    >>> check_names({"seed": 1}, ["seed"])
    """
    if apart := fields.keys() ^ {*expected}:
        raise ValueError(f"it lacks, or has beyond what is known, {', '.join(sorted(apart))}")


def _experiment(fields: Any) -> Experiment:
    """Return the experiment of these fields, in which JSON made lists of tuples."""
    check_names(fields, Experiment._fields)
    tuples: dict[str, Any] = valmap(lambda v: tuple(v) if isinstance(v, list) else v, fields)
    return checked(Experiment(**tuples))


def _count(value: Any) -> int:
    if isinstance(value, bool) or not 0 <= index(value) <= 2**53:
        raise ValueError(f"{brief(value)} is no number of at least 0 to count with")
    return int(value)


def _seed(value: Any) -> int:
    if _count(value) >= SEEDS:
        raise ValueError(f"seed is {value}; expected one below {SEEDS}")
    return int(value)


def _float(value: Any) -> float:
    if not isinstance(value, float):
        raise TypeError(f"{brief(value)} is no number")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{brief(value)} is no text")
    return value


def _words(value: Any) -> str:
    if not _text(value).isprintable():
        raise ValueError(f"{brief(value)} is no printable text")
    return str(value)


def _space(value: Any) -> str:
    if value not in [*SPACES]:
        raise ValueError(f"space is {brief(value)}; expected one of {', '.join(SPACES)}")
    return str(value)


def _source(fields: Any) -> Source | None:
    if fields is None:
        return None
    source = Source(**fields)
    return Source(
        None if source.folder is None else _text(source.folder),
        _digest(source.train),
        _digest(source.test),
        None if source.validation is None else _digest(source.validation),
    )


def _digest(fields: Any) -> Digest:
    digest = Digest(**fields)
    return Digest(_text(digest.path), _sha256(digest.sha256))


def _digests(fields: Any) -> dict[str, str]:
    return {name: _sha256(digest) for name, digest in fields.items()}


def _sha256(value: Any) -> str:
    if not fullmatch("[0-9a-f]{64}", value):
        raise ValueError(f"{brief(value)} is no SHA-256")
    return str(value)


def _environment(value: Any) -> tuple[int, Environment]:
    since, fields = value
    check_names(fields, WORDS)
    values = {k: v if isinstance(v, int) else _words(v) for k, v in fields.items()}
    return _count(since), values


def _each(read: Callable[[Any], Any]) -> Callable[[Any], tuple[Any, ...]]:
    def read_each(values: Any) -> tuple[Any, ...]:
        if not isinstance(values, list):
            raise TypeError(f"{brief(values)} is no list")
        return tuple(map(read, values))

    return read_each


READERS: Mapping[str, Callable[[Any], Any]] = {
    "format": _count,
    "experiment": _experiment,
    "input_shape": _each(_count),
    "input_type": _words,
    "classes": _each(_words),
    "seeds": _each(_seed),
    "space": _space,
    "space_description": _words,
    "training_examples": _count,
    "validation_examples": _count,
    "fingerprint": _sha256,
    "weights": lambda value: None if value is None else _sha256(value),
    "transforms": _each(_words),
    "planned_iterations": _count,
    "iteration": _count,
    "state_iteration": _count,
    "best_iteration": lambda value: None if value is None else _count(value),
    "validation_cost": lambda value: None if value is None else _float(value),
    "checks": _count,
    "source": _source,
    "environments": _each(_environment),
    "digests": _digests,
}
"""What turns a field of the JSON into that of a record, or raises an error."""
