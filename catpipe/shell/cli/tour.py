"""A tour of the commands: each is shown and then run, on pictures that it draws itself."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from shlex import join
from signal import SIGINT
from subprocess import run
from typing import NamedTuple

from catpipe.shell.cli.exit_status import DIFFERS
from catpipe.shell.cli.signals import Interrupted
from catpipe.shell.storage.atomic import DataError, write_files

GRID = """\
iterations = 300
[grid]
learning-rate = [0.0075, 0.02]
seed = "1..3"
"""


class Stop(NamedTuple):
    """A stop of the tour: what is to be seen, and the words of the command that shows it."""

    why: str
    words: tuple[str, ...]


def take_tour(options: Namespace) -> None:
    """Run each command of the tour in turn, in a new folder, after what it is for."""
    folder: Path = options.out
    if folder.exists():
        raise DataError(
            f"{folder}: is there already; expected a new folder for the tour: name another with "
            "--out"
        )
    for number, stop in enumerate(stops(folder), start=1):
        print(f"\n{number}. {stop.why}\n\n  $ {join(('catpipe', *stop.words))}\n", flush=True)
        try:
            _run(stop)
        except KeyboardInterrupt as stopped:
            made = f"what it made is in {folder}" if folder.exists() else "it made nothing"
            raise Interrupted(f"the tour ends here; {made}", SIGINT) from stopped
        if number == 1:
            write_files({folder / "grid.toml": GRID.encode()})
    print(f"\nAll of it is in {folder}; open {folder / 'report.html'} in a browser.")


def stops(folder: Path) -> Iterator[Stop]:
    """Return the stops of the tour, all of whose files lie in the folder.

    >>> [stop.words[0] for stop in stops(Path("tour"))][:4]
    ['draw', 'check', 'train', 'evaluate']
    """
    data, cats, runs, grid, page = (
        str(folder / name) for name in ("pictures", "cats.h5", "runs", "grid.toml", "report.html")
    )
    on_data = ("--data", data)
    yield Stop("Pictures to learn from: drawn cats, and other things.", ("draw", data))
    yield Stop("Look at data before you train.", ("check", data))
    yield Stop("Train a network, and save the run.", ("train", *on_data, "--out", cats))
    yield Stop("How good is it on pictures that it has not seen?", ("evaluate", cats))
    yield Stop("What does it say of two of them?", ("predict", cats, "--index", "0", "9"))
    yield Stop(
        "Is a recipe better than the network of the article? The same folds judge both.",
        ("validate", "--recipe", "pixels", "--recipe", "article", "--folds", "3", *on_data),
    )
    yield Stop(
        f"Try each combination of {grid}; started again, it goes on where it ended.",
        ("sweep", "--config", grid, *on_data, "--out", runs),
    )
    yield Stop("Which was best?", ("table", runs))
    yield Stop("A run is a value: trained again, it is the same to the bit.", ("replay", cats))
    yield Stop("See what it got wrong, and all else, on a page.", ("report", cats, "--out", page))


def _run(stop: Stop) -> None:
    """Run a command in a process of its own; a difference or a finding does not end the tour."""
    status = run([sys.executable, "-m", "catpipe", *stop.words], check=False).returncode
    if status not in (0, DIFFERS):
        raise DataError(
            f"`catpipe {stop.words[0]}` ended with status {status}; expected 0: see what it says"
        )
