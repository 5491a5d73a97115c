"""The line that names the views of the Training screen."""

from rich.style import Style
from rich.text import Text

from distill_tui.ui.widgets.text_widget import LinesWidget

VIEWS = (("overview", "Overview"), ("chart", "Chart"), ("codebooks", "Codebooks"), ("previews", "Previews"))


class ViewTabs(LinesWidget):
    """`v  Overview  Chart  Codebooks  Previews          ▲ 2 new warnings: a`."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._here, self._key, self._unseen, self._next = "overview", "v", ("", 0), ""

    def show(self, here: str, key: str, seen_key: str, unseen: int, comes_next: str = "") -> None:
        """Show that one is at the view `here`; `key` leads to the next.

        So many warnings are `unseen`; where there are none, and no line above says it, what the training does next.
        """
        self._here, self._key, self._unseen, self._next = here, key, (seen_key, unseen), comes_next
        self.repaint()

    def lines(self) -> list[Text]:
        line = Text(self._key, self.style("accent"))
        for name, title in VIEWS:
            line.append("  ")
            here = name == self._here
            line.append(
                title, self.style("foreground", bold=True) + Style(underline=True) if here else self.style("dim")
            )
        key, unseen = self._unseen
        if unseen:
            text = f"▲ {unseen} new {'warning' if unseen == 1 else 'warnings'}"
            if line.cell_len + len(text) + len(key) + 9 <= self.size.width:
                said = Text.assemble((text, self.style("warning", bold=True)), ("  ", ""), (key, self.style("accent")))
                said.append(" seen", self.style("dim"))
                line.append(" " * (self.size.width - line.cell_len - said.cell_len))
                line.append_text(said)
        elif self._next and not (self.screen.has_class("-tall") or self.screen.has_class("-high")):
            said = self.pair("next", self._next)
            if line.cell_len + said.cell_len + 2 <= self.size.width:
                line.append(" " * (self.size.width - line.cell_len - said.cell_len)).append_text(said)
        return [line]
