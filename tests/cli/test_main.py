"""The command line as a whole: which commands there are, and what finding one costs."""

import argparse
import subprocess
import sys

import pytest

from distill_tui.cli.main import run as main
from distill_tui.cli.parser import GROUPS, build_parser


def commands(parser: argparse.ArgumentParser) -> list[str]:
    (found,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return list(found.choices)


def test_each_module_brings_the_commands_that_are_listed_for_it() -> None:
    for names in GROUPS.values():
        assert commands(build_parser(names[0])) == list(names)
    assert commands(build_parser()) == [name for names in GROUPS.values() for name in names]


@pytest.mark.parametrize(
    "arguments", [["--home", "status", "runs"], ["--home=status", "runs"], ["runs", "--home", "status"]]
)
def test_a_home_called_like_a_command_is_a_home(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*arguments, "--json"]) == 0
    assert capsys.readouterr().out == "[]\n"


def test_an_unknown_command_is_told_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trian"]) == 2
    told = capsys.readouterr().err
    assert "trian" in told
    assert all(name in told for names in GROUPS.values() for name in names)


def test_help_of_any_command_imports_nothing_heavy() -> None:
    script = (
        "import contextlib, io, sys\n"
        "from distill_tui.cli.main import run\n"
        "from distill_tui.cli.parser import GROUPS\n"
        "for name in [None, *(n for names in GROUPS.values() for n in names)]:\n"
        "    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "        run([*filter(None, [name]), '--help'])\n"
        "heavy = {'torch', 'numpy', 'textual', 'rich', 'soundfile', 'soxr', 'platformdirs', 'shtab', 'asyncio'}\n"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("arguments", [[], ["--home", "place"]])
def test_the_app_without_more_words_needs_no_parser(arguments: list[str]) -> None:
    script = "import sys; from distill_tui.cli.main import run; print(run(sys.argv[1:]), 'argparse' in sys.modules)"
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout, "needs a terminal" in done.stderr) == ("2 False\n", True)


def test_a_home_that_is_not_named_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home"]) == 2
    assert "--home" in capsys.readouterr().err
