"""HTML as a value: elements whose text is always escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

WITHOUT_END = ("img", "link", "meta")


class Markup(str):
    """Text that is HTML already; any other text is escaped where it gets into an element."""

    __slots__ = ()


def element(name: str, *children: str, **attributes: str | float | None) -> Markup:
    """Return an element; `class_` stands for class, `data_x` for data-x, and `None` for no such.

    >>> print(element("p", "1 < 2", class_="a", title=None))
    <p class="a">1 &lt; 2</p>
    """
    given = "".join(
        f" {_attribute(key, value)}" for key, value in attributes.items() if value is not None
    )
    end = "" if name in WITHOUT_END else f"</{name}>"
    return Markup(f"<{name}{given}>{joined(children)}{end}")


def _attribute(key: str, value: str | float) -> str:
    return f'{key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'


def joined(parts: Iterable[str]) -> Markup:
    """Return the parts as one, those escaped that are no markup.

    >>> print(joined(["<", element("b", "x")]))
    &lt;<b>x</b>
    """
    return Markup("".join(p if isinstance(p, Markup) else escape(p) for p in parts))


def table(caption: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Markup:
    """Return a table that scrolls in itself where it is wide; a row's first cell is its header.

    >>> print(table("Scores", ["", "test"], [["accuracy", "80 %"]]))  # doctest: +ELLIPSIS
    <div class="wide" role="region" ...<th scope="row">accuracy</th><td>80 %</td></tr></tbody>...
    """
    head = element("tr", *(element("th", name, scope="col") if name else element("td")
                           for name in header))  # fmt: skip
    body = (
        element("tr", element("th", first, scope="row"), *(element("td", cell) for cell in rest))
        for first, *rest in rows
    )
    inside = element(
        "table",
        element("caption", caption),
        element("thead", head),
        element("tbody", *body),
    )
    return element("div", inside, class_="wide", role="region", aria_label=caption, tabindex=0)


def items(parts: Iterable[str]) -> Markup:
    """Return a list of these.

    >>> print(items(["one", "two"]))
    <ul><li>one</li><li>two</li></ul>
    """
    return element("ul", *(element("li", part) for part in parts))


def folded(summary: str, *children: str) -> Markup:
    """Return what is shown once a reader opens it.

    >>> print(folded("More", "text"))
    <details><summary>More</summary>text</details>
    """
    return element("details", element("summary", summary), *children)
