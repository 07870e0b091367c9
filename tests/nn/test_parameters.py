"""Parameters are values: nothing reaches into them, and maps over several insist on equal names."""

import copy
import operator
import pickle

import numpy as np
import pytest
import toolz

from catpipe.nn.network import scaled
from catpipe.nn.parameters import Parameters, map_numbers, map_parameters

W1, b1 = np.array([[1.5, -2.0], [0.25, 3.0]]), np.array([[0.5], [1.0]], np.float32)


@pytest.fixture
def parameters() -> Parameters:
    return Parameters(W1=W1, b1=b1)


def test_a_later_write_to_the_callers_array_does_not_reach_in():
    mine = np.ones(2)
    parameters = Parameters(b=mine)
    mine[0] = 7
    assert parameters["b"].tolist() == [1, 1]


def test_a_later_write_through_an_older_view_does_not_reach_in():
    mine = np.ones(2)
    view = mine[:]
    mine.setflags(write=False)
    parameters = Parameters(b=mine)
    view[0] = 7
    assert parameters["b"].tolist() == [1, 1]


def test_the_callers_own_array_stays_writeable():
    mine = np.ones(2)
    Parameters(b=mine)
    assert mine.flags.writeable


def test_arrays_cannot_be_written_to(parameters):
    with pytest.raises(ValueError, match="read-only"):
        parameters["W1"][0, 0] = 1


@pytest.mark.parametrize(
    "change",
    [
        lambda p: operator.setitem(p, "W1", W1),
        lambda p: operator.delitem(p, "W1"),
        lambda p: setattr(p, "_arrays", {}),
        lambda p: delattr(p, "_arrays"),
        lambda p: operator.setitem(p.keys().mapping, "W1", W1),
        lambda p: operator.setitem(p.items().mapping, "W1", W1),
        lambda p: p.update(W1=b1),
        lambda p: p.setdefault("W2", W1),
        lambda p: p.pop("W1"),
        lambda p: p.popitem(),
        lambda p: p.clear(),
    ],
)
def test_names_cannot_be_set_or_deleted(parameters, change):
    before = pickle.dumps(parameters)
    with pytest.raises((TypeError, AttributeError)):
        change(parameters)
    assert pickle.dumps(parameters) == before


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_to_an_equal_value_with_every_protocol(parameters, protocol):
    assert pickle.loads(pickle.dumps(parameters, protocol)) == parameters


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_unpickled_arrays_are_read_only(parameters, protocol):
    again = pickle.loads(pickle.dumps(parameters, protocol))
    assert not any(array.flags.writeable for array in again.values())


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_copies_are_equal(parameters, copied):
    assert copied(parameters) == parameters


def test_equal_numbers_are_equal_whatever_the_order_of_names(parameters):
    assert Parameters(b1=b1, W1=W1) == parameters


@pytest.mark.parametrize(
    "other",
    [
        Parameters(W1=W1),
        Parameters(W1=W1, b2=b1),
        Parameters(W1=W1 + 1e-15, b1=b1),
        Parameters(W1=W1, b1=b1.astype(float)),
        Parameters(W1=W1, b1=b1[:, 0]),
        {"W1": 1},
    ],
)
def test_other_names_numbers_types_or_shapes_are_unequal(parameters, other):
    assert parameters != other


def test_not_a_number_equals_itself():
    assert Parameters(b=[np.nan]) == Parameters(b=[np.nan])


def test_or_merges_into_new_ones_with_the_right_hand_winning(parameters):
    assert parameters | {"b1": [0.0], "W2": [1.0]} == Parameters(W1=W1, b1=[0.0], W2=[1.0])


def test_or_takes_a_mapping_on_the_left(parameters):
    assert {"b1": [0.0], "W2": [1.0]} | parameters == Parameters(W1=W1, b1=b1, W2=[1.0])


def test_or_leaves_both_as_they_were(parameters):
    before = pickle.dumps(parameters)
    assert parameters | {"b1": [0.0]} != parameters
    assert pickle.dumps(parameters) == before


def test_repr_shows_names_shapes_types_and_count_and_no_numbers(parameters):
    assert repr(parameters) == "Parameters(W1 (2, 2) float64, b1 (2, 1) float32; 6 numbers)"


