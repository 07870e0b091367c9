"""The exit statuses of the command line; it imports nothing, so `__main__` has them at once."""

DIFFERS = NO_COMMAND = 1
BAD_INPUT = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells have it
NO_READER = 141  # 128 + SIGPIPE
