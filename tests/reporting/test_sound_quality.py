"""The words, digits and formula of the distances, and what models without all of them are compared by."""

import math

import pytest

from distill_tui.library.card import Card
from distill_tui.reporting import sound_quality as sq
from distill_tui.reporting.comparison import compare, of_model
from distill_tui.reporting.lines import texts
from distill_tui.reporting.metrics import pane_name, short_name

TODAY = {"mel": 0.2871, "lsd": 10.04, "buzz": 0.58, "level": -7.3, "attack": -7.4}
OURS = {"mel": 0.25, "lsd": 9.0, "buzz": 0.1, "level": 1.0, "attack": -2.0}


def test_the_distance_follows_its_formula_and_one_silent_sound_does_not_rule_it() -> None:
    assert sq.distance(TODAY) == pytest.approx(0.2871 + 0.058 + 0.073 + 0.074)
    assert sq.distance(TODAY | {"level": 93.0}) == pytest.approx(0.2871 + 0.058 + 0.2 + 0.074)
    assert math.isnan(sq.distance(TODAY | {"level": math.nan}))
    both = sq.summary([TODAY, OURS, OURS])
    assert both["distance"] == pytest.approx((sq.distance(TODAY) + 2 * sq.distance(OURS)) / 3)
    assert both["level"] == pytest.approx(3.1)
    assert (both["level_median"], both["attack_median"]) == (1.0, -2.0)


def test_each_number_has_a_word_from_its_threshold_on() -> None:
    assert sq.words(sq.summary([TODAY])) == "buzzes, too quiet, soft attacks"
    assert sq.words(sq.summary([OURS])) == "" == sq.words({})
    assert sq.words({"level": 3.1, "level_median": 2.0, "attack": 5.0, "attack_median": 5.0}) == (
        "too loud, hard attacks"
    )
    assert sq.words({"level": 5.0, "level_median": -1.0, "attack": 5.0}) == "uneven loudness, uneven attacks"
    assert sq.words({"buzz": 0.2, "level": None, "attack": math.nan}) == ""


def test_lines_have_values_with_units_and_words_beside_them() -> None:
    lines = sq.table_lines(sq.summary([TODAY]))
    assert [text.split() for text in texts(lines)] == [
        ["distance", "0.492"],
        ["mel", "0.287"],
        ["lsd", "10.0", "dB"],
        ["buzz", "0.58", "buzzes"],
        ["level", "7.3", "dB", "too", "quiet"],
        ["attack", "7.4", "dB", "soft", "attacks"],
    ]
    assert lines[3].spans[-1] == ("  buzzes", "fair")
    assert sq.value_text("level", None) == "-"
    assert sq.value_text("distance", 0.0123) == "0.0123"
    assert sq.value_text("mel", math.nan) == "NaN"
    assert len(sq.value_text("lsd", 1e90)) < 14


def test_the_distance_of_an_older_model_is_its_mel_and_both_are_compared_by_that() -> None:
    older = Card(rate=44100, losses={"distance": 0.27})
    newer = Card(rate=44100, losses={"distance": 0.49}, distances={**sq.summary([TODAY]), "unknown": 1.0})
    images = Card(losses={"distance": 0.01})
    numbers = [sq.of_model(card) for card in (older, newer, images)]
    assert numbers[0] == {"mel": 0.27} and numbers[2] == {"distance": 0.01}
    assert sq.common_measure(numbers) == "mel"
    assert [sq.listed(one, "mel") for one in numbers] == [0.27, 0.2871, 0.01]
    assert sq.common_measure(numbers[1:]) == "distance" == sq.common_measure([{}])
    rows = {row.title: row for row in compare([of_model("a", older, {}), of_model("b", newer, {})])}
    assert (rows["held-out mel"].values, rows["held-out mel"].better) == (("0.270", "0.287"), 0)
    assert (rows["held-out distance"].values, rows["held-out distance"].better) == (("-", "0.490"), None)
    assert rows["held-out buzz"].values == ("-", "0.58, buzzes")


def test_curves_are_named() -> None:
    assert short_name("distance/level_median") == "held-out level median"
    assert pane_name("distance/val") == pane_name("distance/mel") != pane_name("distance/buzz")
