"""The Training screen: every key, what it asks for, and what the screen says."""

import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from distill_tui.files import locked
from distill_tui.paths import Home
from distill_tui.reporting.notes import notes
from distill_tui.runs import events as e
from distill_tui.runs.control import change_control, read_control
from distill_tui.runs.folder import RunFolder
from distill_tui.ui import messages as m
from distill_tui.ui.app import DistillApp
from distill_tui.ui.dialogs.help import HelpDialog
from distill_tui.ui.screens.training.event_log import EventLog
from distill_tui.ui.screens.training.machine import MachinePanel
from distill_tui.ui.screens.training.screen import TrainingScreen
from distill_tui.ui.widgets.health import HealthNote, HealthTable
from distill_tui.ui.widgets.knobs import Knobs
from distill_tui.ui.widgets.notes import Notes
from distill_tui.ui.widgets.status import StatusHead
from distill_tui.ui.widgets.text_widget import LinesWidget
from tests.ui import recorded
from tests.ui.conftest import screen_text, until

Made = Callable[[Home], RunFolder]


def notes_shown(screen: TrainingScreen) -> set[str]:
    """The ids of the notes on the run that stand in their pane, whatever their words are."""
    assert screen.controller.run is not None
    pane = "".join(str(screen.query_one("#notes Static", Static).content).split())
    return {
        one.id
        for one in notes(screen.controller.run, screen.controller.state, {}, 0)
        if "".join(one.text.split()) in pane
    }


@asynccontextmanager
async def watching(
    home: Home, run: RunFolder, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[DistillApp, Pilot[None], TrainingScreen]]:
    app = DistillApp(home, run)
    async with app.run_test(size=size) as pilot:
        screen = app._training
        await until(pilot, lambda: screen.controller.state.started_at)
        yield app, pilot, screen


async def test_space_pauses_and_goes_on(home: Home) -> None:
    run = recorded.running(home)
    with recorded.alive(run):
        async with watching(home, run) as (app, pilot, screen):
            await pilot.press("space")
            await until(pilot, lambda: read_control(run.control).wanted == "paused")
            assert "running → paused" in screen_text(app)
            recorded.add_events(run, e.StateChanged(state="paused", step=1701))
            await until(pilot, lambda: screen.controller.state.state == "paused")
            assert "Go on" in screen_text(app)
            await pilot.press("space")
            await until(pilot, lambda: read_control(run.control).wanted == "running")


