"""The command that fetches the photographs of the article."""

from __future__ import annotations

import sys
from argparse import Namespace

from catpipe.shell.cli.progress import progress_bar
from catpipe.shell.runs.provenance import HOMES, PREFERRED
from catpipe.shell.storage.download import (
    PATIENCE,
    RemoteFile,
    check_folder,
    fetch_file,
    missing_files,
    save_fetched,
)

COPIES = (
    "https://raw.githubusercontent.com/Hiren2002/Logistic-Regression/HEAD/datasets",
    "https://raw.githubusercontent.com/ramakris/coursera-deeplearning/HEAD/"
    "neuralnetworks/week2/datasets",
)
"""The folders that hold the photographs in public repositories."""


def _photographs(name: str, size: int, sha256: str) -> RemoteFile:
    return RemoteFile(name, size, sha256, tuple(f"{folder}/{name}" for folder in COPIES))


PHOTOGRAPHS = (
    _photographs(
        "train_catvnoncat.h5",
        2_572_022,
        "fbe56ab67c3ae28d564e3a644189117976d6b31af0a3ce9bb17dbf22908af242",
    ),
    _photographs(
        "test_catvnoncat.h5",
        616_958,
        "6a9d39ce52fa85953c5834695b8534a30ed8cfd54971fb2f080b5a24d002b951",
    ),
)
ABOUT = (
    "photographs: 209 to train on and 50 to test on, 64 x 64 pixels, of cats and other things, "
    "from the course on deep learning that the article follows; their licence is unknown: look at "
    "them and learn, do not publish them"
)


def fetch_photographs(options: Namespace) -> None:
    """Fetch the photographs that are not in the folder yet; print what they are."""
    folder = options.out or HOMES[0] / PREFERRED[0]
    missing = missing_files(PHOTOGRAPHS, folder)
    check_folder(folder, missing)
    for file in PHOTOGRAPHS:
        if file not in missing:
            print(f"{folder / file.name}: already there")
    with progress_bar(sum(file.size for file in missing), "B") as advance:
        fetched = [(file, fetch_file(file, PATIENCE, advance)) for file in missing]
    save_fetched(folder, fetched)
    for file, (_, address, failures) in fetched:
        for failure in failures:
            print(f"catpipe: {failure}; took the next address", file=sys.stderr)
        print(f"{folder / file.name}: {file.size:,} bytes from {address}, SHA-256 as expected")
    print(ABOUT)
