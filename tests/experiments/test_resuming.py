"""Stopping anywhere, saving, loading and carrying on is never having stopped: to the bit."""

import subprocess
import sys
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catpipe.data.drawn.drawings import draw
from catpipe.experiments.ensembles import fit_seeds
from catpipe.experiments.experiment import OPTIMIZERS, Experiment
from catpipe.experiments.fitting import Watch, fit, result_at, run
from catpipe.experiments.result import Result
from catpipe.experiments.resuming import replay, resume
from catpipe.experiments.setup import prepare
from catpipe.optim.optimizers import heavy_ball
from catpipe.shell.runs.environment import environment
from catpipe.shell.runs.run_file import Run, load_run, save_run
from tests.typed import in_colours

PICTURES, OTHERS = in_colours(12, 1, classes=3), in_colours(9, 2, classes=3)
SMALL = Experiment(seed=3, hidden=(4, 3), activation="tanh", classes=3, learning_rate=0.05)
FULL = SMALL._replace(iterations=9)
BATCHES = SMALL._replace(batch_size=5, epochs=8)
HERE = ((0, environment()),)

LEARNED: dict[str, Experiment] = {
    **{f"full batches, {name}": FULL._replace(optimizer=name) for name in OPTIMIZERS},
    **{f"mini-batches, {name}": BATCHES._replace(optimizer=name) for name in OPTIMIZERS},
    "in the full space": BATCHES._replace(full_space=True, optimizer="nesterov"),
    "float32": BATCHES._replace(dtype="float32", optimizer="heavy_ball"),
    "float32 in the dual form": FULL._replace(dtype="float32", optimizer="heavy_ball"),
    "dropout": BATCHES._replace(dropout=0.4),
    "decay": FULL._replace(l2=0.1, weight_decay=0.01, optimizer="averaged_momentum"),
    "decay of batches": BATCHES._replace(l2=0.1, weight_decay=0.01, optimizer="heavy_ball"),
    "cosine": FULL._replace(schedule=("cosine",), warm_up=4),
    "step": BATCHES._replace(schedule=("step", 0.5, 7), optimizer="adam"),
    "inverse time": BATCHES._replace(schedule=("inverse_time", 0.1), order="stratified"),
    "exponential": BATCHES._replace(schedule=("exponential", 0.1), order="balanced"),
    "class weights": BATCHES._replace(class_weight="balanced"),
    "stopped early": BATCHES._replace(early_stopping=2, learning_rate=0.5, epochs=40),
    "patient": BATCHES._replace(early_stopping=50, learning_rate=2.0, epochs=30, dropout=0.4),
    "patient in the full space": FULL._replace(
        early_stopping=5, iterations=230, full_space=True, learning_rate=0.5
    ),
}  # fmt: skip
learned = pytest.mark.parametrize("asked", LEARNED.values(), ids=LEARNED)


def until(k: int) -> Watch:
    """Return the watch that ends a run at iteration k."""
    return lambda checkpoints: takewhile(lambda at: at.state.iteration <= k, checkpoints)


def done(result: Result) -> int:
    """Return how many iterations are trained."""
    return result.iterations_done


def through_a_file(result: Result, path: Path) -> Result:
    save(result, path)
    return load_run(path).result


def save(result: Result, path: Path) -> bytes:
    save_run(path, Run(result, ("red", "green", "blue")[: result.experiment.classes], None, HERE))
    return path.read_bytes()


def stops(result: Result, step: int) -> range:
    """Return the iterations to stop at: each of so many, or of nine times as many where it is long.

    They begin at another iteration for each experiment, so that together they are all of them.
    """
    first = [*LEARNED.values()].index(result.experiment) % step
    return range(first, done(result) + 1, step if done(result) < 50 else 9 * step)


@learned
def test_to_stop_at_any_iteration_and_to_carry_on_is_never_to_have_stopped(asked, tmp_path):
    whole = fit(asked, PICTURES)
    for k in stops(whole, step=2):
        stopped = fit(asked, PICTURES, until(k))
        assert done(stopped) == k
        assert resume(stopped, PICTURES) == whole, k
    k = done(whole) // 2
    stopped = through_a_file(fit(asked, PICTURES, until(k)), tmp_path / "k.h5")
    assert save(resume(stopped, PICTURES), tmp_path / "k.h5") == save(whole, tmp_path / "w.h5"), k


