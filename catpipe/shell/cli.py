"""The command line: options, and one line for whatever is wrong with them."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from functools import partial
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from reprlib import repr as brief
from typing import Any, NoReturn

import numpy as np

from catpipe.experiments import ACTIVATIONS, DTYPES, SCHEMES, Experiment
from catpipe.shell import commands

BAD_INPUT, INTERRUPTED, NO_READER = 2, 130, 141
DEFAULT = Experiment(seed=1)  # the published run
MOST_SEEDS = 10_000


class OneLineParser(ArgumentParser):
    """A parser that says in one line what is wrong, and takes no abbreviations."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Print the message and exit with status 2."""
        self.exit(BAD_INPUT, f"{self.prog}: {message}; see `{self.prog} --help`\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments ask for; return its exit status."""
    with _outputs():
        options = parser().parse_args(arguments)
        try:
            with np.errstate(all="ignore"):  # a cost that is not finite is refused by name
                options.command(options)
                sys.stdout.flush()
        except KeyboardInterrupt:
            return _fail("interrupted; nothing was saved", INTERRUPTED)
        except BrokenPipeError:  # whoever read the output has seen enough
            return NO_READER
        except MemoryError as error:
            return _fail(f"out of memory ({error}); expected smaller layers, or fewer pictures")
        except OSError as error:
            return _fail(f"{error.filename or 'the output'}: {error.strerror}; expected a place "
                         "with room and the right to use it: name another")  # fmt: skip
        except (ArithmeticError, ImportError, ValueError) as error:
            return _fail(str(error))
    return 0


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
    print(f"catpipe: {' '.join(sentence.split())}", file=sys.stderr)
    return status


def parser() -> OneLineParser:
    """Return the parser of all commands.

    >>> parser().parse_args(["train", "--layers", ""]).hidden
    ()
    """
    root = OneLineParser(prog="catpipe", description="Networks trained by folding pure functions.")
    root.add_argument("--version", action="version", version=f"catpipe {version('catpipe')}")
    add = root.add_subparsers(title="commands", required=True, metavar="COMMAND").add_parser
    _train_options(add("train", help="train a network on pictures of two classes"))
    _evaluate_options(add("evaluate", help="test a saved network"))
    _predict_options(add("predict", help="show what a saved network says of single pictures"))
    _draw_options(add("draw", help="draw cats and others"))
    _figure_options(add("figure", help="draw a run's cost curve and some of its predictions"))
    return root


def _train_options(train: ArgumentParser) -> None:
    train.set_defaults(command=commands.train)
    _data_option(train)
    train.add_argument("--layers", dest="hidden", type=layer_sizes, metavar="N,N,...",
                       default=DEFAULT.hidden,
                       help='hidden units, "" for none (default: 20,7,5)')  # fmt: skip
    for name, kind, metavar, words in (
        ("activation", str, "NAME", f"of the hidden layers: {', '.join(ACTIVATIONS)}"),
        ("learning-rate", float, "RATE", "how far a step goes"),
        ("iterations", int, "N", "how many steps"),
        ("scheme", str, "NAME", f"how the start is drawn: {', '.join(SCHEMES)}"),
        ("dtype", str, "NAME", f"type of every number: {', '.join(DTYPES)}"),
    ):
        default = getattr(DEFAULT, name.replace("-", "_"))
        train.add_argument(f"--{name}", type=kind, metavar=metavar, default=default,
                           help=f"{words} (default: {default})")  # fmt: skip
    train.add_argument("--out", type=Path, metavar="FILE",
                       help="file to save the run to (default: it is not saved)")  # fmt: skip
    seeds = train.add_mutually_exclusive_group()
    seeds.add_argument("--seed", type=int, metavar="N", default=DEFAULT.seed,
                       help=f"which start is drawn (default: {DEFAULT.seed})")  # fmt: skip
    seeds.add_argument("--seeds", type=seed_range, metavar="A..B",
                       help="train from each of these; say mean and spread")  # fmt: skip
    train.add_argument("--full-space", action="store_true",
                       help="train on all pixels, not in the pictures' subspace")  # fmt: skip
    train.add_argument("--json", action="store_true", help="print one JSON object instead")


def _evaluate_options(evaluate: ArgumentParser) -> None:
    evaluate.set_defaults(command=commands.evaluate)
    _run_argument(evaluate)
    _data_option(evaluate)
    evaluate.add_argument("--json", action="store_true", help="print one JSON object instead")


def _predict_options(predict: ArgumentParser) -> None:
    predict.set_defaults(command=commands.predict)
    _run_argument(predict)
    _data_option(predict)
    predict.add_argument("--index", type=int, nargs="+", metavar="N",
                         help="which test pictures, from 0 (default: all)")  # fmt: skip


def _draw_options(draw: ArgumentParser) -> None:
    draw.set_defaults(command=commands.draw_data)
    draw.add_argument("folder", type=Path, metavar="FOLDER", help="folder to write to")
    option = partial(draw.add_argument, type=int, metavar="N")
    option("--seed", default=1, help="which pictures (default: 1, which is data/drawn)")
    option("--train", default=209, help="how many to train on (default: 209)")
    option("--test", default=50, help="how many to test on (default: 50)")


def _figure_options(figure: ArgumentParser) -> None:
    figure.set_defaults(command=commands.figure)
    _run_argument(figure)
    figure.add_argument("image", type=Path, metavar="IMAGE", help="PNG file to write")
    _data_option(figure)


def _run_argument(command: ArgumentParser) -> None:
    command.add_argument("run", type=Path, metavar="FILE", help="what `catpipe train --out` saved")


def _data_option(command: ArgumentParser) -> None:
    command.add_argument("--data", type=Path, metavar="FOLDER",
                         help="folder of a train_*.h5 and a test_*.h5 "
                              "(default: data/catvnoncat, else data/drawn)")  # fmt: skip


def seed_range(text: str) -> range:
    """Return the seeds that the text names, the last included.

    >>> seed_range("1..100")
    range(1, 101)
    """
    try:
        first, last = map(int, text.split(".."))
    except ValueError:
        first, last = 0, -1
    if not 0 <= first <= last < 2**32 or last - first >= MOST_SEEDS:
        raise ArgumentTypeError(
            f"{brief(text)} is no range of seeds; expected one like 1..100, of at most "
            f"{MOST_SEEDS:,} from 0 to 4294967295"
        )
    return range(first, last + 1)


def layer_sizes(text: str) -> tuple[int, ...]:
    """Return the sizes that the text lists.

    >>> layer_sizes("20,7,5"), layer_sizes("")
    ((20, 7, 5), ())
    """
    try:
        return tuple(int(size) for size in text.split(",")) if text.strip() else ()
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no list of sizes; expected one like 20,7,5") from None
