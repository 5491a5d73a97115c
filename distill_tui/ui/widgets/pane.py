"""A part of a screen with other widgets in it."""

from textual.containers import VerticalScroll
from textual.geometry import Region
from textual.strip import Strip


class Pane(VerticalScroll, can_focus=False):
    """A container that draws nothing itself: one line of it stands for all, where Textual works out each."""

    def render_lines(self, crop: Region) -> list[Strip]:
        return super().render_lines(Region(crop.x, crop.y, crop.width, 1)) * crop.height


class ScrolledPane(Pane, can_focus=True):
    """A pane that keys scroll: it takes the focus only while there is more than is seen."""

    def allow_focus(self) -> bool:
        return self.max_scroll_y > 0 and super().allow_focus()
