"""JAX: importing this makes `Parameters` a pytree, which `jit`, `grad` and `tree.map` take.

What JAX computes from parameters are parameters again; their arrays are JAX's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import jax

from catpipe.nn.parameters import Parameters


def _flatten(parameters: Parameters) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    return tuple(parameters.values()), tuple(parameters)


def _flatten_with_keys(
    parameters: Parameters,
) -> tuple[tuple[tuple[Any, Any], ...], tuple[str, ...]]:
    named = ((jax.tree_util.DictKey(name), array) for name, array in parameters.items())
    return tuple(named), tuple(parameters)


def _unflatten(names: tuple[str, ...], leaves: Iterable[Any]) -> Parameters:
    return Parameters.holding(dict(zip(names, leaves, strict=True)))


jax.tree_util.register_pytree_with_keys(Parameters, _flatten_with_keys, _unflatten, _flatten)
