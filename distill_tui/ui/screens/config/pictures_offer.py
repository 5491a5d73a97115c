"""The line below a path with MNIST's files: the Explorer takes them."""

from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType

from distill_tui.reporting.formatting import plural
from distill_tui.ui.screens.base import PicturesWanted
from distill_tui.ui.widgets.text_widget import LinesWidget

EXPLORE = "Start an Explorer run on these pictures"


class PicturesOffer(LinesWidget, can_focus=True):
    """Says that a folder holds pictures, and opens the Explorer on them."""

    DEFAULT_CSS = "PicturesOffer { display: none; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("4,enter", "explore", "Explore", key_display="4", id="config.pictures", tooltip=EXPLORE),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._folder, self._count = "", 0

    def offer(self, folder: str, count: int) -> None:
        """Offer the pictures of this folder; none, for a count of 0."""
        self._folder, self._count = folder, count
        self.display = bool(count)
        self.repaint()

    def action_explore(self) -> None:
        self.post_message(PicturesWanted(self._folder))

    def lines(self) -> list[Text]:
        mark = ("▸ " if self.has_focus else "  ", self.mark_style)
        return [
            Text.assemble(
                mark,
                (f"{plural(self._count, 'picture')}: ", self.style("foreground")),
                ("4", self.style("accent", bold=True)),
                (" explores them", self.style("foreground")),
            )
        ]
