"""A part of a screen with other widgets in it."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import ScrollableContainer, VerticalScroll


class Pane(VerticalScroll, can_focus=False, inherit_bindings=False):
    """A container of fields: the arrows go to the screen, which moves between the widgets inside."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "page_up", "Page up", show=False),
        Binding("pagedown", "page_down", "Page down", show=False),
    ]


class ScrolledPane(Pane, can_focus=True):
    """A pane that keys scroll: it takes the focus only while there is more than is seen."""

    BINDINGS: ClassVar[list[BindingType]] = ScrollableContainer.BINDINGS

    def allow_focus(self) -> bool:
        return self.max_scroll_y > 0 and super().allow_focus()
