"""The README's examples print what the page says, and its commands are the ones that exist."""

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest

from catpipe.shell.cli.arguments import parse

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "README.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = re.findall(r"^\.venv/bin/catpipe (.*?)(?: +#.*)?$", PAGE, re.MULTILINE)


def test_every_python_block_is_followed_by_what_it_prints():
    assert len(EXAMPLES) == PAGE.count("```python") > 0


def test_the_examples_print_what_the_page_says(monkeypatch, tmp_path):
    (tmp_path / "data").symlink_to(ROOT / "data")
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {}
    for code, printed in EXAMPLES:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(code, namespace)
        assert out.getvalue() == printed


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_on_the_page_is_one_that_catpipe_takes(command):
    if "--help" not in command:
        assert parse(shlex.split(command))[0] == shlex.split(command)[0]


def test_pictures_and_files_on_the_page_exist():
    paths = re.findall(r"\]\(([^):]+)\)|(tests/[\w/]+\.py)", PAGE)
    assert paths
    assert not [path for pair in paths for path in pair if path and not (ROOT / path).exists()]
