"""The commands that inspect saved runs: show one, replay it, compare two."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from time import perf_counter
from typing import Any

import numpy as np

from catpipe.nn.network import layer_sizes
from catpipe.shell.cli.progress import with_bar_alone
from catpipe.shell.cli.report import changes_of, data_line, describe
from catpipe.shell.cli.session import about, status
from catpipe.shell.runs.compare import differences, reasons
from catpipe.shell.runs.environment import Environment, changes, described, environment
from catpipe.shell.runs.locate import training_data
from catpipe.shell.runs.provenance import Digest, Source
from catpipe.shell.runs.record import to_json
from catpipe.shell.runs.run_file import FACTS as COMMON
from catpipe.shell.runs.run_file import Run, arrays_of, load_run, record_of
from catpipe.shell.storage.atomic import DataError, printable
from catpipe.shell.threads import replay as retrained
from catpipe.training.stopping import Checkpoint

FACTS = (*COMMON, "classes", "state_iteration", "best_iteration")


def show(options: Namespace) -> None:
    """Print what a saved run is."""
    run = load_run(options.run)
    if options.json:
        print(to_json(record_of(run, arrays_of(run.result))).decode())
        return
    for name, words in _shown(run):
        print(f"{name + ':':<12}{words}")
    print(f"{'file:':<12}{options.run}, {options.run.stat().st_size:,} bytes")


def compare(options: Namespace) -> bool:
    """Print what differs between two saved runs; return whether nothing does."""
    first, second = load_run(options.run), load_run(options.other)
    lines = [*_other_experiments(first, second), *_other_environments(first, second)]
    lines += [str(difference) for difference in differences(first.result, second.result)]
    for line in lines:
        print(line)
    if not lines:
        print("identical: experiment, data, environment, and every number to the bit")
    return not lines


def replay(options: Namespace) -> bool:
    """Train a saved run again, and print whether it is identical, or how far off it is and why."""
    tolerance: float = options.tolerance
    if not 0 <= tolerance < float("inf"):
        raise DataError(f"--tolerance is {tolerance}; expected a finite fraction of at least 0")
    run = load_run(options.run)
    again = _again(run, options)
    off, at = differences(run.result, again.result), run.result.iterations_done
    if not off:
        print(f"identical: {at} iterations, every number to the bit")
        return True
    print(f"not identical: {at} iterations, {len(off)} of the arrays; most of all {off[0]}")
    for reason in reasons(run, again) or ["none found in data, libraries, kernels and threads"]:
        print(f"reason: {reason}")
    is_within = all(of.fraction is not None and of.fraction <= tolerance for of in off)
    print(f"tolerance: {tolerance:g}, {'met' if is_within else 'exceeded'}")
    return is_within


def _again(run: Run, options: Namespace) -> Run:
    """Train the run once more, and print how long that took."""
    found = training_data(run, options)
    print(data_line(found.folder, found.data, found.notes))
    since, made_with = perf_counter(), []

    def watch(checkpoints: Iterator[Checkpoint]) -> Iterator[Checkpoint]:
        made_with.append((0, environment(compiled=run.result.experiment.compiled)))
        return with_bar_alone(checkpoints, run.result.iterations_done)

    with about(options.run):
        result = retrained(run.result, found.data.train, watch, found.validation)
    print(f"time: {perf_counter() - since:.2f} s of training in {result.space_description}")
    return Run(result, run.classes, found.source, tuple(made_with))


def _shown(run: Run) -> Iterator[tuple[str, str]]:
    result, at = run.result, run.result.iterations_done
    yield "network", describe(result.experiment, layer_sizes(result.network), len(result.seeds))
    yield from (("changed", words) for words in changes_of(result))
    if run.classes:
        yield "classes", ", ".join(run.classes)
    yield "iteration", f"{at} of {result.planned_iterations}, {status(result)}"
    if result.iteration != at:
        yield "parameters", f"of iteration {result.iteration}, where the validation cost was lowest"
    yield "space", result.space_description
    for iteration, cost in (result.costs[0], result.costs[-1]) if result.costs else ():
        yield "cost", f"{_one_or_mean(cost)} at iteration {iteration}"
    yield from _source_words(run.source)
    for since, made_with in run.environments:
        yield "computed", f"from iteration {since} with {_environment_words(made_with)}"


def _one_or_mean(cost: Any) -> str:
    return f"mean {np.mean(cost):.6g}" if isinstance(cost, list) else f"{cost:.6g}"


def _source_words(source: Source | None) -> Iterator[tuple[str, str]]:
    if source is None:
        yield "data", "not recorded"
        return
    if source.folder:
        yield "data", printable(source.folder)
    for name in ("train", "test", "validation"):
        digest: Digest | None = getattr(source, name)
        if digest:
            yield name, _digest_words(digest)


def _environment_words(made_with: Environment) -> str:
    return ", ".join(f"{words} {value}" for words, value in described(made_with).items())


def _digest_words(digest: Digest | None) -> str:
    return printable(f"{digest.path}, SHA-256 {digest.sha256}") if digest else "none"


def _other_experiments(first: Run, second: Run) -> Iterator[str]:
    mine, other = (run.result.experiment for run in (first, second))
    yield from _different_fields(mine._asdict(), other._asdict())
    yield from _different_fields(*({"last cost": _last_cost(run)} for run in (first, second)))
    yield from _different_fields(_facts(first), _facts(second))


def _facts(run: Run) -> dict[str, Any]:
    """Return the facts of a record beside the experiment, environments and digests of arrays."""
    record, source = record_of(run, {}), run.source
    facts = {name: getattr(record, name) for name in FACTS if name not in ("experiment", "earlier")}
    digests = {
        f"SHA-256 of the {name} data": digest.sha256 if digest else None
        for name in ("train", "test", "validation")
        for digest in [getattr(source, name, None)]
    }
    return {**facts, "changes": "; ".join(changes_of(run.result)) or None, **digests}


def _different_fields(mine: dict[str, Any], other: dict[str, Any]) -> Iterator[str]:
    for name in {**mine, **other}:
        if (one := mine.get(name)) != (two := other.get(name)):
            yield f"{name.replace('_', ' ')}: {_short(one)} and {_short(two)}"


def _last_cost(run: Run) -> str | None:
    """Return the last cost that was sampled, the mean of a stack's; none of a run without one."""
    costs = run.result.costs
    return f"{np.mean(costs[-1][1]):.6g}" if costs else None


def _short(value: Any) -> Any:
    """Return the first digits of a SHA-256, and any other value as it is.

    >>> _short("ab" * 32), _short(0.5)
    ('abababab...', 0.5)
    """
    return f"{value[:8]}..." if isinstance(value, str) and len(value) == 64 else value


def _other_environments(first: Run, second: Run) -> Iterator[str]:
    mine, other = first.environments, second.environments
    for (_, one), (_, two) in zip(mine, other, strict=False):
        yield from changes(one, two, between=" and ")
    since, others = ([since for since, _ in environments] for environments in (mine, other))
    if since != others:
        yield f"environments: from iterations {since} and {others} on"
