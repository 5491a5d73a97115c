"""One training by several processes: real ones, that meet by gloo. Rank 0 is this process, in place of a worker."""

import datetime
import os
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch

from distill_tui.engine import launch, worker
from distill_tui.engine.tasks import waves
from distill_tui.engine.training import checkpoint
from distill_tui.engine.training.cpu_shards import choose_shards
from distill_tui.engine.training.distributed import ProcessRanks, RankLostError
from distill_tui.errors import DistillError, RequestError
from distill_tui.interpreter import python
from distill_tui.paths import Home
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.schema import Recipe
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.launcher import LAUNCHER_ENDED, Launched
from distill_tui.runs.log import LogWriter, read_events
from distill_tui.runs.service import _change_devices
from tests.engine.support import events_of, make_run, make_trainer, tones, train_here
from tests.programs import PATIENCE

SHORT: dict[str, Any] = {
    "train__batch_size": 9,
    "train__steps_per_epoch": 3,
    "train__epochs": 3,
    "train__quantizer_warmup_fraction": 0.3,
    "train__seed": 4,
    "model__dropout": 0.1,
}


@pytest.fixture(autouse=True)
def two_threads(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Two threads of torch in every process, whatever this machine has."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    yield
    torch.set_num_threads(before)
    close()


def close() -> None:
    """Do what the end of a failed worker's process does."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def whole_state(run: RunFolder) -> dict[str, Any]:
    """The newest checkpoint of a run, without what it took in time."""
    return checkpoint.load(next(checkpoint.newest_first(run.checkpoints)))


def differences(one: Any, two: Any, near: float = 0.0, path: str = "") -> list[str]:
    """Where two nested states differ by more than `near` of their values."""
    if isinstance(one, dict):
        return [d for key in one for d in differences(one[key], two[key], near, f"{path}/{key}")]
    if isinstance(one, torch.Tensor):
        same = torch.equal(one, two) if not near else torch.allclose(one, two, rtol=near, atol=near)
        return [] if same else [path]
    return []


def with_faults(monkeypatch: pytest.MonkeyPatch, faults: str) -> None:
    """Have something happen to every other rank: see `faulty_rank`."""
    monkeypatch.setenv("FAULTS", faults)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setattr(launch, "python", lambda *words: python(words[0], "tests.engine.faulty_rank", *words[2:]))


def ending(run: RunFolder) -> e.Event:
    return list(read_events(run.events))[-1]


@pytest.mark.slow
def test_two_ranks_give_the_weights_of_two_shards_bit_for_bit(home: Home, tmp_path: Path) -> None:
    sounds = tones(tmp_path / "sounds")
    # all that a training may have: the quantizer's warm-up, k-means, and a discriminator at the end
    values = SHORT | {"train__adversarial_fraction": 0.3}
    alone = make_trainer(home, make_run(home, sounds, **values))
    torch.set_num_threads(2)
    alone.train_step.shards = choose_shards(alone.recipe, alone.device)
    assert alone.train_step.shards.count == 2
    assert alone.run()
    run = make_run(home, sounds, **values, train__devices="2")
    assert train_here(home, run) == 0, ending(run)
    kept = whole_state(run)
    now: dict[str, Any] = {**alone.train_step.state(), **alone.task.state()}
    for key in ("net", "averaged", "optimizer", "usage", "adversarial"):
        assert differences(now[key], kept[key]) == [], key
    assert events_of(run, e.QuantizationStarted)
    assert events_of(run, e.AdversarialStarted)
    prepared = events_of(run, e.RunPrepared)[0]
    assert prepared.device == "2 x cpu"
    losses = [event.values["loss/train"] for event in events_of(run, e.Metrics) if event.scope == "step"]
    assert losses
    assert all(loss is not None for loss in losses)


@pytest.mark.slow
def test_a_run_goes_on_with_another_number_of_ranks(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sounds = tones(tmp_path / "sounds")
    # what dropout draws follows from a chunk's number: on three ranks it is another
    values = SHORT | {"model__dropout": 0.0}
    alone = make_run(home, sounds, **values)
    assert train_here(home, alone) == 0
    run = make_run(home, sounds, **values, train__devices="2", train__checkpoint_minutes=0.0)
    with_faults(monkeypatch, "kill@5")
    assert train_here(home, run) == 1
    last = ending(run)
    assert isinstance(last, e.Failed)
    assert "rank 1" in last.reason
    assert "was killed by SIGKILL" in last.reason
    # that of step 5 may have been in the making
    assert max(saved.step for saved in events_of(run, e.CheckpointSaved)) >= 4
    close()
    monkeypatch.undo()
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    _change_devices(run, "3")
    assert train_here(home, run) == 0
    assert events_of(run, e.RunPrepared)[-1].device == "3 x cpu"
    assert isinstance(ending(run), e.Finished)
    assert differences(whole_state(alone)["net"], whole_state(run)["net"], near=1e-3) == []


@pytest.mark.slow
def test_out_of_memory_and_a_step_without_numbers_are_met_by_all_ranks_at_once(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(home, tones(tmp_path / "sounds"), **SHORT | {"model__dropout": 0.0}, train__devices="2")
    with_faults(monkeypatch, "memory@2 nan@7")
    monkeypatch.setenv("WEIGHTS", str(tmp_path / "weights"))
    assert train_here(home, run) == 0
    warnings = {event.code: event.text for event in events_of(run, e.WarningRaised)}
    assert "in 2 parts from here" in warnings["out-of-memory"]
    assert warnings["not-finite"].startswith("1 step before")
    theirs = torch.load(tmp_path / "weights", weights_only=True)
    assert differences(whole_state(run)["net"], theirs) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "words"), [("kill@prepare", "was killed by SIGKILL"), ("fail@prepare", "its sounds are on another disk")]
)
def test_a_rank_that_cannot_begin_ends_the_run_with_the_reason(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, words: str
) -> None:
    run = make_run(home, tones(tmp_path / "sounds"), **SHORT, train__devices="2")
    with_faults(monkeypatch, fault)
    assert train_here(home, run) == 1
    last = ending(run)
    assert isinstance(last, e.Failed)
    assert "rank 1" in last.reason
    assert words in last.reason


def test_a_busy_port_is_named(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(home, tones(tmp_path / "sounds"))
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        for name, value in (("RANK", 0), ("WORLD_SIZE", 2), ("MASTER_ADDR", "127.0.0.1"), ("MASTER_PORT", port)):
            monkeypatch.setenv(name, str(value))
        assert train_here(home, run) == 1
    last = ending(run)
    assert isinstance(last, e.Failed)
    assert f"127.0.0.1:{port}" in last.reason
    assert "MASTER_PORT" in last.advice


def test_ranks_on_one_machines_processors_share_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    shares: list[float] = []
    monkeypatch.setattr(waves, "hold", lambda _waves, _device, most: shares.append(most))
    monkeypatch.setattr(waves, "memory_bytes", lambda: (0, 800))
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    waves.load_waves([], torch.device("cpu"))
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 4)
    waves.load_waves([], torch.device("cpu"))
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    waves.load_waves([], torch.device("cpu"))
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: False)
    assert shares == [400, 100, 200]


def test_a_rank_with_other_data_ends_the_run(home: Home) -> None:
    class Met(ProcessRanks):
        def __init__(self) -> None:
            self.sent: list[Any] = []

        def use(self, device: torch.device) -> None: ...

        def send(self, message: Any) -> None:
            self.sent.append(message)

        def exchange(self, fact: Any) -> list[Any]:
            return [fact, ("", 8)]

    ranks, cpu = Met(), torch.device("cpu")
    run = RunFolder(home.root.parent / "moved" / "a-run")
    launch.prepare(ranks, home, run, cpu, torch.float32, 8)
    assert ranks.sent[0].home == str(home.root)
    with pytest.raises(DistillError, match="rank 1 has other data"):
        launch.prepare(ranks, home, run, cpu, torch.float32, 7)


def test_ranks_that_were_dismissed_may_die(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[bool] = []
    ranks = ProcessRanks.__new__(ProcessRanks)
    ranks._dismissed, ranks._on_end = False, lambda: ended.append(True)

    def lost(_message: Any) -> None:
        raise RankLostError("rank 1 is gone")

    monkeypatch.setattr(ranks, "send", lost)
    ranks.dismiss()
    ranks.dismiss()
    assert ended == [True]


@pytest.mark.parametrize("is_late", [True, False])
def test_a_rank_of_a_launcher_waits_until_rank_0_comes(monkeypatch: pytest.MonkeyPatch, is_late: bool) -> None:
    said: list[str] = []

    class Store:
        def set(self, key: str, _value: str) -> None:
            said.append(f"set {key}")

        def wait(self, keys: list[str], limit: datetime.timedelta) -> None:
            assert limit > datetime.timedelta(hours=10)
            said.append(f"wait {keys[0]}")

        def set_timeout(self, _limit: datetime.timedelta) -> None: ...

    monkeypatch.setattr(launch, "rendezvous", lambda _url, timeout: iter([(Store(), 0, 2)]))
    monkeypatch.setattr(torch.distributed, "init_process_group", lambda _kind, **_: said.append("met"))
    launch.meet(Launched(int(is_late), 2, 0, 1, "host:1"))
    assert said == ["wait met/0" if is_late else "set met/0", "met"]


def test_more_processes_than_examples_are_dismissed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    dismissed: list[bool] = []
    ranks = type("Met", (), {"dismiss": lambda _: dismissed.append(True)})()
    monkeypatch.setattr(launch, "launched", lambda: Launched(0, 9, 0, 9, "host:1"))
    monkeypatch.setattr(launch, "meet", lambda _place: None)
    monkeypatch.setattr(launch, "ProcessRanks", lambda _size: ranks)
    log: Any = None
    recipe = with_values(Recipe(), {"train.batch_size": 8})
    with (
        pytest.raises(RequestError, match="9 processes cannot share batches of 8"),
        launch.open_ranks(RunFolder(home.root), recipe, log),
    ):
        pass
    assert dismissed == [True]


def test_a_worker_that_its_launcher_ends_says_so(home: Home, tmp_path: Path) -> None:
    run = make_run(home, tones(tmp_path / "sounds", 2))
    with run.hold():
        log = LogWriter(run.events)
        log.write(e.StateChanged(state="running"))
        worker._fail_with_parent(run)
        last = ending(run)
        assert isinstance(last, e.Failed)
        assert last.reason == LAUNCHER_ENDED
        worker._fail_with_parent(run)
    assert len(list(read_events(run.events))) == 2


@pytest.mark.parametrize("count", [7, 8, 9])
def test_shares_are_whole_and_differ_by_one_at_most(count: int) -> None:
    ranks = ProcessRanks.__new__(ProcessRanks)
    ranks.size = 3
    shares = []
    for rank in range(3):
        ranks.rank = rank
        shares.append(ranks.share(torch.arange(count)))
    assert torch.equal(torch.cat(shares), torch.arange(count))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert [len(share) for share in shares] == [len(share) for share in torch.arange(count).tensor_split(3)]


def test_rank_0_is_ended_where_it_does_not_notice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    codes: list[int] = []
    watch = launch.Watch(LogWriter(tmp_path / "events.jsonl"), None, "resume it")
    monkeypatch.setattr(launch, "GRACE_SECONDS", 0.01)

    def leave(code: int) -> None:
        codes.append(code)
        watch.stop()

    monkeypatch.setattr(os, "_exit", leave)
    process = subprocess.Popen(["sleep", "60"], stdin=subprocess.PIPE)
    watch.others = [launch.Other(1, "cuda:1", process)]
    watch.start()
    process.kill()
    assert watch._stopped.wait(PATIENCE)
    watch.kill()
    assert codes == [1]
    (last,) = read_events(tmp_path / "events.jsonl")
    assert isinstance(last, e.Failed)
    assert "rank 1" in last.reason
    assert "SIGKILL" in last.reason
    assert last.advice == "resume it"


def test_what_became_of_a_rank_is_said() -> None:
    class Ended:
        pid = 5

        def __init__(self, code: int | None) -> None:
            self.code = code

        def poll(self) -> int | None:
            return self.code

    store: Any = type("Store", (), {"check": lambda _, keys: True, "get": lambda _, key: b"its disk is full"})()
    log: Any = None
    watch = launch.Watch(log, store, "")
    for code, words in (
        (None, ""),
        (0, ""),
        (-9, "rank 1 (process 5 on cuda:1) was killed by SIGKILL (too little memory is the usual cause)"),
        (-11, "rank 1 (process 5 on cuda:1) was killed by SIGSEGV"),
        (1, "rank 1 (process 5 on cuda:1) failed: its disk is full"),
    ):
        process: Any = Ended(code)
        missing: Any = Ended(launch.MISSED if code else code)
        watch.others = [launch.Other(0, "cuda:0", missing), launch.Other(1, "cuda:1", process)]
        assert watch._reason() == words
