"""From a description and examples to a result: fitting, resuming, ensembles, cross-validation.

An experiment is a value, and so is its result. All fields but the seed default to the published
run: hidden layers of 20, 7 and 5 units, 2,500 iterations of gradient descent.

>>> experiment = Experiment(seed=1, hidden=(), iterations=200)
>>> result = fit(experiment, pictures)
>>> experiments.predictions(result, pictures.inputs)
array([0, 1])

Several seeds, and all the folds of a cross-validation, are trained in one fold, as a stack: the
same arrays with one more axis.

>>> stack = fit_seeds(experiment, range(1, 4), pictures)
>>> stack.parameters["W1"].shape, experiments.predictions(stack, pictures.inputs).shape
((3, 1, 1), (3, 2))
>>> cross_validate(experiment, pictures, folds=np.array([0, 1])).shape
(2, 2)

A run that stops is carried on to the bits of one that never stopped, and a replay trains it again.
It may carry on with other settings, such as a smaller learning rate, which the result has too:

>>> short = fit(Experiment(seed=1, hidden=(), iterations=50), pictures)
>>> resume(short, pictures, iterations=200) == result, replay(result, pictures) == result
(True, True)
>>> slower = resume(short, pictures, iterations=200, learning_rate=0.001)
>>> replay(slower, pictures) == slower
True
"""

from catpipe.experiments.cross_validation import cross_validate, run_folds, run_masks, run_repeats
from catpipe.experiments.curves import LearningCurves, learning_curves, watched_sets
from catpipe.experiments.diagnosis import Hint, diagnose
from catpipe.experiments.ensembles import Map, fit_seeds, run_seeds, stacked, with_seeds
from catpipe.experiments.experiment import Experiment, checked
from catpipe.experiments.explanations import input_gradients, weights_as_pictures
from catpipe.experiments.fitting import Watch, fit, run
from catpipe.experiments.result import (
    Result,
    accuracy_on,
    checkpoint_of,
    cost_on,
    evaluate,
    predictions,
    probabilities,
    r_squared_on,
)
from catpipe.experiments.resuming import (
    carry_on,
    prepare_again,
    replay,
    resume,
    run_again,
    with_changes,
)
from catpipe.experiments.setup import Plan, Setup, prepare, with_mask, with_seed
from catpipe.experiments.validation import (
    ClassScores,
    RegressionScores,
    Validation,
    compare,
    confusion_of,
    folds_for,
    reliability_of,
    validate,
)

__all__ = [
    "ClassScores",
    "Experiment",
    "Hint",
    "LearningCurves",
    "Map",
    "Plan",
    "RegressionScores",
    "Result",
    "Setup",
    "Validation",
    "Watch",
    "accuracy_on",
    "carry_on",
    "checked",
    "checkpoint_of",
    "compare",
    "confusion_of",
    "cost_on",
    "cross_validate",
    "diagnose",
    "evaluate",
    "fit",
    "fit_seeds",
    "folds_for",
    "input_gradients",
    "learning_curves",
    "predictions",
    "prepare",
    "prepare_again",
    "probabilities",
    "r_squared_on",
    "reliability_of",
    "replay",
    "resume",
    "run",
    "run_again",
    "run_folds",
    "run_masks",
    "run_repeats",
    "run_seeds",
    "stacked",
    "validate",
    "watched_sets",
    "weights_as_pictures",
    "with_changes",
    "with_mask",
    "with_seed",
    "with_seeds",
]
