"""The record in a run file: all that a run is but for its arrays, as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from operator import index
from re import fullmatch
from reprlib import repr as brief
from typing import Any, NamedTuple

from toolz import valmap

from catpipe.experiments import Experiment
from catpipe.rules import checked
from catpipe.shell.environments import WORDS, Environment
from catpipe.shell.files import DataError, StrPath
from catpipe.shell.sources import Digest, Source
from catpipe.spaces import SPACES

FORMAT = 3
SEEDS = 2**32


class Record(NamedTuple):
    """What a run file says in its record.

    `end`: the iteration that was asked for; `at`: that of the state, `best`: that of the best so
    far, and `iteration`: that of the parameters. `digests`: the SHA-256 of each array in the file.
    """

    format: int
    experiment: Experiment
    features: int
    classes: tuple[str, ...]
    seeds: tuple[int, ...]
    space: str
    space_name: str
    examples: int
    own: int
    pictures: str
    end: int
    at: int
    best: int
    iteration: int
    validation_cost: float
    waited: int
    source: Source | None
    environments: tuple[tuple[int, Environment], ...]
    digests: Mapping[str, str]


def text_of(record: Record) -> bytes:
    """Return the record as JSON: equal records give equal bytes."""
    source = record.source and {
        name: part._asdict() if isinstance(part, Digest) else part
        for name, part in record.source._asdict().items()
    }
    fields = {**record._asdict(), "experiment": record.experiment._asdict(), "source": source}
    return json.dumps(fields, default=lambda number: number.item(), indent=1).encode()  # NumPy's


def format_of(path: StrPath, text: bytes) -> tuple[Any, Mapping[str, Any]]:
    """Return the format of a record and its fields; raise `DataError` for what is no record."""
    try:
        fields = json.loads(text)
        return fields["format"], dict(fields)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise DataError(
            f"{path}: its record is no JSON object with a format; expected a file that "
            "`catpipe train --out` wrote: name one"
        ) from error


def record_in(path: StrPath, text: bytes) -> Record:
    """Return the record that this text is; raise `DataError` for one that describes no run."""
    version, fields = format_of(path, text)
    if version != FORMAT:
        todo = "train again" if version in range(FORMAT) else "update catpipe"
        raise DataError(
            f"{path}: is a run file of format {brief(version)}; expected {FORMAT}: {todo}"
        )
    try:
        _check_names(fields, READERS)
        record = Record(**{name: read(fields[name]) for name, read in READERS.items()})
        _check_agreement(record)
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        why = f" ({error})" if isinstance(error, ValueError) else ""
        raise DataError(
            f"{path}: its record does not describe a run{why}; expected a file that "
            "`catpipe train --out` wrote: train again"
        ) from error
    return record


def _check_agreement(record: Record) -> None:
    names = record.classes
    if len(names) != record.experiment.classes or len(set(names)) < len(names):
        raise ValueError(
            f"classes are {brief(names)}; expected {record.experiment.classes} printable names"
        )
    if not record.best <= record.at <= record.end:
        raise ValueError(
            f"iterations are out of order: best {record.best}, at {record.at}, end {record.end}"
        )
    if record.iteration not in (record.best, record.at):
        raise ValueError(
            f"its parameters are of an iteration that was not kept: {record.iteration}"
        )
    if record.experiment.epochs is None and record.experiment.iterations != record.end:
        raise ValueError(f"its end is {record.end}; expected {record.experiment.iterations}")
    if record.experiment.early_stopping is None and (record.waited or record.own):
        raise ValueError("it waited, or validates, without early stopping; expected it with both")
    if not record.environments:
        raise ValueError("it has no environment; expected one or more")


def _check_names(fields: Mapping[str, Any], expected: Iterable[str]) -> None:
    if apart := fields.keys() ^ {*expected}:
        raise ValueError(f"it lacks, or has beyond what is known, {', '.join(sorted(apart))}")


def _experiment(fields: Any) -> Experiment:
    """Return the experiment of these fields, in which JSON made lists of tuples."""
    _check_names(fields, Experiment._fields)
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
    _check_names(fields, WORDS)
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
    "features": _count,
    "classes": _each(_words),
    "seeds": _each(_seed),
    "space": _space,
    "space_name": _words,
    "examples": _count,
    "own": _count,
    "pictures": _sha256,
    "end": _count,
    "at": _count,
    "best": _count,
    "iteration": _count,
    "validation_cost": _float,
    "waited": _count,
    "source": _source,
    "environments": _each(_environment),
    "digests": _digests,
}
"""What turns a field of the JSON into that of a record, or raises an error."""
