"""A sweep is a map over experiments: its parts and its bits depend on the list alone."""

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from itertools import product
from multiprocessing import get_context

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import fit
from catpipe.experiments.sweeps import Trial, grid, paired, sweep, trials_of, varied
from tests.typed import in_colours

PICTURES = in_colours(12, 1, classes=2)
SMALL = Experiment(seed=3, hidden=(4,), iterations=7, learning_rate=0.05)
EXPERIMENTS = (
    *grid(SMALL, l2=[0.0, 0.1], seed=range(4)),
    *grid(SMALL._replace(batch_size=5), seed=range(2)),
)


def test_a_grid_has_each_combination_of_its_values():
    found = grid(SMALL, l2=[0.0, 0.1], hidden=[(), (3,), (5, 4)])
    expected = product([0.0, 0.1], [(), (3,), (5, 4)])
    assert [(e.l2, e.hidden) for e in found] == [*expected]


def test_pairs_are_the_first_values_the_second_and_so_on():
    found = paired(SMALL, l2=[0.0, 0.1], hidden=[(), (3,)])
    assert [(e.l2, e.hidden) for e in found] == [(0.0, ()), (0.1, (3,))]


@pytest.mark.parametrize("combine", [grid, paired])
def test_what_is_not_varied_stays(combine):
    assert all(e._replace(l2=SMALL.l2) == SMALL for e in combine(SMALL, l2=[0.0, 0.1]))


@pytest.mark.parametrize("combine", [grid, paired])
def test_without_values_there_is_the_experiment_alone_or_none(combine):
    assert set(combine(SMALL)) <= {SMALL}


@pytest.mark.parametrize("combine", [grid, paired])
def test_values_are_checked_as_those_of_an_experiment(combine):
    with pytest.raises(ValueError, match="learning_rate is -1; expected"):
        combine(SMALL, learning_rate=[0.1, -1])


@pytest.mark.parametrize("combine", [grid, paired])
def test_what_is_no_field_is_refused(combine):
    with pytest.raises(TypeError, match="rate is no field of an experiment; expected some of seed"):
        combine(SMALL, rate=[0.1])


def test_pairs_of_unequal_numbers_of_values_are_refused():
    with pytest.raises(ValueError, match="2 of l2, 1 of seed; expected as many"):
        paired(SMALL, l2=[0.0, 0.1], seed=[1])


@given(st.permutations(EXPERIMENTS))
def test_every_experiment_is_trained_once(experiments):
    trained = [
        trial.experiment._replace(seed=seed)
        for trial in trials_of([*experiments, *experiments])
        for seed in trial.seeds or (trial.experiment.seed,)
    ]
    assert len(trained) == len(EXPERIMENTS)
    assert {*trained} == {*EXPERIMENTS}


def test_experiments_that_differ_in_their_seed_alone_are_trained_as_stacks_of_three():
    assert [trial.seeds for trial in trials_of(EXPERIMENTS[:8])] == [(0, 1, 2), (3,)] * 2


def test_where_a_seed_decides_more_each_is_trained_by_itself():
    assert trials_of(EXPERIMENTS[8:]) == tuple(map(Trial, EXPERIMENTS[8:]))


def test_a_trial_of_one_experiment_is_a_fit():
    [result] = sweep([SMALL], PICTURES)
    assert result == fit(SMALL, PICTURES)


def test_a_network_of_a_sweep_is_that_of_its_experiment():
    for trial, result in zip(trials_of(EXPERIMENTS), sweep(EXPERIMENTS, PICTURES), strict=True):
        for place, seed in enumerate(trial.seeds):
            alone = fit(trial.experiment._replace(seed=seed), PICTURES)
            for name, W in result.parameters.items():
                assert W[place] == pytest.approx(alone.parameters[name], abs=1e-12)


def test_any_map_gives_the_same_bits():
    expected = [*sweep(EXPERIMENTS, PICTURES)]
    spawn = get_context("spawn")  # a fork of many threads may hang
    with ThreadPoolExecutor(3) as threads, ProcessPoolExecutor(1, spawn) as processes:
        for map_ in threads.map, processes.map:
            assert [*sweep(EXPERIMENTS, PICTURES, map_)] == expected


def test_a_sweep_validates_on_the_examples_that_are_given():
    asked = SMALL._replace(early_stopping=2, iterations=300)
    others = in_colours(9, 2, classes=2)
    [result] = sweep([asked], PICTURES, validation=others)
    assert result == fit(asked, PICTURES, validation=others)


def test_fields_that_vary_are_found():
    assert varied(EXPERIMENTS) == ("seed", "l2", "batch_size")
    assert varied([SMALL]) == ()


def test_arrays_of_values_are_taken():
    found = grid(SMALL, seed=np.arange(2), learning_rate=np.array([0.1, 0.2]))
    assert [type(e.seed) for e in found] == [int] * 4


@pytest.mark.parametrize("combine", [grid, paired])
@pytest.mark.parametrize("values", [{"activation": "relu"}, {"l2": 0.1}])
def test_the_values_of_a_field_are_a_list(combine, values):
    with pytest.raises(TypeError, match=r"expected the values to try: give \["):
        combine(SMALL, **values)


def test_one_experiment_is_no_sweep():
    with pytest.raises(TypeError, match="one experiment; expected several"):
        sweep(SMALL, PICTURES)  # type: ignore[arg-type]


def test_a_sweep_needs_a_map():
    with pytest.raises(TypeError, match="map_ is None"):
        sweep([SMALL], PICTURES, map_=None)  # type: ignore[arg-type]
