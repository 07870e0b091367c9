"""The same fold, compiled: JAX makes one program of the steps from one sampled cost to the next.

The network and the optimizer are traced once with JAX's arrays, as `catpipe.training.loop` folds
them. What is drawn or scheduled, the places of each batch's examples, what dropout lets through and
the rates, NumPy makes for a stretch of steps beforehand: so a compiled run is the other one up to
rounding. It runs where JAX runs, on a GPU where there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache, partial
from itertools import accumulate, count, islice, pairwise, repeat, takewhile
from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np

from catpipe.data.batches import Batch, picked
from catpipe.data.sampling import Indices, Order
from catpipe.nn.arrays import Array
from catpipe.nn.layers import Dropout, MaskedDropout
from catpipe.nn.network import Network, cost_of
from catpipe.nn.parameters import Layout, Parameters
from catpipe.optim.optimizers import Optimizer
from catpipe.training.cost_history import after
from catpipe.training.loop import SAMPLE_EVERY, State, make_step

MOST = 2**26  # bytes that are drawn for a stretch

Pick: TypeAlias = tuple[Indices, Array | None]
"""The places of a batch's examples, and their weights."""

Drawn: TypeAlias = dict[str, Any]
"""What is drawn for the steps of a stretch, under its names: first axes are steps."""


class Turns(NamedTuple):
    """All the examples and how they take turns: so many at a time in this order, or all at once."""

    everything: Batch
    order: Order | None = None
    size: int | None = None

    @property
    def most(self) -> int:
        """Return how many examples a batch has that is not short."""
        return self.size or self.everything.X.shape[-1]

    def picks(self, start: int) -> Iterator[Pick]:
        """Return the examples of each batch from this iteration on."""
        if self.order is None or self.size is None:
            return repeat((np.arange(self.most), self.everything.weights))
        return picked(self.everything, self.order, self.size, start)


def compiled_trajectory(
    network: Network,
    optimizer: Optimizer,
    turns: Turns,
    state: State,
    iterations: int,
    ends: Callable[[int], bool],
    *,
    data: tuple[Any, ...] | None = None,
) -> Iterator[State]:
    """Return those states of a `trajectory` of so many iterations that end a stretch.

    A stretch ends where a cost is sampled, where `ends` says so, and before and after the last
    iteration. `data` is what `on_device` has made of the turns, where somebody has it. Raises
    `ModuleNotFoundError` without JAX, and `TypeError` for functions of the network or the optimizer
    that JAX cannot trace.
    """
    yield state
    layout = _checked_layout(state)
    program = partial(_with_jax, _run, _Traced(network, optimizer, layout))
    data = data or on_device(turns)
    vectors = tuple(
        _one_for_each(each.vector, turns) for each in (state.parameters, *state.moments)
    )
    picks = turns.picks(state.iteration)
    for begin, until in pairwise(_stops(network, turns, state.iteration, iterations, ends)):
        drawn = _drawn(network, optimizer, turns, begin, [*islice(picks, until - begin)])
        vectors, cost = program(vectors, (begin, until - begin), drawn, data)
        state = _state_at(state, until, layout, vectors, cost)
        yield state


def _one_for_each(vector: Array, turns: Turns) -> Array:
    """Return the vector once for each of the networks that examples weigh differently in."""
    weights = turns.everything.weights
    of_weights = () if weights is None else weights.shape[:-2]
    leading = np.broadcast_shapes(vector.shape[:-1], of_weights)
    return np.broadcast_to(vector, (*leading, vector.shape[-1]))


def _checked_layout(state: State) -> Layout:
    layout = state.parameters.layout
    if layout is None:
        raise TypeError("parameters of several types; expected one: make them all float64, say")
    return layout


def _state_at(state: State, until: int, layout: Layout, vectors: Sequence[Any], cost: Any) -> State:
    """Return the state after a stretch from this one, and its cost where it is sampled."""
    begin = state.iteration
    parameters, *moments = (Parameters.of_vector(np.array(of), layout) for of in vectors)
    is_sampled = begin % SAMPLE_EVERY == 0
    costs = after(state.costs, (begin, np.array(cost))) if is_sampled else state.costs
    return State(until, parameters, tuple(moments), costs)


