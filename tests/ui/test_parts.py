"""The parts that need no screen: reduction, braille, words, the form, themes, paths, knobs."""

import math
import re
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style

from distill_tui.errors import RequestError
from distill_tui.recipe.fields import fields, flatten, live_keys, parse
from distill_tui.recipe.schema import Recipe
from distill_tui.reporting import formatting
from distill_tui.reporting.axis import Scale, scale_for
from distill_tui.reporting.series import Point
from distill_tui.text import printable
from distill_tui.ui.screens.config.form import (
    RecipeForm,
    advanced_fields,
    basic_fields,
    by_field,
    matches,
    read_as,
    shown_as,
)
from distill_tui.ui.themes import load_themes, own_themes
from distill_tui.ui.widgets.blocks import blocks
from distill_tui.ui.widgets.braille_canvas import BrailleCanvas
from distill_tui.ui.widgets.knobs import turned
from distill_tui.ui.widgets.path_input import completed, meant, offers, paths_for, split_paths


def points_of(values: Sequence[float | None]) -> list[Point]:
    return [Point(x, v, v, v) for x, v in enumerate(values) if v is not None and math.isfinite(v)]


@given(st.lists(st.none() | st.floats(allow_nan=True, allow_infinity=True), max_size=60), st.integers(1, 5))
def test_any_curve_can_be_drawn(values: list[float | None], height: int) -> None:
    width, points = (len(values) + 1) // 2, points_of(values)
    scale = scale_for([(p.low, p.high) for p in points], height * 4)
    canvas = BrailleCanvas(width, height)
    if scale is not None:
        canvas.curve(points, scale, Style())
        canvas.envelope(points, scale, Style())
        canvas.line(points, scale, Style())
    assert all(canvas.row(y).cell_len == width for y in range(height))
    # every point has its dot
    columns = {x for x in range(width) if any(canvas.cells(y)[x][0] != " " for y in range(height))}
    assert columns >= {point.x // 2 for point in points}


def test_a_rising_curve_rises_and_gaps_are_bridged() -> None:
    canvas = BrailleCanvas(4, 2)
    canvas.curve(points_of([0, *[None] * 6, 1]), Scale(0, 1, 8), Style())
    upper, lower = (canvas.row(y).plain for y in range(2))
    assert (lower[0] != " ", upper[0], lower[-1], upper[-1] != " ") == (True, " ", " ", True)
    assert all(a != " " or b != " " for a, b in zip(upper, lower, strict=True))


def test_what_is_written_over_a_canvas_stays_inside_it() -> None:
    canvas, ink = BrailleCanvas(4, 1), Style(bold=True)
    canvas.dot(1, 0, ink)
    canvas.put(2, 0, "鼓鼓", ink)
    canvas.put(-1, 0, "ab", ink)
    canvas.put(0, 5, "c", ink)
    assert canvas.cells(0) == [("b", ink), (" ", None), ("鼓", ink), ("", ink)]
    assert canvas.row(0).plain == "b 鼓"


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
    shown = [f.key for f in [*basic_fields(), *chain(*advanced_fields().values())]]
    assert sorted(shown) == sorted(key for key, field in fields().items() if not field.is_hidden)
    assert [f.key for f in basic_fields()] == [
        "name",
        "preset",
        "train.epochs",
        "train.minutes",
        "train.learning_rate",
        "model.rvq_levels",
        "loss.commitment_weight",
    ]


SHARE = fields()["train.warmup_fraction"]


@pytest.mark.parametrize(("typed", "value"), [("3", 0.03), ("3 %", 0.03), ("0.03", 0.0003), (" 12.5% ", 0.125)])
def test_a_fraction_is_typed_in_percent(typed: str, value: float) -> None:
    assert read_as(SHARE, typed) == (value, "")
    assert read_as(SHARE, shown_as(SHARE, value)) == (value, "")


@pytest.mark.parametrize("typed", ["", "x", "51", "-1", "nan", "inf", "1e999999999999999999", "3 % %x", "9" * 4000])
def test_what_is_no_fraction_is_said_in_percent(typed: str) -> None:
    problem = read_as(SHARE, typed)[1]
    assert re.search(r"is not a percentage, 0 to 50$|a percentage is needed|% is outside 0 to 50 %$", problem)
    assert len(problem) < 90


def test_changes_are_from_the_preset_and_settings_are_found_by_their_words() -> None:
    form = RecipeForm({"model.rvq_levels": 5})
    assert form.changes() == {"model.rvq_levels": "3"}
    form.type("train.warmup_fraction", "3")
    assert "train.warmup_fraction" not in form.changes(), "3 and 3 % are one value"
    form.type("train.warmup_fraction", "4")
    form.type("name", "mine")
    assert form.changes() == {"model.rvq_levels": "3", "train.warmup_fraction": "3 %"}
    found = [field.key for field in fields().values() if matches(field, "WARM rate")]
    assert found == ["train.learning_rate", "train.warmup_fraction"], "of title, key and help"


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
    form.choose_preset("faithful")
    form.type("loss.scales", "4")
    assert "train.adversarial_fraction" in form.choose_preset("aggressive")
    assert (form.texts["train.adversarial_fraction"], form.texts["loss.scales"]) == ("0 %", "4"), "what was typed stays"
    assert form.set_by_preset["train.weight_decay"] == "0.01"
    assert form.texts["model.channels"] == "auto"


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
    assert split_paths("a + " * 1000) == ["a"] * 1000
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
