"""Which held-out sounds are looked at, and which are heard as previews."""

from pathlib import Path

import numpy as np
import pytest
from torch import Tensor

from distill_tui.engine.dsp.stft import log_mel
from distill_tui.engine.tasks import selection
from distill_tui.engine.tasks.selection import choose_different, choose_evenly
from distill_tui.paths import Home
from distill_tui.runs import events as e
from tests.engine.support import RATE, events_of, make_run, make_trainer, tones


def tone(frequency: float, seconds: float = 0.3) -> np.ndarray:
    time = np.arange(int(seconds * RATE)) / RATE
    return (0.5 * np.sin(2 * np.pi * frequency * time)).astype(np.float32)


def test_previews_are_of_sounds_that_differ() -> None:
    # three near-twins, and three sounds of their own
    waves = [tone(f) for f in (400, 401, 402, 1000, 2000, 3500)]
    chosen = choose_different(waves, [""] * 6, RATE, 4)
    assert len(set(chosen) & {0, 1, 2}) == 1
    assert {3, 4, 5} < set(chosen)
    twins = [tone(400) * loud for loud in (1.0, 0.95, 0.9)]
    chosen = choose_different([*twins, tone(1000)], [""] * 4, RATE, 4)
    assert len(chosen) == 2, "of near-twins there is one, though more were asked for"


def test_each_sub_folder_comes_first() -> None:
    waves = [tone(f) for f in (300, 1000, 2000, 3500, 310, 320)]
    chosen = choose_different(waves, ["a", "a", "a", "a", "b", "c"], RATE, 3)
    assert {4, 5} < set(chosen)


def test_of_thousands_of_sounds_a_few_hundred_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[int] = []

    def counted(mel: Tensor) -> Tensor:
        heard.append(1)
        return log_mel(mel)

    monkeypatch.setattr(selection, "log_mel", counted)
    waves = [tone(200 + i, 0.02) for i in range(3000)]
    chosen = choose_different(waves, [""] * 3000, RATE, 4)
    assert len(set(chosen)) == 4
    assert len(heard) == selection.MAX_COMPARED


def test_a_sound_of_a_few_samples_is_no_trouble() -> None:
    assert len(choose_different([tone(300), tone(400, 0.001), tone(900)], [""] * 3, RATE, 2)) == 2


def test_validation_is_spread_evenly_over_the_files() -> None:
    assert choose_evenly([RATE] * 10, RATE, 100.0) == list(range(10))
    assert choose_evenly([RATE] * 10, RATE, 5.0) == [0, 2, 4, 6, 8]
    assert choose_evenly([100 * RATE] * 10, RATE, 60.0) == [0, 5], "30 s of a file count"


def test_previews_have_the_names_of_their_sounds(home: Home, tmp_path: Path) -> None:
    trainer = make_trainer(home, make_run(home, tones(tmp_path / "sounds", count=12), train__previews=2))
    trainer.advance()
    trainer.preview()
    (made,) = events_of(trainer.run_folder, e.PreviewMade)
    assert len(made.names) == len(made.pairs) == 2
    assert all(name.startswith("tone-") and name.endswith(".wav") for name in made.names)
    assert len(set(made.names)) == 2