@learned
def test_a_run_stopped_at_any_iteration_is_replayed_to_the_bit(asked, tmp_path):
    k = stops(fit(asked, PICTURES), step=8)[0]
    stopped = through_a_file(fit(asked, PICTURES, until(k)), tmp_path / "k.h5")
    again = replay(stopped, PICTURES)
    assert save(again, tmp_path / "again.h5") == save(stopped, tmp_path / "k.h5"), k


def test_runs_of_every_space_are_among_those_above():
    kinds = {fit(asked, PICTURES).space for asked in LEARNED.values()}
    assert kinds == {"full", "dual", "subspace"}


def test_runs_that_are_stopped_early_and_that_are_not_are_among_those_above():
    assert done(fit(LEARNED["stopped early"], PICTURES)) < 40 * 2
    assert fit(LEARNED["patient"], PICTURES).iteration < done(fit(LEARNED["patient"], PICTURES))


CARRY_ON = """
import sys
from pathlib import Path
from catpipe.experiments.resuming import resume
from catpipe.shell.runs.run_file import load_run, save_run
from catpipe.shell.storage.child import reader
from tests.experiments.test_resuming import PICTURES
with reader():
    for path in Path(sys.argv[1]).glob("*.h5"):
        run = load_run(path)
        save_run(path, run._replace(result=resume(run.result, PICTURES)))
"""


def test_a_new_process_carries_on_as_this_one_would(tmp_path):
    expected = {}
    for number, asked in [*enumerate(LEARNED.values())][::3]:
        whole = fit(asked, PICTURES)
        k = 1 + 7 * number % max(done(whole) - 1, 1)
        expected[f"{number}.h5"] = save(whole, tmp_path / f"{number}.h5")
        save(fit(asked, PICTURES, until(k)), tmp_path / f"{number}.h5")
    subprocess.run([sys.executable, "-c", CARRY_ON, tmp_path], check=True)
    for name, content in expected.items():
        assert (tmp_path / name).read_bytes() == content, [*LEARNED][int(name[:-3])]


@pytest.fixture(scope="module")
def large():
    """Return runs on pictures of 12,288 numbers, each with its pictures and its whole."""
    pictures = draw(seed=1, train=60, test=1).train
    asked = Experiment(seed=1, iterations=130)
    of = {
        "dual": asked,
        "subspace": asked._replace(batch_size=16, optimizer="nesterov", dropout=0.1),
        "full": asked._replace(batch_size=16, optimizer="adam", dtype="float32"),
    }
    return {name: (one, pictures, fit(one, pictures)) for name, one in of.items()}


@pytest.mark.parametrize(("name", "k"), [("dual", 117), ("subspace", 71), ("full", 26)])
def test_large_runs_carry_on_from_any_iteration(large, tmp_path, name, k):
    path = tmp_path / "k.h5"
    asked, pictures, whole = large[name]
    assert whole.space == name
    resumed = resume(through_a_file(fit(asked, pictures, until(k)), path), pictures)
    assert save(resumed, path) == save(whole, path)


STACKS = {name: LEARNED[name] for name in ("full batches, gradient_descent", "decay", "cosine")}
STACKS |= {"adam": FULL._replace(optimizer="adam"), "float32": LEARNED["float32 in the dual form"]}


@pytest.mark.parametrize("asked", STACKS.values(), ids=STACKS)
def test_stacks_of_several_parts_carry_on_from_any_iteration(asked, tmp_path):
    seeds = range(5, 18)
    whole = fit_seeds(asked, seeds, PICTURES)
    expected = save(whole, tmp_path / "whole.h5")
    for k in (0, 4, 9):
        stopped = fit_seeds(asked, seeds, PICTURES, watch=until(k))
        resumed = resume(through_a_file(stopped, tmp_path / "k.h5"), PICTURES)
        assert save(resumed, tmp_path / "k.h5") == expected, k


def test_a_stack_is_replayed_to_the_bit():
    stack = fit_seeds(FULL, range(5, 18), PICTURES)
    assert replay(stack, PICTURES) == stack


