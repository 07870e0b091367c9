"""A photograph becomes the same pixels in whatever honest form its file has them."""

from __future__ import annotations

import builtins
import os
import struct
import zlib
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from catpipe.shell.storage.atomic import DataError
from catpipe.shell.storage.photographs import pixels_of, read_photograph

Image = pytest.importorskip("PIL.Image")

ORIENTATION = 274  # the tag of EXIF and TIFF
UPRIGHT = np.random.default_rng(1).integers(0, 256, (6, 9, 3), np.uint8)
SHAPE = (4, 5, 3)


def as_stored(upright: np.ndarray, orientation: int) -> np.ndarray:
    """Return the rows and columns that a camera stores, from the definition in EXIF 2.3, 4.6.4.

    Row 0 and column 0 as stored are these sides of the picture as seen.
    """
    row_0_is, column_0_is = {
        1: ("top", "left"), 2: ("top", "right"), 3: ("bottom", "right"), 4: ("bottom", "left"),
        5: ("left", "top"), 6: ("right", "top"), 7: ("right", "bottom"), 8: ("left", "bottom"),
    }[orientation]  # fmt: skip
    stored = upright if row_0_is in ("top", "bottom") else np.swapaxes(upright, 0, 1)
    stored = stored[::-1] if row_0_is in ("bottom", "right") else stored
    return stored[:, ::-1] if column_0_is in ("bottom", "right") else stored


def saved(path: Path, pixels: np.ndarray, **options: object) -> Path:
    Image.fromarray(np.ascontiguousarray(pixels)).save(path, **options)
    return path


def test_a_picture_of_the_right_shape_keeps_its_pixels(tmp_path):
    found = read_photograph(saved(tmp_path / "a.png", UPRIGHT), UPRIGHT.shape)
    np.testing.assert_array_equal(found, UPRIGHT)


