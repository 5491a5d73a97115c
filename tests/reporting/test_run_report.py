"""Reports, event lines and tables of a run."""

from distill_tui.paths import Home
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.schema import Recipe
from distill_tui.reporting.csv import as_csv, rows
from distill_tui.reporting.event_text import epoch_line, event_line
from distill_tui.reporting.lines import Line, texts
from distill_tui.reporting.run_report import closing_report, status_report
from distill_tui.runs import events as e
from distill_tui.runs.folder import make_run_folder
from distill_tui.runs.state import RunState

HEALTH = {"utilization": 1.0, "perplexity": 7.0, "dead": 0.0, "churn": 0.004, "frames": 24.0}


def a_state(*events: e.Event) -> RunState:
    prepared = e.RunPrepared(
        device="cpu", precision="float32", parameters=1_700_000, rate=8000, frame_rate=100.0, kbps=1.0, codebook_size=8,
        levels=1, training_files=3, validation_files=1, training_seconds=58.0, validation_seconds=0.0,
        steps_per_epoch=1, total_epochs=100,
    )  # fmt: skip
    values: dict[str, float | None] = {
        "epoch/train": 0.5,
        "loss/val": 0.25,
        **{f"codebook/0/{word}": value for word, value in HEALTH.items()},
    }
    return RunState(state="running").apply_all(
        [prepared, e.Metrics(scope="epoch", step=7, epoch=1, values=values, progress=0.004), *events]
    )


def ids(lines: list[Line]) -> list[str]:
    return [one.id for one in lines if one.id]


def test_a_report_has_each_part_once_and_each_level_in_the_role_of_its_verdict() -> None:
    warning = e.WarningRaised(code="overfitting", text="it overfits", advice="Stop here.", step=7)
    state = a_state(warning, e.Stopped(step=7, epoch=1, seconds=2.0, reason="asked to"))
    lines = closing_report(state, with_values(Recipe(), {"name": "drums", "train.seed": 3}))
    told = {one.id: one.text for one in lines}
    assert told["ended"] == "stopped after 2.0 s of training: 1 epoch, 7 steps"
    assert told["train.seed"].split() == ["train.seed", "3"]
    assert {"reason", "losses", "health", "level", "recipe", "warning/overfitting", "advice", "model"} <= told.keys()
    (level,) = [one for one in lines if one.id == "level"][1:]
    assert level.spans[-1][1] == "good"
    assert level.text.split() == ["1", "100", "%", "7.0000", "0", "0.4", "%", "good"]


def test_status_of_an_ended_run_says_how_to_resume_it(home: Home) -> None:
    run = make_run_folder(home, "drums")
    assert "resume" not in ids(status_report(run, a_state()))
    assert "resume" in ids(status_report(run, a_state(e.Failed(reason="no room", step=9))))
    run.worker_log.write_text("out of luck\n")
    state = a_state()
    state.state = "crashed"
    assert any("out of luck" in text for text in texts(status_report(run, state)))


def test_an_epoch_in_full_and_in_short() -> None:
    state = a_state()
    event = e.Metrics(
        scope="epoch", step=7, epoch=1, values={"epoch/train": 0.5, "loss/val": 0.25}, progress=0.5, eta_seconds=3
    )
    full = epoch_line(event, state, with_eta=True)
    assert full.text == (
        "epoch 1/100  step 7  train 0.5000  val 0.2500  codes used 100 %  perplexity 7.0000  dead 0  ETA 3.0 s"
    )
    assert ("100 %", "good") in full.spans
    assert event_line(event).text == "epoch 1: train 0.5000, val 0.2500"
    assert not event_line(e.Metrics(scope="step", step=7, epoch=1, values={})).text


def test_what_a_run_begins_with_is_told_with_what_is_known() -> None:
    prepared = a_state().prepared
    assert prepared is not None
    said = "1.7M parameters on cpu in float32, 1.00 kbps; 3 (58 s) to train on, 1 held out"
    assert event_line(prepared).text == said


def test_metrics_as_a_table_leave_out_what_is_not_finite() -> None:
    state = a_state(e.Metrics(scope="step", step=9, epoch=2, values={"loss/val": None}))
    first, second = rows(state)
    assert (first["loss/val"], second["loss/val"], second["step"]) == (0.25, None, 9)
    assert as_csv(state).splitlines()[2].startswith("9,2,")
