"""The command line: a command is obeyed, or what is wrong is said in one line."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from io import TextIOWrapper
from pathlib import Path

import numpy as np

from catpipe.shell.cli.arguments import BAD_INPUT, on_one_line, parser
from catpipe.shell.cli.config import with_config
from catpipe.shell.cli.signals import Interrupted
from catpipe.shell.storage.hdf5 import reader

DIFFERS, INTERRUPTED, NO_READER = 1, 130, 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments ask for; return its exit status."""
    with _outputs():
        try:
            return _obeyed(sys.argv[1:] if arguments is None else arguments)
        except KeyboardInterrupt:
            return _fail("interrupted", INTERRUPTED)
        except Interrupted as stopped:
            return _fail(stopped.sentence, stopped.status)
        except BrokenPipeError:  # whoever read the output has seen enough
            return NO_READER
        except (ArithmeticError, ImportError, MemoryError, OSError, ValueError) as error:
            return _fail(_sentence(error))


def _obeyed(arguments: Sequence[str]) -> int:
    options = parser().parse_args(with_config(arguments))
    with reader(), np.errstate(all="ignore"):  # a cost that is not finite is refused by name
        is_same = options.command(options)
        sys.stdout.flush()
    return DIFFERS if is_same is False else 0


def _sentence(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return f"out of memory ({error}); expected smaller layers, or fewer pictures"
    if isinstance(error, OSError):
        where, why = error.filename or "the output", error.strerror or error
        return f"{where}: {why}; expected a place with room and the right to use it: name another"
    return str(error)


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
        except OSError:  # what could not be written would be tried again at exit, and be told there
            os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _fail(sentence: str, status: int = BAD_INPUT) -> int:
    with suppress(OSError):  # which would end it with another status
        print(f"catpipe: {on_one_line(sentence)}", file=sys.stderr)
    return status
