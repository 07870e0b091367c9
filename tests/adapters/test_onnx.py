"""A model of ONNX computes what catpipe does, in two runtimes that share no code with it."""

import json
import math
import os
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catpipe.adapters.weights import named_arrays
from catpipe.data.transforms.composition import LearnsNothing, beside, chain
from catpipe.data.transforms.pictures import grey
from catpipe.experiments.ensembles import fit_seeds
from catpipe.experiments.experiment import ACTIVATIONS, Experiment
from catpipe.experiments.fitting import fit
from catpipe.experiments.result import (
    Result,
    ensemble_predictions,
    ensemble_probabilities,
)
from catpipe.nn.activations import Activation, leaky_relu, relu_backward
from catpipe.nn.arrays import Array
from catpipe.nn.losses import (
    BINARY_CROSS_ENTROPY,
    MEAN_SQUARED_ERROR,
    SOFTMAX_CROSS_ENTROPY,
)
from catpipe.nn.network import Network, layer_sizes, mlp, parameter_shapes
from catpipe.nn.parameters import Parameters
from tests.points import LOSSES, networks, normal, normal_parameters, scaling, seeds

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")
reference = pytest.importorskip("onnx.reference")
adapter = pytest.importorskip("catpipe.adapters.onnx")

TOLERANCE = {"float32": 1e-6, "float64": 1e-12}
PICTURES = np.random.default_rng(1).integers(0, 256, (9, 12, 11, 3)).astype(np.uint8)
CLASSES = {BINARY_CROSS_ENTROPY: 2, SOFTMAX_CROSS_ENTROPY: 3, MEAN_SQUARED_ERROR: 2}

dtypes = pytest.mark.parametrize("dtype", TOLERANCE)


def trained(inputs: Array, loss=BINARY_CROSS_ENTROPY, seeds=(), **fields) -> Result:
    """Return what a short training makes of these inputs, and of targets without a pattern."""
    is_regression = loss is MEAN_SQUARED_ERROR
    of_loss = {"loss": "mean_squared_error"} if is_regression else {"classes": CLASSES[loss]}
    settings = {"hidden": (4,), "iterations": 5, "initializer": "he", **of_loss, **fields}
    experiment = Experiment(seed=1, **settings)
    labels = np.arange(len(inputs)) % CLASSES[loss]
    examples = inputs, normal(7, len(inputs), 2) if is_regression else labels
    return fit_seeds(experiment, seeds, examples) if seeds else fit(experiment, examples)


def of_network(net: Network, parameters: Parameters, inputs: Array) -> Result:
    """Return the result that has this network."""
    sized = trained(inputs[:6], MEAN_SQUARED_ERROR if net.loss is MEAN_SQUARED_ERROR else LOSSES[0])
    dtype = str(next(iter(parameters.values())).dtype)
    experiment = sized.experiment._replace(dtype=dtype)
    return sized._replace(network=net, parameters=parameters, experiment=experiment)


def outputs(model, inputs: Array) -> list[dict[str, Array]]:
    """Return the outputs of both runtimes by name."""
    content = adapter.to_bytes(model) if not isinstance(model, bytes) else model
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    given = inputs if inputs.dtype == np.uint8 else inputs.astype(_float_of(session))
    evaluators = (session, reference.ReferenceEvaluator(onnx.load_model_from_string(content)))
    names = [output.name for output in session.get_outputs()]
    return [dict(zip(names, of.run(None, {name: given}), strict=True)) for of in evaluators]


def _float_of(session) -> str:
    return {"tensor(float)": "float32", "tensor(double)": "float64"}[session.get_inputs()[0].type]


def check_agrees(result: Result, inputs: Array, dtype: str) -> None:
    """Check that the model of a result gives what the result does, in both runtimes."""
    model = adapter.export_onnx(result, dtype=dtype)
    predicted = ensemble_predictions(result, inputs)
    for found in outputs(model, inputs):
        if result.network.loss is MEAN_SQUARED_ERROR:
            expected = predicted.reshape(len(inputs), -1)
            scale = max(1.0, float(np.abs(expected).max()))
            assert found["prediction"].dtype == dtype
            assert np.abs(found["prediction"] - expected).max() <= scale * TOLERANCE[dtype]
        else:
            sure = ensemble_probabilities(result, inputs).T
            assert found["probabilities"].dtype == dtype
            assert found["probabilities"].shape == sure.shape
            assert np.abs(found["probabilities"] - sure).max() <= TOLERANCE[dtype]
            assert found["label"].dtype == np.int64
            np.testing.assert_array_equal(found["label"], predicted)


