"""Listening to a sound: by a player and a sound device where there are some, or else by fetching the file."""

import asyncio
import contextlib
import getpass
import os
import platform
import shlex
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from distill_tui.ui.services.programs import end

PLAYERS = (
    ("paplay",),
    ("aplay", "-q"),
    ("afplay",),
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "quiet"),
)
ALSA = Path("/dev/snd")


def player() -> list[str] | None:
    """The command that plays a file on this machine, to which the file is added; None where nothing can be heard."""
    if not has_sound_device():
        return None
    for words in PLAYERS:
        if found := shutil.which(words[0]):
            return [found, *words[1:]]
    return None


def has_sound_device(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether somebody who sits here hears what is played: somebody at the other end of an SSH line does not.

    A sound server that was brought along the line (PULSE_SERVER) counts.
    """
    if environment.get("PULSE_SERVER"):
        return True
    if environment.get("SSH_CONNECTION"):
        return False
    if platform.system() == "Darwin":
        return True
    runtime = Path(environment.get("XDG_RUNTIME_DIR") or "/nonexistent")
    if (runtime / "pulse" / "native").exists() or (runtime / "pipewire-0").exists():
        return True
    try:
        return any(entry.name.startswith("pcm") and entry.name.endswith("p") for entry in ALSA.iterdir())
    except OSError:
        return False


def fetch_command(folder: Path, environment: Mapping[str, str] = os.environ) -> str:
    """What to type on the machine with the loudspeakers: `scp` with the address and port that the SSH line came by."""
    address, port = socket.gethostname(), "22"
    with contextlib.suppress(ValueError):
        _, _, address, port = environment.get("SSH_CONNECTION", "").split()
    if ":" in address:
        address = f"[{address}]"
    try:
        user = getpass.getuser() + "@"
    except (KeyError, OSError):
        user = ""
    words = ["scp", "-r", *(["-P", port] if port != "22" else []), f"{user}{address}:{folder}", "."]
    return shlex.join(words)


class Playing:
    """At most one sound at a time."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    async def play(self, command: Sequence[str], path: Path) -> int:
        """Play a file instead of what plays now; the player's exit code, once it has ended."""
        self.stop()
        process = self._process = subprocess.Popen(
            [*command, str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return await asyncio.get_running_loop().run_in_executor(None, process.wait)
        finally:
            end(process)

    def stop(self) -> None:
        """Silence."""
        if self._process is not None:
            end(self._process)
        self._process = None
