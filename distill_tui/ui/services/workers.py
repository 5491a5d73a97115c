"""Starting Textual workers."""

import functools
from collections.abc import Callable, Coroutine
from typing import Any

from textual.dom import DOMNode
from textual.worker import Worker


def begin(
    owner: DOMNode, group: str, work: Callable[..., Coroutine[Any, Any, None]], *arguments: Any
) -> "Worker[None]":
    """Run `work(*arguments)` as a Textual worker of `owner`; what still runs in the same group is cancelled.

    The coroutine is made only when its turn comes, so that one that is cancelled before leaves nothing unawaited.
    """
    deferred: Any = functools.partial(work, *arguments)
    started: Worker[None] = owner.run_worker(deferred, group=group, exclusive=True)
    return started
