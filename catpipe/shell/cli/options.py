"""The options of training: those of the experiment's fields, and the few that are beside it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from reprlib import repr as brief
from typing import Any, NamedTuple

from catpipe.experiments.experiment import FIELDS, SWITCH, Experiment, Field, checked
from catpipe.shell.cli.readers import MEMORY_HELP, read_integer, read_memory, read_path, read_seeds

PUBLISHED = Experiment(seed=1)


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


def experiment_of(options: Namespace, classes: int) -> Experiment:
    """Return the experiment that these options describe, on data of so many classes.

    Raises `ValueError`, which calls each field as the user wrote it.
    """
    values = {option.name: getattr(options, option.name) for option in OF_FIELDS}
    named: Mapping[str, str] = options.named
    shown: Mapping[str, Callable[[Any], str]] = options.shown
    return checked(
        Experiment(**values, classes=classes),
        named=lambda field: named.get(field, field),
        shown=lambda field, value: shown.get(field, brief)(value),
    )


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
    Option("seeds", "seeds", read_seeds, "A..B",
           "train a network from each of these seeds, and print mean and spread", "training",
           in_place_of="seed", stored=str),
    Option("data", "data", read_path, "FOLDER", "folder of a train_*.h5 and a test_*.h5, or one "
           "file of both (default: data/catvnoncat, otherwise data/drawn)", "data", stored=str),
    Option("validation", "validation", read_path, "FILE", "a train_*.h5 or test_*.h5 of validation "
           "examples (default: a fifth of the training examples)", "stopping", stored=str),
    Option("memory", "memory", read_memory, "GIB", MEMORY_HELP, "data"),
    Option("out", "out", read_path, "FILE", "save the run to this file (default: it is not saved)",
           "output", also_as=("output", "save"), stored=str),
    Option("save_every", "save-every", read_integer, "N", "also save the run every N iterations",
           "output", stored=int),
    Option("json", "json", None, "", "print one JSON object instead of text", "output",
           default=False, stored=bool),
    Option("force", "force", None, "", "replace the run in the file of --out", "output",
           default=False, stored=bool),
)  # fmt: skip
FLAGS: Mapping[str, str] = {option.name: f"--{option.flag}" for option in OPTIONS}
BY_FLAG: Mapping[str, Option] = {option.flag: option for option in OPTIONS}
SYNONYMS: Mapping[str, str] = {
    **{other.replace("_", "-"): option.flag for option in OPTIONS for other in option.also_as},
    **{flag: flag for flag in BY_FLAG},
}
"""The flag that is meant by each word that people use for it."""
