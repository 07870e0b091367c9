"""A run file gives back the run that was saved, to the bit, and nothing else passes for one."""

import json
import tracemalloc
from contextlib import suppress
from hashlib import sha256

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catpipe.data.examples import Examples
from catpipe.experiments.ensembles import fit_seeds
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import fit
from catpipe.experiments.result import Result
from catpipe.shell.runs.environment import changes, environment
from catpipe.shell.runs.record import Record
from catpipe.shell.runs.run_file import Run, load_run, save_run
from catpipe.shell.storage.atomic import DataError
from catpipe.shell.storage.hdf5 import read, write
from tests.typed import in_colours

CLASSES = ("non-cat", "cat")


def made(result: Result, classes: tuple[str, ...] = CLASSES) -> Run:
    """Return the run of a result, as it is made here."""
    return Run(result, classes, environments=((0, environment()),))


@pytest.fixture(scope="module", params=["float64", "float32"])
def run(request) -> Run:
    experiment = Experiment(seed=3, hidden=(4, 2), iterations=3, dtype=request.param)
    return made(fit(experiment, in_colours(8, seed=1, classes=2)))


@pytest.fixture
def path(run, tmp_path):
    save_run(tmp_path / "run.h5", run)
    return tmp_path / "run.h5"


@pytest.fixture(scope="module")
def of_doubles(tmp_path_factory) -> bytes:
    """Return the file of a run, where nothing depends on its type."""
    path = tmp_path_factory.mktemp("doubles") / "run.h5"
    experiment = Experiment(seed=3, hidden=(4, 2), iterations=3)
    save_run(path, made(fit(experiment, in_colours(8, seed=1, classes=2))))
    return path.read_bytes()


@pytest.fixture
def doubles(of_doubles, tmp_path):
    """Return the path of a file like that, to be changed."""
    (tmp_path / "run.h5").write_bytes(of_doubles)
    return tmp_path / "run.h5"


def changed(path, **datasets):
    """Write the file again with these datasets in place of its own."""
    with h5py.File(path) as file:
        arrays = {name: dataset[()] for name, dataset in file.items()}
    texts = np.ravel(datasets.get("record", arrays["record"]))
    digest = sha256(b"".join(texts.tolist()) if texts.dtype.kind == "S" else b"").hexdigest()
    write(path, {**arrays, "record_sha256": [digest.encode()], **datasets})


def changed_record(path, **fields):
    record = json.loads(read(path, ["record"])["record"].item())
    if asked := fields.get("experiment"):
        fields = {**fields, "experiment": {**record["experiment"], **asked}}
    changed(path, record=[json.dumps({**record, **fields}).encode()])


def test_loading_gives_back_what_was_saved(run, path):
    assert load_run(path) == run


