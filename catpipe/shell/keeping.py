"""A run is kept while it goes on: saved every so often, and stopped between two steps."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from signal import Signals
from types import FrameType

from toolz import peek

from catpipe.stopping import Kept

STOPPING = (Signals.SIGINT, Signals.SIGTERM)


def saved(keeps: Iterable[Kept], save: Callable[[Kept], object], every: int) -> Iterator[Kept]:
    """Hand on the states, and save those whose iteration `every` divides, but for the first.

    >>> from catpipe.parameters import Parameters
    >>> from catpipe.training import State
    >>> states = [State(i, Parameters(), ()) for i in range(5)]
    >>> keeps = [Kept(state, state, 0.0, 0) for state in states]
    >>> _ = [*saved(keeps, lambda kept: print(kept.state.iteration), every=2)]
    2
    4
    """
    first, keeps = peek(keeps)
    for kept in keeps:
        if kept.state.iteration % every == 0 and kept is not first:
            save(kept)
        yield kept


class Interrupted(Exception):  # no error: it was asked for
    """A run that was stopped by a signal: what to say of it, and the status to exit with."""

    @property
    def status(self) -> int:
        """Return 128 and the number of the signal, as shells do."""
        return 128 + int(self.args[1])


class Interruption:
    """The signal that asked a run to stop, if one did; a second one ends the process at once."""

    def __init__(self) -> None:
        self.signal: Signals | None = None

    def watch(self, keeps: Iterable[Kept]) -> Iterator[Kept]:
        """Hand on the states; after Ctrl-C or SIGTERM, none beyond the step that is under way."""
        with self._listening():
            for kept in keeps:
                yield kept
                if self.signal:
                    return

    @contextmanager
    def _listening(self) -> Iterator[None]:
        heeded = [s for s in STOPPING if signal.getsignal(s) is not signal.SIG_IGN]
        before = {s: signal.signal(s, self._hear) for s in heeded}
        try:
            yield
        finally:
            for s, handler in before.items():
                signal.signal(s, handler)

    def _hear(self, number: int, _: FrameType | None) -> None:
        self.signal = Signals(number)
        again = signal.default_int_handler if number == Signals.SIGINT else signal.SIG_DFL
        signal.signal(number, again)
