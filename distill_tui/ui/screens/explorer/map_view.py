"""The map panel: the maps of a run's or model's codebooks, as many levels beside each other as there is room for."""

from dataclasses import dataclass, replace
from typing import ClassVar

from rich.color import Color
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.message import Message

from distill_tui.runs.codebook_map import CodebookMap, Place
from distill_tui.ui.screens.explorer.cell_grid import CellGrid
from distill_tui.ui.screens.explorer.drawing import LetterPositions, LevelDrawing, Palette
from distill_tui.ui.screens.explorer.excerpt import excerpt_of, places_of
from distill_tui.ui.screens.explorer.legend import cells_of, legend_of, title_of
from distill_tui.ui.screens.explorer.plane import Frame, Plane
from distill_tui.ui.screens.explorer.scene import MapOptions, Scene, Selection, neighbour
from distill_tui.ui.services.excerpts import Excerpt
from distill_tui.ui.widgets.braille_canvas import Cell
from distill_tui.ui.widgets.palette import RUN_COLORS

LEAST_LEVEL_WIDTH = 34
"""Characters: where levels would be narrower, fewer are shown."""
GAP = 3
MARKED = Style(bold=True, underline=True)
SELECTED = Style(reverse=True, bold=True)
_GROUP_STYLES = [[Style(color=Color.parse(pair[side])) for pair in RUN_COLORS] for side in (0, 1)]
"""Of dark themes and of light ones: a style for each group, repeated. Letters tell groups of one colour apart."""


