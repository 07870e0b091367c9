"""Dropout: in training, each number is kept by chance, and what is kept makes up for the rest."""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import NamedTuple

import numpy as np

from catpipe.layers import Pending, Shapes
from catpipe.network import Network
from catpipe.parameters import Array, Parameters
from catpipe.streams import DROPOUT, stream


class Dropout(NamedTuple):
    """A layer that drops a share `rate` of what comes in, and scales what stays by 1 / (1 - rate).

    So its output is its input on average, and when predicting it is its input (inverted dropout;
    Srivastava et al. 2014, section 10). What is dropped depends on the seed, the iteration and the
    layer's number alone; the networks of a stack drop alike.

    >>> import numpy as np
    >>> Dropout(0.5, seed=1, number=1).forward(Parameters(), np.ones((1, 4)), iteration=0)[0]
    array([[0., 0., 0., 2.]])
    """

    rate: float
    seed: int
    number: int

    def forward(
        self,
        parameters: Parameters,  # noqa: ARG002
        A: Array,
        iteration: int | None = None,
    ) -> tuple[Array, Array | float]:
        """Return A times the iteration's mask, and the mask, (units, examples)."""
        if iteration is None:
            return A, 1.0
        draws = stream(self.seed, DROPOUT, iteration, self.number).random(A.shape[-2:])
        mask = (draws >= self.rate).astype(A.dtype) / (1 - float(self.rate))
        return A * mask, mask

    def backward(
        self,
        parameters: Parameters,  # noqa: ARG002
        mask: Array | float,
        dA: Array,
    ) -> tuple[Pending, dict[str, Array]]:
        """Return dA times the mask, pending, and no gradients: there are no parameters."""
        return partial(np.multiply, dA, mask), {}

    def shapes(self) -> Shapes:
        """Return that there are no parameters."""
        return {}


def with_dropout(network: Network, rate: float, seed: int) -> Network:
    """Return the network with dropout at this rate after each of its hidden layers.

    Raises `ValueError` for a rate that is not in [0, 1).

    >>> from catpipe.network import network
    >>> with_dropout(network(3, 4, 1), rate=0.5, seed=1).layers[1]
    Dropout(rate=0.5, seed=1, number=1)
    """
    if not 0 <= rate < 1:
        raise ValueError(f"dropout rate {rate}; expected the share to drop, at least 0 and below 1")
    *hidden, last = network.layers
    dropouts = (Dropout(rate, seed, number) for number, _ in enumerate(hidden, start=1))
    return network._replace(layers=(*chain(*zip(hidden, dropouts, strict=True)), last))
