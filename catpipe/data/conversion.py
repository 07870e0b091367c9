"""Conversion: what people have, in any honest form, becomes examples as training takes them.

This is the one door. Inputs become `uint8` pixels or finite floats, in memory order; targets become
class numbers or finite floats; their counts are compared. What cannot be meant is refused, with
what was found, what was expected, and what to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from reprlib import repr as brief
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from catpipe.data.examples import DataSet, Examples
from catpipe.data.sampling import Indices
from catpipe.data.transforms.columns import hold_pixels
from catpipe.nn.arrays import Array

ExamplesLike: TypeAlias = tuple[ArrayLike, ArrayLike] | tuple[ArrayLike, ArrayLike, Any]
"""`Examples`, or a tuple of inputs, targets and, where there are some, weights."""

NUMBERS = "biuf"  # kinds of arrays


def examples_from(given: Any, which: str = "") -> Examples:
    """Return examples of what was given: `Examples`, or a tuple of inputs, targets and weights.

    Inputs are as `inputs_from` returns them. Targets are (examples,), of class numbers, names or
    other numbers, or (examples, outputs); a column and a row of targets are taken too. `which` is
    for errors, such as "validation ". Raises `TypeError` or `ValueError` for anything else.

    >>> inputs, targets, _ = examples_from(([[1, 2], [3, 4]], [["cat"], ["dog"]]))
    >>> inputs, targets
    (array([[1., 2.],
           [3., 4.]]), array(['cat', 'dog'], dtype='<U3'))
    """
    if isinstance(given, DataSet):
        raise TypeError(
            f"the {which}examples are a whole DataSet; expected a part of it: give its .train"
        )
    if not isinstance(given, tuple) or len(given) not in (2, 3):
        raise TypeError(
            f"the {which}examples are {_described(given)}; expected inputs and their targets: give "
            "`Examples(inputs, targets)`, or a tuple of the two"
        )
    inputs = inputs_from(given[0], which=which)
    targets = _targets(given[1], inputs, f"{which}targets")
    has_weights = len(given) == 3 and given[2] is not None
    return Examples(inputs, targets, _weights(given[2], inputs) if has_weights else None)


def inputs_from(given: Any, like: str | None = None, which: str = "") -> NDArray[Any]:
    """Return inputs, (examples, ...), as `uint8` pixels or as finite floats, in memory order.

    Integers of three axes or more, from 0 to 255, are pixels, as `uint8` is but for a table of
    zeros and ones; all other numbers are floats, and as they are. `like` is the type of the inputs
    that a network was trained on: then floats must lie in [0, 1] to stand for pixels, and pixels
    cannot stand for floats. Raises `TypeError` or `ValueError`.

    >>> inputs_from(np.array([[1, 2]], ">i4")), inputs_from([[[0, 255]]])
    (array([[1., 2.]]), array([[[  0, 255]]], dtype=uint8))
    """
    name = f"{which}inputs"
    array = _array(given, name)
    if array.dtype.kind not in NUMBERS:
        raise ValueError(f"the {name} are {_kind_of(array)}; expected numbers: encode them")
    if array.ndim == 0 or array.size == 0:
        raise ValueError(
            f"the {name} have shape {array.shape}; expected (examples, ...), and one example or "
            "more: look at what was loaded"
        )
    several = array[:, np.newaxis] if array.ndim == 1 else array
    converted = _as_bytes(several) if _stand_for_pixels(several, like) else _as_floats(several)
    if like is not None:
        _check_like(converted, like)
    return converted


def class_numbers(
    targets: NDArray[Any], classes: int, names: tuple[str, ...] = ()
) -> tuple[Indices, tuple[str, ...]]:
    """Return the class number of each example, and where targets are names, those of the classes.

    targets: names, whole numbers from 0, booleans, (examples,), or one-hot rows, (examples,
    classes). Names are numbered in their order, or as in `names`. Raises `ValueError` for others.

    >>> class_numbers(np.array(["dog", "cat", "dog"]), 2)
    (array([1, 0, 1]), ('cat', 'dog'))
    >>> class_numbers(np.array(["dog", "cat", "dog"]), 2, names=("dog", "cat"))
    (array([0, 1, 0]), ('dog', 'cat'))
    >>> class_numbers(np.array([[0, 0, 1], [1, 0, 0]]), 3)
    (array([2, 0]), ())
    """
    if targets.ndim == 2:
        return _of_one_hot(targets, classes), names
    if targets.dtype.kind == "U":
        return _of_names(targets, classes, names)
    if names:
        raise ValueError(
            f"the targets are numbers, {brief(np.unique(targets).tolist())}; expected the names "
            f"that the network was trained on: {', '.join(names)}"
        )
    return _of_numbers(targets, classes), ()


def regression_targets(targets: NDArray[Any]) -> Array:
    """Return the targets of a regression, (examples, outputs); raise `ValueError` for names.

    >>> regression_targets(np.array([0.5, 2.0])).shape
    (2, 1)
    """
    if targets.dtype.kind not in "iuf":
        raise ValueError(
            f"the targets are {_kind_of(targets)}; expected numbers for a regression: leave out "
            "loss='mean_squared_error' for classes"
        )
    numbers = targets.astype(np.float64).reshape(len(targets), -1)
    _check_finite(numbers, "targets")
    return np.ascontiguousarray(numbers)


def check_within(numbers: NDArray[Any], dtype: str, name: str) -> None:
    """Raise `ValueError` for finite numbers that are beyond this type of floats.

    >>> check_within(np.array([1e300]), "float32", "inputs")
    Traceback (most recent call last):
    ValueError: the inputs have 1e+300; expected at most 3.40282e+38 in float32: scale them, or \