@dtypes
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_each_activation_is_computed_as_catpipe_does(name, dtype):
    net = mlp(4, 6, 5, 1, activation=ACTIVATIONS[name])
    parameters, X = normal_parameters(net, 3, np.dtype(dtype).type), 2 * normal(4, 40, 4)
    check_agrees(of_network(net, parameters, X), X, dtype)


@dtypes
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize("inputs", [PICTURES, PICTURES[..., 0], normal(2, 9, 5)], ids=np.shape)
def test_each_loss_is_computed_of_pixels_and_of_features(loss, inputs, dtype):
    check_agrees(trained(inputs, loss, dtype=dtype), inputs, dtype)


TRANSFORMS = (
    "grey", "downscale:5", "mirror_views", "crop_views:3,4", "colour_histogram:2,3",
    "oriented_gradients:4", "oriented_gradients:8,5", "codebook:6,3", "codebook:5,4,3,2",
    "standardize", "scale_groups", "scale_groups:100,296", "logarithm:9", "square_root",
    "principal_components:4", "principal_components:4,whiten",
)  # fmt: skip
PIPELINES = (
    "mirror_views; crop_views:3,6; grey; standardize",
    "grey; downscale:6; oriented_gradients:2",
    "mirror_views; (colour_histogram:2,2; square_root) + oriented_gradients:4 + codebook:5,3,2,2;"
    "standardize; principal_components:5; scale_groups:2,3",
    "(grey; downscale:4; standardize) + (downscale:3; logarithm)",
)


@dtypes
@pytest.mark.parametrize("transforms", [*TRANSFORMS, *PIPELINES])
def test_each_transform_is_computed_as_catpipe_does(transforms, dtype):
    inputs = PICTURES
    if transforms == "scale_groups:100,296":
        inputs = PICTURES.reshape(9, -1)
    check_agrees(trained(inputs, transforms=transforms, dtype=dtype), inputs, dtype)


@dtypes
@pytest.mark.parametrize("transforms", ["grey; standardize", "mirror_views; downscale:3"])
def test_grey_pictures_without_an_axis_of_channels_are_taken(transforms, dtype):
    inputs = PICTURES[..., 0]
    check_agrees(trained(inputs, transforms=transforms, dtype=dtype), inputs, dtype)


@pytest.mark.parametrize(
    "transforms", ["standardize", "logarithm; square_root", "scale_groups:2,3"]
)
def test_features_that_are_negative_are_transformed(transforms):
    X = 3 * normal(5, 20, 5)
    check_agrees(trained(X, transforms=transforms), X, "float64")


@dtypes
@pytest.mark.parametrize("transforms", ["", "mirror_views; standardize"])
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_several_networks_decide_together(loss, transforms, dtype):
    stack = trained(PICTURES, loss, seeds=(1, 2, 3), transforms=transforms, dtype=dtype)
    check_agrees(stack, PICTURES, dtype)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(LOSSES).flatmap(networks), seeds)
def test_a_network_of_any_sizes_and_activations_is_computed_as_catpipe_does(net, seed):
    if net.loss is BINARY_CROSS_ENTROPY and layer_sizes(net)[-1] > 1:
        net = net._replace(loss=SOFTMAX_CROSS_ENTROPY)
    X = normal(seed, 7, layer_sizes(net)[0])
    check_agrees(of_network(net, normal_parameters(net, seed + 1), X), X, "float64")


@pytest.mark.parametrize("net", [mlp(2, 1), mlp(2, 3, loss=SOFTMAX_CROSS_ENTROPY)], ids=repr)
@pytest.mark.parametrize("stack", [(), (1, 2)])
def test_of_equals_the_first_class_is_the_label(net, stack):
    shapes = parameter_shapes(net).items()
    zeros = Parameters({name: np.zeros((len(stack),) * bool(stack) + of) for name, of in shapes})
    X = normal(1, 6, 2)
    result = of_network(net, zeros, X)._replace(seeds=stack)
    check_agrees(result, X, "float64")
    assert not outputs(adapter.export_onnx(result), X)[0]["label"].any()


def test_the_smallest_difference_that_catpipe_sees_of_two_logits_decides():
    net = mlp(1, 2, loss=SOFTMAX_CROSS_ENTROPY)
    parameters = Parameters(W1=[[0.0], [0.0]], b1=[[0.0], [1e-17]])
    X = np.ones((3, 1))
    result = of_network(net, parameters, np.repeat(X, 2, 0))
    assert ensemble_predictions(result, X).tolist() == [1, 1, 1]  # though both are 0.5
    check_agrees(result, X, "float64")


