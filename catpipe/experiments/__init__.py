"""From a description and examples to a result: fitting, resuming, ensembles, cross-validation."""

from catpipe.experiments.cross_validation import cross_validate, run_folds
from catpipe.experiments.ensembles import Map, fit_seeds, run_seeds, stacked, with_seeds
from catpipe.experiments.experiment import Experiment, checked
from catpipe.experiments.fitting import Watch, fit, run
from catpipe.experiments.result import (
    Result,
    accuracy_on,
    checkpoint_of,
    cost_on,
    predictions,
    probabilities,
)
from catpipe.experiments.resuming import (
    carry_on,
    extended,
    prepare_again,
    replay,
    resume,
    run_again,
)
from catpipe.experiments.setup import Plan, Setup, prepare, with_mask, with_seed

__all__ = [
    "Experiment",
    "Map",
    "Plan",
    "Result",
    "Setup",
    "Watch",
    "accuracy_on",
    "carry_on",
    "checked",
    "checkpoint_of",
    "cost_on",
    "cross_validate",
    "extended",
    "fit",
    "fit_seeds",
    "predictions",
    "prepare",
    "prepare_again",
    "probabilities",
    "replay",
    "resume",
    "run",
    "run_again",
    "run_folds",
    "run_seeds",
    "stacked",
    "with_mask",
    "with_seed",
    "with_seeds",
]
