"""No function of the core changes what it is given, and all take arrays nobody may write to."""

import importlib
import inspect
import pickle
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from itertools import islice

import numpy as np
import pytest
from toolz import identity

from catpipe import checks, random
from catpipe.checks import check_map
from catpipe.data import (
    augmentation,
    batches,
    conversion,
    copies,
    findings,
    folds,
    inspection,
    sampling,
)
from catpipe.data import examples as example
from catpipe.data.conversion import check_within
from catpipe.data.drawn import canvas, drawings, subjects
from catpipe.data.transforms import (
    boundaries,
    clustering,
    codebooks,
    columns,
    components,
    composition,
    descriptors,
    notation,
    scaling,
)
from catpipe.data.transforms import pictures as picture_transforms
from catpipe.experiments import (
    contexts,
    cross_validation,
    curves,
    diagnosis,
    ensembles,
    experiment,
    explanations,
    features,
    fitting,
    result,
    resuming,
    setup,
    sweeps,
    validation,
)
from catpipe.metrics import intervals, scores
from catpipe.metrics import probabilities as scored
from catpipe.metrics.scores import example_weights
from catpipe.nn import arrays, initializers, layers, losses, parameters
from catpipe.nn.initializers import initialize_parameters
from catpipe.nn.network import (
    back_propagate,
    backward,
    check_network,
    check_parameters,
    compute_cost,
    cost_gradient,
    cost_of,
    first_dense,
    forward,
    gradients,
    input_gradient,
    layer_sizes,
    mlp,
    parameter_shapes,
    predict,
    predict_probabilities,
    scaled,
    summed_cost_gradient,
    weight_shapes,
    with_dropout,
)
from catpipe.optim import optimizers, regularizers, schedules
from catpipe.training import (
    compiled,
    cost_history,
    dual,
    gradient_checks,
    hoisting,
    loop,
    memory,
    sharding,
    spaces,
    stopping,
    subspace,
)
from tests.laws.test_house import CORE
from tests.points import ACTIVATIONS, examples, normal, normal_parameters

NET = mlp(3, 4, 2, 1)
W = normal_parameters(NET, seed=1)
X, Y = examples(NET, seed=2)
Z, CACHES = forward(NET, W, X)
DZ = normal(3, *Z.shape)
LABELS = np.array([0, 1, 1, 0, 1, 0])
SURE = np.stack([np.linspace(0, 1, 6), np.linspace(1, 0, 6)])
IMAGES = np.arange(6 * 12, dtype=np.uint8).reshape(6, 2, 2, 3)
DESCENT = optimizers.gradient_descent(0.1)
MOVING = {
    "gradient_descent": DESCENT,
    "heavy_ball": optimizers.heavy_ball(0.1),
    "averaged_momentum": optimizers.averaged_momentum(0.1),
    "nesterov": optimizers.nesterov(0.1),
    "rmsprop": optimizers.rmsprop(0.1),
    "adam": optimizers.adam(schedules.cosine(0.1, 10)),
    "adamw": regularizers.adamw(0.1),
    "with_l2": regularizers.with_l2(optimizers.heavy_ball(0.1), 0.1),
    "with_weight_decay": regularizers.with_weight_decay(optimizers.heavy_ball(0.1), 0.1),
    "with_clipping": regularizers.with_clipping(optimizers.heavy_ball(0.1), 0.1),
}
STATE = loop.initial_state(DESCENT, W)
ROLLING = loop.initial_state(MOVING["heavy_ball"], W)
CHECKPOINT = stopping.Checkpoint(STATE, STATE, 0.5)
BATCHES = (batches.Batch(X, Y),) * 3
STEP = loop.make_step(NET, DESCENT, 1)
EXPERIMENT = experiment.Experiment(seed=1, hidden=(2,), iterations=2)
PICTURES = example.Examples(IMAGES, LABELS)
RESULT = fitting.fit(EXPERIMENT, PICTURES)
NUMBERS = example.Examples(normal(5, 6, 3), normal(6, 6, 2))
OF_NUMBERS = fitting.fit(EXPERIMENT._replace(loss="mean_squared_error"), NUMBERS)
INSIDE = setup.prepare(EXPERIMENT._replace(iterations=50), PICTURES)
HALFWAY = fitting.fit(INSIDE.experiment, PICTURES, lambda them: islice(them, 30))
OF_SEEDS = ensembles.fit_seeds(
    INSIDE.experiment, (1, 2), PICTURES, watch=lambda them: islice(them, 30)
)
ALL_SEEDS = ensembles.with_seeds(INSIDE, (1, 2))
STOPPING = setup.prepare(
    EXPERIMENT._replace(early_stopping=1, batch_size=2, class_weight="balanced"), PICTURES
)
FEATURES = setup.prepare(
    EXPERIMENT._replace(transforms=(picture_transforms.mirror_views(), scaling.standardize())),
    PICTURES,
)
AUGMENTED = setup.prepare(EXPERIMENT._replace(augmentation=(("flipped",),)), PICTURES)
WIDE = mlp(9, 4, 1)
FAR = normal_parameters(WIDE, seed=5)
BASIS, _ = subspace.orthonormal_basis(normal(6, 9, 3))
SPACE = subspace.subspace_of(WIDE, FAR, BASIS)
NEAR = subspace.project(SPACE, FAR)
DUAL = dual.project(NET, W, X)
DROPPED = with_dropout(NET, 0.5, seed=1)
MASKED = layers.MaskedDropout(0.5, [X > 0].__getitem__)
MANY = normal(10, 3, 6)
LARGE = (256 * normal(7, 3, 32, 32, 3)).astype(np.uint8)[[0, 1, 2, 1]]
DOUBTFUL = example.DataSet(
    example.Examples(LARGE, LABELS[:4]), example.Examples(LARGE[:, ::-1], LABELS[:4]), ("a", "b")
)
ONE_HOT = example.one_hot(np.arange(6) % 3, 3)
BRIGHT = normal(11, 4, 3, 3, 3) % 1
TRANSFORMS = (picture_transforms.grey(), scaling.standardize())
LEARNED = composition.fit_transforms(TRANSFORMS, BRIGHT, 1)
SPACES = {
    "full": spaces.full_space(X, "chosen"),
    "dual": spaces.dual_space(X),
    "subspace": spaces.column_space(X),
}
LOOK = drawings.look_of(7, 0)
AT = tuple(map(np.asarray, np.ogrid[0.5:4, 0.5:4]))


