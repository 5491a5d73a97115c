"""A part of a screen with other widgets in it."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import ScrollableContainer, VerticalScroll
from textual.geometry import Region
from textual.strip import Strip


class Pane(VerticalScroll, can_focus=False, inherit_bindings=False):
    """A container that draws nothing itself: one line of it stands for all, where Textual works out each.

    The arrows go to the screen, which moves between the widgets inside.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "page_up", "Page up", show=False),
        Binding("pagedown", "page_down", "Page down", show=False),
    ]

    def render_lines(self, crop: Region) -> list[Strip]:
        return super().render_lines(Region(crop.x, crop.y, crop.width, 1)) * crop.height


class ScrolledPane(Pane, can_focus=True):
    """A pane that keys scroll: it takes the focus only while there is more than is seen."""

    BINDINGS: ClassVar[list[BindingType]] = ScrollableContainer.BINDINGS

    def allow_focus(self) -> bool:
        return self.max_scroll_y > 0 and super().allow_focus()
