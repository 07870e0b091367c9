"""Inspection: what is wrong with a data set, found before anybody trains on it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from toolz import frequencies

from catpipe.data.copies import (
    LEAST_SIDE,
    Fingerprints,
    Pair,
    are_pictures,
    digests,
    equal_pairs,
    fingerprints,
    near_pairs,
)
from catpipe.data.examples import DataSet, Examples, noun
from catpipe.data.findings import ClassShare, Copy, Findings, Place
from catpipe.data.sampling import Indices
from catpipe.data.transforms.columns import as_floats, hold_pixels

MOST = 20_000  # pictures among which near copies are looked for: every one is compared with all
BY_CHANCE = 3.09  # standard deviations: one data set in a thousand is off by more
BACKGROUND = 0.05  # share of half flat pictures from which on that is how the pictures are


def find_problems(data: DataSet, most: int = MOST) -> Findings:
    """Return what makes a data set worth less than it looks: copies, labels, shares, damage.

    Copies are compared by their bytes and, among pictures of 32 x 32 or more, by fingerprints: so
    the resized, brightened, recompressed and mirrored ones are found, but only where there are not
    more than `most` pictures. Examples with equal inputs and different targets contradict each
    other, in a regression too.

    >>> inputs = np.array([[1.0, 2.0], [1.0, 3.0], [1.0, 2.0]])
    >>> cats = data.Examples(inputs[:2], np.array([0, 1])), data.Examples(inputs[2:], np.array([1]))
    >>> found = data.find_problems(DataSet(*cats, ("non-cat", "cat")))
    >>> found.constant_features, found.copies[0].of, found.copies[0].contradicts
    ((0,), Place(part='train', number=0), True)
    """
    inputs = _of_one_type(data.train.inputs, data.test.inputs)
    pairs, why_not = _pairs(inputs, most)
    return Findings(
        noun=noun(data.train),
        examples=sum(map(len, inputs)),
        different=sum(map(len, inputs)) - sum(pair.how == "equal" for pair in pairs),
        copies=_copies(data, pairs),
        shares=_differing_shares(data),
        untested=_untested(data),
        flat=_places(inputs, _flat),
        half_flat=_rare(_places(inputs, _half_flat), inputs),
        constant_features=_constant_features(data.train.inputs),
        not_looked_for=why_not,
    )


Parts = tuple[NDArray[Any], NDArray[Any]]


def _of_one_type(train: NDArray[Any], test: NDArray[Any]) -> Parts:
    """Return the inputs of both parts in one type, as the network sees them where theirs differ."""
    if train.dtype == test.dtype:
        return train, test
    return as_floats(train, np.float32), as_floats(test, np.float32)


# Copies.


def _pairs(inputs: Parts, most: int) -> tuple[tuple[Pair, ...], tuple[str, ...]]:
    """Return the copies by their numbers in both parts together, and why there are no near ones."""
    equal = equal_pairs([*chain.from_iterable(map(digests, inputs))])
    count = sum(map(len, inputs)) - len(equal)
    is_table = inputs[0].ndim < 3 and not hold_pixels(inputs[0])
    why_not = () if is_table else _why_not_near(inputs[0], count, most)
    if is_table or why_not:
        return equal, why_not
    originals = np.setdiff1d(np.arange(count + len(equal)), [pair.number for pair in equal])
    parts = zip(*map(fingerprints, inputs), strict=True)
    prints = Fingerprints(*(np.concatenate(both)[originals] for both in parts))
    near = (
        pair._replace(number=int(originals[pair.number]), of=int(originals[pair.of]))
        for pair in near_pairs(prints)
    )
    return tuple(sorted((*equal, *near))), ()


def _why_not_near(inputs: NDArray[Any], count: int, most: int) -> tuple[str, ...]:
    """Return why near copies are not looked for among so many inputs; nothing where they are."""
    if not are_pictures(inputs):
        size = " x ".join(map(str, inputs.shape[1:]))
        return (f"near copies, in inputs of {size}: less than {LEAST_SIDE} x {LEAST_SIDE} pixels",)
    if count > most:
        return (f"near copies, among {count:,} pictures: more than {most:,}",)
    return ()


def _copies(data: DataSet, pairs: tuple[Pair, ...]) -> tuple[Copy, ...]:
    places = _all_places(len(data.train.targets), len(data.test.targets))

    def label(place: Place) -> str:
        part: Examples = getattr(data, place.part)
        return _label(part.targets[place.number], data.classes)

    return tuple(
        Copy(one, other, pair.how, pair.likeness, (label(one), label(other)))
        for pair in pairs
        for one, other in [(places[pair.number], places[pair.of])]
    )


def _all_places(train: int, test: int) -> list[Place]:
    return [Place("train", i) for i in range(train)] + [Place("test", i) for i in range(test)]


def _label(target: Any, classes: tuple[str, ...]) -> str:
    """Return the name of a class number, or what else the target is.

    >>> _label(np.int64(1), ("non-cat", "cat")), _label(np.float64(0.5), ())
    ('cat', '0.5')
    """
    is_number = classes and np.ndim(target) == 0 and np.asarray(target).dtype.kind in "iu"
    return classes[target] if is_number else str(np.asarray(target).tolist())


# Classes.


def _differing_shares(data: DataSet) -> tuple[ClassShare, ...]:
    """Return the shares of the classes, if they differ between the parts by more than chance."""
    if not data.classes or not len(data.test.targets):
        return ()
    counts = np.array([_counts(part, data.classes) for part in (data.train, data.test)])
    if not _differ(counts):
        return ()
    shares = counts / counts.sum(-1, keepdims=True)
    columns = zip(data.classes, *shares.tolist(), strict=True)
    return tuple(ClassShare(*column) for column in columns)


def _untested(data: DataSet) -> tuple[str, ...]:
    """Return the classes with examples to train on and none to test on, where there are some."""
    if not data.classes or not len(data.test.targets):
        return ()
    train, test = (_counts(part, data.classes) for part in (data.train, data.test))
    return tuple(
        name
        for name, learned, tested in zip(data.classes, train, test, strict=True)
        if learned and not tested
    )


def _counts(part: Examples, classes: tuple[str, ...]) -> list[int]:
    found = frequencies(_label(target, classes) for target in part.targets)
    return [found.get(name, 0) for name in classes]


def _differ(counts: NDArray[np.int64]) -> bool:
    """Return whether counts, (2, classes), differ by more than chance, or some class is new.

    Pearson's chi-squared, as a normal deviate (Wilson and Hilferty 1931); new is a class that is
    in the second row alone.

    >>> _differ(np.array([[137, 72], [17, 33]])), _differ(np.array([[10, 10], [4, 6]]))
    (True, False)
    """
    there = counts[:, counts.any(0)]
    expected = there.sum(1, keepdims=True) * (there.sum(0) / there.sum())
    statistic, freedom = ((there - expected) ** 2 / expected).sum(), there.shape[1] - 1
    if freedom == 0:
        return False
    spread = 2 / (9 * freedom)
    deviate = ((statistic / freedom) ** (1 / 3) - (1 - spread)) / np.sqrt(spread)
    return bool(deviate > BY_CHANCE or (there[0] == 0).any())


# Values.


def _places(inputs: Parts, which: Callable[[NDArray[Any]], Indices]) -> tuple[Place, ...]:
    """Return the places of those pictures of both parts; tables have none."""
    return tuple(
        Place(part, number)
        for part, of in zip(("train", "test"), inputs, strict=True)
        if of.ndim > 2
        for number in which(of).tolist()
    )


def _flat(pictures: NDArray[Any]) -> Indices:
    """Return the numbers of the pictures, (examples, height, width, ...), of one colour alone."""
    likely = np.flatnonzero(_are_flat(pictures[:, :1]))  # by their first rows, which is quick
    return likely[_are_flat(pictures[likely])]


def _are_flat(pictures: NDArray[Any]) -> NDArray[np.bool_]:
    return (pictures == pictures[:, :1, :1]).all(tuple(range(1, pictures.ndim)))


def _half_flat(pictures: NDArray[Any]) -> Indices:
    """Return the numbers of the pictures with an upper, lower, left or right half of one colour."""
    down, across = pictures.shape[1] // 2, pictures.shape[2] // 2
    halves = (
        pictures[:, :down],
        pictures[:, -down:],
        pictures[:, :, :across],
        pictures[:, :, -across:],
    )
    return np.setdiff1d(np.concatenate([*map(_flat, halves)]), _flat(pictures))


def _rare(places: tuple[Place, ...], inputs: Parts) -> tuple[Place, ...]:
    """Return the places if they are few: where they are many, that is the pictures' background."""
    return places if len(places) <= max(1, BACKGROUND * sum(map(len, inputs))) else ()


def _constant_features(inputs: NDArray[Any]) -> tuple[int, ...]:
    """Return the columns of a table that have one value; pixels may well have one."""
    if inputs.ndim != 2 or hold_pixels(inputs) or len(inputs) < 2:
        return ()
    return tuple(np.flatnonzero((inputs == inputs[:1]).all(0)).tolist())
