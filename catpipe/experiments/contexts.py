"""The context that a setup is prepared and trained in: with one BLAS thread, say.

A context, `context(setup, function)`, returns what the function returns, and decides under which
conditions it is called. The function prepares a setup where `setup` is `None`, and else trains it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from catpipe.experiments.setup import Setup

Context: TypeAlias = Callable[[Setup | None, Callable[[], Any]], Any]

_T = TypeVar("_T")


def no_context(_: Setup | None, function: Callable[[], Any]) -> Any:
    """Return what the function returns: it is called as it is.

    >>> from catpipe.experiments.contexts import no_context
    >>> no_context(None, lambda: 7)
    7
    """
    return function()


def prepared_and_trained(
    context: Context, prepared: Callable[[], Setup], trained: Callable[[Setup], _T]
) -> _T:
    """Return what training makes of the setup, each of the two called in its context.

    >>> from catpipe.experiments.contexts import no_context, prepared_and_trained
    >>> experiment = Experiment(seed=1, hidden=(), iterations=3)
    >>> setup = lambda: experiments.prepare(experiment, pictures)
    >>> prepared_and_trained(no_context, setup, experiments.run).iteration
    3
    """
    setup: Setup = context(None, prepared)
    result: _T = context(setup, lambda: trained(setup))
    return result