choose dtype='float64'
    """
    largest = float(np.finfo(dtype).max)
    if numbers.dtype != np.float64 or dtype == "float64" or numbers.size == 0:
        return
    if (found := max(numbers.max(), -numbers.min())) > largest:
        raise ValueError(
            f"the {name} have {found:g}; expected at most {largest:g} in {dtype}: scale them, or "
            "choose dtype='float64'"
        )


def check_shape(inputs: NDArray[Any], expected: tuple[int, ...]) -> None:
    """Raise `ValueError` unless each input has this shape; say what may have been meant.

    >>> check_shape(np.zeros((5, 3, 8, 8)), (8, 8, 3))
    Traceback (most recent call last):
    ValueError: inputs of shape (5, 3, 8, 8); expected (examples, 8, 8, 3), as the network was \
trained on: move the axis, as in np.moveaxis(inputs, 1, -1)
    """
    if inputs.shape[1:] != expected:
        raise ValueError(
            f"inputs of shape {inputs.shape}; expected (examples, {_listed(expected)}), as the "
            f"network was trained on: {_advice(inputs.shape, expected)}"
        )


def _advice(found: tuple[int, ...], expected: tuple[int, ...]) -> str:
    count, *each = found
    if found == expected or (found[1] == 1 and found[:1] == expected):
        return "for one example, add an axis, as in inputs[np.newaxis]"
    if len(expected) == 3 and (*each[1:], each[0]) == expected:
        return "move the axis, as in np.moveaxis(inputs, 1, -1)"
    if len(found) == 2 and found[:1] == expected:
        return "examples are rows: transpose, as in inputs.T"
    if found[:-1] == expected:
        return "examples are rows: move the axis, as in np.moveaxis(inputs, -1, 0)"
    if np.prod(each) == np.prod(expected):
        sizes = ", ".join(map(str, expected))
        return f"reshape them, as in inputs.reshape({count}, {sizes})"
    return "resize the pictures" if len(expected) > 1 else "give the same features"


def _array(given: Any, name: str) -> NDArray[Any]:
    """Return the array of what was given; of a table, it must be numbers or one column of names."""
    if isinstance(given, str | bytes | Mapping | set | None) or hasattr(given, "__next__"):
        raise TypeError(f"the {name} are {_described(given)}; expected an array, or what makes one")
    if hasattr(given, "toarray"):
        raise TypeError(f"the {name} are a sparse matrix; expected an array: give its .toarray()")
    if hasattr(given, "columns"):
        _check_columns(given, name)
    try:
        array = np.asarray(given)
    except (ValueError, TypeError, RuntimeError, OSError, AttributeError) as error:
        reason = str(error).partition("\n")[0][:100].rstrip(". ")
        raise ValueError(
            f"the {name} make no array ({reason}); expected numbers of one shape for each example"
        ) from None
    if np.ma.isMaskedArray(given) and np.ma.getmaskarray(given).any():
        raise ValueError(f"the {name} have masked values; expected none: fill or drop them")
    return _plain(array, name)


def _plain(array: NDArray[Any], name: str) -> NDArray[Any]:
    """Return an array of Python's objects as one of numbers or of text; bytes as text."""
    plain = _of_objects(array, name) if array.dtype.kind == "O" else array
    if plain.dtype.kind == "S":
        return np.char.decode(plain, "utf-8", "replace")
    if plain.dtype.kind == "T":
        return np.array(plain.tolist())
    if plain.dtype.kind not in NUMBERS + "U":
        raise ValueError(f"the {name} are {_kind_of(plain)}; expected numbers: convert them")
    return plain


