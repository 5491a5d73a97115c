"""When previews are made, and what is in them."""

from pathlib import Path

import pytest

from distill_tui.engine.tasks.preview_files import counts_of_levels
from distill_tui.paths import Home
from distill_tui.recipe import preview_times
from distill_tui.recipe.preview_times import PreviewTimes, next_preview
from distill_tui.runs import events as e
from distill_tui.runs import previews
from tests.engine.support import events_of, make_run, make_trainer, tones


def test_previews_by_time_come_after_a_minute_and_then_double() -> None:
    assert [next_preview(seconds) for seconds in (0, 59.9, 60, 119, 120, 500)] == [60, 60, 120, 120, 240, 960]


def test_slow_previews_are_made_less_often() -> None:
    times = PreviewTimes()
    times.start(0.0)
    times.add(61.0, took=1.0)
    assert times.due == 120
    times.add(125.0, took=20.0)
    assert times.due == 1920, "41 s of previews are 3 % of half an hour"
    resumed = PreviewTimes()
    resumed.start(130.0)
    assert resumed.due == 240


def test_of_many_levels_a_few_are_heard() -> None:
    assert [counts_of_levels(n) for n in (0, 1, 3)] == [[], [], [1, 2]]
    assert counts_of_levels(24) == [1, 2, 4, 8, 16]
    assert counts_of_levels(16) == [1, 2, 4, 8]


@pytest.mark.slow
def test_previews_by_time_change_no_weights(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sounds = tones(tmp_path / "sounds", count=12)

    def trained(first: float) -> tuple[list[e.PreviewMade], object]:
        monkeypatch.setattr(preview_times, "FIRST_PREVIEW", first)
        monkeypatch.setattr(preview_times, "MOST_PREVIEW_SHARE", 100.0)
        trainer = make_trainer(home, make_run(home, sounds, train__previews=2, train__quantizer_warmup_fraction=0.0))
        trainer.run()
        return events_of(trainer.run_folder, e.PreviewMade), {
            k: v.tolist() for k, v in trainer.net.state_dict().items()
        }

    made, weights = trained(0.001)
    none, same = trained(1e6)
    assert made
    assert not none
    assert weights == same
    assert [one.trained for one in made] == sorted(one.trained for one in made)
    assert made[0].trained > 0
    # of each sound, what it is by the first levels
    of_first = made[-1].levels[0]
    assert [count for count, _, _ in of_first] == [1]
    assert list(home.runs.glob(f"*/{of_first[0][1]}"))


@pytest.mark.slow
def test_previews_are_flac_and_keep_to_a_limit(home: Home, tmp_path: Path) -> None:
    run = make_run(
        home, tones(tmp_path / "sounds", count=12), train__previews=1, train__preview_every=1, train__epochs=9
    )
    trainer = make_trainer(home, run)
    trainer.task.preview_format, trainer.preview_limit = "flac", 1
    trainer.run()
    made = events_of(run, e.PreviewMade)
    assert {Path(name).suffix for one in made for pair in one.pairs for name in pair[:2]} == {".flac"}
    steps = [one.step for one in made]
    assert len(steps) >= 8
    kept = set(previews.folders(run))
    assert {steps[0], steps[-1]} <= kept < set(steps)
    assert len(kept) <= 5
    (told,) = [one for one in events_of(run, e.WarningRaised) if one.code == "previews-thinned"]
    assert "[sounds] limit" in told.text