def _stops(
    network: Network, turns: Turns, begin: int, iterations: int, ends: Callable[[int], bool]
) -> Iterator[int]:
    """Return where stretches begin and end, from the first beginning to the last end."""
    longest, since = _longest(network, turns), begin
    for iteration in range(begin, iterations + 1):
        is_sampled, is_last = iteration % SAMPLE_EVERY == 0, iteration >= iterations - 1
        if iteration in (begin, since + longest) or is_sampled or is_last or ends(iteration):
            since = iteration
            yield iteration


def _longest(network: Network, turns: Turns) -> int:
    """Return how many steps a stretch has at most, for what is drawn to stay below `MOST`."""
    bytes_an_example = 16 + sum(units for _, units in _dropouts(network))
    return max(1, min(SAMPLE_EVERY, MOST // (turns.most * bytes_an_example)))


def _dropouts(network: Network) -> list[tuple[Dropout | MaskedDropout, int]]:
    """Return the layers that drop, each with how many units there are to drop."""
    own = [next(iter(layer.shapes().values()), (0, 0))[0] for layer in network.layers]
    widths: Iterator[int] = accumulate(own, lambda before, here: here or before)
    return [
        (layer, width)
        for layer, width in zip(network.layers, widths, strict=True)
        if isinstance(layer, Dropout | MaskedDropout)
    ]


def _drawn(
    network: Network, optimizer: Optimizer, turns: Turns, begin: int, picks: list[Pick]
) -> Drawn:
    """Return what is drawn and scheduled for the steps that take these examples."""
    longest, size = _longest(network, turns), turns.most
    counts = [len(places) for places, _ in picks]
    iterations = range(begin, begin + len(picks))
    steps = [*zip(iterations, counts, strict=True)]
    masks = (
        [_filled(layer.stays(iteration, (units, examples)), size) for iteration, examples in steps]
        for layer, units in _dropouts(network)
    )
    has_schedules = _scheduled(optimizer, begin) != ()
    of_steps = (_scheduled(optimizer, iteration) for iteration in iterations if has_schedules)
    rates = zip(*of_steps, strict=True)
    drawn = {
        **_of_batches(turns, picks, np.array(counts)),
        **{f"mask {number}": mask for number, mask in enumerate(masks)},
        **{f"rate {number}": rate for number, rate in enumerate(rates)},
    }
    return {name: _padded(np.asarray(each), longest) for name, each in drawn.items()}


def _of_batches(turns: Turns, picks: list[Pick], counts: Indices) -> Drawn:
    """Return the places of each batch and, where they have some or a batch is short, weights.

    The examples that fill up a short batch weigh nothing.
    """
    if turns.size is None:
        return {}
    size, dtype = turns.size, turns.everything.X.dtype
    places = {"places": [_filled(of_batch, size) for of_batch, _ in picks]}
    if turns.everything.weights is not None:
        return {**places, "weights": [_filled(np.asarray(w), size) for _, w in picks]}
    if not _has_short(turns) and (counts == size).all():
        return places
    shares = (np.arange(size) < counts[:, np.newaxis]) / counts[:, np.newaxis]
    return {**places, "weights": shares[:, np.newaxis].astype(dtype)}


def _has_short(turns: Turns) -> bool:
    return turns.order is not None and len(turns.order(0)) % turns.most != 0


def _filled(array: Array, size: int) -> Array:
    """Return the array with its last axis filled up to this size."""
    missing = size - array.shape[-1]
    return np.pad(array, [*[(0, 0)] * (array.ndim - 1), (0, missing)]) if missing else array


def _padded(array: Array, longest: int) -> Array:
    """Return the array with its first axis filled up to this length: one program is for all."""
    missing = longest - len(array)
    return np.pad(array, [(0, missing), *[(0, 0)] * (array.ndim - 1)]) if missing else array


def _scheduled(optimizer: Any, iteration: int) -> tuple[Any, ...]:
    """Return the values of an optimizer's schedules at an iteration, those inside it too."""
    found = (
        (value(iteration),) if callable(value) else _scheduled(value, iteration)
        for value in _settings(optimizer).values()
    )
    return sum(found, ())


def _with_rates(optimizer: Any, rates: Iterator[Any]) -> Any:
    """Return the optimizer with these in the places of its schedules, in the same order."""
    settings = {
        name: next(rates) if callable(value) else _with_rates(value, rates)
        for name, value in _settings(optimizer).items()
    }
    return replace(optimizer, **settings) if settings else optimizer


def _settings(value: Any) -> dict[str, Any]:
    """Return an optimizer's settings by name; of what is no optimizer, none."""
    if not is_dataclass(value) or not hasattr(value, "update"):
        return {}
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _with_masks(network: Network, masks: Iterator[Any]) -> Network:
    """Return the network that drops by these masks, one for each layer that drops."""
    layers = (
        MaskedDropout(layer.rate, partial(_always, next(masks)))
        if isinstance(layer, Dropout | MaskedDropout)
        else layer
        for layer in network.layers
    )
    return network._replace(layers=tuple(layers))


def _always(mask: Any, iteration: Any) -> Any:  # noqa: ARG001
    return mask


def _with_jax(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return the function of JAX, in which numbers keep the type that they have, and of these."""
    try:
        import jax  # noqa: PLC0415  # an extra, and slow to import
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "compiled training needs JAX; expected it to be there: pip install 'catpipe[jax]'"
        ) from None
    try:
        with jax.enable_x64(True):  # noqa: FBT003
            return function(jax, *arguments)
    except jax.errors.JAXTypeError as error:
        raise TypeError(
            "a layer, loss or optimizer that JAX cannot trace; expected functions from the arrays' "
            "own namespace: write xp, Z = nn.namespaced(Z), or train without compiled"
        ) from error


def on_device(turns: Turns) -> tuple[Any, ...]:
    """Return X, Y and weights where JAX computes, examples in rows where batches pick some.

    Raises `ModuleNotFoundError` without JAX.
    """
    return tuple(_with_jax(_on_device, turns))


def _on_device(jax: Any, turns: Turns) -> tuple[Any, ...]:
    X, Y, weights = turns.everything
    arrays = (X, Y, weights) if turns.size is None else (X.mT, Y.mT, None)
    return tuple(None if each is None else jax.numpy.array(each) for each in arrays)


class _Traced(NamedTuple):
    """What a program is made of; equal ones share theirs."""

    network: Network
    optimizer: Optimizer
    layout: Layout


def _run(jax: Any, traced: _Traced, *arguments: Any) -> Any:
    try:
        program = _kept_program(jax, traced)
    except TypeError:  # an array has no hash
        program = _program(jax, traced)
    return program(*arguments)


def _program(jax: Any, traced: _Traced) -> Callable[..., Any]:
    return cast("Callable[..., Any]", jax.jit(partial(_steps, jax, traced)))


_kept_program = lru_cache(maxsize=16)(_program)


def _steps(
    jax: Any,
    traced: _Traced,
    vectors: tuple[Any, ...],
    span: tuple[Any, Any],
    drawn: Drawn,
    data: tuple[Any, ...],
) -> tuple[tuple[Any, ...], Any]:
    """Return the vectors of parameters and moments after the steps of a span, and the cost before.

    A span is the iteration where it begins, and how many steps it has.
    """
    (network, optimizer, layout), (begin, number) = traced, span

    def parts(step: Any) -> tuple[Network, Optimizer, Batch]:
        at_step = partial(jax.lax.dynamic_index_in_dim, index=step, keepdims=False)
        row = {name: at_step(of_all) for name, of_all in drawn.items()}
        masks, rates = (_numbered(row, kind) for kind in ("mask", "rate"))
        return _with_masks(network, masks), _with_rates(optimizer, rates), _batch(data, row)

    def stepped(step: Any, carry: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        of_step, updating, batch = parts(step)
        parameters, *moments = map(Parameters.holding, carry)
        state = State(begin + step, parameters, tuple(moments))
        after = make_step(of_step, updating)(state, batch)
        return tuple(map(dict, (after.parameters, *after.moments)))

    carry = tuple(map(layout.views, vectors))
    of_first, _, batch = parts(0)
    cost = cost_of(of_first, Parameters.holding(carry[0]), *batch, begin)
    carry = jax.lax.fori_loop(0, number, stepped, carry)
    return tuple(layout.vector(of, jax.numpy) for of in carry), cost


def _numbered(row: Drawn, kind: str) -> Iterator[Any]:
    """Return the drawn arrays of a kind, in the order of their numbers."""
    numbers = takewhile(lambda number: f"{kind} {number}" in row, count())
    return (row[f"{kind} {number}"] for number in numbers)


def _batch(data: tuple[Any, ...], row: Drawn) -> Batch:
    X, Y, weights = data
    if "places" not in row:
        return Batch(X, Y, weights)
    picked_X, picked_Y = (rows.at[row["places"]].get(mode="promise_in_bounds") for rows in (X, Y))
    return Batch(picked_X.mT, picked_Y.mT, row.get("weights"))