@pytest.mark.parametrize("count", [1, 2, 9, 40])
def test_a_batch_of_any_size_is_taken(count):
    result = trained(PICTURES, transforms="mirror_views; standardize")
    check_agrees(result, np.resize(PICTURES, (count, *PICTURES.shape[1:])), "float64")


def test_the_shapes_of_a_model_are_declared_with_the_batch_open():
    model = adapter.export_onnx(trained(PICTURES))
    assert adapter.inputs_of(model) == {"pictures": ("N", 12, 11, 3)}
    assert adapter.outputs_of(model) == {"label": ("N",), "probabilities": ("N", 2)}
    (given_,) = model.graph.input
    assert given_.type.tensor_type.elem_type == onnx.TensorProto.UINT8


@dtypes
def test_features_are_taken_in_the_type_of_the_model(dtype):
    model = adapter.export_onnx(trained(normal(1, 6, 3), MEAN_SQUARED_ERROR), dtype=dtype)
    assert adapter.inputs_of(model) == {"features": ("N", 3)}
    assert adapter.outputs_of(model) == {"prediction": ("N", 2)}
    expected = {"float32": onnx.TensorProto.FLOAT, "float64": onnx.TensorProto.DOUBLE}[dtype]
    assert model.graph.input[0].type.tensor_type.elem_type == expected


def test_dropout_is_nothing_in_a_model():
    result = trained(PICTURES, dropout=0.5)
    plain = result._replace(network=mlp(396, 4, 1))
    assert adapter.export_onnx(result) == adapter.export_onnx(plain)
    check_agrees(result, PICTURES, "float64")


def test_the_error_function_in_float64_is_right_to_the_last_digits():
    net = mlp(1, 1, 1, activation=ACTIVATIONS["gelu"], loss=MEAN_SQUARED_ERROR)
    parameters = Parameters(W1=[[1.0]], b1=[[0.0]], W2=[[1.0]], b2=[[0.0]])
    z = np.linspace(-12, 12, 1001)[:, np.newaxis]
    model = adapter.export_onnx(of_network(net, parameters, z), dtype="float64")
    expected = np.array([x / 2 * (1 + math.erf(x / math.sqrt(2))) for x in z[:, 0]])
    for found in outputs(model, z):
        assert np.abs(found["prediction"][:, 0] - expected).max() < 2e-14


def test_a_model_needs_no_operators_but_those_of_an_old_runtime():
    model = adapter.export_onnx(trained(PICTURES, transforms=PIPELINES[2], activation="gelu"))
    assert [(of.domain, of.version) for of in model.opset_import] == [("", 13)]
    assert model.ir_version == 7
    onnx.checker.check_model(model, full_check=True)


def test_equal_results_make_equal_bytes():
    models = [adapter.export_onnx(trained(PICTURES, transforms=PIPELINES[0])) for _ in range(2)]
    assert adapter.to_bytes(models[0]) == adapter.to_bytes(models[1])


DIGEST = """
from hashlib import sha256
from tests.adapters.test_onnx import PICTURES, PIPELINES, adapter, trained
model = adapter.export_onnx(trained(PICTURES, transforms=PIPELINES[2]), facts={"b": "1", "a": "2"})
print(sha256(adapter.to_bytes(model)).hexdigest())
"""


def test_bytes_do_not_depend_on_the_order_of_hashes():
    found = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


def test_metadata_say_what_was_exported_and_the_facts_that_are_given():
    model = adapter.export_onnx(trained(PICTURES), ("dog", "cat"), facts={"test_accuracy": "0.5"})
    texts = {of.key: of.value for of in model.metadata_props}
    assert json.loads(texts["class_names"]) == ["dog", "cat"]
    assert texts["test_accuracy"] == "0.5"
    assert json.loads(texts[adapter.MARK])["activations"] == ["relu", "identity"]
    assert model.producer_name == "catpipe"


# What cannot be exported.


@dataclass(frozen=True)
class Halved(LearnsNothing):
    """A transform of one's own."""

    def apply(self, fitted, inputs):  # noqa: ARG002
        """Return half of the inputs."""
        return inputs / 2


def steep(Z):
    return leaky_relu(Z, 0.2)


def steep_backward(dA, Z):
    return relu_backward(dA, Z)


