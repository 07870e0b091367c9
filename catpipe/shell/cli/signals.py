"""While a run is trained, it is saved every so often, and signals stop it between two steps."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from signal import Signals
from threading import current_thread, main_thread
from types import FrameType

from toolz import peek

from catpipe.training.stopping import Checkpoint

STOPPING = tuple(s for s in Signals if s.name in ("SIGINT", "SIGTERM", "SIGHUP"))


def saved(
    checkpoints: Iterable[Checkpoint], save: Callable[[Checkpoint], object], every: int
) -> Iterator[Checkpoint]:
    """Hand on the checkpoints, and save the first of every so many iterations from the start on.

    >>> states = [State(i, Parameters(), ()) for i in range(5)]
    >>> checkpoints = map(Checkpoint, states)
    >>> _ = [*saved(checkpoints, lambda at: print(at.state.iteration), every=2)]
    2
    4
    """
    first, checkpoints = peek(checkpoints)
    before = first.state.iteration // every
    for checkpoint in checkpoints:
        now = checkpoint.state.iteration // every
        if now > before:
            save(checkpoint)
        yield checkpoint
        before = now


class Interrupted(Exception):  # no error: the user wanted it
    """A run that a signal stopped: the sentence to print, and the status to exit with."""

    def __init__(self, sentence: str, stopped_by: Signals) -> None:
        super().__init__(sentence, stopped_by)
        self.sentence = sentence
        self.status = 128 + stopped_by  # as shells have it


class StopSignal:
    """The signal that stops a run, if one came, and the latest checkpoint.

    The first signal stops the run after the step that is under way, the second in it. After that,
    and after the last step, signals are ignored: what remains is short, and saves the run.
    """

    def __init__(self, is_finished: Callable[[Checkpoint], bool]) -> None:
        self.is_finished = is_finished
        self.signal: Signals | None = None
        self.checkpoint: Checkpoint | None = None
        self.ignores_signals = False

    def watch(self, checkpoints: Iterable[Checkpoint]) -> Iterator[Checkpoint]:
        """Hand on the checkpoints, and remember the latest; none after a signal."""
        for checkpoint in checkpoints:
            self.ignores_signals = self.is_finished(checkpoint)
            self.checkpoint = checkpoint
            yield checkpoint
            if self.signal:
                break
        self.ignores_signals = True

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Give a context that handles signals, but for those that the process is to ignore.

        Outside the main thread, where Python lets nobody handle them, it handles none.
        """
        can_handle = current_thread() is main_thread()
        heeded = [s for s in STOPPING if can_handle and signal.getsignal(s) is not signal.SIG_IGN]
        before = {s: signal.signal(s, self._on_signal) for s in heeded}
        try:
            yield
        finally:
            for s, handler in before.items():
                signal.signal(s, handler)

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        again, self.signal = self.signal, self.signal or Signals(number)
        if again and not self.ignores_signals:
            self.ignores_signals = True
            raise KeyboardInterrupt
