"""What runs a model of ONNX here: ONNX Runtime where it is installed, and ONNX's own reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, helper
from onnx.reference import ReferenceEvaluator

AT_ONCE = 32  # examples: codebooks make many numbers of each on the way

Evaluate: TypeAlias = Callable[[NDArray[Any]], list[NDArray[Any]]]


def evaluators(content: bytes) -> Mapping[str, Evaluate]:
    """Return the functions from inputs to all outputs of a model, by what computes them.

    >>> from catpipe.adapters.onnx import export_onnx, to_bytes
    >>> model = export_onnx(fit(Experiment(seed=1, hidden=()), pictures))
    >>> evaluators(to_bytes(model))["onnx.reference"](images)[0].shape
    (2,)
    """
    model = ModelProto.FromString(content)
    (given,) = model.graph.input
    dtype = helper.tensor_dtype_to_np_dtype(given.type.tensor_type.elem_type)
    by_reference = ReferenceEvaluator(model)

    def refer(inputs: NDArray[Any]) -> list[NDArray[Any]]:
        return [*by_reference.run(None, {given.name: inputs.astype(dtype)})]

    try:
        from onnxruntime import InferenceSession
    except ImportError:
        return {"onnx.reference": refer}
    session = InferenceSession(content, providers=["CPUExecutionProvider"])

    def infer(inputs: NDArray[Any]) -> list[NDArray[Any]]:
        return [*session.run(None, {given.name: inputs.astype(dtype)})]

    return {"onnxruntime": infer, "onnx.reference": refer}


def answers(evaluate: Evaluate, inputs: NDArray[Any]) -> NDArray[Any]:
    """Return the last output of a model, a row for each of the inputs: probabilities or numbers.

    >>> answers(lambda inputs: [2 * inputs], np.ones((3, 1))).shape
    (3, 1)
    """
    starts = range(0, len(inputs), AT_ONCE)
    return np.concatenate([evaluate(inputs[at : at + AT_ONCE])[-1] for at in starts])
