"""The command that draws figures of runs."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from catpipe.data.examples import Examples, noun
from catpipe.experiments.experiment import is_regression
from catpipe.experiments.explanations import input_gradients, weights_as_pictures
from catpipe.experiments.result import ensemble_predictions, ensemble_probabilities
from catpipe.metrics.probabilities import worst_mistakes
from catpipe.metrics.scores import confusion
from catpipe.shell.cli.curves import curves_of_run
from catpipe.shell.cli.report import score_for
from catpipe.shell.report.figures.canvas import FORMATS, to_bytes
from catpipe.shell.report.figures.examples import (
    described,
    predictions_figure,
    regression_figure,
    saliency_figure,
    weights_figure,
)
from catpipe.shell.report.figures.overview import overview_figure
from catpipe.shell.report.figures.scores import calibration_figure, confusion_figure
from catpipe.shell.report.figures.training import cost_figure, curves_figure
from catpipe.shell.runs.locate import data_to_evaluate, loaded_runs, names_of
from catpipe.shell.runs.run_file import Run
from catpipe.shell.storage.atomic import (
    DataError,
    check_is_ours,
    check_writable,
    write_files,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SALIENT = 8  # pictures in a row


class Kind(NamedTuple):
    """A kind of figure: what draws it of the runs by their names, and whether of several."""

    draw: Callable[[Mapping[str, Run], Namespace], Figure]
    takes_several: bool = False


def plot_runs(options: Namespace) -> None:
    """Draw a figure of one run, or of several, into a file."""
    what: str = options.what
    kind = KINDS[what]
    path = options.out or _default_name(options.runs[0], what)
    _check_name(path)
    if len(options.runs) > 1 and not kind.takes_several:
        several = [name for name, each in KINDS.items() if each.takes_several]
        raise DataError(
            f"{what} of {len(options.runs)} runs; expected one: for several take --what "
            f"{' or '.join(several)}"
        )
    runs = loaded_runs(options.runs)
    check_writable(path)
    figure = kind.draw(dict(zip(names_of([*runs]), runs.values(), strict=True)), options)
    write_files({path: to_bytes(figure, path.suffix.lower())})
    print(f"figure: {path}")


def _default_name(run: Path, what: str) -> Path:
    return run.with_name(f"{run.stem}.png" if what == "overview" else f"{run.stem}-{what}.png")


def _check_name(path: Path) -> None:
    """Refuse what is no name of a figure, and a file that is not ours to replace."""
    ending = path.suffix.lower()
    if ending not in FORMATS:
        raise DataError(f"{path}: is no name of a figure; expected one of {', '.join(FORMATS)}")
    check_is_ours(path, FORMATS[ending].mark, "plot", "figure")


def _overview(runs: Mapping[str, Run], options: Namespace) -> Figure:
    run, test = _run_and_test(runs, options)
    return overview_figure(run.result, run.classes, test)


def _cost(runs: Mapping[str, Run], options: Namespace) -> Figure:  # noqa: ARG001
    return cost_figure({name: run.result.costs for name, run in runs.items()})


def _curves(runs: Mapping[str, Run], options: Namespace) -> Figure:
    scores = {score_for(run.result.experiment).name for run in runs.values()}
    if len(scores) > 1:
        raise DataError(
            "learning curves of classes and of a regression; expected runs of one kind: draw each"
        )
    of_each = zip(runs.items(), options.runs, strict=True)
    curves = {name: curves_of_run(run, path, options) for (name, run), path in of_each}
    return curves_figure(curves, min(scores))


def _weights(runs: Mapping[str, Run], options: Namespace) -> Figure:  # noqa: ARG001
    (run,) = runs.values()
    return weights_figure(weights_as_pictures(run.result))


def _predictions(runs: Mapping[str, Run], options: Namespace) -> Figure:
    run, test = _run_and_test(runs, options)
    if is_regression(run.result.experiment):
        found = ensemble_predictions(run.result, test.inputs)
        return regression_figure(test.targets, found)
    _check_pictures(test, options)
    probabilities = ensemble_probabilities(run.result, test.inputs)
    return predictions_figure(_as_images(test.inputs), test.targets, probabilities, run.classes)


def _confusion(runs: Mapping[str, Run], options: Namespace) -> Figure:
    run, test = _run_and_test(runs, options, of_classes=True)
    found = ensemble_predictions(run.result, test.inputs)
    table = confusion(found, test.targets, len(run.classes))
    return confusion_figure(table, run.classes)


def _calibration(runs: Mapping[str, Run], options: Namespace) -> Figure:
    run, test = _run_and_test(runs, options, of_classes=True)
    return calibration_figure(ensemble_probabilities(run.result, test.inputs), test.targets)


def _saliency(runs: Mapping[str, Run], options: Namespace) -> Figure:
    run, test = _run_and_test(runs, options, of_classes=True)
    _check_pictures(test, options)
    found = ensemble_probabilities(run.result, test.inputs)
    chosen = worst_mistakes(found, test.targets)[:SALIENT]
    gradients = input_gradients(run.result, test.inputs[chosen])
    titles = [
        described(number, test.targets[number], found[:, number], run.classes) for number in chosen
    ]
    mean = gradients.mean(0) if run.result.seeds else gradients
    return saliency_figure(_as_images(test.inputs[chosen]), _as_images(mean), titles)


def _as_images(inputs: Any) -> Any:
    return inputs[..., np.newaxis] if inputs.ndim == 3 else inputs


def _run_and_test(
    runs: Mapping[str, Run], options: Namespace, *, of_classes: bool = False
) -> tuple[Run, Examples]:
    """Return the one run, whose classes are numbers, and the examples to test on."""
    (run,), path = runs.values(), options.runs[0]
    if of_classes and is_regression(run.result.experiment):
        raise DataError(
            f"{path}: is a regression, which has no {options.what} of classes; expected a run of "
            "classes: take --what predictions"
        )
    folder, loaded = data_to_evaluate(run, Namespace(**{**vars(options), "run": path}))
    test = loaded.data.test
    if not len(test.targets):
        raise DataError(
            f"{folder}: has no examples to test on; expected a test_*.h5 with inputs and targets: "
            "give other data with --data"
        )
    return run._replace(result=run.result._replace(class_names=())), test


def _check_pictures(test: Examples, options: Namespace) -> None:
    if test.inputs.ndim not in (3, 4):
        raise DataError(
            f"{options.runs[0]}: is a run on {noun(test)}s of {test.inputs[0].size} numbers, which "
            "are no pictures; expected pictures: take --what confusion"
        )


KINDS: Mapping[str, Kind] = {
    "overview": Kind(_overview),
    "cost": Kind(_cost, takes_several=True),
    "curves": Kind(_curves, takes_several=True),
    "weights": Kind(_weights),
    "predictions": Kind(_predictions),
    "confusion": Kind(_confusion),
    "calibration": Kind(_calibration),
    "saliency": Kind(_saliency),
}
"""The kinds of figures, by what --what says."""
