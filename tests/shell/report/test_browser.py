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
from catpipe.shell.report.html import folded
from catpipe.shell.report.page import run_page
from catpipe.shell.report.subject import Subject, with_data
from catpipe.shell.runs.run_file import Run
from tests.chromium import CHROMIUM, FLAGS
from tests.patience import FOREVER

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")

PHONE, NARROWEST = 390, 500  # pixels; a window cannot be as narrow as a phone
LONG = "a class with a name that is long, and long, and longer still than a phone is wide"


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    images = np.random.default_rng(1).integers(0, 256, (12, 4, 5, 3)).astype(np.uint8)
    examples, classes = Examples(images, np.arange(12) % 2), ("dog", LONG)
    run = Run(fit(Experiment(seed=1, hidden=(2,), iterations=2), examples), classes)
    of = with_data(Subject("run.h5", run, "words " * 50), DataSet(examples, examples, classes))
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(run_page(of))
    return path


def opened(path: Path, folder: Path, fragment: str = "", window: int = 800) -> tuple[str, str]:
    """Return the page as it is after its scripts, by night, and what the browser says of it."""
    done = subprocess.run(
        [str(CHROMIUM), *FLAGS, "--enable-logging=stderr", "--dump-dom",
         "--blink-settings=preferredColorScheme=0", f"--window-size={window},900",
         f"--user-data-dir={folder}", f"{path.as_uri()}{fragment}"],
        capture_output=True, text=True, timeout=FOREVER, check=True,
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


def measured(page: Path, folder: Path, script: str, width: int) -> list[float]:
    """Return the numbers that a script gives, run in the page in a window of this width."""
    free = sub(r"<meta http-equiv=[^>]*>", "", page.read_text())  # whose policy forbids to measure
    path = folder / "measured.html"
    run = f'<script>document.title = "found " + [{script}].join(" ");</script></body>'
    path.write_text(free.replace("</body>", run))
    found = search(r"<title>found (.*?)</title>", opened(path, folder, window=width)[0])
    assert found is not None
    return [float(number) for number in found[1].split()]


def test_on_a_phone_it_is_as_wide_and_the_text_of_charts_can_be_read(page, tmp_path):
    script = f"""(document.documentElement.style.width = "{PHONE}px",
        document.body.scrollWidth), ...[...document.querySelectorAll("svg text")].map(text =>
        parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a)"""
    width, *sizes = measured(page, tmp_path, script, NARROWEST)
    assert width <= PHONE
    assert sizes
    assert min(sizes) >= 12


def test_on_paper_it_is_light_without_controls_and_with_all_that_is_folded(page, tmp_path):
    printed = tmp_path / "printed.html"
    as_paper = page.read_text().replace("@media print", "@media all")
    as_paper = as_paper.replace("@media screen", "@media not all")
    printed.write_text(as_paper.replace("</main>", f"{folded('More', 'text ' * 500)}</main>"))
    script = """document.querySelector(".controls").offsetHeight,
        document.querySelector("details").offsetHeight,
        ...getComputedStyle(document.body).backgroundColor.match(/\\d+/g),
        ...getComputedStyle(document.body).color.match(/\\d+/g)"""
    controls, more, *colours = measured(printed, tmp_path, script, 800)
    assert controls == 0
    assert more > 100
    assert colours[:3] == [255, 255, 255]
    assert max(colours[3:6]) < 64
