"""Fixtures of several tests: the photographs, where `CATPIPE_DATA` names their folder."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from catpipe.data.examples import DataSet
from catpipe.shell.storage.child import reader
from catpipe.shell.storage.datasets import load_data

settings.register_profile("quick", max_examples=20, deadline=None)  # a busy machine is no fault
settings.load_profile("quick")


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell has it in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def one_reader() -> Iterator[None]:
    """Let all tests share the process that reads HDF5."""
    with reader():
        yield


@pytest.fixture(scope="session")
def photographs_folder() -> Path:
    if not (folder := os.environ.get("CATPIPE_DATA")):
        pytest.skip("CATPIPE_DATA does not name the folder of the photographs")
    if not Path(folder).is_dir():
        pytest.fail(f"CATPIPE_DATA names {folder}, which is not a folder")
    return Path(folder)


@pytest.fixture(scope="session")
def photographs(photographs_folder: Path) -> DataSet:
    return load_data(photographs_folder)
