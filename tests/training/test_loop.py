"""Training is one fold: it splits anywhere to the bit, and the lazy fold is the same."""

import pickle
import warnings
from functools import partial
from itertools import cycle, islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toolz import last

from catpipe.data.batches import Batch, full_batches, mini_batches, normalized
from catpipe.data.sampling import balanced, shuffled, stratified
from catpipe.nn.activations import TANH
from catpipe.nn.losses import MEAN_SQUARED_ERROR
from catpipe.nn.network import compute_cost, forward, gradients, mlp, with_dropout
from catpipe.nn.parameters import Parameters, map_parameters
from catpipe.optim.optimizers import gradient_descent, heavy_ball, update_parameters
from catpipe.optim.schedules import cosine, inverse_time, warm_up
from catpipe.training.cost_history import CostHistory
from catpipe.training.loop import (
    Diverged,
    State,
    Step,
    finite,
    initial_state,
    is_finite,
    make_step,
    train,
    trajectory,
)
from catpipe.training.stopping import early_stopping
from tests.points import (
    FLOATS,
    OPTIMIZERS,
    cost_at,
    examples,
    networks,
    normal,
    normal_parameters,
    seeds,
)


def run(net, seed, dtype=np.float64, sample_every=2):
    """Return a step, a batch and a start at a generic point."""
    descent = gradient_descent(0.1)
    X, Y = examples(net, seed, dtype=dtype)
    start = initial_state(descent, normal_parameters(net, seed, dtype))
    return make_step(net, descent, sample_every), Batch(X, Y), start


def equal(a: State, b: State) -> bool:
    return a.iteration == b.iteration and a[1:3] == b[1:3] and a.costs == b.costs


@given(networks(), seeds, st.integers(0, 4), st.integers(0, 4))
def test_training_on_both_parts_is_training_on_one_and_then_the_other(net, seed, before, after):
    step, batch, start = run(net, seed)
    at_once = train(step, [batch] * (before + after), start)
    in_parts = train(step, [batch] * after, train(step, [batch] * before, start))
    assert equal(at_once, in_parts)


@given(networks(), seeds, st.integers(0, 5))
def test_carrying_on_from_a_pickled_state_loses_nothing(net, seed, k):
    step, batch, start = run(net, seed)
    saved = pickle.loads(pickle.dumps((step, train(step, [batch] * k, start))))
    assert equal(train(saved[0], [batch] * 3, saved[1]), train(step, [batch] * (k + 3), start))


LABELS = np.array([0, 1, 0, 2, 0, 1, 2, 0, 0, 1, 0])
ORDERS = {
    "shuffled": shuffled(11, seed=3),
    "stratified": stratified(LABELS, seed=3),
    "balanced": balanced(LABELS, seed=3),
}
RATES = {
    "cosine": warm_up(cosine(0.05, iterations=10), iterations=3),
    "inverse_time": inverse_time(0.05, decay=0.5),
}
optimizers = pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)


def streamed(optimizer, order, dropout=0.4):
    """Return a step, the mini-batches from any iteration on, and a start: all that draws, draws."""
    net = with_dropout(mlp(5, 4, 3, 2, activation=TANH), dropout, seed=7)
    everything = Batch(*examples(net, 1, count=11), normalized(np.abs(normal(2, 1, 11))))
    batches = partial(mini_batches, everything, order, 4)
    return (
        make_step(net, optimizer, 2),
        batches,
        initial_state(optimizer, normal_parameters(net, 5)),
    )


TURNS = [*zip(OPTIMIZERS, cycle(ORDERS), cycle(RATES), strict=False)]
TURNS += [
    (make, order, rate) for make in ("adam", "nesterov") for order in ORDERS for rate in RATES
]


@pytest.mark.parametrize(("make", "order", "rate"), dict.fromkeys(TURNS))
def test_a_run_that_draws_carries_on_from_any_pickled_state_as_if_never_stopped(make, order, rate):
    step, batches, start = streamed(OPTIMIZERS[make](RATES[rate]), ORDERS[order])
    states = [*islice(trajectory(step, batches(), start), 11)]
    for state in states:
        again, saved = pickle.loads(pickle.dumps((step, state)))
        carried_on = train(again, islice(batches(saved.iteration), 10 - saved.iteration), saved)
        assert equal(carried_on, states[-1])


def test_what_a_run_draws_at_one_iteration_it_does_not_draw_at_another():
    step, batches, start = streamed(OPTIMIZERS["gradient_descent"](0.1), ORDERS["shuffled"])
    one = next(batches())
    after = [step(start._replace(iteration=i), one).parameters["W3"].tobytes() for i in range(9)]
    assert len(set(after)) == 9


