"""Feed-forward networks trained as a pipeline of pure functions.

The words of a short program are here: the article's functions, experiments, files. All others are
in the namespaces `nn`, `optim`, `data`, `metrics`, `training` and `experiments`, each of which
begins with a short tour.

The examples in docstrings begin after these lines:

>>> import numpy as np
>>> from catpipe import *
>>> images = np.array([0, 255], np.uint8).reshape(2, 1, 1, 1)  # a black pixel and a white one
>>> pictures = data.Examples(images, targets=np.array([0, 1]))
"""

from typing import TYPE_CHECKING

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
    "one_blas_thread",
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

if TYPE_CHECKING:
    from catpipe import data, experiments, metrics, nn, optim, training
    from catpipe.data.batches import Batch
    from catpipe.data.examples import DataSet
    from catpipe.experiments.experiment import Experiment
    from catpipe.experiments.result import Result
    from catpipe.nn.activations import relu, relu_backward, sigmoid, sigmoid_backward
    from catpipe.nn.initializers import initialize_parameters
    from catpipe.nn.layers import linear_backward, linear_forward
    from catpipe.nn.network import (
        Network,
        backward,
        compute_cost,
        forward,
        gradients,
        mlp,
        predict,
    )
    from catpipe.nn.parameters import Parameters
    from catpipe.optim.optimizers import update_parameters
    from catpipe.shell.runs.run_file import Run, load_run, save_run
    from catpipe.shell.storage.atomic import DataError
    from catpipe.shell.storage.datasets import load_data, save_data
    from catpipe.shell.storage.streaming import stored_pictures, stream_batches
    from catpipe.shell.threads import (
        cross_validate,
        fit,
        fit_seeds,
        one_blas_thread,
        replay,
        resume,
    )
    from catpipe.training.loop import State, initial_state, make_step, train, trajectory
else:
    from importlib import import_module

    # Each name's module is imported when the name is first used, so `import catpipe` is quick.
    _MODULES = {
        "catpipe.data.batches": ["Batch"],
        "catpipe.data.examples": ["DataSet"],
        "catpipe.experiments.experiment": ["Experiment"],
        "catpipe.experiments.result": ["Result"],
        "catpipe.nn.activations": ["relu", "relu_backward", "sigmoid", "sigmoid_backward"],
        "catpipe.nn.initializers": ["initialize_parameters"],
        "catpipe.nn.layers": ["linear_backward", "linear_forward"],
        "catpipe.nn.network": [
            *("Network", "backward", "compute_cost", "forward", "gradients", "mlp", "predict")
        ],
        "catpipe.nn.parameters": ["Parameters"],
        "catpipe.optim.optimizers": ["update_parameters"],
        "catpipe.shell.runs.run_file": ["Run", "load_run", "save_run"],
        "catpipe.shell.storage.atomic": ["DataError"],
        "catpipe.shell.storage.datasets": ["load_data", "save_data"],
        "catpipe.shell.storage.streaming": ["stored_pictures", "stream_batches"],
        "catpipe.shell.threads": [
            *("cross_validate", "fit", "fit_seeds", "one_blas_thread", "replay", "resume")
        ],
        "catpipe.training.loop": ["State", "initial_state", "make_step", "train", "trajectory"],
    }
    _MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

    def __getattr__(name):
        if module := _MODULE_OF.get(name):
            return getattr(import_module(module), name)
        if name in __all__:
            return import_module(f"catpipe.{name}")
        raise AttributeError(f"module 'catpipe' has no attribute {name!r}", name=name)

    def __dir__():
        return sorted({*globals(), *__all__})
