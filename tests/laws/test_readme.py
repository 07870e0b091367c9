"""The README is short, its examples print what it shows, and its commands and files exist."""

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest

from catpipe.shell.cli.arguments import parse
from catpipe.shell.report.figures import FORMATS
from tests.benchmarks import programs

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = (README, ROOT / "tests/benchmarks/README.md", ROOT / "catpipe/adapters/README.md")
TEXTS = {page: page.read_text() for page in PAGES}
EXAMPLES = {
    page: re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", text, re.DOTALL)
    for page, text in TEXTS.items()
}
COMMANDS = [
    command
    for text in TEXTS.values()
    for command in re.findall(
        r"^(?:time )?\.venv/bin/catpipe (.*?)(?: +#.*)?$|`(?:time )?catpipe (.*?)`",
        text,
        re.MULTILINE,
    )
]
MODULES = {module for text in TEXTS.values() for module in re.findall(r"-m (tests\.[\w.]+)", text)}
MOST_WORDS = 1000


def words(page: str) -> list[str]:
    """Return the words of a page outside its blocks of code."""
    return re.sub(r"^```.*?^```$", "", page, flags=re.DOTALL | re.MULTILINE).split()


def test_the_readme_is_short():
    assert 500 < len(words(TEXTS[README])) <= MOST_WORDS


def test_the_picture_is_one_that_catpipe_made_and_may_replace():
    assert FORMATS[".png"].mark in (ROOT / ".readme" / "run.png").read_bytes()


def test_words_in_blocks_of_code_are_not_counted():
    assert words("one\n\n```sh\ntwo `three`\n```\n\nfour `five`\n") == ["one", "four", "`five`"]


def test_the_readme_says_that_its_blocks_are_one_session():
    page = TEXTS[README]
    assert "one session" in page
    assert page.index("one session") < page.index("```python")


every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@every_page
def test_every_python_block_is_followed_by_what_it_prints(page):
    assert len(EXAMPLES[page]) == TEXTS[page].count("```python") > 0


@every_page
def test_the_examples_print_what_the_page_says(monkeypatch, tmp_path, page):
    (tmp_path / "data").symlink_to(ROOT / "data")
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {}
    for code, printed in EXAMPLES[page]:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(code, namespace)
        assert out.getvalue() == printed


@pytest.mark.parametrize("command", ["".join(alternatives) for alternatives in COMMANDS])
def test_a_command_on_the_pages_is_one_that_catpipe_takes(command):
    if "--help" not in command:
        assert parse(shlex.split(command))[0] == shlex.split(command)[0]


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_that_the_pages_run_exists(module):
    assert (ROOT / module.replace(".", "/")).with_suffix(".py").is_file()


@every_page
def test_pictures_and_files_on_the_pages_exist(page):
    links = [page.parent / path for path in re.findall(r"\]\(([^):]+)\)", TEXTS[page])]
    paths = [ROOT / path for path in re.findall(r"tests/[\w/]+\.py", TEXTS[page])]
    assert links + paths
    assert not [str(path) for path in links + paths if not path.exists()]


def test_every_benchmark_has_its_place_on_the_benchmarks_page():
    assert {module.rpartition(".")[-1] for module in MODULES} == programs()
