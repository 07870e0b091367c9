"""The options of training: those of the experiment's fields, and the few that are beside it."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from reprlib import repr as brief
from typing import Any, NamedTuple

from catpipe.experiments.experiment import FIELDS, SEEDS, SWITCH, Experiment, Field, checked

PUBLISHED = Experiment(seed=1)
MOST_SEEDS = 10_000


class Option(NamedTuple):
    """An option: its name in options, its flag, what it takes, and where its help stands.

    `read` makes a value of text; a switch has none. `stored` is the type of its value in a
    configuration file, where no check of a field refuses others.
    """

    name: str
    flag: str
    read: Callable[[str], Any] | None
    metavar: str
    help: str
    group: str
    default: Any = None
    in_place_of: str = ""
    also_as: tuple[str, ...] = ()
    stored: type | None = None


def seed_range(text: str) -> range:
    """Return the seeds that the text names, the last included.

    >>> seed_range("1..100")
    range(1, 101)
    """
    try:
        first, last = map(int, text.split(".."))
    except ValueError:
        first, last = 0, -1
    if not 0 <= first <= last < SEEDS or last - first >= MOST_SEEDS:
        raise ArgumentTypeError(
            f"{brief(text)} is no range of seeds; expected one like 1..100, of at most "
            f"{MOST_SEEDS:,} from 0 to {SEEDS - 1}"
        )
    return range(first, last + 1)


def experiment_of(options: Namespace, classes: int) -> Experiment:
    """Return the experiment that these options describe, on data of so many classes.

    Raises `ValueError`, which calls each field as the user wrote it.
    """
    values = {option.name: getattr(options, option.name) for option in OF_FIELDS}
    named: Mapping[str, str] = options.named
    return checked(Experiment(**values, classes=classes), lambda field: named.get(field, field))


def _option_of(name: str, field: Field) -> Option:
    """Return the option of a field; its own name, where the flag is another, is known too.

    >>> _option_of("hidden", FIELDS["hidden"]).flag
    'layers'
    """
    default = getattr(PUBLISHED, name)
    words = field.default or (
        ",".join(map(str, default)) if isinstance(default, tuple) else default
    )
    text = field.help if field.kind is SWITCH else f"{field.help} (default: {words})"
    flag = (field.flag or name).replace("_", "-")
    return Option(
        name, flag, field.kind.read, field.kind.metavar, text, field.group, default,
        field.in_place_of, (name, *field.also_as),
    )  # fmt: skip


OF_FIELDS = tuple(_option_of(name, field) for name, field in FIELDS.items() if field.group)
OPTIONS = (
    *OF_FIELDS,
    Option("seeds", "seeds", seed_range, "A..B",
           "train a network from each of these seeds, and print mean and spread", "training",
           in_place_of="seed", stored=str),
    Option("data", "data", Path, "FOLDER", "folder of a train_*.h5 and a test_*.h5 "
           "(default: data/catvnoncat, otherwise data/drawn)", "data", stored=str),
    Option("validation", "validation", Path, "FILE", "a train_*.h5 or test_*.h5 of validation "
           "examples (default: a fifth of the training examples)", "stopping", stored=str),
    Option("out", "out", Path, "FILE", "save the run to this file (default: it is not saved)",
           "output", also_as=("output", "save"), stored=str),
    Option("save_every", "save-every", int, "N", "also save the run every N iterations", "output",
           stored=int),
    Option("json", "json", None, "", "print one JSON object instead of text", "output",
           default=False, stored=bool),
)  # fmt: skip
FLAGS: Mapping[str, str] = {option.name: f"--{option.flag}" for option in OPTIONS}
BY_FLAG: Mapping[str, Option] = {option.flag: option for option in OPTIONS}
SYNONYMS: Mapping[str, str] = {
    **{other.replace("_", "-"): option.flag for option in OPTIONS for other in option.also_as},
    **{flag: flag for flag in BY_FLAG},
}
"""The flag that is meant by each word that people use for it."""
