"""Generic points for property tests: every number from a normal, no bias zero.

And what several of them measure there: slopes of the cost, and where an optimizer takes a number.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

import numpy as np
from hypothesis import strategies as st

from catpipe.nn.activations import (
    ELU,
    GELU,
    IDENTITY,
    LEAKY_RELU,
    RELU,
    SIGMOID,
    SILU,
    SOFTPLUS,
    TANH,
)
from catpipe.nn.arrays import Array
from catpipe.nn.losses import (
    BINARY_CROSS_ENTROPY,
    MEAN_SQUARED_ERROR,
    SOFTMAX_CROSS_ENTROPY,
    Loss,
)
from catpipe.nn.network import (
    Network,
    compute_cost,
    forward,
    mlp,
    parameter_shapes,
    weight_shapes,
)
from catpipe.nn.parameters import Parameters, map_parameters
from catpipe.optim.optimizers import (
    Optimizer,
    adam,
    averaged_momentum,
    gradient_descent,
    heavy_ball,
    nesterov,
    rmsprop,
)
from catpipe.optim.regularizers import adamw, with_clipping, with_l2, with_weight_decay
from catpipe.optim.schedules import Rate

ACTIVATIONS = (ELU, GELU, IDENTITY, LEAKY_RELU, RELU, SIGMOID, SILU, SOFTPLUS, TANH)
LOSSES = (BINARY_CROSS_ENTROPY, MEAN_SQUARED_ERROR, SOFTMAX_CROSS_ENTROPY)
OPTIMIZERS: dict[str, Callable[[Rate], Optimizer]] = {
    "gradient_descent": gradient_descent,
    "heavy_ball": heavy_ball,
    "averaged_momentum": averaged_momentum,
    "nesterov": nesterov,
    "rmsprop": rmsprop,
    "adam": adam,
    "adamw": adamw,
    "with_l2": lambda rate: with_l2(heavy_ball(rate), 0.3),
    "with_weight_decay": lambda rate: with_weight_decay(nesterov(rate), 0.03),
    "with_clipping": lambda rate: with_clipping(heavy_ball(rate), 0.5),
}
FLOATS = (np.float64, np.float32)

seeds = st.integers(0, 2**32 - 1)
activations = st.sampled_from(ACTIVATIONS)
sizes = st.lists(st.integers(1, 5), min_size=2, max_size=5)


@st.composite
def networks(draw: st.DrawFn, loss: Loss = BINARY_CROSS_ENTROPY) -> Network:
    """Return networks of one to four layers, each with its activation, and one output or a few.

    Those of softmax have two outputs at least.
    """
    *others, outputs = draw(sizes)
    of = (*others, max(outputs, 2 if loss is SOFTMAX_CROSS_ENTROPY else 1))
    return mlp(*of, activation=[draw(activations) for _ in of[2:]], loss=loss)


def normal(seed: int, *shape: int, dtype: type = np.float64) -> Array:
    """Return normal draws that nobody may write to."""
    array: Array = np.random.default_rng(seed).standard_normal(shape).astype(dtype)
    array.setflags(write=False)
    return array


def normal_parameters(net: Network, seed: int, dtype: type = np.float64) -> Parameters:
    """Return parameters with every weight and bias drawn from a normal."""
    random = np.random.default_rng(seed)
    return Parameters(
        {
            name: random.standard_normal(shape).astype(dtype)
            for name, shape in parameter_shapes(net).items()
        }
    )


def examples(
    net: Network, seed: int, count: int = 6, dtype: type = np.float64
) -> tuple[Array, Array]:
    """Return columns for the network and targets for its loss: 0 / 1, one-hot, or normal draws."""
    (_, fan_in), *_, (units, _) = (weights := [*weight_shapes(net).values()])[0], weights[-1]
    X, Y = normal(seed, fan_in, count, dtype=dtype), normal(seed + 1, units, count, dtype=dtype)
    if net.loss is BINARY_CROSS_ENTROPY:
        Y = (Y > 0).astype(dtype)
    if net.loss is SOFTMAX_CROSS_ENTROPY:
        Y = (Y.max(0) == Y).astype(dtype)
    Y.setflags(write=False)
    return X, Y


@dataclass(frozen=True)
class Scale:
    """A layer of one's own: each unit times a number of its own."""

    name: str
    units: int

    def forward(self, parameters, A, iteration):  # noqa: ARG002
        """Return g A, and A."""
        return parameters[self.name] * A, A

    def backward(self, parameters, A, dA):
        """Return what computes g dA, and dg, the sum of dA A over examples."""
        dg = (dA * A).sum(-1, keepdims=True)
        return lambda: parameters[self.name] * dA, {self.name: dg}

    def shapes(self):
        """Return the shape of g, (units, 1)."""
        return {self.name: (self.units, 1)}


def scaling(loss: Loss = BINARY_CROSS_ENTROPY) -> Network:
    """Return a network with such a layer between two dense ones."""
    first, last = mlp(3, 4, 2, activation=TANH, loss=loss).layers
    return Network((first, Scale("g2", 4), last), loss)


def cost_at(
    net: Network, parameters: Parameters, X: Array, Y: Array, iteration: int | None = None
) -> float:
    """Return the cost of one network."""
    return float(compute_cost(net, forward(net, parameters, X, iteration)[0], Y))


def dot(a: Parameters, b: Parameters) -> float:
    """Return the sum of the products of all numbers of equal names."""
    return sum(float((array * b[name]).sum()) for name, array in a.items())


def slope_along(
    cost: Callable[[Parameters], float], at: Parameters, direction: Parameters, h: float = 1e-6
) -> float:
    """Return the central difference quotient of the cost along the direction."""
    ahead, behind = (
        cost(map_parameters(lambda W, D, step=step: W + step * D, at, direction))
        for step in (h, -h)
    )
    return (ahead - behind) / (2 * h)


def slope(w: float) -> float:
    """Return the slope of a cost that is no parabola, so that nothing cancels by chance."""
    return 1.3 * w + float(np.sin(2 * w)) + 0.4


def folded(
    optimizer: Optimizer,
    w: float,
    slope: Callable[[float], float],
    steps: int,
    name: str = "W",
) -> float:
    """Return where the optimizer takes one number, whose cost has this slope, in so many steps."""

    def step(carry, iteration):
        W, moments = carry
        dW = Parameters({name: [[slope(float(W[name].item()))]]})
        return optimizer.update(iteration, W, moments, dW)

    start = Parameters({name: [[w]]})
    (end, _) = reduce(step, range(steps), (start, optimizer.init(start)))
    return float(end[name].item())
