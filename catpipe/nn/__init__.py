"""Networks: parameters, activations, losses, layers, initializers, and the two folds.

A network is a tuple of layers and a loss. This one tells three classes apart by a softmax, and its
targets are one-hot:

>>> X, labels = np.eye(3), np.array([0, 1, 2])
>>> net = mlp(3, 8, 3, activation=nn.TANH, loss=nn.SOFTMAX_CROSS_ENTROPY)
>>> Y = data.one_hot(labels, classes=3)
>>> descent = optim.gradient_descent(learning_rate=1.0)
>>> start = initial_state(descent, initialize_parameters(net, seed=1))
>>> final = train(make_step(net, descent), data.full_batches(X, Y, iterations=100), start)
>>> predict(net, final.parameters, X)
array([[0, 1, 2]])

`forward` is a fold over the layers, `backward` the same fold reversed:

>>> Z, caches = forward(net, final.parameters, X)
>>> dW = backward(net, final.parameters, caches, nn.cost_gradient(net, Z, Y))
>>> sorted(dW)
['W1', 'W2', 'b1', 'b2']

A layer of your own is frozen data with the three methods of `Layer`; no list of layers has to know
it. `training.gradient_check` shows whether its gradients are right, and `with_dropout` and `mlp`
show how networks are put together:

>>> from dataclasses import dataclass
>>> @dataclass(frozen=True)
... class Scale:
...     name: str
...     units: int
...
...     def forward(self, parameters, A, iteration=None):
...         return (1 + parameters[self.name]) * A, A
...
...     def backward(self, parameters, A, dA):
...         gradient = (dA * A).sum(-1, keepdims=True)
...         return lambda: (1 + parameters[self.name]) * dA, {self.name: gradient}
...
...     def shapes(self):
...         return {self.name: (self.units, 1)}
>>> first, second = net.layers
>>> scaled = Network((first, Scale("g1", units=8), second), net.loss)
>>> start = initialize_parameters(scaled, seed=1)
>>> check = training.gradient_check(scaled, start, Batch(X, Y))
>>> check.along_directions < 1e-6, sorted(check.of_parameters)
(True, ['W1', 'W2', 'b1', 'b2', 'g1'])
"""

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
    Activation,
    elu,
    elu_backward,
    gelu,
    gelu_backward,
    identity,
    identity_backward,
    leaky_relu,
    leaky_relu_backward,
    relu,
    relu_backward,
    sigmoid,
    sigmoid_backward,
    silu,
    silu_backward,
    softplus,
    softplus_backward,
    tanh,
    tanh_backward,
)
from catpipe.nn.arrays import namespaced
from catpipe.nn.initializers import (
    course,
    course_he,
    he,
    initialize_parameters,
    large,
    small,
    xavier,
    zeros,
)
from catpipe.nn.layers import (
    Cache,
    Dense,
    Dropout,
    InputGradient,
    Layer,
    MaskedDropout,
    linear_backward,
    linear_forward,
)
from catpipe.nn.losses import (
    BINARY_CROSS_ENTROPY,
    MEAN_SQUARED_ERROR,
    SOFTMAX_CROSS_ENTROPY,
    Loss,
    argmax,
    binary_cross_entropy,
    binary_cross_entropy_gradient,
    positive,
    probabilities_gradient,
    softmax,
    softmax_cross_entropy,
    softmax_cross_entropy_gradient,
    squared_error,
    squared_error_gradient,
)
from catpipe.nn.network import (
    Network,
    back_propagate,
    backward,
    check_parameters,
    compute_cost,
    cost_gradient,
    cost_of,
    forward,
    gradients,
    input_gradient,
    layer_sizes,
    mlp,
    parameter_shapes,
    predict,
    predict_probabilities,
    summed_cost_gradient,
    with_dropout,
)
from catpipe.nn.parameters import Parameters, map_numbers, map_parameters

__all__ = [
    "BINARY_CROSS_ENTROPY",
    "ELU",
    "GELU",
    "IDENTITY",
    "LEAKY_RELU",
    "MEAN_SQUARED_ERROR",
    "RELU",
    "SIGMOID",
    "SILU",
    "SOFTMAX_CROSS_ENTROPY",
    "SOFTPLUS",
    "TANH",
    "Activation",
    "Cache",
    "Dense",
    "Dropout",
    "InputGradient",
    "Layer",
    "Loss",
    "MaskedDropout",
    "Network",
    "Parameters",
    "argmax",
    "back_propagate",
    "backward",
    "binary_cross_entropy",
    "binary_cross_entropy_gradient",
    "check_parameters",
    "compute_cost",
    "cost_gradient",
    "cost_of",
    "course",
    "course_he",
    "elu",
    "elu_backward",
    "forward",
    "gelu",
    "gelu_backward",
    "gradients",
    "he",
    "identity",
    "identity_backward",
    "initialize_parameters",
    "input_gradient",
    "large",
    "layer_sizes",
    "leaky_relu",
    "leaky_relu_backward",
    "linear_backward",
    "linear_forward",
    "map_numbers",
    "map_parameters",
    "mlp",
    "namespaced",
    "parameter_shapes",
    "positive",
    "predict",
    "predict_probabilities",
    "probabilities_gradient",
    "relu",
    "relu_backward",
    "sigmoid",
    "sigmoid_backward",
    "silu",
    "silu_backward",
    "small",
    "softmax",
    "softmax_cross_entropy",
    "softmax_cross_entropy_gradient",
    "softplus",
    "softplus_backward",
    "squared_error",
    "squared_error_gradient",
    "summed_cost_gradient",
    "tanh",
    "tanh_backward",
    "with_dropout",
    "xavier",
    "zeros",
]
