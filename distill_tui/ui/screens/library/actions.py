"""The keys of the Library screen, and what they do with the chosen model: keep, give away, use, train from."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from textual.binding import Binding

from distill_tui.errors import DistillError
from distill_tui.library.container import read_card
from distill_tui.library.header import SUFFIX
from distill_tui.library.index import Entry
from distill_tui.library.pretrained import values_to_continue
from distill_tui.library.store import Library
from distill_tui.paths import Home
from distill_tui.recipe.fields import fields, parse
from distill_tui.reporting import formatting
from distill_tui.runs.prior import recommended_minutes
from distill_tui.text import printable
from distill_tui.ui.dialogs.ask import AskDialog
from distill_tui.ui.dialogs.confirm import ConfirmDialog
from distill_tui.ui.dialogs.path import PathDialog, file_problem, new_file_problem
from distill_tui.ui.dialogs.pick import PickDialog
from distill_tui.ui.screens.base import RecipeWanted, RunWanted, TakesWanted
from distill_tui.ui.screens.config.recipe_sources import values_of_model
from distill_tui.ui.screens.library.model_details import go_on, run_of
from distill_tui.ui.screens.library.model_list import model_row
from distill_tui.ui.screens.library.use_dialog import UseDialog
from distill_tui.ui.services.programs import call
from distill_tui.ui.services.workers import begin
from distill_tui.ui.widgets.table import Column

if TYPE_CHECKING:
    from distill_tui.ui.screens.library.screen import LibraryScreen


def _b(key: str, action: str, name: str, id: str, tooltip: str, show: bool = False, display: str = "") -> Binding:
    """A key of the Library screen; `id` is what a person's own settings call it."""
    return Binding(key, action, name, show=show, id=f"library.{id}", tooltip=tooltip, key_display=display or None)


LIST_KEYS = (
    _b("slash", "filter", "Filter", "filter", "Filter by name or run", True, "/"),
    _b("s", "sort", "Sort", "sort", "Sort by the next column", True),
    _b("U", "model('use')", "Use", "use", "Put sounds through the chosen model", True),
    _b("space", "mark", "Mark", "mark", "Mark the chosen model, to compare two", True),
    _b("equals_sign", "compare", "Compare", "compare", "Compare the two marked models", True, "="),
)
MODEL_KEYS = (
    _b("g", "model('generate')", "Generate", "generate", "Make new sounds with the chosen model", True),
    _b("n", "model('new_run')", "New run", "begin", "Start a new run with the chosen model's recipe", True),
    _b("t", "model('fine_tune')", "Fine-tune", "continue", "Start a new run from the chosen model's weights"),
    _b("T", "model('train_prior')", "Prior", "prior", "Train a generator of new sounds for the chosen codec", True),
    _b("R", "model('resume')", "Resume", "go-on", "Resume the interrupted run of the chosen model"),
    _b("w", "model('watch')", "Its run", "watch", "Show the run that made the chosen model"),
    _b("e", "model('rename')", "Rename", "rename", "Give the chosen model another name"),
    _b("x", "model('delete')", "Delete", "delete", "Move the chosen model to the trash (asks first)"),
    _b("X", "model('trash')", "Trash", "trash", "Restore a deleted model from the trash"),
    _b("K", "model('verify')", "Verify", "verify", "Check the chosen model's whole file"),
    _b("E", "model('export')", "Export", "export", "Copy the chosen model to a file"),
    _b("i", "model('import_file')", "Import", "import", "Copy a model file into the library"),
    _b("escape", "clear_filter", "Clear filter", "clear", "Show every model again"),
)
NO_MODEL = (("trash",), ("import_file",))
"""Parameters of the actions that need no chosen model."""
OF_A_CODEC = (("train_prior",),)
"""Parameters of the actions that a codec alone allows."""
NOT_OF_A_GENERATOR = (("new_run",), ("fine_tune",))
"""Parameters of the actions that a generator does not allow: its recipe is one of a prior for that very codec."""
DAMAGED_TOO = (("rename",), ("delete",), ("verify",), ("export",))
"""Parameters of the actions that a damaged model allows too."""


def _minutes_problem(text: str) -> str:
    """The problem of minutes that were typed; '' for none."""
    minutes, problem = parse(fields()["train.minutes"], text)
    return problem.replace("train.minutes: ", "") or ("" if minutes else "some minutes are needed")


