"""JSON of named tuples, both ways: a type's annotations say what is read, and nothing is converted.

It reads `bool`, `int`, `float`, `str`, tuples, mappings of names, named tuples and unions of these;
`Annotated[...]` adds what is `Allowed`. Every refusal names the field.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from re import compile as pattern
from reprlib import repr as brief
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    NamedTuple,
    TypeAlias,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from catpipe.experiments.experiment import (
    FIELDS,
    MOST_STEPS,
    SEEDS,
    Experiment,
    checked,
    plain_fields,
)


class Allowed(NamedTuple):
    """Which values of a type a field allows: in code, and in words that follow "expected"."""

    check: Callable[[Any], object]
    expected: str


Count: TypeAlias = Annotated[
    int, Allowed(range(MOST_STEPS + 1).__contains__, "an integer from 0 to 2**53")
]
Seed: TypeAlias = Annotated[
    int, Allowed(range(SEEDS).__contains__, f"an integer from 0 to {SEEDS - 1}")
]
Printable: TypeAlias = Annotated[str, Allowed(str.isprintable, "printable text")]
Sha256: TypeAlias = Annotated[
    str, Allowed(pattern("[0-9a-f]{64}").fullmatch, "a SHA-256 in hexadecimal")
]
WORDS: Mapping[Any, str] = {
    bool: "true or false",
    int: "an integer",
    float: "a number with a decimal point",
    str: "text",
}


def one_of(names: Iterable[str]) -> Allowed:
    """Return that one of these names is allowed.

    >>> one_of(["full", "dual"]).expected
    'one of full, dual'
    """
    return Allowed(tuple(names).__contains__, f"one of {', '.join(names)}")


def named(names: Iterable[str], optional: Iterable[str] = ()) -> Allowed:
    """Return that a mapping with these names and no others is allowed; some are optional.

    >>> named(["path", "sha256"]).expected
    'the names path, sha256'
    """
    may_lack = {*optional}
    return Allowed(
        lambda fields: fields.keys() | may_lack == {*names} | may_lack,
        f"the names {', '.join(names)}",
    )


def to_plain(value: Any) -> Any:
    """Return the value with its named tuples as mappings, for JSON.

    >>> to_plain(((1, Allowed(bool, "text")),))
    [[1, {'check': <class 'bool'>, 'expected': 'text'}]]
    """
    if isinstance(value, Experiment):
        value = _fields_of(value)
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, Mapping):
        return {name: to_plain(each) for name, each in value.items()}
    return [to_plain(each) for each in value] if isinstance(value, tuple) else value


def _fields_of(experiment: Experiment) -> dict[str, Any]:
    """Return what a file holds of each field; one that may lack is left out at its default."""
    default = Experiment(experiment.seed)._asdict()
    may_lack = {name for name, field in FIELDS.items() if field.may_lack}
    is_left_out = {name for name in may_lack if getattr(experiment, name) == default[name]}
    plain = plain_fields(experiment)
    return {name: value for name, value in plain.items() if name not in is_left_out}


def written(value: Any) -> bytes:
    """Return the value as JSON: equal values give equal bytes, also those of NumPy's numbers.

    >>> print(written(("text", 7)).decode())
    [
     "text",
     7
    ]
    """
    return json.dumps(to_plain(value), default=lambda number: number.item(), indent=1).encode()


def read_as(kind: Any, value: Any, name: str = "") -> Any:
    """Return the value of JSON as one of this type; raise `ValueError` that names the wrong field.

    >>> read_as(tuple[Count, ...], [3, 4], "iterations")
    (3, 4)
    >>> read_as(tuple[Count, ...], [3, True], "iterations")
    Traceback (most recent call last):
    ValueError: iterations[1] is True; expected an integer
    """
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _read_marked(inner, value, name)
    if origin in (Union, UnionType):
        return _read_union(inner, value, name)
    if origin is tuple:
        return _read_tuple(inner, value, name)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        _require(isinstance(value, dict), value, name, "an object")
        return {key: read_as(inner[1], each, f"{name}.{key}") for key, each in value.items()}
    if hasattr(kind, "_fields"):
        return (
            _read_experiment(value, name) if kind is Experiment else _read_fields(kind, value, name)
        )
    _require(type(value) is kind, value, name, WORDS[kind])
    return value


def _read_fields(kind: Any, value: Any, name: str) -> Any:
    hints = get_type_hints(kind, include_extras=True)
    _check_names(value, hints, name, optional=kind._field_defaults)
    given = {key: h for key, h in hints.items() if key in value}
    return kind(**{key: read_as(h, value[key], _under(name, key)) for key, h in given.items()})


def _read_marked(inner: tuple[Any, ...], value: Any, name: str) -> Any:
    kind, *marks = inner
    found = read_as(kind, value, name)
    for mark in marks:
        _require(bool(mark.check(found)), found, name, mark.expected)
    return found


def _read_union(kinds: tuple[Any, ...], value: Any, name: str) -> Any:
    """Return the value as the first of these types that takes it; the last refuses the rest."""
    if value is None and NoneType in kinds:
        return None
    *others, last = (kind for kind in kinds if kind is not NoneType)
    for kind in others:
        with suppress(ValueError):
            return read_as(kind, value, name)
    return read_as(last, value, name)


def _read_tuple(kinds: tuple[Any, ...], value: Any, name: str) -> tuple[Any, ...]:
    _require(isinstance(value, list), value, name, "a list")
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    _require(len(value) == len(kinds), value, name, f"a list of {len(kinds)}")
    pairs = enumerate(zip(kinds, value, strict=True))
    return tuple(read_as(kind, each, f"{name}[{place}]") for place, (kind, each) in pairs)


def _read_experiment(value: Any, name: str) -> Experiment:
    """Return the experiment, whose own check refuses what is wrong; lists are tuples."""
    _check_names(
        value,
        Experiment._fields,
        name,
        optional=[key for key, field in FIELDS.items() if field.may_lack],
    )
    fields: dict[str, Any] = {
        key: tuple(v) if isinstance(v, list) else v for key, v in value.items()
    }
    return checked(Experiment(**fields), lambda field: _under(name, field))


def _check_names(value: Any, names: Iterable[str], name: str, optional: Iterable[str] = ()) -> None:
    _require(isinstance(value, dict), value, name or "it", "an object")
    missing, unknown = {*names} - value.keys() - {*optional}, value.keys() - {*names}
    if missing:
        raise ValueError(f"{_under(name, min(missing))} is missing; expected a value")
    if unknown:
        raise ValueError(f"{brief(_under(name, min(unknown)))} is unknown; expected no such field")


def _require(is_right: bool, value: Any, name: str, expected: str) -> None:  # noqa: FBT001
    if not is_right:
        raise ValueError(f"{name} is {brief(value)}; expected {expected}")


def _under(name: str, key: str) -> str:
    return f"{name}.{key}" if name else key
