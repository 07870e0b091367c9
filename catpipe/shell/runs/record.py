"""The record in a run file: all that a run is but for its arrays, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from reprlib import repr as brief
from typing import Annotated, Any, NamedTuple

from catpipe.experiments.experiment import Experiment
from catpipe.shell.runs.environment import WORDS
from catpipe.shell.runs.provenance import Source
from catpipe.shell.runs.typed_json import (
    Count,
    Printable,
    Seed,
    Sha256,
    named,
    one_of,
    read_as,
    written,
)
from catpipe.shell.storage.atomic import DataError, StrPath
from catpipe.training.spaces import SPACES

FORMAT = 3


class Record(NamedTuple):
    """What a run file says in its record.

    `end`: the iteration that was asked for; `at`: that of the state, `best`: that of the best so
    far, and `iteration`: that of the parameters. `digests`: the SHA-256 of each array in the file.
    """

    format: Count
    experiment: Experiment
    features: Count
    classes: tuple[Printable, ...]
    seeds: tuple[Seed, ...]
    space: Annotated[str, one_of(SPACES)]
    space_name: Printable
    examples: Count
    own: Count
    pictures: Sha256
    end: Count
    at: Count
    best: Count
    iteration: Count
    validation_cost: float
    waited: Count
    source: Source | None
    environments: tuple[tuple[Count, Annotated[Mapping[str, int | Printable], named(WORDS)]], ...]
    digests: Mapping[str, Sha256]


def to_json(record: Record) -> bytes:
    """Return the record as JSON: equal records give equal bytes."""
    return written(record)


def format_version(path: StrPath, text: bytes) -> tuple[Any, Mapping[str, Any]]:
    """Return the format of a record and its fields; raise `DataError` for what is no record."""
    try:
        fields = json.loads(text)
        return fields["format"], dict(fields)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise DataError(
            f"{path}: its record is no JSON object with a format; expected a file that "
            "`catpipe train --out` wrote: name one"
        ) from error


def from_json(path: StrPath, text: bytes) -> Record:
    """Return the record that this text is; raise `DataError` for one that describes no run."""
    version, fields = format_version(path, text)
    if type(version) is not int or version != FORMAT:
        todo = "train again" if version in range(FORMAT) else "update catpipe"
        raise DataError(
            f"{path}: is a run file of format {brief(version)}; expected {FORMAT}: {todo}"
        )
    try:
        record: Record = read_as(Record, fields)
        _check_agreement(record)
    except ValueError as error:
        raise DataError(
            f"{path}: its record does not describe a run ({error}); expected a file that "
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
