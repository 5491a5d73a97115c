"""The end of a process that depends on others: the one that started it, or other ranks."""

import os
import sys
import threading
from collections.abc import Callable


def end_with_parent(before_end: Callable[[], object] = lambda: None) -> None:
    """End this process when the one that holds the other end of its standard input has ended, however it did.

    `before_end` is called before that, in a thread.
    """
    threading.Thread(target=_wait, args=(before_end,), name="parent", daemon=True).start()


def _wait(before_end: Callable[[], object]) -> None:
    while os.read(0, 4096):
        pass
    try:
        before_end()
    finally:
        os._exit(1)


def leave_ranks(code: int) -> int:
    """End this process at once if it still has connections to other ranks; else give `code`.

    The interpreter's own end would close them: NCCL's wait for a dead rank, and gloo's may abort the process.
    """
    distributed = sys.modules.get("torch.distributed")
    if distributed is not None and distributed.is_initialized():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code
