"""An empty figure, the colours that all figures share, and the bytes of a finished one."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple
from warnings import catch_warnings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Colours that the colour-blind tell apart (Okabe and Ito 2008)."""
RIGHT, WRONG, LINE = "#00805E", COLOURS[1], COLOURS[0]  # green a little darker, to be read
MAKER = "catpipe plot"


class Format(NamedTuple):
    """What matplotlib writes about a file, and what is then in the bytes of each that we made."""

    metadata: Mapping[str, str | None]
    mark: bytes


FORMATS: Mapping[str, Format] = {
    ".png": Format({"Software": MAKER}, f"Software\0{MAKER}".encode()),
    ".svg": Format({"Creator": MAKER, "Date": None}, f"<dc:title>{MAKER}</dc:title>".encode()),
    ".pdf": Format(
        {"Creator": MAKER, "Producer": None, "CreationDate": None}, f"/Creator ({MAKER})".encode()
    ),
}
"""The formats of figures, by the ending of a file's name."""


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of this size, in inches, which lays out itself.

    Raises `ImportError`, naming the command that installs it, where matplotlib is missing.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "matplotlib is missing; figures need it: pip install 'catpipe[plots]'"
        ) from error
    return Figure(figsize=(width, height), layout="constrained")


def to_bytes(figure: Figure, ending: str = ".png") -> bytes:
    """Return the figure's file, of a format that `FORMATS` names: equal figures, equal bytes."""
    from matplotlib import rc_context

    content, metadata = BytesIO(), {**FORMATS[ending].metadata}
    with catch_warnings(action="ignore"), rc_context({"svg.hashsalt": MAKER}):
        # A letter that the font lacks is drawn as a box.
        figure.savefig(content, format=ending[1:], dpi=110, metadata=metadata)
    return content.getvalue()


def without_frame(axes: Any) -> None:
    """Leave out the lines above and to the right, which say nothing."""
    axes.spines[["top", "right"]].set_visible(False)


def titled(axes: Any, text: str, colour: str = "black") -> None:
    """Write the title of a small picture, as it is: a $ in a name is a $."""
    axes.set_title(text, color=colour, fontsize=9, parse_math=False)


def grid_of(figure: Any, count: int, columns: int) -> list[Any]:
    """Return the axes of so many small pictures, without ticks; what is left over stays empty."""
    rows = -(-count // columns)
    axes = [*figure.subplots(rows, columns, squeeze=False).flat]
    for each in axes:
        each.set_axis_off()
    return axes[:count]
