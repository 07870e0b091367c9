"""The command that exports a run: a model for other runtimes, or its arrays alone."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from catpipe.adapters.weights import MARK, named_arrays, to_npz, to_safetensors
from catpipe.data.examples import DataSet, Examples, noun
from catpipe.data.findings import sentences
from catpipe.data.inspection import find_problems
from catpipe.experiments.experiment import is_regression
from catpipe.experiments.result import ensemble_predictions, ensemble_probabilities
from catpipe.nn.arrays import Array
from catpipe.shell.cli.check import MOST_BEFORE_TRAINING
from catpipe.shell.cli.report import ensemble_score, score_for
from catpipe.shell.runs.locate import data_to_evaluate
from catpipe.shell.runs.run_file import Run, load_run
from catpipe.shell.storage.atomic import DataError, check_is_ours, check_writable, write_files
from catpipe.shell.threads import call_on_one_thread

MOST_COMPARED = 1_000  # test examples on which a model is compared with what catpipe predicts


class Exported(NamedTuple):
    """The bytes of a file, what is in it in words, and its facts for JSON."""

    content: bytes
    words: str
    facts: Mapping[str, Any]


def export_run(options: Namespace) -> None:
    """Write a run as a file that others read, by the ending of its name; print what is in it."""
    export = _kind_of(options.out)
    run = load_run(options.run)
    check_writable(options.out)
    data = _data_or_none(run, options)
    facts = call_on_one_thread(_facts, run, data) if data else {}
    test = data.test if data and len(data.test.targets) else None
    made = call_on_one_thread(export, run, options.dtype, facts, test)
    write_files({options.out: made.content})
    if options.json:
        of_file = {"out": str(options.out), "bytes": len(made.content)}
        print(json.dumps({**of_file, **made.facts, "metadata": facts}))
        return
    print(f"exported: {options.out}: {made.words}")
    if data is None:
        print("without scores: its data were not found (give --data FOLDER)")


Export = Callable[[Run, str | None, Mapping[str, str], Examples | None], Exported]


def _kind_of(out: Path) -> Export:
    """Return what makes a file of this name; refuse other names, and files that are not ours."""
    export = KINDS.get(out.suffix.lower())
    if export is None:
        raise DataError(f"{out}: is no name of an export; expected one of {', '.join(KINDS)}")
    check_is_ours(out, MARK.encode(), "export", "model")
    return export


def _data_or_none(run: Run, options: Namespace) -> DataSet | None:
    """Return the data of a run; none where they are not there and were not named."""
    try:
        return data_to_evaluate(run, options)[1].data
    except DataError:
        if options.data is not None:
            raise
        return None


def _facts(run: Run, data: DataSet) -> dict[str, str]:
    """Return what `catpipe check` finds in the data, and the score on the test examples."""
    found = sentences(find_problems(data, MOST_BEFORE_TRAINING))
    facts = {"check": "; ".join(found) or "nothing found"}
    if not len(data.test.targets):
        return facts
    score = score_for(run.result.experiment)
    measured = ensemble_score(run.result._replace(class_names=()), data.test)
    count = str(len(data.test.targets))
    return {**facts, score.key("test"): repr(measured), "test_examples": count}


def _as_onnx(
    run: Run, dtype: str | None, facts: Mapping[str, str], test: Examples | None
) -> Exported:
    try:
        from catpipe.adapters.onnx import export_onnx, inputs_of, outputs_of, to_bytes
    except ImportError as error:
        raise ImportError(
            "onnx is missing; its models need it: pip install 'catpipe[onnx]'"
        ) from error
    model = export_onnx(run.result, run.classes, dtype or "float32", facts)
    content, given, made = to_bytes(model), inputs_of(model), outputs_of(model)
    words = f"{_shapes(given)} to {_shapes(made)}, {dtype or 'float32'}"
    exported = Exported(content, words, {"inputs": given, "outputs": made})
    return exported if test is None else _compared(exported, run, test)


def _compared(exported: Exported, run: Run, test: Examples) -> Exported:
    """Return the same, with how far its answers are from catpipe's on the test examples."""
    from catpipe.adapters.onnx_runtimes import answers, evaluators

    name, evaluate = next(iter(evaluators(exported.content).items()))
    inputs = test.inputs[:MOST_COMPARED]
    found = answers(evaluate, inputs)
    difference = float(np.abs(found - _expected(run, inputs)).max())
    words = (
        f"{exported.words}\nlargest difference from catpipe on {len(inputs):,} test "
        f"{noun(test)}s, by {name}: {difference:.1e}"
    )
    facts = {**exported.facts, "runtime": name, "largest_difference": difference}
    return Exported(exported.content, words, facts)


def _expected(run: Run, inputs: NDArray[Any]) -> Array:
    """Return what catpipe predicts, a row for each example: probabilities or numbers."""
    if is_regression(run.result.experiment):
        return ensemble_predictions(run.result, inputs).reshape(len(inputs), -1)
    return ensemble_probabilities(run.result, inputs).T


def _shapes(of: Mapping[str, tuple[Any, ...]]) -> str:
    """Return names and shapes in words.

    >>> _shapes({"label": ("N",), "probabilities": ("N", 2)})
    'label (N), probabilities (N, 2)'
    """
    return ", ".join(f"{name} ({', '.join(map(str, shape))})" for name, shape in of.items())


def _arrays(run: Run, dtype: str | None) -> tuple[Mapping[str, Any], str, dict[str, Any]]:
    """Return the arrays of a run, what they are in words, and for JSON."""
    arrays = named_arrays(run.result, dtype)
    shapes = {name: array.shape for name, array in arrays.items()}
    of_network = {name: shape for name, shape in shapes.items() if name in run.result.parameters}
    others = len(shapes) - len(of_network)
    more = f" and {others} of the transforms" if others else ""
    words = f"{_shapes(of_network)}{more}, {arrays[next(iter(of_network))].dtype}"
    return arrays, words, {"arrays": shapes}


def _as_safetensors(
    run: Run, dtype: str | None, facts: Mapping[str, str], _: Examples | None
) -> Exported:
    arrays, words, shapes = _arrays(run, dtype)
    return Exported(to_safetensors(arrays, run.classes, facts), words, shapes)


def _as_npz(run: Run, dtype: str | None, facts: Mapping[str, str], _: Examples | None) -> Exported:
    arrays, words, shapes = _arrays(run, dtype)
    return Exported(to_npz(arrays, run.classes, facts), words, shapes)


KINDS: Mapping[str, Export] = {
    ".onnx": _as_onnx,
    ".safetensors": _as_safetensors,
    ".npz": _as_npz,
}
"""What makes a file, by the ending of its name."""
