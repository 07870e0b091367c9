"""Damage by chance, for readers that must refuse it or read on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import TypeAlias

Mutator: TypeAlias = Callable[[Random, bytes], bytes]

_METADATA = re.compile(
    rb"\x89HDF|TREE|HEAP|SNOD|OHDR|OCHK|FRHP|FHDB|FHIB|BT[HLI][DFN]|[FE]A[HDIS]B?"
)
_BOUNDARIES = [0, 1, 2, 7, 8, 2**7, 2**8, 2**15, 2**16, 2**31, 2**32, 2**40, 2**62, 2**63, 2**64]


def damaged(content: bytes, times: int) -> Iterator[bytes]:
    """Return the content with a few of its bytes that are not zero changed, so many times."""
    rng = Random(0)
    used = [place for place, byte in enumerate(content) if byte]
    for _ in range(times):
        changed = bytearray(content)
        for place in rng.choices(used, k=rng.choice([1, 1, 2, 4])):
            changed[place] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)])
        yield bytes(changed)


def a_place(rng: Random, content: bytes) -> int:
    """Return a place in the content: one half are anywhere, the others soon after a signature."""
    marks = [found.start() for found in _METADATA.finditer(content)]
    near = rng.choice(marks) + rng.randrange(256) if marks and rng.random() < 0.5 else len(content)
    return near if near < len(content) else rng.randrange(len(content))


def flip_a_bit(rng: Random, content: bytes) -> bytes:
    """Return the content with one bit flipped."""
    place = a_place(rng, content)
    return _put(content, place, bytes([content[place] ^ 1 << rng.randrange(8)]))


def set_bytes(rng: Random, content: bytes) -> bytes:
    """Return the content with one to eight bytes set to 0, to 255 or by chance."""
    length = rng.randint(1, 8)
    values = rng.choice([bytes(length), b"\xff" * length, rng.randbytes(length)])
    return _put(content, a_place(rng, content), values)


def set_integer(rng: Random, content: bytes) -> bytes:
    """Return the content with an integer put into it that is at or beside a boundary."""
    length = rng.randint(1, 8)
    value = rng.choice([*_BOUNDARIES, len(content)]) + rng.randint(-2, 2)
    return _put(content, a_place(rng, content), (value % 256**length).to_bytes(length, "little"))


def point_elsewhere(rng: Random, content: bytes) -> bytes:
    """Return the content with an address in it of some place in it, often one of a structure."""
    target = a_place(rng, content) & ~7 if rng.random() < 0.5 else a_place(rng, content)
    return _put(content, a_place(rng, content) & ~7, target.to_bytes(8, "little"))


def copy_a_slice(rng: Random, content: bytes) -> bytes:
    """Return the content with a slice of it put over another."""
    begin = a_place(rng, content)
    return _put(content, a_place(rng, content), content[begin : begin + _length(rng)])


def repeat_a_slice(rng: Random, content: bytes) -> bytes:
    """Return the content with a slice of it twice, and all after it moved."""
    begin = a_place(rng, content)
    end = begin + _length(rng)
    return content[:end] + content[begin:]


def remove_a_slice(rng: Random, content: bytes) -> bytes:
    """Return the content without a slice of it."""
    begin = a_place(rng, content)
    return content[:begin] + content[begin + _length(rng) :]


def insert_bytes(rng: Random, content: bytes) -> bytes:
    """Return the content with bytes inserted."""
    place, length = a_place(rng, content), _length(rng)
    return content[:place] + rng.choice([bytes(length), rng.randbytes(length)]) + content[place:]


def truncate(rng: Random, content: bytes) -> bytes:
    """Return the beginning of the content."""
    return content[: a_place(rng, content)]


def swap_two_words(rng: Random, content: bytes) -> bytes:
    """Return the content with two of its words of eight bytes swapped."""
    one, other = (a_place(rng, content) & ~7 for _ in range(2))
    swapped = _put(content, one, content[other : other + 8])
    return _put(swapped, other, content[one : one + 8])


_IN_PLACE = (flip_a_bit, set_bytes, set_integer, point_elsewhere)


def damage_several(rng: Random, content: bytes) -> bytes:
    """Return the content damaged in two to six ways that keep its length."""
    for _ in range(rng.randint(2, 6)):
        content = rng.choice(_IN_PLACE)(rng, content)
    return content


def damage_sealed(rng: Random, content: bytes, spans: Sequence[tuple[int, int]]) -> bytes:
    """Return the content damaged once or twice in these spans, whose checksums are to be made anew.

    What comes between the spans stays, and so does the signature that each begins with.
    """
    for begin, end in rng.choices(spans, k=rng.randint(1, 2)):
        span = content[begin + 4 : end]
        content = _put(content, begin + 4, rng.choice(_IN_PLACE)(rng, span))
    return content


def splice(rng: Random, content: bytes, other: bytes) -> bytes:
    """Return the beginning of one content and what another has from there on."""
    place = a_place(rng, content)
    return content[:place] + other[place:]


MUTATORS: Mapping[str, Mutator] = {
    function.__name__.replace("_", " "): function
    for function in (
        flip_a_bit,
        set_bytes,
        set_integer,
        point_elsewhere,
        copy_a_slice,
        repeat_a_slice,
        remove_a_slice,
        insert_bytes,
        truncate,
        swap_two_words,
        damage_several,
    )
}
"""The ways to damage a content, by their names."""


def _length(rng: Random) -> int:
    return 2 ** rng.randrange(10) + rng.randrange(2) * rng.randrange(64)


def _put(content: bytes, place: int, values: bytes) -> bytes:
    """Return the content with these bytes at a place of it: as many as fit."""
    values = values[: len(content) - place]
    return content[:place] + values + content[place + len(values) :]
