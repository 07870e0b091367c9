"""Laws of shapes and of painting, by areas and by turns that are known beforehand."""

from math import pi

import numpy as np
import pytest

from catpipe.data.drawn.canvas import (
    Numbers,
    Paint,
    Pose,
    Shape,
    box,
    common,
    ellipse,
    mirrored,
    paint,
    placed,
    polygon,
    stroke,
    union,
)

BLACK = np.zeros((64, 64, 3))
WHITE, RED = (1.0, 1.0, 1.0), (1.0, 0.0, 0.0)
POSE = Pose(31.3, 33.1, 9.7, 0.21)


def covered(shape: Shape) -> Numbers:
    """Return how much of each pixel the shape covers."""
    painted: Numbers = paint(BLACK, [Paint(shape, WHITE)])[..., 0]
    return painted


@pytest.mark.parametrize(
    ("shape", "area"),
    [
        (ellipse((0.3, -0.2), (1.7, 0.9)), pi * 1.7 * 0.9),
        (polygon((-1.0, 1.2), (0.4, -1.8), (1.9, 0.9)), (2.9 * 3.0 - 1.4 * 0.3) / 2),
        (box(-1.3, -0.7, 1.1, 2.0), 2.4 * 2.7),
        (stroke(0.8, (-1.5, 0.4), (0.9, -1.4)), 0.8 * 3.0 + pi * 0.16),
        (union(box(-2, -1, 0, 1), box(-1, 0, 2, 2)), 4 + 6 - 1),
        (common(box(-2, -1, 0.5, 1), box(-1, 0, 2, 2)), 1.5),
        (mirrored(box(0.5, -1, 2, 1)), 2 * 3.0),
    ],
    ids=["ellipse", "polygon", "box", "stroke", "union", "common", "mirrored"],
)
def test_a_shape_covers_its_area_wherever_it_is_placed(shape: Shape, area: float) -> None:
    assert covered(placed(shape, POSE)).sum() == pytest.approx(area * 9.7**2, rel=0.01)


def test_edges_are_smooth() -> None:
    edge = covered(placed(ellipse((0, 0), (2, 1)), POSE))
    assert len(np.unique(edge[(edge > 0) & (edge < 1)])) > 50


def test_a_positive_turn_is_clockwise_as_seen() -> None:
    shape = union(box(-2, -1, 0.5, 0), box(1, 0, 2, 3))
    upright, quarter = Pose(32, 32, 7.3), Pose(32, 32, 7.3, 1.0)
    np.testing.assert_allclose(
        covered(placed(shape, quarter)), np.rot90(covered(placed(shape, upright)), -1), atol=1e-9
    )


def test_what_is_painted_last_lies_on_top() -> None:
    layers = [Paint(box(0, 0, 64, 64), WHITE), Paint(box(10, 10, 20, 20), RED)]
    painted = paint(BLACK, layers)
    assert painted[15, 15].tolist() == list(RED)
    assert painted[40, 40].tolist() == list(WHITE)


def test_painting_in_two_goes_is_painting_in_one() -> None:
    lower = [Paint(placed(ellipse((0, 0), (2, 1)), POSE), RED, 0.7, 5)]
    upper = [Paint(placed(stroke(0.3, (-2, -2), (2, 1)), POSE), WHITE, 0.4)]
    np.testing.assert_array_equal(paint(paint(BLACK, lower), upper), paint(BLACK, lower + upper))


def test_an_opacity_of_a_quarter_shows_a_quarter() -> None:
    painted = paint(BLACK, [Paint(box(-99, -99, 99, 99), WHITE, 0.25)])
    np.testing.assert_array_equal(painted, np.full((64, 64, 3), 0.25))


def test_painting_leaves_the_canvas_as_it_was() -> None:
    canvas = np.random.default_rng(3).random((8, 9, 3))
    before = canvas.tobytes()
    paint(canvas, [Paint(box(2, 2, 5, 5), WHITE)])
    assert canvas.tobytes() == before
