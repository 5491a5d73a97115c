"""The percentage between two anchors, its word, and where it is told."""

import math
from pathlib import Path

import pytest

from distill_tui.library.card import Card
from distill_tui.reporting.comparison import compare, of_model
from distill_tui.reporting.event_text import epoch_line
from distill_tui.reporting.lines import texts
from distill_tui.reporting.model_report import sound_lines
from distill_tui.reporting.quality import (
    Quality,
    percent_of,
    quality_document,
    quality_of_card,
    quality_of_run,
    quality_text,
)
from distill_tui.reporting.run_report import status_report
from distill_tui.reporting.sound_quality import Numbers
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.state import RunState

FLOOR, CEILING = {"distance": 1.1, "mel": 0.9}, {"distance": 0.1, "mel": 0.1}
HEARD = {"mel": 0.3, "buzz": 0.5, "level": 1.0, "attack": 1.0, "dull_above": 8000.0}


def a_state(distance: float | None = 0.39) -> RunState:
    """A run that was validated once."""
    values = {"distance/val": distance} | {f"distance/{key}": value for key, value in HEARD.items()}
    prepared = e.RunPrepared(
        device="cpu", precision="float32", parameters=1, steps_per_epoch=1, total_epochs=1, rate=8000
    )
    return RunState().apply_all(
        [
            e.Started(run="a", name="a", pid=1, program="1"),
            prepared,
            e.AnchorsMeasured(floor={**FLOOR}, ceiling={**CEILING}, sounds=3),
            e.Metrics(scope="epoch", step=1, epoch=1, values=values),
        ]
    )


def a_card() -> Card:
    return Card(
        rate=8000,
        losses={"distance": 0.39},
        distances={**HEARD},
        anchors={"floor": {**FLOOR}, "ceiling": {**CEILING}},
    )


def test_the_scale_is_linear_between_its_ends_and_clamped() -> None:
    for distance, percent in ((1.1, 0.0), (0.6, 50.0), (0.1, 100.0), (0.05, 100.0), (3.0, 0.0)):
        assert percent_of("distance", {"distance": distance}, FLOOR, CEILING) == pytest.approx(percent)
    unknown: list[Numbers] = [{}, {"distance": None}, {"distance": math.nan}]
    for distances in unknown:
        assert percent_of("distance", distances, FLOOR, CEILING) is None
    assert percent_of("distance", FLOOR, FLOOR, {}) is None
    assert percent_of("distance", FLOOR, CEILING, CEILING) is None, "sounds that are no more than their mean"
    assert percent_of("distance", FLOOR, {"distance": math.nan}, CEILING) is None


def test_a_percentage_has_a_word_and_what_is_wrong_is_named() -> None:
    grades = [Quality(percent).grade for percent in (0.0, 49.4, 49.6, 85.0, 94.9, 100.0, None)]
    assert grades == ["rough", "rough", "recognisable", "close", "hard to tell apart", "hard to tell apart", ""]
    assert Quality(96.0, ("buzzes",)).grade == "close", "it is heard to be another"
    quality = quality_of_run(a_state())
    assert quality is not None
    assert quality_text(quality) == "71 %: dull above 8 kHz, buzzes"
    assert quality_of_card(a_card()) == quality
    assert quality_document(quality) == {
        "percent": pytest.approx(71.0),
        "words": ("dull above 8 kHz", "buzzes"),
        "mel_percent": pytest.approx(75.0),
        "grade": "recognisable",
        "text": "71 %: dull above 8 kHz, buzzes",
    }
    assert quality_text(Quality(90.4)) == "90 %: close"
    assert quality_text(None) == quality_text(Quality(None)) == ""


def test_what_has_no_scale_has_no_quality_and_says_nothing_of_it() -> None:
    old, images = Card(rate=8000, losses={"distance": 0.3}, distances={**HEARD}), Card(losses={"distance": 0.1})
    assert quality_of_card(old) is None and quality_of_card(images) is None and quality_document(None) is None
    assert quality_of_card(Card(anchors={"floor": {}, "ceiling": {}})) is None
    assert quality_of_run(RunState()) is None and quality_of_run(a_state(None)) is None
    assert "quality" not in " ".join(texts(sound_lines(old)))
    assert all(row.title != "quality" for row in compare([of_model("a", old, {}), of_model("b", old, {})]))
    rows = {row.title: row for row in compare([of_model("a", old, {}), of_model("b", a_card(), {})])}
    assert rows["quality"].values == ("-", "71 %: dull above 8 kHz, buzzes")


def test_reports_tell_it_beside_the_numbers() -> None:
    lines = texts(sound_lines(a_card()))
    assert lines[2:5] == [
        "  quality   71 %, recognisable: dull above 8 kHz, buzzes",
        "  distance    0.390",
        "  mel         0.300  dull above 8 kHz",
    ]
    state = a_state()
    assert "quality    71 %, recognisable: dull above 8 kHz, buzzes" in texts(
        status_report(RunFolder(Path("a")), state)
    )
    event = e.Metrics(scope="epoch", step=1, epoch=1, values={"distance/val": 0.39})
    assert "quality 71 %: dull above 8 kHz, buzzes" in epoch_line(event, state, with_eta=False).text
