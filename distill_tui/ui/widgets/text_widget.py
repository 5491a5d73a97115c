"""A widget made of lines of styled text, repainted only where they changed, so that a calm screen sends nothing."""

from collections.abc import Callable, Container, Iterable, Sequence

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.color import Color
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from distill_tui.reporting import formatting
from distill_tui.reporting.lines import Line, Role
from distill_tui.text import printable

ROLES: dict[Role, str] = {
    "plain": "foreground",
    "dim": "dim",
    "strong": "primary",
    "accent": "accent",
    "good": "success",
    "fair": "warning",
    "bad": "error",
}
"""The theme's variable for each role of what is said."""


HATCH = "\N{BOX DRAWINGS LIGHT DIAGONAL UPPER RIGHT TO LOWER LEFT}"


def theme_style(widget: Widget, variable: str, bold: bool = False) -> Style:
    """The style of a theme's variable, such as `success`."""
    value = widget.app.theme_variables.get(variable, "")
    if not value:
        return Style(bold=bold)
    color = Color.parse(value.split()[0])
    if value.endswith("%"):
        # text has no opacity of its own: mix with what is behind it
        share = float(value.split()[1].rstrip("%")) / 100
        color = widget.background_colors[1].blend(color, share)
    return Style(color=color.rich_color, bold=bold)


def again_in_another_theme(widget: Widget, draw: Callable[[], object]) -> None:
    """Call `draw` when the theme changes: styled text keeps the colours that it was made with."""
    widget.app.theme_changed_signal.subscribe(widget, lambda _: draw())


class LinesWidget(Widget):
    """Draws the result of `lines()`."""

    DEFAULT_CSS = "LinesWidget { height: auto; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._shown: list[Text] = []
        self._base = Style()
        self._hatched = False

    @property
    def hatched(self) -> bool:
        """True if the room below the lines is hatched: nothing is there yet."""
        return self._hatched

    @hatched.setter
    def hatched(self, hatched: bool) -> None:
        if hatched != self._hatched:
            self._hatched = hatched
            self.refresh()

    def lines(self) -> list[Text]:
        """The lines for the widget's present size; further ones are cut off."""
        raise NotImplementedError

    def style(self, variable: str, bold: bool = False) -> Style:
        return theme_style(self, variable, bold)

    def pair(self, word: str, value: str) -> Text:
        """A faint word and its value."""
        return Text.assemble((word + " ", self.style("dim")), (value, self.style("foreground")))

    @property
    def mark_style(self) -> Style:
        """The style of what the arrow keys move: in the colour of the focus while they do."""
        return self.style("accent" if self.has_focus else "faint")

    def repaint(self) -> None:
        """Redraw the lines that have changed."""
        if not self.is_attached or not self.size.width:
            return
        new, old = self.lines(), self._shown
        if new == old:
            return
        self._shown = new
        if len(new) != len(old):
            self.refresh(layout=self.styles.height is not None and self.styles.height.is_auto)
            return
        width = self.size.width
        pairs = enumerate(zip(new, old, strict=True))
        spans = [(y, *changed_cells(a, b, width)) for y, (a, b) in pairs if a != b]
        self.refresh(*(Region(first, y, last - first, 1) for y, first, last in spans))

    def watch_has_focus(self, has_focus: bool) -> None:
        # not in `on_focus`, which Textual calls before it says that the focus is here
        super().watch_has_focus(has_focus)
        if self.can_focus:
            self.repaint()

    def on_mount(self) -> None:
        again_in_another_theme(self, self._again)

    def _again(self) -> None:
        self._shown = []
        self.repaint()

    def on_resize(self) -> None:
        self._shown = self.lines()
        # laid out by the lines of before: a widget that was hidden had none, and one may be drawn before it is told
        is_auto = self.styles.height is not None and self.styles.height.is_auto
        self.refresh(layout=is_auto and max(1, len(self._shown)) != self.size.height)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        return max(1, len(self._shown))

    def render_lines(self, crop: Region) -> list[Strip]:
        # the style of all its lines, which takes Textual as long as all else of a line
        self._base = self.rich_style
        if not self._shown and self.size.width:
            # the first screen is drawn before its widgets are told their sizes
            self._shown = self.lines()
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self._base
        if y >= len(self._shown):
            return (
                Strip([Segment(HATCH * width, base + self.style("hatch"))])
                if self._hatched
                else Strip.blank(width, base)
            )
        console, line = self.app.console, self._shown[y]
        # rich forgets the style of a text that has no other in it
        plain = base + line.style if isinstance(line.style, Style) else base
        segments = [Segment(text, base + style if style else plain) for text, style, _ in line.render(console, end="")]
        return Strip(segments).adjust_cell_length(width, base)


def changed_cells(new: Text, old: Text, width: int) -> tuple[int, int]:
    """From which cell to which two lines differ: a number that changes beside a curve is all that is sent."""
    a, b = new.plain, old.plain
    if len(a) != len(b) or a == b or new.style != old.style or new.cell_len != old.cell_len:
        return 0, width
    first = next(i for i, (x, y) in enumerate(zip(a, b, strict=True)) if x != y)
    last = len(a) - next(i for i, (x, y) in enumerate(zip(reversed(a), reversed(b), strict=True)) if x != y)
    if _styles(new, 0, first) != _styles(old, 0, first):
        first = 0
    if _styles(new, last, len(a)) != _styles(old, last, len(a)):
        last = len(a)
    return min(width, cell_len(a[:first])), min(width, cell_len(a[:last]))


def _styles(text: Text, start: int, end: int) -> list[tuple[int, int, str | Style]]:
    """The styles of a part of a line."""
    return [(max(start, s.start), min(end, s.end), s.style) for s in text.spans if s.start < end and s.end > start]


def wrapped(text: Text, width: int, indents: Sequence[int]) -> Text:
    """Each line of `text` in lines of `width` cells, further ones set in as `indents` says for it; styles stay."""
    found: list[Text] = []
    for line, indent in zip(text.split("\n", allow_blank=True), indents, strict=True):
        plain, start = line.plain.replace("\u00a0", " "), 0
        for number, part in enumerate(formatting.wrap(plain, width, indent) or [""]):
            body = part.lstrip(" ") if number else part
            start = plain.index(body, start)
            found.append(Text(" " * indent * bool(number)).append_text(line[start : start + len(body)]))
            start += len(body)
    return Text("\n").join(found)


def text_of(widget: Widget, lines: Sequence[Line], width: int, bold: Container[Role] = ("strong",)) -> Text:
    """Lines in the theme's colours, wrapped to `width` cells; roles in `bold` are bold as well."""
    styles = {role: theme_style(widget, variable, role in bold) for role, variable in ROLES.items()}
    spans = [Text.assemble(*((printable(text), styles[role]) for text, role in line.spans)) for line in lines]
    return wrapped(Text("\n").join(spans), width, [line.indent for line in lines])


def joined(parts: Iterable[Text], width: int, gap: int) -> Text:
    """The parts with gaps in one line of at most `width` cells; those at the end are left out whole."""
    found = Text()
    for part in parts:
        space = gap if found.plain else 0
        if found.cell_len + space + part.cell_len > width:
            break
        found.append(" " * space)
        found.append_text(part)
    return found


def pad(text: Text, width: int) -> Text:
    """`text` filled up or cut to `width` cells."""
    text = text.copy()
    text.truncate(width, overflow="ellipsis", pad=True)
    return text
