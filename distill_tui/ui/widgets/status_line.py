"""The line above the footer, which says what happened: nothing covers a curve or a log."""

from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual.notifications import SeverityLevel

from distill_tui.reporting import formatting
from distill_tui.ui.widgets.text_widget import LinesWidget

if TYPE_CHECKING:
    from distill_tui.ui.app import DistillApp

MARKS: dict[SeverityLevel, tuple[str, str]] = {
    "information": ("●", "primary"),
    "warning": ("▲", "warning"),
    "error": ("✗", "error"),
}
MOST_LINES = 3


class StatusLine(LinesWidget):
    """The app's current message; it grows to three lines for a long one, and the panels make room."""

    def lines(self) -> list[Text]:
        messages = cast("DistillApp", self.app).status
        message = messages.current
        if message is None:
            return [Text()]
        mark, color = MARKS[message.severity]
        waiting = f"  and {formatting.plural(messages.waiting, 'more warning')}" if messages.waiting else ""
        said = " ".join(message.text.split("\n")) + waiting
        wrapped = formatting.wrap(said, max(8, self.size.width - 2), 0)
        if len(wrapped) > MOST_LINES:
            wrapped = [*wrapped[: MOST_LINES - 1], f"{wrapped[MOST_LINES - 1][: self.size.width - 4]} …"]
        style = self.style("foreground" if message.severity == "information" else color)
        return [
            Text.assemble((f"{mark} " if number == 0 else "  ", self.style(color, bold=True)), (line, style))
            for number, line in enumerate(wrapped)
        ]

    def show(self) -> None:
        """Show the app's message of the moment."""
        is_quiet = cast("DistillApp", self.app).status.current is None
        if is_quiet != self.has_class("-quiet"):
            self.set_class(is_quiet, "-quiet")
        self.repaint()

    def on_mount(self) -> None:
        super().on_mount()
        self.show()