class ModelActions:
    """Acts on the model that is chosen on the Library screen."""

    def __init__(self, screen: "LibraryScreen", home: Home, library: Library) -> None:
        self._screen, self._home, self._library = screen, home, library

    @property
    def _model(self) -> Entry:
        """The entry under the cursor: `check_action` lets a key through only when there is one."""
        entry = self._screen.models.chosen
        assert entry is not None
        return entry

    def use(self) -> None:
        self._screen.app.push_screen(UseDialog(self._home, self._model))

    def generate(self) -> None:
        self._screen.post_message(TakesWanted(self._model.path))

    # runs

    def new_run(self) -> None:
        entry = self._model
        self._screen.attempt(lambda: self._screen.post_message(RecipeWanted(values_of_model(entry), entry.name)))

    def fine_tune(self) -> None:
        entry = self._model

        def ask_for_recipe() -> None:
            values = values_to_continue(self._home, str(entry.path))
            self._screen.post_message(RecipeWanted(values, f"{entry.name}, and starts from its weights"))

        self._screen.attempt(ask_for_recipe)

    def train_prior(self) -> None:
        begin(self._screen, "prior", self._ask_for_minutes, self._model)

    async def _ask_for_minutes(self, entry: Entry) -> None:
        card = await self._screen.in_thread(lambda: read_card(entry.path))
        if card is None:
            return
        recommended = f"{recommended_minutes(card):g}"

        def answered(minutes: str | None) -> None:
            if minutes is not None:
                self._screen.notify("Looking at the sounds that it was trained on.", markup=False)
                begin(self._screen, "prior", self._train_prior, entry, float(minutes))

        self._screen.app.push_screen(
            AskDialog(
                "Train a prior",
                f"It learns to make new sounds of the kind that {formatting.shorten(printable(entry.name), 40)} was "
                f"trained on. Minutes ({recommended} are recommended):",
                recommended,
                _minutes_problem,
            ),
            answered,
        )

    async def _train_prior(self, entry: Entry, minutes: float) -> None:
        from distill_tui.ui.services.new_prior import start_prior

        try:
            run = await start_prior(self._home, entry.path, minutes)
        except (DistillError, OSError) as error:
            self._screen.notify(str(error), severity="error", timeout=10, markup=False)
        else:
            self._screen.post_message(RunWanted(run))

    def resume(self) -> None:
        entry = self._model

        async def resume() -> None:
            run = await self._screen.in_thread(lambda: go_on(self._home, entry))
            if run is not None:
                self._screen.post_message(RunWanted(run))

        begin(self._screen, "resume", resume)

    def watch(self) -> None:
        entry = self._model
        run = run_of(self._home, entry)
        if run is None:
            self._screen.notify(f"The run of {entry.name} is not in this home.", severity="warning", markup=False)
        else:
            self._screen.post_message(RunWanted(run))

    # the library

    def _change(self, change: Callable[[], Entry], done: str = "") -> None:
        """Change the library in a thread, choose the entry that comes of it, and say `done` of it."""

        async def work() -> None:
            entry = await self._screen.in_thread(change)
            if entry is not None:
                self._screen.reload(str(entry.path))
                if done:
                    self._screen.notify(f"{done}: {entry.name}", markup=False)

        begin(self._screen, "change", work)

    def rename(self) -> None:
        entry = self._model

        def answered(name: str | None) -> None:
            if name:
                self._change(lambda: self._library.rename(str(entry.path), name))

        self._screen.app.push_screen(
            AskDialog(
                "Rename the model",
                "Another name for it; a number is added if it is taken.",
                entry.name,
                lambda text: "" if text.strip() else "a name is needed",
            ),
            answered,
        )

    def delete(self) -> None:
        entry = self._model

        async def delete() -> None:
            if await self._screen.in_thread(lambda: (self._library.delete(str(entry.path)),)):
                self._screen.reload()
                self._screen.notify(f"{entry.name} is in the trash: X restores it.", markup=False)

        def answered(yes: bool | None) -> None:
            if yes:
                begin(self._screen, "change", delete)

        self._screen.app.push_screen(
            ConfirmDialog(
                f"Delete {formatting.shorten(printable(entry.name), 40)}?",
                "It goes to the trash and can be restored.",
                "delete it",
            ),
            answered,
        )

    def trash(self) -> None:
        begin(self._screen, "trash", self._show_trash)

    async def _show_trash(self) -> None:
        gone = await self._screen.in_thread(self._library.trashed)

        def answered(path: str | None) -> None:
            if path is not None:
                self._change(lambda: self._library.restore(path))

        if gone is not None:
            columns = (Column("name"), Column("created"), Column("val loss", right=True))
            rows = [model_row(entry, [column.title for column in columns]) for entry in gone]
            title = "Restore from the trash"
            self._screen.app.push_screen(
                PickDialog(title, columns, rows, take="restore it", empty="The trash is empty."), answered
            )

    # files

    def export(self) -> None:
        entry = self._model

        async def export(path: str) -> None:
            target = await self._screen.in_thread(lambda: self._library.export(str(entry.path), Path(path)))
            if target is not None:
                self._screen.notify(f"Written: {printable(str(target))}", markup=False)

        def answered(path: str | None) -> None:
            if path is not None:
                begin(self._screen, "export", export, path)

        self._screen.app.push_screen(
            PathDialog(
                "Export the model",
                "A copy, checked first, without the names of its sounds and folders.",
                str(Path.cwd() / entry.path.name),
                new_file_problem,
                suffixes=(SUFFIX,),
                new=True,
            ),
            answered,
        )

    def import_file(self) -> None:
        def answered(path: str | None) -> None:
            if path is not None:
                self._change(lambda: self._library.import_file(Path(path)), "In the library")

        self._screen.app.push_screen(
            PathDialog(
                "Import a model",
                f"A {SUFFIX} file; it is checked and copied.",
                f"{Path.cwd()}/",
                file_problem,
                suffixes=(SUFFIX,),
            ),
            answered,
        )

    def verify(self) -> None:
        begin(self._screen, "verify", self._verify, self._model)

    async def _verify(self, entry: Entry) -> None:
        """In a process of its own: it reads every byte of the file."""
        answer = await call(self._home, "models", "verify", "--", str(entry.path))
        if answer.code == 0:
            self._screen.notify(f"✓ {entry.name}: every byte is as it was written.", markup=False)
        else:
            # what is wrong with the file is what it prints
            problem = answer.document.decode(errors="replace").strip() or answer.problem
            self._screen.notify(problem, severity="error", timeout=10, markup=False)
