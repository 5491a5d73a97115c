"""The keys of the Library screen, and what they do with the chosen model: keep, give away, use, train from."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from distill_tui.errors import DistillError
from distill_tui.library.container import read_card
from distill_tui.library.header import SUFFIX
from distill_tui.library.index import Entry
from distill_tui.library.pretrained import values_to_continue
from distill_tui.library.store import Library, has_name
from distill_tui.paths import Home
from distill_tui.recipe.fields import fields, parse
from distill_tui.reporting import formatting
from distill_tui.runs.prior import recommended_minutes
from distill_tui.text import printable
from distill_tui.ui.dialogs.ask import AskDialog
from distill_tui.ui.dialogs.confirm import ConfirmDialog
from distill_tui.ui.dialogs.edit import EditDialog, Edited
from distill_tui.ui.dialogs.path import PathDialog, file_problem, new_file_problem
from distill_tui.ui.dialogs.pick import PickDialog
from distill_tui.ui.screens.base import RecipeWanted, RunWanted, TakesWanted
from distill_tui.ui.screens.config.recipe_sources import folder_of, values_of_model
from distill_tui.ui.screens.library.measure_dialog import MeasureDialog
from distill_tui.ui.screens.library.model_details import go_on, run_of
from distill_tui.ui.screens.library.model_list import TRASHED, trash_row
from distill_tui.ui.screens.library.use_dialog import UseDialog
from distill_tui.ui.services.programs import call
from distill_tui.ui.services.workers import begin

if TYPE_CHECKING:
    from distill_tui.ui.screens.library.screen import LibraryScreen


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

    def edit(self) -> None:
        entry = self._model

        def answered(edited: Edited | None) -> None:
            if edited is not None:
                self._change(lambda: self._edited(entry, edited))

        before = Edited(entry.name, entry.annotation.note, entry.annotation.tags)
        self._screen.app.push_screen(
            EditDialog("Edit the model", before, lambda text: "" if has_name(text) else "a name is needed"), answered
        )

    def _edited(self, entry: Entry, edited: Edited) -> Entry:
        """Rename a model and write its note and tags; a damaged file can only be renamed."""
        if entry.id or edited.note or edited.tags:
            self._library.annotate(
                str(entry.path), lambda before: msgspec.structs.replace(before, note=edited.note, tags=edited.tags)
            )
        return self._library.rename(str(entry.path), edited.name)

    def measure(self) -> None:
        entry = self._model

        def answered(is_kept: bool | None) -> None:
            if is_kept:
                self._screen.reload(str(entry.path))

        try:
            sounds = folder_of(values_of_model(entry)) or f"{Path.cwd()}/"
        except DistillError:
            sounds = f"{Path.cwd()}/"
        self._screen.app.push_screen(MeasureDialog(self._home, entry, sounds), answered)

    def original(self) -> None:
        self._screen.listen(is_original=True)

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
            rows = [trash_row(entry) for entry in gone]
            title = "Restore from the trash"
            self._screen.app.push_screen(
                PickDialog(title, TRASHED, rows, take="restore it", empty="The trash is empty."), answered
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
            self._screen.notify(f"✓ {entry.name}: the file is intact.", markup=False)
        else:
            # what is wrong with the file is what it prints
            problem = answer.document.decode(errors="replace").strip() or answer.problem
            self._screen.notify(problem, severity="error", timeout=10, markup=False)
