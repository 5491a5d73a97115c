"""The axes of spectrograms, and what is said of previews and blind tests."""

import re
from pathlib import Path

import pytest

from distill_tui.data.spectrogram import LEAST_HERTZ, mel_filters
from distill_tui.reporting import blind_test, mel_axis
from distill_tui.reporting.previews import levels_text, moment, none_yet, why_no_levels
from distill_tui.runs import events as e
from distill_tui.runs.blind_tests import FILE, Answer, keep_answers, read_answers
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.state import RunState


@pytest.mark.parametrize(("rate", "rows"), [(44_100, 14), (44_100, 40), (8_000, 7), (11_025, 20)])
def test_a_frequency_is_labelled_where_it_is_drawn(rate: int, rows: int) -> None:
    assert mel_axis.LEAST_HERTZ == LEAST_HERTZ
    filters = mel_filters(2 * rows, 8192, rate)
    filters /= filters.max(1, keepdims=True)
    labels = mel_axis.hertz_labels(rate, rows)
    assert len(labels) >= 3
    for row, label in labels.items():
        digits = re.sub(r"\D", "", label)
        hertz = int(digits) * (1000 if "k" in label else 1)
        highest = 2 * (rows - row) - 1
        # between the centres of two bands it is as much in one as in the other, and lies on the border of two rows
        assert filters[highest - 1 : highest + 1, round(hertz / rate * 8192)].max() > 0.45, label


def test_seconds_stand_at_their_columns() -> None:
    line = mel_axis.seconds_line(1.25, 57)
    assert len(line) == 57
    assert line.startswith("0 ")
    assert abs(line.index("0.5") / 57 * 1.25 - 0.5) <= 1.25 / 57
    assert line.rstrip().endswith(" s")
    assert mel_axis.seconds_line(0.0, 20) == " " * 20
    assert all(len(mel_axis.seconds_line(3.7, width)) == width for width in range(2, 30))


def answers(right: int, wrong: int, unsure: int = 0) -> list[Answer]:
    kinds = [True] * right + [False] * wrong + [None] * unsure
    return [Answer(step=1, is_right=kind) for kind in kinds]


def test_a_blind_test_says_what_its_score_means() -> None:
    assert blind_test.chance(5, 5) == 1 / 32
    assert blind_test.score_text([]) == "no answers yet"
    assert blind_test.score_text(answers(5, 2, 1)) == "5 of 7 right, 1 cannot tell"
    assert blind_test.verdict(answers(4, 0)).startswith("Too few answers")
    assert blind_test.verdict(answers(5, 0)).startswith("You hear the difference: guesses are as good in 3.1 %")
    assert blind_test.verdict(answers(4, 3)) == "No difference proven: guesses are as good in 50 % of cases."
    assert "less than 0.1 %" in blind_test.verdict(answers(20, 0))
    # who cannot tell has not heard it
    assert blind_test.verdict(answers(5, 0, 5)).startswith("No difference")


def test_answers_are_kept_in_the_folder_of_the_run(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    assert read_answers(run) == []
    keep_answers(run, answers(1, 1, 1))
    assert [one.is_right for one in read_answers(run)] == [True, False, None]
    (tmp_path / FILE).write_text('{"answers": 3}')
    assert read_answers(run) == []


def test_a_sound_without_levels_is_told_why() -> None:
    def state(levels: int, task: str = "") -> RunState:
        prepared = e.RunPrepared(
            device="cpu", precision="", parameters=1, steps_per_epoch=1, total_epochs=1, levels=levels, task=task
        )
        return RunState(prepared=prepared, state="running")

    def preview(*levels: int) -> e.PreviewMade:
        of_each: list[list[tuple[int, str, float | None]]] = [
            [(n + 1, "a", None) for n in range(count)] for count in levels
        ]
        return e.PreviewMade(step=1, epoch=1, folder="f", pairs=[("a", "b", None)] * 2, levels=of_each, trained=242.0)

    assert "first sound only" in why_no_levels(state(3), preview(2, 0))
    assert "continuous" in why_no_levels(state(0), preview(0, 0))
    assert "one level" in why_no_levels(state(1), preview(0, 0))
    assert "not initialised" in why_no_levels(state(3), preview(0, 0))
    assert "holds no" in why_no_levels(state(3), preview())
    assert levels_text(state(3), 2) == "by 2 of 3 levels"
    assert levels_text(state(0, "prior"), 1) == "by 1 level"
    assert moment(preview()) == "4 min"
    assert "after a minute" in none_yet(state(3))
