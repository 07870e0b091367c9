"""The parser of all commands: what may be typed, and what its help says."""

from __future__ import annotations

from argparse import (
    SUPPRESS,
    Action,
    ArgumentParser,
    ArgumentTypeError,
    BooleanOptionalAction,
    Namespace,
    RawDescriptionHelpFormatter,
)
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from re import fullmatch
from reprlib import repr as brief
from typing import Any, NamedTuple, NoReturn, TypeAlias

from catpipe.shell.cli.exit_status import BAD_INPUT
from catpipe.shell.cli.readers import (
    MEMORY_HELP,
    read_count,
    read_folds,
    read_integer,
    read_memory,
    read_number,
    read_path,
    read_recipe,
    read_size,
    recipes,
)

ROOT_FLAGS = ("-h", "--help", "--version", "--print-completion")
GROUPS = ("network", "training", "batches", "regularization", "stopping", "data", "output")


class OneLineParser(ArgumentParser):
    """A parser that says in one line what is wrong, and takes no abbreviations."""

    def __init__(self, **options: Any) -> None:
        formatter = partial(RawDescriptionHelpFormatter, max_help_position=32)
        super().__init__(**options, formatter_class=formatter, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Print the message and exit with status 2."""
        self.exit(BAD_INPUT, f"{self.prog}: {on_one_line(message)}; see `{self.prog} --help`\n")


Add: TypeAlias = Callable[[OneLineParser], object]


class Command(NamedTuple):
    """A command: where its function is, its line of help, what adds its options, its examples."""

    module: str
    function: str
    help: str
    options: tuple[Add, ...]
    examples: tuple[str, ...]


class _Version(Action):
    def __call__(self, parser: ArgumentParser, *_: Any) -> NoReturn:
        from catpipe.shell.cli.versions import version_lines

        print(*version_lines(), sep="\n")
        parser.exit()


class _Completion(Action):
    def __call__(self, *given: Any) -> NoReturn:
        from catpipe.shell.cli.completion import script

        _, _, shell, *_ = given
        print(script(parser([*COMMANDS]), str(shell)))  # an ImportError is one line of `main`
        raise SystemExit(0)


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
    arguments = _with_joined_values(arguments)
    root = parser(arguments)
    word = next(iter(arguments), "")
    if word.startswith("-") and word.partition("=")[0] not in ROOT_FLAGS:
        _refuse_unknown("", [word])
    if word not in COMMANDS and not word.startswith("-"):
        root.error(
            f"{brief(word)} is no command; expected one of {', '.join(COMMANDS)}"
            f"{_suggestion(word, {**OTHER_WORDS, **{name: name for name in COMMANDS}})}"
        )
    options, unknown = root.parse_known_args(arguments)
    values = vars(options)
    several = SEVERAL.get(word)
    if several and unknown and not any(word.startswith("-") for word in unknown):
        values[several] += [_read_as_path(root, word) for word in unknown]
    elif unknown:
        _refuse_unknown(word, unknown)
    return values.pop("command"), Namespace(**values)


def _read_as_path(root: OneLineParser, word: str) -> Path:
    try:
        return read_path(word)
    except ArgumentTypeError as error:
        root.error(str(error))


def _with_joined_values(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with `--flag -1,2` as `--flag=-1,2`: argparse takes it for a flag.

    >>> _with_joined_values(["--class-weight", "-1,2", "--seed", "-1"])
    ['--class-weight=-1,2', '--seed', '-1']
    """
    joined: list[str] = []
    for word in arguments:
        begins_as_number = fullmatch(r"-(inf|nan|\.?\d.*)", word)
        is_known_as_one = fullmatch(r"-\d+|-\d*\.\d+", word)
        flag = joined[-1] if joined else ""
        if begins_as_number and not is_known_as_one and flag.startswith("--") and "=" not in flag:
            joined[-1] = f"{flag}={word}"
        else:
            joined.append(word)
    return joined


def parser(arguments: Sequence[str]) -> OneLineParser:
    """Return the parser of all commands, with the options of the one that is named alone."""
    root = OneLineParser(
        prog="catpipe",
        description="Train feed-forward networks on pictures and features, repeatable to the bit.",
        epilog="`catpipe COMMAND --help` lists the options of a command, with examples.",
    )
    root.formatter_class = partial(RawDescriptionHelpFormatter, max_help_position=14)
    root.add_argument(
        "--version",
        action=_Version,
        nargs=0,
        default=SUPPRESS,
        help="print the versions of catpipe and its libraries, and exit",
    )
    root.add_argument("--print-completion", action=_Completion, default=SUPPRESS,
                      choices=("bash", "zsh", "tcsh"), metavar="SHELL",
                      help="print what completes commands in bash, zsh or tcsh")  # fmt: skip
    commands = root.add_subparsers(
        title="commands", required=True, metavar="COMMAND", dest="command"
    )
    for name, command in COMMANDS.items():
        added = commands.add_parser(
            name, help=command.help, description=f"{command.help[0].upper()}{command.help[1:]}.",
            epilog="\n  ".join(("examples:", *(f"catpipe {name} {e}".rstrip()
                                              for e in command.examples))),
            argument_default=SUPPRESS if name in ("train", "validate") else None,
        )  # fmt: skip
        for add in command.options if name in arguments else ():
            add(added)
    return root


def _suggestion(word: str, known: Mapping[str, str]) -> str:
    from catpipe.experiments.experiment import closest

    meant = closest(word, known)
    return f" (did you mean {meant}?)" if meant else ""


def _refuse_unknown(command: str, unknown: Sequence[str]) -> NoReturn:
    """Exit with a sentence about the first option that is not known, or else the first word."""
    alone = OneLineParser(prog=f"catpipe {command}") if command else parser([])
    for add in COMMANDS[command].options if command else ():
        add(alone)
    flag = next((word for word in unknown if word.startswith("-")), None)
    if flag is None:
        alone.error(f"{brief(unknown[0])} is one word too many; expected options")
    word = flag.partition("=")[0]
    known = {flag.lstrip("-"): flag for flag in alone._option_string_actions}
    if command in ("train", "resume", "validate"):
        from catpipe.shell.cli.options import SYNONYMS

        flags = {name: f"--{flag}" for name, flag in SYNONYMS.items()}
        known = {name: flag for name, flag in flags.items() if flag in known.values()} | known
    suggestion = _suggestion(word.lstrip("-").replace("_", "-"), known)
    alone.error(f"{word} is no option{suggestion}")


def _train_options(train: OneLineParser) -> None:
    from catpipe.shell.cli.options import OPTIONS

    files = _add_options(train, OPTIONS).add_mutually_exclusive_group()
    files.add_argument(
        "--config",
        type=read_path,
        metavar="FILE",
        help="TOML file of options, such as `epochs = 20`; flags override it",
    )
    files.add_argument(
        "--recipe",
        dest="config",
        type=read_recipe,
        metavar="NAME",
        help=f"options that come with catpipe: {', '.join(recipes())}",
    )


def _experiment_options(validate: OneLineParser) -> None:
    from catpipe.shell.cli.options import OF_FIELDS

    _add_options(validate, OF_FIELDS)


def _add_options(command: OneLineParser, options: Sequence[Any]) -> Any:
    """Add these options in their groups; return the group of the data."""
    groups = {name: command.add_argument_group(name) for name in GROUPS}
    replaced = {option.in_place_of: option.group for option in options if option.in_place_of}
    rivals = {
        name: groups[group].add_mutually_exclusive_group() for name, group in replaced.items()
    }
    for option in options:
        group = rivals.get(option.in_place_of or option.name, groups[option.group])
        if option.read is None:
            group.add_argument(f"--{option.flag}", dest=option.name, help=option.help,
                               action=BooleanOptionalAction, default=SUPPRESS)  # fmt: skip
        else:
            group.add_argument(f"--{option.flag}", dest=option.name, type=option.read,
                               metavar=option.metavar, help=option.help)  # fmt: skip
    return groups["data"]


def _change_options(resume: OneLineParser) -> None:
    from catpipe.experiments.experiment import FIELDS
    from catpipe.experiments.resuming import CHANGEABLE
    from catpipe.shell.cli.options import OPTIONS

    changes = resume.add_argument_group("changes for the rest of the run (default: as before)")
    for option in OPTIONS:
        if option.name in CHANGEABLE:
            changes.add_argument(f"--{option.flag}", dest=option.name, type=option.read or str,
                                 metavar=option.metavar, help=FIELDS[option.name].help)  # fmt: skip


def _argument(name: str, metavar: str, help_: str, **more: Any) -> Add:
    """Return what adds this argument to a parser; it is a path where no other type is named."""
    settings = {"type": read_path, "metavar": metavar, "help": help_, **more}
    return lambda command: command.add_argument(name, **settings)


def _add_rivals(arguments: Sequence[Add], command: OneLineParser) -> None:
    """Add these arguments, of which one can be given."""
    rivals: Any = command.add_mutually_exclusive_group()
    for add in arguments:
        add(rivals)


def _switch(name: str, help_: str) -> Add:
    return lambda command: command.add_argument(name, action="store_true", help=help_)


FIGURES = ("overview", "cost", "curves", "weights", "predictions", "confusion", "calibration",
           "saliency")  # fmt: skip
DTYPES = ("float32", "float64")
# fmt: off
RUN = _argument("run", "FILE", "file that `catpipe train --out FILE` saved")
JSON = _switch("--json", "print one JSON object instead of text")
DATA = _argument("--data", "FOLDER", "folder of a train_*.h5 and a test_*.h5, or one file of both "
                 "(default: as recorded, otherwise data/catvnoncat or data/drawn)")
MEMORY = _argument("--memory", "GIB", MEMORY_HELP, type=read_memory)
TRAINING_DATA = _argument("--data", "FOLDER", "folder of a train_*.h5 and a test_*.h5, or one file "
                          "of both (default: data/catvnoncat, otherwise data/drawn)")
VALIDATION = _argument("--validation", "FILE", "a train_*.h5 or test_*.h5 of validation "
                       "examples (default: a fifth of the training examples)")
WORKERS = _argument("--workers", "N", "use so many processes of this machine (default: threads, "
                    "one a processor)", type=read_count)
SCHEDULER = _argument("--scheduler", "ADDRESS", "use the workers of the Dask cluster whose "
                      "scheduler is there, as in tcp://HOST:8786", type=str)
WHERE = partial(_add_rivals, (WORKERS, SCHEDULER))
TRAINED_ON = _argument("--data", "FOLDER", "folder or file of the training examples "
                       "(default: as recorded)")
VALIDATED_ON = _argument("--validation", "FILE",
                         "file of the validation examples (default: as recorded)")
COMMANDS: Mapping[str, Command] = {
    "train": Command(
        "train", "train", "train a network on pictures or features", (_train_options,),
        ("--out cats.h5",
         "--data FOLDER --layers 32,16 --optimizer adam --learning-rate 0.001",
         "--batch-size 64 --epochs 100 --early-stopping 5",
         "--seeds 1..100",
         "--config run.toml --seed 2")),
    "sweep": Command(
        "sweep", "sweep", "train a grid of experiments into a folder",
        (_argument("--config", "FILE", "TOML file of options and, in [grid], of the values to try "
                   "in each combination, or in [zip] side by side", required=True),
         _argument("--out", "FOLDER", "folder to save the runs to; those that are there already "
                   "are not trained again"),
         TRAINING_DATA, VALIDATION,
         WHERE,
         MEMORY, JSON),
        ("--config grid.toml --out runs",)),
    "table": Command(
        "sweep", "table", "list the runs of a sweep, the best first",
        (_argument("folder", "FOLDER", "folder that `catpipe sweep --out FOLDER` saved"),
         DATA, MEMORY, JSON),
        ("runs",)),
    "resume": Command(
        "train", "resume", "continue the training of a saved run",
        (RUN, TRAINED_ON, VALIDATED_ON, MEMORY, JSON,
         _argument("--save-every", "N", "also save the run every N iterations", type=read_integer),
         _change_options),
        ("cats.h5", "cats.h5 --iterations 5000 --save-every 500",
         "cats.h5 --iterations 5000 --learning-rate 0.001")),
    "replay": Command(
        "inspect", "replay", "train a saved run again, and check that the result is the same",
        (RUN, TRAINED_ON, VALIDATED_ON, MEMORY,
         _argument("--tolerance", "T", "largest difference that is allowed in an array, as a "
                   "fraction of its largest number (default: 0, identical to the bit)",
                   type=read_number, default=0.0)),
        ("cats.h5", "cats.h5 --tolerance 1e-9")),
    "show": Command(
        "inspect", "show", "describe a saved run",
        (RUN, _switch("--json", "print the file's record instead of text")),
        ("cats.h5", "cats.h5 --json")),
    "compare": Command(
        "inspect", "compare", "list the differences between two saved runs",
        (RUN, _argument("other", "FILE", "file of another run")), ("cats.h5 other.h5",)),
    "evaluate": Command(
        "predict", "evaluate", "measure accuracy or R squared on the test examples",
        (RUN, DATA, MEMORY, JSON), ("cats.h5", "cats.h5 --data FOLDER --json")),
    "validate": Command(
        "validation", "validate", "judge experiments by examples that they were not trained on",
        (_argument("configs", "FILE", "TOML files of options, an experiment each; flags override "
                   "them (default: one experiment, of the flags alone)", nargs="*"),
         _argument("--folds", "KxR", "K folds, each R times anew; or leave-one-out; or a share to "
                   "hold out, as in 0.2x5 (default: 5x5)", type=read_folds),
         _argument("--folds-seed", "N", "seed that divides the examples (default: 1)",
                   type=read_integer),
         _argument("--recipe", "NAME", f"options that come with catpipe, once for each: "
                   f"{', '.join(recipes())}", type=read_recipe, action="append", dest="recipes"),
         _argument("--groups", "FILE", "text file with the name of a group in a line for each "
                   "example, such as who took the picture: a group stays in one fold"),
         _switch("--train-only", "leave out the test examples, for a last judgement"),
         TRAINING_DATA, WHERE, MEMORY, JSON, _experiment_options),
        ("a.toml b.toml", "--recipe article --recipe features --folds 10",
         "--layers 32 --learning-rate 0.01 --folds 10",
         "a.toml b.toml --data FOLDER --folds leave-one-out --train-only --json")),
    "predict": Command(
        "predict", "predict", "predict the class, or numbers, of photographs or test examples",
        (RUN,
         _argument("photos", "PHOTO", "JPEG, PNG, WebP, GIF, TIFF, ... of any size, or a folder of "
                   "them (default: the test examples); status 1 when one cannot be read",
                   nargs="*"),
         DATA, MEMORY,
         _argument("--index", "N", "numbers of the test examples, from 0 (default: all)",
                   type=read_integer, nargs="+"), JSON),
        ("cats.h5 cat.jpg", "cats.h5 holiday/ cat.jpg --json", "cats.h5 --index 0 9")),
    "check": Command(
        "check", "check_data", "find copies and damage in a data set",
        (partial(_add_rivals, (
            _argument("data", "DATA", "folder of a train_*.h5 and a test_*.h5, or one file of both "
                      "(default: data/catvnoncat, otherwise data/drawn); status 1 when something "
                      "is found", nargs="?"),
            _argument("--data", "DATA", "the same, named as other commands name it",
                      dest="named_data"))),
         MEMORY, JSON),
        ("data/drawn", "FOLDER --json")),
    "import": Command(
        "import_pictures", "import_folder",
        "make a data set of pictures in a folder for each class",
        (_argument("folder", "FOLDER", "folder that holds a folder of pictures for each class, "
                   "or train/ and test/ that do, and perhaps val/, which is the part to test on "
                   "where there is no test/"),
         _argument("--out", "DATASET", "folder to write train_pictures.h5 and test_pictures.h5 to",
                   required=True),
         _argument("--size", "SIDE", "size of the pictures, as in 64, or 64x48 for 64 wide and 48 "
                   "high: each is squeezed to it (default: 64)", type=read_size, default=(64, 64)),
         _switch("--grey", "make grey pictures, of one channel"),
         _argument("--test-share", "SHARE", "share of each class to test on, where there is no "
                   "test/; 0 for none (default: 0.2)", type=read_number),
         _argument("--seed", "N", "seed of the division and of the order (default: 1)",
                   type=read_integer, default=1),
         _switch("--force", "replace the data set in DATASET"), JSON),
        ("photos --out cats", "photos --out cats --size 32 --test-share 0.1")),
    "draw": Command(
        "predict", "draw_data", "draw a data set of cats and other things",
        (_argument("folder", "FOLDER", "folder to write to"),
         _argument("--seed", "N", "seed of the pictures (default: 1, which gives data/drawn)",
                   type=read_integer, default=1),
         _argument("--train", "N", "number of training examples (default: 209)", type=read_integer,
                   default=209),
         _argument("--test", "N", "number of test examples (default: 50)", type=read_integer,
                   default=50),
         _switch("--force", "replace other drawn data in the folder")),
        ("pictures", "pictures --seed 2 --train 1000 --test 200")),
    "fetch": Command(
        "fetch", "fetch_photographs", "fetch the photographs of cats that the article trains on",
        (_argument("--out", "FOLDER", "folder to write to (default: data/catvnoncat, where "
                   "`catpipe train` finds them)"),),
        ("", "--out pictures")),
    "plot": Command(
        "plot", "plot_runs", "draw a figure of a run, or of several side by side",
        (_argument("runs", "FILE", "file that `catpipe train --out FILE` saved; several for cost "
                   "and curves", nargs="+"),
         _argument("--what", "KIND", f"{', '.join(FIGURES)} (default: overview); curves trains the "
                   "run again", type=str, choices=FIGURES, default="overview"),
         _argument("--out", "IMAGE", "file to write: .png, .svg or .pdf (default: as the run, "
                   "with the kind)"),
         DATA, MEMORY),
        ("cats.h5", "cats.h5 --what predictions --out mistakes.png",
         "a.h5 b.h5 --what curves --out curves.svg")),
    "export": Command(
        "export", "export_run", "write a run as a model for other runtimes, or its arrays alone",
        (RUN,
         _argument("--out", "MODEL", "file to write: .onnx, or .safetensors or .npz for the arrays",
                   required=True),
         _argument("--dtype", "TYPE", "float32 or float64 (default: float32 in .onnx, as trained "
                   "in the others)", type=str, choices=DTYPES),
         DATA, MEMORY, JSON),
        ("cats.h5 --out cats.onnx", "cats.h5 --out cats.onnx --dtype float64",
         "cats.h5 --out cats.safetensors")),
    "report": Command(
        "page", "report", "write a page about runs: one HTML file for a browser",
        (_argument("runs", "RUN", "files that `catpipe train --out FILE` saved, or the folder of a "
                   "sweep", nargs="+"),
         _argument("--out", "PAGE", "file to write: .html", required=True),
         _switch("--curves", "show cost and accuracy on training, validation and test examples on "
                 "the way: trains each run that is shown in full again, which takes up to three "
                 "times as long as its training"),
         DATA, MEMORY),
        ("cats.h5 --out cats.html", "cats.h5 --curves --out cats.html",
         "cats.h5 other.h5 --out both.html", "runs --out sweep.html")),
    "tour": Command(
        "tour", "take_tour", "show the commands at work, one after another, on drawn pictures",
        (_argument("--out", "FOLDER", "new folder to work in (default: catpipe-tour)",
                   default=Path("catpipe-tour")),),
        ("", "--out first-hour")),
}
# fmt: on
SEVERAL = {"predict": "photos", "validate": "configs", "plot": "runs", "report": "runs"}
"""The paths of which a command takes several: argparse overlooks those that follow an option."""

OTHER_WORDS = {
    "help": "--help",
    "fit": "train",
    "continue": "resume",
    "repeat": "replay",
    "info": "show",
    "diff": "compare",
    "eval": "evaluate",
    "lint": "check",
    "verify": "check",
    "test": "evaluate",
    "score": "evaluate",
    "classify": "predict",
    "convert": "import",
    "ingest": "import",
    "cv": "validate",
    "cross-validate": "validate",
    "grid": "sweep",
    "search": "sweep",
    "demo": "tour",
    "example": "tour",
    "html": "report",
    "list": "table",
    "ls": "table",
    "download": "fetch",
    "get": "fetch",
    "figure": "plot",
    "onnx": "export",
    "save": "export",
}  # fmt: skip