@pytest.mark.slow
async def test_keys_are_answered_while_another_program_holds_the_control_file(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distill_tui.ui.services.control_writer.PATIENCE", 60.0)
    run = recorded.running(home)
    with recorded.alive(run):
        async with watching(home, run) as (app, pilot, screen):
            with locked(run.control.with_suffix(".lock")):
                await pilot.press("space", "right")
                assert "running → paused" in screen_text(app)
                await pilot.press("question_mark")
                assert isinstance(app.screen, HelpDialog)
                await pilot.press("escape")
                await until(pilot, lambda: read_control(run.control).wanted == "running")
            await until(pilot, lambda: read_control(run.control).wanted == "paused")
            await until(pilot, lambda: read_control(run.control).knobs)
            assert screen.controller.control == read_control(run.control)


async def test_a_lock_that_is_never_given_back_is_told(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distill_tui.ui.services.control_writer.PATIENCE", 0.1)
    run = recorded.running(home)
    with recorded.alive(run):
        async with watching(home, run) as (app, pilot, screen):
            with locked(run.control.with_suffix(".lock")):
                await pilot.press("space")
                await until(pilot, lambda: "fuser" in screen_text(app))
            assert "→ paused" not in screen_text(app)
            assert screen.controller.control.wanted == "running"
            await pilot.press("space")
            await until(pilot, lambda: read_control(run.control).wanted == "paused")


@pytest.mark.slow
async def test_a_change_that_was_not_written_is_not_undone(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distill_tui.ui.services.control_writer.PATIENCE", 0.1)
    run = recorded.running(home)
    with recorded.alive(run):
        async with watching(home, run) as (app, pilot, _):
            await pilot.press("down", "down", "right")
            await until(pilot, lambda: read_control(run.control).knobs == {"loss.commitment_weight": 0.3})
            with locked(run.control.with_suffix(".lock")):
                await pilot.press("right")
                await until(pilot, lambda: "fuser" in screen_text(app))
            await pilot.press("u")
            await until(pilot, lambda: read_control(run.control).knobs == {"loss.commitment_weight": 0.25})


@pytest.mark.slow
async def test_what_the_worker_does_beside_steps_is_told_in_place_of_an_eta(home: Home) -> None:
    run = recorded.running(home)
    with recorded.alive(run):
        async with watching(home, run) as (app, pilot, _):
            for words in ("312x real time", "epoch 34 of 100", "13.0 steps/s", "elapsed 1 min 3", "ETA 4 min 14 s"):
                assert words in screen_text(app)
            recorded.add_events(run, e.StateChanged(state="running", step=1700, detail="saving the model"))
            await until(pilot, lambda: "saving the model" in screen_text(app))
            assert "ETA" not in screen_text(app)


@pytest.mark.slow
async def test_a_start_shows_its_stages_and_moves(home: Home) -> None:
    run = recorded.make_run(home)
    recorder = recorded.Recorder(run)
    recorder.now = time.time() - 5
    recorder.write(
        e.Started(run=run.id, name="drums", pid=4242, program="0.1.0"),
        e.StateChanged(state="starting", detail="reading the sounds"),
        e.StateChanged(state="starting", detail="reading the sounds", done=120, total=4000),
    )
    with recorded.alive(run):
        async with watching(home, run) as (app, pilot, screen):
            await until(pilot, lambda: ", 120 of 4,000" in screen_text(app))
            shown = screen_text(app)
            for words in ("✓ torch", "· net", "· first step", "The curves begin"):
                assert words in shown
            # how long ago the test began
            assert re.search(r"sounds \d+ s, 120 of 4,000", shown)
            first = screen.query_one(StatusHead).lines()[1].plain
            await until(pilot, lambda: screen.query_one(StatusHead).lines()[1].plain != first)
            step = e.Metrics(scope="step", step=1, epoch=1, values={"lr": 1.0})
            recorder.write(e.StateChanged(state="running"), step)
            await until(pilot, lambda: "torch" not in screen_text(app))


@pytest.mark.slow
async def test_levels_are_judged_over_a_window_that_is_named(home: Home) -> None:
    async with watching(home, recorded.finished(home), size=(120, 35)) as (app, pilot, screen):
        await until(pilot, lambda: "over the last 100 steps of training" in screen_text(app))
        assert "● good" in screen_text(app)
        assert "buzz         0.56  buzzes" in screen_text(app)
        few = {f"codebook/{level}/frames": 100.0 for level in range(3)}
        recorded.add_events(screen.controller.run, e.Metrics(scope="step", step=2001, epoch=41, values=few))  # type: ignore[arg-type]
        await until(pilot, lambda: "no verdict" in screen_text(app))
        assert "● good" not in screen_text(app)


async def test_while_it_warms_up_it_is_told_when_the_codebooks_come(home: Home) -> None:
    run = recorded.make_run(home, train__quantizer_warmup_fraction=0.1)
    recorded.train(recorded.begin(run), 6)
    with recorded.alive(run):
        async with watching(home, run, size=(120, 35)) as (app, pilot, _):
            await until(pilot, lambda: "Warm-up, without a quantizer: codebooks at" in screen_text(app))
            assert "warm-up" in screen_text(app)


@pytest.mark.slow
async def test_a_small_pane_says_how_a_run_failed_and_the_knobs_come_back(home: Home) -> None:
    run = recorded.running(home)
    with recorded.alive(run):
        async with watching(home, run, size=(80, 24)) as (app, pilot, screen):
            await pilot.resize_terminal(40, 12)
            await until(pilot, lambda: "perpl." in screen_text(app))
            await pilot.resize_terminal(80, 24)
            await until(pilot, lambda: isinstance(screen.focused, Knobs))
            await pilot.resize_terminal(40, 12)
            recorded.add_events(run, e.Failed(reason="the disk is full", advice="Free some room.", step=1701))
            await until(pilot, lambda: "the disk is full" in screen_text(app))
            assert "Free some room" in screen_text(app)


async def test_a_command_that_is_told_can_be_pasted(home: Home) -> None:
    run = recorded.make_run(home, name="my [b]sounds")
    recorded.begin(run).write(e.Failed(reason="no room", step=3))
    async with watching(home, run, size=(200, 50)) as (app, pilot, _):
        await until(pilot, lambda: f"distill-tui resume '{run.id}'" in screen_text(app))


@pytest.mark.slow
async def test_a_large_terminal_shows_the_newest_preview_as_pictures(home: Home) -> None:
    run = recorded.running(home)
    recorded.put_preview(run.previews / "step-001700", blur=1)
    with recorded.alive(run):
        async with watching(home, run, size=(200, 50)) as (app, pilot, screen):
            await until(pilot, lambda: "▀▀▀▀▀▀▀▀" in screen_text(app))
            # the desk: chart, codebooks, machine and log beside it
            await until(pilot, lambda: "★ best epoch  ┬ codebooks initialised, quantizing" in screen_text(app))
            for words in ("original", "commitment loss", "first 2.3502", "Codebooks over time", "epoch 9", "steps/s"):
                assert words in screen_text(app)
            assert isinstance(screen.focused, Knobs)


async def test_stopping_asks_first(home: Home) -> None:
    run = recorded.running(home)
    with recorded.alive(run):
        async with watching(home, run) as (_, pilot, _screen):
            await pilot.press("S", "n")
            await until(pilot, lambda: read_control(run.control).wanted == "running")
            await pilot.press("c", "y")
            await until(pilot, lambda: read_control(run.control).wanted == "stopped")


async def test_checkpoints_and_previews_are_counted(home: Home) -> None:
    run = recorded.running(home)
    with recorded.alive(run):
        async with watching(home, run) as (_, pilot, _screen):
            await pilot.press("k", "p", "p")
            await until(pilot, lambda: (c := read_control(run.control)).checkpoint == 1 and c.preview == 2)


async def test_a_knob_is_chosen_tuned_answered_and_undone(home: Home) -> None:
    run = recorded.running(home)
    with recorded.alive(run):
        async with watching(home, run) as (app, pilot, screen):
            await pilot.press("down", "down", "right", "right")
            await until(pilot, lambda: read_control(run.control).knobs == {"loss.commitment_weight": 0.35})
            assert "0.35 waits" in screen_text(app)
            recorded.add_events(run, e.SettingChanged(key="loss.commitment_weight", old=0.25, new=0.35, step=1703))
            await until(pilot, lambda: "0.35 1,703" in screen_text(app))
            await pilot.press("u")
            await until(pilot, lambda: read_control(run.control).knobs == {"loss.commitment_weight": 0.3})
            await pilot.press("u")
            await until(pilot, lambda: read_control(run.control).knobs == {"loss.commitment_weight": 0.25})
            await pilot.press("u")
            await until(pilot, lambda: read_control(run.control).knobs == {"loss.commitment_weight": 0.25})
            assert screen.controller.state.is_active


async def test_the_learning_rate_is_tuned_by_a_factor_from_what_is_applied(home: Home) -> None:
    run = recorded.running(home)
    with recorded.alive(run):
        async with watching(home, run) as (_, pilot, _screen):
            await pilot.press("up", "left")
            await until(pilot, lambda: read_control(run.control).knobs == {"train.learning_rate": 0.00064})


@pytest.mark.slow
async def test_an_exact_value_is_checked_as_one_types(home: Home) -> None:
    run = recorded.running(home)
    with recorded.alive(run):
        async with watching(home, run) as (app, pilot, _):
            await pilot.press("enter")
            await pilot.press("ctrl+u", *"700")
            await until(pilot, lambda: "700 is outside 0 to 100" in screen_text(app).replace(".0", ""))
            await pilot.press("enter")
            await until(pilot, lambda: read_control(run.control).knobs == {})
            await pilot.press("backspace", "enter")
            await until(pilot, lambda: read_control(run.control).knobs == {"loss.mel_weight": 70.0})


@pytest.mark.slow
async def test_a_refused_knob_says_so(home: Home) -> None:
    run = recorded.running(home)
    change_control(run.control, lambda control: control.knobs.update({"loss.mel_weight": 3.0}))
    recorded.add_events(run, e.SettingRejected(key="loss.mel_weight", text="it cannot be", step=1702))
    with recorded.alive(run):
        async with watching(home, run) as (app, pilot, _):
            await until(pilot, lambda: "3    no" in screen_text(app))


@pytest.mark.slow
async def test_changes_by_another_program_show(home: Home) -> None:
    run = recorded.running(home)
    with recorded.alive(run):
        async with watching(home, run) as (app, pilot, _):
            change_control(run.control, lambda control: setattr(control, "wanted", "stopped"))
            await until(pilot, lambda: "running → stopped" in screen_text(app))


@pytest.mark.slow
async def test_new_numbers_come_by_themselves(home: Home) -> None:
    run = recorded.running(home)
    with recorded.alive(run):
        async with watching(home, run) as (app, pilot, _):
            recorded.add_events(run, e.Metrics(scope="step", step=1777, epoch=36, values={"loss/train": 0.1234}))
            await until(pilot, lambda: "step 1,777" in screen_text(app) and "0.1234" in screen_text(app))


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (recorded.crashed, ["✗ crashed", "distill-tui resume", "OutOfMemoryError", "Resume"]),
        (recorded.diverged, ["✗ failed", "NaN", "the loss is not finite", "Lower the learning rate"]),
        (recorded.finished, ["✓ finished", "100%", "Model drums", "Finished: 2,000 steps in 2 min 34 s"]),
    ],
)
async def test_an_ended_run_says_how_and_what_to_do(home: Home, made: Made, said: list[str]) -> None:
    async with watching(home, made(home), (120, 35)) as (app, pilot, _):
        await until(pilot, lambda: all(words in screen_text(app) for words in said), f"{said}")
        assert "Pause" not in screen_text(app)


@pytest.mark.slow
async def test_the_knobs_of_a_failed_run_are_turned_for_when_it_goes_on(home: Home) -> None:
    run = recorded.diverged(home)
    recorded.add_events(
        run, e.WarningRaised(code="went-back", text="diverged", step=1455), e.Failed(reason="NaN", step=1550)
    )
    async with watching(home, run) as (app, pilot, screen):
        await until(pilot, lambda: notes_shown(screen) >= {"ended", "diverged", "resume"})
        assert "Settings for resume" in screen_text(app)
        await pilot.press("up", "left")
        await until(pilot, lambda: read_control(run.control).knobs == {"train.learning_rate": 0.0008})
        await until(pilot, lambda: "waits" in screen_text(app))
        await pilot.press("u")
        await until(pilot, lambda: read_control(run.control).knobs == {"train.learning_rate": 0.001})


async def test_the_knobs_of_a_finished_run_are_only_told(home: Home) -> None:
    run = recorded.finished(home)
    async with watching(home, run) as (app, pilot, _):
        await until(pilot, lambda: "Settings" in screen_text(app))
        await pilot.press("up", "left", "enter")
        assert not read_control(run.control).knobs
        assert "Tune" not in screen_text(app)


async def test_an_ended_run_says_from_where_it_can_go_on(home: Home) -> None:
    run = recorded.running(home)
    recorded.add_events(run, e.Failed(reason="no room", step=1720))
    async with watching(home, run, size=(120, 35)) as (_, pilot, screen):
        text = screen.query_one("#notes Static", Static)
        await until(pilot, lambda: "step 1,700, 20 steps back" in " ".join(str(text.content).split()))
        other = recorded.starting(home.__class__(home.root / "other"))
        other.checkpoints.mkdir()
        recorded.add_events(other, e.Failed(reason="no room", step=0))
        screen.controller.watch(other)
        await until(pilot, lambda: "no checkpoint yet" in str(text.content).lower())
        await until(pilot, lambda: "No step was trained." in screen_text(pilot.app))
        (other.checkpoints / "step-00000010.ckpt").touch()
        screen.painter.repaint()
        await until(pilot, lambda: "from the last checkpoint" in str(text.content))


@pytest.mark.slow
async def test_what_the_worker_printed_has_a_key(home: Home) -> None:
    run = recorded.crashed(home)
    lines = [f'  File "module{i}.py", line {i}\n    call()\n    ^^^^^^\n' for i in range(50)]
    run.worker_log.write_text("".join(lines) + "MemoryError: [/x] all of it\n")
    async with watching(home, run) as (app, pilot, _):
        await until(pilot, lambda: "L Log" in screen_text(app))
        await pilot.press("L")
        await until(pilot, lambda: "MemoryError: [/x]" in screen_text(app) and "module49" in screen_text(app))
        assert "^^^" not in screen_text(app)
        assert run.id in "".join(screen_text(app).split())
        await pilot.press("home")
        await until(pilot, lambda: "module0.py" in screen_text(app))
        await pilot.press("escape")
        run.worker_log.unlink()
        app.screen.refresh_bindings()
        await until(pilot, lambda: "L Log" not in screen_text(app))


async def test_in_a_small_pane_the_arrows_scroll_through_how_a_run_failed(home: Home) -> None:
    run = recorded.crashed(home)
    async with watching(home, run, size=(40, 12)) as (app, pilot, screen):
        await until(pilot, lambda: isinstance(screen.focused, Notes))
        await until(pilot, lambda: "✗ Crashed" in screen_text(app))
        await pilot.press("end")
        await until(pilot, lambda: "✗ Crashed" not in screen_text(app))
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: isinstance(screen.focused, Knobs))


