"""Work on many files at once. Decoding is in C and releases the GIL, so threads are enough."""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from distill_tui import machine

Item = TypeVar("Item")
Result = TypeVar("Result")
MOST_THREADS = 16
"""More than these wait for the disk only."""


class Cancelled(BaseException):
    """Raised inside a thread whose result nobody waits for any more; it never leaves the pool."""


class Stop(threading.Event):
    """Set when the caller has gone: work asks now and then, so that an interrupt need not wait for hours of sound."""

    def check(self) -> None:
        """Raise Cancelled if the result is not wanted any more."""
        if self.is_set():
            raise Cancelled


def as_ready(
    items: Iterable[Item], work: Callable[[Item, Stop], Result]
) -> Generator[tuple[Item, Callable[[], Result]], None, None]:
    """Do `work(item, stop)` in as many threads as there are cores.

    Yields (item, a function that gives its result or raises its error) as they are ready. To be closed by whoever
    leaves it early.
    """
    stop = Stop()
    waiting = deque(items)
    busy: dict[Future[Result], Item] = {}
    pool = ThreadPoolExecutor(min(machine.cores(), MOST_THREADS), thread_name_prefix="sounds")
    try:
        while waiting or busy:
            while waiting and len(busy) < 4 * MOST_THREADS:
                item = waiting.popleft()
                busy[pool.submit(work, item, stop)] = item
            for ready in wait(busy, return_when=FIRST_COMPLETED).done:
                yield busy.pop(ready), ready.result
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