# More iterations than were asked for.

LONGER = {name: LEARNED[name] for name in ("decay", "float32", "dropout", "step", "patient")}


@pytest.mark.parametrize("asked", LONGER.values(), ids=LONGER)
@pytest.mark.parametrize("more", [1, 5, 14])
def test_a_run_that_is_carried_on_beyond_its_end_is_one_that_was_asked_for_more(asked, more):
    asked = asked._replace(full_space=True)
    short = fit(asked, PICTURES)
    longer = resume(short, PICTURES, iterations=done(short) + more)
    expected = fit(asked._replace(iterations=done(short) + more, epochs=None), PICTURES)
    assert longer == expected


def test_where_a_run_ended_does_not_count_among_the_checks_of_early_stopping():
    asked = FULL._replace(early_stopping=3, iterations=150, learning_rate=0.5)
    short = fit(asked, PICTURES, validation=OTHERS)
    longer = resume(short, PICTURES, validation=OTHERS, iterations=460)
    assert longer == fit(asked._replace(iterations=460), PICTURES, validation=OTHERS)


def test_a_run_that_was_stopped_early_stays_stopped_however_much_is_asked_for():
    asked = LEARNED["stopped early"]
    stopped = fit(asked, PICTURES)
    longer = resume(stopped, PICTURES, iterations=5000)
    assert longer == fit(asked._replace(iterations=5000, epochs=None), PICTURES)


def test_a_run_stays_in_its_space_where_a_longer_one_would_be_elsewhere():
    asked = FULL._replace(batch_size=5, iterations=20)
    whole, short = fit(asked, PICTURES), fit(asked._replace(iterations=1), PICTURES)
    longer = resume(short, PICTURES, iterations=20)
    assert "1 planned iterations" in longer.space_description
    assert "the subspace" in whole.space_description
    np.testing.assert_allclose(longer.parameters["W1"], whole.parameters["W1"], rtol=1e-12)


def test_a_finished_run_is_what_carrying_it_on_returns():
    result = fit(FULL, PICTURES)
    assert resume(result, PICTURES) is result


