"""What can be done with the models of the Library screen: kept, given away, used, and trained from."""

from collections.abc import Callable
from pathlib import Path

from textual.binding import Binding

from distill_tui.files import printable
from distill_tui.library.header import SUFFIX
from distill_tui.library.index import Entry
from distill_tui.library.pretrained import values_to_continue
from distill_tui.library.store import Library
from distill_tui.paths import Home
from distill_tui.reporting import formatting
from distill_tui.ui.dialogs.ask import AskDialog
from distill_tui.ui.dialogs.confirm import ConfirmDialog
from distill_tui.ui.dialogs.path import PathDialog
from distill_tui.ui.dialogs.pick import PickDialog
from distill_tui.ui.dialogs.use import UseDialog
from distill_tui.ui.screens.base import BaseScreen, RecipeWanted, RunWanted
from distill_tui.ui.screens.config.recipe_sources import values_of_model
from distill_tui.ui.screens.library.model_details import go_on, run_of
from distill_tui.ui.services.programs import call
from distill_tui.ui.services.workers import begin
from distill_tui.ui.widgets.table import Column, Row


def library_key(
    key: str, action: str, name: str, id: str, tooltip: str, show: bool = False, display: str = ""
) -> Binding:
    """A key of the Library screen; `id` is what a person's own settings call it."""
    return Binding(key, action, name, show=show, id=f"library.{id}", tooltip=tooltip, key_display=display or None)


USE = library_key("u", "use", "Use", "use", "Put sounds through the chosen model", True)
HANDLING = (
    library_key("b", "begin", "New run", "begin", "Begin a new run with the chosen model's recipe", True),
    library_key("c", "continue", "Continue", "continue", "Begin a new run that starts from the chosen model's weights"),
    library_key("g", "go_on", "Go on", "go-on", "Go on with the interrupted run of the chosen model"),
    library_key("w", "watch", "Its run", "watch", "Show the run that made the chosen model"),
    library_key("n", "rename", "Rename", "rename", "Give the chosen model another name"),
    library_key("d", "delete", "Delete", "delete", "Move the chosen model to the trash (asks first)"),
    library_key("t", "trash", "Trash", "trash", "Take a deleted model back from the trash"),
    library_key("v", "verify", "Verify", "verify", "Check the chosen model's whole file"),
    library_key("x", "export", "Export", "export", "Copy the chosen model to a file"),
    library_key("i", "import", "Import", "import", "Copy a model file into the library"),
)


