"""Photographs: a file as a camera or a browser saves it becomes pixels as a network takes them.

`pixels_of` is the conversion, a function of the decoded picture alone; `read_photograph` is the
file around it. Pillow decodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias
from warnings import catch_warnings, simplefilter

import numpy as np
from numpy.typing import NDArray

from catpipe.shell.storage.atomic import DataError, StrPath

if TYPE_CHECKING:
    from PIL.Image import Image

Shape: TypeAlias = tuple[int, int, int]
Pixels: TypeAlias = NDArray[np.uint8]

MODES = {1: "L", 3: "RGB", 4: "RGBA"}
"""What Pillow calls the pixels of so many channels."""

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "DIB", "PPM", "JPEG2000", "AVIF", "HEIF")
"""The formats that are decoded: of Pillow's others, EPS would start another program."""

_SHARPNESS = 2  # a JPEG is decoded to at least so many times the sides that are wanted
_LIKENESSES = {
    b"<": "is a web page or a drawing in SVG",
    b"%PDF": "is a PDF",
    b"version https://git-lfs": "is a git-lfs pointer to the file",
    b"PK\x03\x04": "is a zip archive",
    b"\x89HDF": "is HDF5",
}


def read_photograph(path: StrPath, shape: Shape) -> Pixels:
    """Return the picture in a file in this shape, (height, width, channels), as `uint8`.

    The file is JPEG, PNG, WebP, GIF, TIFF, BMP, PPM, JPEG 2000, AVIF where Pillow has it, or HEIC
    with pillow-heif; of several frames the first is taken. What becomes of it says `pixels_of`.
    Raises `DataError` for all else, before decoding for more pixels than Pillow allows, and
    `ImportError`, naming the command that installs it, where Pillow is missing.

    >>> read_photograph("nowhere.jpg", (64, 64, 3))
    Traceback (most recent call last):
    catpipe.DataError: nowhere.jpg: is not there; expected a picture: check the name
    """
    check_pillow()
    place = Path(path)
    try:
        _check_is_file(place)
        with place.open("rb") as file, _decoded(place, file, shape) as image:
            return pixels_of(image, shape)
    except OSError as error:
        raise DataError(
            f"{place}: cannot be read ({error.strerror or error}); expected a picture: check its "
            "name and rights"
        ) from error


def pixels_of(image: Image, shape: Shape) -> Pixels:
    """Return a decoded picture in this shape, (height, width, channels), as `uint8`.

    It is turned as its EXIF orientation says, then squeezed to height and width whatever its own
    are, each pixel a mean of those that it covers: as the pictures of the cat data set were, and as
    the course reads a photograph (bilinear, which is what `scipy.misc.imresize` does). What is
    transparent becomes white, unless there are four channels; of 16 bits the upper 8 count. A
    colour profile is not applied. Raises `ValueError` for pixels of 32 bits, whose white is not
    known, and for colours that Pillow does not convert.

    >>> from PIL import Image
    >>> pixels_of(Image.new("L", (8, 6), 7), (1, 2, 3))
    array([[[7, 7, 7],
            [7, 7, 7]]], dtype=uint8)
    """
    from PIL import Image
    from PIL.Image import Resampling

    height, width, channels = shape
    mode, size = MODES[channels], (width, height)
    upright = _in_bytes(_upright(image), image.format)
    if not upright.has_transparency_data:
        return np.asarray(upright.convert(mode).resize(size, Resampling.BILINEAR)).reshape(shape)
    small = upright.convert("RGBA").resize(size, Resampling.BILINEAR)
    white = Image.new("RGBA", size, "white")
    shown = small if mode == "RGBA" else Image.alpha_composite(white, small)
    return np.asarray(shown.convert(mode)).reshape(shape)


def check_pillow() -> None:
    """Raise `ImportError`, naming the command that installs it, where Pillow is missing."""
    try:
        import PIL.Image  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "Pillow is missing; photographs need it: pip install 'catpipe[photos]'"
        ) from error


def _upright(image: Image) -> Image:
    from PIL.ImageOps import exif_transpose

    image.load()
    try:
        return exif_transpose(image)
    except Exception:  # what EXIF parsers meet is of any kind, and the picture itself is sound
        return image


def _in_bytes(image: Image, stored_as: str | None) -> Image:
    """Return a picture of 8 bits a channel of one that may have more, in a file of this format."""
    from PIL import Image

    is_of_16_bits = image.mode == "I" and stored_as in ("PNG", "PPM")
    if image.mode.startswith("I;16") or is_of_16_bits:
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError("numbers of 32 bits, of which it is not known what is white")
    return image


# The file.


def _check_is_file(path: Path) -> None:
    if not path.exists():
        raise DataError(f"{path}: is not there; expected a picture: check the name")
    if not path.is_file():  # nor a pipe, which would be waited for
        raise DataError(f"{path}: is not a file; expected a picture: name a file")


@contextmanager
def _decoded(path: Path, file: BinaryIO, shape: Shape) -> Iterator[Image]:
    """Give the picture in an open file; raise `DataError` for what Pillow cannot decode."""
    from PIL import Image, UnidentifiedImageError

    try:
        with catch_warnings():
            simplefilter("ignore")
            simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file, formats=_formats()) as image:
                side = _SHARPNESS * max(shape[:2])
                image.draft(MODES[shape[2]], (side, side))
                yield image
    except UnidentifiedImageError as error:
        raise DataError(f"{path}: {_likeness(file)}") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(
            f"{path}: has more pixels than the {Image.MAX_IMAGE_PIXELS:,} that are decoded; "
            "expected a smaller picture: resize it"
        ) from error
    except MemoryError:
        raise
    except Exception as error:  # on a damaged file, Pillow's decoders raise errors of any kind
        reason = " ".join(str(error).split())
        raise DataError(
            f"{path}: cannot be decoded ({reason}); expected a whole picture: fetch it again, or "
            "save it anew from a program that opens it"
        ) from error


def _formats() -> list[str]:
    """Return those of the formats that are installed here."""
    from PIL import Image

    with suppress(ImportError):
        from pillow_heif import register_heif_opener

        register_heif_opener()
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def _likeness(file: BinaryIO) -> str:
    """Return what the file is that Pillow does not know, what was expected, and what to do."""
    file.seek(0)
    head = file.read(64)
    if head[4:8] == b"ftyp":
        return (
            "is HEIC, AVIF or a film, which is not decoded here; expected a picture: save it as "
            "JPEG, or `pip install pillow-heif`"
        )
    unknown = f"is no picture, and begins with {head[:8]!r}" if head else "is empty"
    found = (words for start, words in _LIKENESSES.items() if head.lstrip().startswith(start))
    return f"{next(found, unknown)}; expected a picture: fetch it again, or save it as JPEG or PNG"
