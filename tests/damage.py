"""Damage by chance, for readers that must refuse it or read on."""

import random
from collections.abc import Iterator


def damaged(content: bytes, times: int) -> Iterator[bytes]:
    """Return the content with a few of its bytes that are not zero changed, so many times."""
    rng = random.Random(0)
    used = [place for place, byte in enumerate(content) if byte]
    for _ in range(times):
        changed = bytearray(content)
        for place in rng.choices(used, k=rng.choice([1, 1, 2, 4])):
            changed[place] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)])
        yield bytes(changed)
