"""The maps of a run's or model's codebooks: as many levels beside each other as there is room for."""

from dataclasses import dataclass, replace
from typing import ClassVar

from rich.color import Color
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.message import Message

from distill_tui.runs.codebook_map import CodebookMap, Place
from distill_tui.ui.screens.explorer.cell_grid import Cell, CellGrid
from distill_tui.ui.screens.explorer.legend import legend_of, line_of, title_of
from distill_tui.ui.screens.explorer.listening import Stretch, places_of, stretch_of
from distill_tui.ui.screens.explorer.plane import Frame, Plane
from distill_tui.ui.screens.explorer.scene import (
    LetterPositions,
    MapOptions,
    Palette,
    Scene,
    Selection,
    draw,
    neighbour,
)
from distill_tui.ui.widgets.palette import RUN_COLORS

LEAST_PANEL = 34
"""Characters: narrower panels show fewer levels."""
APART = 3
MARKED = Style(bold=True, underline=True)
CHOSEN = Style(reverse=True, bold=True)
_GROUP_INKS = [[Style(color=Color.parse(pair[side])) for pair in RUN_COLORS] for side in (0, 1)]
"""Of dark themes and of light ones: a style for each group, gone round. Letters tell them apart."""


class MapView(CellGrid, can_focus=True):
    """The maps, with a code that is chosen, or a point. Whoever hears that another is has them drawn."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1,0)", "Code", key_display="←→↑↓", id="explorer.left", tooltip="Choose a code"),
        Binding("right", "step(1,0)", "Code", show=False, key_display="←→↑↓", id="explorer.right"),
        Binding("up", "step(0,1)", "Code", show=False, key_display="←→↑↓", id="explorer.up"),
        Binding("down", "step(0,-1)", "Code", show=False, key_display="←→↑↓", id="explorer.down"),
        Binding("l", "level", "Level", id="explorer.level", tooltip="The next level"),
        Binding("enter", "listen", "Listen", id="explorer.listen", tooltip="Listen to where the code is used most"),
        Binding("p", "place", "Place", id="explorer.place", tooltip="The next place where the code is used most"),
        Binding("f", "fetch", "File", id="explorer.fetch", tooltip="Where that sound is, and how to fetch it"),
        Binding(
            "o", "what", "Points", show=False, id="explorer.points", tooltip="The arrows choose points instead of codes"
        ),
    ]

    @dataclass
    class Chose(Message):
        """Another level, code or point is chosen."""

        chosen: Selection

    @dataclass
    class Asked(Message):
        """Somebody wants to hear a stretch of a sound, or else to know where it is."""

        stretch: Stretch
        to_hear: bool

    def allow_focus(self) -> bool:
        """Only where it is seen: what a small screen has no room for is not to be turned unseen."""
        return self.display and super().allow_focus()

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.scene: Scene | None = None
        self.shows = MapOptions()
        self.chosen = Selection()
        self.of_points = False
        self._nothing = ""
        # what was drawn for each level, and of what: a choice changes one of them at most
        self._drawn: dict[int, tuple[object, list[list[Cell]]]] = {}
        self._frames: dict[tuple[int, str, int, int], Frame] = {}
        self._stood: dict[tuple[int, str, int, int], LetterPositions] = {}

    def show(self, found: CodebookMap | None, nothing: str = "") -> int:
        """Show this map, or say that there is none; how many characters changed."""
        self._nothing = nothing
        had_none = self.scene is not None and not self.scene.map.levels
        self.scene = Scene(found) if found is not None and found.points else None
        if self.scene is not None:
            levels = self.scene.levels
            level = min(self.chosen.level, len(levels) - 1)
            code = self.chosen.code if self.chosen.code in range(len(levels[level].codes)) else None
            point = self.chosen.point if self.chosen.point in range(len(self.scene.map.points)) else None
            self.chosen = Selection(level, code, point, self.chosen.place)
            # without codes there are points to choose; once there are codes, those
            self.of_points = not self.scene.map.levels or (self.of_points and not had_none)
        return self.repaint()

    def forget(self) -> None:
        """Another run or model is looked at from now on."""
        self._frames, self._stood, self.chosen = {}, {}, Selection()
        self.scene, self.of_points = None, False

    # keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "step":
            return self.scene is not None
        if action in ("level", "what"):
            return self.scene is not None and bool(self.scene.map.levels)
        if action in ("listen", "fetch"):
            return self.stretch is not None
        if action == "place":
            return len(self.places) > 1
        return super().check_action(action, parameters)

    @property
    def places(self) -> list[Place]:
        """Where in the data the chosen code is used most."""
        return [] if self.scene is None or self.of_points else places_of(self.scene.map, self.chosen)

    @property
    def stretch(self) -> Stretch | None:
        """What can be heard of what is chosen."""
        return None if self.scene is None else stretch_of(self.scene.map, self.chosen, self.of_points)

    @property
    def _can_hear(self) -> tuple[bool, bool]:
        """Whether something of what is chosen can be heard, and whether there is more of it in other places."""
        return self.stretch is not None, len(self.places) > 1

    def action_place(self) -> None:
        self._choose(replace(self.chosen, place=(self.chosen.place + 1) % len(self.places)))

    def action_listen(self) -> None:
        assert self.stretch is not None
        self.post_message(self.Asked(self.stretch, to_hear=True))

    def action_fetch(self) -> None:
        assert self.stretch is not None
        self.post_message(self.Asked(self.stretch, to_hear=False))

    def action_level(self) -> None:
        assert self.scene is not None
        self._choose(Selection((self.chosen.level + 1) % len(self.scene.levels), None, self.chosen.point))

    def action_what(self) -> None:
        self.of_points = not self.of_points
        self._choose(self.chosen)

    def action_step(self, dx: int, dy: int) -> None:
        assert self.scene is not None
        level = self.chosen.level
        if self.of_points:
            places = self.scene.points(level, self.shows.points)
            self._choose(Selection(level, self.chosen.code, neighbour(places, self.chosen.point, dx, dy)))
        else:
            codes = self.scene.codes(level, self.shows.points)
            self._choose(Selection(level, neighbour(codes, self.chosen.code, dx, dy), self.chosen.point))

    def choose_none(self) -> bool:
        """Let go of the code and the point; whether any was chosen."""
        had = self.chosen.code is not None or self.chosen.point is not None
        self._choose(Selection(self.chosen.level))
        return had

    def _choose(self, chosen: Selection) -> None:
        could, self.chosen = self._can_hear, chosen
        if self._can_hear != could:
            self.refresh_bindings()
        # the screen draws the map with what it tells of the choice: in one update and not in two
        self.post_message(self.Chose(chosen))

    # drawing

    def grid(self) -> list[list[Cell]]:
        width, height = self.size
        if not width or not height:
            # hidden where a terminal has become too small for it
            return []
        if self.scene is None:
            said = self._nothing
            return [line_of(said, self.ink("dim")) if row == height // 2 else [] for row in range(height)]
        levels = len(self.scene.levels)
        beside = max(1, min(levels, (width + APART) // (LEAST_PANEL + APART)))
        first = min(max(0, self.chosen.level - beside // 2), levels - beside)
        panel = (width - APART * (beside - 1)) // beside
        inks = self._inks_of_map().groups
        legend = legend_of(self.scene, self.shows, width, height, self.ink, inks) if height >= 6 else []
        rows: list[list[Cell]] = [[] for _ in range(height - len(legend))]
        for level in range(first, first + beside):
            for row, cells in zip(rows, self._panel(level, panel, len(rows)), strict=True):
                if level > first:
                    row += [(" ", None)] * APART
                row += cells + [(" ", None)] * (panel - len(cells))
        return rows + legend

    def _panel(self, level: int, width: int, height: int) -> list[list[Cell]]:
        assert self.scene is not None
        here = self.chosen if level == self.chosen.level else Selection(level, None, self.chosen.point)
        looks = (self.scene, replace(self.shows), here, width, height, self.app.theme)
        if self._drawn.get(level, (None, []))[0] != looks:
            self._drawn[level] = looks, self._plane_of(level, width, height)
        is_here = level == self.chosen.level
        title = title_of(self.scene, level, self.shows, width, self.ink, is_here, self.has_focus, self.of_points)
        return [title, *(list(row) for row in self._drawn[level][1])]

    def _plane_of(self, level: int, width: int, height: int) -> list[list[Cell]]:
        assert self.scene is not None
        plane = Plane(width, height - 1)
        key = (level, self.shows.points, width, height)
        before = self._frames.get(key)
        frame = self._frames[key] = self.scene.frame(level, self.shows, plane.wide, plane.high, before)
        stood = self._stood.get(key, {}) if frame == before else {}
        self._stood[key] = draw(self.scene, level, self.shows, self.chosen, plane, frame, self._inks_of_map(), stood)
        return plane.cells()

    def _inks_of_map(self) -> Palette:
        theme = self.app.current_theme
        return Palette(
            groups=_GROUP_INKS[0 if theme.dark else 1],
            code=self.ink("foreground", bold=True),
            dead=self.ink("error", bold=True),
            faint=self.ink("faint"),
            trail=self.ink("dim"),
            served=MARKED,
            chosen=CHOSEN,
        )
