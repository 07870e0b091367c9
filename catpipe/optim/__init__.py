"""Optimizers, learning-rate schedules and regularizers.

An optimizer is two pure functions: `init` makes its moments, `update` takes a step. A schedule
stands wherever a rate does, and a regularizer takes an optimizer and returns one:

>>> rate = optim.warm_up(optim.cosine(0.0003, iterations=300), iterations=10)
>>> optimizer = optim.with_clipping(optim.with_l2(optim.adam(rate), strength=1e-3), norm=1.0)
>>> W, dW = Parameters(W1=[[1.0]], b1=[[0.0]]), Parameters(W1=[[3.0]], b1=[[4.0]])
>>> moments = optimizer.init(W)
>>> W, moments = optimizer.update(0, W, moments, dW)
>>> W["W1"] < 1, W["b1"] < 0
(array([[ True]]), array([[ True]]))

Plain gradient descent is a map over the parameters, `W - learning_rate * dW`:

>>> update_parameters(Parameters(b1=[[1.0]]), Parameters(b1=[[2.0]]), learning_rate=0.1)["b1"]
array([[0.8]])
"""

from catpipe.optim.optimizers import (
    Adam,
    AveragedMomentum,
    GradientDescent,
    HeavyBall,
    Nesterov,
    Optimizer,
    RMSProp,
    adam,
    averaged_momentum,
    gradient_descent,
    heavy_ball,
    nesterov,
    rmsprop,
    update_parameters,
)
from catpipe.optim.regularizers import (
    WithClipping,
    WithL2,
    WithWeightDecay,
    adamw,
    l2_penalty,
    with_clipping,
    with_l2,
    with_weight_decay,
)
from catpipe.optim.schedules import (
    Constant,
    Cosine,
    Exponential,
    InverseTime,
    StepDecay,
    WarmUp,
    constant,
    cosine,
    exponential,
    inverse_time,
    step_decay,
    warm_up,
)

__all__ = [
    "Adam",
    "AveragedMomentum",
    "Constant",
    "Cosine",
    "Exponential",
    "GradientDescent",
    "HeavyBall",
    "InverseTime",
    "Nesterov",
    "Optimizer",
    "RMSProp",
    "StepDecay",
    "WarmUp",
    "WithClipping",
    "WithL2",
    "WithWeightDecay",
    "adam",
    "adamw",
    "averaged_momentum",
    "constant",
    "cosine",
    "exponential",
    "gradient_descent",
    "heavy_ball",
    "inverse_time",
    "l2_penalty",
    "nesterov",
    "rmsprop",
    "step_decay",
    "update_parameters",
    "warm_up",
    "with_clipping",
    "with_l2",
    "with_weight_decay",
]
