"""The state of a run, folded from its events; and the brief one of lists, which must agree."""

import msgspec
import pytest

from distill_tui.paths import Home
from distill_tui.runs import events as e
from distill_tui.runs import follow
from distill_tui.runs import quick_state as quick_state_module
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.log import read_events
from distill_tui.runs.quick_state import quick_state
from distill_tui.runs.state import RunState
from tests.conftest import Trained
from tests.runs.support import a_run, metrics, started, write


def whole(run: RunFolder) -> RunState:
    state = RunState().apply_all(read_events(run.events))
    state.observe(run.is_alive())
    return state


def test_a_run_goes_through_its_states(home: Home) -> None:
    run, state = a_run(home), RunState()
    for event, wanted in (
        (started(run), "starting"),
        (e.StateChanged(state="running"), "running"),
        (metrics(5, loss_train=1.0), "running"),
        (e.StateChanged(state="paused", step=5), "paused"),
        (e.StateChanged(state="running", step=5), "running"),
        (e.StateChanged(state="stopping", step=6), "stopping"),
        (e.Stopped(step=6, epoch=1, seconds=1.0), "stopped"),
        (started(run, resumed=True), "starting"),
        (e.Failed(reason="no luck", step=7), "failed"),
    ):
        state.apply(event)
        assert state.state == wanted
    assert state.reason == "no luck"
    assert state.step == 7


def test_silence_and_a_dead_worker_is_a_crash_but_not_after_a_last_word(home: Home) -> None:
    run = a_run(home)
    state = RunState().apply_all([started(run), e.StateChanged(state="running")])
    state.observe(alive=True)
    assert state.state == "running"
    state.observe(alive=False)
    assert state.state == "crashed"
    assert state.reason == "the worker was killed (out of memory?)"
    state = RunState().apply_all([started(run), e.Finished(step=1, epoch=1, seconds=1.0)])
    state.observe(alive=False)
    assert state.state == "finished"


def test_a_resumed_run_forgets_what_it_does_again(home: Home) -> None:
    run = a_run(home)
    events = [
        started(run),
        e.StateChanged(state="running"),
        e.QuantizationStarted(step=8, epoch=1),
        metrics(10, 1, "epoch", loss_val=1.0),
        metrics(20, 2, "epoch", loss_val=0.5),
        e.AdversarialStarted(step=20, epoch=2, from_epoch=2),
        metrics(22, 3, loss_train=0.4),
        e.SettingChanged(key="train.learning_rate", old=1.0, new=2.0, step=22),
        metrics(25, 3, loss_train=0.3),
        started(run, resumed=True),
        e.StateChanged(state="starting", detail="reading the sounds"),
        # the checkpoint's step: what comes next is after it, and what was after it comes again
        e.StateChanged(state="running", step=12),
        metrics(23, 3, loss_train=0.9),
        metrics(24, 3, "epoch", loss_val=0.8),
    ]
    state = RunState().apply_all(events)
    assert [RunState().apply_all(events[:n]).adversarial_from for n in (-4, None)] == [20, None]
    assert list(state.series["loss/val"].steps) == [10, 24]
    assert list(state.series["loss/train"].steps) == [23]
    assert state.knobs == []
    assert state.quantizing_from == 8
    # from the beginning: what it was no more is not told as what it is
    state.apply(e.StateChanged(state="running", step=0))
    assert not state.numbers
    assert state.step == 0
    assert state.quantizing_from is None


def test_the_best_epoch_is_the_one_that_the_trainer_says(home: Home) -> None:
    run = a_run(home)
    events = [
        started(run),
        e.StateChanged(state="running"),
        # the unquantized warm-up, and a loss that has other weights
        metrics(10, 1, "epoch", loss_val=0.1),
        e.QuantizationStarted(step=12, epoch=2),
        e.BestEpoch(step=20, epoch=2, value=0.9),
        metrics(30, 3, "epoch", loss_val=0.3, distance_val=0.8),
        e.BestEpoch(step=30, epoch=3, value=0.7, metric="other"),
        metrics(40, 4, "epoch", loss_val=0.2, distance_val=0.6),
    ]
    state = RunState().apply_all(events)
    assert state.best is not None
    assert (state.best.epoch, state.best.value) == (3, 0.7)
    assert state.summary()["best"] == {"epoch": 3, "step": 30, "value": 0.7}
    state.apply(e.StateChanged(state="running", step=25))
    assert state.best.epoch == 2


