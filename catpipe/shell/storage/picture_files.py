"""Files of pictures in folders, by their names alone: nothing is opened."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from catpipe.shell.storage.atomic import DataError

SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff",
    ".heic", ".heif", ".avif", ".jp2", ".ppm", ".pgm", ".pbm", ".pnm",
)  # fmt: skip


def pictures_in(folder: Path) -> list[Path]:
    """Return the files in a folder, and in those inside it, that are named as pictures are.

    They are sorted by name, folder by folder. What is hidden is left out, and a link to a folder is
    not followed. Raises `DataError` for a folder that cannot be read.

    >>> pictures_in(Path("catpipe/data"))
    []
    """
    return [path for path in visible_files(folder) if is_picture_name(path)]


def visible_files(folder: Path) -> list[Path]:
    """Return all files in a folder, and in those inside it, as `pictures_in` does of some."""
    return sorted(_walk(folder), key=lambda path: path.parts)


def visible_folders(folder: Path) -> list[Path]:
    """Return the folders that lie in a folder, sorted by name; links to folders are some.

    >>> "drawn" in [path.name for path in visible_folders(Path("catpipe/data"))]
    True
    """
    try:
        found = [path for path in folder.iterdir() if path.is_dir() and not is_hidden(path.name)]
    except OSError as error:
        raise _unreadable(folder, error) from error
    return sorted(found)


def holds_pictures(folder: Path, deep: int = 2) -> bool:
    """Return whether there are files named as pictures in a folder, or so many folders down.

    >>> holds_pictures(Path("catpipe"))
    False
    """
    try:
        inside = [path for path in folder.iterdir() if not is_hidden(path.name)]
    except OSError:  # no folder, or one that is not to be read
        return False
    return any(map(is_picture_name, inside)) or (
        deep > 0 and any(holds_pictures(path, deep - 1) for path in inside)
    )


def is_picture_name(path: Path) -> bool:
    """Return whether a file is named as pictures are.

    >>> is_picture_name(Path("IMG_1.JPG")), is_picture_name(Path("README.md"))
    (True, False)
    """
    return path.suffix.lower() in SUFFIXES


def is_hidden(name: str) -> bool:
    """Return whether a file or folder is there for programs, not for people.

    >>> is_hidden("._IMG_1.JPG"), is_hidden("__MACOSX"), is_hidden("cats")
    (True, True, False)
    """
    return name.startswith(".") or name == "__MACOSX"


def _walk(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise _unreadable(Path(error.filename or folder), error) from error

    for root, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not is_hidden(name)]
        yield from (Path(root, name) for name in names if not is_hidden(name))


def _unreadable(folder: Path, error: OSError) -> DataError:
    return DataError(
        f"{folder}: cannot be read ({error.strerror}); expected a folder of pictures: check its "
        "name and rights"
    )
