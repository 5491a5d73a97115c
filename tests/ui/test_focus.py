"""Focus that can be seen: every widget that can have it is drawn otherwise with it, on every screen and dialog."""

from collections.abc import Awaitable, Callable

import pytest
from textual.app import App
from textual.geometry import Region
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Input, OptionList

from distill_tui.data.corpus import Corpus, Skipped
from distill_tui.paths import Home
from distill_tui.ui.app import DistillApp
from distill_tui.ui.screens.config.fields import Choice, FieldRow
from distill_tui.ui.screens.config.folder_field import FolderField
from distill_tui.ui.screens.config.screen import ConfigScreen
from distill_tui.ui.widgets.table import RowTable
from tests.library.models import write
from tests.ui import explored, recorded
from tests.ui.conftest import until
from tests.ui.test_config import found

Go = Callable[[DistillApp, Pilot[None]], Awaitable[None]]
# with more colours nothing looks more alike: these are made of the style in true colour, cell by cell
COLOURS = {
    "sixteen colours": {"COLORTERM": "", "TERM": "xterm"},
    "no colour": {"NO_COLOR": "1"},
}


def drawn(app: App[None], region: Region) -> list[list[tuple[str, str]]]:
    """A part of the screen as the terminal is sent it, (text, style) for each piece of a line."""
    strips = app.screen._compositor.render_strips()[region.y : region.bottom]
    return [[(text, str(style)) for text, style, _ in strip.crop(region.x, region.right)] for strip in strips]


async def is_seen(app: DistillApp, pilot: Pilot[None], widget: Widget) -> bool:
    """Whether a widget, of the form its row, is drawn otherwise with the focus than without."""
    screen = app.screen
    rows = (node for node in widget.ancestors_with_self if node.has_class("field-row"))
    place = widget if isinstance(widget, OptionList) else next(rows, widget)
    assert isinstance(place, Widget)
    screen.set_focus(widget)
    await until(
        pilot,
        lambda: app.focused is widget and widget.region and screen.region.contains_region(widget.region),
        str(widget),
    )
    await pilot.pause()
    with_it = drawn(app, place.region)
    elsewhere = (one for one in screen.focus_chain if place not in one.ancestors_with_self)
    screen.set_focus(next(elsewhere, None))
    await pilot.pause()
    return with_it != drawn(app, place.region)


def with_skipped(number: int) -> Corpus:
    """Sounds, and so many files of all kinds that are none."""
    corpus = recorded.a_corpus()
    reasons = ("not a sound file (a picture)", "the same sound as 01.wav", "too short: 2 ms; 10 ms is the least")
    corpus.skipped = [Skipped(path=f"/s/{i}", name=f"{i}.x", reason=reasons[i % 3]) for i in range(number)]
    return corpus


async def config(app: DistillApp, pilot: Pilot[None]) -> None:
    """The Config screen with sounds, many of which are skipped, and all its fields."""
    screen = app._config
    assert isinstance(screen, ConfigScreen)
    await until(pilot, lambda: screen.query("#advanced"))
    screen.query_one(FolderField).mean(str(app.home.root))
    screen.query_one("#advanced").collapsed = False  # type: ignore[attr-defined]
    await until(pilot, lambda: len(screen.query(FieldRow)) > 20 and screen.found.corpus)
    await pilot.resize_terminal(120, 20)
    await pilot.pause()


async def paths(app: DistillApp, pilot: Pilot[None]) -> None:
    """The list of what a path could be."""
    await until(pilot, lambda: app.screen.query("#folders"))
    await pilot.press("enter")
    app.screen.query_one("#folder", Input).value = f"{app.home.root}/"
    await until(pilot, lambda: app.screen.query_one("#folders").display)
    await pilot.press("down")


async def mapped(app: DistillApp, pilot: Pilot[None]) -> None:
    """The Explorer with a map."""
    await pilot.press("4")
    await until(pilot, lambda: app.current_mode == "explorer" and app._explorer.panels.map_view.scene)


