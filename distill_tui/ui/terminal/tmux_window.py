"""The name of tmux's window, while the app is open: only where tmux names its windows by itself, and given back."""

import os
import shutil
import subprocess
import threading

from distill_tui.reporting.formatting import shorten
from distill_tui.text import printable

CELLS = 30
PATIENCE = 2.0


class TmuxWindow:
    """Renames the window that the app is in. Its methods wait for tmux: call them in a thread."""

    def __init__(self) -> None:
        # within tmux, and not in one of its servers that somebody else's variables name
        self._pane = os.environ.get("TMUX_PANE", "") if os.environ.get("TMUX") else ""
        self._program = shutil.which("tmux") or ""
        self._lock = threading.Lock()
        self._wanted = self._shown = ""
        self._is_ours: bool | None = None

    @property
    def is_there(self) -> bool:
        """True within tmux."""
        return bool(self._pane and self._program)

    def want(self, name: str) -> bool:
        """Note the name that the window should have; True if `update` has something to do."""
        # tmux takes #(...) in a name as a command to run
        self._wanted = shorten(printable(name).replace("#", ""), CELLS)
        return self.is_there and self._wanted != self._shown and self._is_ours is not False

    def update(self) -> None:
        """Give the window the newest name that is wanted."""
        with self._lock:
            if self._is_ours is None:
                # a name that a person gave stays
                self._is_ours = self._tmux("display-message", "-p", "-t", self._pane, "#{automatic-rename}") == "1"
            name = self._wanted
            if self._is_ours and name != self._shown:
                self._tmux("rename-window", "-t", self._pane, "--", name)
                self._shown = name

    def give_back(self) -> None:
        """Let tmux name the window again."""
        if not self.is_there:
            return
        with self._lock:
            if self._shown:
                self._tmux("set-window-option", "-u", "-t", self._pane, "automatic-rename")
            self._is_ours = False

    def _tmux(self, *arguments: str) -> str:
        """What tmux answers; '' if it fails."""
        try:
            done = subprocess.run(
                [self._program, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=PATIENCE,
                check=False,
            )
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return ""
        return done.stdout.decode(errors="replace").strip()
