"""What is done with the chosen run, or the marked ones: watch, name, compare, stop, resume, delete, train anew."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from textual.binding import Binding

from distill_tui.errors import DistillError
from distill_tui.paths import Home
from distill_tui.reporting import formatting
from distill_tui.runs import annotations
from distill_tui.runs.folder import RunFolder, check_there
from distill_tui.runs.service import resume_run, stop_run
from distill_tui.runs.trash import move_to_trash, restore_run, trashed
from distill_tui.text import printable
from distill_tui.ui.dialogs.confirm import ConfirmDialog
from distill_tui.ui.dialogs.edit import EditDialog, Edited
from distill_tui.ui.dialogs.pick import PickDialog
from distill_tui.ui.screens.base import RecipeWanted, RunWanted
from distill_tui.ui.services.workers import begin
from distill_tui.ui.widgets.table import Column, Row

if TYPE_CHECKING:
    from distill_tui.ui.screens.runs.screen import RunsScreen

_T = TypeVar("_T")


def _b(key: str, action: str, name: str, id: str, tooltip: str, show: bool = True, display: str = "") -> Binding:
    """A key of the Runs screen; `id` is what a person's own settings call it."""
    return Binding(key, action, name, show=show, id=f"runs.{id}", tooltip=tooltip, key_display=display or None)


KEYS = (
    _b("w", "act('watch')", "Watch", "watch", "Watch the chosen run on the Training screen"),
    _b("slash", "filter", "Filter", "filter", "Filter by name, state, tag or note", display="/"),
    _b("s", "sort", "Sort", "sort", "Sort by the next column"),
    _b("e", "act('edit')", "Edit", "edit", "Edit the name, note and tags of the chosen run"),
    _b("space", "mark", "Mark", "mark", "Mark the chosen run, to compare or delete several"),
    _b("equals_sign", "compare", "Compare", "compare", "Compare the two marked runs", display="="),
    _b("n", "act('new')", "New", "new", "Start a new run with the chosen run's recipe"),
    _b("S", "act('stop')", "Stop", "stop", "Stop the chosen run, with a checkpoint (asks first)"),
    _b("R", "act('resume')", "Resume", "resume", "Resume the chosen run from its last checkpoint"),
    _b("x", "act('delete')", "Delete", "delete", "Move the marked runs, or the chosen one, to the trash (asks first)"),
    _b("X", "act('trash')", "Trash", "trash", "Restore a deleted run from the trash"),
    _b("escape", "clear", "Clear", "clear", "Show every run again, none of them marked", show=False),
)
NO_RUN = ("trash",)
"""Actions that need no chosen run."""


class RunActions:
    """Acts on the run that is chosen on the Runs screen, or on the marked ones."""

    def __init__(self, screen: "RunsScreen", home: Home) -> None:
        self._screen, self._home = screen, home

    @property
    def _run(self) -> RunFolder:
        """The run under the cursor: `check_action` lets a key through only when there is one."""
        entry = self._screen.rows.chosen
        assert entry is not None
        return RunFolder(self._home.runs / entry.id)

    def _name(self) -> str:
        entry = self._screen.rows.chosen
        return "" if entry is None else formatting.shorten(printable(entry.name), 40)

    def _do(self, work: Callable[[], _T], then: Callable[[_T], object]) -> None:
        """Do `work` in a thread, then `then` with its result."""

        async def both() -> None:
            # in a tuple: None is a failure, which the person is told
            done = await self._screen.in_thread(lambda: (work(),))
            if done is not None:
                then(done[0])
            else:
                # the run may be gone, or half of what was marked deleted
                self._screen.reload()

        begin(self._screen, "act", both)

    def watch(self) -> None:
        run = self._run
        self._do(lambda: check_there(run), lambda _: self._screen.post_message(RunWanted(run)))

    def new(self) -> None:
        from distill_tui.ui.screens.config.recipe_sources import values_from

        run, name = self._run, self._name()
        self._do(
            lambda: values_from(self._home, f"run:{run.id}"),
            lambda values: self._screen.post_message(RecipeWanted(values, name)),
        )

    def edit(self) -> None:
        entry, run = self._screen.rows.chosen, self._run
        assert entry is not None

        def problem(name: str) -> str:
            try:
                annotations.given_name(run, name)
            except DistillError as error:
                return error.message
            return ""

        def answered(edited: Edited | None) -> None:
            if edited is not None:
                self._do(lambda: annotations.set_annotation(run, *edited), lambda _: self._screen.reload(run.id))

        before = Edited(entry.name, entry.note, entry.tags)
        self._screen.app.push_screen(EditDialog(f"Run {run.id}", before, problem), answered)

    def stop(self) -> None:
        run = self._run

        def answered(yes: bool | None) -> None:
            if yes:
                self._do(
                    lambda: stop_run(run), lambda _: self._screen.notify("It stops after a checkpoint.", markup=False)
                )

        kept = "It saves a checkpoint and the model of what it has learned. It can be resumed."
        self._screen.app.push_screen(ConfirmDialog(f"Stop {self._name()}?", kept, "stop it"), answered)

    def resume(self) -> None:
        run = self._run
        self._do(lambda: resume_run(self._home, run), lambda _: self._screen.post_message(RunWanted(run)))

    def delete(self) -> None:
        entries = self._screen.rows.marked()
        active = [entry.name for entry in entries if not entry.is_ended]
        if active:
            self._screen.notify(
                f"{printable(', '.join(active))}: still training. Stop it first: S", severity="warning", markup=False
            )
            return
        runs = [RunFolder(self._home.runs / entry.id) for entry in entries]
        what = self._name() if len(runs) == 1 and len(entries) == 1 and not self._screen.rows.has_marks else ""
        what = what or (printable(entries[0].name) if len(entries) == 1 else formatting.plural(len(runs), "run"))

        def done(_: object) -> None:
            self._screen.rows.clear_marks()
            self._screen.reload()
            self._screen.notify(
                f"{what} moved to the trash: X restores, distill-tui runs trash --empty frees the disk."
            )

        def answered(yes: bool | None) -> None:
            if yes:
                self._do(lambda: [move_to_trash(self._home, run) for run in runs], done)

        self._screen.app.push_screen(
            ConfirmDialog(
                f"Delete {formatting.shorten(what, 40)}?",
                "Log, checkpoints and previews go to the trash and can be restored. Models stay in the library.",
                "delete",
            ),
            answered,
        )

    def trash(self) -> None:
        self._do(lambda: trashed(self._home), self._pick)

    def _pick(self, gone: list[RunFolder]) -> None:
        def answered(path: str | None) -> None:
            if path is not None:
                self._do(lambda: restore_run(self._home, path), lambda run: self._screen.reload(run.id))

        rows = [Row(str(run.path), (annotations.annotation_of(run).name or run.first_name, run.id)) for run in gone]
        self._screen.app.push_screen(
            PickDialog(
                "Restore from the trash",
                (Column("name"), Column("id")),
                rows,
                take="restore it",
                empty="The trash is empty.",
            ),
            answered,
        )
