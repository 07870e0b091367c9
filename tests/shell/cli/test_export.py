"""Runs as files for others: as a person asks for them, and as others read them."""

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from catpipe.data.examples import DataSet, Examples
from catpipe.experiments import experiment
from catpipe.experiments.result import ensemble_predictions, ensemble_probabilities
from catpipe.shell.cli import arguments
from catpipe.shell.cli.export import KINDS
from catpipe.shell.runs.run_file import load_run
from catpipe.shell.storage.datasets import save_data
from tests.typed import refused, said

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")
safetensors = pytest.importorskip("safetensors.numpy")
adapter = pytest.importorskip("catpipe.adapters.onnx")

PICTURES = np.random.default_rng(1).integers(0, 256, (12, 6, 5, 3)).astype(np.uint8)


def trained(capsys, folder: Path, inputs, targets, classes, *options) -> Path:
    """Save data, of which the first 7 test, too, and what is trained on them."""
    train, test = Examples(inputs, targets), Examples(inputs[:7], targets[:7])
    save_data(folder / "data", DataSet(train, test, classes), "made")
    short = ("--data", folder / "data", "--iterations", 3, "--layers", 3, *options)
    said(capsys, "train", *short, "--out", folder / "run.h5")
    return folder / "run.h5"


@pytest.fixture
def run(capsys, tmp_path) -> Path:
    features = ("--transforms", "mirror_views; grey; standardize")
    return trained(capsys, tmp_path, PICTURES, np.arange(12) % 2, ("dog", "cat"), *features)


def properties(path: Path) -> dict[str, str]:
    return {of.key: of.value for of in onnx.load(path).metadata_props}


def test_the_command_says_what_was_exported_and_how_near_it_is(capsys, run, tmp_path):
    out = tmp_path / "cats.onnx"
    first, second = said(capsys, "export", run, "--out", out).splitlines()
    assert first == (
        f"exported: {out}: pictures (N, 6, 5, 3) to label (N), probabilities (N, 2), float32"
    )
    words, _, difference = second.rpartition(": ")
    assert words == "largest difference from catpipe on 7 test pictures, by onnxruntime"
    assert float(difference) < 1e-6


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_another_runtime_predicts_what_the_run_does(capsys, run, tmp_path, dtype):
    out = tmp_path / "cats.onnx"
    said(capsys, "export", run, "--out", out, "--dtype", dtype)
    session = runtime.InferenceSession(str(out))
    label, sure = session.run(None, {"pictures": PICTURES})
    result = load_run(run).result
    np.testing.assert_array_equal(label, ensemble_predictions(result, PICTURES))
    assert np.abs(sure - ensemble_probabilities(result, PICTURES).T).max() < (
        1e-6 if dtype == "float32" else 1e-12
    )


def test_metadata_name_the_classes_the_accuracy_and_what_check_found(capsys, run, tmp_path):
    out = tmp_path / "cats.onnx"
    said(capsys, "export", run, "--out", out)
    found = properties(out)
    evaluated = json.loads(said(capsys, "evaluate", run, "--json"))
    assert json.loads(found["class_names"]) == ["dog", "cat"]
    assert float(found["test_accuracy"]) == evaluated["test_accuracy"]
    assert found["test_examples"] == "7"
    assert found["check"].startswith("7 test pictures are also training pictures")


def test_json_is_one_object_of_all_that_is_said(capsys, run, tmp_path):
    out = tmp_path / "cats.onnx"
    told = json.loads(said(capsys, "export", run, "--out", out, "--json"))
    assert told["out"] == str(out)
    assert told["bytes"] == out.stat().st_size
    assert told["inputs"] == {"pictures": ["N", 6, 5, 3]}
    assert told["outputs"] == {"label": ["N"], "probabilities": ["N", 2]}
    assert told["runtime"] == "onnxruntime"
    assert 0 <= told["largest_difference"] < 1e-6
    assert told["metadata"]["test_examples"] == "7"


def test_without_its_data_a_run_is_exported_all_the_same_and_that_is_said(capsys, run, tmp_path):
    (tmp_path / "data").rename(tmp_path / "moved")
    out = tmp_path / "cats.onnx"
    told = said(capsys, "export", run, "--out", out)
    assert told.endswith("without scores: its data were not found (give --data FOLDER)\n")
    assert "test_accuracy" not in properties(out)
    assert "difference" in said(capsys, "export", run, "--out", out, "--data", tmp_path / "moved")
    assert "test_accuracy" in properties(out)


def test_data_that_are_named_and_not_there_are_refused(capsys, run, tmp_path):
    out = tmp_path / "cats.onnx"
    told = refused(capsys, "export", run, "--out", out, "--data", tmp_path / "nowhere")
    assert "nowhere" in told
    assert not out.exists()


@pytest.mark.parametrize("ending", KINDS)
def test_an_export_replaces_an_export_in_the_same_bytes(capsys, run, tmp_path, ending):
    out = tmp_path / f"cats{ending}"
    said(capsys, "export", run, "--out", out)
    before = out.read_bytes()
    said(capsys, "export", run, "--out", out)
    assert out.read_bytes() == before


@pytest.mark.parametrize("ending", KINDS)
def test_another_file_is_not_replaced(capsys, run, tmp_path, ending):
    out = tmp_path / f"cats{ending}"
    out.write_bytes(b"mine")
    told = refused(capsys, "export", run, "--out", out)
    assert "did not make; expected a new name, or a model to replace" in told
    assert out.read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["cats.h5", "cats", "cats.pt"])