class MapView(CellGrid, can_focus=True):
    """The maps, with a selected code or point. Whoever receives `SelectionChanged` calls `repaint`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1,0)", "Code", key_display="←→↑↓", id="explorer.left", tooltip="Choose a code"),
        Binding("right", "step(1,0)", "Code", show=False, key_display="←→↑↓", id="explorer.right"),
        Binding("up", "step(0,1)", "Code", show=False, key_display="←→↑↓", id="explorer.up"),
        Binding("down", "step(0,-1)", "Code", show=False, key_display="←→↑↓", id="explorer.down"),
        Binding("l", "level", "Level", id="explorer.level", tooltip="The next level"),
        Binding("enter", "listen", "Listen", id="explorer.listen", tooltip="Listen to where the code is used most"),
        Binding("full_stop", "place", "Place", id="explorer.place", tooltip="The next place of the code's most use"),
        Binding("f", "fetch", "File", id="explorer.fetch", tooltip="Where that sound is, and how to fetch it"),
        Binding(
            "P", "what", "Points", show=False, id="explorer.points", tooltip="The arrows choose points instead of codes"
        ),
    ]

    @dataclass
    class SelectionChanged(Message):
        """Another level, code or point is selected."""

        selection: Selection

    @dataclass
    class ListenRequested(Message):
        """An excerpt is to be played, or else (not `to_hear`) its file shown."""

        excerpt: Excerpt
        to_hear: bool

    def allow_focus(self) -> bool:
        """Take keys only while visible."""
        return self.display and super().allow_focus()

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.scene: Scene | None = None
        self.options = MapOptions()
        self.selection = Selection()
        self.of_points = False
        self._placeholder = ""
        # the cells of each level, and what they were drawn from: a selection changes one level at most
        self._drawn: dict[int, tuple[object, list[list[Cell]]]] = {}
        self._frames: dict[tuple[int, str, int, int], Frame] = {}
        self._letters: dict[tuple[int, str, int, int], LetterPositions] = {}

    def show(self, found: CodebookMap | None, placeholder: str = "") -> int:
        """Show this map, or `placeholder` if there is none. Returns about how many bytes are sent."""
        self._placeholder = placeholder
        had_none = self.scene is not None and not self.scene.map.levels
        if self.scene is None or self.scene.map is not found:
            self.scene = Scene(found) if found is not None and found.points else None
        if self.scene is not None:
            levels, selection = self.scene.levels, self.selection
            level = min(selection.level, len(levels) - 1)
            code = selection.code if selection.code in range(len(levels[level].codes)) else None
            point = selection.point if selection.point in range(len(self.scene.map.points)) else None
            self.selection = Selection(level, code, point, selection.place)
            # without codes the arrows select points; as soon as there are codes, those
            self.of_points = not self.scene.map.levels or (self.of_points and not had_none)
        return self.repaint()

    def forget(self) -> None:
        """Drop the map and the selection: another run or model is shown from now on."""
        self._frames, self._letters, self.selection = {}, {}, Selection()
        self.scene, self.of_points = None, False

    # keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "step":
            return self.scene is not None
        if action in ("level", "what"):
            return self.scene is not None and bool(self.scene.map.levels)
        if action in ("listen", "fetch"):
            return self.excerpt is not None
        if action == "place":
            return len(self.places) > 1
        return super().check_action(action, parameters)

    @property
    def places(self) -> list[Place]:
        """The places in the data where the selected code is used most."""
        return [] if self.scene is None or self.of_points else places_of(self.scene.map, self.selection)

    @property
    def excerpt(self) -> Excerpt | None:
        """The sound of the selection, if it has one."""
        return None if self.scene is None else excerpt_of(self.scene.map, self.selection, self.of_points)

    def action_place(self) -> None:
        self._select(replace(self.selection, place=(self.selection.place + 1) % len(self.places)))

    def action_listen(self) -> None:
        assert self.excerpt is not None
        self.post_message(self.ListenRequested(self.excerpt, to_hear=True))

    def action_fetch(self) -> None:
        assert self.excerpt is not None
        self.post_message(self.ListenRequested(self.excerpt, to_hear=False))

    def action_level(self) -> None:
        assert self.scene is not None
        self._select(Selection((self.selection.level + 1) % len(self.scene.levels), None, self.selection.point))

    def action_what(self) -> None:
        self.of_points = not self.of_points
        self._select(self.selection)

    def action_step(self, dx: int, dy: int) -> None:
        assert self.scene is not None
        level, code, point = self.selection.level, self.selection.code, self.selection.point
        if self.of_points:
            point = neighbour(self.scene.points(level, self.options.points), point, dx, dy)
        else:
            code = neighbour(self.scene.codes(level, self.options.points), code, dx, dy)
        self._select(Selection(level, code, point))

    def deselect(self) -> bool:
        """Select no code and no point. Returns whether one was selected."""
        had = self.selection.code is not None or self.selection.point is not None
        self._select(Selection(self.selection.level))
        return had

    def _select(self, selection: Selection) -> None:
        before = self.excerpt is not None, len(self.places) > 1
        self.selection = selection
        if (self.excerpt is not None, len(self.places) > 1) != before:
            self.refresh_bindings()
        self.post_message(self.SelectionChanged(selection))

    # drawing

    def grid(self) -> list[list[Cell]]:
        width, height = self.size
        if not width or not height:
            # hidden: the terminal has become too small for it
            return []
        if self.scene is None:
            text = cells_of(self._placeholder, self.style_of("dim"))
            return [text if row == height // 2 else [] for row in range(height)]
        levels = len(self.scene.levels)
        count = max(1, min(levels, (width + GAP) // (LEAST_LEVEL_WIDTH + GAP)))
        first = min(max(0, self.selection.level - count // 2), levels - count)
        level_width = (width - GAP * (count - 1)) // count
        groups = self._palette().groups
        legend = legend_of(self.scene, self.options, width, height, self.style_of, groups) if height >= 6 else []
        rows: list[list[Cell]] = [[] for _ in range(height - len(legend))]
        for level in range(first, first + count):
            for row, cells in zip(rows, self._level(level, level_width, len(rows)), strict=True):
                if level > first:
                    row += [(" ", None)] * GAP
                row += cells + [(" ", None)] * (level_width - len(cells))
        return rows + legend

    def _level(self, level: int, width: int, height: int) -> list[list[Cell]]:
        assert self.scene is not None
        is_selected = level == self.selection.level
        here = self.selection if is_selected else Selection(level, None, self.selection.point)
        drawn_from = (self.scene, replace(self.options), here, width, height, self.app.theme)
        if self._drawn.get(level, (None, []))[0] != drawn_from:
            self._drawn[level] = drawn_from, self._plane_of(level, width, height)
        mark = ("▸" if self.has_focus else " ") if is_selected else ""
        title = title_of(self.scene, level, self.options, width, self.style_of, mark, self.of_points)
        return [title, *(list(row) for row in self._drawn[level][1])]

    def _plane_of(self, level: int, width: int, height: int) -> list[list[Cell]]:
        assert self.scene is not None
        plane = Plane(width, height - 1)
        key = (level, self.options.points, width, height)
        before = self._frames.get(key)
        frame = self._frames[key] = self.scene.frame(level, self.options, plane.wide, plane.high, before)
        letters = self._letters.get(key, {}) if frame == before else {}
        drawing = LevelDrawing(self.scene, level, self.options, self.selection, plane, frame, self._palette())
        self._letters[key] = drawing.draw(letters)
        return [plane.cells(row) for row in range(plane.height)]

    def _palette(self) -> Palette:
        return Palette(
            groups=_GROUP_STYLES[0 if self.app.current_theme.dark else 1],
            code=self.style_of("foreground", bold=True),
            dead=self.style_of("error", bold=True),
            faint=self.style_of("faint"),
            trail=self.style_of("dim"),
            served=MARKED,
            chosen=SELECTED,
        )
