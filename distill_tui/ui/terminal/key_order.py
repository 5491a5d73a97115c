"""Keys act in the order in which they were pressed, even when a slow line delivers many at once."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from textual.app import App
from textual.events import Event, Key
from textual.message_pump import MessagePump
from textual.widgets import Input

MOST_SECONDS = 1.0
"""Keys are held back for at most so long: what a key removes may take along what waits for it."""

PassOn = Callable[[Event], Awaitable[None]]
"""Gives an event to the app."""


class KeyOrder:
    """Holds keys back until the one before has had its effect.

    Textual hands a key to the widget that has the focus at that moment. But a tab moves the focus, and an enter opens a
    dialog, only when it has come up from that widget to the app: what was typed behind it would go where it went.
    """

    def __init__(self, app: App[Any], pass_on: PassOn) -> None:
        """`pass_on` is Textual's own `on_event` of the app."""
        self._app, self._pass_on = app, pass_on
        self._held: list[Key] = []
        self._number = 0
        self._under_way = False

    async def on_event(self, event: Event) -> None:
        """Give an event to the app; a key, when its turn comes."""
        if not isinstance(event, Key) or event.is_forwarded:
            await self._pass_on(event)
        elif not self._under_way:
            await self._take(event)
        else:
            if not self._held:
                self._app.set_timer(MOST_SECONDS, partial(self._passed, None, self._number))
            self._held.append(event)

    async def _take(self, event: Key) -> None:
        """Let a key act, and wait for it unless it is text that is typed."""
        begin = self._app.focused or self._app.screen
        await self._pass_on(event)
        if event.is_printable and isinstance(begin, Input):
            return
        self._number += 1
        self._under_way = True
        # the key comes up this way; then what it asked the app for is done, and what came in front is made
        self._follow([*begin.ancestors_with_self, self._app, self._app], self._number)

    def _follow(self, way: list[MessagePump], number: int) -> None:
        """Go behind the key, through the same queues."""
        node, *rest = way or [self._app.screen]
        if not node.call_later(self._passed, rest if way else None, number):
            self._passed(rest if way else None, number)

    def _passed(self, way: list[MessagePump] | None, number: int) -> None:
        if way is not None:
            self._follow(way, number)
        elif number == self._number:
            self._app.call_later(self._go_on)

    async def _go_on(self) -> None:
        """The next keys, up to one that is to be waited for."""
        self._under_way = False
        while self._held and not self._under_way:
            await self._take(self._held.pop(0))
