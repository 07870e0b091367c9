"""What a benchmark prints is so: an accuracy is `accuracy_on`'s, what is timed trains the same."""

import numpy as np
import pytest
from sklearn.metrics import r2_score

from catpipe.data.drawn.drawings import draw
from catpipe.data.examples import Examples
from catpipe.experiments.cross_validation import cross_validate
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import fit
from catpipe.experiments.result import accuracy_on, predictions
from catpipe.metrics.scores import accuracy
from catpipe.optim.optimizers import adam
from tests.benchmarks import digits, durations, leave_one_out, programs, tables, users
from tests.benchmarks.trainers import numpy_by_hand, scikit_learn


def test_each_program_has_a_duration():
    assert {*durations()} == programs()


def by_hand(experiment: Experiment, examples: Examples, folds: np.ndarray) -> float:
    """Return the share that is right where each fold is judged by a network without it."""
    X, y, _ = examples
    results = {fold: fit(experiment, (X[folds != fold], y[folds != fold])) for fold in {*folds}}
    right = [
        accuracy_on(result, (X[folds == fold], y[folds == fold])) * (folds == fold).sum()
        for fold, result in results.items()
    ]
    return sum(map(float, right)) / len(folds)


def test_leave_one_out_is_the_accuracy_of_each_network_on_its_one():
    experiment = Experiment(seed=2, hidden=(4,), iterations=60, initializer="he")
    examples = draw(seed=3, train=9, test=1).train
    probabilities = cross_validate(experiment, examples, np.arange(9))
    shown = accuracy(leave_one_out.predicted(probabilities), examples.targets)
    assert shown == pytest.approx(by_hand(experiment, examples, np.arange(9)))


def test_the_accuracy_of_digits_is_that_of_each_network_on_its_fold(monkeypatch):
    short = digits.ASKED._replace(epochs=2, hidden=(20,), batch_size=None, iterations=30)
    monkeypatch.setattr(digits, "ASKED", short._replace(epochs=None, warm_up=0))
    data = digits.digits(3)
    ours = digits.contestants(data)[0]
    shown = digits._row(ours, [ours.train(1)], data.labels).accuracies[0]
    images = np.rint(data.rows * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8, 1)
    expected = by_hand(digits.ASKED, Examples(images, data.labels), data.folds)
    assert 0.2 < shown == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("name", tables.EXPERIMENTS)
def test_the_score_of_a_table_is_that_of_its_result(name, monkeypatch):
    short = tables.EXPERIMENTS[name]._replace(iterations=5)
    monkeypatch.setitem(tables.EXPERIMENTS, name, short)
    data = tables.split(name, seed=1)
    said, (_, expected) = predictions(fit(short, data.train), data.test[0]), data.test
    score = r2_score(expected, said) if name == "diabetes" else (said == expected).mean()
    assert tables.ours(name, data).score == pytest.approx(float(score))


def shown_of_users(prepare) -> str:
    peer = users.Contestant("peer", prepare)
    row = users.ROWS[0]._replace(contestants=(users.CONTESTANTS[0], peer))
    return users.line(row, "float64", users.parser().parse_args(["--quick", "--turns", "1"]))


@pytest.mark.parametrize("prepare", [numpy_by_hand, scikit_learn])
def test_a_peer_of_users_that_trains_the_same_is_timed(prepare):
    assert "**" in shown_of_users(prepare)


def test_a_peer_of_users_that_trains_otherwise_is_refused():
    def otherwise(of, steps):
        return numpy_by_hand(of._replace(optimizer=adam(0.001, beta2=0.9991)), steps)

    assert "NOT THE SAME PARAMETERS: {'peer'" in shown_of_users(otherwise)
