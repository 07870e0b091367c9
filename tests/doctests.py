"""Names for the docstrings' examples: a plugin that pytest loads for `catpipe/` and `tests/`.

What the package's own docstring lists is run once, and its names are given to every other doctest,
but for those that the doctest's module has itself.
"""

from __future__ import annotations

from doctest import DocTestParser
from typing import Any

import pytest

import catpipe


@pytest.fixture(scope="session")
def _shared_names() -> dict[str, Any]:
    names: dict[str, Any] = {}
    for example in DocTestParser().get_examples(str(catpipe.__doc__)):
        exec(example.source, names)
    return {name: value for name, value in names.items() if not name.startswith("_")}


@pytest.fixture(autouse=True)
def _names_for_doctests(
    request: pytest.FixtureRequest,
    doctest_namespace: dict[str, Any],
    _shared_names: dict[str, Any],
) -> None:
    if test := getattr(request.node, "dtest", None):
        doctest_namespace.clear()
        doctest_namespace.update({n: v for n, v in _shared_names.items() if n not in test.globs})
