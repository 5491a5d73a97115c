"""Lines of characters: only those that changed are sent, up to their last change."""

from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style

from distill_tui.ui.screens.explorer.cell_grid import BLANK, changed_until, runs
from distill_tui.ui.widgets.braille_canvas import Cell

cells = st.lists(st.sampled_from([BLANK, ("a", None), ("b", None), ("a", Style(bold=True))]), max_size=30)


@given(cells, cells)
def test_behind_the_last_change_a_row_is_what_it_was(old: list[Cell], new: list[Cell]) -> None:
    width = max(len(old), len(new))
    before, after = (row + [BLANK] * (width - len(row)) for row in (old, new))
    end = changed_until(old, new)
    assert before[end:] == after[end:]
    assert not end or before[end - 1] != after[end - 1]


def test_a_wide_character_is_sent_whole() -> None:
    wide: list[Cell] = [("字", None), ("", None), ("x", None)]
    other: list[Cell] = [("語", None), ("", None), ("x", None)]
    narrow: list[Cell] = [("a", None), ("b", None), ("x", None)]
    assert changed_until(wide, other) == 2
    assert changed_until(wide, narrow) == 2
    assert changed_until(narrow, wide) == 2


INKS = [None, Style(color="red"), Style(bgcolor="blue"), Style(color="red", reverse=True), Style(underline=True)]


def look(char: str, style: Style | None) -> object:
    """What is seen of a character: of a blank no colour in front."""
    style = style or Style()
    return (char, style) if char != " " else (style.bgcolor, bool(style.underline), style.reverse and style.color)


@given(st.lists(st.tuples(st.sampled_from(" a"), st.sampled_from(INKS)), max_size=12))
def test_blanks_join_a_run_where_they_look_the_same(row: list[Cell]) -> None:
    joined = [(char, style) for text, style in runs(row) for char in text]
    assert [look(*cell) for cell in joined] == [look(*cell) for cell in row]
