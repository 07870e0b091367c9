"""The command that asks a run about photographs, and says how often such a run is right."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from catpipe.data.copies import digests
from catpipe.data.examples import Examples
from catpipe.experiments.experiment import is_regression
from catpipe.experiments.result import Result
from catpipe.metrics.intervals import wilson_interval
from catpipe.shell.cli.answers import Answer, answers_of
from catpipe.shell.cli.report import ensemble_score, score_for
from catpipe.shell.runs.locate import data_to_evaluate
from catpipe.shell.runs.run_file import Run, load_run
from catpipe.shell.storage.atomic import DataError, printable
from catpipe.shell.storage.photographs import (
    MODES,
    Pixels,
    Shape,
    check_pillow,
    read_photograph,
)
from catpipe.shell.storage.picture_files import SUFFIXES, pictures_in
from catpipe.shell.threads import call_on_one_thread


class Unseen(NamedTuple):
    """How good a run is on the test pictures that it was not trained on, or why that is unknown."""

    folder: Path | None = None
    pictures: int = 0
    score: float = 0.0
    why_not: str = ""


def predict_photographs(options: Namespace) -> bool:
    """Print what is predicted of photographs; return whether all of them could be read.

    Where none could, raises the last refusal, once the others are printed.
    """
    if options.index is not None:
        raise DataError(
            "--index is of test examples, and photographs are given too; expected one of them: "
            "leave out the other"
        )
    check_pillow()
    run = load_run(options.run)
    shape = _picture_shape(options.run, run.result)
    unseen = _unseen(options, run)
    answers, refusals = _asked(run, shape, options)
    if not answers:
        _refuse(refusals[:-1])
        raise refusals[-1]
    if options.json:
        print(json.dumps(_as_json(options.run, run, answers, refusals, unseen), allow_nan=False))
    else:
        print(_how_good(run.result, unseen))
    _refuse(refusals)
    return not refusals


def _picture_shape(path: Path, result: Result) -> Shape:
    """Return the shape of the pictures that a run was trained on; refuse a run of others."""
    shape, kind = result.input_shape, result.input_type
    trained = f"{path}: was trained on {' x '.join(map(str, shape))} numbers of {kind}"
    if len(shape) != 3 or shape[2] not in MODES:
        raise DataError(
            f"{trained}, which are no pictures; expected a run of pictures: ask it about its test "
            "examples, with --index"
        )
    if kind != "uint8":
        raise DataError(
            f"{trained}, and how they were scaled is not recorded; expected a run of uint8 "
            "pictures: train it on those"
        )
    height, width, channels = shape
    return height, width, channels


def _asked(
    run: Run, shape: Shape, options: Namespace
) -> tuple[list[tuple[Path, Answer]], list[DataError]]:
    """Return the answers to the photographs that can be read, and the refusals of the others."""
    answers: list[tuple[Path, Answer]] = []
    refusals: list[DataError] = []
    for path, pixels in _read(options.photos, shape, refusals):
        (answer,) = call_on_one_thread(
            answers_of, run, pixels[np.newaxis]
        )  # alone: to the bit the same in any company
        answers.append((path, answer))
        if not options.json:
            print(f"{printable(str(path))}: {answer.words()}")
    return answers, refusals


def _read(
    places: Iterable[Path], shape: Shape, refusals: list[DataError]
) -> Iterator[tuple[Path, Pixels]]:
    """Return the pixels of each photograph; add to the refusals those that have none."""
    for place in places:
        try:
            paths = _photographs_in(place)
        except DataError as refusal:
            paths = []
            refusals.append(refusal)
        for path in paths:
            try:
                pixels = read_photograph(path, shape)
            except DataError as refusal:
                refusals.append(refusal)
            else:
                yield path, pixels


def _photographs_in(place: Path) -> list[Path]:
    """Return the file itself, or the pictures in the folder."""
    if not place.is_dir():
        return [place]
    found = pictures_in(place)
    if not found:
        raise DataError(
            f"{place}: holds no pictures; expected files named {' '.join(SUFFIXES[:6])} and the "
            "like: name the files themselves"
        )
    return found


def _refuse(refusals: Iterable[DataError]) -> None:
    for refusal in refusals:
        print(f"catpipe: {refusal}", file=sys.stderr)


# How good the run is.


def _unseen(options: Namespace, run: Run) -> Unseen:
    """Return how good the run is on test pictures that are not among those it was trained on."""
    if options.data is None and run.source is None:
        return Unseen(why_not=f"{options.run} does not record its data: give them with --data")
    try:
        folder, (data, _) = data_to_evaluate(run, options)
    except DataError as error:
        if options.data:
            raise
        return Unseen(why_not=str(error))
    test = _without(data.test, data.train)
    if not len(test.targets):
        return Unseen(why_not=f"{folder} has no test pictures beside those to train on")
    by_number = run.result._replace(class_names=())
    return Unseen(folder, len(test.targets), ensemble_score(by_number, test))


def _without(examples: Examples, others: Examples) -> Examples:
    """Return the examples whose inputs are not among the others."""
    known = {*digests(others.inputs)} if len(examples.targets) else set()
    are_new = np.array([digest not in known for digest in digests(examples.inputs)], bool)
    return Examples(examples.inputs[are_new], examples.targets[are_new])


def _how_good(result: Result, unseen: Unseen) -> str:
    """Return in words how good the run is.

    >>> result = fit(Experiment(seed=1, hidden=()), pictures)
    >>> _how_good(result, Unseen(Path("data/cats"), 50, 0.8))
    'right in 80.0 % of 50 test pictures that it had not seen (95 % interval 67.0 to 88.8 %; \
data/cats)'
    """
    if unseen.why_not:
        return f"how often it is right is not known: {unseen.why_not}"
    which = f"{unseen.pictures} test pictures that it had not seen"
    if is_regression(result.experiment):
        name = score_for(result.experiment).name
        return f"{name} {unseen.score:.6g} on {which} ({unseen.folder})"
    low, high = _interval(unseen)
    return (
        f"right in {100 * unseen.score:.1f} % of {which} (95 % interval {100 * low:.1f} to "
        f"{100 * high:.1f} %; {unseen.folder})"
    )


def _interval(unseen: Unseen) -> tuple[float, float]:
    return wilson_interval(round(unseen.score * unseen.pictures), unseen.pictures)


def _as_json(
    path: Path,
    run: Run,
    answers: Iterable[tuple[Path, Answer]],
    refusals: Iterable[DataError],
    unseen: Unseen,
) -> dict[str, Any]:
    return {
        "run": str(path),
        "input_shape": [*run.result.input_shape],
        "classes": [*run.classes],
        "photographs": [{"file": str(file), **answer.fields()} for file, answer in answers],
        "refused": [*map(str, refusals)],
        "unseen": _unseen_as_json(run.result, unseen),
    }


def _unseen_as_json(result: Result, unseen: Unseen) -> dict[str, Any]:
    if unseen.why_not:
        return {"not_known": unseen.why_not}
    score = score_for(result.experiment)
    interval = {} if is_regression(result.experiment) else {"interval": [*_interval(unseen)]}
    return {
        "data": str(unseen.folder),
        "pictures": unseen.pictures,
        score.key("unseen").removeprefix("unseen_"): unseen.score,
        **interval,
    }
