"""Titled frames around the parts of a screen."""

from typing import Literal, TypeVar

from textual.content import Content
from textual.widget import Widget

Hue = Literal["data", "health", "sound", "machine", "recipe", "log"]
"""Subject of a panel, which the colour of its title tells (`app.tcss`)."""
_W = TypeVar("_W", bound=Widget)


def framed(widget: _W, title: str, hue: Hue = "data") -> _W:
    """Frame a widget, a container as well: its border is lit while the focus is in it. Small screens show no frames."""
    widget.add_class("panel", f"-{hue}")
    retitle(widget, title)
    return widget


def retitle(widget: Widget, title: str, subtitle: str = "") -> None:
    """Give a framed widget this title, and this note at the bottom of its frame."""
    if widget.border_title != title:
        widget.border_title = Content(title)
    if (widget.border_subtitle or "") != subtitle:
        widget.border_subtitle = Content(subtitle) if subtitle else None
