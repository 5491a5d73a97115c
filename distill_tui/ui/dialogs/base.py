"""What the dialogs share: they know their size as the screens do, and have a style sheet of their own."""

from typing import TypeVar

from textual.screen import ModalScreen

from distill_tui.ui.screens.base import BaseScreen

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer]):
    """In front of a screen, until it is answered. Its size is a class, as with `BaseScreen`."""

    CSS_PATH = "dialogs.tcss"
    HORIZONTAL_BREAKPOINTS = BaseScreen.HORIZONTAL_BREAKPOINTS
    VERTICAL_BREAKPOINTS = BaseScreen.VERTICAL_BREAKPOINTS
