"""Transforms compose: a pipeline is a fold over them, and combinations are transforms again.

    features:  reduce(apply, zip(transforms, fitted), inputs)

`inputs` are (examples, ...) floats. A transform learns from the training examples alone (`fit`),
and gives (examples, ...) of any examples (`apply`), each from that example alone. It may give
several views of each example, one after another: (examples * views, ...).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import accumulate
from reprlib import repr as brief
from typing import Protocol, runtime_checkable

import numpy as np
from toolz import merge

from catpipe.checks import check_type
from catpipe.data.transforms.columns import as_rows
from catpipe.nn.arrays import Array
from catpipe.nn.parameters import Parameters
from catpipe.random import check_seed


class Transform(Protocol):
    """What makes features of inputs; a user's own needs no more than this."""

    def fit(self, inputs: Array, seed: int) -> Parameters:
        """Return what it learns from inputs, (examples, ...); `Parameters()` where nothing."""
        ...

    def apply(self, fitted: Parameters, inputs: Array) -> Array:
        """Return (examples * views, ...) of inputs, (examples, ...)."""
        ...


class LearnsNothing:
    """What transforms have in common that learn nothing."""

    def fit(self, inputs: Array, seed: int) -> Parameters:  # noqa: ARG002
        """Return nothing."""
        return Parameters()


@runtime_checkable
class Affine(Transform, Protocol):
    """A transform A x + c, which knows the transpose of its A: gradients go back through it."""

    def transposed(self, fitted: Parameters, shape: tuple[int, ...], gradients: Array) -> Array:
        """Return the gradients at inputs of this shape, (examples, *shape), of those at outputs."""
        ...


def fit_transforms(
    transforms: Sequence[Transform], inputs: Array, seed: int
) -> tuple[Parameters, ...]:
    """Return what each transform learns from what those before it give.

    Raises `TypeError` for what is no transform and for one that learns no `Parameters`, and
    `ValueError` for inputs that one cannot take.

    >>> from catpipe.data import principal_components, standardize
    >>> X = np.random.default_rng(1).standard_normal((9, 5))
    >>> fit_transforms((standardize(), principal_components(2)), X, seed=1)[0]
    Parameters(mean (5,) float64, deviation (5,) float64; 10 numbers)
    """
    check_transforms(transforms)
    fitted, outputs = fit_and_apply_transforms(transforms[:-1], inputs, seed)
    return (*fitted, *(_learned(last, outputs, seed) for last in transforms[-1:]))


def fit_and_apply_transforms(
    transforms: Sequence[Transform], inputs: Array, seed: int
) -> tuple[tuple[Parameters, ...], Array]:
    """Return what each transform learns, and what the last gives: each is computed once.

    It is `fit_transforms`, then `apply_transforms` to the same inputs.

    >>> from catpipe.data import standardize
    >>> fit_and_apply_transforms((standardize(),), np.array([[1.0], [3.0]]), seed=1)[1]
    array([[-1.],
           [ 1.]])
    """
    check_transforms(transforms)
    check_seed(seed)

    def through(
        carry: tuple[tuple[Parameters, ...], Array], transform: Transform
    ) -> tuple[tuple[Parameters, ...], Array]:
        fitted, inputs = carry
        learned, outputs = fit_and_apply(transform, inputs, seed)
        return (*fitted, learned), outputs

    start: tuple[tuple[Parameters, ...], Array] = ((), inputs)
    return reduce(through, transforms, start)


def fit_and_apply(transform: Transform, inputs: Array, seed: int) -> tuple[Parameters, Array]:
    """Return what one transform learns from the inputs, and what it gives for them.

    >>> from catpipe.data import downscale
    >>> fit_and_apply(downscale(1), np.ones((2, 4, 4, 3)), seed=1)[1].shape
    (2, 1, 1, 3)
    """
    if isinstance(transform, Chain | Beside):
        return transform.fit_and_apply(inputs, seed)
    fitted = _learned(transform, inputs, seed)
    return fitted, transform.apply(fitted, inputs)


def _learned(transform: Transform, inputs: Array, seed: int) -> Parameters:
    """Return what a transform learns; refuse what a run file could not hold."""
    fitted = transform.fit(inputs, seed)
    check_type(f"what {brief(transform)} learns", fitted, Parameters, "Parameters(mean=mean)")
    return fitted


