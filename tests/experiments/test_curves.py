"""Learning curves are what the run itself was, at each of their iterations."""

import numpy as np
import pytest

from catpipe.experiments.curves import learning_curves
from catpipe.experiments.ensembles import fit_seeds
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import fit
from catpipe.experiments.result import accuracy_on, cost_on
from catpipe.experiments.resuming import prepare_again, resume
from tests.typed import in_colours

TRAIN, TEST = in_colours(20, 1, classes=2), in_colours(10, 2, classes=2)
ASKED = Experiment(seed=1, hidden=(3,), iterations=25, learning_rate=0.1)
WAYS = (ASKED, ASKED._replace(batch_size=8, optimizer="adam"), ASKED._replace(early_stopping=3))


def curves_of(result):
    return learning_curves(result, prepare_again(result, TRAIN), {"test": TEST}, every=10)


@pytest.mark.parametrize("asked", WAYS)
def test_curves_pass_through_the_results_of_shorter_runs(asked):
    curves = curves_of(fit(asked, TRAIN))
    assert curves.iterations.tolist() == [0, 10, 20, 25]
    for place, iterations in ((1, 10), (2, 20), (3, 25)):
        plain = asked._replace(iterations=iterations)
        if asked.early_stopping is None:
            shorter = fit(plain, TRAIN)
            assert curves.costs["test"][place] == cost_on(shorter, TEST)
            assert curves.scores["test"][place] == accuracy_on(shorter, TEST)


def test_full_batches_have_the_costs_of_the_run():
    result = fit(ASKED, TRAIN)
    curves = learning_curves(result, prepare_again(result, TRAIN), {"training": TRAIN})
    assert curves.costs["training"][0] == pytest.approx(dict(result.costs)[0])


def test_curves_of_a_stack_are_those_of_each_network():
    stack = curves_of(fit_seeds(ASKED, (1, 2, 3, 4), TRAIN))
    assert stack.costs["test"].shape == (4, 4)
    alone = curves_of(fit(ASKED._replace(seed=3), TRAIN))
    np.testing.assert_allclose(stack.costs["test"][:, 2], alone.costs["test"])


def test_a_run_whose_experiment_has_changed_is_refused():
    changed = resume(fit(ASKED, TRAIN), TRAIN, iterations=30, learning_rate=0.01)
    with pytest.raises(ValueError, match="whose experiment has changed; expected one"):
        curves_of(changed)
