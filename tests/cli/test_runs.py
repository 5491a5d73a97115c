"""`runs`, `status` and `watch`, on a run that was trained and on logs that were written here."""

import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from distill_tui.cli.display import LineDisplay
from distill_tui.cli.main import run as main
from distill_tui.cli.terminal_style import TerminalStyle
from distill_tui.library.container import read_card
from distill_tui.paths import Home
from distill_tui.recipe import toml
from distill_tui.recipe.schema import Recipe
from distill_tui.reporting.run_line import status_line
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder, make_run_folder
from distill_tui.runs.log import LogWriter
from distill_tui.runs.state import RunState
from tests.conftest import Trained


@pytest.fixture
def copied(trained: Trained, home: Home) -> Home:
    """The home of the trained run, to be changed."""
    shutil.copytree(trained.home.root, home.root)
    return home


def written(home: Home, name: str, *events: e.Event) -> RunFolder:
    """A run without a worker, whose log says this."""
    run = make_run_folder(home, name)
    toml.save(Recipe(name=name), run.recipe)
    log = LogWriter(run.events)
    for event in events:
        log.write(event)
    log.close()
    return run


def began(name: str) -> tuple[e.Event, ...]:
    return (
        e.Started(run=name, name=name, pid=1, program="0"),
        e.StateChanged(state="running"),
        e.Metrics(scope="step", step=7, epoch=2, values={"loss/train": 0.5, "loss/val": None}, progress=0.25),
    )


