"""Feed-forward networks trained as a pipeline of pure functions."""

from catpipe.activations import (
    IDENTITY,
    LEAKY_RELU,
    RELU,
    SIGMOID,
    TANH,
    Activation,
    identity,
    identity_backward,
    leaky_relu,
    leaky_relu_backward,
    relu,
    relu_backward,
    sigmoid,
    sigmoid_backward,
    tanh,
    tanh_backward,
)
from catpipe.batches import Batch, shares_of, whole
from catpipe.drawings import draw
from catpipe.experiments import Experiment
from catpipe.fitting import Result, fit, predictions, probabilities
from catpipe.initialization import course, he, small, xavier, zeros
from catpipe.layers import Dense, layer_backward, layer_forward, linear_backward, linear_forward
from catpipe.losses import (
    BINARY_CROSS_ENTROPY,
    Loss,
    binary_cross_entropy,
    binary_cross_entropy_gradient,
)
from catpipe.metrics import accuracy, confusion
from catpipe.network import (
    Network,
    back_propagate,
    backward,
    compute_cost,
    cost_gradient,
    forward,
    gradients,
    initialize_parameters,
    input_gradient,
    network,
    predict,
    predict_probabilities,
)
from catpipe.optimizers import (
    Optimizer,
    gradient_descent,
    momentum,
    nesterov,
    update_parameters,
    with_l2,
)
from catpipe.parameters import Parameters, map_parameters
from catpipe.shell.data import load_data, save_data
from catpipe.shell.files import DataError
from catpipe.shell.progress import on_one_thread
from catpipe.shell.runs import load_run, save_run
from catpipe.stacks import fit_seeds, held_out_probabilities, stacked
from catpipe.streams import stream
from catpipe.training import State, finite, initial_state, make_step, train, trajectory
from catpipe.transforms import DataSet, Pictures, pixels, targets

__all__ = [
    "BINARY_CROSS_ENTROPY",
    "IDENTITY",
    "LEAKY_RELU",
    "RELU",
    "SIGMOID",
    "TANH",
    "Activation",
    "Batch",
    "DataError",
    "DataSet",
    "Dense",
    "Experiment",
    "Loss",
    "Network",
    "Optimizer",
    "Parameters",
    "Pictures",
    "Result",
    "State",
    "accuracy",
    "back_propagate",
    "backward",
    "binary_cross_entropy",
    "binary_cross_entropy_gradient",
    "compute_cost",
    "confusion",
    "cost_gradient",
    "course",
    "draw",
    "finite",
    "fit",
    "fit_seeds",
    "forward",
    "gradient_descent",
    "gradients",
    "he",
    "held_out_probabilities",
    "identity",
    "identity_backward",
    "initial_state",
    "initialize_parameters",
    "input_gradient",
    "layer_backward",
    "layer_forward",
    "leaky_relu",
    "leaky_relu_backward",
    "linear_backward",
    "linear_forward",
    "load_data",
    "load_run",
    "make_step",
    "map_parameters",
    "momentum",
    "nesterov",
    "network",
    "on_one_thread",
    "pixels",
    "predict",
    "predict_probabilities",
    "predictions",
    "probabilities",
    "relu",
    "relu_backward",
    "save_data",
    "save_run",
    "shares_of",
    "sigmoid",
    "sigmoid_backward",
    "small",
    "stacked",
    "stream",
    "tanh",
    "tanh_backward",
    "targets",
    "train",
    "trajectory",
    "update_parameters",
    "whole",
    "with_l2",
    "xavier",
    "zeros",
]
