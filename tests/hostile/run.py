"""Running a case in a process of its own, and judging what it did."""

import asyncio
import contextlib
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from distill_tui.cli.main import run as main
from distill_tui.runs.folder import RunFolder
from tests.hostile.cases import Case, Command
from tests.hostile.home import Place

CPU_SECONDS = 10
"""Of processor time, as machines may be busy; what waits for something is ended after WALL_SECONDS."""
WALL_SECONDS = 60
MEMORY = 12 << 30
BAD_WORDS = ("Traceback", "a mistake in this program", "Exception ignored", "MemoryError")
KEYS = {
    "config": ("1", "ctrl+o", "down", "escape"),
    "training": ("2", "r", "down", "escape", "f3", "left", "f4", "m", "f2", "w", "escape"),
    "library": ("3", "down", "space", "up", "K"),
    "runs": ("6", "down", "space", "e", "escape", "s", "up", "equals_sign", "escape"),
    "explorer": ("4", "v", "e", "s", "b", "t", "d", "left", "enter"),
}
"""What is pressed on each screen, the first to get there."""
MAY_CHANGE = (
    *(".index.json", ".lock", "control.lock", "control.json", "worker.lock", "seen.json", "worker.reserve"),
    *("notes.json", "notes.lock", ".notes.json"),
)
"""What commands write themselves."""


def run_case(case: Case, template: Place, folder: Path) -> list[str]:
    """What was wrong with how a case went; [] when nothing was."""
    shutil.copytree(template.root, folder, symlinks=True)
    place = Place(folder)
    words = _words(place)
    for name in ("model", "trained", "recorded", "explored"):
        assert name in words
    case.apply(place)
    before = _content(place, case)
    problems = []
    for command in case.commands:
        given = tuple(_filled(word, words) for word in command)
        problems += [f"{' '.join(given)[:200]!r}: {problem}" for problem in _run(given, place, words, case.alive)]
    after = _content(place, case)
    lost = [name for name, content in before.items() if after.get(name) != content]
    if any("rename" in command or "delete" in command for command in case.commands):
        lost = [name for name in lost if not name.startswith(("home/models/", f"home/runs/{words['recorded']}"))]
    if ("restore",) in case.commands:
        # it says in the log which checkpoints it passed over
        lost = [name for name in lost if not name.endswith("events.jsonl")]
    if lost:
        problems.append(f"changed or lost: {lost}")
    if list(folder.rglob("ran")) or Path("ran").exists():
        problems.append("code was run")
    return problems


def _words(place: Place) -> dict[str, str]:
    return {
        "home": str(place.home.root),
        "model": str(place.home.models / "tones.distill"),
        "trained": place.trained.id,
        "recorded": place.recorded.id,
        "explored": place.explored.id,
        "sounds": str(place.sounds),
        "sound": str(place.sounds / "tone-0.wav"),
        "codes": str(place.codes),
        "recipe": str(place.recipe),
        "nosounds": str(place.pictures),
        "pictures": str(place.pictures),
        "out": str(place.root / "out" / "x"),
    }


def _filled(word: str, words: dict[str, str]) -> str:
    for name, value in words.items():
        word = word.replace(f"{{{name}}}", value)
    return word


def _content(place: Place, case: Case) -> dict[str, bytes]:
    touched = case.touched(place) if case.touched is not None and _can(case, place) else None
    found = {}
    for folder, names, files in os.walk(place.root):
        if Path(folder) == touched or Path(folder).name in ("cache", "out", "log", "tmp"):
            names.clear()
            continue
        for name in files:
            path = Path(folder, name)
            with contextlib.suppress(OSError):
                if path != touched and path.is_file() and not path.is_symlink() and name not in MAY_CHANGE:
                    found[str(path.relative_to(place.root))] = path.read_bytes() if path.stat().st_size < 1e7 else b""
    return found


def _can(case: Case, place: Place) -> bool:
    with contextlib.suppress(OSError, StopIteration, ValueError):
        assert case.touched is not None
        case.touched(place)
        return True
    return False


def _run(command: Command, place: Place, words: dict[str, str], alive: bool) -> list[str]:
    """Run one command in a fork; what was wrong."""
    with _held(place, words["recorded"]) if alive else contextlib.nullcontext(), tempfile.TemporaryFile() as output:
        pid = os.fork()
        if pid == 0:
            _child(command, place, words, output.fileno())
        status, late = _wait(pid)
        output.seek(0)
        said = output.read().decode(errors="replace")
    if late:
        return [f"hangs; so far: {said[-300:]}"]
    code = os.waitstatus_to_exitcode(status)
    if code == -signal.SIGXCPU:
        return [f"takes more than {CPU_SECONDS} s; so far: {said[-300:]}"]
    problems = [f"ended with {code}: {said[-1500:]}"] if code not in (0, 1, 2, 130) else []
    return problems + [f"said {word!r}: {said[-3000:]}" for word in BAD_WORDS if word in said][:1]


@contextlib.contextmanager
def _held(place: Place, name: str) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(Exception):
            stack.enter_context(RunFolder(place.home.runs / name).hold(0.1))
        yield


def _wait(pid: int) -> tuple[int, bool]:
    deadline = time.monotonic() + WALL_SECONDS
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status, False
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1], True


def _child(command: Command, place: Place, words: dict[str, str], output: int) -> None:
    """In the fork: do it, and never come back."""
    code = 70
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 5))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", closefd=False, buffering=1, errors="backslashreplace")  # noqa: SIM115
        (place.root / "tmp").mkdir(exist_ok=True)
        # what an odd argument names is written there, and not where the tests were started
        os.chdir(place.root / "tmp")
        tempfile.tempdir = str(place.root / "tmp")
        os.environ |= {"DISTILL_TUI_HOME": words["home"], "TMPDIR": str(place.root / "tmp"), "TERM": "xterm-256color"}
        random.seed(0)
        match command:
            case ("app", screen, *run):
                asyncio.run(_app(place, screen, run[0] if run else ""))
                code = 0
            case ("restore",):
                code = _restore(place)
            case ("problems",):
                from distill_tui.ui.settings_check import all_problems

                print("\n".join(all_problems(place.home)))
                code = 0
            case ("pictures",):
                code = _pictures(place)
            case _:
                code = main(command)
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:  # noqa: BLE001 - whatever it is, it is what the case is judged by
        import traceback

        traceback.print_exc()
    finally:
        # whoever is told at the end of a process (threads of torch, coverage) is not told of a fork's
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


async def _app(place: Place, screen: str, name: str) -> None:
    """The app's start and a look at every screen, without a terminal."""
    from distill_tui.ui.app import DistillApp

    run = RunFolder(place.home.runs / name) if name else None
    app = DistillApp(place.home, run, explore=screen == "explorer")
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause(0.3)
        await pilot.press(*KEYS[screen], "question_mark", "escape")
        await pilot.pause(0.3)
    if app.return_code:
        raise SystemError(f"the app ended with {app.return_code}")


def _restore(place: Place) -> int:
    """What a worker does before its first step when it goes on."""
    from distill_tui.errors import DistillError
    from tests.engine.support import make_trainer

    try:
        make_trainer(place.home, place.trained).restore()
    except DistillError as error:
        print(error)
        return 1
    return 0


def _pictures(place: Place) -> int:
    """What `explore --data` does before it makes a run."""
    from distill_tui.data.images.dataset import find_pictures
    from distill_tui.errors import DistillError

    try:
        find_pictures(place.pictures, 0.1)
    except DistillError as error:
        print(error)
        return error.exit_code
    return 0