@optimizers
def test_a_run_stopped_early_carries_on_from_what_is_kept_at_any_iteration(make):
    step, batches, start = streamed(make(RATES["cosine"]), ORDERS["shuffled"])
    net = mlp(5, 4, 3, 2, activation=TANH)
    X, Y = examples(net, 9)

    def watched(state, kept=None):
        states = trajectory(step, islice(batches(state.iteration), 40 - state.iteration), state)
        cost = partial(cost_at, net, X=X, Y=Y)
        return early_stopping(states, cost, patience=3, every=2, checkpoint=kept)

    at_once = [*watched(start)]
    for kept in at_once[::3]:
        saved = pickle.loads(pickle.dumps(kept))
        carried_on = [*watched(saved.state, saved)]
        assert carried_on == at_once[kept.state.iteration :]


@given(networks(), seeds, st.integers(0, 5))
def test_the_trajectory_ends_where_training_ends(net, seed, k):
    step, batch, start = run(net, seed)
    states = list(trajectory(step, [batch] * k, start))
    assert len(states) == k + 1
    assert equal(states[-1], train(step, [batch] * k, start))


def test_the_trajectory_is_lazy():
    def endless():
        while True:
            yield batch

    step, batch, start = run(mlp(2, 1), seed=1)
    states = trajectory(step, endless(), start)
    assert [next(states).iteration for _ in range(3)] == [0, 1, 2]


@given(networks(), seeds)
def test_a_step_goes_the_learning_rate_times_the_gradient_downhill(net, seed):
    step, batch, start = run(net, seed)
    dW = gradients(net, start.parameters, batch.X, batch.Y)
    after = step(start, batch).parameters
    for name, W in start.parameters.items():
        np.testing.assert_allclose(after[name], W - 0.1 * dW[name], rtol=1e-12, atol=1e-12)


@given(networks(), seeds)
def test_costs_are_sampled_before_the_update_at_every_so_many_iterations(net, seed):
    step, batch, start = run(net, seed, sample_every=2)
    states = list(trajectory(step, [batch] * 5, start))
    expected = [
        (state.iteration, compute_cost(net, forward(net, state.parameters, batch.X)[0], batch.Y))
        for state in states[0:5:2]
    ]
    assert list(states[-1].costs) == expected


def test_a_step_that_samples_holds_on_to_the_costs_before_and_copies_none():
    step, batch, start = run(mlp(3, 1), seed=1, sample_every=1)
    one, two = islice(trajectory(step, [batch] * 2, start), 1, 3)
    assert isinstance(two.costs, CostHistory)
    assert two.costs.before is one.costs


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("rate", [0.1, np.float64(0.1)])
def test_the_type_that_goes_in_comes_out(dtype, rate):
    net = mlp(3, 2, 1)
    X, Y = examples(net, seed=1, dtype=dtype)
    descent = gradient_descent(rate)
    start = initial_state(descent, normal_parameters(net, 1, dtype))
    after = train(make_step(net, descent), full_batches(X, Y, 2), start)
    assert {a.dtype for a in after.parameters.values()} == {np.dtype(dtype)}


def test_a_gradient_under_another_name_is_refused():
    with pytest.raises(KeyError, match="W2"):
        update_parameters(Parameters(W1=[[1.0]]), Parameters(W2=[[1.0]]), 0.1)


@pytest.mark.parametrize("rate", [0, -0.1, float("nan"), float("inf")])
def test_a_learning_rate_that_goes_nowhere_is_refused(rate):
    with pytest.raises(ValueError, match="positive finite"):
        gradient_descent(rate)


def test_a_cost_that_is_no_longer_finite_stops_the_trajectory_and_is_named():
    good, bad = State(1, Parameters(), (), ((0, 0.5),)), ((0, 0.5), (100, np.inf))
    states = finite([good, good._replace(iteration=101, costs=bad)])
    assert next(states) is good
    with pytest.raises(FloatingPointError, match="inf at iteration 100"):
        last(states)


@pytest.mark.parametrize("costs", [[0.5, np.nan], [np.inf, 0.5], [[0.5, 0.5], [-np.inf, 0.5]]])
def test_one_network_of_a_stack_whose_cost_is_not_finite_stops_all(costs):
    state = State(1, Parameters(), (), ((0, np.array(costs)),))
    with pytest.raises(FloatingPointError, match="iteration 0"):
        list(finite([state]))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_run_that_diverges_ends_at_the_first_sampled_cost_that_is_not_finite():
    step, batches, start = streamed(OPTIMIZERS["heavy_ball"](1e308), ORDERS["shuffled"], 0.0)
    states = [*islice(trajectory(step, batches(), start), 9)]
    sampled = [iteration for iteration, cost in states[-1].costs if not np.isfinite(cost)]
    handed_on = finite(iter(states))
    with pytest.raises(FloatingPointError, match=f"at iteration {sampled[0]};"):
        list(handed_on)


