"""Training in the subspace of the columns is training in the full space."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catpipe.data.batches import Batch
from catpipe.nn.activations import TANH
from catpipe.nn.arrays import Array
from catpipe.nn.network import first_dense, forward, mlp
from catpipe.nn.parameters import Parameters, map_parameters
from catpipe.optim.optimizers import heavy_ball
from catpipe.training.loop import State, initial_state, make_step, train
from catpipe.training.subspace import (
    Subspace,
    lift,
    orthonormal_basis,
    project,
    subspace_network,
    subspace_of,
)
from tests.experiments.test_ensembles import (
    OPTIMIZERS,
    assert_close,
    normal_stack,
    random_shares,
    smooth,
)
from tests.points import FLOATS, activations, examples, normal, normal_parameters, seeds

FULL = (slice(None),) * 6
MINI = (slice(0, 2), slice(2, None), slice(1, 3)) * 2

ranks = st.integers(3, 6)
spare = st.integers(2, 9)
hidden = st.lists(st.integers(1, 4), max_size=2)
stacks = st.integers(0, 3)  # 0 is a single network, without a leading axis
problems = st.tuples(ranks, spare, hidden, activations, stacks, seeds)
smooth_problems = st.tuples(ranks, spare, hidden, smooth, stacks, seeds)


def posed(problem, dtype=np.float64):
    """Return a network with more features than examples, its columns and targets, and a start."""
    count, more, units, activation, stacked, seed = problem
    net = mlp(count + more, *units, 1, activation=activation)
    start = (
        normal_stack(net, seed, stacked, dtype) if stacked else normal_parameters(net, seed, dtype)
    )
    return net, *examples(net, seed, count, dtype), start


def batches(X: Array, Y: Array, parts: tuple[slice, ...]) -> list[Batch]:
    return [Batch(X[:, part], Y[:, part]) for part in parts]


def entered(net, X: Array, parameters: Parameters) -> tuple[Subspace, Array]:
    basis, R = orthonormal_basis(X)
    return subspace_of(net, parameters, basis), R


def project_state(space: Subspace, state: State) -> State:
    """Return the state with parameters and moments in the subspace's coordinates."""
    moments = tuple(project(space, moment) for moment in state.moments)
    return state._replace(parameters=project(space, state.parameters), moments=moments)


def lift_state(space: Subspace, state: State) -> State:
    """Return the state with parameters and moments in the full space."""
    moments = tuple(lift(space, moment) for moment in state.moments)
    return state._replace(parameters=lift(space, state.parameters), moments=moments)


def trained_both_ways(problem, optimizer, parts, dtype=np.float64) -> tuple[State, State]:
    """Return the state after training in the subspace and lifting, and in the full space."""
    net, X, Y, parameters = posed(problem, dtype)
    space, R = entered(net, X, parameters)
    start = initial_state(optimizer, parameters)
    step, inside = (
        make_step(n, optimizer, 2) for n in (net, subspace_network(net, space.basis.shape[1]))
    )
    full = train(step, batches(X, Y, parts), start)
    small = train(inside, batches(R, Y, parts), project_state(space, start))
    return lift_state(space, small), full