def _of_objects(array: NDArray[Any], name: str) -> NDArray[Any]:
    """Return an array of Python's numbers, strings or bytes as NumPy's; refuse a mixture."""
    kinds = {type(value) for value in array.flat}
    if kinds and all(issubclass(kind, str) for kind in kinds):
        return array.astype("U")
    if kinds == {bytes}:
        return array.astype("S")
    if kinds and all(issubclass(kind, Real | np.bool_) for kind in kinds):
        return array.astype(_type_of_all(kinds, array))
    odd = next((v for v in array.flat if not isinstance(v, Real | str)), kinds)
    raise ValueError(
        f"the {name} hold {brief(odd)}; expected numbers alone"
        f"{', or names alone' * name.endswith('targets')}: encode, fill or drop it"
    )


def _type_of_all(kinds: set[type], numbers: NDArray[Any]) -> type:
    """Return the type of an array for numbers of these types of Python."""
    if kinds <= {bool, np.bool_}:
        return bool
    are_whole = all(issubclass(kind, Integral) for kind in kinds)
    return np.int64 if are_whole and all(abs(n) < 2**63 for n in numbers.flat) else np.float64


def _check_columns(table: Any, name: str) -> None:
    """Refuse a table of inputs by the name of its first column that is not of numbers."""
    columns = [*table.columns]
    if name.endswith("targets") and len(columns) == 1:
        return
    for column in columns:
        values = np.asarray(table[column])
        if values.dtype.kind in NUMBERS:
            continue
        is_object = values.dtype.kind == "O"
        odd = next((v for v in values.flat if not (is_object and isinstance(v, Real))), None)
        if odd is not None or not is_object:
            raise ValueError(
                f"column {column!r} of the {name} holds {brief(odd)}; expected numbers: encode "
                "it as numbers, or leave it out"
            )


def _stand_for_pixels(array: NDArray[Any], like: str | None) -> bool:
    """Return whether integers are pixels; those of 0 and 1 alone are, where pixels are expected."""
    return array.dtype.kind in "iu" if like == "uint8" else hold_pixels(array)


def _as_bytes(array: NDArray[Any]) -> NDArray[np.uint8]:
    low, high = array.min(), array.max()
    if low < 0 or high > 255:
        raise ValueError(
            f"inputs of {array.dtype} from {low} to {high}; expected pixels from 0 to 255, or "
            f"floats, which are taken as they are: divide by {max(abs(int(low)), int(high))}"
        )
    return np.ascontiguousarray(array, np.uint8)


def _as_floats(array: NDArray[Any]) -> Array:
    is_single = array.dtype.kind == "f" and array.dtype.itemsize <= 4
    with np.errstate(over="ignore"):  # an infinity is refused next
        floats = np.ascontiguousarray(array, np.float32 if is_single else np.float64)
    _check_finite(floats, "inputs")
    return floats


def _check_finite(array: Array, name: str) -> None:
    if np.isfinite(array).all():
        return
    where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
    raise ValueError(
        f"the {name} have {array[where]} in example {where[0]}, at index {where}; expected finite "
        "numbers: fill or drop it"
    )


def _check_like(inputs: NDArray[Any], like: str) -> None:
    """Refuse pixels for a network that was trained on floats, and floats that are no pixels."""
    if like != "uint8" and inputs.dtype == np.uint8:
        raise ValueError(
            f"inputs of uint8 for a network that was trained on {like}; expected floats: scale "
            "them as those were, as in inputs / 255 or inputs.astype(float)"
        )
    if like == "uint8" and inputs.dtype != np.uint8 and not 0 <= inputs.min() <= inputs.max() <= 1:
        raise ValueError(
            f"inputs from {inputs.min():g} to {inputs.max():g} for a network that was trained on "
            "uint8 pixels; expected uint8, or floats in [0, 1]: divide by 255"
        )


