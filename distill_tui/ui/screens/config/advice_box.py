"""The advice box: three choices of preset and minutes for the sounds that were read; arrows choose, enter takes one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message

from distill_tui.reporting.advice import NAMES, Advice, Name
from distill_tui.reporting.advice_text import QUALITY, ROWS, because, facts_of, pace_text, shorts_of
from distill_tui.reporting.data_advice import Remark
from distill_tui.reporting.lines import Line, line
from distill_tui.ui.widgets.text_widget import LinesWidget, pad, text_of

TITLE_CELLS, LEAST_COLUMN = 9, 13
ONE_LINE_CELLS = 64
"""Below this width there is room for one line only."""
CHOOSE = "Choose quick look, good or overnight"


class AdviceBox(LinesWidget, can_focus=True):
    """A table of the choices beside the form (`wide`), or a line or two above it.

    Posts `Taken` when enter is pressed on a choice, and `StartWanted` when the form holds that one already.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right", "choose(1)", "Choose", key_display="←→", id="advice.next", tooltip=CHOOSE),
        Binding("left", "choose(-1)", "Choose", show=False, id="advice.previous", tooltip=CHOOSE),
        Binding("enter", "take", "Take", id="advice.take", tooltip="Set the preset and the minutes of this choice"),
    ]

    @dataclass
    class Taken(Message):
        """This choice is wanted in the form."""

        name: Name

    class StartWanted(Message):
        """The form holds the choice, and enter was pressed again."""

    def __init__(self, *, wide: bool, id: str | None = None) -> None:
        super().__init__(id=id, classes="advice")
        self._wide = wide
        self._advice: Advice | None = None
        self._remarks: Sequence[Remark] = ()
        self._probing = self._can_start = False
        self._held: Name | None = None
        self._chosen: Name = "good"

    def show(
        self, advice: Advice, remarks: Sequence[Remark], held: Name | None, probing: bool, can_start: bool
    ) -> None:
        """Show this advice.

        Args:
            remarks: on the sounds, which stand in full elsewhere.
            held: the choice whose values the form holds; None if it holds others.
            probing: true while a probe measures the machine.
            can_start: true if enter on a choice that is held starts.
        """
        if self._advice is None or (advice is not self._advice and self._chosen == self._advice.recommended):
            self._chosen = held or advice.recommended
        self._remarks = remarks
        self._advice, self._held, self._probing, self._can_start = advice, held, probing, can_start
        self.repaint()

    def action_choose(self, by: int) -> None:
        self._chosen = NAMES[(NAMES.index(self._chosen) + by) % len(NAMES)]
        self.repaint()

    def action_take(self) -> None:
        if self._advice is not None:
            is_held = self._held == self._chosen
            self.post_message(self.StartWanted() if is_held else self.Taken(self._chosen))

    # how it looks

    def lines(self) -> list[Text]:
        if self._advice is None:
            return []
        if self._wide:
            return self._table(self._advice)
        return self._short(self._advice)

    def _table(self, advice: Advice) -> list[Text]:
        width = self.size.width
        column = max(LEAST_COLUMN, min(24, (width - TITLE_CELLS) // len(NAMES)))
        head = Text(" " * TITLE_CELLS).append_text(Text.assemble(*(self._head(advice, name, column) for name in NAMES)))
        rows = [head, self._row("training", [choice.minutes_text for choice in advice.choices], column)]
        facts = [facts_of(choice) for choice in advice.choices]
        rows += [self._row(title, [fact[number] for fact in facts], column) for number, title in enumerate(ROWS)]
        expected = advice.choice(self._chosen).quality.line
        told = [self._fact(QUALITY, expected), self._fact("times", pace_text(advice, self._probing))]
        top = [
            *self._wrapped([line(f"Recommended here: {advice.headline}", "accent")], width),
            *self._wrapped([line(because(advice), "plain")], width),
            Text(),
        ]
        odd: list[Text] = []
        if self._remarks:
            shorts = Line(((f"▲ {shorts_of(self._remarks)}", "fair"), (": see below", "dim")), indent=2)
            odd = self._wrapped([shorts], width)
        return [*top, *rows, *self._wrapped(told, width), *odd, Text(), pad(self._keys(), width)]

    def _fact(self, title: str, text: str) -> Line:
        """A fact of the chosen one, below its column's facts."""
        return Line(((f"{title:{TITLE_CELLS + 2}}", "dim"), (text, "plain")), indent=TITLE_CELLS + 2)

    def _wrapped(self, lines: list[Line], width: int) -> list[Text]:
        return list(text_of(self, lines, width, bold=("strong", "accent")).split("\n", allow_blank=True))

    def _head(self, advice: Advice, name: Name, column: int) -> Text:
        return pad(self._titled(advice.choice(name).title, name), column - 1).append(" ")

    def _titled(self, title: str, name: Name) -> Text:
        """A choice's title, with an arrow if it is the chosen one, and a tick if the form holds it."""
        text = f"{'▸' if name == self._chosen else ' '}{'✓' if name == self._held else ' '}{title} "
        if name != self._chosen:
            return Text(text, self.style("foreground"))
        if not self.has_focus:
            return Text(text, self.style("accent", bold=True))
        behind = Style(bgcolor=self.style("block-cursor-background").color)
        return Text(text, self.style("block-cursor-foreground", bold=True) + behind)

    def _row(self, title: str, values: list[str], column: int) -> Text:
        row = Text(f"{title:{TITLE_CELLS}}", self.style("dim"))
        for name, value in zip(NAMES, values, strict=True):
            style = self.style("foreground" if name == self._chosen else "dim")
            row.append_text(pad(Text(f"  {value}", style), column - 1)).append(" ")
        return row

    def _keys(self) -> Text:
        """The keys that do something here, or the one that comes here."""
        if self.has_focus:
            found = Text("←→", self.style("accent")).append(" choose  ", self.style("dim"))
            return found.append_text(self._enter())
        found = Text("f4", self.style("accent")).append(" comes here, ", self.style("dim"))
        return found.append_text(self._enter())

    def _enter(self) -> Text:
        """What enter does with the chosen one."""
        accent, dim = self.style("accent"), self.style("dim")
        if self._held != self._chosen:
            return Text("enter", accent).append(" takes it", dim)
        taken = Text("✓ taken: ", self.style("success"))
        if not self._can_start:
            return taken
        return taken.append("enter" if self.has_focus else "ctrl+s", accent).append(" starts", dim)

    def _short(self, advice: Advice) -> list[Text]:
        width, chosen = self.size.width, advice.choice(self._chosen)
        if width < ONE_LINE_CELLS:
            text = self._titled(f"{chosen.title} {chosen.minutes_text}", self._chosen)
            return [pad(text.append(" ").append_text(self._enter()), width)]
        first = Text("Recommended here: ", self.style("dim")).append(advice.headline, self.style("accent", bold=True))
        first.append("  f4", self.style("accent")).append(" why" if self.has_focus else " choices", self.style("dim"))
        second = Text()
        for choice in advice.choices:
            second.append_text(self._titled(f"{choice.title} {choice.minutes_text}", choice.name))
        return [pad(first, width), pad(second.append("  ").append_text(self._enter()), width)]
