"""Lines to show, without a terminal: each part with its role, which screens, commands and pages turn into a colour."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

Role = Literal["plain", "dim", "strong", "accent", "good", "fair", "bad"]
Span = tuple[str, Role]
MARKS = "▲✗✓■"
"""Signs that a line may begin with; what is wrapped is set in behind them."""


class Line(NamedTuple):
    """A line in parts. `id` names what it says and stays when its words change; `indent` is where its rest goes on."""

    spans: tuple[Span, ...]
    id: str = ""
    indent: int = 0

    @property
    def text(self) -> str:
        """The words without their roles."""
        return "".join(text for text, _ in self.spans)


def line(text: str, role: Role = "plain", id: str = "") -> Line:
    """A line in one role."""
    return Line(((text, role),), id, len(text) - len(text.lstrip()) + 2 * text.startswith(tuple(MARKS)))


def texts(lines: Iterable[Line]) -> list[str]:
    """The words of each line."""
    return [one.text for one in lines]
