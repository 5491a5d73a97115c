"""Measuring a model on sounds: distances per sound and in the mean, which stay on the model's card."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import msgspec
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, Static
from textual.worker import Worker

from distill_tui.errors import DistillError
from distill_tui.foreign import MalformedError, decode
from distill_tui.library.index import Entry
from distill_tui.library.store import Library
from distill_tui.paths import Home
from distill_tui.reporting import formatting, sound_quality
from distill_tui.reporting.measured import measured_of, measured_text
from distill_tui.text import printable
from distill_tui.ui.dialogs.base import Dialog
from distill_tui.ui.dialogs.path import missing_problem
from distill_tui.ui.services.programs import call
from distill_tui.ui.services.workers import begin
from distill_tui.ui.widgets.path_input import PathInput, absolute
from distill_tui.ui.widgets.table import Column, Row, RowTable

ASKING = "enter  measure     tab  complete     esc  back"
OF_A_GENERATOR = "enter  measure     esc  back"
WORKING = "esc  cancel"
BAR = 40


class MeasureDialog(Dialog[bool]):
    """Asks for sounds, measures in a process of its own, shows the result; True if the card has it now.

    A generator needs no sounds: its takes are compared with those that were held out, and the result is its words.
    """

    DEFAULT_CSS = """
    MeasureDialog .measure-row { height: 1; }
    MeasureDialog .measure-row .label { width: 8; color: $dim; }
    MeasureDialog .measure-row Input { width: 1fr; }
    MeasureDialog #measure-state { margin-top: 1; }
    MeasureDialog RowTable { margin-top: 1; max-height: 12; }
    MeasureDialog #measure-said { max-height: 18; height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", id="dialog.cancel"),
        Binding("enter", "measure", "Measure", show=False, id="measure.begin"),
    ]

    def __init__(self, home: Home, entry: Entry, sounds: str) -> None:
        """`sounds` is the folder that is offered."""
        self._is_generator = entry.kind == "generator"
        keys = OF_A_GENERATOR if self._is_generator else ASKING
        super().__init__(f"Measure {formatting.shorten(printable(entry.name), 50)}", keys, "wide")
        self._home, self._entry, self._sounds = home, entry, sounds
        self._work: Worker[None] | None = None
        self._is_kept = False

    def body(self) -> Iterable[Widget]:
        if self._is_generator:
            yield self.text(
                "64 takes of each set are made and compared with held-out sounds: how good and how new. Minutes."
            )
        else:
            yield self.text("Each sound goes through the model and is compared with what comes out.")
            box = PathInput(self._sounds, compact=True, id="measure-sounds", select_on_focus=False)
            box.cursor_blink = False
            yield Horizontal(Static("Sounds", classes="label", markup=False), box, classes="measure-row")
        yield self.problem_line()
        yield Static("", id="measure-state", markup=False)
        yield RowTable(id="measure-results")
        yield VerticalScroll(Static("", id="measure-text", markup=False), id="measure-said")

    def on_mount(self) -> None:
        self.query_one("#measure-results").display = False
        said = self.query_one("#measure-said")
        said.display = self._is_generator
        (said if self._is_generator else self.query_one("#measure-sounds")).focus()

    def action_measure(self) -> None:
        if self._is_generator:
            self._begin("")

    @on(Input.Submitted)
    def _submitted(self) -> None:
        path = absolute(self.query_one("#measure-sounds", Input).value)
        problem = missing_problem(path) if path else "a folder or a file of sounds is needed"
        self.show_problem(problem)
        if not problem:
            self._begin(path)

    def _begin(self, path: str) -> None:
        if self._work is None or not self._work.is_running:
            self._work = begin(self, "measure", self._measure, path)

    def action_back(self) -> None:
        if self._work is not None and self._work.is_running:
            self._work.cancel()
        else:
            self.dismiss(self._is_kept)

    # the work

    def _say(self, state: str, keys: str) -> None:
        self.query_one("#measure-state", Static).update(printable(state))
        self.show_keys(keys)

    async def _measure(self, path: str) -> None:
        self._say("loading the model", WORKING)

        def progress(done: int, total: int) -> None:
            full = round(BAR * done / total) if total else 0
            self._say(f"{'━' * full}{'─' * (BAR - full)}  {done:,} of {formatting.plural(total, 'sound')}", WORKING)

        state = "cancelled"
        try:
            words = ("--", str(self._entry.path)) if self._is_generator else ("--json", "--progress", "--")
            words = words if self._is_generator else (*words, str(self._entry.path), path)
            answer = await call(self._home, "models", "evaluate", *words, progress=progress)
            if not answer.document.strip():
                state = f"✗ {answer.problem}"
            elif self._is_generator:
                state = "✓ measured" if not answer.code else f"✗ {answer.problem}"
                self.query_one("#measure-text", Static).update(printable_lines(answer.document))
            else:
                state = await self._take_in(path, answer.document)
        except DistillError as error:
            state = f"✗ {error}"
        finally:
            if self.is_attached:
                self._say(state, "esc  back")

    async def _take_in(self, path: str, document: bytes) -> str:
        """Show the distances, keep their means with the model; what to say above them."""
        try:
            found: dict[str, Any] = decode(document, dict[str, Any])
            measured = measured_of(path, found)
        except MalformedError as error:
            raise DistillError(f"the answer could not be read: {error}") from None
        self._fill(found)
        await asyncio.to_thread(
            Library(self._home).annotate,
            str(self._entry.path),
            lambda before: msgspec.structs.replace(before, measured=measured),
        )
        self._is_kept = True
        return f"✓ {measured_text(measured)}; kept on its card"

    def _fill(self, found: Mapping[str, Any]) -> None:
        rows = []
        for number, one in enumerate(found["sounds"]):
            numbers = {key: one.get(key) for key in ("mel", "lsd", "buzz", "level", "attack")}
            cells = (
                str(one["name"]),
                formatting.number(one["distance"]),
                *(sound_quality.value_text(key, numbers[key]) for key in ("mel", "buzz", "level", "attack")),
                "trained on" if one["seen"] in ("training", "by time") else "held out",
                sound_quality.words(numbers),
            )
            rows.append(Row(str(number), cells))
        titles = ("sound", "distance", "mel", "buzz", "level", "attack", "was", "heard")
        table = self.query_one("#measure-results", RowTable)
        table.display = True
        narrow = self.has_class("-narrow")
        columns = [Column(title, title not in ("sound", "was", "heard")) for title in titles]
        if narrow:
            columns, rows = columns[:2], [Row(row.key, row.cells[:2]) for row in rows]
        table.fill(columns, rows)
        table.focus()


def printable_lines(document: bytes) -> str:
    """The text of a command, without what drives a terminal."""
    return "\n".join(printable(line) for line in document.decode(errors="replace").splitlines())
