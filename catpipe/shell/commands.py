"""What each command does: options in; lines on the screen, and files, out."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from time import perf_counter

from catpipe.drawings import SIDE, draw
from catpipe.experiments import Experiment
from catpipe.fitting import solve
from catpipe.metrics import confusion
from catpipe.network import sizes
from catpipe.problems import iterations_of, problem, start
from catpipe.results import predictions, probabilities, share_right
from catpipe.rules import checked
from catpipe.shell.data import load_data, load_pictures, save_data
from catpipe.shell.files import DataError, check_writable, write_files
from catpipe.shell.hdf5 import EACH
from catpipe.shell.progress import watched
from catpipe.shell.reports import data_line, experiment_line, percent, print_report, report_of
from catpipe.shell.runs import Run, is_run, load_run, save_run
from catpipe.shell.seeds import train_seeds
from catpipe.transforms import DataSet, Pictures

HOMES = (Path("data"), Path(__file__).parents[2] / "data")  # here, or in the checkout
PREFERRED = ("catvnoncat", "drawn")
MOST_DRAWN = EACH // (SIDE * SIDE * 3)


def train(options: Namespace) -> None:
    """Train a network, say how it went, and save what came of it."""
    folder = options.data or default_folder()
    data = load_data(folder)
    experiment = _experiment(options, data)
    validation = _validation(options, data)
    if options.out:
        _check_out(options.out, options.seeds)
    if not options.json:
        print(data_line(folder, data))
        print(experiment_line(experiment, data.train, options.seeds))

    if options.seeds:
        train_seeds(options, experiment, folder, data, validation)
        return

    begun = perf_counter()
    posed = problem(experiment, data.train, validation)
    watch = partial(watched, total=iterations_of(posed), silent=options.json)
    result = solve(posed, start(posed, experiment.seed), watch)
    seconds = perf_counter() - begun

    report = report_of(folder, result, data, seconds)
    as_json = json.dumps(report, allow_nan=False) if options.json else ""  # or refused, unsaved
    if options.out:
        save_run(options.out, Run(result, data.classes))
    if options.json:
        print(as_json)
    else:
        print_report(result, report, data)
        print(
            f"parameters: {f'saved to {options.out}' if options.out else 'not saved (--out FILE)'}"
        )


def _experiment(options: Namespace, data: DataSet) -> Experiment:
    asked = {name: getattr(options, name) for name in Experiment._fields if name != "classes"}
    return checked(Experiment(**asked, classes=len(data.classes)))


def _validation(options: Namespace, data: DataSet) -> Pictures | None:
    if options.validation is None:
        return None
    if not options.early_stopping:
        raise DataError(
            f"{options.validation}: is to validate on; expected --early-stopping with it: add it"
        )
    return load_pictures(options.validation, data)


def evaluate(options: Namespace) -> None:
    """Say how well saved parameters tell the test pictures of a data set apart."""
    folder, run, data = _run_and_data(options)
    share = float(share_right(run.result, data.test))
    predicted = predictions(run.result, data.test.images)
    table = confusion(predicted, data.test.labels, len(run.classes))
    if options.json:
        report = {"data": str(folder), "classes": run.classes, "test_accuracy": share}
        print(json.dumps({**report, "confusion": table.tolist()}))
        return
    print(data_line(folder, data))
    print(f"test accuracy: {percent(share, data.test)}")
    width = max(map(len, run.classes)) + 2
    print(" " * width, *(f"{f'said {name}':>{width + 5}}" for name in run.classes))
    for name, row in zip(run.classes, table, strict=True):
        print(f"{name:<{width}}", *(f"{count:{width + 5}}" for count in row))


def predict(options: Namespace) -> None:
    """Say the class and the probability of single test pictures."""
    folder, run, data = _run_and_data(options)
    count = len(data.test.labels)
    chosen = options.index or range(count)
    for index in chosen:
        if not 0 <= index < count:
            raise DataError(f"{folder}: has no test picture {index}; expected 0 to {count - 1}")
    images = data.test.images[list(chosen)]
    predicted, sure = predictions(run.result, images), probabilities(run.result, images).max(0)
    for index, label, probability in zip(chosen, predicted, sure, strict=True):
        print(
            f"picture {index}: {run.classes[label]} (probability {probability:.4f}; "
            f"labelled {run.classes[data.test.labels[index]]})"
        )


def draw_data(options: Namespace) -> None:
    """Write a drawn data set."""
    if (largest := max(options.train, options.test)) > MOST_DRAWN:
        raise DataError(
            f"{options.folder}: {largest} pictures were asked for; expected at most {MOST_DRAWN}, "
            "which fill the largest file that is read: ask for fewer"
        )
    save_data(options.folder, draw(options.seed, options.train, options.test), "drawn")
    print(
        f"drawn: {options.train} pictures to train on and {options.test} to test on, "
        f"in {options.folder}"
    )


def figure(options: Namespace) -> None:
    """Draw the cost curve and some of the test pictures with what the network says of them."""
    from catpipe.shell.figures import PNG, run_figure

    _, run, data = _run_and_data(options)
    image = options.image
    if image.suffix != ".png" or (image.is_file() and not image.read_bytes().startswith(PNG)):
        raise DataError(f"{image}: is not a PNG; expected a new name.png, or a picture to replace")
    check_writable(image)
    write_files({image: run_figure(run.result, run.classes, data.test)})
    print(f"figure: {image}")


def default_folder() -> Path:
    """Return the photographs' folder where there is one, else that of the drawn pictures."""
    folders = [home / name for name in PREFERRED for home in HOMES]
    found = next((folder for folder in folders if any(folder.glob("train_*.h5"))), None)
    if found is None:
        raise DataError(
            "data: holds no pictures here; expected data/catvnoncat or data/drawn: name another "
            "folder with --data, or draw some with `catpipe draw data/drawn`"
        )
    return found


def _run_and_data(options: Namespace) -> tuple[Path, Run, DataSet]:
    run = load_run(options.run)
    folder = options.data or default_folder()
    data = load_data(folder)
    if data.classes != run.classes:
        raise DataError(
            f"{folder}: has the classes {', '.join(data.classes)}; expected "
            f"{', '.join(run.classes)}, which {options.run} was trained on: name other data"
        )
    features, expected = data.test.images[0].size, sizes(run.result.network)[0]
    if features != expected:
        raise DataError(
            f"{folder}: has pictures of {features} numbers; expected {expected}, which "
            f"{options.run} was trained on: resize them"
        )
    return folder, run, data


def _check_out(out: Path, seeds: Sequence[int] | None) -> None:
    if seeds:
        raise DataError(f"{out}: holds one network, and --seeds trains many: leave out one of them")
    check_writable(out)
    if out.is_file() and not is_run(out):
        raise DataError(f"{out}: is a file but no run; expected a new name, or a run to replace")
