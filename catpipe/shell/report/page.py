"""A page about runs: one HTML file that needs nothing else, of values that come in."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from catpipe.experiments.sweeps import varied
from catpipe.shell.report.curves import cost_curve
from catpipe.shell.report.gallery import MOST_PICTURES
from catpipe.shell.report.groups import Row, group_row, groups_of, row_of
from catpipe.shell.report.html import Markup, element, folded, joined, table
from catpipe.shell.report.sections import run_sections
from catpipe.shell.report.subject import Subject, field_word
from catpipe.shell.report.svg import STYLES, chart
from catpipe.shell.runs.environment import changes

MAKER = "catpipe report"
MOST_BANDS = 3  # in a chart, where more cover each other
MARK = f'<meta name="generator" content="{MAKER}">'
HERE = Path(__file__).parent
STYLE, SCRIPT = ((HERE / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))


def run_page(subject: Subject) -> str:
    r"""Return the page about one run: equal runs and data make equal text.

    >>> one = Subject("<a>.h5", Run(fit(Experiment(seed=1, hidden=()), pictures)), "1-1")
    >>> page = run_page(one)
    >>> "<h1>&lt;a&gt;.h5</h1>" in page, page[:32]
    (True, '<!DOCTYPE html>\n<html lang="en">')
    """
    return _page(subject.name, run_sections(subject, 2, MOST_PICTURES))


def runs_page(title: str, subjects: Sequence[Subject], in_full: Sequence[Subject]) -> str:
    """Return the page about several runs: side by side, and then those `in_full` one by one.

    >>> run = Run(fit(Experiment(seed=1, hidden=()), pictures))
    >>> page = runs_page("two", [Subject("a.h5", run, ""), Subject("b.h5", run, "")], [])
    >>> page.count("<polyline")
    2
    """
    most = MOST_PICTURES // max(1, len(in_full))
    return _page(
        title,
        element("section", element("h2", "Side by side"), *_side_by_side(subjects)),
        *(
            element("section", element("h2", f"Run {of.name}"), run_sections(of, 3, most))
            for of in in_full
        ),
    )


def _page(title: str, *content: Markup) -> str:
    head = element(
        "head",
        Markup('<meta charset="utf-8">'),
        element("meta", http_equiv="Content-Security-Policy", content=_policy()),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup('<meta name="color-scheme" content="light dark">'),
        Markup(MARK),
        element("title", f"{title}: {MAKER}"),
        Markup('<link rel="icon" href="data:,">'),
        element("style", Markup(STYLE)),
    )
    body = element(
        "body",
        element("main", element("h1", title), *content),
        element("footer", f"Made by {MAKER}: one file, which needs no other, and no network."),
        element("script", Markup(SCRIPT)),
    )
    html = element("html", joined(("\n", head, "\n", body, "\n")), lang="en")
    return f"<!DOCTYPE html>\n{html}\n"


def _policy() -> str:
    """Return what a browser may do with the page: its own style and script, pictures inside it."""
    style, script = (b64encode(sha256(of.encode()).digest()).decode() for of in (STYLE, SCRIPT))
    return (
        f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _side_by_side(subjects: Sequence[Subject]) -> Iterator[Markup]:
    groups = groups_of(subjects)
    differ = varied([of.run.result.experiment for of in subjects])
    names = [name for name in differ if name != "seed"]
    each = _of_each(subjects, differ)
    if len(groups) < len(subjects):
        caption = "Experiments: mean \u00b1 standard deviation over their seeds"
        yield _table(caption, [group_row(group, names) for group in groups])
        yield folded(f"The {len(subjects)} runs one by one", each)
    else:
        yield each
    if len(subjects) > 1 and any(of.predicted for of in subjects):
        yield element("p", "The best of several on the same test examples is better there than on "
                      "others: choose by ", element("code", "catpipe validate"), ".")  # fmt: skip
    yield from _costs(groups, names)
    yield from _environments(subjects)


def _of_each(subjects: Sequence[Subject], names: Sequence[str]) -> Markup:
    rows = [{"run": of.name, **row_of(of, names)} for of in subjects]
    return _table("Runs: how they differ, and their scores", rows)


def _table(caption: str, rows: Sequence[Row]) -> Markup:
    columns = [*dict.fromkeys(column for row in rows for column in row)]
    return table(caption, columns, ([row.get(name, "") for name in columns] for row in rows))


def _costs(groups: Sequence[Sequence[Subject]], names: Sequence[str]) -> Iterator[Markup]:
    """Return the chart of the training costs of each group, of the first ones where many."""
    curves = [cost_curve(_name(group, names), [of.run.result for of in group]) for group in groups]
    drawn = [curve for curve in curves if curve.points][:STYLES]
    of_many = any(curve.band for curve in drawn)
    each = "each experiment" if of_many else "each run"
    which = f"the first {STYLES} of {len(groups)}" if len(groups) > STYLES else each
    if len(drawn) > MOST_BANDS:
        drawn = [curve._replace(band=()) for curve in drawn]
    spread = ", within lowest and highest" * (len(drawn) <= MOST_BANDS)
    if drawn:
        title = f"Training cost of {which}{f': mean{spread}' if of_many else ''}"
        yield chart(title, "iteration", "training cost", drawn)


def _name(group: Sequence[Subject], names: Sequence[str]) -> str:
    """Return the name of a run, or what tells several from those of other groups."""
    if len(group) == 1:
        return group[0].name
    fields = group_row(group, names)
    words = ", ".join(f"{field_word(name)} {fields[field_word(name)]}" for name in names)
    return words or f"{len(group)} runs"


def _environments(subjects: Sequence[Subject]) -> Iterator[Markup]:
    """Return how what the others were computed with differs from the first one's."""
    with_one = [of for of in subjects if of.run.environments]
    for other in with_one[1:]:
        first, last = with_one[0].run.environments[-1][1], other.run.environments[-1][1]
        if words := "; ".join(changes(first, last, " and ")):
            yield element("p", f"{with_one[0].name} and {other.name} were computed with {words}.")
