"""The commands that look at saved runs: what one is, whether it comes out again, how two differ."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from time import perf_counter
from typing import Any

from catpipe.network import sizes
from catpipe.results import is_over
from catpipe.resuming import reached_of, retrained
from catpipe.shell.comparing import Difference, differences, reasons
from catpipe.shell.data import load_pictures
from catpipe.shell.environments import WORDS, Environment, changes
from catpipe.shell.files import DataError
from catpipe.shell.records import text_of
from catpipe.shell.reports import asked_words, data_line
from catpipe.shell.runs import Run, load_run, record_of
from catpipe.shell.saved import data_of, validation_of
from catpipe.shell.sittings import environment_for, posed_again, threads_for
from catpipe.shell.sources import Digest, Source, source_of


def show(options: Namespace) -> None:
    """Say what a saved run is."""
    run = load_run(options.run)
    if options.json:
        print(text_of(record_of(run)).decode())
        return
    for name, words in _shown(run):
        print(f"{name + ':':<12}{words}")
    print(f"{'file:':<12}{options.run}, {options.run.stat().st_size:,} bytes")


def compare(options: Namespace) -> bool:
    """Say what differs between two saved runs; return whether nothing does."""
    first, second = load_run(options.run), load_run(options.other)
    told = [*_differently_asked(first, second), *_differently_made(first, second)]
    told += [_told(difference) for difference in differences(first.result, second.result)]
    for line in told:
        print(line)
    if not told:
        print("identical: what was asked, data, environment, and every number to the bit")
    return not told


def replay(options: Namespace) -> bool:
    """Train a saved run once more, compare, and say how far off it is and why."""
    if not options.tolerance >= 0:
        raise DataError(
            f"--tolerance is {options.tolerance}; expected a share of at least 0: choose one"
        )
    run = load_run(options.run)
    again = _again(run, options)
    off, at = differences(run.result, again.result), reached_of(run.result).kept.state.iteration
    if not off:
        print(f"identical: {at} iterations, every number to the bit")
        return True
    why = "; ".join(reasons(run, again)) or "none found in data, libraries, kernels and threads"
    print(f"not identical: {len(off)} arrays differ after {at} iterations, most {_told(off[0])}")
    print(f"reason: {why}")
    within = off[0].share <= options.tolerance
    print(f"tolerance: {options.tolerance:g}, {'kept' if within else 'exceeded'}")
    return within


def _again(run: Run, options: Namespace) -> Run:
    """Train the run once more, and tell how long that took."""
    folder, data = data_of(run, options)
    own = validation_of(run, options)
    validation = load_pictures(own, data) if own else None
    print(data_line(folder, data))
    since = perf_counter()
    posed, begun = posed_again(run.result, data.train, validation)
    with threads_for(posed, begun):
        result = retrained(run.result, posed, begun)
    print(f"time: {perf_counter() - since:.2f} s of training in {result.space}")
    source = source_of(options.data, folder, own)
    return Run(result, run.classes, source, ((0, environment_for(posed, begun)),))


def _shown(run: Run) -> Iterator[tuple[str, str]]:
    result, reached = run.result, reached_of(run.result)
    at = reached.kept.state.iteration
    over = is_over(result.experiment, reached)
    yield "network", asked_words(result.experiment, sizes(result.network), len(result.seeds))
    yield "classes", ", ".join(run.classes)
    yield "iteration", f"{at} of {reached.end}, {'finished' if over else 'not finished'}"
    if result.iteration != at:
        yield "parameters", f"of iteration {result.iteration}, where the validation cost was lowest"
    yield "space", result.space
    for iteration, cost in (result.costs[0], result.costs[-1]) if result.costs else ():
        yield "cost", f"{cost} at iteration {iteration}"
    yield from _source_words(run.source)
    for since, made_with in run.environments:
        yield "computed", f"from iteration {since} with {_environment_words(made_with)}"


def _source_words(source: Source | None) -> Iterator[tuple[str, str]]:
    if source is None:
        yield "data", "not recorded"
        return
    if source.folder:
        yield "data", source.folder
    for name in ("train", "test", "validation"):
        digest: Digest | None = getattr(source, name)
        if digest:
            yield name, f"{digest.path}, SHA-256 {digest.sha256}"


def _environment_words(made_with: Environment) -> str:
    return ", ".join(f"{words} {made_with[name]}" for name, words in WORDS.items())


def _differently_asked(first: Run, second: Run) -> Iterator[str]:
    mine, other = (run.result.experiment for run in (first, second))
    yield from _fields_apart(mine._asdict(), other._asdict())
    yield from _fields_apart(_facts(first), _facts(second))


def _facts(run: Run) -> dict[str, Any]:
    result, reached, source = run.result, reached_of(run.result), run.source
    digests = source and {name: getattr(source, name) for name in ("train", "test", "validation")}
    return {
        "network": sizes(result.network),
        "classes": run.classes,
        "seeds": result.seeds,
        "space": result.space,
        "iteration reached": reached.kept.state.iteration,
        "iteration of the parameters": result.iteration,
        **{f"{name} data": digest for name, digest in (digests or {}).items()},
    }


def _fields_apart(mine: dict[str, Any], other: dict[str, Any]) -> Iterator[str]:
    for name in {**mine, **other}:
        if (one := mine.get(name)) != (two := other.get(name)):
            yield f"{name.replace('_', ' ')}: {one} and {two}"


def _differently_made(first: Run, second: Run) -> Iterator[str]:
    mine, other = first.environments, second.environments
    for (_, one), (_, two) in zip(mine, other, strict=False):
        yield from (change.replace(", here ", " and ") for change in changes(one, two))
    if [since for since, _ in mine] != [since for since, _ in other]:
        yield f"environments: {len(mine)} and {len(other)} one after another"


def _told(difference: Difference) -> str:
    return (
        f"{difference.name}: off by {difference.share:.3g} of its largest number"
        if difference.share < float("inf")
        else f"{difference.name}: has another shape"
    )
