"""A run whose parameters are set by hand, so that what it predicts is known."""

import numpy as np

from catpipe.data.examples import Examples
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import fit
from catpipe.experiments.result import Result
from catpipe.nn.parameters import Parameters

GREYS, LABELS = (64, 200, 0, 140, 255, 90), (0, 0, 1, 1, 1, 1)
EXAMPLES = Examples(np.array(GREYS, np.uint8).reshape(6, 1, 1, 1), np.array(LABELS))
"""Pictures of one grey pixel: of dogs, and of cats."""


def light_is_a_cat(weight: float = 8.0) -> Result:
    """Return a run that takes a picture for a cat where it is light: it is wrong of 1, 2 and 5.

    The probabilities of cats are 0.12, 0.91, 0.02, 0.60, 0.98 and 0.24.
    """
    result = fit(Experiment(seed=1, hidden=(), iterations=1), EXAMPLES)
    return result._replace(parameters=Parameters(W1=[[weight]], b1=[[-weight / 2]]))
