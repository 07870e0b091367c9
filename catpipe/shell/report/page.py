"""A page about runs: one HTML file that needs nothing else, of values that come in."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np

from catpipe.experiments.experiment import plain_fields
from catpipe.experiments.sweeps import varied
from catpipe.shell.report.gallery import MOST_PICTURES
from catpipe.shell.report.html import Markup, element, joined, table
from catpipe.shell.report.scores import scores_in_words
from catpipe.shell.report.sections import cost_curve, run_sections
from catpipe.shell.report.subject import Subject, field_word, value_text
from catpipe.shell.report.svg import STYLES, chart
from catpipe.shell.runs.environment import changes

MAKER = "catpipe report"
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
    names = varied([of.run.result.experiment for of in subjects])
    rows = [_row(of, names) for of in subjects]
    columns = [*dict.fromkeys(column for row in rows for column in row)]
    cells = ([of.name, *(row.get(name, "") for name in columns)]
             for of, row in zip(subjects, rows, strict=True))  # fmt: skip
    yield table("Runs: how they differ, and their scores", ("run", *columns), cells)
    if len(rows) > 1 and any(of.parts.get("test") for of in subjects):
        yield element("p", "The best of several on the same test examples is better there than on "
                      "others: choose by ", element("code", "catpipe validate"), ".")  # fmt: skip
    drawn = [curve for of in subjects if (curve := cost_curve(of)).points][:STYLES]
    first = f"the first {STYLES} of {len(subjects)}" if len(subjects) > STYLES else "each run"
    if drawn:
        yield chart(f"Training cost of {first}", "iteration", "training cost", drawn)
    yield from _environments(subjects)


def _row(subject: Subject, names: Sequence[str]) -> dict[str, str]:
    result = subject.run.result
    plain = plain_fields(result.experiment)
    cost = {"last cost": f"{np.mean(result.costs[-1][1]):.6g}"} if result.costs else {}
    test = subject.parts.get("test")
    scores = scores_in_words(result, test) if test else {}
    return {
        **{field_word(name): value_text(plain[name]) for name in names},
        **({"seeds": str(len(result.seeds))} if result.seeds else {}),
        **cost,
        **{f"test {name}": words for name, words in scores.items()},
    }


def _environments(subjects: Sequence[Subject]) -> Iterator[Markup]:
    """Return how what the others were computed with differs from the first one's."""
    with_one = [of for of in subjects if of.run.environments]
    for other in with_one[1:]:
        first, last = with_one[0].run.environments[-1][1], other.run.environments[-1][1]
        if words := "; ".join(changes(first, last, " and ")):
            yield element("p", f"{with_one[0].name} and {other.name} were computed with {words}.")
