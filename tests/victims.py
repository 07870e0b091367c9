"""Small files of every kind that catpipe reads, to be damaged; and how each is read."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, TypeAlias

import h5py
import numpy as np

from catpipe.data.examples import DataSet, Examples, targets
from catpipe.data.transforms.columns import pixels
from catpipe.experiments.ensembles import fit_seeds
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import fit
from catpipe.shell.runs.environment import environment
from catpipe.shell.runs.run_file import Run, load_run, save_run
from catpipe.shell.storage.atomic import DataError
from catpipe.shell.storage.datasets import load_data, load_pictures, save_data
from catpipe.shell.storage.streaming import stored_pictures, stream_batches
from tests.checksums import sealed, spans_of
from tests.damage import MUTATORS, damage_sealed, splice
from tests.typed import in_colours

CLASSES = ("red", "green")
LIKE = in_colours(6, seed=1, classes=2, side=4)
TRAIN = "train_x.h5"
SEALED = "checksums made anew"
_TOGETHER = (2, 4, 4, 3)
WAYS = (*MUTATORS, "splice", SEALED)

Make: TypeAlias = Callable[[Path], Any]


def saved(path: Path) -> None:
    """Write a data set as `save_data` does, in whose training file the pictures are."""
    save_data(path.parent, DataSet(LIKE, LIKE, CLASSES), "x")


def built(path: Path, libver: Any = "earliest", others: int = 0, **storage: Any) -> None:
    """Write a file of a data set with h5py, with other things in it beside the pictures."""
    with h5py.File(path, "w", libver=libver) as file:
        for number in range(others):
            file.create_dataset(f"of no use {number}" * 3, data=np.arange(number))
        file.create_dataset("train_set_x", data=LIKE.inputs, **storage)
        file["train_set_y"] = LIKE.targets
        file["list_classes"] = np.array([name.encode() for name in CLASSES])
        if others:
            file.create_group("groups/in/groups").attrs["about"] = "nothing"
            file["train_set_x"].attrs.update({f"about {i}": np.arange(i) for i in range(12)})
        for number in range(0, others, 2):
            del file[f"of no use {number}" * 3]


def of_others(path: Path, libver: Any = "earliest") -> None:
    """Write a file as others do: groups, a user block, wide integers, and texts as targets."""
    with h5py.File(path, "w", libver=libver, userblock_size=512) as file:
        file.create_dataset("train/images", data=LIKE.inputs.astype(">i4"), chunks=_TOGETHER)
        words = [CLASSES[i] for i in LIKE.targets]
        file.create_dataset("train/labels", data=words, dtype=h5py.string_dtype())
        file.create_dataset("list_classes", data=CLASSES, dtype=h5py.string_dtype(), chunks=(1,))


def crowd(path: Path, others: int) -> None:
    """Put so many tiny datasets into a file, beside what is there."""
    with h5py.File(path, "a") as file:
        space = h5py.h5s.create(h5py.h5s.SCALAR)
        for number in range(others):
            h5py.h5d.create(file.id, b"%d" % number, h5py.h5t.NATIVE_UINT8, space)


def trained(path: Path, seeds: tuple[int, ...] = (), **asked: Any) -> None:
    """Write the run file of an experiment."""
    experiment = Experiment(seed=3, hidden=(3,), iterations=150)._replace(**asked)
    result = fit_seeds(experiment, seeds, LIKE) if seeds else fit(experiment, LIKE)
    save_run(path, Run(result, CLASSES, environments=((0, environment()),)))


def newer(path: Path, make: Make) -> None:
    """Write the datasets of a file that is made in the layout of HDF5 1.10, with checksums."""
    make(path)
    with h5py.File(path) as file:
        arrays = {name: dataset[()] for name, dataset in file.items()}
    with h5py.File(path, "w", libver=("v110", "v110")) as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array, chunks=array.shape, fletcher32=True)


_PACKED = partial(built, chunks=_TOGETHER, compression="gzip", shuffle=True, fletcher32=True)
_STOPPING = partial(trained, batch_size=2, epochs=40, early_stopping=2, learning_rate=0.5)

DATA: Mapping[str, Make] = {
    "data, as saved": saved,
    "data, contiguous": built,
    "data, chunks": partial(built, chunks=_TOGETHER),
    "data, gzip, fletcher32": _PACKED,
    "data among others": partial(built, others=24, chunks=_TOGETHER, compression="gzip"),
    "data, latest": partial(_PACKED, libver="latest"),
    "data, latest, one chunk": partial(built, libver="latest", chunks=LIKE.inputs.shape),
    "data, latest, growing": partial(_PACKED, libver="latest", maxshape=(None, 4, 4, 3)),
    "data, latest, growing twice": partial(
        built, libver="latest", maxshape=(None, None, 4, 3), chunks=(1, 1, 4, 3)
    ),
    "data of others": of_others,
    "data of others, latest": partial(of_others, libver="latest"),
    "data among others, latest": partial(built, libver="latest", others=24),
}
RUNS: Mapping[str, Make] = {
    "run, dual": partial(trained, optimizer="heavy_ball"),
    "run, subspace": _STOPPING,
    "run, full": partial(trained, full_space=True, optimizer="averaged_momentum", dtype="float32"),
    "run, adam": partial(trained, hidden=(), optimizer="adam"),
    "run, stack": partial(trained, seeds=(1, 2, 3), hidden=(2,)),
    "run, dual, newer": partial(newer, make=partial(trained, optimizer="heavy_ball")),
    "run, subspace, newer": partial(newer, make=_STOPPING),
}


def make_victims(folder: Path, data: Path | None = None) -> dict[str, Path]:
    """Write a file of each kind into a folder of that name, and copy a data set; return the paths.

    Beside each file of a data set is what belongs to it to test on.
    """
    for name, make in {**DATA, **RUNS}.items():
        path = folder / name / TRAIN
        path.parent.mkdir(parents=True)
        if name in DATA:
            saved(path)
        make(path)
    if data:
        shutil.copytree(data, folder / f"data in {data.name}")
    return {path.parent.name: path for path in folder.glob("*/train_*.h5")}


READERS: Mapping[str, Callable[[Path], Any]] = {
    "load_data": lambda path: load_data(path.parent),
    "stored_pictures": stored_pictures,
    "load_run": load_run,
}
"""What reads a file called `train_x.h5` in its folder."""


class Case(NamedTuple):
    """What is done to which file."""

    kind: str
    way: str
    content: bytes


def make_case(victims: Mapping[str, bytes], seed: int, number: int) -> Case:
    """Return the damaged file of this number."""
    rng = Random(f"{seed} {number}")
    kind, way = rng.choice([*victims]), rng.choice(WAYS)
    content = victims[kind]
    if way == "splice":
        return Case(kind, way, splice(rng, content, victims[rng.choice([*victims])]))
    if way == SEALED:
        if spans := spans_of(content):
            return Case(kind, way, sealed(damage_sealed(rng, content, spans), spans))
        way = "damage several"
    return Case(kind, way, MUTATORS[way](rng, content))


def reader_of(kind: str) -> Callable[[Path], Any]:
    """Return what reads files of this kind."""
    return read_run if kind in RUNS else read_data


class Disagreement(AssertionError):
    """One file was read as two things."""


def read_run(path: Path) -> Any:
    """Return the run in a file."""
    return load_run(path)


def read_data(path: Path) -> Any:
    """Return what all the readers of a data set make of a training file, or refuse to.

    Raises the first refusal where all refuse, and `Disagreement` where they read unlike things.
    """
    values, refusals = [], []
    for read in (_loaded, _alone, _streamed):
        try:
            values.append(read(path))
        except DataError as error:
            refusals.append(error)
    if any(value != values[0] for value in values):
        raise Disagreement(f"{path}: is read in different ways")
    if refusals:
        raise refusals[0]
    return values[0]


def _loaded(path: Path) -> Any:
    data = load_data(path.parent)
    return _columns(data.train), data.classes


def _alone(path: Path) -> Any:
    like = _like(path.parent)
    return _columns(load_pictures(path, like)), like.classes


def _streamed(path: Path) -> Any:
    stored = stored_pictures(path)
    batches = stream_batches(stored, size=4, seed=1)
    return _sorted((X, Y) for X, Y, _ in batches), stored.classes


@cache
def _like(folder: Path) -> DataSet:
    """Return the data set that was in this folder when it was first asked for."""
    return load_data(folder)


def _columns(pictures: Examples) -> list[bytes]:
    return _sorted([(pixels(pictures.inputs), targets(pictures.targets))])


def _sorted(batches: Any) -> list[bytes]:
    """Return each picture with its target, in the order of their bytes."""
    return sorted(
        x.tobytes() + y.tobytes() for X, Y in batches for x, y in zip(X.T, Y.T, strict=True)
    )
