"""The report of a run: in words, and as values for JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from catpipe.data.examples import DataSet, Examples, noun
from catpipe.experiments.experiment import (
    FIELDS,
    Experiment,
    is_regression,
    non_defaults,
    plain_fields,
)
from catpipe.experiments.result import (
    Result,
    accuracy_on,
    ensemble_predictions,
    evaluate,
    r_squared_on,
)
from catpipe.experiments.setup import sizes_for
from catpipe.metrics.scores import accuracy, r_squared
from catpipe.nn.arrays import Array
from catpipe.nn.network import layer_sizes
from catpipe.optim.regularizers import l2_penalty
from catpipe.shell.cli.progress import cost_line
from catpipe.shell.threads import call_on_one_thread

IN_SENTENCE = (
    "hidden", "classes", "activation", "iterations", "epochs", "learning_rate", "initializer",
    "dtype", "full_space",
)  # fmt: skip


class Score(NamedTuple):
    """How good a network is: the score's name, the score of a result on examples, and in words."""

    name: str
    of: Callable[[Result, Examples], Array]
    words: Callable[[float, Examples], str]
    spread: str  # how mean and deviation of many networks are printed
    averaged: str  # what an ensemble averages

    def key(self, part: str) -> str:
        """Return the name of the score on a part of the data in JSON."""
        return f"{part}_{self.name.replace(' ', '_').lower()}"


def score_for(experiment: Experiment) -> Score:
    """Return R squared for a regression, otherwise the accuracy.

    >>> score_for(Experiment(seed=1, loss="mean_squared_error")).key("test")
    'test_r_squared'
    """
    if is_regression(experiment):
        return Score(
            "R squared", r_squared_on, lambda value, _: f"{value:.6g}", "{:.6g}", "predictions"
        )
    return Score("accuracy", accuracy_on, percent, "{:.2%}", "probabilities")


def ensemble_score(result: Result, examples: Examples) -> float:
    """Return how good the networks of a result are together: R squared or the accuracy.

    >>> stack = fit_seeds(Experiment(seed=1, hidden=()), (1, 2), pictures)
    >>> ensemble_score(stack, pictures)
    1.0
    """
    if not result.seeds:
        return float(score_for(result.experiment).of(result, examples))
    of_numbers = result._replace(class_names=())
    together = call_on_one_thread(ensemble_predictions, of_numbers, examples.inputs)
    of = r_squared if is_regression(result.experiment) else accuracy
    rows = (array.reshape(len(together), -1).T for array in (together, examples.targets))
    return float(of(*rows))


def data_line(folder: Path, data: DataSet, notes: Sequence[str]) -> str:
    """Return where the data are, how many, and how the files were taken."""
    train, test = len(data.train.targets), len(data.test.targets)
    counts = f"{train} {noun(data.train)}s to train on, {test} to test on"
    return "; ".join((f"data: {folder} ({counts})", *notes))


def experiment_line(experiment: Experiment, examples: Examples, seeds: Sequence[int] | None) -> str:
    """Return the line that describes a run: usual fields, and those that are not the default."""
    outputs = examples.targets[:1].size if is_regression(experiment) else None
    sizes = sizes_for(experiment, examples.inputs[0].size, outputs)
    return f"network: {describe(experiment, sizes, len(seeds or ()))}"


def describe(experiment: Experiment, sizes: Sequence[int], seeds: int) -> str:
    """Return the experiment in words, for a network of these sizes, from one seed or from several.

    >>> describe(Experiment(seed=1, l2=0.5), [12288, 20, 7, 5, 1], seeds=0)
    '12288-20-7-5-1, relu; 2500 iterations at learning rate 0.0075, course start from seed 1, \
float64; l2 0.5'
    """
    length = (
        f"{experiment.epochs} epochs"
        if experiment.epochs
        else f"{experiment.iterations} iterations"
    )
    return (
        f"{'-'.join(map(str, sizes))}, {value_words('activation', experiment.activation)}; "
        f"{length} at learning rate {experiment.learning_rate}, "
        f"{experiment.initializer} start from "
        f"{f'{seeds} seeds' if seeds else f'seed {experiment.seed}'}, {experiment.dtype}"
        f"{''.join(f'; {words}' for words in _other_fields(experiment))}"
    )


