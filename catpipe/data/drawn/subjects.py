"""The subjects of pictures: a cat, and things that resemble one, each with any look.

Heads have a radius of about 1, at the origin; x goes to the right and y down.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from catpipe.data.drawn.canvas import (
    Colour,
    Paint,
    Point,
    Pose,
    Shape,
    box,
    common,
    ellipse,
    mirrored,
    polygon,
    stroke,
    union,
)

INK, SNOW, ROSE = (38.0, 34.0, 40.0), (252.0, 250.0, 246.0), (236.0, 142.0, 146.0)
LEAF, GLASS, BEAK = (84.0, 140.0, 76.0), (150.0, 190.0, 210.0), (236.0, 170.0, 60.0)

Drawing: TypeAlias = tuple[Paint, ...]


class Look(NamedTuple):
    """The look of a picture, whatever its subject.

    Colours are red, green, blue in 0 to 255; places are in pixels; `backdrop` and `marks` choose
    among four kinds, 0 to 3; `girth`, `ears` and `gaze` go from -1 to 1.
    """

    coat: Colour
    pale: Colour
    iris: Colour
    wall: Colour
    floor: Colour
    pose: Pose
    shade: Point
    backdrop: int
    marks: int
    girth: float
    ears: float
    gaze: float


def cat(look: Look) -> Drawing:
    """Return a cat: pointed ears, slit pupils, whiskers."""
    head = ellipse((0, 0), (1.02 + 0.1 * look.girth, 0.86))
    tip = 0.82 + 0.1 * look.ears
    return (
        _shoulders(look),
        Paint(mirrored(polygon((0.12, -0.7), (tip, -0.6 - tip), (0.98, -0.1))), look.coat),
        Paint(mirrored(polygon((0.34, -0.75), (tip - 0.04, -0.3 - tip), (0.82, -0.4))), ROSE),
        Paint(head, look.coat),
        *_markings(look, head),
        *_eyes(look, (0.42, -0.1), 0.24, 0.4),
        Paint(union(_pair((0.2, 0.4), (0.3, 0.24)), ellipse((0, 0.6), (0.22, 0.18))), look.pale),
        Paint(mirrored(stroke(0.03, (0.35, 0.36), (1.35, 0.16))), SNOW),
        Paint(mirrored(stroke(0.03, (0.35, 0.46), (1.35, 0.56))), SNOW),
        Paint(mirrored(stroke(0.05, (0, 0.3), (0, 0.44), (0.14, 0.54), (0.3, 0.48))), INK),
        Paint(polygon((-0.14, 0.2), (0.14, 0.2), (0, 0.36)), ROSE),
    )


def dog(look: Look) -> Drawing:
    """Return a dog: hanging ears, a long muzzle with a large nose, a tongue."""
    head = ellipse((0, 0), (0.86 + 0.08 * look.girth, 0.98))
    flap = ellipse((0.92, 0.05), (0.28, 0.9 + 0.15 * look.ears))
    ear = mirrored(union(flap, stroke(0.4, (0.5, -0.7), (0.85, -0.5))))
    return (
        _shoulders(look),
        Paint(head, look.coat),
        *_markings(look, head),
        Paint(ear, shaded(look.coat, 0.62)),
        *_eyes(look, (0.36, -0.2), 0.16, 0.8),
        Paint(ellipse((0, 0.92), (0.16, 0.3)), ROSE),
        Paint(ellipse((0, 0.5), (0.48, 0.42)), look.pale),
        Paint(mirrored(stroke(0.06, (0, 0.4), (0, 0.66), (0.16, 0.72), (0.32, 0.62))), INK),
        Paint(ellipse((0, 0.3), (0.22, 0.15)), INK),
    )


def bear(look: Look) -> Drawing:
    """Return a bear: round ears, small eyes."""
    return (
        _shoulders(look),
        Paint(_pair((0.72, -0.74), (0.36 + 0.05 * look.ears, 0.36)), look.coat),
        Paint(_pair((0.72, -0.74), (0.2, 0.2)), look.pale),
        Paint(ellipse((0, 0), (1.0 + 0.08 * look.girth, 0.92)), look.coat),
        *_eyes(look, (0.36, -0.12), 0.11, 0.8),
        Paint(ellipse((0, 0.42), (0.46, 0.36)), look.pale),
        Paint(mirrored(stroke(0.06, (0, 0.3), (0, 0.54), (0.12, 0.6), (0.24, 0.53))), INK),
        Paint(ellipse((0, 0.28), (0.18, 0.12)), INK),
    )


def rabbit(look: Look) -> Drawing:
    """Return a rabbit: long ears, two teeth."""
    head = ellipse((0, 0.1), (0.82 + 0.08 * look.girth, 0.8))
    tip = (0.44 + 0.1 * look.ears, -1.5)
    return (
        _shoulders(look),
        Paint(mirrored(stroke(0.44, (0.32, -0.5), tip)), look.coat),
        Paint(mirrored(stroke(0.2, (0.32, -0.5), tip)), ROSE),
        Paint(head, look.coat),
        *_markings(look, head),
        *_eyes(look, (0.42, -0.05), 0.17, 0.9),
        Paint(box(-0.13, 0.55, 0.13, 0.85), SNOW),
        Paint(_pair((0.17, 0.46), (0.24, 0.17)), look.pale),
        Paint(ellipse((0, 0.32), (0.12, 0.08)), ROSE),
    )


def owl(look: Look) -> Drawing:
    """Return an owl: a round body with wings, large eyes in pale discs, a beak."""
    trunk = ellipse((0, 0.5), (0.98 + 0.1 * look.girth, 1.4))
    return (
        Paint(trunk, look.coat),
        Paint(_pair((1.0, 0.8), (0.26, 0.7 + 0.1 * look.ears)), shaded(look.coat, 0.7)),
        Paint(ellipse((0, 1.2), (0.6, 0.6)), look.pale),
        Paint(_pair((0.42, -0.1), (0.46, 0.46)), look.pale),
        *_eyes(look, (0.42, -0.1), 0.27, 0.8),
        Paint(polygon((-0.14, 0.14), (0.14, 0.14), (0, 0.5)), BEAK),
    )


def person(look: Look) -> Drawing:
    """Return a human face, under hair of the coat's colour."""
    hair = ellipse((0, 0.1 + 0.3 * look.ears), (0.98, 1.1 + 0.3 * look.ears))
    fringe = common(hair, ellipse((0.5 * look.gaze, -0.8), (1, 0.5)))
    nose = stroke(0.06, (0, 0.1), (0.07, 0.36), (-0.04, 0.38))
    return (
        Paint(hair, look.coat),
        Paint(ellipse((0, 2.2), (1.3, 1.15)), look.iris),
        Paint(stroke(0.5, (0, 0.6), (0, 1.2)), shaded(look.pale, 0.9)),
        Paint(ellipse((0, 0.1), (0.74 + 0.06 * look.girth, 0.92)), look.pale),
        Paint(fringe, look.coat),
        Paint(_pair((0.3, 0.04), (0.15, 0.1)), SNOW),
        Paint(_pair((0.3, 0.04), (0.08, 0.09)), INK),
        Paint(mirrored(stroke(0.06, (0.18, -0.16), (0.44, -0.16))), shaded(look.coat, 0.5)),
        Paint(nose, shaded(look.pale, 0.75)),
        Paint(mirrored(stroke(0.08, (0, 0.64), (0.26, 0.56))), shaded(ROSE, 0.8)),
    )


