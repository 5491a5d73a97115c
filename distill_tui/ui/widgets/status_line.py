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
        said = self._fitted(message.text + waiting, max(8, self.size.width - 2))
        style = self.style("foreground" if message.severity == "information" else color)
        return [
            Text.assemble((f"{mark} " if number == 0 else "  ", self.style(color, bold=True)), (line, style))
            for number, line in enumerate(said)
        ]

    @staticmethod
    def _fitted(text: str, width: int) -> list[str]:
        """At most three lines: of a text that is longer each line is cut, so that the last, the way out, is there."""
        wrapped = formatting.wrap(text.replace("\n", " "), width)
        if len(wrapped) <= MOST_LINES:
            return wrapped
        said = text.split("\n")
        if len(said) == 1:
            return [*wrapped[: MOST_LINES - 1], formatting.shorten(" ".join(wrapped[MOST_LINES - 1 :]), width)]
        return [formatting.shorten(line, width) for line in [*said[: MOST_LINES - 1], said[-1]][:MOST_LINES]]

    def show(self) -> None:
        """Show the app's message of the moment."""
        is_quiet = cast("DistillApp", self.app).status.current is None
        if is_quiet != self.has_class("-quiet"):
            self.set_class(is_quiet, "-quiet")
        self.repaint()

    def on_mount(self) -> None:
        super().on_mount()
        self.show()
