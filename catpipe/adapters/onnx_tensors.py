"""A graph of ONNX as values: a tensor is what an operator makes of other tensors.

So formulas read as they do in NumPy, `W @ A + b`, and a graph is written when it is whole. Types
are NumPy's; a number that meets a tensor takes the tensor's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from onnx import GraphProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

Size = int | str
"""Of an axis: a number, or the name of one that is not known."""


@dataclass(frozen=True, eq=False)
class Tensor:
    """What an operator makes of its inputs; without an operator a constant, or the graph's input.

    >>> x = graph_input("x", (2,), np.float32)
    >>> (2 * x + 1).operator
    'Add'
    """

    dtype: np.dtype[Any]
    operator: str = ""
    inputs: tuple[Tensor, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    array: NDArray[Any] | None = None
    shape: tuple[Size, ...] = ()  # of the graph's input

    def __add__(self, other: Operand) -> Tensor:
        return _of_two("Add", self, other)

    def __sub__(self, other: Operand) -> Tensor:
        return _of_two("Sub", self, other)

    def __rsub__(self, other: Operand) -> Tensor:
        return operator("Sub", _like(self, other), self)

    def __mul__(self, other: Operand) -> Tensor:
        return _of_two("Mul", self, other)

    def __rmul__(self, other: Operand) -> Tensor:
        return _of_two("Mul", self, other)

    def __truediv__(self, other: Operand) -> Tensor:
        return _of_two("Div", self, other)

    def __matmul__(self, other: Operand) -> Tensor:
        return _of_two("MatMul", self, other)

    def __rmatmul__(self, other: Operand) -> Tensor:
        return operator("MatMul", _like(self, other), self)

    __array_ufunc__ = None  # so that an array on the left leaves it to these


Operand = Tensor | ArrayLike


def operator(
    name: str, *inputs: Tensor, called: str = "", dtype: DTypeLike | None = None, **attributes: Any
) -> Tensor:
    """Return what this operator of ONNX makes of the inputs, of the type of the first or another.

    >>> operator("Exp", graph_input("x", (2,), np.float32)).dtype
    dtype('float32')
    """
    made = inputs[0].dtype if dtype is None else np.dtype(dtype)
    return Tensor(made, name, inputs, attributes, called)


def constant(array: ArrayLike, dtype: DTypeLike, called: str = "") -> Tensor:
    """Return the tensor of this array, in this type.

    >>> constant([1, 2], np.float32).array
    array([1., 2.], dtype=float32)
    """
    return Tensor(np.dtype(dtype), name=called, array=np.ascontiguousarray(array, dtype))


def graph_input(name: str, shape: tuple[Size, ...], dtype: DTypeLike) -> Tensor:
    """Return the input of a graph, of this shape and type.

    >>> graph_input("features", ("N", 3), np.float32).shape
    ('N', 3)
    """
    return Tensor(np.dtype(dtype), name=name, shape=shape)


def cast(x: Tensor, dtype: DTypeLike) -> Tensor:
    """Return the numbers of a tensor in another type; floats lose what is behind the point.

    >>> cast(graph_input("x", (2,), np.uint8), np.float32).operator
    'Cast'
    """
    if x.dtype == np.dtype(dtype):
        return x
    return operator("Cast", x, dtype=dtype, to=element_type(dtype))


def reshape(x: Tensor, *shape: int) -> Tensor:
    """Return the tensor in another shape, of which one size may be -1: what is left.

    >>> reshape(graph_input("x", (2,), np.float32), -1, 1).operator
    'Reshape'
    """
    return operator("Reshape", x, constant(shape, np.int64))


def transpose(x: Tensor, *axes: int, called: str = "") -> Tensor:
    """Return the tensor with its axes in another order.

    >>> transpose(graph_input("x", (2, 3), np.float32), 1, 0).attributes
    {'perm': (1, 0)}
    """
    return operator("Transpose", x, called=called, perm=axes)


def take(x: Tensor, indices: ArrayLike, axis: int) -> Tensor:
    """Return the parts of a tensor with these indices along an axis, in their order.

    >>> take(graph_input("x", (2, 3), np.float32), [2, 0], axis=1).operator
    'Gather'
    """
    return operator("Gather", x, constant(indices, np.int64), axis=axis)


def mean(x: Tensor, axis: int, *, keeps_axis: bool = True) -> Tensor:
    """Return the mean along an axis.

    >>> mean(graph_input("x", (2, 3), np.float32), axis=-1).operator
    'ReduceMean'
    """
    return operator("ReduceMean", x, axes=[axis], keepdims=int(keeps_axis))


def total(x: Tensor, axis: int) -> Tensor:
    """Return the sum along an axis, which stays as one of size 1.

    >>> total(graph_input("x", (2, 3), np.float32), axis=-1).operator
    'ReduceSum'
    """
    return operator("ReduceSum", x, constant([axis], np.int64), keepdims=1)


def maximum(x: Tensor, other: Operand) -> Tensor:
    """Return the larger of each pair of numbers.

    >>> maximum(graph_input("x", (2, 3), np.float32), 0).operator
    'Max'
    """
    return _of_two("Max", x, other)


def minimum(x: Tensor, other: Operand) -> Tensor:
    """Return the smaller of each pair of numbers.

    >>> minimum(graph_input("x", (2, 3), np.float32), 0).operator
    'Min'
    """
    return _of_two("Min", x, other)


def where(condition: Tensor, one: Tensor, other: Operand) -> Tensor:
    """Return the numbers of `one` where the condition holds, and elsewhere those of `other`.

    >>> x = graph_input("x", (2,), np.float32)
    >>> where(below(x, 0), x, 1).dtype
    dtype('float32')
    """
    return operator("Where", condition, one, _like(one, other), dtype=one.dtype)


def below(x: Tensor, other: Operand) -> Tensor:
    """Return where numbers of a tensor are below others.

    >>> below(graph_input("x", (2,), np.float32), 0).dtype
    dtype('bool')
    """
    return operator("Less", x, _like(x, other), dtype=bool)


def graph(name: str, outputs: Mapping[Tensor, tuple[Size, ...]]) -> GraphProto:
    """Return the graph of these outputs, which have names, with their shapes.

    Equal formulas make equal graphs, to the byte.

    >>> x = graph_input("x", ("N",), np.float32)
    >>> doubled = operator("Add", x, x, called="doubled")
    >>> [node.output[0] for node in graph("double", {doubled: ("N",)}).node]
    ['doubled']
    """
    tensors = _in_order([*outputs])
    names = {id(tensor): _name(tensor, place) for place, tensor in enumerate(tensors)}
    given = [t for t in tensors if not t.operator and t.array is None]
    return helper.make_graph(
        [_node(tensor, names) for tensor in tensors if tensor.operator],
        name,
        [_described(tensor.name, tensor.dtype, tensor.shape) for tensor in given],
        [_described(tensor.name, tensor.dtype, shape) for tensor, shape in outputs.items()],
        [_initializer(t.array, names[id(t)]) for t in tensors if t.array is not None],
    )


def element_type(dtype: DTypeLike) -> int:
    """Return ONNX's number of a type.

    >>> element_type(np.float32) == TensorProto.FLOAT
    True
    """
    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


def _of_two(name: str, one: Tensor, other: Operand) -> Tensor:
    return operator(name, one, _like(one, other))


def _like(tensor: Tensor, other: Operand) -> Tensor:
    """Return the operand as a tensor, of this tensor's type where it is none yet."""
    return other if isinstance(other, Tensor) else constant(other, tensor.dtype)


def _in_order(outputs: Sequence[Tensor]) -> list[Tensor]:
    """Return the outputs and all that they are made of, each after its inputs."""
    done: dict[int, Tensor] = {}
    waiting = [*reversed(outputs)]
    while waiting:
        missing = [of for of in waiting[-1].inputs if id(of) not in done]
        if missing:
            waiting += reversed(missing)
        else:
            tensor = waiting.pop()
            done.setdefault(id(tensor), tensor)
    return [*done.values()]


def _name(tensor: Tensor, place: int) -> str:
    return tensor.name or f"{(tensor.operator or 'constant').lower()}_{place}"


def _node(tensor: Tensor, names: Mapping[int, str]) -> NodeProto:
    name = names[id(tensor)]
    inputs = [names[id(of)] for of in tensor.inputs]
    return helper.make_node(tensor.operator, inputs, [name], name, **tensor.attributes)


def _initializer(array: NDArray[Any], name: str) -> TensorProto:
    return numpy_helper.from_array(array, name)


def _described(name: str, dtype: DTypeLike, shape: tuple[Size, ...]) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, element_type(dtype), shape)
