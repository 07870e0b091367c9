"""Training from many seeds at once, and the report of all of them."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from signal import SIGINT
from time import perf_counter
from typing import Any

import numpy as np
from toolz import compose_left, identity

from catpipe.data.examples import DataSet, Examples
from catpipe.experiments.contexts import prepared_and_trained
from catpipe.experiments.ensembles import run_seeds
from catpipe.experiments.experiment import Experiment, plain_fields
from catpipe.experiments.result import Result, evaluate
from catpipe.experiments.setup import Setup, prepare
from catpipe.nn.network import layer_sizes
from catpipe.shell.cli.hints import print_hint
from catpipe.shell.cli.maps import workers
from catpipe.shell.cli.progress import progress_bar, stepping
from catpipe.shell.cli.report import Score, ensemble_score, parts_of, score_for
from catpipe.shell.cli.signals import Interrupted
from catpipe.shell.runs.provenance import record_source
from catpipe.shell.runs.run_file import Run, save_run
from catpipe.shell.threads import call_on_one_thread, on_one_thread, with_threads


def train_seeds(
    options: Namespace,
    experiment: Experiment,
    folder: Path,
    data: DataSet,
    notes: Sequence[str],
    validation: Examples | None = None,
) -> None:
    """Train a network from each seed; report their mean, their spread, and their ensemble."""
    since = perf_counter()
    with _interruptible():
        result = prepared_and_trained(
            with_threads,
            partial(prepare, experiment, data.train, validation),
            partial(_trained, options.seeds, silent=options.json),
        )
    seconds = perf_counter() - since
    if options.out:
        source = record_source(options.data, folder, options.validation)
        save_run(options.out, Run(result, data.classes, source))
    score, parts = score_for(experiment), parts_of(data)
    found = {part: call_on_one_thread(evaluate, result, of) for part, of in parts.items()}
    of_all = {f"ensemble_{score.key(part)}": ensemble_score(result, of)
              for part, of in parts.items() if part == "test"}  # fmt: skip
    report = {
        "data": str(folder),
        "data_notes": [*notes],
        "network": layer_sizes(result.network),
        "seeds": list(options.seeds),
        "experiment": plain_fields(experiment),
        "iterations": result.costs[-1][0] + 1,
        "final_costs": found["train"].cost.tolist(),
        **{_key(score, part): of.score.tolist() for part, of in found.items()},
        **of_all,
        "seconds": seconds,
        "space": result.space_description,
    }
    if options.json:
        print(json.dumps(report, allow_nan=False))
    else:
        _print_report(options, score, parts, report, of_all)
    print_hint(result, data.train, report["final_costs"])


def _trained(seeds: Sequence[int], setup: Setup, *, silent: bool) -> Result:
    """Return what the setup gives from each of the seeds, trained on all processors."""
    steps = setup.plan.iterations * len(seeds)
    bar = nullcontext(identity) if silent else progress_bar(steps, "step")
    with workers() as (map_, watch), bar as advance:
        return run_seeds(setup, seeds, on_one_thread(map_), compose_left(watch, stepping(advance)))


def _print_report(
    options: Namespace,
    score: Score,
    parts: Iterable[str],
    report: Mapping[str, Any],
    of_all: Mapping[str, float],
) -> None:
    print(f"seeds: {options.seeds[0]} to {options.seeds[-1]}, {len(options.seeds)} networks")
    print(f"final cost:     {_spread(report['final_costs'], '{:.6g}')}")
    for part in parts:
        print(f"{f'{part} {score.name}:':<15} {_spread(report[_key(score, part)], score.spread)}")
    for together in map(score.spread.format, of_all.values()):
        print(f"ensemble:       test {score.name} {together} (averaged {score.averaged})")
    print(f"time: {report['seconds']:.2f} s of training in {report['space']}")
    print(f"parameters: {f'saved to {options.out}' if options.out else 'not saved (--out FILE)'}")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Give a context in which Ctrl-C says that nothing is saved, and what would save."""
    try:
        yield
    except KeyboardInterrupt as stopped:
        raise Interrupted(
            "interrupted; nothing was saved: `catpipe sweep` saves each part as it ends", SIGINT
        ) from stopped


def _key(score: Score, part: str) -> str:
    """Return the name of the scores of many networks in JSON."""
    return score.key(part).replace("accuracy", "accuracies")


def _spread(values: Any, form: str) -> str:
    numbers = np.array(values)
    mean, deviation = form.format(numbers.mean()), form.format(numbers.std())
    low, high = form.format(numbers.min()), form.format(numbers.max())
    return f"mean {mean}, standard deviation {deviation}, from {low} to {high}"