def apply_transforms(
    transforms: Sequence[Transform], fitted: Sequence[Parameters], inputs: Array
) -> Array:
    """Return what the transforms give, one after another, each with what it has learned.

    inputs: (examples, ...) -> (examples * views, ...). Raises `ValueError` unless each transform
    has its own fitted parameters, and for inputs that one cannot take.

    >>> from catpipe.data import grey
    >>> apply_transforms((grey(),), (Parameters(),), np.ones((2, 8, 8, 3))).shape
    (2, 8, 8, 1)
    """
    check_transforms(transforms)
    if len(transforms) != len(fitted):
        raise ValueError(
            f"{len(fitted)} fitted parameters for {len(transforms)} transforms; expected one for "
            "each: give what fit_transforms returned"
        )

    def after(inputs: Array, pair: tuple[Transform, Parameters]) -> Array:
        transform, learned = pair
        return transform.apply(learned, inputs)

    return reduce(after, zip(transforms, fitted, strict=True), inputs)


def transposed(
    transforms: Sequence[Transform],
    fitted: Sequence[Parameters],
    shape: tuple[int, ...],
    gradients: Array,
) -> Array:
    """Return the gradients at the inputs of what the transforms give: their fold, reversed.

    gradients: (examples * views, ...), of outputs -> (examples, *shape), of inputs. Raises
    `ValueError` for a transform that is not affine, or does not know its transpose.

    >>> from catpipe.data import downscale
    >>> transposed((downscale(1),), (Parameters(),), (1, 2, 1), np.array([[[[3.0]]]])).ravel()
    array([1.5, 1.5])
    """
    check_transforms(transforms)

    def after(inputs: Array, pair: tuple[Transform, Parameters]) -> Array:
        transform, learned = pair
        return transform.apply(learned, inputs[:1])

    pairs = (*zip(transforms, fitted, strict=True),)
    shapes = [one.shape[1:] for one in accumulate(pairs, after, initial=np.zeros((1, *shape)))]

    def back(gradients: Array, place: int) -> Array:
        transform, learned = pairs[place]
        outputs = gradients.reshape(-1, *shapes[place + 1])
        return _checked_affine(transform).transposed(learned, shapes[place], outputs)

    return reduce(back, reversed(range(len(pairs))), gradients.reshape(-1, *shapes[-1]))


def _checked_affine(transform: Transform) -> Affine:
    if isinstance(transform, Affine):
        return transform
    raise ValueError(
        f"the gradient at the inputs of {brief(transform)}; expected transforms that are affine, "
        "such as grey, downscale or standardize: train a network on such pixels"
    )


@dataclass(frozen=True)
class Chain:
    """The transform of `chain`."""

    transforms: tuple[Transform, ...]

    def fit(self, inputs: Array, seed: int) -> Parameters:
        """Return what each learns from what those before it give."""
        return with_places(fit_transforms(self.transforms, inputs, seed))

    def apply(self, fitted: Parameters, inputs: Array) -> Array:
        """Return what the last gives."""
        return apply_transforms(self.transforms, by_place(fitted, len(self.transforms)), inputs)

    def fit_and_apply(self, inputs: Array, seed: int) -> tuple[Parameters, Array]:
        """Return both, each computed once."""
        fitted, outputs = fit_and_apply_transforms(self.transforms, inputs, seed)
        return with_places(fitted), outputs

    def transposed(self, fitted: Parameters, shape: tuple[int, ...], gradients: Array) -> Array:
        """Return the gradients at the inputs, back through each."""
        learned = by_place(fitted, len(self.transforms))
        return transposed(self.transforms, learned, shape, gradients)


def chain(*transforms: Transform) -> Transform:
    """Return the transforms, one after another, as one transform.

    The fitted names begin with the place of their transform, as in "0.mean". Raises `TypeError`
    for what is no transform, and `ValueError` for none.

    >>> from catpipe.data import grey, standardize
    >>> chain(grey(), standardize()).fit(np.ones((2, 1, 1, 3)), seed=1)
    Parameters(1.mean (1, 1, 1) float64, 1.deviation (1, 1, 1) float64; 2 numbers)
    """
    several = _checked("chain", transforms)
    return several[0] if len(several) == 1 else Chain(several)