def test_what_is_no_name_of_an_export_is_refused(capsys, run, tmp_path, name):
    told = refused(capsys, "export", run, "--out", tmp_path / name)
    assert "is no name of an export; expected one of .onnx, .safetensors, .npz" in told
    assert not (tmp_path / name).exists()


def test_a_folder_that_is_not_there_is_refused(capsys, run, tmp_path):
    told = refused(capsys, "export", run, "--out", tmp_path / "no" / "cats.onnx")
    assert "cannot be written (No such file or directory)" in told


def test_a_type_that_is_none_is_refused(capsys, run, tmp_path):
    told = refused(capsys, "export", run, "--out", tmp_path / "cats.onnx", "--dtype", "float16")
    assert "float16" in told


@pytest.mark.parametrize(
    ("ending", "module"), [("onnx", "onnx"), ("safetensors", "safetensors.numpy")]
)
def test_without_the_library_one_line_names_the_extra(
    capsys, run, tmp_path, monkeypatch, ending, module
):
    for name in [name for name in sys.modules if name.startswith("catpipe.adapters.onnx")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    told = refused(capsys, "export", run, "--out", tmp_path / f"cats.{ending}")
    assert f"pip install 'catpipe[{ending}]'" in told
    assert not (tmp_path / f"cats.{ending}").exists()


def test_without_a_runtime_the_reference_compares(capsys, run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    told = said(capsys, "export", run, "--out", tmp_path / "cats.onnx")
    assert "by onnx.reference" in told


def test_a_stack_of_seeds_is_exported_as_one_model(capsys, run, tmp_path):
    stack, out = tmp_path / "stack.h5", tmp_path / "stack.onnx"
    options = ("--iterations", 3, "--layers", 3, "--data", tmp_path / "data", "--out", stack)
    said(capsys, "train", "--seeds", "1..3", *options)
    said(capsys, "export", stack, "--out", out)
    _, sure = runtime.InferenceSession(str(out)).run(None, {"pictures": PICTURES})
    expected = ensemble_probabilities(load_run(stack).result, PICTURES).T
    assert np.abs(sure - expected).max() < 1e-6


def test_a_regression_gives_its_prediction(capsys, tmp_path):
    X = np.random.default_rng(1).standard_normal((12, 4))
    run = trained(capsys, tmp_path, X, X @ np.ones(4), (), "--loss", "mean_squared_error")
    out = tmp_path / "line.onnx"
    told = said(capsys, "export", run, "--out", out, "--dtype", "float64")
    assert "features (N, 4) to prediction (N, 1), float64" in told
    (found,) = runtime.InferenceSession(str(out)).run(None, {"features": X})
    np.testing.assert_allclose(found[:, 0], ensemble_predictions(load_run(run).result, X))
    assert "test_r_squared" in properties(out)
    assert "class_names" not in properties(out)


def test_data_without_examples_to_test_on_give_no_score(capsys, tmp_path):
    train = Examples(PICTURES, np.arange(12) % 2)
    none = Examples(PICTURES[:0], np.arange(0))
    save_data(tmp_path / "data", DataSet(train, none, ("dog", "cat")), "made")
    options = ("--data", tmp_path / "data", "--iterations", 3, "--layers", 3)
    said(capsys, "train", *options, "--out", tmp_path / "run.h5")
    told = said(capsys, "export", tmp_path / "run.h5", "--out", tmp_path / "cats.onnx")
    assert "difference" not in told
    assert properties(tmp_path / "cats.onnx")["check"]


def test_what_a_command_exports_can_be_imported(capsys, run, tmp_path):
    out = tmp_path / "cats.onnx"
    said(capsys, "export", run, "--out", out, "--dtype", "float64")
    found, result = adapter.import_onnx(out), load_run(run).result
    assert found.parameters == result.parameters
    assert found.network == result.network
    assert found.classes == ("dog", "cat")


def test_safetensors_hold_the_arrays_of_the_run_and_its_facts(capsys, run, tmp_path):
    out = tmp_path / "cats.safetensors"
    told = said(capsys, "export", run, "--out", out)
    assert "W1 (3, 30), b1 (3, 1), W2 (1, 3), b2 (1, 1) and 2 of the transforms, float64" in told
    found, result = safetensors.load_file(out), load_run(run).result
    assert {*found} == {*result.parameters, "transform3.mean", "transform3.deviation"}
    for name, array in result.parameters.items():
        np.testing.assert_array_equal(found[name], array)
    content = out.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert json.loads(header["__metadata__"]["class_names"]) == ["dog", "cat"]
    assert header["__metadata__"]["test_examples"] == "7"


def test_npz_holds_the_arrays_of_the_run_and_needs_no_pickle(capsys, run, tmp_path):
    out = tmp_path / "cats.npz"
    said(capsys, "export", run, "--out", out, "--dtype", "float32")
    with np.load(io.BytesIO(out.read_bytes()), allow_pickle=False) as found:
        W1 = load_run(run).result.parameters["W1"]
        np.testing.assert_array_equal(found["W1"], W1.astype(np.float32))
        assert found["class_names"].tolist() == ["dog", "cat"]
        assert found["transform3.mean"].dtype == np.float32


def test_the_types_to_choose_from_are_those_of_an_experiment():
    assert {*arguments.DTYPES} == {*experiment.DTYPES}
