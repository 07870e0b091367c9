"""The line that says what to try where a run learned nothing."""

from __future__ import annotations

import sys
from contextlib import suppress

from numpy.typing import ArrayLike

from catpipe.data.examples import Examples
from catpipe.experiments.diagnosis import Hint, diagnose
from catpipe.experiments.result import Result
from catpipe.shell.cli.options import FLAGS


def print_hint(result: Result, examples: Examples, cost: ArrayLike) -> None:
    """Print what to try where the run, of this cost on its examples, learned nothing."""
    if hint := diagnose(result, examples, cost):
        with suppress(OSError):  # the result stands, whoever hears this
            print(f"catpipe: hint: {hint_words(hint)}", file=sys.stderr)


def hint_words(hint: Hint) -> str:
    """Return the hint in words, with the flags to give.

    >>> hint_words(Hint("nothing moved", (("initializer", "he"), ("learning_rate", "smaller"))))
    'nothing moved; try --initializer he, or a smaller --learning-rate'
    """
    return f"{hint.seen}; try {', or '.join(_flag_words(*one) for one in hint.tries)}"


def _flag_words(field: str, value: str) -> str:
    is_direction = value in ("smaller", "larger")
    return f"a {value} {FLAGS[field]}" if is_direction else f"{FLAGS[field]} {value}"
