"""What each command does: options in; lines on the screen, and files, out."""

from __future__ import annotations

import json
from argparse import Namespace
from functools import partial
from pathlib import Path
from time import perf_counter

from toolz import identity

from catpipe.drawings import draw
from catpipe.experiments import Experiment, Result, checked, cost, fit, predictions, probabilities
from catpipe.metrics import confusion
from catpipe.shell.data import load_data, save_data
from catpipe.shell.files import DataError, check_writable
from catpipe.shell.progress import cost_line, shown
from catpipe.shell.runs import Run, load_run, save_run
from catpipe.transforms import DataSet, Pictures

HOMES = (Path("data"), Path(__file__).parents[2] / "data")  # here, or in the checkout
PREFERRED = ("catvnoncat", "drawn")


def train(options: Namespace) -> None:
    """Train a network, say how it went, and save what came of it."""
    asked = {name: getattr(options, name) for name in Experiment._fields}
    experiment = checked(Experiment(**asked))
    folder = options.data or default_folder()
    data = _of_two_classes(folder, load_data(folder))
    if options.out:
        check_writable(options.out)
    say = (lambda _: None) if options.json else print
    say(_describe_data(folder, data))
    say(_describe_experiment(experiment, data.train))

    begun = perf_counter()
    result = fit(
        experiment,
        data.train,
        watch=identity if options.json else partial(shown, total=experiment.iterations),
    )
    seconds = perf_counter() - begun

    if options.out:
        save_run(options.out, Run(result, data.classes))
    if options.json:
        print(json.dumps(_report(folder, result, data, seconds)))
        return
    if result.costs[-1][0] % 100:
        print(cost_line(*result.costs[-1]))
    print(
        cost_line(experiment.iterations, float(cost(result, data.train))),
        "(of the trained parameters)",
    )
    print(f"train accuracy: {_share_right(result, data.train)}")
    print(f"test accuracy:  {_share_right(result, data.test)}")
    print(f"time: {seconds:.2f} s of training in {result.space}")
    print(f"parameters: {f'saved to {options.out}' if options.out else 'not saved (--out FILE)'}")


def evaluate(options: Namespace) -> None:
    """Say how well saved parameters tell the test pictures of a data set apart."""
    folder, run, data = _run_and_data(options)
    labels, predicted = data.test.labels, predictions(run.result, data.test.images)
    table = confusion(predicted, labels, len(run.classes))
    if options.json:
        right = float((predicted == labels).mean())
        report = {"data": str(folder), "classes": run.classes, "test_accuracy": right}
        print(json.dumps({**report, "confusion": table.tolist()}))
        return
    print(_describe_data(folder, data))
    print(f"test accuracy: {_share_right(run.result, data.test)}")
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
    predicted, of_last = predictions(run.result, images), probabilities(run.result, images)
    for index, label, probability in zip(chosen, predicted, of_last, strict=True):
        print(
            f"picture {index}: {run.classes[label]} "
            f"(probability of {run.classes[1]} {probability:.4f}; "
            f"labelled {run.classes[data.test.labels[index]]})"
        )


def draw_data(options: Namespace) -> None:
    """Write a drawn data set."""
    save_data(options.folder, draw(options.seed, options.train, options.test), "drawn")
    print(f"drawn: {options.train} pictures to train on and {options.test} to test on, "
          f"in {options.folder}")  # fmt: skip


def figure(options: Namespace) -> None:
    """Draw the cost curve and some of the test pictures with what the network says of them."""
    from catpipe.shell.figures import run_figure
    from catpipe.shell.files import write_files

    _, run, data = _run_and_data(options)
    check_writable(options.image)
    write_files({options.image: run_figure(run.result, run.classes, data.test)})
    print(f"figure: {options.image}")


def default_folder() -> Path:
    """Return the photographs' folder where there is one, else that of the drawn pictures."""
    folders = [home / name for name in PREFERRED for home in HOMES]
    found = next((folder for folder in folders if folder.is_dir()), None)
    if found is None:
        raise DataError(
            "data: is not a folder here; expected pictures in data/catvnoncat or data/drawn: "
            "name their folder with --data, or draw some with `catpipe draw data/drawn`"
        )
    return found


def _of_two_classes(folder: Path, data: DataSet) -> DataSet:
    if len(data.classes) != 2:
        raise DataError(
            f"{folder}: has {len(data.classes)} classes; expected two, which is what this network "
            "tells apart: choose two of them"
        )
    return data


def _run_and_data(options: Namespace) -> tuple[Path, Run, DataSet]:
    run = load_run(options.run)
    folder = options.data or default_folder()
    data = load_data(folder)
    if data.classes != run.classes:
        raise DataError(
            f"{folder}: has the classes {', '.join(data.classes)}; expected "
            f"{', '.join(run.classes)}, which {options.run} was trained on: name other data"
        )
    features, expected = data.test.images[0].size, run.result.network.layers[0].fan_in
    if features != expected:
        raise DataError(
            f"{folder}: has pictures of {features} numbers; expected {expected}, which "
            f"{options.run} was trained on: resize them"
        )
    return folder, run, data


def _describe_data(folder: Path, data: DataSet) -> str:
    train, test = len(data.train.labels), len(data.test.labels)
    return f"data: {folder} ({train} pictures to train on, {test} to test on)"


def _describe_experiment(experiment: Experiment, pictures: Pictures) -> str:
    sizes = "-".join(map(str, (pictures.images[0].size, *experiment.hidden, 1)))
    return (
        f"network: {sizes}, {experiment.activation}; {experiment.iterations} iterations at "
        f"learning rate {experiment.learning_rate}, {experiment.scheme} start from seed "
        f"{experiment.seed}, {experiment.dtype}"
    )


def _share_right(result: Result, pictures: Pictures) -> str:
    right = predictions(result, pictures.images) == pictures.labels
    return f"{100 * right.mean():.3f} % ({right.sum()} of {right.size})"


def _report(folder: Path, result: Result, data: DataSet, seconds: float) -> dict[str, object]:
    def accuracy(pictures: Pictures) -> float:
        return float((predictions(result, pictures.images) == pictures.labels).mean())

    layers = result.network.layers
    return {
        "data": str(folder),
        "network": [layers[0].fan_in, *(layer.units for layer in layers)],
        "seed": result.experiment.seed,
        "iterations": result.experiment.iterations,
        "costs": {str(iteration): cost for iteration, cost in result.costs},
        "final_cost": float(cost(result, data.train)),
        "train_accuracy": accuracy(data.train),
        "test_accuracy": accuracy(data.test),
        "seconds": seconds,
    }
