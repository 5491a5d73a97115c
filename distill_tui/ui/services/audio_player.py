"""Listening to sound files: on this machine if it has a player and a sound device, or else after fetching them."""

import asyncio
import os
import platform
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from textual.widget import Widget

from distill_tui.serve.address import ssh_target
from distill_tui.text import printable
from distill_tui.ui.services.listening import page_of
from distill_tui.ui.services.programs import end

PLAYERS = (("paplay",), ("aplay", "-q"), ("afplay",), ("ffplay", "-nodisp", "-autoexit", "-loglevel", "quiet"))
ALSA = Path("/dev/snd")


def player(suffix: str = ".wav") -> list[str] | None:
    """Return the command that plays the file added to it; None if nothing can be heard on this machine.

    Args:
        suffix: of the file: aplay knows WAV alone.
    """
    if not has_sound_device():
        return None
    for words in PLAYERS:
        if words[0] == "aplay" and suffix.lower() != ".wav":
            continue
        if found := shutil.which(words[0]):
            return [found, *words[1:]]
    return None


def has_sound_device(environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether the user hears what is played: over SSH only through a forwarded sound server (PULSE_SERVER)."""
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
    """Return the `scp` command to type where you listen, with the address and port of the SSH connection."""
    target, port = ssh_target(environment)
    user, at, address = target.rpartition("@")
    if ":" in address:
        address = f"[{address}]"
    words = ["scp", "-r", *(["-P", port] if port != "22" else []), f"{user}{at}{address}:{folder}", "."]
    return shlex.join(words)


class AudioPlayer:
    """Plays sound files for a widget, one at a time: here, or else on the listening page, or else it says how."""

    def __init__(self, owner: Widget) -> None:
        self._owner = owner
        self._process: subprocess.Popen[bytes] | None = None

    async def play(self, path: Path, about: str = "", title: str = "") -> None:
        """Play a file instead of the one that plays now, and report what goes wrong.

        `about` describes the file where nothing can be heard, `title` while it plays (by default it is not shown).
        """
        command = player(path.suffix)
        if command is None:
            if not await self._play_on_page(path, title or path.name):
                self.explain("\n\n".join(filter(None, ("Nothing can be heard on this machine.", about))), path)
            return
        if title:
            self._owner.notify(title, title="Playing", timeout=2, markup=False)
        try:
            code = await self._run([*command, str(path)])
        except OSError as error:
            self._complain(f"{command[0]}: {error.strerror}")
            return
        if code > 0:
            self._complain(f"{command[0]} could not play it (exit code {code}).")

    async def _play_on_page(self, path: Path, title: str) -> bool:
        """Open a file in the browsers that look at the listening page; False if there is none."""
        page = page_of(self._owner.app)
        readers = (await page.open(path))[1] if page is not None else 0
        if readers:
            self._owner.notify(f"{printable(title)} is opened on the listening page.", timeout=3, markup=False)
        return readers > 0

    async def _run(self, command: list[str]) -> int:
        self.stop()
        process = self._process = subprocess.Popen(
            command,
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
        """Stop playback."""
        if self._process is not None:
            end(self._process)
        self._process = None

    def explain(self, about: str, path: Path) -> None:
        """Show how to hear a file where one sits, or how to fetch it or a folder, below what it is."""
        from distill_tui.ui.dialogs.listen import ListenDialog

        page = page_of(self._owner.app)
        if page is not None:
            self._owner.app.push_screen(ListenDialog(page, about, path, fetch_command(path)))

    def _complain(self, text: str) -> None:
        self._owner.notify(text, severity="error", timeout=10, markup=False)
