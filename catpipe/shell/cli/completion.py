"""Scripts that let a shell complete commands, options and files, written by shtab."""

from __future__ import annotations

from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator

from catpipe.shell.cli.readers import read_path, read_recipe, recipes


def script(root: ArgumentParser, shell: str) -> str:
    """Return the script that completes the parser's commands in this shell.

    Raises `ImportError`, with the command that installs it, where shtab is missing.
    """
    try:
        import shtab
    except ImportError as error:
        raise ImportError(
            "shtab is missing; completion needs it: pip install 'catpipe[completion]'"
        ) from error
    for action in (one for of in _parsers(root) for one in of._actions):
        if action.type is read_path:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif action.type is read_recipe:
            action.choices = [*recipes()]
    return str(shtab.complete(root, shell=shell))


def _parsers(root: ArgumentParser) -> Iterator[ArgumentParser]:
    yield root
    for action in root._actions:
        if isinstance(action, _SubParsersAction):
            yield from action.choices.values()
