"""Learning curves of a saved run: its data are found, and it is trained again."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from catpipe.experiments.curves import LearningCurves, learning_curves, watched_sets
from catpipe.experiments.resuming import prepare_again
from catpipe.shell.cli.session import about
from catpipe.shell.runs.locate import training_data
from catpipe.shell.runs.run_file import Run
from catpipe.shell.threads import call_on_one_thread

SAMPLE, MOST_SAMPLES = 100, 100


def curves_of_run(run: Run, path: Path, options: Namespace) -> LearningCurves:
    """Return the curves of a run on the examples that train, validate and test, as far as it is.

    Raises `DataError` where its data are not there, or it cannot be trained again.
    """
    found = training_data(run, Namespace(**{**vars(options), "run": path, "validation": None}))
    result = run.result._replace(class_names=())
    with about(path):
        setup = call_on_one_thread(prepare_again, run.result, found.data.train, found.validation)
        sets = watched_sets(setup, found.data.train, found.validation, found.data.test)
        every = samples_every(result.iterations_done)
        return call_on_one_thread(learning_curves, result, setup, sets, every)


def samples_every(iterations: int) -> int:
    """Return after how many iterations a run of so many is looked at: as its costs, or rarer.

    >>> samples_every(2500), samples_every(1_000_000)
    (100, 10000)
    """
    return SAMPLE * max(1, -(-iterations // (SAMPLE * MOST_SAMPLES)))
