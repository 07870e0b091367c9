"""The options that make an experiment: their names on the command line, and what they take."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable
from reprlib import repr as brief
from typing import Any, NamedTuple

from catpipe.experiments.experiment import (
    ACTIVATIONS,
    DTYPES,
    INITIALIZERS,
    OPTIMIZERS,
    ORDERS,
    SCHEDULE_FORMS,
    Experiment,
)

DEFAULT = Experiment(seed=1)  # the published run
MOST_SEEDS = 10_000


class Option(NamedTuple):
    """A flag, what turns its text into a value, and what its help says."""

    flag: str
    type: Callable[[str], Any]
    metavar: str
    help: str
    default: str = ""  # in words
    field: str = ""  # of the experiment, where it is not named as the flag


def names(text: str) -> str | tuple[str, ...]:
    """Return the name or, where there are several, the names that the text lists.

    >>> names("relu"), names("relu,tanh")
    ('relu', ('relu', 'tanh'))
    """
    parts = tuple(part.strip() for part in text.split(","))
    return parts if len(parts) > 1 else parts[0]


def hidden_sizes(text: str) -> tuple[int, ...]:
    """Return the sizes that the text lists.

    >>> hidden_sizes("20,7,5"), hidden_sizes("")
    ((20, 7, 5), ())
    """
    try:
        return tuple(int(size) for size in text.split(",")) if text.strip() else ()
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no list of sizes; expected one like 20,7,5") from None


def schedule(text: str) -> tuple[Any, ...]:
    """Return the schedule's name and its numbers.

    A comma may stand for the colon, as where a list of them is joined.

    >>> schedule("cosine"), schedule("step:0.5,1000")
    (('cosine',), ('step', 0.5, 1000))
    """
    name, *numbers = text.replace(":", ",", 1).split(",")
    try:
        return name, *map(number, numbers)
    except ValueError:
        raise ArgumentTypeError(
            f"{text!r} is no schedule; expected one of {SCHEDULE_FORMS}"
        ) from None


def class_weight(text: str) -> str | tuple[float, ...]:
    """Return the weights of classes that the text lists, or that they are balanced.

    >>> class_weight("balanced"), class_weight("1,2.5")
    ('balanced', (1, 2.5))
    """
    if text == "balanced":
        return text
    try:
        return tuple(number(part) for part in text.split(","))
    except ValueError:
        raise ArgumentTypeError(
            f"{text!r} are no class weights; expected balanced, or numbers like 1,3"
        ) from None


def number(text: str) -> float:
    """Return the number, as an integer where it is one.

    >>> number("10"), number("0.5")
    (10, 0.5)
    """
    value = float(text)
    return int(value) if value.is_integer() else value


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


OPTIONS = (
    Option("layers", hidden_sizes, "N,N,...", 'hidden units, "" for none', "20,7,5", "hidden"),
    Option("activation", names, "NAME[,NAME...]",
           f"of the hidden layers, one for all or one for each: {', '.join(ACTIVATIONS)}"),
    Option("initializer", str, "NAME", f"how the start is drawn: {', '.join(INITIALIZERS)}"),
    Option("seed", int, "N", "which start, order and dropout are drawn"),
    Option("dtype", str, "NAME", f"type of every number: {', '.join(DTYPES)}"),
    Option("optimizer", str, "NAME", f"one of {', '.join(OPTIMIZERS)}"),
    Option("momentum", float, "BETA", "of an optimizer that has it", "0.9"),
    Option("learning-rate", float, "RATE", "how far a step goes"),
    Option("schedule", schedule, "FORM",
           f"of the rate: {SCHEDULE_FORMS}; EVERY and ITERATIONS count steps, inverse_time "
           "divides by 1 + DECAY for each EVERY, exponential times exp(-DECAY) a step", "constant"),
    Option("warm-up", int, "N", "iterations in which the rate rises to what it is"),
    Option("iterations", int, "N", "how many steps"),
    Option("epochs", int, "N", "how many times all pictures, instead of iterations", "none"),
    Option("batch-size", int, "N", "pictures in a step", "all"),
    Option("order", str, "NAME", f"in which an epoch visits them: {', '.join(ORDERS)}"),
    Option("l2", float, "STRENGTH", "half of it times the squared weights joins the cost"),
    Option("weight-decay", float, "SHARE",
           "times the rate is taken off the weights each step", "0.01 for adamw, else none"),
    Option("dropout", float, "RATE", "share of hidden units that a step leaves out"),
    Option("class-weight", class_weight, "W,W,...",
           "how much each class counts, or balanced", "alike"),
    Option("early-stopping", int, "N",
           "stop after so many checks, one an epoch or every 100 full batches, without a lower "
           "validation cost; keep the best", "none"),
)  # fmt: skip
RIVALS = {"epochs": "iterations", "seeds": "seed"}
"""Each stands instead of the other."""
