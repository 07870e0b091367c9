"""A shell completes commands, options and files; `--version` says what catpipe computes with."""

import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest

from catpipe.shell.cli.arguments import COMMANDS
from catpipe.shell.cli.main import main


def printed(capsys, *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as exited:
        main(arguments)
    out, err = capsys.readouterr()
    return int(exited.value.code or 0), out, err


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_a_script_completes_every_command(capsys, shell):
    pytest.importorskip("shtab")
    status, script, err = printed(capsys, "--print-completion", shell)
    assert (status, err) == (0, "")
    assert all(name in script for name in COMMANDS)
    assert shell == "tcsh" or "--learning-rate" in script


def test_bash_completes_commands_options_and_files(capsys, tmp_path):
    pytest.importorskip("shtab")
    if not (bash := shutil.which("bash")):
        pytest.skip("bash is not here")
    _, script, _ = printed(capsys, "--print-completion", "bash")
    (tmp_path / "cats.h5").touch()

    def completed(*words: str) -> list[str]:
        line = " ".join(f"'{word}'" for word in ("catpipe", *words))
        code = (
            f"{script}\nCOMP_WORDS=({line}); COMP_CWORD={len(words)}\n"
            f"_shtab_catpipe catpipe '{words[-1]}'; echo \"${{COMPREPLY[@]}}\""
        )
        run = subprocess.run([bash], input=code, capture_output=True, text=True, cwd=tmp_path,
                             check=False)  # fmt: skip
        return run.stdout.split()

    assert completed("tra") == ["train"]
    assert completed("train", "--learn") == ["--learning-rate"]
    assert completed("evaluate", "ca") == ["cats.h5"]
    assert completed("train", "--data", "ca") == ["cats.h5"]
    assert completed("train", "--recipe", "ar") == ["article"]


def test_without_shtab_one_line_names_the_extra(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert main(["--print-completion", "bash"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "pip install 'catpipe[completion]'" in err


def test_another_shell_is_refused_in_one_line(capsys):
    status, out, err = printed(capsys, "--print-completion", "fish")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "fish" in err


def test_the_version_names_what_catpipe_computes_with(capsys):
    status, out, err = printed(capsys, "--version")
    assert (status, err, out.count("\n")) == (0, "", 3)
    for name in ("catpipe ", f"NumPy {np.__version__}", f"h5py {h5py.__version__}", "BLAS "):
        assert name in out
