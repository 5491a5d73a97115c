"""Names, cards, logs, TOML and arguments of strangers cannot drive the terminal, on either stream."""

import contextlib
import json
import random
import re
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.content import Content
from textual.geometry import Region
from textual.widgets import Static

from distill_tui.cli.main import run as main
from distill_tui.cli.parser import build_parser
from distill_tui.cli.terminal_style import TerminalStyle
from distill_tui.paths import Home
from distill_tui.recipe import toml
from distill_tui.recipe.schema import Recipe
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder
from distill_tui.text import DRIVING, Gate, clean_name, escape_json, gated
from distill_tui.ui.app import DistillApp
from tests.cli.test_contract import commands
from tests.data.sounds import sine
from tests.data.sounds import write as write_sound
from tests.library.models import write as write_model
from tests.programs import Terminal
from tests.runs.support import write

EVIL = (
    "\x1b]0;owned\x07",
    "\x9b2J",
    "\x1b[2J",
    "\x1bcx",
    "a\x08\x08b",
    "\x7f",
    "\x9d0;owned\x9c",
    "\u202eabc",
    "c\rd",
    "\x0e",
)
COLOUR = re.compile(r"\x1b\[(?:[0-2]|3[1-3])m")


def make_home(home: Home, seed: int) -> dict[str, str]:
    """A home in which strangers wrote whatever can be written; the words that commands are tried with."""
    chosen = random.Random(seed)

    def evil() -> str:
        return "".join(chosen.sample(EVIL, 3))

    paths = {name: home.root / f"{name}-{evil()}" for name in ("run", "sounds", "recipe", "card", "codes")}
    run = RunFolder(home.runs / f"20260101-000000-{evil()}")
    run.path.mkdir(parents=True)
    toml.save(Recipe(name=evil()), run.recipe)
    run.worker_log.write_text(f"{evil()}\n")
    prepared = e.RunPrepared(
        device=evil(),
        precision=evil(),
        parameters=1,
        rate=8000,
        frame_rate=10.0,
        kbps=1.0,
        codebook_size=8,
        levels=1,
        training_files=1,
        validation_files=1,
        training_seconds=1.0,
        validation_seconds=1.0,
        steps_per_epoch=1,
        total_epochs=1,
        skipped=[(evil(), evil())],
    )
    write(
        run,
        e.Started(run=evil(), name=evil(), pid=1, program=evil(), host=evil()),
        prepared,
        e.Metrics(scope="epoch", step=1, epoch=1, values={f"loss/{evil()}": 1.0, evil(): 2.0, "loss/val": 1.0}),
        e.WarningRaised(code=evil(), text=evil(), advice=evil()),
        e.SettingChanged(key=evil(), old=1.0, new=2.0, step=1),
        e.PreviewMade(step=1, epoch=1, folder=evil(), pairs=[(evil(), evil(), 1.0)]),
        e.ModelSaved(id=evil(), name=evil(), path=evil(), step=1),
        e.StateChanged(state=evil(), detail=evil(), step=1),
    )
    model = f"m{evil()}"
    write_model(
        home.models / f"{model}.distill",
        run=evil(),
        program=evil(),
        losses={evil(): 1.0, "val": 1.0},
        notes=[evil()],
        recipe={"model": {"net": evil(), evil(): 1}, evil(): evil()},
        data={"files": 1, "seconds": 1.0, "paths": [evil()], "sounds": [[evil(), "00", "training"]]},
    )
    write_sound(paths["sounds"] / f"{evil()}.wav", sine(0.4, 8000), 8000)
    (paths["sounds"] / f"{evil()}.wav").write_bytes(b"no sound")
    (paths["sounds"] / f"notes.{evil()}").write_bytes(b"")
    paths["recipe"].write_text(f"{json.dumps(evil())} = 1\n[model]\nnet = {json.dumps(evil())}\n")
    home.settings.write_text(f"{json.dumps(evil())} = 1\ntheme = 1\n[defaults]\n{json.dumps(evil())} = 2\n")
    return {
        "RUN": run.id,
        "M": model,
        "NO": f"no{evil()}",
        "SOUNDS": str(paths["sounds"]),
        "RECIPE": str(paths["recipe"]),
        "NEW": str(home.root / f"new{evil()}"),
        "EVIL": evil(),
    }


