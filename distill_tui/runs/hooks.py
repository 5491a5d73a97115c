"""Hooks: the user's commands, started when a run ends or raises a warning.

A small process beside the worker starts them, so that they run after a kill as well. Like any viewer it only reads the
log, and it ends with its worker. There is one only if settings.toml names a command.

    python -m distill_tui.runs.hooks --home HOME RUN PID OFFSET
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import msgspec

from distill_tui.interpreter import python
from distill_tui.paths import Home, find_home
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.follow import RunFollower
from distill_tui.runs.log import LogReader, end_of_log
from distill_tui.runs.quick_state import QuickState
from distill_tui.runs.state import RunState
from distill_tui.settings import Settings, read_settings

POLL_SECONDS = 0.5


def start_hooks(home: Home, run: RunFolder) -> None:
    """Start the hooks' process for this process, the run's worker, before its first event; none without a command."""
    settings = read_settings(home)
    if not (settings.on_finish or settings.on_warning):
        return
    place = ["--home", str(home.root), str(run.path), str(os.getpid()), str(end_of_log(run.events))]
    try:
        subprocess.Popen(
            python("-m", "distill_tui.runs.hooks", *place), stdin=subprocess.DEVNULL, start_new_session=True
        )
    except OSError as error:
        print(f"on_finish and on_warning will not be started: {error}", file=sys.stderr)


def follow(run: RunFolder, pid: int, offset: int, settings: Settings) -> None:
    """Follow the log from `offset` on while the worker `pid` lives, and start the commands of the settings.

    A command is not waited for: it may take any time, or train the next run. `on_warning` is started once for each kind
    of warning, except those of step 0, which were printed when the run was started.
    """
    reader, raised = LogReader(run.events), set[str]()
    reader.offset = offset
    follower = RunFollower(run, QuickState, reader, lambda: run.is_alive() and run.worker_pid() == pid)

    def is_of_another(event: e.Event) -> bool:
        # the run was resumed already: another process watches over what follows
        return isinstance(event, e.Started) and event.pid != pid

    for event in follower.events(POLL_SECONDS, is_of_another):
        if isinstance(event, e.WarningRaised) and event.step and event.code not in raised:
            raised.add(event.code)
            start(settings.on_warning, run, follower.state, event.text)
    state = follower.state
    if state.is_active:
        # perhaps killed before its first event
        state.state = "crashed"
    start(settings.on_finish, run, state, state.reason)


def start(command: str, run: RunFolder, state: RunState, reason: str) -> None:
    """Start a shell command; its output goes where that of this process goes, to the worker's log."""
    if not command:
        return
    text = f"{state.name} {state.state}" + (f": {reason}" if reason not in ("", state.state) else "")
    variables = {
        "DISTILL_TEXT": text,
        "DISTILL_JSON": msgspec.json.encode({"text": text}).decode(),
        "DISTILL_RUN": str(run.path),
        "DISTILL_NAME": state.name,
        "DISTILL_STATE": state.state,
        "DISTILL_REASON": reason,
        "DISTILL_MODEL": state.model.path if state.model else "",
    }
    try:
        subprocess.Popen(
            ["/bin/sh", "-c", command],
            stdin=subprocess.DEVNULL,
            env={**os.environ, **variables},
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        print(f"a command of the settings was not started: {error}", file=sys.stderr)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="distill_tui.runs.hooks", description=__doc__)
    parser.add_argument("--home", required=True)
    parser.add_argument("run", type=Path)
    parser.add_argument("pid", type=int)
    parser.add_argument("offset", type=int)
    options = parser.parse_args(arguments)
    follow(RunFolder(options.run), options.pid, options.offset, read_settings(find_home(options.home)))


if __name__ == "__main__":
    main(sys.argv[1:])
