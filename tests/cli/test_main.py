"""The command line as a whole: which commands there are, and what finding one costs."""

import argparse
import json
import subprocess
import sys

import platformdirs
import pytest

from distill_tui.cli.main import run as main
from distill_tui.cli.parser import GROUPS, build_parser, parse
from distill_tui.cli.quick import line_options
from distill_tui.paths import Home, find_home
from distill_tui.recipe.fields import fields
from tests.conftest import Trained
from tests.programs import PATIENCE


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
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=PATIENCE)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("arguments", [[], ["--home", "place"]])
def test_the_app_without_more_words_needs_no_parser(arguments: list[str]) -> None:
    script = "import sys; from distill_tui.cli.main import run; print(run(sys.argv[1:]), 'argparse' in sys.modules)"
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=PATIENCE
    )
    assert (done.stdout, "needs a terminal" in done.stderr) == ("2 False\n", True)


def test_a_home_that_is_not_named_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home"]) == 2
    assert "--home" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["trian", "x"], ["unknown command 'trian' (did you mean 'train'?)", "distill-tui --help"]),
        (["models", "shwo", "x"], ["'shwo' (did you mean 'show'?)", "distill-tui models --help"]),
        (["completion", "bsh"], ["'bsh' (did you mean 'bash'?)"]),
        (["train", "x", "--epoch", "3"], ["--epoch 3 (did you mean '--epochs'?)", "See: distill-tui train --help"]),
        (["train", "x", "--preset", "agressive"], ["--preset: ", "(did you mean 'aggressive'?)"]),
        (["train", "x", "--device", "cudda"], ["--device: ", "(did you mean 'cuda'?)"]),
        (["train", "x", "--set", "foo=3"], ["unknown key 'foo'", "distill-tui train --keys"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_slip_of_the_finger_is_told_what_was_probably_meant(
    home: Home, arguments: list[str], parts: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    told = capsys.readouterr().err
    assert all(part in told for part in parts), told


def test_the_keys_of_a_recipe_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--keys"])
    told = capsys.readouterr().out
    assert all(key in told for key in fields() if key not in ("version", "automatic", "reasons"))


def test_a_device_that_is_not_there_is_told_by_its_flag(
    trained: Trained, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(trained.sounds), "--device", "cuda:63"]) == 2
    assert capsys.readouterr().err.startswith("distill-tui: --device: cuda:63 is not there")
    assert main(["train", str(trained.sounds), "--set", "train.device=cuda:63"]) == 2
    assert capsys.readouterr().err.startswith("distill-tui: train.device: cuda:63 is not there")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["status", "nobody", "--json"], 2),
        (["models", "show", "nobody", "--json"], 2),
        (["trian", "--json"], 2),
        (["runs", "--json", "--al"], 2),
        (["train", "/nowhere", "--json"], 2),
        (["models", "import", "/dev/null", "--json"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_error_where_json_is_wanted_is_one_document_and_words_for_people(
    home: Home, arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == code
    told = capsys.readouterr()
    document = json.loads(told.out)
    assert document.keys() == {"error", "hint", "exit_code"}
    assert document["exit_code"] == code
    assert told.err == f"distill-tui: {document['error']}\n{document['hint']}".rstrip("\n") + "\n"


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (["status", "--line"], (None, None)),
        (["status", "--line", "drums"], (None, "drums")),
        (["--home", "h", "status", "drums", "--line"], ("h", "drums")),
        (["status", "--line", "--home", "h"], ("h", None)),
    ],
    ids=lambda value: " ".join(map(str, value)),
)
def test_a_plain_status_line_is_read_as_the_parser_reads_it(
    arguments: list[str], options: tuple[str | None, str | None]
) -> None:
    quick, parsed = line_options(arguments), parse(arguments)
    assert quick is not None
    assert (quick.home, quick.name, quick.line) == (*options, True)
    assert (parsed.home, parsed.name, parsed.line) == (*options, True)


@pytest.mark.parametrize(
    "arguments",
    [["status"], ["status", "--line", "--json"], ["status", "--line", "a", "b"], ["status", "--line", "--home"],
     ["status", "--line", "--help"], ["--home", "--line", "status"], ["runs", "--line"]],
    ids=" ".join,
)  # fmt: skip
def test_whatever_else_is_left_to_the_parser(arguments: list[str]) -> None:
    assert line_options(arguments) is None


@pytest.mark.parametrize("given", [None, "", "/elsewhere/data"])
def test_the_usual_home_is_where_the_platform_says(monkeypatch: pytest.MonkeyPatch, given: str | None) -> None:
    monkeypatch.delenv("DISTILL_TUI_HOME", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    if given is not None:
        monkeypatch.setenv("XDG_DATA_HOME", given)
    assert find_home().root == platformdirs.user_data_path("distill-tui", appauthor=False)
