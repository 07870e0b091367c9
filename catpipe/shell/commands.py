"""What each command does: options in; lines on the screen, and files, out."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from catpipe.drawings import SIDE, draw
from catpipe.experiments import Experiment, checked, network_for
from catpipe.fitting import Result, cost, predictions, probabilities, share_right, solve
from catpipe.metrics import confusion
from catpipe.network import sizes
from catpipe.problems import iterations_of, problem, start
from catpipe.regularizers import l2_penalty
from catpipe.shell.data import load_data, load_pictures, save_data
from catpipe.shell.files import DataError, check_writable, write_files
from catpipe.shell.hdf5 import EACH
from catpipe.shell.progress import cost_line, watched
from catpipe.shell.runs import Run, is_run, load_run, save_run
from catpipe.shell.seeds import train_seeds
from catpipe.transforms import DataSet, Pictures

HOMES = (Path("data"), Path(__file__).parents[2] / "data")  # here, or in the checkout
PREFERRED = ("catvnoncat", "drawn")
BESIDES = (
    "optimizer", "momentum", "schedule", "warm_up", "batch_size", "order", "l2", "weight_decay",
    "dropout", "class_weight", "early_stopping",
)  # fmt: skip
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
        print(_describe_data(folder, data))
        print(_describe_experiment(experiment, data.train, options.seeds))

    if options.seeds:
        train_seeds(options, experiment, folder, data, validation)
        return

    begun = perf_counter()
    posed = problem(experiment, data.train, validation)
    watch = partial(watched, total=iterations_of(posed), silent=options.json)
    result = solve(posed, start(posed, experiment.seed), watch)
    seconds = perf_counter() - begun

    report = _report(folder, result, data, seconds)
    as_json = json.dumps(report, allow_nan=False) if options.json else ""  # or refused, unsaved
    if options.out:
        save_run(options.out, Run(result, data.classes))
    if options.json:
        print(as_json)
    else:
        _say(result, report, data)
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


def _say(result: Result, report: Mapping[str, Any], data: DataSet) -> None:
    last, cost_of_last = result.costs[-1]
    if last % 100:
        print(cost_line(last, cost_of_last))
    if result.experiment.early_stopping:
        print(f"stopped after iteration {last}; kept the parameters of iteration "
              f"{result.iteration}, where the validation cost was lowest")  # fmt: skip
    l2 = f"; L2 adds {report['l2_penalty']}" if result.experiment.l2 else ""
    print(cost_line(result.iteration, report["final_cost"]), f"(of the trained parameters{l2})")
    print(f"train accuracy: {_percent(report['train_accuracy'], data.train)}")
    print(f"test accuracy:  {_percent(report['test_accuracy'], data.test)}")
    print(f"time: {report['seconds']:.2f} s of training in {result.space}")


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
    print(_describe_data(folder, data))
    print(f"test accuracy: {_percent(share, data.test)}")
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


def _describe_data(folder: Path, data: DataSet) -> str:
    train, test = len(data.train.labels), len(data.test.labels)
    return f"data: {folder} ({train} pictures to train on, {test} to test on)"


def _describe_experiment(
    experiment: Experiment, pictures: Pictures, seeds: Sequence[int] | None
) -> str:
    network = network_for(experiment, pictures.images[0].size)
    length = (
        f"{experiment.epochs} epochs"
        if experiment.epochs
        else f"{experiment.iterations} iterations"
    )
    return (
        f"network: {'-'.join(map(str, sizes(network)))}, {_said(experiment.activation)}; "
        f"{length} at learning rate {experiment.learning_rate}, {experiment.scheme} start from "
        f"{f'{len(seeds)} seeds' if seeds else f'seed {experiment.seed}'}, {experiment.dtype}"
        f"{''.join(f'; {words}' for words in _said_besides(experiment))}"
    )


def _said_besides(experiment: Experiment) -> Iterator[str]:
    """Return in words what else is asked that is not the default."""
    for name in BESIDES:
        value, default = getattr(experiment, name), Experiment._field_defaults[name]
        if value != default:
            yield f"{name.replace('_', ' ')} {_said(value)}"


def _said(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _check_out(out: Path, seeds: Sequence[int] | None) -> None:
    if seeds:
        raise DataError(f"{out}: holds one network, and --seeds trains many: leave out one of them")
    check_writable(out)
    if out.is_file() and not is_run(out):
        raise DataError(f"{out}: is a file but no run; expected a new name, or a run to replace")


def _percent(share: float, pictures: Pictures) -> str:
    count = len(pictures.labels)
    return f"{100 * share:.3f} % ({round(share * count)} of {count})"


def _report(folder: Path, result: Result, data: DataSet, seconds: float) -> dict[str, Any]:
    return {
        "data": str(folder),
        "network": sizes(result.network),
        "seed": result.experiment.seed,
        "experiment": result.experiment._asdict(),
        "iterations": result.costs[-1][0] + 1,
        "iteration": result.iteration,
        "costs": {str(iteration): cost for iteration, cost in result.costs},
        "final_cost": float(cost(result, data.train)),
        "l2_penalty": float(l2_penalty(result.parameters, result.experiment.l2)),
        "train_accuracy": float(share_right(result, data.train)),
        "test_accuracy": float(share_right(result, data.test)),
        "seconds": seconds,
        "space": result.space,
    }
