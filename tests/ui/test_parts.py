"""The parts that need no screen: reduction, braille, words, the form, themes, paths, knobs."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from distill_tui.errors import RequestError
from distill_tui.files import printable
from distill_tui.recipe.fields import fields, flatten, live_keys, parse
from distill_tui.recipe.schema import Recipe
from distill_tui.reporting import formatting
from distill_tui.runs.state import Series
from distill_tui.ui.screens.config.form import RecipeForm, by_field, shown_fields
from distill_tui.ui.themes import load_themes, own_themes
from distill_tui.ui.widgets.braille import blocks, draw
from distill_tui.ui.widgets.envelope import MOST_BUCKETS, Column, Envelope
from distill_tui.ui.widgets.knobs import turned
from distill_tui.ui.widgets.path_input import completed, meant, offers, paths_for, split_paths


def a_series(values: list[float], first: int = 1) -> Series:
    series = Series()
    for index, value in enumerate(values):
        series.append(first + index, 0, 0, value, value, value)
    return series


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300), st.integers(1, 50))
def test_no_extreme_is_lost_by_reducing(values: list[float], width: int) -> None:
    columns = [c for c in Envelope().columns(a_series(values), width, 1, len(values)) if c is not None]
    assert min(c.low for c in columns) == min(values)
    assert max(c.high for c in columns) == max(values)


def test_reducing_goes_on_in_little_memory_and_keeps_a_spike() -> None:
    envelope, series = Envelope(), Series()
    for step in range(20_000):
        value = 99.0 if step == 7777 else 1.0
        series.append(step, 0, 0, value, value, value)
        if step % 997 == 0:
            envelope.columns(series, 40, 0, step)
    columns = envelope.columns(series, 40, 0, 19_999)
    assert len(envelope._buckets) <= MOST_BUCKETS
    assert [c.high for c in columns if c].count(99.0) == 1


def test_points_that_a_resumed_run_dropped_are_forgotten() -> None:
    envelope = Envelope()
    envelope.columns(a_series([1.0, 2.0, 50.0]), 10, 1, 3)
    again = a_series([1.0, 2.0])
    again.append(2.5, 0, 0, 3.0, 3.0, 3.0)
    assert max(c.high for c in envelope.columns(again, 10, 1, 3) if c) == 3.0


@given(st.lists(st.none() | st.floats(allow_nan=True, allow_infinity=True), max_size=60), st.integers(0, 5))
def test_any_curve_can_be_drawn(values: list[float | None], height: int) -> None:
    lines = draw([None if v is None else Column(v, v, v) for v in values], height)
    assert len(lines) == height
    assert all(len(line) == (len(values) + 1) // 2 for line in lines)


def test_a_rising_curve_rises_and_gaps_are_bridged() -> None:
    ends = [Column(0, 0, 0), *[None] * 6, Column(1, 1, 1)]
    upper, lower = draw(ends, 2)
    assert (lower[0] != " ", upper[0], lower[-1], upper[-1] != " ") == (True, " ", " ", True)
    assert all(a != " " or b != " " for a, b in zip(upper, lower, strict=True))


def test_blocks_have_a_height_and_mark_what_is_unknown() -> None:
    assert blocks([0.0, 0.5, 1.0, 7.0, math.nan]) == "▁▅██·"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (math.nan, "-"), (1.44, "1.4 s"), (48, "48 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert formatting.duration(seconds) == text


@given(st.floats(allow_nan=True, allow_infinity=True) | st.none())
def test_a_loss_takes_eight_cells_at_most(value: float | None) -> None:
    assert len(formatting.number(value)) <= 8


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.booleans())
def test_a_setting_means_itself_again(value: float | int | bool) -> None:
    text = formatting.setting(value)
    assert (text == "true") == value if isinstance(value, bool) else type(value)(text) == value


def test_the_form_means_the_recipe_that_it_shows() -> None:
    assert flatten(RecipeForm().recipe()) == flatten(Recipe())


def test_every_field_is_shown_once() -> None:
    shown = [f.key for f in shown_fields(True) + shown_fields(False)]
    assert sorted(shown) == sorted(key for key, field in fields().items() if not field.is_hidden)
    assert [f.key for f in shown_fields(True)] == [
        "name",
        "preset",
        "train.epochs",
        "train.minutes",
        "train.learning_rate",
        "model.rvq_levels",
        "loss.commitment_weight",
    ]


def test_a_form_keeps_what_is_wrong_and_names_it() -> None:
    form = RecipeForm()
    form.type("train.epochs", "0")
    form.type("model.rvq_levels", "x")
    assert set(form.problems()) == {"train.epochs", "model.rvq_levels"}
    with pytest.raises(RequestError, match=r"train\.epochs"):
        form.recipe()
    assert form.texts["train.epochs"] == "0"
    assert form.is_changed


def test_a_preset_tells_what_it_changed_only() -> None:
    form = RecipeForm()
    form.type("train.epochs", "400")
    changed = form.choose_preset("aggressive")
    assert "train.epochs" not in changed
    assert form.set_by_preset["model.channels"] == "384"


def test_problems_by_field() -> None:
    assert by_field(["model.hop_length: too big", "loss: nothing", "plain"]) == (
        {"model.hop_length": "too big"},
        ["loss: nothing", "plain"],
    )


@pytest.mark.parametrize("key", live_keys())
def test_knobs_turn_both_ways_and_stay_within_bounds(key: str) -> None:
    field = fields()[key]
    start = turned(field, float(field.default), 1)
    assert start > float(field.default)
    assert turned(field, start, 1) > start
    assert turned(field, start, -1) < start
    value = start
    for _ in range(2000):
        value = turned(field, value, -1)
        assert not parse(field, formatting.setting(value))[1]
    assert value == field.ge
    assert turned(field, float(field.le or 0), 1) == field.le


def test_our_own_themes_are_faultless() -> None:
    themes, problems = load_themes([own_themes()])
    assert {"distill", "distill-light", "high-contrast", "ansi"} <= set(themes)
    assert problems == []
    assert not themes["distill-light"].dark
    assert themes["ansi"].ansi


def test_bad_themes_are_skipped_and_bad_colours_replaced(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("not = [toml")
    (tmp_path / "wrong.toml").write_text("dark = 3")
    (tmp_path / "half.toml").write_text('[colors]\nprimary = "nonsense"\nerror = "#ff0000"\n[variables]\ndim = "$no"\n')
    themes, problems = load_themes([tmp_path, tmp_path / "missing"])
    assert list(themes) == ["half"]
    assert themes["half"].primary == "#5fafaf"
    assert themes["half"].error == "#ff0000"
    assert len(problems) == 4


def test_folders_are_completed(tmp_path: Path) -> None:
    for name in ("one", "once", ".hidden"):
        (tmp_path / name).mkdir()
    (tmp_path / "on a file").touch()
    assert paths_for(f"{tmp_path}/on") == [f"{tmp_path}/once/", f"{tmp_path}/one/"]
    assert completed(f"{tmp_path}/o", paths_for(f"{tmp_path}/o")) == f"{tmp_path}/on"
    assert paths_for(f"{tmp_path}/.h") == [f"{tmp_path}/.hidden/"]
    assert paths_for(f"{tmp_path}/nowhere/x") == []
    assert paths_for("~nobody-here/x") == []


def test_the_last_of_several_paths_is_completed(tmp_path: Path) -> None:
    for name in ("one", "a + b"):
        (tmp_path / name).mkdir()
    assert offers(f"{tmp_path}/x + {tmp_path}/on") == [f"{tmp_path}/x + {tmp_path}/one/"]
    assert offers(f"{tmp_path}/a + ") == [f"{tmp_path}/a + b/"]
    assert split_paths(f"{tmp_path}/a + b") == [f"{tmp_path}/a + b"]
    assert split_paths(f"{tmp_path}/one + /nowhere + ") == [f"{tmp_path}/one", "/nowhere"]
    assert meant("") == ""
    assert meant("/x/../y + /z/") == "/y + /z"


def test_a_quantity_is_not_torn_apart_at_the_end_of_a_line() -> None:
    assert formatting.wrap("14:03:59  finished after 2 min 34 s of time", 28, 10) == [
        "14:03:59  finished after",
        "          2 min 34 s of time",
    ]
    assert formatting.wrap("it held 22.05 kHz", 14) == ["it held", "22.05 kHz"]
    assert formatting.wrap("only 4 sounds", 7) == ["only 4", "sounds"]
    assert formatting.wrap("size 1.7M parameters", 16) == ["size", "1.7M parameters"]


@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=60), st.integers(2, 30))
def test_words_fit_into_cells_whatever_the_letters(text: str, width: int) -> None:
    said = printable(text + " 日本語の太鼓 שלום")
    assert all(cell_len(line) <= width for line in formatting.wrap(said, width))
    assert all(cell_len(line) <= max(width, 4) for line in formatting.wrap(said, width, 2))
    assert cell_len(formatting.shorten(said, width)) <= width
    assert cell_len(formatting.shorten_path(said, width)) <= width
    # nothing is lost but spaces
    assert "".join("".join(formatting.wrap(said, width)).split()) == "".join(said.replace("\u00a0", " ").split())


def test_a_name_cannot_turn_or_shift_what_stands_beside_it() -> None:
    assert printable("\u202egnp.exe") == "\N{REPLACEMENT CHARACTER}gnp.exe"
    assert printable("👩\u200d💻 ❤\ufe0f") == "👩💻 ❤"
    assert printable("a\x1b[31m\n") == "a\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}"
    assert printable("שלום [/x]") == "שלום [/x]"
