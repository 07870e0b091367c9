"""Drawn pictures from a seed: cats, and other things that share everything with them but the shape.

A picture begins with a random look (colours, place, tilt, light, backdrop), which does not depend
on its label. Then a cat or another thing is drawn with that look. So neither colour nor place
shows whether a picture is of a cat.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from catpipe.data.drawn.canvas import Colour, Paint, Pose, box, ellipse, paint, placed, stroke
from catpipe.data.drawn.subjects import INK, OTHERS, Drawing, Look, cat, shaded
from catpipe.data.examples import DataSet, Examples
from catpipe.random import generator

SIDE = 64
CLASSES = ("non-cat", "cat")
TRAIN_SHARE, TEST_SHARE = 72 / 209, 33 / 50  # shares of cats, equal to the photographs'

COATS = ("e28e4a", "f3dcba", "966844", "604232", "9e9ea4", "626874", "423e46", "f0eee8")
PALES = ("f8ead8", "f4d6b2", "e6b892", "c4926c", "e2c4b0")
IRISES = ("96be46", "e8ba3c", "60a0d6", "ce7832")
# Deep colours, some far darker than others: if all walls are bright, narrow ReLU layers die out.
WALLS = (
    *("0e4a44", "1c2870", "9a1420", "d08a14", "1464b0"),
    *("2a1440", "3c8020", "5a2c14", "781c78", "40687a"),
)

Option = TypeVar("Option")


def draw(seed: int, train: int = 209, test: int = 50) -> DataSet:
    """Return the data set of this seed, with this many training and test pictures.

    Images are (examples, 64, 64, 3) `uint8`; label 1 is a cat. Equal seeds give equal pictures on
    every machine. Raises `ValueError` for a negative seed, and for no pictures.

    >>> draw(1, train=3, test=2).train.inputs.shape
    (3, 64, 64, 3)
    """
    for name, number, least in (("seed", seed, 0), ("train", train, 1), ("test", test, 1)):
        if number < least:
            raise ValueError(f"{name} is {number}; expected {least} or more: pass a larger number")
    return DataSet(
        pictures(train, TRAIN_SHARE, seed, 0), pictures(test, TEST_SHARE, seed, 1), CLASSES
    )


def pictures(count: int, share: float, seed: int, *path: int) -> Examples:
    """Return this many pictures in random order; this share of them are cats.

    >>> pictures(4, 0.5, 1).targets.sum()
    np.int64(2)
    """
    order = generator(seed, *path).random(count).argsort()
    labels = (order < round(count * share)).astype(np.int64)
    images = [picture(label, seed, *path, index) for index, label in enumerate(labels)]
    return Examples(np.stack(images), labels)


def picture(label: int, seed: int, *path: int) -> NDArray[np.uint8]:
    """Return the picture of this label, seed and path, (64, 64, 3).

    >>> picture(1, 7).shape
    (64, 64, 3)
    """
    kind = cat if label else pick(OTHERS, generator(seed, *path, 1).random())
    return portrait(kind, look_of(seed, *path, 0))


def portrait(kind: Callable[[Look], Drawing], look: Look) -> NDArray[np.uint8]:
    """Return a picture of this kind of thing with this look, (64, 64, 3).

    >>> bool((portrait(cat, look_of(7, 0)) == picture(1, 7)).all())
    True
    """
    wall = np.broadcast_to(np.array(look.wall), (SIDE, SIDE, 3))
    subject = (part._replace(shape=placed(part.shape, look.pose)) for part in kind(look))
    canvas = paint(wall, (*backdrop(look), *subject, shade(look)))
    return np.rint(np.clip(canvas, 0, 255)).astype(np.uint8)


def look_of(seed: int, *path: int) -> Look:
    """Return the look of this seed and path.

    >>> look_of(7) == look_of(7) != look_of(8)
    True
    """
    # Only `random` is used: a compiled `uniform` may round differently on other machines.
    chance = generator(seed, *path).random

    def between(low: float, high: float) -> float:
        return low + (high - low) * chance()

    def one(codes: tuple[str, ...], dimmest: float = 0.9) -> Colour:
        return shaded(colour(pick(codes, chance())), between(dimmest, 1.06))

    return Look(
        coat=one(COATS),
        pale=one(PALES),
        iris=one(IRISES),
        wall=one(WALLS, 0.3),
        floor=one(WALLS, 0.3),
        pose=Pose(between(28, 36), between(29, 37), between(15, 20), between(-0.12, 0.12)),
        shade=(between(0, SIDE), between(60, 90)),
        backdrop=pick(range(4), chance()),
        marks=pick(range(4), chance()),
        girth=between(-1, 1),
        ears=between(-1, 1),
        gaze=between(-1, 1),
    )


def backdrop(look: Look) -> Drawing:
    """Return the background: a floor, soft or sharp, stripes, or spots out of focus.

    >>> [len(backdrop(look_of(1)._replace(backdrop=kind))) for kind in range(4)]
    [1, 1, 7, 4]
    """
    ground = box(-99, SIDE * (0.7 + 0.1 * look.girth), 999, 999)
    gap, slant = 13 + 3 * look.ears, 16 * look.gaze
    stripes = (stroke(gap / 2, (k * gap, -9), (k * gap + slant, 73)) for k in range(-1, 6))
    spots = ((10, 14, 9), (52, 24, 12), (14, 52, 13), (50, 58, 8))
    kinds = (
        (Paint(ground, look.floor, blur=40),),
        (Paint(ground, look.floor),),
        tuple(Paint(stripe, look.floor, 0.6) for stripe in stripes),
        tuple(Paint(ellipse((x, y), (r, r)), look.floor, 0.7, 4) for x, y, r in spots),
    )
    return kinds[look.backdrop]


def shade(look: Look) -> Paint:
    """Return the shade over the whole picture, darkest at `look.shade`.

    >>> shade(look_of(1)).opacity
    0.3
    """
    return Paint(ellipse(look.shade, (40, 40)), INK, 0.3, 90)


def pick(options: Sequence[Option], chance: float) -> Option:
    """Return the option that a number in [0, 1) chooses.

    >>> pick("abc", 0.5)
    'b'
    """
    return options[int(len(options) * chance)]


def colour(code: str) -> Colour:
    """Return the colour of a six-digit hexadecimal code.

    >>> colour("ff8000")
    (255, 128, 0)
    """
    red, green, blue = bytes.fromhex(code)
    return red, green, blue
