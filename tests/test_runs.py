"""A run file gives back the run that was saved, to the bit, and nothing else passes for one."""

import json
from contextlib import suppress

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catpipe.drawings import draw
from catpipe.experiments import Experiment
from catpipe.fitting import fit
from catpipe.parameters import map_parameters
from catpipe.shell.files import DataError
from catpipe.shell.hdf5 import read, write
from catpipe.shell.runs import Run, load_run, save_run
from tests.typed import in_colours

CLASSES = ("non-cat", "cat")


@pytest.fixture(scope="module", params=["float64", "float32"])
def run(request) -> Run:
    experiment = Experiment(seed=3, hidden=(4, 2), iterations=3, dtype=request.param)
    return Run(fit(experiment, draw(seed=1, train=8, test=1).train), CLASSES)


@pytest.fixture
def path(run, tmp_path):
    save_run(tmp_path / "run.h5", run)
    return tmp_path / "run.h5"


def changed(path, **datasets):
    """Write the file again with these datasets in place of its own."""
    with h5py.File(path) as file:
        arrays = {name: dataset[()] for name, dataset in file.items()}
    write(path, {**arrays, **datasets})


def changed_record(path, **fields):
    record = json.loads(read(path, ["record"])["record"].item())
    changed(path, record=np.bytes_(json.dumps({**record, **fields}).encode()))


def test_loading_gives_back_what_was_saved(run, path):
    assert load_run(path) == run


def test_loaded_arrays_are_read_only(path):
    assert not any(array.flags.writeable for array in load_run(path).result.parameters.values())


def test_equal_runs_make_equal_bytes(run, path, tmp_path):
    save_run(tmp_path / "again.h5", run)
    assert (tmp_path / "again.h5").read_bytes() == path.read_bytes()


def test_any_hdf5_reader_finds_the_parameters_under_their_own_names(run, path):
    with h5py.File(path) as file:
        for name, array in run.result.parameters.items():
            np.testing.assert_array_equal(file[name], array)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"format": 1}, "format 1; expected 2"),
        ({"format": None}, "format None"),
        ({"experiment": {}}, "does not describe a run"),
        ({"experiment": None}, "does not describe a run"),
        ({"experiment": {"hidden": [4], "seed": -1}}, "seed is -1"),
        ({"experiment": {"hidden": [4], "seed": 1, "momenta": 0.9}}, "does not describe a run"),
        ({"experiment": {"hidden": [4], "seed": 1, "momentum": 0.9}}, "with gradient_descent"),
        ({"experiment": {"seed": 1, "class_weight": [1, 2, 3]}}, "3 class weights for 2 classes"),
        ({"iteration": None}, "does not describe a run"),
        ({"iteration": 1e400}, "does not describe a run"),
        ({"features": 5}, "expected (4, 5)"),
        ({"features": "many"}, "does not describe a run"),
        ({"features": 1.5}, "integers of at least 1"),
        ({"classes": 7}, "does not describe a run"),
        ({"classes": ["cat", "cat"]}, "2 printable names"),
        ({"classes": ["cat", "\x1b[2J"]}, "2 printable names"),
        ({"classes": ["cat", "dog", "owl"]}, "2 printable names"),
        ({"classes": [0, 1]}, "2 printable names"),
        ({"costs": [[0, 10**400]]}, "does not describe a run"),
        ({"costs": [[0]]}, "does not describe a run"),
    ],
    ids=str,
)
def test_a_record_that_describes_no_run_is_refused(path, fields, told):
    changed_record(path, **fields)
    with pytest.raises(DataError) as refusal:
        load_run(path)
    assert told in str(refusal.value)
    assert str(path) in str(refusal.value)


ASKED = [
    {"activation": "gelu"},
    {"activation": ("relu", "tanh")},
    {"class_weight": "balanced"},
    {"class_weight": (1, 2.5)},
    {"classes": 3, "class_weight": (0, 1, 2)},
    {"optimizer": "nesterov", "momentum": 0.5},
    {"optimizer": "adamw", "weight_decay": 0.1},
    {"schedule": ("cosine",)},
    {"schedule": ("step", 0.5, 1000), "warm_up": 2},
    {"l2": 0.5, "dropout": 0.25},
    {"batch_size": 3, "order": "balanced", "epochs": 2},
    {"early_stopping": 2},
    {"full_space": True},
]


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_what_was_asked_is_loaded_as_it_was_saved(tmp_path, asked):
    experiment = Experiment(seed=3, hidden=(4, 2), iterations=3)._replace(**asked)
    classes = tuple("abc"[: experiment.classes])
    run = Run(fit(experiment, in_colours(12, seed=1, classes=experiment.classes)), classes)
    save_run(tmp_path / "run.h5", run)
    loaded = load_run(tmp_path / "run.h5")
    assert loaded == run
    for one, other in zip(loaded.result.experiment, experiment, strict=True):
        assert type(one) is type(other)