def test_what_is_reached_on_the_way_is_what_a_run_that_ends_there_is():
    for asked in LEARNED.values():
        setup = prepare(asked, PICTURES)
        on_the_way: list[Result] = []

        def watch(checkpoints, setup=setup, on_the_way=on_the_way):
            for checkpoint in checkpoints:
                on_the_way.append(result_at(setup, checkpoint))
                yield checkpoint

        run(setup, watch)
        for k in (1, len(on_the_way) // 2, len(on_the_way) - 2):
            assert on_the_way[k] == fit(asked, PICTURES, until(k)), (asked, k)


# Other settings for the rest of a run.

CHANGED: dict[str, tuple[Experiment, dict[str, Any]]] = {
    "learning rate": (FULL, {"learning_rate": 0.01}),
    "learning rate of batches": (BATCHES, {"learning_rate": 0.2}),
    "learning rate of adam": (BATCHES._replace(optimizer="adam"), {"learning_rate": 0.2}),
    "momentum": (FULL._replace(optimizer="heavy_ball"), {"momentum": 0.5}),
    "schedule": (FULL, {"schedule": ("exponential", 0.1)}),
    "cosine in place of none": (FULL, {"schedule": ("cosine",), "iterations": 20}),
    "another cosine": (LEARNED["cosine"], {"schedule": ("cosine",), "iterations": 20}),
    "no more cosine": (FULL._replace(schedule=("cosine",)), {"schedule": ("constant",)}),
    "l2": (FULL, {"l2": 0.3}),
    "no l2": (FULL._replace(l2=0.3), {"l2": 0.0}),
    "weight decay": (BATCHES._replace(optimizer="adamw"), {"weight_decay": 0.3}),
    "weight decay of momentum": (FULL._replace(optimizer="nesterov"), {"weight_decay": 0.3}),
    "weight decay of rmsprop": (FULL._replace(optimizer="rmsprop"), {"weight_decay": 0.3}),
    "patience": (LEARNED["patient"], {"early_stopping": 60}),
    "several": (FULL, {"learning_rate": 0.01, "l2": 0.1, "iterations": 14}),
}  # fmt: skip
changed = pytest.mark.parametrize(("asked", "changes"), CHANGED.values(), ids=CHANGED)


@changed
def test_a_run_that_is_changed_is_replayed_to_the_bit_also_from_its_file(asked, changes, tmp_path):
    for k in (1, 4, 8):
        result = resume(fit(asked, PICTURES, until(k)), PICTURES, **changes)
        assert [until for until, _ in result.earlier] == [k]
        assert replay(result, PICTURES) == result
    assert through_a_file(result, tmp_path / "a.h5") == result


@changed
def test_a_run_that_is_changed_differs_from_one_that_is_not(asked, changes):
    result = resume(fit(asked, PICTURES, until(4)), PICTURES, **changes)
    assert done(result) > 4
    if changes.keys() != {"early_stopping"}:
        assert result.parameters != fit(asked, PICTURES).parameters


@pytest.mark.parametrize("full_space", [False, True])
def test_a_changed_learning_rate_is_that_of_a_schedule_that_falls_there(full_space):
    asked = FULL._replace(full_space=full_space)
    in_parts = resume(fit(asked, PICTURES, until(4)), PICTURES, until(8), learning_rate=0.02)
    at_once = fit(asked._replace(schedule=("step", 0.4, 4)), PICTURES, until(8))
    for name, W in in_parts.parameters.items():
        np.testing.assert_allclose(W, at_once.parameters[name], rtol=1e-12)


def test_a_change_at_the_start_is_another_experiment_from_the_start():
    begun = fit(FULL, PICTURES, until(0))
    assert resume(begun, PICTURES, l2=0.1) == fit(FULL._replace(l2=0.1), PICTURES)


def test_a_change_that_made_no_step_is_left_out():
    part = fit(FULL, PICTURES, until(4))
    twice = resume(resume(part, PICTURES, until(4), l2=0.1), PICTURES, l2=0.2)
    assert twice == resume(part, PICTURES, l2=0.2)
    back = resume(resume(part, PICTURES, until(4), l2=0.1), PICTURES, l2=0.0)
    assert back == fit(FULL, PICTURES)


def test_a_run_of_several_changes_is_replayed_to_the_bit():
    result = resume(fit(FULL, PICTURES, until(3)), PICTURES, until(5), learning_rate=0.2)
    result = resume(result, PICTURES, l2=0.1, iterations=20)
    assert [until for until, _ in result.earlier] == [3, 5]
    assert replay(result, PICTURES) == result


def test_a_stack_is_changed_and_replayed_to_the_bit():
    result = resume(fit_seeds(FULL, range(5), PICTURES), PICTURES, iterations=14, l2=0.1)
    assert replay(result, PICTURES) == result


def test_a_run_that_was_stopped_early_goes_on_with_more_patience():
    stopped = fit(LEARNED["stopped early"], PICTURES)
    assert stopped.stopped_early
    patient = resume(stopped, PICTURES, early_stopping=5)
    assert done(patient) > done(stopped)
    assert replay(patient, PICTURES) == patient


@pytest.mark.parametrize(
    ("asked", "changes", "expected"),
    [
        (FULL, {"optimizer": "adam"}, "optimizer is changed in a run that has begun"),
        (FULL, {"hidden": (2,)}, "hidden is changed"),
        (FULL, {"early_stopping": 3}, "expected a run that began with it"),
        (FULL, {"learning_rate": -1.0}, "learning_rate is -1.0; expected a positive"),
        (FULL, {"momentum": 0.5}, "momentum is 0.5 with gradient_descent"),
    ],
)  # fmt: skip
def test_what_cannot_change_is_refused(asked, changes, expected):
    with pytest.raises(ValueError, match=expected):
        resume(fit(asked, PICTURES, until(4)), PICTURES, **changes)


def test_a_change_for_which_no_iteration_is_left_is_refused():
    with pytest.raises(ValueError, match=r"l2 is changed in a run that is finished.*give iterat"):
        resume(fit(FULL, PICTURES), PICTURES, l2=0.1)


def test_a_change_of_an_optimizer_of_your_own_is_refused():
    result = fit(FULL, PICTURES, until(4), optimizer=heavy_ball(0.1))
    with pytest.raises(ValueError, match="an optimizer of your own"):
        resume(result, PICTURES, learning_rate=0.1)


# What cannot be carried on.


@pytest.mark.parametrize(("iterations", "k"), [(5, 5), (4, 5), (1, 5), (8, 9)])
def test_fewer_iterations_than_there_were_are_refused(iterations, k):
    with pytest.raises(ValueError, match=f"iterations is {iterations} of a run that is at {k}"):
        resume(fit(FULL, PICTURES, until(k)), PICTURES, iterations=iterations)


def test_another_end_of_a_cosine_that_ends_with_the_run_is_refused():
    with pytest.raises(ValueError, match="cosine to 0 at 9"):
        resume(fit(LEARNED["cosine"], PICTURES), PICTURES, iterations=12)


@pytest.mark.parametrize(
    ("pictures", "validation"),
    [
        (in_colours(13, 1, classes=3), OTHERS),
        (in_colours(12, 1, classes=3, side=4), OTHERS._replace(inputs=OTHERS.inputs[:, :1])),
        (PICTURES, None),
        (PICTURES, in_colours(8, 2, classes=3)),
    ],
    ids=["more", "larger", "not to validate on", "fewer to validate on"],
)
@pytest.mark.parametrize("full_space", [False, True])
def test_other_pictures_than_those_it_was_trained_on_are_refused(pictures, validation, full_space):
    asked = FULL._replace(early_stopping=3, full_space=full_space)
    stopped = fit(asked, PICTURES, until(4), OTHERS)
    for again in (resume, replay):
        with pytest.raises(
            ValueError, match="expected 12 examples of 3 x 3 x 3 numbers, and 9 to valid"
        ):
            again(stopped, pictures, validation=validation)


@pytest.mark.parametrize("full_space", [False, True])
@pytest.mark.parametrize("which", ["images", "labels", "validation"])
def test_as_many_others_than_those_it_was_trained_on_are_refused(which, full_space):
    asked = FULL._replace(early_stopping=3, full_space=full_space)
    stopped = fit(asked, PICTURES, until(4), OTHERS)
    pictures, validation = PICTURES, OTHERS
    if which == "images":
        pictures = PICTURES._replace(inputs=PICTURES.inputs ^ np.uint8(1))
    elif which == "labels":
        pictures = PICTURES._replace(targets=PICTURES.targets[::-1])
    else:
        validation = OTHERS._replace(targets=OTHERS.targets[::-1])
    with pytest.raises(ValueError, match="expected those that the run was trained on"):
        resume(stopped, pictures, validation=validation)
    assert replay(stopped, PICTURES, validation=OTHERS) == stopped


def test_a_stack_whose_parts_were_stopped_at_different_iterations_is_no_run():
    lengths = iter([5, 7, 5, 5])

    def watch(keeps):
        return until(next(lengths))(keeps)

    stack = fit_seeds(FULL, range(12), PICTURES, watch=watch)
    assert stack.checkpoint is None


def test_a_stack_whose_later_parts_never_began_has_no_costs_in_common():
    lengths = iter([150, 0, 150, 150])

    def watch(keeps):
        return until(next(lengths))(keeps)

    asked = FULL._replace(iterations=200, full_space=True)
    stack = fit_seeds(asked, range(12), PICTURES, watch=watch)
    assert (stack.costs, stack.checkpoint) == ((), None)


def test_networks_that_were_trained_one_by_one_are_refused():
    many = fit_seeds(BATCHES, (1, 2), PICTURES)
    with pytest.raises(ValueError, match="trained one by one"):
        resume(many, PICTURES)


@pytest.mark.parametrize("name", ["decay", "decay of batches"])
def test_a_start_that_is_drawn_otherwise_than_it_was_is_refused(name):
    stopped = fit(LEARNED[name], PICTURES, until(4))
    other: Any = stopped._replace(experiment=stopped.experiment._replace(seed=4))
    with pytest.raises(
        ValueError, match="the initial parameters or the subspace of the run are different"
    ):
        resume(other, PICTURES)
