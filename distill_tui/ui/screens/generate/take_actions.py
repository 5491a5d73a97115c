"""The keys of the Generate screen, and what they do with the chosen take."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from textual.binding import Binding

from distill_tui.data.known_sounds import find_sound
from distill_tui.errors import DistillError, RequestError
from distill_tui.library.container import read_card
from distill_tui.paths import is_file
from distill_tui.reporting import formatting, take_text
from distill_tui.takes.check import edit_of
from distill_tui.takes.request import Request
from distill_tui.takes.take import Nearest, Take, settings_of
from distill_tui.text import printable
from distill_tui.ui.dialogs.path import PathDialog
from distill_tui.ui.services.audio_player import AudioPlayer
from distill_tui.ui.services.excerpts import Excerpt, cut
from distill_tui.ui.services.workers import begin
from distill_tui.ui.terminal import clipboard

if TYPE_CHECKING:
    from distill_tui.ui.screens.generate.screen import GenerateScreen

AROUND_SECONDS = 0.1
"""Seconds of the nearest sound that are heard beyond the length of the take."""


def _b(key: str, action: str, name: str, id: str, tooltip: str, show: bool = True, display: str = "") -> Binding:
    """A key of the Generate screen; `id` is what a person's own settings call it."""
    return Binding(key, action, name, show=show, id=f"generate.{id}", tooltip=tooltip, key_display=display or None)


TAKE_KEYS = (
    _b("space", "take('keep')", "Keep", "keep", "Keep the chosen take; once more: undecided again"),
    _b("x,delete", "take('throw')", "Throw", "throw", "Throw the chosen take away", display="x"),
    _b("u", "take('undo')", "Undo", "undo", "Undo the last keep or throwing away"),
    _b("V", "take('vary')", "Vary", "vary", "Variations of the chosen take, by the row Strength"),
    _b("A", "take('again')", "Again", "more", "More with the settings of the chosen take, with other seeds"),
    _b(
        "greater_than_sign",
        "take('extend')",
        "Extend",
        "extend",
        "Continue the chosen take from its end, by the row Seconds",
        display=">",
    ),
    _b("O", "take('loop')", "Loop", "loop", "The chosen take made again as a loop without a seam"),
    _b("o", "take('nearest')", "Nearest", "nearest", "Listen to the sound of yours that it is nearest to"),
    _b("B", "take('source')", "Source", "source", "Put the chosen take into the form as the sound to begin from"),
    _b("E", "take('export')", "Export", "export", "Copy the kept takes (or else the chosen one) to a folder"),
    _b("y", "take('copy')", "Copy", "copy", "Copy the path of the chosen take to the clipboard", show=False),
    _b("f", "take('fetch')", "Fetch", "fetch", "Where the files are, and how to fetch them", show=False),
)
"""Keys that need a chosen take."""


