"""A field to type into in which keys act in the order in which they were pressed."""

from textual import events
from textual.binding import BindingsMap
from textual.widgets import Input

OWN = BindingsMap(Input.BINDINGS)
"""What an input does itself: it also has the bindings for scrolling that every widget has."""


class TextField(Input):
    """An `Input` that does at once what its own keys are bound to.

    Textual sends such a key up to the app first, and text that came in the same read, as it does over a slow line,
    overtakes it: two backspaces and a number would take away the number's end.
    """

    async def _on_key(self, event: events.Key) -> None:
        if event.is_printable or event.key not in OWN.key_to_bindings:
            return
        event.stop()
        event.prevent_default()
        for binding in OWN.get_bindings_for_key(event.key):
            await self.app.run_action(binding.action, self)