@dataclass(frozen=True)
class Beside:
    """The transform of `beside`."""

    transforms: tuple[Transform, ...]

    def fit(self, inputs: Array, seed: int) -> Parameters:
        """Return what each learns from the same inputs."""
        return with_places([_learned(transform, inputs, seed) for transform in self.transforms])

    def apply(self, fitted: Parameters, inputs: Array) -> Array:
        """Return the features of each, one after another, (examples * views, features)."""
        pairs = zip(self.transforms, by_place(fitted, len(self.transforms)), strict=True)
        return _side_by_side([transform.apply(learned, inputs) for transform, learned in pairs])

    def fit_and_apply(self, inputs: Array, seed: int) -> tuple[Parameters, Array]:
        """Return both, each computed once."""
        pairs = [fit_and_apply(transform, inputs, seed) for transform in self.transforms]
        fitted, outputs = zip(*pairs, strict=True)
        return with_places(fitted), _side_by_side(outputs)

    def transposed(self, fitted: Parameters, shape: tuple[int, ...], gradients: Array) -> Array:
        """Return the sum of the gradients at the inputs, each of its part of the features."""
        pairs = (*zip(self.transforms, by_place(fitted, len(self.transforms)), strict=True),)
        none = np.zeros((1, *shape))
        sizes = [as_rows(transform.apply(learned, none)).shape[1] for transform, learned in pairs]
        parts = np.split(gradients, [*accumulate(sizes)][:-1], axis=-1)
        return np.add.reduce(
            [
                transposed((transform,), (learned,), shape, part)
                for (transform, learned), part in zip(pairs, parts, strict=True)
            ]
        )


def beside(*transforms: Transform) -> Transform:
    """Return the transform that gives the features of each of these, side by side in one row.

    The fitted names begin with the place of their transform, as in "0.mean". Raises `TypeError`
    for what is no transform, and `ValueError` for none, and for other views in one than in another.

    >>> from catpipe.data import downscale, grey
    >>> beside(downscale(2), grey()).apply(Parameters(), np.ones((5, 4, 4, 3))).shape
    (5, 28)
    """
    several = _checked("beside", transforms)
    return several[0] if len(several) == 1 else Beside(several)


def with_places(fitted: Iterable[Parameters]) -> Parameters:
    """Return the parameters of all, each name after the place of what has it: one flat mapping.

    >>> with_places([Parameters(), Parameters(mean=[0.5])])
    Parameters(1.mean (1,) float64; 1 numbers)
    """
    return Parameters(
        merge(
            {},
            *(
                {f"{place}.{name}": array for name, array in parameters.items()}
                for place, parameters in enumerate(fitted)
            ),
        )
    )


def by_place(fitted: Parameters, count: int) -> tuple[Parameters, ...]:
    """Return the parameters of each of so many places: the inverse of `with_places`.

    >>> by_place(with_places([Parameters(), Parameters(mean=[0.5])]), 2)
    (Parameters(; 0 numbers), Parameters(mean (1,) float64; 1 numbers))
    """
    places = [(name.partition("."), array) for name, array in fitted.items()]
    return tuple(
        Parameters({name: array for (at, _, name), array in places if at == str(place)})
        for place in range(count)
    )


def check_transforms(transforms: Sequence[Transform]) -> None:
    """Raise `TypeError` for anything but a sequence of values with `fit` and `apply`.

    >>> check_transforms([chain])
    Traceback (most recent call last):
    TypeError: transform chain; expected a value with fit and apply: write chain(...)
    """
    if not isinstance(transforms, Sequence):
        raise TypeError(f"transforms {brief(transforms)}; expected a tuple: write (standardize(),)")
    for transform in transforms:
        has_methods = hasattr(transform, "fit") and hasattr(transform, "apply")
        if isinstance(transform, type) or not has_methods:
            shown = getattr(transform, "__name__", brief(transform))
            hint = f"write {shown}(...)" if callable(transform) else "write standardize()"
            raise TypeError(f"transform {shown}; expected a value with fit and apply: {hint}")


def _checked(name: str, transforms: tuple[Transform, ...]) -> tuple[Transform, ...]:
    check_transforms(transforms)
    if not transforms:
        raise ValueError(f"{name} of no transforms; expected at least one: {name}(standardize())")
    return transforms


def _side_by_side(outputs: Sequence[Array]) -> Array:
    views = [len(output) for output in outputs]
    if len(set(views)) > 1:
        raise ValueError(
            f"transforms beside each other give {', '.join(map(str, views))} rows; expected as "
            "many views of each example: place mirror_views before all of them"
        )
    return np.concatenate([as_rows(output) for output in outputs], axis=-1)
