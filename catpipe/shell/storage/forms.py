"""In which honest form arrays of a file are, and what they are in the one that is trained on.

Inputs become `uint8` pixels or floats, examples first and channels last; targets become class
numbers, or the floats of a regression. Each form that can only mean one thing is taken, with a
note; every other is refused. `rows` of a large array are taken alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from reprlib import repr as brief
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from catpipe.nn.arrays import Array
from catpipe.shell.storage.atomic import DataError

MOST_CHANNELS = 4
_FIRST = "np.moveaxis(x, -1, 0)"


class Form(NamedTuple):
    """What inputs become: their shape and type, and which axis of theirs has to move for it."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    are_columns: bool
    has_channels_first: bool
    notes: tuple[str, ...]


class Classes(NamedTuple):
    """The names of the classes, and the numbers that stand for them; a regression has neither."""

    names: tuple[str, ...]
    numbers: tuple[int, ...]
    notes: tuple[str, ...] = ()


REGRESSION = Classes((), (), ("targets are numbers, of a regression",))


# Inputs.


def form_of(
    where: str, dtype: np.dtype[Any], shape: tuple[int, ...], targets: tuple[int, ...]
) -> Form:
    """Return the form of inputs of this type and shape, whose targets have that shape.

    Raises `DataError` for one whose meaning is not certain.

    >>> form_of("x", np.dtype("i4"), (9, 1, 8, 8), (1, 9))[:4]
    ((9, 8, 8, 1), dtype('uint8'), False, True)
    """
    if dtype.kind not in "biuf":
        raise DataError(f"{where} has type {dtype}; expected numbers: encode them")
    are_columns = _are_columns(where, shape, targets)
    each = shape[:1] if are_columns else shape[1:]
    if not each:
        each = (1,)
    has_channels_first = len(each) == 3 and _has_channels_first(where, shape)
    if has_channels_first:
        each = (*each[1:], each[0])
    if len(each) > 3 or (len(each) == 3 and each[-1] > MOST_CHANNELS):
        raise DataError(
            f"{where} has shape {shape}; expected (examples, features), (examples, height, width) "
            f"or (examples, height, width, channels), with 1 to {MOST_CHANNELS} channels: reshape "
            "it, as in x.reshape(len(x), -1)"
        )
    if 0 in shape:
        raise DataError(f"{where} has shape {shape}; expected one example or more: add one")
    kind = _type_of_inputs(dtype, len(each))
    notes = ["examples are columns"] * are_columns + ["channels first"] * has_channels_first
    notes += [f"integers of {dtype} as pixels"] * (kind == np.uint8 != dtype)
    notes += ["floats as they are"] * (kind != np.uint8 and len(each) > 1)
    examples = shape[-1] if are_columns else shape[0]
    return Form((examples, *each), kind, are_columns, has_channels_first, tuple(notes))


def inputs_from_rows(where: str, rows: Array, form: Form) -> Array:
    """Return these rows of inputs in their form; raise `DataError` for what are no pixels."""
    if form.are_columns:
        rows = rows.T
    if form.has_channels_first:
        rows = np.moveaxis(rows, 1, -1)
    rows = rows.reshape(len(rows), *form.shape[1:])
    if form.dtype == np.uint8 and rows.dtype != np.uint8 and rows.size:
        low, high = rows.min(), rows.max()
        if low < 0 or high > 255:
            raise DataError(
                f"{where} has integers from {low} to {high}; expected pixels from 0 to 255, or "
                f"floats, which are taken as they are: write x / {max(abs(int(low)), int(high))}"
            )
    if rows.dtype.kind == "f" and not np.isfinite(rows).all():
        raise DataError(
            f"{where} holds numbers that are not finite; expected finite ones: look where they "
            "arose"
        )
    found = np.ascontiguousarray(rows, form.dtype)
    found.setflags(write=False)
    return found


def _type_of_inputs(dtype: np.dtype[Any], axes: int) -> np.dtype[Any]:
    if dtype == np.uint8 or (dtype.kind in "iu" and axes > 1):
        return np.dtype("u1")
    return np.dtype("f4" if dtype.kind == "f" and dtype.itemsize <= 4 else "f8")


def _are_columns(where: str, shape: tuple[int, ...], targets: tuple[int, ...]) -> bool:
    """Return whether the examples are columns, as their number says, which the targets have too."""
    counts = _counts(targets)
    if shape and shape[0] in counts:
        return False
    if len(shape) == 2 and shape[1] in counts:
        return True
    hint = "write one target for each example"
    if len(shape) > 2 and shape[-1] in counts:
        hint = f"move the axis of the examples, as in {_FIRST}"
    raise DataError(
        f"{where} has shape {shape}, for targets of shape {targets}; expected as many examples as "
        f"targets, examples first: {hint}"
    )


