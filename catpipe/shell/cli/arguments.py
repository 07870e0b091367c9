"""The parser of all commands: what may be typed, and what its help says."""

from __future__ import annotations

from argparse import (
    SUPPRESS,
    Action,
    ArgumentParser,
    BooleanOptionalAction,
    Namespace,
    RawDescriptionHelpFormatter,
)
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from reprlib import repr as brief
from typing import Any, NamedTuple, NoReturn

BAD_INPUT = 2
GROUPS = ("network", "training", "batches", "regularization", "stopping", "data", "output")


class OneLineParser(ArgumentParser):
    """A parser that says in one line what is wrong, and takes no abbreviations."""

    def __init__(self, **options: Any) -> None:
        formatter = partial(RawDescriptionHelpFormatter, max_help_position=32)
        super().__init__(**options, formatter_class=formatter, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Print the message and exit with status 2."""
        self.exit(BAD_INPUT, f"{self.prog}: {on_one_line(message)}; see `{self.prog} --help`\n")


class Command(NamedTuple):
    """A command: its line of help, its options, its examples, and where its function is."""

    help: str
    add_options: Callable[[OneLineParser], None]
    examples: str
    module: str
    function: str


class _Version(Action):
    def __call__(self, parser: ArgumentParser, *_: Any) -> NoReturn:
        from importlib.metadata import version

        print(f"catpipe {version('catpipe')}")
        parser.exit()


def on_one_line(text: str) -> str:
    """Return the text with its white space as single spaces.

    >>> on_one_line(" two   words ")
    'two words'
    """
    return " ".join(text.split())


def parse(arguments: Sequence[str]) -> tuple[str, Namespace]:
    """Return the command that these arguments name, and its options.

    Of training only the options that are given. Exits with a sentence for what is wrong.

    >>> parse(["train", "--layers", ""])
    ('train', Namespace(hidden=()))
    """
    root = parser(arguments)
    word = next(iter(arguments), "")
    if word.startswith("-") and word not in ("-h", "--help", "--version"):
        _refuse_unknown("", [word])
    if word not in COMMANDS and not word.startswith("-"):
        root.error(
            f"{brief(word)} is no command; expected one of {', '.join(COMMANDS)}"
            f"{_suggestion(word, {**OTHER_WORDS, **{name: name for name in COMMANDS}})}"
        )
    options, unknown = root.parse_known_args(arguments)
    if unknown:
        _refuse_unknown(word, unknown)
    values = vars(options)
    return values.pop("command"), Namespace(**values)


def parser(arguments: Sequence[str]) -> OneLineParser:
    """Return the parser of all commands, with the options of the one that is named alone."""
    root = OneLineParser(
        prog="catpipe",
        description="Train feed-forward networks on pictures, repeatable to the bit.",
        epilog="`catpipe COMMAND --help` lists the options of a command, with examples.",
    )
    root.add_argument("--version", action=_Version, nargs=0, default=SUPPRESS,
                      help="print the version and exit")  # fmt: skip
    commands = root.add_subparsers(
        title="commands", required=True, metavar="COMMAND", dest="command"
    )
    for name, command in COMMANDS.items():
        added = commands.add_parser(
            name, help=command.help, description=f"{command.help[0].upper()}{command.help[1:]}.",
            epilog=f"examples:\n{command.examples}",
            argument_default=SUPPRESS if name == "train" else None,
        )  # fmt: skip
        if name in arguments:
            command.add_options(added)
    return root


def _suggestion(word: str, known: Mapping[str, str]) -> str:
    from catpipe.experiments.experiment import closest

    meant = closest(word, known)
    return f" (did you mean {meant}?)" if meant else ""


def _refuse_unknown(command: str, unknown: Sequence[str]) -> NoReturn:
    """Exit with a sentence about the first option that is not known, or else the first word."""
    alone = OneLineParser(prog=f"catpipe {command}") if command else parser([])
    if command:
        COMMANDS[command].add_options(alone)
    flag = next((word for word in unknown if word.startswith("-")), None)
    if flag is None:
        alone.error(f"{brief(unknown[0])} is one word too many; expected options")
    word = flag.partition("=")[0]
    known = {flag.lstrip("-"): flag for flag in alone._option_string_actions}
    if command == "train":
        from catpipe.shell.cli.options import SYNONYMS

        known = {**{name: f"--{flag}" for name, flag in SYNONYMS.items()}, **known}
    suggestion = _suggestion(word.lstrip("-").replace("_", "-"), known)
    alone.error(f"{word} is no option{suggestion}")


def _train_options(train: OneLineParser) -> None:
    from catpipe.shell.cli.options import OPTIONS

    groups = {name: train.add_argument_group(name) for name in GROUPS}
    groups["data"].add_argument("--config", type=Path, metavar="FILE",
                                help="TOML file of options, such as `epochs = 20`; flags override "
                                     "it")  # fmt: skip
    replaced = {option.in_place_of: option.group for option in OPTIONS if option.in_place_of}
    rivals = {
        name: groups[group].add_mutually_exclusive_group() for name, group in replaced.items()
    }
    for option in OPTIONS:
        group = rivals.get(option.in_place_of or option.name, groups[option.group])
        if option.read is None:
            group.add_argument(f"--{option.flag}", dest=option.name, help=option.help,
                               action=BooleanOptionalAction, default=SUPPRESS)  # fmt: skip
        else:
            group.add_argument(f"--{option.flag}", dest=option.name, type=option.read,
                               metavar=option.metavar, help=option.help)  # fmt: skip


def _resume_options(resume: OneLineParser) -> None:
    _run_argument(resume)
    resume.add_argument("--iterations", type=int, metavar="N",
                        help="number of iterations in all (default: as the run was "
                             "planned)")  # fmt: skip
    resume.add_argument("--save-every", type=int, metavar="N",
                        help="also save the run every N iterations")  # fmt: skip
    _run_data_options(resume)
    _json_option(resume)


def _replay_options(replay: OneLineParser) -> None:
    _run_argument(replay)
    replay.add_argument("--tolerance", type=float, default=0.0, metavar="T",
                        help="largest difference that is allowed in an array, as a share of its "
                             "largest number (default: 0, identical to the bit)")  # fmt: skip
    _run_data_options(replay)


def _show_options(show: OneLineParser) -> None:
    _run_argument(show)
    show.add_argument("--json", action="store_true", help="print the file's record instead")


def _compare_options(compare: OneLineParser) -> None:
    for name in ("run", "other"):
        compare.add_argument(name, type=Path, metavar="FILE", help="file of a saved run")


def _evaluate_options(evaluate: OneLineParser) -> None:
    _run_argument(evaluate)
    _data_option(evaluate)
    _json_option(evaluate)


def _predict_options(predict: OneLineParser) -> None:
    _run_argument(predict)
    _data_option(predict)
    predict.add_argument("--index", type=int, nargs="+", metavar="N",
                         help="numbers of the test examples, from 0 (default: all)")  # fmt: skip


def _draw_options(draw: OneLineParser) -> None:
    draw.add_argument("folder", type=Path, metavar="FOLDER", help="folder to write to")
    option = partial(draw.add_argument, type=int, metavar="N")
    option("--seed", default=1, help="seed of the pictures (default: 1, which gives data/drawn)")
    option("--train", default=209, help="number of training examples (default: 209)")
    option("--test", default=50, help="number of test examples (default: 50)")


def _figure_options(figure: OneLineParser) -> None:
    _run_argument(figure)
    figure.add_argument("image", type=Path, metavar="IMAGE", help="PNG file to write")
    _data_option(figure)


def _run_argument(command: OneLineParser) -> None:
    command.add_argument("run", type=Path, metavar="FILE",
                         help="file that `catpipe train --out FILE` saved")  # fmt: skip


def _json_option(command: OneLineParser) -> None:
    command.add_argument("--json", action="store_true",
                         help="print one JSON object instead of text")  # fmt: skip


def _run_data_options(command: OneLineParser) -> None:
    command.add_argument("--data", type=Path, metavar="FOLDER",
                         help="folder of the training examples (default: as recorded)")  # fmt: skip
    command.add_argument("--validation", type=Path, metavar="FILE",
                         help="file of the validation examples (default: as recorded)")  # fmt: skip


def _data_option(command: OneLineParser) -> None:
    command.add_argument("--data", type=Path, metavar="FOLDER",
                         help="folder of a train_*.h5 and a test_*.h5 (default: as recorded, "
                              "otherwise data/catvnoncat or data/drawn)")  # fmt: skip


COMMANDS: Mapping[str, Command] = {
    "train": Command(
        "train a network on pictures of two or more classes", _train_options,
        "  catpipe train --out cats.h5\n"
        "  catpipe train --data FOLDER --layers 32,16 --optimizer adam --learning-rate 0.001\n"
        "  catpipe train --batch-size 64 --epochs 100 --early-stopping 5\n"
        "  catpipe train --seeds 1..100\n"
        "  catpipe train --config run.toml --seed 2",
        "train", "train",
    ),
    "resume": Command(
        "continue the training of a saved run", _resume_options,
        "  catpipe resume cats.h5\n  catpipe resume cats.h5 --iterations 5000 --save-every 500",
        "train", "resume",
    ),
    "replay": Command(
        "train a saved run again, and check that the result is the same", _replay_options,
        "  catpipe replay cats.h5\n  catpipe replay cats.h5 --tolerance 1e-9", "inspect", "replay",
    ),
    "show": Command(
        "describe a saved run", _show_options,
        "  catpipe show cats.h5\n  catpipe show cats.h5 --json", "inspect", "show",
    ),
    "compare": Command(
        "list the differences between two saved runs", _compare_options,
        "  catpipe compare cats.h5 other.h5", "inspect", "compare",
    ),
    "evaluate": Command(
        "measure accuracy and confusion on the test examples", _evaluate_options,
        "  catpipe evaluate cats.h5\n  catpipe evaluate cats.h5 --data FOLDER --json",
        "predict", "evaluate",
    ),
    "predict": Command(
        "predict the class of single test examples, with its probability", _predict_options,
        "  catpipe predict cats.h5\n  catpipe predict cats.h5 --index 0 9", "predict", "predict",
    ),
    "draw": Command(
        "draw a data set of cats and other things", _draw_options,
        "  catpipe draw pictures\n  catpipe draw pictures --seed 2 --train 1000 --test 200",
        "predict", "draw_data",
    ),
    "figure": Command(
        "draw a picture of a run: its cost curve and some predictions", _figure_options,
        "  catpipe figure cats.h5 cats.png", "predict", "figure",
    ),
}  # fmt: skip
OTHER_WORDS = {
    "fit": "train", "continue": "resume", "repeat": "replay", "info": "show", "diff": "compare",
    "eval": "evaluate", "test": "evaluate", "score": "evaluate", "plot": "figure",
}  # fmt: skip