def test_or_in_place_makes_new_ones(parameters):
    name, before = parameters, pickle.dumps(parameters)
    name |= {"b1": [0.0]}
    assert name == Parameters(W1=W1, b1=[0.0])
    assert pickle.dumps(parameters) == before


def test_toolz_maps_filters_and_merges_them(parameters):
    assert toolz.valmap(np.shape, parameters) == {"W1": (2, 2), "b1": (2, 1)}
    assert Parameters(toolz.keyfilter("W1".__eq__, parameters)) == Parameters(W1=W1)
    assert Parameters(toolz.merge(parameters, {"b1": b1})) == parameters
    assert Parameters(toolz.assoc(parameters, "b1", b1)) == parameters
    assert Parameters(toolz.dissoc(parameters, "b1")) == Parameters(W1=W1)


@pytest.mark.parametrize("value", ["text", object(), None])
def test_what_is_not_numbers_is_refused_by_name(value):
    with pytest.raises(TypeError, match="W1"):
        Parameters(W1=value)


def test_they_are_not_hashable(parameters):
    with pytest.raises(TypeError, match="unhashable"):
        hash(parameters)


def test_map_applies_the_function_under_each_name(parameters):
    doubled = map_parameters(np.add, parameters, parameters)
    assert doubled == Parameters(W1=2 * W1, b1=2 * b1)


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (Parameters(W1=W1), r"missing \['b1'\]"),
        (Parameters(W1=W1, b1=b1, W2=W1), r"unexpected \['W2'\]"),
    ],
)
def test_map_refuses_a_missing_or_an_extra_name(parameters, other, told):
    with pytest.raises(KeyError, match=told):
        map_parameters(np.add, parameters, other)


def test_what_map_returns_is_read_only(parameters):
    assert not any(
        array.flags.writeable for array in map_parameters(np.negative, parameters).values()
    )


def test_map_does_not_adopt_a_view_that_somebody_can_write_through():
    mine = np.ones((2, 2))
    mapped = map_parameters(lambda _: mine.T, Parameters(W=W1))
    mine[0, 0] = 7
    assert mapped["W"][0, 0] == 1


@pytest.mark.parametrize("returned", [None, "text", [[1.0], [1.0, 2.0]]])
def test_a_map_that_returns_no_numbers_is_refused(returned):
    with pytest.raises(TypeError, match=r"W has .*; expected an array of numbers"):
        map_parameters(lambda _: returned, Parameters(W=W1))


NAMES = {"W1": (4, 3), "b1": (4, 1), "W2": (1, 4)}


def drawn(seed: int, *leading: int, names=tuple(NAMES), dtype=float) -> Parameters:
    draws = np.random.default_rng(seed)
    arrays = {name: draws.standard_normal((*leading, *NAMES[name])) for name in NAMES}
    return Parameters({name: arrays[name].astype(dtype) for name in names})


@pytest.mark.parametrize(("leading", "shape"), [((), (20,)), ((5,), (5, 20)), ((2, 5), (2, 5, 20))])
def test_arrays_of_one_type_are_views_of_one_vector_in_the_order_of_names(leading, shape):
    parameters = drawn(1, *leading)
    assert parameters.vector.shape == shape
    rows = [array.reshape(*leading, -1) for array in parameters.values()]
    np.testing.assert_array_equal(np.concatenate(rows, -1), parameters.vector)
    assert all(np.shares_memory(array, parameters.vector) for array in parameters.values())


def test_the_vector_cannot_be_written_to():
    with pytest.raises(ValueError, match="read-only"):
        drawn(1).vector[0] = 1


@pytest.mark.parametrize(
    "arrays",
    [{"W1": W1, "b1": b1}, {"W1": np.ones((2, 3, 1)), "b1": np.ones((3, 1))}, {}],
    ids=["of two types", "of two depths", "none"],
)
def test_arrays_that_fit_in_no_vector_are_apart(arrays):
    parameters = Parameters(arrays)
    assert parameters.layout is None
    assert {name: array.tolist() for name, array in parameters.items()} == {
        name: array.tolist() for name, array in arrays.items()
    }