def test_a_result_alone_is_no_run(run, tmp_path):
    with pytest.raises(TypeError, match=r"a Result; expected a Run: give `Run\(result\)`"):
        save_run(tmp_path / "run.h5", run.result)


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
        ({"format": 1}, "format 1; expected 4"),
        ({"format": None}, "format None"),
        ({"experiment": {}}, "does not describe a run"),
        ({"experiment": None}, "(experiment is None; expected an object)"),
        ({"experiment": {"hidden": [4], "seed": -1}}, "experiment.seed is -1"),
        (
            {"experiment": {"hidden": [4], "seed": 1, "momenta": 0.9}},
            "'experiment.momenta' is unknown",
        ),
        ({"experiment": {"hidden": [4], "seed": 1, "momentum": 0.9}}, "with gradient_descent"),
        ({"experiment": {"seed": 1, "class_weight": [1, 2, 3]}}, "3 class weights for 2 classes"),
        ({"iteration": None}, "(iteration is None; expected an integer)"),
        ({"iteration": 1e400}, "(iteration is inf; expected an integer)"),
        ({"input_shape": [5]}, "expected (4, 5)"),
        ({"input_shape": "many"}, "(input_shape is 'many'; expected a list)"),
        ({"input_shape": [1.5]}, "(input_shape[0] is 1.5; expected an integer)"),
        ({"input_shape": [True]}, "(input_shape[0] is True; expected an integer)"),
        ({"input_shape": [2**53 + 1]}, "expected an integer from 0 to 2**53"),
        ({"input_shape": [0]}, "expected one number or more"),
        ({"input_shape": []}, "expected one number or more"),
        ({"space": "small"}, "(space is 'small'; expected one of full, dual, subspace)"),
        ({"space": ["full"]}, "(space is ['full']; expected text)"),
        (
            {"space_description": "\x1b[2J"},
            "(space_description is '\\x1b[2J'; expected printable text)",
        ),
        (
            {"training_examples": -1},
            "(training_examples is -1; expected an integer from 0 to 2**53)",
        ),
        ({"training_examples": 5}, "expected (4, 5)"),
        ({"fingerprint": "FF" * 32}, "; expected a SHA-256"),
        ({"fingerprint": "ff" * 32 + "\n"}, "; expected a SHA-256"),
        ({"fingerprint": 7}, "(fingerprint is 7; expected text)"),
        ({"validation_examples": 1}, "without early stopping"),
        ({"checks": 1}, "without early stopping"),
        ({"environments": []}, "no environment"),
        ({"digests": {"W1": "ff"}}, "(digests.W1 is 'ff'; expected a SHA-256"),
        ({"digests": ["ff"]}, "(digests is ['ff']; expected an object)"),
        ({"digests": {}}, "is not what was saved"),
        ({"seeds": [1, 2]}, "expected (2, "),
        ({"seeds": [2**32]}, "(seeds[0] is 4294967296; expected an integer from 0 to 4294967295)"),
        ({"seeds": [1, True]}, "(seeds[1] is True; expected an integer)"),
        ({"seeds": 1}, "(seeds is 1; expected a list)"),
        ({"state_iteration": 7}, "out of order"),
        ({"planned_iterations": 2}, "out of order"),
        ({"planned_iterations": 9}, "planned iterations are 9; expected 3"),
        ({"best_iteration": 1}, "expected all or none"),
        ({"transforms": ["pixels"]}, "beside its experiment"),
        ({"weights": "FF" * 32}, "; expected a SHA-256"),
        ({"iteration": 1}, "neither the state's nor the best's"),
        ({"validation_cost": "low"}, "(validation_cost is 'low'; expected a number with a"),
        ({"validation_cost": 1}, "(validation_cost is 1; expected a number with a decimal"),
        ({"validation_cost": True}, "(validation_cost is True; expected a number"),
        ({"source": {"folder": "data"}}, "(source.test is missing; expected a value)"),
        ({"source": 7}, "(source is 7; expected an object)"),
        ({"source": {"folder": 7, "train": {}, "test": {}, "validation": None}}, "source.folder"),
        (
            {
                "source": {
                    "folder": None,
                    "train": {"path": "a", "sha256": "ff"},
                    "test": None,
                    "validation": None,
                }
            },
            "(source.train.sha256 is 'ff'; expected a SHA-256",
        ),
        (
            {"environments": [[0, {"numpy": "2.0"}]]},
            "(environments[0][1] is {'numpy': '2.0'}; expected the names catpipe, ",
        ),
        ({"environments": [[0]]}, "(environments[0] is [0]; expected a list of 2)"),
        ({"environments": [[-1, {}]]}, "(environments[0][0] is -1; expected an integer from 0"),
        ({"more": 1}, "('more' is unknown; expected no such field)"),
        ({"classes": 7}, "(classes is 7; expected a list)"),
        ({"classes": ["cat", "cat"]}, "2 printable names"),
        ({"classes": ["cat", "\x1b[2J"]}, "(classes[1] is '\\x1b[2J'; expected printable text)"),
        ({"classes": ["cat", "dog", "owl"]}, "2 printable names"),
        ({"classes": [0, 1]}, "(classes[0] is 0; expected text)"),
        ({"classes": ["cat", "\u00a0"]}, "(classes[1] is '\\xa0'; expected printable text)"),
    ],
    ids=str,
)
def test_a_record_that_describes_no_run_is_refused(doubles, fields, told):
    path = doubles
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
    run = made(fit(experiment, in_colours(12, seed=1, classes=experiment.classes)), classes)
    save_run(tmp_path / "run.h5", run)
    loaded = load_run(tmp_path / "run.h5")
    assert loaded == run
    for one, other in zip(loaded.result.experiment, experiment, strict=True):
        assert type(one) is type(other)


def test_a_run_that_was_stopped_early_keeps_which_iteration_is_the_best(tmp_path):
    asked = Experiment(seed=3, hidden=(4,), batch_size=3, epochs=40, early_stopping=2)
    result = fit(asked._replace(learning_rate=0.5), in_colours(12, seed=1, classes=2))
    assert 0 < result.iteration < result.iterations_done
    save_run(tmp_path / "run.h5", made(result))
    assert load_run(tmp_path / "run.h5").result == result


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
    changed(path, record=[json.dumps(record).encode()])
    with suppress(DataError):
        load_run(path)


