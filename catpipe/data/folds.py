"""Folds: which examples are held out together, by number, so that others judge what was learned.

Folds are (repeats, examples): the number of the fold that holds each example out, in each repeat;
`NEVER` where none does. Examples of one group are in one fold: pictures of one source, say.
"""

from __future__ import annotations

from functools import partial
from itertools import accumulate, pairwise
from reprlib import repr as brief
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from toolz import iterate

from catpipe.checks import check_whole, is_number
from catpipe.data.copies import digests
from catpipe.data.sampling import Indices, checked_labels
from catpipe.nn.arrays import Array
from catpipe.random import HOLD_OUT, check_seed, generator

Folds: TypeAlias = NDArray[np.int64]

NEVER = -1
"""The number of examples that no fold of a repeat holds out: all its networks train on them."""


def stratified_folds(
    labels: Indices, folds: int, seed: int, repeats: int = 1, groups: Indices | None = None
) -> Folds:
    """Return folds that each hold the classes about as the labels do, (repeats, examples).

    labels, groups: (examples,). Without groups the numbers of a class in two folds differ by one
    at most. Each repeat divides the examples anew. Raises `ValueError` for fewer than two folds,
    and for more than there are examples or groups.

    >>> labels = np.array([0] * 6 + [1] * 3)
    >>> folds = stratified_folds(labels, 3, seed=1)
    >>> [labels[folds[0] == fold].tolist() for fold in range(3)]
    [[0, 0, 1], [0, 0, 1], [0, 0, 1]]
    """
    labels, groups = _checked(labels, groups)
    number, most = check_whole("folds", folds, 2), len(np.unique(groups))
    if number > most:
        raise ValueError(f"{number} folds of {most} examples or groups; expected as many at most")
    shares = np.full(number, 1 / number)
    return _repeated(partial(_dealt, labels, groups, shares, seed), seed, repeats)


def hold_outs(
    labels: Indices, share: float, seed: int, repeats: int = 1, groups: Indices | None = None
) -> Folds:
    """Return one fold a repeat, of about this share of the examples; all others are `NEVER`.

    Shapes, classes and groups are as those of `stratified_folds`. Raises `ValueError` for a share
    that leaves none on one side.

    >>> labels = np.array([0] * 6 + [1] * 3)
    >>> labels[hold_outs(labels, share=1 / 3, seed=1)[0] == 0].tolist()
    [0, 0, 1]
    """
    labels, groups = _checked(labels, groups)
    if not is_number(share) or not 0 < share < 1:
        raise ValueError(f"share {brief(share)} to hold out; expected a number between 0 and 1")
    shares = np.array([share, 1 - share])
    found = -_repeated(partial(_dealt, labels, groups, shares, seed), seed, repeats)
    if len(np.unique(found)) < 2:
        raise ValueError(f"{share} of {len(labels)} examples to hold out; expected some, not all")
    return found


def leave_one_out(groups: Indices) -> Folds:
    """Return folds of one group each, (1, examples): of one example, where all groups differ.

    Raises `ValueError` for a single group.

    >>> leave_one_out(np.arange(4)), leave_one_out(np.array([7, 7, 9]))
    (array([[0, 1, 2, 3]]), array([[0, 0, 1]]))
    """
    names, numbers = np.unique(checked_labels(groups, "groups"), return_inverse=True)
    if len(names) < 2:
        raise ValueError(f"all examples are of group {names[0]}; expected two or more: give others")
    return numbers[np.newaxis]


def groups_of_equal(inputs: NDArray[Any]) -> Indices:
    """Return the groups, (examples,), in which inputs of equal bytes are together.

    A copy in another fold would be judged by a network that has seen it.

    >>> groups_of_equal(np.array([[1, 2], [3, 4], [1, 2]]))
    array([0, 1, 0])
    """
    hashes = digests(inputs)
    first = {value: at for at, value in reversed([*enumerate(hashes)])}
    return np.array([first[value] for value in hashes])


