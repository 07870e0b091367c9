"""What a page is about: a run under its name, in words, with its data where they are there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from shlex import join
from typing import Any, NamedTuple

from catpipe.data.examples import DataSet, Examples
from catpipe.experiments.curves import LearningCurves
from catpipe.experiments.experiment import FIELDS, Experiment, non_defaults, plain_fields
from catpipe.shell.report.scores import Predicted, predicted_of
from catpipe.shell.runs.run_file import Run


class Subject(NamedTuple):
    """A run, the name of its file, what it is in words, and its data, or why there are none.

    `are_its_own` says whether the training examples are those that it was trained on, where that
    is known; `predicted` is what it predicts of the test examples, where there are some.
    """

    name: str
    run: Run
    words: str
    changes: tuple[str, ...] = ()
    data: DataSet | None = None
    notes: tuple[str, ...] = ()
    are_its_own: bool | None = None
    predicted: Predicted | None = None
    curves: LearningCurves | None = None

    @property
    def parts(self) -> dict[str, Examples]:
        """Return the parts of the data that have examples, by their names."""
        if self.data is None:
            return {}
        parts = {"training": self.data.train, "test": self.data.test}
        return {name: part for name, part in parts.items() if len(part.targets)}


def with_data(
    subject: Subject, data: DataSet, notes: tuple[str, ...] = (), *, are_its_own: bool | None = None
) -> Subject:
    """Return the subject with data, and with what it predicts of those to test on.

    >>> run = Run(fit(Experiment(1, hidden=()), pictures))
    >>> one = with_data(Subject("a.h5", run, ""), DataSet(pictures, pictures, ()))
    >>> one.predicted.together.shape
    (2, 2)
    """
    found = predicted_of(subject.run.result, data.test) if len(data.test.targets) else None
    return subject._replace(data=data, notes=notes, are_its_own=are_its_own, predicted=found)


def toml_of(experiment: Experiment, seeds: tuple[int, ...] = ()) -> str:
    """Return the experiment as the file of options that trains it: what is not the default.

    >>> print(toml_of(Experiment(seed=2, hidden=(8,), l2=0.5)))
    seed = 2
    layers = [8]
    l2 = 0.5
    """
    plain = plain_fields(experiment)
    first = _seeds_text(seeds) if seeds else f"seed = {plain['seed']}"
    names = (name for name in non_defaults(experiment) if FIELDS[name].group and name != "seed")
    others = (f"{field_word(name)} = {value_text(plain[name])}" for name in names)
    return "\n".join((first, *others))


def _seeds_text(seeds: tuple[int, ...]) -> str:
    """Return the seeds as options have them, which know ranges, or else the first one.

    >>> print(_seeds_text((1, 2, 3)), _seeds_text((4, 2)), sep="; ")
    seeds = "1..3"; seed = 4  # and 2: in Python, fit_seeds trains them together
    """
    if seeds == (*range(seeds[0], seeds[-1] + 1),):
        return f'seeds = "{seeds[0]}..{seeds[-1]}"'
    others = ", ".join(map(str, seeds[1:]))
    return f"seed = {seeds[0]}  # and {others}: in Python, fit_seeds trains them together"


def field_word(name: str) -> str:
    """Return the name that a field has among options.

    >>> field_word("hidden"), field_word("batch_size")
    ('layers', 'batch-size')
    """
    return (FIELDS[name].flag or name).replace("_", "-")


def value_text(plain: Any) -> str:
    """Return a plain value as TOML has it.

    >>> value_text((20, 7)), value_text(True), value_text("relu"), value_text(None)
    ('[20, 7]', 'true', '"relu"', 'none')
    """
    return "none" if plain is None else json.dumps(plain, ensure_ascii=False)


def commands_of(subject: Subject) -> Iterator[str]:
    r"""Return the commands that show the run, train it again, and compare.

    >>> one = Subject("my run.h5", Run(fit(Experiment(1, hidden=()), pictures)), "")
    >>> print(*commands_of(one), sep="\n")
    catpipe show 'my run.h5'
    catpipe replay 'my run.h5'
    catpipe train --config experiment.toml --out again.h5
    catpipe compare 'my run.h5' again.h5
    """
    source = subject.run.source
    folder = ["--data", source.folder] if source and source.folder else []
    validation = ["--validation", source.validation.path] if source and source.validation else []
    yield join(["catpipe", "show", subject.name])
    yield join(["catpipe", "replay", subject.name])
    if not subject.changes:
        more = [*folder, *validation, "--out", "again.h5"]
        yield join(["catpipe", "train", "--config", "experiment.toml", *more])
        yield join(["catpipe", "compare", subject.name, "again.h5"])
