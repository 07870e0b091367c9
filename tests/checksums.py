"""The checksums of HDF5's newer structures, made anew: damage that no checksum gives away."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

_SUMMED = re.compile(
    rb"\x89HDF\r\n\x1a\n[\x02\x03]|OHDR|OCHK|FRHP|FHIB|BTHD|BTIN|BTLF|FAHD|FADB|EA(?:HD|IB|SB|DB)"
)
_LONGEST = 1200  # bytes of a structure that is looked for


class Span(NamedTuple):
    """From where to where the bytes lie that the four behind them are the checksum of."""

    begin: int
    end: int


def lookup3(content: bytes) -> int:
    """Return the checksum that HDF5 keeps of its structures (Jenkins 2006, hashlittle).

    >>> hex(lookup3(b"Four score and seven years ago"))
    '0x17770551'
    """
    a = b = c = (0xDEADBEEF + len(content)) & 0xFFFFFFFF
    if not content:
        return c
    padded = content + bytes(-len(content) % 12)
    words = [int.from_bytes(padded[i : i + 4], "little") for i in range(0, len(padded), 4)]
    for i in range(0, len(words) - 3, 3):
        a, b, c = _mixed(a + words[i], b + words[i + 1], c + words[i + 2])
    return _ended(a + words[-3], b + words[-2], c + words[-1])


def _turned(x: int, bits: int) -> int:
    x &= 0xFFFFFFFF
    return (x << bits | x >> (32 - bits)) & 0xFFFFFFFF


def _mixed(a: int, b: int, c: int) -> tuple[int, int, int]:
    for bits in (4, 6, 8, 16, 19, 4):
        a = (a - c ^ _turned(c, bits)) & 0xFFFFFFFF
        a, b, c = b, c + b, a
    return a, b, c


def _ended(a: int, b: int, c: int) -> int:
    for bits in (14, 11, 25, 16, 4, 14, 24):
        c = (c ^ b) - _turned(b, bits) & 0xFFFFFFFF
        a, b, c = b, c, a
    return b


def spans_of(content: bytes) -> tuple[Span, ...]:
    """Return where the structures lie that have a checksum at their end, and have the right one."""
    begins = [found.start() for found in _SUMMED.finditer(content)]
    return tuple(span for begin in begins for span in _span_from(content, begin))


def _span_from(content: bytes, begin: int) -> Iterable[Span]:
    for end in range(begin + 8, min(begin + _LONGEST, len(content) - 4)):
        summed, checksum = content[begin:end], content[end : end + 4]
        if any(checksum) and lookup3(summed) == int.from_bytes(checksum, "little"):
            return [Span(begin, end)]
    return []


def sealed(content: bytes, spans: Iterable[Span]) -> bytes:
    """Return the content with the checksums of these structures made anew."""
    sums = {end: lookup3(content[begin:end]).to_bytes(4, "little") for begin, end in spans}
    for end, checksum in sums.items():
        content = content[:end] + checksum + content[end + 4 :]
    return content