def test_the_list_has_all_runs_the_newest_first(copied: Home, capsys: pytest.CaptureFixture[str]) -> None:
    crashed = written(copied, "crashed", *began("crashed"))
    assert main(["runs"]) == 0
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split()[:3] == ["ID", "STATE", "EPOCH"]
    assert first.startswith(crashed.id)
    assert " crashed " in first
    assert " finished " in second
    assert " 3/3 " in second
    assert main(["runs", "--json"]) == 0
    documents = json.loads(capsys.readouterr().out)
    assert [document["state"] for document in documents] == ["crashed", "finished"]
    wanted = {
        "id",
        "name",
        "state",
        "pid",
        "epoch",
        "total_epochs",
        "step",
        "losses",
        "eta_seconds",
        "warnings",
        "model",
    }
    assert all(wanted <= document.keys() for document in documents)
    assert documents[0]["losses"] == {"train": 0.5, "val": None}
    assert documents[1]["model"]["name"] == "tones [a] b"
    assert main(["runs", "list", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 2


def test_no_runs_is_nothing_wrong(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs"]) == 0
    assert "No runs yet" in capsys.readouterr().err
    assert main(["runs", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(["status", "--line"]) == 0
    assert capsys.readouterr().out == "no runs\n"
    assert main(["status"]) == 2
    assert main(["watch"]) == 2
    assert not home.root.exists()


def test_status_tells_all_of_a_run(trained: Trained, capsys: pytest.CaptureFixture[str]) -> None:
    home = ["--home", str(trained.home.root)]
    assert main([*home, "status", "tones [a] b"]) == 0
    told = capsys.readouterr().out
    for part in ("finished", "epoch 3/3, step 9", "losses     train", "utilization", "warnings", str(trained.model)):
        assert part in told
    assert main(["status", *home, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    # the epoch whose weights the model has, by the same word wherever it is told
    best = read_card(trained.model).epoch
    assert document["best"]["epoch"] == best
    assert f"best       epoch {best}: held-out distance" in told
    assert document["losses"]["val"] > 0
    assert len(document["health"]) == 2
    assert document["path"] == str(trained.run.path)


def test_a_stop_is_told_once_and_then_what_is_done_for_its_model(capsys: pytest.CaptureFixture[str]) -> None:
    state, lines = RunState(), LineDisplay(TerminalStyle())
    for event in (
        e.StateChanged(state="stopping", step=34),
        e.StateChanged(state="stopping", step=34, detail="saving the model"),
    ):
        state.apply(event)
        lines.event(event, state)
    assert capsys.readouterr().out == "stopping at step 34\nstep 34: saving the model\n"


def test_status_of_a_crash_shows_the_end_of_the_workers_log(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    run = written(home, "gone", *began("gone"))
    run.worker_log.write_text("out of\x1b[31m luck\n")
    assert main(["status"]) == 0
    told = capsys.readouterr().out
    assert "crashed" in told
    assert "out of\N{REPLACEMENT CHARACTER}[31m luck" in told
    assert f"distill-tui resume {run.id}" in told


def test_a_line_for_tmux_is_short_whatever_the_name() -> None:
    state = RunState(name="#[fg=red]" + "long " * 40)
    state.apply_all(
        [
            e.StateChanged(state="running", step=1),
            e.WarningRaised(code="x", text="x"),
            e.Metrics(scope="epoch", step=9, epoch=3, values={"loss/val": 0.60123}, progress=0.5, eta_seconds=200),
        ]
    )
    line = status_line(state)
    assert line.endswith("running 50% e3 val 0.601 ETA 3 min 20 s !1")
    assert len(line) <= 60
    assert "#" not in line
    state.apply(e.AnchorsMeasured(floor={"distance": 1.0, "mel": 1.0}, ceiling={"distance": 0.0, "mel": 0.0}))
    state.apply_all([prepared(), end_of_training(**{"loss/val": 0.60123, "distance/val": 0.29, "distance/mel": 0.29})])
    assert "quality" not in status_line(state) and len(status_line(state)) <= 60
    assert "val 0.601 quality 71%" in status_line(state, width=80)


def prepared(minutes: float = 0.0) -> e.RunPrepared:
    return e.RunPrepared(
        device="cpu", precision="float32", parameters=1, rate=8000, frame_rate=100.0, kbps=1.0, codebook_size=8,
        levels=2, training_files=1, validation_files=1, training_seconds=1.0, validation_seconds=1.0, steps_per_epoch=1,
        total_epochs=100, minutes=minutes,
    )  # fmt: skip


def end_of_training(**values: float | None) -> e.Metrics:
    return e.Metrics(scope="epoch", step=9, epoch=4, values=values, progress=1.0, eta_seconds=0.0)


def test_a_run_that_validates_or_saves_says_so_in_place_of_the_time_left(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    run = written(home, "late", *began("late"), prepared(), end_of_training())
    saving = e.StateChanged(state="running", step=9, detail="saving the model")
    log = LogWriter(run.events)
    log.write(saving)
    with run.hold():
        assert main(["status"]) == 0
        told = capsys.readouterr().out
        assert "running: saving the model (process 1)" in told
        assert "ETA" not in told
        assert main(["status", "--line"]) == 0
        assert capsys.readouterr().out == "late running 100% e4/100 saving the model\n"
        assert main(["runs"]) == 0
        assert "running: saving the model" in capsys.readouterr().out
        assert main(["status", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["activity"] == "saving the model"
        # it trains on
        log.write(e.Metrics(scope="step", step=10, epoch=5, values={}, progress=0.5, eta_seconds=3.0))
        assert main(["status", "--line"]) == 0
        assert capsys.readouterr().out == "late running 50% e5/100 ETA 3.0 s\n"
    log.close()


def test_a_paused_run_keeps_its_percent(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    run = written(home, "rest", *began("rest"), e.StateChanged(state="paused", step=7))
    with run.hold():
        assert main(["status", "--line"]) == 0
    assert capsys.readouterr().out == "rest paused 25% e2\n"


def test_where_a_budget_of_minutes_holds_no_number_of_epochs_is_told(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    run = written(home, "timed", *began("timed"), prepared(minutes=2.0))
    with run.hold():
        assert main(["status", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["total_epochs"] == 0
        assert main(["status", "--line"]) == 0
        assert capsys.readouterr().out == "timed running 25% e2\n"


def test_levels_are_counted_from_one_with_their_window_and_verdict(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    health: dict[str, float | None] = {
        "codebook/0/utilization": 1.0,
        "codebook/0/perplexity": 7.0,
        "codebook/0/frames": 24.0,
    }
    health |= {"codebook/1/utilization": 0.125, "codebook/1/perplexity": 1.0, "codebook/1/frames": 23.0}
    written(home, "judged", *began("judged"), prepared(), e.Metrics(scope="step", step=1, epoch=1, values=health))
    assert main(["status"]) == 0
    lines = capsys.readouterr().out.splitlines()
    first = lines.index("health     over the last 100 steps of training") + 2
    assert lines[first].split()[:3] == ["1", "100", "%"]
    assert "good" in lines[first]
    # of eight codes, 23 frames say nothing
    assert lines[first + 1].split()[:3] == ["2", "12", "%"]
    assert "poor" not in lines[first + 1]
    assert main(["status", "--json"]) == 0
    assert [level["level"] for level in json.loads(capsys.readouterr().out)["health"]] == [0, 1]
    assert main(["runs", "compare", "judged"]) == 0
    told = capsys.readouterr().out
    assert "level 2 utilization" in told
    assert "level 0" not in told
    assert "over the last 100 steps of training" in told


def test_the_line_imports_nothing_heavy(trained: Trained) -> None:
    script = (
        "import sys; from distill_tui.cli.main import run; code = run(sys.argv[1:]);"
        "heavy = {'argparse', 'typing_extensions'} | "
        "{'torch', 'numpy', 'textual', 'rich', 'typer', 'soundfile', 'soxr', 'platformdirs', 'asyncio'};"
        "print(sorted(heavy & sys.modules.keys())); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "status", "--line", "--home", str(trained.home.root)],
        capture_output=True,
        text=True,
        check=True,
    )
    line, heavy = done.stdout.splitlines()
    assert line.startswith("tones [a] b finished val ")
    assert heavy == "[]"


def test_watch_without_a_terminal_names_the_way_out(trained: Trained, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "--home", str(trained.home.root), trained.run.id]) == 2
    assert f"distill-tui status '{trained.run.path}'" in capsys.readouterr().err


def test_compare_puts_what_differs_side_by_side(copied: Home, capsys: pytest.CaptureFixture[str]) -> None:
    written(copied, "other", *began("other"))
    assert main(["runs", "compare", "tones [a] b", "other"]) == 0
    rows = {line[:28].strip(): line[28:].split() for line in capsys.readouterr().out.splitlines()}
    told = "\n".join(rows)
    assert "model.channels" in told
    assert "loss.commitment_weight" not in told
    assert main(["runs", "compare", "--json", "tones [a] b", "other"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert "model.channels" in document["different"]
    assert [run["state"] for run in document["runs"]] == ["finished", "crashed"]


def test_export_writes_every_number_by_step(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(trained.home.root)]
    assert main(["runs", "export", *home, "tones [a] b", "--csv"]) == 0
    text = capsys.readouterr().out
    rows = list(csv.DictReader(io.StringIO(text)))
    by_step = {int(row["step"]): row for row in rows}
    assert list(by_step) == sorted(by_step)
    assert float(by_step[9]["loss/val"]) > 0
    assert by_step[9]["epoch"] == "3"
    assert main(["runs", "export", *home, "tones [a] b", "--out", str(tmp_path / "x.csv")]) == 0
    assert (tmp_path / "x.csv").read_text() == text
    assert main(["runs", "export", *home, "tones [a] b", "--json"]) == 0
    documents = json.loads(capsys.readouterr().out)
    assert [list(document) for document in documents] == [list(rows[0])] * len(rows)
    assert [str(document["loss/val"] or "") for document in documents] == [row["loss/val"] for row in rows]


def test_delete_frees_the_disk_and_leaves_the_model(copied: Home, capsys: pytest.CaptureFixture[str]) -> None:
    (model,) = copied.models.glob("*.distill")
    assert main(["runs", "delete", "tones [a] b"]) == 2
    assert "--yes" in capsys.readouterr().err
    assert main(["runs", "delete", "tones [a] b", "nothing", "--yes"]) == 2
    assert len(list(copied.runs.iterdir())) == 1
    assert main(["runs", "delete", "tones [a] b", "--yes"]) == 0
    assert not list(copied.runs.iterdir())
    assert model.is_file()
    elsewhere = written(Home(copied.root / "elsewhere"), "mine", *began("mine"))
    assert main(["runs", "delete", str(elsewhere.path), "--yes"]) == 2
    assert elsewhere.events.is_file()


def test_a_run_with_a_worker_is_not_deleted(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    run = written(home, "busy", *began("busy"))
    with run.hold():
        assert main(["runs", "delete", "busy", "--yes"]) == 2
    assert "is being trained" in capsys.readouterr().err
    assert run.events.is_file()
