"""The style of a page: colours that can be read, by day, by night, and on paper."""

from re import DOTALL, findall, search

import pytest

from catpipe.shell.report.page import STYLE
from catpipe.shell.report.svg import STYLES

TEXT, GRAPHICS = 4.5, 3.0  # the least contrasts of WCAG 2.2, level AA: criteria 1.4.3 and 1.4.11
OF_TEXT = ("ink", "soft", "right", "wrong")
OF_LINES = tuple(f"c{number}" for number in range(STYLES))


def colours(pattern: str) -> dict[str, str]:
    """Return the colours that the first rule for :root after this pattern sets, by their names."""
    found = search(pattern + r".*?:root \{(.*?)\}", STYLE, DOTALL)
    assert found is not None
    return dict(findall(r"--(\w+): (#[0-9a-f]{6})", found[1]))


LIGHT = colours("^")
DARK = {**LIGHT, **colours("prefers-color-scheme: dark")}
SCHEMES = pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])


def luminance(colour: str) -> float:
    """Return the relative luminance of #rrggbb, as WCAG 2.2 defines it."""
    shares = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [of / 12.92 if of <= 0.04045 else ((of + 0.055) / 1.055) ** 2.4 for of in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, from 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrasts_are_those_of_the_standard():
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


def test_the_dark_scheme_has_its_own_paper_and_changes_every_colour():
    assert luminance(DARK["paper"]) < 0.05
    assert luminance(LIGHT["paper"]) > 0.9
    assert all(DARK[name] != LIGHT[name] for name in LIGHT)


@SCHEMES
@pytest.mark.parametrize("name", OF_TEXT)
def test_text_can_be_read(scheme, name):
    assert contrast(scheme[name], scheme["paper"]) >= TEXT


@SCHEMES
@pytest.mark.parametrize("name", OF_LINES)
def test_lines_can_be_seen(scheme, name):
    assert contrast(scheme[name], scheme["paper"]) >= GRAPHICS


def test_lines_differ_in_their_dashes_and_not_in_colour_alone():
    rules = [search(rf"\.line{number} \{{(.*?)\}}", STYLE) for number in range(STYLES)]
    dashes = [search(r"dasharray: ([\d ]+)", rule[1]) for rule in rules if rule]
    assert len(rules) == len({found and found[1] for found in dashes}) == STYLES