def test_states_without_a_new_cost_or_with_finite_ones_are_handed_on():
    first = State(1, Parameters(), (), ((0, np.array([0.5, 0.25])),))
    states = [first._replace(iteration=0, costs=()), first, first._replace(iteration=2)]
    assert [state.iteration for state in finite(states)] == [0, 1, 2]


def test_every_sampled_cost_is_looked_at():
    first = State(1, Parameters(), (), ((0, 0.5),))
    second = State(2, Parameters(), (), (*first.costs, (1, np.nan)))
    with pytest.raises(FloatingPointError, match="iteration 1"):
        list(finite([first, second]))


def test_the_last_state_whose_cost_was_finite_is_kept():
    good = [State(i, Parameters(b=[float(i)]), (), ((0, 0.5),) * (i > 0)) for i in range(5)]
    bad = State(5, Parameters(b=[np.nan]), (), ((0, 0.5), (4, np.nan)))
    with pytest.raises(Diverged) as stopped:
        last(finite([*good, bad]))
    assert stopped.value.state == good[0]


def test_what_stopped_training_goes_to_another_process_with_its_state():
    stopped = Diverged("cost nan", State(3, Parameters(b=[1.0]), ()))
    again = pickle.loads(pickle.dumps(stopped))
    assert (str(again), again.state) == ("cost nan", stopped.state)


@pytest.mark.parametrize("iteration", [0, 1, 2])
@pytest.mark.parametrize("shape", [(1, 5), (2, 6), (6,), (6, 1)])
def test_each_step_refuses_targets_of_another_shape_than_the_logits(iteration, shape):
    step, batch, start = run(mlp(3, 4, 1), seed=1, sample_every=2)
    other = batch._replace(Y=np.zeros(shape))
    with pytest.raises(ValueError, match="targets"):
        step(start._replace(iteration=iteration), other)


def test_a_step_compares_and_prints_as_what_it_is_made_of():
    net, descent = mlp(3, 1), gradient_descent(0.1)
    assert make_step(net, descent, 5) == Step(net, descent, 5) != Step(net, descent, 6)
    assert repr(make_step(net, descent)) == f"Step({net=!r}, ".replace("net=", "network=") + (
        "optimizer=GradientDescent(learning_rate=0.1), sample_every=100)"
    )


def diverging(sample_every=1):
    """Return a step that goes much too far, its batches and a start."""
    net, descent = mlp(3, 4, 2, activation=TANH, loss=MEAN_SQUARED_ERROR), gradient_descent(1e30)
    X, Y = examples(net, 1)
    start = initial_state(descent, normal_parameters(net, 1))
    return make_step(net, descent, sample_every), [Batch(X, Y)] * 40, start


@pytest.mark.parametrize("how", ["always", "default"])
def test_a_run_that_diverges_warns_once_of_its_parameters(how):
    with warnings.catch_warnings(record=True, action=how) as said:
        train(*diverging())
    assert [warning.category for warning in said] == [RuntimeWarning]
    assert "parameters are not finite after iteration 39; expected" in str(said[0].message)
    assert said[0].filename == __file__


def test_a_run_that_stays_finite_or_began_otherwise_warns_of_nothing():
    step, batch, start = run(mlp(3, 1), seed=1)
    train(step, [batch], start)
    lost = start._replace(parameters=map_parameters(lambda W: W * np.nan, start.parameters))
    train(step, [batch], lost)


@pytest.mark.parametrize("sample_every", [1, 4, 10_000])
def test_a_run_asked_to_stay_finite_raises_diverged_without_a_warning(sample_every):
    step, batches, start = diverging(sample_every)
    with pytest.raises(Diverged, match=r"expected .*finite.*: lower the learning rate") as stopped:
        train(step, batches, start, finite=True)
    assert stopped.value.state.iteration < 40
    assert is_finite(stopped.value.state.parameters) or sample_every > 40


def test_asking_for_finite_changes_no_bit_of_a_run_that_stays_so():
    step, batch, start = run(mlp(3, 2, 1), seed=1)
    assert equal(train(step, [batch] * 5, start, finite=True), train(step, [batch] * 5, start))


def test_a_first_cost_that_is_not_finite_is_not_blamed_on_the_learning_rate():
    step, batch, start = run(mlp(3, 1), seed=1)
    with pytest.raises(Diverged, match="look for NaN and infinity in X"):
        train(step, [batch._replace(X=batch.X * np.nan)], start, finite=True)


