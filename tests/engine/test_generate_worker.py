"""The warm process that generates for the app: its commands and events, on a tiny codec and a tiny generator."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from distill_tui.engine.generate.worker import Worker
from distill_tui.errors import DistillError
from distill_tui.paths import Home
from distill_tui.takes import protocol as p
from distill_tui.takes.folder import TakesFolder
from distill_tui.takes.request import Request
from tests.data.sounds import write
from tests.engine.small_generator import SmallCodec, make_codec, make_prior_run
from tests.engine.support import train_here
from tests.programs import environment

E = TypeVar("E", bound=p.Event)


@pytest.fixture(scope="module")
def codec(tmp_path_factory: pytest.TempPathFactory) -> SmallCodec:
    return make_codec(tmp_path_factory.mktemp("codec"))


class Desk:
    """The app's end of the pipes to a worker that runs in a thread."""

    def __init__(self, home: Home, idle_seconds: float = 60.0) -> None:
        commands, write = os.pipe()
        read, events = os.pipe()
        self._commands, self._events = os.fdopen(write, "wb"), os.fdopen(read, "rb")
        self.worker = Worker(home, os.fdopen(commands, "rb"), os.fdopen(events, "wb"), idle_seconds)
        self.id = 0
        self.thread = threading.Thread(target=self.worker.run, daemon=True)
        self.thread.start()

    def say(self, command: p.Command) -> None:
        self._commands.write(p.encode(command))
        self._commands.flush()

    def make(self, model: Path, folder: Path, **request: object) -> int:
        self.id += 1
        self.say(p.Make(self.id, str(model), str(folder), Request(**request)))  # type: ignore[arg-type]
        return self.id

    def until(self, *kinds: type[p.Event]) -> list[p.Event]:
        """The events up to one of these kinds."""
        found: list[p.Event] = []
        for line in self._events:
            found.append(p.decode_event(line))
            if isinstance(found[-1], kinds):
                break
        return found


@pytest.fixture
def desk(codec: SmallCodec) -> Iterator[Desk]:
    """A worker that is never told that its input has ended: it would end the tests."""
    desk = Desk(codec.home)
    yield desk
    KEPT.append(desk)


KEPT: list[Desk] = []


def takes_of(events: list[p.Event]) -> list[p.TakeMade]:
    return [event for event in events if isinstance(event, p.TakeMade)]


def test_takes_are_made_into_a_folder(desk: Desk, codec: SmallCodec, tmp_path: Path) -> None:
    desk.say(p.Open(str(codec.model)))
    (ready,) = [event for event in desk.until(p.Ready) if isinstance(event, p.Ready)]
    assert (ready.kind, ready.labels) == ("codec", ["high", "low"])
    id = desk.make(codec.model, tmp_path / "set", count=2, seed=5, label="low")
    *events, done = desk.until(p.Done, p.Failed)
    assert done == p.Done(id, 2)
    made = takes_of(events)
    assert [event.take.seed for event in made] == [5, 6]
    assert all(len(row) == 2 * p.PICTURE[0] for event in made for row in event.picture)
    assert [event.take for event in made] == TakesFolder(tmp_path / "set").takes
    assert all(take.nearest and take.frames for take in TakesFolder(tmp_path / "set").takes)
    again = desk.make(codec.model, tmp_path / "other", count=1, seed=6, label="low")
    *events, done = desk.until(p.Done, p.Failed)
    assert done == p.Done(again, 1)
    first, second = (tmp_path / name / TakesFolder(tmp_path / name).takes[-1].path for name in ("set", "other"))
    assert first.read_bytes()[44:1000] == second.read_bytes()[44:1000]
    assert not any(isinstance(event, p.Loading) for event in events), "the model is still there"


