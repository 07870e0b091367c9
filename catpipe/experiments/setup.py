"""A setup is what an experiment makes of examples: all that training needs, worked out once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from itertools import islice
from reprlib import repr as brief
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from catpipe.data.augmentation import augmented
from catpipe.data.batches import (
    Batch,
    balanced_weights,
    batches_in_epoch,
    class_weights,
    full_batches,
    mini_batches,
    normalized,
)
from catpipe.data.conversion import (
    ExamplesLike,
    check_shape,
    check_within,
    class_numbers,
    examples_from,
    regression_targets,
)
from catpipe.data.examples import Examples, fingerprint, targets
from catpipe.data.sampling import Indices, Order, held_out, subset
from catpipe.data.transforms.columns import pixels
from catpipe.experiments.experiment import (
    ACTIVATIONS,
    INITIALIZERS,
    OPTIMIZERS,
    ORDERS,
    SCHEDULES,
    Experiment,
    augmentation_for,
    checked,
    is_regression,
)
from catpipe.experiments.features import columns_of, learned_columns
from catpipe.nn.arrays import Array
from catpipe.nn.initializers import initialize_parameters
from catpipe.nn.layers import Dense
from catpipe.nn.losses import BINARY_CROSS_ENTROPY, MEAN_SQUARED_ERROR, SOFTMAX_CROSS_ENTROPY
from catpipe.nn.network import Network, layer_sizes, mlp, with_dropout
from catpipe.nn.parameters import Parameters
from catpipe.optim.optimizers import Optimizer, check_optimizer
from catpipe.optim.regularizers import with_l2, with_weight_decay
from catpipe.optim.schedules import Schedule, scaled, warm_up
from catpipe.training.compiled import Turns
from catpipe.training.spaces import Space, cheapest_space, full_space, space_of

HELD_OUT = 0.2  # of the examples, where early stopping has no validation set

Mask = NDArray[np.bool_]


class Plan(NamedTuple):
    """Which examples train and which validate, in which order, and for how long.

    Both weights are (..., 1, examples), with a sum of 1; none where all examples train alike, and
    none where none validate. There is no order of full batches.
    """

    weights: Array | None
    validation_weights: Array | None
    order: Order | None
    batches_in_epoch: int
    iterations: int


class Own(NamedTuple):
    """What takes the place of what an experiment describes; a space is a kind and its words."""

    network: Network | None = None
    optimizer: Optimizer | None = None
    space: tuple[str, str] | None = None


class Setup(NamedTuple):
    """All that a run needs. The examples are those to train on and, last, a validation set.

    The network and the initial parameters are as they are in the full space; `targets` are
    (outputs, examples). Labels are class numbers, and 0 in a regression.
    """

    experiment: Experiment
    network: Network
    optimizer: Optimizer
    space: Space
    targets: Array
    labels: Indices
    plan: Plan
    initial_parameters: Parameters
    input_shape: tuple[int, ...]
    input_type: str
    validation_examples: int
    fingerprint: str
    example_weights: Array | None
    own: Own = Own()
    class_names: tuple[str, ...] = ()  # where targets are names
    seeds: tuple[int, ...] = ()  # of a stack, one a network
    fitted: tuple[Parameters, ...] = ()  # what each of the transforms has learned
    examples: Examples | None = None  # where transforms learn, or pictures are augmented
    earlier: tuple[tuple[int, Experiment], ...] = ()  # as a result has it


def prepare(
    experiment: Experiment,
    examples: ExamplesLike,
    validation: ExamplesLike | None = None,
    *,
    network: Network | None = None,
    optimizer: Optimizer | None = None,
    space: tuple[str, str] | None = None,
) -> Setup:
    """Return the setup of the experiment on these examples, in the cheapest space that is exact.

    Examples are in any form that `examples_from` takes. A network or an optimizer of your own takes
    the place of the one that the experiment describes. `space`, a kind and its description, is that
    of a run which carries on. Raises `TypeError` and `ValueError` for an experiment that is
    invalid, for examples that it cannot be trained on, for a network of other inputs or outputs,
    and for a validation set without early stopping.

    >>> setup = prepare(Experiment(seed=1), pictures)
    >>> setup.plan.iterations, setup.space.kind
    (2500, 'full')
    """
    experiment = checked(experiment)
    joined, own, names = _converted(experiment, examples, validation)
    if optimizer is not None:
        check_optimizer(optimizer)
    return _setup(experiment, joined, own, names, Own(network, optimizer, space))


def _setup(
    experiment: Experiment,
    examples: Examples,
    validation_examples: int,
    class_names: tuple[str, ...],
    own: Own,
    mask: Mask | None = None,
) -> Setup:
    """Return the setup of examples that are converted, the validation set last."""
    labels = _labels(experiment, examples)
    planned = partial(plan_for, experiment, labels, validation_examples, examples.weights, mask)
    plan = planned()
    fitted, X = learned_columns(experiment, examples.inputs, _training(plan, len(labels)))
    views = X.shape[1] // len(labels)
    if experiment.augmentation:
        _check_can_be_augmented(examples, views)
    Y = np.repeat(_network_targets(experiment, examples), views, -1)
    plan = plan if views == 1 else planned(views)
    described = network_for(experiment, len(X), len(Y))
    net = described if own.network is None else _checked_network(own.network, described, experiment)
    optimizer = own.optimizer
    if optimizer is None:
        optimizer = optimizer_for(experiment, plan.iterations)
    if own.space is None:
        space = _space(experiment, net, optimizer, X, plan)
    else:
        space = space_of(own.space[0], X, own.space[1])
    initializer = INITIALIZERS[experiment.initializer]
    return Setup(
        experiment=experiment,
        network=net,
        optimizer=optimizer,
        space=space,
        targets=Y,
        labels=labels,
        plan=plan,
        initial_parameters=initialize_parameters(
            net, experiment.seed, initializer, experiment.dtype
        ),
        input_shape=examples.inputs.shape[1:],
        input_type=examples.inputs.dtype.name,
        validation_examples=validation_examples,
        fingerprint=fingerprint(examples),
        example_weights=examples.weights,
        class_names=class_names,
        own=own,
        fitted=fitted,
        examples=examples if any(fitted) or experiment.augmentation else None,
    )


def _check_can_be_augmented(examples: Examples, views: int) -> None:
    """Refuse what is no picture, and several views of each, of which batches have one."""
    shape = examples.inputs.shape[1:]
    if len(shape) != 3:
        raise ValueError(
            f"augmentation of examples of shape {shape}; expected pictures, (height, width, "
            "channels): leave it out"
        )
    if views > 1:
        raise ValueError(
            f"augmentation with transforms that give {views} views of each example; expected one: "
            "leave out one of them (flipped mirrors by chance)"
        )


def _training(plan: Plan, examples: int) -> Indices:
    """Return the numbers of the examples that train: transforms learn of no others."""
    if plan.weights is None:
        return np.arange(examples)
    return np.flatnonzero(plan.weights.reshape(-1, examples).any(0))


def plan_for(
    experiment: Experiment,
    labels: Indices,
    validation_examples: int = 0,
    example_weights: Array | None = None,
    mask: Mask | None = None,
    views: int = 1,
) -> Plan:
    """Return which examples train and which validate, in which order, and for how long.

    mask: (..., 1, examples), true where each network of a stack may learn from an example. Folds
    that are trained as one stack visit all examples, so that they share their batches. Where each
    example has several views, the plan is of views, which share its weight.

    >>> plan = plan_for(Experiment(seed=1, early_stopping=3), np.array([0, 0, 0, 1, 1]))
    >>> plan.weights, plan.validation_weights
    (array([[0.25, 0.25, 0.25, 0.  , 0.25]]), array([[0., 0., 0., 1., 0.]]))
    """
    validating = _validating(experiment, labels, validation_examples, mask)
    of_examples = _weights(experiment, labels, example_weights, mask, validating)
    weights, held = (_of_views(each, views) for each in of_examples)
    labels = np.repeat(labels, views)
    shares_batches = mask is not None and mask.ndim > 2 and not folds_need_own_runs(experiment)
    visited = np.arange(len(labels))
    if weights is not None and not shares_batches:
        visited = np.flatnonzero(weights)
    size = experiment.batch_size
    order = _order(experiment, labels, visited) if size else None
    in_epoch = batches_in_epoch(len(order(0)), size) if size and order else 1
    epochs = experiment.epochs
    return Plan(
        weights, held, order, in_epoch, epochs * in_epoch if epochs else experiment.iterations
    )


def batches_of(setup: Setup, start: int = 0) -> Iterator[Batch]:
    """Return the batches of the run from this iteration on, as they are in its space."""
    weights, _, order, _, iterations = setup.plan
    augmentations = setup.experiment.augmentation
    X = _pictures(setup) if augmentations else setup.space.columns
    size = setup.experiment.batch_size
    if size is None or order is None:
        batches = full_batches(X, setup.targets, iterations - start, weights)
    else:
        everything = Batch(X, setup.targets, weights)
        batches = islice(mini_batches(everything, order, size, start), iterations - start)
    return _augmented(setup, batches, start) if augmentations else batches


def turns_of(setup: Setup) -> Turns:
    """Return the examples of the run as they are in its space, and how they take turns.

    >>> turns_of(prepare(Experiment(seed=1), pictures)).everything.X.shape
    (1, 2)
    """
    plan, everything = setup.plan, Batch(setup.space.columns, setup.targets, setup.plan.weights)
    return Turns(everything, plan.order, setup.experiment.batch_size if plan.order else None)


def _pictures(setup: Setup) -> Array:
    """Return the pictures as columns, before any transform."""
    assert setup.examples is not None
    return pixels(setup.examples.inputs, setup.experiment.dtype)


def _augmented(setup: Setup, batches: Iterator[Batch], start: int) -> Iterator[Batch]:
    """Return the batches of pictures augmented, and then transformed as the network takes them."""
    experiment = setup.experiment
    ways = map(augmentation_for, experiment.augmentation)
    height, width, channels = setup.input_shape
    changed = augmented(batches, (height, width, channels), ways, experiment.seed, start)
    return map(partial(_transformed, setup), changed)


def _transformed(setup: Setup, batch: Batch) -> Batch:
    """Return the batch of pictures as the columns that the network takes."""
    pictures = batch.X.T.reshape(-1, *setup.input_shape)
    return batch._replace(X=columns_of(setup.experiment, setup.fitted, pictures))


def with_seed(setup: Setup, seed: int) -> Setup:
    """Return the setup with all that a seed decides drawn from this one.

    >>> setup = prepare(Experiment(seed=1), pictures)
    >>> again = prepare(Experiment(seed=2), pictures)
    >>> with_seed(setup, 2).initial_parameters == again.initial_parameters
    True
    """
    experiment = setup.experiment._replace(seed=seed)
    plan = plan_for(
        experiment,
        setup.labels,
        setup.validation_examples,
        setup.example_weights,
        views=views_of(setup),
    )
    sizes = layer_sizes(setup.network)
    net = network_for(experiment, sizes[0], sizes[-1]) if experiment.dropout else setup.network
    start = initial_parameters_for(setup, seed)
    return setup._replace(experiment=experiment, network=net, plan=plan, initial_parameters=start)


def initial_parameters_for(setup: Setup, seed: int) -> Parameters:
    """Return the parameters that this seed draws for the setup's network.

    >>> setup = prepare(Experiment(seed=1, hidden=()), pictures)
    >>> initial_parameters_for(setup, seed=1)["W1"].round(3)
    array([[1.624]])
    """
    initializer = INITIALIZERS[setup.experiment.initializer]
    return initialize_parameters(setup.network, seed, initializer, setup.experiment.dtype)


def with_mask(setup: Setup, mask: Mask) -> Setup:
    """Return the setup of a stack whose networks each learn from some of the examples alone.

    mask: (networks, 1, examples), of one network where transforms learn: they learn anew. Raises
    `ValueError` where too few are left to validate on.
    """
    if learns(setup):
        (mask,) = mask
        return _learned_again(setup, setup.experiment, mask)
    plan = plan_for(
        setup.experiment,
        setup.labels,
        setup.validation_examples,
        setup.example_weights,
        mask,
        views_of(setup),
    )
    return setup._replace(plan=plan)


def learns(setup: Setup) -> bool:
    """Return whether transforms learn of the examples that train.

    >>> learns(prepare(Experiment(seed=1), pictures))
    False
    """
    return any(setup.fitted)


def views_of(setup: Setup) -> int:
    """Return how many views the transforms give of each example.

    >>> views_of(prepare(Experiment(seed=1), pictures))
    1
    """
    return setup.targets.shape[-1] // len(setup.labels)


def _learned_again(setup: Setup, experiment: Experiment, mask: Mask | None = None) -> Setup:
    """Return the setup whose transforms learn of the examples that train in it."""
    assert setup.examples is not None
    return _setup(
        experiment, setup.examples, setup.validation_examples, setup.class_names, setup.own, mask
    )


def _of_views(weights: Array | None, views: int) -> Array | None:
    return None if weights is None else np.repeat(weights, views, -1) / views


def folds_need_own_runs(experiment: Experiment) -> bool:
    """Return whether folds differ in more than their weights, and are trained one by one.

    >>> folds_need_own_runs(Experiment(seed=1, early_stopping=3))
    True
    """
    return experiment.early_stopping is not None or experiment.order != "shuffled"


def sizes_for(experiment: Experiment, features: int, outputs: int | None = None) -> list[int]:
    """Return the layer sizes of the network that the experiment describes, input first.

    >>> sizes_for(Experiment(seed=1), features=12288)
    [12288, 20, 7, 5, 1]
    """
    if outputs is None:
        outputs = 1 if experiment.classes == 2 or is_regression(experiment) else experiment.classes
    return [features, *experiment.hidden, outputs]


def network_for(experiment: Experiment, features: int, outputs: int | None = None) -> Network:
    """Return the network that the experiment describes, for so many features.

    Two classes take one logit, more take one each; a regression takes as many as it has outputs.

    >>> [layer.units for layer in network_for(Experiment(seed=1), features=12288).layers]
    [20, 7, 5, 1]
    """
    sizes, names = sizes_for(experiment, features, outputs), experiment.activation
    activation = ACTIVATIONS[names] if isinstance(names, str) else [ACTIVATIONS[n] for n in names]
    of_classes = BINARY_CROSS_ENTROPY if sizes[-1] == 1 else SOFTMAX_CROSS_ENTROPY
    loss = MEAN_SQUARED_ERROR if is_regression(experiment) else of_classes
    plain = mlp(*sizes, activation=activation, loss=loss)
    dropout, seed = experiment.dropout, experiment.seed
    return with_dropout(plain, dropout, seed) if dropout else plain


def optimizer_for(experiment: Experiment, iterations: int) -> Optimizer:
    """Return the optimizer that the experiment describes, for a run of so many iterations.

    >>> optimizer_for(Experiment(seed=1, optimizer="adam"), iterations=100).is_linear
    False
    """
    rate, decay = schedule_for(experiment, iterations), experiment.weight_decay
    decays_itself = experiment.optimizer == "adamw"
    setting = decay if decays_itself else experiment.momentum
    make = OPTIMIZERS[experiment.optimizer]
    optimizer = make(rate) if setting is None else make(rate, setting)
    if decay and not decays_itself:
        optimizer = with_weight_decay(optimizer, scaled(rate, decay))
    return with_l2(optimizer, experiment.l2) if experiment.l2 else optimizer


def schedule_for(experiment: Experiment, iterations: int) -> Schedule:
    """Return the learning-rate schedule that the experiment describes.

    >>> half_way = schedule_for(Experiment(1, learning_rate=0.5, schedule=("cosine",)), 10)
    >>> half_way(5)
    0.25
    """
    name, *numbers = experiment.schedule
    if name == "cosine" and not numbers:
        numbers = [iterations]
    schedule = SCHEDULES[name][0](experiment.learning_rate, *numbers)
    return warm_up(schedule, experiment.warm_up) if experiment.warm_up else schedule


def weights_fingerprint(weights: Array | None) -> str | None:
    """Return the SHA-256 of examples' weights, where they have some.

    >>> weights_fingerprint(np.array([1.0, 2.0]))[:8]
    'dc91ce9a'
    """
    if weights is None:
        return None
    return sha256(np.ascontiguousarray(weights, "<f8").data).hexdigest()


def _space(
    experiment: Experiment, network: Network, optimizer: Optimizer, X: Array, plan: Plan
) -> Space:
    if experiment.full_space:
        return full_space(X, "chosen")
    if experiment.augmentation:
        return full_space(X, "pictures are augmented")
    return cheapest_space(network, optimizer, X, experiment.batch_size, plan.iterations)


def _checked_network(network: Network, described: Network, experiment: Experiment) -> Network:
    if not isinstance(network, Network):
        raise TypeError(
            f"the network is {brief(network)}; expected a Network, such as mlp(4, 3, 1)"
        )
    first, features = network.layers[0], layer_sizes(described)[0]
    if isinstance(first, Dense) and first.fan_in != features:
        raise ValueError(
            f"a network of {first.fan_in} inputs for examples of {features} numbers; expected as "
            "many: make it of that size"
        )
    if layer_sizes(network)[-1] != (outputs := layer_sizes(described)[-1]):
        raise ValueError(
            f"a network of {layer_sizes(network)[-1]} outputs for targets of {outputs}; expected "
            "as many: make it of that size"
        )
    if experiment.dropout and network != described:
        raise ValueError(
            f"dropout is {experiment.dropout} beside a network of your own; expected its layers to "
            "say so: use `with_dropout`"
        )
    return network


def _validating(
    experiment: Experiment, labels: Indices, validation_examples: int, mask: Mask | None
) -> Mask | None:
    """Return which of the examples validate, (1, examples), where early stopping needs some."""
    places = np.arange(len(labels))
    if experiment.early_stopping is None:
        return None
    if validation_examples:
        return places[np.newaxis] >= len(places) - validation_examples
    others = places if mask is None else np.flatnonzero(mask)
    if not 0 < round(HELD_OUT * len(others)) < len(others):
        raise ValueError(
            f"early_stopping holds out {HELD_OUT} of {len(others)} examples to validate on, which "
            "leaves none on one side; expected more examples, or a validation set: give one"
        )
    chosen = others[held_out(labels[others], experiment.seed, HELD_OUT)]
    return np.isin(places[np.newaxis], chosen)


def _weights(
    experiment: Experiment,
    labels: Indices,
    example_weights: Array | None,
    mask: Mask | None,
    validating: Mask | None,
) -> tuple[Array | None, Array | None]:
    """Return the weights of the examples in training and in validation, where they differ."""
    whole = (mask, validating, experiment.class_weight, example_weights)
    if all(reason is None for reason in whole):
        return None, None
    learning = np.ones((1, len(labels)), bool) if mask is None else mask
    if validating is not None:
        learning = learning & ~validating
    weights = _class_weights(experiment, labels, learning)
    if example_weights is not None:
        weights = weights * np.asarray(example_weights)[np.newaxis]
    dtype = experiment.dtype
    trained = _normalized(learning * weights, "train", dtype)
    held = None if validating is None else _normalized(validating * weights, "validate", dtype)
    return trained, held


def _normalized(weights: Array, what_for: str, dtype: str) -> Array:
    if not weights.any(-1).all():
        raise ValueError(
            f"all examples that {what_for} have weight 0; expected some above: give other weights "
            "of examples, or another class_weight"
        )
    return normalized(weights.astype(dtype))


def _class_weights(experiment: Experiment, labels: Indices, learning: Mask) -> Array | float:
    """Return the weights of the examples by their classes; balanced, by those that train."""
    weights, classes = experiment.class_weight, experiment.classes
    if weights is None:
        return 1.0
    if not isinstance(weights, str):
        return class_weights(labels, weights)
    of_networks = (
        class_weights(labels, balanced_weights(labels[row], classes))
        for row in learning.reshape(-1, learning.shape[-1])
    )
    return np.stack([*of_networks]).reshape(learning.shape)


def _order(experiment: Experiment, labels: Indices, visited: Indices) -> Order:
    return subset(visited, ORDERS[experiment.order](labels[visited], experiment.seed))


def _converted(
    experiment: Experiment, examples: ExamplesLike, validation: ExamplesLike | None
) -> tuple[Examples, int, tuple[str, ...]]:
    """Return all examples, how many of them, last, validate, and the names of the classes.

    Targets are class numbers, or those of a regression, (examples, outputs).
    """
    trained, names = _with_numbers(experiment, examples_from(examples), ())
    if validation is None:
        return trained, 0, names
    if not experiment.early_stopping:
        raise ValueError("a validation set without early stopping; expected both: ask for it")
    own, _ = _with_numbers(experiment, examples_from(validation, "validation "), names)
    return _joined(trained, own), len(own.targets), names


def _with_numbers(
    experiment: Experiment, examples: Examples, names: tuple[str, ...]
) -> tuple[Examples, tuple[str, ...]]:
    if is_regression(experiment):
        return examples._replace(targets=regression_targets(examples.targets)), ()
    labels, names = class_numbers(examples.targets, experiment.classes, names)
    return examples._replace(targets=labels), names


def _labels(experiment: Experiment, examples: Examples) -> Indices:
    """Return the class numbers; a regression is of one class."""
    count = len(examples.targets)
    return np.zeros(count, np.int64) if is_regression(experiment) else examples.targets


def _network_targets(experiment: Experiment, examples: Examples) -> Array:
    """Return the targets of the network, (outputs, examples)."""
    if is_regression(experiment):
        check_within(examples.targets, experiment.dtype, "targets")
        return np.ascontiguousarray(examples.targets.T, experiment.dtype)
    return targets(examples.targets, experiment.classes, experiment.dtype)


def _joined(examples: Examples, validation: Examples) -> Examples:
    check_shape(validation.inputs, examples.inputs.shape[1:])
    inputs = [of.inputs for of in (examples, validation)]
    if len({array.dtype == np.uint8 for array in inputs}) > 1:
        raise ValueError(
            f"inputs of {inputs[0].dtype}, and of {inputs[1].dtype} to validate with; expected "
            "one type: convert them alike"
        )
    if (found := validation.targets.shape[1:]) != (expected := examples.targets.shape[1:]):
        raise ValueError(f"validation targets of {found} outputs; expected {expected}")
    weights = [np.ones(len(of.targets)) if of.weights is None else of.weights
               for of in (examples, validation)]  # fmt: skip
    has_weights = examples.weights is not None or validation.weights is not None
    return Examples(
        np.concatenate(inputs),
        np.concatenate([examples.targets, validation.targets]),
        np.concatenate(weights) if has_weights else None,
    )
