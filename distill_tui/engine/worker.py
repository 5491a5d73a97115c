"""The worker process: trains one run and writes its log. `python -m distill_tui.engine.worker --home HOME RUN`.

The first event is written before torch is imported, and a last one always: finished, stopped or failed with the reason.
A traceback goes to worker.log, which is this process's output.
"""

import argparse
import contextlib
import faulthandler
import os
import platform
import signal
import sys
import traceback
from pathlib import Path

from distill_tui import __version__
from distill_tui.engine.parent import end_with_parent, leave_ranks
from distill_tui.engine.signals import Signals
from distill_tui.errors import DistillError
from distill_tui.files import private
from distill_tui.machine import raise_file_limit
from distill_tui.paths import Home, find_home
from distill_tui.recipe import toml
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.hooks import start_hooks
from distill_tui.runs.launcher import LAUNCHER_ENDED
from distill_tui.runs.log import LogWriter, read_events, tail_events

RESERVE_BYTES = 65536


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="distill_tui.engine.worker", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("run", type=Path)
    parser.add_argument("--with-parent", action="store_true", help="end when standard input ends")
    options = parser.parse_args(arguments)
    home, run = find_home(options.home), RunFolder(options.run.absolute())
    faulthandler.enable()
    if options.with_parent:
        end_with_parent(lambda: _fail_with_parent(run))
    # the terminal that it was started from may go at any time
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # from before the first event on: whoever stops it while torch is imported is heard as well
    stop = Signals()
    try:
        with run.hold() as held:
            held.sweep()
            reserve(held)
            start_hooks(home, held)
            raise_file_limit()
            code = work(home, held, stop)
            release(held)
        return leave_ranks(code)
    except DistillError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def work(home: Home, run: RunFolder, stop: Signals) -> int:
    """Train the run, from its newest checkpoint if it has one; the exit code."""
    resumed = run.events.exists() and next(read_events(run.events), None) is not None
    log = LogWriter(run.events)
    try:
        recipe = toml.load(run.recipe)
        log.write(
            e.Started(
                run=run.id,
                name=recipe.name,
                pid=os.getpid(),
                program=__version__,
                host=platform.node(),
                resumed=resumed,
            )
        )
        from distill_tui.engine.job import train_run

        if stop.heard:
            log.write(e.Stopped(step=0, epoch=0, seconds=0.0, reason=stop.reason))
            return 0
        log.write(train_run(home, run, recipe, log, resumed, stop))
        return 0
    except DistillError as error:
        return _fail(run, log, e.Failed(reason=error.message, advice=error.hint))
    except MemoryError:
        return _fail(
            run, log, e.Failed(reason="out of memory", advice="Try a smaller train.batch_size or model.channels.")
        )
    except Exception as error:  # noqa: BLE001 - whatever it is, viewers must hear of it; the traceback is in the log
        reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}"
        return _fail(run, log, e.Failed(reason=reason, advice=f"The traceback is in {run.worker_log}."))


def _fail_with_parent(run: RunFolder) -> None:
    """Say in the log that the launcher took this process away, unless it has ended its run already or not begun it."""
    if run.worker_pid() != os.getpid() or not run.events.exists():
        return
    events = tail_events(run.events)
    if events and not isinstance(events[-1], e.LAST):
        release(run)
        log = LogWriter(run.events)
        log.write(e.Failed(reason=LAUNCHER_ENDED, advice="Resume it, or start the launcher's command line again."))


def reserve(run: RunFolder) -> None:
    """Keep a little room on the disk, so that there is some for the last word when the disk is full."""
    with contextlib.suppress(OSError), open(run.reserve, "wb", opener=private) as file:
        file.write(os.urandom(RESERVE_BYTES))


def release(run: RunFolder) -> None:
    """Let go of what `reserve` kept."""
    with contextlib.suppress(OSError):
        run.reserve.unlink(missing_ok=True)


def _fail(run: RunFolder, log: LogWriter, event: e.Failed) -> int:
    """Say why it failed, in the log, and where, in the worker's own output; the exit code."""
    release(run)
    # on a disk that others have filled again nothing more can be told, and that must be no error of its own
    with contextlib.suppress(DistillError):
        log.write(event)
    with contextlib.suppress(OSError):
        traceback.print_exc()
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
