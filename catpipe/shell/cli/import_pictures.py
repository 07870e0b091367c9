"""The command that makes a data set of folders of pictures."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np

from catpipe.data.examples import Examples
from catpipe.data.findings import Findings
from catpipe.data.inspection import find_problems
from catpipe.experiments.experiment import SEEDS
from catpipe.shell.cli.check import findings_as_json, print_findings
from catpipe.shell.cli.progress import with_count
from catpipe.shell.storage.atomic import DataError, check_writable, printable
from catpipe.shell.storage.datasets import SUFFIXES, check_room, save_data
from catpipe.shell.storage.names import PARTS
from catpipe.shell.storage.photographs import Shape, check_pillow
from catpipe.shell.storage.picture_folders import (
    WHOLE,
    Found,
    Imported,
    find_pictures,
    import_pictures,
)

NAME = "pictures"  # of the data set's files
SHARE = 0.2
MOST_NAMED = 5


def import_folder(options: Namespace) -> None:
    """Write the data set of a folder of pictures, and say what is in it and what to do next."""
    check_pillow()
    found = find_pictures(options.folder)
    share = _checked_share(options, found)
    _check_out(options, found)
    shape = (*options.size, 1 if options.grey else 3)
    if not options.json:
        count = sum(map(len, found.parts.values()))
        print(f"reading: {count:,} pictures of {len(found.classes)} classes", flush=True)
    imported = import_pictures(
        found, shape, share, options.seed, partial(with_count, unit="picture")
    )
    save_data(options.out, imported.data, NAME, imported.validation)
    findings = find_problems(imported.data)
    if options.json:
        print(json.dumps(_as_json(options.out, shape, found, imported, findings), allow_nan=False))
        return
    _print_counts(options.out, shape, imported)
    for line in _skipped(options.folder, found, imported):
        print(line)
    print_findings(findings)
    for line in _files_of_copies(findings, imported):
        print(line)
    print(f"train on them: {_command_to_train(options.out, imported)}")


def _checked_share(options: Namespace, found: Found) -> float:
    share: float | None = options.test_share
    if share is not None and WHOLE not in found.parts:
        raise DataError(
            f"--test-share is {share} for {options.folder}, which has a part to test on; expected "
            "none: leave it out"
        )
    if share is not None and not 0 <= share < 1:
        raise DataError(f"--test-share is {share}; expected a number from 0 to below 1")
    if not 0 <= options.seed < SEEDS:
        raise DataError(f"--seed is {options.seed}; expected an integer from 0 to {SEEDS - 1}")
    return SHARE if share is None else share


def _check_out(options: Namespace, found: Found) -> None:
    """Refuse a place that cannot be written to, or holds something, before pictures are read."""
    out: Path = options.out
    if out.resolve() == options.folder.resolve():
        raise DataError(
            f"{out}: holds the pictures; expected another folder for the data: name one"
        )
    if out.suffix.lower() in SUFFIXES or (out.exists() and not out.is_dir()):
        raise DataError(
            f"{out}: is the name of a file; expected that of a folder, for one file to train on "
            f"and one to test on: give --out {out.with_suffix('')}"
        )
    paths = {part: out / f"{part}_{NAME}.h5" for part in PARTS}
    there = [path for path in paths.values() if path.exists()]
    if there and not options.force:
        raise DataError(
            f"{out}: holds {there[0].name}; expected a folder without data: give a new one, or "
            "--force to replace it"
        )
    if paths["validation"] in there and "validation" not in found.parts:
        raise DataError(
            f"{out}: holds {paths['validation'].name}, and the new data have none; expected a "
            "folder without it: remove it"
        )
    check_room(out, paths)
    nearest = next(folder for folder in (out, *out.absolute().parents) if folder.is_dir())
    check_writable(nearest / paths["train"].name)


# What is printed.


def _print_counts(out: Path, shape: Shape, imported: Imported) -> None:
    examples, classes = _parts(imported), imported.data.classes
    words = {"train": "to train on", "test": "to test on", "validation": "to validate on"}
    counts = ", ".join(f"{len(of.targets):,} {words[part]}" for part, of in examples.items())
    print(f"imported: pictures of {' x '.join(map(str, shape))}, {counts}, in {out}")
    width = max(len(printable(name)) for name in ("class", *classes))
    print(f"{'class':<{width}}", *(f"{part:>10}" for part in examples))
    for label, name in enumerate(classes):
        row = (f"{np.count_nonzero(of.targets == label):10,}" for of in examples.values())
        print(f"{printable(name):<{width}}", *row)


def _parts(imported: Imported) -> dict[str, Examples]:
    """Return the parts that there are."""
    parts = dict(zip(PARTS, (*imported.data[:2], imported.validation), strict=True))
    return {part: of for part, of in parts.items() if of is not None}


def _skipped(folder: Path, found: Found, imported: Imported) -> Iterator[str]:
    """Return how many files were left out, with the first of them."""
    others = [printable(str(path.relative_to(folder))) for path in found.others]
    for these, why in (
        (others, "not a picture by name, or in no class"),
        ([*map(str, imported.refusals)], "not readable"),
    ):
        if these:
            more = f"; and {len(these) - MOST_NAMED:,} more" if len(these) > MOST_NAMED else ""
            shown = "; ".join(these[:MOST_NAMED])
            files = "file" if len(these) == 1 else "files"
            yield f"skipped: {len(these):,} {files}, {why}: {shown}{more}"


def _files_of_copies(findings: Findings, imported: Imported) -> Iterator[str]:
    """Return which files the first of the copies are."""
    for copy in findings.copies[:MOST_NAMED]:
        of = [(place, imported.files[place.part][place.number]) for place in (copy.copy, copy.of)]
        yield ", ".join(f"{place} is {printable(str(path))}" for place, path in of)


def _command_to_train(out: Path, imported: Imported) -> str:
    """Return the command that trains on the data set."""
    command = f"catpipe train --data {quote(str(out))}"
    if imported.validation is None:
        return command
    file = quote(str(out / f"validation_{NAME}.h5"))
    return f"{command} --early-stopping 5 --validation {file}"


def _as_json(
    out: Path, shape: Shape, found: Found, imported: Imported, findings: Findings
) -> Mapping[str, Any]:
    classes, examples = imported.data.classes, _parts(imported)
    return {
        "data": str(out),
        "input_shape": [*shape],
        "classes": [*classes],
        "counts": {part: _counts(of, classes) for part, of in examples.items()},
        "files": {part: [*map(str, paths)] for part, paths in imported.files.items()},
        "skipped": {
            "others": [*map(str, found.others)],
            "not_readable": [*map(str, imported.refusals)],
        },
        "findings": findings_as_json(findings),
    }


def _counts(examples: Examples, classes: Sequence[str]) -> dict[str, int]:
    counts = np.bincount(examples.targets, minlength=len(classes)).tolist()
    return dict(zip(classes, counts, strict=True))
