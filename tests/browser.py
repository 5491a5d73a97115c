"""A real Chromium in tests, without a window: driven by its DevTools protocol over a pipe, which needs no library."""

import base64
import contextlib
import itertools
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PATIENCE = 60.0
"""Seconds for an answer: CI's machines are slow."""


def find_chromium() -> str | None:
    """The path of a Chromium on this machine, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Tab:
    """A page of a browser."""

    def __init__(self, browser: "Browser", session: str) -> None:
        self._browser, self._session = browser, session

    def __call__(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._browser.ask(method, parameters, self._session)

    def evaluate(self, script: str) -> Any:
        """The value of an expression; a promise is awaited."""
        told = self("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def until(self, script: str) -> Any:
        """Wait, in the page and from frame to frame, until an expression is true; its value."""
        wait = (
            f"new Promise((done, fail) => {{ const end = Date.now() + {PATIENCE * 500:.0f};"
            f" const look = () => {{ const found = ({script}); if (found) done(found);"
            f" else if (Date.now() > end) fail(new Error('never: ' + {json.dumps(script)}));"
            " else setTimeout(look, 20); };"
            " look(); })"
        )
        return self.evaluate(wait)

    def press(self, key: str) -> None:
        """Press a key as a person does."""
        codes = {"Enter": 13, "ArrowDown": 40, "ArrowUp": 38, "ArrowLeft": 37, "ArrowRight": 39, "Tab": 9, " ": 32}
        code = codes.get(key, ord(key[0].upper()))
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        common = {"key": key, "windowsVirtualKeyCode": code}
        self("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **common)
        self("Input.dispatchKeyEvent", type="keyUp", **common)

    def picture(self, file: Path, whole: bool = False) -> None:
        """Write what is seen to a PNG file; `whole`: all of the page."""
        found = self("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(found["data"]))

    def look(self, width: int, height: int, dark: bool) -> None:
        """Have a window of this size, and this colour scheme."""
        self("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self("Emulation.setEmulatedMedia", features=scheme)


class Browser:
    """A Chromium process and the pipes to it."""

    def __init__(self, write: int, read: int) -> None:
        self._write, self._read = write, os.fdopen(read, "rb", buffering=0)
        self._numbers = itertools.count(1)
        self._rest = b""
        self.events: list[dict[str, Any]] = []

    def open(self, address: str) -> Tab:
        """A tab with this page."""
        target = self.ask("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.ask("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        tab = Tab(self, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            tab(f"{domain}.enable")
        tab("Page.navigate", url=address)
        return tab

    def ask(self, method: str, parameters: dict[str, Any], session: str = "") -> dict[str, Any]:
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            answer = self._next()
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer["error"])
                result: dict[str, Any] = answer["result"]
                return result
            if "method" in answer:
                self.events.append(answer)
        raise TimeoutError(method)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            data = self._read.read(1 << 16)
            if not data:
                raise EOFError("Chromium has ended")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(line)
        return found

    def problems(self) -> list[str]:
        """What the console has complained of: errors of scripts, and of what the page's policy does not let in."""
        found = []
        for event in self.events:
            if event["method"] == "Runtime.exceptionThrown":
                found.append(json.dumps(event["params"]["exceptionDetails"]))
            elif event["method"] == "Log.entryAdded" and event["params"]["entry"]["level"] == "error":
                found.append(event["params"]["entry"]["text"])
        return found

    def addresses(self) -> list[str]:
        """Every address that was asked for."""
        sent = (event for event in self.events if event["method"] == "Network.requestWillBeSent")
        return [event["params"]["request"]["url"] for event in sent]


@contextlib.contextmanager
def chromium(folder: Path, program: str) -> Iterator[Browser]:
    """Start a Chromium with a profile of its own in `folder`; its process group is ended afterwards."""
    flags = [
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--mute-audio",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
        "--autoplay-policy=no-user-gesture-required", f"--user-data-dir={folder}", "--remote-debugging-pipe",
    ]  # fmt: skip
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()
    # it reads from descriptor 3 and writes to 4; a plain sh knows no descriptors above 9
    command = ["bash", "-c", f'exec "$@" 3<&{to_read} 4>&{from_write}', "bash", program, *flags, "about:blank"]
    process = subprocess.Popen(
        command,
        pass_fds=(to_read, from_write),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(to_read)
    os.close(from_write)
    browser = Browser(to_write, from_read)
    try:
        yield browser
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.wait()
        os.close(to_write)
        browser._read.close()