async def test_a_worker_that_dies_is_seen_and_told(home: Home) -> None:
    run = recorded.running(home)
    seen: list[m.RunStateChanged] = []
    with ExitStack() as worker:
        worker.enter_context(recorded.alive(run))
        app = DistillApp(home, run)
        async with app.run_test(
            size=(80, 24), message_hook=lambda x: seen.append(x) if isinstance(x, m.RunStateChanged) else None
        ) as pilot:
            await until(pilot, lambda: app._training.controller.state.state == "running")
            recorded_hold = app._training
            worker.close()
            await until(pilot, lambda: recorded_hold.controller.state.state == "crashed")
            await until(pilot, lambda: any(x.new == "crashed" and x.live and x.old == "running" for x in seen))


async def test_resume_wants_running_and_starts_a_worker(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    run = recorded.crashed(home)
    change_control(run.control, lambda control: setattr(control, "wanted", "stopped"))
    started: list[Path] = []
    monkeypatch.setattr("distill_tui.runs.service.start_worker", lambda _, run: started.append(run.path))
    async with watching(home, run) as (_, pilot, _screen):
        await pilot.press("space")
        await until(pilot, lambda: started == [run.path])
        await until(pilot, lambda: read_control(run.control).wanted == "running")


@pytest.mark.slow
async def test_the_list_of_runs_leads_to_another_run(home: Home) -> None:
    first = recorded.finished(home)
    second = recorded.make_run(home, name="speech", stamp="20260226-100000")
    recorded.train(recorded.begin(second, name="speech", levels=2), 3, levels=2)
    with recorded.alive(second):
        async with watching(home, second) as (app, pilot, screen):
            await pilot.press("r")
            await until(pilot, lambda: "✓ finished" in screen_text(app) and "● running" in screen_text(app))
            await pilot.press("down", "enter")
            await until(pilot, lambda: screen.controller.run == first and screen.controller.state.state == "finished")
            await until(pilot, lambda: app.screen.query_one(HealthTable).row_count == 3)
            assert "Mel weight" in screen_text(app)


async def test_without_a_run_it_says_what_to_do(home: Home) -> None:
    app = DistillApp(home)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("escape", "2")
        await until(pilot, lambda: "No run yet" in screen_text(app))


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (120, 35), (200, 50)])
@pytest.mark.slow
async def test_hostile_names_numbers_and_sizes(home: Home, size: tuple[int, int]) -> None:
    name = "[b]bold[/x] \N{ROCKET}\x1b[31m " + "long " * 60
    run = recorded.make_run(home, name="odd")
    recorder = recorded.begin(run, name=name)
    recorded.train(recorder, 12)
    recorder.write(
        e.WarningRaised(code="x", text="[/x] [red]not markup", advice="[link=]"),
        e.Metrics(scope="epoch", step=601, epoch=13, values={"loss/val": None, "codebook/0/perplexity": None}),
        e.PreviewMade(step=601, epoch=13, folder="previews/[/x]", pairs=[("a", "b", None)]),
        e.Failed(reason="[/x] because", step=601),
    )
    async with watching(home, run, size) as (app, pilot, _):
        # a small pane has room for the reason only
        await until(pilot, lambda: size[0] == 40 or "NaN" in screen_text(app))
        await until(pilot, lambda: "[/x] because" in screen_text(app))
        assert "\x1b[31m" not in screen_text(app)


