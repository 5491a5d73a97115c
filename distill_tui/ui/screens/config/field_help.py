"""The line below the form: help with the field that one is in, or with the keys while one is in none."""

from textual.visual import VisualType
from textual.widget import Widget
from textual.widgets import Static

WELCOME = "enter: type a path of sounds    ^t: find them in a tree    tab: to the fields"
WELCOME_NARROW = "enter: type a path   ^t: tree"
TYPING = "Type the path of a folder with sounds: tab completes, enter scans it, ctrl+t shows a tree, esc leaves."
FILTERING = "Type words of a setting's name, key or help: enter goes to the first match, escape shows all again."
NARROW = 64


class FieldHelp(Static):
    """Follows the focus of its screen; what a field of the form says of itself is given to `update`."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(WELCOME, id=id, markup=False)

    def on_mount(self) -> None:
        self.watch(self.screen, "focused", self._focus_moved, init=False)

    def on_resize(self) -> None:
        self.call_after_refresh(self._welcome)

    def _focus_moved(self, focused: Widget | None) -> None:
        if focused is None:
            # the focus may only be on its way to another widget
            self.call_after_refresh(self._welcome)
        elif not (isinstance(focused.parent, Widget) and focused.parent.has_class("field-row")):
            self.update({"folder": TYPING, "filter": FILTERING}.get(focused.id or "", ""))

    def update(self, content: VisualType = "", *, layout: bool = False) -> None:
        # its height is fixed, and each key in the form comes by here
        super().update(content, layout=layout)

    def _welcome(self) -> None:
        # it may be called when the screen is gone
        if self.is_attached and self.screen.focused is None:
            self.update(WELCOME_NARROW if self.app.size.width < NARROW else WELCOME)