def test_in_older_logs_the_best_epoch_is_that_of_the_least_distance() -> None:
    state = RunState().apply_all(
        [
            metrics(10, 1, "epoch", loss_val=0.1),
            metrics(20, 2, "epoch", loss_val=0.5, distance_val=0.7),
            metrics(30, 3, "epoch", loss_val=0.4, distance_val=0.8),
        ]
    )
    assert state.best is not None
    assert (state.best.epoch, state.best.value) == (2, 0.7)


def test_a_number_that_is_missing_leaves_a_gap_and_is_null_in_json(home: Home) -> None:
    state = RunState().apply_all([metrics(1, loss_val=None), metrics(2, loss_val=0.5)])
    first, second = state.series["loss/val"].values
    assert first != first
    assert second == 0.5
    state.apply(metrics(3, 1, "epoch", loss_val=None))
    assert state.best is None
    document = msgspec.json.decode(msgspec.json.encode(RunState().apply_all([metrics(1, loss_val=None)]).summary()))
    assert document["losses"] == {"val": None}


@pytest.mark.slow
def test_the_summary_has_what_scripts_rely_on(trained: Trained) -> None:
    state = whole(trained.run)
    assert state.summary().keys() >= {
        "id", "name", "state", "pid", "epoch", "total_epochs", "step", "losses", "eta_seconds", "warnings", "model",
    }  # fmt: skip
    assert state.summary()["pid"] is None
    assert state.summary()["model"]["path"] == str(trained.model)


@pytest.mark.slow
def test_the_brief_state_is_the_whole_one_without_its_series(trained: Trained) -> None:
    assert quick_state(trained.run).summary() == whole(trained.run).summary()


@pytest.mark.parametrize("resumed", [False, True])
def test_of_a_long_log_the_brief_state_is_still_exact(
    home: Home, monkeypatch: pytest.MonkeyPatch, resumed: bool
) -> None:
    monkeypatch.setattr(quick_state_module, "WHOLE_BYTES", 20_000)
    monkeypatch.setattr(quick_state_module.QuickStateReader, "batch_bytes", 1000)
    run = a_run(home)
    events: list[e.Event] = [started(run), e.StateChanged(state="running"), e.WarningRaised(code="w", text="early")]
    for step in range(1, 2000):
        events.append(metrics(step, 1 + step // 900, loss_train=1 / step, codebook_0=0.5))
        if step == 900:
            events.append(metrics(step, 1, "epoch", loss_val=0.25))
    if resumed:
        events.append(metrics(2000, 3, "epoch", loss_val=0.125, distance_val=0.5))
        events += [started(run, resumed=True), e.StateChanged(state="running", step=1199)]
        events += [metrics(1200, 2, loss_train=3.0, codebook_0=0.5)]
    write(run, *events)
    assert quick_state(run).summary() == whole(run).summary()
    assert quick_state(run).losses["val"] == 0.25
    reader, read = quick_state_module.QuickStateReader(run.events), 0
    while found := reader.read_new():
        read += len(found)
    assert read < 400


def test_a_run_whose_worker_never_spoke_has_crashed_after_a_while(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    run = a_run(home)
    assert quick_state(run).state == "starting"
    monkeypatch.setattr(follow, "FIRST_WORD_SECONDS", -1.0)
    assert quick_state(run).state == "crashed"
    with run.hold():
        assert quick_state(run).state == "starting"


def test_settings_of_a_worker_that_died_before_its_checkpoint_are_not_those_of_the_next() -> None:
    begun = e.Started(seq=1, run="r", name="r", pid=1, program="0")
    running = e.StateChanged(seq=2, state="running", step=0)
    early = e.SettingChanged(seq=3, key="loss.mel_weight", old=1.0, new=0.9, step=0)
    again = [
        e.Started(seq=4, run="r", name="r", pid=2, program="0", resumed=True),
        e.StateChanged(seq=5, state="running", step=0),
    ]
    assert RunState().apply_all([begun, running, early, *again]).knobs == []
    saved = e.CheckpointSaved(seq=4, step=0, epoch=0, file="checkpoints/step-00000000.ckpt")
    again = [msgspec.structs.replace(event, seq=event.seq + 1) for event in again]
    assert RunState().apply_all([begun, running, early, saved, *again]).knobs == [early]


def test_a_resumed_run_is_not_still_saving_its_model() -> None:
    state = RunState()
    begun = e.Started(run="20260101-000000-drums", name="drums", pid=1, program="0", host="h", resumed=False)
    state.apply_all([begun, e.StateChanged(state="running", step=9, detail="saving the model")])
    state.apply_all([e.Stopped(step=9, epoch=1, seconds=1.0), begun])
    assert (state.state, state.activity) == ("starting", "")
