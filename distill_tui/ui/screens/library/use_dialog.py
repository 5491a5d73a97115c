"""Using a model: sounds through it, with progress, and how far each came out from what went in."""

import asyncio
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import msgspec
from msgspec import Struct
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input, Static
from textual.worker import Worker

from distill_tui.data.discover import USUAL_EXTENSIONS
from distill_tui.errors import DistillError
from distill_tui.files import atomic_write
from distill_tui.foreign import SMALL_FILE, MalformedError, decode, read_bytes
from distill_tui.library.index import Entry
from distill_tui.paths import Home, is_folder, is_there
from distill_tui.reporting import formatting, sound_quality
from distill_tui.text import decode_path, printable
from distill_tui.ui.dialogs.base import Dialog
from distill_tui.ui.dialogs.path import PathDialog
from distill_tui.ui.services.audio_player import AudioPlayer
from distill_tui.ui.services.programs import call
from distill_tui.ui.services.workers import begin
from distill_tui.ui.widgets.path_input import PathInput, absolute
from distill_tui.ui.widgets.table import Column, Row, RowTable

SUFFIXES = tuple(f".{end}" for end in USUAL_EXTENSIONS)
ASKING = "enter  start   tab  complete, next   ctrl+t  tree   esc  back"
WORKING = "esc  cancel"
DONE = "enter  play     o  original     esc  back"
REMEMBERED = "use.json"
"""File of the cache: the folders that were used last."""
BAR = 40


class Remembered(Struct):
    """The sounds that went through a model last, and the folder above the one that was written to."""

    sounds: str = ""
    folder: str = ""


def remembered(home: Home) -> Remembered:
    """The folders that were used last, as far as they are still there."""
    try:
        found = decode(read_bytes(home.cache / REMEMBERED, SMALL_FILE), Remembered)
    except (OSError, MalformedError):
        return Remembered()
    sounds, folder = ("" if "\0" in path or not os.path.exists(path) else path for path in (found.sounds, found.folder))  # noqa: PTH110
    return Remembered(sounds, folder)


def remember(home: Home, sounds: str, out: str) -> None:
    """Keep the folders for the next time; a cache that cannot be written keeps none."""
    try:
        content = msgspec.json.encode(Remembered(sounds, str(Path(out).parent)))
        atomic_write(home.cache / REMEMBERED, content)
    except (DistillError, UnicodeEncodeError):
        return


