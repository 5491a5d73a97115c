"""The bit rate that codes carry, and the settings that would carry the same for less, by keys and values."""

import math
from typing import Any

import pytest

from distill_tui.reporting.bitrate import Advice, advice_lines, advise, advise_on_run, entropy_kbps, size_that_carries
from distill_tui.runs import events as e
from distill_tui.runs.state import LevelHealth, RunState

RATE = 50.0
"""Latent frames a second."""


def levels(*perplexities: float | None, frames: float = 3000.0) -> list[LevelHealth]:
    return [LevelHealth(level, 0.9, value, 0.0, 0.0, frames) for level, value in enumerate(perplexities)]


def told(found: list[Advice]) -> list[tuple[str, int, int | None, float]]:
    return [(one.key, one.value, one.level, round(one.kbps, 3)) for one in found]


def test_codes_carry_their_entropy() -> None:
    assert entropy_kbps(levels(64.0, 16.0), RATE) == pytest.approx(0.5)
    for unknown in (levels(), levels(64.0, None), levels(64.0, 0.0), levels(64.0, math.nan)):
        assert entropy_kbps(unknown, RATE) is None
    assert entropy_kbps(levels(64.0), None) is None


@pytest.mark.parametrize(
    ("perplexity", "size"), [(1.0, 2), (3.2, 4), (40.0, 64), (51.0, 64), (52.0, 128), (200.0, 256)]
)
def test_the_size_that_carries_a_perplexity_leaves_room_for_uneven_use(perplexity: float, size: int) -> None:
    assert size_that_carries(perplexity) == size


def test_even_codebooks_are_advised_nothing() -> None:
    assert advise(levels(200.0, 190.0, 180.0), 256, RATE) == []
    assert advise(levels(110.0, 100.0), 256, RATE) == [], "a bit is not worth it"


def test_a_smaller_codebook_is_advised_where_it_fits_every_level() -> None:
    assert told(advise(levels(40.0, 20.0), 256, RATE)) == [("model.codebook_size", 64, None, 0.6)]


def test_a_single_level_is_named_where_others_need_its_size() -> None:
    found = advise(levels(200.0, 40.0, 5.0), 256, RATE)
    assert told(found) == [("model.codebook_size", 64, 1, 1.1), ("model.codebook_size", 8, 2, 0.95)]
    assert [one.id for one in advice_lines(found)] == ["advice/model.codebook_size/1", "advice/model.codebook_size/2"]


@pytest.mark.parametrize(
    ("distances", "value"),
    [
        ([0.40, 0.304, 0.301, 0.300], 2),
        ([0.40, 0.32, 0.304, 0.300], 3),
        ([0.303, 0.302, 0.301, 0.300], 1),
        ([0.40, 0.32, 0.31, 0.300], None),
        ([0.25, 0.30, 0.30, 0.300], 1),
        ([0.40, None, 0.301, 0.300], None),
        ([], None),
    ],
)
def test_fewer_levels_are_advised_where_the_last_ones_bring_little(
    distances: list[float | None], value: int | None
) -> None:
    found = advise(levels(200.0, 200.0, 200.0, 200.0), 256, RATE, distances)
    assert told(found) == ([] if value is None else [("levels", value, None, round(0.4 * value, 3))])


@pytest.mark.parametrize("few", [{"frames": 700.0}, {"frames": 0.0}], ids=["fewer than three a code", "none"])
def test_too_few_frames_and_missing_numbers_are_no_ground_for_advice(few: dict[str, Any]) -> None:
    assert advise(levels(40.0, 20.0, **few), 256, RATE) == []
    assert advise(levels(40.0, None), 256, RATE) == []
    assert advise(levels(40.0, 20.0), 0, RATE) == advise(levels(40.0, 20.0), 256, None) == []


def test_a_run_is_advised_once_it_has_ended() -> None:
    prepared = e.RunPrepared(
        device="cpu", precision="float32", parameters=1, steps_per_epoch=1, total_epochs=1, frame_rate=RATE, kbps=1.2,
        codebook_size=256, levels=3,
    )  # fmt: skip
    health: dict[str, float | None] = {
        f"codebook/{n}/{key}": v for n in range(3) for key, v in {"perplexity": 40.0, "frames": 3000.0}.items()
    }
    model = e.ModelSaved(id="x", name="x", path="x", step=9, level_distances=[0.4, 0.3, 0.3])
    metrics = e.Metrics(scope="epoch", step=9, epoch=1, values=health)
    state = RunState(state="running").apply_all([prepared, metrics, model])
    assert advise_on_run(state) == []
    state.apply(e.Finished(step=9, epoch=1, seconds=2.0))
    assert [one.key for one in advise_on_run(state)] == ["levels", "model.codebook_size"]