def test_a_run_that_was_stopped_early_keeps_which_iteration_is_the_best(tmp_path, run):
    best = run._replace(result=run.result._replace(iteration=2))
    save_run(tmp_path / "run.h5", best)
    assert load_run(tmp_path / "run.h5").result.iteration == 2


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Return a run file and its record."""
    path = tmp_path_factory.mktemp("runs") / "plain.h5"
    save_run(
        path, Run(fit(Experiment(seed=1, hidden=(), iterations=1), in_colours(4, 1, 2)), CLASSES)
    )
    return path, json.loads(read(path, ["record"])["record"].item())


JSON = st.recursive(
    st.sampled_from([None, True, False, 0, -1, 2**63, 10**400, 0.5, -1e308, float("inf"),
                     float("nan"), "", "relu", "balanced", "\x1b[2J", "cosine"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["", "seed", "relu"]), inner, max_size=2),
    max_leaves=5,
)  # fmt: skip


def loaded_or_refused(path, record):
    changed(path, record=np.bytes_(json.dumps(record).encode()))
    with suppress(DataError):
        load_run(path)


@given(st.sampled_from(Experiment._fields), JSON)
def test_whatever_stands_in_the_place_of_what_was_asked_is_loaded_or_refused(plain, field, value):
    path, record = plain
    loaded_or_refused(path, {**record, "experiment": {**record["experiment"], field: value}})


@given(
    st.sampled_from(["format", "experiment", "features", "classes", "costs", "space", "iteration"]),
    JSON,
)
def test_whatever_stands_in_the_record_is_loaded_or_refused(plain, key, value):
    path, record = plain
    loaded_or_refused(path, {**record, key: value})


@pytest.mark.parametrize(
    "field", ["activation", "scheme", "optimizer", "schedule", "order", "dtype"]
)
@pytest.mark.parametrize("value", [[], {}, [[]], [{}], [["relu"]], {"relu": 1}, None, 7, True])
def test_what_is_no_name_is_refused_where_one_is_expected(plain, field, value):
    path, record = plain
    wrong = {**record, "experiment": {**record["experiment"], "hidden": [2], field: value}}
    changed(path, record=np.bytes_(json.dumps(wrong).encode()))
    with pytest.raises(DataError, match="its record does not describe a run"):
        load_run(path)


def test_a_format_of_any_length_is_told_shortly(path):
    changed_record(path, format="9" * 10**4)
    with pytest.raises(DataError) as refusal:
        load_run(path)
    assert len(str(refusal.value)) < 100 + len(str(path))


@pytest.mark.parametrize("record", [b"{", b"[]", b"7", b"{}", b"[" * 10**5, b"\xff"])
def test_a_record_that_is_no_json_object_is_refused(path, record):
    changed(path, record=np.bytes_(record))
    with pytest.raises(DataError, match="no JSON object with a format"):
        load_run(path)


@pytest.mark.parametrize("array", [np.zeros((4, 2)), np.zeros((4, 12288), int)])
def test_parameters_of_another_shape_or_type_than_the_record_says_are_refused(path, array):
    changed(path, W1=array)
    with pytest.raises(DataError, match="W1 has shape"):
        load_run(path)


def test_parameters_that_are_not_there_are_refused(path, run):
    write(path, {"record": read(path, ["record"])["record"]})
    with pytest.raises(DataError, match="W1 is not there"):
        load_run(path)


def test_a_stack_of_networks_is_refused(run, tmp_path):
    many = map_parameters(lambda W: np.stack([W, W]), run.result.parameters)
    with pytest.raises(DataError, match="expected no stack"):
        save_run(tmp_path / "many.h5", run._replace(result=run.result._replace(parameters=many)))
    assert not [*tmp_path.iterdir()]


def test_an_experiment_of_numpys_numbers_is_saved(run, tmp_path):
    asked = run.result.experiment._replace(seed=np.int64(3), learning_rate=np.float64(0.0075))
    save_run(tmp_path / "run.h5", run._replace(result=run.result._replace(experiment=asked)))
    assert load_run(tmp_path / "run.h5").result.experiment == run.result.experiment


def test_a_run_file_of_an_earlier_catpipe_is_to_be_trained_again(path):
    changed_record(path, format=1)
    with pytest.raises(DataError, match="format 1; expected 2: train again"):
        load_run(path)


@pytest.mark.parametrize(
    "fields", [{"iteration": -3.7}, {"iteration": "7"}, {"classes": ["a", "b", "b"]}], ids=str
)
def test_fields_of_another_type_are_refused_and_not_converted(path, fields):
    changed_record(path, **fields)
    with pytest.raises(DataError, match="does not describe a run"):
        load_run(path)
