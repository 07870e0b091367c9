"""On the photographs, the runs that the course published come out to every printed digit.

The figures are printed in the notebooks of "Neural Networks and Deep Learning" (DeepLearning.AI):
week 2 (logistic regression) and week 4 (two layers, and four).
"""

from typing import NamedTuple

import numpy as np
import pytest

from catpipe.data.examples import DataSet
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import fit
from catpipe.experiments.result import Result, predictions


class Published(NamedTuple):
    experiment: Experiment
    costs: dict[int, float]
    digits: float  # within what the notebook printed
    train_accuracy: float
    test_accuracy: float


FOUR_LAYERS = Published(
    Experiment(seed=1),
    {
        0: 0.7717493284237686,
        100: 0.6720534400822914,
        2400: 0.09287821526472397,
        2499: 0.08843994344170202,
    },
    1e-12,
    0.9856459330143541,
    0.8,
)
TWO_LAYERS = Published(
    Experiment(seed=1, hidden=(7,), initializer="small"),
    {0: 0.693049735659989, 2400: 0.04855478562877019},
    1e-12,
    1.0,
    0.72,
)
LOGISTIC_REGRESSION = Published(
    Experiment(seed=1, hidden=(), initializer="zeros", learning_rate=0.005, iterations=2000),
    {0: 0.693147, 1900: 0.140872},
    5e-7,
    0.9904306220095693,
    0.7,
)
RUNS = {
    "four layers": FOUR_LAYERS,
    "two layers": TWO_LAYERS,
    "logistic regression": LOGISTIC_REGRESSION,
}


@pytest.fixture(scope="module", params=[*RUNS.values()], ids=[*RUNS])
def published(request) -> Published:
    return request.param


@pytest.fixture(scope="module")
def result(published: Published, photographs: DataSet) -> Result:
    return fit(published.experiment, photographs.train)


def test_costs_are_the_published_ones(published, result):
    costs = {iteration: dict(result.costs)[iteration] for iteration in published.costs}
    assert costs == pytest.approx(published.costs, rel=0, abs=published.digits)


def test_train_accuracy_is_the_published_one(published, result, photographs):
    right = predictions(result, photographs.train.inputs) == photographs.train.targets
    assert right.mean() == pytest.approx(published.train_accuracy, abs=1e-12)


def test_test_accuracy_is_the_published_one(published, result, photographs):
    right = predictions(result, photographs.test.inputs) == photographs.test.targets
    assert right.mean() == pytest.approx(published.test_accuracy, abs=1e-12)


def test_every_hundredth_cost_and_the_last_is_kept(published, result):
    last = published.experiment.iterations - 1
    assert [iteration for iteration, _ in result.costs] == [*range(0, last, 100), last]


def test_the_weights_are_those_of_training_in_the_full_space(photographs):
    shorter = FOUR_LAYERS.experiment._replace(iterations=200)  # what follows differs as little
    dual, full = (
        fit(shorter._replace(full_space=full_space), photographs.train).parameters
        for full_space in (False, True)
    )
    for name, W in full.items():
        assert np.linalg.norm(dual[name] - W) <= 1e-12 * np.linalg.norm(W)
