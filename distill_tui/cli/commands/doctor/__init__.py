"""Checks of this machine, one a line, each with its way out. Nothing is changed."""

from collections.abc import Iterator

from distill_tui.cli.commands.doctor import listening, place, software, terminal
from distill_tui.cli.commands.doctor.check import Check
from distill_tui.paths import Home


def checks(home: Home) -> Iterator[Check]:
    """Every check, in the order in which a person reads them; torch among them, which takes seconds."""
    yield software.python()
    yield from software.libraries()
    yield from software.torch()
    yield from place.machine()
    yield from place.sound()
    yield from place.folders(home)
    yield from terminal.checks()
    yield listening.page(home)