class TakeActions:
    """Acts on the take that is chosen on the Generate screen."""

    def __init__(self, screen: "GenerateScreen") -> None:
        self._screen = screen
        self._set = screen.takes
        self._player = AudioPlayer(screen)
        self._export_to = ""

    @property
    def _take(self) -> Take:
        """The take under the cursor: `check_action` lets a key through only when there is one."""
        take = self._screen.list.chosen
        assert take is not None
        return take

    def _model_of(self, take: Take) -> str:
        """The file of the model that made a take; the form's model where that is gone."""
        return self._screen.models.of_take(take) or str(self._screen.form.values["model"])

    # listening

    def listen(self) -> None:
        take = self._take
        path = self._set.file(take)
        if not path.is_file():
            self._screen.work.fail(RequestError(f"{path.name}: the file is gone", "d takes it off the list."))
            return
        title = f"{printable(path.stem)}  {take_text.length(take.seconds)}"
        begin(self._screen, "playing", self._player.play, path, "", title)

    def nearest(self) -> None:
        take = self._take
        if take.nearest is None:
            self._screen.notify("The nearest sound of this take is not known.", markup=False)
        else:
            begin(self._screen, "playing", self._play_nearest, take, take.nearest)

    async def _play_nearest(self, take: Take, nearest: Nearest) -> None:
        model = Path(self._model_of(take))
        found = await self._screen.in_thread(lambda: (data_file(model, nearest.path),))
        path = found[0] if found else None
        if path is None:
            self._screen.notify(f"{nearest.path} is not where the model's sounds were.", severity="warning")
            return
        excerpt = Excerpt(nearest.path, path, nearest.start, take.seconds + AROUND_SECONDS)
        try:
            await self._player.play(await cut(self._screen.home, excerpt), excerpt.text, excerpt.text)
        except DistillError as error:
            self._screen.work.fail(error)

    def copy(self) -> None:
        path = str(self._set.file(self._take))
        begin(self._screen, "copying", clipboard.copy, self._screen.app, path)
        self._screen.notify(f"Copied: {path}", timeout=3)

    def fetch(self) -> None:
        path = self._set.file(self._take)
        self._player.explain(printable(str(path)), path.parent)

    def stop_playing(self) -> None:
        self._player.stop()

    # deciding

    def keep(self) -> None:
        take = self._take
        self._mark(take, None if take.kept else True)

    def throw(self) -> None:
        self._mark(self._take, False)

    def _mark(self, take: Take, kept: bool | None) -> None:
        # shown before it is written: keys may come faster than a disk
        writing = self._set.mark(take, kept)
        self._screen.show_takes()

        async def mark() -> None:
            await writing

        self._in_order(mark)

    def undo(self) -> None:
        async def undo() -> None:
            take = await self._set.undo()
            if take is None:
                self._screen.notify("There is nothing to undo.", timeout=3)
            else:
                self._screen.show_takes(take.path)

        self._in_order(undo)

    def _in_order(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do work on the folder, in which each waits for the one before; what goes wrong is shown."""

        async def attempt() -> None:
            try:
                await work()
            except (DistillError, OSError) as error:
                self._complain(error)

        self._screen.run_worker(attempt, group="marks")  # type: ignore[arg-type]

    def _complain(self, error: DistillError | OSError) -> None:
        known = error if isinstance(error, DistillError) else DistillError(str(error))
        self._screen.work.fail(known)
        self._screen.show_takes()

    # making from it

    def vary(self) -> None:

        path, form = str(self._set.file(self._take)), self._screen.form
        self._screen.make(lambda: form.request("like", path), form.values["model"])

    def extend(self) -> None:
        take, form = self._take, self._screen.form

        def request() -> Request:
            asked = form.request("continue", str(self._set.file(take)))
            # what is asked for is the length of all of it
            seconds = None if asked.seconds is None else take.seconds + asked.seconds
            return msgspec.structs.replace(asked, seconds=seconds)

        self._screen.make(request, form.values["model"])

    def again(self) -> None:
        take, form = self._take, self._screen.form

        def request() -> Request:
            return msgspec.structs.replace(settings_of(take), seed=form.next_seed, count=form.values["count"])

        self._screen.make(request, self._model_of(take))

    def loop(self) -> None:
        take = self._take

        def request() -> Request:
            made = msgspec.structs.replace(settings_of(take), seed=take.seed, count=1, loop=True)
            edit = edit_of(made)
            if edit in ("continue_file", "fill", "follow"):
                # these are no loops themselves: one is made of their sound
                return Request(seed=take.seed, label=made.label, like=str(self._set.file(take)), strength=0, loop=True)
            return msgspec.structs.replace(made, seconds=None if edit else made.seconds)

        self._screen.make(request, self._model_of(take))

    def source(self) -> None:
        form, path = self._screen.form, str(self._set.file(self._take))
        if form.values["use"] == "morph" and form.values["sound"] and not form.values["other"]:
            form.values["other"] = path
        else:
            form.values["sound"] = path
            if form.values["use"] == "nothing":
                form.values["use"] = "like"
        self._screen.show_form("use")

    # giving away

    def export(self) -> None:
        takes = [take for take in self._set.shown if take.kept] or [self._take]
        many = formatting.plural(len(takes), "take")

        def answered(path: str | None) -> None:
            if path is not None:
                self._export_to = path
                begin(self._screen, "export", self._copy, takes, Path(path))

        self._screen.app.push_screen(
            PathDialog(
                f"Export {many}",
                "The kept takes, or else the chosen one, are copied to this folder.",
                self._export_to or str(self._screen.home.takes / "kept"),
                lambda text: "is a file: a folder is needed" if is_file(text) else "",
                tree_first=False,
            ),
            answered,
        )

    async def _copy(self, takes: list[Take], target: Path) -> None:
        done = 0
        try:
            for take in takes:
                await asyncio.to_thread(self._set.copy, take, target)
                done += 1
        except (DistillError, OSError) as error:
            self._complain(error)
        if done:
            self._screen.notify(f"{formatting.plural(done, 'take')} copied to {target}")


def data_file(model: Path, name: str) -> Path | None:
    """The file of a sound of a model's data; None where it is not there."""
    return find_sound(read_card(model).data, name)
