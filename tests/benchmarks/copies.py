"""How alike different pictures are, and how alike a picture and its changed copies.

    python -m tests.benchmarks.copies --data data/catvnoncat

Prints, for each set of pictures, the pairs that are most alike without being equal, and then, for
each change, the likeness of each picture of the data and its copy, from the least on, and the share
that is found. The thresholds of `catpipe.data.copies` lie between the two.
"""

from __future__ import annotations

import io
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from catpipe.data.copies import ALIKE, DETAILED, fingerprints
from catpipe.data.drawn.drawings import draw
from catpipe.shell.storage.datasets import load_data

Pictures = NDArray[Any]
Change = Callable[[Image.Image], Image.Image]


def recompressed(image: Image.Image, quality: int) -> Image.Image:
    """Return the picture as JPEG gives it back."""
    with io.BytesIO() as file:
        image.save(file, "JPEG", quality=quality)
        return Image.open(file).convert("RGB")


def resized(image: Image.Image, side: int) -> Image.Image:
    """Return the picture made smaller, and large again."""
    return image.resize((side, side), Image.Resampling.BILINEAR).resize(image.size)


def cropped(image: Image.Image, border: int) -> Image.Image:
    """Return the picture without its border, as large as before."""
    width, height = image.size
    box = (border, border, width - border, height - border)
    return image.crop(box).resize(image.size, Image.Resampling.BILINEAR)


def brighter(image: Image.Image, factor: float) -> Image.Image:
    """Return the picture brighter, clipped at white."""
    return ImageEnhance.Brightness(image).enhance(factor)


def more_contrast(image: Image.Image, factor: float) -> Image.Image:
    """Return the picture with more contrast, clipped."""
    return ImageEnhance.Contrast(image).enhance(factor)


CHANGES: Mapping[str, Change] = {
    "JPEG, quality 75": partial(recompressed, quality=75),
    "JPEG, quality 30": partial(recompressed, quality=30),
    "JPEG, quality 10": partial(recompressed, quality=10),
    "three quarters of the size": partial(resized, side=48),
    "half the size": partial(resized, side=32),
    "a quarter of the size": partial(resized, side=16),
    "darker by 30 %": partial(brighter, factor=0.7),
    "brighter by 10 %": partial(brighter, factor=1.1),
    "brighter by 30 %": partial(brighter, factor=1.3),
    "contrast up by 30 %": partial(more_contrast, factor=1.3),
    "without a border of 1 pixel": partial(cropped, border=1),
    "without a border of 2 pixels": partial(cropped, border=2),
}


def print_different(name: str, pictures: Pictures) -> None:
    """Print how alike the most alike of different pictures are, as they are and mirrored."""
    prints = fingerprints(np.unique(pictures, axis=0))
    coarse, detail = (of.reshape(len(of), -1) for of in prints)
    for how, others in (("as they are", prints), ("mirrored", [of[:, :, ::-1] for of in prints])):
        upper = np.triu_indices(len(coarse), 1)
        alike, closer = (
            (one @ other.reshape(len(other), -1).T)[upper]
            for one, other in zip((coarse, detail), others, strict=True)
        )
        found = ((alike >= ALIKE) & (closer >= DETAILED)).sum()
        print(f"{name:<28} {how:<12} {len(alike):>9,} {alike.max():8.3f} "
              f"{closer[alike > 0.8].max(initial=0):8.3f} {found:8}")  # fmt: skip


def print_changed(name: str, pictures: Pictures, change: Change) -> None:
    """Print how alike pictures and their changed copies are."""
    copies = np.stack([np.asarray(change(Image.fromarray(picture))) for picture in pictures])
    pairs = zip(fingerprints(pictures), fingerprints(copies), strict=True)
    alike, closer = ((one * other).sum((1, 2, 3)) for one, other in pairs)
    found = ((alike >= ALIKE) & (closer >= DETAILED)).mean()
    columns = (np.quantile(of, (0, 0.05, 0.5)) for of in (alike, closer))
    print(f"{name:<28}", *(f"{value:7.3f}" for of in columns for value in of), f"{found:9.1%}")


if __name__ == "__main__":
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="data/catvnoncat", help="folder of the photographs")
    data = load_data(parser.parse_args().data)
    photographs = np.concatenate([data.train.inputs, data.test.inputs])
    print(f"{'different pictures':<41} {'pairs':>9} {'alike':>8} {'detail':>8} {'found':>8}")
    print_different("photographs", photographs)
    print_different("drawn pictures", draw(seed=7, train=2000, test=1).train.inputs)
    print(f"\n{'copies of the photographs':<28} {'alike: least, 5 %, median':<23} "
          f"{'detail: the same':<23} {'found':>9}")  # fmt: skip
    for name, change in CHANGES.items():
        print_changed(name, photographs, change)
