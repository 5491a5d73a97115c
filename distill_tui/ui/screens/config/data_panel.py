"""The facts known of the chosen sounds, and the panel that shows them.

The panel is part of the first screen, so the summary of a scan is imported only once there is one.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.text import Text
from textual.widgets import Static

from distill_tui.reporting import formatting
from distill_tui.text import printable
from distill_tui.ui.widgets.text_widget import again_in_another_theme, theme_style, wrapped

if TYPE_CHECKING:
    from distill_tui.data.corpus import Corpus
    from distill_tui.machine import Machine
    from distill_tui.recipe.pace import Pace
    from distill_tui.recipe.schema import Recipe
    from distill_tui.reporting.advice import Advice
    from distill_tui.reporting.data_advice import Remark
    from distill_tui.runs.folder import RunFolder

Part = tuple[str, str]
"""Words, and the theme's variable for their colour."""
STEPS: tuple[tuple[str, tuple[tuple[Part, ...], ...]], ...] = (
    (
        "No sounds chosen yet",
        (
            (("enter", "accent"), (" types the path of a folder, tab completes it", "foreground")),
            (("^t", "accent"), (" finds it in a tree of folders", "foreground")),
            (("d", "accent"), (" runs the demo, on a few sounds that it makes", "foreground")),
            (("WAV, FLAC, OGG, AIFF and MP3 of any rate; a minute is enough for a first model.", "dim"),),
        ),
    ),
    (
        "Take what is recommended",
        (
            (("←→", "accent"), (" choose a quick look, good or overnight", "foreground")),
            (("enter", "accent"), (" takes it: preset and minutes are set in the recipe", "foreground")),
            (("Each with its time on this machine and the quality to expect.", "dim"),),
        ),
    ),
    (
        "Start training",
        (
            (
                ("enter", "accent"),
                (" again, or ", "foreground"),
                ("ctrl+s", "accent"),
                (" from anywhere", "foreground"),
            ),
            (("2", "accent"), (" watches it, ", "foreground"), ("3", "accent"), (" holds the model", "foreground")),
            (("It goes on when you leave, and can be resumed.", "dim"),),
        ),
    ),
)
"""The way from sounds to a model: the title of each step, and its lines."""
STEP_INDENT = 3
WIDEST = 200
"""Cells of a line before the panel is told its size."""


@dataclass
class Found:
    """Facts about the chosen sounds, and about the machine once there are some."""

    path: str = ""
    scanning: bool = False
    done: int = 0
    total: int = 0
    problem: str = ""
    pictures: int = 0
    corpus: "Corpus | None" = None
    machine: "Machine | None" = None
    resolved: "Recipe | None" = None
    problems: list[str] = field(default_factory=list)
    interrupted: "RunFolder | None" = None
    paces: "list[Pace]" = field(default_factory=list)
    free_bytes: int = 0
    advice: "Advice | None" = None
    probing: bool = False
    """True while a few training steps measure how fast this machine is."""

    @property
    def is_read(self) -> bool:
        """True once the sounds have been scanned without a problem."""
        return self.corpus is not None and not self.problem and not self.scanning

    @property
    def remarks(self) -> "list[Remark]":
        """What is odd about the sounds, beside what the form has settled: who sets a rate knows what it loses."""
        known = [] if self.advice is None else self.advice.remarks
        is_set = self.resolved is not None and "model.sample_rate" not in self.resolved.automatic
        return [remark for remark in known if not (is_set and remark.id == "rates")]


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

        if found.pictures:
            many = formatting.plural(found.pictures, "picture")
            line((f"{many} in MNIST's format, and no sounds.", "foreground"))
            line(("The Explorer trains on them while you watch its codebook.", "dim"))
        elif found.problem:
            first, *more = found.problem.splitlines()
            line((f"✗ {first}", "error"))
            for said in more:
                line((f"  {said}", "foreground"))
        elif found.scanning:
            far = f"{found.done:,} of {formatting.plural(found.total, 'file')}" if found.total else "looking for files"
            line((f"scanning the sounds: {far}", "dim"))
        elif self._wide:
            text = self._steps()
        else:
            line(
                ("No sounds chosen yet: ", "foreground"),
                ("enter", "accent"),
                (" types the path of a folder, ", "foreground"),
                ("^t", "accent"),
                (" finds one.", "foreground"),
            )
            line(("WAV, FLAC, OGG, AIFF and MP3 of any rate; a minute is enough for a first model.", "dim"))
            line(("Without sounds at hand:  ", "dim"), ("d", "accent"), (" runs the demo.", "foreground"))
        self.update(text)

    def _steps(self) -> Text:
        """The steps from sounds to a model, numbered, each with its keys."""
        text, indents = Text(), list[int]()
        for number, (title, lines) in enumerate(STEPS, 1):
            head = ((f"{number}  ", "accent"), (title, "primary"))
            for parts in ((),) * (number > 1) + (head, *(((" " * STEP_INDENT, ""), *line) for line in lines)):
                text.append("\n" * bool(indents))
                indents.append(STEP_INDENT)
                for words, variable in parts:
                    text.append(words, theme_style(self, variable, bold=variable == "primary"))
        return wrapped(text, self.size.width or WIDEST, indents)

    def on_mount(self) -> None:
        again_in_another_theme(self, lambda: self.show(self._found))

    def on_resize(self) -> None:
        if self._found.is_read or (self._wide and not self._found.path):
            # what is laid out just now would keep the height of the old words
            self.call_after_refresh(self._again)

    def _again(self) -> None:
        if self.is_attached:
            self.show(self._found)

    def _sum_up(self) -> None:
        # one of the two panels has no room: it is filled when it gets some
        if self.size.width:
            from distill_tui.ui.screens.config.summary import summary

            self.update(summary(self, self._found, self._wide))
