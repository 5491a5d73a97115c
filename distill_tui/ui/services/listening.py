"""The listening page beside the app: whether it answers, starting it, and having it show a sound."""

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import msgspec

from distill_tui.errors import DistillError
from distill_tui.foreign import MalformedError, decode
from distill_tui.interpreter import python
from distill_tui.paths import Home
from distill_tui.serve.address import Listening, listening
from distill_tui.serve.places import place_of

MOST_LINE = 1 << 16


class _Told(msgspec.Struct):
    address: str
    port: int
    pid: int


class ListeningPage:
    """The page of a home. One that this starts ends with the app; one that was there goes on."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None
        self._starting = asyncio.Lock()

    async def state(self) -> Listening | None:
        """The page that answers now, or None."""
        return await asyncio.to_thread(listening, self._home)

    async def start(self) -> Listening:
        """The page that answers, started if there is none.

        Raises:
            DistillError: it does not start.
        """
        async with self._starting:
            found = await self.state()
            return found if found is not None else await asyncio.to_thread(self._start)

    def _start(self) -> Listening:
        command = python("-m", "distill_tui", "--home", str(self._home.root), "serve", "--json", "--until-eof")
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # what the terminal sends to the app, ctrl+c or a hang-up, is for the app alone
            start_new_session=True,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        document = b""
        while (line := process.stdout.readline(MOST_LINE)) and len(document) < MOST_LINE:
            document += line
            if line == b"}\n":
                break
        try:
            port = decode(document, _Told).port
        except MalformedError:
            said = process.stderr.read(MOST_LINE).decode(errors="replace").strip().splitlines()
            self._close(process)
            raise DistillError("the listening page does not start", "\n".join(said[-2:])) from None
        self._process = process
        found = listening(self._home)
        if found is None or found.port != port:
            raise DistillError("the listening page has ended at once")
        return found

    async def open(self, path: Path) -> tuple[Listening | None, int]:
        """Have the browsers that look go to a sound; the page that answers, and how many look at it."""
        # its HTTP costs a few milliseconds that nobody waits for before
        from distill_tui.serve.client import open_on_page

        place = place_of(self._home, path)
        if place is None:
            return await self.state(), 0
        return await asyncio.to_thread(open_on_page, self._home, place)

    def end(self) -> None:
        """End the page if this started it: its input ends. It would end too if the app was killed."""
        if self._process is not None:
            self._close(self._process)
            self._process = None

    @staticmethod
    def _close(process: subprocess.Popen[bytes]) -> None:
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()
        try:
            process.wait(0.5)
        except subprocess.TimeoutExpired:
            # it has no reason to stay
            process.terminate()
            process.wait()


def page_of(app: Any) -> ListeningPage | None:
    """The listening page of the app; None in an app of tests that has none."""
    found = getattr(app, "listening_page", None)
    return found if isinstance(found, ListeningPage) else None
