"""Pictures as PNG files, small enough to stand in a page (ISO/IEC 15948)."""

from __future__ import annotations

from base64 import b64encode
from struct import pack
from typing import Any
from zlib import compress, crc32

import numpy as np
from numpy.typing import NDArray

from catpipe.data.transforms.columns import as_floats

COLOUR_TYPES = {1: 0, 3: 2, 4: 6}  # by the number of channels: grey, colours, with transparency
SIDE = 64  # pixels, at most
UP = 2  # the filter: each row less the row above


def as_shown(inputs: NDArray[Any]) -> NDArray[np.uint8]:
    """Return pictures, (examples, height, width[, channels]), as small ones of 8 bits a channel.

    They have 1, 3 or 4 channels: of two the first, which is grey, and of more than 4 the first
    three. Numbers beyond [0, 1] are scaled into it, all pictures alike. Larger pictures are thinned
    out.

    >>> as_shown(np.array([[[0.0, 2.0]]])).ravel()
    array([  0, 255], dtype=uint8)
    """
    step = max(1, -(-max(inputs.shape[1:3]) // SIDE))
    small = inputs[:, ::step, ::step].reshape(*inputs[:, ::step, ::step].shape[:3], -1)
    channels = small.shape[3]
    kept = channels if channels in COLOUR_TYPES else 1 if channels == 2 else 3
    values = as_floats(small[..., :kept])
    low, high = values.min(initial=0), values.max(initial=1)
    return np.rint(255 * ((values - low) / (high - low))).astype(np.uint8)


def png_bytes(image: NDArray[np.uint8]) -> bytes:
    """Return the picture, (height, width, 1, 3 or 4), as the bytes of a PNG file.

    >>> png_bytes(np.zeros((1, 1, 1), np.uint8))[1:4]
    b'PNG'
    """
    height, width, channels = image.shape
    rows = np.diff(image.reshape(height, -1), axis=0, prepend=np.uint8(0))
    lines = np.insert(rows, 0, UP, axis=1).tobytes()
    header = pack(">2I5B", width, height, 8, COLOUR_TYPES[channels], 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", compress(lines, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return pack(">I", len(content)) + kind + content + pack(">I", crc32(kind + content))


def data_url(image: NDArray[np.uint8]) -> str:
    """Return the picture as an address that has it inside.

    >>> data_url(np.zeros((1, 1, 1), np.uint8))[:22]
    'data:image/png;base64,'
    """
    return f"data:image/png;base64,{b64encode(png_bytes(image)).decode()}"
