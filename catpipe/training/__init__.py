"""Training one network: the step and its fold, early stopping, gradient checks, small spaces."""

from catpipe.training.gradient_checks import Difference, GradientCheck, gradient_check
from catpipe.training.loop import (
    Diverged,
    State,
    Step,
    finite,
    initial_state,
    make_step,
    train,
    trajectory,
)
from catpipe.training.stopping import Checkpoint, best_of, early_stopping

__all__ = [
    "Checkpoint",
    "Difference",
    "Diverged",
    "GradientCheck",
    "State",
    "Step",
    "best_of",
    "early_stopping",
    "finite",
    "gradient_check",
    "initial_state",
    "make_step",
    "train",
    "trajectory",
]
