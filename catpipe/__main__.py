"""`catpipe` and `python -m catpipe`: the command line, which Ctrl-C ends in one line at any time.

Nothing that takes long is imported here before the signal is listened to.
"""

import os
import signal
import sys
from types import FrameType


def main() -> int:
    """Run the command line; return its exit status.

    While modules are imported, the signal ends the process at once: no command has started then,
    and an exception may get lost in an import. Once the command is over, its status stands.
    """
    before = signal.getsignal(signal.SIGINT)
    listens = before is signal.default_int_handler  # else whoever started it wants it ignored
    while_importing = _leave if listens else before
    signal.signal(signal.SIGINT, while_importing)
    try:
        from catpipe.shell.cli.main import main as run

        return run(ready=lambda: signal.signal(signal.SIGINT, before))
    except KeyboardInterrupt:  # one that came while an earlier one was reported
        return 128 + signal.SIGINT
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _leave(number: int, _: FrameType | None) -> None:
    try:
        os.write(2, b"catpipe: interrupted\n")
    finally:
        os._exit(128 + number)  # as shells have it


if __name__ == "__main__":
    sys.exit(main())
