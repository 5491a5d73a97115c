"""The screens' base: size classes, the line on top, the footer and help."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

from textual.binding import Binding
from textual.message import Message
from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget

from distill_tui.errors import DistillError
from distill_tui.runs.folder import RunFolder
from distill_tui.ui.widgets.footer import AppFooter
from distill_tui.ui.widgets.header import AppHeader
from distill_tui.ui.widgets.status_line import StatusLine

_T = TypeVar("_T")


DEMO_KEY = Binding("d", "demo", "Demo", id="demo.start", tooltip="Make a few sounds and train on them for a minute")
"""Of screens that offer it while nothing is on them."""


@dataclass
class RunWanted(Message):
    """Request to show this run on the Training screen."""

    run: RunFolder


@dataclass
class RecipeWanted(Message):
    """Request to start the form with the values of a recipe called `name`."""

    values: dict[str, Any]
    name: str


@dataclass
class PicturesWanted(Message):
    """Request to explore the pictures of this folder."""

    folder: str


@dataclass
class TakesWanted(Message):
    """Request to generate with the model of this file."""

    model: Path


@runtime_checkable
class Copyable(Protocol):
    """A widget that has something to copy."""

    def copyable(self) -> str:
        """The path, command or address; '' if there is none now."""


class BaseScreen(Screen[None]):
    """A screen of the app. Its size is a class: `-narrow` to `-huge` wide, `-short` to `-high` tall."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (64, "-normal"), (110, "-wide"), (160, "-huge")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (19, "-medium"), (30, "-tall"), (44, "-high")]
    MODE: ClassVar[str] = ""
    TITLE_TEXT: ClassVar[str] = ""
    HELP_TEXT: ClassVar[str] = ""
    # Textual's own paints the whole screen at each move of the focus; what looks different then paints itself
    focused: Reactive[Widget | None] = Reactive(None, repaint=False)

    def watch_focused(self, before: Widget | None, now: Widget | None) -> None:
        """Light the panels that the focus is in.

        Not by `:focus-within`: Textual then styles all that is in the outermost such widget anew with each key.
        """
        left, entered = ({*w.ancestors_with_self} if w is not None else set() for w in (before, now))
        for panels, is_lit in ((left - entered, False), (entered - left, True)):
            for panel in panels:
                if panel.has_class("panel"):
                    panel.set_class(is_lit, "-lit")

    def help_title(self) -> str:
        """The title of that help."""
        return self.TITLE_TEXT

    def help_text(self) -> str:
        """The help on the screen as it is now."""
        return self.HELP_TEXT

    def on_screen_resume(self) -> None:
        self.call_after_refresh(self._settle_focus)
        for line in self.query(StatusLine):
            line.show()

    def on_resize(self) -> None:
        self.call_after_refresh(self._settle_focus)

    def _settle_focus(self) -> None:
        """Keys go to what is seen: no knob is turned that this size has no room for."""
        if self.focused is not None and not self.focused.focusable:
            self.set_focus(None)
        elif self.focused is None and self.AUTO_FOCUS:
            found = (widget for widget in self.query(self.AUTO_FOCUS) if widget.focusable)
            self.set_focus(next(found, None))

    @property
    def is_empty(self) -> bool:
        """True while nothing is on it."""
        return self.has_class("-empty")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "demo":
            return self.is_empty
        return super().check_action(action, parameters)

    def action_demo(self) -> None:
        from distill_tui.ui.services.demo import begin_demo

        begin_demo(self)

    def copyable(self) -> str:
        """The path or address that is copied here, by default that of the widget with the focus; '' for none."""
        around = self.focused.ancestors_with_self if self.focused is not None else []
        found = next((one for one in around if one is not self and isinstance(one, Copyable)), None)
        return found.copyable() if found is not None else ""

    @staticmethod
    def footer() -> Iterable[Widget]:
        """The last lines of every screen: what happened, and the keys."""
        return StatusLine(id="status-line"), AppFooter(id="keys")

    @property
    def bar(self) -> AppHeader:
        return self.query_one(AppHeader)

    def attempt(self, action: Callable[[], object]) -> bool:
        """Do something that may fail, and tell the person if it did; True if it did not."""
        try:
            action()
        except DistillError as error:
            self.notify(str(error), severity="error", timeout=10, markup=False)
            return False
        return True

    async def in_thread(self, action: Callable[[], _T]) -> _T | None:
        """Run `action` in a thread, so that keys are answered while it waits for a disk or a lock.

        Returns:
            Its result, or None if it failed, which the person is told.
        """
        try:
            return await asyncio.to_thread(action)
        except (DistillError, OSError) as error:
            self.notify(str(error), severity="error", timeout=10, markup=False)
            return None
