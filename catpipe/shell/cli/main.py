"""The command line: a command runs, or one line says what is wrong."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from re import sub

from catpipe.shell.cli.arguments import COMMANDS, on_one_line, parse, parser
from catpipe.shell.cli.exit_status import BAD_INPUT, DIFFERS, INTERRUPTED, NO_COMMAND, NO_READER
from catpipe.shell.storage.atomic import DataError
from catpipe.shell.storage.child import reader

Function = Callable[[Namespace], bool | None]


def main(arguments: Sequence[str] | None = None, ready: Callable[[], object] = int) -> int:
    """Run the command that the arguments name; return its exit status.

    `ready()` is called when what the command needs is imported, before it begins. Without a command
    the help is printed, and the status is 1, as git has it.
    """
    with _outputs():
        try:
            given = sys.argv[1:] if arguments is None else arguments
            if not given:
                parser(given).print_help()
                return NO_COMMAND
            name, options = parse(given)
            with reader(starts_now=name not in ("draw", "fetch")):  # which read none
                function, options = _imported(name, options)
                ready()
                return _run(function, options)
        except KeyboardInterrupt:
            return _fail("interrupted", INTERRUPTED)
        except BrokenPipeError:  # whoever read the output has seen enough
            return NO_READER
        except (ArithmeticError, ImportError, MemoryError, OSError, ValueError) as error:
            return _fail(_error_message(error))


def _imported(name: str, options: Namespace) -> tuple[Function, Namespace]:
    """Return the function of the command and its options; import what they need, and no more."""
    command = COMMANDS[name]
    function = getattr(import_module(f"catpipe.shell.cli.{command.module}"), command.function)
    if name != "train":
        return function, options
    from catpipe.shell.cli.config import completed

    return function, completed(options)


def _run(function: Function, options: Namespace) -> int:
    import numpy as np

    from catpipe.shell.cli.signals import Interrupted

    try:
        with np.errstate(all="ignore"):  # a cost that is not finite is refused by name
            is_same = function(options)
            sys.stdout.flush()
    except Interrupted as stopped:
        return _fail(stopped.sentence, stopped.status)
    return DIFFERS if is_same is False else 0


def _error_message(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return f"out of memory ({error}); expected smaller layers, or fewer examples"
    if isinstance(error, OSError):
        where, why = error.filename or "the output", error.strerror or error
        return f"{where}: {why}; expected a place with room and the right to use it: give another"
    return _with_memory(str(error)) if isinstance(error, DataError) else _with_flags(str(error))


def _with_memory(sentence: str) -> str:
    """Return what `load_data` says of its budget, of the flag that stands for it.

    >>> _with_memory("takes 3,000,000,000 bytes: allow it with budget=3000000000, or split it")
    'takes 3,000,000,000 bytes: allow it with --memory 3, or split it'
    """
    return sub(
        r"\ballow it with budget=([0-9]+)",
        lambda found: f"allow it with --memory {-(-int(found[1]) // 2**30)}",
        sentence,
    )


def _with_flags(sentence: str) -> str:
    """Return what Python's functions say of their arguments, of the flags that stand for them.

    >>> _with_flags("batch_size is 0; expected more")
    '--batch-size is 0; expected more'
    """
    from catpipe.shell.cli.options import FLAGS

    return sub(r"\b[a-z]+_[a-z_]+\b", lambda word: FLAGS.get(word[0], word[0]), sentence)


@contextmanager
def _outputs() -> Iterator[None]:
    """Give a closed output somewhere to go, and print what its encoding lacks as escapes."""
    with Path(os.devnull).open("w") as nowhere, ExitStack() as outputs:
        if sys.stdout is None:
            outputs.enter_context(redirect_stdout(nowhere))
        if sys.stderr is None:
            outputs.enter_context(redirect_stderr(nowhere))
        for output in (sys.stdout, sys.stderr):
            if isinstance(output, TextIOWrapper):
                output.reconfigure(errors="backslashreplace")
        yield
        try:
            sys.stdout.flush()
        except OSError:  # what could not be written would be tried again at exit, and fail there
            os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _fail(sentence: str, status: int = BAD_INPUT) -> int:
    with suppress(OSError):  # which would end it with another status
        print(f"catpipe: {on_one_line(sentence)}", file=sys.stderr)
    return status