@pytest.mark.slow
async def test_in_a_small_pane_nothing_is_cut_off(home: Home) -> None:
    run = recorded.running(home, levels=4)
    with recorded.alive(run):
        async with watching(home, run, (40, 12)) as (app, pilot, _):
            await until(pilot, lambda: "○ poor" in screen_text(app))
            shown = screen_text(app)
            for words in ("● running", "34/100", "ETA 4 min 14 s", "step 1,700", "train", "val", "recon", "commit"):
                assert words in shown
            assert all(len(line) <= 40 for line in shown.splitlines())


@pytest.mark.slow
async def test_a_long_log_is_read_in_slices_and_keys_are_answered(home: Home) -> None:
    run = recorded.long_log(home, 20_000)
    size = run.events.stat().st_size
    assert size > 4_000_000
    app = DistillApp(home, run)
    seen: list[m.LogRead] = []
    async with app.run_test(
        size=(80, 24), message_hook=lambda x: seen.append(x) if isinstance(x, m.LogRead) else None
    ) as pilot:
        await pilot.press("1")
        assert app.current_mode == "config"
        await until(pilot, lambda: app._training.controller.state.epoch == 2000)
        assert len(seen) > 20


@pytest.mark.slow
async def test_a_long_event_is_wrapped_and_wrapped_anew_in_another_width(home: Home) -> None:
    run = recorded.running(home)
    text = "the first level took in everything that the others were meant to tell and [b]nothing[/x] was left"
    with recorded.alive(run):
        async with watching(home, run, size=(120, 35)) as (app, pilot, screen):
            recorded.add_events(run, e.StateChanged(state="running", step=1701, detail=text))

            def told() -> str:
                # the right-hand pane, its lines joined
                return " ".join(" ".join(line.rstrip() for line in screen.query_one(EventLog).lines).split())

            await until(pilot, lambda: text in told())
            log = screen.query_one(EventLog)
            assert max(map(len, log.lines)) < log.size.width
            assert "left" in screen_text(app)
            many = len(log.lines)
            await pilot.resize_terminal(200, 50)
            await until(pilot, lambda: len(log.lines) < many)
            assert text in told()
            assert max(map(len, log.lines)) < log.size.width


