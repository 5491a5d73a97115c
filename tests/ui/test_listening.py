"""Hearing over SSH: the dialog with the lines to type, the page that the app starts, and copying them."""

import base64
import http.client
from functools import partial
from pathlib import Path

import pytest

from distill_tui.paths import Home
from distill_tui.serve.address import listening
from distill_tui.ui.app import DistillApp
from distill_tui.ui.dialogs.listen import CopyLine, ListenDialog
from distill_tui.ui.screens.base import BaseScreen, RunWanted
from distill_tui.ui.screens.config.folder_field import FolderField
from distill_tui.ui.terminal import clipboard
from tests.library import models
from tests.programs import Terminal, environment, until
from tests.serve.pages import TOKEN, a_heard_run, served, some_takes, tone
from tests.tmux import Tmux
from tests.ui import conftest
from tests.ui.conftest import screen_text

FILE = "previews/00000005/0-reconstruction.wav"


@pytest.mark.slow
async def test_what_cannot_be_heard_here_is_heard_on_the_page(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 50000 10.0.0.2 2222")
    monkeypatch.setenv("USER", "me")
    monkeypatch.delenv("PULSE_SERVER", raising=False)
    monkeypatch.delenv("LOGNAME", raising=False)
    copied: list[str] = []

    async def copy(_: object, text: str) -> None:
        copied.append(text)

    monkeypatch.setattr(clipboard, "copy", copy)
    run = a_heard_run(home)
    app = DistillApp(home, run)
    async with app.run_test(size=(120, 35)) as pilot:
        await conftest.until(pilot, lambda: app._training.controller.state.previews)
        await pilot.press("f5", "y")
        await conftest.until(pilot, lambda: copied)
        assert copied == [str(run.path / FILE)]
        # no page: how to hear it, and a key that starts one
        await pilot.press("enter")
        await conftest.until(pilot, lambda: "s  start the page" in screen_text(app))
        text = screen_text(app)
        assert "Nothing can be heard on this machine." in text
        assert "ssh -p 2222 -L 8765:127.0.0.1:8765 me@10.0.0.2" in text
        assert [line.text for line in app.screen.query(CopyLine)][2].startswith("scp -r -P 2222 me@10.0.0.2:/")
        await pilot.press("s")
        await conftest.until(pilot, lambda: "The listening page is running." in screen_text(app))
        page = listening(home)
        assert page is not None
        lines = [line.text for line in app.screen.query(CopyLine)]
        assert lines[:2] == [page.tunnel, page.address]
        await pilot.press("y", "down", "y")
        await conftest.until(pilot, lambda: len(copied) == 3)
        assert copied[1:] == lines[:2]
        await pilot.press("escape")
        # a browser that looks is sent to the sound
        line = http.client.HTTPConnection("localhost", page.port)
        line.request("GET", f"/{page.token}/events")
        answer = line.getresponse()
        # what was asked for before there was a browser has waited for it
        assert answer.readline().startswith(b"retry")
        assert _message(answer) == (b"jump", f"run/{run.id}/{FILE}")
        await pilot.press("o", "enter")
        assert _message(answer)[1].endswith(("0-original.wav", "0-reconstruction.wav"))
        await conftest.until(pilot, lambda: "is opened on the listening page" in screen_text(app))
        assert not isinstance(app.screen, ListenDialog)
        line.close()
    assert listening(home) is None, "the page that the app started ends with it"


@pytest.mark.slow
async def test_a_path_is_copied_on_every_screen(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []

    async def copy(_: object, text: str) -> None:
        copied.append(text)

    monkeypatch.setattr(clipboard, "copy", copy)
    run, takes = a_heard_run(home), some_takes(home, 1)
    model = home.models / "bells.distill"
    models.write(model, name="bells")
    sounds = tmp_path / "sounds"
    sounds.mkdir()
    (sounds / "a.wav").write_bytes(tone())
    app = DistillApp(home)
    async with app.run_test(size=(120, 35)) as pilot:
        wanted = {"1": sounds, "2": run.path, "3": model, "5": takes.path / "take-0.wav", "6": run.path}
        for key, path in wanted.items():
            await pilot.press("escape", key)
            if key == "1":
                app.screen.query_one(FolderField).mean(str(sounds))
            if key == "2":
                app.post_message(RunWanted(run))
            is_there = partial(_can_copy, app, str(path))
            await conftest.until(pilot, is_there, f"{path} on screen {key}")
            copied.clear()
            await pilot.press("escape", "y")
            await conftest.until(pilot, partial(copied.__eq__, [str(path)]))


def _can_copy(app: DistillApp, text: str) -> bool:
    return isinstance(app.screen, BaseScreen) and app.screen.copyable() == text


def _message(answer: http.client.HTTPResponse) -> tuple[bytes, str]:
    """The next message of an event stream: its topic, and the place in it."""
    import json

    topic = b""
    while not (line := answer.readline()).startswith(b"data: "):
        topic = line.removeprefix(b"event: ").strip() or topic
    return topic, json.loads(line[6:]).get("place", "")


@pytest.mark.slow
async def test_a_page_that_was_there_before_goes_on(home: Home) -> None:
    from distill_tui.serve.address import Listening, hold

    app = DistillApp(home)
    with served(home) as page, hold(home) as tell:
        tell(Listening(page.port, TOKEN, 1))
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("escape", "W")
            await conftest.until(pilot, lambda: "is running." in screen_text(app))
            assert f"127.0.0.1:{page.port}/{TOKEN}" in screen_text(app).replace("\n", "")
        assert page.ask("")[0] == 200


@pytest.mark.parametrize("variables", [{}, {"TMUX": "/tmp/x,1,0"}, {"STY": "1.pts"}], ids=["plain", "tmux", "screen"])
def test_text_is_wrapped_for_what_it_goes_through(variables: dict[str, str]) -> None:
    text = "ssh -L 8765:127.0.0.1:8765 me@höst " * 40
    found = clipboard.controls(text, variables)
    # a multiplexer takes its own controls off
    if "TMUX" in variables:
        found = found.removeprefix("\x1bPtmux;").partition("\x1b\\")[0].replace("\x1b\x1b", "\x1b")
    elif "STY" in variables:
        found = found.replace("\x1bP", "").replace("\x1b\\", "")
    assert found.startswith("\x1b]52;c;")
    assert base64.b64decode(found[7:-1]).decode() == text


@pytest.mark.slow
@pytest.mark.terminal
def test_a_path_reaches_the_clipboard_of_a_real_terminal(home: Home) -> None:
    run = a_heard_run(home)
    terminal = Terminal("--home", str(home.root), "watch", run.id, COLUMNS="100", LINES="30", TMUX="", STY="")
    terminal.read_until("drums")
    terminal.type("\x1b[15~")  # F5: the previews
    terminal.read_until("reconstruction")
    until(lambda: _pressed(terminal, str(run.path / FILE)), "the path on the clipboard")
    terminal.type("q")
    assert terminal.wait() == 0


def _pressed(terminal: Terminal, path: str) -> bool:
    """Press y, and look whether the terminal was told to take the path."""
    terminal.type("y")
    terminal._read(0.5)
    return f"\x1b]52;c;{base64.b64encode(path.encode()).decode()}\x07" in terminal.text


@pytest.mark.slow
@pytest.mark.terminal
def test_a_path_goes_through_tmux_as_it_is_installed(home: Home, tmp_path: Path) -> None:
    run = a_heard_run(home)
    tmux = Tmux(tmp_path, home.root)
    tmux("new-session", "-d", "-s", "app", "-x", "100", "-y", "30", f"distill-tui watch {run.id}")
    try:
        with tmux.attached() as client:
            until(lambda: "drums" in tmux("capture-pane", "-p", "-t", "app"), "the app")
            tmux("send-keys", "-t", "app", "F5")
            until(lambda: "kick.wav" in tmux("capture-pane", "-p", "-t", "app"), "the previews")

            def copied() -> bool:
                tmux("send-keys", "-t", "app", "y")
                client._read(0.2)
                wanted = base64.b64encode(str(run.path / FILE).encode()).decode()
                return wanted in client.text

            until(copied, "the path on the clipboard of the terminal outside")
            assert tmux("show-buffer") == str(run.path / FILE)
    finally:
        tmux.end()


@pytest.mark.slow
def test_serving_and_doctor_say_the_two_lines(home: Home) -> None:
    import subprocess
    import sys

    from distill_tui.cli.commands.doctor.listening import page as check

    assert "distill-tui serve" in check(home).text
    program = [
        sys.executable,
        "-P",
        "-m",
        "distill_tui",
        "--home",
        str(home.root),
        "serve",
        "--port",
        "0",
        "--until-eof",
    ]
    serving = subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    )
    assert serving.stdin is not None
    assert serving.stdout is not None
    told = b""
    while b"ends it." not in told:
        told += serving.stdout.readline()
    found = listening(home)
    assert found is not None
    assert found.address.encode() in told
    assert found.tunnel.encode() in told
    assert (home.root / "page.lock").stat().st_mode & 0o777 == 0o600
    assert found.address in check(home).text
    # a second one says where the first is, and does not take its place
    again = subprocess.run(program[:-3], capture_output=True, env=environment(), check=False)
    assert (again.returncode, found.address.encode() in again.stdout) == (0, True)
    other = subprocess.run([*program[:-3], "--new-token"], capture_output=True, env=environment(), check=False)
    assert (other.returncode, b"Traceback" in other.stderr, b"kill" in other.stderr) == (2, False, True)
    serving.stdin.close()
    assert serving.wait(30) == 0
    serving.stdout.close()
    assert serving.stderr is not None
    serving.stderr.close()
    assert listening(home) is None