OWN = Activation(steep, steep_backward)


@pytest.mark.parametrize(
    ("net", "told"),
    [
        (mlp(3, 4, 1, activation=OWN), "activation steep cannot be exported; expected one of relu"),
        (scaling(), "layer Scale.* cannot be exported; expected Dense and Dropout"),
        (
            mlp(3, 1, loss=BINARY_CROSS_ENTROPY._replace(cost=steep_backward)),
            "loss steep_backward cannot be exported; expected one of binary_cross_entropy",
        ),
        (mlp(3, 2), "binary_cross_entropy of 2 outputs cannot be exported; expected 1 output"),
    ],
)
def test_what_is_not_catpipes_is_refused_by_its_name(net, told):
    X = normal(1, 6, 3)
    with pytest.raises(ValueError, match=told):
        adapter.export_onnx(of_network(net, normal_parameters(net, 1), X))


@pytest.mark.parametrize("own", [Halved(), chain(grey(), Halved()), beside(grey(), Halved())])
def test_a_transform_of_ones_own_is_refused_by_its_name(own):
    result = trained(PICTURES, transforms=(own,))
    with pytest.raises(ValueError, match=r"transform Halved\(\) has no name"):
        adapter.export_onnx(result)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"dtype": "float16"}, "dtype 'float16'; expected one of float64, float32"),
        ({"classes": ("a", "b", "c")}, "3 classes; expected 2: give a name for each"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(options, told):
    with pytest.raises(ValueError, match=told):
        adapter.export_onnx(trained(PICTURES), **options)


def test_arrays_beyond_float32_are_refused():
    huge = trained(PICTURES)._replace(parameters=Parameters(W1=[[1e200]], b1=[[0.0]]))
    with pytest.raises(ValueError, match="W1 has 1e\\+200; expected numbers of float32"):
        named_arrays(huge, np.float32)


def test_numbers_beyond_float32_are_refused():
    net = mlp(1, 1)
    result = of_network(net, Parameters(W1=[[1e300]], b1=[[0.0]]), np.ones((6, 1)))
    with pytest.raises(ValueError, match=r"a parameter of 1e\+300; expected numbers of float32"):
        adapter.export_onnx(result)


# Back again.


@pytest.mark.parametrize("seeds_", [(), (1, 2)])
@pytest.mark.parametrize("transforms", ["", *PIPELINES])
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_what_was_exported_is_imported_equal(loss, transforms, seeds_):
    result = trained(PICTURES, loss, seeds_, transforms=transforms, activation="leaky_relu")
    found = adapter.import_onnx(adapter.export_onnx(result, dtype="float64"))
    assert found == adapter.predictor_of(result)
    assert found.network == result.network
    assert found.parameters == result.parameters
    again = result._replace(
        network=found.network,
        parameters=found.parameters,
        fitted=found.fitted,
        experiment=result.experiment._replace(transforms=found.transforms),
    )
    np.testing.assert_array_equal(
        ensemble_predictions(again, PICTURES), ensemble_predictions(result, PICTURES)
    )


def test_a_model_is_imported_from_a_file_and_from_bytes(tmp_path):
    model = adapter.export_onnx(trained(PICTURES), ("dog", "cat"))
    path = tmp_path / "model.onnx"
    path.write_bytes(adapter.to_bytes(model))
    for source in (path, str(path), path.read_bytes()):
        assert adapter.import_onnx(source) == adapter.import_onnx(model)


def test_parameters_in_float32_are_imported_in_float32():
    result = trained(PICTURES)
    found = adapter.import_onnx(adapter.export_onnx(result)).parameters
    assert {array.dtype for array in found.values()} == {np.dtype("float32")}
    np.testing.assert_array_equal(found["W1"], result.parameters["W1"].astype(np.float32))


def changed(change) -> bytes:
    """Return the bytes of a model that was changed after it was exported."""
    model = adapter.export_onnx(trained(PICTURES, transforms="mirror_views; standardize"))
    change(model)
    return adapter.to_bytes(model)


def describe(**fields):
    def change(model):
        for of in model.metadata_props:
            if of.key == adapter.MARK:
                of.value = json.dumps({**json.loads(of.value), **fields})

    return change


def cut(model):
    first = next(of for of in model.graph.initializer if of.name == "W1")
    first.raw_data = first.raw_data[:-4]


def outside(model):
    first = next(of for of in model.graph.initializer if of.name == "W1")
    first.data_location = onnx.TensorProto.EXTERNAL
    entry = first.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"


def forget(model):
    del model.metadata_props[:]


def square(model):
    next(of for of in model.graph.node if of.op_type == "Relu").op_type = "Abs"


def shift(model):
    constants = (of for of in model.graph.initializer if of.name.startswith("constant"))
    numbers = next(of for of in constants if of.data_type == onnx.TensorProto.FLOAT)
    numbers.raw_data = np.float32(254).tobytes()


def add_a_node(model):
    model.graph.node.add(op_type="Identity", input=["label"], output=["again"], name="again")


def add_a_function(model):
    model.functions.add(name="own", domain="own")


def set_opset(model):
    model.opset_import[0].version = 14


def rename(model):
    next(of for of in model.graph.initializer if of.name == "W2").name = "W3"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (forget, "has no catpipe_export in its metadata"),
        (cut, "has 6,332 bytes in 'W1'"),
        (outside, "has 'W1' in another file"),
        (square, "has the node 'relu_"),
        (shift, "has the initializer 'constant_"),
        (add_a_node, "has another graph"),
        (add_a_function, "has other operators"),
        (set_opset, "has other operators than those of opset 13"),
        (rename, "describes no network"),
        (describe(format=2), "format is 2; expected 1"),
        (describe(activations=["relu", "steep"]), r"activations\[1\] is 'steep'; expected one of"),
        (describe(activations=["tanh", "identity"]), "has the node 'relu_"),
        (describe(loss="own"), "loss is 'own'; expected one of"),
        (describe(loss="mean_squared_error"), "2 classes; expected 0"),
        (describe(classes=["a"]), "1 classes; expected 2"),
        (describe(sizes=[396, 5, 1]), "W1 has shape"),
        (describe(sizes=[396, 2**40, 1]), "has the sizes"),
        (describe(sizes=[]), "describes no network"),
        (describe(input_shape=[2**20, 2**20, 3]), "has the sizes"),
        (describe(input_shape=[12, 11]), "describes no network"),
        (describe(input_shape=[]), "describes no network"),
        (describe(input_type="object"), "input_type is 'object'; expected one of"),
        (describe(transforms="standardize"), "describes no network"),
        (describe(transforms="colour_histogram:1,9999999; standardize"), "describes no network"),
        (
            describe(input_shape=[1, 1, 2**20], transforms="colour_histogram:1,99; standardize"),
            "numbers of an example; expected at most 4,194,304",
        ),
        (describe(transforms="codebook:5,1; standardize"), "describes no network"),
        (describe(networks=7), "other sizes than those of its arrays"),
        (describe(dtype="float64"), "which is not what it describes|describes no network"),
        (describe(own=1), "'own' is unknown"),
    ],
)
def test_a_model_that_export_does_not_write_is_refused_by_what_is_in_it(change, told):
    with pytest.raises(
        ValueError, match=f"^the model: .*({told}).*; expected a model that `catpipe"
    ):
        adapter.import_onnx(changed(change))


