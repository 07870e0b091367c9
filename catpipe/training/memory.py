"""What a training step frees, the next one takes again."""

from __future__ import annotations

LARGEST = 2**25 - 2**16  # bytes; arrays of 32 MB and more are always given back


def keep_freed_memory() -> None:
    """Let this process keep up to 64 MB that it has freed, for arrays that it makes next.

    It changes nothing but how long steps take. A step makes arrays as large as those that the step
    before dropped. glibc gives memory back to the system and asks for it again, page by page, which
    may take as long as the arithmetic. From the largest array that was ever dropped it learns how
    much to keep, where no MALLOC_TRIM_THRESHOLD_ says it: so it is shown one, of which no page is
    ever touched. Other C libraries do as they do.

    >>> keep_freed_memory()
    """
    bytes(LARGEST)
