"""From a description and examples to a result: fitting, resuming, ensembles, cross-validation."""

from catpipe.experiments.cross_validation import cross_validate
from catpipe.experiments.ensembles import fit_seeds, stacked
from catpipe.experiments.experiment import Experiment, checked
from catpipe.experiments.fitting import fit
from catpipe.experiments.result import Result, accuracy_on, cost_on, predictions, probabilities
from catpipe.experiments.resuming import replay, resume

__all__ = [
    "Experiment",
    "Result",
    "accuracy_on",
    "checked",
    "cost_on",
    "cross_validate",
    "fit",
    "fit_seeds",
    "predictions",
    "probabilities",
    "replay",
    "resume",
    "stacked",
]