@given(st.sampled_from(Experiment._fields), JSON)
def test_whatever_stands_in_the_place_of_what_was_asked_is_loaded_or_refused(plain, field, value):
    path, record = plain
    loaded_or_refused(path, {**record, "experiment": {**record["experiment"], field: value}})


@given(
    st.sampled_from(Record._fields),
    JSON,
)
def test_whatever_stands_in_the_record_is_loaded_or_refused(plain, key, value):
    path, record = plain
    loaded_or_refused(path, {**record, key: value})


@pytest.mark.parametrize(
    "field", ["activation", "initializer", "optimizer", "schedule", "order", "dtype"]
)
@pytest.mark.parametrize("value", [[], {}, [[]], [{}], [["relu"]], {"relu": 1}, None, 7, True])
def test_what_is_no_name_is_refused_where_one_is_expected(plain, field, value):
    path, record = plain
    wrong = {**record, "experiment": {**record["experiment"], "hidden": [2], field: value}}
    changed(path, record=[json.dumps(wrong).encode()])
    with pytest.raises(DataError, match="its record does not describe a run"):
        load_run(path)


def test_a_format_of_any_length_is_told_shortly(path):
    changed_record(path, format="9" * 10**4)
    with pytest.raises(DataError) as refusal:
        load_run(path)
    assert len(str(refusal.value)) < 100 + len(str(path))


@pytest.mark.parametrize("record", [b"{", b"[]", b"7", b"{}", b"[" * 10**5, b"\xff"])
def test_a_record_that_is_no_json_object_is_refused(doubles, record):
    changed(doubles, record=[record])
    with pytest.raises(DataError, match="no JSON object with a format"):
        load_run(doubles)


@pytest.mark.parametrize("array", [np.zeros((4, 2)), np.zeros((4, 27), int)])
def test_parameters_of_another_shape_or_type_than_the_record_says_are_refused(path, array):
    changed(path, W1=array)
    with pytest.raises(DataError, match="W1 has shape"):
        load_run(path)


def test_parameters_that_are_not_there_are_refused(path):
    write(path, read(path, ["record", "record_sha256", "costs"]))
    with pytest.raises(DataError, match="W1 is not there"):
        load_run(path)


COSTS = {
    "of another shape": np.zeros((1, 3)),
    "of another type": np.zeros((1, 2), np.float32),
    "no rows": np.zeros(2),
    "empty": np.zeros((0, 2)),
    "without the last": np.array([[0, 0.5]]),
    "descending": np.array([[2, 0.5], [0, 0.5]]),
    "twice the same": np.array([[0, 0.5], [0, 0.5]]),
    "of half an iteration": np.array([[0.5, 0.5]]),
    "of a negative iteration": np.array([[-1, 0.5]]),
    "of an iteration that was not reached": np.array([[0, 0.5], [3, 0.5]]),
}


@pytest.mark.parametrize("costs", COSTS.values(), ids=COSTS)
def test_costs_that_no_run_has_are_refused(doubles, costs):
    changed(doubles, costs=costs)
    with pytest.raises(DataError, match="costs"):
        load_run(doubles)


@pytest.mark.parametrize("record", [np.zeros(1), np.array([b"{}", b"{}"]), np.zeros((0,), "S1")])
def test_a_record_that_is_no_text_is_refused(path, record):
    changed(path, record=record)
    with pytest.raises(DataError, match="expected one text"):
        load_run(path)


def test_a_record_beyond_its_budget_is_refused_unread(path):
    changed(path, record=[b" " * 2**23])
    with pytest.raises(DataError, match="record takes 8,388,608 bytes"):
        load_run(path)


def test_a_stack_of_networks_is_loaded_as_it_was_saved(tmp_path):
    asked = Experiment(seed=1, hidden=(3,), optimizer="heavy_ball", iterations=150)
    result = fit_seeds(asked, range(3, 15), in_colours(12, seed=1, classes=2))
    save_run(tmp_path / "many.h5", made(result))
    assert load_run(tmp_path / "many.h5").result == result


def test_networks_that_were_trained_one_by_one_are_refused(tmp_path):
    asked = Experiment(seed=1, hidden=(3,), batch_size=5, iterations=3)
    result = fit_seeds(asked, (1, 2), in_colours(12, seed=1, classes=2))
    with pytest.raises(DataError, match="trained one by one"):
        save_run(tmp_path / "many.h5", made(result))
    assert not [*tmp_path.iterdir()]


