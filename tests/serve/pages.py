"""A home with something to hear, and a page that serves it in this process."""

import contextlib
import http.client
import io
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from distill_tui.paths import Home
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder
from distill_tui.serve.routes import PageRoutes
from distill_tui.serve.server import PageServer
from distill_tui.takes.folder import TakesFolder
from distill_tui.takes.take import Take
from tests.runs.support import a_run, metrics, started, write

TOKEN = "0123456789abcdef" * 2
RATE = 8000


def tone(seconds: float = 0.1, hertz: float = 440.0) -> bytes:
    """A WAV file of a tone."""
    buffer = io.BytesIO()
    time = np.arange(int(seconds * RATE)) / RATE
    soundfile.write(buffer, 0.5 * np.sin(2 * np.pi * hertz * time), RATE, format="WAV")
    return buffer.getvalue()


def preview(run: RunFolder, step: int, sounds: tuple[str, ...] = ("kick.wav",), seconds: float = 0.1) -> e.PreviewMade:
    """A preview's files, as a worker writes them, and its event."""
    folder = run.previews / f"{step:08}"
    folder.mkdir(parents=True)
    pairs: list[tuple[str, str, float | None]] = []
    for index, _ in enumerate(sounds):
        for name, hertz in (("original", 440.0), ("reconstruction", 450.0)):
            (folder / f"{index}-{name}.wav").write_bytes(tone(seconds, hertz))
        stem = f"previews/{step:08}/{index}"
        pairs.append((f"{stem}-original.wav", f"{stem}-reconstruction.wav", 0.25))
    return e.PreviewMade(step=step, epoch=1, folder=f"previews/{step:08}", pairs=pairs, names=list(sounds))


def prepared(epochs: int = 2) -> e.RunPrepared:
    return e.RunPrepared(
        device="cpu", precision="float32", parameters=1000, steps_per_epoch=5, total_epochs=epochs, rate=RATE,
        codebook_size=64, levels=2,
    )  # fmt: skip


def a_heard_run(home: Home, name: str = "drums") -> RunFolder:
    """A run that was stopped, with one preview."""
    run = a_run(home, name)
    write(run, started(run), prepared(), e.StateChanged(state="running"))
    write(run, *(metrics(step, loss_train=1.0 / step, loss_val=2.0 / step) for step in range(1, 6)))
    write(run, preview(run, 5), e.Stopped(step=5, epoch=1, seconds=1.0))
    return run


def some_takes(home: Home, count: int = 2, name: str = "set") -> TakesFolder:
    """A set of takes."""
    folder = TakesFolder(home.takes / name)
    for seed in range(count):
        folder.add(Take(path="", seconds=0.1, seed=seed, method="prior"), tone(), stem=f"take-{seed}")
    return folder


@dataclass(frozen=True)
class Served:
    """A page that answers on `port`."""

    home: Home
    port: int
    server: PageServer
    routes: PageRoutes

    @property
    def address(self) -> str:
        return f"http://localhost:{self.port}/{TOKEN}/"

    def ask(
        self, path: str, method: str = "GET", body: Any = None, token: str = TOKEN, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """One request: its status, headers and body. `path` follows the token; `x_y` is the header x-y."""
        return self.raw(f"/{token}/{path}", method, body, **headers)

    def raw(
        self, target: str, method: str = "GET", body: Any = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        line = http.client.HTTPConnection("localhost", self.port, timeout=30)
        try:
            line.request(method, target, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = line.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            line.close()


@contextlib.contextmanager
def served(home: Home, most: int = 64) -> Iterator[Served]:
    """Serve a home on any free port."""
    routes = PageRoutes(home, look_seconds=0.05)
    server = PageServer(0, TOKEN, routes, most)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield Served(home, server.server_port, server, routes)
    finally:
        routes.hub.close()
        server.shutdown()
        server.server_close()
        thread.join()


def linked(path: Path, target: Path) -> None:
    """Put a link to `target` in place of a file."""
    path.unlink()
    path.symlink_to(target)
