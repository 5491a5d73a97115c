"""Check of the listening page: how to hear from here what this machine has."""

from distill_tui.cli.commands.doctor.check import Check
from distill_tui.paths import Home
from distill_tui.serve.address import listening, tunnel


def page(home: Home) -> Check:
    """The lines to type where one sits, or how to start the page."""
    found = listening(home)
    if found is None:
        text = f"not running; start it with distill-tui serve or W in the app, then run on your machine: {tunnel()}"
    else:
        text = f"running; run on your machine: {found.tunnel} and open there: {found.address}"
    return Check("terminal", "listening page", "ok", text)