def test_what_could_not_be_loaded_is_not_saved(tmp_path, run):
    with pytest.raises(DataError, match="2 printable names"):
        save_run(tmp_path / "run.h5", run._replace(classes=("cat",)))
    assert not [*tmp_path.iterdir()]


def test_a_compiled_run_says_with_which_jax_and_another_is_a_reason(tmp_path):
    jax = pytest.importorskip("jax")
    asked = Experiment(seed=3, hidden=(), iterations=3, compiled=True)
    compiled = Run(fit(asked, in_colours(8, seed=1, classes=2)), CLASSES)
    save_run(tmp_path / "run.h5", compiled)
    [(_, there)] = load_run(tmp_path / "run.h5").environments
    assert there["jax"] == jax.__version__
    assert [*changes({**there, "jax": "0.1"}, there)] == [f"JAX 0.1, here {jax.__version__}"]
    assert "jax" not in environment()


def test_the_environment_of_now_is_saved_where_none_is_told(tmp_path, run):
    save_run(tmp_path / "run.h5", run._replace(environments=()))
    assert load_run(tmp_path / "run.h5").environments == ((0, environment()),)


def test_every_dataset_has_a_digest_in_the_file(path):
    with h5py.File(path) as file:
        contents = {name: dataset[()].tobytes() for name, dataset in file.items()}
        record, own = file["record"][0], file["record_sha256"][0].decode()
    digests = {**json.loads(record)["digests"], "record": own}
    assert digests == {
        name: sha256(content).hexdigest()
        for name, content in contents.items()
        if name != "record_sha256"
    }


def test_another_record_than_was_saved_is_refused_also_where_it_describes_a_run(path):
    with h5py.File(path, "a") as file:
        text = file["record"][0]
        file["record"][0] = text.replace(b'"learning_rate": 0.0075', b'"learning_rate": 0.0076')
        assert file["record"][0] != text
    with pytest.raises(DataError, match="record is not what was saved, by its SHA-256"):
        load_run(path)


def test_a_record_without_its_digest_is_refused(path):
    with h5py.File(path, "a") as file:
        del file["record_sha256"]
    with pytest.raises(DataError, match="record_sha256 is not there"):
        load_run(path)


def test_a_run_is_in_the_layout_that_every_hdf5_reads(path):
    assert path.read_bytes()[8] == 0  # the version of the superblock
    with h5py.File(path) as file:
        assert not any(dataset.chunks for dataset in file.values())


def test_an_experiment_that_lacks_a_field_is_not_completed_from_the_defaults(path):
    record = json.loads(read(path, ["record"])["record"].item())
    asked = {k: v for k, v in record["experiment"].items() if k != "learning_rate"}
    changed(path, record=[json.dumps({**record, "experiment": asked}).encode()])
    with pytest.raises(DataError, match=r"experiment\.learning_rate is missing"):
        load_run(path)


