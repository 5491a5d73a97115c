"""What the dialogs share: they know their size as the screens do, and have a style sheet of their own."""

from typing import TypeVar

from textual.screen import ModalScreen

from distill_tui.ui.screens.base import DeskScreen

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer]):
    """In front of a screen, until it is answered. Its size is a class, as with `DeskScreen`."""

    CSS_PATH = "../dialogs.tcss"
    HORIZONTAL_BREAKPOINTS = DeskScreen.HORIZONTAL_BREAKPOINTS
    VERTICAL_BREAKPOINTS = DeskScreen.VERTICAL_BREAKPOINTS
