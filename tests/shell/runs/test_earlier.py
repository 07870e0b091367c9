"""A run file holds the experiments that held before a change, and no others."""

from __future__ import annotations

import json

import pytest

import catpipe
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import fit
from catpipe.experiments.resuming import resume
from catpipe.shell.runs.record import from_json, to_json
from catpipe.shell.runs.run_file import Run, arrays_of, record_of
from catpipe.shell.storage.atomic import DataError
from tests.typed import COLOURS, in_colours

PICTURES = in_colours(12, 1, classes=3)
PLAIN = fit(Experiment(seed=1, hidden=(3,), classes=3, iterations=6), PICTURES)
CHANGED = resume(PLAIN, PICTURES, iterations=9, l2=0.1)


def record(result):
    return record_of(Run(result, COLOURS[:3]), arrays_of(result))


def test_a_record_of_a_changed_run_comes_back():
    of_run = record(CHANGED)
    assert from_json("a.h5", to_json(of_run)) == of_run
    assert of_run.earlier == ((6, PLAIN.experiment),)


def test_a_run_that_was_never_changed_has_no_such_field_in_its_file():
    assert "earlier" not in json.loads(to_json(record(PLAIN)))


@pytest.mark.parametrize(
    "earlier",
    [
        ((0, PLAIN.experiment),),
        ((10, PLAIN.experiment),),
        ((5, PLAIN.experiment), (5, PLAIN.experiment)),
        ((5, PLAIN.experiment), (4, PLAIN.experiment)),
        ((6, PLAIN.experiment._replace(seed=2)),),
        ((6, PLAIN.experiment._replace(hidden=(4,))),),
        ((6, PLAIN.experiment._replace(optimizer="adam")),),
        ((6, PLAIN.experiment._replace(batch_size=4)),),
    ],
    ids=["no step", "beyond", "twice", "back", "seed", "layers", "optimizer", "batches"],
)
def test_experiments_that_no_run_had_before_are_refused(earlier):
    text = to_json(record(CHANGED)._replace(earlier=earlier))
    with pytest.raises(DataError, match="earlier experiments"):
        from_json("a.h5", text)


def test_what_catpipe_hands_on_takes_changes_too():
    assert catpipe.resume(PLAIN, PICTURES, iterations=9, l2=0.1) == CHANGED
    assert catpipe.replay(CHANGED, PICTURES) == CHANGED
