"""The parser of all commands: what may be typed, and what its help says."""

from __future__ import annotations

from argparse import ArgumentParser, BooleanOptionalAction
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

from catpipe.shell.cli import inspect as looking
from catpipe.shell.cli import predict as commands
from catpipe.shell.cli import train as training
from catpipe.shell.cli.options import DEFAULT, OPTIONS, RIVALS, seed_range

BAD_INPUT = 2


class OneLineParser(ArgumentParser):
    """A parser that says in one line what is wrong, and takes no abbreviations."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Print the message and exit with status 2."""
        self.exit(BAD_INPUT, f"{self.prog}: {on_one_line(message)}; see `{self.prog} --help`\n")


def on_one_line(text: str) -> str:
    """Return the text with its white space as single spaces.

    >>> on_one_line(" two   words ")
    'two words'
    """
    return " ".join(text.split())


def parser() -> OneLineParser:
    """Return the parser of all commands.

    >>> parser().parse_args(["train", "--layers", ""]).hidden
    ()
    """
    root = OneLineParser(prog="catpipe", description="Networks trained by folding pure functions.")
    root.add_argument("--version", action="version", version=f"catpipe {version('catpipe')}")
    add = root.add_subparsers(title="commands", required=True, metavar="COMMAND").add_parser
    _train_options(add("train", help="train a network on pictures of two or more classes"))
    _resume_options(add("resume", help="continue training a saved run"))
    _replay_options(add("replay", help="train a saved run again: does it come out the same?"))
    _show_options(add("show", help="describe a saved run"))
    _compare_options(add("compare", help="say what differs between two saved runs"))
    _evaluate_options(add("evaluate", help="test a saved network"))
    _predict_options(add("predict", help="show what a saved network says of single pictures"))
    _draw_options(add("draw", help="draw cats and others"))
    _figure_options(add("figure", help="draw a run's cost curve and some of its predictions"))
    return root


def _train_options(train: ArgumentParser) -> None:
    train.set_defaults(command=training.train)
    _data_option(train)
    train.add_argument("--config", type=Path, metavar="FILE",
                       help="TOML file of options: `epochs = 20`; flags override it")  # fmt: skip
    rivals = {name: train.add_mutually_exclusive_group() for name in ("iterations", "seed")}
    for option in OPTIONS:
        group = rivals.get(RIVALS.get(option.flag, option.flag), train)
        field = option.field or option.flag.replace("-", "_")
        default = getattr(DEFAULT, field)
        if isinstance(default, int):  # argparse tells that a rival was said from another object
            default = str(default)
        said = option.default or default
        group.add_argument(f"--{option.flag}", dest=field, type=option.type, default=default,
                           metavar=option.metavar,
                           help=f"{option.help} (default: {said})")  # fmt: skip
    rivals["seed"].add_argument("--seeds", type=seed_range, metavar="A..B",
                                help="train from each of these; say mean and spread")  # fmt: skip
    train.add_argument("--validation", type=Path, metavar="FILE",
                       help="a train_*.h5 or test_*.h5 to validate on in early stopping "
                            "(default: a fifth of the training pictures)")  # fmt: skip
    train.add_argument("--full-space", action=BooleanOptionalAction, default=False,
                       help="train on all pixels, not in the pictures' subspace")  # fmt: skip
    train.add_argument("--out", type=Path, metavar="FILE",
                       help="file to save the run to (default: it is not saved)")  # fmt: skip
    _save_every_option(train)
    train.add_argument("--json", action=BooleanOptionalAction, default=False,
                       help="print one JSON object instead")  # fmt: skip


def _resume_options(resume: ArgumentParser) -> None:
    resume.set_defaults(command=training.resume)
    _run_argument(resume)
    resume.add_argument("--iterations", type=int, metavar="N",
                        help="to how many in all (default: as many as were asked for)")  # fmt: skip
    _save_every_option(resume)
    _run_data_options(resume)
    _json_option(resume)


def _replay_options(replay: ArgumentParser) -> None:
    replay.set_defaults(command=looking.replay)
    _run_argument(replay)
    replay.add_argument("--tolerance", type=float, default=0.0, metavar="T",
                        help="how far each array may be off, as a share of its largest number "
                             "(default: 0, identical to the bit)")  # fmt: skip
    _run_data_options(replay)


def _show_options(show: ArgumentParser) -> None:
    show.set_defaults(command=looking.show)
    _run_argument(show)
    show.add_argument("--json", action="store_true", help="print the record in the file instead")


def _compare_options(compare: ArgumentParser) -> None:
    compare.set_defaults(command=looking.compare)
    for name in ("run", "other"):
        compare.add_argument(name, type=Path, metavar="FILE", help="a saved run")


def _evaluate_options(evaluate: ArgumentParser) -> None:
    evaluate.set_defaults(command=commands.evaluate)
    _run_argument(evaluate)
    _data_option(evaluate)
    _json_option(evaluate)


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


def _json_option(command: ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print one JSON object instead")


def _save_every_option(command: ArgumentParser) -> None:
    command.add_argument("--save-every", type=int, metavar="N",
                         help="also save every N iterations while training")  # fmt: skip


def _run_data_options(command: ArgumentParser) -> None:
    command.add_argument(
        "--data",
        type=Path,
        metavar="FOLDER",
        help="folder of the pictures it was trained on (default: as recorded)",
    )
    command.add_argument("--validation", type=Path, metavar="FILE",
                         help="what it was validated on (default: as recorded)")  # fmt: skip


def _data_option(command: ArgumentParser) -> None:
    command.add_argument("--data", type=Path, metavar="FOLDER",
                         help="folder of a train_*.h5 and a test_*.h5 "
                              "(default: data/catvnoncat, else data/drawn)")  # fmt: skip
