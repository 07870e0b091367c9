"""A configuration file: options of training in TOML, which flags override."""

from __future__ import annotations

import json
import tomllib
from argparse import ArgumentTypeError, Namespace
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, time
from pathlib import Path
from reprlib import repr as brief
from typing import Any

from catpipe.experiments.experiment import closest
from catpipe.shell.cli.options import BY_FLAG, OF_FIELDS, OPTIONS, SYNONYMS, Option
from catpipe.shell.cli.readers import read_seeds
from catpipe.shell.storage.atomic import DataError

TABLES = ("grid", "zip")
"""The tables of a sweep: each combination of their values, and their values side by side."""

MOST_BYTES = 2**20
MARKS = {  # a text is UTF-8, or as its byte-order mark says
    BOM_UTF8: "utf-8-sig",
    BOM_UTF16_LE: "utf-16",
    BOM_UTF16_BE: "utf-16",
}
RIVALS = {option.name: option.in_place_of for option in OPTIONS if option.in_place_of}
STORED = {str: "text", int: "an integer", bool: "true or false"}


def completed(flags: Namespace, tables: Iterable[str] = ()) -> Namespace:
    """Return the options of training: the defaults, below the file's, below the flags that are set.

    `named` is what errors call each of them. Each of the tables is a mapping of fields to the
    values that the file lists for them. Raises `DataError` for a file that is refused.

    >>> options = completed(Namespace(epochs=3))
    >>> options.epochs, options.seed, options.named["hidden"]
    (3, 1, '--layers')
    """
    given = dict(vars(flags))
    path = given.pop("config", None)
    read = {} if path is None else _read(path)
    lists = {table: _lists(path, table, read.pop(table, {})) for table in tables}
    stored = {} if path is None else _options(path, read)
    values = overridden({option.name: value for option, value in stored.items()}, given)
    from_file = {option.name: f"{path}: {option.flag}" for option in stored}
    named = {
        option.name: f"--{option.flag}" if option.name in given else name
        for option in OPTIONS
        for name in [from_file.get(option.name, f"--{option.flag}")]
    }
    defaults = {option.name: option.default for option in OPTIONS}
    shown = {**dict.fromkeys(from_file, in_toml), **dict.fromkeys(given, as_typed)}
    return Namespace(**{**defaults, **values}, **lists, named=named, shown=shown)


def _lists(path: Path, table: str, read: Any) -> dict[str, list[Any]]:
    """Return the values of each field that a table of the file lists."""
    if not isinstance(read, Mapping):
        raise DataError(
            f"{path}: {table} is {in_toml(read)}; expected a table: write [{table}] above its lines"
        )
    return dict(_listed(path, table, key, values) for key, values in read.items())


def _listed(path: Path, table: str, key: str, values: Any) -> tuple[str, list[Any]]:
    _check_key(path, key)
    named = BY_FLAG[key.replace("_", "-")]
    option = BY_FLAG["seed"] if named.name == "seeds" else named
    if option not in OF_FIELDS:
        raise DataError(
            f"{path}: [{table}] has {key}, which is of all runs; expected fields of an experiment: "
            f"write it above [{table}]"
        )
    if option.name == "seed" and isinstance(values, str):
        values = _seeds(path, table, values)
    if not isinstance(values, list) or not values:
        raise DataError(
            f"{path}: [{table}] {key} is {in_toml(values)}; expected a list of the values to try"
        )
    return option.name, [_value(path, option, value) for value in values]


def _seeds(path: Path, table: str, text: str) -> list[int]:
    try:
        return [*read_seeds(text)]
    except ArgumentTypeError as error:
        raise DataError(f"{path}: [{table}] seed: {error}") from error


