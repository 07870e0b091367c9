"""The commands that evaluate a network, predict single pictures, and draw a data set."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catpipe.data.drawn.drawings import SIDE, draw
from catpipe.data.examples import DataSet, Examples, fingerprint, noun
from catpipe.experiments.experiment import SEEDS, is_regression
from catpipe.experiments.result import ensemble_predictions
from catpipe.metrics.scores import confusion
from catpipe.shell.cli.answers import answers_of, listed
from catpipe.shell.cli.photographs import predict_photographs
from catpipe.shell.cli.report import data_line, ensemble_score, score_for
from catpipe.shell.runs.locate import data_to_evaluate
from catpipe.shell.runs.run_file import Run, load_run
from catpipe.shell.storage.atomic import DataError
from catpipe.shell.storage.datasets import Loaded, load_data, save_data
from catpipe.shell.storage.hdf5 import EACH
from catpipe.shell.threads import call_on_one_thread

MOST_DRAWN = EACH // (SIDE * SIDE * 3)


def evaluate(options: Namespace) -> None:
    """Print how well a saved network predicts the test examples of a data set."""
    folder, run, (data, notes) = _run_and_data(options)
    result, test = run.result, data.test
    score = score_for(result.experiment)
    found = ensemble_score(result, test)
    table = _confusion(run, test) if run.classes else None
    if options.json:
        of_classes = {} if table is None else {"classes": run.classes, "confusion": table.tolist()}
        of_data = {"data": str(folder), "data_notes": notes}
        print(json.dumps({**of_data, score.key("test"): found, **of_classes}))
        return
    print(data_line(folder, data, notes))
    print(f"test {score.name}: {score.words(found, test)}")
    if table is not None:
        _print_confusion(run.classes, table)


def predict(options: Namespace) -> bool:
    """Print what is predicted of photographs or of single test examples; return whether of all."""
    if options.photos:
        return predict_photographs(options)
    folder, run, (data, _) = _run_and_data(options)
    test, count = data.test, len(data.test.targets)
    chosen = list(options.index or range(count))
    for index in chosen:
        if not 0 <= index < count:
            raise DataError(
                f"{folder}: has no test {noun(test)} {index}; expected 0 to {count - 1}"
            )
    answers = call_on_one_thread(answers_of, run, test.inputs[chosen])
    found = [*zip(chosen, answers, test.targets[chosen].tolist(), strict=True)]
    if options.json:
        entries = [{"index": i, **answer.fields(), **_true(run, of)} for i, answer, of in found]
        print(json.dumps({"run": str(options.run), "data": str(folder), "examples": entries}))
        return True
    for index, answer, target in found:
        is_class = not is_regression(run.result.experiment)
        more = f"; labelled {run.classes[target]}" if is_class else f" (target {listed(target)})"
        print(f"{noun(test)} {index}: {answer.words(more)}")
    return True


def _true(run: Run, target: Any) -> dict[str, Any]:
    """Return the label of an example, or its target, under the name that it has in JSON."""
    is_class = not is_regression(run.result.experiment)
    return {"label": run.classes[target]} if is_class else {"target": target}


def _confusion(run: Run, test: Examples) -> NDArray[np.int64]:
    of_numbers = run.result._replace(class_names=())
    found = call_on_one_thread(ensemble_predictions, of_numbers, test.inputs)
    return confusion(found, test.targets, len(run.classes))


def _print_confusion(classes: tuple[str, ...], table: NDArray[np.int64]) -> None:
    width = max(map(len, classes)) + 2
    print(" " * width, *(f"{f'predicted {name}':>{width + 10}}" for name in classes))
    for name, row in zip(classes, table, strict=True):
        print(f"{name:<{width}}", *(f"{count:{width + 10}}" for count in row))


def draw_data(options: Namespace) -> None:
    """Write a drawn data set."""
    for name in ("train", "test"):
        if not 1 <= (count := getattr(options, name)) <= MOST_DRAWN:
            raise DataError(
                f"--{name} is {count}; expected 1 to {MOST_DRAWN} pictures, which fill the largest "
                "file that is read"
            )
    if not 0 <= options.seed < SEEDS:
        raise DataError(f"--seed is {options.seed}; expected an integer from 0 to {SEEDS - 1}")
    drawn = draw(options.seed, options.train, options.test)
    if not options.force:
        _check_drawn_over(options.folder, drawn)
    save_data(options.folder, drawn, "drawn")
    print(
        f"drawn: {options.train} pictures to train on and {options.test} to test on, "
        f"in {options.folder}"
    )


def _check_drawn_over(folder: Path, drawn: DataSet) -> None:
    """Refuse to replace data that are not the very ones that are drawn now."""
    old = [folder / f"{part}_drawn.h5" for part in ("train", "test")]
    there = [path.name for path in old if path.exists()]
    if there and not _holds(folder, drawn):
        raise DataError(
            f"{folder}: holds {there[0]}, with other pictures than would be drawn; expected a "
            "folder without data: give a new one, or --force to replace them"
        )


def _holds(folder: Path, drawn: DataSet) -> bool:
    try:
        return _fingerprints(load_data(folder)) == _fingerprints(drawn)
    except DataError:
        return False


def _fingerprints(data: DataSet) -> tuple[str, str]:
    """Return the SHA-256 of the examples to train on, and of those to test on."""
    return fingerprint(data.train), fingerprint(data.test)


def _run_and_data(options: Namespace) -> tuple[Path, Run, Loaded]:
    run = load_run(options.run)
    folder, loaded = data_to_evaluate(run, options)
    if not len(loaded.data.test.targets):
        raise DataError(
            f"{folder}: has no examples to test on; expected a test_*.h5 with inputs and targets: "
            "give other data with --data"
        )
    return folder, run._replace(result=run.result._replace(class_names=())), loaded  # by number
