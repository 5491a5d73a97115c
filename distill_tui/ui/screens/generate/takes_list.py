"""The takes, one under the cursor, each with a small spectrogram, its length and loudness, and how new it is."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from distill_tui.reporting import formatting, take_text
from distill_tui.takes.protocol import PICTURE
from distill_tui.takes.take import Take
from distill_tui.text import printable
from distill_tui.ui.screens.generate.open_set import OpenSet
from distill_tui.ui.services.spectrograms import Spectrogram, Thumbnails
from distill_tui.ui.services.workers import begin
from distill_tui.ui.widgets.blocks import blocks
from distill_tui.ui.widgets.heat import is_fine, is_shaded, picture_row
from distill_tui.ui.widgets.text_widget import ROLES, LinesWidget

TALL_ROWS = 12
"""Rows from which on each take has two, with its spectrogram."""
WIDE = 44
"""Cells from which on there is room for spectrograms."""
AHEAD = 12
"""Takes beyond those that are seen whose pictures are made with them."""
WAVE_CELLS = (5, 8)
"""Cells of the course of a take's loudness, where each has one row: narrow, wide."""


class TakesList(LinesWidget, can_focus=True):
    """Shows an `OpenSet`. Posts `Highlighted` when the cursor comes to another take."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Take", show=False, id="takes.up"),
        Binding("down", "move(1)", "Take", show=False, id="takes.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="takes.page-up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="takes.page-down"),
        Binding("home", "to(0)", "First", show=False, id="takes.first"),
        Binding("end", "to(-1)", "Last", show=False, id="takes.last"),
        Binding(
            "enter", "screen.take('listen')", "Listen", key_display="↵", id="takes.listen", tooltip="Listen to the take"
        ),
    ]

    class Highlighted(Message):
        """The cursor came to another take, or there are others."""

    def __init__(self, takes: OpenSet, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.nothing = ""
        """The words shown while there is no take."""
        self._set, self._thumbnails = takes, Thumbnails(*PICTURE)
        self._shown_takes: Sequence[Take] = ()
        self._at, self._place, self._first = "", 0, 0
        self._is_making = False

    def allow_focus(self) -> bool:
        # where it is narrow, not while the form is in its place
        is_seen = all(node.display for node in self.ancestors_with_self if isinstance(node, Widget))
        return bool(self._shown_takes) and is_seen and super().allow_focus()

    @property
    def chosen(self) -> Take | None:
        """The take under the cursor."""
        return self._shown_takes[self._index] if self._shown_takes else None

    @property
    def _index(self) -> int:
        for index, take in enumerate(self._shown_takes):
            if take.path == self._at:
                return index
        # it was thrown away: the one that has come up in its place
        return max(0, min(self._place, len(self._shown_takes) - 1))

    @property
    def keys(self) -> list[str]:
        """The files of the takes that are listed, in order."""
        return [take.path for take in self._shown_takes]

    def show(self, choose: str = "") -> None:
        """Show the takes as they are now; the cursor goes to the one whose file is `choose`, or stays."""
        before = self.chosen
        self._shown_takes = self._set.shown
        self.hatched = not self._shown_takes
        self._go(choose or (before.path if before else ""))

    def put_picture(self, path: Path, rows: list[str]) -> None:
        """A picture that came with a take."""
        if len(rows) == PICTURE[1]:
            self._thumbnails.put_rows(path, rows)

    def action_move(self, by: int) -> None:
        self._go_to(self._index + by)

    def action_page(self, by: int) -> None:
        self._go_to(self._index + by * max(1, self._room))

    def action_to(self, place: int) -> None:
        self._go_to(place % max(1, len(self._shown_takes)))

    def _go_to(self, index: int) -> None:
        if self._shown_takes:
            self._go(self._shown_takes[max(0, min(len(self._shown_takes) - 1, index))].path)

    def _go(self, path: str) -> None:
        self._at = path
        self._place = self._index
        if chosen := self.chosen:
            self._at = chosen.path
        self.repaint()
        self.post_message(self.Highlighted())

    # drawing

    @property
    def _is_tall(self) -> bool:
        return self.size.height >= TALL_ROWS and self.size.width >= WIDE

    @property
    def _room(self) -> int:
        """So many takes are seen at once."""
        return max(1, self.size.height // (2 if self._is_tall else 1))

    def lines(self) -> list[Text]:
        takes, width = self._shown_takes, self.size.width
        if not takes:
            return [Text(line, self.style("dim")) for line in self._wrapped_nothing(width)]
        # the window moves no more than it has to: what stays where it is is not sent again
        index, room = self._index, self._room
        self._first = max(index - room + 1, min(self._first, index, max(0, len(takes) - room)))
        seen = takes[self._first : self._first + room]
        self._have_pictures([*seen, *takes[self._first + room :][:AHEAD]])
        found = []
        for take in seen:
            found += self._two_lines(take, width) if self._is_tall else [self._one_line(take, width)]
        return found

    def _wrapped_nothing(self, width: int) -> list[str]:
        return [line for part in self.nothing.split("\n") for line in formatting.wrap(part, width) or [""]]

    def _head(self, take: Take) -> Text:
        here = take is self.chosen
        mark = "★" if take.kept else " "
        return Text.assemble(("▸" if here else " ", self.mark_style), (mark, self.style("accent")), " ")

    def _stem(self, take: Take, width: int) -> Text:
        here = take is self.chosen
        name = formatting.shorten(printable(Path(take.path).stem), max(4, width))
        return Text(name, self.style("foreground" if here else "dim", bold=here and self.has_focus))

    def _numbers(self, take: Take) -> Text:
        style = self.style("foreground", bold=take is self.chosen and self.has_focus)
        return Text(f"{take_text.length(take.seconds):>6} {take_text.loudness(take.loudness):>6}", style)

    def _one_line(self, take: Take, width: int) -> Text:
        picture = self._thumbnails.known(self._set.file(take))
        line = self._head(take)
        cells = WAVE_CELLS[width >= WIDE]
        line.append(_course(picture, cells), self.style("series-recon"))
        line.append(" ")
        line.append_text(self._numbers(take))
        line.append(" ")
        words, role = take_text.short_novelty(take)
        line.append(formatting.shorten(printable(words), max(0, width - line.cell_len)), self.style(ROLES[role]))
        return line

    def _two_lines(self, take: Take, width: int) -> list[Text]:
        picture = self._thumbnails.known(self._set.file(take))
        shaded, fine = is_shaded(self.app), is_fine(self.app)
        first, second = self._head(take), Text("   ")
        for row, line in enumerate((first, second)):
            if picture is None or picture.error:
                said = "" if picture is None or row else picture.error
                line.append(f"{formatting.shorten(printable(said), PICTURE[0]):<{PICTURE[0]}}", self.style("error"))
            else:
                line.append_text(picture_row(picture, row, shaded, fine))
            line.append("  ")
        room = width - first.cell_len
        numbers = self._numbers(take)
        name = self._stem(take, room - numbers.cell_len - 1)
        first.append_text(name)
        first.append(" " * max(1, room - name.cell_len - numbers.cell_len))
        first.append_text(numbers)
        words, role = take_text.short_novelty(take)
        second.append(formatting.shorten(printable(words), room), self.style(ROLES[role]))
        return [first, second]

    # pictures

    def _have_pictures(self, takes: Sequence[Take]) -> None:
        missing = [path for take in takes if self._thumbnails.known(path := self._set.file(take)) is None]
        if missing and not self._is_making:
            self._is_making = True
            begin(self, "pictures", self._make_pictures, missing)

    async def _make_pictures(self, paths: Sequence[Path]) -> None:
        try:
            await self._thumbnails.make(paths)
        finally:
            self._is_making = False
        self.repaint()


def _course(picture: Spectrogram | None, cells: int) -> str:
    """The loudness of a sound over time, from its spectrogram; spaces where there is none."""
    if picture is None or picture.error:
        return " " * cells
    loudest = [max(column) / 255 for column in zip(*picture.rows, strict=True)]
    width = len(loudest)
    return blocks([max(loudest[x * width // cells : (x + 1) * width // cells]) for x in range(cells)])
