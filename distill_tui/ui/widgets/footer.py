"""The bottom line: the keys that apply now. Keys that do not fit are left out whole, but never view, help and quit."""

from rich.text import Text

from distill_tui.ui.widgets.text_widget import LinesWidget

ALWAYS = ("next_view", "help", "leave")
GAP = 2


class AppFooter(LinesWidget):
    """`←→ Read  l Log  s Smooth      v View  ? Help  q Quit`: the focused widget's keys come first."""

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self.repaint())
        self.call_after_refresh(self.repaint)

    def lines(self) -> list[Text]:
        usual: list[Text] = []
        always: list[Text] = []
        seen: set[str] = set()
        for active in self.screen.active_bindings.values():
            binding = active.binding
            action = binding.action.removeprefix("app.")
            if not binding.show or not active.enabled or action in seen:
                continue
            seen.add(action)
            part = Text.assemble(
                (self.app.get_key_display(binding), self.style("accent")), " ", (binding.description, self.style("dim"))
            )
            (always if action in ALWAYS else usual).append(part)
        room = self.size.width - sum(part.cell_len + GAP for part in always) + GAP
        line = Text()
        for part in usual:
            if line.cell_len + part.cell_len + GAP > room:
                continue
            line.append_text(part)
            line.append(" " * GAP)
        line.append_text(Text(" " * GAP).join(always))
        return [line]
