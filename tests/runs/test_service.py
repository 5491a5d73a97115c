"""What becomes of wishes when a run goes on."""

import pytest

from distill_tui.paths import Home
from distill_tui.runs import events as e
from distill_tui.runs.control import change_control, read_control
from distill_tui.runs.service import forget_refused
from tests.runs.support import a_run, started, write

MEL, STFT, RATE = "loss.mel_weight", "loss.stft_weight", "train.learning_rate"


def refused(key: str, value: float | None) -> e.SettingRejected:
    return e.SettingRejected(key=key, text="no", step=3, value=value)


def turned(key: str, new: float) -> e.SettingChanged:
    return e.SettingChanged(key=key, old=1.0, new=new, step=4)


@pytest.mark.parametrize(
    ("answers", "wishes", "kept"),
    [
        ([refused(MEL, 0.0)], {MEL: 0.0, STFT: 0.5}, {STFT: 0.5}),
        # not a number, which is null in both files
        ([refused(RATE, None)], {RATE: None}, {}),
        # asked for again after the last worker was heard, or granted in the end
        ([refused(MEL, 0.0)], {MEL: 0.25}, {MEL: 0.25}),
        ([refused(MEL, 0.0), turned(STFT, 0.5), turned(MEL, 0.0)], {MEL: 0.0}, {MEL: 0.0}),
        ([], {MEL: 0.0}, {MEL: 0.0}),
    ],
)
def test_what_was_refused_does_not_come_true_when_a_run_goes_on(
    home: Home, answers: list[e.Event], wishes: dict[str, float | None], kept: dict[str, float | None]
) -> None:
    run = a_run(home)
    write(run, started(run), *answers, e.Stopped(step=9, epoch=1, seconds=1.0))
    forget_refused(run)
    assert not run.control.exists()
    change_control(run.control, lambda control: control.knobs.update(wishes))
    forget_refused(run)
    assert read_control(run.control).knobs == kept
