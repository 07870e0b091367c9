"""A run file: the whole run, in an HDF5 file that h5py reads without catpipe.

Format 4. In the root group lie

    record            one text of JSON: the fields of `catpipe.shell.runs.record.Record`
    record_sha256     its SHA-256, in hexadecimal
    costs             (samples, 1 + networks): the iteration, and the cost of each network
    W1, b1, ...       the trained parameters
    state.W1, ...     the parameters to carry on from, as they are in the space of training:
                      only where they are not the trained ones
    best.W1, ...      the best so far of early stopping, there: only where it is not the state
    moment1.W1, ...   and each of the optimizer's moments
    transform1...     what each of the transforms has learned, where it has learned something

Arrays of a stack have a leading axis. The record holds the SHA-256 of each array, so no flipped bit
passes. There is no pickle, and no time: equal runs make equal bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from reprlib import repr as brief
from typing import NamedTuple

import numpy as np
from toolz import merge, valmap

from catpipe.experiments.experiment import are_described, is_regression
from catpipe.experiments.features import features_and_views
from catpipe.experiments.result import Result, checkpoint_of
from catpipe.experiments.setup import network_for, optimizer_for
from catpipe.nn.arrays import Array
from catpipe.nn.layers import Shapes
from catpipe.nn.network import Network, layer_sizes, parameter_shapes
from catpipe.nn.parameters import Parameters
from catpipe.shell.runs.environment import Environment, environment
from catpipe.shell.runs.provenance import Source
from catpipe.shell.runs.record import FORMAT, Record, format_version, from_json, to_json
from catpipe.shell.storage.atomic import DataError, StrPath, unwritable
from catpipe.shell.storage.hdf5 import Opened, check_budget, opened, write
from catpipe.shell.storage.names import PARTS, candidates
from catpipe.training.cost_history import Costs
from catpipe.training.loop import SAMPLE_EVERY, State
from catpipe.training.spaces import network_inside
from catpipe.training.stopping import Checkpoint

LONGEST = 2**22  # bytes of a record
STATE, BEST, MOMENT, TRANSFORM = "state.", "best.", "moment", "transform"
FACTS = tuple(name for name in Record._fields if name in Result._fields)
"""What a record and a result say alike, under the same names."""


class Run(NamedTuple):
    """A result, the names of its classes, its data, and its environments.

    A regression has no classes. Each environment stands with the iteration from which on it was the
    one.
    """

    result: Result
    classes: tuple[str, ...] = ()
    source: Source | None = None
    environments: tuple[tuple[int, Environment], ...] = ()


def save_run(path: StrPath, run: Run) -> None:
    """Write the run, `Run(result, classes)`; where it has no environment, this is the one.

    Without classes, they are those of the result where its targets were names, or their numbers; a
    regression has none.
    Equal runs make equal bytes. Raises `DataError`, also for a network or an optimizer of
    your own, which a file cannot name, and for a file that is no run, which is not replaced; an
    earlier file is then as it was.
    """
    if not isinstance(run, Run):
        raise TypeError(f"the run is a {type(run).__name__}; expected a Run: give `Run(result)`")
    result = run.result
    _check_described(path, result)
    if result.checkpoint is None:
        raise DataError(
            f"{path}: holds one run; expected no networks that were trained one by one: save each"
        )
    arrays = arrays_of(result)
    text = to_json(record_of(run, arrays))
    record = from_json(path, text)  # what could not be loaded is not saved
    _costs(path, record, result.checkpoint, arrays["costs"])
    check_budget(path, {"record": len(text)}, LONGEST, LONGEST)
    check_replaceable(path)
    digest = np.array([sha256(text).hexdigest().encode()])
    write(path, {"record": np.array([text]), "record_sha256": digest, **arrays})


def load_run(path: StrPath) -> Run:
    """Return the run in this file, as it was saved; raises `DataError` for anything else.

    >>> load_run("nowhere.h5")
    Traceback (most recent call last):
    catpipe.DataError: nowhere.h5: is not a file; expected a run of `catpipe train --out`: \
