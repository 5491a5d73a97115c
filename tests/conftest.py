"""What every test shares: a home of its own, and one small run that was trained to its end."""

import gc
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from distill_tui.paths import Home
from distill_tui.runs.folder import RunFolder


def pytest_collection_finish() -> None:
    """Leave what the imports made out of every later collection of garbage, a fifth of the app's tests' time."""
    gc.collect()
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
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    """One tiny run, trained by the real program in a pipe. Do not change it: copy what is to be changed."""
    from tests.programs import cli, few_sounds, only_run, tiny

    folder = tmp_path_factory.mktemp("trained")
    home, sounds = Home(folder / "home"), few_sounds(folder / "sounds")
    done = cli("train", str(sounds), "--home", str(home.root), "--name", "tones [a] b", *tiny())
    assert done.returncode == 0, done.stderr
    (model,) = home.models.glob("*.distill")
    yield Trained(home, sounds, only_run(home), model, done.stdout, done.stderr)