def _counts(targets: tuple[int, ...]) -> tuple[int, ...]:
    """Return how many examples targets of this shape may be of: a row and a column are of each."""
    if len(targets) == 2 and 1 in targets:
        return (max(targets),)
    return targets[:2]


def _has_channels_first(where: str, shape: tuple[int, ...]) -> bool:
    _, first, height, last = shape
    if first > MOST_CHANNELS or first == 0:
        return False
    if last > MOST_CHANNELS:
        return True
    if first in (1, 3) and height == last and last not in (1, 3):
        raise DataError(
            f"{where} has shape {shape}, whose channels may come first or last; expected "
            "(examples, height, width, channels): move them, as in np.moveaxis(x, 1, -1), or "
            "flatten them, as in x.reshape(len(x), -1)"
        )
    return False


# Targets.


def targets_in_rows(
    where: str, targets: Array, examples: int, *, may_be_hot: bool = True
) -> tuple[Array, tuple[str, ...]]:
    """Return targets, (examples,) or (examples, outputs); one-hot ones as class numbers.

    And how they were taken. Raises `DataError` for another number of them.

    >>> targets_in_rows("y", np.array([[0, 1, 0], [1, 0, 1]]), 3)
    (array([1, 0, 1]), ('one-hot targets',))
    """
    if targets.ndim == 2 and targets.shape == (examples, examples):
        rows = targets
    elif targets.ndim == 2 and targets.shape[1] == examples:
        rows = targets.T
    else:
        rows = targets
    if rows.ndim not in (1, 2) or len(rows) != examples:
        raise DataError(
            f"{where} has shape {targets.shape}; expected {(examples,)}: one label or target an "
            "example"
        )
    if rows.ndim == 2 and rows.shape[1] == 1:
        rows = rows[:, 0]
    if rows.ndim == 1:
        return rows, ()
    if rows.dtype.kind == "S":
        raise DataError(f"{where} has shape {targets.shape}; expected {(examples,)}: one name each")
    is_hot = may_be_hot and bool((np.isin(rows, (0, 1)).all(1) & (rows.sum(1) == 1)).all())
    return (rows.argmax(1), ("one-hot targets",)) if is_hot else (rows, ())


def classes_named(where: str, names: Array, targets: Sequence[Array]) -> Classes:
    """Return the classes of this list of names, for these targets; an empty list is a regression's.

    Raises `DataError` for what are no two or more printable names.

    >>> classes_named("list_classes", np.array([0, 1]), [np.array([1, 0])]).names
    ('0', '1')
    """
    if names.ndim == 2 and 1 in names.shape:
        names = names.reshape(-1)
    if names.ndim == 1 and not names.size:
        return Classes((), ())
    is_whole = names.dtype.kind in "biu" or (names.dtype.kind == "f" and not (names % 1).any())
    if names.ndim != 1 or not (is_whole or names.dtype.kind == "S"):
        raise DataError(
            f"{where} has type {names.dtype} and shape {names.shape}; expected a list of names: "
            "write them as text, such as np.array([b'non-cat', b'cat'])"
        )
    if is_whole:
        return _classes_of_numbers(where, [int(n) for n in names], targets)
    classes = tuple(_decoded(where, name) for name in names.tolist())
    _check_names(where, classes)
    return Classes(classes, tuple(range(len(classes))))


def _classes_of_numbers(where: str, numbers: list[int], targets: Sequence[Array]) -> Classes:
    """Return classes that are called by numbers: by what targets have, if that is no place of one.

    The targets must not be able to mean both.
    """
    names, places = tuple(map(str, numbers)), range(len(numbers))
    _check_names(where, names)
    given = {n for of in targets if of.dtype.kind != "S" for n in np.unique(of).tolist()}
    are_places, are_numbers = given <= {*places}, given <= {*numbers}
    if are_places and are_numbers and numbers != [*places]:
        raise DataError(
            f"{where} is {brief(numbers)}, of which the targets may be numbers or places; "
            "expected 0, 1, ... or names as text: write names"
        )
    notes = ("class names are numbers",)
    return Classes(names, tuple(numbers) if are_numbers else tuple(places), notes)