class HandlingScreen(BaseScreen):
    """Acts on the chosen model; which one that is, and how models are listed, is the Library screen's."""

    def __init__(self, home: Home) -> None:
        super().__init__()
        self._home = home
        self._library = Library(home)

    @property
    def chosen(self) -> Entry | None:
        """The entry under the cursor."""
        raise NotImplementedError

    @property
    def model(self) -> Entry:
        """The same, for actions that `check_action` allows only when there is one."""
        entry = self.chosen
        assert entry is not None
        return entry

    def reload(self, choose: str | None = None) -> None:
        """Read the library again; `choose` is the path of the entry to choose."""
        raise NotImplementedError

    def row(self, entry: Entry, titles: list[str]) -> Row:
        """A model as a row of a list with these columns."""
        raise NotImplementedError

    def action_use(self) -> None:
        entry = self.model
        self.app.push_screen(UseDialog(self._home, entry))

    def action_begin(self) -> None:
        entry = self.model
        self.attempt(lambda: self.post_message(RecipeWanted(values_of_model(entry), entry.name)))

    def action_continue(self) -> None:
        entry = self.model

        def begin_again() -> None:
            values = values_to_continue(self._home, str(entry.path))
            self.post_message(RecipeWanted(values, f"{entry.name}, and starts from its weights"))

        self.attempt(begin_again)

    def action_go_on(self) -> None:
        entry = self.model
        begin(self, "go on", self._go_on, entry)

    async def _go_on(self, entry: Entry) -> None:
        run = await self.in_thread(lambda: go_on(self._home, entry))
        if run is not None:
            self.post_message(RunWanted(run))

    def action_watch(self) -> None:
        entry = self.model
        run = run_of(self._home, entry)
        if run is None:
            self.notify(f"The run of {entry.name} is not in this home.", severity="warning", markup=False)
        else:
            self.post_message(RunWanted(run))

    def action_rename(self) -> None:
        entry = self.model

        def answered(name: str | None) -> None:
            if name:
                begin(self, "change", self._change, lambda: self._library.rename(str(entry.path), name))

        self.app.push_screen(
            AskDialog(
                "Rename the model",
                "Another name for it; a number is added if it is taken.",
                entry.name,
                lambda text: "" if text.strip() else "a name is needed",
            ),
            answered,
        )

    async def _change(self, change: Callable[[], Entry]) -> None:
        """Change the library, and choose the entry that comes of it."""
        entry = await self.in_thread(change)
        if entry is not None:
            self.reload(str(entry.path))

    def action_delete(self) -> None:
        entry = self.model

        async def delete() -> None:
            if await self.in_thread(lambda: (self._library.delete(str(entry.path)),)):
                self.reload()
                self.notify(f"{entry.name} is in the trash: t brings it back.", markup=False)

        def answered(yes: bool | None) -> None:
            if yes:
                begin(self, "change", delete)

        self.app.push_screen(
            ConfirmDialog(
                f"Delete {formatting.shorten(printable(entry.name), 40)}?",
                "It goes to the trash, from where it can be restored.",
                "delete it",
            ),
            answered,
        )

    def action_trash(self) -> None:
        begin(self, "trash", self._show_trash)

    async def _show_trash(self) -> None:
        gone = await self.in_thread(self._library.trashed)

        def answered(path: str | None) -> None:
            if path is not None:
                begin(self, "change", self._change, lambda: self._library.restore(path))

        if gone is not None:
            rows = [self.row(entry, ["name", "created", "val loss"]) for entry in gone]
            columns = (Column("name"), Column("created"), Column("val loss", right=True))
            title = "Take back from the trash"
            self.app.push_screen(
                PickDialog(title, columns, rows, take="take it back", empty="The trash is empty."), answered
            )

    def action_export(self) -> None:
        entry = self.model

        async def export(path: str) -> None:
            target = await self.in_thread(lambda: self._library.export(str(entry.path), Path(path)))
            if target is not None:
                self.notify(f"Written: {printable(str(target))}", markup=False)

        def problem(path: str) -> str:
            if Path(path).is_dir():
                return "is a folder: add a name"
            return "is there already: choose another name" if Path(path).exists() else ""

        def answered(path: str | None) -> None:
            if path is not None:
                begin(self, "export", export, path)

        value = str(Path.cwd() / entry.path.name)
        self.app.push_screen(
            PathDialog(
                "Export the model",
                "A copy, checked first, without the names of its sounds and folders.",
                value,
                problem,
                suffixes=(SUFFIX,),
                new=True,
            ),
            answered,
        )

    def action_import(self) -> None:
        async def take_in(path: str) -> None:
            entry = await self.in_thread(lambda: self._library.import_file(Path(path)))
            if entry is not None:
                self.reload(str(entry.path))
                self.notify(f"In the library: {entry.name}", markup=False)

        def problem(path: str) -> str:
            if Path(path).is_dir():
                return "is a folder: choose a file in it"
            return "" if Path(path).is_file() else "there is no such file"

        def answered(path: str | None) -> None:
            if path is not None:
                begin(self, "import", take_in, path)

        self.app.push_screen(
            PathDialog(
                "Import a model",
                f"A {SUFFIX} file; it is checked and copied.",
                f"{Path.cwd()}/",
                problem,
                suffixes=(SUFFIX,),
            ),
            answered,
        )

    def action_verify(self) -> None:
        entry = self.model
        begin(self, "verify", self._verify, entry)

    async def _verify(self, entry: Entry) -> None:
        """In a process of its own: it reads every byte of the file."""
        answer = await call(self._home, "models", "verify", "--", str(entry.path))
        if answer.code == 0:
            self.notify(f"✓ {entry.name}: every byte is as it was written.", markup=False)
        else:
            # what is wrong with the file is what it prints
            said = answer.document.decode(errors="replace").strip() or answer.problem
            self.notify(said, severity="error", timeout=10, markup=False)