TRIED = """
NO|--NO|--home|status NO NO|EVIL --help
runs|runs --json|runs list|runs NO|runs compare RUN RUN|runs compare RUN --json|runs compare NO|runs export NO
runs export RUN|runs export RUN --json|runs export RUN --out NEW/x|runs delete NO|runs delete RUN|runs delete RUN --NO
runs rename RUN EVIL|runs rename NO NO|runs note RUN EVIL|runs note RUN|runs tag RUN EVIL|runs tag RUN|runs trash
runs trash --json|runs restore NO|models note M EVIL|models note M|models tag M EVIL|models note NO EVIL|runs|models
status|status --json|status --line|status RUN|status NO|status ./NO|watch RUN|watch NO
pause RUN|pause NO|unpause RUN|stop RUN|stop NO|checkpoint RUN|preview RUN|pause RUN --timeout NO
tune RUN NO|tune RUN NO=1|tune RUN learning_rate=NO|tune RUN learning_rate=0.1|tune NO learning_rate=1
resume NO|export-tensorboard RUN NEW/tb|export-tensorboard RUN SOUNDS --json|export-tensorboard NO NEW
train NO|train SOUNDS --set NO=1|train SOUNDS --set NO|train SOUNDS --preset NO|train SOUNDS --recipe RECIPE
train SOUNDS --recipe NO|train SOUNDS --device NO|train SOUNDS --epochs NO|train SOUNDS --start-from M
train SOUNDS --start-from NO|train SOUNDS --set model.net=NO|demo --epochs NO|demo NO
explore --data NO|explore --data SOUNDS|map NO|map RUN|map M|map M --json
data SOUNDS|data SOUNDS --json|data NO|data SOUNDS --validation-share NO
models|models --json|models NO|models list|models show M|models show M --json|models show NO|models show ./NO.distill
models compare M M|models compare NO|models compare M --json|models evaluate NO SOUNDS|models evaluate M SOUNDS
models verify|models verify M --json|models verify NO|models export M NEW.distill|models export M SOUNDS/../NO/x
models export NO NEW|models import NO|models import RECIPE|models rename NO NO|models rename M EVIL|models delete M
models delete NO --yes|models delete EVIL --yes|models restore NO|models trash|models trash --json
reconstruct NO SOUNDS --out NEW|reconstruct M NO --out NEW|reconstruct M SOUNDS --out NEW|encode NO NO --out NEW
decode NO RECIPE --out NEW|decode M NO --out NEW|encode M SOUNDS --out NEW
train-prior NO|train-prior M|train-prior M SOUNDS|train-prior M NO|train SOUNDS --devices NO|generate --again NO
train SOUNDS --device cuda:0,NO|generate NO --out NEW|generate M --out NEW|generate M --out NEW --label NO
generate M --out NEW --like NO|generate --again SOUNDS|generate M --out NEW --method NO|generate M --out NEW --data NO
generate M --out NEW --top-p NO
report NO|report RUN --out NEW.html|report M --out NEW/x.html|prune NO|prune|prune --json|serve --port NO|serve NO
bench --device NO|completion runs|completion models|completion NO|completion bash|doctor NO
"""


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_no_command_lets_anything_drive_the_terminal(
    seed: int, home: Home, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    words = make_home(home, seed)
    tried = [line.split() for line in TRIED.replace("\n", "|").split("|") if line]
    known = {name for name, _ in commands(build_parser())}
    assert known <= {" ".join(line[:n]) for line in tried for n in (0, 1, 2)} | {"models restore"}
    for line in tried:
        arguments = [re.sub("|".join(words), lambda match: words[match[0]], part) for part in line]
        with contextlib.suppress(SystemExit):  # of --help
            main(arguments)
        for what in capfdbinary.readouterr():
            text = what.decode()
            assert not (found := DRIVING.search(text)), (arguments, found, text)


def test_json_says_the_same_with_the_characters_escaped(home: Home, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    words = make_home(home, 1)
    assert main(["runs", "--json"]) == 0
    (run,) = json.loads(capsysbinary.readouterr().out)
    assert run["id"] == words["RUN"]
    said = {"a\u202e": "\x7f\x80\x9f\u2069é\x1b"}
    assert json.loads(escape_json(json.dumps(said, ensure_ascii=False).encode())) == said


def test_a_run_whose_name_is_not_utf_8_can_be_listed(home: Home, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    run = RunFolder(home.runs / "20260101-000000-a\udcff")
    run.path.mkdir(parents=True)
    toml.save(Recipe(), run.recipe)
    for arguments in (["runs"], ["runs", "--json"], ["status"], ["status", "--json"], ["runs", "export", "a\udcff"]):
        assert main(arguments) in (0, 2)
        out, err = (stream.decode() for stream in capfdbinary.readouterr())
        assert "mistake" not in err and (out or err)


@pytest.mark.slow
@pytest.mark.terminal
def test_a_terminal_gets_our_colours_and_nothing_else(home: Home) -> None:
    words = make_home(home, 2)
    for arguments in (("status",), ("runs",), ("models", "show", words["M"]), ("data", words["SOUNDS"])):
        shown = Terminal(*arguments)
        assert shown.wait() == 0
        text = COLOUR.sub("", shown.text).replace("\r\n", "\n")
        assert not DRIVING.search(text), (arguments, text)
        assert arguments != ("status",) or "\x1b[33m" in shown.text


@pytest.mark.slow
@pytest.mark.terminal
def test_the_app_draws_nothing_that_drives_the_terminal(home: Home) -> None:
    words = make_home(home, 0)
    # in a state that there is
    write(RunFolder(home.runs / words["RUN"]), e.StateChanged(state="paused", detail="\x1b]0;owned\x07"))
    app = Terminal("watch", words["RUN"])
    app.read_until("epoch")
    app.type("3")
    app.read_until("kbps")
    app.type("q")
    app.wait()
    # what Textual itself sends has no title, no full reset and no single characters of C1
    assert not re.search(r"\x1b\]0|\x1bc|[\x80-\x9f\u202e]", app.text), app.text


async def test_what_a_widget_shows_as_it_came_is_made_harmless(home: Home) -> None:
    async with DistillApp(home).run_test(size=(120, 35)) as pilot:
        shown = Static(Content("".join(EVIL) + "\ud800|"))
        await pilot.app.screen.mount(shown, before=0)
        await pilot.pause()
        (line,) = shown.render_lines(Region(0, 0, shown.size.width, 1))
        assert line.text.rstrip() == "]0;owned2J[2Jcxab0;ownedabccd\N{REPLACEMENT CHARACTER}|"
        assert line.cell_length == cell_len(line.text) == shown.size.width


def test_a_gate_lets_text_through() -> None:
    class Kept(list[str]):
        def isatty(self) -> bool:
            return False

        write = list.append

    kept = Kept()
    assert Gate(kept).write("é\t日本 🥁\x1b[31m\n") == 12  # type: ignore[arg-type]
    assert kept == ["é\t日本 🥁\N{REPLACEMENT CHARACTER}[31m\n"]
    with gated():
        assert not TerminalStyle().colours


def test_names_lose_their_control_characters() -> None:
    assert clean_name("a\x9b2J\x85b\x1b]\x7f") == "a-2J-b-]"