def test_who_asks_numpy_to_raise_is_told_where_numbers_overflow():
    with np.errstate(over="raise"), pytest.raises(FloatingPointError, match="overflow"):
        train(*diverging())


def other_states():
    """Return states that are none of gradient descent's on a network of 3-1, and of momentum's."""
    W = normal_parameters(mlp(3, 1), 1)
    v, narrow = map_parameters(np.zeros_like, W), map_parameters(np.float32, W)
    return {
        "no moments": (heavy_ball, State(0, W, None), "moments None"),  # type: ignore[arg-type]
        "numbers for moments": (heavy_ball, State(0, W, (1,)), "type int"),  # type: ignore[arg-type]
        "too many moments": (gradient_descent, State(0, W, (v,)), "1 moments"),
        "too few moments": (heavy_ball, State(0, W, ()), "0 moments"),
        "other names": (heavy_ball, State(0, W, (Parameters(W9=[[1.0]]),)), "a moment of W9"),
        "one name less": (heavy_ball, State(0, W, (Parameters(W1=v["W1"]),)), "a moment of W1"),
        "another shape": (heavy_ball, State(0, W, (v | {"b1": [[0.0, 0.0]]},)), "b1 .1, 2."),
        "another type": (
            heavy_ball,
            State(0, narrow, (v,)),
            "a moment of W1 .* float64; expected .* float32",
        ),
        "other parameters": (
            gradient_descent,
            State(0, normal_parameters(mlp(2, 1), 1), ()),
            "parameters of another network",
        ),
    }


OTHER_STATES = other_states()


@pytest.mark.parametrize("begin", [train, trajectory])
@pytest.mark.parametrize(("make", "state", "reason"), OTHER_STATES.values(), ids=OTHER_STATES)
def test_a_state_of_another_optimizer_or_network_is_refused_in_a_sentence(
    begin, make, state, reason
):
    step, batch, _ = run(mlp(3, 1), seed=1)
    stranger = make_step(step.network, make(0.1))
    with pytest.raises(ValueError, match=rf"(?=.*; expected).*{reason}"):
        begin(stranger, [batch], state)


FITTING = Batch(*examples(mlp(3, 1), seed=1))
OTHER_BATCHES = {
    "rows for columns": Batch(FITTING.X.T, FITTING.Y),
    "one target less": Batch(FITTING.X, FITTING.Y[:, 1:]),
    "one column less": Batch(FITTING.X[:, 1:], FITTING.Y),
    "another count of features": Batch(FITTING.X[1:], FITTING.Y),
    "one axis of X": Batch(FITTING.X[0], FITTING.Y),
    "one axis of Y": Batch(FITTING.X, FITTING.Y[0]),
    "two outputs": Batch(FITTING.X, np.ones((2, 6))),
    "weights of one axis": FITTING._replace(weights=np.ones(6)),
    "weights as rows": FITTING._replace(weights=np.ones((6, 1))),
    "a weight less": FITTING._replace(weights=np.ones((1, 5))),
    "text": FITTING._replace(X=FITTING.X.astype(str)),
    "no targets": FITTING._replace(Y=None),  # type: ignore[arg-type]
    "a pair": tuple(FITTING)[:2],
    "no batch": None,
}


@pytest.mark.parametrize("iteration", [0, 1])
@pytest.mark.parametrize("batch", OTHER_BATCHES.values(), ids=OTHER_BATCHES)
def test_a_step_refuses_a_batch_that_does_not_fit_in_a_sentence(batch, iteration):
    step, _, start = run(mlp(3, 1), seed=1)
    with pytest.raises((ValueError, TypeError), match="; expected"):
        step(start._replace(iteration=iteration), batch)


@pytest.mark.parametrize(
    "state", [{"iteration": None}, {"iteration": -1}, {"costs": None}], ids=str
)
def test_a_state_without_an_iteration_or_costs_is_refused_in_a_sentence(state):
    step, batch, start = run(mlp(3, 1), 1)
    with pytest.raises((TypeError, ValueError), match="; expected"):
        train(step, [batch], start._replace(**state))


def test_costs_may_begin_as_an_empty_list():
    step, batch, start = run(mlp(3, 1), 1)
    assert train(step, [batch], start._replace(costs=[]), finite=True).costs[0][0] == 0


def test_states_of_stacks_compare():
    W = normal_parameters(mlp(3, 1), 1)
    stack = map_parameters(lambda array: np.stack([array, 2 * array]), W)
    step, batch, start = run(mlp(3, 1), 1)
    one, again = (train(step, [batch], start._replace(parameters=stack)) for _ in range(2))
    assert one == again != one._replace(costs=((0, np.array([0.5, 0.25])),))
