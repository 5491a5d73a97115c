"""The `models` commands, as a person or a script uses them."""

import contextlib
import json
import os
import pty
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from distill_tui.cli.main import run
from distill_tui.library.container import read_card
from distill_tui.library.store import Library
from distill_tui.paths import Home
from distill_tui.reporting.formatting import local_day
from distill_tui.reporting.lines import Line
from distill_tui.reporting.model_report import model_report
from tests.library.models import card, tensors, write
from tests.programs import PATIENCE


class Said(NamedTuple):
    code: int
    out: str
    err: str


Command = Callable[..., Said]


@pytest.fixture
def models(home: Home, capfd: pytest.CaptureFixture[str]) -> Command:
    """Run `models ...`."""

    def command(*arguments: str) -> Said:
        capfd.readouterr()
        code = run(["models", *arguments])
        return Said(code, *capfd.readouterr())

    return command


@pytest.fixture
def birds(home: Home) -> str:
    """A model called birds; its id."""
    return Library(home).save(tensors(), card(name="birds"))[0].id


def damage(path: Path) -> None:
    """Change the last byte of the weights."""
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_an_empty_library_says_what_to_do_next(models: Command) -> None:
    for arguments in ((), ("list",)):
        said = models(*arguments)
        assert (said.code, said.out) == (0, "")
        assert "distill-tui train" in said.err
    assert models("list", "--json") == Said(0, "[]\n", "")


@pytest.mark.parametrize("arguments", [("list", "--json"), ("--json",), ("--json", "list")])
def test_the_list_as_json(models: Command, birds: str, home: Home, arguments: tuple[str, ...]) -> None:
    said = models(*arguments)
    (model,) = json.loads(said.out)
    assert said.code == 0 and said.err == ""
    full = Library(home).verify("birds")
    assert model["id"] == birds and model["name"] == "birds"
    assert model["path"] == str(home.models / "birds.distill")
    assert model["created"] == "2026-01-02T03:04:05.678Z"
    assert model["weights_sha256"] == full.weights_sha256
    assert model["recipe"] == full.recipe and model["health"] == full.health
    assert model["losses"] == {"train": 0.5, "val": 0.625, "recon": None}
    assert model["error"] is None


def test_the_list_as_a_table(models: Command, birds: str) -> None:
    said = models()
    head, row = said.out.splitlines()
    assert head.split()[:3] == ["NAME", "ID", "CREATED"] and "PROBLEM" not in head
    facts = [
        *local_day("2026-01-02T03:04:05.678Z").split(),
        "40",
        "0.84",
        "kbps",
        "-",
        "0.6250",
        "20260102-030405-birds",
    ]
    assert row.split() == ["birds", birds, *facts]


def test_a_damaged_file_is_in_the_list_with_what_is_wrong(models: Command, birds: str, home: Home) -> None:
    (home.models / "b\x1bad.distill").write_text("junk")
    said = models()
    assert said.code == 0 and "is damaged or cut off" in said.out and "\x1b" not in said.out
    found = {m["name"]: m for m in json.loads(models("--json").out)}
    assert found["birds"].keys() == found["b\x1bad"].keys()
    assert found["b\x1bad"]["id"] is None and "is damaged or cut off" in found["b\x1bad"]["error"]


def test_show_prints_a_readable_card(models: Command, birds: str, home: Home) -> None:
    path = home.models / "birds.distill"
    said = models_report(path)
    assert models("show", "birds").out.splitlines() == [line.text for line in said]
    told = {line.id: line.text.split(None, 1)[-1].strip() for line in said if line.id}
    for id, words in {
        "id": birds,
        "run": "20260102-030405-birds",
        "data": "2 sounds, 30 s",
        "trained": "4 epochs, 100 steps in 12 s",
        "rate": "24 kHz, 46.9 latent frames a second",
        "codebooks": "3 levels of 64 (auto) codes",
        "losses": "train 0.5000, val 0.6250, recon -",
        "file": str(path),
        "model.rvq_levels": "3",
    }.items():
        assert told[id] == words
    assert ["1", "90", "%", "0.7000", "0", "-", "-"] in [line.text.split() for line in said]
    assert said[-1].text == "made by a test"