class UseDialog(Dialog[None]):
    """Asks for sounds, where to write and how many levels; then works in a process of its own."""

    DEFAULT_CSS = """
    UseDialog .use-row { height: 1; }
    UseDialog .use-row .label { width: 11; color: $dim; }
    UseDialog .use-row Input { width: 1fr; }
    UseDialog #use-state { margin-top: 1; }
    UseDialog RowTable { margin-top: 1; max-height: 14; }
    UseDialog .problem { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", id="dialog.cancel"),
        Binding("ctrl+t", "tree", "Tree", id="use.tree"),
        Binding("o", "original", "Original", show=False, id="use.original"),
    ]

    def __init__(self, home: Home, entry: Entry) -> None:
        super().__init__(f"Sounds through {formatting.shorten(printable(entry.name), 50)}", ASKING, "wide")
        self._home, self._entry = home, entry
        self._levels = int(entry.recipe.get("model", {}).get("rvq_levels") or 1)
        self._work: Worker[None] | None = None
        self._player = AudioPlayer(self)
        self._heard: dict[str, tuple[Path, Path]] = {}

    def body(self) -> Iterable[Widget]:
        last = remembered(self._home)
        out = f"{last.folder or Path.cwd()}/{self._entry.name}-reconstructed"
        yield self._field("Sounds", PathInput(last.sounds, compact=True, id="use-sounds", select_on_focus=False))
        yield self._field("Write to", PathInput(out, compact=True, id="use-out", select_on_focus=False))
        yield self._field("Levels", Input(str(self._levels), compact=True, id="use-levels"))
        yield self.problem_line()
        yield Static("", id="use-state", markup=False)
        yield RowTable(id="use-results")

    def _field(self, title: str, box: Input) -> Widget:
        box.cursor_blink = False
        if isinstance(box, PathInput):
            box.suffixes = SUFFIXES if box.id == "use-sounds" else ()
        return Horizontal(Static(title, classes="label", markup=False), box, classes="use-row")

    def on_mount(self) -> None:
        self.query_one("#use-results").display = False
        self.query_one("#use-sounds").focus()

    @property
    def _typed(self) -> tuple[str, str, str]:
        """The sounds, the folder and the levels as they stand there."""
        sounds, out, levels = (self.query_one(f"#use-{word}", Input).value for word in ("sounds", "out", "levels"))
        return absolute(sounds), absolute(out), levels.strip()

    def problem(self) -> str:
        """The first problem with the fields; '' for none."""
        sounds, out, levels = self._typed
        if not sounds:
            return "Sounds: a file or a folder is needed"
        if not is_there(sounds):
            return "Sounds: there is no such file or folder"
        if not out or (is_there(out) and not is_folder(out)):
            return "Write to: a folder is needed"
        if not levels.isdecimal() or not 1 <= int(levels) <= self._levels:
            return f"Levels: 1 to {self._levels}"
        return ""

    @on(Input.Changed)
    def _changed(self) -> None:
        # an empty field is not yet a mistake
        self.show_problem(self.problem() if self._typed[0] else "")

    @on(Input.Submitted)
    def _submitted(self) -> None:
        problem = self.problem()
        self.show_problem(problem)
        if not problem and not self._is_working:
            self._work = begin(self, "use", self._reconstruct, *self._typed)

    @on(PathInput.ListAsked)
    def _next(self) -> None:
        self.focus_next()

    def action_tree(self) -> None:
        box = self.focused
        if not isinstance(box, PathInput):
            return

        def answered(path: str | None) -> None:
            if path is not None:
                box.value = box.settled = path
                box.cursor_position = len(path)

        self.app.push_screen(
            PathDialog("Choose", "A file or folder.", box.value, lambda _: "", suffixes=box.suffixes, tree_first=True),
            answered,
        )

    @property
    def _is_working(self) -> bool:
        return self._work is not None and self._work.is_running

    def action_back(self) -> None:
        if self._is_working:
            assert self._work is not None
            self._work.cancel()
        else:
            self.dismiss(None)

    # listening

    @on(RowTable.Picked)
    def _picked(self) -> None:
        self._play(1)

    def action_original(self) -> None:
        self._play(0)

    def _play(self, which: int) -> None:
        """Play the original (0) or what came out (1) of the chosen row."""
        pair = self._heard.get(self.query_one("#use-results", RowTable).chosen or "")
        if pair is not None:
            begin(self, "listen", self._player.play, pair[which])

    def on_unmount(self) -> None:
        self._player.stop()

    # the work

    def _say(self, state: str, keys: str) -> None:
        self.query_one("#use-state", Static).update(state)
        self.show_keys(keys)

    async def _reconstruct(self, sounds: str, out: str, levels: str) -> None:
        self.query_one("#use-results").display = False
        self._say("loading the model", WORKING)

        def progress(done: int, total: int) -> None:
            full = round(BAR * done / total) if total else 0
            self._say(f"{'━' * full}{'─' * (BAR - full)}  {done:,} of {formatting.plural(total, 'sound')}", WORKING)

        keys = "esc  back"
        await asyncio.to_thread(remember, self._home, sounds, out)
        state = "cancelled; files already written are kept"
        try:
            # a model without codebooks takes no levels at all
            fewer = ("--levels", levels) if int(levels) < self._levels else ()
            arguments = ("--json", "--progress", *fewer, "--out", out, "--", str(self._entry.path), sounds)
            answer = await call(self._home, "reconstruct", *arguments, progress=progress)
            if answer.document.strip():
                state, keys = self._show_results(answer.document, out), DONE
            else:
                state = f"✗ {answer.problem}"
        except DistillError as error:
            state = f"✗ {error}"
        finally:
            if self.is_attached:
                self._say(printable(state), keys)

    def _show_results(self, document: bytes, out: str) -> str:
        """Fill the table; what to say above it."""
        self._heard = {}
        try:
            found: dict[str, Any] = decode(document, dict[str, Any])
        except MalformedError as error:
            raise DistillError(f"the answer could not be read: {error}") from None
        rows = []
        for number, one in enumerate(found["files"]):
            name = Path(decode_path(one["file"])).name
            said = one["error"] or Path(decode_path(one["out"])).name
            distance, words = formatting.number(one["distance"]), sound_quality.words(one["measures"] or {})
            if not one["error"]:
                self._heard[str(number)] = Path(decode_path(one["file"])), Path(decode_path(one["out"]))
            rows.append(Row(str(number), (name, distance, words, said), "error" if one["error"] else "text"))
        table = self.query_one("#use-results", RowTable)
        table.display = True
        table.fill((Column("sound"), Column("mel", right=True), Column("heard"), Column("written")), rows)
        table.focus()
        wrong = sum(bool(one["error"]) for one in found["files"])
        failed = f", {wrong} could not be" if wrong else ""
        mean = formatting.number(found["distance"])
        return f"✓ {formatting.plural(len(rows) - wrong, 'sound')}{failed}, mean mel {mean}, in {out}"
