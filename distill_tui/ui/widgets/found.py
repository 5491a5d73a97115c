"""What is known of the chosen sounds, and the panel that shows it.

The panel stands on the first screen: what it needs for the words of a scan is imported when there is one.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.text import Text
from textual.widgets import Static

from distill_tui.files import printable
from distill_tui.ui import words
from distill_tui.ui.widgets.painted import theme_style

if TYPE_CHECKING:
    from distill_tui.data.corpus import Corpus
    from distill_tui.machine import Machine
    from distill_tui.recipe.schema import Recipe
    from distill_tui.runs.folder import RunFolder
    from distill_tui.runs.pace import Pace


@dataclass
class Found:
    """What is known of the chosen sounds, and of the machine once there are some."""

    path: str = ""
    scanning: bool = False
    done: int = 0
    total: int = 0
    problem: str = ""
    corpus: "Corpus | None" = None
    machine: "Machine | None" = None
    resolved: "Recipe | None" = None
    problems: list[str] = field(default_factory=list)
    interrupted: "RunFolder | None" = None
    pace: "Pace | None" = None


class FoundPanel(Static):
    """`Found` in words: a few lines, or at a wide screen's side everything."""

    def __init__(self, *, wide: bool, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._wide = wide

    def show(self, found: Found) -> None:
        """Show this."""
        if found.corpus is not None and not found.problem and not found.scanning:
            from distill_tui.ui.widgets.summary import summary

            self.update(summary(self, found, self._wide))
            return
        text = Text()

        def line(*parts: tuple[str, str]) -> None:
            if text.plain:
                text.append("\n")
            for part, variable in parts:
                text.append(printable(part), theme_style(self, variable))

        if found.problem:
            first, *more = found.problem.splitlines()
            line((f"✗ {first}", "error"))
            for said in more:
                line((f"  {said}", "foreground"))
        elif found.scanning:
            far = f"{found.done:,} of {words.plural(found.total, 'file')}" if found.total else "looking for files"
            line((f"reading the sounds: {far}", "dim"))
        else:
            line(
                ("No sounds chosen yet: ", "foreground"),
                ("enter", "accent"),
                (" types the path of a folder, ", "foreground"),
                ("t", "accent"),
                (" finds one.", "foreground"),
            )
            line(("WAV, FLAC, OGG, AIFF and MP3 of any rate; a minute is enough for a first model.", "dim"))
            line(("Without sounds at hand:  ", "dim"), ("distill-tui demo", "foreground"))
        self.update(text)
