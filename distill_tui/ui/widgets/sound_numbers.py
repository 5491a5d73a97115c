"""The quality of held-out sounds, and their distances from their originals, each with a word for what is heard."""

from rich.text import Text

from distill_tui.reporting import sound_quality
from distill_tui.reporting.lines import Line
from distill_tui.reporting.quality import percent_text, quality_of_run
from distill_tui.runs.state import RunState
from distill_tui.ui.widgets.text_widget import LinesWidget, text_of


class SoundNumbers(LinesWidget):
    """The newest held-out distances of a run; hidden where there are none."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._numbers: sound_quality.Numbers = {}
        self._head: Line | None = None
        self._words: tuple[str, ...] = ()

    def show(self, state: RunState) -> None:
        """Show those of this state."""
        self._numbers = sound_quality.of_log(state.numbers)
        if self._numbers:
            self._numbers = {"distance": state.numbers.get("distance/val"), **self._numbers}
        quality = quality_of_run(state)
        self._words = quality.words if quality else ()
        self._head = None
        if quality is not None:
            # what is heard stands beside its number, below
            percent, grade = percent_text(quality), f", {quality.grade}"
            self._head = Line((("quality  ", "dim"), (percent, "strong"), (grade, "plain")), "quality")
        self.set_class(bool(self._numbers), "-known")
        self.repaint()

    def lines(self) -> list[Text]:
        if not self._numbers:
            return []
        lines = sound_quality.compact_lines(self._numbers, self._head)
        if self._head and self._words and self.screen.has_class("-medium"):
            # a line is all there is room for
            return [self._in_a_line(self._head)]
        return [part for line in lines for part in text_of(self, [line], self.size.width).split("\n", allow_blank=True)]

    def _in_a_line(self, head: Line) -> Text:
        """`quality  46 %: dull above 12 kHz, …`: as many of its words as there is room for."""
        found = text_of(self, [Line(head.spans[:2])], 1000)
        room, said = self.size.width - found.cell_len, ""
        for count in range(1, len(self._words) + 1):
            more = f": {', '.join(self._words[:count])}{', …' if count < len(self._words) else ''}"
            said = more if len(more) <= room else said
        return found.append(said, self.style("warning"))
