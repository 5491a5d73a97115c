"""What every test shares: a home of its own, and one small run that was trained to its end."""

import fcntl
import gc
import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from distill_tui.paths import Home
from distill_tui.runs.folder import RunFolder


def pytest_sessionstart() -> None:
    """Collect no garbage while tests are imported, which make next to none."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Leave what the imports made out of every later collection of garbage, a third of the app's tests' time."""
    gc.enable()
    gc.freeze()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An empty home folder, also for the processes that a test starts."""
    root = tmp_path / "home"
    monkeypatch.setenv("DISTILL_TUI_HOME", str(root))
    return Home(root)


@dataclass(frozen=True)
class Trained:
    """A finished run and its model, to be looked at only; what `distill-tui train` printed on the way."""

    home: Home
    sounds: Path
    run: RunFolder
    model: Path
    out: str
    err: str


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """One tiny run, trained by the real program in a pipe. Do not change it: copy what is to be changed.

    The first of pytest's processes that needs it trains it, for all of them.
    """
    from tests.programs import cli, few_sounds, only_run, tiny

    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "trained"
    folder.mkdir(exist_ok=True)
    home, printed = Home(folder / "home"), folder / "printed.json"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not printed.exists():
            sounds = few_sounds(folder / "sounds")
            done = cli("train", str(sounds), "--home", str(home.root), "--name", "tones [a] b", *tiny())
            assert done.returncode == 0, done.stderr
            printed.write_text(json.dumps((done.stdout, done.stderr)))
    out, err = json.loads(printed.read_text())
    (model,) = home.models.glob("*.distill")
    return Trained(home, folder / "sounds", only_run(home), model, out, err)
