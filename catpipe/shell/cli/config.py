"""A configuration file: options of training in TOML, which flags override."""

from __future__ import annotations

import tomllib
from argparse import ArgumentTypeError, Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path
from reprlib import repr as brief
from typing import Any

from catpipe.experiments.experiment import closest
from catpipe.shell.cli.options import BY_FLAG, OPTIONS, SYNONYMS, Option
from catpipe.shell.storage.atomic import DataError

MOST_BYTES = 2**20
RIVALS = {option.name: option.in_place_of for option in OPTIONS if option.in_place_of}
STORED = {str: "text", int: "an integer", bool: "true or false"}


def completed(flags: Namespace) -> Namespace:
    """Return the options of training: the defaults, below the file's, below the flags that are set.

    `named` is what errors call each of them. Raises `DataError` for a file that is refused.

    >>> options = completed(Namespace(epochs=3))
    >>> options.epochs, options.seed, options.named["hidden"]
    (3, 1, '--layers')
    """
    given = dict(vars(flags))
    path = given.pop("config", None)
    stored = {} if path is None else _options(path, _read(path))
    values = overridden({option.name: value for option, value in stored.items()}, given)
    from_file = {option.name: f"{path}: {option.flag}" for option in stored}
    named = {
        option.name: f"--{option.flag}" if option.name in given else name
        for option in OPTIONS
        for name in [from_file.get(option.name, f"--{option.flag}")]
    }
    defaults = {option.name: option.default for option in OPTIONS}
    return Namespace(**{**defaults, **values}, named=named)


def overridden(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values below under those above, without those in whose place one above stands.

    >>> overridden({"epochs": 2, "l2": 0.1}, {"iterations": 3})
    {'l2': 0.1, 'iterations': 3}
    """
    replaced = {rival for pair in RIVALS.items() for rival in pair if {*pair} & above.keys()}
    others = {name: value for name, value in below.items() if name not in replaced}
    return {**others, **above}


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.is_file() and path.stat().st_size <= MOST_BYTES:
            return tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); expected TOML: check its rights"
        ) from error
    except (RecursionError, ValueError) as error:
        raise DataError(
            f"{path}: is no TOML ({error}); expected `name = value` lines: correct it"
        ) from error
    raise DataError(
        f"{path}: is not a file of at most {MOST_BYTES:,} bytes; expected TOML: check the name"
    )


def _options(path: Path, read: Mapping[str, Any]) -> dict[Option, Any]:
    """Return the value of each option in the file."""
    flags = [key.replace("_", "-") for key in read]
    for key, flag in zip(read, flags, strict=True):
        _check_key(path, key)
        if flags.count(flag) > 1:
            raise DataError(
                f"{path}: has {flag} twice, with - and with _; expected it once: keep one"
            )
    options = [BY_FLAG[flag] for flag in flags]
    for one, other in _rivals(options):
        raise DataError(
            f"{path}: {one} is not allowed with {other}; expected one of them: remove the other"
        )
    return {
        option: _value(path, option, value)
        for option, value in zip(options, read.values(), strict=True)
    }


def _check_key(path: Path, key: str) -> None:
    if key.replace("_", "-") not in BY_FLAG:
        meant = closest(key.replace("_", "-"), SYNONYMS, cutoff=0)
        raise DataError(
            f"{path}: has the key {brief(key)}; expected the name of an option: "
            f"did you mean {meant}?"
        )


def _rivals(options: list[Option]) -> Iterator[tuple[str, str]]:
    names = {option.name for option in options}
    return (pair for pair in RIVALS.items() if names.issuperset(pair))


def _value(path: Path, option: Option, value: Any) -> Any:
    """Return an option's value from that in the file; the check of its field refuses what is wrong.

    A list is a tuple, and text and numbers are read as they are on the command line.
    """
    if option.stored and type(value) is not option.stored:
        raise DataError(
            f"{path}: {option.flag} is {brief(value)}; expected {STORED[option.stored]}: write it"
        )
    if isinstance(value, list):
        return tuple(value)
    if option.read is None or type(value) not in (str, int, float):  # true is no integer
        return value
    try:
        found = option.read(str(value))
    except (ArgumentTypeError, ValueError) as error:
        raise DataError(f"{path}: {option.flag}: {error}") from error
    return value if isinstance(found, str) else found