def test_a_generator_draws_from_its_prior(desk: Desk, codec: SmallCodec, tmp_path: Path) -> None:
    run = make_prior_run(codec.home, codec.model, codec.sounds, name="drawn")
    assert train_here(codec.home, run) == 0
    model = codec.home.models / "drawn.distill"
    desk.make(model, tmp_path / "set", count=1, seconds=0.2)
    events = desk.until(p.Done, p.Failed)
    assert [event.kind for event in events if isinstance(event, p.Ready)] == ["generator"]
    assert [event.take.method for event in takes_of(events)] == ["prior"]


def test_a_cancelled_request_keeps_its_takes_and_those_that_wait_make_none(
    desk: Desk, codec: SmallCodec, tmp_path: Path
) -> None:
    first = desk.make(codec.model, tmp_path / "set", count=1000)
    desk.make(codec.model, tmp_path / "set", count=1000)
    desk.until(p.TakeMade)
    desk.say(p.Cancel())
    *_, done = desk.until(p.Done, p.Failed)
    assert isinstance(done, p.Done)
    assert (done.id, done.cancelled) == (first, True)
    assert 1 <= done.takes < 1000
    *_, waiting = desk.until(p.Done, p.Failed)
    assert waiting == p.Done(2, 0, cancelled=True)
    assert len(TakesFolder(tmp_path / "set").takes) == done.takes
    desk.make(codec.model, tmp_path / "set", count=1)
    *_, last = desk.until(p.Done, p.Failed)
    assert last == p.Done(3, 1)


def test_what_cannot_be_done_is_told_and_ends_nothing(
    desk: Desk, codec: SmallCodec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def problem() -> p.Failed:
        *_, last = desk.until(p.Done, p.Failed)
        assert isinstance(last, p.Failed)
        return last

    silent = tmp_path / "silent.wav"
    write(silent, np.zeros(4000), 8000)
    desk.make(codec.model, tmp_path / "set", label="hihg")
    assert "no label 'hihg' (did you mean 'high'?)" in problem().message
    desk.make(codec.model, tmp_path / "set", like=str(silent))
    assert "silent.wav" in problem().message
    desk.make(codec.model, tmp_path / "set", like=str(tmp_path / "none.wav"))
    assert "none.wav" in problem().message
    (tmp_path / "file").write_text("")
    desk.make(codec.model, tmp_path / "file")
    assert "is a file, not a folder" in problem().message
    desk.make(tmp_path / "gone.distill", tmp_path / "set")
    assert problem().message.endswith("gone.distill: no such file or directory")
    (tmp_path / "bad.distill").write_text("not a model")
    desk.say(p.Open(str(tmp_path / "bad.distill")))
    assert "bad.distill" in problem().message
    desk._commands.write(b"not a command\n")

    written: list[Path] = []

    def full(path: Path, *rest: object, **how: object) -> None:
        if path.suffix == ".wav" and written:
            raise DistillError(f"cannot write {path}: no space left on device", "Free some space there.")
        written.append(path)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(rest[0])  # type: ignore[arg-type]

    monkeypatch.setattr("distill_tui.takes.folder.atomic_write", full)
    desk.make(codec.model, tmp_path / "full", count=3)
    failed = problem()
    assert failed.takes == 1
    assert "no space left" in failed.message
    assert len(TakesFolder(tmp_path / "full").takes) == 1


def test_it_ends_when_nothing_is_asked_for(codec: SmallCodec) -> None:
    desk = Desk(codec.home, idle_seconds=0.01)
    KEPT.append(desk)
    desk.thread.join(60)
    assert not desk.thread.is_alive()


def test_an_idle_process_ends_well_while_its_input_is_open(home: Home) -> None:
    idle = subprocess.Popen(
        [sys.executable, "-m", "distill_tui.engine.generate.worker", "--home", str(home.root), "--idle", "0.01"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    with idle:
        assert idle.stdout is not None
        assert idle.stderr is not None
        assert (idle.stdout.read(), idle.stderr.read(), idle.wait(60)) == (b"", b"", 0)


def test_it_ends_with_its_input_and_torch_is_imported_when_it_is_needed(home: Home) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "distill_tui.engine.generate.worker", "--home", str(home.root)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        env=environment(),
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
