"""What the Config screen advises: its boxes, the focus on them, and what is done with a choice."""

from typing import TYPE_CHECKING

from textual.widget import Widget

from distill_tui.reporting import formatting
from distill_tui.ui.screens.config.folder_field import FolderField
from distill_tui.ui.widgets.panel import framed

if TYPE_CHECKING:
    # the first screen must come at once: what it does not show at first is imported when it is used
    from distill_tui.reporting.advice import Advice, Name
    from distill_tui.ui.screens.config.advice_box import AdviceBox
    from distill_tui.ui.screens.config.screen import ConfigScreen

ADVICE_TITLE = "What should I press?"


class AdvicePart:
    """The advice for the chosen sounds, on the Config screen."""

    def __init__(self, screen: "ConfigScreen") -> None:
        self._screen = screen
        self._boxes: list[AdviceBox] = []
        self._is_new = False

    def expect(self) -> None:
        """Other sounds were asked for: the focus goes to what is advised for them."""
        self._is_new = True

    def show(self, can_start: bool) -> None:
        """Show the advice for what was found."""
        found = self._screen.found
        advice = found.advice if found.is_read else None
        if advice is not None and not self._boxes:
            self._make_boxes()
        for box in self._boxes:
            box.set_class(advice is None, "-silent")
            if advice is not None:
                box.show(advice, found.remarks, self._held(advice), found.probing, can_start)
        if advice is not None and self._is_new:
            self._is_new = False
            self._screen.call_after_refresh(self._follow_path)

    def _make_boxes(self) -> None:
        # made when there is something to say: the first screen does without
        from distill_tui.ui.screens.config.advice_box import AdviceBox

        wide = framed(AdviceBox(wide=True, id="advice-wide"), ADVICE_TITLE, "recipe")
        self._boxes = [AdviceBox(wide=False, id="advice-short"), wide]
        for box, panel in zip(self._boxes, ("#found-short", "#found-pane"), strict=True):
            place = self._screen.query_one(panel)
            assert isinstance(place.parent, Widget)
            place.parent.mount(box, before=place)

    def _held(self, advice: "Advice") -> "Name | None":
        """The choice whose preset and minutes the form holds."""
        texts = self._screen.pane.form.texts
        held = (texts["preset"], texts["train.minutes"])
        return next((c.name for c in advice.choices if (c.preset, formatting.setting(c.minutes)) == held), None)

    def _follow_path(self) -> None:
        """Go on from the path, once its sounds are read, to what to press: not for who has moved on or types again."""
        screen = self._screen
        folder = screen.query_one(FolderField)
        if screen.focused is not None and screen.focused.id == "folder" and folder.path == screen.found.path:
            # it stands right below the path: nothing has to scroll
            self._focus(scroll=False)

    def _focus(self, scroll: bool = True) -> bool:
        if not self._boxes:
            return False
        short, wide = self._boxes
        # by the screen's size: one that was just made does not know yet that it is hidden
        box = wide if self._screen.classes & {"-wide", "-huge"} else short
        self._screen.set_focus(box, scroll_visible=scroll)
        return self._screen.focused is box

    def take(self, name: "Name") -> None:
        """Put the preset and the minutes of a choice into the form."""
        if (advice := self._screen.found.advice) is not None:
            choice = advice.choice(name)
            self._screen.pane.choose(choice.preset, {"train.minutes": choice.minutes})

    def open(self) -> None:
        """Go to the choices; from there, show all that there is to say of them."""
        from distill_tui.ui.screens.config.advice_dialog import AdviceDialog

        advice = self._screen.found.advice
        if advice is not None and (self._screen.focused in self._boxes or not self._focus()):
            self._screen.app.push_screen(AdviceDialog(ADVICE_TITLE, advice))
