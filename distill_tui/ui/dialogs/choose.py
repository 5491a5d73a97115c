"""Choosing several of a list."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import SelectionList
from textual.widgets.selection_list import Selection

from distill_tui.ui.dialogs.base import Dialog


class Ticks(SelectionList[str]):
    """A list with boxes that are empty or ticked: Textual's own differ by their colour alone."""

    def render_line(self, y: int) -> Strip:
        strip = super().render_line(y)
        segments, index = list(strip), self.scroll_offset.y + y
        if index >= self.option_count or len(segments) < 5:
            return strip
        ticked = self.get_option_at_index(index).value in self.selected
        # the box, a space, then the words, whose style the box takes
        return Strip([Segment("[x]" if ticked else "[ ]", segments[4].style), *segments[3:]])


class ChooseDialog(Dialog[list[str] | None]):
    """A list with boxes to tick; gives the values of those that are, in the list's order. Escape gives None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "take", "Take", priority=True, id="dialog.take")]

    def __init__(
        self, title: str, options: Sequence[tuple[str, str]], chosen: Sequence[str], nothing: str = ""
    ) -> None:
        """`options` are (what stands there, value); `nothing` is said when there are none."""
        super().__init__(title, "space  tick     enter  apply     esc  cancel")
        self._options, self._chosen, self._nothing = options, set(chosen), nothing

    def body(self) -> Iterable[Widget]:
        if not self._options:
            return (self.text(self._nothing),)
        return (Ticks(*(Selection(Text(text), value, value in self._chosen) for text, value in self._options)),)

    def on_mount(self) -> None:
        if self._options:
            self.query_one(Ticks).focus()

    def action_take(self) -> None:
        if not self._options:
            self.dismiss(None)
            return
        ticked = set(self.query_one(Ticks).selected)
        self.dismiss([value for _, value in self._options if value in ticked])