def overridden(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values below under those above, without those in whose place one above stands.

    >>> overridden({"epochs": 2, "l2": 0.1}, {"iterations": 3})
    {'l2': 0.1, 'iterations': 3}
    """
    replaced = {rival for pair in RIVALS.items() for rival in pair if {*pair} & above.keys()}
    others = {name: value for name, value in below.items() if name not in replaced}
    return {**others, **above}


def as_typed(value: Any) -> str:
    """Return a value as it is typed behind a flag.

    >>> as_typed((20, 7)), as_typed(0.5), as_typed((("flipped",), ("cropped", 2)))
    ("'20,7'", '0.5', "'flipped; cropped:2'")
    """
    if not isinstance(value, tuple):
        return brief(value)
    is_of_tuples = any(isinstance(part, tuple) for part in value)
    words = (":".join(map(str, part)) if isinstance(part, tuple) else str(part) for part in value)
    return brief(("; " if is_of_tuples else ",").join(words))


def in_toml(value: Any) -> str:
    """Return a value as it is written in TOML, shortly.

    >>> in_toml((True, "a", [0.5])), in_toml({"a": 1})
    ('[true, "a", [0.5]]', 'a table')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value[:40], ensure_ascii=False)
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list | tuple):
        listed = ", ".join(map(in_toml, value[:6]))
        return f"[{listed}{', ...' if len(value) > 6 else ''}]"
    return value.isoformat() if isinstance(value, date | time) else brief(value)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = _content(path)
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); expected TOML: check its name and rights"
        ) from error
    encoding = next((e for mark, e in MARKS.items() if content.startswith(mark)), "utf-8")
    if encoding == "utf-8" and b"\0" in content:
        raise DataError(f"{path}: is a binary file; expected a text of TOML: check the name")
    try:
        return tomllib.loads(content.decode(encoding))
    except (RecursionError, ValueError) as error:
        raise DataError(
            f"{path}: is no TOML ({error}); expected `name = value` lines: correct it"
        ) from error


def _content(path: Path) -> bytes:
    size = path.stat().st_size  # which raises for a name without a file
    if not path.is_file():
        kind = "a folder" if path.is_dir() else "a device"
        raise DataError(f"{path}: is {kind}; expected a file of TOML: check the name")
    if size > MOST_BYTES:
        raise DataError(
            f"{path}: has {size:,} bytes; expected a file of TOML, of at most {MOST_BYTES:,}: "
            "check the name"
        )
    return path.read_bytes()


def _options(path: Path, read: Mapping[str, Any]) -> dict[Option, Any]:
    """Return the value of each option in the file."""
    flags = [key.replace("_", "-") for key in read]
    for key, flag in zip(read, flags, strict=True):
        _check_table(path, key, read[key])
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


def _check_table(path: Path, key: str, value: Any) -> None:
    """Refuse a table of another name than those of a sweep."""
    if isinstance(value, Mapping) and key not in TABLES and key.replace("_", "-") not in BY_FLAG:
        meant = closest(key, {table: table for table in TABLES}, cutoff=0.5)
        advice = f"did you mean [{meant}]?" if meant else "write its options without it"
        raise DataError(
            f"{path}: has the table [{key[:40]}]; expected [grid] or [zip], which are of "
            f"`catpipe sweep`: {advice}"
        )


def _check_key(path: Path, key: str) -> None:
    if key in TABLES:
        raise DataError(
            f"{path}: has [{key}], a table of many experiments; expected those of one: train them "
            "with `catpipe sweep`"
        )
    if key.replace("_", "-") not in BY_FLAG:
        word = key.replace("_", "-").casefold()
        meant = closest(word, SYNONYMS) or _only_beginning(word)
        raise DataError(
            f"{path}: has the key {brief(key)}; expected the name of an option, as "
            f"`catpipe train --help` lists them{f': did you mean {meant}?' if meant else ''}"
        )


def _only_beginning(word: str) -> str | None:
    """Return the one option that begins with the word, where there is one alone."""
    names = [flag for flag in BY_FLAG if word and flag.startswith(word)]
    return names[0] if len(names) == 1 else None


def _rivals(options: list[Option]) -> Iterator[tuple[str, str]]:
    names = {option.name for option in options}
    return (pair for pair in RIVALS.items() if names.issuperset(pair))


def _value(path: Path, option: Option, value: Any) -> Any:
    """Return an option's value from that in the file; the check of its field refuses what is wrong.

    A list is a tuple, and text and numbers are read as they are on the command line.
    """
    if option.stored and type(value) is not option.stored:
        raise DataError(
            f"{path}: {option.flag} is {in_toml(value)}; expected {STORED[option.stored]}"
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
