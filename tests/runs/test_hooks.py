"""Hooks: a person's commands are started when a run ends or needs attention, also when its worker was killed."""

import http.server
import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from distill_tui.cli.commands.doctor.example import NTFY, SLACK
from distill_tui.paths import Home
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.hooks import start
from distill_tui.runs.state import RunState
from tests.programs import PATIENCE, until
from tests.runs.support import a_run

WORKER = """
import os, sys, pathlib
from distill_tui.paths import find_home
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.hooks import start_hooks
from distill_tui.runs.log import LogWriter
run = RunFolder(pathlib.Path(sys.argv[1]))
with run.hold():
    start_hooks(find_home(), run)
    log = LogWriter(run.events)
    say = log.write
    say(e.Started(run=run.id, name="drums", pid=os.getpid(), program="0"))
    exec(sys.argv[2])
"""
"""What a worker does of itself, without torch; its fate is given."""
FATES = {
    "finished": "say(e.ModelSaved(id='i', name='m', path='/m.distill', step=9));"
    "say(e.Finished(step=9, epoch=1, seconds=1))",
    "stopped": "say(e.Stopped(step=9, epoch=1, seconds=1, reason='asked to'))",
    "failed": "say(e.Failed(reason='no luck'))",
    "crashed": "os.kill(os.getpid(), 9)",
}
TOLD = {
    "finished": "finished|drums||/m.distill",
    "stopped": "stopped|drums|asked to|",
    "failed": "failed|drums|no luck|",
    "crashed": "crashed|drums|the worker was killed (out of memory?)|",
}


def live(run: RunFolder, fate: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", WORKER, str(run.path), fate])


def settings(home: Home, **commands: str) -> Path:
    """The file to which the commands of these names write what they were told."""
    home.root.mkdir()
    told = home.root / "told"
    say = f"""echo "$DISTILL_STATE|$DISTILL_NAME|$DISTILL_REASON|$DISTILL_MODEL" >> '{told}'"""
    home.settings.write_text("".join(f"{name} = '''{say}{more}'''\n" for name, more in commands.items()))
    return told


def test_however_a_run_ends_its_command_is_started_once(home: Home) -> None:
    told = settings(home, on_finish="; exit 3")
    for process in [live(a_run(home, name), fate) for name, fate in FATES.items()]:
        process.wait(PATIENCE)
    until(lambda: told.exists() and told.read_text().count("\n") >= len(TOLD), "what the commands were told")
    assert sorted(told.read_text().splitlines()) == sorted(TOLD.values())


def test_a_warning_starts_its_command_once_a_kind(home: Home) -> None:
    told = settings(home, on_warning="")
    warnings = [("early", 0), ("dead codes", 3), ("dead codes", 6), ("gap", 6)]
    fate = ";".join(
        f"say(e.WarningRaised(code={code!r}, text={code!r} ' of {step}', step={step}))" for code, step in warnings
    )
    assert live(a_run(home), f"{fate};{FATES['finished']}").wait(PATIENCE) == 0
    until(lambda: told.exists() and told.read_text().count("\n") >= 2, "what the commands were told")
    assert told.read_text().splitlines() == ["starting|drums|dead codes of 3|", "starting|drums|gap of 6|"]


def test_who_was_killed_and_went_on_at_once_is_told_apart(home: Home) -> None:
    """The worker of a run that goes on at once has hooks of its own."""
    told, run = settings(home, on_finish=""), a_run(home)
    live(run, FATES["crashed"]).wait(PATIENCE)
    live(run, FATES["finished"]).wait(PATIENCE)
    until(lambda: told.exists() and told.read_text().count("\n") >= 2, "what the commands were told")
    assert sorted(told.read_text().splitlines()) == sorted([TOLD["crashed"], TOLD["finished"]])


def test_without_a_command_there_are_no_hooks(home: Home) -> None:
    script = WORKER.replace("exec(sys.argv[2])", "import subprocess; print(len(subprocess._active))")
    done = subprocess.run(
        [sys.executable, "-c", script, str(a_run(home).path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "0\n"


@pytest.mark.skipif(shutil.which("curl") is None, reason="the ready-made commands call curl")
def test_the_ready_made_commands_send_the_text_as_it_is(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[tuple[str, bytes]] = []
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def kept(*arguments: Any, **how: Any) -> "subprocess.Popen[bytes]":
        started.append(popen(*arguments, **how))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", kept)

    class Stand(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stand) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        here = f"http://127.0.0.1:{server.server_port}/"
        # a name that curl would take for a file, the shell for a command, and JSON for its end
        state = RunState(name='@/etc/hostname"$(id)é', state="stopped")
        for command, host in ((NTFY, "https://ntfy.sh/"), (SLACK, "https://hooks.slack.com/")):
            start(command.replace(host, here), a_run(home), state, "asked to")
        assert [process.wait(PATIENCE) for process in started] == [0, 0]
        server.shutdown()
    text = f"{state.name} stopped: asked to"
    assert sorted(received)[0] == ("/YOUR-TOPIC", text.encode())
    assert json.loads(sorted(received)[1][1]) == {"text": text}