def house(look: Look) -> Drawing:
    """Return a house: a pointed roof, a chimney, a door, windows."""
    wide, ridge = 1.05 + 0.15 * look.girth, -1.1 + 0.2 * look.ears
    return (
        Paint(box(0.4, ridge, 0.7, 0), shaded(look.coat, 0.6)),
        Paint(box(-wide, -0.3, wide, 1.3), look.pale),
        Paint(polygon((0, ridge), (wide + 0.25, -0.2), (-wide - 0.25, -0.2)), look.coat),
        Paint(mirrored(box(0.38, 0.1, 0.8, 0.55)), look.iris),
        Paint(mirrored(stroke(0.07, (0.59, 0.1), (0.59, 0.55))), INK),
        Paint(box(-0.22, 0.45, 0.22, 1.3), shaded(look.coat, 0.6)),
    )


def flower(look: Look) -> Drawing:
    """Return a flower: eight petals, a round middle, a stem with leaves."""
    petal = 0.4 + 0.04 * look.ears
    ring = [(0.72, 0.0), (0.0, 0.72), (0.51, 0.51), (0.51, -0.51), (0.0, -0.72)]
    petals = union(*(ellipse(centre, (petal, petal)) for centre in ring))
    return (
        Paint(stroke(0.16, (0, 0), (0.2 * look.gaze, 3.5)), LEAF),
        Paint(mirrored(stroke(0.3, (0.1, 1.9), (0.8, 1.5))), LEAF),
        Paint(mirrored(petals), look.coat),
        Paint(ellipse((0, 0), (0.62, 0.62)), shaded(look.coat, 0.85)),
        Paint(ellipse((0, 0), (0.42 + 0.08 * look.girth, 0.42 + 0.08 * look.girth)), look.iris),
    )