def joined_groups(first: Indices, second: Indices) -> Indices:
    """Return the groups, (examples,), that keep together what either of these keeps together.

    They are the connected components, each by the number of its first example. Raises `ValueError`
    for groups of other numbers of examples.

    >>> joined_groups(np.array([0, 0, 1, 2, 3]), np.array([5, 6, 6, 7, 8]))
    array([0, 0, 0, 3, 4])
    """
    if len(first) != len(second):
        raise ValueError(f"groups of {len(first)} and of {len(second)} examples; expected as many")

    def joined(groups: Indices) -> Indices:
        return _least_within(second, _least_within(first, groups))

    rounds = pairwise(iterate(joined, np.arange(len(first))))
    return next(after for before, after in rounds if np.array_equal(before, after))


def _least_within(members: Indices, groups: Indices) -> Indices:
    """Return for each example the least of the groups of those that are its members' too."""
    order = np.argsort(members, kind="stable")
    _, starts, of = np.unique(members[order], return_index=True, return_inverse=True)
    return np.minimum.reduceat(groups[order], starts)[of][np.argsort(order, kind="stable")]


def _repeated(fold: Any, seed: int, repeats: int) -> Folds:
    check_seed(seed)
    return np.stack([fold(repeat) for repeat in range(check_whole("repeats", repeats))])


def _dealt(labels: Indices, groups: Indices, shares: Array, seed: int, repeat: int) -> Indices:
    """Return the number of each example's fold, where folds have these shares of the examples.

    Groups are dealt one by one, the largest first, each to the fold that then holds least of its
    classes for its share; of those, to the least full.
    """
    counts = np.array([labels == c for c in np.unique(labels)]).astype(np.int64)
    names, group_of = np.unique(groups, return_inverse=True)
    of_groups = np.array([np.bincount(group_of, of, len(names)) for of in counts]).T
    shuffled = generator(seed, HOLD_OUT, repeat).permutation(len(names))
    sizes, mostly = of_groups.sum(-1)[shuffled], of_groups.argmax(-1)[shuffled]
    order = shuffled[np.lexsort((mostly, -sizes))]
    importance = 1 / counts.sum(-1) ** 2.0
    dealing = partial(_deal, shares, importance)
    empty = np.zeros((len(shares), len(counts))), NEVER
    numbers = [fold for _, fold in accumulate(of_groups[order], dealing, initial=empty)][1:]
    return np.array(numbers)[np.argsort(order)][group_of]


def _deal(
    shares: Array, importance: Array, dealt: tuple[Array, int], group: Array
) -> tuple[Array, int]:
    """Return what the folds hold, (folds, classes), once one of them has the group, and which."""
    counts, _ = dealt
    crowded = ((counts + group) * group * importance).sum(-1) / shares
    fold = int(np.lexsort((counts.sum(-1) / shares, crowded))[0])
    return counts + (np.arange(len(shares)) == fold)[:, np.newaxis] * group, fold


def _checked(labels: Any, groups: Any) -> tuple[Indices, Indices]:
    """Return labels and groups; without groups each example is one."""
    labels = checked_labels(labels)
    groups = np.arange(len(labels)) if groups is None else checked_labels(groups, "groups")
    if len(groups) != len(labels):
        raise ValueError(
            f"groups of {len(groups)} examples for labels of {len(labels)}; expected as many"
        )
    return labels, groups


def checked_folds(folds: Any, examples: int) -> Folds:
    """Return folds as (repeats, examples); raise `ValueError` for others.

    Each repeat needs two folds, or one and examples that it never holds out.

    >>> checked_folds([0, 1, 0], examples=3)
    array([[0, 1, 0]])
    """
    rows = _rows(folds)
    are_numbers = rows.ndim == 2 and rows.shape[1] == examples and rows.dtype.kind in "iub"
    if not are_numbers or min((len(np.unique(row)) for row in rows), default=0) < 2:
        raise ValueError(
            f"folds are {brief(folds)}; expected two or more, as the number of each example's "
            f"fold, ({examples},) or (repeats, {examples}): give np.arange({examples}) % 5, say"
        )
    return rows.astype(np.int64)


def _rows(folds: Any) -> NDArray[Any]:
    """Return the array of what may be folds, none where it makes no array."""
    try:
        return np.atleast_2d(np.asarray(folds))
    except ValueError:  # rows of unequal lengths
        return np.empty((0, 0))