def test_a_run_of_very_many_iterations_is_refused_in_no_time_or_space(path):
    asked = {"iterations": 2**50}
    changed_record(
        path, experiment=asked, planned_iterations=2**50, state_iteration=2**50, iteration=2**50
    )
    tracemalloc.start()
    with pytest.raises(DataError, match="costs are of 2 iterations"):
        load_run(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**22


def test_another_array_than_was_saved_is_refused_also_with_a_right_checksum(path, run):
    for name in ("W1", "b1", "state.W1", "costs"):
        before = read(path, [name])[name]
        after = before.copy()
        after[..., -1:] = np.nextafter(before[..., -1:], before.dtype.type(9))
        changed(path, **{name: after})
        with pytest.raises(DataError, match=f"{name} is not what was saved, by its SHA-256"):
            load_run(path)
        changed(path, **{name: before})
    assert load_run(path) == run


def test_any_flipped_bit_is_refused_or_changes_nothing(tmp_path):
    small = Experiment(seed=1, hidden=(2,), optimizer="heavy_ball", iterations=3)
    save_run(tmp_path / "run.h5", made(fit(small, in_colours(4, 1, 2))))
    content, before = (tmp_path / "run.h5").read_bytes(), load_run(tmp_path / "run.h5")
    for place in range(0, 8 * len(content), 2003):  # a prime: every bit of a byte has its turn
        flipped = bytearray(content)
        flipped[place // 8] ^= 1 << place % 8
        (tmp_path / "run.h5").write_bytes(flipped)
        with suppress(DataError):
            assert load_run(tmp_path / "run.h5") == before, place


def test_an_experiment_of_numpys_numbers_is_saved(run, tmp_path):
    asked = run.result.experiment._replace(seed=np.int64(3), learning_rate=np.float64(0.0075))
    save_run(tmp_path / "run.h5", run._replace(result=run.result._replace(experiment=asked)))
    assert load_run(tmp_path / "run.h5").result.experiment == run.result.experiment


def test_a_run_file_of_an_earlier_catpipe_is_to_be_trained_again(path):
    changed_record(path, format=1)
    with pytest.raises(DataError, match="format 1; expected 4: train again"):
        load_run(path)


@pytest.mark.parametrize(
    "fields", [{"iteration": -3.7}, {"iteration": "7"}, {"classes": ["a", "b", "b"]}], ids=str
)
def test_fields_of_another_type_are_refused_and_not_converted(path, fields):
    changed_record(path, **fields)
    with pytest.raises(DataError, match="does not describe a run"):
        load_run(path)


FEATURES = np.random.default_rng(1).standard_normal((9, 3))
TINY = Experiment(seed=1, hidden=(2,), iterations=3, initializer="he")


@pytest.mark.parametrize("shape", [(9,), (9, 1), (9, 2)], ids=str)
def test_a_regression_comes_back_with_its_outputs(tmp_path, shape):
    experiment = TINY._replace(loss="mean_squared_error")
    result = fit(experiment, Examples(FEATURES, np.random.default_rng(2).standard_normal(shape)))
    save_run(tmp_path / "run.h5", Run(result))
    loaded = load_run(tmp_path / "run.h5")
    assert (loaded.result, loaded.classes) == (result, ())


@pytest.mark.parametrize(
    ("targets", "classes"),
    [
        ([0, 1, 2] * 3, ("0", "1", "2")),
        (["dog", "cat", "eel"] * 3, ("cat", "dog", "eel")),
    ],
    ids=["numbers", "names"],
)
def test_classes_without_names_are_called_by_what_the_targets_were(tmp_path, targets, classes):
    result = fit(TINY._replace(classes=3), Examples(FEATURES, np.array(targets)))
    save_run(tmp_path / "run.h5", Run(result))
    loaded = load_run(tmp_path / "run.h5")
    assert (loaded.result, loaded.classes) == (result, classes)


@pytest.mark.parametrize("content", [b"my thesis", b"\x89HDF\r\n\x1a\n", None], ids=str)
def test_a_file_that_is_no_run_is_not_replaced(run, tmp_path, content):
    path = tmp_path / "mine.h5"
    if content is None:
        write(path, {"weights": FEATURES})
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(DataError, match="is a file but no run; expected a new name"):
        save_run(path, run)
    assert path.read_bytes() == before


def test_a_run_and_an_empty_file_are_replaced(run, path, tmp_path):
    (tmp_path / "empty.h5").touch()
    for place in (path, tmp_path / "empty.h5"):
        save_run(place, run)
        assert load_run(place) == run


# Files of before, and of inputs that are no pictures.


@pytest.mark.parametrize("missing", ["loss", "huber"], ids=["one", "none"])
def test_a_file_from_before_a_field_was_added_has_its_default(run, path, missing):
    record = json.loads(read(path, ["record"])["record"].item())
    for fields in (record, record["experiment"]):
        for name in ("class_names", "outputs", "earlier", missing):
            fields.pop(name, None)
    changed(path, record=[json.dumps(record).encode()])
    assert load_run(path) == run


@pytest.mark.parametrize("missing", ["seed"])
def test_a_field_without_a_default_is_missed(path, missing):
    record = json.loads(read(path, ["record"])["record"].item())
    del record["experiment"][missing]
    changed(path, record=[json.dumps(record).encode()])
    with pytest.raises(DataError, match=r"experiment\.seed is missing; expected a value"):
        load_run(path)


@pytest.mark.parametrize("shape", [(3,), (4, 3), (4, 3, 1), (4, 3, 2), (4, 3, 4)], ids=str)
@pytest.mark.parametrize("dtype", ["f4", "f8", "u1"])
def test_inputs_of_any_shape_and_type_are_remembered(tmp_path, shape, dtype):
    numbers = np.arange(9 * np.prod(shape)).reshape(9, *shape) % 200
    inputs = (numbers if dtype == "u1" else numbers / 99).astype(dtype)
    result = fit(TINY, Examples(inputs, np.array([0, 1, 1] * 3)))
    save_run(tmp_path / "run.h5", Run(result, CLASSES))
    loaded = load_run(tmp_path / "run.h5").result
    assert loaded == result
    assert (loaded.input_shape, loaded.input_type) == (shape, np.dtype(dtype).name)