def test_layouts_of_the_same_names_and_shapes_are_one():
    assert drawn(1).layout is drawn(2, 5).layout is drawn(3, dtype=np.float32).layout
    assert drawn(1).layout is not drawn(1, names=("b1", "W1", "W2")).layout


OTHERS = {
    "in one vector": lambda: drawn(2),
    "in another order": lambda: drawn(2, names=("b1", "W2", "W1")),
    "a dict": lambda: dict(drawn(2)),
}
RATES = {"a number": 0.3, "one a network": np.array([0.3, 7.0]).reshape(2, 1, 1)}


@pytest.mark.parametrize("rate", RATES.values(), ids=RATES)
@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_numbers_are_mapped_as_each_array_by_itself(other, rate):
    W, D = drawn(1), other()
    after, product = map_numbers(lambda W, D, rate: (W - rate * D, W * D), W, D, rates=(rate,))
    for name in W:
        np.testing.assert_array_equal(after[name], W[name] - rate * D[name])
        np.testing.assert_array_equal(product[name], W[name] * D[name])


@pytest.mark.parametrize("rate", RATES.values(), ids=RATES)
def test_numbers_of_a_stack_are_mapped_as_each_array_by_itself(rate):
    W, D = drawn(1, 2, dtype=np.float32), drawn(2, 2, dtype=np.float32)
    (after,) = map_numbers(lambda W, D, rate: (W - rate * D,), W, D, rates=(rate,))
    for name in W:
        expected = W[name] - np.asarray(rate, np.float32) * D[name]
        assert after[name].dtype == np.float32
        np.testing.assert_array_equal(after[name], expected)


@pytest.mark.parametrize("mapped", [map_parameters, map_numbers])
@pytest.mark.parametrize("first", [drawn(1), Parameters(W1=W1, b1=b1)], ids=["a vector", "apart"])
def test_every_map_refuses_other_names(mapped, first):
    with pytest.raises(KeyError, match="unexpected"):
        mapped(np.divmod, first, first | {"extra": W1})


def test_gradients_are_laid_out_as_the_parameters_are():
    W, D = drawn(1), drawn(2, names=("W2", "W1", "b1"))
    together = scaled(W, dict(D), 1.0)
    assert together == D
    assert together.layout is W.layout


def test_gradients_of_other_names_are_refused():
    with pytest.raises(KeyError, match=r"missing \['b1'\], unexpected \['b7'\]"):
        scaled(drawn(1), {"W1": W1, "W2": W1, "b7": b1}, 1.0)


@pytest.mark.parametrize("wrong", [(3, 4), (12, 1), (4, 2)])
def test_a_gradient_of_another_shape_is_refused(wrong):
    dW = {**drawn(2), "W1": np.ones(wrong)}
    with pytest.raises(
        ValueError, match=rf"array W1 has shape \({wrong[0]}, {wrong[1]}\); expected"
    ):
        scaled(drawn(1), dW, 1.0)


def test_gradients_of_a_stack_may_be_shared_by_its_networks():
    dW = {**drawn(2, 5), "b1": np.ones((4, 1))}
    together = scaled(drawn(1, 5), dW, 1.0)
    assert together["b1"].shape == (5, 4, 1)
    np.testing.assert_array_equal(together["W2"], dW["W2"])


def test_a_stack_of_no_networks_is_one():
    assert drawn(1, 0)["W1"].shape == (0, 4, 3)


def test_numbers_of_no_names_are_mapped_to_none():
    assert map_numbers(np.divmod, Parameters(), Parameters()) == (Parameters(), Parameters())


@pytest.mark.parametrize("scale", [0.3, np.array([[0.3]])], ids=["a number", "an array"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_many_gradients_are_scaled_as_few_are(dtype, scale):
    draws = np.random.default_rng(1)
    dW = {"W1": draws.standard_normal((300, 300)).T.astype(dtype), "b1": np.ones((300, 1), dtype)}
    scale = scale if isinstance(scale, float) else scale.astype(dtype)
    together = scaled(Parameters(dW), dW, scale)
    for name, array in dW.items():
        np.testing.assert_array_equal(together[name], array * scale)
        assert together[name].dtype == dtype
        assert not together[name].flags.writeable
