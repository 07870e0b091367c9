"""The same fold, compiled: JAX makes one program of a few stretches of steps.

A stretch goes from one state that somebody may look at, as at each sampled cost, to the next.

The network and the optimizer are traced once with JAX's arrays, as `catpipe.training.loop` folds
them. What is drawn or scheduled, the places of each batch's examples, what dropout lets through and
the rates, NumPy makes for a program beforehand, while JAX computes the one before: so a compiled
run is the other one up to rounding. A short batch is filled up with examples that weigh nothing,
which layers of examples that look at each other would see. It runs where JAX runs, on a GPU where
there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import count, islice, pairwise, repeat, takewhile
from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np
from toolz import concat

from catpipe.data.batches import Batch, split_epochs
from catpipe.data.sampling import Indices, Order
from catpipe.nn.arrays import Array, in_order
from catpipe.nn.layers import MANY, Cache, Dense
from catpipe.nn.network import Network, cost_of
from catpipe.nn.parameters import Layout, Parameters
from catpipe.optim.optimizers import Optimizer
from catpipe.training.cost_history import after
from catpipe.training.hoisting import (
    drops,
    scheduled,
    settings_of,
    with_masks,
    with_rates,
    with_shares,
)
from catpipe.training.loop import SAMPLE_EVERY, State, make_step

MOST = 2**26  # bytes that are drawn for a program
STRETCHES = 4  # of a program, at most
WORK = 2**24  # numbers of all vectors times examples of a batch, in a step of each stretch, at most
FEW = 32  # examples: a step on fewer takes no less

Pick: TypeAlias = tuple[Indices, int, Array | None]
"""The places of a batch's examples, filled up where it is short, their number and weights."""

Span: TypeAlias = tuple[int, int]
"""The iterations that a stretch begins and ends with."""

_Dispatched: TypeAlias = tuple[tuple[Span, ...], tuple[Any, ...], Any]
"""A program's stretches and, of each, the vectors after it and the cost before: not yet known."""

Drawn: TypeAlias = dict[str, Any]
"""What is drawn for the steps of a program, under its names: first axes are steps."""


class Turns(NamedTuple):
    """All the examples and how they take turns: so many at a time in this order, or all at once."""

    everything: Batch
    order: Order | None = None
    size: int | None = None

    @property
    def visited(self) -> int:
        """Return how many examples an epoch visits; it is drawn to know."""
        return self.everything.X.shape[-1] if self.order is None else len(self.order(0))

    def picks(self, start: int, most: int) -> Iterator[Pick]:
        """Return the examples of each batch from this iteration on, filled up to so many."""
        if self.order is None or self.size is None:
            return repeat((np.arange(most), most, self.everything.weights))
        split = partial(_split, most)
        return split_epochs(split, self.everything, self.order, self.size, start)


def _split(size: int, examples: Indices, weights: Array | None) -> Iterator[Pick]:
    """Return what is picked for each batch of an epoch that visits these examples."""
    full, seen = divmod(len(examples), size)
    counts = [size] * full + [seen] * (seen > 0)
    rows = np.arange(len(counts) * size).reshape(-1, size)
    places = examples.take(rows, mode="wrap")  # filled up with the first of them
    if weights is None:
        return zip(places, counts, repeat(None), strict=False)
    of_batches = zip(places, counts, strict=True)
    shares = (_filled(weights.take(row[:seen], -1) / seen, size) for row, seen in of_batches)
    return zip(places, counts, shares, strict=True)


