"""Principal components, against scikit-learn's."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from catpipe.data.transforms.components import principal_components
from catpipe.data.transforms.composition import fit_and_apply
from tests.points import normal

SHAPES = [(9, 5), (5, 9), (6, 6)]


@pytest.mark.parametrize("whiten", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_components_are_scikit_learns(shape, whiten):
    rows, others = normal(1, *shape), normal(2, 4, shape[1])
    oracle = PCA(3, whiten=whiten, svd_solver="full").fit(rows)
    transform = principal_components(3, whiten)
    fitted = transform.fit(rows, seed=1)
    np.testing.assert_allclose(
        np.abs(transform.apply(fitted, others)), np.abs(oracle.transform(others)), rtol=1e-9
    )


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_largest_number_of_a_component_is_positive(shape):
    components = principal_components(3).fit(normal(3, *shape), seed=1)["components"]
    assert (components.max(1) == np.abs(components).max(1)).all()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_inputs_turned_round_have_the_same_components(shape):
    rows = normal(4, *shape)
    first, turned = (principal_components(3).fit(of, seed=1)["components"] for of in (rows, -rows))
    np.testing.assert_allclose(first, turned, rtol=1e-9)


def test_there_are_no_more_components_than_the_examples_span():
    assert fit_and_apply(principal_components(99), normal(1, 5, 9), seed=1)[1].shape == (5, 4)
    assert fit_and_apply(principal_components(99), normal(1, 9, 5), seed=1)[1].shape == (9, 5)


@pytest.mark.parametrize("whiten", [False, True])
def test_equal_examples_have_the_coordinate_0(whiten):
    outputs = fit_and_apply(principal_components(2, whiten), np.ones((3, 4)), seed=1)[1]
    assert (outputs == 0).all()


@pytest.mark.parametrize("count", [0, 1.5, "3"])
def test_a_count_that_is_no_whole_number_is_refused(count):
    with pytest.raises(ValueError, match="count of principal_components"):
        principal_components(count)
