"""Which data a run was trained on, by the SHA-256 of its files, and where they are now."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from catpipe.shell.runs.typed_json import Sha256
from catpipe.shell.storage.atomic import DataError, printable
from catpipe.shell.storage.datasets import paths_of

HOMES = (Path("data"), Path(__file__).parents[3] / "data")  # here, or in the checkout
PREFERRED = ("catvnoncat", "drawn")


class Digest(NamedTuple):
    """A file as it was named, and its SHA-256."""

    path: str
    sha256: Sha256


class Source(NamedTuple):
    """The folder of a data set, where one was named, its files, and those to validate on."""

    folder: str | None
    train: Digest
    test: Digest
    validation: Digest | None = None


def record_source(folder: Path | None, found: Path, validation: Path | None = None) -> Source:
    """Return the source that was named, or was not and is found in a folder of ours.

    Raises `DataError` for files that cannot be read.
    """
    paths = paths_of(found)
    train, test = (Digest(paths[part].name, sha256(paths[part])) for part in ("train", "test"))
    held_out = Digest(str(validation), sha256(validation)) if validation else None
    return Source(str(folder) if folder else None, train, test, held_out)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file; raise `DataError` where it cannot be read.

    >>> sha256(Path("nowhere.h5"))
    Traceback (most recent call last):
    catpipe.DataError: nowhere.h5: cannot be read (No such file or directory); \
expected a file: check its name and rights
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); expected a file: check its name and rights"
        ) from error


def default_folders() -> list[Path]:
    """Return the folders of ours that hold data: the photographs', and that of drawn pictures."""
    folders = [home / name for name in PREFERRED for home in HOMES]
    return [folder for folder in folders if any(folder.glob("train_*.h5"))]


def default_folder() -> Path:
    """Return the photographs' folder where there is one, else that of the drawn pictures."""
    found = next(iter(default_folders()), None)
    if found is None:
        raise DataError(
            "data: holds no pictures here; expected data/catvnoncat or data/drawn: give another "
            "folder with --data, draw some with `catpipe draw data/drawn`, or get the "
            "photographs with `catpipe fetch`"
        )
    return found


def locate_folder(source: Source | None, named: Path | None, run: Path) -> Path:
    """Return where a run's data are: as named now, or then (from here, or from the run), or ours.

    Of several the one that holds the very file that was trained on. Raises `DataError` for none.
    """
    if named:
        return named
    then = Path(source.folder) if source and source.folder is not None else None
    places = [then, run.parent / then] if then else []
    train = source.train.sha256 if source else None
    for folder in (*places, *default_folders()):
        if train and _trains_on(folder) == train:
            return folder
    if then and _trains_on(then):
        return then
    raise DataError(
        f"{run}: its data are not {f'in {then}' if then else 'recorded with it'}; expected the "
        "folder of those it was trained on: give it with --data"
    )


def _trains_on(place: Path) -> str | None:
    """Return the SHA-256 of the training file of the data set there, where there is one."""
    try:
        return sha256(paths_of(place)["train"])
    except DataError:
        return None


def changed_files(source: Source, now: Source) -> Iterator[str]:
    """Return which of the files that a run is trained on have changed, in words.

    >>> then = Source(None, Digest("train_x.h5", "ab" * 32), Digest("test_x.h5", "cd" * 32))
    >>> [*changed_files(then, then._replace(train=Digest("train_x.h5", "ef" * 32)))]
    ['train_x.h5 with SHA-256 abababab..., here train_x.h5 with efefefef...']
    """
    for was, now_is in ((source.train, now.train), (source.validation, now.validation)):
        before, after = was and was.sha256, now_is and now_is.sha256
        if before != after:
            yield f"{_named(was, 'SHA-256 ')}, here {_named(now_is)}"


def _named(digest: Digest | None, named: str = "") -> str:
    if digest is None:
        return "no validation file"
    return printable(f"{digest.path} with {named}{digest.sha256[:8]}...")
