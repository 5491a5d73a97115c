"""Keys act in the order in which they were pressed, also when a slow line brings many in one piece."""

from functools import partial
from typing import Any

from textual import events
from textual.app import App
from textual.message_pump import MessagePump
from textual.widgets import Input

MOST_SECONDS = 1.0
"""For so long at most keys are held back: what waits for a key may be taken away by what that key does."""


class InOrderApp(App[None]):
    """Holds keys back until the one before has done what it does.

    Textual hands a key to the widget that has the focus at that moment. But a tab moves the focus, and an enter opens a
    dialog, only when it has come up from that widget to the app: what was typed behind it would go where it went.
    """

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._held: list[events.Key] = []
        self._number = 0
        self._under_way = False

    async def on_event(self, event: events.Event) -> None:
        if not isinstance(event, events.Key) or event.is_forwarded:
            await super().on_event(event)
        elif not self._under_way:
            await self._take(event)
        else:
            if not self._held:
                self.set_timer(MOST_SECONDS, partial(self._passed, None, self._number))
            self._held.append(event)

    async def _take(self, event: events.Key) -> None:
        """Let a key act, and wait for it unless it is text that is typed."""
        begin = self.focused or self.screen
        await super().on_event(event)
        if event.is_printable and isinstance(begin, Input):
            return
        self._number += 1
        self._under_way = True
        # the key comes up this way; then what it asked the app for is done, and what came in front is made
        self._follow([*begin.ancestors_with_self, self, self], self._number)

    def _follow(self, way: list[MessagePump], number: int) -> None:
        """Go behind the key, through the same queues."""
        node, *rest = way or [self.screen]
        if not node.call_later(self._passed, rest if way else None, number):
            self._passed(rest if way else None, number)

    def _passed(self, way: list[MessagePump] | None, number: int) -> None:
        if way is None:
            if number == self._number:
                self.call_later(self._go_on)
        else:
            self._follow(way, number)

    async def _go_on(self) -> None:
        """The next keys, up to one that is to be waited for."""
        self._under_way = False
        while self._held and not self._under_way:
            await self._take(self._held.pop(0))
