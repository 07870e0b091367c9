"""Learning curves are what the run itself was, at each of their iterations."""

import numpy as np
import pytest

from catpipe.experiments.curves import learning_curves, watched_sets
from catpipe.experiments.ensembles import fit_seeds
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import fit
from catpipe.experiments.result import accuracy_on, checkpoint_of, cost_on
from catpipe.experiments.resuming import prepare_again, resume, with_changes
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


def test_curves_of_a_run_whose_experiment_has_changed_follow_its_changes_to_its_parameters():
    changed = resume(fit(ASKED, TRAIN), TRAIN, iterations=33, learning_rate=0.01)
    curves = curves_of(changed)
    assert curves.iterations.tolist() == [0, 10, 20, 25, 30, 33]
    assert curves.costs["test"][3] == cost_on(fit(ASKED, TRAIN), TEST)
    assert curves.costs["test"][-1] == cost_on(changed, TEST)


def test_curves_of_other_examples_are_refused():
    result = fit(ASKED, TRAIN)
    other = in_colours(20, 3, classes=2)
    with pytest.raises(ValueError, match="expected those that the run was trained on"):
        learning_curves(result, prepare_again(result, other), {"training": other})


WEIGHTS = np.linspace(0.1, 2, 20)
WEIGHTED = TRAIN._replace(weights=WEIGHTS)


@pytest.mark.parametrize("validation", [None, TEST], ids=["held out", "given"])
def test_the_validation_curve_passes_through_the_cost_that_early_stopping_chose(validation):
    asked = ASKED._replace(early_stopping=30, batch_size=8)
    result = fit(asked, WEIGHTED, validation=validation)
    setup = prepare_again(result, WEIGHTED, validation)
    sets = watched_sets(setup, WEIGHTED, validation, TEST)
    assert {*sets} == {"training", "validation", "test"}
    costs = learning_curves(result, setup, sets, every=1).costs["validation"]
    _, best, validation_cost, _ = checkpoint_of(result)
    assert best is not None
    assert best.iteration > 0
    assert costs[best.iteration] == pytest.approx(validation_cost)
    assert len({*costs.tolist()}) == 26  # of each iteration, and not of the best until then


def test_what_trains_and_what_is_held_out_keep_their_weights():
    result = fit(ASKED._replace(early_stopping=3), WEIGHTED)
    sets = watched_sets(prepare_again(result, WEIGHTED), WEIGHTED, None, TEST)
    trained, held_out = (np.asarray(sets[name].weights) for name in ("training", "validation"))
    assert (len(trained), len(held_out)) == (16, 4)
    assert {*trained, *held_out} == {*WEIGHTS}


def test_a_change_that_no_step_has_followed_changes_no_curve():
    short = fit(ASKED, TRAIN)
    curves = curves_of(with_changes(short, {"iterations": 80, "learning_rate": 0.5}))
    assert curves.costs["test"][-1] == cost_on(short, TEST)
