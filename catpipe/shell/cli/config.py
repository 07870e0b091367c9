"""A configuration file is flags written down: in TOML, and read as if they stood first."""

from __future__ import annotations

import tomllib
from argparse import ArgumentParser
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from reprlib import repr as brief
from typing import Any

from catpipe.shell.cli.options import OPTIONS, RIVALS
from catpipe.shell.storage.atomic import DataError

SWITCHES = ("full-space", "json")
KEYS = (
    *(option.flag for option in OPTIONS),
    "seeds",
    "data",
    "validation",
    "out",
    "save-every",
    *SWITCHES,
)
MOST_BYTES = 2**20


def with_config(arguments: Sequence[str]) -> list[str]:
    """Return the arguments, with those of the file that `--config` names before all other options.

    A later one overrides an earlier one, so flags override the file. Raises `DataError`.

    >>> with_config(["train", "--epochs", "3"])
    ['train', '--epochs', '3']
    """
    if list(arguments[:1]) != ["train"]:
        return list(arguments)
    finder = ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    finder.add_argument("--config", type=Path, nargs="?")
    path = finder.parse_known_args(arguments)[0].config
    if path is None:
        return list(arguments)
    said = {argument.partition("=")[0] for argument in arguments}
    return ["train", *_flags(path, _options(path), said), *arguments[1:]]


def _options(path: Path) -> dict[str, Any]:
    read = _read(path)
    keys = [key.replace("_", "-") for key in read]
    for key in keys:
        _check_key(path, key)
        if keys.count(key) > 1:
            raise DataError(
                f"{path}: has {key} twice, with - and with _; expected it once: keep one"
            )
    return dict(zip(keys, read.values(), strict=True))


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.is_file() and path.stat().st_size <= MOST_BYTES:
            return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); expected TOML: check its rights"
        ) from error
    except (RecursionError, ValueError) as error:
        raise DataError(
            f"{path}: is no TOML ({error}); expected `name = value` lines: mend it"
        ) from error
    raise DataError(
        f"{path}: is not a file of at most {MOST_BYTES:,} bytes; expected TOML: check the name"
    )


def _check_key(path: Path, key: str) -> None:
    if key not in KEYS:
        nearest = get_close_matches(key, (*KEYS, "hidden"), n=1, cutoff=0)[0]
        raise DataError(
            f"{path}: has the key {brief(key)}; expected the name of an option: "
            f"did you mean {'layers' if nearest == 'hidden' else nearest}?"
        )


def _flags(path: Path, options: dict[str, Any], said: set[str]) -> list[str]:
    """Return the options as flags, but for those whose rivals are said on the command line."""
    rivals = {**RIVALS, **{rival: name for name, rival in RIVALS.items()}}
    return [
        _flag(path, key, value)
        for key, value in options.items()
        if f"--{rivals.get(key)}" not in said
    ]


def _flag(path: Path, key: str, value: Any) -> str:
    if key in SWITCHES:
        if not isinstance(value, bool):
            raise DataError(f"{path}: {key} is {brief(value)}; expected true or false: write one")
        return f"--{'' if value else 'no-'}{key}"
    values = value if isinstance(value, list) else [value]
    if not all(type(one) in (str, int, float) for one in values):  # true would pass for an integer
        raise DataError(
            f"{path}: {key} is {brief(value)}; expected a number, text or a list of them: write one"
        )
    return f"--{key}={','.join(map(str, values))}"
