"""The line above the takes: what the process that generates is doing, or what went wrong and the way out."""

from dataclasses import dataclass, field

from rich.text import Text

from distill_tui.reporting import formatting
from distill_tui.reporting.lines import Role
from distill_tui.text import printable
from distill_tui.ui.widgets.text_widget import ROLES, LinesWidget

BAR = 20
MOST_ROWS = 4


@dataclass(frozen=True)
class Work:
    """What to say, as lines with their roles; of work that can be counted `done` of `total` is done."""

    lines: tuple[tuple[str, Role], ...] = field(default=())
    done: int = 0
    total: int = 0


class WorkLine(LinesWidget):
    """Shows `Work`; as high as its words need, up to four lines."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._work = Work()

    def show(self, work: Work) -> None:
        self._work = work
        self.repaint()

    def lines(self) -> list[Text]:
        width, work = self.size.width, self._work
        found = []
        for text, role in work.lines:
            style = self.style(ROLES[role])
            found += [Text(line, style) for line in formatting.wrap(printable(text), width)]
        if work.total and found and width >= BAR + found[0].cell_len + 2:
            full = round(BAR * min(1.0, work.done / work.total))
            found[0].append("  " + "━" * full, self.style("primary"))
            found[0].append("━" * (BAR - full), self.style("faint"))
        return found[:MOST_ROWS]
