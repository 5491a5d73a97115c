"""The facts known of the chosen sounds, and the panel that shows them.

The panel is part of the first screen, so the summary of a scan is imported only once there is one.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.text import Text
from textual.widgets import Static

from distill_tui.reporting import formatting
from distill_tui.text import printable
from distill_tui.ui.widgets.text_widget import again_in_another_theme, theme_style

if TYPE_CHECKING:
    from distill_tui.data.corpus import Corpus
    from distill_tui.machine import Machine
    from distill_tui.recipe.pace import Pace
    from distill_tui.recipe.schema import Recipe
    from distill_tui.runs.folder import RunFolder


@dataclass
class Found:
    """Facts about the chosen sounds, and about the machine once there are some."""

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
    paces: "list[Pace]" = field(default_factory=list)
    free_bytes: int = 0

    @property
    def is_read(self) -> bool:
        """True once the sounds have been scanned without a problem."""
        return self.corpus is not None and not self.problem and not self.scanning


class FoundPanel(Static):
    """`Found` in words: a few lines, or at a wide screen's side everything."""

    def __init__(self, *, wide: bool, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._wide = wide
        self._found = Found()

    def show(self, found: Found) -> None:
        """Show this."""
        self._found = found
        if found.is_read:
            self._sum_up()
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
            far = f"{found.done:,} of {formatting.plural(found.total, 'file')}" if found.total else "looking for files"
            line((f"scanning the sounds: {far}", "dim"))
        else:
            line(
                ("No sounds chosen yet: ", "foreground"),
                ("enter", "accent"),
                (" types the path of a folder, ", "foreground"),
                ("^t", "accent"),
                (" finds one.", "foreground"),
            )
            line(("WAV, FLAC, OGG, AIFF and MP3 of any rate; a minute is enough for a first model.", "dim"))
            line(("Without sounds at hand:  ", "dim"), ("distill-tui demo", "foreground"))
        self.update(text)

    def on_mount(self) -> None:
        again_in_another_theme(self, lambda: self.show(self._found))

    def on_resize(self) -> None:
        if self._found.is_read:
            # what is laid out just now would keep the height of the old words
            self.call_after_refresh(self._sum_up)

    def _sum_up(self) -> None:
        # one of the two panels has no room: it is filled when it gets some
        if self.size.width:
            from distill_tui.ui.screens.config.summary import summary

            self.update(summary(self, self._found, self._wide))
