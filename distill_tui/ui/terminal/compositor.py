"""Updates of the screen that hold what has changed and nothing beside it.

Textual draws all widgets within the rectangle around everything that has changed, and sends a changed line of a widget
from its left edge on. Of a map where a letter moves here and there that is most of the work and of the bytes.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.control import Control
from textual._compositor import Compositor, CompositorUpdate
from textual._context import visible_screen_stack
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

Span = tuple[int, int, int]
"""A part of a line: which line, its first column, the column after its last."""


class PartialRender(Widget):
    """A widget that can draw parts of its lines, without the rest of them."""

    def pieces(self, spans: Sequence[Span]) -> list[Strip]:
        """The parts of its lines, each as wide as its span."""
        raise NotImplementedError


class SpansUpdate(CompositorUpdate):
    """Parts of lines with where they begin: line, column, what stands there."""

    def __init__(self, parts: list[tuple[int, int, Strip]]) -> None:
        self.parts = parts

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for y, x, strip in self.parts:
            yield Control.move_to(x, y)
            yield from strip

    def render_segments(self, console: Console) -> str:
        """What is sent to the terminal."""
        return "".join(f"\x1b[{y + 1};{x + 1}H{strip.render(console)}" for y, x, strip in self.parts)


class SpansCompositor(Compositor):
    """Draws the changed parts of lines alone, where not all of the screen is drawn."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: dict[int, list[tuple[int, int, Widget]]] = {}
        self._lines_of: object = None

    def render_update(
        self, full: bool = False, screen_stack: list[Screen[object]] | None = None, simplify: bool = False
    ) -> RenderableType | None:
        """What brings the terminal from what it shows to what the widgets are now; None when that is nothing."""
        if full or self.size.region in self._dirty_regions:
            return super().render_update(full, screen_stack, simplify)
        visible_screen_stack.set(screen_stack or [])
        spans = list(self._regions_to_spans(self._dirty_regions))
        self._dirty_regions.clear()
        return SpansUpdate(self._parts(spans)) if spans else None

    def _parts(self, spans: Iterable[Span]) -> list[tuple[int, int, Strip]]:
        """The spans, cut where one widget ends and another begins."""
        of_widgets: dict[Widget, list[Span]] = {}
        for y, x1, x2 in spans:
            for left, right, widget in self._line(y):
                if left < x2 and x1 < right:
                    of_widgets.setdefault(widget, []).append((y, max(left, x1), min(right, x2)))
        found = []
        for widget, wanted in of_widgets.items():
            x, y, width, _ = self.visible_widgets[widget][0]
            if isinstance(widget, PartialRender):
                strips = widget.pieces([(line - y, left - x, right - x) for line, left, right in wanted])
            else:
                top, bottom = wanted[0][0], wanted[-1][0]
                lines = widget.render_lines(Region(0, top - y, width, bottom + 1 - top))
                strips = [lines[line - top].crop(left - x, right - x) for line, left, right in wanted]
            found += [(line, left, strip) for (line, left, _), strip in zip(wanted, strips, strict=True)]
        return found

    def _line(self, y: int) -> list[tuple[int, int, Widget]]:
        """What of which widget is seen in a line of the screen: first column, the one after the last, the widget."""
        visible = self.visible_widgets
        if visible is not self._lines_of:
            # Textual makes another one with each layout
            self._lines_of, self._lines = visible, {}
        if y not in self._lines:
            line: list[tuple[int, int, Widget]] = []
            for left, right in pairwise(self.cuts[y] if 0 <= y < len(self.cuts) else []):
                # from the front to the back
                for widget, (region, clip) in visible.items():
                    if region.contains(left, y) and clip.contains(left, y):
                        if line and line[-1][2] is widget:
                            left = line.pop()[0]
                        line.append((left, right, widget))
                        break
            self._lines[y] = line
        return self._lines[y]
