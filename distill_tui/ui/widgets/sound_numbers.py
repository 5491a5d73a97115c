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

    def show(self, state: RunState) -> None:
        """Show those of this state."""
        self._numbers = sound_quality.of_log(state.numbers)
        if self._numbers:
            self._numbers = {"distance": state.numbers.get("distance/val"), **self._numbers}
        quality = quality_of_run(state)
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
        return [text_of(self, [line], self.size.width) for line in lines]
