"""The sections of a page about one run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from catpipe.data.examples import DataSet, noun
from catpipe.data.findings import sentences
from catpipe.data.inspection import find_problems
from catpipe.experiments.experiment import is_regression
from catpipe.experiments.result import Result
from catpipe.shell.report.curves import cost_curve, learning_charts
from catpipe.shell.report.gallery import (
    MOST_MISTAKES,
    MOST_UNITS,
    are_shown,
    contact_sheet,
    first_weights,
    judged,
    mistakes,
)
from catpipe.shell.report.html import Markup, element, items, joined, table
from catpipe.shell.report.scores import (
    Predicted,
    confusion_of,
    predicted_of,
    scores_in_words,
    spread_in_words,
)
from catpipe.shell.report.subject import Subject, commands_of, toml_of
from catpipe.shell.report.svg import chart
from catpipe.shell.runs.environment import described
from catpipe.shell.storage.atomic import printable

MOST_CLASSES = 30  # in a confusion matrix
MOST_CHECKED = 2_000  # pictures among which near copies are looked for


def run_sections(subject: Subject, level: int, pictures: int) -> Markup:
    """Return all sections about a run, with headings of this level, and at most so many pictures.

    >>> one = Subject("a.h5", Run(fit(Experiment(seed=1, hidden=()), pictures)), "1-1")
    >>> run_sections(one, level=2, pictures=10).count("<h2>")
    7
    """
    parts = {
        "What was asked": _asked(subject),
        "Data": _data(subject),
        "Learning curves" if subject.curves else "Cost": _cost(subject),
        "Scores": _scores(subject),
        **_pictures(subject, pictures),
        "First layer": _weights(subject.run.result),
        "Replay": _replay(subject),
    }
    return joined(
        element("section", element(f"h{level}", heading), *content)
        for heading, content in parts.items()
    )


def _asked(subject: Subject) -> Iterator[Markup]:
    result = subject.run.result
    yield element("p", f"{subject.words}.")
    yield from (element("p", f"Changed {words}.") for words in subject.changes)
    yield element("p", _state_words(result))
    yield element("p", "As a file of options, ", element("code", "experiment.toml"), ":")
    yield element("pre", element("code", toml_of(result.experiment, result.seeds)), tabindex=0)


def _state_words(result: Result) -> str:
    end = "finished" if result.is_finished else "not finished"
    done = f"{result.iterations_done} of {result.planned_iterations} iterations"
    best = ""
    checkpoint = result.checkpoint
    if checkpoint and checkpoint.validation_cost is not None:
        is_of_these = checkpoint.chosen.iteration == result.iteration
        cost = f": {checkpoint.validation_cost:.6g}" if is_of_these else ""
        best = (
            f" The parameters are those of iteration {result.iteration}, where the validation cost "
            f"was lowest{cost}."
        )
    return f"Trained for {done} ({end}), in {result.space_description}.{best}"


def _data(subject: Subject) -> Iterator[Markup]:
    source = subject.run.source
    if source:
        named = [("folder", printable(source.folder))] if source.folder else []
        files = [
            (part, f"{printable(digest.path)}, SHA-256 {digest.sha256}")
            for part in ("train", "test", "validation")
            if (digest := getattr(source, part))
        ]
        yield items(f"{name}: {words}" for name, words in (*named, *files))
    else:
        yield element("p", "The run file does not say which data it was trained on.")
    if subject.data is None:
        yield _missing("The examples")
        return
    yield from _examples(subject, subject.data)


def _examples(subject: Subject, data: DataSet) -> Iterator[Markup]:
    if subject.are_its_own is False:
        yield element("p", "The training examples below are not those that it was trained on.")
    yield from (element("p", f"{note}.") for note in subject.notes)
    classes = subject.run.classes
    rows = [
        (name, f"{len(part.targets)}", *_counts(part.targets, len(classes)))
        for name, part in subject.parts.items()
    ]
    yield table("Examples of each class", ("", "all", *classes), rows)
    findings = find_problems(data, MOST_CHECKED)
    found = [f"{words}." for words in sentences(findings)]
    left_out = [f"Not looked for: {words}." for words in findings.not_looked_for]
    yield element("p", f"{findings.different:,} of {findings.examples:,} {findings.noun}s differ "
                  f"from all others. {'Found:' if found else 'No problem was found.'}")  # fmt: skip
    if found or left_out:
        yield items((*found, *left_out))


def _counts(targets: Any, classes: int) -> list[str]:
    return [str(count) for count in np.bincount(targets, minlength=classes)] if classes else []


def _missing(what: str) -> Markup:
    return element(
        "p",
        f"{what} cannot be shown: the data that it was trained on were not found where the run "
        "file says, or have changed since. Give their folder with ",
        element("code", "--data"),
        ".",
        class_="soft",
    )


def _cost(subject: Subject) -> Iterator[Markup]:
    result = subject.run.result
    curve = cost_curve(subject.name, [result])
    if not curve.points:
        yield element("p", "No cost was sampled.")
        return
    first, last = curve.points[0], curve.points[-1]
    words = (f"The training cost went from {first[1]:.6g} at iteration {first[0]:.0f} to "
             f"{last[1]:.6g} at iteration {last[0]:.0f}.")  # fmt: skip
    of_many = f", mean of {len(result.seeds)} networks within lowest and highest"
    if subject.curves:
        yield learning_charts(subject.curves, _score(result))
        yield element("p", f"{words} For these curves the run was trained again: they are of all "
                      f"examples of a set{of_many if result.seeds else ''}; costs are without L2 "
                      "and class weights.")  # fmt: skip
        return
    title = f"Training cost of {subject.name}{of_many if result.seeds else ''}"
    yield chart(title, "iteration", "training cost", [curve])
    yield element("p", f"{words} A run file holds no other costs: ",
                  element("code", "catpipe report --curves"), f" trains the run again, and shows "
                  f"cost and {_score(result)} on training and test examples.")  # fmt: skip


def _score(result: Result) -> str:
    return "R squared" if is_regression(result.experiment) else "accuracy"


def _scores(subject: Subject) -> Iterator[Markup]:
    result, test = subject.run.result, subject.predicted
    parts = {} if subject.data is None else {"training": subject.data.train}
    of_parts = {name: predicted_of(result, part) for name, part in parts.items()}
    if test is not None:
        of_parts = {**of_parts, "test": test}
    if not of_parts:
        yield _missing("Scores")
        return
    found = {name: {**scores_in_words(of), **spread_in_words(of)} for name, of in of_parts.items()}
    names = [*next(iter(found.values()))]
    rows = [(name, *(of[name] for of in found.values())) for name in names]
    what = f"{len(result.seeds)} networks together" if result.seeds else "the trained parameters"
    yield table(f"Scores of {what}", ("", *found), rows)
    if test is not None and test.are_classes:
        yield _confusion(test, subject.run.classes)


def _confusion(test: Predicted, classes: Sequence[str]) -> Markup:
    if len(classes) > MOST_CLASSES:
        return element("p", f"{len(classes)} classes are too many for a table of them.")
    header = ("", *(f"predicted {name}" for name in classes))
    of_classes = zip(classes, confusion_of(test).tolist(), strict=True)
    rows = ((f"labelled {name}", *map(str, counts)) for name, counts in of_classes)
    return table("Test examples: labels in rows", header, rows)


def _pictures(subject: Subject, most: int) -> dict[str, Sequence[Markup]]:
    classes, predicted = subject.run.classes, subject.predicted
    if subject.data is None or predicted is None:
        none = element("p", "There are no test examples.")
        return {"Test pictures": (_missing("Test pictures") if subject.data is None else none,)}
    test = subject.data.test
    if not predicted.are_classes or not are_shown(test):
        return {"Test pictures": (element("p", f"The inputs of this run, {noun(test)}s of shape "
                f"{' x '.join(map(str, test.inputs.shape[1:]))}, are not shown."),)}  # fmt: skip
    found = judged(predicted)
    wrong, count = found.wrong, len(test.targets)
    first = "the most confident first" if wrong <= MOST_MISTAKES else f"the worst {MOST_MISTAKES}"
    words = f"{wrong} of {count} test pictures are predicted wrong{f', {first}' if wrong else ''}."
    shown = "All" if most >= count else f"The first {most} of"
    return {
        "Mistakes": (element("p", words), *([mistakes(found, classes, test)] if wrong else [])),
        "Test pictures": (
            element("p", f"{shown} {count} test pictures, with the probability of the predicted "
                    "class."),
            contact_sheet(found, classes, test, most),
        ),
    }  # fmt: skip


def _weights(result: Result) -> Iterator[Markup]:
    found = first_weights(result)
    if not isinstance(found, Markup):
        yield element("p", found, class_="soft")
        return
    network = f"of seed {result.seeds[0]}, the first network, " if result.seeds else ""
    yield element("p", f"The first layer's weights {network}as pictures of each unit (at most "
                  f"{MOST_UNITS}): grey is 0, brighter is above, darker below.")  # fmt: skip
    yield found


def _replay(subject: Subject) -> Iterator[Markup]:
    yield element("p", "With the run file beside you, and the data in their place:")
    yield element("pre", element("code", "\n".join(commands_of(subject))), tabindex=0)
    environments = subject.run.environments
    if not environments:
        return
    header = ("", *(f"from iteration {since}" for since, _ in environments))
    columns = [described(of) for _, of in environments]
    rows = [(words, *(str(of[words]) for of in columns)) for words in columns[0]]
    yield table("Computed with", header, rows)