def distances(shape, *arguments):
    """Return the distances from a shape's edge: the shape itself is a closure, and has no bytes."""
    return shape(*arguments)(*AT)


def combined(combine):
    return combine(canvas.box(0, 0, 2, 2), canvas.ellipse((1, 1), (2, 1)))(*AT)


def into_and_out(space, net, start):
    return space.lift(net, start, space.project(net, start)[1])


def at_three(make, *settings):
    return make(*settings)(3) if make is not schedules.scaled else make(*settings)


def ordered(make, of, *more):
    return make(of, *(more or (1,)))(2)


def mini(make, everything, order):
    return tuple(islice(make(everything, order, size=4), 3))


def halved(split_epochs, everything, order):
    split = split_epochs(lambda examples, _: np.split(examples, 2), everything, order, size=3)
    return tuple(islice(split, 3))


def floats_of(function, numbers):
    return function(numbers)[1]


def first_batches(make, problem):
    return tuple(islice(make(problem, 1), 2))


def trained_in_space(train, prepared):
    network, start = prepared.space.project(prepared.network, prepared.initial_parameters)
    return train(prepared, network, start)


def all_of(make, *arguments):
    return tuple(make(*arguments))


def half(parameters):
    return 0.5


def transformed(make, *settings):
    return composition.fit_and_apply(make(*settings), BRIGHT, 1)


def composed(combine, *transforms):
    return composition.fit_and_apply(combine(*transforms), BRIGHT, 1)


def painted(layers):
    return canvas.paint(np.zeros((4, 4, 3)), layers)


def backdrop_and_shade(backdrop, shade, look):
    return painted((*backdrop(look), shade(look)))


for array in (
    Z,
    LABELS,
    IMAGES,
    BASIS,
    MANY,
    ONE_HOT,
    BRIGHT,
    SPACE.unseen,
    *AT,
    *(a for cache in CACHES for a in cache),
):
    array.setflags(write=False)

