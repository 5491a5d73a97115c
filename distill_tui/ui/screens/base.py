"""What the three screens share: size classes, the line on top, the footer and help."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from textual.events import ScreenResume
from textual.geometry import Region, Size
from textual.message import Message
from textual.screen import Screen
from textual.strip import Strip

from distill_tui.errors import DistillError
from distill_tui.runs.folder import RunFolder
from distill_tui.ui.widgets.footer import AppFooter
from distill_tui.ui.widgets.header import AppHeader

_T = TypeVar("_T")


@dataclass
class RunWanted(Message):
    """Somebody wants to see this run on the Training screen."""

    run: RunFolder


@dataclass
class RecipeWanted(Message):
    """Somebody wants to begin a run with these values of a recipe, called `name`."""

    values: dict[str, Any]
    name: str


class BaseScreen(Screen[None]):
    """A screen of the app. Its size is a class: `-narrow` to `-huge` wide, `-short` to `-high` tall."""

    HORIZONTAL_BREAKPOINTS = [
        (0, "-narrow"),
        (64, "-normal"),
        (110, "-wide"),
        (160, "-huge"),
    ]
    VERTICAL_BREAKPOINTS = [
        (0, "-short"),
        (19, "-medium"),
        (30, "-tall"),
        (44, "-high"),
    ]
    MODE: ClassVar[str] = ""
    TITLE_TEXT: ClassVar[str] = ""
    HELP_TEXT: ClassVar[str] = ""

    _was_in_front = False

    def help_text(self) -> str:
        """What the help says of the screen as it is now."""
        return self.HELP_TEXT

    def be_of_size(self, size: Size) -> None:
        """Have the classes of this size from the start: Textual's own come after a first layout, and need a second."""
        classes = {}
        for cells, breakpoints in (
            (size.width, self.HORIZONTAL_BREAKPOINTS),
            (size.height, self.VERTICAL_BREAKPOINTS),
        ):
            here = max((one for one in breakpoints or () if one[0] <= cells), default=None)
            classes.update({one[1]: one == here for one in breakpoints or ()})
        self.update_classes(classes, update=False)

    def _on_screen_resume(self, event: ScreenResume) -> None:
        # Textual's own comes after this one, and needs no call
        # what is in front for the first time was styled just now, with the classes of its size
        if not self._was_in_front:
            self._was_in_front, event.refresh_styles = True, False
        self.call_after_refresh(self._settle_focus)

    def on_resize(self) -> None:
        self.call_after_refresh(self._settle_focus)

    def _settle_focus(self) -> None:
        """Keys go to what is seen: a knob that this size has no room for is not to be turned unseen."""
        if self.focused is not None and not self.focused.focusable:
            self.set_focus(None)
        elif self.focused is None and self.AUTO_FOCUS:
            found = (widget for widget in self.query(self.AUTO_FOCUS) if widget.focusable)
            self.set_focus(next(found, None))

    def render_lines(self, crop: Region) -> list[Strip]:
        # what is behind all widgets is one colour: one line of it stands for all
        return super().render_lines(Region(crop.x, crop.y, crop.width, 1)) * crop.height

    def _compositor_refresh(self) -> None:
        # while the app starts, Textual would draw the whole screen and throw it away: it is drawn at the end of that
        if not self.app._batch_count:
            super()._compositor_refresh()

    @staticmethod
    def footer() -> AppFooter:
        return AppFooter(id="keys")

    @property
    def bar(self) -> AppHeader:
        return self.query_one(AppHeader)

    def attempt(self, action: Callable[[], object]) -> bool:
        """Do something that may go wrong, and tell the person if it did; whether it went well."""
        try:
            action()
        except DistillError as error:
            self.notify(str(error), severity="error", timeout=10, markup=False)
            return False
        return True

    async def in_thread(self, action: Callable[[], _T]) -> _T | None:
        """What `action` gives, done in a thread: keys are answered while it waits for a disk or a lock.

        None when it went wrong, which the person is told.
        """
        try:
            return await asyncio.to_thread(action)
        except (DistillError, OSError) as error:
            self.notify(str(error), severity="error", timeout=10, markup=False)
            return None
