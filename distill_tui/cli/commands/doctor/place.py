"""Checks of the machine's memory, its decoders of sound, and the folders."""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from distill_tui import interpreter
from distill_tui.cli.commands.doctor.check import Check
from distill_tui.machine import cores, memory_bytes
from distill_tui.paths import Home
from distill_tui.text import printable

GIB = 1 << 30
LITTLE_SPACE, LITTLE_MEMORY = 2 * GIB, 2 * GIB
SETTINGS_CHECK = "distill_tui.ui.settings_check"
CHECK_SECONDS = 60.0
"""Importing the app from a slow network disk can take a while."""
USUAL_FORMATS = ("WAV", "FLAC", "OGG", "AIFF", "MP3")


def machine() -> Iterator[Check]:
    """Its cores and memory."""
    yield Check("machine", "cores", "ok", f"{cores()} that this process may use")
    total, free = memory_bytes()
    text = f"{free / GIB:.1f} of {total / GIB:.1f} GiB free"
    if free < LITTLE_MEMORY:
        yield Check("machine", "memory", "warning", text, "Training wants about 2 GiB: close other programs.")
    else:
        yield Check("machine", "memory", "ok", text)


def sound() -> Iterator[Check]:
    """Sound formats that can be read."""
    try:
        import soundfile
        import soxr

        formats = set(soundfile.available_formats())
    except (ImportError, OSError) as error:
        advice = "Install this program again; on an unusual system install libsndfile with its package manager."
        yield Check("sound", "libsndfile", "missing", printable(str(error)), advice, needed=True)
        return
    usual = [name for name in USUAL_FORMATS if name in formats]
    text = f"{soundfile.__libsndfile_version__} reads {', '.join(usual)} and {len(formats) - len(usual)} more"
    lacking = [name for name in USUAL_FORMATS if name not in formats]
    if lacking:
        advice = "A newer libsndfile reads them: python3 -m pip install --upgrade soundfile."
        yield Check("sound", "libsndfile", "warning", f"{text}; without {', '.join(lacking)}", advice)
    else:
        yield Check("sound", "libsndfile", "ok", text)
    yield Check("sound", "soxr", "ok", f"{soxr.__version__}, resamples")


def folders(home: Home) -> Iterator[Check]:
    """Writability of the home's folders, the size of its cache, and the free space."""
    from distill_tui.data.cache_room import cache_bytes

    elsewhere = "Choose another folder with --home or DISTILL_TUI_HOME."
    for name, folder in (("home", home.root), ("runs", home.runs), ("models", home.models), ("cache", home.cache)):
        shown = printable(str(folder))
        problem = why_not_writable(folder)
        if problem:
            yield Check("folder", name, "missing", f"{shown}: {problem}", elsewhere, needed=True)
            continue
        text = shown if folder.exists() else f"{shown}, made when it is needed"
        if name == "cache" and folder.exists():
            text += f", {cache_bytes(home) / GIB:.2f} GiB; it may be deleted while nothing trains"
        yield Check("folder", name, "ok", text)
    yield from _settings(home)
    with contextlib.suppress(OSError):
        free = shutil.disk_usage(_nearest(home.root)).free
        text = f"{free / GIB:.1f} GiB free"
        advice = f"An hour of decoded sound takes 0.3 GiB, a run's checkpoints about 0.5. {elsewhere}"
        yield (
            Check("folder", "space", "ok", text)
            if free >= LITTLE_SPACE
            else Check("folder", "space", "warning", text, advice)
        )


def _settings(home: Home) -> Iterator[Check]:
    """Mistakes in settings.toml, or its place. Only the app knows its keys, actions and themes: it is asked."""
    try:
        problems = settings_problems(home)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        advice = "The app may not start either: install this program again."
        yield Check("folder", "settings", "warning", f"cannot be checked: {printable(str(error))}", advice)
        return
    for problem in problems:
        yield Check("folder", "settings", "warning", problem, "Correct it: what is wrong there is not used.")
    if not problems:
        shown = printable(str(home.settings))
        yield Check("folder", "settings", "ok", shown if home.settings.exists() else f"none; they would be in {shown}")


def settings_problems(home: Home) -> list[str]:
    """Mistakes in settings.toml and in the themes, as found by the app in a process of its own.

    Raises:
        OSError, subprocess.SubprocessError, ValueError: it does not start, takes too long, or fails.
    """
    command = interpreter.python("-m", SETTINGS_CHECK, str(home.root))
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=CHECK_SECONDS)
    if done.returncode:
        raise ValueError((done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1])
    problems: list[str] = json.loads(done.stdout)
    return problems


def why_not_writable(folder: Path) -> str:
    """The reason why no file can be created in a folder, or '': tried if it exists, else asked of the folder above."""
    if folder.is_dir():
        try:
            with tempfile.TemporaryFile(dir=folder):
                return ""
        except OSError as error:
            return (error.strerror or str(error)).lower()
    nearest = _nearest(folder)
    if not nearest.is_dir():
        return f"{printable(str(nearest))} is not a folder"
    return "" if os.access(nearest, os.W_OK | os.X_OK) else f"{printable(str(nearest))} cannot be written"


def _nearest(folder: Path) -> Path:
    """The folder itself, or the nearest one above it that is there."""
    return next((path for path in (folder, *folder.parents) if os.path.lexists(path)), Path("/"))
