"""The exit statuses of the command line; those of signals are as shells have them."""

from signal import SIGINT

DIFFERS = NO_COMMAND = 1
BAD_INPUT = 2
INTERRUPTED = 128 + SIGINT
NO_READER = 141  # 128 + SIGPIPE, which Windows lacks
