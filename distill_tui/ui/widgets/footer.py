"""The bottom lines: the keys that apply now. Keys that do not fit are left out whole, but never view, help and quit."""

from rich.text import Text
from textual.binding import Binding

from distill_tui.ui.widgets.text_widget import LinesWidget

ALWAYS = ("next_view", "help", "leave")
GAP = 2


class AppFooter(LinesWidget):
    """`←→ Read  l Log  s Smooth      v View  ? Help  q Quit`: the focused widget's keys come first.

    Keys that most need no reminder of fill what is left of its lines: one, or two on a wide screen.
    """

    def on_mount(self) -> None:
        super().on_mount()
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self.repaint())
        self.call_after_refresh(self.repaint)

    def lines(self) -> list[Text]:
        usual, more, always = self._keys()
        height = max(1, self.size.height)
        last = Text(" " * GAP).join(always)
        lines = [Text()]
        for part in [*usual, *more]:
            line = lines[-1]
            if line.cell_len + part.cell_len + GAP > self._room(len(lines), height, last.cell_len):
                if len(lines) == height:
                    continue
                line.rstrip()
                line = Text()
                lines.append(line)
            line.append_text(part)
            line.append(" " * GAP)
        lines += [Text()] * (height - len(lines))
        # at the end of the last line, where the eye finds them on every screen
        space = self.size.width - last.cell_len - lines[-1].cell_len
        lines[-1] = Text.assemble(lines[-1], " " * space if usual or more else "", last)
        return lines

    def _room(self, line: int, height: int, last: int) -> int:
        return self.size.width + GAP - (last + GAP if line == height else 0)

    def _keys(self) -> tuple[list[Text], list[Text], list[Text]]:
        """The keys of this moment: those that are usual here, the others, and those that always stand at the end."""
        usual: list[Text] = []
        more: list[Text] = []
        always: list[Text] = []
        seen: set[str] = set()
        signs: list[str] = []
        # what is shown first: q for leaving, and ctrl+q where q would be typed
        for active in sorted(self.screen.active_bindings.values(), key=lambda active: not active.binding.show):
            binding = active.binding
            action = binding.action.removeprefix("app.")
            what, key = binding.tooltip or binding.description, self.app.get_key_display(binding)
            if not active.enabled or {action, what} & seen or not self._is_worth_a_place(binding):
                continue
            if not key.isalnum() and any(key in other for other in signs):
                # the other direction of a pair: `+-` stands there
                continue
            seen |= {action, what}
            signs += [key] * (not key.isalnum())
            part = Text.assemble(
                (key, self.style("accent", bold=True)),
                " ",
                (binding.description, self.style("dim")),
            )
            (always if action in ALWAYS else usual if binding.show else more).append(part)
        return usual, more, always

    @staticmethod
    def _is_worth_a_place(binding: Binding) -> bool:
        """Not the keys of the screens, which the header shows, nor those that only move about or mean the same."""
        if binding.show:
            return True
        is_other = not binding.system and bool(binding.tooltip and binding.id)
        return is_other and not binding.action.startswith(("app.go", "go("))
