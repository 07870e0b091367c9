"""A page in a browser, where there is one: Chromium without a screen."""

import subprocess
from html.parser import HTMLParser
from pathlib import Path
from re import search, sub

import numpy as np
import pytest

from catpipe.data.examples import DataSet, Examples
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import fit
from catpipe.shell.report.page import run_page
from catpipe.shell.report.subject import Subject
from catpipe.shell.runs.run_file import Run
from tests.chromium import CHROMIUM, FLAGS

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")

PHONE = 390  # pixels
LONG = "a class with a name that is long, and long, and longer still than a phone is wide"


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    images = np.random.default_rng(1).integers(0, 256, (12, 4, 5, 3)).astype(np.uint8)
    examples, classes = Examples(images, np.arange(12) % 2), ("dog", LONG)
    run = Run(fit(Experiment(seed=1, hidden=(2,), iterations=2), examples), classes)
    of = Subject("run.h5", run, "words " * 50, data=DataSet(examples, examples, classes))
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(run_page(of))
    return path


def opened(path: Path, folder: Path, fragment: str = "") -> tuple[str, str]:
    """Return the page as it is after its script, and what the browser says of it."""
    done = subprocess.run(
        [str(CHROMIUM), *FLAGS, "--enable-logging=stderr", "--dump-dom",
         f"--user-data-dir={folder}", f"{path.as_uri()}{fragment}"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return done.stdout, done.stderr


class Sheet(HTMLParser):
    """Collects the numbers of the pictures of the contact sheet, in order: all, and those seen."""

    def __init__(self, dom: str) -> None:
        super().__init__()
        self.all: list[int] = []
        self.seen: list[int] = []
        self.feed(dom[dom.index('class="sheet"') :])

    def handle_starttag(self, tag, attrs):  # noqa: D102
        of = dict(attrs)
        if tag == "li" and "data-number" in of:
            self.all.append(int(str(of["data-number"])))
            self.seen += [] if "hidden" in of else self.all[-1:]


def test_its_script_runs_and_the_browser_has_nothing_to_say(page, tmp_path):
    dom, said = opened(page, tmp_path)
    assert "12 of 12 shown" in dom
    assert "CONSOLE" not in said


def test_a_script_that_is_not_the_pages_own_does_not_run(page, tmp_path):
    injected = tmp_path / "injected.html"
    injected.write_text(page.read_text().replace("</main>", "<script>alert(1)</script></main>"))
    _, said = opened(injected, tmp_path / "profile")
    assert "Content Security Policy" in said


def test_pictures_sort_and_filter(page, tmp_path):
    found = Sheet(opened(page, tmp_path / "one", "#sort=worst&filter=wrong")[0])
    plain = Sheet(opened(page, tmp_path / "two")[0])
    assert plain.all == plain.seen == [*range(12)]
    assert sorted(found.all) == plain.all
    assert found.all != plain.all
    assert found.seen == found.all[: len(found.seen)]
    assert 0 < len(found.seen) < 12


def test_it_is_no_wider_than_a_phone(page, tmp_path):
    measured = tmp_path / "measured.html"
    free = sub(r"<meta http-equiv=[^>]*>", "", page.read_text())  # whose policy forbids to measure
    script = (
        f'<script>document.documentElement.style.width = "{PHONE}px";'
        'document.title = "wide " + document.body.scrollWidth;</script></body>'
    )
    measured.write_text(free.replace("</body>", script))
    width = search(r"<title>wide (\d+)", opened(measured, tmp_path / "profile")[0])
    assert width is not None
    assert int(width[1]) <= PHONE
