"""A place to train in: a home folder as a new user has it, which no picture names."""

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from distill_tui.data.demo_sounds import write_demo_sounds
from distill_tui.paths import Home
from distill_tui.runs.folder import RunFolder, list_runs


@dataclass(frozen=True)
class Place:
    """A person's folder, shown as `~`, with sounds and the app's home in it."""

    root: Path

    @property
    def home(self) -> Home:
        return Home(self.root / ".local/share/distill-tui")

    @property
    def film(self) -> Path:
        """The file in which what was seen of a training is kept: the moving picture can be made again from it."""
        return self.root / "film"

    def enter(self) -> None:
        """Make this process, and what it starts, that of a person who lives here, in UTC and with true colour.

        Raises:
            SystemExit: the folder holds something else.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        os.environ |= {"HOME": str(self.root), "TZ": "UTC", "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        os.environ |= {"DISTILL_TUI_HOME": str(self.home.root)}
        os.environ.pop("NO_COLOR", None)
        time.tzset()
        if any(self.root.iterdir()) and not self.home.root.exists():
            raise SystemExit(f"{self.root}: not a home that this module made. Choose a new or an empty folder.")
        self.home.root.mkdir(parents=True, exist_ok=True)

    def sounds(self, data: Path | None) -> Path:
        """The sounds to train on: a copy of `data`, or those of the demo."""
        folder = self.root / (data.name if data else "sounds")
        if not folder.exists():
            if data:
                shutil.copytree(data, folder)
            else:
                write_demo_sounds(folder)
        return folder

    def run(self, *words: str) -> None:
        """Run a command of the program to its end."""
        subprocess.run(self.command(*words), check=True, stdin=subprocess.DEVNULL)

    def start(self, *words: str) -> RunFolder:
        """Run a command that starts a run, and return the run as soon as it is there."""
        before = {run.path for run in list_runs(self.home)}
        process = subprocess.Popen(self.command(*words, "--detach"), stdin=subprocess.DEVNULL)
        while True:
            if new := [run for run in list_runs(self.home) if run.path not in before]:
                return new[0]
            if process.poll():
                raise SystemExit(f"`{' '.join(words)}` ended with code {process.returncode}")
            time.sleep(0.05)

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "distill_tui", *words]

    def hide(self, text: str) -> str:
        """`text` without this place's name, as long as before."""
        return re.sub(
            re.escape(str(self.root)) + r"(\S*)", lambda found: f"~{found[1]}" + " " * (len(str(self.root)) - 1), text
        )
