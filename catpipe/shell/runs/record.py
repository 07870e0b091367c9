"""The record in a run file: all that a run is but for its arrays, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from reprlib import repr as brief
from typing import Annotated, Any, NamedTuple, TypeAlias

from catpipe.experiments.experiment import Experiment, is_regression
from catpipe.experiments.resuming import CHANGEABLE
from catpipe.shell.runs.environment import OF_COMPILED, WORDS
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

FORMAT = 4
MAY_DIFFER = (*CHANGEABLE, "epochs")  # among the experiments of one run


Made: TypeAlias = Annotated[Mapping[str, int | Printable], named(WORDS, OF_COMPILED)]
"""An environment."""


class Record(NamedTuple):
    """All that a run is but for its arrays.

    `iteration`, `state_iteration` and `best_iteration` are those of the trained parameters, of the
    state to carry on from, and of the best so far (none without early stopping). `input_shape` is
    that of one example; `fingerprint` is the SHA-256 of inputs and targets, `weights` that of the
    examples' weights. `digests` has the SHA-256 of each array in the file. `class_names` are the
    classes where the targets were names; `outputs` are those of a regression; `earlier` are the
    experiments that held before this one, each until an iteration. `transforms` are in earlier
    files, which had none: now they are the experiment's. Fields with a default are left out of a
    file where they have it.
    """

    format: Count
    experiment: Experiment
    input_shape: tuple[Count, ...]
    input_type: Printable
    classes: tuple[Printable, ...]
    seeds: tuple[Seed, ...]
    space: Annotated[str, one_of(SPACES)]
    space_description: Printable
    training_examples: Count
    validation_examples: Count
    fingerprint: Sha256
    weights: Sha256 | None
    planned_iterations: Count
    iteration: Count
    state_iteration: Count
    best_iteration: Count | None
    validation_cost: float | None
    checks: Count
    source: Source | None
    environments: tuple[
        tuple[Count, Annotated[Mapping[str, int | Printable], named(WORDS, OF_COMPILED)]], ...
    ]
    digests: Mapping[str, Sha256]
    class_names: tuple[Printable, ...] = ()
    outputs: Count | None = None
    earlier: tuple[tuple[Count, Experiment], ...] = ()
    transforms: tuple[Printable, ...] = ()


def to_json(record: Record) -> bytes:
    """Return the record as JSON: equal records give equal bytes.

    Fields that have their default are left out, so that a plain run's bytes stay as they were.
    """
    defaults = record._field_defaults.items()
    return written(
        {name: of for name, of in record._asdict().items() if (name, of) not in defaults}
    )


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


def _check_classes(record: Record) -> None:
    names, count = record.classes, record.experiment.classes
    if is_regression(record.experiment):
        if names or record.class_names or not record.outputs:
            raise ValueError(
                f"classes are {brief(names)} and outputs {record.outputs} of a regression; "
                "expected outputs alone"
            )
    elif len(names) != count or len(set(names)) < len(names):
        raise ValueError(f"classes are {brief(names)}; expected {count} printable names")
    if record.class_names not in ((), names):
        raise ValueError(f"class names are {brief(record.class_names)}; expected {brief(names)}")


def _check_agreement(record: Record) -> None:
    _check_classes(record)
    experiment, state, best = record.experiment, record.state_iteration, record.best_iteration
    if not (best or 0) <= state <= record.planned_iterations:
        raise ValueError(
            f"iterations are out of order: best {best}, state {state}, "
            f"planned {record.planned_iterations}"
        )
    if record.iteration not in (state, best):
        raise ValueError(
            f"its parameters are of an iteration that is neither the state's nor the best's: "
            f"{record.iteration}"
        )
    if experiment.epochs is None and experiment.iterations != record.planned_iterations:
        raise ValueError(
            f"planned iterations are {record.planned_iterations}; expected {experiment.iterations}"
        )
    stops = experiment.early_stopping is not None
    if (best is not None, record.validation_cost is not None) != (stops, stops):
        raise ValueError("its best, its validation cost and early stopping; expected all or none")
    if not stops and (record.checks or record.validation_examples):
        raise ValueError("it checks, or validates, without early stopping; expected it with both")
    if not record.input_shape or 0 in record.input_shape:
        raise ValueError(f"input shape is {record.input_shape}; expected one number or more")
    _check_earlier(record)
    if record.transforms:
        raise ValueError("it has transforms beside its experiment; expected them there")
    if not record.environments:
        raise ValueError("it has no environment; expected one or more")


def _check_earlier(record: Record) -> None:
    ends = [0, *(end for end, _ in record.earlier)]
    if any(end <= before for before, end in pairwise(ends)) or ends[-1] > record.state_iteration:
        raise ValueError(f"earlier experiments end at {brief(ends[1:])}; expected one by one")
    now = record.experiment
    same = {name: getattr(now, name) for name in MAY_DIFFER}
    if any(experiment._replace(**same) != now for _, experiment in record.earlier):
        raise ValueError(f"earlier experiments differ in more than {', '.join(MAY_DIFFER)}")
