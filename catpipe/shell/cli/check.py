"""The command that checks a data set, and the line that the commands that train say of it."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from catpipe.data.examples import DataSet
from catpipe.data.findings import Findings, sentences, summary
from catpipe.data.inspection import find_problems
from catpipe.shell.cli.report import data_line
from catpipe.shell.runs.provenance import default_folder
from catpipe.shell.runs.typed_json import to_plain
from catpipe.shell.storage.datasets import load_with_notes
from catpipe.shell.storage.hdf5 import TOTAL
from catpipe.shell.threads import with_threads

MOST_BEFORE_TRAINING = (
    2_000  # pictures among which near copies are looked for in a tenth of a second
)


def check_data(options: Namespace) -> bool:
    """Print what is wrong with a data set; return whether nothing is."""
    folder = options.data or options.named_data or default_folder()
    data, notes = load_with_notes(folder, options.memory or TOTAL)
    findings = find_problems(data)
    if options.json:
        print(json.dumps({"data": str(folder), **findings_as_json(findings)}, allow_nan=False))
        return findings.is_clean
    print(data_line(folder, data, notes))
    print_findings(findings)
    return findings.is_clean


def print_findings(findings: Findings) -> None:
    """Print what was found, a line for each kind of problem, and what was not looked for."""
    print(f"different: {findings.different:,} of {findings.examples:,} {findings.noun}s")
    for sentence in sentences(findings) or ("nothing",):
        print(f"found: {sentence}")
    for what in findings.not_looked_for:
        print(f"not looked for: {what}")


def check_line(folder: Path, data: DataSet) -> str:
    """Return what is wrong with the data in one line, for before a training; nothing for nothing.

    >>> check_line(Path("data/few"), DataSet(pictures, pictures, ("no", "yes")))
    'check: 2 test pictures are also training pictures; \
4 pictures are of one colour (`catpipe check data/few`)'
    """
    found = with_threads(None, lambda: summary(find_problems(data, MOST_BEFORE_TRAINING)))
    return f"check: {found} (`catpipe check {folder}`)" if found else ""


def findings_as_json(findings: Findings) -> Mapping[str, Any]:
    """Return the findings as values for JSON, with their sentences."""
    return {**to_plain(findings), "sentences": sentences(findings)}
