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
from tests.cli.test_contract import commands
from tests.conftest import Trained
from tests.programs import PATIENCE

ASK = """
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE} COMPREPLY=()
_shtab_distill_tui
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def script(capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["completion", "bash"]) == 0
    return capsys.readouterr().out


def completed(script: str, place: Path, home: Path, *words: str) -> set[str]:
    """What bash offers for the last of these words."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--norc", "-c", script + ASK, "bash", "distill-tui", *words],
        capture_output=True,
        text=True,
        cwd=place,
        env={**os.environ, "PATH": path, "DISTILL_TUI_HOME": str(home)},
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
    assert offered("train", "--preset", "") == {"conservative", "balanced", "aggressive"}
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
    assert "conservative balanced aggressive" in script
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
