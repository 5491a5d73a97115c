"""Lines of styled text: which cells of them are sent again."""

from rich.text import Text

from distill_tui.ui.widgets.text_widget import changed_cells


def line(value: str, curve: str = "⣀⣀⣀", title: str = "dim", ink: str = "cyan") -> Text:
    return Text.assemble(("train ", title), (value, "bold"), "  ", (curve, ink))


def test_of_a_line_only_the_cells_that_changed_are_sent() -> None:
    assert changed_cells(line("0.51"), line("0.50"), 20) == (9, 10)
    assert changed_cells(line("0.50", "⣀⣀⣤"), line("0.50", "⣀⣀⣀"), 20) == (14, 15)
    assert changed_cells(line("0.49", "⣀⣤⣀"), line("0.50", "⣀⣀⣀"), 20) == (8, 14)
    # two cells a character
    assert changed_cells(line("漢字x"), line("漢字y"), 20) == (10, 11)
    # as far as the widget goes
    assert changed_cells(line("0.49", "⣀⣤⣀"), line("0.50", "⣀⣀⣀"), 10) == (8, 10)


def test_where_styles_or_lengths_change_more_is_sent() -> None:
    assert changed_cells(line("0.51", title="red"), line("0.50"), 20) == (0, 10)
    assert changed_cells(line("0.51", ink="red"), line("0.50"), 20) == (9, 15)
    assert changed_cells(line("0.50", ink="red"), line("0.50"), 20) == (0, 20)
    assert changed_cells(line("漢字"), line("ab"), 20) == (0, 20)
    assert changed_cells(line("0.501"), line("0.50"), 20) == (0, 20)
