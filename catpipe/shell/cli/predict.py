"""The commands that evaluate a network, predict single pictures, and draw."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

from catpipe.data.drawn.drawings import SIDE, draw
from catpipe.data.examples import DataSet
from catpipe.experiments.result import accuracy_on, predictions, probabilities
from catpipe.metrics import confusion
from catpipe.shell.cli.report import data_line, percent
from catpipe.shell.runs.locate import data_to_evaluate, load_single_run
from catpipe.shell.runs.run_file import Run
from catpipe.shell.storage.atomic import DataError, check_writable, write_files
from catpipe.shell.storage.datasets import save_data
from catpipe.shell.storage.hdf5 import EACH

MOST_DRAWN = EACH // (SIDE * SIDE * 3)


def evaluate(options: Namespace) -> None:
    """Print how well a saved network predicts the test pictures of a data set."""
    folder, run, data = _run_and_data(options)
    share = float(accuracy_on(run.result, data.test))
    predicted = predictions(run.result, data.test.inputs)
    table = confusion(predicted, data.test.targets, len(run.classes))
    if options.json:
        report = {"data": str(folder), "classes": run.classes, "test_accuracy": share}
        print(json.dumps({**report, "confusion": table.tolist()}))
        return
    print(data_line(folder, data))
    print(f"test accuracy: {percent(share, data.test)}")
    width = max(map(len, run.classes)) + 2
    print(" " * width, *(f"{f'predicted {name}':>{width + 10}}" for name in run.classes))
    for name, row in zip(run.classes, table, strict=True):
        print(f"{name:<{width}}", *(f"{count:{width + 10}}" for count in row))


def predict(options: Namespace) -> None:
    """Print the predicted class and its probability of single test pictures."""
    folder, run, data = _run_and_data(options)
    count = len(data.test.targets)
    chosen = options.index or range(count)
    for index in chosen:
        if not 0 <= index < count:
            raise DataError(f"{folder}: has no test picture {index}; expected 0 to {count - 1}")
    images = data.test.inputs[list(chosen)]
    predicted, sure = predictions(run.result, images), probabilities(run.result, images).max(0)
    for index, label, probability in zip(chosen, predicted, sure, strict=True):
        print(
            f"picture {index}: {run.classes[label]} (probability {probability:.4f}; "
            f"labelled {run.classes[data.test.targets[index]]})"
        )


def draw_data(options: Namespace) -> None:
    """Write a drawn data set."""
    if (largest := max(options.train, options.test)) > MOST_DRAWN:
        raise DataError(
            f"{options.folder}: {largest} pictures are too many; expected at most {MOST_DRAWN}, "
            "which fill the largest file that is read: ask for fewer"
        )
    save_data(options.folder, draw(options.seed, options.train, options.test), "drawn")
    print(
        f"drawn: {options.train} pictures to train on and {options.test} to test on, "
        f"in {options.folder}"
    )


def figure(options: Namespace) -> None:
    """Draw the cost curve, and some of the test pictures with their predictions."""
    from catpipe.shell.report.figures import PNG, run_figure

    _, run, data = _run_and_data(options)
    image = options.image
    if image.suffix != ".png" or (image.is_file() and not image.read_bytes().startswith(PNG)):
        raise DataError(f"{image}: is not a PNG; expected a new name.png, or a picture to replace")
    check_writable(image)
    write_files({image: run_figure(run.result, run.classes, data.test)})
    print(f"figure: {image}")


def _run_and_data(options: Namespace) -> tuple[Path, Run, DataSet]:
    run = load_single_run(options.run)
    folder, data = data_to_evaluate(run, options)
    return folder, run, data
