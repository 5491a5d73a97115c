"""Players of sounds, with names that a screen reader says."""

from collections.abc import Sequence
from typing import NamedTuple

from distill_tui.reporting.page.html import Child, Html, element


class Heard(NamedTuple):
    """A sound to be heard: what it is (`original`), its address, and a note below it; without an address, why."""

    title: str
    source: str
    note: Child = None
    figure: Html | None = None


def player(name: str, source: str) -> Html:
    """A player; `name` says which sound of which set it is."""
    return element("audio", controls=True, preload="metadata", src=source, aria_label=name)


def side_by_side(name: str, sounds: Sequence[Heard], *below: Child) -> Html:
    """Versions of one sound beside each other, each with its picture and player; stacked where it is narrow."""
    columns = []
    for one in sounds:
        heard = player(f"{one.title} of {name}", one.source) if one.source else None
        note = element("p", one.note, class_="dim") if one.note else None
        columns.append(element("div", element("h4", one.title), one.figure, heard, note))
    heading = element("h3", name)
    return element("article", heading, element("div", *columns, class_="versions"), *below, class_="sounds")
