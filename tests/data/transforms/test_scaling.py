"""Scales of features, against scikit-learn and the definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler

from catpipe.data.transforms.composition import fit_and_apply
from catpipe.data.transforms.scaling import logarithm, scale_groups, square_root, standardize
from catpipe.nn.parameters import Parameters
from tests.points import normal, seeds


@given(seeds)
def test_standardize_is_scikit_learns(seed):
    rows, others = 3 + 2 * normal(seed, 9, 4), normal(seed + 1, 5, 4)
    scaler = StandardScaler().fit(rows)
    fitted = standardize().fit(rows, seed=1)
    np.testing.assert_allclose(
        standardize().apply(fitted, others), scaler.transform(others), rtol=1e-9, atol=1e-12
    )


@given(st.floats(-1e6, 1e6), st.sampled_from([np.float32, np.float64]))
def test_a_constant_feature_becomes_exactly_0(level, dtype):
    rows = np.full((7, 2), level, dtype)
    assert (fit_and_apply(standardize(), rows, seed=1)[1] == 0).all()


def test_a_feature_that_was_constant_keeps_its_unit():
    fitted = standardize().fit(np.full((3, 1), 5.0), seed=1)
    assert standardize().apply(fitted, np.array([[7.0]])).tolist() == [[2.0]]


@given(seeds)
def test_each_group_has_a_mean_square_of_1(seed):
    rows = normal(seed, 5, 6) * np.array([1, 1, 100, 100, 100, 0.01])
    outputs = fit_and_apply(scale_groups(2, 3, 1), rows, seed=1)[1]
    squares = [np.square(g).mean() for g in (outputs[:, :2], outputs[:, 2:5], outputs[:, 5:])]
    assert squares == pytest.approx([1, 1, 1], rel=1e-12)


def test_all_features_of_a_group_are_divided_by_one_number():
    rows = normal(1, 5, 2, 3)
    outputs = fit_and_apply(scale_groups(), rows, seed=1)[1]
    np.testing.assert_allclose(outputs / rows, np.sqrt(1 / np.square(rows).mean()), rtol=1e-12)


def test_a_group_of_zeros_stays():
    assert (fit_and_apply(scale_groups(), np.zeros((2, 3)), seed=1)[1] == 0).all()


def test_groups_that_do_not_add_up_are_refused():
    with pytest.raises(ValueError, match="groups of 2, 3 features, 5 together, for inputs of 6"):
        scale_groups(2, 3).fit(np.ones((2, 6)), seed=1)


@pytest.mark.parametrize("transform", [logarithm(100), square_root()], ids=repr)
def test_compression_is_odd_rising_and_0_at_0(transform):
    numbers = np.linspace(-3, 3, 61)
    outputs = transform.apply(Parameters(), numbers[np.newaxis])[0]
    np.testing.assert_allclose(outputs, -outputs[::-1], atol=1e-12)
    assert (np.diff(outputs) > 0).all()
    assert transform.apply(Parameters(), np.zeros((1, 1))).tolist() == [[0.0]]


@given(st.floats(0, 1e6), st.floats(1e-3, 1e3))
def test_compression_is_undone_by_its_inverse(number, factor):
    rows = np.array([[number]])
    logs = logarithm(factor).apply(Parameters(), rows)
    assert float(np.expm1(logs).item()) / factor == pytest.approx(number, rel=1e-9)
    roots = square_root().apply(Parameters(), rows)
    assert float(roots.item()) ** 2 == pytest.approx(number, rel=1e-12)


@pytest.mark.parametrize("factor", [0, -1, np.inf, np.nan, "2", True])
def test_a_factor_that_is_not_positive_is_refused(factor):
    with pytest.raises(ValueError, match="of logarithm; expected a positive finite number"):
        logarithm(factor)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_deviations_too_small_for_the_type_count_as_none(dtype):
    rows = np.array([[0.0], [np.finfo(dtype).smallest_subnormal]], dtype)
    fitted = standardize().fit(rows, seed=1)
    assert np.isfinite(standardize().apply(fitted, rows)).all()
