"""Keep the decoders' own messages off the terminal."""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TextIO, cast

from distill_tui.text import Gate


@contextlib.contextmanager
def quiet_decoders() -> Iterator[None]:
    """Send to nowhere what libraries in C write to standard error, while Python's `sys.stderr` goes on as before.

    libsndfile's MP3 decoder tells of every damaged frame there, past any setting. For commands that scan or decode, in
    their main thread; never inside the app, which draws its screen through that same descriptor.
    """
    try:
        original = sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):
        yield
        return
    sys.stderr.flush()
    kept, nowhere = os.dup(original), os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    python_stderr = sys.stderr
    try:
        again = os.fdopen(os.dup(kept), "w", encoding="utf-8", errors="backslashreplace", buffering=1)
        sys.stderr = cast("TextIO", Gate(again)) if isinstance(python_stderr, Gate) else again
        os.dup2(nowhere, original)
        yield
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.close()
        sys.stderr = python_stderr
        os.dup2(kept, original)
        os.close(kept)
        os.close(nowhere)
