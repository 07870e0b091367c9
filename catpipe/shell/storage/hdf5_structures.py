"""The heaps and trees in an HDF5 file, held to what HDF5 takes on trust, before it reads them.

A ring of free blocks makes it allocate without end, and counts that do not fit make it write past
the end of a node. All functions raise `ValueError` for what HDF5 itself would never write.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from catpipe.shell.storage.hdf5_headers import (
    EXTERNAL,
    LAYOUT,
    LINK_INFO,
    SYMBOL_TABLE,
    Read,
    integer,
    messages,
)

Kinds: TypeAlias = Mapping[int, tuple[int, int]]  # a tree's, and the bytes of their records

_NOWHERE = 2**64 - 1
_FREE_BLOCK = 16  # bytes, at least
_NODE = 10  # bytes of a node beside its records and children: signature, version, type, checksum
_LONGEST_NODE = 2**20
_POINTER = 8
_LINKS: Kinds = {5: (11, 11)}
_HUGE: Kinds = {1: (24, 24), 2: (36, 36), 3: (16, 16), 4: (28, 28)}  # objects of a fractal heap
_WITH_INDICES = (b"\x04\x02", b"\x05\x02")  # versions of a layout, of chunks
_FIXED_ARRAY, _EXTENSIBLE_ARRAY, _TREE = 3, 4, 5  # kinds of chunk indices
_GROWTH = bytes((32, 4, 16, 4, 10))  # of extensible arrays: HDF5 makes none that grow otherwise


def check_group(read: Read, address: int, size: int) -> None:
    """Check what HDF5 uses to look a name up in the group at this address."""
    for kind, content in messages(read, address):
        if kind == SYMBOL_TABLE:
            _check_local_heap(read, integer(content, 8), size)
        elif kind == LINK_INFO:
            begin = 2 + 8 * (integer(content, 1, 1) & 1)
            if (heap := integer(content, begin)) != _NOWHERE:
                _check_fractal_heap(read, heap, size)
                _check_tree(read, integer(content, begin + 8), size, _LINKS)


def check_dataset(read: Read, address: int, size: int) -> None:
    """Check what HDF5 uses to open the dataset at this address."""
    for kind, content in messages(read, address):
        if kind == EXTERNAL:
            _check_local_heap(read, integer(content, 8), size)


def check_index(read: Read, address: int, size: int, chunks: int | None) -> None:
    """Check what HDF5 uses to find the chunks of the dataset at this address.

    `chunks`: how many there can be at most; none is without an end.
    """
    for kind, content in messages(read, address):
        if kind != LAYOUT or content[:2] not in _WITH_INDICES:
            continue
        dimensions, length = integer(content, 3, 1), integer(content, 4, 1)
        place = 5 + dimensions * length
        index = integer(content, place, 1)
        if index == _FIXED_ARRAY and (at := integer(content, place + 2)) != _NOWHERE:
            _check_fixed_array(read, at, size, chunks)
        elif index == _EXTENSIBLE_ARRAY and (at := integer(content, place + 6)) != _NOWHERE:
            _check_extensible_array(read, at, size)
        elif index == _TREE and (at := integer(content, place + 7)) != _NOWHERE:
            corner = _POINTER + 8 * (dimensions - 1)  # the last is that of a value's bytes
            _check_tree(read, at, size, {10: (corner, corner), 11: (corner + 5, corner + 12)})


def _check_fixed_array(read: Read, address: int, size: int, chunks: int | None) -> None:
    """Check that the array has an element for each chunk that there can be."""
    head = read(address, 28)
    entry, count = integer(head, 6, 1), integer(head, 8)
    if count != chunks or not entry or count > size // entry:
        raise ValueError(f"the array at {address:,} has {count:,} elements for {chunks} chunks")


def _check_extensible_array(read: Read, address: int, size: int) -> None:
    """Check that the array grows as they all do, and has its elements in the file."""
    head = read(address, 72)
    entry, count = integer(head, 6, 1), integer(head, 44)
    if head[7:12] != _GROWTH or not entry or count > size // entry:
        raise ValueError(f"the array at {address:,} has {count:,} elements that cannot be")


def _check_local_heap(read: Read, address: int, size: int) -> None:
    """Check that the free blocks lie in the heap, apart from each other, and end."""
    head = read(address, 32)
    length, free, begin = (integer(head, place) for place in (8, 16, 24))
    if length > size or begin > size - length:
        raise ValueError(f"the heap at {address:,} is longer than the file")
    room = length
    while free != 1:
        if free + _FREE_BLOCK > length or room < _FREE_BLOCK:
            raise ValueError(f"the free blocks of the heap at {address:,} do not end in it")
        block = read(begin + free, _FREE_BLOCK)
        free, room = integer(block, 0), room - max(integer(block, 8), _FREE_BLOCK)


def _check_fractal_heap(read: Read, address: int, size: int) -> None:
    """Check that the blocks of the heap can double from the first to the longest."""
    head = read(address, 142)
    width, first, longest = (integer(head, *at) for at in ((110, 2), (112, 8), (120, 8)))
    bits, rows = integer(head, 128, 2), integer(head, 140, 2)
    powers = [width, first, longest]
    if {number.bit_count() for number in powers} != {1} or not first <= longest <= 2**31:
        raise ValueError(f"the heap at {address:,} has blocks of sizes that cannot be")
    doubled = first.bit_length() + width.bit_length() - 2
    most = bits - doubled + 1  # rows
    direct = longest.bit_length() - first.bit_length() + 2
    if bits > 64 or width > 2**10 or not direct <= most or not rows <= most:
        raise ValueError(f"the heap at {address:,} has rows of blocks that cannot be")
    if (huge := integer(head, 22)) != _NOWHERE:
        _check_tree(read, huge, size, _HUGE)


def _check_tree(read: Read, address: int, size: int, kinds: Kinds) -> None:
    """Check that a tree is of these kinds, and its nodes have room for the records they are to."""
    head = read(address, 34)
    node, width, depth = integer(head, 6, 4), integer(head, 10, 2), integer(head, 12, 2)
    fewest, most = kinds.get(integer(head, 5, 1), (1, 0))
    if not fewest <= width <= most or not _NODE + width <= node <= _LONGEST_NODE:
        raise ValueError(f"the tree at {address:,} has records of {width} bytes in nodes of {node}")
    total = integer(head, 26)
    if total > size or 2 ** min(depth + 1, 64) - 1 > total + 1:
        raise ValueError(f"the tree at {address:,} has {total:,} records in {depth} levels")
    visited: set[int] = set()
    for place in _nodes(read, head):
        if place in visited:
            raise ValueError(f"the tree at {address:,} does not end")
        visited.add(place)


def _nodes(read: Read, head: bytes) -> Iterator[int]:
    """Give the places of a tree's nodes."""
    node, width, depth = integer(head, 6, 4), integer(head, 10, 2), integer(head, 12, 2)
    most, pointers = _capacities(node, width, depth)
    counts = _bytes_of(most[0])
    nodes = [(integer(head, 16), integer(head, 24, 2), depth)]
    for place, count, level in nodes:
        if count > most[level]:
            raise ValueError(f"the node at {place:,} has {count:,} records")
        yield place
        if level:
            long = pointers[level]
            children = read(place + 6 + count * width, (count + 1) * long)
            nodes += [
                (integer(children, at), integer(children, at + _POINTER, counts), level - 1)
                for at in range(0, len(children), long)
            ]


def _capacities(node: int, width: int, depth: int) -> tuple[list[int], list[int]]:
    """Return the most records of a node, and the bytes of a pointer in it, at each level from 0."""
    most, pointers = [(node - _NODE) // width], [0]
    counts, below, below_bytes = _bytes_of(most[0]), most[0], 0
    for _ in range(depth):
        pointer = _POINTER + counts + below_bytes
        room = (node - _NODE - pointer) // (width + pointer)
        below = (room + 1) * below + room
        below_bytes = _bytes_of(below)
        most, pointers = [*most, room], [*pointers, pointer]
    return most, pointers


def _bytes_of(number: int) -> int:
    """Return how many bytes it takes to write numbers up to this one."""
    return max(1, (number.bit_length() + 7) // 8)
