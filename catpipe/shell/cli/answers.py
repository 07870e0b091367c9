"""What a run predicts of examples, as values, in words and for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from catpipe.experiments.experiment import is_regression
from catpipe.experiments.result import ensemble_predictions, ensemble_probabilities
from catpipe.shell.runs.run_file import Run


class Answer(NamedTuple):
    """What is predicted of one example: a class and the probability of each, or numbers."""

    name: str = ""
    probabilities: Mapping[str, float] = {}
    numbers: tuple[float, ...] = ()

    def words(self, more: str = "") -> str:
        """Return the answer in words; `more` is said beside the probability.

        >>> Answer("cat", {"non-cat": 0.25, "cat": 0.75}).words("; labelled cat")
        'cat (probability 0.7500; labelled cat)'
        >>> Answer(numbers=(0.5, 2.0)).words()
        '0.5, 2'
        """
        if self.numbers:
            return f"{listed(self.numbers)}{more}"
        return f"{self.name} (probability {self.probabilities[self.name]:.4f}{more})"

    def fields(self) -> dict[str, Any]:
        """Return the answer under the names that it has in JSON.

        >>> Answer(numbers=(0.5, 2.0)).fields()
        {'predicted': [0.5, 2.0]}
        """
        if self.numbers:
            return {"predicted": [*self.numbers]}
        probability = self.probabilities[self.name]
        return {
            "class": self.name,
            "probability": probability,
            "probabilities": {**self.probabilities},
        }


def answers_of(run: Run, inputs: NDArray[Any]) -> list[Answer]:
    """Return what the networks of a run predict together of each of the inputs, (examples, ...).

    Raises `ValueError` for inputs of another shape or type than the run was trained on.

    >>> run = Run(fit(Experiment(seed=1, hidden=()), pictures), ("non-cat", "cat"))
    >>> [answer.name for answer in answers_of(run, images)]
    ['non-cat', 'cat']
    """
    result = run.result._replace(class_names=())  # by number
    predicted = ensemble_predictions(result, inputs)
    if is_regression(result.experiment):
        return [Answer(numbers=tuple(np.atleast_1d(of).tolist())) for of in predicted]
    sure = ensemble_probabilities(result, inputs).T.tolist()
    return [
        Answer(run.classes[number], dict(zip(run.classes, of, strict=True)))
        for number, of in zip(predicted, sure, strict=True)
    ]


def listed(values: Any) -> str:
    """Return the numbers in words.

    >>> listed(np.array([0.5, 2.0])), listed(1 / 3)
    ('0.5, 2', '0.333333')
    """
    return ", ".join(f"{value:.6g}" for value in np.atleast_1d(values))