def models_report(path: Path) -> list[Line]:
    return model_report(read_card(path), path, path.stat().st_size)


def test_show_says_when_the_codebook_size_was_chosen_by_hand(models: Command, home: Home) -> None:
    Library(home).save(tensors(), card(name="a", recipe={"model": {"codebook_size": 128, "rvq_levels": 2}}))
    assert "2 levels of 128 (override) codes" in models("show", "a").out
    Library(home).save(tensors(), card(name="odd", run="", recipe={"model": 3, "automatic": None}, data={}))
    # parts of another shape than anybody can show
    assert models("show", "odd").code == 2
    assert "its card is damaged" in models("list").out


def test_show_and_compare_name_the_window_of_the_levels_and_judge_what_can_be_judged(
    models: Command, home: Home
) -> None:
    level = {"utilization": 1.0, "perplexity": 60.0, "dead": 0.0, "churn": 0.0}
    recipe = {"model": {"codebook_size": 64, "rvq_levels": 2}}
    window = "over the last 100 steps of training"
    Library(home).save(tensors(), card(name="old", run="", recipe=recipe, health=[{"level": 0, **level}]))
    new = card(name="new", run="", recipe=recipe, health=[{"level": 0, **level, "frames": 192.0}], health_window=window)
    Library(home).save(tensors(), new)
    old_lines, new_lines = (models("show", name).out.splitlines() for name in ("old", "new"))
    assert any(line.startswith("codebooks on the held-out sound") for line in old_lines)
    assert "good" not in "".join(old_lines)
    assert f"codebooks {window}" in new_lines
    assert any(line.split() == ["1", "100", "%", "60.00", "0", "0", "%", "good"] for line in new_lines)
    told = models("compare", "old", "new").out
    assert "level 1 utilization" in told
    (verdicts,) = (line for line in told.splitlines() if line.startswith("level 1 verdict"))
    assert verdicts.split()[-2:] == ["-", "good"]
    assert "on the held-out sound" in told


def test_show_as_json_is_the_whole_card(models: Command, birds: str, home: Home) -> None:
    shown: dict[str, Any] = json.loads(models("show", birds[:6], "--json").out)
    assert shown["history"]["loss/train"]["steps"] == list(range(10))
    listed = json.loads(models("--json").out)[0]
    listed.pop("error")
    assert listed.pop("data").items() <= shown["data"].items()
    assert listed.items() <= shown.items()


def test_show_takes_a_path_and_a_home(models: Command, tmp_path: Path, home: Home) -> None:
    write(tmp_path / "gift.distill")
    assert models("show", str(tmp_path / "gift.distill")).out.startswith("gift\n")
    other = Home(tmp_path / "other")
    Library(other).save(tensors(), card(name="elsewhere"))
    assert "elsewhere" in models("list", "--home", str(other.root)).out
    assert models("show", "elsewhere").code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "nobody"),
        ("rename", "nobody", "x"),
        ("delete", "nobody", "--yes"),
        ("restore", "nobody"),
        ("export", "nobody", "x.distill"),
        ("import", "nothing-here.distill"),
        ("verify", "nobody"),
        ("rename", "birds"),
        ("show",),
        ("lost",),
        ("list", "--jso"),
    ],
    ids=" ".join,
)
def test_a_wrong_request_is_exit_code_two_and_one_or_two_lines(
    models: Command, birds: str, arguments: tuple[str, ...]
) -> None:
    said = models(*arguments)
    assert said.code == 2 and said.out == ""
    assert said.err.startswith("distill-tui: ") and len(said.err.splitlines()) <= 2
    assert models("verify").code == 0


def test_show_of_what_is_no_model_is_exit_code_two(models: Command, tmp_path: Path) -> None:
    (tmp_path / "x.distill").write_bytes(b"PK\x03\x04" + b"\0" * 100)
    said = models("show", str(tmp_path / "x.distill"))
    assert said.code == 2 and "a PyTorch pickle or zip, not a .distill file" in said.err


def test_rename_says_the_name_that_it_got(models: Command, birds: str, home: Home) -> None:
    assert "'birds' is now called 'a-b'" in models("rename", "birds", "a/b").err
    Library(home).save(tensors(), card(name="taken", run=""))
    assert json.loads(models("rename", birds, "taken", "--json").out)["name"] == "taken-2"


