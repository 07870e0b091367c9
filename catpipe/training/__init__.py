"""Training one network: the step and its fold, early stopping, gradient checks.

`train` is `functools.reduce`: it folds a step over batches, so a run splits anywhere, to the bit.

>>> net, descent = mlp(1, 1), optim.gradient_descent(0.1)
>>> step = make_step(net, descent, sample_every=10)
>>> X, Y = data.pixels(pictures.inputs), data.targets(pictures.targets)
>>> start = initial_state(descent, initialize_parameters(net, seed=1))
>>> final = train(step, data.full_batches(X, Y, iterations=30), start)
>>> halfway = train(step, data.full_batches(X, Y, iterations=20), start)
>>> train(step, data.full_batches(X, Y, iterations=10), halfway).parameters == final.parameters
True

`trajectory` is the same fold made lazy, so progress, checkpoints and early stopping are iterators
outside it. Early stopping hands on the states until the validation cost no longer falls:

>>> from itertools import takewhile
>>> from toolz import last
>>> states = trajectory(step, data.full_batches(X, Y, iterations=30), start)
>>> last(takewhile(lambda state: state.iteration <= 20, states)).parameters == halfway.parameters
True
>>> def validation_cost(parameters):
...     Z, _ = forward(net, parameters, np.array([[0.4, 0.5]]))
...     return float(compute_cost(net, Z, np.array([[1.0, 0.0]])))
>>> states = trajectory(step, data.full_batches(X, Y, iterations=3000), start)
>>> stopped = last(training.early_stopping(states, validation_cost, patience=10, every=5))
>>> stopped.best.iteration < stopped.state.iteration < 3000
True

`gradient_check` compares gradients with differences of the cost:

>>> training.gradient_check(net, final.parameters, Batch(X, Y)).along_directions < 1e-7
True
"""

from catpipe.training.gradient_checks import (
    Difference,
    GradientCheck,
    gradient_check,
    relative_difference,
)
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
from catpipe.training.stopping import Checkpoint, checked_at, early_stopping

__all__ = [
    "Checkpoint",
    "Difference",
    "Diverged",
    "GradientCheck",
    "State",
    "Step",
    "checked_at",
    "early_stopping",
    "finite",
    "gradient_check",
    "initial_state",
    "make_step",
    "relative_difference",
    "train",
    "trajectory",
]
