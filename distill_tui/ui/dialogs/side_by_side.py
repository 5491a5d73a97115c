"""Two runs or models side by side, over the whole screen."""

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from distill_tui.ui.dialogs.base import Dialog
from distill_tui.ui.widgets.side_by_side import Side, side_text


class SideBySideDialog(Dialog[None]):
    """What two have in common and in what they differ; scrolled by keys."""

    DEFAULT_CSS = """
    SideBySideDialog #compare-pane { height: 1fr; scrollbar-gutter: stable; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,equals_sign", "cancel", "Close", id="dialog.close"),
    ]

    def __init__(self, keys: str) -> None:
        super().__init__("", keys, "full")

    def sides(self) -> tuple[Side, Side]:
        """The two as they are known now."""
        raise NotImplementedError

    def body(self) -> Iterable[Widget]:
        return (VerticalScroll(Static(id="compare-text", markup=False), id="compare-pane", classes="pane"),)

    def on_mount(self) -> None:
        self.query_one("#compare-pane").focus()

    def on_resize(self) -> None:
        self.call_after_refresh(self.draw)

    def draw(self) -> None:
        """Show the two for the width that there is."""
        width = self.query_one("#compare-pane").scrollable_content_region.width
        if width:
            self.query_one("#compare-text", Static).update(side_text(self, self.sides(), width))