@pytest.mark.parametrize("content", [b"", b"no model", b"\x08\x07" + bytes(99)])
def test_bytes_that_are_no_model_are_refused(content, tmp_path):
    path = tmp_path / "own.onnx"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"own\.onnx: (is no model|has no catpipe_export)"):
        adapter.import_onnx(path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"nowhere\.onnx: is not a file"):
        adapter.import_onnx(tmp_path / "nowhere.onnx")


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.onnx")
    with pytest.raises(ValueError, match="is not a file"):
        adapter.import_onnx(tmp_path / "pipe.onnx")


def test_classes_may_be_an_array_of_numbers():
    model = adapter.export_onnx(trained(PICTURES), classes=np.array([3, 4]))
    assert adapter.import_onnx(model).classes == ("3", "4")


def test_a_class_that_cannot_be_printed_is_refused():
    with pytest.raises(ValueError, match="expected printable text"):
        adapter.export_onnx(trained(PICTURES), classes=("no", "yes\n"))


def test_facts_do_not_take_the_place_of_the_mark():
    model = adapter.export_onnx(trained(PICTURES), facts={"catpipe_export": "x"})
    assert adapter.import_onnx(model).classes == ("0", "1")


def test_a_deviation_that_float32_has_not_is_refused():
    tiny = normal(3, 9, 4) * 1e-50
    with pytest.raises(ValueError, match=r"a deviation of .* choose float64"):
        adapter.export_onnx(trained(tiny, transforms="standardize"))