class _Run(NamedTuple):
    """What stays the same in a run: also how many units each layer that drops has to drop of."""

    network: Network
    optimizer: Optimizer
    turns: Turns
    layouts: tuple[Layout, ...]  # of the parameters and of each moment
    widths: tuple[int, ...]
    numbers: int  # of all the vectors
    visited: int  # examples in an epoch

    @property
    def most(self) -> int:
        """Return how many examples a batch has that is not short."""
        _, order, size = self.turns
        return self.visited if order is None or size is None else min(size, self.visited)

    @property
    def has_short(self) -> bool:
        """Return whether the size of batches leaves a short one in an epoch."""
        return self.visited % self.most != 0

    @property
    def networks(self) -> int:
        """Return how many networks examples weigh differently in."""
        weights = self.turns.everything.weights
        return 1 if weights is None else int(np.prod(weights.shape[:-2]))

    @property
    def stretches(self) -> int:
        """Return how many stretches a program has: several where steps are short."""
        by_work = WORK // (self.numbers * max(self.most, FEW))
        return max(1, min(STRETCHES, by_work, MOST // (SAMPLE_EVERY * self.bytes_of_a_step)))

    @property
    def longest(self) -> int:
        """Return how many steps a stretch has at most, for what is drawn to stay below `MOST`."""
        return max(1, min(SAMPLE_EVERY, MOST // (self.stretches * self.bytes_of_a_step)))

    @property
    def bytes_of_a_step(self) -> int:
        """Return how many bytes are drawn for a step."""
        an_example, rates = 8 + 8 * self.networks + sum(self.widths), 64
        return self.most * an_example + rates


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
    iteration; where steps are short, a few stretches are computed at once. `data` is what
    `on_device` has made of the turns, where somebody has it. Raises `ModuleNotFoundError` without
    JAX, and `TypeError` for parameters or moments that do not lie in one vector, and for functions
    of the network or the optimizer that JAX cannot trace.
    """
    yield state
    layouts = tuple(map(_checked_layout, (state.parameters, *state.moments)))
    widths = _widths(network, state.parameters, turns.everything.X[..., :1])
    vectors = _vectors(optimizer, turns, state)
    numbers = sum(of.size for of in vectors)
    run = _Run(network, optimizer, turns, layouts, widths, numbers, turns.visited)
    spans = pairwise(_stops(run, state.iteration, iterations, ends))
    data = data or on_device(network, turns, is_stack=vectors[0].ndim > 1)
    for program in _dispatched(run, vectors, spans, state.iteration, data):
        for until, of_stretch, cost in _ended(*program):
            state = _state_at(run, state, until, of_stretch, cost)
            yield state


def _ended(
    stretches: tuple[Span, ...], vectors: tuple[Any, ...], costs: Any
) -> Iterator[tuple[int, tuple[Array, ...], Array]]:
    """Wait for a program; give the end of each stretch, the vectors there and the cost before."""
    of_each = zip(*map(np.asarray, vectors), strict=True)
    ends = (until for _, until in stretches)
    return zip(ends, of_each, np.asarray(costs), strict=False)  # the last of them may be fillings


def _dispatched(
    run: _Run, vectors: tuple[Array, ...], spans: Iterator[Span], start: int, data: tuple[Any, ...]
) -> Iterator[_Dispatched]:
    """Begin the programs of all stretches, each with the last vectors of the one before.

    While one is computed, what the next needs is drawn; what is wrong with that is raised later.
    """
    program, drawn = _with_jax(_program, run), _drawn_for(run, spans, start)
    passed: Any = tuple(np.broadcast_to(of, (run.stretches, *of.shape)) for of in vectors)
    coming, fault = next(drawn, None), None
    while coming is not None:
        stretches, given = coming
        passed, costs = _with_jax(lambda _, *of: program(*of), passed, *given, data)
        try:
            coming = next(drawn, None)
        except Exception as error:  # any, of a schedule of one's own
            coming, fault = None, error
        yield stretches, passed, costs
    if fault is not None:
        raise fault


def _drawn_for(run: _Run, spans: Iterator[Span], start: int) -> Iterator[tuple[Any, ...]]:
    """Give the stretches of each program, and where it begins, its steps and what is drawn for it.

    One of fewer stretches than it has room for ends with some of no steps.
    """
    picks = run.turns.picks(start, run.most)
    while stretches := tuple(islice(spans, run.stretches)):
        begin, until = stretches[0][0], stretches[-1][1]
        filled = (*stretches, *repeat((until, until), run.stretches - len(stretches)))
        drawn = _drawn(run, begin, [*islice(picks, until - begin)])
        yield stretches, (begin, np.array(filled) - begin, drawn)


def on_device(network: Network, turns: Turns, *, is_stack: bool = False) -> tuple[Any, ...]:
    """Return X, Y and weights where JAX computes, in the order in which it reads them.

    Examples are in rows where batches pick some, and those of X where the network takes rows.
    Raises `ModuleNotFoundError` without JAX.
    """
    X, Y, weights = turns.everything
    if turns.size is not None:
        X, Y, weights = X.mT, Y.mT, None
    elif _takes_rows(network, X, is_stack=is_stack):
        X = X.mT
    return tuple(None if each is None else _with_jax(_array, each) for each in (X, Y, weights))


def _array(jax: Any, array: Array) -> Any:
    return jax.device_put(np.ascontiguousarray(array), may_alias=False)  # which compiles nothing


def _checked_layout(parameters: Parameters) -> Layout:
    if parameters.layout is None:
        raise TypeError(
            f"{parameters} are apart; expected arrays of one type and one depth, which lie in one "
            "vector: make them all float64, say"
        )
    return parameters.layout


def _widths(network: Network, parameters: Parameters, A: Array) -> tuple[int, ...]:
    """Return how many units there are for each layer that drops, as one example shows."""
    found: tuple[int, ...] = ()
    for layer in network.layers:
        found = (*found, A.shape[-2]) if drops(layer) else found
        A, _ = layer.forward(parameters, A, None)
    return found


def _vectors(optimizer: Optimizer, turns: Turns, state: State) -> tuple[Array, ...]:
    """Return parameters and moments, once for each network that weights or rates are for."""
    weights = turns.everything.weights
    rates = scheduled(optimizer, state.iteration)
    by_network = map(np.shape, rates if weights is None else (*rates, weights))
    leading = np.broadcast_shapes(*(shape[:-2] for shape in by_network))
    vectors = [each.vector for each in (state.parameters, *state.moments)]
    return tuple(
        np.broadcast_to(of, (*np.broadcast_shapes(of.shape[:-1], leading), of.shape[-1]))
        for of in vectors
    )


def _state_at(run: _Run, state: State, until: int, vectors: Sequence[Any], cost: Any) -> State:
    """Return the state after a stretch from this one, and its cost where it is sampled."""
    begin, of_layouts = state.iteration, zip(vectors, run.layouts, strict=True)
    parameters, *moments = (Parameters.of_vector(np.array(of), layout) for of, layout in of_layouts)
    is_sampled = begin % SAMPLE_EVERY == 0
    costs = after(state.costs, (begin, np.array(cost))) if is_sampled else state.costs
    return State(until, parameters, tuple(moments), costs)


def _stops(run: _Run, begin: int, iterations: int, ends: Callable[[int], bool]) -> Iterator[int]:
    """Return where stretches begin and end, from the first beginning to the last end."""
    longest, since = run.longest, begin
    for iteration in range(begin, iterations + 1):
        is_sampled, is_last = iteration % SAMPLE_EVERY == 0, iteration >= iterations - 1
        if iteration in (begin, since + longest) or is_sampled or is_last or ends(iteration):
            since = iteration
            yield iteration


def _drawn(run: _Run, begin: int, picks: list[Pick]) -> Drawn:
    """Return what is drawn and scheduled for the steps that take these examples."""
    counts = [seen for _, seen, _ in picks]
    iterations = range(begin, begin + len(picks))
    has_schedules = scheduled(run.optimizer, begin) != ()
    of_steps = [scheduled(run.optimizer, at) for at in iterations if has_schedules]
    rates = zip(*of_steps, strict=True)
    drawn = {
        **_of_batches(run, picks, np.array(counts)),
        **{f"mask {k}": mask for k, mask in enumerate(_masks(run, iterations, counts))},
        **{f"rate {k}": np.stack(np.broadcast_arrays(*of)) for k, of in enumerate(rates)},
    }
    most = run.stretches * run.longest
    return {name: _filled(np.asarray(each), most, axis=0) for name, each in drawn.items()}


def _of_batches(run: _Run, picks: list[Pick], counts: Indices) -> Drawn:
    """Return the places of each batch, and the weights of its examples where they have some.

    Without them, each example of a short batch counts more, and what fills it up nothing.
    """
    turns = run.turns
    if turns.size is None:
        return {}
    size = run.most
    places = {"places": [places for places, _, _ in picks]}
    if turns.everything.weights is not None:
        return {**places, "weights": [weights for _, _, weights in picks]}
    if not run.has_short and (counts == size).all():
        return places
    shares = (np.arange(size) < counts[:, np.newaxis]) * (size / counts[:, np.newaxis])
    return {**places, "shares": shares[:, np.newaxis]}


def _masks(run: _Run, iterations: range, counts: list[int]) -> list[list[Array]]:
    """Return what each layer that drops lets through in each step."""
    dropping = [layer for layer in run.network.layers if drops(layer)]
    steps = [*zip(iterations, counts, strict=True)]
    return [
        [_filled(_stays(layer, at, (width, seen)), run.most) for at, seen in steps]
        for layer, width in zip(dropping, run.widths, strict=True)
    ]


def _stays(layer: Any, iteration: int, shape: tuple[int, int]) -> Array:
    return np.asarray(layer.stays(iteration, shape), bool)


def _filled(array: Array, size: int, axis: int = -1) -> Array:
    """Return the array with an axis filled up to this size, so that one program does for all."""
    if (missing := size - array.shape[axis]) == 0:
        return array
    place = axis % array.ndim
    shape = tuple(missing if i == place else length for i, length in enumerate(array.shape))
    return np.concatenate([array, np.zeros(shape, array.dtype)], axis)


@dataclass(frozen=True)
class _DenseOfRows(Dense):
    """A dense layer that multiplies in the order of rows, in which its input lies in memory."""

    def forward(
        self,
        parameters: Parameters,
        A: Array,
        iteration: int | None = None,  # noqa: ARG002
    ) -> tuple[Array, Cache]:
        """Return the activation of Z = W A + b, and the cache."""
        Z = in_order(A.mT @ parameters[self.weights].mT).mT + parameters[self.bias]
        return self.activation.value(Z), Cache(A, Z)


def _takes_rows(network: Network, X: Array, *, is_stack: bool) -> bool:
    """Return whether XLA multiplies faster in the first layer with the examples in rows.

    So it does in float32 on a CPU, where they have many more numbers than there are units.
    """
    first = network.layers[0]
    has_few_units = type(first) is Dense and first.fan_in > MANY * first.units
    return has_few_units and not is_stack and X.dtype == np.float32


def _by_rows(network: Network) -> Network:
    """Return the network whose first layer takes examples that lie in rows, and makes such dZ."""
    first, *others = network.layers
    assert isinstance(first, Dense)  # or it takes columns
    backward = first.activation.backward
    in_rows = first.activation._replace(backward=lambda dA, Z: in_order(backward(dA, Z).mT).mT)
    layer = _DenseOfRows(first.weights, first.bias, first.fan_in, first.units, in_rows)
    return network._replace(layers=(layer, *others))


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


def _program(jax: Any, run: _Run) -> Callable[..., Any]:
    """Return the program of the run; runs of the same functions of catpipe's share theirs.

    Somebody's own may change and be the same object still.
    """
    network, layouts, optimizer = run.network, run.layouts, cast("Any", run.optimizer)
    if not _is_ours(network, optimizer):
        return _made(jax, network, optimizer, layouts)
    try:
        return _kept(jax, network, optimizer, layouts)
    except TypeError:  # an array has no hash
        return _made(jax, network, optimizer, layouts)


def _made(
    jax: Any, network: Network, optimizer: Optimizer, layouts: tuple[Layout, ...]
) -> Callable[..., Any]:
    steps = partial(_steps, jax, network, optimizer, layouts)
    return cast("Callable[..., Any]", jax.jit(steps))


_kept = lru_cache(maxsize=16)(_made)


def _is_ours(network: Network, optimizer: Any) -> bool:
    """Return whether all that is traced is catpipe's own."""
    activations = concat(getattr(layer, "activation", ()) for layer in network.layers)
    parts = (optimizer, *network.loss, *network.layers, *activations)
    inside = settings_of(optimizer).get("optimizer")
    are_ours = all(_module(part).startswith("catpipe.") for part in parts)
    return are_ours and (inside is None or _is_ours(network, inside))


def _module(part: Any) -> str:
    """Return the module of a function, or of a value's class."""
    return str(getattr(part, "__module__", ""))


def _steps(
    jax: Any,
    network: Network,
    optimizer: Optimizer,
    layouts: tuple[Layout, ...],
    *arguments: Any,
) -> tuple[tuple[Any, ...], Any]:
    """Return the vectors after each stretch of a program, and the costs before.

    The arguments are the vectors of parameters and moments after each stretch of the program before
    it, the iteration that it begins with, the steps from which each of its stretches goes on and to
    which, what is drawn, and the data.
    """
    vectors, begin, spans, drawn, data = arguments
    takes_rows = _takes_rows(network, data[0], is_stack=vectors[0].ndim > 2)
    of_rows = _by_rows(network) if takes_rows else network

    def parts(step: Any) -> tuple[Network, Optimizer, Batch]:
        at_step = partial(jax.lax.dynamic_index_in_dim, index=step, keepdims=False)
        row = {name: at_step(of_all) for name, of_all in drawn.items()}
        masks, rates = (_numbered(row, kind) for kind in ("mask", "rate"))
        of_step = with_shares(with_masks(of_rows, masks), row.get("shares"))
        return of_step, with_rates(optimizer, rates), _batch(data, row, takes_rows=takes_rows)

    def stepped(step: Any, carry: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        of_step, updating, batch = parts(step)
        parameters, *moments = map(Parameters.holding, carry)
        state = State(begin + step, parameters, tuple(moments))
        after = make_step(of_step, updating)(state, batch)
        return tuple(map(dict, (after.parameters, *after.moments)))

    def stretched(carry: tuple[dict[str, Any], ...], span: Any) -> tuple[Any, Any]:
        of_first, _, batch = parts(span[0])
        cost = cost_of(of_first, Parameters.holding(carry[0]), *batch, begin + span[0])
        carry = jax.lax.fori_loop(*span, stepped, carry)
        ended = zip(layouts, carry, strict=True)
        return carry, (tuple(layout.vector(of, jax.numpy) for layout, of in ended), cost)

    last = tuple(layout.views(of[-1]) for layout, of in zip(layouts, vectors, strict=True))
    _, ended = jax.lax.scan(stretched, last, spans)
    return ended


def _numbered(row: Drawn, kind: str) -> Iterator[Any]:
    """Return the drawn arrays of a kind, in the order of their numbers."""
    numbers = takewhile(lambda number: f"{kind} {number}" in row, count())
    return (row[f"{kind} {number}"] for number in numbers)


def _batch(data: tuple[Any, ...], row: Drawn, *, takes_rows: bool) -> Batch:
    X, Y, weights = data
    if "places" not in row:
        return Batch(X.mT if takes_rows else X, Y, weights)
    picked_X, picked_Y = (rows.at[row["places"]].get(mode="promise_in_bounds") for rows in (X, Y))
    return Batch(picked_X.mT, picked_Y.mT, row.get("weights"))
