"""Principal components: the few directions in which examples differ most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from catpipe.checks import check_whole
from catpipe.data.transforms.boundaries import check_features
from catpipe.data.transforms.columns import as_rows
from catpipe.data.transforms.composition import Transform
from catpipe.nn.arrays import Array
from catpipe.nn.parameters import Parameters


@dataclass(frozen=True)
class PrincipalComponents:
    """The transform of `principal_components`."""

    count: int
    whiten: bool = False

    def fit(self, inputs: Array, seed: int) -> Parameters:  # noqa: ARG002
        """Return the mean and the components, (components, features), by falling variance."""
        rows = as_rows(inputs).astype(np.float64)
        mean = rows.mean(0)
        components, deviations = _leading(rows - mean, self.count)
        scale = np.where(deviations > 0, deviations, 1) if self.whiten else np.ones(())
        return Parameters(
            mean=mean.astype(inputs.dtype),
            components=(components / scale[..., np.newaxis]).astype(inputs.dtype),
        )

    def apply(self, fitted: Parameters, inputs: Array) -> Array:
        """Return the coordinates along the components, (examples, components)."""
        rows = as_rows(inputs)
        check_features("principal_components", rows, fitted["mean"].shape)
        return (rows - fitted["mean"]) @ fitted["components"].T

    def transposed(self, fitted: Parameters, shape: tuple[int, ...], gradients: Array) -> Array:
        """Return the sum of the components, each times the gradient of its coordinate."""
        return (gradients @ fitted["components"]).reshape(-1, *shape)


def principal_components(count: int, whiten: bool = False) -> Transform:  # noqa: FBT001, FBT002
    """Return the transform to the first `count` principal components (Pearson 1901).

    inputs: (examples, ...) -> (examples, count), or as many as the examples span where that is
    fewer: examples - 1, or features. With `whiten` each is divided by its deviation, of
    examples - 1. Of each component the largest number in absolute value is positive. Raises
    `ValueError` for a count that is no integer of at least 1.

    >>> rows = np.array([[1.0, 1.0], [3.0, 3.0]])
    >>> principal_components(1).apply(principal_components(1).fit(rows, seed=1), rows).round(4)
    array([[-1.4142],
           [ 1.4142]])
    """
    return PrincipalComponents(check_whole("count of principal_components", count), bool(whiten))


def _leading(centred: Array, count: int) -> tuple[Array, Array]:
    """Return the leading right singular vectors, in rows, and the deviations along them.

    By the eigenvectors of the smaller of the two Gram matrices.
    """
    examples, features = centred.shape
    kept = max(1, min(count, examples - 1, features))
    is_wide = features > examples
    variances, vectors = np.linalg.eigh(centred @ centred.T if is_wide else centred.T @ centred)
    lengths = np.sqrt(np.maximum(variances[::-1][:kept], 0))
    leading = vectors.T[::-1][:kept]
    if is_wide:
        leading = leading @ centred / np.where(lengths > 0, lengths, 1)[:, np.newaxis]
    return _signed(leading), lengths / np.sqrt(max(1, examples - 1))


def _signed(rows: Array) -> Array:
    """Return the rows, those turned round whose largest number in absolute value is negative."""
    largest = np.abs(rows).argmax(1)[:, np.newaxis]
    return rows * np.where(np.take_along_axis(rows, largest, 1) < 0, -1, 1)
