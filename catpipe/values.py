"""Values: frozen dataclasses that compare, hash and print, also where their fields hold arrays."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

LONGEST = 120  # characters that a field prints before it is cut


class Value:
    """What a frozen dataclass inherits, with `eq=False, repr=False`, to hold arrays.

    Arrays are equal where their types, shapes and bytes are, and print by type and shape alone.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True, eq=False, repr=False)
    ... class Constant(Value):
    ...     rate: np.ndarray
    >>> Constant(np.ones((2, 1, 1)))
    Constant(rate=array (2, 1, 1) float64)
    >>> Constant(np.ones(2)) == Constant(np.ones(2)) != Constant(np.zeros(2))
    True
    """

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return _comparable(self) == _comparable(other)

    def __hash__(self) -> int:
        return hash(_comparable(self))

    def __repr__(self) -> str:
        shown = (f"{name}={_printed(value)}" for name, value in _items(self))
        return f"{type(self).__name__}({', '.join(shown)})"


def _items(value: Any) -> list[tuple[str, Any]]:
    return [(field.name, getattr(value, field.name)) for field in fields(value)]


def _comparable(value: Any) -> tuple[Any, ...]:
    """Return the fields with arrays as what makes them equal, which hashes."""
    return tuple(
        (of.dtype.str, of.shape, of.tobytes()) if isinstance(of, np.ndarray) else of
        for _, of in _items(value)
    )


def _printed(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"array {value.shape} {value.dtype}"
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}..."
