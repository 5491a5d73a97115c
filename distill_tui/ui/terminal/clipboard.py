"""Copying to the clipboard of the terminal that one sits at: OSC 52, which SSH carries, and tmux with some help.

tmux takes OSC 52 of a program only with `set-clipboard on`, which is not its default. Asked itself (`load-buffer -w`,
tmux 3.2 and later) it passes the text on by default, and keeps it for its own paste. An older tmux, or screen, has to
be passed by (DCS), where that is allowed.
"""

import asyncio
import base64
import os
import subprocess
from collections.abc import Mapping
from typing import Any

from textual.app import App

TMUX = ("tmux", "load-buffer", "-w", "-")
TMUX_SECONDS = 2.0
SCREEN_CHUNK = 500
"""Bytes in one string of controls that screen lets through."""


def osc52(text: str) -> str:
    """The controls by which a terminal takes `text` to its clipboard."""
    return f"\x1b]52;c;{base64.b64encode(text.encode('utf-8', 'replace')).decode()}\x07"


def controls(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """What is written to the terminal, passed through the multiplexer that the program runs in."""
    plain = osc52(text)
    if environment.get("TMUX"):
        # each escape is doubled; a tmux with `set-clipboard on` takes the plain one
        return f"\x1bPtmux;{plain.replace(chr(27), chr(27) * 2)}\x1b\\{plain}"
    if environment.get("STY"):
        parts = [plain[start : start + SCREEN_CHUNK] for start in range(0, len(plain), SCREEN_CHUNK)]
        return "".join(f"\x1bP{part}\x1b\\" for part in parts)
    return plain


async def copy(app: App[Any], text: str) -> None:
    """Copy text to the clipboard of the terminal that shows the app."""
    is_done = await asyncio.to_thread(_by_tmux, text) if os.environ.get("TMUX") else False
    if not is_done and app._driver is not None and not app.is_headless:
        app._driver.write(controls(text))


def _by_tmux(text: str) -> bool:
    """Have tmux copy a text; False if it is too old for that, or does not answer."""
    try:
        done = subprocess.run(
            TMUX, input=text.encode("utf-8", "replace"), capture_output=True, timeout=TMUX_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
