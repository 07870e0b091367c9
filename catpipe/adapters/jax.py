"""JAX: importing this makes parameters and sampled costs pytrees, as a whole `State` is then.

So `jit`, `grad`, `vmap` and `tree.map` take them, and a step as it is. What JAX computes from
parameters are parameters again; their arrays are JAX's own. Run them under `jax.enable_x64(True)`,
or float64 becomes float32.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import jax

from catpipe.nn.parameters import Parameters
from catpipe.training.cost_history import CostHistory


def _flatten(parameters: Parameters) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    return tuple(parameters.values()), tuple(parameters)


def _flatten_with_keys(
    parameters: Parameters,
) -> tuple[tuple[tuple[Any, Any], ...], tuple[str, ...]]:
    named = ((jax.tree_util.DictKey(name), array) for name, array in parameters.items())
    return tuple(named), tuple(parameters)


def _unflatten(names: tuple[str, ...], leaves: Iterable[Any]) -> Parameters:
    return Parameters.holding(dict(zip(names, leaves, strict=True)))


def _flatten_costs(costs: CostHistory) -> tuple[tuple[Any, ...], None]:
    return tuple(costs), None


def _unflatten_costs(_: None, samples: Iterable[Any]) -> Any:
    return tuple(samples)  # which reads alike


jax.tree_util.register_pytree_with_keys(Parameters, _flatten_with_keys, _unflatten, _flatten)
jax.tree_util.register_pytree_node(CostHistory, _flatten_costs, _unflatten_costs)
