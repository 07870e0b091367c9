"""JSON is read as an annotation says, or refused by the field's name; nothing is converted."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catpipe.shell.runs.typed_json import (
    Allowed,
    Count,
    Printable,
    Seed,
    Sha256,
    named,
    one_of,
    read_as,
    to_plain,
    written,
)

POSITIVE = Allowed(lambda number: number > 0, "a number above 0")


class Inner(NamedTuple):
    name: Printable
    sizes: tuple[Count, ...] = ()


class Outer(NamedTuple):
    seed: Seed
    rate: Annotated[float, POSITIVE]
    is_on: bool
    inner: Inner | None
    pair: tuple[Count, Inner]
    hashes: Mapping[str, Sha256]
    versions: Annotated[Mapping[str, int | Printable], named(["numpy", "threads"])]
    kind: Annotated[str, one_of(["full", "dual"])]


VALUE = Outer(
    7, 0.5, True, Inner("a", (1, 2)), (3, Inner("b")), {"W1": "ab" * 32},
    {"numpy": "2.0", "threads": 1}, "full",
)  # fmt: skip


def test_what_is_written_is_read_back():
    assert read_as(Outer, to_plain(VALUE)) == VALUE
    assert read_as(Outer, to_plain(VALUE._replace(inner=None))).inner is None


def test_a_field_that_has_a_default_may_be_missing():
    assert read_as(Inner, {"name": "a"}) == Inner("a")


def test_numbers_of_numpy_are_written_as_numbers():
    assert written((np.int64(3), np.float64(0.5))) == written((3, 0.5))


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("seed", True, "seed is True; expected an integer"),
        ("seed", 7.0, "seed is 7.0; expected an integer"),
        ("seed", "7", "seed is '7'; expected an integer"),
        ("seed", 2**32, "seed is 4294967296; expected an integer from 0 to 4294967295"),
        ("seed", -1, "seed is -1; expected an integer from 0 to 4294967295"),
        ("rate", 1, "rate is 1; expected a number with a decimal point"),
        ("rate", True, "rate is True; expected a number with a decimal point"),
        ("rate", -0.5, "rate is -0.5; expected a number above 0"),
        ("is_on", 1, "is_on is 1; expected true or false"),
        ("inner", 7, "inner is 7; expected an object"),
        ("inner", {"sizes": []}, "inner.name is missing; expected a value"),
        ("inner", {"name": "a", "sizes": [], "x": 1}, "'inner.x' is unknown"),
        ("inner", {"name": "\x1b", "sizes": []}, r"inner.name is '\x1b'; expected printable text"),
        ("inner", {"name": "a", "sizes": [1, -1]}, "inner.sizes[1] is -1; expected an integer"),
        ("inner", {"name": "a", "sizes": {}}, "inner.sizes is {}; expected a list"),
        ("pair", [1], "pair is [1]; expected a list of 2"),
        ("pair", [1, {"name": 7, "sizes": []}], "pair[1].name is 7; expected text"),
        ("pair", [2**53 + 1, {}], "pair[0] is 9007199254740993; expected an integer from 0 to 2**"),
        ("hashes", {"W1": "AB" * 32}, "hashes.W1 is 'AB"),
        ("hashes", {"W1": "ab" * 32 + "\n"}, "expected a SHA-256"),
        ("hashes", [], "hashes is []; expected an object"),
        ("versions", {"numpy": "2.0"}, "expected the names numpy, threads"),
        ("versions", {"numpy": "2.0", "threads": True}, "versions.threads is True; expected text"),
        ("versions", {"numpy": "\n", "threads": 1}, r"versions.numpy is '\n'; expected printable"),
        ("kind", "small", "kind is 'small'; expected one of full, dual"),
        ("kind", ["full"], "kind is ['full']; expected text"),
        ("kind", None, "kind is None; expected text"),
    ],
    ids=str,
)
def test_a_refusal_names_the_field_and_what_it_expected(field, value, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        read_as(Outer, {**to_plain(VALUE), field: value})


ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.sampled_from(Outer._fields), ANYTHING)
def test_whatever_stands_in_a_field_is_read_as_it_is_or_refused_by_name(field, value):
    plain = {**to_plain(VALUE), field: value}
    try:
        read = read_as(Outer, plain)
    except ValueError:
        with pytest.raises(ValueError, match=field):
            read_as(Outer, plain)
    else:
        assert to_plain(read) == plain
