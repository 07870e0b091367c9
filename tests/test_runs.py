"""A run file gives back the run that was saved, to the bit, and nothing else passes for one."""

import json

import h5py
import numpy as np
import pytest

from catpipe.drawings import draw
from catpipe.experiments import Experiment
from catpipe.fitting import fit
from catpipe.shell.files import DataError
from catpipe.shell.hdf5 import read, write
from catpipe.shell.runs import Run, load_run, save_run

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
        ({"format": 2}, "format 2; expected 1"),
        ({"format": None}, "format None"),
        ({"experiment": {}}, "does not describe a run"),
        ({"experiment": None}, "does not describe a run"),
        ({"experiment": {"hidden": [4], "seed": -1}}, "seed is -1"),
        ({"experiment": {"hidden": [4], "seed": 1, "momentum": 0.9}}, "does not describe a run"),
        ({"features": 5}, "expected (4, 5)"),
        ({"features": "many"}, "does not describe a run"),
        ({"features": 1.5}, "integers of at least 1"),
        ({"classes": 7}, "does not describe a run"),
        ({"classes": ["cat", "cat"]}, "two printable names"),
        ({"classes": ["cat", "\x1b[2J"]}, "two printable names"),
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
