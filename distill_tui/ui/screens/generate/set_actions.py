"""Opening sets of takes: the newest at first, older ones by key, and new ones."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from distill_tui.errors import DistillError, RequestError
from distill_tui.reporting import formatting
from distill_tui.takes.folder import KEPT_DAYS
from distill_tui.takes.sets import TakeSet, list_sets, new_set, newest_set
from distill_tui.takes.take import settings_of
from distill_tui.text import printable
from distill_tui.ui.dialogs.pick import PickDialog
from distill_tui.ui.services.workers import begin
from distill_tui.ui.widgets.table import Column, Row

if TYPE_CHECKING:
    from distill_tui.ui.screens.generate.screen import GenerateScreen

T = TypeVar("T")
COLUMNS = (Column("set"), Column("takes", right=True), Column("kept", right=True), Column("changed"), Column("models"))


class SetActions:
    """Opens sets of takes on the Generate screen."""

    def __init__(self, screen: "GenerateScreen") -> None:
        self._screen = screen
        self._is_started = False

    async def look(self) -> None:
        """Open the newest set at the first call, and read the open one again later."""
        takes = self._screen.takes
        if self._is_started:
            await self._attempt(takes.reload)
            return
        newest = await self._screen.in_thread(lambda: (newest_set(self._screen.home),))
        if newest and newest[0] is not None and takes.path is None:
            await self.open(newest[0])
        self._is_started = True

    async def open(self, path: Path) -> None:
        """Open a set; the form gets the settings and the model of its newest take."""
        screen = self._screen
        emptied = await self._attempt(lambda: screen.takes.open(path))
        if emptied is None:
            return
        if emptied:
            took = "was" if emptied == 1 else "were"
            screen.notify(
                f"{formatting.plural(emptied, 'take')} thrown away more than {KEPT_DAYS} days ago {took} deleted."
            )
        if shown := screen.takes.shown:
            last = shown[-1]
            try:
                screen.form.load(settings_of(last))
            except RequestError as error:
                screen.work.fail(error)
            screen.models.wanted = screen.models.of_take(last)

    async def _attempt(self, action: Callable[[], Coroutine[Any, Any, T]]) -> T | None:
        """The result of an action; None if it failed, which is shown."""
        try:
            return await action()
        except (DistillError, OSError) as error:
            self._screen.work.fail(error if isinstance(error, DistillError) else DistillError(str(error)))
            return None

    def start_new(self) -> None:
        """Begin a set, whose folder is made with its first take."""
        self._screen.takes.start(None)
        self._screen.show_takes()

    def path_for(self, model: str) -> Path:
        """The folder for takes of a model: the open set's, or a new one."""
        takes = self._screen.takes
        if takes.path is None:
            takes.start(new_set(self._screen.home, model))
        assert takes.path is not None
        return takes.path

    def pick(self) -> None:
        """Let the person choose a set."""
        begin(self._screen, "sets", self._pick)

    async def _pick(self) -> None:
        sets = await self._screen.in_thread(lambda: list_sets(self._screen.home))
        if sets is None:
            return

        def answered(path: str | None) -> None:
            if path is not None:
                # not the group of what is read again when a dialog closes, which would cancel this
                begin(self._screen, "open", self._open_picked, Path(path))

        columns = COLUMNS[:3] if self._screen.has_class("-narrow") else COLUMNS
        rows = [_row(one, len(columns)) for one in sets]
        empty = "No set yet: the first takes begin one."
        self._screen.app.push_screen(PickDialog("Sets of takes", columns, rows, take="open it", empty=empty), answered)

    async def _open_picked(self, path: Path) -> None:
        await self.open(path)
        await self._screen.refresh_all()


def _row(one: TakeSet, cells: int) -> Row:
    if one.error:
        return Row(str(one.path), (one.path.name, "damaged", "", "", printable(one.error))[:cells], "error")
    numbers = (f"{one.takes:,}", f"{one.kept:,}")
    return Row(str(one.path), (one.path.name, *numbers, formatting.day(one.changed), ", ".join(one.models))[:cells])