VALIDATION = validation.validate(EXPERIMENT, PICTURES, np.arange(6) % 2)
CALLS = {
    **{f"{a!r}": (a.value, Z) for a in ACTIVATIONS},
    **{f"{a!r}_backward": (a.backward, DZ, Z) for a in ACTIVATIONS},
    **{
        initializer.__name__: (initializer, 1, ((2, 3), (1, 2)))
        for initializer in (
            initializers.course,
            initializers.small,
            initializers.large,
            initializers.course_he,
            initializers.he,
            initializers.xavier,
            initializers.zeros,
        )
    },
    "map_parameters": (parameters.map_parameters, np.add, W, W),
    "map_numbers": (parameters.map_numbers, np.divmod, W, W),
    "typed_rate": (parameters.typed_rate, normal(1, 2, 1, 1), np.dtype(np.float32)),
    "in_rows": (parameters.in_rows, normal(1, 2, 1, 1)),
    "weights_among": (parameters.weights_among, W),
    "layout_of": (parameters.layout_of, (("W1", (2, 3)), ("b1", (2, 1)))),
    "is_foreign": (arrays.is_foreign, normal(1, 2)),
    "squared_length": (regularizers.squared_length, W),
    "binary_cross_entropy": (losses.binary_cross_entropy, Z, Y),
    "binary_cross_entropy_gradient": (losses.binary_cross_entropy_gradient, Z, Y),
    "positive": (losses.positive, Z),
    "softmax": (losses.softmax, MANY),
    "softmax_cross_entropy": (losses.softmax_cross_entropy, MANY, ONE_HOT),
    "softmax_cross_entropy_gradient": (losses.softmax_cross_entropy_gradient, MANY, ONE_HOT),
    "argmax": (losses.argmax, MANY),
    "squared_error": (losses.squared_error, Z, Y),
    "squared_error_gradient": (losses.squared_error_gradient, Z, Y),
    "probabilities_gradient": (losses.probabilities_gradient, losses.softmax(Z), Y),
    "any_targets": (losses.any_targets, Y),
    "check_probabilities": (losses.check_probabilities, Y),
    "check_distributions": (losses.check_distributions, ONE_HOT),
    "check_more_than_one": (losses.check_more_than_one, 2),
    "check_numbers": (losses.check_numbers, Y),
    "targets_like": (losses.targets_like, Z, Y),
    "as_numpy": (arrays.as_numpy, LABELS),
    "namespaced": (floats_of, arrays.namespaced, LABELS),
    "in_order": (arrays.in_order, X),
    "floating": (arrays.floating, LABELS),
    "like": (arrays.like, X, LABELS),
    "linear_forward": (layers.linear_forward, X, W["W1"], W["b1"]),
    "product": (layers.product, normal(4, 2, 4, 3), X),
    "linear_backward": (layers.linear_backward, normal(4, 4, 6), X, W["W1"]),
    "linear_activation_backward": (
        layers.linear_activation_backward,
        ACTIVATIONS[2],
        DZ,
        CACHES[2],
        W["W3"],
    ),
    "linear_gradients": (layers.linear_gradients, normal(4, 4, 6), X),
    "linear_input_gradient": (layers.linear_input_gradient, normal(4, 4, 6), W["W1"]),
    "Dense.forward": (layers.Dense.forward, NET.layers[0], W, X),
    "Dense.backward": (layers.Dense.backward, NET.layers[2], W, CACHES[2], DZ),
    "Dense.shapes": (layers.Dense.shapes, NET.layers[0]),
    "Dropout.forward": (layers.Dropout.forward, DROPPED.layers[1], W, X, 7),
    "Dropout.backward": (layers.Dropout.backward, DROPPED.layers[1], W, normal(9, 3, 6), X),
    "Dropout.shapes": (layers.Dropout.shapes, DROPPED.layers[1]),
    "with_dropout": (with_dropout, NET, 0.5, 1),
    "forward_in_training": (forward, DROPPED, W, X, 7),
    "initialize_parameters": (initialize_parameters, NET, 1),
    "forward": (forward, NET, W, X),
    "layer_sizes": (layer_sizes, NET),
    "first_dense": (first_dense, NET),
    "weight_shapes": (weight_shapes, NET),
    "backward": (backward, NET, W, CACHES, DZ),
    "back_propagate": (back_propagate, NET, W, CACHES, DZ),
    "input_gradient": (input_gradient, NET, W, CACHES, DZ),
    "compute_cost": (compute_cost, NET, Z, Y),
    "summed_cost_gradient": (summed_cost_gradient, NET, Z, Y, normal(7, 1, 6) ** 2),
    "scaled": (scaled, W, dict(gradients(NET, W, X, Y)), 0.5),
    "check_parameters": (check_parameters, NET, W),
    "check_network": (check_network, NET),
    "affine": (layers.affine, X, W["W1"], W["b1"]),
    "check_dropout_rate": (layers.check_dropout_rate, 0.5),
    "check_seed": (random.check_seed, 1),
    "weighted": (losses.weighted, normal(7, 1, 6) ** 2, Z),
    "MaskedDropout.forward": (layers.MaskedDropout.forward, MASKED, W, X, 0),
    "cost_gradient": (cost_gradient, NET, Z, Y),
    "gradients": (gradients, NET, W, X, Y),
    "cost_of": (cost_of, NET, W, X, Y),
    "predict_probabilities": (predict_probabilities, NET, W, X),
    "predict": (predict, NET, W, X),
    "update_parameters": (optimizers.update_parameters, W, W, 0.1),
    **{f"{name}_init": (optimizer.init, W) for name, optimizer in MOVING.items()},
    **{
        f"{name}_update": (optimizer.update, 3, W, optimizer.init(W), normal_parameters(NET, 4))
        for name, optimizer in MOVING.items()
    },
    "gradient_descent": (optimizers.gradient_descent, normal(1, 2, 1, 1) ** 2),
    "heavy_ball": (optimizers.heavy_ball, normal(1, 2, 1, 1) ** 2),
    "averaged_momentum": (optimizers.averaged_momentum, normal(1, 2, 1, 1) ** 2),
    "rmsprop": (optimizers.rmsprop, normal(1, 2, 1, 1) ** 2),
    "adam": (optimizers.adam, normal(1, 2, 1, 1) ** 2),
    "adamw": (regularizers.adamw, normal(1, 2, 1, 1) ** 2),
    "checked_rate": (optimizers.checked_rate, normal(1, 2, 1, 1) ** 2),
    "comparable": (schedules.comparable, normal(1, 2, 1, 1) ** 2),
    "check_positive": (schedules.check_positive, "rate", normal(1, 2, 1, 1) ** 2),
    "below_one": (optimizers.below_one, "beta", 0.5),
    "rate_at": (schedules.rate_at, schedules.constant(0.1), 3),
    **{
        f"{make.__name__}_schedule": (at_three, make, normal(1, 2, 1, 1), *numbers)
        for make, *numbers in (
            (schedules.constant,),
            (schedules.inverse_time, 0.5, 2),
            (schedules.step_decay, 0.5, 2),
            (schedules.exponential, 0.5),
            (schedules.cosine, 10),
            (schedules.warm_up, 10),
            (schedules.scaled, 0.5),
        )
    },
    "nesterov": (optimizers.nesterov, normal(1, 2, 1, 1) ** 2),
    "with_l2": (regularizers.with_l2, DESCENT, 0.1),
    "with_weight_decay": (regularizers.with_weight_decay, DESCENT, 0.1),
    "with_clipping": (regularizers.with_clipping, DESCENT, 0.1),
    "l2_penalty": (regularizers.l2_penalty, W, 0.1),
    "check_strength": (schedules.check_strength, "L2", 0.1),
    "relative_difference": (gradient_checks.relative_difference, W, W),
    "gradient_check": (gradient_checks.gradient_check, NET, W, batches.Batch(X, Y)),
    "class_weights": (batches.class_weights, LABELS, (0.5, 2.0)),
    "balanced_weights": (batches.balanced_weights, LABELS, 2),
    "batches_in_epoch": (batches.batches_in_epoch, 6, 4),
    "held_out": (sampling.held_out, LABELS, 1, 0.5),
    **{
        f"{order.__name__}_order": (ordered, order, of)
        for order, of in (
            (sampling.shuffled, 6),
            (sampling.stratified, LABELS),
            (sampling.balanced, LABELS),
        )
    },
    "among": (ordered, sampling.subset, LABELS, sampling.shuffled(6, 1)),
    "mini_batches": (
        mini,
        batches.mini_batches,
        batches.Batch(X, Y, normal(7, 1, 6) ** 2),
        sampling.shuffled(6, 1),
    ),
    "picked": (mini, batches.picked, batches.Batch(X, Y), sampling.shuffled(6, 1)),
    "split_epochs": (
        halved,
        batches.split_epochs,
        batches.Batch(X, Y),
        sampling.shuffled(6, 1),
    ),
    "flipped": (augmentation.flipped, BRIGHT, 1, 2),
    "shifted": (augmentation.shifted, BRIGHT, 1, 2),
    "brightened": (augmentation.brightened, BRIGHT, 1, 2),
    "cropped": (augmentation.cropped, BRIGHT, 1, 2),
    "augmented": (
        augmentation.augmented,
        [batches.Batch(X, Y)],
        (1, 1, 3),
        (augmentation.flipped,),
        1,
    ),
    "early_stopping": (stopping.early_stopping, [STATE], half, 1),
    "checked_at": (stopping.checked_at, CHECKPOINT, half),
    "normalized": (batches.normalized, normal(7, 2, 1, 6) ** 2),
    "full_batches": (batches.full_batches, X, Y, 2),
    "initial_state": (loop.initial_state, MOVING["heavy_ball"], W),
    "make_step": (loop.make_step, NET, DESCENT),
    "check_epsilon": (optimizers.check_epsilon, 1e-8),
    "checked_schedule": (schedules.checked_schedule, normal(1, 2, 1, 1) ** 2),
    "checked_labels": (sampling.checked_labels, LABELS),
    "check_order": (sampling.check_order, sampling.shuffled(6, 1)),
    "check_numbers_of_batches": (batches.check_numbers, "X", X),
    "is_number": (checks.is_number, 0.5),
    "is_whole": (checks.is_whole, 3),
    "check_whole": (checks.check_whole, "size", 2),
    "of_each_network": (checks.of_each_network, "rate", normal(1, 2, 1, 1), "a number"),
    "check_type": (checks.check_type, "state", STATE, loop.State, "State(...)"),
    "check_batch": (batches.check_batch, batches.Batch(X, Y, normal(7, 1, 6))),
    "check_optimizer": (optimizers.check_optimizer, DESCENT),
    "check_moments": (optimizers.check_moments, MOVING["heavy_ball"], W, ROLLING.moments),
    "check_state": (loop.check_state, STEP, STATE),
    "check_run": (loop.check_run, STEP, BATCHES, STATE),
    "is_finite": (loop.is_finite, W),
    "quiet": (loop.quiet,),
    "after": (cost_history.after, ((0, 0.5),), (1, 0.25)),
    "step": (STEP, STATE, BATCHES[0]),
    "rolling_step": (loop.make_step(NET, MOVING["heavy_ball"]), ROLLING, BATCHES[0]),
    "train": (loop.train, STEP, BATCHES, STATE),
    "trajectory": (loop.trajectory, STEP, BATCHES, STATE),
    "finite": (loop.finite, [STATE, STATE._replace(costs=((0, 0.5),))]),
    "check_finite": (loop.check_finite, 1, normal(8, 3), STATE),
    "span": (subspace.orthonormal_basis, normal(6, 9, 3)),
    "subspace": (subspace.subspace_of, WIDE, FAR, BASIS),
    "subspace_network": (subspace.subspace_network, WIDE, 2),
    "project": (subspace.project, SPACE, FAR),
    "lift": (subspace.lift, SPACE, NEAR),
    "drops": (hoisting.drops, DROPPED.layers[1]),
    "with_masks": (hoisting.with_masks, DROPPED, [LABELS, LABELS]),
    "scheduled": (hoisting.scheduled, MOVING["adam"], 3),
    "with_rates": (hoisting.with_rates, MOVING["adam"], [0.1]),
    "settings_of": (hoisting.settings_of, MOVING["with_l2"]),
    "gram": (dual.gram, X),
    "dual_network": (dual.dual_network, NET, 6),
    "project_in_dual": (dual.project, NET, W, X),
    "lift_from_dual": (dual.lift, NET, W, X, DUAL),
    "forward_of_dual": (forward, dual.dual_network(NET, 6), DUAL, dual.gram(X)),
    "gradients_of_dual": (gradients, dual.dual_network(NET, 6), DUAL, dual.gram(X), Y),
    "space_of": (spaces.space_of, "subspace", X, "as it was"),
    "network_inside": (spaces.network_inside, "subspace", NET, 6),
    "cheapest_space": (spaces.cheapest_space, NET, DESCENT, X, 6, 100),
    "full_space": (spaces.full_space, X, "chosen"),
    "dual_space": (spaces.dual_space, X),
    "column_space": (spaces.column_space, X),
    **{f"into_and_out_of_{k}": (into_and_out, space, NET, W) for k, space in SPACES.items()},
    "stream": (random.generator, 1, 2, 3),
    "mlp": (mlp, 3, 4, 1),
    "parameter_shapes": (parameter_shapes, NET),
    "examples_from": (conversion.examples_from, PICTURES._replace(weights=np.arange(6.0))),
    "inputs_from": (conversion.inputs_from, normal(4, 6, 3)),
    "class_numbers": (conversion.class_numbers, LABELS, 2),
    "class_numbers_of_one_hot": (conversion.class_numbers, np.eye(3)[[0, 2, 1]], 3),
    "regression_targets": (conversion.regression_targets, normal(4, 6)),
    "check_shape": (conversion.check_shape, IMAGES, (2, 2, 3)),
    "are_pixels": (columns.are_pixels, IMAGES),
    "hold_pixels": (columns.hold_pixels, IMAGES),
    "fingerprint": (example.fingerprint, PICTURES),
    "noun": (example.noun, PICTURES),
    "some_of": (example.some_of, PICTURES, np.array([0])),
    "digests": (copies.digests, IMAGES),
    "equal_pairs": (copies.equal_pairs, (b"a", b"b", b"a")),
    "fingerprints": (copies.fingerprints, LARGE),
    "near_pairs": (copies.near_pairs, copies.fingerprints(LARGE)),
    "are_pictures": (copies.are_pictures, LARGE),
    "find_problems": (inspection.find_problems, DOUBTFUL),
    "sentences": (findings.sentences, inspection.find_problems(DOUBTFUL)),
    "summary": (findings.summary, inspection.find_problems(DOUBTFUL)),
    "pixels": (columns.pixels, IMAGES),
    "as_floats": (columns.as_floats, IMAGES),
    "as_rows": (columns.as_rows, BRIGHT),
    "as_columns": (columns.as_columns, BRIGHT),
    "as_pictures": (boundaries.as_pictures, "grey", BRIGHT),
    "check_features": (boundaries.check_features, "grey", BRIGHT, (3, 3, 3)),
    "in_parts": (boundaries.in_parts, np.sqrt, BRIGHT, 10**6),
    "features_of": (boundaries.features_of, BRIGHT),
    "grey": (transformed, picture_transforms.grey),
    "downscale": (transformed, picture_transforms.downscale, 2),
    "mirror_views": (transformed, picture_transforms.mirror_views),
    "crop_views": (transformed, picture_transforms.crop_views, 3, 2),
    "standardize": (transformed, scaling.standardize),
    "scale_groups": (transformed, scaling.scale_groups, 9, 18),
    "logarithm": (transformed, scaling.logarithm, 3),
    "square_root": (transformed, scaling.square_root),
    "principal_components": (transformed, components.principal_components, 2),
    "colour_histogram": (transformed, descriptors.colour_histogram, 2, 3),
    "oriented_gradients": (transformed, descriptors.oriented_gradients, 1),
    "codebook": (transformed, codebooks.codebook, 3, 2),
    "k_means": (clustering.k_means, MANY, 2, 1),
    "nearest": (clustering.nearest, MANY, MANY),
    "chain": (composed, composition.chain, *TRANSFORMS),
    "beside": (composed, composition.beside, *TRANSFORMS),
    "fit_transforms": (composition.fit_transforms, TRANSFORMS, BRIGHT, 1),
    "fit_and_apply": (composition.fit_and_apply, TRANSFORMS[0], BRIGHT, 1),
    "fit_and_apply_transforms": (
        composition.fit_and_apply_transforms,
        TRANSFORMS,
        BRIGHT,
        1,
    ),
    "apply_transforms": (composition.apply_transforms, TRANSFORMS, LEARNED, BRIGHT),
    "with_places": (composition.with_places, LEARNED),
    "by_place": (composition.by_place, composition.with_places(LEARNED), 2),
    "check_transforms": (composition.check_transforms, TRANSFORMS),
    "read_transforms": (notation.read_transforms, "grey + (downscale:2; standardize)"),
    "write_transforms": (notation.write_transforms, TRANSFORMS),
    "transform_forms": (notation.transform_forms,),
    "targets": (example.targets, LABELS),
    "one_hot": (example.one_hot, LABELS, 3),
    "is_weight": (parameters.is_weight, "W1"),
    "r_squared": (scores.r_squared, Z, Y),
    "root_mean_squared_error": (scores.root_mean_squared_error, Z, Y),
    "mean_absolute_error": (scores.mean_absolute_error, Z, Y),
    "accuracy": (scores.accuracy, LABELS[np.newaxis], Y),
    "balanced_accuracy": (scores.balanced_accuracy, LABELS, 1 - LABELS, np.arange(1.0, 7)),
    "confusion": (scores.confusion, LABELS, LABELS, 2),
    "area_under_curve": (scored.area_under_curve, SURE, LABELS),
    "log_loss": (scored.log_loss, SURE, LABELS),
    "reliability": (scored.reliability, SURE, LABELS),
    "calibration_error": (scored.calibration_error, SURE, LABELS),
    "wilson_interval": (intervals.wilson_interval, 3, 4),
    "paired_difference": (intervals.paired_difference, np.arange(3.0), np.ones(3), 0.5),
    "t_quantile": (intervals.t_quantile, 3),
    "stratified_folds": (folds.stratified_folds, LABELS, 3, 1, 2),
    "hold_outs": (folds.hold_outs, LABELS, 0.5, 1, 1, LABELS),
    "leave_one_out": (folds.leave_one_out, LABELS),
    "groups_of_equal": (folds.groups_of_equal, IMAGES),
    "joined_groups": (folds.joined_groups, np.arange(4), np.arange(4) // 2),
    "checked_folds": (folds.checked_folds, LABELS, 6),
    "checked": (experiment.checked, EXPERIMENT),
    "is_regression": (experiment.is_regression, EXPERIMENT),
    "closest": (experiment.closest, "adm", {"adam": "adam"}),
    "non_defaults": (experiment.non_defaults, EXPERIMENT),
    "prepare": (setup.prepare, EXPERIMENT, PICTURES),
    "prepare_weighted": (setup.prepare, EXPERIMENT, PICTURES._replace(weights=np.arange(6.0))),
    "plan_for": (setup.plan_for, STOPPING.experiment, LABELS),
    "with_seed": (setup.with_seed, STOPPING, 2),
    "initial_parameters_for": (setup.initial_parameters_for, INSIDE, 2),
    "with_mask": (setup.with_mask, INSIDE, np.arange(6) % 3 != np.arange(3)[:, None, None]),
    "with_mask_of_transforms": (setup.with_mask, FEATURES, np.arange(6)[None, None] % 3 > 0),
    "augmented_batches": (first_batches, setup.batches_of, AUGMENTED),
    "learns": (setup.learns, FEATURES),
    "views_of": (setup.views_of, FEATURES),
    "learned_columns": (features.learned_columns, FEATURES.experiment, IMAGES, np.arange(4)),
    "columns_of": (features.columns_of, FEATURES.experiment, FEATURES.fitted, IMAGES),
    "features_and_views": (
        features.features_and_views,
        FEATURES.experiment,
        FEATURES.fitted,
        IMAGES.shape[1:],
    ),
    "ensemble_predictions": (result.ensemble_predictions, OF_SEEDS, IMAGES),
    "ensemble_probabilities": (result.ensemble_probabilities, OF_SEEDS, IMAGES),
    "check_map": (check_map, map),
    "check_within": (check_within, Z, "float32", "Z"),
    "example_weights": (example_weights, np.full(6, 1 / 6), 6),
    "logits_of": (features.logits_of, NET, W, X, 3),
    "plain_fields": (experiment.plain_fields, FEATURES.experiment),
    "are_described": (experiment.are_described, FEATURES.experiment),
    "augmentation_for": (experiment.augmentation_for, ("flipped", 0.5)),
    "grid": (sweeps.grid, EXPERIMENT),
    "paired": (sweeps.paired, EXPERIMENT),
    "trials_of": (sweeps.trials_of, [EXPERIMENT, EXPERIMENT._replace(seed=2)]),
    "varied": (sweeps.varied, [EXPERIMENT, EXPERIMENT._replace(seed=2)]),
    "sweep": (all_of, sweeps.sweep, [EXPERIMENT], PICTURES),
    "run_trial": (sweeps.run_trial, PICTURES, None, sweeps.Trial(EXPERIMENT, (1, 2))),
    "make_sharded_step": (sharding.make_sharded_step, NET, DESCENT),
    "sharded_step": (
        sharding.make_sharded_step(NET, DESCENT),
        STATE,
        [partial(batches.Batch, X, Y, np.full((1, X.shape[1]), 0.1))],
    ),
    "weights_fingerprint": (setup.weights_fingerprint, np.arange(6.0)),
    "folds_need_own_runs": (setup.folds_need_own_runs, EXPERIMENT),
    "batches_of": (first_batches, setup.batches_of, STOPPING),
    "turns_of": (setup.turns_of, STOPPING),
    "sizes_for": (setup.sizes_for, EXPERIMENT, 12),
    "network_for": (setup.network_for, EXPERIMENT, 12),
    "optimizer_for": (setup.optimizer_for, EXPERIMENT._replace(optimizer="adamw"), 10),
    "schedule_for": (setup.schedule_for, EXPERIMENT._replace(warm_up=3), 10),
    "run": (fitting.run, INSIDE),
    "run_from": (fitting.run, INSIDE, identity, HALFWAY.checkpoint),
    "train_in_space": (trained_in_space, fitting.train_in_space, INSIDE),
    "with_advice": (fitting.with_advice, INSIDE, "cost nan"),
    "result_at": (fitting.result_at, INSIDE, HALFWAY.checkpoint),
    "plain_costs": (fitting.plain_costs, ((0, np.ones(2)),)),
    "checked_result": (result.checked_result, HALFWAY),
    "checkpoint_of": (result.checkpoint_of, HALFWAY),
    "resume": (resuming.resume, HALFWAY, PICTURES, identity, None, 60),
    "resume_a_stack": (resuming.resume, OF_SEEDS, PICTURES, identity, None, 60),
    "replay": (resuming.replay, HALFWAY, PICTURES),
    "prepare_again": (resuming.prepare_again, HALFWAY, PICTURES),
    "carry_on": (resuming.carry_on, HALFWAY, INSIDE),
    "run_again": (resuming.run_again, HALFWAY, INSIDE),
    "with_experiment": (resuming.with_experiment, INSIDE, INSIDE.experiment._replace(l2=0.5)),
    "with_changes": (resuming.with_changes, HALFWAY, {"iterations": 60, "l2": 0.5}),
    "check_same": (resuming.check_same, HALFWAY, INSIDE),
    "run_seeds": (ensembles.run_seeds, INSIDE, (1, 2)),
    "with_seeds": (ensembles.with_seeds, INSIDE, (1, 2)),
    "part_of": (ensembles.part_of, OF_SEEDS.checkpoint, 0, 1),
    "run_folds": (cross_validation.run_folds, INSIDE, np.arange(6) % 3),
    "run_masks": (cross_validation.run_masks, INSIDE, np.eye(6, dtype=bool)[:, np.newaxis] == 0),
    "run_repeats": (cross_validation.run_repeats, INSIDE, np.arange(12).reshape(2, 6) % 3),
    "folds_for": (validation.folds_for, EXPERIMENT, PICTURES, 3, 1),
    "validate": (validation.validate, EXPERIMENT, PICTURES, np.arange(6) % 3),
    "compare": (validation.compare, VALIDATION, VALIDATION),
    "confusion_of": (validation.confusion_of, VALIDATION),
    "reliability_of": (validation.reliability_of, VALIDATION),
    "seeds_need_own_runs": (ensembles.seeds_need_own_runs, EXPERIMENT),
    "stacked": (ensembles.stacked, [W, W]),
    "fit_seeds": (ensembles.fit_seeds, EXPERIMENT, (1, 2), PICTURES),
    "fit_seeds_inside": (ensembles.fit_seeds, INSIDE.experiment, (1, 2), PICTURES),
    "cross_validate": (
        cross_validation.cross_validate,
        EXPERIMENT,
        PICTURES,
        np.arange(6) % 3,
    ),
    "fit": (fitting.fit, EXPERIMENT, PICTURES),
    "fit_inside": (fitting.fit, INSIDE.experiment, PICTURES),
    "cost_on": (result.cost_on, RESULT, PICTURES),
    "evaluate": (result.evaluate, RESULT, PICTURES),
    "seeds_of": (result.seeds_of, RESULT),
    "diagnose": (diagnosis.diagnose, RESULT, PICTURES),
    "signs_of": (diagnosis.signs_of, RESULT, PICTURES),
    "hint_for": (diagnosis.hint_for, diagnosis.Signs(200, 1.0, 1.0, 1.0, 0.0), RESULT.experiment),
    "probabilities": (result.probabilities, RESULT, IMAGES),
    "of_classes": (result.of_classes, normal(1, 1, 6)),
    "accuracy_on": (result.accuracy_on, RESULT, PICTURES),
    "r_squared_on": (result.r_squared_on, OF_NUMBERS, NUMBERS),
    "predictions": (result.predictions, RESULT, IMAGES),
    "weights_as_pictures": (explanations.weights_as_pictures, RESULT),
    "input_gradients": (explanations.input_gradients, RESULT, IMAGES),
    "learning_curves": (curves.learning_curves, HALFWAY, INSIDE, {"training": PICTURES}, 10),
    "watched_sets": (curves.watched_sets, STOPPING, PICTURES, None, PICTURES),
    "transposed": (composition.transposed, TRANSFORMS, LEARNED, (3, 3, 3), BRIGHT[..., :1]),
    "worst_mistakes": (scored.worst_mistakes, SURE, SURE.argmax(0)),
    "ellipse": (distances, canvas.ellipse, (1, 2), (2, 1)),
    "polygon": (distances, canvas.polygon, (0, 0), (2, 0), (2, 2)),
    "box": (distances, canvas.box, 0, 0, 2, 2),
    "stroke": (distances, canvas.stroke, 2, (0, 0), (3, 0)),
    "union": (combined, canvas.union),
    "common": (combined, canvas.common),
    **{kind.__name__: (drawings.portrait, kind, LOOK) for kind in (subjects.cat, *subjects.OTHERS)},
    "backdrop_and_shade": (backdrop_and_shade, drawings.backdrop, drawings.shade, LOOK),
    "draw": (drawings.draw, 1, 2, 1),
    "pictures": (drawings.pictures, 2, 0.5, 1, 0),
    "picture": (drawings.picture, 0, 1, 0),
    "look_of": (drawings.look_of, 1, 0),
    "pick": (drawings.pick, "abc", 0.5),
    "colour": (drawings.colour, "ff8000"),
    "shaded": (subjects.shaded, (100.0, 50.0, 0.0), 0.5),
}
EXEMPT = {
    compiled.compiled_trajectory: "takes a function, and hands on states: see test_compiled",
    compiled.on_device: "gives another library's arrays: see test_compiled",
    hoisting.with_shares: "returns closures, which no two calls make equal: see test_compiled",
    memory.keep_freed_memory: "takes nothing, and returns nothing: see test_memory",
    contexts.no_context: "takes a function; `fit` calls it",
    contexts.prepared_and_trained: "takes functions; `fit` calls it",
    canvas.paint: "takes shapes, closures without bytes to compare: see test_canvas",
    canvas.mirrored: "takes a shape, and nothing else that could change",
    canvas.placed: "takes a shape, and a pose of plain numbers",
}


def public_functions():
    """Return the public functions that the modules of the core define."""
    modules = [importlib.import_module(name) for name in CORE]
    return {
        function
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    }


def test_every_public_function_of_the_core_is_called_here_or_exempt_for_a_reason():
    called = {part for call in CALLS.values() for part in call if inspect.isfunction(part)}
    forgotten = public_functions() - called - EXEMPT.keys()
    assert sorted(function.__qualname__ for function in forgotten) == []


def test_no_function_is_exempt_in_vain():
    assert EXEMPT.keys() <= public_functions()


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_arguments_are_left_as_they_were(call):
    function, *arguments = call
    before = pickle.dumps(arguments)
    _plain(function(*arguments))
    assert pickle.dumps(arguments) == before


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_equal_arguments_give_equal_values(call):
    function, *arguments = call
    first, again = (_pickled(_plain(function(*arguments))) for _ in range(2))
    assert first == again


def _pickled(value):
    """Return the value pickled without references between equal parts.

    A cache may share them in one call and not in the next.
    """
    written = BytesIO()
    pickler = pickle.Pickler(written)
    pickler.fast = True
    pickler.dump(value)
    return written.getvalue()


def test_the_global_random_state_is_neither_read_nor_moved():
    def draws():
        return initialize_parameters(NET, 1), initializers.he(1, [(2, 3)])

    np.random.seed(0)
    before, drawn = pickle.dumps(np.random.get_state()), pickle.dumps(draws())
    assert pickle.dumps(np.random.get_state()) == before
    np.random.seed(1)
    assert pickle.dumps(draws()) == drawn


def _plain(value):
    """Return the value with what is pending or lazy in it computed, so that it pickles by value."""
    if isinstance(value, tuple | Iterator):
        return tuple(map(_plain, value))
    is_pending = isinstance(value, partial) and value.func in (
        layers.linear_input_gradient,
        np.multiply,
    )
    return value() if is_pending else value