@pytest.mark.parametrize("ending", ["png", "tif", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_that_says_how_it_was_held_is_as_the_upright_one(tmp_path, orientation, ending):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    lossless = {"lossless": True} if ending == "webp" else {}
    turned = saved(
        tmp_path / f"turned.{ending}", as_stored(UPRIGHT, orientation), exif=exif, **lossless
    )
    upright = read_photograph(saved(tmp_path / "upright.png", UPRIGHT), SHAPE)
    np.testing.assert_array_equal(read_photograph(turned, SHAPE), upright)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_jpeg_that_says_how_it_was_held_is_nearly_as_the_upright_one(tmp_path, orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    smooth = np.linspace(0, 255, 40 * 64 * 3).reshape(40, 64, 3).astype(np.uint8)
    turned = saved(tmp_path / "a.jpg", as_stored(smooth, orientation), exif=exif, quality=95)
    upright = read_photograph(saved(tmp_path / "upright.png", smooth), SHAPE)
    np.testing.assert_allclose(read_photograph(turned, SHAPE).astype(int), upright, atol=6)


@pytest.mark.parametrize("ending", ["bmp", "tif", "ppm", "webp", "jp2", "dib"])
def test_the_format_of_a_lossless_file_changes_nothing(tmp_path, ending):
    options = {"webp": {"lossless": True}, "jp2": {"irreversible": False}}.get(ending, {})
    other = read_photograph(saved(tmp_path / f"a.{ending}", UPRIGHT, **options), SHAPE)
    np.testing.assert_array_equal(other, read_photograph(saved(tmp_path / "a.png", UPRIGHT), SHAPE))


def test_the_content_of_a_file_counts_and_not_its_ending(tmp_path):
    Image.fromarray(UPRIGHT).save(tmp_path / "a.jpg", format="PNG")
    np.testing.assert_array_equal(read_photograph(tmp_path / "a.jpg", UPRIGHT.shape), UPRIGHT)


def test_a_picture_is_squeezed_to_the_shape_without_being_cut(tmp_path):
    wide = np.zeros((10, 100, 3), np.uint8)
    wide[:, :20] = 255  # a fifth of the width, and so a fifth of what becomes of it
    found = read_photograph(saved(tmp_path / "a.png", wide), (10, 10, 3))[..., 0]
    assert (found[:, :1] == 255).all()
    assert (found[:, 3:] == 0).all()


def test_each_pixel_is_a_mean_of_all_that_it_covers(tmp_path):
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 200  # which picking pixels out would make all 200, or all 0
    found = read_photograph(saved(tmp_path / "a.png", stripes), (4, 4, 3))
    np.testing.assert_allclose(found, 100, atol=8)


@pytest.mark.parametrize("side", [1, 3, 500])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_picture_of_any_size_fills_a_shape_of_any_channels(tmp_path, side, channels):
    path = saved(tmp_path / "a.png", np.full((side, 2 * side, 3), 77, np.uint8))
    found = read_photograph(path, (5, 7, channels))
    assert found.shape == (5, 7, channels)
    assert found.dtype == np.uint8
    assert (found[..., :3] == 77).all()


def modes() -> dict[str, tuple[object, tuple[int, ...]]]:
    """Return a picture of each mode, and the colour that its first pixel is seen as."""
    red = Image.new("RGB", (4, 4), (255, 0, 0))
    half = Image.new("RGBA", (4, 4), (255, 0, 0, 128))
    grey = Image.fromarray(np.full((4, 4), 0x80FF, np.uint16))
    return {
        "1": (Image.new("1", (4, 4), 1), (255, 255, 255)),
        "L": (Image.new("L", (4, 4), 9), (9, 9, 9)),
        "LA": (Image.new("LA", (4, 4), (0, 0)), (255, 255, 255)),
        "P": (red.quantize(4), (255, 0, 0)),
        "RGB": (red, (255, 0, 0)),
        "RGBA": (half, (255, 127, 127)),
        "clear": (Image.new("RGBA", (4, 4), (0, 0, 0, 0)), (255, 255, 255)),
        "I;16": (grey, (128, 128, 128)),
    }


@pytest.mark.parametrize("mode", modes())
def test_a_png_of_any_mode_has_the_colours_that_are_seen_on_white(tmp_path, mode):
    picture, colour = modes()[mode]
    picture.save(tmp_path / "a.png")  # type: ignore[attr-defined]
    found = read_photograph(tmp_path / "a.png", (2, 2, 3))
    np.testing.assert_allclose(found.astype(int), [[colour] * 2] * 2, atol=1)


def test_the_transparent_colour_of_a_palette_is_white(tmp_path):
    pictured = Image.new("P", (4, 4), 1)
    pictured.putpalette([0, 0, 0, 10, 20, 30])
    for ending in ("gif", "png"):
        pictured.save(tmp_path / f"a.{ending}", transparency=1)
        assert (read_photograph(tmp_path / f"a.{ending}", (2, 2, 3)) == 255).all()


def test_the_colour_under_what_is_transparent_does_not_bleed(tmp_path):
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[:, 4:] = 255  # black but transparent beside white
    found = read_photograph(saved(tmp_path / "a.png", pixels), (3, 3, 3))
    assert (found == 255).all()


def test_cmyk_is_read_as_colours(tmp_path):
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=95)
    np.testing.assert_allclose(
        read_photograph(tmp_path / "a.jpg", (1, 1, 3)).astype(int), [[[255, 0, 0]]], atol=3
    )


def test_of_several_frames_the_first_is_taken(tmp_path):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    for ending in ("gif", "webp", "png", "tif"):
        place = tmp_path / f"a.{ending}"
        lossless = {"lossless": True} if ending == "webp" else {}
        frames[0].save(place, save_all=True, append_images=frames[1:], **lossless)
        assert read_photograph(place, (1, 1, 3)).tolist() == [[[255, 0, 0]]], ending


def test_damaged_exif_costs_the_orientation_alone(tmp_path):
    path = saved(tmp_path / "a.jpg", np.full((8, 8, 3), 99, np.uint8), exif=b"Exif\0\0MM\0*\xff")
    np.testing.assert_allclose(read_photograph(path, (2, 2, 3)), 99, atol=2)


# What is refused.


def bomb() -> bytes:
    """Return the beginning of a PNG of 20,000 x 20,000 pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        tail = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + tail

    size = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(b"\0"))


def damaged(ending: str) -> bytes:
    """Return the first half of a file of this format."""
    whole, noise = BytesIO(), np.random.default_rng(2).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(whole, format=ending)
    return whole.getvalue()[: len(whole.getvalue()) // 2]


BAD = {
    "bomb": (bomb(), "has more pixels than the 89,478,485 that are decoded"),
    "text": (b"a photograph of a cat", "is no picture, and begins with b'a photog'"),
    "empty": (b"", "is empty"),
    "page": (b"<!doctype html>", "is a web page"),
    "heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "is HEIC, AVIF or a film"),
    **{f"half a {of}": (damaged(of), "") for of in ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF")},
}


@pytest.mark.parametrize("kind", BAD)
def test_a_file_that_is_no_whole_picture_is_refused_in_a_sentence(tmp_path, kind):
    content, found = BAD[kind]
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(DataError) as refusal:
        read_photograph(tmp_path / "a.jpg", SHAPE)
    assert str(refusal.value).startswith(f"{tmp_path / 'a.jpg'}: {found}")
    assert "; expected a" in str(refusal.value)


def test_a_picture_over_the_limit_of_pillow_is_refused_and_not_warned_of(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50)  # of which 54 are too many, but not twice
    with pytest.raises(DataError, match="more pixels than the 50"):
        read_photograph(saved(tmp_path / "a.png", UPRIGHT), SHAPE)


def test_pixels_of_32_bits_are_refused_since_their_white_is_not_known(tmp_path):
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(DataError, match="32 bits"):
        read_photograph(tmp_path / "a.tif", SHAPE)


@pytest.mark.parametrize("name", ["nowhere.jpg", "folder", "pipe"])
def test_what_is_no_file_is_refused(tmp_path, name):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match=name):
        read_photograph(tmp_path / name, SHAPE)


def test_postscript_is_refused_since_another_program_would_run_it(tmp_path):
    (tmp_path / "a.eps").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    with pytest.raises(DataError, match="is no picture"):
        read_photograph(tmp_path / "a.eps", SHAPE)


def test_without_pillow_the_error_says_what_to_install(tmp_path, monkeypatch):
    found = builtins.__import__

    def without(name, *rest):
        if name.startswith("PIL"):
            raise ImportError(name)
        return found(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"pip install 'catpipe\[photos\]'"):
        read_photograph(tmp_path / "a.jpg", SHAPE)


# Photographs.


def photographs_of_others() -> list[Path]:
    """Return photographs that come with scikit-image, and with scikit-learn."""
    folders = {"skimage": "data", "sklearn": "datasets/images"}
    names = ("chelsea.png", "astronaut.png", "coffee.png", "rocket.jpg", "china.jpg", "flower.jpg")
    origins = [spec.origin for name in folders if (spec := find_spec(name)) and spec.origin]
    places = [Path(o).parent / folders[Path(o).parent.name] for o in origins]
    return [place / name for place in places for name in names if (place / name).is_file()]


@pytest.mark.parametrize("path", photographs_of_others(), ids=lambda path: path.name)
def test_a_photograph_keeps_its_mean_colours(path):
    with Image.open(path) as whole:
        means = np.asarray(whole.convert("RGB")).mean((0, 1))
    np.testing.assert_allclose(read_photograph(path, (64, 64, 3)).mean((0, 1)), means, atol=2)


def test_a_large_jpeg_decoded_at_a_fraction_is_nearly_as_the_whole(tmp_path):
    path = next((p for p in photographs_of_others() if p.name == "china.jpg"), None)
    if path is None:
        pytest.skip("scikit-learn, whose photographs these are, is missing")
    with Image.open(path) as whole:
        slowly = pixels_of(whole.convert("RGB"), (32, 32, 3)).astype(int)
    assert abs(read_photograph(path, (32, 32, 3)) - slowly).mean() < 2