def changes_of(result: Result) -> Iterator[str]:
    """Return the changes of the experiment in the run, in words: when, and what.

    >>> short = fit(Experiment(seed=1, hidden=(), iterations=7), pictures)
    >>> [*changes_of(resume(short, pictures, iterations=9, l2=0.5))]
    ['at iteration 7: iterations 7 to 9, l2 0.0 to 0.5']
    """
    spans = (*result.earlier, (result.planned_iterations, result.experiment))
    for (end, before), (_, after) in pairwise(spans):
        pairs = zip(Experiment._fields, before, after, strict=True)
        words = (f"{name.replace('_', ' ')} {value_words(name, was)} to {value_words(name, now)}"
                 for name, was, now in pairs if was != now)  # fmt: skip
        yield f"at iteration {end}: {', '.join(words)}"


def parts_of(data: DataSet) -> dict[str, Examples]:
    """Return the parts of a data set that have examples: there may be none to test on.

    >>> empty = data.Examples(images[:0], pictures.targets[:0])
    >>> [*parts_of(DataSet(pictures, pictures, ())._replace(test=empty))]
    ['train']
    """
    parts = {"train": data.train, "test": data.test}
    return {name: examples for name, examples in parts.items() if len(examples.targets)}


def percent(fraction: float, examples: Examples) -> str:
    """Return the fraction of the examples in percent, and how many they are."""
    count = len(examples.targets)
    return f"{100 * fraction:.3f} % ({round(fraction * count)} of {count})"


def report_of(
    folder: Path, result: Result, data: DataSet, seconds: float, notes: Sequence[str]
) -> dict[str, Any]:
    """Return all that is reported of a run, under the names that it has in JSON."""
    score = score_for(result.experiment)
    found = {part: call_on_one_thread(evaluate, result, of) for part, of in parts_of(data).items()}
    return {
        "data": str(folder),
        "data_notes": [*notes],
        "network": layer_sizes(result.network),
        "seed": result.experiment.seed,
        "experiment": plain_fields(result.experiment),
        "iterations": result.costs[-1][0] + 1,
        "iteration": result.iteration,
        "costs": {str(iteration): cost for iteration, cost in result.costs},
        "final_cost": float(found["train"].cost),
        "l2_penalty": float(l2_penalty(result.parameters, result.experiment.l2)),
        **{score.key(part): float(of.score) for part, of in found.items()},
        "seconds": seconds,
        "space": result.space_description,
        "changes": [*changes_of(result)],
    }


def _other_fields(experiment: Experiment) -> Iterator[str]:
    for name, value in non_defaults(experiment).items():
        if name not in IN_SENTENCE:
            yield f"{name.replace('_', ' ')} {value_words(name, value)}"


def value_words(name: str, value: Any) -> str:
    """Return the value of a field in words.

    >>> value_words("hidden", (20, 7)), value_words("l2", 0.5)
    ('20 7', '0.5')
    """
    plain = FIELDS[name].kind.write(value)
    return " ".join(map(str, plain)) if isinstance(plain, tuple) else str(plain)


def print_report(result: Result, report: Mapping[str, Any], data: DataSet) -> None:
    """Print the last cost, the accuracies or R squared, and the time of a run."""
    if result.experiment.early_stopping:
        when = "after" if result.stopped_early else "none in"
        kept = f"those of iteration {result.iteration}, where the validation cost was lowest"
        print(
            f"early stopping: {when} {result.iterations_done} iterations; the parameters are {kept}"
        )
    l2 = f"; L2 adds {report['l2_penalty']:.6g}" if result.experiment.l2 else ""
    print(
        cost_line(result.iteration, report["final_cost"]),
        f"(trained parameters, all training examples{l2})",
    )
    score = score_for(result.experiment)
    for part, examples in parts_of(data).items():
        found = score.words(report[score.key(part)], examples)
        print(f"{f'{part} {score.name}:':<15} {found}")
    print(f"time: {report['seconds']:.2f} s of training in {result.space_description}")
