"""Pictures of a report in a browser, to be looked at: on a phone and wide, light, dark, printed.

    python -m tests.benchmarks.screens RUN [RUN ...] --out FOLDER [--data FOLDER] [--curves]

Writes the report of the runs and four PNG files, 390 and 1,280 pixels wide, by headless Chromium,
and what it prints: a PDF and, where poppler's pdftoppm is, a PNG of each of its pages.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from catpipe.shell.cli.main import main as catpipe
from tests.chromium import CHROMIUM, FLAGS

WIDTHS = {"phone": 390, "wide": 1280}
SCHEMES = {"dark": 0, "light": 1}  # as Blink numbers them
HEIGHT = 3600


def main() -> None:
    """Write the report, and take each picture of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", metavar="RUN")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data")
    parser.add_argument("--curves", action="store_true")
    options = parser.parse_args()
    browser = CHROMIUM or parser.error("there is no chromium; install it")
    options.out.mkdir(parents=True, exist_ok=True)
    page = options.out.resolve() / "report.html"
    more = [*(["--data", options.data] if options.data else []), *["--curves"] * options.curves]
    if status := catpipe(["report", *options.runs, *more, "--out", str(page)]):
        raise SystemExit(status)
    for size, width in WIDTHS.items():
        for scheme, number in SCHEMES.items():
            image = page.with_name(f"{size}-{scheme}.png")
            take(browser, page, image, width, number)
            print(image)
    print_page(browser, page, page.with_name("print.pdf"))


def take(browser: str, page: Path, image: Path, width: int, scheme: int) -> None:
    """Save the picture of a page of this width, in a frame, since windows are 500 wide at least."""
    with TemporaryDirectory() as folder:
        frame = Path(folder) / "frame.html"
        frame.write_text(
            f"<style>body {{ margin: 0 }} iframe {{ border: 0; width: {width}px; height: "
            f'{HEIGHT}px }}</style><iframe src="{page.as_uri()}"></iframe>'
        )
        subprocess.run(
            [browser, *FLAGS, "--hide-scrollbars", f"--user-data-dir={folder}/profile",
             f"--screenshot={image}", f"--blink-settings=preferredColorScheme={scheme}",
             f"--window-size={width},{HEIGHT}", frame.as_uri()],
            check=True, stderr=subprocess.DEVNULL, timeout=120,
        )  # fmt: skip


def print_page(browser: str, page: Path, pdf: Path) -> None:
    """Save what the browser prints of a page, and a picture of each sheet where that can be."""
    with TemporaryDirectory() as folder:
        subprocess.run(
            [browser, *FLAGS, f"--user-data-dir={folder}/profile", "--no-pdf-header-footer",
             f"--print-to-pdf={pdf}", page.as_uri()],
            check=True, stderr=subprocess.DEVNULL, timeout=120,
        )  # fmt: skip
    print(pdf)
    if drawer := shutil.which("pdftoppm"):
        subprocess.run([drawer, "-png", "-r", "60", pdf, pdf.with_suffix("")], check=True)


if __name__ == "__main__":
    main()
