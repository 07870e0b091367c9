"""The public names of `catpipe`: those of the article, of experiments, of files and threads."""

from catpipe import data, experiments, metrics, nn, optim, training
from catpipe.data.batches import Batch
from catpipe.data.examples import DataSet
from catpipe.experiments.cross_validation import cross_validate
from catpipe.experiments.ensembles import fit_seeds
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import fit
from catpipe.experiments.result import Result
from catpipe.experiments.resuming import replay, resume
from catpipe.nn.activations import relu, relu_backward, sigmoid, sigmoid_backward
from catpipe.nn.initializers import initialize_parameters
from catpipe.nn.layers import linear_backward, linear_forward
from catpipe.nn.network import Network, backward, compute_cost, forward, gradients, mlp, predict
from catpipe.nn.parameters import Parameters
from catpipe.optim.optimizers import update_parameters
from catpipe.shell.runs.run_file import Run, load_run, save_run
from catpipe.shell.storage.atomic import DataError
from catpipe.shell.storage.datasets import load_data, save_data
from catpipe.shell.storage.streaming import stored_pictures, stream_batches
from catpipe.shell.threads import on_one_thread
from catpipe.training.loop import State, initial_state, make_step, train, trajectory

__all__ = [
    "Batch",
    "DataError",
    "DataSet",
    "Experiment",
    "Network",
    "Parameters",
    "Result",
    "Run",
    "State",
    "backward",
    "compute_cost",
    "cross_validate",
    "data",
    "experiments",
    "fit",
    "fit_seeds",
    "forward",
    "gradients",
    "initial_state",
    "initialize_parameters",
    "linear_backward",
    "linear_forward",
    "load_data",
    "load_run",
    "make_step",
    "metrics",
    "mlp",
    "nn",
    "on_one_thread",
    "optim",
    "predict",
    "relu",
    "relu_backward",
    "replay",
    "resume",
    "save_data",
    "save_run",
    "sigmoid",
    "sigmoid_backward",
    "stored_pictures",
    "stream_batches",
    "train",
    "training",
    "trajectory",
    "update_parameters",
]
