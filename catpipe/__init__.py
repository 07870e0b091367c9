"""Feed-forward networks trained as a pipeline of pure functions."""

from catpipe.activations import (
    IDENTITY,
    LEAKY_RELU,
    RELU,
    SIGMOID,
    TANH,
    Activation,
    relu,
    relu_backward,
    sigmoid,
    sigmoid_backward,
)
from catpipe.batches import Batch, whole
from catpipe.drawings import draw
from catpipe.experiments import Experiment, fit
from catpipe.initialization import course, he, small, xavier, zeros
from catpipe.layers import Dense, linear_backward, linear_forward
from catpipe.losses import BINARY_CROSS_ENTROPY, Loss
from catpipe.metrics import accuracy, confusion
from catpipe.network import (
    Network,
    backward,
    compute_cost,
    forward,
    gradients,
    initialize_parameters,
    input_gradient,
    network,
    predict,
    predict_probabilities,
)
from catpipe.optimizers import Optimizer, gradient_descent, update_parameters
from catpipe.parameters import Parameters, map_parameters
from catpipe.shell.data import load_data
from catpipe.streams import stream
from catpipe.training import State, initial_state, make_step, train, trajectory
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
    "DataSet",
    "Dense",
    "Experiment",
    "Loss",
    "Network",
    "Optimizer",
    "Parameters",
    "Pictures",
    "State",
    "accuracy",
    "backward",
    "compute_cost",
    "confusion",
    "course",
    "draw",
    "fit",
    "forward",
    "gradient_descent",
    "gradients",
    "he",
    "initial_state",
    "initialize_parameters",
    "input_gradient",
    "linear_backward",
    "linear_forward",
    "load_data",
    "make_step",
    "map_parameters",
    "network",
    "pixels",
    "predict",
    "predict_probabilities",
    "relu",
    "relu_backward",
    "sigmoid",
    "sigmoid_backward",
    "small",
    "stream",
    "targets",
    "train",
    "trajectory",
    "update_parameters",
    "whole",
    "xavier",
    "zeros",
]