def _targets(given: Any, inputs: NDArray[Any], name: str) -> NDArray[Any]:
    array, count = _array(given, name), len(inputs)
    if array.shape in ((count,), (count, 1), (1, count)):
        return array.reshape(count)
    if array.ndim == 2 and len(array) == count:
        return array
    if (len(array.shape) and len(array) == count) or array.ndim == 0:
        raise ValueError(
            f"targets of shape {array.shape}; expected (examples,), or (examples, outputs)"
        )
    raise ValueError(
        f"targets of shape {array.shape} for inputs of shape {inputs.shape}; expected as many "
        f"targets as examples, {count}{_advice_for_targets(array.shape, inputs.shape)}"
    )


def _advice_for_targets(targets: tuple[int, ...], inputs: tuple[int, ...]) -> str:
    if inputs[0] in targets:
        return ": examples are rows, so transpose the targets"
    if len(targets) < 3 and max(targets) in inputs:
        axis = inputs.index(max(targets))
        return f": examples are rows, so move their axis, as in np.moveaxis(inputs, {axis}, 0)"
    return ""


def _weights(given: Any, inputs: NDArray[Any]) -> Array:
    array, count = _array(given, "weights"), len(inputs)
    if array.dtype.kind not in NUMBERS or array.shape not in ((count,), (count, 1), (1, count)):
        raise ValueError(
            f"example weights of shape {array.shape} and type {array.dtype}; expected "
            f"{(count,)}: one number for each example"
        )
    weights = array.astype(np.float64).reshape(count)
    if not (np.isfinite(weights) & np.greater_equal(weights, 0)).all() or not weights.any():
        raise ValueError(
            "example weights that are negative, not finite or all 0; expected numbers of at least "
            "0: give 0 to an example that is not to count"
        )
    return weights


def _of_one_hot(targets: NDArray[Any], classes: int) -> Indices:
    is_number = targets.dtype.kind in NUMBERS
    is_hot = is_number and bool((np.isin(targets, (0, 1)).all(1) & (targets.sum(1) == 1)).all())
    if not is_hot or targets.shape[1] != classes:
        raise ValueError(
            f"targets of shape {targets.shape}; expected a class number for each example, or rows "
            f"of {classes} with a single 1, for {classes} classes: for other numbers, choose "
            "loss='mean_squared_error'"
        )
    return targets.argmax(1)


def _of_names(
    targets: NDArray[Any], classes: int, names: tuple[str, ...]
) -> tuple[Indices, tuple[str, ...]]:
    unique, places = np.unique(targets, return_inverse=True)
    found = unique.tolist()
    known = names or tuple(found)
    if len(known) != classes:
        raise ValueError(
            f"the targets are {len(known)} names, {brief(found)}; expected {classes} classes: "
            f"choose classes={len(known)}"
        )
    if unknown := [name for name in found if name not in known]:
        raise ValueError(
            f"the targets have {brief(unknown[0])}; expected one of {', '.join(known)}: drop it"
        )
    return np.array([known.index(name) for name in found])[places], known


def _of_numbers(targets: NDArray[Any], classes: int) -> Indices:
    found = np.unique(targets)
    numbers = set(found.tolist())
    if not all(np.isfinite(found)) or not all(found == np.floor(found)):
        raise ValueError(
            f"the targets are {brief(found.tolist())}; expected class numbers from 0 to "
            f"{classes - 1}: for a regression, choose loss='mean_squared_error'"
        )
    if found[0] < 0 or found[-1] >= classes:
        raise ValueError(
            f"the targets are {brief([int(n) for n in found])}; expected 0 to {classes - 1}: "
            f"{_advice_for_numbers(numbers, classes)}"
        )
    return targets.astype(np.int64)


def _advice_for_numbers(numbers: set[Any], classes: int) -> str:
    if numbers == {-1, 1}:
        return "give (targets + 1) // 2"
    if min(numbers) >= 1 and max(numbers) <= classes:
        return "give targets - 1"
    most = int(max(numbers)) + 1
    return f"choose classes={most}" if min(numbers) >= 0 else "number the classes from 0"


def _described(given: Any) -> str:
    kind = type(given).__name__
    return "None" if given is None else f"{'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind}"


def _kind_of(array: NDArray[Any]) -> str:
    words = {"U": "text", "S": "text", "b": "booleans", "c": "complex", "M": "dates", "m": "times"}
    return words.get(array.dtype.kind, f"of type {array.dtype}")


def _listed(shape: tuple[int, ...]) -> str:
    return ", ".join(map(str, shape))
