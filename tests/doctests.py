"""Names for the examples in docstrings: a plugin that pytest loads for `catpipe/` and `tests/`.

The lines in the package's docstring run once. Their names are given to every doctest, except for
the names that the doctest's module has itself.
"""

from __future__ import annotations

from doctest import DocTestParser
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import catpipe

LIBRARIES = ("jax", "onnx", "sklearn")  # what the adapters of these names import


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out an adapter of a library that is not installed."""
    is_adapter = collection_path.parent.name == "adapters" and collection_path.stem in LIBRARIES
    return True if is_adapter and find_spec(collection_path.stem) is None else None


@pytest.fixture(scope="session")
def names_of_examples() -> dict[str, Any]:
    """Return the names that the lines in the package's docstring define."""
    names: dict[str, Any] = {}
    for example in DocTestParser().get_examples(str(catpipe.__doc__)):
        exec(example.source, names)
    return {name: value for name, value in names.items() if not name.startswith("_")}


@pytest.fixture(autouse=True)
def _names_for_doctests(
    request: pytest.FixtureRequest,
    doctest_namespace: dict[str, Any],
    names_of_examples: dict[str, Any],
) -> None:
    if test := getattr(request.node, "dtest", None):
        doctest_namespace.clear()
        doctest_namespace.update(
            {n: v for n, v in names_of_examples.items() if n not in test.globs}
        )
