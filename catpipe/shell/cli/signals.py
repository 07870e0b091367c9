"""A run is kept while it goes on: saved every so often, and stopped between two steps."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from signal import Signals
from types import FrameType

from toolz import peek

from catpipe.training.stopping import Checkpoint

STOPPING = tuple(s for s in Signals if s.name in ("SIGINT", "SIGTERM", "SIGHUP"))


def saved(
    keeps: Iterable[Checkpoint], save: Callable[[Checkpoint], object], every: int
) -> Iterator[Checkpoint]:
    """Hand on the states, and save those whose iteration `every` divides, but for the first.

    >>> states = [State(i, Parameters(), ()) for i in range(5)]
    >>> keeps = [Checkpoint(state, state, 0.0, 0) for state in states]
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

    def __init__(self, sentence: str, stopped_by: Signals) -> None:
        super().__init__(sentence, stopped_by)
        self.sentence = sentence
        self.status = 128 + stopped_by  # as shells have it


class Interruption:
    """The signal that asked a run to stop, if one did, and the state that was reached.

    The first one stops it after the step that is under way, the second in it. Once that is done, or
    the last state is reached, none is heard: what remains is short, and what saves the run.
    """

    def __init__(self, is_last: Callable[[Checkpoint], bool]) -> None:
        self.is_last = is_last
        self.signal: Signals | None = None
        self.kept: Checkpoint | None = None
        self.is_deaf = False

    def watch(self, keeps: Iterable[Checkpoint]) -> Iterator[Checkpoint]:
        """Hand on the states, and remember the last; none after a signal."""
        for kept in keeps:
            self.is_deaf = self.is_last(kept)
            self.kept = kept
            yield kept
            if self.signal:
                break
        self.is_deaf = True

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Give a context in which signals are heard, but for those that are to be ignored."""
        heeded = [s for s in STOPPING if signal.getsignal(s) is not signal.SIG_IGN]
        before = {s: signal.signal(s, self._hear) for s in heeded}
        try:
            yield
        finally:
            for s, handler in before.items():
                signal.signal(s, handler)

    def _hear(self, number: int, _: FrameType | None) -> None:
        again, self.signal = self.signal, self.signal or Signals(number)
        if again and not self.is_deaf:
            self.is_deaf = True
            raise KeyboardInterrupt
