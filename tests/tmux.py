"""tmux in tests: a server of its own."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.programs import Terminal, environment


class Tmux:
    """A tmux server of its own, without anybody's settings."""

    def __init__(self, folder: Path, home: Path) -> None:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self._command = ["tmux", "-S", str(folder / "tmux"), "-f", "/dev/null"]
        self._environment = environment(PATH=path, DISTILL_TUI_HOME=str(home), SHELL="/bin/sh", LC_ALL="C.UTF-8")
        self._environment.pop("TMUX", None)

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self._command, *arguments], env=self._environment, capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout

    @contextlib.contextmanager
    def attached(self) -> Iterator[Terminal]:
        """A terminal that shows the session."""
        client = Terminal(program=(*self._command, "attach"), **{**self._environment, "COLUMNS": "", "LINES": ""})
        try:
            yield client
        finally:
            self.end()
            client.wait()

    def end(self) -> None:
        subprocess.run([*self._command, "kill-server"], capture_output=True, check=False, timeout=60)
