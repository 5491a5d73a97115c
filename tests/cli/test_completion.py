"""`completion`: a real bash is asked what it would complete."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from distill_tui.cli.main import run as main
from distill_tui.cli.parser import build_parser
from distill_tui.paths import Home
from tests.cli.test_contract import commands
from tests.conftest import Trained
from tests.programs import PATIENCE, Terminal

ASK = """
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE} COMPREPLY=()
_shtab_distill_tui
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def script(capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["completion", "bash"]) == 0
    return capsys.readouterr().out


def shell_path() -> str:
    """A PATH on which a shell finds `distill-tui`."""
    return f"{Path(sys.executable).parent}:{os.environ['PATH']}"


def completed(script: str, place: Path, home: Path, *words: str) -> set[str]:
    """What bash offers for the last of these words."""
    done = subprocess.run(
        ["bash", "--norc", "-c", script + ASK, "bash", "distill-tui", *words],
        capture_output=True,
        text=True,
        cwd=place,
        env={**os.environ, "PATH": shell_path(), "DISTILL_TUI_HOME": str(home)},
        check=True,
        timeout=PATIENCE,
    )
    return set(done.stdout.split("\n")) - {""}


def test_bash_completes_commands_flags_files_runs_and_models(script: str, trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "sounds").mkdir()

    def offered(*words: str) -> set[str]:
        return completed(script, tmp_path, trained.home.root, *words)

    assert offered("st") == {"status", "stop"}
    assert "compare" in offered("runs", "")
    assert {"--codebook-size", "--commitment-weight"} <= offered("train", "--co")
    assert offered("train", "--preset", "") == {"conservative", "balanced", "aggressive", "faithful"}
    assert offered("train", "so") == {"sounds"}
    (model,) = (entry for entry in offered("models", "show", "") if entry != "sounds")
    assert len(model) > 8
    # a run whose name has spaces cannot be offered; nothing of it is
    assert offered("status", "") == set()


@pytest.mark.parametrize(("shell", "first"), [("zsh", "#compdef distill-tui"), ("fish", "# AUTOMATICALLY")])
def test_the_other_shells_get_a_script_with_every_command_and_flag(
    shell: str, first: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert script.startswith(first)
    for name, words in commands(build_parser()):
        assert all(word in script for word in name.split()), name
        for flag in (word[2:] for word in words if word.startswith("--")):
            # zsh has --flag, fish has -l flag
            assert re.search(rf"(--|-l ['\"]?){re.escape(flag)}\b", script), (name, flag)
    assert "(distill-tui completion runs 2>/dev/null)" in script
    assert "conservative balanced aggressive faithful" in script
    if shutil.which(shell):
        (tmp_path / "script").write_text(script)
        subprocess.run([shell, "-n", str(tmp_path / "script")], check=True, timeout=PATIENCE)
    if shell == "fish":
        lines = [line for line in script.splitlines() if line.startswith("complete ")]
        assert len(lines) > 100
        assert all(shlex.split(line)[:3] == ["complete", "-c", "distill-tui"] for line in lines)


def test_an_unknown_shell_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "cmd.exe"]) == 2
    assert "zsh" in capsys.readouterr().err


HOSTILE = ("$(touch${IFS}ran)", "`touch${IFS}ran`", "a;touch${IFS}ran", "x$(>ran)", "~root", "-rf", "=ls", "{a,b}", "*")


@pytest.fixture
def strangers(home: Home) -> Home:
    """A home with one good name among hostile ones, of runs and of models."""
    home.models.mkdir(parents=True)
    for name in ("good-1", *HOSTILE):
        (home.models / f"{name}.distill").write_text("")
        (home.runs / name).mkdir(parents=True)
        (home.runs / name / "recipe.toml").write_text("")
    return home


@pytest.mark.slow
def test_bash_runs_no_name(script: str, strangers: Home, tmp_path: Path) -> None:
    for words in (("models", "show"), ("reconstruct",), ("status",), ("train", "--start-from")):
        assert completed(script, tmp_path, strangers.root, *words, "") == {"good-1"}, words
        assert completed(script, tmp_path, strangers.root, *words, "$") == set()
    assert not (tmp_path / "ran").exists()


@pytest.mark.terminal
def test_bash_quotes_a_file_that_it_completes(script: str, home: Home, tmp_path: Path) -> None:
    """In a terminal: the tab key, then enter."""
    (tmp_path / "script").write_text(script)
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / "$(touch ran).wav").write_bytes(b"")
    program = ("bash", "--norc", "--noprofile")
    shell = Terminal(program=program, PATH=shell_path(), PS1="ready> ", DISTILL_TUI_HOME=str(home.root))
    shell.type(f"cd '{tmp_path}/place'; . ../script; echo lo''aded\n")
    shell.read_until("loaded")
    shell.type("distill-tui data \t")
    shell.read_until(".wav")
    shell.type("\nexit\n")
    shell.wait()
    assert "ran).wav" in shell.text
    assert [path.name for path in (tmp_path / "place").iterdir()] == ["$(touch ran).wav"]


@pytest.mark.skipif(not shutil.which("fish"), reason="no fish here")
def test_fish_runs_no_name(strangers: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "fish"]) == 0
    (tmp_path / "script").write_text(capsys.readouterr().out)
    asked = f"source '{tmp_path}/script'; complete -C 'distill-tui models show '; complete -C 'distill-tui status '"
    done = subprocess.run(
        ["fish", "--no-config", "-c", asked],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PATH": shell_path()},
        timeout=60,
        check=True,
    )
    offered = {line.split("\t")[0] for line in done.stdout.splitlines()}
    assert "good-1" in offered and not offered & set(HOSTILE)
    assert not (tmp_path / "ran").exists()


@pytest.mark.slow
@pytest.mark.terminal
@pytest.mark.skipif(not shutil.which("zsh"), reason="no zsh here")
def test_zsh_runs_no_name(strangers: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In a terminal: zsh asks for completions only where it edits a line."""
    assert main(["completion", "zsh"]) == 0
    (tmp_path / "_distill-tui").write_text(capsys.readouterr().out)
    shell = Terminal(program=("zsh", "-f", "-i"), PATH=shell_path(), PS1="ready> ")
    shell.type(f"cd '{tmp_path}'; fpath=('{tmp_path}' $fpath); autoload -Uz compinit; compinit -u -D; echo lo''aded\n")
    shell.read_until("loaded")
    for words in ("models show", "status"):
        shell.text = ""
        shell.type(f"distill-tui {words} \t")
        # the only one that is left is typed for the person
        shell.read_until("good-1")
        shell.type("\x15")
    shell.type("exit\n")
    shell.wait()
    assert not (tmp_path / "ran").exists()