def car(look: Look) -> Drawing:
    """Return a car from the side."""
    roof = -0.6 - 0.1 * look.ears
    pane = roof + 0.14
    return (
        Paint(polygon((-0.6, roof), (0.45, roof), (0.85, 0.1), (-0.95, 0.1)), look.coat),
        Paint(polygon((-0.5, pane), (0.36, pane), (0.62, 0.1), (-0.74, 0.1)), GLASS),
        Paint(stroke(0.1, (-0.05, roof), (-0.05, 0.1)), look.coat),
        Paint(stroke(0.6, (-1.1, 0.3), (1.15, 0.3)), look.coat),
        Paint(stroke(0.08, (-1.3, 0.42), (1.4, 0.42)), look.pale),
        Paint(_pair((0.75, 0.62), (0.32, 0.32)), INK),
        Paint(_pair((0.75, 0.62), (0.15, 0.15)), look.pale),
        Paint(ellipse((1.36, 0.22), (0.09, 0.11)), look.iris),
    )


def fish(look: Look) -> Drawing:
    """Return a fish from the side: fins, a forked tail, bars."""
    trunk = ellipse((-0.2, 0), (1.05, 0.66 + 0.1 * look.girth))
    bars = union(stroke(0.16, (-0.1, -1), (0, 1)), stroke(0.16, (0.35, -1), (0.4, 1)))
    fork = 0.6 + 0.1 * look.ears
    fins = (
        polygon((0.6, 0), (1.4, -fork), (1.25, 0)),
        polygon((0.6, 0), (1.25, 0), (1.4, fork)),
        polygon((-0.5, -0.4), (0.2, -1.0), (0.4, -0.4)),
    )
    return (
        Paint(union(*fins), shaded(look.coat, 0.7)),
        Paint(trunk, look.coat),
        Paint(common(trunk, bars), look.pale),
        Paint(ellipse((-0.72, -0.14), (0.19, 0.19)), SNOW),
        Paint(ellipse((-0.76, -0.14), (0.1, 0.1)), INK),
        Paint(stroke(0.06, (-1.2, 0.2), (-0.9, 0.24)), INK),
    )


OTHERS = (dog, bear, rabbit, owl, person, house, flower, car, fish)


def shaded(colour: Colour, factor: float) -> Colour:
    """Return the colour, made brighter by this factor.

    >>> shaded((100, 50, 0), 0.5)
    (50.0, 25.0, 0.0)
    """
    red, green, blue = colour
    return red * factor, green * factor, blue * factor


def _pair(centre: Point, radii: Point) -> Shape:
    return mirrored(ellipse(centre, radii))


def _shoulders(look: Look) -> Paint:
    return Paint(ellipse((0, 1.9), (1.0 + 0.2 * look.girth, 1.3)), shaded(look.coat, 0.86))


def _eyes(look: Look, centre: Point, radius: float, pupil: float) -> Drawing:
    """Return two eyes that look aside; `pupil` is the width of their pupils, 1 for round ones."""
    (x, y), aside = centre, 0.3 * radius * look.gaze
    lefts = (aside - x, aside + x)
    pupils = [ellipse((left, y), (0.85 * radius * pupil, 0.85 * radius)) for left in lefts]
    glints = [
        ellipse((left + 0.3 * radius, y - 0.4 * radius), (0.25 * radius, 0.25 * radius))
        for left in lefts
    ]
    return (
        Paint(_pair(centre, (1.15 * radius, 1.05 * radius)), shaded(look.coat, 0.5)),
        Paint(_pair(centre, (radius, radius)), look.iris),
        Paint(union(*pupils), INK),
        Paint(union(*glints), SNOW),
    )


def _markings(look: Look, head: Shape) -> Drawing:
    """Return the marks on the coat of this head: none, stripes, a patch on an eye, a blaze."""
    brow = union(stroke(0.12, (0, -1), (0, -0.5)), stroke(0.12, (0.3, -1), (0.24, -0.56)))
    cheek = union(stroke(0.1, (0.66, 0), (1.2, -0.1)), stroke(0.1, (0.66, 0.24), (1.2, 0.3)))
    stripes = common(head, mirrored(union(brow, cheek)))
    patch = common(head, ellipse((0.5, -0.35), (0.6, 0.6)))
    blaze = common(head, polygon((-0.12, -1.0), (0.12, -1.0), (0.4, 0.6), (-0.4, 0.6)))
    kinds = (
        (),
        (Paint(stripes, shaded(look.coat, 0.68)),),
        (Paint(patch, look.pale),),
        (Paint(blaze, look.pale),),
    )
    return kinds[look.marks]