@pytest.mark.slow
async def test_where_there_is_no_room_for_the_knobs_no_key_turns_them(home: Home) -> None:
    with recorded.alive(recorded.running(home)) as run:
        app = DistillApp(home, run)
        async with app.run_test(size=(40, 12)) as pilot:
            await until(pilot, lambda: app.screen.query_one(Knobs).styles.display == "none" and not app.screen.focused)
            await pilot.press("right")
            assert not read_control(run.control).knobs
            await pilot.resize_terminal(120, 35)
            await until(pilot, lambda: isinstance(app.screen.focused, Knobs))


@pytest.mark.slow
async def test_the_notes_are_laid_out_anew_in_another_width(home: Home) -> None:
    run = recorded.crashed(home)
    app = DistillApp(home, run)
    async with app.run_test(size=(200, 50)) as pilot:
        await until(pilot, lambda: "Crashed" in screen_text(app))
        text, heights = app.screen.query_one("#notes Static", Static), []
        for size in ((40, 12), (120, 35), (200, 50), (80, 24)):
            await pilot.resize_terminal(*size)
            await until(pilot, lambda: text.size.height == len(str(text.content).splitlines()))
            assert max(len(line) for line in str(text.content).splitlines()) <= text.size.width
            heights.append(text.size.height)
        assert heights[0] > heights[2]


