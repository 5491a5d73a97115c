"""The end of a worker's output."""

from pathlib import Path

from textual.containers import VerticalScroll

from distill_tui.text import printable
from distill_tui.ui.dialogs.help import HelpDialog


class LogDialog(HelpDialog):
    """The lines of a log with the path of its file; its end, which is what matters, is shown first."""

    def __init__(self, path: Path, lines: list[str]) -> None:
        text = "\n".join(printable(line) for line in lines)
        super().__init__(path.name, f"{text}\n\n{printable(str(path))}", [], wide=True)

    def on_mount(self) -> None:
        box = self.query_one(VerticalScroll)
        box.call_after_refresh(box.scroll_end, animate=False)
