"""Checks of the terminal: what the app has to draw with."""

import contextlib
import locale
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

from distill_tui.cli.commands.doctor.check import Check
from distill_tui.text import printable

SMALLEST_TERMINAL = (80, 24)


def checks() -> Iterator[Check]:
    """Its kind, colours, size and locale, and tmux."""
    kind = os.environ.get("TERM", "")
    in_tmux = bool(os.environ.get("TMUX"))
    if kind in ("", "dumb", "unknown"):
        advice = "The app needs a terminal; over SSH: ssh -t. Without one use train --plain and status."
        yield Check("terminal", "TERM", "warning", f"'{kind}'", advice)
    else:
        yield Check("terminal", "TERM", "ok", printable(kind) + (", inside tmux" if in_tmux else ""))
    if os.environ.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        yield Check("terminal", "colours", "ok", "16 million")
    else:
        count = "256" if "256" in kind or "direct" in kind else "not known to be more than 16"
        advice = "If it can do more: export COLORTERM=truecolor"
        if in_tmux:
            advice += ', and in ~/.tmux.conf: set -as terminal-features ",*:RGB"'
        yield Check("terminal", "colours", "ok" if count == "256" else "warning", count, f"{advice}.")
    size = terminal_size()
    if size is None:
        yield Check("terminal", "size", "ok", "no terminal here")
    else:
        text = f"{size[0]} columns, {size[1]} lines"
        fits = size[0] >= SMALLEST_TERMINAL[0] and size[1] >= SMALLEST_TERMINAL[1]
        advice = "" if fits else "The app is made for 80x24 and more: make the window larger."
        yield Check("terminal", "size", "ok" if fits else "warning", text, advice)
    coding = locale.getencoding()
    if "utf" in coding.lower():
        yield Check("terminal", "locale", "ok", coding)
    else:
        advice = "Boxes and names may look wrong: export LC_ALL=C.UTF-8"
        yield Check("terminal", "locale", "warning", f"{coding}, not UTF-8", advice)
    yield _tmux()


def terminal_size() -> tuple[int, int] | None:
    """(columns, lines) of the terminal that any of the standard streams is, or None."""
    for stream in (sys.__stdout__, sys.__stderr__, sys.__stdin__):
        if stream is None:  # closed by whoever started this
            continue
        with contextlib.suppress(OSError, ValueError, AttributeError):
            size = os.get_terminal_size(stream.fileno())
            return size.columns, size.lines
    return None


def _tmux() -> Check:
    advice = "Runs outlive the terminal without it; with it the app does too: install tmux with the package manager."
    program = shutil.which("tmux")
    if program is None:
        return Check("terminal", "tmux", "missing", "not installed", advice)
    try:
        done = subprocess.run([program, "-V"], capture_output=True, text=True, errors="replace", timeout=10)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Check("terminal", "tmux", "warning", f"{printable(program)} does not start: {error}", advice)
    return Check("terminal", "tmux", "ok", printable(done.stdout.strip()))
