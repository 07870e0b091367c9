"""Optimizers, learning-rate schedules, and what holds training back."""

from catpipe.optim.optimizers import (
    Optimizer,
    adam,
    averaged_momentum,
    gradient_descent,
    heavy_ball,
    nesterov,
    rmsprop,
    update_parameters,
)
from catpipe.optim.regularizers import adamw, l2_penalty, with_clipping, with_l2, with_weight_decay
from catpipe.optim.schedules import constant, cosine, exponential, inverse_time, step_decay, warm_up

__all__ = [
    "Optimizer",
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
