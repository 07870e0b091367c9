"""ONNX: a trained network as a model that other runtimes load, and back (extra `onnx`).

A model takes inputs as the network was trained on them, (N, ...): pixels in uint8, or features in
floats. It gives `label` (N,) and `probabilities` (N, classes), or `prediction` (N, outputs) of a
regression; several networks decide together. Its operators are those of opset 13, which ONNX
Runtime has had since 1.7. Equal runs make equal bytes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from math import prod
from pathlib import Path
from reprlib import repr as brief
from typing import Annotated, Any, NamedTuple

import numpy as np
from google.protobuf.message import DecodeError
from onnx import GraphProto, ModelProto, TensorProto, checker, helper

from catpipe.adapters.onnx_layers import (
    LOSSES,
    activation_name,
    dense_layers,
    linked,
    logits,
    loss_name,
)
from catpipe.adapters.onnx_tensors import Size, Tensor, cast, graph, graph_input, operator
from catpipe.adapters.onnx_transforms import LARGEST, Flow, Learned, as_rows, transformed
from catpipe.adapters.weights import MARK
from catpipe.data.transforms.columns import are_pixels
from catpipe.data.transforms.composition import Transform
from catpipe.data.transforms.notation import read_transforms, write_transforms
from catpipe.experiments.experiment import ACTIVATIONS, DTYPES
from catpipe.experiments.result import Result, checked_result
from catpipe.nn.arrays import Array
from catpipe.nn.network import Network, check_parameters, layer_sizes, mlp, parameter_shapes
from catpipe.nn.parameters import Parameters
from catpipe.shell.runs.typed_json import Allowed, Count, Printable, one_of, read_as
from catpipe.shell.storage.atomic import DataError, StrPath

OPSET, IR_VERSION = 13, 7  # the lowest that have all the operators, and what goes with it
DIVISORS = {"deviation", "scale"}  # which transforms have learned
MOST = 2**31 - 1  # bytes of a model: protobuf has no larger messages
ELEMENTS: Mapping[int, np.dtype[Any]] = {
    TensorProto.FLOAT: np.dtype("<f4"),
    TensorProto.DOUBLE: np.dtype("<f8"),
}
OUT_OF_GRAPH = "parts"  # learned numbers of which the graph has only what is made of them


class Predictor(NamedTuple):
    """A trained network, and all that stands between the inputs and what it predicts.

    Parameters of several networks have a leading axis. A regression has no classes.
    """

    network: Network
    parameters: Parameters
    classes: tuple[str, ...]
    transforms: tuple[Transform, ...]
    fitted: tuple[Parameters, ...]
    input_shape: tuple[int, ...]
    input_type: str


class Description(NamedTuple):
    """What the metadata of a model say of the network in it: the rest are arrays of the graph."""

    format: Annotated[int, Allowed(range(1, 2).__contains__, "1")]
    dtype: Annotated[str, one_of(DTYPES)]
    networks: Count
    sizes: tuple[Count, ...]
    activations: tuple[Annotated[str, one_of(ACTIVATIONS)], ...]
    loss: Annotated[str, one_of(LOSSES)]
    classes: tuple[Printable, ...]
    transforms: str
    learned: tuple[tuple[str, ...], ...]
    parts: Mapping[str, tuple[tuple[float, ...], ...]]
    input_shape: tuple[Count, ...]
    input_type: Annotated[str, one_of(("uint8", *DTYPES))]


def export_onnx(
    result: Result,
    classes: Sequence[str] = (),
    dtype: str = "float32",
    facts: Mapping[str, str] | None = None,
) -> ModelProto:
    """Return the model of a result, which computes in this type; `facts` go into its metadata.

    The classes are those of the result, or their numbers, where none are given. Raises `ValueError`
    for layers, activations, losses and transforms that are not catpipe's.

    >>> model = export_onnx(fit(Experiment(seed=1, hidden=()), pictures), ("non-cat", "cat"))
    >>> [output.name for output in model.graph.output]
    ['label', 'probabilities']
    """
    if dtype not in DTYPES:
        raise ValueError(f"dtype {brief(dtype)}; expected one of {', '.join(DTYPES)}")
    predictor = predictor_of(result, classes)
    description = _description(predictor, dtype)
    _check_fits(predictor, np.dtype(dtype))
    model = helper.make_model(
        _graph(predictor, np.dtype(dtype)),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="catpipe",
        producer_version=version("catpipe"),
    )
    names = {"class_names": json.dumps(predictor.classes)} if predictor.classes else {}
    texts = {**(facts or {}), **names, MARK: json.dumps(description._asdict())}
    helper.set_model_props(model, dict(sorted(texts.items())))
    checker.check_model(model, full_check=True)
    return model


def to_bytes(model: ModelProto) -> bytes:
    """Return the bytes of a model: equal models have equal bytes.

    >>> model = export_onnx(fit(Experiment(seed=1, hidden=()), pictures))
    >>> to_bytes(model).count(b"probabilities") > 0
    True
    """
    return bytes(model.SerializeToString(deterministic=True))


def import_onnx(model: ModelProto | bytes | StrPath) -> Predictor:
    """Return the network, parameters and classes of a model, or its file, that `export_onnx` made.

    Nothing but that is taken: the graph must be the very one that is written for them. Raises
    `DataError` for anything else.

    >>> model = export_onnx(fit(Experiment(seed=1, hidden=()), pictures), ("non-cat", "cat"))
    >>> import_onnx(model).classes
    ('non-cat', 'cat')
    """
    where, found = _read(model)
    description = _read_description(where, found)
    _check_sizes(where, description)
    arrays = dict(_arrays(where, found.graph))
    try:
        predictor = _predictor(description, arrays)
        expected = _graph(predictor, np.dtype(description.dtype))
    except (ArithmeticError, LookupError, MemoryError, TypeError, ValueError) as error:
        raise _refusal(where, f"describes no network ({error})") from error
    opsets = [(of.domain, of.version) for of in found.opset_import]
    if opsets != [("", OPSET)] or found.functions or found.training_info:
        raise _refusal(where, f"has other operators than those of opset {OPSET}")
    if difference := _difference(found.graph, expected):
        raise _refusal(where, f"has {difference}, which is not what it describes")
    return predictor


def predictor_of(result: Result, classes: Sequence[str] = ()) -> Predictor:
    """Return what a result predicts with; without classes they are its own, or their numbers.

    >>> predictor_of(fit(Experiment(seed=1, hidden=()), pictures)).classes
    ('0', '1')
    """
    trained = checked_result(result)
    numbers = map(str, range(_classes_of(trained.network)))
    return Predictor(
        trained.network,
        trained.parameters,
        _checked_classes(
            trained.network, [*map(str, classes)] or trained.class_names or [*numbers]
        ),
        trained.experiment.transforms,
        trained.fitted,
        trained.input_shape,
        trained.input_type,
    )


def _classes_of(network: Network) -> int:
    """Return how many classes a network tells apart: none where it predicts numbers."""
    is_regression = loss_name(network) == "mean_squared_error"
    return 0 if is_regression else max(2, layer_sizes(network)[-1])


def _checked_classes(network: Network, classes: Sequence[str]) -> tuple[str, ...]:
    if len(classes) != (count := _classes_of(network)):
        raise ValueError(f"{len(classes)} classes; expected {count}: give a name for each")
    if odd := [name for name in classes if not name.isprintable()]:
        raise ValueError(f"class {odd[0]!r}; expected printable text: name it otherwise")
    return tuple(classes)


def outputs_of(model: ModelProto) -> dict[str, tuple[Size, ...]]:
    """Return the names of a model's outputs, and their shapes.

    >>> outputs_of(export_onnx(fit(Experiment(seed=1, hidden=()), pictures)))
    {'label': ('N',), 'probabilities': ('N', 2)}
    """
    return {value.name: _shape(value) for value in model.graph.output}


def inputs_of(model: ModelProto) -> dict[str, tuple[Size, ...]]:
    """Return the names of a model's inputs, and their shapes.

    >>> inputs_of(export_onnx(fit(Experiment(seed=1, hidden=()), pictures)))
    {'pictures': ('N', 1, 1, 1)}
    """
    return {value.name: _shape(value) for value in model.graph.input}


def _shape(value: Any) -> tuple[Size, ...]:
    return tuple(axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim)


# Export.


def _graph(predictor: Predictor, dtype: np.dtype[Any]) -> GraphProto:
    """Return the graph from inputs to what is predicted."""
    network, is_stack = predictor.network, _networks(predictor) > 0
    rows = _rows(predictor, dtype)
    Z = logits(network, predictor.parameters, rows.value, rows.views)
    if loss_name(network) == "mean_squared_error":
        prediction = _together(Z, "prediction", is_stack=is_stack)
        return graph("catpipe", {prediction: ("N", layer_sizes(network)[-1])})
    A = linked(loss_name(network), Z)
    probabilities = _together(A, "probabilities", is_stack=is_stack)
    by_logits = loss_name(network) == "softmax_cross_entropy" and not is_stack
    decides = Z if by_logits else probabilities
    label = operator("ArgMax", decides, called="label", dtype=np.int64, axis=1, keepdims=0)
    return graph("catpipe", {label: ("N",), probabilities: ("N", len(predictor.classes))})


def _together(of_networks: Tensor, name: str, *, is_stack: bool) -> Tensor:
    """Return the mean over the networks of a stack, under this name."""
    if is_stack:
        return operator("ReduceMean", of_networks, called=name, axes=[0], keepdims=0)
    return replace(of_networks, name=name)


def _rows(predictor: Predictor, dtype: np.dtype[Any]) -> Flow:
    """Return the features that the network takes, (examples * views, features)."""
    flow = _floats(predictor, dtype)
    pairs = zip(predictor.transforms, predictor.fitted, strict=True)
    for number, (transform, arrays) in enumerate(pairs, start=1):
        flow = transformed(transform, Learned(arrays, f"transform{number}."), flow)
    rows, expected = as_rows(flow), layer_sizes(predictor.network)[0]
    if rows.shape != (expected,):
        raise ValueError(f"{rows.shape[0]} features for a network of {expected}")
    return rows


def _floats(predictor: Predictor, dtype: np.dtype[Any]) -> Flow:
    """Return the inputs as floats: pixels divided by 255."""
    shape, given = predictor.input_shape, np.dtype(predictor.input_type)
    has_pixels = are_pixels(np.empty((0, *shape), given))
    name = "pictures" if len(shape) > 1 else "features"
    x = graph_input(name, ("N", *shape), given if has_pixels else dtype)
    return Flow(cast(x, dtype) / 255 if has_pixels else x, shape)


def _networks(predictor: Predictor) -> int:
    """Return how many networks there are, 0 for one that is no stack."""
    W = next(iter(predictor.parameters.values()))
    return len(W) if W.ndim > 2 else 0


def _description(predictor: Predictor, dtype: str) -> Description:
    layers = dense_layers(predictor.network)
    return Description(
        format=1,
        dtype=dtype,
        networks=_networks(predictor),
        sizes=tuple(layer_sizes(predictor.network)),
        activations=tuple(activation_name(layer.activation) for layer in layers),
        loss=loss_name(predictor.network),
        classes=predictor.classes,
        transforms=write_transforms(predictor.transforms),
        learned=tuple(tuple(arrays) for arrays in predictor.fitted),
        parts={
            f"{number}.{name}": tuple(map(tuple, array.tolist()))
            for number, arrays in enumerate(predictor.fitted, start=1)
            for name, array in arrays.items()
            if _is_out_of_graph(name)
        },
        input_shape=predictor.input_shape,
        input_type=predictor.input_type,
    )


def _is_out_of_graph(name: str) -> bool:
    return name.rpartition(".")[2] == OUT_OF_GRAPH


def _check_fits(predictor: Predictor, dtype: np.dtype[Any]) -> None:
    """Refuse numbers beyond the type, and more of them than a model can hold."""
    arrays = [*predictor.parameters.values(), *(a for of in predictor.fitted for a in of.values())]
    size = sum(array.size for array in arrays) * dtype.itemsize
    if size > MOST:
        raise ValueError(f"{size:,} bytes of parameters; expected at most {MOST:,}: train fewer")
    most = max((float(np.abs(array).max(initial=0)) for array in arrays), default=0)
    if not most <= float(np.finfo(dtype).max):
        raise ValueError(f"a parameter of {most:g}; expected numbers of {dtype}: choose float64")
    for learned in predictor.fitted:
        for name in DIVISORS & learned.keys():
            if (learned[name].astype(dtype) == 0).any() and learned[name].all():
                least = float(np.abs(learned[name]).min())
                raise ValueError(
                    f"a {name} of {least:g}; expected numbers of {dtype}: choose float64"
                )


# Import.


def _read(model: ModelProto | bytes | StrPath) -> tuple[str, ModelProto]:
    """Return the model, and what errors call it; files that it names are never opened."""
    if isinstance(model, ModelProto):
        return "the model", model
    where, content = ("the model", model) if isinstance(model, bytes) else _content(model)
    try:
        return where, ModelProto.FromString(content)
    except DecodeError as error:
        raise _refusal(where, "is no model") from error


def _content(path: StrPath) -> tuple[str, bytes]:
    where = os.fspath(path)
    try:
        if not Path(where).is_file():  # nor a pipe, which would be waited for
            raise _refusal(where, "is not a file")
        size = Path(where).stat().st_size
        if size <= MOST:
            return where, Path(where).read_bytes()
    except OSError as error:
        raise _refusal(where, f"cannot be read ({error.strerror})") from error
    raise _refusal(where, f"has {size:,} bytes")


def _read_description(where: str, model: ModelProto) -> Description:
    texts = [of.value for of in model.metadata_props if of.key == MARK]
    if len(texts) != 1:
        raise _refusal(where, f"has no {MARK} in its metadata")
    try:
        description: Description = read_as(Description, json.loads(texts[0]))
    except (ValueError, RecursionError) as error:
        raise _refusal(where, f"describes no network ({error})") from error
    return description


def _check_sizes(where: str, description: Description) -> None:
    """Refuse sizes beyond what a file can hold, before anything is made of them."""
    sizes = (*description.sizes, *description.input_shape)
    if not all(sizes) or prod(description.input_shape) > LARGEST or max(sizes) > LARGEST:
        raise _refusal(where, f"has the sizes {brief(sizes)}")


def _arrays(where: str, found: GraphProto) -> Iterable[tuple[str, Array]]:
    for tensor in found.initializer:
        if tensor.data_location == TensorProto.EXTERNAL or len(tensor.external_data):
            raise _refusal(where, f"has {brief(tensor.name)} in another file")
        if tensor.data_type in ELEMENTS:
            yield tensor.name, _array(where, tensor)


def _array(where: str, tensor: TensorProto) -> Array:
    dtype, shape = ELEMENTS[tensor.data_type], tuple(tensor.dims)
    size = prod(shape) * dtype.itemsize
    if min(shape, default=1) < 0 or len(tensor.raw_data) != size:
        raise _refusal(where, f"has {len(tensor.raw_data):,} bytes in {brief(tensor.name)}")
    return np.frombuffer(tensor.raw_data, dtype).reshape(shape)


def _predictor(description: Description, arrays: Mapping[str, Array]) -> Predictor:
    """Return what is described, with its arrays; refuse what does not fit together."""
    layers = dense_layers(mlp(*description.sizes))
    functions = [ACTIVATIONS[name] for name in description.activations]
    pairs = zip(layers, functions, strict=True)
    network = Network([replace(of, activation=a) for of, a in pairs], LOSSES[description.loss])
    parameters = Parameters({name: arrays[name] for name in parameter_shapes(network)})
    check_parameters(network, parameters)
    predictor = Predictor(
        network,
        parameters,
        _checked_classes(network, description.classes),
        read_transforms(description.transforms),
        tuple(
            Parameters({name: _learned(description, arrays, number, name) for name in names})
            for number, names in enumerate(description.learned, start=1)
        ),
        description.input_shape,
        description.input_type,
    )
    if _description(predictor, description.dtype) != description:
        raise ValueError("other sizes than those of its arrays")
    return predictor


def _learned(
    description: Description, arrays: Mapping[str, Array], number: int, name: str
) -> Array:
    if _is_out_of_graph(name):
        return np.array(description.parts[f"{number}.{name}"], float)
    return arrays[f"transform{number}.{name}"]


def _difference(found: GraphProto, expected: GraphProto) -> str | None:
    """Return in words the first difference of two graphs."""
    if found == expected:
        return None
    for kind in ("input", "output", "node", "initializer"):
        pairs = zip(getattr(found, kind), getattr(expected, kind), strict=False)
        for one, other in pairs:
            if one != other:
                return f"the {kind} {brief(one.name)}"
    return "another graph"


def _refusal(where: str, found: str) -> DataError:
    return DataError(
        f"{where}: {found}; expected a model that `catpipe export` of catpipe "
        f"{version('catpipe')} wrote: export the run again"
    )