name the run first
    """
    with opened(path, expected="a run of `catpipe train --out`", todo="name the run first") as file:
        _check_is_no_data_set(path, file)
        text = _text(path, file)
        record = from_json(path, text)
        _check_digest(path, "record", text, _text(path, file, "record_sha256").decode("latin1"))
        learned = file.datasets(name for name in record.digests if name.startswith(TRANSFORM))
        _check_digests(path, record, learned)
        fitted = _fitted(record, learned)
        features, views = _features(path, record, fitted)
        groups = _shapes(path, record, features, views)
        names = [prefix + name for prefix, shapes in groups.items() for name in shapes]
        arrays = file.datasets(["costs", *names])
    read = {prefix: _parameters(path, record, prefix, of, arrays) for prefix, of in groups.items()}
    _check_digests(path, record, arrays)
    checkpoint = _checkpoint(record, read)
    costs = _costs(path, record, checkpoint, arrays["costs"])
    sampled = tuple((i, cost) for i, cost in costs if i % SAMPLE_EVERY == 0)
    state = checkpoint.state._replace(costs=sampled)
    facts = {name: getattr(record, name) for name in FACTS}
    result = Result(
        **facts,
        network=_network(record, features),
        fitted=fitted,
        parameters=read[""],
        costs=costs,
        checkpoint=checkpoint._replace(state=state),
    )
    return Run(result, record.classes, record.source, record.environments)


def check_replaceable(path: StrPath) -> None:
    """Raise `DataError` for a file that is no run: what is somebody else's is not replaced.

    >>> check_replaceable("nowhere.h5")
    """
    place = Path(path)
    try:
        if place.is_file() and place.stat().st_size:
            _check_calls_itself_a_run(path)
    except OSError as error:
        raise DataError(unwritable(place, str(error.strerror))) from error
    except DataError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.strerror:
            raise DataError(unwritable(place, error.__cause__.strerror)) from error
        raise DataError(
            f"{path}: is a file but no run; expected a new name, or a run to replace: name "
            "another, or remove it"
        ) from error


def _check_calls_itself_a_run(path: StrPath) -> None:
    with opened(path) as file:
        format_version(path, _text(path, file))


def _check_is_no_data_set(path: StrPath, file: Opened) -> None:
    there = file.listed(["record"])
    if "record" not in there and any(candidates(there, part, "inputs") for part in PARTS):
        raise DataError(
            f"{path}: is a data set, not a run, which has a record; expected a file that `catpipe "
            "train --out` wrote: name one, and the data with --data"
        )


def record_of(run: Run, arrays: Mapping[str, Array]) -> Record:
    """Return the record of a run, all that it is but for its arrays: of these it has the digests.

    Raises `ValueError` for networks that were trained one by one.
    """
    checkpoint = checkpoint_of(run.result)
    best = checkpoint.best
    return Record(
        **{name: getattr(run.result, name) for name in FACTS},
        format=FORMAT,
        classes=_classes(run),
        state_iteration=checkpoint.state.iteration,
        best_iteration=None if best is None else best.iteration,
        validation_cost=checkpoint.validation_cost,
        checks=checkpoint.checks,
        source=run.source,
        environments=run.environments or _from_here(run.result),
        digests=valmap(_sha256, arrays),
        outputs=_outputs(run.result),
    )


def _from_here(result: Result) -> tuple[tuple[int, Environment], ...]:
    return ((0, environment(compiled=result.experiment.compiled)),)


def arrays_of(result: Result) -> dict[str, Array]:
    """Return the arrays of a run under the names that they have in its file, in their order.

    Raises `ValueError` for networks that were trained one by one.
    """
    checkpoint = checkpoint_of(result)
    state, best = checkpoint.state, checkpoint.best
    at = result.iteration, state.iteration, None if best is None else best.iteration
    has_state, has_best = _stored_separately(result.space, *at)
    groups = {
        "": result.parameters,
        STATE: state.parameters if has_state else {},
        BEST: best.parameters if best and has_best else {},
        **{f"{MOMENT}{i}.": moment for i, moment in enumerate(state.moments, start=1)},
        **{f"{TRANSFORM}{i}.": learned for i, learned in enumerate(result.fitted, start=1)},
    }
    arrays = merge(_prefixed(prefix, arrays) for prefix, arrays in groups.items())
    costs = _costs_array(result.costs, len(result.seeds))
    return {"costs": costs, **{name: arrays[name] for name in sorted(arrays)}}


def _check_described(path: StrPath, result: Result) -> None:
    """Refuse a network and an optimizer that the experiment, which is in the file, does not say."""
    features, _ = features_and_views(result.experiment, result.fitted, result.input_shape)
    described = network_for(result.experiment, features, _outputs(result))
    for name, is_own in (
        ("network", result.network != described),
        ("optimizer", result.optimizer is not None),
        ("transforms", not are_described(result.experiment)),
    ):
        if is_own:
            raise DataError(
                f"{path}: cannot hold the {name} of this run, which its experiment does not "
                "describe; expected one that it does: keep the run in Python"
            )


def _network(record: Record, features: int) -> Network:
    return network_for(record.experiment, features, record.outputs)


def _classes(run: Run) -> tuple[str, ...]:
    """Return the names of the classes, which are their numbers where they have no others."""
    experiment = run.result.experiment
    numbers = () if is_regression(experiment) else map(str, range(experiment.classes))
    return run.classes or run.result.class_names or tuple(numbers)


def _outputs(result: Result) -> int | None:
    """Return how many numbers a regression predicts, which its experiment does not say."""
    return layer_sizes(result.network)[-1] if is_regression(result.experiment) else None


def _text(path: StrPath, file: Opened, name: str = "record") -> bytes:
    text = file.datasets([name], each=LONGEST)[name]
    if text.size != 1 or text.dtype.kind != "S":
        raise DataError(
            f"{path}: {name} has shape {text.shape} and type {text.dtype}; expected one text: "
            "name a file that `catpipe train --out` wrote"
        )
    return bytes(text.item())


def _check_digest(path: StrPath, name: str, content: bytes, expected: str | None) -> None:
    if sha256(content).hexdigest() != expected:
        raise DataError(
            f"{path}: {name} is not what was saved, by its SHA-256; expected a whole file: "
            "restore it"
        )


def _check_digests(path: StrPath, record: Record, arrays: Mapping[str, Array]) -> None:
    for name, array in arrays.items():
        _check_digest(path, name, array.tobytes(), record.digests.get(name))


def _fitted(record: Record, learned: Mapping[str, Array]) -> tuple[Parameters, ...]:
    """Return what each transform has learned, of arrays as they are named in the file."""
    prefixes = (f"{TRANSFORM}{i}." for i, _ in enumerate(record.experiment.transforms, start=1))
    return tuple(
        Parameters({n.removeprefix(of): a for n, a in learned.items() if n.startswith(of)})
        for of in prefixes
    )


def _sha256(array: Array) -> str:
    return sha256(array.tobytes()).hexdigest()


def _features(path: StrPath, record: Record, fitted: tuple[Parameters, ...]) -> tuple[int, int]:
    """Return how many numbers the network takes of an example, and in how many views."""
    try:
        return features_and_views(record.experiment, fitted, record.input_shape)
    except (ArithmeticError, LookupError, MemoryError, TypeError, ValueError) as error:
        raise DataError(
            f"{path}: its transforms cannot be used ({error}); expected those of a run: train again"
        ) from error


def _shapes(path: StrPath, record: Record, features: int, views: int) -> dict[str, Shapes]:
    """Return the shapes of the arrays that a run of this record has, by prefix."""
    examples = record.training_examples + record.validation_examples
    try:
        network = _network(record, features)
        inside = network_inside(record.space, network, examples * views)
    except ValueError as error:
        raise DataError(
            f"{path}: describes no network ({error}); expected one: train again"
        ) from error
    moments = optimizer_for(record.experiment, record.planned_iterations).init(Parameters())
    at = record.iteration, record.state_iteration, record.best_iteration
    has_state, has_best = _stored_separately(record.space, *at)
    prefixes = [*[STATE] * has_state, *[BEST] * has_best]
    prefixes += [f"{MOMENT}{i}." for i, _ in enumerate(moments, start=1)]
    return {"": parameter_shapes(network)} | dict.fromkeys(prefixes, parameter_shapes(inside))


def _stored_separately(
    space: str, iteration: int, state_iteration: int, best_iteration: int | None
) -> tuple[bool, bool]:
    """Return whether the state has arrays beside the trained ones, and the best beside those."""
    has_best = best_iteration is not None and best_iteration != state_iteration
    return space != "full" or iteration != state_iteration, has_best


def _parameters(
    path: StrPath, record: Record, prefix: str, shapes: Shapes, arrays: Mapping[str, Array]
) -> Parameters:
    lead = (len(record.seeds),) if record.seeds else ()
    found = {name: arrays[prefix + name] for name in shapes}
    for name, shape in shapes.items():
        where = f"{path}: {prefix}{name}"
        _check(where, found[name], (*lead, *shape), record.experiment.dtype)
    return Parameters(found)


def _check(where: str, array: Array, shape: tuple[int, ...], dtype: str) -> None:
    if (array.shape, array.dtype) != (shape, np.dtype(dtype)):
        raise DataError(
            f"{where} has shape {array.shape} and type {array.dtype}; expected {shape} and {dtype}"
            ", as its record says: train again"
        )


def _costs_array(costs: Costs, networks: int) -> Array:
    """Return a row for each sampled cost: the iteration, and the cost of each network."""
    rows = [[iteration, *np.atleast_1d(cost)] for iteration, cost in costs]
    return np.array(rows, float).reshape(len(rows), 1 + max(networks, 1))


def _costs(path: StrPath, record: Record, checkpoint: Checkpoint, rows: Array) -> Costs:
    """Return the costs of these rows; raise `DataError` for what no run has."""
    _check(f"{path}: costs", rows, (*rows.shape[:1], 1 + max(len(record.seeds), 1)), "float64")
    sampled, last = range(0, record.state_iteration, SAMPLE_EVERY), record.state_iteration - 1
    patience = record.experiment.early_stopping
    is_finished = checkpoint.is_finished(record.planned_iterations, patience)
    has_last = is_finished and last >= 0 and last % SAMPLE_EVERY > 0
    found = rows[:, 0].tolist()
    if len(found) != len(sampled) + has_last or found != [*sampled, *[last] * has_last]:
        raise DataError(
            f"{path}: costs are of {len(found)} iterations, {brief(found)}; expected those of a "
            f"run at iteration {record.state_iteration}, as its record says: train again"
        )
    return tuple(
        (i, costs if record.seeds else costs[0])
        for i, costs in zip(map(int, found), rows[:, 1:].tolist(), strict=True)
    )


def _checkpoint(record: Record, read: Mapping[str, Parameters]) -> Checkpoint:
    """Return the checkpoint of these parameters and moments, but for the sampled costs."""
    state = read.get(STATE, read[""])
    moments = tuple(of for prefix, of in read.items() if prefix.startswith(MOMENT))
    best = record.best_iteration
    return Checkpoint(
        State(record.state_iteration, state, moments),
        None if best is None else State(best, read.get(BEST, state), ()),
        record.validation_cost,
        record.checks,
    )


def _prefixed(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {prefix + name: array for name, array in arrays.items()}