def classes_numbered(where: str, targets: Sequence[Array]) -> Classes:
    """Return the classes of targets without names: the names or the numbers that the targets are.

    Numbers that are not whole, or below zero, or beyond the number of examples, are a regression's.

    >>> classes_numbered("y", [np.array([1, 2, 3]), np.array([2])]).names
    ('1', '2', '3')
    >>> classes_numbered("y", [np.array([0.5, 2.0])]).names
    ()
    """
    are_texts = {of.dtype.kind == "S" for of in targets}
    if len(are_texts) > 1:
        raise DataError(
            f"{where} and the test targets are names and numbers; expected both alike, or a list "
            "of the classes: write list_classes"
        )
    if True in are_texts:
        found = sorted({name for of in targets for name in np.unique(of).tolist()})
        names = tuple(_decoded(where, name) for name in found)
        _check_names(where, names)
        return Classes(names, tuple(range(len(names))), ("targets are names",))
    values = np.unique(np.concatenate([np.unique(of) for of in targets]))
    examples = sum(map(len, targets))
    if any(of.ndim > 1 for of in targets) or (values != np.floor(values)).any():
        return REGRESSION
    whole = [int(value) for value in values]
    if whole == [-1, 1]:
        return Classes(("-1", "1"), (-1, 1), ("targets -1 and 1 are two classes",))
    if whole[0] < 0 or whole[-1] >= max(examples, 2):
        return REGRESSION
    from_one = whole == [*range(1, len(whole) + 1)] and len(whole) > 1
    numbers = range(1, len(whole) + 1) if from_one else range(max(whole[-1], 1) + 1)
    are_many = len(numbers) > examples / 2
    hint = " (for numbers to predict, --loss mean_squared_error)" if are_many else ""
    note = f"classes are the numbers {numbers[0]} to {numbers[-1]}{hint}"
    return Classes(tuple(map(str, numbers)), tuple(numbers), (note,))


def classes_like(names: tuple[str, ...]) -> Classes:
    """Return the classes of targets without names, in a data set whose classes have these names.

    >>> classes_like(("1", "2")).numbers, classes_like(("cat", "dog")).numbers
    ((1, 2), (0, 1))
    """
    return Classes(names, tuple(map(int, names)) if are_numbers(names) else (*range(len(names)),))


def are_numbers(names: tuple[str, ...]) -> bool:
    """Return whether classes are called by their numbers, as they are where they have no names.

    >>> are_numbers(("-1", "1")), are_numbers(("cat", "1"))
    (True, False)
    """
    return all(name.removeprefix("-").isdecimal() for name in names)


def class_numbers_of(where: str, targets: Array, classes: Classes) -> NDArray[Any]:
    """Return the class number of each target, or the floats of a regression; read-only.

    Raises `DataError` for a target that is no class.
    """
    found = _class_numbers(where, targets, classes) if classes.names else _floats(where, targets)
    found.setflags(write=False)
    return found


def _class_numbers(where: str, targets: Array, classes: Classes) -> NDArray[np.int64]:
    are_texts = targets.dtype.kind == "S"
    values = np.array([name.encode() for name in classes.names] if are_texts else classes.numbers)
    if targets.ndim > 1 or not np.isin(targets, values).all():
        known = f"one of {brief(classes.names)}" if are_texts else _expected(classes)
        raise DataError(f"{where} has {_range_of(targets)}; expected {known}")
    order = np.argsort(values)
    return order[np.searchsorted(values, targets, sorter=order)].astype(np.int64)


def _range_of(targets: Array) -> str:
    if targets.ndim > 1:
        return f"shape {targets.shape}"
    if targets.dtype.kind == "S":
        return f"the names {brief(np.unique(targets).tolist())}"
    if targets.dtype.kind == "f" and (targets % 1).any():
        return f"numbers such as {targets[np.flatnonzero(targets % 1)[0]]:g}"
    return f"labels from {targets.min()} to {targets.max()}"


def _expected(classes: Classes) -> str:
    if classes.numbers == tuple(range(len(classes.names))):
        return f"0 to {len(classes.names) - 1}: the places of their classes in list_classes"
    return f"one of {brief(classes.numbers)}, as the class names are"


def _floats(where: str, targets: Array) -> Array:
    if targets.dtype.kind == "S":
        raise DataError(f"{where} has names; expected numbers, of a regression: encode them")
    return np.ascontiguousarray(targets, np.float64)


def _decoded(where: str, name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError as error:
        raise DataError(f"{where} holds {brief(name)}; expected UTF-8: encode it so") from error


def _check_names(where: str, classes: tuple[str, ...]) -> None:
    for name in classes:
        if not name.strip() or not name.isprintable():
            raise DataError(f"{where} holds {brief(name)}; expected a printable name: change it")
    if len(classes) < 2 or len(set(classes)) < len(classes):
        raise DataError(f"{where} is {brief(classes)}; expected two or more distinct names: fix it")
