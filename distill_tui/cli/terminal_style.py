"""Abilities of the terminal: colours, and a line that is written over. None of it where there is no terminal."""

import os
import shutil
import sys

from distill_tui.desktop import notification
from distill_tui.reporting.lines import Line, Role
from distill_tui.text import printable, send

COLOURS: dict[Role, str] = {"good": "32", "fair": "33", "bad": "31", "dim": "2", "strong": "1", "accent": "36"}
TITLE_WIDTH = 80


class TerminalStyle:
    """Standard output as it is: `colours` and `cursor` say what it takes."""

    def __init__(self, plain: bool = False) -> None:
        self.cursor = sys.stdout.isatty() and not is_dumb() and not plain
        self.colours = self.cursor and not os.environ.get("NO_COLOR")

    def paint(self, line: Line) -> str:
        """A line, safe to print, its parts in the colours of their roles where there are colours."""
        parts = ((printable(text), COLOURS.get(role) if self.colours else None) for text, role in line.spans)
        return "".join(f"\x1b[{colour}m{text}\x1b[0m" if colour and text else text for text, colour in parts)

    def title(self, text: str) -> None:
        """Name the terminal's window or tmux's pane, where there is one."""
        if self.cursor:
            self.send(f"\x1b]2;{printable(text)[:TITLE_WIDTH]}\x07")

    def bell(self) -> None:
        """Ring, where somebody may hear it."""
        if self.cursor:
            self.send("\a")

    def notify(self, text: str, notify: str) -> None:
        """Notify on the person's desktop, as settings.toml says; other people's text is made printable."""
        if self.cursor and (sequence := notification(text, notify)):
            self.send(sequence)

    def send(self, controls: str) -> None:
        """Write control characters of our own; other people's text in it was made printable."""
        send(sys.stdout, controls)

    @property
    def width(self) -> int:
        """Columns of the terminal."""
        return shutil.get_terminal_size().columns


def is_dumb() -> bool:
    """True if the terminal can do no more than print, by its own word."""
    return os.environ.get("TERM", "dumb") in ("", "dumb", "unknown")
