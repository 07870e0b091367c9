"""What stands in an HDF5 file, read without HDF5, which is let loose on it only thereafter.

The layout is that of the HDF5 File Format Specification, version 3.0.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeAlias

import h5py

Read: TypeAlias = Callable[[int, int], bytes]  # so many bytes at an address

SYMBOL_TABLE, LINK_INFO, EXTERNAL, LAYOUT = 0x11, 0x02, 0x07, 0x08
_CONTINUATION = 0x10
_LONGEST = 2**28  # bytes of a header, in which HDF5 goes round for ever where its blocks are a ring
_MOST = 2**17  # messages in it; the older kind of header can count half as many


class Opened(h5py.File):  # type: ignore[misc] # h5py has no types
    """An HDF5 file that is an image in memory, beside the bytes that it is an image of."""

    content: bytes


def reader(file: h5py.File) -> Read:
    """Return what reads the bytes of this file, which raises `ValueError` past its end."""
    if isinstance(file, Opened):
        return partial(_from_content, file.content)
    return partial(_from_disk, file.id.get_vfd_handle())


def _from_content(content: bytes, address: int, length: int) -> bytes:
    return _whole(content[address : address + length], address, length)


def _from_disk(descriptor: int, address: int, length: int) -> bytes:
    is_likely = address < 2**63 and length < 2**31
    return _whole(os.pread(descriptor, length, address) if is_likely else b"", address, length)


def _whole(found: bytes, address: int, length: int) -> bytes:
    if len(found) != length:
        raise ValueError(f"{length:,} bytes at {address:,} are not in the file")
    return found


def integer(content: bytes, begin: int, size: int = 8) -> int:
    """Return the integer at this place of the content.

    >>> integer(bytes([1, 0, 2, 0]), begin=2, size=2)
    2
    """
    if begin + size > len(content):
        raise ValueError("a structure is cut short")
    return int.from_bytes(content[begin : begin + size], "little")


def root_address(read: Read) -> int:
    """Return the address of the root group's header; raise `ValueError` for sizes other than 8.

    Of offsets and lengths, that is: HDF5 writes no others unless it is asked to.
    """
    version = read(8, 1)[0]
    sizes, place = (read(13, 2), 64 + 4 * (version == 1)) if version < 2 else (read(9, 2), 36)
    if sizes != b"\x08\x08":
        raise ValueError(f"its offsets and lengths have sizes {[*sizes]} and not 8 bytes each")
    return integer(read(place, 8), 0)


def messages(read: Read, address: int) -> Iterator[tuple[int, bytes]]:
    """Give the type and the content of each message in the object header at this address."""
    is_new = read(address, 4) == b"OHDR"
    begin, length, order = _new_block(read, address) if is_new else _old_block(read, address)
    blocks, count, total = [(begin, length)], 0, 0
    for begin, length in blocks:
        total += length
        if total > _LONGEST:
            raise ValueError(f"the object header at {address:,} does not end")
        for kind, content in _in_block(read(begin, length), is_new=is_new, order=order):
            count += 1
            if count > _MOST:
                raise ValueError(f"the object header at {address:,} does not end")
            yield kind, content
            if kind == _CONTINUATION:
                begins, long = integer(content, 0), integer(content, 8)
                blocks.append((begins + 4, long - 8) if is_new else (begins, long))


def _old_block(read: Read, address: int) -> tuple[int, int, int]:
    """Return where the first messages are, their length, and no bytes for their order."""
    return address + 16, integer(read(address + 8, 4), 0, 4), 0


def _new_block(read: Read, address: int) -> tuple[int, int, int]:
    """Return where the first messages are, their length, and the bytes for each one's order."""
    flags = read(address + 5, 1)[0]
    begin = address + 6 + 16 * (flags >> 5 & 1) + 4 * (flags >> 4 & 1)
    size = 1 << (flags & 3)
    return begin + size, integer(read(begin, size), 0, size), 2 * (flags >> 2 & 1)


def _in_block(block: bytes, *, is_new: bool, order: int) -> Iterator[tuple[int, bytes]]:
    """Give the type and the content of each message in a block; less than a message is a gap."""
    kind_size, head = (1, 4 + order) if is_new else (2, 8)
    place = 0
    while place + head <= len(block):
        kind = integer(block, place, kind_size)
        end = place + head + integer(block, place + kind_size, 2)
        yield kind, block[place + head : end]
        place = end