def press(*keys: str, seen: str = "*") -> Go:
    """Press these keys, and wait for a widget or a dialog."""

    async def go(app: DistillApp, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: app.screen.focused or app.current_mode == "config")
        for key in keys:
            await pilot.press(key)
            if key == "3":
                await until(pilot, lambda: models_are_listed(app))
        await until(pilot, lambda: app.screen.query(seen) or type(app.screen).__name__ == seen)
        await until(pilot, lambda: app.screen.focus_chain)
        await pilot.pause()

    return go


def models_are_listed(app: DistillApp) -> bool:
    if app.current_mode != "library" or not app.screen.query("#models"):
        return False
    return len(app.screen.query_one("#models", RowTable).keys) == 2


PLACES: dict[str, Go] = {
    "config": config,
    "paths": paths,
    "tree": press("ctrl+t", seen="PathTree"),
    "training": press(),
    "chart": press("f3"),
    "codebooks": press("f4"),
    "previews": press("f5"),
    "runs": press("r", seen="#runs"),
    "curves": press("f3", "C", seen="Ticks"),
    "exact value": press("enter", seen="AskDialog Input"),
    "library": press("3", "slash", seen="#card"),
    "help": press("3", "question_mark", seen="HelpDialog"),
    "use": press("3", "U", seen="UseDialog Input"),
    "compare": press("3", "space", "down", "equals_sign", seen="CompareDialog #compare-pane"),
    "explorer": mapped,
    "look at": press("4", "r", seen="PickDialog Input"),
}


@pytest.mark.slow
@pytest.mark.parametrize("colours", COLOURS)
@pytest.mark.parametrize("place", PLACES)
async def test_focus_is_seen(home: Home, monkeypatch: pytest.MonkeyPatch, place: str, colours: str) -> None:
    for name, value in COLOURS[colours].items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("distill_tui.ui.services.new_run.scan", found(with_skipped(40)))
    for number in (1, 2):
        write(home.models / f"m{number}.distill", seed=number, id=f"aaaa111{number}", run="long-" * 60)
    explored.running(home, name="figures")
    run = recorded.running(home)
    app = DistillApp(home, None if place in ("config", "paths", "tree") else run)
    async with app.run_test(size=(120, 35)) as pilot:
        if app.current_mode == "training":
            await until(pilot, lambda: app._training.controller.state.started_at)
        await PLACES[place](app, pilot)
        walked: dict[tuple[type, str | None], Widget] = {}
        for widget in app.screen.focus_chain:
            walked.setdefault((type(widget), widget.id), widget)
        assert walked
        # the list of a field hides when the focus leaves that
        lists_first = sorted(walked.values(), key=lambda widget: not isinstance(widget, OptionList))
        unseen = [widget for widget in lists_first if not await is_seen(app, pilot, widget)]
        assert unseen == []


async def test_the_arrows_and_the_label_are_of_the_row_with_the_focus(home: Home) -> None:
    app = DistillApp(home)
    async with app.run_test(size=(120, 35)) as pilot:
        await until(pilot, lambda: app.screen.query("#recipe"))
        rows = list(app.screen.query(FieldRow))
        choice = next(row for row in rows if row.query(Choice))
        other = next(row for row in rows if row.query(Input))

        def marked(row: FieldRow) -> tuple[bool, bool]:
            label = row.query_one(".label")
            accent = app.theme_variables["accent"].lower()
            styles = {style for line in drawn(app, row.region) for text, style in line if "◂" in text}
            return bool(label.rich_style.bold), any(accent in style for style in styles)

        choice.focus_field()
        await pilot.pause()
        assert marked(choice) == (True, True)
        assert marked(other)[0] is False
        other.focus_field()
        await pilot.pause()
        assert marked(choice) == (False, False)
        assert marked(other)[0] is True
