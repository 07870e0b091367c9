"""What steps draw and schedule, hoisted out of them: made beforehand, and handed in.

A program of many steps can neither draw what dropout lets through nor call a schedule on its way.
So these functions return what a network or an optimizer would ask for, and the same network or
optimizer with that in the place of what asks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, is_dataclass, replace
from functools import partial
from typing import Any, cast

from toolz import concat

from catpipe.checks import of_each_network
from catpipe.nn.arrays import Array, like
from catpipe.nn.layers import Dropout, Layer, MaskedDropout
from catpipe.nn.losses import weighted
from catpipe.nn.network import Network


def drops(layer: Layer) -> bool:
    """Return whether the layer is one of catpipe's that drop: another class may do more.

    >>> drops(Dropout(0.5, seed=1, number=1))
    True
    """
    return type(layer) in (Dropout, MaskedDropout)


def with_masks(network: Network, masks: Iterable[Array]) -> Network:
    """Return the network that drops by these masks, one for each layer that drops.

    >>> network = nn.with_dropout(nn.mlp(3, 4, 1), rate=0.5, seed=1)
    >>> layer = with_masks(network, [np.array([[True, False]])]).layers[1]
    >>> layer.forward(nn.Parameters(), np.ones((1, 2)), iteration=0)[0]
    array([[2., 0.]])
    """
    each = iter(masks)
    layers = (
        MaskedDropout(cast("Any", layer).rate, partial(_always, next(each)))
        if drops(layer)
        else layer
        for layer in network.layers
    )
    return network._replace(layers=tuple(layers))


def _always(mask: Array, iteration: int) -> Array:  # noqa: ARG001
    return mask


def with_shares(network: Network, shares: Array | None) -> Network:
    """Return the network whose loss takes each example so many times, where that is given.

    It costs a product; weights, which are divided by the largest, would cost up to a fifteenth of a
    step.

    >>> loss = with_shares(nn.mlp(1, 1), np.array([[2.0, 1.0]])).loss
    >>> loss.gradient(np.zeros((1, 2)), np.ones((1, 2)))
    array([[-1. , -0.5]])
    """
    if shares is None:
        return network
    cost, gradient = network.loss.cost, network.loss.gradient
    return network._replace(
        loss=network.loss._replace(
            cost=lambda Z, Y: weighted(like(Z, shares), cost(Z, Y)),
            gradient=lambda Z, Y: like(Z, shares) * gradient(Z, Y),
        )
    )


def scheduled(optimizer: Any, iteration: int) -> tuple[Any, ...]:
    """Return the values of an optimizer's schedules at an iteration, those inside it too.

    Raises as the schedules do, and `TypeError` or `ValueError` for values that are no numbers.

    >>> scheduled(optim.gradient_descent(lambda iteration: 0.5**iteration), 2)
    (0.25,)
    """
    each = (
        scheduled(value, iteration) if _is_optimizer(value) else _value(name, value, iteration)
        for name, value in settings_of(optimizer).items()
    )
    return tuple(concat(each))


def _value(name: str, schedule: Any, iteration: int) -> tuple[Any, ...]:
    """Return the schedule's value, and nothing of what is no schedule."""
    if not callable(schedule):
        return ()
    return (of_each_network(name.replace("_", " "), schedule(iteration), "a number"),)


def with_rates(optimizer: Any, rates: Iterable[Any]) -> Any:
    """Return the optimizer with these in the places of its schedules, as `scheduled` orders them.

    >>> with_rates(optim.gradient_descent(lambda iteration: 0.5**iteration), [0.25])
    GradientDescent(learning_rate=0.25)
    """
    each = iter(rates)
    changed = {
        name: with_rates(value, each) if _is_optimizer(value) else next(each)
        for name, value in settings_of(optimizer).items()
        if _is_optimizer(value) or callable(value)
    }
    return replace(optimizer, **changed) if changed else optimizer


def settings_of(optimizer: Any) -> dict[str, Any]:
    """Return an optimizer's settings by name, where it is a dataclass: others are taken whole.

    >>> settings_of(optim.gradient_descent(0.5))
    {'learning_rate': 0.5}
    """
    if not _is_optimizer(optimizer):
        return {}
    return {field.name: getattr(optimizer, field.name) for field in fields(optimizer) if field.init}


def _is_optimizer(value: Any) -> bool:
    return is_dataclass(value) and hasattr(value, "update")
