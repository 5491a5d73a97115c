"""What comes next in a training, how far and fast it is, and the stages of its start."""

import pytest

from distill_tui.recipe.fields import with_values
from distill_tui.recipe.schema import Recipe
from distill_tui.reporting import outlook
from distill_tui.reporting.axis import round_numbers
from distill_tui.reporting.starting import stages
from distill_tui.runs import events as e
from distill_tui.runs.state import RunState

NOW = 1_772_000_000.0


def prepared(minutes: float = 0.0, levels: int = 2) -> e.RunPrepared:
    return e.RunPrepared(
        device="cpu",
        precision="float32",
        parameters=1000,
        steps_per_epoch=50,
        total_epochs=10,
        levels=levels,
        codebook_size=64,
        minutes=minutes,
    )


def running(step: int, progress: float, minutes: float = 0.0, **values: float) -> RunState:
    """A run at a step, at half a second a step, that began ten seconds ago."""
    numbers: dict[str, float | None] = {
        "time/step": 0.5,
        **{key.replace("__", "/"): value for key, value in values.items()},
    }
    events = [
        e.Started(run="r", name="r", pid=1, program="x", time=NOW),
        e.StateChanged(state="starting", detail="reading the sounds", time=NOW + 3),
        prepared(minutes),
        e.StateChanged(state="running", time=NOW + 8),
        e.Metrics(scope="step", step=step, epoch=1, values=numbers, progress=progress, eta_seconds=900, time=NOW + 18),
    ]
    return RunState().apply_all(events)


def recipe(**values: object) -> Recipe:
    base = {"train.preview_every": 2, "train.checkpoint_minutes": 1.0, "train.quantizer_warmup_fraction": 0.15}
    return with_values(Recipe(), base | {f"train.{key}": value for key, value in values.items()})


def test_what_comes_next_is_told_by_step_and_time_the_soonest_first() -> None:
    ahead = outlook.upcoming(running(45, 0.09), recipe())
    assert [one.text for one in ahead] == [
        "validation at step 50, in 2 s",
        "codebooks at step 75, in 15 s",
        "preview at step 100, in 28 s",
        "checkpoint in 42 s",
    ]
    assert outlook.codebooks_text(running(45, 0.09), recipe()) == (
        "Warm-up, without a quantizer: codebooks at step 75, in 15 s"
    )


def test_with_a_time_budget_the_clock_decides_on_codebooks_and_epochs_are_estimated() -> None:
    state = running(45, 0.05, minutes=10)
    assert outlook.upcoming(state, recipe(minutes=10.0))[-1].text == "codebooks at about step 165, in 60 s"
    # 45 steps are a twentieth of 900, and those 18 epochs
    assert outlook.epoch_text(state) == "1 of about 18"
    assert outlook.epoch_text(running(45, 0.01, minutes=10)) == "1"
    assert outlook.epoch_text(running(45, 0.09)) == "1 of 10"


def test_previews_by_time_are_told_by_the_clock() -> None:
    by_time = recipe(preview_every=0, minutes=10.0)
    ahead = outlook.upcoming(running(45, 0.05, minutes=10), by_time)
    assert next(one.text for one in ahead if one.what == outlook.PREVIEW) == "preview at about step 105, in 30 s"
    state = running(45, 0.05)
    state.apply(e.PreviewMade(step=45, epoch=1, folder="previews/step-000045", pairs=[], trained=62.0, time=NOW + 18))
    ahead = outlook.upcoming(state, recipe(preview_every=0))
    assert next(one.text for one in ahead if one.what == outlook.PREVIEW) == "preview at about step 161, in 58 s"
    # a day later: what was trained counts, and not what the clock says
    later = {"time/step": 0.5}
    state.apply(e.Started(run="r", name="r", pid=2, program="x", time=NOW + 86_400))
    state.apply(e.StateChanged(state="running", step=45, time=NOW + 86_408))
    state.apply(e.Metrics(scope="step", step=65, epoch=1, values={**later}, eta_seconds=900, time=NOW + 86_418))
    ahead = outlook.upcoming(state, recipe(preview_every=0))
    assert next(one.text for one in ahead if one.what == outlook.PREVIEW) == "preview at about step 161, in 48 s"


def test_nothing_comes_next_where_no_step_is_trained_nor_after_the_end() -> None:
    state = running(45, 0.09)
    state.eta_seconds = 10.0
    assert [one.what for one in outlook.upcoming(state, recipe())] == ["validation"]
    state.apply(e.StateChanged(state="paused", step=45))
    assert outlook.upcoming(state, recipe()) == []
    assert outlook.upcoming(RunState(), recipe()) == []


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "now"),
        (40.4, "in 40 s"),
        (99.4, "in 99 s"),
        (100, "in 2 min"),
        (3569, "in 59 min"),
        (7500, "in 2 h 05 min"),
    ],
)
def test_a_time_ahead_has_no_digits_that_always_change(seconds: float, text: str) -> None:
    assert outlook.soon(seconds) == text


def test_the_pace_and_the_wait_for_data() -> None:
    state = running(45, 0.09, time__data=0.1)
    assert outlook.steps_per_second(state) == 2.0
    assert outlook.waiting_share(state) == 0.2
    assert outlook.waiting_share(running(45, 0.09)) is None
    assert outlook.steps_per_second(RunState()) is None


def test_a_start_has_four_stages_with_the_time_of_each() -> None:
    state = RunState().apply_all(
        [
            e.Started(run="r", name="r", pid=1, program="x", time=NOW),
            e.StateChanged(state="starting", detail="reading the sounds", time=NOW + 3),
            e.StateChanged(state="starting", detail="reading the sounds", done=120, total=4000, time=NOW + 5),
        ]
    )
    torch, sounds, net, first = stages(state, NOW + 7)
    assert (torch.name, torch.seconds, torch.is_done) == ("torch", 3.0, True)
    assert (sounds.name, sounds.seconds, sounds.is_done) == ("sounds", 4.0, False)
    assert sounds.detail == "reading the sounds: 120 of 4,000"
    assert (net.seconds, net.is_done, first.name, first.seconds) == (None, False, "first step", None)
    # a worker of before does not say that it builds the net
    state.apply(e.StateChanged(state="running", time=NOW + 9))
    assert [stage.is_done for stage in stages(state, NOW + 10)] == [True, True, True, False]


def test_times_real_time_is_of_the_pace_that_stands_beside_it() -> None:
    state = running(45, 0.09, rate__sound=6.0)
    slow = {"time/step": 1.5, "rate/sound": 2.0}
    state.apply(
        e.Metrics(scope="step", step=46, epoch=1, values={**slow}, progress=0.1, eta_seconds=900, time=NOW + 19)
    )
    # 3 seconds of sound a step, a step a second on average
    assert outlook.steps_per_second(state) == 1.0
    assert outlook.times_real_time(state) == 3.0
    assert outlook.times_real_time(running(45, 0.09)) is None


def test_steps_have_no_fractions_on_an_axis() -> None:
    assert round_numbers(0.0, 15, 7)[1] == 2.5
    assert round_numbers(0.0, 15, 7, whole=True) == [0, 5, 10, 15]
    assert round_numbers(0.2, 1.4, 8, whole=True) == [1]
    assert round_numbers(0.0, 2000, 8, whole=True) == [0, 500, 1000, 1500, 2000]