def test_delete_without_a_terminal_needs_yes(models: Command, birds: str, home: Home) -> None:
    said = models("delete", "birds")
    assert said.code == 2 and "--yes" in said.err
    assert Library(home).find("birds").id == birds
    said = models("delete", "birds", "--yes")
    assert said.code == 0 and "models restore birds" in said.err
    assert models("--json").out == "[]\n"
    assert json.loads(models("trash", "--json").out)[0]["id"] == birds
    assert birds in models("trash").out
    assert models("restore", "birds").code == 0
    assert Library(home).find("birds").id == birds


def test_the_trash_is_emptied_on_request(models: Command, birds: str) -> None:
    models("delete", "birds", "--yes")
    assert models("trash", "--empty").err == "Deleted for good: 1 model.\n"
    assert models("restore", "birds").code == 2
    assert "empty" in models("trash").err
    assert json.loads(models("trash", "--empty", "--json").out) == {"deleted": 0}


@pytest.mark.terminal
@pytest.mark.parametrize(("answer", "code"), [("n\n", 1), ("\n", 1), ("\x04", 1), ("y\n", 0), ("Yes\n", 0)])
def test_delete_on_a_terminal_asks(birds: str, home: Home, answer: str, code: int) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "distill_tui", "models", "delete", "birds"], stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    said = b""
    while b"[y/N]" not in said and select.select([ours], [], [], 30)[0]:
        said += os.read(ours, 1000)
    os.write(ours, answer.encode())
    with contextlib.suppress(OSError):  # Linux says EIO when the other end has gone
        while select.select([ours], [], [], 30)[0] and (more := os.read(ours, 1000)):
            said += more
    os.close(ours)
    assert process.wait(PATIENCE) == code
    assert b"Move 'birds' to the trash? [y/N]" in said
    assert [e.name for e in Library(home).list()] == (["birds"] if code else [])


def test_export_and_import(models: Command, birds: str, tmp_path: Path) -> None:
    gift = tmp_path / "gift.distill"
    assert str(gift) in models("export", "birds", str(gift)).out
    assert models("export", "birds", str(gift)).code == 2
    models("delete", "birds", "--yes")
    assert json.loads(models("import", str(gift), "--json").out)["id"] == birds
    said = models("import", str(gift))
    assert said.code == 0 and "'gift-2'" in said.err and birds not in said.err


def test_verify_tells_each_model_and_fails_if_one_is_damaged(models: Command, birds: str, home: Home) -> None:
    Library(home).save(tensors(), card(name="worse", run=""))
    assert sorted(models("verify").out.splitlines()) == ["birds: ok", "worse: ok"]
    damage(home.models / "worse.distill")
    said = models("verify")
    assert said.code == 1 and "birds: ok" in said.out and "weights are damaged" in said.out
    assert models("verify", "birds") == Said(0, "birds: ok\n", "")
    assert models("verify", "worse").code == 1
    assert {m["name"]: m["ok"] for m in json.loads(models("verify", "--json").out)} == {"birds": True, "worse": False}


def test_the_commands_that_look_load_neither_torch_nor_numpy(birds: str, home: Home) -> None:
    script = (
        "import sys; from distill_tui.cli.main import run;"
        "codes = [run(['models', *a]) for a in ([], ['show', 'birds'], ['verify'], ['--json'])];"
        "sys.exit(str({'torch', 'numpy', 'textual', 'safetensors'} & set(sys.modules) or codes))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stderr == "[0, 0, 0, 0]\n"


def test_what_was_made_goes_to_standard_output(models: Command, birds: str, tmp_path: Path) -> None:
    assert models("rename", "birds", "gulls").out == "gulls\n"
    file = tmp_path / "gift.distill"
    assert models("export", "gulls", str(file)).out == f"{file}\n"
    told = models("import", str(file))
    assert told.out == "gift\n"
    assert "The same weights were there already: gulls" in told.err
    document = json.loads(models("import", str(file), "--name", "present", "--json").out)
    assert (document["name"], sorted(document["same_weights"])) == ("present", ["gift", "gulls"])
