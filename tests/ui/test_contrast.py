"""What is written can be read: in every theme, also a user's own, and with as few colours as a terminal has."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.color import Color as RichColor
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.theme import BUILTIN_THEMES

from distill_tui.paths import Home
from distill_tui.ui.app import DistillApp
from distill_tui.ui.settings_check import all_problems
from distill_tui.ui.terminal.ansi16 import NO_TEXT, VGA, XTERM, Ansi16, in_sixteen, worst
from distill_tui.ui.terminal.contrast import READABLE, contrast_problems, ratio
from distill_tui.ui.themes import load_themes, own_themes
from tests.library.models import write
from tests.ui import recorded
from tests.ui.conftest import screen_text, until

OWN = sorted(file.stem for file in own_themes().glob("*.toml"))
triplets = st.tuples(*[st.integers(0, 255)] * 3)


def test_contrast_is_that_of_the_standard() -> None:
    assert ratio((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert ratio((0x77, 0x77, 0x77), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("name", OWN)
def test_our_themes_can_be_read_in_true_colour_and_in_256_colours(name: str) -> None:
    themes, _ = load_themes([own_themes()])
    assert contrast_problems(themes[name]) == []


@pytest.mark.parametrize("dark", ["true", "false"])
def test_a_theme_that_chooses_nothing_can_be_read(tmp_path: Path, dark: str) -> None:
    (tmp_path / "mine.toml").write_text(f"dark = {dark}\n")
    themes, _ = load_themes([tmp_path])
    assert contrast_problems(themes["mine"]) == []


def test_every_theme_of_textual_can_be_looked_at() -> None:
    for theme in BUILTIN_THEMES.values():
        contrast_problems(theme)


@pytest.mark.slow
async def test_a_users_own_theme_that_is_hard_to_read_is_told(home: Home) -> None:
    folder = home.root / "themes"
    folder.mkdir(parents=True)
    (folder / "pale.toml").write_text('[variables]\ndim = "#333333"\n')
    assert "theme pale: dim on surface: contrast 1.3, text needs 4.5" in all_problems(home)
    app = DistillApp(home)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.screen.query("#start"))
        assert "contrast" not in screen_text(app)
        await pilot.press("ctrl+p", *"pale", "enter")
        await until(pilot, lambda: "theme pale: dim on" in screen_text(app))


def shown(style: Style, system: ColorSystem) -> tuple[tuple[int, int, int], tuple[int, int, int], float]:
    """Letters and what is behind them as this terminal shows them, and the least of their contrasts."""
    assert style.color is not None
    assert style.bgcolor is not None
    over, under = style.color.downgrade(system), style.bgcolor.downgrade(system)
    letters, behind = over.get_truecolor(), under.get_truecolor()
    if system == ColorSystem.STANDARD:
        assert over.number is not None
        assert under.number is not None
        return letters, behind, worst(over.number, under.number)
    return letters, behind, ratio(letters, behind)


def assert_readable(app: DistillApp, system: ColorSystem, where: object) -> None:
    """All text on the screen; what a dialog has dimmed is not there to be read."""
    region = app.screen.children[0].region if app.screen.is_modal else app.screen.region
    strips = app.screen._compositor.render_strips()[region.y : region.bottom]
    for text, style, _ in (cell for strip in strips for cell in strip.crop(region.x, region.right)):
        if any(char.isalnum() for char in text) and style is not None:
            letters, behind, contrast = shown(style, system)
            assert contrast >= READABLE, f"{text!r} of {where}: {letters} on {behind}, {contrast:.1f}"


@pytest.mark.slow
async def test_all_that_is_written_can_be_read_after_the_theme_was_changed(home: Home) -> None:
    write(home.models / "drums.distill")
    app = DistillApp(home, recorded.diverged(home))
    places = (("2", "the loss is not finite"), ("1", "Start training"), ("3", "46.9 latent frames"))
    async with app.run_test(size=(200, 50)) as pilot:
        for theme in ("distill", "distill-light"):
            app.theme = theme
            for key, said in places:
                await pilot.press(key)
                await until(pilot, lambda said=said: said in screen_text(app))  # type: ignore[misc]
                await pilot.pause()
                assert_readable(app, ColorSystem.TRUECOLOR, (theme, key))


@pytest.mark.slow
@pytest.mark.parametrize("term", ["xterm-256color", "xterm-16color"])
@pytest.mark.parametrize("name", [name for name in OWN if not name.startswith("ansi")])
async def test_all_that_is_written_on_the_screens_can_be_read(
    home: Home, monkeypatch: pytest.MonkeyPatch, term: str, name: str
) -> None:
    monkeypatch.delenv("COLORTERM")
    monkeypatch.setenv("TERM", term)
    system = ColorSystem.STANDARD if "16" in term else ColorSystem.EIGHT_BIT
    write(home.models / "drums.distill")
    home.settings.write_text(f'theme = "{name}"\n')
    app = DistillApp(home, recorded.diverged(home))
    async with app.run_test(size=(120, 35)) as pilot:
        for keys, said in (
            ((), "the loss is not finite"),
            (("f3",), "by step"),
            (("f4",), "utilization"),
            (("question_mark",), "Palette"),
            (("escape", "1"), "Start training"),
            (("tab", "tab"), "Learning rate"),
            (("escape", "3"), "46.9 latent frames"),
            (("ctrl+p",), "Search"),
        ):
            await pilot.press(*keys)
            await until(pilot, lambda said=said: said in screen_text(app))  # type: ignore[misc]
            await pilot.pause()
            assert_readable(app, system, keys)


@given(triplets, triplets, st.sampled_from([(18, 18, 18), (240, 240, 240), (0, 0, 0), (255, 255, 255)]))
def test_text_of_any_colour_can_be_read_in_sixteen(
    letters: tuple[int, int, int], behind: tuple[int, int, int], screen: tuple[int, int, int]
) -> None:
    made = in_sixteen(Style(color=RichColor.from_rgb(*letters), bgcolor=RichColor.from_rgb(*behind)), screen, screen)
    _, _, contrast = shown(made, ColorSystem.STANDARD)
    if ratio(letters, behind) >= NO_TEXT:
        assert contrast >= READABLE


def test_a_cursor_stands_out_and_pictures_are_left_alone_in_sixteen() -> None:
    themes, _ = load_themes([own_themes()])
    for name in ("distill", "distill-light", "high-contrast"):
        theme, screen = themes[name], Color.parse(themes[name].background or "")
        cursor = Color.parse(theme.variables["block-cursor-background"])
        styles = [Style(bgcolor=color.rich_color) for color in (screen, Color.parse(theme.surface or ""), cursor)]
        same, surface, there = (in_sixteen(style, screen.rgb, screen.rgb).bgcolor for style in styles)
        assert same == surface != there
    picture = [Segment("▀▀ ▀", Style(color="#123456", bgcolor="#654321"))]
    assert Ansi16(lambda: themes["distill"]).apply(picture, Color(0, 0, 0)) == picture


def _rgb(text: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(text)
    return red, green, blue


SOLARIZED = (
    *map(_rgb, ("073642", "dc322f", "859900", "b58900", "268bd2", "d33682", "2aa198", "eee8d5")),
    *map(_rgb, ("002b36", "cb4b16", "586e75", "657b83", "839496", "6c71c4", "93a1a1", "fdf6e3")),
)
SCREENS = {
    "ansi": ((XTERM, (0, 0, 0)), (VGA, (0, 0, 0)), (SOLARIZED, SOLARIZED[8])),
    "ansi-white": ((XTERM, (255, 255, 255)), (SOLARIZED, SOLARIZED[15])),
}
"""The palettes of common terminals and the colour of their screens."""
OF_ITSELF = 3.2
"""Solarized keeps its colours at this contrast; none of the sixteen has more on all of these."""


@pytest.mark.parametrize("name", SCREENS)
def test_the_terminals_own_colours_can_be_read_on_common_terminals(name: str) -> None:
    theme = load_themes([own_themes()])[0][name]
    colors = {**theme.to_color_system().generate(), **theme.variables}
    # what only tells apart lines or tracks is not read
    for key in ("primary", "secondary", "accent", "warning", "error", "success", "dim", "footer-key-foreground"):
        number = Color.parse(colors[key]).ansi
        for palette, screen in SCREENS[name]:
            # -1 is the colour that the terminal writes with
            assert number == -1 or ratio(palette[number or 0], screen) >= OF_ITSELF, f"{key}: {colors[key]}"
    assert colors["error"] != colors["warning"]


def test_warnings_are_not_written_in_the_colour_of_errors_in_sixteen_colours() -> None:
    themes, _ = load_themes([own_themes()])
    for theme in (one for one in themes.values() if not one.ansi):
        screen = Color.parse(theme.background or "#000000").rgb
        warning, error = (
            in_sixteen(Style(color=Color.parse(color or "").rich_color), screen, screen).color
            for color in (theme.warning, theme.error)
        )
        assert warning != error, theme.name