@pytest.mark.parametrize("parts", [FULL, MINI], ids=["full", "mini"])
@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
@settings(max_examples=20)
@given(problems)
def test_lifting_what_was_trained_inside_is_training_in_the_full_space(make, parts, problem):
    lifted, full = trained_both_ways(problem, make(0.03), parts)
    assert_close(lifted.parameters, full.parameters)
    assert len(lifted.moments) == len(full.moments)
    for moment, expected in zip(lifted.moments, full.moments, strict=True):
        assert_close(moment, expected)
    assert lifted.iteration == full.iteration == len(parts)
    assert [i for i, _ in lifted.costs] == [i for i, _ in full.costs]
    for (_, inside), (_, outside) in zip(lifted.costs, full.costs, strict=True):
        np.testing.assert_allclose(inside, outside, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("parts", [FULL, MINI], ids=["full", "mini"])
@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
@settings(max_examples=10)
@given(smooth_problems)
def test_lifting_is_training_in_the_full_space_in_float32(make, parts, problem):
    lifted, full = trained_both_ways(problem, make(0.03), parts[:3], np.float32)
    assert_close(lifted.parameters, full.parameters, np.float32)


@settings(max_examples=30)
@given(problems)
def test_lifting_is_training_in_the_full_space_for_a_stack_of_rates_and_shares(problem):
    net, X, Y, parameters = posed((*problem[:4], 3, problem[5]))
    optimizer = heavy_ball(np.reshape((0.01, 0.1, 0.03), (3, 1, 1)))
    weights = random_shares(problem[5], 3, 1, X.shape[1])
    space, R = entered(net, X, parameters)
    start = initial_state(optimizer, parameters)
    full = train(make_step(net, optimizer), [Batch(X, Y, weights)] * 4, start)
    inside = make_step(subspace_network(net, space.basis.shape[1]), optimizer)
    small = train(inside, [Batch(R, Y, weights)] * 4, project_state(space, start))
    assert_close(lift(space, small.parameters), full.parameters)


@pytest.mark.parametrize("columns", [(0, 1, 1, 0, 2), (0, 0, 0, 0, 0)], ids=str)
@settings(max_examples=30)
@given(problems)
def test_lifting_is_training_in_the_full_space_also_of_duplicate_columns(columns, problem):
    net, X, Y, parameters = posed(problem)
    X, Y = X[:, columns], Y[:, columns]
    optimizer = OPTIMIZERS["momentum_l2"](0.03)
    space, R = entered(net, X, parameters)
    start = initial_state(optimizer, parameters)
    full = train(make_step(net, optimizer), batches(X, Y, MINI), start)
    inside = make_step(subspace_network(net, space.basis.shape[1]), optimizer)
    small = train(inside, batches(R, Y, MINI), project_state(space, start))
    assert_close(lift(space, small.parameters), full.parameters)


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
@settings(max_examples=30)
@given(problems)
def test_leaving_and_coming_back_is_never_having_left(make, problem):
    net, X, Y, parameters = posed(problem)
    optimizer = make(0.03)
    space, R = entered(net, X, parameters)
    step = make_step(subspace_network(net, space.basis.shape[1]), optimizer)
    first, second = batches(R, Y, MINI[:3]), batches(R, Y, MINI[3:])
    halfway = train(step, first, project_state(space, initial_state(optimizer, parameters)))
    stayed = lift_state(space, train(step, second, halfway))

    outside = lift_state(space, halfway)
    space, _ = entered(net, X, outside.parameters)
    came_back = lift_state(space, train(step, second, project_state(space, outside)))
    assert came_back.iteration == stayed.iteration
    assert_close(came_back.parameters, stayed.parameters)


@settings(max_examples=30)
@given(problems)
def test_a_run_begun_inside_carries_on_in_the_full_space(problem):
    net, X, Y, parameters = posed(problem)
    optimizer = OPTIMIZERS["nesterov_l2"](0.03)
    space, R = entered(net, X, parameters)
    start = initial_state(optimizer, parameters)
    step, inside = (
        make_step(n, optimizer) for n in (net, subspace_network(net, space.basis.shape[1]))
    )
    small = train(inside, batches(R, Y, MINI[:3]), project_state(space, start))
    carried_on = train(step, batches(X, Y, MINI[3:]), lift_state(space, small))
    full = train(step, batches(X, Y, MINI), start)
    assert_close(carried_on.parameters, full.parameters)


@given(problems)
def test_lifting_undoes_going_into_the_subspace(problem):
    net, X, _, parameters = posed(problem)
    space, _ = entered(net, X, parameters)
    assert_close(lift(space, project(space, parameters)), parameters)


@pytest.mark.parametrize("distance", [0, 1e-14, 1e-9])
@given(problems)
def test_lifting_undoes_it_also_for_weights_in_the_span_or_near_it(distance, problem):
    net, X, _, parameters = posed(problem)
    basis, _ = orthonormal_basis(X)
    W1 = parameters["W1"] @ basis @ basis.T + distance * parameters["W1"]
    inside = parameters | {"W1": W1}
    space = subspace_of(net, inside, basis)
    assert_close(lift(space, project(space, inside)), inside)


@pytest.mark.parametrize("distance", [0, 1e-9])
@settings(max_examples=30)
@given(problems)
def test_a_start_in_the_span_or_near_it_trains_inside_as_in_the_full_space(distance, problem):
    net, X, Y, parameters = posed(problem)
    basis, R = orthonormal_basis(X)
    W1 = parameters["W1"] @ basis @ basis.T + distance * parameters["W1"]
    optimizer = OPTIMIZERS["momentum_l2"](0.03)
    start = initial_state(optimizer, parameters | {"W1": W1})
    space = subspace_of(net, start.parameters, basis)
    full = train(make_step(net, optimizer), batches(X, Y, FULL), start)
    inside = make_step(subspace_network(net, space.basis.shape[1]), optimizer)
    small = train(inside, batches(R, Y, FULL), project_state(space, start))
    assert_close(lift(space, small.parameters), full.parameters)


@given(problems)
def test_zero_weights_stay_zero_on_the_way_there_and_back(problem):
    net, X, _, parameters = posed(problem)
    zero = map_parameters(np.zeros_like, parameters)
    space, _ = entered(net, X, zero)
    assert lift(space, project(space, zero)) == zero


@given(problems)
def test_rows_of_weights_keep_their_lengths_inside(problem):
    net, X, _, parameters = posed(problem)
    space, _ = entered(net, X, parameters)
    inside, outside = project(space, parameters)["W1"], parameters["W1"]
    np.testing.assert_allclose((inside**2).sum(-1), (outside**2).sum(-1), rtol=1e-12)


@given(problems)
def test_the_logits_inside_are_those_outside(problem):
    net, X, _, parameters = posed(problem)
    space, R = entered(net, X, parameters)
    Z, _ = forward(net, parameters, X)
    inside, _ = forward(subspace_network(net, space.basis.shape[1]), project(space, parameters), R)
    np.testing.assert_allclose(inside, Z, rtol=1e-9, atol=1e-9)


@given(problems)
def test_what_is_unseen_is_orthogonal_to_every_column(problem):
    net, X, _, parameters = posed(problem)
    space, _ = entered(net, X, parameters)
    assert np.abs(space.unseen @ X).max() < 1e-12
    np.testing.assert_allclose((space.unseen**2).sum(-1), 1, rtol=1e-12)


@given(problems)
def test_other_parameters_than_the_first_weights_are_left_as_they_are(problem):
    net, X, _, parameters = posed(problem)
    space, _ = entered(net, X, parameters)
    inside = project(space, parameters)
    assert all((inside[name] == parameters[name]).all() for name in parameters if name != "W1")


def test_only_the_first_fan_in_is_another_in_the_narrowed_network():
    net = mlp(9, 4, 3, 1)
    space, _ = entered(net, normal(1, 9, 5), normal_parameters(net, 1))
    small = subspace_network(net, space.basis.shape[1])
    assert small.layers[0] == replace(first_dense(net), fan_in=6)
    assert (small.layers[1:], small.loss) == (net.layers[1:], net.loss)


def _badly_conditioned(seed: int) -> Array:
    U, V = (np.linalg.qr(normal(seed + i, size, 7))[0] for i, size in enumerate((20, 7)))
    return U * np.logspace(0, -12, 7) @ V.T


COLUMNS = {
    "generic": lambda seed: normal(seed, 20, 7),
    "one": lambda seed: normal(seed, 20, 1),
    "duplicated": lambda seed: normal(seed, 20, 4)[:, [0, 1, 1, 2, 0, 3, 3]],
    "rank_deficient": lambda seed: normal(seed, 20, 3) @ normal(seed + 1, 3, 7),
    "badly_conditioned": _badly_conditioned,
    "badly_scaled": lambda seed: normal(seed, 20, 7) * np.logspace(0, -12, 7),
    "some_zero": lambda seed: normal(seed, 20, 7) * [0, 1, 1, 0, 0, 1, 1],
    "all_zero": lambda seed: 0 * normal(seed, 20, 7),
    "more_columns_than_features": lambda seed: normal(seed, 5, 9),
    "in_rows_of_memory": lambda seed: np.asfortranarray(normal(seed, 20, 7)),
}

columns = pytest.mark.parametrize("make", COLUMNS.values(), ids=COLUMNS)
digits = pytest.mark.parametrize(
    ("dtype", "close"), [(np.float64, 1e-14), (np.float32, 5e-6)], ids=["float64", "float32"]
)


@columns
@digits
@settings(max_examples=20)
@given(seed=seeds)
def test_a_basis_is_orthonormal_to_the_last_digits(make, dtype, close, seed):
    basis, _ = orthonormal_basis(make(seed).astype(dtype))
    np.testing.assert_allclose(basis.T @ basis, np.eye(basis.shape[1]), rtol=0, atol=close)
    assert basis.dtype == dtype


@columns
@digits
@settings(max_examples=20)
@given(seed=seeds)
def test_the_coordinates_times_the_basis_are_the_columns(make, dtype, close, seed):
    X = make(seed).astype(dtype)
    basis, R = orthonormal_basis(X)
    error = np.linalg.norm(basis @ R[:-1] - X, axis=0)
    assert (error <= close * np.linalg.norm(X, axis=0)).all()
    assert R.dtype == dtype


@columns
@settings(max_examples=20)
@given(seed=seeds)
def test_a_last_row_of_zeros_is_for_what_the_columns_do_not_reach(make, seed):
    basis, R = orthonormal_basis(make(seed))
    assert R.shape == (basis.shape[1] + 1, make(seed).shape[1])
    assert not R[-1].any()


@columns
def test_equal_columns_have_equal_bases_to_the_bit(make):
    first, again = (orthonormal_basis(make(1)) for _ in range(2))
    assert [a.tobytes() for a in first] == [a.tobytes() for a in again]


class Signs(NamedTuple):
    """An optimizer of one's own, which steps by the signs of the gradients."""

    commutes_with_rotations: bool = False
    is_linear: bool = False

    def init(self, parameters):  # noqa: ARG002
        """Return no moments."""
        return ()

    def update(self, iteration, parameters, moments, gradients):  # noqa: ARG002
        """Return W - 0.03 sign(dW)."""
        return map_parameters(lambda W, dW: W - 0.03 * np.sign(dW), parameters, gradients), moments


def test_an_optimizer_that_does_not_commute_with_rotations_comes_out_elsewhere():
    lifted, full = trained_both_ways((4, 5, [3], TANH, 0, 1), Signs(), FULL)
    assert np.abs(lifted.parameters["W1"] - full.parameters["W1"]).max() > 0.01


def test_the_types_that_go_in_come_out():
    for dtype in FLOATS:
        net, X, _, parameters = posed((4, 5, [3], TANH, 2, 1), dtype)
        space, R = entered(net, X, parameters)
        inside = project(space, parameters)
        arrays = [space.unseen, R, *inside.values(), *lift(space, inside).values()]
        assert {array.dtype for array in arrays} == {np.dtype(dtype)}