@pytest.mark.slow
async def test_in_the_usual_terminal_no_line_is_broken_or_hidden_and_the_pace_ends_with_the_run(home: Home) -> None:
    run = recorded.make_run(home, train__quantizer_warmup_fraction=0.1)
    recorder = recorded.begin(run)
    recorded.train(recorder, 3)
    with recorded.alive(run):
        async with watching(home, run) as (app, pilot, screen):
            note = screen.query_one(HealthNote)
            await until(pilot, lambda: note.size.height == len(note.lines()) == 2)
            much = {"distance/val": 0.7, "distance/mel": 0.69, "distance/buzz": 0.67, "distance/dull_above": 12_000.0}
            recorder.write(e.Metrics(scope="epoch", step=151, epoch=4, values={**much, "rate/sound": 3.0}))
            await until(pilot, lambda: "quality  53 %: dull above 12 kHz, …" in screen_text(app))
            assert not [line for one in screen.query(LinesWidget) for line in one.lines() if "\n" in line.plain]
            head = screen.query_one(StatusHead)
            assert any("lr" in part.plain for part in head._speed(screen.controller.state))
            recorder.write(e.Stopped(step=151, epoch=4, seconds=77.0, reason="stopped"))
            await until(pilot, lambda: "■ stopped" in head.lines()[0].plain)
            assert not any("lr" in part.plain for part in head._speed(screen.controller.state))
            assert not any("steps/s" in line.plain for line in screen.query_one(MachinePanel).lines())
            await pilot.resize_terminal(40, 12)
            await until(pilot, lambda: "step 151  quality 53 %" in screen_text(app))
