"""Commands as a person types them, and pictures of as many colours as classes to try them on."""

from pathlib import Path

import numpy as np

from catpipe.data.examples import DataSet, Examples
from catpipe.shell.cli.main import main
from catpipe.shell.storage.datasets import save_data

COLOURS = ("red", "green", "blue", "yellow")
LIGHT = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]])


def said(capsys, *arguments: object) -> str:
    """Return what a command prints that goes well."""
    assert main([str(argument) for argument in arguments]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return str(out)


def refused(capsys, *arguments: object) -> str:
    """Return the one line of a command's refusal, which prints nothing of a result."""
    try:
        status = main([str(argument) for argument in arguments])
    except SystemExit as exited:
        status = int(exited.code or 0)
    out, err = capsys.readouterr()
    assert (status, out, err.count("\n")) == (2, "", 1), err
    assert err.startswith("catpipe")
    return str(err)


def in_colours(count: int, seed: int, classes: int = 4, side: int = 3) -> Examples:
    """Return noise, and on it the light of each picture's class."""
    draws = np.random.default_rng(seed)
    labels = draws.permutation(np.arange(count) % classes)
    noise = draws.integers(0, 90, (count, side, side, 3))
    light = LIGHT[labels][:, np.newaxis, np.newaxis]
    return Examples((noise + 120 * light).astype(np.uint8), labels)


def save_colours(folder: Path, classes: int = 4, side: int = 3) -> Path:
    """Write a data set of pictures that differ in colour; return its folder."""
    train, test = in_colours(40, 1, classes, side), in_colours(16, 2, classes, side)
    save_data(folder, DataSet(train, test, COLOURS[:classes]), "colours")
    return folder
